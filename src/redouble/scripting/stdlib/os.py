"""`os`, of which Redis gives one function."""

from __future__ import annotations

import time
from typing import Any

from redouble.scripting.values import Value

__all__ = ["library"]


def library() -> dict[bytes, Any]:
    def clock(*_: Value) -> Value:
        return time.process_time()

    return {b"clock": clock}

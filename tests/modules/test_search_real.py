"""Some queries by chance beside a real server (many: python -m tests.fuzz.modules.search)."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.fuzz.modules.search import play

QUERIES = int(os.environ.get("SEARCH_QUERIES", "400"))
DIFFERENT = 0.02
"""So many may differ: docs/differences.md says why."""

pytestmark = pytest.mark.real


def test_queries(real: Any) -> None:
    real("redis-stack-7.4")  # skips where there is none
    result = play(1, QUERIES)
    assert len(result.different) <= DIFFERENT * result.asked, result.different[0][1:]

"""Each test of this folder begins and ends with no patch and no shared server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from redouble import reset, unpatch


@pytest.fixture(autouse=True)
def _nothing_shared() -> Iterator[None]:
    reset()
    yield
    unpatch()
    reset()

"""Each test of this folder begins and ends with no patch and no shared server."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from redouble import reset, unpatch

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.frameworks.django_settings"


@pytest.fixture(autouse=True)
def _nothing_shared() -> Iterator[None]:
    reset()
    yield
    unpatch()
    reset()

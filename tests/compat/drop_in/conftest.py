"""Suites as users of fakeredis have them: nothing in this folder names redouble, but this file does to begin each test anew.

`tests/compat/test_drop_in.py` runs them in an interpreter of their own, with `-p redouble.as_fakeredis`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import redouble

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.compat.drop_in.django_settings"


@pytest.fixture(autouse=True)
def _nothing_shared() -> Iterator[None]:
    redouble.reset()
    yield
    redouble.reset()

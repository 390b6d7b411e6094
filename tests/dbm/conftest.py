"""Disks are slow, and what is tested here does not end with the power: nothing is really synced."""

from __future__ import annotations

import pytest

from redouble.dbm import system


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "fsync", lambda fd: None)
    monkeypatch.setattr(system, "fsync_folder", lambda path: None)

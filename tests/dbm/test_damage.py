"""Files that somebody cut off or in which a bit was flipped: at every byte of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import redouble.dbm
from redouble.dbm import log

State = dict[bytes, bytes]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SEGMENT_SIZE", 200)


def fill(folder: Path) -> State:
    """Some segments, with a batch, deleted keys and overwritten ones, all synced."""
    with redouble.dbm.open(folder, "c") as db:
        for number in range(8):
            db[f"key{number}"] = b"value %d" % number * 5
        del db["key3"]
        with db.batch() as batch:
            batch["one"], batch["two"] = b"1", b"2"
            del batch["key4"]
        db["key1"] = b"again"
        return dict(db.items())


@pytest.fixture
def database(tmp_path: Path) -> tuple[Path, State]:
    return tmp_path / "db", fill(tmp_path / "db")


def read(folder: Path, flag: str) -> State | None:
    """What it gives; None if it says that it is damaged."""
    try:
        with redouble.dbm.open(folder, flag) as db:
            return {key: db[key] for key in db}
    except redouble.dbm.DBMDamageError:
        return None


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.name != "LOCK"]


def variants(path: Path) -> Iterator[bytes]:
    whole = path.read_bytes()
    for at in range(len(whole)):
        yield whole[:at]
    for at in range(len(whole)):
        yield whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]


@pytest.mark.parametrize("name", ["MANIFEST", "INDEX", "00000001.log", "00000002.log", "last"])
def test_what_is_damaged_is_reported_or_harmless(database: tuple[Path, State], tmp_path: Path, name: str) -> None:
    folder, state = database
    logs = sorted(path.name for path in folder.glob("*.log"))
    assert len(logs) > 2
    name = logs[-1] if name == "last" else name
    copy = tmp_path / "copy"
    for data in variants(folder / name):
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        (copy / name).write_bytes(data)
        assert redouble.dbm.verify(copy).findings
        for remove_index in (False, True):
            if remove_index:
                (copy / "INDEX").unlink()
            for flag in "rw":
                found = read(copy, flag)
                assert found is None or found == state, (name, len(data), flag)


@pytest.mark.parametrize("name", ["MANIFEST", "INDEX", "00000001.log", "00000002.log", "last"])
def test_a_file_that_is_missing(database: tuple[Path, State], name: str) -> None:
    folder, state = database
    name = sorted(path.name for path in folder.glob("*.log"))[-1] if name == "last" else name
    (folder / name).unlink()
    for flag in "rwc":
        if name == "INDEX":
            assert read(folder, flag) == state
        else:
            assert read(folder, flag) is None

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


def variants(whole: bytes) -> Iterator[bytes]:
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
    whole = (folder / name).read_bytes()
    for number, data in enumerate(variants(whole)):
        (folder / name).write_bytes(data)
        assert redouble.dbm.verify(folder).findings
        found = read(folder, "r")
        assert found is None or found == state, (name, len(data))
        if number % 3 == 0:  # a writer changes what it finds
            copy = tmp_path / str(number)
            shutil.copytree(folder, copy)
            if number % 2:
                (copy / "INDEX").unlink()
            found = read(copy, "w")
            assert found is None or found == state, (name, len(data))
            if found is not None:
                assert read(copy, "r") == state


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

"""What other systems do, and what a system may do now and then."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import Any

import pytest

import redouble.dbm
from redouble.dbm import DBMChecksumError, DBMError, log, system


def test_where_there_is_no_pread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_read_some", system._read_at)
    monkeypatch.setattr(system, "_write_some", system._write_at)
    with redouble.dbm.open(tmp_path / "db", "c", mapped=False) as db:
        for number in range(100):
            db[str(number)] = str(number)
        assert all(db[str(number)] == b"%d" % number for number in range(100))


def test_reads_and_writes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_read_some", lambda fd, length, offset: os.pread(fd, min(length, 7), offset))
    monkeypatch.setattr(system, "_write_some", lambda fd, data, offset: os.pwrite(fd, data[:5], offset))
    with redouble.dbm.open(tmp_path / "db", "c", mapped=False) as db:
        db["key"] = "a value that is longer than a piece"
    with redouble.dbm.open(tmp_path / "db") as db:
        assert db["key"] == b"a value that is longer than a piece"
    monkeypatch.setattr(system, "_write_some", lambda fd, data, offset: min(len(data), 5) if offset < 10 else 0)
    with open(tmp_path / "file", "w+b") as file, pytest.raises(OSError, match="Input/output error"):
        system.pwrite(file.fileno(), b"x" * 30, 0)


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("ext4", True),
        ("tmpfs", True),
        ("btrfs", False),
        ("zfs", False),
        ("nfs4", False),
        ("xfs", False),
        ("overlay", False),
    ],
)
def test_which_file_systems_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, real: bool) -> None:
    monkeypatch.setattr(system, "_file_system", lambda device: name)
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        db["a"] = "1"
        assert (db._window is not None) == (real and system.sys.implementation.name == "cpython")


def test_what_is_mounted() -> None:
    proc = system._file_system(os.stat("/proc").st_dev)
    assert proc == "proc"
    assert system._file_system(os.makedev(4000, 4000)) == ""


def test_other_interpreters_append_with_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(system.sys, "_is_gil_enabled", lambda: False, raising=False)
    assert not system.reserves(fd)
    os.close(fd)


def test_a_lock_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(system.fcntl, "flock", flock)
    with pytest.raises(OSError, match="no locks"):
        redouble.dbm.open(tmp_path / "db", "c")


# A full disk.


class FullDisk:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self._reserve, self._pwrite = system.reserve, system.pwrite
        monkeypatch.setattr(system, "reserve", self.reserve)
        monkeypatch.setattr(system, "pwrite", self.pwrite)

    def reserve(self, *arguments: Any) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._reserve(*arguments)

    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        if self.full and len(data) > 30:
            self._pwrite(fd, data[: len(data) // 2], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._pwrite(fd, data, offset)


@pytest.mark.parametrize("mapped", [True, False])
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapped: bool) -> None:
    disk = FullDisk(monkeypatch)
    state = {}
    with redouble.dbm.open(tmp_path / "db", "c", mapped=mapped) as db:
        refused = 0
        for number in range(3000):
            disk.full = number > 1000 and number % 3 != 0
            key, value = b"%d" % (number % 1500), b"%d" % number * 10
            try:
                db[key] = value
            except OSError:
                refused += 1
            else:
                state[key] = value
        assert refused
        assert dict(db.items()) == state
        disk.full = False
        db["last"] = state[b"last"] = b"x"
    assert not redouble.dbm.verify(tmp_path / "db").findings
    with redouble.dbm.open(tmp_path / "db") as db:
        assert dict(db.items()) == state


def test_a_disk_that_has_room_for_one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no space for a step, but for the record."""
    real = system.reserve

    def reserve(fd: int, start: int, length: int) -> None:
        if length > 5000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(fd, start, length)

    monkeypatch.setattr(system, "reserve", reserve)
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[str(number)] = b"x" * 100
        assert len(db) == 100


def test_a_real_full_disk(tmp_path: Path) -> None:
    """/dev/full takes nothing."""
    with redouble.dbm.open(tmp_path / "db", "c", mapped=False) as db:
        db["a"] = "1"
        real, db._tail.fd = db._tail.fd, os.open("/dev/full", os.O_RDWR)
        for _ in range(2):
            with pytest.raises((OSError, DBMError)):
                db["b"] = "2"
        os.close(db._tail.fd)
        db._tail.fd = real
        with pytest.raises(DBMError, match="since an error"):  # it could not be taken back
            db["b"] = "2"
        assert db["a"] == b"1"
        with pytest.raises(DBMError, match="since an error"):
            db.close()
    with redouble.dbm.open(tmp_path / "db", "w") as db:
        assert dict(db) == {b"a": b"1"}


def test_a_sync_that_failed_is_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    db = redouble.dbm.open(tmp_path / "db", "c")
    db["a"] = "1"
    with monkeypatch.context() as context:
        context.setattr(system, "fsync", fsync)
        with pytest.raises(OSError, match="Input/output"):
            db.sync()
    for action in (
        db.sync,
        lambda: db.__setitem__("b", "2"),
        lambda: db.__delitem__("a"),
        db.clear,
        db.compact,
        db.close,
    ):
        with pytest.raises(DBMError, match="since an error"):
            action()
    with redouble.dbm.open(tmp_path / "db", "w") as again:
        assert dict(again) == {b"a": b"1"}


def test_many_unsynced_segments_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SEGMENT_SIZE", 200)
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(500):
            db[str(number)] = b"x" * 50
            assert len(db._unsynced) <= 17
        assert len(db._segments) > 50


# Compaction.


def test_compaction_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SEGMENT_SIZE", 5000)
    chance = random.Random(1)
    state = {}
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for _ in range(2000):
            key = b"%d" % chance.randrange(300)
            db[key] = state[key] = chance.randbytes(30)
        db["long"] = state[b"long"] = chance.randbytes(200_000)
        db["long"] = state[b"long"] = chance.randbytes(2_000_000)
        for key in list(state)[::3]:
            del db[key], state[key]
        calls = 0
        while True:
            before = db._end
            left = db.compact(10)
            calls += 1
            if not left:
                break
            if db._tail.number == db._segments[-1] and db._end > before:
                assert db._end - before < 2_100_000
            db["between"] = state[b"between"] = b"%d" % calls
        assert calls > 100
        assert dict(db.items()) == state
        assert db.dead < 100 * calls
        db.clear()
        assert not db.compact(10)


def test_a_deleted_key_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compaction does not visit the segment where it was, in which nothing was dead when it began."""
    monkeypatch.setattr(log, "SEGMENT_SIZE", 300)
    with redouble.dbm.open(tmp_path / "db", "c", mapped=False) as db:
        db["a"], db["old"] = b"x" * 150, b"x" * 150  # the first segment, with nothing dead
        db["b"], db["c"] = b"x" * 150, b"x" * 150  # the second
        del db["b"]
        assert [bool(db._lost()[number]) for number in (1, 2)] == [False, True]
        assert db.compact(1)
        del db["old"]
        while db.compact(1):
            pass
        assert 1 in db._segments
        (tmp_path / "copy").mkdir()
        for path in (tmp_path / "db").iterdir():
            (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
        for folder in (tmp_path / "copy", tmp_path / "db"):
            with redouble.dbm.open(folder) as other:
                assert sorted(other) == [b"a", b"c"]


def test_a_compaction_that_meets_damage(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[str(number)] = b"a value %d" % number
            db[str(number)] = b"a value %d" % number
    [path] = (tmp_path / "db").glob("*.log")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"a value 50", b"a valve 50"))
    with redouble.dbm.open(tmp_path / "db", "w") as db:
        for _ in range(2):
            with pytest.raises(DBMChecksumError, match="no record begins here"):
                db.compact()
        assert db["51"] == b"a value 51"
        with pytest.raises(DBMChecksumError):
            db["50"]
        db.clear()
        db["a"] = "1"
    assert not redouble.dbm.verify(tmp_path / "db").findings

"""One writer and many readers, threads, and forks."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest

import redouble.dbm
from redouble.dbm import DBMChecksumError, DBMDamageError, DBMError, DBMLoadError, log, reader, system
from redouble.dbm.index import LazyIndex
from redouble.dbm.writer import _after_fork


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SEGMENT_SIZE", 1000)


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for flag in "wcn":
            with pytest.raises(DBMError, match="open for writing"):
                redouble.dbm.open(tmp_path / "db", flag)
        program = "import sys, redouble.dbm; redouble.dbm.open(sys.argv[1], 'w')"
        result = subprocess.run(
            [sys.executable, "-c", program, tmp_path / "db"], capture_output=True, text=True, check=False
        )
        assert "open for writing" in result.stderr
        db["a"] = "1"
    redouble.dbm.open(tmp_path / "db", "w").close()


@pytest.mark.parametrize("mapped", [True, False])
def test_a_reader_sees_what_was_written_before_its_refresh(tmp_path: Path, small: None, mapped: bool) -> None:
    chance = random.Random(3)
    with redouble.dbm.open(tmp_path / "db", "c", mapped=mapped) as db:
        readers = [redouble.dbm.open(tmp_path / "db") for _ in range(3)]
        state: dict[bytes, bytes] = {}
        seen: list[dict[bytes, bytes]] = [{}, {}, {}]
        for _ in range(1500):
            key = b"key%d" % chance.randrange(20)
            if chance.random() < 0.3 and key in state:
                del db[key], state[key]
            else:
                db[key] = state[key] = chance.randbytes(30)
            if chance.random() < 0.02:
                db.compact()
            elif chance.random() < 0.1:
                db.compact(5)
            elif chance.random() < 0.01:
                db.clear()
                state.clear()
            number = chance.randrange(3)
            if chance.random() < 0.3:
                readers[number].refresh()
                seen[number] = dict(state)
                assert dict(readers[number].items()) == state
            elif seen[number] and key in seen[number]:
                try:
                    value = readers[number][key]
                except KeyError:  # what it knew was compacted away, so it had to look again
                    assert key not in state
                else:
                    assert value in (seen[number][key], state.get(key))
        for each in readers:
            each.close()


def test_a_reader_ignores_what_is_not_finished(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        db["a"] = "1"
    [path] = (tmp_path / "db").glob("*.log")
    path.write_bytes(path.read_bytes() + b"\5\0\0\0")
    with redouble.dbm.open(tmp_path / "db") as db:
        assert dict(db) == {b"a": b"1"}
        assert db.torn is not None
        assert repr(db.torn) == f"4 bytes of an unfinished append in {path} at byte {db.torn.offset}"
    with redouble.dbm.open(tmp_path / "db", "w") as db:
        assert db.torn is not None
        db["b"] = "2"
    with redouble.dbm.open(tmp_path / "db") as db:
        assert db.torn is None
        assert dict(db) == {b"a": b"1", b"b": b"2"}


def test_a_database_may_lie_on_a_read_only_medium(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        db["a"] = "1"
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "db").iterdir()}
    with redouble.dbm.open(tmp_path / "db") as db:
        assert db["a"] == b"1"
        assert len(db) == 1
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "db").iterdir()} == before


# The index file.


def test_opening_reads_next_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(20_000):
            db[b"%d" % number] = b"x" * 100
        size = db.size
    read = 0
    real = system.pread

    def pread(fd: int, length: int, offset: int) -> bytes:
        nonlocal read
        data = real(fd, length, offset)
        read += len(data)
        return data

    monkeypatch.setattr(system, "pread", pread)
    for flag in "rwc":
        read = 0
        with redouble.dbm.open(tmp_path / "db", flag) as db:
            assert db[b"12345"] == b"x" * 100
            assert "nosuch" not in db
            assert db.get("nosuch", b"default") == b"default"
            assert read < size / 100
            assert isinstance(db._index, LazyIndex)
            for number in range(20_000):
                assert b"%d" % number in db
            assert not isinstance(db._index, LazyIndex)
            assert len(db) == 20_000


def test_an_index_of_keys_of_many_lengths(tmp_path: Path, small: None) -> None:
    keys = [b"k" * length + b"%04d" % number for length in range(20) for number in range(200)]
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        db[b""] = b"empty"
        for key in keys:
            db[key] = key[::-1]
    for load in (False, True):
        with redouble.dbm.open(tmp_path / "db") as db:
            if load:
                assert len(db) == len(keys) + 1
            assert all(db[key] == key[::-1] for key in keys[::37])
            assert db[b""] == b"empty"


def test_segments_beyond_64_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    redouble.dbm.open(tmp_path / "db", "c").close()
    [path] = (tmp_path / "db").glob("*.log")
    os.close(log.create_segment(str(tmp_path / "db"), 5000, 0, 0, 0o666))
    path.unlink()
    log.write_manifest(str(tmp_path / "db"), log.Manifest(7, (5000,)), 0o666)
    with redouble.dbm.open(tmp_path / "db", "w") as db:
        for number in range(3000):
            db[b"%04d" % number] = b"%d" % number
    assert not redouble.dbm.verify(tmp_path / "db").findings
    with redouble.dbm.open(tmp_path / "db") as db:
        assert isinstance(db._index, LazyIndex)
        assert db[b"0123"] == b"123"
        assert b"nope" not in db
        assert len(db) == 3000
        assert db[b"2999"] == b"2999"


def test_a_reader_that_opens_while_segments_go(tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[b"%d" % (number % 10)] = b"%d" % number
        real, calls = log.listed, 0

        def listed(folder: str, manifest: log.Manifest) -> list[int]:
            nonlocal calls
            calls += 1
            if calls == 1:
                db.compact()
            return real(folder, manifest)

        monkeypatch.setattr(log, "listed", listed)
        with redouble.dbm.open(tmp_path / "db") as other:
            assert calls > 1
            assert dict(other.items()) == dict(db.items())


def test_a_record_that_was_moved(tmp_path: Path, small: None) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[b"%d" % (number % 30)] = b"%d" % number
        with redouble.dbm.open(tmp_path / "db") as other:
            other._close_files()
            db.compact()
            del db[b"7"]
            assert other[b"8"] == b"98"
            with pytest.raises(KeyError):
                other[b"7"]


def test_what_a_lazy_index_answers(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(1000):
            db[b"%d" % number] = b"x"
    for ask in (
        lambda db: len(db._index) == 1000,
        lambda db: next(iter(db._index)) == b"0",
        lambda db: next(reversed(db._index)) is not None,
        lambda db: db._index.get(b"nosuch", 5) == 5 and db._index.get(b"1") > 0,
        lambda db: bool(db),
    ):
        with redouble.dbm.open(tmp_path / "db") as db:
            assert isinstance(db._index, LazyIndex)
            assert ask(db)


def test_a_damaged_index_is_left_aside(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[b"%d" % number] = b"x"
    index = tmp_path / "db" / "INDEX"
    data = bytearray(index.read_bytes())
    data[-1] ^= 1
    index.write_bytes(data)
    with redouble.dbm.open(tmp_path / "db", "w") as db:
        assert len(db) == 100
        assert db[b"99"] == b"x"
        db["new"] = b"1"
    assert not redouble.dbm.verify(tmp_path / "db").findings


def test_an_index_is_written_when_it_is_worth_it(tmp_path: Path) -> None:
    index = tmp_path / "db" / "INDEX"
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(80_000):
            db[b"%d" % number] = b"x" * 100
    first = index.stat().st_ino
    with redouble.dbm.open(tmp_path / "db", "w") as db:
        db["a"] = "1"
        del db["77"]
    assert index.stat().st_ino == first
    with redouble.dbm.open(tmp_path / "db", "w") as db:
        assert isinstance(db._index, LazyIndex)
        assert db["a"] == b"1"
        assert "77" not in db
        with pytest.raises(KeyError, match="77"):
            db["77"]
        assert len(db) == 80_000
        for number in range(20_000):
            db[b"%d" % number] = b"y" * 100
    assert index.stat().st_ino != first
    with redouble.dbm.open(tmp_path / "db", "w") as db:
        db.clear()
    assert not index.exists()


# Damage that is met later.


def test_a_damaged_value_is_never_returned(tmp_path: Path) -> None:
    for options in ({}, {"cache": 100}, {"verify_checksums": False}):
        with redouble.dbm.open(tmp_path / "db", "n") as db:
            db["a"] = "value"
            db["b"] = "other"
        [path] = (tmp_path / "db").glob("*.log")
        data = path.read_bytes()
        path.write_bytes(data.replace(b"value", b"valve"))
        with redouble.dbm.open(tmp_path / "db", "r", **options) as db:
            with pytest.raises(DBMChecksumError, match="damaged") as caught:
                db["a"]
            assert (caught.value.path, caught.value.offset) == (str(path), data.index(b"value") - 9)
            assert db["b"] == b"other"


def test_a_file_that_is_cut_off_under_a_reader(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(1000):
            db[b"%d" % number] = b"x" * 100
    with redouble.dbm.open(tmp_path / "db") as db:
        [path] = (tmp_path / "db").glob("*.log")
        os.truncate(path, 1000)
        assert db["1"] == b"x" * 100
        with pytest.raises(DBMChecksumError):
            db["999"]
        path.unlink()
        assert db["1"] == b"x" * 100  # still open


def test_a_segment_that_vanished(tmp_path: Path, small: None) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[b"%d" % number] = b"x" * 100
        with redouble.dbm.open(tmp_path / "db") as other:
            other._close_files()
            first = min((tmp_path / "db").glob("*.log"))
            first.unlink()
            for each in (db, other):
                each._close_files()
                with pytest.raises(DBMDamageError, match="missing"):
                    each["0"]
        with pytest.raises(DBMLoadError, match="missing"):
            redouble.dbm.open(tmp_path / "db")
        db._failed = DBMError("enough")  # so that closing does not write
        with pytest.raises(DBMError):
            db.close()


def test_a_file_that_is_cut_off_under_a_writer(tmp_path: Path) -> None:
    """In a process of its own: what this must not be is a SIGBUS."""
    program = """if True:
        import os, sys, time, redouble.dbm
        db = redouble.dbm.open(sys.argv[1], "c")
        for number in range(100):
            db[str(number)] = b"x" * 100
        [path] = [entry.path for entry in os.scandir(sys.argv[1]) if entry.name.endswith(".log")]
        os.truncate(path, 0)
        time.sleep(0.01)
        for action in (lambda: db.__setitem__("a", "1"), lambda: db.__delitem__("1"), db.sync, db.close):
            try:
                action()
            except redouble.dbm.DBMError as error:
                print(error)
            else:
                print("nothing")
    """
    words = [sys.executable, "-c", program, str(tmp_path / "db")]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result
    lines = result.stdout.splitlines()
    if system.reserves(os.open(tmp_path, os.O_RDONLY)):
        assert all("somebody cut this file off" in line for line in lines), lines
        assert len(lines) == 4
    with pytest.raises(DBMLoadError, match="header"):
        redouble.dbm.open(tmp_path / "db")


# Memory.


def test_a_scan_has_a_segment_loaded_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_LOAD_COST", 100)
    keys = [b"%d" % number for number in range(1000)]
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        db.update((key, b"x" * 100) for key in keys)
    for order, loaded in ((keys, True), (keys[::-1], False)):
        with redouble.dbm.open(tmp_path / "db") as db:
            for key in order[:400]:
                assert db[key] == b"x" * 100
            assert bool(db._kept) == loaded


@pytest.mark.parametrize("options", [{}, {"verify_checksums": False}])
def test_empty_values_are_read_from_memory_too(tmp_path: Path, options: dict[str, Any]) -> None:
    with redouble.dbm.open(tmp_path / "db", "c", **options) as db:
        for number in range(100):
            db[b"%d" % number] = b"" if number % 2 else b"x"
        for _ in range(2):
            assert db.values() == [b"x", b""] * 50
        misses = dict(db._misses)
        assert db.values() == [b"x", b""] * 50
        assert db._kept
        assert db._misses == misses


def test_segments_that_are_read_often_are_kept_within_limits(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_LOAD_COST", 100)
    monkeypatch.setattr(reader, "_OPEN_FILES", 3)
    with redouble.dbm.open(tmp_path / "db", "c", buffer=5000) as db:
        for number in range(100):
            db[b"%d" % number] = b"%d" % number * 50
        for _ in range(20):
            for number in range(100):
                assert db[b"%d" % number] == b"%d" % number * 50
            assert sum(map(len, db._buffers.values())) <= 5000
            assert len(db._files) <= 3
        assert any(db._buffers.values())
        for number in range(100):
            db[b"%d" % number] = b"again"
        db.compact()
        assert all(db[b"%d" % number] == b"again" for number in range(100))


# Threads.


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("cache", [0, 10_000])
def test_threads_write_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapped: bool, cache: int) -> None:
    monkeypatch.setattr(log, "SEGMENT_SIZE", 50_000)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    errors: list[str] = []
    with redouble.dbm.open(tmp_path / "db", "c", mapped=mapped, cache=cache) as db:

        def work(name: int) -> None:
            try:
                for number in range(400):
                    own, shared = b"%d:%d" % (name, number), b"shared%d" % (number % 7)
                    db[own] = own * 3
                    db[shared] = own
                    if number % 5 == 0:
                        del db[own]
                    else:
                        assert db[own] == own * 3
                    assert db[shared].count(b":") == 1
                    if number % 50 == name:
                        db.sync()
                    if number % 40 == name:
                        db.compact(20)
                    if number % 30 == name:
                        with db.batch() as batch:
                            batch[own] = own
                            batch[shared] = own
                            del batch[own]
            except BaseException:
                errors.append(traceback.format_exc())

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
        assert not errors, errors
        state = dict(db.items())
        left = {b"%d:%d" % (name, each) for name in range(4) for each in range(400) if each % 5 and each % 30 != name}
        assert {key for key in state if not key.startswith(b"shared")} == left
    assert not redouble.dbm.verify(tmp_path / "db").findings
    (tmp_path / "db" / "INDEX").unlink()
    with redouble.dbm.open(tmp_path / "db") as other:
        assert dict(other.items()) == state


# Processes.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_the_child_of_a_fork_does_not_write(tmp_path: Path) -> None:
    db = redouble.dbm.open(tmp_path / "db", "c")
    db["a"] = "1"
    child = os.fork()
    if not child:
        status = 1
        try:
            assert db["a"] == b"1"
            try:
                db["b"] = "2"
            except DBMError as error:
                assert "parent process" in str(error)  # noqa: PT017
                status = 0
            del db
            gc.collect()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    db["c"] = "3"
    db.close()
    with redouble.dbm.open(tmp_path / "db", "w") as again:
        assert dict(again) == {b"a": b"1", b"c": b"3"}


def test_what_happens_in_the_child(tmp_path: Path) -> None:
    """The same in this process, which can see it."""
    db = redouble.dbm.open(tmp_path / "db", "c")
    db["a"] = "1"
    closed = redouble.dbm.open(tmp_path / "other", "c")
    closed.close()
    _after_fork()
    for action in (lambda: db.__setitem__("b", "2"), lambda: db.__delitem__("a"), db.sync, db.compact):
        with pytest.raises(DBMError, match="parent process"):
            action()
    assert db["a"] == b"1"
    with redouble.dbm.open(tmp_path / "db", "w") as parent:  # the lock is no longer the child's
        parent["c"] = "3"
        with pytest.raises(DBMError, match="parent process"):
            db.close()
        parent["d"] = "4"
    with redouble.dbm.open(tmp_path / "db") as again:
        assert dict(again) == {b"a": b"1", b"c": b"3", b"d": b"4"}


def test_a_database_that_nobody_closed(tmp_path: Path) -> None:
    db = redouble.dbm.open(tmp_path / "db", "c")
    db["a"] = "1"
    del db
    gc.collect()
    assert (tmp_path / "db" / "INDEX").exists()
    with redouble.dbm.open(tmp_path / "db", "w") as again:
        assert again["a"] == b"1"


def test_kill(tmp_path: Path) -> None:
    """What was acknowledged is there after kill -9; `tools/prove.py dbm` does it a thousand times."""
    from .kill import kills

    assert kills(tmp_path, 12, seed=1) > 100

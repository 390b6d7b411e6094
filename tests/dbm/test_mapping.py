"""A dictionary of bytes: what the standard library promises of the objects of its dbm modules, and what a dict can do."""

from __future__ import annotations

import dbm
import os
import shelve
import stat
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest

import redouble.dbm
from redouble.dbm import DBMError, WritableDatabase

OPTIONS: list[dict[str, Any]] = [{}, {"verify_checksums": False}, {"cache": 100}, {"mapped": False}, {"synced": True}]


@pytest.fixture(params=OPTIONS, ids=lambda options: "".join(options) or "plain")
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WritableDatabase]:
    with redouble.dbm.open(tmp_path / "db", "c", **request.param) as database:
        yield database


# https://docs.python.org/3/library/dbm.html


def test_the_flags(tmp_path: Path) -> None:
    path = tmp_path / "db"
    for flag in ("r", "w"):
        with pytest.raises(DBMError):
            redouble.dbm.open(path, flag)
        assert not path.exists()
    redouble.dbm.open(path, "c").close()
    with redouble.dbm.open(path, "c") as database:  # it is there, so it is opened
        database["a"] = "1"
    with redouble.dbm.open(path, "c") as database:
        assert database["a"] == b"1"
    with redouble.dbm.open(path, "w") as database:
        database["b"] = "2"
    with redouble.dbm.open(path) as database:  # "r" is the default
        assert database["b"] == b"2"
    with redouble.dbm.open(path, "n") as database:
        assert database.keys() == []
    with pytest.raises(ValueError, match="flag"):
        redouble.dbm.open(path, "x")


def test_a_path_is_a_string_or_a_path(tmp_path: Path) -> None:
    with redouble.dbm.open(str(tmp_path / "db"), "c") as database:
        database["a"] = "1"
    assert redouble.dbm.open(tmp_path / "db")["a"] == b"1"


def test_the_mode_is_that_of_new_files(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        for mode, file, folder in ((0o666, 0o644, 0o755), (0o600, 0o600, 0o700), (0o640, 0o640, 0o750)):
            path = tmp_path / oct(mode)
            with redouble.dbm.open(path, "c", mode) as database:
                database["a"] = "1"
            assert stat.S_IMODE(path.stat().st_mode) == folder
            assert {stat.S_IMODE(each.stat().st_mode) for each in path.iterdir()} == {file}
    finally:
        os.umask(before)


def test_keys_and_values_are_stored_as_bytes(db: WritableDatabase) -> None:
    db["naïve"] = "é"
    db[b"bytes"] = bytearray(b"value")  # type: ignore[assignment]
    assert db["naïve"] == db["naïve".encode()] == "é".encode()
    assert db["bytes"] == b"value"
    assert sorted(db.keys()) == [b"bytes", "naïve".encode()]
    assert "naïve" in db
    assert "naïve".encode() in db
    for wrong in (1, None, 1.5):
        with pytest.raises(TypeError, match="bytes or strings"):
            db[wrong] = b""
        with pytest.raises(TypeError, match="bytes or strings"):
            db["a"] = wrong  # type: ignore[assignment]
    assert len(db) == 2


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "cache", "c") as db:
        db[b"hello"] = b"there"
        db["www.python.org"] = "Python Website"
        db["www.cnn.com"] = "Cable News Network"
        assert db[b"www.python.org"] == b"Python Website"
        assert db["www.cnn.com"] == b"Cable News Network"
        assert db.get("python.org", b"not present") == b"not present"
        with pytest.raises(TypeError):
            db["www.yahoo.com"] = 4  # type: ignore[assignment]


def test_get_and_setdefault(db: WritableDatabase) -> None:
    assert db.get("a") is None
    assert db.setdefault("a", b"1") == b"1"
    assert db.setdefault("a", b"2") == b"1"
    assert db.get("a") == b"1"


def test_keys_is_a_list(db: WritableDatabase) -> None:
    db.update({"a": b"1", "b": b"2"})
    assert db.keys() == [b"a", b"b"]
    assert list(db) == [b"a", b"b"]


def test_a_missing_key_is_a_key_error(db: WritableDatabase) -> None:
    for action in (lambda: db["a"], lambda: db.__delitem__("a"), lambda: db.pop("a"), lambda: db.popitem()):
        with pytest.raises(KeyError):
            action()


def test_a_reader_does_not_write(tmp_path: Path) -> None:
    redouble.dbm.open(tmp_path / "db", "c").close()
    for options in ({}, {"cache": 10}, {"verify_checksums": False}):
        reader: Any = redouble.dbm.open(tmp_path / "db", "r", **options)
        reader.sync()
        for action in (
            lambda db: db.__setitem__("a", b""),
            lambda db: db.__delitem__("a"),  # no KeyError: the documentation says so
            lambda db: db.clear(),
            lambda db: db.compact(),
            lambda db: db.reorganize(),
            lambda db: db.batch(),
        ):
            with pytest.raises(dbm.error, match="reading only"):
                action(reader)
        reader.close()


def test_errors_are_those_of_dbm() -> None:
    assert issubclass(redouble.dbm.error, dbm.error[0])
    for name in ("DBMError", "DBMLoadError", "DBMChecksumError", "DBMDamageError"):
        assert issubclass(getattr(redouble.dbm, name), redouble.dbm.error)


def test_with_closes_it(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        db["a"] = "1"
    everything: list[Any] = [
        lambda: db["a"],
        lambda: db.__setitem__("a", b""),
        lambda: db.__delitem__("a"),
        lambda: "a" in db,
        lambda: len(db),
        lambda: list(db),
        lambda: db.get("a"),
        lambda: db.sync(),
        lambda: db.compact(),
        lambda: db.clear(),
        lambda: db.batch().__setitem__("a", b"") or db.batch().update({"a": "1"}) or "a" in db.batch(),
    ]
    for action in everything:
        with pytest.raises(dbm.error, match="closed"):
            action()
    db.close()  # once more is no error
    with redouble.dbm.open(tmp_path / "db") as reader:
        pass
    for action in (reader.sync, reader.compact, lambda: reader["a"]):
        with pytest.raises(dbm.error, match="closed"):
            action()


def test_shelve(tmp_path: Path) -> None:
    with shelve.Shelf(redouble.dbm.open(tmp_path / "db", "c"), writeback=True) as shelf:
        shelf["list"] = [1]
        shelf["list"].append({"two": 3})
        shelf["gone"] = 1
        del shelf["gone"]
        shelf.sync()
        assert list(shelf) == ["list"]
        assert len(shelf) == 1
    with shelve.Shelf(redouble.dbm.open(tmp_path / "db")) as shelf:
        assert dict(shelf) == {"list": [1, {"two": 3}]}


def test_sync_and_reorganize(db: WritableDatabase) -> None:
    for number in range(100):
        db["a"] = b"%d" % number * 10
    db.sync()
    size = db.size
    db.reorganize()
    assert db.size < size / 20
    assert db["a"] == b"99" * 10
    assert db.dead == 0


def test_what_is_dead_is_counted_to_the_byte(db: WritableDatabase) -> None:
    db["long"], db["b"] = b"x" * 2_000_000, b"1"
    assert db.dead == 0
    db["long"] = b"2"
    assert db.dead == 2_000_000 + 4 + 12
    del db["b"]
    assert db.dead == 2_000_000 + 4 + 12 + (2 + 12) + (1 + 12)
    db.compact()
    assert db.dead == 0


# What a dict can do.


def test_it_is_a_mutable_mapping(db: WritableDatabase) -> None:
    assert isinstance(db, MutableMapping)
    db.update({b"a": b"1"}, b=b"2")
    db.update([("c", b"3")])
    assert db == {b"a": b"1", b"b": b"2", b"c": b"3"}
    assert db.values() == [b"1", b"2", b"3"]
    assert db.items() == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]
    assert db.pop("a") == b"1"
    assert db.pop("a", None) is None
    assert db.popitem() == (b"c", b"3")
    assert dict(db) == {b"b": b"2"}
    db.clear()
    assert len(db) == 0
    assert not db
    db["d"] = b"4"
    assert dict(db) == {b"d": b"4"}


def test_any_bytes_will_do(db: WritableDatabase) -> None:
    samples = [b"", b"\0", b"\0" * 50, bytes(range(256)), b"x" * 70_000, b"y" * (2 << 20)]
    for number, sample in enumerate(samples):
        db[sample] = samples[-1 - number]
    for _ in range(2):
        for number, sample in enumerate(samples):
            assert db[sample] == samples[-1 - number]
        assert sorted(db.keys()) == sorted(samples)
    del db[samples[-1]]
    assert samples[-1] not in db
    db.compact()
    assert db[samples[0]] == samples[-1]


def test_what_is_too_long_is_refused(db: WritableDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redouble.dbm.append.LONGEST", 1 << 20)
    with pytest.raises(DBMError, match="more than"):
        db["a"] = bytes(1 << 20)
    assert len(db) == 0


def test_everything_is_there_again(tmp_path: Path) -> None:
    expected = {}
    for round_ in range(2):
        with redouble.dbm.open(tmp_path / "db", "c") as db:
            for number in range(round_ * 50, 100):
                key, value = b"key%d" % number, b"value %d of round %d" % (number, round_)
                db[key] = expected[key] = value
            del db[b"key99"], expected[b"key99"]
        with redouble.dbm.open(tmp_path / "db") as reader:
            assert all(reader[key] == value for key, value in expected.items())
            assert dict(reader.items()) == expected
            assert b"key99" not in reader
            assert reader.get("nosuch") is None


# Batches.


def test_a_batch_is_all_or_nothing(db: WritableDatabase) -> None:
    db.update(a=b"1", b=b"2")
    with db.batch() as batch:
        batch["a"] = "10"
        del batch["b"]
        batch["c"] = "3"
        batch.update({"d": "4"})
        batch.update([("e", "5")])
        assert dict(db) == {b"a": b"1", b"b": b"2"}
        assert batch["a"] == b"10"
        assert batch["d"] == b"4"
        assert "b" not in batch
        assert "c" in batch
        for missing in ("b", "nosuch"):
            with pytest.raises(KeyError):
                del batch[missing]
            with pytest.raises(KeyError):
                batch[missing]
    after = {b"a": b"10", b"c": b"3", b"d": b"4", b"e": b"5"}
    assert dict(db) == after
    with pytest.raises(KeyError), db.batch() as batch:
        batch["f"] = batch["nosuch"]
    with db.batch():
        pass
    assert dict(db) == after
    assert db["a"] == b"10"


def test_a_batch_may_be_written_in_parts(db: WritableDatabase) -> None:
    with db.batch() as batch:
        batch["a"] = "1"
        batch.commit()
        assert db["a"] == b"1"
        batch["b"] = "2"
    assert db["b"] == b"2"


# The cache.


def test_the_cache_holds_no_more_than_it_may(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c", cache=100) as db:
        cache = db._cache  # type: ignore[attr-defined]
        for number in range(20):
            db[str(number)] = b"x" * 30
        for number in range(20):
            assert db[str(number)] == b"x" * 30
            assert sum(map(len, cache.values())) == cache._used <= 100
        assert list(cache) == [b"17", b"18", b"19"]
        db["big"] = b"y" * 200
        assert db["big"] == b"y" * 200
        assert not cache


def test_the_cache_forgets_what_is_written(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "db", "c", cache=1000) as db:
        db["a"] = "1"
        assert db["a"] == b"1"
        db["a"] = "2"
        assert db["a"] == b"2"
        with db.batch() as batch:
            batch["a"] = "3"
        assert db["a"] == b"3"
        del db["a"]
        assert "a" not in db
        with pytest.raises(KeyError):
            db["a"]
        db["a"] = "4"
        db.sync()
        with redouble.dbm.open(tmp_path / "db", cache=1000) as reader:
            assert reader["a"] == b"4"
            db["a"] = "5"
            assert reader["a"] == b"4"
            reader.refresh()
            assert reader["a"] == b"5"
            db.clear()
            reader.refresh()
            assert "a" not in reader
        with pytest.raises(KeyError):
            db["a"]

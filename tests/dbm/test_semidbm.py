"""What semidbm's documentation says of its databases, with databases that it wrote."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import redouble.dbm
from redouble.dbm import DBMChecksumError, DBMError, DBMLoadError, system

from .samples import SEMIDBM

STATE = {b"one": b"1", b"empty": b""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "data").write_bytes(SEMIDBM)
    return tmp_path / "db"


def test_it_is_read_as_it_is(folder: Path) -> None:
    before = sorted(folder.iterdir())
    with redouble.dbm.open(folder, "r", verify_checksums=True) as db:
        assert dict(db.items()) == STATE
        assert db["one"] == b"1"
        assert sorted(db.keys()) == [b"empty", b"one"]
        assert b"one" in db
        assert "gone" not in db
        with pytest.raises(KeyError):
            db["gone"]
        with pytest.raises(DBMError):
            db["new"] = "1"
        with pytest.raises(DBMError):
            del db["one"]
        assert db.torn is None
        with open(folder / "data", "ab") as file:
            file.write(SEMIDBM[8:24].replace(b"one0", b"two5")[:16])
        with open(folder / "data", "ab") as file:
            file.write(SEMIDBM[24:28])
    db.close()
    assert sorted(folder.iterdir()) == before


def test_a_reader_follows_semidbm(folder: Path) -> None:
    with redouble.dbm.open(folder) as db:
        with open(folder / "data", "ab") as file:
            file.write(SEMIDBM[8:24])  # "one" is "0" again
        assert db["one"] == b"1"
        db.refresh()
        assert db["one"] == b"0"


@pytest.mark.parametrize("flag", ["w", "c"])
def test_it_is_converted_when_it_is_written(folder: Path, flag: str) -> None:
    with redouble.dbm.open(folder, flag) as db:
        assert dict(db.items()) == STATE
        db["foo"] = "bar"
        del db["empty"]
        db.sync()
        db.compact()
        db.close(compact=True)
    assert (folder / "data.semidbm").read_bytes() == SEMIDBM
    with redouble.dbm.open(folder) as db:
        assert dict(db.items()) == {b"one": b"1", b"foo": b"bar"}
    assert not redouble.dbm.verify(folder).findings


def test_a_key_that_was_deleted_twice(folder: Path) -> None:
    """semidbm writes that before it looks, and cannot open what it wrote."""
    gone = bytes.fromhex("00000004ffffffff676f6e6502984f45")
    assert gone in SEMIDBM
    (folder / "data").write_bytes(SEMIDBM + gone)
    for flag in "rw":
        with redouble.dbm.open(folder, flag) as db:
            assert dict(db.items()) == STATE


def test_n_begins_with_an_empty_one(folder: Path) -> None:
    with redouble.dbm.open(folder, "n") as db:
        assert db.keys() == []
        assert not (folder / "data").exists()
    with redouble.dbm.open(folder, "r") as db:
        assert db.keys() == []


def test_a_conversion_may_be_interrupted(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every rename, which is where its state changes."""
    real, count = system.rename, 0

    def rename(old: str, new: str) -> None:
        nonlocal count
        count -= 1
        if not count:
            raise OSError(5, "enough")
        real(old, new)

    for number in range(1, 50):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        count = number
        monkeypatch.setattr(system, "rename", rename)
        try:
            redouble.dbm.open(copy, "w").close()
        except (DBMError, OSError):
            done = False
        else:
            done = True
        monkeypatch.setattr(system, "rename", real)
        for flag in "rw":
            with redouble.dbm.open(copy, flag) as db:
                assert dict(db.items()) == STATE, number
        assert not (copy / "converted").exists()
        if done:
            break
    assert 5 < number < 40


def damaged(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        yield data[:at]
        yield data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]


def test_damage_of_its_file(folder: Path, tmp_path: Path) -> None:
    """A record that is cut off at the end is all that may be missing: its format cannot tell more."""
    prefixes: list[dict[bytes, bytes]] = []
    with redouble.dbm.open(folder) as db:
        prefixes = [{}, {b"one": b"0"}, {b"one": b"1"}, {b"one": b"1", b"gone": b"x"}, dict(db.items())]
    number = 0
    for data in damaged(SEMIDBM):
        number += 1
        (folder / "data").write_bytes(data)
        if data[:4] != b"SEMI":
            with pytest.raises(DBMError):
                redouble.dbm.open(folder)
            continue
        try:
            with redouble.dbm.open(folder) as db:
                found = dict(db.items())
        except DBMLoadError:
            found = {}
            assert redouble.dbm.verify(folder).damaged
        assert found in prefixes
        if data[4:8] == SEMIDBM[4:8]:
            redouble.dbm.salvage(folder, tmp_path / f"salvaged{number}")


def test_what_salvage_saves(folder: Path, tmp_path: Path) -> None:
    data = bytearray(SEMIDBM)
    data[20] ^= 1  # in the first of two records of "one"
    (folder / "data").write_bytes(data + b"torn")
    with pytest.raises(DBMLoadError, match="byte 8: no record begins here"):
        redouble.dbm.open(folder)
    report = redouble.dbm.salvage(folder, tmp_path / "new")
    assert [finding.offset for finding in report.findings] == [8, len(data)]
    with redouble.dbm.open(tmp_path / "new") as db:
        assert dict(db.items()) == STATE


def test_a_version_that_nobody_wrote(folder: Path) -> None:
    (folder / "data").write_bytes(b"SEMI\0\2\0\0" + SEMIDBM[8:])
    for flag in "rw":
        with pytest.raises(DBMLoadError, match="version"):
            redouble.dbm.open(folder, flag)


def test_damage_that_comes_later(folder: Path) -> None:
    with redouble.dbm.open(folder) as db:
        data = bytearray(SEMIDBM)
        data[35] ^= 1
        (folder / "data").write_bytes(data)
        with pytest.raises(DBMChecksumError):
            db["one"]
        assert db["empty"] == b""
        assert os.path.exists(folder / "data")


def test_with_semidbm_itself(tmp_path: Path) -> None:
    semidbm = pytest.importorskip("semidbm")
    old = semidbm.open(str(tmp_path / "db"), "c")
    for number in range(100):
        old[f"key{number}"] = f"value{number}"
    del old["key7"]
    expected = {key: old[key] for key in old.keys()}  # noqa: SIM118
    old.close()
    for flag in "rw":
        with redouble.dbm.open(tmp_path / "db", flag) as db:
            assert dict(db.items()) == expected
            assert sorted(db.values()) == sorted(expected.values())

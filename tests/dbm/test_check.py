"""What verify and salvage say of all that can be wrong with the files of a database."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import redouble.dbm
from redouble.dbm import DBMError, DBMLoadError, log
from redouble.dbm.log import FIRST, Manifest, entry_of, write_manifest
from redouble.dbm.record import COMMIT, HEAD, IN_BATCH, sealed
from redouble.dbm.snapshot import Damaged, Snapshot, write_snapshot

MODE = 0o666


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SEGMENT_SIZE", 200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(20):
            db[f"key{number}"] = f"value{number}"
    return tmp_path / "db"


def logs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


def change(path: Path, at: int, data: bytes) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def record(key: bytes, value: bytes, batch: bool = False) -> bytes:
    return sealed(HEAD(len(key) | (IN_BATCH if batch else 0), len(value)) + key + value)


def reasons(folder: Path) -> list[tuple[str, bool]]:
    return [(finding.reason, finding.damage) for finding in redouble.dbm.verify(folder).findings]


def salvaged(folder: Path, tmp_path: Path) -> dict[bytes, bytes]:
    shutil.rmtree(tmp_path / "new", ignore_errors=True)
    redouble.dbm.salvage(folder, tmp_path / "new")
    with redouble.dbm.open(tmp_path / "new") as db:
        return dict(db.items())


def test_a_sound_one(folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    report = redouble.dbm.verify(folder, lambda done, total: steps.append((done, total)))
    assert not report.damaged
    assert (report.keys, report.records) == (20, 20)
    assert report.segments == len(logs(folder))
    assert report.live == report.size - FIRST * report.segments
    assert steps[0][0] == 0
    assert steps[-1] == (report.size, report.size)


def test_nothing_is_no_database(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nosuch"):
        with pytest.raises(DBMError, match="no database"):
            redouble.dbm.verify(path)
        with pytest.raises(DBMError, match="no database"):
            redouble.dbm.salvage(path, tmp_path / "new")


def test_an_unfinished_batch(folder: Path, tmp_path: Path) -> None:
    batch = record(b"a", b"1", True) + record(b"b", b"2", True)
    append(logs(folder)[-1], batch)
    assert reasons(folder) == [("a batch whose end is missing", False)]
    assert b"a" not in salvaged(folder, tmp_path)
    with redouble.dbm.open(folder) as db:
        assert "a" not in db
        assert db.torn is not None
        assert db.torn.length == len(batch)


def test_an_append_of_which_only_the_end_was_copied(folder: Path, tmp_path: Path) -> None:
    """memcpy goes in any order; what was never acknowledged is no damage, and does not count."""
    append(logs(folder)[-1], b"\xff" * 20 + record(b"a", b"1"))
    assert reasons(folder) == [("an append that was not finished", False)]
    assert redouble.dbm.verify(folder).keys == 20
    assert salvaged(folder, tmp_path)[b"a"] == b"1"
    with redouble.dbm.open(folder, "w") as db:
        assert len(db) == 20
        assert db.torn is not None


@pytest.mark.parametrize("rest", [record(b"c", b"3"), COMMIT + COMMIT], ids=["a record", "two ends"])
def test_a_batch_that_ends_otherwise(folder: Path, rest: bytes) -> None:
    append(logs(folder)[-1], record(b"a", b"1", True) + rest)
    with redouble.dbm.open(folder) as db:
        assert db.torn is not None
        assert ("a" in db) == (rest == COMMIT + COMMIT)
        assert "c" not in db


def test_a_batch_within_what_was_synced(folder: Path, tmp_path: Path) -> None:
    with redouble.dbm.open(folder, "w") as db, db.batch() as batch:
        batch["a"], batch["b"] = "1", "2"
    last = logs(folder)[-1]
    whole = last.read_bytes()
    change(last, whole.index(COMMIT), b"\xff")
    damage = {"no record begins here", "a batch whose end is missing"}
    assert damage <= {reason for reason, damaged in reasons(folder) if damaged}
    assert "a" not in salvaged(folder, tmp_path)


def test_one_of_two_marks(folder: Path) -> None:
    change(logs(folder)[-1], FIRST - 16, b"\xff")
    assert reasons(folder) == [("one of two places that say how far it is synced is damaged", True)]
    with redouble.dbm.open(folder, "w") as db:
        assert len(db) == 20


def test_both_marks(folder: Path, tmp_path: Path) -> None:
    change(logs(folder)[1], FIRST - 16, b"\xff" * 16)
    assert any("is damaged" in reason for reason, _ in reasons(folder))
    (folder / "INDEX").unlink()
    with pytest.raises(DBMLoadError, match="is damaged"):
        redouble.dbm.open(folder)
    assert len(salvaged(folder, tmp_path)) == 20


def test_a_header(folder: Path, tmp_path: Path) -> None:
    change(logs(folder)[0], 3, b"\xff")
    change(logs(folder)[-1], 3, b"\xff")
    assert ("this is not the header of segment 1", True) in reasons(folder)
    assert len(salvaged(folder, tmp_path)) == 20


def test_zeros_and_noise_between_records(folder: Path, tmp_path: Path) -> None:
    first = logs(folder)[0]
    whole = first.read_bytes()
    at = whole.index(HEAD(4, 6))  # of one record
    change(first, at, bytes(22))
    assert reasons(folder)[0] == ("no record begins here", True)
    assert len(salvaged(folder, tmp_path)) == 19


def test_a_segment_that_ends_early(folder: Path, tmp_path: Path) -> None:
    """At the end of a record, so that nothing is torn."""
    first = logs(folder)[0]
    whole = first.read_bytes()
    first.write_bytes(whole[: whole.rindex(HEAD(4, 6))])
    assert any(reason.startswith("the segment ends here, but") and damaged for reason, damaged in reasons(folder))
    assert len(salvaged(folder, tmp_path)) == 19


def test_a_segment_that_ends_early_after_a_power_failure(tmp_path: Path) -> None:
    """Nothing of it was synced: its end is lost, and with it what came later."""
    db = redouble.dbm.open(tmp_path / "db", "c")
    for number in range(20):
        db[f"key{number}"] = f"value{number}"
    folder = tmp_path / "lost"
    shutil.copytree(tmp_path / "db", folder)
    db.close()
    first = logs(folder)[0]
    whole = first.read_bytes()
    first.write_bytes(whole[: whole.rindex(HEAD(4, 6))])
    assert reasons(folder) == [("the segment ends here, but the next one says that it is longer", False)]
    with redouble.dbm.open(folder, "w") as db:
        kept = len(db)
        assert kept < 10
        assert db.torn is not None
        db["new"] = "1"
    assert not redouble.dbm.verify(folder).findings
    with redouble.dbm.open(folder) as db:
        assert len(db) == kept + 1


def test_a_segment_between_others(folder: Path, tmp_path: Path) -> None:
    with redouble.dbm.open(folder) as db:
        generation = db._manifest.generation
    write_manifest(str(folder), Manifest(generation, (1,)), MODE)
    logs(folder)[1].unlink()
    assert ("between this segment and the last one some are missing", True) in reasons(folder)
    with pytest.raises(DBMLoadError, match="this segment is missing, but not the one after it"):
        redouble.dbm.open(folder)
    assert 10 < len(salvaged(folder, tmp_path)) < 20


def test_without_a_manifest(folder: Path, tmp_path: Path) -> None:
    (folder / "MANIFEST").unlink()
    assert ("the manifest is missing", True) in reasons(folder)
    assert len(salvaged(folder, tmp_path)) == 20


def test_without_a_segment(folder: Path, tmp_path: Path) -> None:
    logs(folder)[0].unlink()
    assert ("this segment is missing", True) in reasons(folder)
    assert 10 < len(salvaged(folder, tmp_path)) < 20


def test_a_manifest_of_the_future(folder: Path) -> None:
    from zlib import crc32

    body = b"redouble dbm 2\ngeneration 1\nsegments 1\n"
    (folder / "MANIFEST").write_bytes(body + b"crc %08x\n" % crc32(body))
    with pytest.raises(DBMError, match="newer version"):
        redouble.dbm.open(folder)


def test_what_comes_after_the_index_was_cut_off(folder: Path) -> None:
    last = logs(folder)[-1]
    whole = last.read_bytes()
    for slot in range(2):
        with open(last, "r+b") as file:
            log.write_mark(file.fileno(), FIRST, slot)
    last.write_bytes(last.read_bytes()[: len(whole) - 30])
    assert any(reason.startswith("the index knows records until byte") for reason, _ in reasons(folder))
    with pytest.raises(DBMLoadError):
        redouble.dbm.open(folder)


@pytest.mark.parametrize("wrong", [{b"key1": entry_of(1, 500, 20)}, {b"nosuch": entry_of(1, FIRST, 20)}])
def test_an_index_that_is_wrong(folder: Path, wrong: dict[bytes, int]) -> None:
    with redouble.dbm.open(folder, "w") as db:
        generation, index = db._manifest.generation, dict(db._loaded())
        position = db._at
    write_snapshot(str(folder), generation, position, index | wrong, MODE)
    assert reasons(folder) == [("the index is wrong about 1 keys", True)]
    with redouble.dbm.open(folder) as db, pytest.raises(redouble.dbm.DBMChecksumError):
        db[next(iter(wrong))]
    other = {b"key1": index[b"key2"]}
    write_snapshot(str(folder), generation, position, index | other, MODE)
    with redouble.dbm.open(folder) as db, pytest.raises(redouble.dbm.DBMChecksumError, match="another key"):
        db["key1"]


def test_an_index_of_another_time(folder: Path) -> None:
    write_snapshot(str(folder), 1, (1, FIRST), {b"other": entry_of(1, FIRST, 20)}, MODE)
    assert reasons(folder) == []
    with redouble.dbm.open(folder, "w") as db:
        assert "other" not in db
        assert len(db) == 20


@pytest.mark.parametrize("name", ["checksum", "first row", "cut off"])
def test_a_bucket(tmp_path: Path, name: str) -> None:
    """Found when one key is looked up; and the log knows better."""
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[b"%03d" % number] = b"x"
    path = tmp_path / "db" / "INDEX"
    snapshot = Snapshot(str(tmp_path / "db"))
    table = snapshot._tables[3]
    if name == "checksum":
        change(path, table.directory, b"\xff\xff\xff\xff")
    elif name == "first row":
        change(path, table.directory + 4, b"\xff\xff\xff\x7f" * 5)
    else:
        path.write_bytes(path.read_bytes()[: table.keys])
    damaged = 0
    for number in range(100):
        try:
            assert snapshot.find(b"%03d" % number) is not None
        except Damaged:
            damaged += 1
    assert damaged
    snapshot.close()
    snapshot.close()
    with pytest.raises(Damaged):
        snapshot.find(b"000")
    with redouble.dbm.open(tmp_path / "db") as db:
        for number in range(100):
            assert db[b"%03d" % number] == b"x"

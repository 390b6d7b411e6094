"""Every system call fails, one after the other; the process is killed, or the power fails, at every moment.

What was acknowledged survives the kill, what was synced the power failure, and no value is ever a wrong one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import redouble.dbm
from redouble.dbm import log

from .disk import CALLS, Disk

State = dict[bytes, bytes]


class Story:
    """A database and what it may hold: `states` are those that it had since the last sync."""

    def __init__(self, folder: Path, mapped: bool) -> None:
        self.folder, self.mapped = folder, mapped
        self.state: State = {}
        self.synced: State = {}
        self.since_sync: list[State] = [{}]
        self.doubtful: list[State] = []
        """What a call that failed may have done, or not."""

    def did(self, state: State) -> None:
        self.state = state
        self.since_sync.append(state)

    def steps(self, chance: random.Random, count: int) -> Iterator[None]:
        """Random work; what a step would have made of it is noted before it begins."""
        db = redouble.dbm.open(self.folder, "c", mapped=self.mapped, buffer=0)
        yield
        for _ in range(count):
            kind = chance.choice(
                ["put", "put", "put", "put", "delete", "batch", "sync", "compact", "reopen", "clear", "some"]
            )
            new = dict(self.state)
            key = b"key%d" % chance.randrange(8)
            value = chance.randbytes(chance.choice((0, 3, 40, 300)))
            self.doubtful = [self.state, new]
            if kind == "put":
                new[key] = value
                db[key] = value
            elif kind == "delete":
                if new.pop(key, None) is not None:
                    del db[key]
            elif kind == "batch":
                with db.batch() as batch:
                    for _ in range(chance.randint(1, 5)):
                        key = b"key%d" % chance.randrange(8)
                        if chance.random() < 0.3 and key in batch:
                            del new[key], batch[key]
                        else:
                            new[key] = batch[key] = chance.randbytes(60)
            elif kind == "clear":
                if chance.random() < 0.3:
                    new.clear()
                    db.clear()
            elif kind == "sync":
                db.sync()
                self.synced, self.since_sync = new, [new]
            elif kind == "compact":
                db.compact()
            elif kind == "some":
                db.compact(3)
            else:
                db.close()
                self.synced, self.since_sync = new, [new]
                db = redouble.dbm.open(self.folder, "w", mapped=self.mapped, buffer=0)
            self.doubtful = []
            self.did(new)
            yield
        db.close()
        self.synced, self.since_sync = self.state, [self.state]

    def possible(self) -> list[State]:
        return [*self.since_sync, self.state, *self.doubtful]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SEGMENT_SIZE", 1500)


def content(folder: Path) -> State:
    with redouble.dbm.open(folder, "c") as db:
        found = dict(db.items())
    with redouble.dbm.open(folder) as db:
        assert dict(db.items()) == found
    return found


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_kill_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapped: bool, seed: int) -> None:
    folder = tmp_path / "db"
    disk, story = Disk(monkeypatch, folder), Story(folder, mapped)
    for number, _ in enumerate(story.steps(random.Random(seed), 40)):
        disk.kill(tmp_path / str(number))
        assert content(tmp_path / str(number)) == story.state


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_a_power_failure_loses_nothing_that_was_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapped: bool, seed: int
) -> None:
    folder = tmp_path / "db"
    disk, story, chance = Disk(monkeypatch, folder), Story(folder, mapped), random.Random(seed)
    for number, _ in enumerate(story.steps(random.Random(seed), 60)):
        if number:
            disk.lose_power(tmp_path / str(number), chance)
            assert content(tmp_path / str(number)) in story.possible()


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_does_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, late: bool, mapped: bool
) -> None:
    with monkeypatch.context() as context:
        disk = Disk(context, tmp_path / "counted")
        for _ in Story(tmp_path / "counted", mapped).steps(random.Random(5), 25):
            pass
        total = disk.counts[call]
    for number in range(1, total + 1):
        folder = tmp_path / f"db{number}"
        with monkeypatch.context() as context:
            disk, story = Disk(context, folder), Story(folder, mapped)
            disk.fails = call, number, late
            steps = story.steps(random.Random(5), 25)
            try:
                for _ in steps:
                    pass
            except (OSError, redouble.dbm.error):
                assert disk.failed
        if folder.exists():
            disk.kill(tmp_path / f"left{number}")
        else:
            (tmp_path / f"left{number}").mkdir()
        after = content(tmp_path / f"left{number}")
        assert after == story.state or after in story.doubtful, (call, number)

"""A database beside a dict, in any order of what can be done to it; `python -m tests.dbm.machine STEPS [SEED]`."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import redouble.dbm
from redouble.dbm import log, system
from redouble.dbm.index import LazyIndex

KEYS = st.one_of(st.sampled_from([b"", b"a", b"b", b"key", b"another"]), st.binary(max_size=6))
VALUES = st.one_of(st.binary(max_size=40), st.integers(0, 300).map(lambda length: b"v" * length))
steps = 0
"""That were made, over all runs."""


class Machine(RuleBasedStateMachine):
    @initialize(
        mapped=st.booleans(),
        cache=st.sampled_from([0, 0, 200]),
        size=st.sampled_from([300, 2000]),
        buffer=st.sampled_from([0, 5000]),
    )
    def make(self, mapped: bool, cache: int, size: int, buffer: int) -> None:
        log.SEGMENT_SIZE = size
        self.base = Path(tempfile.mkdtemp(prefix="redouble"))
        self.folder = self.base / "db"
        self.options = {"mapped": mapped, "cache": cache, "buffer": buffer}
        self.db = redouble.dbm.open(self.folder, "c", **self.options)
        self.reader = redouble.dbm.open(self.folder, cache=cache)
        self.model: dict[bytes, bytes] = {}
        self.copies = 0

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            assert not redouble.dbm.verify(self.folder).findings
            self.reader.refresh()
            assert dict(self.reader.items()) == self.model
            self.reader.close()
            shutil.rmtree(self.base)

    @rule(key=KEYS, value=VALUES)
    def put(self, key: bytes, value: bytes) -> None:
        self.db[key] = self.model[key] = value

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        assert self.db.get(key) == self.model.get(key)
        assert (key in self.db) == (key in self.model)

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        assert self.db.pop(key, None) == self.model.pop(key, None)

    @rule(changes=st.lists(st.tuples(KEYS, st.none() | VALUES), max_size=8), fails=st.booleans())
    def batch(self, changes: list[tuple[bytes, bytes | None]], fails: bool) -> None:
        new = dict(self.model)
        try:
            with self.db.batch() as batch:
                for key, value in changes:
                    if value is not None:
                        batch[key] = new[key] = value
                    elif key in batch:
                        del batch[key], new[key]
                assert all(batch[key] == new[key] for key, _ in changes if key in new)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            return
        self.model = new

    @rule()
    def sync(self) -> None:
        self.db.sync()

    @rule(records=st.none() | st.integers(1, 5))
    def compact(self, records: int | None) -> None:
        self.db.compact(records)

    @precondition(lambda self: len(self.model) > 3)
    @rule()
    def clear(self) -> None:
        self.db.clear()
        self.model = {}

    @rule(compact=st.booleans())
    def reopen(self, compact: bool) -> None:
        self.db.close(compact)
        self.db = redouble.dbm.open(self.folder, "w", **self.options)

    @rule()
    def crash(self) -> None:
        """Go on with what a killed process would have left."""
        self.copies += 1
        copy = self.base / str(self.copies)
        shutil.copytree(self.folder, copy)
        self.db.close()
        self.reader.close()
        shutil.rmtree(self.folder)
        os.rename(copy, self.folder)
        self.reader = redouble.dbm.open(self.folder)
        assert dict(self.reader.items()) == self.model
        self.db = redouble.dbm.open(self.folder, "w", **self.options)

    @rule()
    def refresh(self) -> None:
        self.reader.refresh()
        assert dict(self.reader.items()) == self.model
        assert len(self.reader) == len(self.model)
        assert self.reader.dead == self.db.dead

    @rule()
    def everything(self) -> None:
        assert dict(self.db.items()) == self.model
        assert set(self.db) == set(self.model)

    @invariant()
    def sizes_agree(self) -> None:
        global steps
        steps += 1
        if hasattr(self, "db") and not isinstance(self.db._index, LazyIndex):
            live = {key: len(key) + len(value) + 12 for key, value in self.model.items()}
            assert len(self.db) == len(self.model)
            headers = log.FIRST * len(self.db._segments)
            assert self.db.size - headers == sum(live.values()) + self.db.dead


def run(wanted: int, seed: int) -> int:
    """At least so many steps; how many there were."""
    system.fsync = system.fsync_folder = lambda _: None  # type: ignore[assignment]
    settings = hypothesis.settings(
        max_examples=200,
        stateful_step_count=50,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    chance = random.Random(seed)
    while steps < wanted:
        hypothesis.seed(chance.randrange(1 << 30))(Machine)
        run_state_machine_as_test(Machine, settings=settings)
    return steps


def main() -> int:
    wanted = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    print(f"{run(wanted, seed):,} steps | all that is there after each | {seed} | 0")
    return 0


if __name__ == "__main__":
    sys.exit(main())

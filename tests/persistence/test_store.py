"""Servers that keep their data in a folder of redouble's own form: opened again they are as they were, and lose nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from redouble.persistence.store import Store
from tests.fuzz.families import NAMES
from tests.fuzz.generator import Generator
from tests.fuzz.modules import MODULE_FAMILIES
from tests.parity.machine.ours import CoreStage
from tests.parity.machine.scenario import Target

from .test_effects import SERVERS, UNFIT, contents

SEEDS = int(os.environ.get("SEEDS", "3"))
"""How many sequences of commands are played as each server."""
UNITS = int(os.environ.get("UNITS", "400"))

CHANCE = ("random", "acl", "pubsub", "events", "blocking")
"""Families of which the answers depend on more than the data."""
FAMILIES = [name for name in NAMES if name not in CHANCE]
MODULES = [
    name for name in MODULE_FAMILIES if name not in ("tdigest", "topk")
]  # what a digest does when it is read, and chance


UNLIKE = frozenset((b"OBJECT", b"MEMORY", b"DEBUG", b"DUMP", b"XINFO"))
"""Commands that tell how a value is kept in memory, which is another way once it was read from a file, or when a consumer was
seen, which is no effect."""


def at_the_same_time(one: CoreStage, other: CoreStage) -> None:
    ahead = one.now_ms() - other.now_ms()
    (other if ahead > 0 else one).advance(abs(ahead))


class Stored:
    """A server with a folder, which ends and begins again."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.stage = CoreStage(target)
        self.open()

    def open(self) -> None:
        server = self.stage.server
        server.files = self.store = Store(server, self.folder, lambda seconds, action: self.later.append(action))
        self.later: list[Callable[[], None]] = []
        self.store.load()

    def reopen(self, crash: bool) -> None:
        if crash:
            self.store.let_go()
        else:
            self.store.close()
        before, self.stage = self.stage, CoreStage(self.target)
        self.stage.server.random = before.server.random
        at_the_same_time(before, self.stage)
        self.open()

    def tidy(self) -> None:
        later, self.later = self.later, []
        for action in later:
            action()


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("target", SERVERS, ids=lambda target: target.name)
def test_a_server_that_ends_and_begins_again_answers_as_one_that_stays(
    target: Target, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(f"store {seed}")
    monkeypatch.setattr("redouble.persistence.store.CHECKPOINT", random.choice((0, 200, 1 << 20)))
    stays, stored = CoreStage(target), Stored(target, tmp_path / "data")
    at_the_same_time(stored.stage, stays)
    stored.stage.server.random, stays.server.random = Random(seed), Random(seed)
    families = FAMILIES + MODULES * target.is_stack
    units = Generator(random.sample(families, min(6, len(families))), random).units()
    sent: list[tuple[bytes, ...]] = []
    for unit in islice(units, UNITS):
        for command in unit:
            if not command.argv or command.receive or UNFIT.intersection(command.argv):
                continue
            sent.append(command.argv)
            answers = [each.send(command.connection, command.argv) for each in (stored.stage, stays)]
            if command.argv[0].upper() not in UNLIKE:
                got, expected = (sorted(answer.split(b"\r\n")) for answer in answers)
                assert got == expected, "\n".join(map(str, sent[-20:]))
        if random.random() < 0.05:
            moved = random.choice((1, 50_000, 3_000_000))
            stored.stage.advance(moved)
            stays.advance(moved)
        if random.random() < 0.1:
            stored.tidy()
        if random.random() < 0.05:
            stored.reopen(crash=random.random() < 0.5)
            at_the_same_time(stored.stage, stays)
            sent.append((b"reopened",))
            for connection in list(stays.clients):
                stays.clients.pop(connection).disconnect()
    stored.reopen(crash=seed % 2 == 0)
    got, expected = contents(stored.stage.server), contents(stays.server)
    differing = [key for key in expected.keys() | got.keys() if expected.get(key) != got.get(key)]
    assert not differing, "\n".join(
        [
            *(f"{key}\n  {expected.get(key)}\n  {got.get(key)}" for key in differing),
            *map(str, [each for each in sent if any(key in each for _, key in differing)]),
        ]
    )
    stored.stage.server.check()

"""The effects of random commands, played on an empty server, give the same data: what an append-only file needs."""

from __future__ import annotations

import os
from itertools import islice
from random import Random
from typing import Any

import pytest

from redouble.core.database import Database
from redouble.core.digest import digest_of_value
from redouble.core.player import Player
from redouble.core.server import Server
from redouble.modules.timeseries.series import FOREVER, Series
from redouble.persistence.effects import Effect, Effects, Journal
from redouble.persistence.values import dump_value
from redouble.types.module_value import ModuleValue
from redouble.types.stream import Stream
from tests.fuzz.families import NAMES
from tests.fuzz.generator import Generator
from tests.fuzz.modules import MODULE_FAMILIES
from tests.fuzz.values import DUMPED
from tests.parity.machine.ours import CoreStage
from tests.parity.machine.scenario import Target

SEEDS = int(os.environ.get("SEEDS", "3"))
"""How many sequences of commands are played as each server."""

FAMILIES = [name for name in NAMES if name not in ("acl", "pubsub", "functions")]
MODULES = [name for name in MODULE_FAMILIES if name != "tdigest"]
"""A digest is compressed when it is read, which is no change: its digits may differ then, as on a real server."""
SERVERS = [
    Target.of("redis-stack-7.4", "7.4.1"),
    Target.of("redis-8.6", "8.6.3"),
    Target.of("valkey-9", "9.1.2"),
    Target.of("redis-6.2", "6.2.14"),
]


UNFIT = frozenset((DUMPED, b"RELOAD", b"reload", b"CF.COMPACT", b"cf.compact"))
"""Words of commands that are not played: what DEBUG RELOAD loses (the sign of a zero) and CF.COMPACT moves is no effect."""


class Log(Journal):
    def __init__(self) -> None:
        self.units: list[list[Effect]] = []

    def append(self, unit: list[Effect]) -> None:
        self.units.append(unit)


def contents(server: Server) -> dict[tuple[int, bytes], Any]:
    return {
        (db.index, key): (facts(db, value), db.expires_at(key), field_expiries(value))
        for db in server.databases.values()
        for key, value in db.items()
    }


def field_expiries(value: Any) -> Any:
    return dict(getattr(value, "expiries", {}))


def facts(db: Database, value: Any) -> Any:
    dialect = db.server.dialect
    if type(value) is Series:  # a sample that is refused may split a chunk, which is no effect
        value.drop_stale_references(db)
        settings = [getattr(value.settings, name) for name in value.settings.__slots__]
        rules = [
            (rule.destination, rule.duration, rule.alignment, rule.start, rule.has_samples and rule.aggregator.result())
            for rule in value.rules
            if rule.start is not None
        ]
        return value.name, settings, list(value.samples(0, FOREVER)), rules
    if isinstance(value, ModuleValue):
        return dump_value(value, dialect)
    digest = digest_of_value(value, False, dialect)
    if type(value) is Stream:
        groups = {
            name: (
                group.last_id,
                group.entries_read if dialect.streams_count_entries else None,
                sorted(group.consumers),
                {id: (pending.consumer.name, pending.time, pending.count) for id, pending in group.pending.items()},
            )
            for name, group in value.groups.items()
        }
        return digest, value.last_id, groups
    return digest


def replayed(units: list[list[Effect]], like: CoreStage, target: Target) -> Server:
    other = CoreStage(target)
    other.clock.advance((like.now_ms() - other.now_ms()) / 1000)
    player = Player(other.server)
    for unit in units:
        for index, argv in unit:
            player.play([b"SELECT", b"%d" % index])
            player.play(argv)
    return other.server


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("target", SERVERS, ids=lambda target: target.name)
def test_the_effects_of_random_commands_make_the_same_data(target: Target, seed: int) -> None:
    stage, log, random = CoreStage(target), Log(), Random(f"effects {seed}")
    effects = Effects(stage.server, log)
    stage.server.effects = effects
    stage.server.observe(effects)
    families = FAMILIES + MODULES * target.is_stack
    units = Generator(random.sample(families, min(6, len(families))), random).units()
    for unit in islice(units, 500):
        for command in unit:
            if not command.argv or command.receive or UNFIT.intersection(command.argv):
                continue
            answer = stage.send(command.connection, command.argv)
            if answer.startswith(b"-INVALIDOBJ"):  # it may have changed by then
                stage.send(command.connection, [b"DEL", command.argv[1]])
        if random.random() < 0.05:
            stage.advance(random.choice((1, 50_000, 3_000_000)))
    with stage.server.lock:
        stage.server.tick()
    expected = contents(stage.server)
    got = contents(replayed(log.units, stage, target))
    differing = [key for key in expected.keys() | got.keys() if expected.get(key) != got.get(key)]
    told = [argv for unit in log.units for _, argv in unit if any(key in argv for _, key in differing)]
    shown = "\n".join(f"{key}\n  {expected.get(key)}\n  {got.get(key)}" for key in differing)
    assert not differing, shown + "\n" + "\n".join(map(str, told[-20:]))


def test_a_series_that_is_increased_keeps_its_rules() -> None:
    stage, log = CoreStage(SERVERS[0]), Log()
    effects = Effects(stage.server, log)
    stage.server.effects = effects
    stage.server.observe(effects)
    for line in (
        b"TS.CREATE k",
        b"TS.CREATE d",
        b"TS.CREATERULE k d AGGREGATION sum 1000",
        b"TS.INCRBY k 3",
        b"TS.ADD k 1 1",
        b"TS.MADD k * 4 k 1 1",
        b"TS.INCRBY new x",
    ):
        stage.send(1, line.split())
        stage.advance(1000)
    expected = contents(stage.server)
    assert expected[0, b"k"][0][3], "there is a rule"
    assert len(expected) == 3
    assert contents(replayed(log.units, stage, SERVERS[0])) == expected

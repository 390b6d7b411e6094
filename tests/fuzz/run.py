"""Rounds of the fuzzer: some hundred units on two empty servers; what differs is shrunk."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from tests.parity.machine.scenario import quote
from tests.parity.machine.wire import parse, readable

from .duel import Difference, Duel, scenario_text
from .families import BLOCKING, DUMPING, FAMILIES, IDEMPOTENT, LISTENING
from .generator import Command, Generator, Unit
from .modules import MODULE_FAMILIES
from .shrink import shrink

UNITS = 600
"""Units in one round."""

SHRINKING_SECONDS = 30

SMALL = [
    tuple(line.split())
    for line in (
        b"CONFIG SET list-max-listpack-size 4",
        b"CONFIG SET hash-max-listpack-entries 4",
        b"CONFIG SET hash-max-listpack-value 16",
        b"CONFIG SET zset-max-listpack-entries 4",
        b"CONFIG SET zset-max-listpack-value 16",
        b"CONFIG SET set-max-intset-entries 4",
        b"CONFIG SET stream-node-max-entries 3",
        b"CONFIG SET hll-sparse-max-bytes 100",
    )
]
"""Every other round begins with these, so that both encodings of each type are met."""

BY_CHANCE_IF_SMALL = frozenset((b"SUNIONSTORE", b"SDIFFSTORE"))
"""Not in the rounds with little room: docs/differences.md, "Sets stored from a hashtable"."""


def absent_commands(duel: Duel) -> frozenset[bytes]:
    """What the real server does not have; that redouble does not have it either is shown by the scenarios."""
    texts = (*FAMILIES.values(), *MODULE_FAMILIES.values(), BLOCKING, IDEMPOTENT, DUMPING, LISTENING)
    names = sorted(
        {
            part.split()[0].encode()
            for text in texts
            for line in text.splitlines()
            if line.strip()
            for part in line.split(";")
        }
    )
    with contextlib.closing(duel.stage.server.connect()) as link:
        told = parse(link.ask(b"COMMAND", b"INFO", *names)).children
    return frozenset(name for name, node in zip(names, told, strict=True) if node.null)


@dataclass(frozen=True)
class Report:
    difference: Difference
    commands: Sequence[Command]
    server: str
    protocol: int

    def text(self) -> str:
        argv = self.difference.command.argv
        asked = " ".join(map(quote, argv)) or "the messages that were awaited"
        title = (
            f"{quote(argv[0]).upper() if argv else 'What is heard'} differs from {self.server} in RESP{self.protocol}"
        )
        return (
            f"{scenario_text(self.commands, title)}\n"
            f"# {asked}\n#   {self.server}: {readable(self.difference.real)}\n#   redouble:  {readable(self.difference.ours)}"
        )


class Run:
    """Rounds against one server."""

    def __init__(self, name: str, families: list[str]) -> None:
        self.duel = Duel(name)
        self.families = families
        self.played = 0
        self.absent = absent_commands(self.duel)
        self.avoid: set[bytes] = set()
        """Commands that redouble does not have, once that is known."""

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.duel.stop()

    def round(self, random: Random, number: int, wanted: Callable[[Difference], bool]) -> Report | None:
        """One round; a difference that is not wanted is reported without its commands, unshrunk."""
        protocol = 2 + number % 2
        small = number % 4 < 2
        avoid = self.avoid | BY_CHANCE_IF_SMALL if small else self.avoid
        units: list[Unit] = [(Command(1, argv),) for argv in SMALL] if small else []
        units += [
            unit
            for unit in islice(Generator(self.families, random, self.absent).units(), UNITS)
            if not any(command.argv and command.argv[0].upper() in avoid for command in unit)
        ]
        difference = self._fight(units, protocol)
        self.played = self.duel.commands_played
        if difference is None:
            return None
        if difference.unknown:
            self.avoid.add(difference.command.argv[0].upper())
        if not wanted(difference):
            return Report(difference, (), self.duel.target.name, protocol)
        signature = difference.signature

        until = time.monotonic() + SHRINKING_SECONDS

        def shows(candidate: Sequence[Unit]) -> bool:
            if time.monotonic() > until:
                return False
            found = self._fight(candidate, protocol)
            return found is not None and found.signature == signature

        left = _until(units, difference.at)
        left = shrink(left, shows) if shows(left) else left[-1:]  # not met again: it was time or chance
        final = self._fight(left, protocol) or difference
        self.duel.commands_played = self.played
        commands = [command for unit in left for command in unit]
        if final.at >= len(commands):
            commands.append(final.command)
        return Report(final, commands, self.duel.target.name, protocol)

    def _fight(self, units: Sequence[Unit], protocol: int) -> Difference | None:
        return self.duel.fight([command for unit in units for command in unit], protocol)


def _until(units: Sequence[Unit], at: int) -> list[Unit]:
    """The units up to the one that holds command `at`."""
    left: list[Unit] = []
    commands = 0
    for unit in units:
        if commands > at:
            break
        left.append(unit)
        commands += len(unit)
    return left

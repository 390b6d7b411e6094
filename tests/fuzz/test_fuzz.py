"""A small, fixed budget of the fuzzer for every run of the tests, and tests of the fuzzer itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from random import Random

import pytest

from tests.parity.__main__ import SERVERS
from tests.parity.machine import real
from tests.parity.machine.scenario import read

from .duel import scenario_text
from .families import NAMES
from .generator import Command, Generator, Unit
from .grammar import Slots, generate, parse
from .run import Run
from .shrink import shrink

ROUNDS = 3


@pytest.mark.real
@pytest.mark.parametrize("server", SERVERS)
def test_random_commands_are_answered_as_by_the_real_server(server: str) -> None:
    if server not in real.installed():
        pytest.skip(f"{server} is not installed")
    with Run(server, list(NAMES)) as run:
        for number in range(ROUNDS):
            report = run.round(Random(f"test {number}"), number, lambda difference: True)
            if report:
                pytest.fail(report.text(), pytrace=False)


@pytest.mark.fake
def test_a_template_makes_what_its_usage_line_allows() -> None:
    slots: Slots = {"key": lambda random: b"k", "keys": lambda random: [b"2", b"a", b"b"]}
    made = {
        b" ".join(generate(parse("X <key> <keys> (A|B C) [D [E]] <key>..."), slots, Random(seed)))
        for seed in range(300)
    }
    words = {line.lower().removeprefix(b"x k 2 a b ") for line in made}
    assert all(line.startswith((b"a ", b"b c ")) for line in words)
    assert {b"a k", b"b c k", b"a d k", b"a d e k k"} <= words
    assert not any(b" e" in line and b"d e" not in line for line in words)


@pytest.mark.fake
def test_the_same_seed_makes_the_same_commands() -> None:
    names = ["pubsub", "list", "transactions", "blocking"]
    one, other = (list(islice(Generator(names, Random(7)).units(), 500)) for _ in range(2))
    assert one == other
    assert {command.connection for unit in one for command in unit} == {1, 2, 3, 4}


@pytest.mark.fake
def test_shrinking_keeps_what_matters() -> None:
    units: list[Unit] = [(Command(1, (b"SET", b"k%d" % i, b"v")),) for i in range(100)]
    units[40] = (Command(1, (b"PING",)), Command(2, (b"RPUSH", b"l", b"x", b"y")), Command(1, (b"PING",)))
    units.append((Command(1, (b"GET", b"l")),))

    def shows(candidate: Sequence[Unit]) -> bool:
        commands = [command.argv for unit in candidate for command in unit]
        return commands[-1:] == [(b"GET", b"l")] and any(
            argv[:2] == (b"RPUSH", b"l") and len(argv) > 2 for argv in commands
        )

    assert shrink(units, shows) == [(Command(2, (b"RPUSH", b"l", b"a")),), (Command(1, (b"GET", b"l")),)]


@pytest.mark.fake
def test_what_is_printed_is_a_scenario() -> None:
    commands = [
        Command(3, (b"BLPOP", b"l", b"0"), waits=True),
        Command(1, (b"RPUSH", b"l", b"\x00")),
        Command(3, (), receive=True),
    ]
    (scenario,) = read(scenario_text(commands, "BLPOP differs"), "group")
    assert [(step.kind, step.connection, step.argv) for step in scenario.steps] == [
        ("send", 3, (b"BLPOP", b"l", b"0")),
        ("send", 1, (b"RPUSH", b"l", b"\x00")),
        ("receive", 3, ()),
    ]

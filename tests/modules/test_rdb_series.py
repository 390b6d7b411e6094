"""Time series in DUMP, RESTORE and RDB files: to a real server and back, and payloads that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from redouble import FakeServer
from redouble.core.client import Client
from redouble.resp.reply import ByKey, CommandError
from tests.modules.damage import restored_of_damaged

MANY = " ".join(f"k {i * 37 % 1009 + 10 * i} {i * 7919 % 101 / 8}" for i in range(400))
SCRIPTS = [
    "TS.CREATE k",
    "TS.CREATE k RETENTION 5000 CHUNK_SIZE 128 DUPLICATE_POLICY min IGNORE 5 0.25 LABELS a 1 b two; TS.ADD k 5 0.1",
    "TS.CREATE k CHUNK_SIZE 48 DUPLICATE_POLICY last; TS.MADD k 1 1 k 2 1 k 100 1 k 5000 2 k 90000 3 k 8000000 1e300",
    f"TS.CREATE k CHUNK_SIZE 64 DUPLICATE_POLICY sum; TS.MADD {MANY}; TS.DEL k 300 700",
    f"TS.CREATE k DUPLICATE_POLICY max; TS.MADD {MANY}",
]
UNCOMPRESSED = f"TS.CREATE k UNCOMPRESSED CHUNK_SIZE 64 DUPLICATE_POLICY last LABELS a 1; TS.MADD {MANY}"
QUESTIONS = (
    "TS.INFO k DEBUG; TS.RANGE k - +; TS.REVRANGE k 50 4000 AGGREGATION twa 100; TS.GET k; TS.QUERYINDEX a=1;"
    "TS.ADD k 9000000 7; TS.ADD k 77 8; TS.ADD k 78 0.3; TS.INFO k DEBUG; TS.RANGE k 70 100"
)
AGGREGATORS = ("avg", "sum", "min", "max", "range", "count", "first", "last", "std.p", "std.s", "var.p", "var.s", "twa")
RULES = "; ".join(
    [
        "TS.CREATE k DUPLICATE_POLICY last LABELS a 1",
        *(f"TS.CREATE d{i}; TS.CREATERULE k d{i} AGGREGATION {name} 50 {i}" for i, name in enumerate(AGGREGATORS)),
        "TS.CREATE e; TS.CREATERULE k e AGGREGATION avg 1000000",
        "TS.MADD k 10 1 k 30 2.5 k 70 3 k 120 0.1 k 130 9 k 20 4",
    ]
)


def lines(script: str) -> list[list[bytes]]:
    return [line.encode().split() for line in script.split(";")]


class Here:
    """redouble, asked as a real server is."""

    def __init__(self) -> None:
        self.fake = FakeServer(version="7.4", config={"enable-debug-command": "yes"})
        self.client = Client(self.fake.core)
        self.ask("HELLO", 3)

    def ask(self, *words: Any) -> Any:
        reply = self.fake.core.call(
            self.client, [word if isinstance(word, bytes) else str(word).encode() for word in words]
        )
        return repr(reply) if isinstance(reply, CommandError) else reply


@pytest.mark.real
@pytest.mark.parametrize("script", [*SCRIPTS, UNCOMPRESSED])
def test_values_travel_both_ways(real: Callable[[str], Callable[..., Any]], script: str) -> None:
    theirs, here = real("redis-stack-7.4"), Here()
    theirs("FLUSHALL")
    theirs("HELLO", 3)
    for argv in lines(script):
        assert here.ask(*argv) == theirs(*argv)
    ours, other = here.ask("DUMP", "k"), theirs("DUMP", "k")
    if script != UNCOMPRESSED:  # of which the real server writes more than the samples
        assert ours == other
    assert here.ask("RESTORE", "r", 0, other) == theirs("RESTORE", "r", 0, ours) == b"OK"
    for argv in lines(QUESTIONS):
        argv = [b"r" if word == b"k" else word for word in argv]
        assert same(here.ask(*argv), answer(theirs, argv)), argv


def answer(ask: Callable[..., Any], argv: list[bytes]) -> Any:
    """An error as `Here` answers it."""
    try:
        return ask(*argv)
    except redis.ResponseError as failure:
        return repr(CommandError(f"ERR {failure}"))


def same(one: Any, other: Any) -> bool:
    """Whether two answers are, if sets and lists, maps and lists of pairs are not told apart."""
    return plain(one) == plain(other)


def plain(reply: Any) -> Any:
    if isinstance(reply, ByKey):
        reply = dict(reply)
    if isinstance(reply, dict):
        return [plain(item) for pair in reply.items() for item in pair]
    if isinstance(reply, (list, set, tuple)):
        return [plain(item) for item in reply]
    return float(reply) if isinstance(reply, (int, float)) else bytes(reply) if isinstance(reply, bytes) else reply


def rows(ask: Callable[..., Any]) -> list[str]:
    """What two servers with the same series and rules answer."""
    asked = ["TS.RANGE k - +", "TS.QUERYINDEX a=1", *(f"TS.RANGE d{i} - + LATEST" for i in range(len(AGGREGATORS)))]
    asked += ["TS.MADD k 140 3 k 230 4 k 105 7 k 300 1", *asked, "TS.RANGE e - + LATEST", "TS.DELETERULE k e"]
    return [repr(plain(ask(*line.split()))) for line in asked]


@pytest.mark.real
def test_files_travel_both_ways(real: Callable[[str], Callable[..., Any]]) -> None:
    theirs, here, reference = real("redis-stack-7.4"), Here(), Here()
    folder = Path(dict_of(theirs("CONFIG", "GET", "dir"))[b"dir"].decode())
    theirs("FLUSHALL")
    for argv in lines(RULES):
        assert theirs(*argv) == reference.ask(*argv)
    expected = rows(reference.ask)
    theirs("SAVE")
    here.fake.load(folder / "dump.rdb")
    assert rows(here.ask) == expected
    other = Here()
    for argv in lines(RULES):
        other.ask(*argv)
    other.fake.save(folder / "dump.rdb")
    theirs("FLUSHALL")
    theirs("DEBUG", "RELOAD", "NOSAVE")
    theirs("HELLO", 3)
    assert rows(theirs) == expected


def dict_of(reply: Any) -> dict[bytes, bytes]:
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))


@pytest.mark.real
def test_values_of_the_version_before(real: Callable[[str], Callable[..., Any]]) -> None:
    theirs, here = real("redis-stack-7.2"), Here()
    theirs("FLUSHALL")
    for argv in lines(SCRIPTS[3]):
        theirs(*argv)
    assert here.ask("RESTORE", "k", 0, theirs("DUMP", "k")) == b"OK"
    assert pairs(here.ask("TS.RANGE", "k", "-", "+")) == pairs(theirs("TS.RANGE", "k", "-", "+"))


def pairs(samples: Any) -> list[tuple[int, float]]:
    return [(timestamp, float(value)) for timestamp, value in samples]


def test_reload_keeps_the_rules_and_what_they_have_collected() -> None:
    here, other = Here(), Here()
    for argv in lines(RULES):
        here.ask(*argv)
        other.ask(*argv)
    assert here.ask("DEBUG", "RELOAD") == b"OK"
    assert rows(here.ask) == rows(other.ask)


def test_a_damaged_payload_is_refused_or_gives_a_valid_value() -> None:
    scripts = [*SCRIPTS[:3], "TS.CREATE k UNCOMPRESSED CHUNK_SIZE 48; TS.MADD k 1 1 k 2 2 k 3 3 k 4 4"]
    assert 250 < restored_of_damaged(scripts, lines, lambda script: lines(QUESTIONS), measured=200) < 2400

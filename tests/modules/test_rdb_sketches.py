"""Top-k lists and t-digests in DUMP and RESTORE: to a real server and back, and payloads that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from redouble import FakeServer
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.reply import CommandError
from tests.fuzz.rules import without_addresses
from tests.modules.damage import restored_of_damaged

SCRIPTS = [
    "TOPK.RESERVE k 3",
    "TOPK.RESERVE k 1 1 1 1; TOPK.ADD k a",
    "TOPK.RESERVE k 3 645 3 0.9; TOPK.INCRBY k a 5 b 6 item 7 t1 8 t2 2; TOPK.ADD k t3 t3 t3",
    "TOPK.RESERVE k 5 4 2 1e-300; TOPK.INCRBY k a 5 b 6 c 7 d 8 e 9 f 100000 g 0",
    "TDIGEST.CREATE k",
    "TDIGEST.CREATE k COMPRESSION 1; TDIGEST.ADD k 5",
    "TDIGEST.CREATE k COMPRESSION 10; TDIGEST.ADD k 1 2.5 -3 0 -0 1e308 -1.7e308 1e-300",
    "TDIGEST.CREATE k COMPRESSION 3; TDIGEST.ADD k " + " ".join(f"{i * 37 % 101 / 7}" for i in range(300)),
    "TDIGEST.CREATE k; TDIGEST.ADD k 1 2 3; TDIGEST.MERGE k 3 k k k COMPRESSION 50",
]
QUESTIONS = [
    "TOPK.INFO k; TOPK.LIST k WITHCOUNT; TOPK.COUNT k a b c t1; TOPK.QUERY k a b c t1; TOPK.ADD k t2; TOPK.LIST k",
    "TDIGEST.INFO k; TDIGEST.QUANTILE k 0 0.1 0.5 0.9 1; TDIGEST.CDF k -1 0 1 5; TDIGEST.RANK k -1 0 1 5;"
    "TDIGEST.REVRANK k -1 0 1 5; TDIGEST.BYRANK k 0 1 5; TDIGEST.BYREVRANK k 0 1 5; TDIGEST.TRIMMED_MEAN k 0.1 0.9;"
    "TDIGEST.MIN k; TDIGEST.MAX k; TDIGEST.ADD k 7 8; TDIGEST.QUANTILE k 0.5; TDIGEST.MERGE k 1 k; TDIGEST.INFO k",
]


def lines(script: str) -> list[list[bytes]]:
    return [line.encode().split() for line in script.split(";")]


def questions(script: str) -> list[list[bytes]]:
    return lines(QUESTIONS[script.startswith("TDIGEST")])


@pytest.mark.real
@pytest.mark.parametrize("script", SCRIPTS)
def test_values_travel_both_ways(real: Callable[[str], Callable[..., Any]], script: str) -> None:
    theirs = real("redis-stack-7.4")
    server = Server(version="7.4")
    client = Client(server)

    def mine(*argv: Any) -> Any:
        return server.call(client, [word if isinstance(word, bytes) else str(word).encode() for word in argv])

    mine("HELLO", 3)
    theirs("FLUSHALL")
    for argv in lines(script):
        assert mine(*argv) == theirs(*argv)
    here, there = mine("DUMP", "k"), theirs("DUMP", "k")
    if script.startswith("TOPK"):
        assert parts(here) == parts(there)
    else:
        assert here == there
    assert mine("RESTORE", "k", 0, there, "REPLACE") == theirs("RESTORE", "k", 0, here, "REPLACE") == b"OK"
    for argv in questions(script):
        assert repr(mine(*argv)) == repr(theirs(*argv)), argv  # nan, too, is like itself


@pytest.mark.real
def test_files_travel_both_ways(real: Callable[[str], Callable[..., Any]]) -> None:
    theirs = real("redis-stack-7.4")
    folder = Path(theirs("CONFIG", "GET", "dir")[b"dir"].decode())
    fake = FakeServer(version="7.4")
    client = Client(fake.core)
    fake.core.call(client, [b"HELLO", b"3"])
    asked = [argv for script in (SCRIPTS[2], SCRIPTS[7]) for argv in questions(script)]

    def answers(ask: Callable[..., Any]) -> list[str]:
        return [repr(ask(argv[0], key, *argv[2:])) for key in (b"top", b"digest") for argv in asked]

    def mine(*argv: bytes) -> Any:
        reply = fake.core.call(client, list(argv))
        return None if isinstance(reply, CommandError) else reply

    def theirs_or_none(*argv: bytes) -> Any:
        try:
            return theirs(*argv)
        except redis.ResponseError:
            return None

    theirs("FLUSHALL")
    for key, script in ((b"top", SCRIPTS[2]), (b"digest", SCRIPTS[7])):
        for argv in lines(script):
            theirs(argv[0], key, *argv[2:])
    theirs("SAVE")
    fake.load(folder / "dump.rdb")
    theirs("DEBUG", "RELOAD")  # it has forgotten what files do not hold
    assert answers(mine) == answers(theirs_or_none)
    fake.save(folder / "dump.rdb")
    theirs("FLUSHALL")
    theirs("DEBUG", "RELOAD", "NOSAVE")
    assert answers(mine) == answers(theirs_or_none)


def parts(dump: bytes) -> object:
    return without_addresses(b"$%d\r\n%b\r\n" % (len(dump), dump))


def test_a_damaged_payload_is_refused_or_gives_a_valid_value() -> None:
    # not the long one
    assert 250 < restored_of_damaged(SCRIPTS[:2] + SCRIPTS[3:], lines, questions) < 2000

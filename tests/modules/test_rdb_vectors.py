"""Vector sets in DUMP and RESTORE: to a real server and back, as good a graph as a real one, and payloads that are damaged."""

from __future__ import annotations

import random
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from redouble.core.client import Client
from redouble.core.server import Server
from redouble.persistence.crc64 import crc64
from redouble.resp.reply import OK, CommandError
from tests.persistence.test_mutations import mutated

KINDS = [("NOQUANT", 20), ("Q8", 7), ("Q8", 100), ("BIN", 100)]


def vector(chance: random.Random, dimension: int) -> bytes:
    return struct.pack(f"<{dimension}f", *(chance.gauss(0, 1) for _ in range(dimension)))


def caller(server: Server, client: Client) -> Callable[..., Any]:
    return lambda *argv: server.call(client, [word if isinstance(word, bytes) else str(word).encode() for word in argv])


def fill(ask: Callable[..., Any], kind: str, dimension: int, count: int) -> None:
    """Elements 0 to `count` - 1, of which every third has attributes and every fifth came again, some of them gone."""
    chance = random.Random(f"{kind} {dimension}")
    for number in [*range(count), *range(0, count, 5)]:
        attributes = ["SETATTR", f'{{"n":{number}}}'] if number % 3 == 0 else []
        ask("VADD", "k", "FP32", vector(chance, dimension), number, kind, *attributes)
    for number in range(7, count, 30):
        ask("VREM", "k", number)


@pytest.mark.real
@pytest.mark.parametrize("name", ["redis-8.0", "redis-8.6"])
@pytest.mark.parametrize(("kind", "dimension"), KINDS)
def test_vector_sets_travel_both_ways(
    real: Callable[[str], Callable[..., Any]], name: str, kind: str, dimension: int
) -> None:
    theirs = real(name)
    server = Server(version=name.partition("-")[2], config={"enable-debug-command": "yes"})
    mine = caller(server, Client(server))
    mine("HELLO", 3)
    theirs("FLUSHALL")
    for ask in (theirs, mine):
        fill(ask, kind, dimension, 120)
    here, there = mine("DUMP", "k"), theirs("DUMP", "k")
    assert mine("RESTORE", "k", 0, there, "REPLACE") == theirs("RESTORE", "k", 0, here, "REPLACE") == b"OK"
    server.database(0).check()
    questions = [("VEMB", "k", 5), ("VGETATTR", "k", 6), ("VSIM", "k", "ELE", 9, "TRUTH"), ("VCARD", "k")]
    for question in [*questions, ("DEBUG", "DIGEST-VALUE", "k"), ("MEMORY", "USAGE", "k")]:
        assert mine(*question) == theirs(*question), question
    assert mine("RESTORE", "l", 0, there) == theirs("RESTORE", "l", 0, there) == b"OK"
    assert mine("DUMP", "l") == theirs("DUMP", "l")  # nothing in it is chance


@pytest.mark.real
@pytest.mark.parametrize(("kind", "dimension"), KINDS[:3])
def test_a_real_server_searches_our_graph_well(
    real: Callable[[str], Callable[..., Any]], kind: str, dimension: int
) -> None:
    theirs = real("redis-8.6")
    server = Server(version="8.6", random=random.Random(1), config={"enable-debug-command": "yes"})
    mine = caller(server, Client(server))
    theirs("FLUSHALL")
    fill(mine, kind, dimension, 600)
    assert theirs("RESTORE", "k", 0, mine("DUMP", "k")) == b"OK"
    found = 0
    for number in range(0, 200, 2):
        near, truth = (theirs("VSIM", "k", "ELE", number, *words) for words in ((), ("TRUTH",)))
        found += len(set(near) & set(truth))
    assert found >= 960


def test_a_damaged_payload_is_refused_or_gives_a_valid_value() -> None:
    server = Server(version="8.6", random=random.Random(1), config={"enable-debug-command": "yes"})
    ask = caller(server, Client(server))
    payloads = []
    for kind, dimension in (("NOQUANT", 3), ("Q8", 5), ("BIN", 7)):
        ask("FLUSHALL")
        fill(ask, kind, dimension, 8)
        payloads.append(ask("DUMP", "k"))
    ask("VADD", "l", "REDUCE", 2, "VALUES", 5, 1, 2, 3, 4, 5, "a")
    payloads.append(ask("DUMP", "l"))
    chance = random.Random(1)
    restored = 0
    tracemalloc.start()
    for _ in range(2000):
        body = mutated(chance, chance.choice(payloads))
        damaged = body + crc64(body).to_bytes(8, "little")
        reply = ask("RESTORE", "k", 0, damaged, "REPLACE")
        if isinstance(reply, CommandError):
            assert str(reply) == "ERR Bad data format", damaged
            continue
        restored += 1
        server.database(0).check()
        names = ask("VRANGE", "k", "-", "+")
        for question in (
            *[("VLINKS", "k", names[0], "WITHSCORES"), ("VSIM", "k", "ELE", names[0], "FILTER", ".n > 2")],
            *[("VREM", "k", names[0]), ("VINFO", "k"), ("MEMORY", "USAGE", "k"), ("DEBUG", "DIGEST-VALUE", "k")],
        ):
            ask(*question)
        again = ask("DUMP", "k")
        if again is not None:
            assert ask("RESTORE", "k", 0, again, "REPLACE") is OK
        server.database(0).check()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    assert 100 < restored < 1600

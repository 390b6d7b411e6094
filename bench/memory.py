"""What data takes in redouble and in fakeredis, in one process: bytes for each key, element, member or field."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import fakeredis

import redouble
from bench.result import Result, compared

UNITS = 20_000
STEP = 1_000
"""Elements that one command puts in."""

Fill = Callable[[Any, range], object]
"""Puts one unit for each number into a server."""


def small_hashes(r: Any, numbers: range) -> None:
    for number in numbers:
        r.hset(f"hash:{number}", mapping={"name": f"name {number}", "mail": f"mail {number}", "age": number})


def strings(r: Any, numbers: range) -> None:
    for number in numbers:
        r.set(f"key:{number}", f"value {number}")


KINDS: dict[str, Fill] = {
    "small hash": small_hashes,
    "string key": strings,
    "list element": lambda r, numbers: r.rpush("list", *(f"element {number}" for number in numbers)),
    "set member": lambda r, numbers: r.sadd("set", *(f"member {number}" for number in numbers)),
    "hash field": lambda r, numbers: r.hset("hash", mapping={f"field {number}": number for number in numbers}),
    "sorted-set member": lambda r, numbers: r.zadd("zset", {f"member {number}": number for number in numbers}),
}
"""How they are put in."""


def taken(client: Any, fill: Fill) -> float:
    """Bytes for one unit."""
    fill(client, range(UNITS, UNITS + 1))  # what is loaded with the first command is loaded
    client.flushall()
    gc.collect()
    tracemalloc.start()
    try:
        for start in range(0, UNITS, STEP):
            fill(client, range(start, start + STEP))
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / UNITS
    finally:
        tracemalloc.stop()


def results(short: bool) -> Iterator[Result]:
    for kind, fill in KINDS.items():
        ours, theirs = taken(redouble.FakeRedis(), fill), taken(fakeredis.FakeRedis(), fill)
        yield compared(f"one of {UNITS:,}", kind, "bytes", ("redouble", [ours]), ("fakeredis", [theirs]))

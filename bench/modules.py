"""What commands of modules cost: CPU time here, time until the answers are there from a Redis Stack, in one run.

`python -m bench modules`, or `python -m bench.modules tdigest` for one family.  A family is a function
that yields rows.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import redis

import redouble.commands
from bench.servers import real_server
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.reply import CommandError

assert redouble.commands  # fills the command table

REAL, VERSION = "redis-stack-7.4", "7.4"
ROUNDS, CALLS = 9, 100

Words = tuple[Any, ...]


@dataclass
class Row:
    """One line of the result."""

    name: str
    command: Callable[[int], Words]
    """The command that is timed, from how often it was called before."""
    setup: Iterable[Words] = field(default=())
    calls: int = CALLS
    """In each round."""


Family = Callable[[], Iterator[Row]]
FAMILIES: dict[str, Family] = {}


def family(function: Family) -> Family:
    FAMILIES[function.__name__] = function
    return function


@family
def topk() -> Iterator[Row]:
    for k, width in ((10, 100), (1000, 10_000)):
        filled = [("TOPK.RESERVE", "k", k, width, 5, 0.9)]
        filled += [
            ("TOPK.ADD", "k", *(f"item:{i * i % 7919}" for i in range(start, start + 1000)))
            for start in range(0, 20_000, 1000)
        ]
        yield Row(f"TOPK.ADD, {k} of {width} x 5", lambda n: ("TOPK.ADD", "k", f"item:{n * n % 7919}"), filled)
        yield Row(f"TOPK.QUERY, {k} of {width} x 5", lambda n: ("TOPK.QUERY", "k", f"item:{n}"), filled)
        yield Row(f"TOPK.LIST, {k} of {width} x 5", lambda n: ("TOPK.LIST", "k"), filled, 10)


@family
def tdigest() -> Iterator[Row]:
    for count in (1_000, 1_000_000):
        filled = [("TDIGEST.CREATE", "k")]
        filled += [
            ("TDIGEST.ADD", "k", *(i * 7919 % 1_000_003 for i in range(start, start + 1000)))
            for start in range(0, count, 1000)
        ]
        name = f"after {count:,}"
        yield Row(f"TDIGEST.ADD {name}", lambda n: ("TDIGEST.ADD", "k", n * 7919 % 1_000_003), filled, 1000)
        yield Row(f"TDIGEST.ADD of 1000 {name}", lambda n: ("TDIGEST.ADD", "k", *range(n, n + 1000)), filled, 10)
        yield Row(
            f"TDIGEST.ADD of few different ones {name}",
            lambda n: ("TDIGEST.ADD", "k", *([1, 2, 3, 5] * 250)),
            filled,
            10,
        )
        yield Row(f"TDIGEST.QUANTILE {name}", lambda n: ("TDIGEST.QUANTILE", "k", 0.5, 0.99), filled)
        yield Row(f"TDIGEST.CDF {name}", lambda n: ("TDIGEST.CDF", "k", n), filled)
        yield Row(f"TDIGEST.MERGE {name}", lambda n: ("TDIGEST.MERGE", "l", 1, "k", "OVERRIDE"), filled, 10)


@family
def ts() -> Iterator[Row]:
    for count in (1_000, 1_000_000):
        filled = [("TS.CREATE", "k", "LABELS", "a", 1)]
        filled += [
            ("TS.MADD", *(word for i in range(start, start + 1000) for word in ("k", 10 * i, f"{i * 7919 % 1009 / 8}")))
            for start in range(0, count, 1000)
        ]
        end, middle, name = 10 * count, 5 * count, f"{count:,} samples"
        yield Row(f"TS.ADD to {name}", lambda n, end=end: ("TS.ADD", "k", end + 10 * n, n / 8), filled, 1000)
        yield Row(
            f"TS.ADD out of order to {name}",
            lambda n, count=count: ("TS.ADD", "k", 10 * (n * 7919 % count) + 5, n),
            filled,
        )
        yield Row(f"TS.GET of {name}", lambda n: ("TS.GET", "k"), filled, 1000)
        yield Row(
            f"TS.RANGE of 10 in the middle of {name}",
            lambda n, middle=middle: ("TS.RANGE", "k", middle + n, middle + n + 100),
            filled,
        )
        yield Row(
            f"TS.RANGE COUNT 10 from the middle of {name}",
            lambda n, middle=middle: ("TS.RANGE", "k", middle + n, "+", "COUNT", 10),
            filled,
        )
        yield Row(f"TS.RANGE of 1000 of {name}", lambda n: ("TS.RANGE", "k", "-", 10_000), filled, 10)
        yield Row(
            f"TS.RANGE by 100 buckets of {name}",
            lambda n, end=end: ("TS.RANGE", "k", "-", end, "AGGREGATION", "avg", end // 100),
            filled,
            2,
        )
        yield Row(f"TS.INFO of {name}", lambda n: ("TS.INFO", "k"), filled)
    keys = 10_000
    many = [("TS.ADD", f"k:{i}", 1, i, "LABELS", "a", i % 1000, "b", i % 7) for i in range(keys)]
    yield Row(f"TS.QUERYINDEX, 10 of {keys:,} series", lambda n: ("TS.QUERYINDEX", f"a={n % 1000}"), many)
    yield Row(f"TS.MGET, 2 of {keys:,} series", lambda n: ("TS.MGET", "FILTER", f"a={n % 1000}", "b=3"), many)
    ruled = [("TS.CREATE", "k"), ("TS.CREATE", "d"), ("TS.CREATERULE", "k", "d", "AGGREGATION", "avg", 100)]
    yield Row("TS.ADD with a rule", lambda n: ("TS.ADD", "k", 10 * n, n / 8), ruled, 1000)


class Pair:
    """redouble and a real server, which hold the same."""

    def __init__(self, real: redis.Redis) -> None:
        self.real = real
        self.setup: Iterable[Words] | None = None

    def fill(self, setup: Iterable[Words]) -> None:
        """Rows one after the other may share what is there."""
        if setup is self.setup:
            return
        self.setup = setup
        self.server = Server(version=VERSION)
        self.client = Client(self.server)
        self.real.flushall()
        for words in setup:
            self.real.execute_command(*words)
            reply = self.server.call(self.client, encoded(words))
            assert not isinstance(reply, CommandError), (words[:3], reply)

    def compare(self, row: Row) -> tuple[float, float, float]:
        """Microseconds for a call here and there, and the ratio, each the median of the rounds."""
        self.fill(row.setup)
        numbers = itertools.count()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            batch = [row.command(n) for n in itertools.islice(numbers, row.calls)]
            ours.append(self.here(batch) / row.calls * 1e6)
            theirs.append(self.there(batch) / row.calls * 1e6)
        return (
            statistics.median(ours),
            statistics.median(theirs),
            statistics.median(map(float.__truediv__, ours, theirs)),
        )

    def here(self, batch: list[Words]) -> float:
        commands = list(map(encoded, batch))
        start = time.process_time()
        for argv in commands:
            self.server.call(self.client, argv)
        return time.process_time() - start

    def there(self, batch: list[Words]) -> float:
        connection = self.real.connection_pool.get_connection()
        try:
            commands = connection.pack_commands(batch)
            start = time.perf_counter()
            connection.send_packed_command(commands)
            for _ in batch:
                connection.read_response()
            return time.perf_counter() - start
        finally:
            self.real.connection_pool.release(connection)


def encoded(words: Words) -> list[bytes]:
    return [word if isinstance(word, bytes) else str(word).encode() for word in words]


def main(*names: str) -> None:
    with real_server(REAL) as url, redis.Redis.from_url(url) as real:
        pair = Pair(real)
        print(f"{'':55}{'redouble':>12}{REAL:>17}   ratio")
        for name in names or FAMILIES:
            for row in FAMILIES[name]():
                here, there, ratio = pair.compare(row)
                print(f"{row.name:55}{here:10.1f}us{there:15.1f}us{ratio:8.1f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

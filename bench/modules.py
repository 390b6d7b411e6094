"""What commands of modules cost: CPU time here, time until the answers are there from a real server, in one run.

`python -m bench modules`, or `python -m bench.modules vset` for one family.  A family is a function
that yields rows.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import redis

import redouble.commands
from bench.result import Result, compared
from bench.servers import real_server
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.modules.search.index import vectors
from redouble.resp.reply import CommandError

assert redouble.commands  # fills the command table

REAL = "redis-stack-7.4"
OTHERS = {"vset": "redis-8.6"}
"""The families that another server has."""
DIMENSION = 64
ROUNDS, CALLS = 9, 100
PIPELINE = 200
"""How many commands a real server is sent at once while it is filled."""

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


def vector(number: int) -> bytes:
    """Always the same one for a number."""
    chance = Random(number)
    return struct.pack(f"<{DIMENSION}f", *(chance.gauss(0, 1) for _ in range(DIMENSION)))


@family
def vset() -> Iterator[Row]:
    for count in (1_000, 10_000):
        filled = [("VADD", "k", "FP32", vector(i), i, "SETATTR", f'{{"n":{i % 10}}}') for i in range(count)]
        name = f"{count:,} vectors"
        yield Row(f"VADD to {name}", lambda n, count=count: ("VADD", "k", "FP32", vector(-n), count + n), filled)
        yield Row(f"VSIM in {name}", lambda n: ("VSIM", "k", "FP32", vector(-n)), filled, 10)
        yield Row(f"VSIM TRUTH in {name}", lambda n: ("VSIM", "k", "FP32", vector(-n), "TRUTH"), filled, 10)
        yield Row(
            f"VSIM FILTER in {name}", lambda n: ("VSIM", "k", "FP32", vector(-n), "FILTER", ".n == 7"), filled, 10
        )
        yield Row(f"VEMB of {name}", lambda n: ("VEMB", "k", n % 1000), filled)
        yield Row(f"VRANGE in {name}", lambda n: ("VRANGE", "k", "[5", "+", 10), filled)


@family
def json() -> Iterator[Row]:
    people = ",".join(
        f'{{"id":{i},"name":"person {i}","tags":["a","b"],"address":{{"city":"c{i % 10}","zip":"{i:05}"}},"score":{i / 8}}}'
        for i in range(9_500)
    )
    megabyte = [("JSON.SET", "k", "$", f'{{"people":[{people}],"other":{{}}}}')]
    yield Row("JSON.SET of 20 B", lambda n: ("JSON.SET", "l", "$", f'{{"a":{n},"b":"text"}}'), megabyte)
    yield Row("JSON.GET of 20 B", lambda n: ("JSON.GET", "l"), megabyte)
    name = ", deep in 1 MB"
    yield Row(f"JSON.SET{name}", lambda n: ("JSON.SET", "k", f"$.people[{n % 9500}].address.city", f'"c{n}"'), megabyte)
    yield Row(f"JSON.GET{name}", lambda n: ("JSON.GET", "k", f"$.people[{n % 9500}].address.city"), megabyte)
    yield Row(f"JSON.GET of one path{name}", lambda n: ("JSON.GET", "k", "$.people[4711].address.city"), megabyte)
    yield Row(f"JSON.NUMINCRBY{name}", lambda n: ("JSON.NUMINCRBY", "k", "$.people[17].score", 1), megabyte)
    yield Row(f"JSON.SET of a new member{name}", lambda n: ("JSON.SET", "k", f"$.other.m{n}", n), megabyte)
    yield Row(f"JSON.DEL of a member{name}", lambda n: ("JSON.DEL", "k", f"$.other.m{n}"), megabyte)
    yield Row("JSON.GET of 1 MB", lambda n: ("JSON.GET", "k"), megabyte, 2)
    yield Row("JSON.SET of 1 MB", lambda n: ("JSON.SET", "n", "$", megabyte[0][3]), megabyte, 2)
    yield Row("JSON.GET $..city in 1 MB", lambda n: ("JSON.GET", "k", "$..city"), megabyte, 2)
    yield Row("JSON.GET of a filter in 1 MB", lambda n: ("JSON.GET", "k", "$.people[?(@.score>1000)].id"), megabyte, 2)
    array = [("JSON.SET", "k", "$", f"[{','.join(map(str, range(200_000)))}]")]
    yield Row("JSON.ARRAPPEND to 200,000", lambda n: ("JSON.ARRAPPEND", "k", "$", n), array)
    yield Row("JSON.ARRPOP of 200,000", lambda n: ("JSON.ARRPOP", "k", "$"), array)
    yield Row("JSON.ARRINSERT at the beginning", lambda n: ("JSON.ARRINSERT", "k", "$", 0, n), array)
    yield Row("JSON.ARRINDEX at the end", lambda n: ("JSON.ARRINDEX", "k", "$", 199_999), array, 2)
    members = [("JSON.SET", "k", "$", f"{{{','.join(f'{chr(34)}m{i}{chr(34)}:{i}' for i in range(200_000))}}}")]
    yield Row("JSON.DEL of one of 200,000 members", lambda n: ("JSON.DEL", "k", f"$.m{n}"), members)


@family
def bf() -> Iterator[Row]:
    for capacity in (1_000, 10_000_000):
        filled = [("BF.RESERVE", "k", 0.01, capacity)]
        filled += [("BF.MADD", "k", *(f"item:{i}" for i in range(500)))]
        name = f"{capacity:,} places"
        yield Row(
            f"BF.RESERVE, {name}", lambda n, capacity=capacity: ("BF.RESERVE", f"r{n}", 0.01, capacity), filled, 5
        )
        yield Row(f"BF.ADD, {name}", lambda n: ("BF.ADD", "k", f"new:{n}"), filled)
        yield Row(f"BF.MADD of 100, {name}", lambda n: ("BF.MADD", "k", *range(n * 100, n * 100 + 100)), filled, 5)
        yield Row(f"BF.EXISTS, found, {name}", lambda n: ("BF.EXISTS", "k", f"item:{n % 500}"), filled)
        yield Row(f"BF.EXISTS, not found, {name}", lambda n: ("BF.EXISTS", "k", f"other:{n}"), filled)
        yield Row(f"BF.SCANDUMP, {name}", lambda n: ("BF.SCANDUMP", "k", 1), filled, 5)
    grown = [("BF.RESERVE", "k", 0.01, 100), *(("BF.MADD", "k", *range(i, i + 1000)) for i in range(0, 100_000, 1000))]
    yield Row("BF.ADD after growth to 10 links", lambda n: ("BF.ADD", "k", f"new:{n}"), grown)


@family
def cf() -> Iterator[Row]:
    for capacity in (1_000, 10_000_000):
        filled = [("CF.RESERVE", "k", capacity), ("CF.INSERT", "k", "ITEMS", *range(400))]
        name = f"{capacity:,} places"
        yield Row(f"CF.RESERVE, {name}", lambda n, capacity=capacity: ("CF.RESERVE", f"r{n}", capacity), filled, 5)
        yield Row(f"CF.EXISTS, {name}", lambda n: ("CF.EXISTS", "k", n), filled)
        yield Row(
            f"CF.ADD and CF.DEL, {name}", lambda n: ("CF.DEL" if n % 2 else "CF.ADD", "k", f"new:{n // 2}"), filled
        )
        yield Row(f"CF.ADDNX, {name}", lambda n: ("CF.ADDNX", "k", n), filled, 50)
    full = [("CF.RESERVE", "k", 1000, "EXPANSION", 0), ("CF.INSERT", "k", "ITEMS", *range(2000))]
    yield Row("CF.INSERT that moves fingerprints", lambda n: ("CF.INSERT", "k", "ITEMS", f"new:{n}"), full)
    grown = [
        ("CF.RESERVE", "k", 1000),
        *(("CF.INSERT", "k", "ITEMS", *range(i, i + 1000)) for i in range(0, 20_000, 1000)),
    ]
    yield Row("CF.COUNT after growth to 20 tables", lambda n: ("CF.COUNT", "k", n), grown)
    yield Row("CF.COMPACT of 20 tables", lambda n: ("CF.COMPACT", "k"), grown, 2)


@family
def cms() -> Iterator[Row]:
    for width in (1_000, 1_000_000):
        made = [("CMS.INITBYDIM", "k", width, 5), ("CMS.INITBYDIM", "l", width, 5)]
        name = f"{width:,} x 5"
        yield Row(f"CMS.INITBYDIM, {name}", lambda n, width=width: ("CMS.INITBYDIM", f"r{n}", width, 5), made, 2)
        yield Row(f"CMS.INCRBY, {name}", lambda n: ("CMS.INCRBY", "k", f"item:{n}", 3), made)
        yield Row(f"CMS.QUERY, {name}", lambda n: ("CMS.QUERY", "k", f"item:{n}"), made)
        yield Row(f"CMS.MERGE of 2, {name}", lambda n: ("CMS.MERGE", "l", 2, "k", "l"), made, 1)


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


WORDS = [f"w{word:x}" for word in range(2000)]
"""The first ones are frequent, the last ones rare."""


def document(number: int) -> Words:
    """One of the documents of `search`; always the same one for a number."""
    chance = Random(number)
    text = " ".join(WORDS[int(2000 * chance.random() ** 3)] for _ in range(12))
    fields = ("text", text, "tag", f"t{number % 100}", "id", f"i{number}", "n", number, "v", vector(number))
    return ("HSET", f"d:{number}", *fields)


@family
def search() -> Iterator[Row]:
    vectors.numpy = None
    return search_rows()


@family
def search_with_numpy() -> Iterator[Row]:
    """What is computed with it, if it is installed."""
    with contextlib.suppress(ImportError):
        vectors.numpy = importlib.import_module("numpy")
        yield from (row for row in search_rows() if "KNN" in row.name)


def search_rows() -> Iterator[Row]:
    count = 100_000
    v = ("v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", DIMENSION, "DISTANCE_METRIC", "COSINE")
    schema = ("SCHEMA", "text", "TEXT", "tag", "TAG", "id", "TAG", "n", "NUMERIC", "SORTABLE", *v)
    filled = [("FT.CREATE", "x", "PREFIX", 1, "d:", *schema), *map(document, range(count))]

    def asked(query: str, *more: Any) -> Words:
        return ("FT.SEARCH", "x", query, *more, "DIALECT", 2)

    def nearest(n: int, condition: str) -> Words:
        return asked(f"{condition}=>[KNN 10 @v $v]", "PARAMS", 2, "v", vector(2 * count + n), "RETURN", 1, "__v_score")

    name = f"{count:,} documents"
    yield Row(f"HSET to {name}", lambda n: document(count + n), filled)
    yield Row(f"TAG, 1 of {name}", lambda n: asked(f"@id:{{i{n}}}"), filled)
    yield Row(f"TAG, 1,000 of {name}", lambda n: asked(f"@tag:{{t{n % 100}}}"), filled, 10)
    yield Row(f"NUMERIC, 100 of {name}", lambda n: asked(f"@n:[{n * 7} {n * 7 + 99}]"), filled)
    yield Row(f"NUMERIC, half of {name}", lambda n: asked(f"@n:[{n} {n + count // 2}]"), filled, 2)
    yield Row(f"NUMERIC SORTBY, 1,000 of {name}", lambda n: asked(f"@n:[{n} {n + 999}]", "SORTBY", "n"), filled, 10)
    yield Row(f"TEXT, a rare word in {name}", lambda n: asked(WORDS[1900 + n % 100]), filled, 10)
    yield Row(f"TEXT, a frequent word in {name}", lambda n: asked(WORDS[n % 10]), filled, 2)
    yield Row(f"TEXT, two words in {name}", lambda n: asked(f"{WORDS[10 + n % 50]} {WORDS[100 + n % 50]}"), filled, 5)
    yield Row(f"TEXT, a phrase in {name}", lambda n: asked(f'"{WORDS[n % 50]} {WORDS[50 + n % 50]}"'), filled, 5)
    yield Row(f"TEXT, a prefix in {name}", lambda n: asked(f"w7{n % 10}*"), filled, 5)
    yield Row(f"TEXT and TAG in {name}", lambda n: asked(f"{WORDS[n % 100]} @tag:{{t{n % 100}}}"), filled, 10)
    yield Row(f"KNN of 10 in {name}", lambda n: nearest(n, "*"), filled, 1)
    yield Row(f"KNN of 10 in 1,000 of {name}", lambda n: nearest(n, f"(@tag:{{t{n % 100}}})"), filled, 2)
    yield Row(
        f"AGGREGATE, 100 groups of {name}",
        lambda n: ("FT.AGGREGATE", "x", "*", "GROUPBY", 1, "@tag", "REDUCE", "COUNT", 0),
        filled,
        1,
    )


class Pair:
    """redouble and a real server, which hold the same."""

    def __init__(self, real: redis.Redis, version: str) -> None:
        self.real = real
        self.version = version
        self.setup: Iterable[Words] | None = None

    def fill(self, setup: Iterable[Words]) -> None:
        """Rows one after the other may share what is there."""
        if setup is self.setup:
            return
        self.setup = setup
        self.server = Server(version=self.version)
        self.client = Client(self.server)
        self.real.flushall()
        waiting = iter(setup)
        while batch := list(itertools.islice(waiting, PIPELINE)):
            self.there(batch)
            for words in batch:
                reply = self.server.call(self.client, encoded(words))
                assert not isinstance(reply, CommandError), (words[:3], reply)

    def compare(self, row: Row, rounds: int) -> tuple[list[float], list[float]]:
        """Microseconds for a call here and there, in each round."""
        self.fill(row.setup)
        numbers = itertools.count()
        ours, theirs = [], []
        for _ in range(rounds):
            batch = [row.command(n) for n in itertools.islice(numbers, row.calls)]
            ours.append(self.here(batch) / row.calls * 1e6)
            theirs.append(self.there(batch) / row.calls * 1e6)
        return ours, theirs

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


def results(short: bool, *names: str) -> Iterator[Result]:
    for name in names or FAMILIES:
        server = OTHERS.get(name, REAL)
        with real_server(server) as url, redis.Redis.from_url(url) as real:
            pair = Pair(real, server.rpartition("-")[2])
            for row in FAMILIES[name]():
                here, there = pair.compare(row, 3 if short else ROUNDS)
                yield compared(name, row.name, "us", ("redouble", here), (server, there))


if __name__ == "__main__":
    for result in results(False, *sys.argv[1:]):
        print(result, flush=True)

"""What a command costs on a million elements, as a multiple of what it costs on a thousand: here and in a real server.

Here it is CPU time within the engine; the real server says itself what its commands took (INFO commandstats).  Each operation
may be several commands, so that a structure keeps its size.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis

import redouble.commands
from bench.result import Result, compared
from bench.servers import real_server
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.reply import CommandError

assert redouble.commands  # fills the command table

SMALL, LARGE = 1_000, 1_000_000
MIDDLE = 100_000
"""What is large in a short run."""
REAL = "redis-8.6"
CALLS, ROUNDS = 200, 3
STEP = 5_000
"""Elements that are put in at once."""

Words = tuple[Any, ...]
Operation = Callable[[int, int], list[Words]]
"""The commands of one operation, from a random number below the size and one that was never used."""

OPERATIONS: dict[str, dict[str, Operation]] = {
    "string": {
        "GET": lambda at, new: [("GET", f"key:{at}")],
        "SET": lambda at, new: [("SET", f"key:{at}", new)],
        "GETRANGE": lambda at, new: [("GETRANGE", "string", at, at + 9)],
        "SETRANGE": lambda at, new: [("SETRANGE", "string", at, "x")],
        "APPEND": lambda at, new: [("APPEND", "string", "x")],
        "INCR": lambda at, new: [("INCR", f"key:{at}")],
    },
    "bitmap": {
        "SETBIT": lambda at, new: [("SETBIT", "string", at * 8, new % 2)],
        "GETBIT": lambda at, new: [("GETBIT", "string", at * 8)],
        "BITFIELD": lambda at, new: [("BITFIELD", "string", "INCRBY", "u8", f"#{at}", 1)],
        "BITCOUNT": lambda at, new: [("BITCOUNT", "string")],
    },
    "generic": {
        "SET, DEL": lambda at, new: [("SET", f"new:{new}", 1), ("DEL", f"new:{new}")],
        "EXISTS": lambda at, new: [("EXISTS", f"key:{at}")],
        "PEXPIRE": lambda at, new: [("PEXPIRE", f"key:{at}", 10**9 + new)],
        "PTTL": lambda at, new: [("PTTL", f"key:{at}")],
        "RENAME": lambda at, new: [("SET", f"new:{new}", 1), ("RENAME", f"new:{new}", f"new:{new + 1}"), ("DEL", f"new:{new + 1}")],
        "RANDOMKEY": lambda at, new: [("RANDOMKEY",)],
        "SCAN": lambda at, new: [("SCAN", 0, "COUNT", 10)],
        "DBSIZE": lambda at, new: [("DBSIZE",)],
    },
    "hash": {
        "HGET": lambda at, new: [("HGET", "hash", f"member:{at}")],
        "HSET": lambda at, new: [("HSET", "hash", f"member:{at}", new)],
        "HSET, HDEL": lambda at, new: [("HSET", "hash", f"new:{new}", 1), ("HDEL", "hash", f"new:{new}")],
        "HINCRBY": lambda at, new: [("HINCRBY", "hash", f"member:{at}", 1)],
        "HRANDFIELD": lambda at, new: [("HRANDFIELD", "hash", 5)],
        "HSCAN": lambda at, new: [("HSCAN", "hash", 0, "COUNT", 10)],
        "HPEXPIRE": lambda at, new: [("HPEXPIRE", "hash", 10**9 + new, "FIELDS", 1, f"member:{at}")],
    },
    "list": {
        "LPUSH, LPOP": lambda at, new: [("LPUSH", "list", new), ("LPOP", "list")],
        "RPUSH, RPOP": lambda at, new: [("RPUSH", "list", new), ("RPOP", "list")],
        "RPUSH, LPOP": lambda at, new: [("RPUSH", "list", new), ("LPOP", "list")],
        "LINDEX": lambda at, new: [("LINDEX", "list", at)],
        "LSET": lambda at, new: [("LSET", "list", at, new)],
        "LRANGE of 10": lambda at, new: [("LRANGE", "list", at, at + 9)],
        "LMOVE": lambda at, new: [("LMOVE", "list", "list", "LEFT", "RIGHT")],
        "RPUSH, LTRIM": lambda at, new: [("RPUSH", "list", new), ("LTRIM", "list", 1, -1)],
        "LINSERT, LREM": lambda at, new: [("LINSERT", "list", "BEFORE", at, "x"), ("LREM", "list", 1, "x")],
        "LPOS": lambda at, new: [("LPOS", "list", "nosuch", "MAXLEN", 100)],
    },
    "set": {
        "SADD, SREM": lambda at, new: [("SADD", "set", f"new:{new}"), ("SREM", "set", f"new:{new}")],
        "SISMEMBER": lambda at, new: [("SISMEMBER", "set", f"member:{at}")],
        "SADD, SPOP": lambda at, new: [("SADD", "set", f"new:{new}"), ("SPOP", "set")],
        "SRANDMEMBER": lambda at, new: [("SRANDMEMBER", "set", 5)],
        "SSCAN": lambda at, new: [("SSCAN", "set", 0, "COUNT", 10)],
        "SINTER with a small one": lambda at, new: [("SINTER", "set", "few")],
        "SINTERCARD LIMIT": lambda at, new: [("SINTERCARD", 2, "set", "set", "LIMIT", 5)],
    },
    "sorted_set": {
        "ZADD": lambda at, new: [("ZADD", "zset", new % 1000 / 2, f"member:{at}")],
        "ZADD, ZREM": lambda at, new: [("ZADD", "zset", at, f"new:{new}"), ("ZREM", "zset", f"new:{new}")],
        "ZINCRBY": lambda at, new: [("ZINCRBY", "zset", 1.5, f"member:{at}")],
        "ZSCORE": lambda at, new: [("ZSCORE", "zset", f"member:{at}")],
        "ZRANK": lambda at, new: [("ZRANK", "zset", f"member:{at}")],
        "ZRANGE of 10": lambda at, new: [("ZRANGE", "zset", at, at + 9)],
        "ZRANGEBYSCORE LIMIT": lambda at, new: [("ZRANGEBYSCORE", "zset", at / 2, "+inf", "LIMIT", 0, 10)],
        "ZCOUNT": lambda at, new: [("ZCOUNT", "zset", at / 2, "+inf")],
        "ZADD, ZPOPMIN": lambda at, new: [("ZADD", "zset", at, f"new:{new}"), ("ZPOPMIN", "zset")],
        "ZADD, ZREMRANGEBYRANK": lambda at, new: [("ZADD", "zset", at, f"new:{new}"), ("ZREMRANGEBYRANK", "zset", 0, 0)],
        "ZRANDMEMBER": lambda at, new: [("ZRANDMEMBER", "zset", 5)],
        "ZSCAN": lambda at, new: [("ZSCAN", "zset", 0, "COUNT", 10)],
        "ZINTERCARD LIMIT": lambda at, new: [("ZINTERCARD", 2, "zset", "few", "LIMIT", 5)],
    },
    "stream": {
        "XADD MAXLEN": lambda at, new: [("XADD", "stream", "MAXLEN", "~", 10**6, f"{10**9 + new}-0", "field", new)],
        "XRANGE COUNT": lambda at, new: [("XRANGE", "stream", f"{at + 1}-0", "+", "COUNT", 10)],
        "XREVRANGE COUNT": lambda at, new: [("XREVRANGE", "stream", f"{at + 1}-0", "-", "COUNT", 10)],
        "XREAD COUNT": lambda at, new: [("XREAD", "COUNT", 10, "STREAMS", "stream", f"{at + 1}-0")],
        "XADD, XDEL": lambda at, new: [("XADD", "stream", f"{10**9 + new}-0", "f", 1), ("XDEL", "stream", f"{10**9 + new}-0")],
        "XPENDING": lambda at, new: [("XPENDING", "stream", "workers", f"{at + 1}-0", "+", 10)],
        "XCLAIM": lambda at, new: [("XCLAIM", "stream", "workers", "other", 0, f"{at + 1}-0")],
        "XAUTOCLAIM": lambda at, new: [("XAUTOCLAIM", "stream", "workers", "third", 0, f"{at + 1}-0", "COUNT", 1)],
        "XACK, XCLAIM FORCE": lambda at, new: [
            ("XACK", "stream", "workers", f"{at + 1}-0"),
            ("XCLAIM", "stream", "workers", "fourth", 0, f"{at + 1}-0", "FORCE"),
        ],
        "XINFO STREAM": lambda at, new: [("XINFO", "STREAM", "stream")],
    },
    "geo": {
        "GEOADD": lambda at, new: [("GEOADD", "geo", *place(at + new), f"member:{at}")],
        "GEOPOS": lambda at, new: [("GEOPOS", "geo", f"member:{at}")],
        "GEODIST": lambda at, new: [("GEODIST", "geo", f"member:{at}", "member:0")],
        "GEOSEARCH of 50 km": lambda at, new: [("GEOSEARCH", "geo", "FROMMEMBER", f"member:{at}", "BYRADIUS", 50, "km")],
    },
    "hyperloglog": {
        "PFADD": lambda at, new: [("PFADD", "hll", f"member:{at}")],
        "PFCOUNT": lambda at, new: [("PFCOUNT", "hll")],
    },
    "pubsub": {
        "PUBLISH": lambda at, new: [("PUBLISH", f"channel:{at}", "x")],
        "PUBSUB NUMSUB": lambda at, new: [("PUBSUB", "NUMSUB", f"channel:{at}")],
    },
    "scripting": {
        "EVAL": lambda at, new: [("EVAL", "return redis.call('GET', KEYS[1])", 1, f"key:{at}")],
    },
    "transactions": {
        "MULTI, EXEC": lambda at, new: [("WATCH", f"key:{at}"), ("MULTI",), ("SET", f"key:{at}", new), ("EXEC",)],
    },
}  # fmt: skip


def place(number: int) -> tuple[float, float]:
    return number * 7919 % 36_000 / 100 - 180, number * 104_729 % 17_000 / 100 - 85


def filling(size: int) -> Iterator[Words]:
    """The commands that make every structure this large."""
    yield ("SET", "string", "x" * size)
    yield ("SADD", "few", *(f"member:{number}" for number in range(10)))
    for start in range(0, size, STEP):
        part = range(start, min(start + STEP, size))
        names = [f"member:{number}" for number in part]
        yield ("MSET", *(word for number in part for word in (f"key:{number}", number)))
        yield ("HSET", "hash", *(word for name, number in zip(names, part) for word in (name, number)))
        yield ("RPUSH", "list", *part)
        yield ("SADD", "set", *names)
        yield ("ZADD", "zset", *(word for name, number in zip(names, part) for word in (number / 2, name)))
        yield ("GEOADD", "geo", *(word for name, number in zip(names, part) for word in (*place(number), name)))
        yield ("PFADD", "hll", *names)
        for number in part:
            yield ("XADD", "stream", f"{number + 1}-0", "field", number)
    yield ("XGROUP", "CREATE", "stream", "workers", 0)
    for _ in range(0, size, STEP):
        yield ("XREADGROUP", "GROUP", "workers", "first", "COUNT", STEP, "STREAMS", "stream", ">")


def channels(size: int) -> Iterator[Words]:
    for start in range(0, size, STEP):
        yield ("SUBSCRIBE", *(f"channel:{number}" for number in range(start, min(start + STEP, size))))


def encoded(words: Words) -> list[bytes]:
    return [word if isinstance(word, bytes) else str(word).encode() for word in words]


class Silent(Client):
    def push(self, message: Any) -> None:
        """Nobody listens."""


class Ours:
    def __init__(self, size: int) -> None:
        self.server = Server(version=(8, 6))
        self.client, self.listener = Client(self.server), Silent(self.server)
        for words in filling(size):
            self.server.call(self.client, encoded(words))
        self.listener.resp = 3
        for words in channels(size):
            self.server.call(self.listener, encoded(words))

    def cost(self, commands: list[Words], operations: int) -> float:
        """Seconds for one operation."""
        call, client = self.server.call, self.client
        lines = [encoded(words) for words in commands]
        began = time.process_time()
        replies = [call(client, argv) for argv in lines]
        seconds = (time.process_time() - began) / operations
        assert not any(isinstance(reply, CommandError) for reply in replies), (lines[0], replies[:3])
        return seconds


class Real:
    def __init__(self, url: str, size: int) -> None:
        self.redis = redis.Redis.from_url(url, socket_timeout=None)  # what is linear takes its time
        self.plain = redis.Redis.from_url(url, socket_timeout=None)  # what is linear takes its time
        self.plain.response_callbacks.clear()
        self.send(filling(size))
        self.listener = self.redis.pubsub()
        for words in channels(size):
            self.listener.subscribe(*words[1:])
            for _ in words[1:]:
                self.listener.get_message(timeout=10)

    def send(self, commands: Iterator[Words]) -> None:
        while batch := list(itertools.islice(commands, 500)):
            pipeline = self.plain.pipeline(transaction=False)
            for words in batch:
                pipeline.execute_command(*words)
            pipeline.execute()

    def cost(self, commands: list[Words], operations: int) -> float:
        self.redis.config_resetstat()
        self.send(iter(commands))
        stats = self.redis.info("commandstats")
        skipped = ("cmdstat_config|resetstat", "cmdstat_info")
        return sum(found["usec"] for name, found in stats.items() if name not in skipped) / operations / 1e6


numbers = itertools.count()


def growth(small: Ours | Real, large: Ours | Real, operation: Operation, most: int = LARGE) -> float:
    """Cost with `most` elements / cost with SMALL.

    The places are the same in each round: memory that the system has taken away is back after the first one.
    """

    def commands(size: int) -> list[Words]:
        return [words for at, number in zip(range(CALLS), numbers) for words in operation(at * 7919 % size, 2 * number)]

    ratios = []
    for _ in range(ROUNDS):
        least = small.cost(commands(SMALL), CALLS)
        ratios.append(large.cost(commands(most), CALLS) / max(least, 1e-8))
    return statistics.median(ratios)


def rows(most: int = LARGE) -> Iterator[tuple[str, str, float, float]]:
    """Family, operation, growth here, growth of the real server."""
    ours = Ours(SMALL), Ours(most)
    with real_server(REAL) as small_url, real_server(REAL) as large_url:
        real = Real(small_url, SMALL), Real(large_url, most)
        for family, operations in OPERATIONS.items():
            for name, operation in operations.items():
                growth(*ours, operation, most)  # what is built on first use is built
                yield family, name, growth(*ours, operation, most), growth(*real, operation, most)


def worse(ours: float, real: float) -> bool:
    """Whether ours is of a worse class: logarithmic instead of constant, linear instead of logarithmic."""
    return ours > 8 * max(real, 1.0)


def results(short: bool) -> Iterator[Result]:
    most = MIDDLE if short else LARGE
    unit = f"times the cost at {SMALL:,}, at {most:,}"
    for family, name, ours, real in rows(most):
        yield compared(family, name, unit, ("redouble", [ours]), (REAL, [max(real, 0.01)]))

"""What a call of the client library costs: on redouble and on fakeredis in process, and on a real server over TCP."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import fakeredis
import redis

import redouble
from bench.result import Result
from bench.servers import real_server
from bench.timing import REAL, beside

ROUND_SECONDS = 0.01
"""How long fakeredis takes in one round, at least."""
IN_A_LOOP = 100
"""So many calls does a coroutine make, to whose start and end belongs a part of the time."""
KEYS = [f"key:{number}" for number in range(100)]

Operations = Mapping[str, Callable[[Any], Any]]


def pipeline(length: int, r: Any) -> None:
    pipe = r.pipeline(transaction=False)
    for number in range(length):
        pipe.set("string", number)
    pipe.execute()


def transaction(r: Any) -> None:
    r.pipeline().set("string", "value").incr("counter").get("string").execute()


def publish(r: Any) -> None:
    """One message, from PUBLISH to the one who listens."""
    r.publish("channel", "message")
    while r.listener.get_message(timeout=1) is None:
        pass


SINGLE: Operations = {
    "GET": lambda r: r.get("string"),
    "SET": lambda r: r.set("string", "value"),
    "HGETALL of 20": lambda r: r.hgetall("hash20"),
}
ALL: Operations = {
    **SINGLE,
    "INCR": lambda r: r.incr("counter"),
    "HSET": lambda r: r.hset("hash", "field", "value"),
    "LPUSH, LPOP": lambda r: (r.lpush("list", "x"), r.lpop("list")),
    "LRANGE of 100": lambda r: r.lrange("list100", 0, -1),
    "ZADD": lambda r: r.zadd("zset", {"member": 1.5}),
    "ZRANGE of 100": lambda r: r.zrange("zset100", 0, -1),
    "SADD": lambda r: r.sadd("set", "member"),
    "SMEMBERS of 100": lambda r: r.smembers("set100"),
    "EXPIRE": lambda r: r.expire("counter", 1000),
    "MGET of 100": lambda r: r.mget(KEYS),
    "pipeline of 100": functools.partial(pipeline, 100),
    "pipeline of 1000": functools.partial(pipeline, 1000),
    "MULTI of 3": transaction,
    "PUBLISH, message": publish,
    "EVAL": lambda r: r.eval("return redis.call('get', KEYS[1])", 1, "string"),
    "FLUSHALL": lambda r: r.flushall(),
}


def fill(r: Any) -> Any:
    r.flushall()
    r.set("string", "value")
    r.hset("hash20", mapping={f"field:{i}": i for i in range(20)})
    r.rpush("list100", *range(100))
    r.zadd("zset100", {f"member:{i}": i for i in range(100)})
    r.sadd("set100", *range(100))
    r.mset(dict.fromkeys(KEYS, "value"))
    return r


def listening(r: Any) -> Any:
    r.listener = r.pubsub()
    r.listener.subscribe("channel")
    while r.listener.get_message(timeout=1) is None:
        pass
    return r


def compare(
    table: str, operations: Operations, targets: Mapping[str, Any], rounds: int, calls_in_one: int = 1
) -> Iterator[Result]:
    """Each call of an operation is `calls_in_one` calls of the library."""
    for name, operation in operations.items():
        calls = {target: functools.partial(operation, r) for target, r in targets.items()}
        calls["fakeredis"]()
        start = time.process_time()
        calls["fakeredis"]()
        count = max(1, int(ROUND_SECONDS / (time.process_time() - start)))
        yield from beside(table, name, calls, count, rounds, calls_in_one)


def in_a_loop(loop: asyncio.AbstractEventLoop, operation: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], None]:
    async def several(r: Any) -> None:
        for _ in range(IN_A_LOOP):
            await operation(r)

    return lambda r: loop.run_until_complete(several(r))


def pooled(connection_class: type) -> Any:
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=connection_class))


def results(short: bool) -> Iterator[Result]:
    rounds = 5 if short else 21
    with real_server(REAL) as url:
        targets = {
            "redouble": redouble.FakeRedis(),
            "fakeredis": fakeredis.FakeRedis(),
            REAL: redis.Redis.from_url(url),
        }
        yield from compare("redis-py", ALL, {name: listening(fill(r)) for name, r in targets.items()}, rounds)
    loop = asyncio.new_event_loop()
    fakes = {"redouble": redouble.FakeAsyncRedis(), "fakeredis": fakeredis.FakeAsyncRedis()}
    for r in fakes.values():
        loop.run_until_complete(r.set("string", "value"))
        loop.run_until_complete(r.hset("hash20", mapping={f"field:{i}": i for i in range(20)}))
    looped = {name: in_a_loop(loop, operation) for name, operation in SINGLE.items()}
    yield from compare("asyncio", looped, fakes, rounds, IN_A_LOOP)
    loop.close()
    pools = {"redouble": pooled(redouble.FakeConnection), "fakeredis": pooled(fakeredis.FakeConnection)}
    yield from compare("connection_class", SINGLE, {name: fill(r) for name, r in pools.items()}, rounds)
    valkeys = {"redouble": redouble.FakeValkey(), "fakeredis": fakeredis.FakeValkey()}
    yield from compare("valkey-py", SINGLE, {name: fill(r) for name, r in valkeys.items()}, rounds)
    new: Operations = {"FakeRedis()": lambda new: new(), "and its first GET": lambda new: new().get("string")}
    kinds = {"redouble": redouble.FakeRedis, "fakeredis": fakeredis.FakeRedis}
    yield from compare("a new client", new, kinds, rounds)

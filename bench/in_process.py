"""One redis-py call: redouble in process, fakeredis in process, and redis-py with a real server over TCP."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import fakeredis
import redis

import redouble
from bench.servers import real_server
from bench.timing import interleaved, ratio

OPERATIONS: dict[str, Callable[[redis.Redis], object]] = {
    "GET": lambda r: r.get("string"),
    "SET": lambda r: r.set("string", "value"),
    "INCR": lambda r: r.incr("counter"),
    "HSET": lambda r: r.hset("hash", "field", "value"),
    "HGETALL of 20": lambda r: r.hgetall("hash20"),
    "LPUSH, LPOP": lambda r: (r.lpush("list", "x"), r.lpop("list")),
    "LRANGE of 100": lambda r: r.lrange("list100", 0, -1),
    "SADD": lambda r: r.sadd("set", "member"),
    "ZADD": lambda r: r.zadd("zset", {"member": 1.5}),
}


def prepare(r: redis.Redis) -> redis.Redis:
    r.flushall()
    r.set("string", "value")
    r.hset("hash20", mapping={f"field:{i}": i for i in range(20)})
    r.rpush("list100", *range(100))
    return r


def main() -> None:
    with real_server("redis-8.6") as url:
        targets = {
            "redouble": prepare(redouble.FakeRedis()),
            "fakeredis": prepare(fakeredis.FakeRedis()),
            "real over TCP": prepare(redis.Redis.from_url(url)),
        }
        print("one redis-py call; CPU time beside fakeredis, wall time beside a real server over TCP\n")
        print(f"{'':16}{'redouble us':>12}{'fakeredis / redouble':>22}{'redouble / real':>17}")
        for name, operation in OPERATIONS.items():
            calls = {target: functools.partial(operation, r) for target, r in targets.items()}
            fakes = {target: calls[target] for target in ("redouble", "fakeredis")}
            cpu = interleaved(fakes, calls=300)
            real = {target: calls[target] for target in ("redouble", "real over TCP")}
            wall = interleaved(real, calls=300, clock=time.perf_counter)
            print(
                f"{name:16}{min(cpu['redouble']) * 1e6:12.2f}{ratio(cpu['fakeredis'], cpu['redouble']):22.1f}"
                f"{ratio(wall['redouble'], wall['real over TCP']):17.3f}"
            )

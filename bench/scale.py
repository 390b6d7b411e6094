"""What a command costs on a million elements, as a multiple of what it costs on a thousand."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import redis

import redouble
from bench.timing import interleaved, ratio

SMALL, LARGE = 1_000, 1_000_000


def filled(size: int) -> redis.Redis:
    r = redouble.FakeRedis(version=(8, 6))
    step = 10_000
    for start in range(0, size, step):
        part = range(start, min(start + step, size))
        r.zadd("zset", {f"member:{i}": i * 0.5 for i in part})
        r.rpush("list", *part)
        r.sadd("set", *(f"member:{i}" for i in part))
        r.mset({f"key:{i}": i for i in part})
        with r.pipeline(transaction=False) as entries:
            for i in part:
                entries.xadd("stream", {"field": i}, id=f"{i + 1}-0")
            entries.execute()
    r.xgroup_create("stream", "readers", 0)
    r.xgroup_create("stream", "workers", 0)
    r.xreadgroup("workers", "first", {"stream": ">"})  # a million pending entries
    return r


def operations(r: redis.Redis, size: int) -> dict[str, Callable[[], object]]:
    numbers = itertools.count()

    def pick() -> int:
        return next(numbers) * 7919 % size

    last = size

    def xadd() -> None:
        nonlocal last
        last += 1
        r.xadd("stream", {"field": 1}, id=f"{last}-0")

    cursor = 0

    def scan() -> None:
        nonlocal cursor
        cursor, _ = r.scan(cursor)

    return {
        "ZADD": lambda: r.zadd("zset", {f"member:{pick()}": pick() * 0.5}),
        "ZRANK": lambda: r.zrank("zset", f"member:{pick()}"),
        "ZRANGEBYSCORE LIMIT": lambda: r.zrangebyscore("zset", pick() * 0.5, "+inf", start=0, num=10),
        "LPUSH": lambda: r.lpush("list", "x"),
        "LPOP": lambda: r.lpop("list"),
        "LINDEX": lambda: r.lindex("list", pick()),
        "SCAN": scan,
        "RANDOMKEY": lambda: r.randomkey(),
        "SPOP, SADD": lambda: r.sadd("set", r.spop("set")),
        "XRANGE COUNT": lambda: r.xrange("stream", min=f"{pick() + 1}-0", count=10),
        "XPENDING": lambda: r.xpending_range("stream", "workers", f"{pick() + 1}-0", "+", 10),
        "XAUTOCLAIM": lambda: r.xautoclaim("stream", "workers", "second", 0, f"{pick() + 1}-0", count=1),
        "XREADGROUP CLAIM": lambda: r.xreadgroup("workers", "third", {"stream": ">"}, count=1, claim_min_idle_time=0),
        "XACK, XCLAIM FORCE": lambda: (
            r.xack("stream", "workers", id := f"{pick() + 1}-0"),
            r.xclaim("stream", "workers", "fourth", 0, [id], force=True),
        ),
        "XADD": xadd,
        "XADD, XREADGROUP": lambda: (xadd(), r.xreadgroup("readers", "reader", {"stream": ">"}, count=1)),
        "XADD, XDEL": lambda: (xadd(), r.xdel("stream", f"{last - size // 2}-0")),
        "XADD, XTRIM": lambda: (xadd(), r.xtrim("stream", maxlen=size, approximate=False)),
    }


def main() -> None:
    small, large = operations(filled(SMALL), SMALL), operations(filled(LARGE), LARGE)
    print(f"{LARGE:,} elements / {SMALL:,} elements, CPU time of one call")
    for name in small:
        small[name](), large[name]()  # what is built on first use is built
        seconds = interleaved({"small": small[name], "large": large[name]}, calls=500)
        print(f"  {name:20}{ratio(seconds['large'], seconds['small']):6.2f}")

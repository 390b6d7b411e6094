"""Scripts: redouble in process, fakeredis with lupa in process, and redis-py with a real server over TCP.

A loop that only computes is the worst case beside compiled Lua.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator

import fakeredis
import redis

import redouble
from bench.result import Result, compared
from bench.servers import real_server
from bench.timing import REAL, beside, interleaved, microseconds

RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then
    return redis.call('del', KEYS[1])
end
return 0
"""
COMPARE_AND_SET = """
local current = redis.call('get', KEYS[1])
if current == ARGV[1] or not current then
    redis.call('set', KEYS[1], ARGV[2])
    return 1
end
return 0
"""
TOKEN_BUCKET = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local now, wanted = tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('hmget', KEYS[1], 'tokens', 'time')
local tokens, before = tonumber(state[1]) or burst, tonumber(state[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - before) * rate)
local allowed = tokens >= wanted
if allowed then
    tokens = tokens - wanted
end
redis.call('hset', KEYS[1], 'tokens', tokens, 'time', now)
redis.call('pexpire', KEYS[1], math.ceil(burst / rate * 1000))
return { allowed and 1 or 0, tostring(tokens) }
"""
LOOP = "local sum = 0 for i = 1, 1000000 do sum = sum + i end return sum"


EVAL = "EVAL of a script"


def release(r: redis.Redis) -> None:
    r.set("lock", "token")
    r.eval(RELEASE, 1, "lock", "token")


moments = itertools.count(1_700_000_000_000, 97)


def token_bucket(r: redis.Redis) -> None:
    r.eval(TOKEN_BUCKET, 1, "bucket", 10, 20, next(moments) / 1000, 1)


OPERATIONS: dict[str, Callable[[redis.Redis], object]] = {
    "return 1": lambda r: r.eval("return 1", 0),
    "get, compare, set": lambda r: r.eval(COMPARE_AND_SET, 1, "value", "a", "a"),
    "SET, lock release": release,
    "token bucket": token_bucket,
}


def results(short: bool) -> Iterator[Result]:
    rounds = 5 if short else 15
    with real_server(REAL) as url:
        targets: dict[str, redis.Redis] = {
            "redouble": redouble.FakeRedis(version=(8, 6)),
            "fakeredis": fakeredis.FakeRedis(),
            REAL: redis.Redis.from_url(url),
        }
        for name, operation in OPERATIONS.items():
            calls = {target: functools.partial(operation, r) for target, r in targets.items()}
            yield from beside(EVAL, name, calls, 200, rounds)
        loops = {name: functools.partial(targets[name].eval, LOOP, 0) for name in ("redouble", REAL)}
        wall = interleaved(loops, calls=1, rounds=5, clock=time.perf_counter)
        yield compared(EVAL, "a million additions", "us", *microseconds(wall).items())

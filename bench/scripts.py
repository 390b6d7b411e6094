"""Scripts: redouble in process, fakeredis with lupa in process, and redis-py with a real server over TCP.

A loop that only computes is the worst case beside compiled Lua.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable

import fakeredis
import redis

import redouble
from bench.servers import real_server
from bench.timing import interleaved, ratio

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


def main() -> None:
    with real_server("redis-8.6") as url:
        targets: dict[str, redis.Redis] = {
            "redouble": redouble.FakeRedis(version=(8, 6)),
            "fakeredis": fakeredis.FakeRedis(),
            "real over TCP": redis.Redis.from_url(url),
        }
        print("EVAL of a script; CPU time beside fakeredis, wall time beside a real server over TCP\n")
        print(f"{'':20}{'redouble us':>12}{'fakeredis / redouble':>22}{'redouble / real':>17}")
        for name, operation in OPERATIONS.items():
            calls = {target: functools.partial(operation, r) for target, r in targets.items()}
            fakes = {target: calls[target] for target in ("redouble", "fakeredis")}
            cpu = interleaved(fakes, calls=200)
            real = {target: calls[target] for target in ("redouble", "real over TCP")}
            wall = interleaved(real, calls=200, clock=time.perf_counter)
            print(
                f"{name:20}{min(cpu['redouble']) * 1e6:12.2f}{ratio(cpu['fakeredis'], cpu['redouble']):22.1f}"
                f"{ratio(wall['redouble'], wall['real over TCP']):17.3f}"
            )
        loops = {name: functools.partial(targets[name].eval, LOOP, 0) for name in ("redouble", "real over TCP")}
        wall = interleaved(loops, calls=1, rounds=5, clock=time.perf_counter)
        print(f"{'a million additions':20}{'':34}{ratio(wall['redouble'], wall['real over TCP']):17.1f}")

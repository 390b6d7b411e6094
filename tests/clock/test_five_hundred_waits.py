"""Hundreds of tests that wait for 1 to 3,600 seconds: none of them sleeps, and each costs milliseconds of CPU."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from .conftest import Door

SECONDS = (1, 2, 5, 10, 60, 90, 600, 1800, 3599, 3600)
MOST_CPU = 0.025
"""Seconds of this process's CPU time that a test may use, on average: 6 to 11 ms, and no such thing as a pause, on a busy machine too."""

costs: list[float] = []


@pytest.fixture(autouse=True)
def _counted() -> Iterator[None]:
    """Defined first, so that everything that a test needs is made and let go of within it."""
    began = time.process_time()
    yield
    costs.append(time.process_time() - began)


@pytest.fixture(autouse=True)
def _nobody_sleeps(_counted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    yields = asyncio.sleep

    async def only_yields(delay: float, result: Any = None) -> Any:
        assert delay == 0
        return await yields(0, result)

    def sleep(seconds: float) -> None:
        raise AssertionError(f"somebody sleeps {seconds} s")

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(asyncio, "sleep", only_yields)


Scenario = Callable[[Door, int], None]
scenarios: list[Scenario] = []


def scenario(run: Scenario) -> Scenario:
    scenarios.append(run)
    return run


def pass_nearly(door: Door, seconds: float) -> None:
    """All of `seconds` but the last ten milliseconds, in two steps."""
    door.clock.advance(seconds / 2)
    door.clock.advance(seconds / 2 - 0.01)


def pass_the_rest(door: Door) -> None:
    door.clock.advance(0.011)


# Keys.


@scenario
def a_key_expires(door: Door, seconds: int) -> None:
    door.call("SET", "k", "v", "EX", seconds)
    pass_nearly(door, seconds)
    assert door.call("GET", "k") == b"v"
    assert door.call("PTTL", "k") == 10
    pass_the_rest(door)
    assert door.call("GET", "k") is None


@scenario
def a_key_expires_at_a_date(door: Door, seconds: int) -> None:
    door.call("RPUSH", "k", "v")
    door.call("PEXPIREAT", "k", door.clock.time_ns() // 1_000_000 + seconds * 1000)
    pass_nearly(door, seconds)
    assert door.call("LLEN", "k") == 1
    pass_the_rest(door)
    assert door.call("LLEN", "k") == 0


@scenario
def a_session_lives_on_while_it_is_used(door: Door, seconds: int) -> None:
    door.call("SET", "session", "ada", "EX", seconds)
    for _ in range(3):
        pass_nearly(door, seconds)
        assert door.call("GETEX", "session", "EX", seconds) == b"ada"
    door.clock.advance(seconds + 0.001)
    assert door.call("GET", "session") is None


@scenario
def a_field_of_a_hash_expires(door: Door, seconds: int) -> None:
    door.call("HSET", "k", "stays", "1", "goes", "2")
    assert door.call("HEXPIRE", "k", seconds, "FIELDS", 1, "goes") == [1]
    pass_nearly(door, seconds)
    assert door.call("HPTTL", "k", "FIELDS", 1, "goes") == [10]
    pass_the_rest(door)
    assert door.call("HMGET", "k", "stays", "goes") == [b"1", None]


@scenario
def a_key_is_idle(door: Door, seconds: int) -> None:
    door.call("SET", "k", "v")
    door.clock.advance(seconds)
    assert door.call("OBJECT", "IDLETIME", "k") == seconds


# Clients that are blocked.


def blocks(door: Door, seconds: float, *words: Any) -> None:
    door.begin(*words)
    pass_nearly(door, seconds)
    assert door.waits
    pass_the_rest(door)
    assert not door.end()
    assert not door.waits


@scenario
def blpop_waits(door: Door, seconds: int) -> None:
    blocks(door, seconds, "BLPOP", "a", "b", seconds)


@scenario
def blmove_waits(door: Door, seconds: int) -> None:
    blocks(door, seconds + 0.25, "BLMOVE", "a", "b", "LEFT", "RIGHT", seconds + 0.25)


@scenario
def bzpopmin_waits(door: Door, seconds: int) -> None:
    blocks(door, seconds, "BZPOPMIN", "k", seconds)


@scenario
def xread_waits(door: Door, seconds: int) -> None:
    blocks(door, seconds, "XREAD", "BLOCK", seconds * 1000, "STREAMS", "k", "$")


@scenario
def a_pause_ends(door: Door, seconds: int) -> None:
    door.call("CLIENT", "PAUSE", seconds * 1000, "WRITE")
    door.begin("SET", "k", "v")
    pass_nearly(door, seconds)
    assert door.waits
    assert b"k" not in door.server.dbs[0].dict
    pass_the_rest(door)
    assert door.end()


@scenario
def what_a_pause_held_back_happens_when_it_ends(door: Door, seconds: int) -> None:
    door.call("CLIENT", "PAUSE", seconds * 1000, "WRITE")
    door.begin("SET", "k", "v", "EX", 10)
    door.clock.advance(seconds + 4)
    assert door.end()
    assert door.call("TTL", "k") == 6


# Streams.


@scenario
def ids_are_made_of_the_time(door: Door, seconds: int) -> None:
    first = door.call("XADD", "k", "*", "f", "v")
    door.clock.advance(seconds)
    second = door.call("XADD", "k", "*", "f", "v")
    assert int(second.split(b"-")[0]) - int(first.split(b"-")[0]) == seconds * 1000


@scenario
def an_entry_may_be_claimed_after_a_while(door: Door, seconds: int) -> None:
    door.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    id = door.call("XADD", "k", "*", "f", "v")
    door.call("XREADGROUP", "GROUP", "g", "ada", "STREAMS", "k", ">")
    pass_nearly(door, seconds)
    assert door.call("XCLAIM", "k", "g", "bob", seconds * 1000, id) == []
    pass_the_rest(door)
    assert [entry[0] for entry in door.call("XCLAIM", "k", "g", "bob", seconds * 1000, id)] == [id]


@scenario
def a_reader_waits_for_what_others_left(door: Door, seconds: int) -> None:
    door.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    id = door.call("XADD", "k", "*", "f", "v")
    door.call("XREADGROUP", "GROUP", "g", "ada", "STREAMS", "k", ">")
    door.begin("XREADGROUP", "GROUP", "g", "bob", "BLOCK", 0, "CLAIM", seconds * 1000, "STREAMS", "k", ">")
    pass_nearly(door, seconds)
    assert door.waits
    pass_the_rest(door)
    assert id in repr(door.end()).encode()  # its shape is the protocol's and the library's matter


# Locks and rate limits.


@scenario
def a_lock_goes_when_its_time_is_up(door: Door, seconds: int) -> None:
    mine, other = (door.client.lock("lock", timeout=seconds) for _ in range(2))
    assert door.run(mine.acquire(blocking=False))
    pass_nearly(door, seconds)
    assert not door.run(other.acquire(blocking=False))
    pass_the_rest(door)
    assert door.run(other.acquire(blocking=False))
    with pytest.raises(redis.exceptions.LockNotOwnedError):
        door.run(mine.release())


@scenario
def a_lock_may_be_held_for_longer(door: Door, seconds: int) -> None:
    lock = door.client.lock("lock", timeout=seconds)
    assert door.run(lock.acquire(blocking=False))
    pass_nearly(door, seconds)
    assert door.run(lock.extend(seconds))
    door.clock.advance(seconds)
    assert door.run(lock.owned())
    pass_the_rest(door)
    assert not door.run(lock.owned())


@pytest.mark.parametrize("strategy", ["FixedWindowRateLimiter", "SlidingWindowCounterRateLimiter"])
@pytest.mark.parametrize("seconds", SECONDS)
def test_limits(strategy: str, door: Door, seconds: int) -> None:
    limits = pytest.importorskip("limits")
    limit = limits.RateLimitItemPerSecond(2, seconds)
    limiter = door.limiter(strategy)
    door.clock.freeze()
    assert [door.run(limiter.hit(limit, "ada")) for _ in range(3)] == [True, True, False]
    door.clock.advance(2 * seconds + 0.001)  # the sliding window has forgotten everything after twice its length
    assert [door.run(limiter.hit(limit, "ada")) for _ in range(3)] == [True, True, False]


@scenario
def a_bucket_in_lua_fills_again(door: Door, seconds: int) -> None:
    script = """
        local now = redis.call('TIME')
        local last = redis.call('GET', KEYS[1])
        if last and now[1] - last < tonumber(ARGV[1]) then return 0 end
        redis.call('SET', KEYS[1], now[1])
        return 1
    """

    def take() -> Any:
        return door.call("EVAL", script, 1, "bucket", seconds)

    assert (take(), take()) == (1, 0)
    door.clock.advance(seconds)
    assert (take(), take()) == (1, 0)


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("run", scenarios, ids=lambda run: run.__name__)
def test_time_passes(run: Scenario, door: Door, seconds: int) -> None:
    door.clock.freeze()
    run(door, seconds)


def test_they_took_little_cpu(record_property: Callable[[str, object], None]) -> None:
    if not costs:
        pytest.skip("they did not run")
    mean = sum(costs) / len(costs)
    record_property("tests", len(costs))
    record_property("milliseconds", round(mean * 1000, 3))
    print(f"{len(costs)} tests, {mean * 1000:.2f} ms of CPU each")
    assert mean < MOST_CPU

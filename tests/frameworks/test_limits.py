"""limits: each of its strategies, sync and async, with redis-py and valkey-py, in process and over TCP."""

from __future__ import annotations

import time
from typing import Any

import pytest

limits = pytest.importorskip("limits")

import redis  # noqa: E402
import redis.asyncio  # noqa: E402
from limits import aio, strategies  # noqa: E402
from limits.storage import storage_from_string  # noqa: E402

from redouble import FakeAsyncConnection, FakeConnection, FakeServer  # noqa: E402

STRATEGIES = ["FixedWindowRateLimiter", "MovingWindowRateLimiter", "SlidingWindowCounterRateLimiter"]
THREE_A_DAY, FIVE_A_YEAR = limits.parse_many("3 per day; 5 per year")


@pytest.fixture(params=["in process", "redis", "valkey"])
def storage(request: pytest.FixtureRequest) -> Any:
    if request.param == "in process":
        pool = redis.ConnectionPool(connection_class=FakeConnection, server=FakeServer())
        made: Any = storage_from_string("redis://limits", connection_pool=pool)
    else:
        made = storage_from_string(request.getfixturevalue("url").replace("redis", request.param))
    yield made
    made.storage.close()


@pytest.fixture(params=["in process", "redis", "valkey"])
async def async_storage(request: pytest.FixtureRequest) -> Any:
    if request.param != "valkey" and redis.VERSION < (5, 2):
        pytest.skip("limits wants redis-py 5.2")
    if request.param == "in process":
        pool = redis.asyncio.ConnectionPool(connection_class=FakeAsyncConnection, server=FakeServer())
        made: Any = storage_from_string("async+redis://limits:6379", implementation="redispy", connection_pool=pool)
    else:
        url = request.getfixturevalue("url").replace("redis", f"async+{request.param}")
        implementation = "redispy" if request.param == "redis" else "valkey"
        made = storage_from_string(url, implementation=implementation)
    yield made
    await made.bridge.storage.aclose()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategy(strategy: str, storage: Any) -> None:
    limiter = getattr(strategies, strategy)(storage)
    for left in (3, 2, 1):
        assert limiter.test(THREE_A_DAY, "ada")
        assert limiter.get_window_stats(THREE_A_DAY, "ada").remaining == left
        assert limiter.hit(THREE_A_DAY, "ada")
    assert not limiter.test(THREE_A_DAY, "ada")
    assert not limiter.hit(THREE_A_DAY, "ada")
    assert limiter.hit(THREE_A_DAY, "bob")
    stats = limiter.get_window_stats(THREE_A_DAY, "ada")
    assert stats.remaining == 0
    assert 0 < stats.reset_time - time.time() <= 24 * 3600 + 1
    assert limiter.hit(FIVE_A_YEAR, "ada", cost=4)
    assert not limiter.hit(FIVE_A_YEAR, "ada", cost=2)
    # A fixed window counts what it refuses, too.
    assert limiter.hit(FIVE_A_YEAR, "ada") is (strategy != "FixedWindowRateLimiter")
    limiter.clear(THREE_A_DAY, "ada")
    assert limiter.hit(THREE_A_DAY, "ada")
    assert storage.reset() > 0
    assert limiter.get_window_stats(THREE_A_DAY, "bob").remaining == 3


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_asynchronous_strategy(strategy: str, async_storage: Any) -> None:
    limiter = getattr(aio.strategies, strategy)(async_storage)
    assert [await limiter.hit(THREE_A_DAY, "ada") for _ in range(4)] == [True, True, True, False]
    assert (await limiter.get_window_stats(THREE_A_DAY, "ada")).remaining == 0
    assert not await limiter.test(THREE_A_DAY, "ada")
    await limiter.clear(THREE_A_DAY, "ada")
    assert await limiter.hit(THREE_A_DAY, "ada")
    assert await async_storage.reset() > 0
    assert (await limiter.get_window_stats(THREE_A_DAY, "ada")).remaining == 3


def test_a_window_that_moves(storage: Any) -> None:
    limiter, limit = strategies.MovingWindowRateLimiter(storage), limits.parse("2 per second")
    assert limiter.hit(limit)
    assert limiter.hit(limit)
    while not limiter.hit(limit):
        reset = limiter.get_window_stats(limit).reset_time
        assert reset < time.time() + 1.5
        time.sleep(max(reset - time.time(), 0.001))

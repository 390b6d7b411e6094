"""cashews, whose client-side cache is told by CLIENT TRACKING BCAST what others changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

cashews = pytest.importorskip("cashews")

import redis.asyncio  # noqa: E402

import redouble  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")  # by cashews


@pytest.fixture(params=["TCP", "in process"])
def place(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Where the server is, as arguments of `setup` and of a client."""
    if request.param == "TCP":
        yield {"url": request.getfixturevalue("url")}
    else:
        yield {"url": "redis://cache", "connection_class": redouble.FakeAsyncConnection}
        redouble.reset()


@contextlib.asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[Any]:
    cache = cashews.Cache()
    backend = cache.setup(url, client_side=True, suppress=False, protocol=2, **options)
    await cache.init()
    pool = backend._client.connection_pool
    yield cache
    await cache.close()
    await pool.disconnect(inuse_connections=True)  # its listener leaves its connection to the garbage collector


@pytest.fixture
async def caches(place: dict[str, Any]) -> AsyncIterator[tuple[Any, Any]]:
    async with connected(**place) as one, connected(**place) as two:
        yield one, two


async def becomes(cache: Any, key: str, expected: Any) -> None:
    for _ in range(500):
        value = await cache.get(key)
        if value == expected:
            return
        await asyncio.sleep(0.01)
    assert value == expected


async def test_what_another_program_changes_leaves_the_local_cache(caches: tuple[Any, Any]) -> None:
    one, two = caches
    await one.set("user", "first")
    assert await two.get("user") == "first"
    await one.set("user", "second")
    await becomes(two, "user", "second")
    await one.delete("user")
    await becomes(two, "user", None)


async def test_what_is_cached_is_not_asked_for_again(place: dict[str, Any], caches: tuple[Any, Any]) -> None:
    one, two = caches
    await one.set("user", "first")
    async with redis.asyncio.from_url(**place) as client:

        async def hits() -> int:
            return int((await client.info("stats"))["keyspace_hits"])

        for _ in range(500):  # the first one may be told late of what was set before
            before = await hits()
            assert [await two.get("user") for _ in range(5)] == ["first"] * 5
            if await hits() == before:
                return
            await asyncio.sleep(0.01)
    raise AssertionError("each of them asks the server")


async def test_flushing_empties_the_local_cache(place: dict[str, Any], caches: tuple[Any, Any]) -> None:
    one, two = caches
    await one.set("user", "first")
    assert await two.get("user") == "first"
    async with redis.asyncio.from_url(**place) as client:
        await client.flushall()
    await becomes(two, "user", None)

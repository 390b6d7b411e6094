"""The asyncio clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import fakeredis
import pytest
import redis
from fakeredis import aioredis


@pytest.fixture
async def client() -> AsyncIterator[Any]:
    async with fakeredis.FakeAsyncRedis() as client:
        yield client


async def test_commands(client: Any) -> None:
    assert await client.set("a", "1") is True
    assert await client.get("a") == b"1"
    async with client.pipeline() as pipeline:
        assert await pipeline.incr("a").incr("a").execute() == [2, 3]


async def test_a_consumer_waits_for_a_producer() -> None:
    server = fakeredis.FakeServer()
    consumer, producer = aioredis.FakeRedis(server=server), aioredis.FakeRedis(server=server)
    waiting = asyncio.ensure_future(consumer.blpop("jobs", timeout=5))
    await asyncio.sleep(0)
    await producer.rpush("jobs", "one")
    assert list(await waiting) == [b"jobs", b"one"]


async def test_messages(client: Any) -> None:
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("news")
        assert (await pubsub.get_message(timeout=1))["type"] == "subscribe"
        await client.publish("news", "hello")
        assert (await pubsub.get_message(timeout=1))["data"] == b"hello"


async def test_sync_and_asyncio_clients_share() -> None:
    server = fakeredis.FakeServer()
    fakeredis.FakeRedis(server=server).set("a", "1")
    assert await fakeredis.FakeAsyncRedis(server=server).get("a") == b"1"


async def test_connection_class_and_url() -> None:
    pool = redis.asyncio.ConnectionPool(connection_class=aioredis.FakeConnection, host="cache")
    await redis.asyncio.Redis(connection_pool=pool).set("a", "1")
    assert await fakeredis.FakeAsyncRedis.from_url("redis://cache").get("a") == b"1"


async def test_a_server_that_cannot_be_reached() -> None:
    client = fakeredis.FakeAsyncRedis(connected=False)
    with pytest.raises(redis.ConnectionError):
        await client.ping()

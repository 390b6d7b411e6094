"""The asyncio clients under the names that `redis.asyncio` gives them."""

from __future__ import annotations

from redouble.clients.asyncio import FakeAsyncConnection, FakeAsyncRedis, FakeAsyncRedisConnection
from redouble.clients.server import FakeServer
from redouble.clients.shared import AsyncSharedConnection as SharedConnection
from redouble.clients.shared import AsyncSharedRedis as SharedRedis

__all__ = [
    "FakeAsyncConnection",
    "FakeAsyncRedis",
    "FakeAsyncRedisConnection",
    "FakeConnection",
    "FakeRedis",
    "FakeServer",
    "FakeStrictRedis",
    "SharedConnection",
    "SharedRedis",
]

FakeRedis = FakeAsyncRedis
FakeStrictRedis = FakeAsyncRedis
FakeConnection = FakeAsyncRedisConnection

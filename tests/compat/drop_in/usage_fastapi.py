"""A FastAPI service whose dependency is replaced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import fakeredis
import pytest
import redis.asyncio

fastapi = pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")


async def get_redis() -> AsyncIterator[Any]:
    async with redis.asyncio.from_url("redis://redis.example.invalid") as client:
        yield client


CLIENT = fastapi.Depends(get_redis)
app = fastapi.FastAPI()


@app.get("/")
async def visit(client: Any = CLIENT) -> dict[str, Any]:
    return {"visits": await client.incr("visits"), "keys": await client.keys()}


@pytest.fixture
async def http() -> AsyncIterator[Any]:
    async with fakeredis.FakeAsyncRedis() as client:
        app.dependency_overrides[get_redis] = lambda: client
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield http
        app.dependency_overrides.clear()


async def test_visits_are_counted(http: Any) -> None:
    assert (await http.get("/")).json() == {"visits": 1, "keys": ["visits"]}
    assert (await http.get("/")).json()["visits"] == 2

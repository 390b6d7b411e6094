"""A FastAPI service on redis.asyncio, whose tests give it a fake through `dependency_overrides`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

fastapi = pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")

import redis.asyncio  # noqa: E402

from redouble import FakeAsyncRedis, FakeServer  # noqa: E402


async def get_redis() -> AsyncIterator[Any]:
    async with redis.asyncio.Redis(host="redis.example.invalid") as client:
        yield client


CLIENT = fastapi.Depends(get_redis)


def service() -> Any:
    app = fastapi.FastAPI()

    @app.post("/visits/{page}")
    async def visit(page: str, client: Any = CLIENT) -> dict[str, int]:
        async with client.pipeline(transaction=True) as pipeline:
            total, on_page = await pipeline.incr("visits").hincrby("pages", page, 1).execute()
        return {"total": total, "page": on_page}

    @app.get("/visits")
    async def visits(client: Any = CLIENT) -> dict[str, int]:
        return {page: int(count) for page, count in (await client.hgetall("pages")).items()}

    @app.get("/next")
    async def next_job(client: Any = CLIENT) -> dict[str, str | None]:
        job = await client.blpop("jobs", timeout=5)
        return {"job": job and job[1]}

    @app.post("/jobs/{name}")
    async def add_job(name: str, client: Any = CLIENT) -> int:
        return int(await client.rpush("jobs", name))

    return app


@pytest.fixture
async def http() -> AsyncIterator[Any]:
    app, server = service(), FakeServer()

    async def fake() -> AsyncIterator[Any]:
        async with FakeAsyncRedis(server=server, decode_responses=True) as client:
            yield client

    app.dependency_overrides[get_redis] = fake
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


async def test_requests_share_the_data(http: Any) -> None:
    assert (await http.post("/visits/home")).json() == {"total": 1, "page": 1}
    assert (await http.post("/visits/home")).json() == {"total": 2, "page": 2}
    assert (await http.post("/visits/about")).json() == {"total": 3, "page": 1}
    assert (await http.get("/visits")).json() == {"home": 2, "about": 1}


async def test_requests_at_once(http: Any) -> None:
    replies = await asyncio.gather(*(http.post("/visits/home") for _ in range(50)))
    assert sorted(reply.json()["total"] for reply in replies) == list(range(1, 51))


async def test_a_request_waits_for_another(http: Any) -> None:
    waiting = asyncio.create_task(http.get("/next"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert (await http.post("/jobs/write")).json() == 1
    assert (await waiting).json() == {"job": "write"}

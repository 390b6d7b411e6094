"""The application: `uvicorn app:app` serves it."""

import os
from collections.abc import AsyncIterator
from typing import Annotated

import redis.asyncio
from fastapi import Depends, FastAPI, HTTPException

app = FastAPI()


async def get_redis() -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.from_url(os.environ["REDIS_URL"]) as client:
        yield client


Redis = Annotated[redis.asyncio.Redis, Depends(get_redis)]


@app.put("/links/{name}")
async def shorten(name: str, url: str, client: Redis) -> None:
    if not await client.set(f"link:{name}", url, nx=True):
        raise HTTPException(409, f"{name} is taken")


@app.get("/links/{name}")
async def follow(name: str, client: Redis) -> dict[str, str | int]:
    url, visits = await client.pipeline().get(f"link:{name}").hincrby("visits", name, 1).execute()
    if url is None:
        raise HTTPException(404)
    return {"url": url, "visits": visits}

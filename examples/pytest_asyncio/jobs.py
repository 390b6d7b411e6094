"""The application: a worker that takes jobs from a list, and keeps each in another one until it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import redis.asyncio


async def work(client: redis.asyncio.Redis, do: Callable[[bytes], Awaitable[None]]) -> None:
    """Do one job, when there is one."""
    job = await client.blmove("jobs", "jobs:taken", timeout=0, src="LEFT", dest="RIGHT")
    await do(job)
    await client.lrem("jobs:taken", 1, job)

"""What the arq worker of a process of its own does in the arq tests: `arq tests.frameworks.arq_jobs.WorkerSettings`."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from arq import Retry
from arq.connections import RedisSettings


async def add(ctx: dict[str, Any], a: int, b: int) -> int:
    return a + b


async def fail(ctx: dict[str, Any]) -> None:
    raise ValueError("no")


async def try_twice(ctx: dict[str, Any]) -> int:
    if ctx["job_try"] == 1:
        raise Retry
    return int(ctx["job_try"])


async def tick(ctx: dict[str, Any]) -> None:
    await ctx["redis"].incr("ticks")


class WorkerSettings:
    functions: ClassVar = [add, fail, try_twice]
    redis_settings = RedisSettings.from_dsn(os.environ.get("REDIS_URL", "redis://localhost"))
    poll_delay = 0.01

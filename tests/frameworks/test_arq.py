"""arq: jobs, retries, results, cron jobs and the health check, in process and over TCP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("arq")  # wants a redis-py before 6: `make test` gives it an environment of its own

from arq import Worker, cron, func
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.jobs import JobStatus
from redis.asyncio import ConnectionPool

from redouble import FakeAsyncConnection, FakeServer
from tests.frameworks import arq_jobs as jobs

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["in process", "url"])
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[ArqRedis]:
    if request.param == "url":
        client = await create_pool(RedisSettings.from_dsn(request.getfixturevalue("url")))
    else:
        client = ArqRedis(ConnectionPool(connection_class=FakeAsyncConnection, server=FakeServer()))
    yield client
    await client.aclose()
    await client.connection_pool.disconnect()


def worker(redis: ArqRedis, **options: Any) -> Worker:
    options = {"functions": jobs.WorkerSettings.functions, "burst": True, "poll_delay": 0.01, **options}
    return Worker(redis_pool=redis, handle_signals=False, **options)


async def test_jobs_results_and_retries(redis: ArqRedis) -> None:
    added = await redis.enqueue_job("add", 2, 3, _job_id="the sum")
    failed, tried = await redis.enqueue_job("fail"), await redis.enqueue_job("try_twice")
    assert added is not None
    assert failed is not None
    assert tried is not None
    assert await redis.enqueue_job("add", 2, 3, _job_id="the sum") is None
    assert await added.status() == JobStatus.queued
    assert len(await redis.queued_jobs()) == 3
    running = worker(redis)
    await asyncio.wait_for(running.async_run(), 20)
    assert (running.jobs_complete, running.jobs_failed, running.jobs_retried) == (2, 1, 1)
    assert await added.result(timeout=5) == 5
    assert await tried.result(timeout=5) == 2
    with pytest.raises(ValueError, match="no"):
        await failed.result(timeout=5)
    assert await added.status() == JobStatus.complete
    assert {each.function for each in await redis.all_job_results()} == {"add", "fail", "try_twice"}
    assert await redis.queued_jobs() == []


async def test_a_deferred_job_waits_and_a_job_is_aborted(redis: ArqRedis) -> None:
    started = asyncio.Event()

    async def wait(ctx: dict[str, Any]) -> None:
        started.set()
        await asyncio.sleep(60)

    deferred = await redis.enqueue_job("add", 1, 2, _defer_by=timedelta(milliseconds=50))
    waiting = await redis.enqueue_job("wait")
    assert deferred is not None
    assert waiting is not None
    assert await deferred.status() == JobStatus.deferred
    running = worker(redis, functions=[jobs.add, func(wait, name="wait")], allow_abort_jobs=True, burst=False)
    task = asyncio.create_task(running.async_run())
    await asyncio.wait_for(started.wait(), 10)
    assert await waiting.status() == JobStatus.in_progress
    assert await waiting.abort(timeout=10, poll_delay=0.01)
    assert await deferred.result(timeout=10, poll_delay=0.01) == 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert running.jobs_failed == 1


async def test_cron_jobs_and_the_health_check(redis: ArqRedis) -> None:
    running = worker(
        redis,
        functions=[],
        cron_jobs=[cron(jobs.tick, run_at_startup=True)],
        max_burst_jobs=1,
        health_check_interval=5,
    )
    await asyncio.wait_for(running.async_run(), 20)
    assert await redis.get("ticks") == b"1"
    assert b"queued=" in (await redis.get("arq:queue:health-check") or b"")
    assert 0 < await redis.pttl("arq:queue:health-check") <= 6000


async def test_the_command_line(url: str) -> None:
    redis = await create_pool(RedisSettings.from_dsn(url))
    added = await redis.enqueue_job("add", 2, 3)
    command = [sys.executable, "-m", "arq", "tests.frameworks.arq_jobs.WorkerSettings"]
    options = {"cwd": ROOT, "env": {**os.environ, "REDIS_URL": url}, "timeout": 60}
    done = await asyncio.to_thread(subprocess.run, [*command, "--burst"], **options)
    assert done.returncode == 0
    assert added is not None
    assert await added.result(timeout=5) == 5
    await redis.aclose()

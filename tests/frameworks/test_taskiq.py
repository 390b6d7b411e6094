"""taskiq with taskiq-redis: its brokers, results and schedules, in process and over TCP."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("taskiq_redis")

from redis.asyncio import Redis
from taskiq import Context, ScheduledTask, SimpleRetryMiddleware, TaskiqDepends
from taskiq.api import run_receiver_task
from taskiq.depends.progress_tracker import ProgressTracker
from taskiq.message import BrokerMessage
from taskiq_redis import (
    ListQueueBroker,
    ListRedisScheduleSource,
    PubSubBroker,
    RedisAsyncResultBackend,
    RedisStreamBroker,
)

from redouble import FakeAsyncConnection, FakeServer
from tests.frameworks.conftest import subscribed

ROOT = Path(__file__).parents[2]
CONTEXT, PROGRESS = TaskiqDepends(), TaskiqDepends(ProgressTracker)


@pytest.fixture(params=["in process", "url"])
def place(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A URL, and what to tell the connections beside it."""
    if request.param == "url":
        return request.getfixturevalue("url"), {}
    return "redis://tasks", {"connection_class": FakeAsyncConnection, "server": FakeServer()}


@asynccontextmanager
async def working(broker: Any) -> AsyncIterator[None]:
    """A worker in this process."""
    await broker.startup()
    task = asyncio.create_task(run_receiver_task(broker))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await broker.shutdown()


@pytest.mark.parametrize(
    "kind",
    [ListQueueBroker, PubSubBroker, RedisStreamBroker],
    ids=lambda kind: kind.__name__,
)
async def test_tasks_and_their_results(kind: Any, place: Any) -> None:
    url, options = place
    broker = kind(url, **options).with_result_backend(RedisAsyncResultBackend(url, result_ex_time=600, **options))
    broker.add_middlewares(SimpleRetryMiddleware(default_retry_count=2))

    @broker.task
    async def add(a: int, b: int) -> int:
        return a + b

    @broker.task
    async def fail() -> None:
        raise ValueError("no")

    @broker.task(retry_on_error=True)
    async def fail_once(context: Context = CONTEXT) -> int:
        retries = int(context.message.labels.get("_retries", 0))
        if retries == 0:
            raise ValueError("the first attempt")
        return retries

    @broker.task
    async def tell(progress: Any = PROGRESS) -> None:
        await progress.set_progress("half way", {"done": 50})

    async with working(broker):
        if kind is PubSubBroker:
            async with Redis(connection_pool=broker.connection_pool) as connection:
                await subscribed(connection, broker.queue_name)
        tasks = [await add.kiq(i, i) for i in range(20)]
        failed, retried, told = await fail.kiq(), await fail_once.kiq(), await tell.kiq()
        results = [await task.wait_result(0.01, timeout=10) for task in tasks]
        assert [result.return_value for result in results] == [2 * i for i in range(20)]
        failure = await failed.wait_result(0.01, timeout=10)
        assert failure.is_err
        assert str(failure.error) == "no"
        assert (await retried.wait_result(0.01, timeout=10)).return_value == 1
        await told.wait_result(0.01, timeout=10)
        progress = await told.get_progress()
        assert (progress.state, progress.meta) == ("half way", {"done": 50})


async def test_the_stream_broker_hands_out_what_is_not_acknowledged_yet(place: Any) -> None:
    url, options = place
    broker = RedisStreamBroker(url, **options)
    await broker.startup()
    for number in range(3):
        await broker.kick(BrokerMessage(task_id=str(number), task_name="t", message=b"%d" % number, labels={}))
    messages = broker.listen()
    received = [await asyncio.wait_for(anext(messages), 10) for _ in range(3)]
    assert [message.data for message in received] == [b"0", b"1", b"2"]
    await received[1].ack()
    async with Redis(connection_pool=broker.connection_pool) as connection:
        assert (await connection.xpending(broker.queue_name, broker.consumer_group_name))["pending"] == 2
    await messages.aclose()
    await broker.shutdown()


async def test_schedules(place: Any) -> None:
    url, options = place
    source = ListRedisScheduleSource(url, **options)
    await source.startup()
    every_minute = ScheduledTask(
        task_name="add", labels={}, args=[1, 2], kwargs={}, schedule_id="minute", cron="* * * * *"
    )
    past = datetime.now(timezone.utc) - timedelta(minutes=2)
    once = ScheduledTask(task_name="add", labels={}, args=[3, 4], kwargs={}, schedule_id="once", time=past)
    for task in (every_minute, once):
        await source.add_schedule(task)
    assert {task.schedule_id: task.args for task in await source.get_schedules()} == {"minute": [1, 2], "once": [3, 4]}
    for task in (every_minute, once):
        await source.delete_schedule(task.schedule_id)
    assert await source.get_schedules() == []
    await source._connection_pool.disconnect()  # it has no shutdown()


async def test_the_command_line(url: str) -> None:
    from tests.frameworks.taskiq_jobs import add

    broker = ListQueueBroker(url).with_result_backend(RedisAsyncResultBackend(url))
    command = [sys.executable, "-m", "taskiq", "worker", "tests.frameworks.taskiq_jobs:broker", "--workers", "1"]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "REDIS_URL": url}, start_new_session=True)
    try:
        task = await add.kicker().with_broker(broker).kiq(2, 3)
        assert (await task.wait_result(0.05, timeout=60)).return_value == 5
    finally:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)  # the manager and its worker
        worker.wait()
    await broker.shutdown()

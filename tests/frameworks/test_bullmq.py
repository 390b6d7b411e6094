"""BullMQ's Python package: jobs, retries, delays, flows, events and repeated jobs, in process and over TCP."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

bullmq = pytest.importorskip("bullmq")

from bullmq.job_scheduler import JobScheduler  # noqa: E402
from bullmq.queue_events import QueueEvents  # noqa: E402

from redouble import FakeAsyncRedis, FakeServer  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def _collect_what_bullmq_leaves_open() -> Iterator[None]:
    """A worker that is closed while it waits forgets a connection; it is to be collected here, not in somebody's test."""
    yield
    gc.collect()


@pytest.fixture(params=["in process", "url"])
def connect(request: pytest.FixtureRequest) -> Callable[[], dict[str, Any]]:
    """Gives the options of a queue or a worker, each with a connection of its own."""
    if request.param == "url":
        url = request.getfixturevalue("url")
        return lambda: {"connection": url}
    server = FakeServer()
    return lambda: {"connection": FakeAsyncRedis(server=server, decode_responses=True)}


@pytest.fixture
async def queue(connect: Any) -> AsyncIterator[Any]:
    queue = bullmq.Queue("jobs", connect())
    yield queue
    await queue.close()


@asynccontextmanager
async def working(name: str, connect: Any, process: Any, **options: Any) -> AsyncIterator[Any]:
    """A worker, with lists of the jobs that it completed and that failed for good."""
    worker = bullmq.Worker(name, process, {**connect(), **options, "autorun": False})
    worker.done = asyncio.Queue()
    worker.on("completed", lambda job, result: worker.done.put_nowait((job.name, result)))
    worker.on("failed", lambda job, error: worker.done.put_nowait((job.name, error)))
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await asyncio.wait_for(worker.close(), 10)
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 10)


async def results(worker: Any, count: int) -> list[tuple[str, Any]]:
    return [await asyncio.wait_for(worker.done.get(), 20) for _ in range(count)]


async def test_jobs_and_their_results(queue: Any, connect: Any) -> None:
    async def process(job: Any, token: str) -> int:
        if job.name == "fail":
            raise bullmq.UnrecoverableError("no")
        if job.name == "fail once" and job.attemptsMade == 0:
            raise ValueError("the first attempt")
        if job.name == "tell":
            await job.updateProgress({"done": 50})
            await job.log("half way")
        return int(job.data["a"] + job.data["b"])

    jobs = await queue.addBulk([{"name": "add", "data": {"a": i, "b": i}} for i in range(20)])
    failed = await queue.add("fail", {}, {"attempts": 3})
    retried = await queue.add("fail once", {"a": 2, "b": 3}, {"attempts": 2, "backoff": {"type": "fixed", "delay": 10}})
    told = await queue.add("tell", {"a": 1, "b": 1})
    await queue.add("delayed", {"a": 1, "b": 2}, {"delay": 50})
    promoted = await queue.add("promoted", {"a": 1, "b": 2}, {"delay": 600_000})
    removed = await queue.add("removed", {"a": 1, "b": 2}, {"delay": 600_000})
    once = await queue.add("once", {"a": 1, "b": 2}, {"deduplication": {"id": "once"}})
    assert (await queue.add("once", {"a": 3, "b": 4}, {"deduplication": {"id": "once"}})).id == once.id
    assert await queue.getJobCounts("wait", "delayed") == {"wait": 24, "delayed": 3}
    await promoted.promote()
    await removed.remove()
    await queue.pause()
    assert await queue.isPaused()
    await queue.resume()
    async with working("jobs", connect, process, concurrency=4) as worker:
        done = await results(worker, 27)  # one of them twice
    assert sorted(result for name, result in done if name == "add") == [2 * i for i in range(20)]
    assert {"delayed", "promoted", "once"} <= {name for name, result in done if result == 3}
    assert [str(result) for name, result in done if name == "fail"] == ["no"]
    assert [str(result) for name, result in done if name == "fail once"] == ["the first attempt", "5"]
    assert await failed.isFailed()
    assert (await bullmq.Job.fromId(queue, retried.id)).attemptsMade == 2
    found = await bullmq.Job.fromId(queue, told.id)
    assert (found.progress, found.returnvalue) == ({"done": 50}, 2)
    assert (await queue.getJobLogs(told.id))["logs"] == ["half way"]
    assert await queue.getJobState(jobs[0].id) == "completed"
    assert len(await queue.clean(0, 100, "completed")) == 25
    assert [job.id for job in await queue.getFailed()] == [failed.id]
    await queue.obliterate(force=True)
    assert await queue.client.keys("bull:jobs:*") == []


async def test_priorities(queue: Any, connect: Any) -> None:
    async def process(job: Any, token: str) -> None:
        pass

    jobs = {p: await queue.add(f"priority {p}", {}, {"priority": p}) for p in (5, 1, 3)}
    assert await queue.getCountsPerPriority([1, 3, 4, 5]) == {"1": 1, "3": 1, "4": 0, "5": 1}
    await jobs[5].changePriority({"priority": 2})
    await queue.add("none", {})
    async with working("jobs", connect, process) as worker:
        done = await results(worker, 4)
    assert [name for name, _ in done] == ["none", "priority 1", "priority 5", "priority 3"]


async def test_a_flow(queue: Any, connect: Any) -> None:
    async def child(job: Any, token: str) -> int:
        return int(job.data["n"] * 10)

    async def parent(job: Any, token: str) -> int:
        return sum((await job.getChildrenValues()).values())

    producer = bullmq.FlowProducer(connect()["connection"])
    children = [{"name": "child", "queueName": "others", "data": {"n": n}} for n in (1, 2, 3)]
    flow = await producer.add({"name": "total", "queueName": "jobs", "data": {}, "children": children})
    assert await queue.getJobState(flow["job"].id) == "waiting-children"
    async with working("others", connect, child), working("jobs", connect, parent) as worker:
        assert await results(worker, 1) == [("total", 60)]
    await producer.close()


async def test_events_and_repeated_jobs(queue: Any, connect: Any) -> None:
    async def process(job: Any, token: str) -> str:
        return "tick"

    events = QueueEvents("jobs", {**connect(), "lastEventId": "0"})
    completed: asyncio.Queue[Any] = asyncio.Queue()
    events.on("completed", lambda told, _: completed.put_nowait(told["returnvalue"]))
    scheduler = JobScheduler(queue)
    await scheduler.upsertJobScheduler("ticks", {"every": 30}, "tick")
    async with working("jobs", connect, process) as worker:
        assert await results(worker, 3) == [("tick", "tick")] * 3
        assert [await asyncio.wait_for(completed.get(), 20) for _ in range(3)] == ["tick"] * 3
    assert [each["every"] for each in await scheduler.getJobSchedulers()] == [30]
    assert await scheduler.removeJobScheduler("ticks") == 0
    await events.close()

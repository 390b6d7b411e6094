"""BullMQ's Python package: jobs, retries, delays, flows, events and repeated jobs, in process and over TCP."""

from __future__ import annotations

import asyncio
import gc
import time
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
    """A worker, with lists of the jobs that it completed and that failed for good.

    A worker that was told to wait (a rate limit, global concurrency) asks again only after its `drainDelay`.
    """
    worker = bullmq.Worker(name, process, {**connect(), "drainDelay": 0.05, **options, "autorun": False})
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


async def test_retries_with_a_backoff(queue: Any, connect: Any) -> None:
    attempts: list[float] = []

    async def process(job: Any, token: str) -> int:
        attempts.append(time.monotonic())
        if len(attempts) < 4:
            raise ValueError("not yet")
        return len(attempts)

    job = await queue.add("eager", {}, {"attempts": 5, "backoff": {"type": "exponential", "delay": 20}})
    async with working("jobs", connect, process) as worker:
        assert [str(result) for _, result in await results(worker, 4)] == ["not yet"] * 3 + ["4"]
    assert await job.isCompleted()
    assert all(b - a >= delay for a, b, delay in zip(attempts, attempts[1:], (0.02, 0.04, 0.08)))


async def test_a_job_that_delays_itself(queue: Any, connect: Any) -> None:
    begun: list[float] = []

    async def process(job: Any, token: str) -> str:
        begun.append(time.time())
        if len(begun) == 1:
            await job.moveToDelayed(round(time.time() * 1000) + 50, token)
            raise bullmq.DelayedError
        return "later"

    await queue.add("shy", {}, {"attempts": 1})
    async with working("jobs", connect, process) as worker:
        assert await results(worker, 1) == [("shy", "later")]
    assert begun[1] - begun[0] > 0.048


async def test_a_job_that_waits_for_children_it_makes(queue: Any, connect: Any) -> None:
    async def process(job: Any, token: str) -> Any:
        if job.name == "child":
            return job.data["n"]
        if "added" not in job.data:
            parent = {"parent": {"id": job.id, "queue": queue.qualifiedName}}
            for n in range(3):
                await queue.add("child", {"n": n}, parent)
            await job.updateData({"added": True})
        if await job.moveToWaitingChildren(token, {}):
            raise bullmq.WaitingChildrenError
        return sum((await job.getChildrenValues()).values())

    await queue.add("parent", {})
    async with working("jobs", connect, process) as worker:
        assert (await results(worker, 4))[-1] == ("parent", 3)


async def test_a_child_that_fails_its_parent(queue: Any, connect: Any) -> None:
    async def child(job: Any, token: str) -> None:
        raise bullmq.UnrecoverableError("broken")

    async def parent(job: Any, token: str) -> None:
        raise AssertionError

    producer = bullmq.FlowProducer(connect()["connection"])
    opts = {"failParentOnFailure": True}
    children = [{"name": "child", "queueName": "others", "data": {}, "opts": opts}]
    await producer.add({"name": "total", "queueName": "jobs", "data": {}, "children": children})
    async with working("others", connect, child), working("jobs", connect, parent) as worker:
        [(name, error)] = await results(worker, 1)
    assert name == "total"
    assert "failed" in str(error)
    await producer.close()


async def test_rate_limits(queue: Any, connect: Any) -> None:
    ends: list[float] = []

    async def process(job: Any, token: str) -> None:
        ends.append(time.monotonic())

    await queue.addBulk([{"name": "slow", "data": {}} for _ in range(5)])
    async with working("jobs", connect, process, limiter={"max": 2, "duration": 100}) as worker:
        await results(worker, 5)
    assert ends[4] - ends[0] >= 0.1

    await queue.setGlobalRateLimit(1, 60_000)
    assert await queue.getGlobalRateLimit() == {"max": 1, "duration": 60_000}
    await queue.add("slow", {})
    await queue.add("slow", {})
    async with working("jobs", connect, process) as worker:
        await results(worker, 1)
        while await queue.getRateLimitTtl() <= 0:
            await asyncio.sleep(0.001)
        assert await queue.getRateLimitTtl() <= 60_000
        assert await queue.getJobCounts("completed", "wait") == {"completed": 6, "wait": 1}
        assert await queue.removeGlobalRateLimit() == 2
        assert await queue.removeRateLimitKey() == 1
        await results(worker, 1)
    await queue.rateLimit(60_000)
    assert 0 < await queue.getRateLimitTtl() <= 60_000


async def test_global_concurrency(queue: Any, connect: Any) -> None:
    inside, most = 0, 0
    two = asyncio.Event()

    async def process(job: Any, token: str) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == 2:
            two.set()
        await two.wait()
        await asyncio.sleep(0.01)
        inside -= 1

    await queue.setGlobalConcurrency(2)
    assert await queue.getGlobalConcurrency() == 2
    await queue.addBulk([{"name": "slow", "data": {}} for _ in range(8)])
    async with working("jobs", connect, process, concurrency=4) as worker:
        await results(worker, 8)
    assert most == 2


async def test_stalled_jobs(queue: Any, connect: Any) -> None:
    """Their worker died: another one takes them, but none of them twice."""

    async def process(job: Any, token: str) -> str:
        return "done"

    async def die() -> None:
        dead = bullmq.Worker("jobs", process, {**connect(), "autorun": False, "lockDuration": 20})
        assert (await dead.getNextJob("token")).id == job.id
        await dead.close(force=True)
        while await queue.client.exists(f"bull:jobs:{job.id}:lock"):
            await asyncio.sleep(0.005)

    job = await queue.add("stalled", {})
    await die()
    stalled: list[str] = []
    async with working("jobs", connect, process, stalledInterval=20) as worker:
        worker.on("stalled", stalled.append)
        assert await results(worker, 1) == [("stalled", "done")]
    assert stalled == [job.id]

    job = await queue.add("stalled", {})
    await die()
    async with working("jobs", connect, process, stalledInterval=20, maxStalledCount=0):
        while not await job.isFailed():
            await asyncio.sleep(0.005)
    assert "stalled more than allowable limit" in (await bullmq.Job.fromId(queue, job.id)).failedReason


async def test_what_stays_in_a_queue(queue: Any, connect: Any) -> None:
    async def process(job: Any, token: str) -> None:
        if job.name == "fail":
            raise ValueError("no")

    first = await queue.add("first", {}, {"lifo": True})
    await queue.add("kept", {}, {"removeOnComplete": {"count": 1}})
    await queue.add("gone", {}, {"removeOnComplete": True})
    failed = await queue.add("fail", {})
    await queue.add("last", {}, {"lifo": True})
    assert await queue.getWaitingCount() == 5
    async with working("jobs", connect, process) as worker:
        done = await results(worker, 5)
        assert done[0][0] == "last"
        assert {each["rawname"] for each in await queue.get_workers()} == {worker.clientName}  # as CLIENT LIST tells
    assert await queue.getCompletedCount() == 1
    assert await queue.getJob(first.id) is None
    await queue.retryJobs({"count": 5})
    assert [job.id for job in await queue.getWaiting()] == [failed.id]
    await queue.add("later", {}, {"delay": 600_000})
    await queue.promoteJobs()
    assert await queue.getJobCounts("wait", "delayed") == {"wait": 2, "delayed": 0}
    await queue.drain()
    assert await queue.getWaitingCount() == 0
    await queue.trimEvents(0)
    assert await queue.client.xlen("bull:jobs:events") == 0

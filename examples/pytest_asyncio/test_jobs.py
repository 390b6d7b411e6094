"""pytest with asyncio: the fixture `redouble_async` is a `redis.asyncio.Redis` whose server is this test's own.

Commands block as on a real server, so a test may start a worker and then give it something to do. `redouble` is a
synchronous client of the same server.
"""

import asyncio

import pytest

from jobs import work


@pytest.mark.asyncio
async def test_a_worker_waits_for_a_job(redouble_async):
    done = []

    async def do(job):
        done.append(job)

    worker = asyncio.create_task(work(redouble_async, do))
    await asyncio.sleep(0.01)
    assert not worker.done()
    await redouble_async.rpush("jobs", "write", "read")
    await worker
    assert done == [b"write"]
    assert await redouble_async.lrange("jobs", 0, -1) == [b"read"]
    assert await redouble_async.exists("jobs:taken") == 0


@pytest.mark.asyncio
async def test_a_job_that_fails_is_not_lost(redouble, redouble_async):
    async def fail(job):
        raise ValueError("no paper")

    redouble.rpush("jobs", "print")
    with pytest.raises(ValueError, match="no paper"):
        await work(redouble_async, fail)
    assert redouble.lrange("jobs:taken", 0, -1) == [b"print"]

"""redis-py's own scripts: its Lock, and register_script, alone and in pipelines; in process and over TCP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.exceptions import LockError, LockNotOwnedError, NoScriptError, ResponseError

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, ManualClock

COMPARE_AND_SET = """
local found = redis.call('GET', KEYS[1])
if found == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2])
    return {ok = 'set'}
end
return {found, #KEYS, #ARGV}
"""


@pytest.fixture(params=["in process", "url"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "url":
        made = redis.Redis.from_url(request.getfixturevalue("url"))
    else:
        made = FakeRedis()
    with made:
        yield made


@pytest.fixture(params=["in process", "url"])
async def async_client(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    if request.param == "url":
        made = redis.asyncio.Redis.from_url(request.getfixturevalue("url"))
    else:
        made = FakeAsyncRedis()
    async with made:
        yield made


def test_a_lock(client: Any) -> None:
    lock, other = (client.lock("report", timeout=60, sleep=0.01) for _ in range(2))
    with lock:
        assert lock.locked()
        assert lock.owned()
        assert not other.owned()
        assert not other.acquire(blocking=False)
        assert not other.acquire(blocking_timeout=0.02)
        assert lock.extend(60)
        assert 60_000 < client.pttl("report") <= 120_000
        assert lock.extend(30, replace_ttl=True)
        assert client.pttl("report") <= 30_000
        assert lock.reacquire()
        assert 30_000 < client.pttl("report") <= 60_000
    assert not client.exists("report")
    with pytest.raises(LockError, match="unlocked"):
        lock.release()
    lock.acquire()
    client.set("report", "somebody else's")
    for method in (lock.reacquire, lock.release):
        with pytest.raises(LockNotOwnedError):
            method()
    assert client.get("report") == b"somebody else's"


def test_a_lock_that_another_thread_waits_for(client: Any) -> None:
    lock = client.lock("report", timeout=60)
    lock.acquire()
    acquired = threading.Event()

    def wait() -> None:
        with client.lock("report", timeout=60, sleep=0.001):
            acquired.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not acquired.is_set()
    lock.release()
    assert acquired.wait(10)
    thread.join(10)
    assert not client.exists("report")


def test_only_one_thread_at_a_time_holds_a_lock(client: Any) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with client.lock("report", timeout=60, sleep=0.001):
                inside.append(1)
                client.incr("visits")
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1] * 20
    assert client.get("visits") == b"20"


def test_a_lock_expires_when_the_clock_says_so() -> None:
    clock = ManualClock()
    client = FakeRedis(server=FakeServer(clock=clock))
    lock = client.lock("report", timeout=5)
    lock.acquire()
    clock.advance(6)
    with client.lock("report", timeout=5), pytest.raises(LockNotOwnedError):
        lock.extend(5)


async def test_an_asynchronous_lock(async_client: Any) -> None:
    lock, other = (async_client.lock("report", timeout=60, sleep=0.001) for _ in range(2))
    async with lock:
        assert await lock.owned()
        assert not await other.acquire(blocking=False)
        assert await lock.extend(60)
        assert 60_000 < await async_client.pttl("report") <= 120_000
        assert await lock.reacquire()
    assert await other.acquire()
    await async_client.delete("report")
    with pytest.raises(LockNotOwnedError):
        await other.release()


async def test_only_one_task_at_a_time_holds_a_lock(async_client: Any) -> None:
    inside: list[int] = []
    most: list[int] = []

    async def work() -> None:
        async with async_client.lock("report", timeout=60, sleep=0.001):
            inside.append(1)
            await async_client.incr("visits")
            most.append(len(inside))
            inside.pop()

    await asyncio.gather(*[work() for _ in range(10)])
    assert most == [1] * 10
    lock = async_client.lock("report", timeout=60)
    assert await lock.acquire(token="mine")
    assert await async_client.get("report") == b"mine"
    assert not await async_client.lock("report", blocking_timeout=0.02, sleep=0.001).acquire()


def test_registered_scripts(client: Any) -> None:
    script = client.register_script(COMPARE_AND_SET)
    client.set("k", "1")
    with pytest.raises(NoScriptError):
        client.evalsha(script.sha, 1, "k", "1", "2")
    assert script(keys=["k"], args=["1", "2"]) == b"set"
    assert script(keys=["k"], args=["1", "2"]) == [b"2", 1, 2]
    client.script_flush()
    assert script(keys=["k"], args=[2, 3]) == b"set"
    assert client.script_exists(script.sha, "0" * 40) == [True, False]
    client.rpush("list", "x")
    with pytest.raises(ResponseError, match="wrong kind of value"):
        script(keys=["list"], args=["1", "2"])


@pytest.mark.parametrize("transaction", [True, False])
def test_registered_scripts_in_a_pipeline(client: Any, transaction: bool) -> None:
    script = client.register_script(COMPARE_AND_SET)
    with client.pipeline(transaction=transaction) as pipeline:
        pipeline.set("k", "1")
        script(keys=["k"], args=["1", "2"], client=pipeline)
        script(keys=["k"], args=["1", "2"], client=pipeline)
        pipeline.get("k")
        assert pipeline.execute() == [True, b"set", [b"2", 1, 2], b"2"]


@pytest.mark.parametrize("transaction", [True, False])
async def test_asynchronous_registered_scripts(async_client: Any, transaction: bool) -> None:
    script = async_client.register_script(COMPARE_AND_SET)
    await async_client.set("k", "1")
    assert await script(keys=["k"], args=["1", "2"]) == b"set"
    async with async_client.pipeline(transaction=transaction) as pipeline:
        await script(keys=["k"], args=["2", "3"], client=pipeline)
        await script(keys=["k"], args=["2", "3"], client=pipeline)
        assert await pipeline.execute() == [b"set", [b"3", 1, 2]]

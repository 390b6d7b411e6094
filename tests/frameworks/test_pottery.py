"""pottery: Redlock on three servers, sync and async, and its other primitive with a script, NextID."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pottery = pytest.importorskip("pottery")

import redis  # noqa: E402

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, TcpFakeServer  # noqa: E402

ReleaseUnlockedLock, ExtendUnlockedLock = pottery.ReleaseUnlockedLock, pottery.ExtendUnlockedLock


@pytest.fixture(params=["in process", "url"])
def masters(request: pytest.FixtureRequest) -> Iterator[list[Any]]:
    if request.param == "in process":
        yield [FakeRedis(server=FakeServer()) for _ in range(3)]
        return
    servers = [TcpFakeServer(("127.0.0.1", 0)) for _ in range(3)]
    for server in servers:
        server.start()
    clients = [redis.Redis(port=server.server_address[1]) for server in servers]
    yield clients
    for client, server in zip(clients, servers):
        client.close()
        server.stop()


def lock_on(masters: list[Any], **options: Any) -> Any:
    return pottery.Redlock(key="printer", masters=set(masters), auto_release_time=10, **options)


def test_redlock(masters: list[Any]) -> None:
    lock, other = lock_on(masters), lock_on(masters)
    assert lock.acquire()
    assert 8 < lock.locked() <= 10
    assert not other.locked()
    assert not other.acquire(blocking=False)
    lock.extend()
    lock.release()
    with pytest.raises(ReleaseUnlockedLock):
        lock.release()
    with pytest.raises(ExtendUnlockedLock):
        lock.extend()
    with other:
        assert other.locked()
    deadline = time.monotonic() + 20
    while any(master.dbsize() for master in masters):  # pottery does not wait for the last one, once a majority agreed
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_redlock_needs_a_majority(masters: list[Any]) -> None:
    lock, other = lock_on(masters), lock_on(masters)
    masters[0].set("redlock:printer", "somebody else's")
    assert lock.acquire()
    assert lock.locked()
    masters[1].set("redlock:printer", "somebody else's")
    assert not lock.locked()
    assert not other.acquire(blocking=False)
    with pytest.raises(ReleaseUnlockedLock):
        lock.release()


def test_redlock_synchronizes_threads(masters: list[Any]) -> None:
    inside: list[int] = []
    most: list[int] = []

    @pottery.synchronize(key="printer", masters=set(masters), auto_release_time=10)
    def work() -> None:
        inside.append(1)
        most.append(len(inside))
        inside.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1, 1, 1]


async def test_asynchronous_redlock() -> None:
    masters = [FakeAsyncRedis(server=FakeServer()) for _ in range(3)]
    lock, other = (pottery.AIORedlock(key="printer", masters=masters, auto_release_time=10) for _ in range(2))
    assert await lock.acquire()
    assert await lock.locked() > 8
    assert not await other.acquire(blocking=False)
    await lock.extend()
    await lock.release()
    async with other:
        assert await other.locked()
    for master in masters:
        await master.aclose()


def test_next_id(masters: list[Any]) -> None:
    ids = pottery.NextID(key="users", masters=set(masters))
    assert [next(ids) for _ in range(5)] == [1, 2, 3, 4, 5]
    masters[0].flushall()
    assert next(pottery.NextID(key="users", masters=set(masters))) == 6

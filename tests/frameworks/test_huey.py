"""huey: tasks, results, retries and locks, in process and over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

huey = pytest.importorskip("huey")

from redis import ConnectionPool  # noqa: E402

from redouble import FakeConnection, FakeServer  # noqa: E402


@pytest.fixture(params=["in process", "url"])
def queue(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "url":
        pool = ConnectionPool.from_url(request.getfixturevalue("url"))
    else:
        pool = ConnectionPool(connection_class=FakeConnection, server=FakeServer(version="7.4"))
    yield huey.RedisHuey("tests", connection_pool=pool, notify_result=True)
    pool.disconnect()


def work_off(queue: Any) -> None:
    """As a consumer's worker does."""
    while queue.pending_count():
        queue.execute(queue.dequeue())


def test_tasks_results_and_retries(queue: Any) -> None:
    attempts: list[int] = []

    @queue.task()
    def add(a: int, b: int) -> int:
        return a + b

    @queue.task(retries=1)
    def fail_once() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("the first attempt")
        return "done"

    sums, retried, chained = [add(i, i) for i in range(20)], fail_once(), queue.enqueue(add.s(1, 2).then(add, 10))
    revoked = add(0, 0)
    revoked.revoke()
    work_off(queue)
    assert [result.get(blocking=True, timeout=5) for result in sums] == [2 * i for i in range(20)]
    assert retried.get(blocking=True, timeout=5) == "done"
    assert chained.get(blocking=True, timeout=5) == [3, 13]
    assert revoked.get() is None


def test_locks_and_rate_limits_expire(queue: Any) -> None:
    with queue.lock_task("report"):
        assert queue.is_locked("report")
        with pytest.raises(huey.exceptions.TaskLockedException), queue.lock_task("report"):
            pass
    assert not queue.is_locked("report")
    assert queue.storage.put_if_empty("once", b"1", ttl=60)
    assert not queue.storage.put_if_empty("once", b"1", ttl=60)
    assert queue.storage.conn.httl(queue.storage.result_key, "once") == [60]


def test_scheduled_tasks(queue: Any) -> None:
    @queue.task()
    def add(a: int, b: int) -> int:
        return a + b

    soon, later = add.schedule((1, 2), delay=60), add.schedule((3, 4), delay=600)
    work_off(queue)  # to the schedule
    assert queue.scheduled_count() == 2
    in_two_minutes = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(minutes=2)
    [task] = queue.read_schedule(in_two_minutes)
    assert queue.read_schedule(in_two_minutes) == []
    assert queue.execute(task, in_two_minutes) == 3
    assert soon.get(blocking=True, timeout=5) == 3
    assert [task.id for task in queue.scheduled()] == [later.id]

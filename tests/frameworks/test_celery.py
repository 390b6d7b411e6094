"""Celery: a worker in a process of its own, with Redis over TCP as its broker and as its result backend."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

celery = pytest.importorskip("celery")

import redis  # noqa: E402
from celery import Celery, chain, chord, group  # noqa: E402

from redouble import TcpFakeServer  # noqa: E402

# Celery before 5.7
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

ROOT = Path(__file__).parents[2]
TIMEOUT = 120


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with TcpFakeServer(("127.0.0.1", 0)) as server:
        server.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"


@pytest.fixture(scope="module")
def app(url: str) -> Iterator[Celery]:
    from tests.frameworks.celery_tasks import app

    app.conf.update(broker_url=url, result_backend=url)
    yield app
    for _ in range(5):  # results unsubscribe when they are collected, on PyPy late, and each before those it depends on
        gc.collect()
    app.close()


@pytest.fixture(scope="module")
def tasks(url: str, app: Celery) -> Iterator[Any]:
    """The tasks, with a worker of two threads that waits for them."""
    from tests.frameworks import celery_tasks

    command = [sys.executable, "-m", "celery", "-A", "tests.frameworks.celery_tasks", "worker"]
    options = ["--pool", "threads", "--concurrency", "2", "--loglevel", "ERROR", "--hostname", "one@tests"]
    worker = subprocess.Popen([*command, *options], cwd=ROOT, env={**os.environ, "REDIS_URL": url})
    try:
        yield celery_tasks
        worker.send_signal(signal.SIGTERM)  # ends what it does, then itself
        assert worker.wait(TIMEOUT) == 0
    finally:
        worker.kill()
        worker.wait()


def eventually(happens: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + TIMEOUT
    while not (result := happens()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return result


def test_results_and_failures(tasks: Any) -> None:
    sums = [tasks.add.delay(i, i) for i in range(50)]
    failed = tasks.fail.delay("no")
    assert [result.get(timeout=TIMEOUT) for result in sums] == [2 * i for i in range(50)]
    with pytest.raises(ValueError, match="no"):
        failed.get(timeout=TIMEOUT)
    assert failed.state == "FAILURE"
    assert "ValueError: no" in failed.traceback
    assert (sums[3].state, sums[3].name, sums[3].args) == ("SUCCESS", "tests.frameworks.celery_tasks.add", [3, 3])
    sums[3].forget()
    assert sums[3].state == "PENDING"


def test_a_retry(tasks: Any) -> None:
    result = tasks.fail_once.delay()
    assert result.get(timeout=TIMEOUT) == 1


def test_groups_chains_and_chords(tasks: Any) -> None:
    add, total = tasks.add, tasks.total
    assert group(add.s(i, 1) for i in range(5))().get(timeout=TIMEOUT) == [1, 2, 3, 4, 5]
    assert chain(add.s(1, 2), add.s(3), add.s(4))().get(timeout=TIMEOUT) == 10
    assert chord((add.s(i, i) for i in range(10)), total.s())().get(timeout=TIMEOUT) == 90
    failing = chord([add.s(1, 1), tasks.fail.s("a part")], total.s())()
    error = failing.get(timeout=TIMEOUT, propagate=False)
    assert isinstance(error, celery.exceptions.ChordError)
    assert "a part" in str(error)


def test_a_countdown_and_a_time_to_come(tasks: Any) -> None:
    begun = time.monotonic()
    soon = tasks.add.apply_async((1, 2), countdown=0.3)
    at = tasks.add.apply_async((3, 4), eta=datetime.now(timezone.utc) + timedelta(seconds=0.4))
    assert (soon.get(timeout=TIMEOUT), at.get(timeout=TIMEOUT)) == (3, 7)
    assert time.monotonic() - begun >= 0.3
    expired = tasks.add.apply_async((1, 2), expires=datetime.now(timezone.utc) - timedelta(seconds=1))
    with pytest.raises(celery.exceptions.TaskRevokedError, match="expired"):
        expired.get(timeout=TIMEOUT)


def test_the_state_of_a_task_that_runs(tasks: Any, url: str) -> None:
    result = tasks.progress.delay()
    assert eventually(lambda: result.state == "PROGRESS")
    assert result.info == {"done": 50}
    with redis.Redis.from_url(url) as connection:
        connection.rpush("go on", "now")
    assert result.get(timeout=TIMEOUT) == "done"


def test_remote_control(tasks: Any, app: Celery) -> None:
    """The commands of `celery inspect` and `celery control`, which are broadcast and answered over queues of their own."""
    assert eventually(lambda: app.control.ping(timeout=0.5, limit=1)) == [{"one@tests": {"ok": "pong"}}]
    revoked = tasks.add.apply_async((1, 2), countdown=600)
    inspect = app.control.inspect(["one@tests"], timeout=TIMEOUT, limit=1)
    [scheduled] = eventually(lambda: inspect.scheduled()["one@tests"])
    assert scheduled["request"]["id"] == revoked.id
    app.control.revoke(revoked.id, reply=True, timeout=TIMEOUT, limit=1)
    assert revoked.id in inspect.revoked()["one@tests"]
    assert "tests.frameworks.celery_tasks.add" in inspect.registered()["one@tests"]


def test_priorities_and_a_purge(tasks: Any, app: Celery, url: str) -> None:
    """Queues that no worker reads: Celery's Redis transport keeps one list for each step of priority."""
    for priority in (0, 3, 9):
        tasks.add.apply_async((1, 2), queue="unread", priority=priority)
    with redis.Redis.from_url(url) as connection:
        assert connection.llen("unread") == 1
        assert connection.llen("unread\x06\x163") == 1
        with app.connection_for_write() as broker:
            channel = broker.default_channel
            assert channel.queue_declare("unread", passive=True).message_count == 3
            assert channel.queue_purge("unread") == 3
        assert connection.exists("unread", "unread\x06\x163", "unread\x06\x169") == 0

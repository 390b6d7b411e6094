"""dramatiq: actors, results, retries and delays; its broker is one Lua script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

dramatiq = pytest.importorskip("dramatiq")

import redis  # noqa: E402
from dramatiq.brokers.redis import RedisBroker  # noqa: E402
from dramatiq.results import Results  # noqa: E402
from dramatiq.results.backends.redis import RedisBackend  # noqa: E402

from redouble import FakeRedis  # noqa: E402


@pytest.fixture(params=["in process", "url"])
def broker(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "url":
        client = redis.Redis.from_url(request.getfixturevalue("url"))
    else:
        client = FakeRedis()
    broker = RedisBroker(client=client)
    broker.add_middleware(Results(backend=RedisBackend(client=client)))
    worker = dramatiq.Worker(broker, worker_timeout=10, worker_threads=2)
    broker.worker = worker
    worker.start()
    yield broker
    worker.stop()
    broker.close()
    client.close()


def test_actors(broker: Any) -> None:
    attempts: list[int] = []

    @dramatiq.actor(broker=broker, store_results=True)
    def add(a: int, b: int) -> int:
        return a + b

    @dramatiq.actor(broker=broker, store_results=True, max_retries=1, min_backoff=1, max_backoff=10)
    def fail_once() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("the first attempt")
        return "done"

    sums = [add.send(i, i) for i in range(20)]
    retried, delayed = fail_once.send(), add.send_with_options(args=(3, 4), delay=50)
    assert [
        message.get_result(backend=broker.get_results_backend(), block=True, timeout=10_000) for message in sums
    ] == [2 * i for i in range(20)]
    assert retried.get_result(backend=broker.get_results_backend(), block=True, timeout=10_000) == "done"
    assert delayed.get_result(backend=broker.get_results_backend(), block=True, timeout=10_000) == 7
    broker.join("default", timeout=10_000)
    assert broker.client.llen("dramatiq:default") == 0

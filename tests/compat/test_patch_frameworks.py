"""Frameworks that build their own clients, under `redouble.patch`: nothing but a URL is configured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import redouble
from redouble import FakeRedis


@pytest.fixture(autouse=True)
def _patched() -> Iterator[None]:
    with redouble.patch():
        yield


@pytest.mark.parametrize("scheme", ["redis", "redouble"])
def test_django_s_cache(scheme: str) -> None:
    pytest.importorskip("django")
    from django.core.cache.backends.redis import RedisCache

    cache = RedisCache(f"{scheme}://cache:6379", {})
    cache.set("a", {"b": 1})
    assert cache.get("a") == {"b": 1}
    assert FakeRedis(host="cache").keys() == [b":1:a"]


@pytest.mark.parametrize("scheme", ["redis", "redouble"])
def test_django_redis(scheme: str) -> None:
    pytest.importorskip("django_redis")
    from django_redis.cache import RedisCache

    # Under a name of its own: django-redis keeps the pool of each URL for as long as the process lives.
    cache = RedisCache(f"{scheme}://patched-cache:6379/1", {})
    cache.set("a", {"b": 1})
    assert cache.get("a") == {"b": 1}
    assert FakeRedis(host="patched-cache", db=1).keys() == [b":1:a"]


@pytest.mark.parametrize("scheme", ["redis", "redouble"])
def test_rq(scheme: str) -> None:
    rq = pytest.importorskip("rq")
    import redis

    queue = rq.Queue(connection=redis.from_url(f"{scheme}://queues"))
    job = queue.enqueue(divmod, 7, 3)
    rq.SimpleWorker([queue]).work(burst=True, logging_level="ERROR")
    assert tuple(job.return_value()) == (2, 1)


@pytest.mark.parametrize("scheme", ["redis", "redouble"])
async def test_channels(scheme: str) -> None:
    core = pytest.importorskip("channels_redis.core")
    layer = core.RedisChannelLayer(hosts=[f"{scheme}://layer"])
    channel = await layer.new_channel()
    await layer.group_add("all", channel)
    await layer.group_send("all", {"type": "hello"})
    assert await layer.receive(channel) == {"type": "hello"}
    await layer.flush()
    await layer.close_pools()


def test_limits() -> None:
    limits = pytest.importorskip("limits")
    from limits.strategies import MovingWindowRateLimiter

    limiter = MovingWindowRateLimiter(limits.storage.storage_from_string("redis://limits"))
    rate = limits.parse("2/minute")
    assert [limiter.hit(rate, "user") for _ in range(3)] == [True, True, False]


def test_huey() -> None:
    huey = pytest.importorskip("huey")
    queue = huey.RedisHuey(url="redouble://huey")
    task = queue.task()(lambda a, b: a + b)
    result = task(1, 2)
    queue.execute(queue.dequeue())
    assert result() == 3


def test_dramatiq() -> None:
    dramatiq = pytest.importorskip("dramatiq")
    from dramatiq.brokers.redis import RedisBroker

    done: list[int] = []
    broker = RedisBroker(url="redouble://broker")
    actor = dramatiq.actor(done.append, broker=broker, actor_name="note")
    worker = dramatiq.Worker(broker, worker_timeout=10)
    worker.start()
    actor.send(1)
    broker.join("default", timeout=10_000)
    worker.join()
    worker.stop()
    broker.close()
    assert done == [1]


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_celery() -> None:
    """A worker in a thread, which polls its connections as kombu does; the client polls for results."""
    celery = pytest.importorskip("celery")
    from celery.contrib.testing.worker import start_worker

    app = celery.Celery("jobs", broker="redis://broker/0", backend="redis://broker/1", set_as_current=False)
    app.conf.worker_hijack_root_logger = False

    @app.task(name="add")
    def add(a: int, b: int) -> int:
        return a + b

    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="ERROR", shutdown_timeout=20):
        assert add.delay(2, 3).get(timeout=10) == 5
        assert celery.group(add.s(n, n) for n in range(5)).delay().get(timeout=10) == [0, 2, 4, 6, 8]
    app.close()


async def test_taskiq() -> None:
    taskiq_redis = pytest.importorskip("taskiq_redis")
    broker = taskiq_redis.ListQueueBroker("redouble://tasks")
    await broker.startup()

    @broker.task
    async def nothing() -> None: ...

    await nothing.kiq()
    async for message in broker.listen():
        assert b"nothing" in message
        break
    await broker.shutdown()


async def test_fastapi_s_dependency_needs_no_override() -> None:
    import redis.asyncio

    async with redis.asyncio.from_url("redis://redis.example.invalid") as client:
        assert await client.incr("visits") == 1


async def test_socket_io() -> None:
    socketio: Any = pytest.importorskip("socketio")
    manager = socketio.AsyncRedisManager("redis://layer", channel="news")
    await manager._publish({"method": "emit"})
    assert FakeRedis(host="layer").info("commandstats")["cmdstat_publish"]["calls"] == 1
    await manager.redis.aclose()

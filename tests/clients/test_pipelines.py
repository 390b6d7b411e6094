"""Pipelines and transactions, in threads and on asyncio."""

from __future__ import annotations

import gc
import sys
import threading
from typing import Any

import pytest
import redis

from redouble import FakeAsyncRedis, FakeConnection, FakeRedis, FakeServer


@pytest.mark.parametrize("transaction", [True, False])
def test_ten_thousand_commands_in_one_pipeline(client: Any, transaction: bool) -> None:
    pipeline = client.pipeline(transaction=transaction)
    for number in range(10_000):
        pipeline.incr("counter" if number % 2 else "other")
    replies = pipeline.execute()
    assert len(replies) == 10_000
    assert replies[-2:] == [5000, 5000]


@pytest.mark.parametrize("transaction", [True, False])
def test_an_error_in_a_pipeline_spares_the_others(client: Any, transaction: bool) -> None:
    pipeline = client.pipeline(transaction=transaction)
    pipeline.set("a", "x").incr("a").get("a")
    done, error, value = pipeline.execute(raise_on_error=False)
    assert (done, value) == (True, b"x")
    assert isinstance(error, redis.ResponseError)
    pipeline.set("a", "x").incr("a").get("a")
    with pytest.raises(redis.ResponseError, match=r"Command # 2 .*not an integer"):
        pipeline.execute()


def test_a_command_that_cannot_be_queued_aborts_the_transaction(client: Any) -> None:
    pipeline = client.pipeline()
    pipeline.set("a", 1).execute_command("NOSUCH")
    with pytest.raises(redis.ResponseError, match="unknown command"):
        pipeline.execute()
    assert client.get("a") is None


def test_watch_fails_the_transaction_of_whoever_was_late(client: Any) -> None:
    with client.pipeline() as pipeline:
        pipeline.watch("a")
        client.set("a", 1)
        pipeline.multi()
        pipeline.set("a", 2)
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert client.get("a") == b"1"


def test_a_watch_loop_on_eight_threads_loses_no_increment(client: Any) -> None:
    def increment() -> None:
        for _ in range(25):
            client.transaction(lambda pipe: pipe.multi() or pipe.set("n", int(client.get("n") or 0) + 1), "n")

    def increment_by_hand() -> None:
        for _ in range(25):
            while True:
                with client.pipeline() as pipe:
                    try:
                        pipe.watch("n")
                        value = int(pipe.get("n") or 0)
                        pipe.multi()
                        pipe.set("n", value + 1)
                        pipe.execute()
                        break
                    except redis.WatchError:
                        continue

    threads = [threading.Thread(target=target) for target in [increment, increment_by_hand] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert client.get("n") == b"200"


def test_a_blocking_command_in_a_pipeline_holds_up_what_follows(server: FakeServer, protocol: int) -> None:
    client = FakeRedis(server=server, protocol=protocol)
    pipeline = client.pipeline(transaction=False)
    pipeline.blpop("list", 5)
    pipeline.set("after", "1")
    pipeline.get("after")
    timer = threading.Timer(0.05, lambda: client.get("after") is None and client.rpush("list", "x"))
    timer.start()
    popped, *rest = pipeline.execute()
    timer.join()
    assert list(popped) == [b"list", b"x"]
    assert rest == [True, b"1"]


def test_in_a_transaction_nothing_blocks(client: Any) -> None:
    pipeline = client.pipeline()
    pipeline.blpop("nothing", 0)
    pipeline.set("a", 1)
    assert pipeline.execute() == [None, True]


def test_a_watching_pipeline_that_is_dropped_gives_its_connection_back(server: FakeServer) -> None:
    client = FakeRedis(server=server, max_connections=1)
    pipeline = client.pipeline()
    pipeline.watch("a")
    del pipeline
    if sys.implementation.name == "pypy":  # drops it later
        gc.collect()
    assert client.set("a", 1)


def test_the_connection_class_alone_serves_pipelines(protocol: int) -> None:
    pool = redis.ConnectionPool(connection_class=FakeConnection, protocol=protocol)
    pipeline = redis.Redis(connection_pool=pool).pipeline()
    assert pipeline.set("a", 1).incr("a").execute() == [True, 2]


async def test_asyncio_pipelines(protocol: int) -> None:
    client = FakeAsyncRedis(protocol=protocol)
    async with client.pipeline(transaction=True) as pipeline:
        replies = await pipeline.set("a", 1).incr("a").get("a").execute()
    assert replies == [True, 2, b"2"]
    async with client.pipeline(transaction=False) as pipeline:
        for _ in range(1000):
            pipeline.incr("a")
        assert (await pipeline.execute())[-1] == 1002
    async with client.pipeline() as pipeline:
        await pipeline.watch("a")
        await client.set("a", 0)
        pipeline.multi()
        pipeline.set("a", 5)
        with pytest.raises(redis.WatchError):
            await pipeline.execute()

"""Pub/sub with threads and with asyncio, over both protocols."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from typing import Any

import pytest
import redis

from redouble import FakeAsyncRedis, FakeConnection, FakeRedis, FakeServer


def messages(pubsub: Any) -> list[tuple[str, Any]]:
    found = []
    while (message := pubsub.get_message()) is not None:
        found.append((message["type"], message["data"]))
    return found


def test_subscribe_publish_unsubscribe(client: Any) -> None:
    pubsub = client.pubsub()
    pubsub.subscribe("a", "b")
    pubsub.psubscribe("n*")
    assert messages(pubsub) == [("subscribe", 1), ("subscribe", 2), ("psubscribe", 3)]
    assert client.publish("a", "1") == 1
    assert client.publish("news", "2") == 1
    assert client.publish("other", "3") == 0
    assert messages(pubsub) == [("message", b"1"), ("pmessage", b"2")]
    pubsub.unsubscribe("a")
    assert messages(pubsub) == [("unsubscribe", 2)]
    assert client.publish("a", "4") == 0
    pubsub.close()
    assert client.publish("b", "5") == 0


def test_get_message_waits_no_longer_than_it_is_told(client: Any) -> None:
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("a")
    pubsub.get_message()
    began = time.monotonic()
    assert pubsub.get_message(timeout=0.1) is None
    assert 0.09 < time.monotonic() - began < 2
    timer = threading.Timer(0.05, client.publish, ("a", "hello"))
    timer.start()
    began = time.monotonic()
    assert pubsub.get_message(timeout=10)["data"] == b"hello"
    assert time.monotonic() - began < 5
    timer.join()
    pubsub.close()


def test_listening_outlasts_socket_timeout(server: FakeServer) -> None:
    if int(redis.__version__.split(".")[0]) < 8:
        pytest.skip("before redis-py 8 socket_timeout ends a listener")
    client = FakeRedis(server=server, socket_timeout=0.05)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("a")
    timer = threading.Timer(0.2, client.publish, ("a", "late"))
    timer.start()
    assert next(pubsub.listen())["data"] == b"late"
    timer.join()
    pubsub.close()


def test_run_in_thread(client: Any) -> None:
    got: list[Any] = []
    heard = threading.Event()
    pubsub = client.pubsub()
    pubsub.subscribe(a=lambda message: (got.append(message["data"]), heard.set()))
    thread = pubsub.run_in_thread(sleep_time=0.05, daemon=True)
    client.publish("a", "x")
    assert heard.wait(5)
    thread.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert got == [b"x"]


def test_many_threads_listen_and_each_hears_everything_in_order(server: FakeServer, protocol: int) -> None:
    heard: dict[int, list[bytes]] = {number: [] for number in range(8)}
    ready = threading.Barrier(9)

    def listen(number: int) -> None:
        pubsub = FakeRedis(server=server, protocol=protocol).pubsub()
        pubsub.subscribe("a")
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        ready.wait(10)
        while len(heard[number]) < 100:
            message = pubsub.get_message(timeout=5)
            heard[number].append(message["data"])
        pubsub.close()

    threads = [threading.Thread(target=listen, args=(number,)) for number in heard]
    for thread in threads:
        thread.start()
    ready.wait(10)
    client = FakeRedis(server=server)
    for number in range(100):
        assert client.publish("a", number) == 8
    for thread in threads:
        thread.join(30)
    assert all(data == [b"%d" % number for number in range(100)] for data in heard.values())


def test_a_subscriber_that_was_cut_off_subscribes_again(server: FakeServer, protocol: int) -> None:
    client = FakeRedis(server=server, protocol=protocol)
    pubsub = client.pubsub()
    pubsub.subscribe("a")
    assert pubsub.get_message(timeout=1)["type"] == "subscribe"
    server.connected = False
    with pytest.raises(redis.ConnectionError, match="FakeRedis is emulating a connection error"):
        pubsub.get_message(timeout=1)
    server.connected = True
    assert pubsub.get_message(timeout=1)["type"] == "subscribe"
    assert client.publish("a", "again") == 1
    assert pubsub.get_message(timeout=1)["data"] == b"again"
    pubsub.close()


def test_a_dropped_subscriber_hears_nothing_and_leaves_nothing(client: Any, server: FakeServer) -> None:
    pubsub = client.pubsub()
    pubsub.subscribe("a")
    pubsub.get_message()
    del pubsub
    if sys.implementation.name == "pypy":  # drops it later
        gc.collect()
    assert client.publish("a", "x") == 0


def test_a_push_handler_gets_the_messages(server: FakeServer) -> None:
    client = FakeRedis(server=server, protocol=3)
    got: list[Any] = []
    pubsub = client.pubsub(push_handler_func=got.append)
    pubsub.subscribe("a")
    client.publish("a", "x")
    assert pubsub.get_message() is None
    assert pubsub.get_message() is None
    assert got == [[b"subscribe", b"a", 1], [b"message", b"a", b"x"]]
    pubsub.close()


def test_the_connection_class_alone_serves_pubsub(protocol: int) -> None:
    client = redis.Redis(connection_pool=redis.ConnectionPool(connection_class=FakeConnection, protocol=protocol))
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("a")
    pubsub.get_message(timeout=1)
    client.publish("a", "x")
    assert pubsub.get_message(timeout=1)["data"] == b"x"
    pubsub.close()


async def test_asyncio_listeners(protocol: int) -> None:
    client = FakeAsyncRedis(protocol=protocol)
    ready = asyncio.Semaphore(0)

    async def listen() -> list[bytes]:
        heard: list[bytes] = []
        async with client.pubsub() as pubsub:
            await pubsub.subscribe("a")
            async for message in pubsub.listen():
                if message["type"] == "subscribe":
                    ready.release()
                else:
                    heard.append(message["data"])
                if len(heard) == 20:
                    break
        return heard

    tasks = [asyncio.create_task(listen()) for _ in range(5)]
    for _ in tasks:
        await ready.acquire()
    for number in range(20):
        assert await client.publish("a", number) == 5
    for task in tasks:
        assert await asyncio.wait_for(task, 10) == [b"%d" % number for number in range(20)]
    assert await client.publish("a", "gone") == 0


async def test_asyncio_get_message_times_out_and_loses_nothing(protocol: int) -> None:
    client = FakeAsyncRedis(protocol=protocol)
    async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("a")
        await pubsub.get_message(timeout=1)
        assert await pubsub.get_message(timeout=0.05) is None
        await client.publish("a", "x")
        message = await pubsub.get_message(timeout=1)
        assert message["data"] == b"x"


async def test_a_thread_publishes_to_an_asyncio_listener(server: FakeServer, protocol: int) -> None:
    async with FakeAsyncRedis(server=server, protocol=protocol).pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("a")
        await pubsub.get_message(timeout=1)
        thread = threading.Timer(0.05, lambda: FakeRedis(server=server).publish("a", "from a thread"))
        thread.start()
        message = await pubsub.get_message(timeout=10)
        assert message["data"] == b"from a thread"
        await asyncio.to_thread(thread.join)

"""What spreads messages to the web sockets of several processes: Channels' layers and Socket.IO's manager."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from redouble import FakeAsyncConnection, reset
from tests.frameworks.conftest import subscribed


@pytest.fixture(params=["in process", "url"])
def host(request: pytest.FixtureRequest) -> Any:
    """A URL, and what to tell the connections beside it."""
    reset()
    if request.param == "url":
        yield request.getfixturevalue("url"), {}
    else:
        yield "redis://layer", {"connection_class": FakeAsyncConnection}
    reset()


async def test_channels_pubsub_layer(host: Any) -> None:
    layer_class = pytest.importorskip("channels_redis.pubsub").RedisPubSubChannelLayer
    url, options = host
    layers = [layer_class(hosts=[{"address": url, **options}]) for _ in range(2)]  # of two processes
    channels = [await layer.new_channel() for layer in layers]
    for layer, channel in zip(layers, channels):
        await layer.group_add("chat", channel)
    await layers[0].group_send("chat", {"type": "chat.message", "text": "hello"})
    for layer, channel in zip(layers, channels):
        message = await asyncio.wait_for(layer.receive(channel), 10)
        assert message == {"type": "chat.message", "text": "hello"}
    await layers[1].send(channels[0], {"type": "direct"})
    assert await asyncio.wait_for(layers[0].receive(channels[0]), 10) == {"type": "direct"}
    for layer in layers:
        await layer.flush()


async def test_channels_core_layer(host: Any) -> None:
    """The layer with lists, whose groups send and whose flush deletes with scripts."""
    layer_class = pytest.importorskip("channels_redis.core").RedisChannelLayer
    url, options = host
    layers = [layer_class(hosts=[{"address": url, **options}], capacity=3) for _ in range(2)]
    channels = [await layer.new_channel() for layer in layers]
    for layer, channel in zip(layers, channels):
        await layer.group_add("chat", channel)
    await layers[0].group_send("chat", {"type": "chat.message", "text": "hello"})
    for layer, channel in zip(layers, channels):
        message = await asyncio.wait_for(layer.receive(channel), 10)
        assert message == {"type": "chat.message", "text": "hello"}
    for number in range(5):  # what is over capacity is dropped
        await layers[0].group_send("chat", {"type": "number", "number": number})
    assert [(await asyncio.wait_for(layers[1].receive(channels[1]), 10))["number"] for _ in range(3)] == [0, 1, 2]
    await layers[1].group_discard("chat", channels[1])
    await layers[0].flush()
    async with Redis.from_url(url, **options) as redis:
        assert await redis.keys("asgi*") == []
    for layer in layers:
        await layer.close_pools()


async def test_socket_io_manager(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    socketio = pytest.importorskip("socketio")
    url, options = host
    server = socketio.AsyncServer(client_manager=socketio.AsyncRedisManager(url, redis_options=options))
    sent: asyncio.Queue[Any] = asyncio.Queue()

    async def send(eio_sid: str, packet: Any) -> None:
        await sent.put((eio_sid, packet.data))  # "2" is Socket.IO's EVENT

    monkeypatch.setattr(server, "_send_eio_packet", send)
    manager = server.manager
    manager.initialize()
    for name in ("one", "two"):
        sid = await manager.connect(name, "/")
        await manager.enter_room(sid, "/", "chat", name)
    async with Redis.from_url(url, **options) as redis:
        await subscribed(redis, "socketio")

    elsewhere = socketio.AsyncRedisManager(url, write_only=True, redis_options=options)
    await elsewhere.emit("message", {"text": "hello"}, room="chat")
    received = [await asyncio.wait_for(sent.get(), 10) for _ in range(2)]
    assert sorted(received) == [(name, '2["message",{"text":"hello"}]') for name in ("one", "two")]
    manager.thread.cancel()
    await asyncio.gather(manager.thread, return_exceptions=True)
    for each in (manager, elsewhere):
        await each.redis.aclose()

"""valkey-py's clients: its own classes, its own exceptions, a Valkey server."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import pytest

pytest.importorskip("valkey")

import valkey
import valkey.asyncio

from redouble import (
    FakeAsyncValkey,
    FakeAsyncValkeyConnection,
    FakeRedis,
    FakeServer,
    FakeStrictValkey,
    FakeValkey,
    FakeValkeyConnection,
)


@pytest.fixture
def client(protocol: int) -> Any:
    return FakeValkey(protocol=protocol)


def test_classes() -> None:
    assert issubclass(FakeValkey, valkey.Valkey)
    assert issubclass(FakeStrictValkey, valkey.Valkey)
    assert issubclass(FakeAsyncValkey, valkey.asyncio.Valkey)
    assert issubclass(FakeValkeyConnection, valkey.Connection)


def test_it_is_a_valkey_server(client: Any) -> None:
    hello = client.execute_command("HELLO")
    fields = hello if isinstance(hello, dict) else dict(zip(hello[::2], hello[1::2]))
    assert fields[b"server"] == b"valkey" or fields[b"version"].startswith(b"7.2")
    assert client.connection_pool.connection_kwargs["server"].server_type == "valkey"
    with pytest.raises(ValueError, match="server_type must be valkey"):
        FakeValkey(server_type="redis")


def test_commands_pipelines_and_pubsub(client: Any) -> None:
    assert client.set("a", 1) is True
    assert client.incr("a") == 2
    assert client.pipeline().get("a").incr("a").execute() == [b"2", 3]
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("c")
    pubsub.get_message(timeout=1)
    client.publish("c", "x")
    assert pubsub.get_message(timeout=1)["data"] == b"x"
    pubsub.close()


def test_exceptions_are_valkey_s(client: Any) -> None:
    client.rpush("list", "x")
    with pytest.raises(valkey.ResponseError, match="WRONGTYPE"):
        client.get("list")
    with pytest.raises(valkey.DataError):
        client.set("a", None)
    server = client.connection_pool.connection_kwargs["server"]
    with pytest.raises(valkey.TimeoutError):
        FakeValkey(server=server, socket_timeout=0.05).blpop("nothing", 0)
    server.connected = False
    with pytest.raises(valkey.ConnectionError, match="FakeRedis is emulating a connection error"):
        client.get("a")


def test_sharing_and_urls() -> None:
    FakeValkey(host="x").set("a", 1)
    assert FakeStrictValkey(host="x").get("a") == b"1"
    assert FakeValkey.from_url("valkey://x").get("a") == b"1"
    assert FakeValkey.from_url("redis://x").get("a") == b"1"
    assert FakeRedis(host="x").get("a") is None
    assert FakeRedis(host="x", server_type="valkey").get("a") == b"1"
    pool = valkey.ConnectionPool(connection_class=FakeValkeyConnection, host="x", server_type="valkey")
    assert valkey.Valkey(connection_pool=pool).get("a") == b"1"


def test_a_patched_library_is_called(client: Any) -> None:
    client.set("a", 1)
    with mock.patch.object(valkey.Valkey, "execute_command", return_value="patched"):
        assert client.get("a") == "patched"


async def test_asyncio(protocol: int) -> None:
    server = FakeServer(server_type="valkey")
    client = FakeAsyncValkey(server=server, protocol=protocol)
    assert await client.set("a", 1)
    assert await client.get("a") == b"1"
    async with client.pipeline() as pipeline:
        assert await pipeline.incr("a").get("a").execute() == [2, b"2"]
    task = asyncio.create_task(client.blpop("list", 5))
    await asyncio.sleep(0.01)
    await client.rpush("list", "x")
    assert (await task)[1] == b"x"
    server.connected = False
    with pytest.raises(valkey.ConnectionError, match="FakeRedis is emulating a connection error"):
        await client.get("a")
    server.connected = True
    assert await FakeAsyncValkey.from_url("valkey://y", decode_responses=True).set("a", 1)
    pool = valkey.asyncio.ConnectionPool(connection_class=FakeAsyncValkeyConnection, host="y", server_type="valkey")
    assert await valkey.asyncio.Valkey(connection_pool=pool).get("a") == b"1"

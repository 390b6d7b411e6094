"""MONITOR through the libraries' own method."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, TcpFakeServer


def test_a_monitor_hears_every_command(client: Any, server: FakeServer) -> None:
    with client.monitor() as monitor:
        FakeRedis(server=server).set("a b", 'say "hi"')
        for heard in iter(monitor.next_command, None):
            if heard["command"].startswith("SET"):
                break
    assert heard["command"] == 'SET a b say "hi"'
    assert heard["db"] == 0
    assert heard["client_type"] == "tcp"
    client.ping()
    assert not server.core.observers


def test_over_tcp(server: FakeServer) -> None:
    with (
        TcpFakeServer(("127.0.0.1", 0), server=server) as tcp,
        redis.Redis(port=tcp.start().server_address[1]) as client,
        client.monitor() as monitor,
    ):
        FakeRedis(server=server).eval("return redis.call('get', KEYS[1])", 1, "k")
        heard = monitor.next_command()
        while heard["command"] != "get k":
            heard = monitor.next_command()
    assert heard["client_type"] == "lua"


async def test_with_asyncio(server: FakeServer) -> None:
    async with FakeAsyncRedis(server=server) as client, client.monitor() as monitor:
        FakeRedis(server=server).ping()
        heard = await monitor.next_command()
        while heard["command"] != "PING":
            heard = await monitor.next_command()


@pytest.mark.parametrize("version", ["6.0", "8.6"])
def test_who_only_monitors_is_no_burden_afterwards(version: str) -> None:
    server = FakeServer(version=version)
    client = FakeRedis(server=server)
    with client.monitor():
        assert server.core.observers
    client.connection_pool.disconnect()
    client.ping()
    assert not server.core.observers

"""What a server tells of its own commands, through redis-py's methods, in process and over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, FakeValkey, TcpFakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(version="8.6", config={"enable-debug-command": "yes"})


@pytest.fixture(params=["in process", "TCP"])
def client(request: pytest.FixtureRequest, server: FakeServer, protocol: int) -> Iterator[Any]:
    if request.param == "in process":
        with FakeRedis(server=server, protocol=protocol) as client:
            yield client
        return
    with (
        TcpFakeServer(("127.0.0.1", 0), server=server) as tcp,
        redis.Redis(port=tcp.start().server_address[1], protocol=protocol) as client,
    ):
        yield client


def test_slowlog(client: Any) -> None:
    client.config_set("slowlog-log-slower-than", 0)
    client.client_setname("me")
    client.get("a b")
    entry = client.slowlog_get(1)[0]
    assert entry["command"] == b"GET a b"
    assert entry["client_name"] == b"me"
    assert entry["client_address"].startswith(b"127.0.0.1:")
    assert isinstance(entry["duration"], int)
    assert client.slowlog_len() >= 3
    assert client.slowlog_reset() is True
    assert client.slowlog_len() == 1


def test_sleeping_is_slow(client: Any, server: FakeServer) -> None:
    server.clock.freeze()
    client.execute_command("DEBUG", "SLEEP", "0.02")
    [entry] = client.slowlog_get()
    assert entry["command"] == b"DEBUG SLEEP 0.02"
    assert entry["duration"] >= 20_000


def test_latency(client: Any, server: FakeServer) -> None:
    server.clock.freeze()
    client.config_set("latency-monitor-threshold", 200)
    client.execute_command("DEBUG", "SLEEP", "0.3")
    [[name, at, last, longest]] = client.latency_latest()
    assert name == b"command"
    assert last == longest >= 300
    assert client.latency_history("command") == [[at, last]]
    assert client.execute_command("LATENCY", "GRAPH", "command").startswith(b"command - high %d ms" % last)
    assert b"1 spikes" in client.execute_command("LATENCY", "DOCTOR")
    assert client.latency_reset("command") == 1
    assert client.latency_latest() == []


def test_histograms_count_what_was_called_before(client: Any, protocol: int) -> None:
    client.get("k")
    client.get("k")
    reply = client.execute_command("LATENCY", "HISTOGRAM", "get")
    counted = {b"calls": 2, b"histogram_usec": {1: 2}}
    assert reply == ({b"get": counted} if protocol == 3 else [b"get", [b"calls", 2, b"histogram_usec", [1, 2]]])


def test_memory(client: Any) -> None:
    client.set("k", "v")
    assert client.memory_stats()["keys.count"] == 1
    assert client.memory_usage("k") > 0
    assert client.memory_purge() is True
    assert client.memory_malloc_stats()


def test_statistics_of_commands_and_errors(client: Any) -> None:
    client.set("k", "v")
    with pytest.raises(redis.ResponseError):
        client.lpush("k", "a")
    statistics = client.info("commandstats")
    assert statistics["cmdstat_set"]["calls"] == 1
    assert statistics["cmdstat_lpush"]["failed_calls"] == 1
    client.get("k")
    assert set(client.info("latencystats")["latency_percentiles_usec_get"]) == {"p50", "p99", "p99.9"}
    assert client.info("errorstats")["errorstat_WRONGTYPE"] == {"count": 1}


def test_commandlog_of_valkey() -> None:
    with FakeValkey(server=FakeServer(server_type="valkey", version="9")) as client:
        client.config_set("commandlog-reply-larger-than", 100)
        client.set("k", "x" * 200)
        client.get("k")
        [[_, _, size, words, *_]] = client.execute_command("COMMANDLOG", "GET", -1, "large-reply")
    assert size == 208
    assert words == [b"GET", b"k"]


async def test_with_asyncio(server: FakeServer) -> None:
    async with FakeAsyncRedis(server=server) as client:
        await client.config_set("slowlog-log-slower-than", 0)
        await client.get("k")
        assert (await client.slowlog_get(1))[0]["command"] == b"GET k"

"""Client-side caching: redis-py's cache, and CLIENT TRACKING through the libraries' own methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, ManualClock, TcpFakeServer

CacheConfig = pytest.importorskip("redis.cache").CacheConfig  # redis-py 5.1


@pytest.fixture(params=["7.4", "8.6"])
def server(request: pytest.FixtureRequest) -> FakeServer:
    return FakeServer(version=request.param, record=True, clock=ManualClock())


@pytest.fixture(params=["in process", "TCP"])
def caching(request: pytest.FixtureRequest, server: FakeServer) -> Iterator[Any]:
    """A client with a cache."""
    if request.param == "in process":
        with FakeRedis(server=server, protocol=3, cache_config=CacheConfig()) as client:
            yield client
    else:
        with (
            TcpFakeServer(("127.0.0.1", 0), server=server) as tcp,
            redis.Redis(port=tcp.start().server_address[1], protocol=3, cache_config=CacheConfig()) as client,
        ):
            yield client


@pytest.fixture
def other(server: FakeServer) -> Iterator[Any]:
    with FakeRedis(server=server) as client:
        yield client


def hears(caching: Any, expected: Any, *command: Any) -> None:
    """On a socket an invalidation takes its time."""
    for _ in range(1000):
        got = caching.execute_command(*command, keys=[command[1]])
        if got == expected:
            return
    assert got == expected


def test_what_was_read_comes_from_the_cache(caching: Any, other: Any, server: FakeServer) -> None:
    other.set("k", "v")
    other.hset("h", "f", "v")
    assert [caching.get("k") for _ in range(10)] == [b"v"] * 10
    assert [caching.hgetall("h") for _ in range(10)] == [{b"f": b"v"}] * 10
    assert server.commands.count("GET") == 1
    assert server.commands.count("HGETALL") == 1
    assert caching.get_cache().size == 2


def test_what_others_change_leaves_the_cache(caching: Any, other: Any) -> None:
    other.set("k", "v")
    assert caching.get("k") == b"v"
    other.set("k", "w")
    hears(caching, b"w", "GET", "k")
    other.delete("k")
    hears(caching, None, "GET", "k")


def test_what_it_changes_itself_leaves_the_cache(caching: Any) -> None:
    caching.set("k", "v")
    assert caching.get("k") == b"v"
    caching.set("k", "w")
    hears(caching, b"w", "GET", "k")
    with caching.pipeline() as pipeline:
        assert pipeline.get("k").set("k", "x").get("k").execute() == [b"w", True, b"x"]
    hears(caching, b"x", "GET", "k")


def test_what_is_flushed_leaves_the_cache(caching: Any, other: Any) -> None:
    other.mset({"a": 1, "b": 2})
    assert caching.mget("a", "b") == [b"1", b"2"]
    other.flushall()
    hears(caching, None, "GET", "a")
    assert caching.mget("a", "b") == [None, None]


def test_what_expires_leaves_the_cache(caching: Any, other: Any, server: FakeServer) -> None:
    other.set("k", "v", ex=10)
    assert caching.get("k") == b"v"
    server.clock.advance(11)
    hears(caching, None, "GET", "k")


def test_what_a_snapshot_brings_back_leaves_the_cache(caching: Any, other: Any, server: FakeServer) -> None:
    other.set("k", "v")
    snapshot = server.snapshot()
    other.set("k", "w")
    assert caching.get("k") == b"w"
    snapshot.restore()
    hears(caching, b"v", "GET", "k")


def test_two_caches(server: FakeServer) -> None:
    with (
        FakeRedis(server=server, protocol=3, cache_config=CacheConfig()) as one,
        FakeRedis(server=server, protocol=3, cache_config=CacheConfig()) as two,
    ):
        for number in range(10):
            one.set("k", number)
            assert one.get("k") == two.get("k") == b"%d" % number


def test_a_redirection_in_resp2(client: Any, server: FakeServer, protocol: int) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("__redis__:invalidate")
        assert pubsub.get_message(timeout=1)["type"] == "subscribe"
        number = next(line["id"] for line in client.client_list(_type="pubsub"))
        assert client.client_tracking_on(clientid=number, bcast=True, prefix=["user:"])
        assert client.client_getredir() == int(number)
        FakeRedis(server=server).mset({"user:2": 1, "user:1": 1, "other": 1})
        if protocol == 2:
            assert pubsub.get_message(timeout=1)["data"] == [b"user:1", b"user:2"]
            client.flushall()
            assert pubsub.get_message(timeout=1)["data"] is None
        assert client.client_tracking_off()
        assert client.client_getredir() == -1


def test_who_waits_for_a_message_hears_what_expires(server: FakeServer) -> None:
    with FakeRedis(server=FakeServer(), protocol=2) as client, client.pubsub() as pubsub:
        pubsub.subscribe("__redis__:invalidate")
        pubsub.get_message(timeout=1)
        client.client_tracking_on(clientid=next(line["id"] for line in client.client_list(_type="pubsub")))
        client.set("k", "v", px=50)
        client.get("k")
        assert pubsub.get_message(timeout=5)["data"] == [b"k"]


def test_over_the_default_protocols_handshake() -> None:
    with pytest.raises(redis.RedisError, match="RESP"):
        FakeRedis(server=FakeServer(version="7.4"), protocol=2, cache_config=CacheConfig())
    with (
        FakeRedis(version="7.2", protocol=3, cache_config=CacheConfig()) as client,
        pytest.raises(redis.ConnectionError),
    ):
        client.get("k")


def test_a_pipeline_is_told_of_as_a_whole(caching: Any, server: FakeServer) -> None:
    heard: list[Any] = []
    with FakeRedis(server=server, protocol=3, single_connection_client=True) as listener:
        listener.ping()
        listener.connection._parser.set_invalidation_push_handler(heard.append)
        listener.client_tracking_on(bcast=True)
        caching.pipeline(transaction=False).set("b", 1).set("a", 1).set("b", 2).execute()
        listener.ping()
        assert heard == [[b"invalidate", [b"a", b"b"]]]
        listener.pipeline(transaction=False).set("d", 1).set("c", 1).execute()
        assert not listener.connection.can_read() or listener.ping()
        assert heard[1:] == [[b"invalidate", [b"c", b"d"]]]


async def test_with_asyncio(server: FakeServer) -> None:
    heard: list[Any] = []

    async def hear(message: Any) -> None:
        heard.append(message)

    async with FakeAsyncRedis(server=server, protocol=3, single_connection_client=True) as client:
        await client.ping()
        client.connection._parser.set_invalidation_push_handler(hear)
        await client.client_tracking_on()
        await client.get("k")
        FakeRedis(server=server).set("k", "v")
        assert await client.get("k") == b"v"
        assert heard == [[b"invalidate", [b"k"]]]
        await client.set("k", "w")
        assert await client.ping()
        assert heard == [[b"invalidate", [b"k"]]] * 2


@pytest.mark.parametrize("version", ["6.0", "8.6"])
def test_who_only_tracked_is_no_burden_afterwards(version: str) -> None:
    server = FakeServer(version=version)
    client, other = FakeRedis(server=server, protocol=3), FakeRedis(server=server)
    client.client_tracking_on()
    client.get("k")
    other.set("other", "v")
    assert server.core.observers
    assert server.core.database(0).hooks
    client.connection_pool.disconnect()
    other.ping()
    assert not server.core.observers
    other.set("k", "v")
    assert not server.core.database(0).hooks
    assert not server.core.tracking.table

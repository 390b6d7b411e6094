"""Clients as fixtures, shared and private servers, connection errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fakeredis
import fakeredis.aioredis
import pytest
import redis


@pytest.fixture
def client() -> Any:
    return fakeredis.FakeRedis()


@pytest.fixture
def decoding() -> Iterator[Any]:
    with fakeredis.FakeStrictRedis(decode_responses=True) as client:
        yield client


@pytest.mark.parametrize("run", [1, 2])
def test_a_fixture_s_server_is_its_own(client: Any, run: int) -> None:
    assert client.incr("runs") == 1


def test_decoded_responses(decoding: Any) -> None:
    decoding.hset("user", mapping={"name": "ada", "age": 36})
    assert decoding.hgetall("user") == {"name": "ada", "age": "36"}


def test_clients_of_one_server_share_and_others_do_not() -> None:
    server = fakeredis.FakeServer()
    one, other = fakeredis.FakeStrictRedis(server=server), fakeredis.FakeRedis(server=server)
    one.set("a", "1")
    assert other.get("a") == b"1"
    assert fakeredis.FakeRedis(server=server, db=1).get("a") is None
    assert fakeredis.FakeRedis().get("a") is None
    assert fakeredis.FakeRedis(server=fakeredis.FakeServer()).get("a") is None


def test_clients_of_one_address_share() -> None:
    fakeredis.FakeStrictRedis(host="localhost", port=6380).set("a", "1")
    assert fakeredis.FakeRedis(host="localhost", port=6380).get("a") == b"1"
    assert fakeredis.FakeRedis.from_url("redis://localhost:6380/0").get("a") == b"1"
    pool = redis.ConnectionPool(connection_class=fakeredis.FakeConnection, host="localhost", port=6380)
    assert redis.Redis(connection_pool=pool).get("a") == b"1"


def test_a_server_that_cannot_be_reached() -> None:
    server = fakeredis.FakeServer()
    server.connected = False
    client = fakeredis.FakeStrictRedis(server=server)
    with pytest.raises(redis.ConnectionError, match="emulating a connection error"):
        client.set("a", "1")
    server.connected = True
    assert client.set("a", "1")


@pytest.mark.parametrize("server_type", ["redis", "valkey", "dragonfly", "kividb"])
def test_server_types_and_versions(server_type: str) -> None:
    for version in 6, 7, "7.4", (8, 0):
        client = fakeredis.FakeRedis(server_type=server_type, version=version)
        assert client.set("a", "1")
        assert client.get("a") == b"1"
    with pytest.raises(ValueError, match="server_type"):
        fakeredis.FakeServer(server_type="memcached")


def test_valkey() -> None:
    valkey = pytest.importorskip("valkey")
    client = fakeredis.FakeValkey()
    assert isinstance(client, valkey.Valkey)
    assert client.set("a", "1")
    assert client.get("a") == b"1"
    with pytest.raises(valkey.ResponseError):
        client.lpush("a", 1)
    with pytest.raises(ValueError, match="server_type must be valkey"):
        fakeredis.FakeValkey(server_type="redis")


def test_a_cluster_of_names() -> None:
    for name in fakeredis.__all__:
        assert getattr(fakeredis, name) is not None
    assert fakeredis.__version__.split(".")[0] == "2"
    from fakeredis._server import FakeServer  # where older suites found it

    assert FakeServer is fakeredis.FakeServer
    assert fakeredis.aioredis.FakeRedis is fakeredis.FakeAsyncRedis

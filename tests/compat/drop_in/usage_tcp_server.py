"""A server on a thread, for clients that are given an address."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import fakeredis
import pytest
import redis


@pytest.fixture(params=["redis", "valkey"])
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type=request.param, server_version=(8, 0))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_ordinary_client(server: Any) -> None:
    host, port = server.server_address
    with redis.Redis(host=host, port=port) as client:
        assert client.set("a", "1")
        assert client.get("a") == b"1"
    assert fakeredis.FakeRedis(server=server.fake_server).get("a") == b"1"

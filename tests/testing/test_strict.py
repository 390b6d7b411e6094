"""A strict server: what the version lacks is a fault of the test."""

from __future__ import annotations

import contextlib

import pytest
import redis

from redouble import FakeRedis, FakeServer, TcpFakeServer
from redouble.testing.strict import UnknownCommandError


def test_a_command_that_the_version_lacks_raises_where_it_is_called() -> None:
    client = FakeRedis(server=FakeServer(version="6.2", strict=True))
    client.ping()
    with pytest.raises(UnknownCommandError, match=r"^redis 6\.2\.14 has no command LMPOP$"):
        client.lmpop(1, "a", direction="LEFT")
    with pytest.raises(UnknownCommandError, match="has no command MEMORY NOPE"):
        client.execute_command("MEMORY", "NOPE")
    assert client.ping()


def test_over_tcp_the_client_sees_the_error_and_the_server_remembers() -> None:
    server = FakeServer(version="6.2", strict=True)
    assert server.strict is not None
    server.strict.verify()
    with TcpFakeServer(("127.0.0.1", 0), server=server) as tcp, redis.Redis(port=tcp.server_address[1]) as client:
        tcp.start()
        with contextlib.suppress(redis.ResponseError):
            client.lmpop(1, "a", direction="LEFT")
    with pytest.raises(UnknownCommandError, match="LMPOP"):
        server.strict.verify()

"""Loops that poll the descriptors of their connections, as kombu's does."""

from __future__ import annotations

import select
from typing import Any

import pytest
import redis

from redouble import FakeRedis, FakeServer


def readable(connection: Any) -> bool:
    return bool(select.select([connection._sock], [], [], 0)[0])


def test_a_connection_is_readable_while_there_is_something_to_read(server: FakeServer) -> None:
    client = FakeRedis(server=server)
    connection = FakeRedis(server=server).connection_pool.make_connection()
    connection.connect()
    assert not readable(connection)
    connection.send_command("PING")
    connection.send_command("PING")
    assert readable(connection)
    connection.read_response()
    assert readable(connection)
    connection.read_response()
    assert not readable(connection)
    connection.send_command("BLPOP", "queue", 0)
    assert not readable(connection)
    client.rpush("queue", "job")
    assert readable(connection)
    assert connection.read_response() == [b"queue", b"job"]
    assert not readable(connection)
    server.connected = False
    assert readable(connection)
    with pytest.raises(redis.ConnectionError):
        connection.read_response()


def test_replies_that_came_before_the_first_look_count(server: FakeServer) -> None:
    connection = FakeRedis(server=server).connection_pool.make_connection()
    connection.send_command("PING")
    assert readable(connection)
    connection.disconnect()

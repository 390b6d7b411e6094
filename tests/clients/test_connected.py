"""Connections that are made without the library's constructor and handshake are what it would have made."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
import redis
import valkey
import valkey.asyncio

import redouble
from redouble.clients import connected
from tests.clients.test_template import described, shared

ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"db": 3, "decode_responses": True, "encoding": "latin-1"},
    {"protocol": 2, "client_name": "me", "socket_timeout": 1.5},
    {"protocol": 3, "max_connections": 3},
    {"version": (6,)},
    {"version": (8, 6), "decode_responses": True},
]
CLASSES = [redouble.FakeRedis, redouble.FakeValkey, redouble.FakeAsyncRedis, redouble.FakeAsyncValkey]

Done = Callable[[Any], Any]


@pytest.fixture
def done() -> Iterator[Done]:
    """What a call of any client gives."""
    loop = asyncio.new_event_loop()
    yield lambda answer: loop.run_until_complete(answer) if inspect.isawaitable(answer) else answer
    loop.close()


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    connected._connectors.clear()
    yield
    connected._connectors.clear()


def by_the_library(client: Any, done: Done) -> Any:
    with mock.patch.object(connected, "_connectors", {(client._template_key, client_server(client).dialect): None}):
        return used(client, done)


def at_once(answer: Any) -> Any:
    return answer


def used(client: Any, done: Done = at_once) -> Any:
    done(client.get("key"))
    (connection,) = client.connection_pool._available_connections
    return connection


def client_server(client: Any) -> Any:
    return client.connection_pool.connection_kwargs["server"].core


def seen_by_the_server(client: Any) -> Any:
    server = client_server(client)
    (who,) = server.clients.values()
    counted = {command.name: (command.calls, command.failed, command.rejected) for command in server.called_commands()}
    return counted, server.error_counts, who.resp, who.name, who.lib_name, who.lib_version, who.db.index, who.user.name


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda arguments: " ".join(arguments) or "none")
@pytest.mark.parametrize("client", CLASSES)
def test_a_connection_is_what_the_library_makes(client: Any, arguments: dict[str, Any], done: Done) -> None:
    if issubclass(client, (valkey.Valkey, valkey.asyncio.Valkey)) and "version" in arguments:
        arguments = {**arguments, "version": (8, 1)}
    client(**arguments)
    theirs = [client(**arguments) for _ in range(2)]
    made = [by_the_library(each, done) for each in theirs]
    with mock.patch.object(
        connected.Connector, "connect", autospec=True, side_effect=connected.Connector.connect
    ) as own:
        ours = [client(**arguments) for _ in range(2)]
        copies = [used(each, done) for each in ours]
    assert own.call_count == 2
    assert dict(sorted(described(copies[0]).items())) == dict(sorted(described(made[0]).items()))
    assert shared(*copies) <= shared(*made)
    assert seen_by_the_server(ours[1]) == seen_by_the_server(theirs[1])
    assert vars(ours[1].connection_pool).keys() == vars(theirs[1].connection_pool).keys()
    assert [done(each.client_id()) for each in ours] == [1, 1]


def test_what_hello_answered_is_what_this_server_answered() -> None:
    server = redouble.FakeServer()
    one, other = (
        redouble.FakeRedis(server=server, protocol=3, single_connection_client=single) for single in (True, False)
    )
    if not hasattr(one.connection, "handshake_metadata"):
        pytest.skip("this redis-py does not keep it")
    assert used(other).handshake_metadata == {**one.connection.handshake_metadata, b"id": 2}
    with_modules = redouble.FakeServer(modules=["bloom"])
    modules = used(redouble.FakeRedis(server=with_modules, protocol=3)).handshake_metadata[b"modules"]
    assert [module[b"name"] for module in modules] == [b"bf"]


@pytest.mark.parametrize(
    "replaced",
    [
        (redis.ConnectionPool, "make_connection"),
        (redis.Connection, "__init__"),
        (redis.Connection, "on_connect"),
        (redouble.FakeConnection, "_connect"),
    ],
    ids=lambda replaced: f"{replaced[0].__name__}.{replaced[1]}",
)
def test_the_library_makes_them_while_a_part_of_it_is_replaced(replaced: tuple[Any, str]) -> None:
    used(redouble.FakeRedis())
    with mock.patch.object(*replaced, autospec=True, side_effect=getattr(*replaced)):
        client = redouble.FakeRedis()
        with mock.patch.object(connected.Connector, "connect", side_effect=AssertionError):
            used(client)


def test_a_pool_is_not_exceeded() -> None:
    client = redouble.FakeRedis(max_connections=2)
    listening = [client.pubsub() for _ in range(2)]
    for pubsub in listening:
        pubsub.subscribe("channel")
    with pytest.raises(redis.ConnectionError, match="Too many connections"):
        client.get("key")
    listening[0].close()
    assert client.get("key") is None


@pytest.mark.parametrize("config", [{"requirepass": "secret"}, {"user": "default on nopass ~a* +@all"}], ids=str)
def test_the_library_asks_servers_that_look_at_who_comes(config: dict[str, str]) -> None:
    used(redouble.FakeRedis())
    client = redouble.FakeRedis(server=redouble.FakeServer(config=config))
    with mock.patch.object(connected.Connector, "connect", side_effect=AssertionError), pytest.raises(redis.RedisError):
        client.get("key")


def test_a_handshake_that_is_answered_differently_is_the_librarys() -> None:
    """A server of the same version without HELLO."""
    used(redouble.FakeRedis(protocol=3))
    server = redouble.FakeServer()
    server.core.prototypes = {name: found for name, found in server.core.prototypes.items() if name != b"HELLO"}
    client = redouble.FakeRedis(server=server, protocol=3)
    with pytest.raises(redis.ResponseError, match="unknown command 'HELLO'"):
        client.get("key")
    assert server.connections == 0
    assert client.connection_pool._created_connections == 1  # the library's own


def test_a_database_that_there_is_not() -> None:
    for _ in range(2):
        with pytest.raises(redis.ResponseError, match="DB index is out of range"):
            redouble.FakeRedis(db=99).get("key")


def test_nobody_answers() -> None:
    used(redouble.FakeRedis())
    with pytest.raises(redis.ConnectionError) as raised:
        redouble.FakeRedis(connected=False).get("key")
    assert not isinstance(raised.value.__context__, IndexError)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_connects_anew() -> None:
    client = redouble.FakeRedis()
    used(client)
    pid = os.fork()
    if not pid:
        os._exit(0 if client.set("key", "of the child") else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert client.get("key") is None

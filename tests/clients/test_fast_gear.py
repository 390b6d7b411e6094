"""The fast gear: the same answers as the library's own path, and the library's own path wherever somebody looks."""

from __future__ import annotations

import functools
import threading
import time
from typing import Any
from unittest import mock

import pytest
import redis
import redis.asyncio

from redouble import FakeAsyncRedis, FakeConnection, FakeRedis, FakeServer, ManualClock
from redouble.clients.sync import SyncReplyReader
from redouble.core.client import NEEDS_AUTH


class Path:
    """Counts the commands that take the library's own path."""

    def __init__(self) -> None:
        self.taken = 0


@pytest.fixture
def library_path(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = Path()
    read = SyncReplyReader.read_response

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        path.taken += 1
        return read(self, *args, **kwargs)

    monkeypatch.setattr(SyncReplyReader, "read_response", counting)
    return path


class Tracer:
    """What OpenTelemetry puts in place of a method: it equals the method, as the proxies of wrapt do."""

    def __init__(self, traced: Any) -> None:
        self.traced = traced
        self.calls = 0

    def __eq__(self, other: object) -> bool:
        return bool(self.traced == other)

    def __hash__(self) -> int:
        return hash(self.traced)

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.traced(*args, **kwargs)


def warm(**kwargs: Any) -> Any:
    client = FakeRedis(**kwargs)
    client.set("k", "v")  # makes the connection
    return client


def test_a_plain_command_of_a_plain_client_is_fast(library_path: Path, protocol: int) -> None:
    client = warm(protocol=protocol)
    library_path.taken = 0
    assert client.get("k") == b"v"
    assert client.set("k", "w") is True
    assert client.incr("n") == 1
    assert client.ping() is True
    assert client.execute_command("get", "k") == b"w"
    assert library_path.taken == 0


@pytest.mark.parametrize(
    "kwargs",
    [
        {"single_connection_client": True},
        {"health_check_interval": 10},
        {"connection_pool_class": redis.BlockingConnectionPool},
        {"connection_class": type("Mine", (FakeConnection,), {})},
        {"redis_connect_func": lambda connection: connection.on_connect()},
    ],
    ids=lambda kwargs: next(iter(kwargs)),
)
def test_other_clients_take_the_library_s_path(library_path: Path, kwargs: dict[str, Any]) -> None:
    client = warm(**kwargs)
    library_path.taken = 0
    assert client.get("k") == b"v"
    assert library_path.taken > 0


def test_another_pool_takes_the_library_s_path(library_path: Path) -> None:
    client = warm()
    client.connection_pool = redis.ConnectionPool(connection_class=FakeConnection, server=FakeServer())
    client.set("k", "other")
    library_path.taken = 0
    assert client.get("k") == b"other"
    assert library_path.taken == 1


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (redis.Redis, "execute_command"),
        (redis.Redis, "parse_response"),
        (FakeRedis, "parse_response"),
        (redis.ConnectionPool, "get_connection"),
        (redis.ConnectionPool, "release"),
        (FakeConnection, "send_command"),
        (FakeConnection, "read_response"),
        (FakeConnection, "connect"),
    ],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_what_is_patched_is_called(target: Any, name: str) -> None:
    client = warm()
    with mock.patch.object(target, name, side_effect=redis.ConnectionError("patched")) as patched:
        client.connection_pool.connection_kwargs["retry"] = None
        with pytest.raises(redis.ConnectionError, match="patched"):
            client.get("k")
        assert patched.called
    with warm() as fresh:
        assert fresh.get("k") == b"v"


def test_a_tracer_sees_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    client = warm()
    assert client.get("k") == b"v"
    tracer = Tracer(redis.Redis.execute_command)
    monkeypatch.setattr(redis.Redis, "execute_command", tracer)
    assert [client.get("k"), client.get("k")] == [b"v", b"v"]
    assert tracer.calls == 2


async def test_a_tracer_sees_every_asyncio_command(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeAsyncRedis()
    await client.set("k", "v")
    tracer = Tracer(redis.asyncio.Redis.execute_command)
    monkeypatch.setattr(redis.asyncio.Redis, "execute_command", tracer)
    assert [await client.get("k"), await client.get("k")] == [b"v", b"v"]
    assert tracer.calls == 2


def test_a_tracer_sees_every_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    client = warm()
    assert client.pipeline().get("k").execute() == [b"v"]
    tracer = Tracer(redis.client.Pipeline.execute)
    monkeypatch.setattr(redis.client.Pipeline, "execute", tracer)
    assert client.pipeline().get("k").execute() == [b"v"]
    assert tracer.calls == 1


@pytest.mark.parametrize("name", ["get_connection", "release"])
def test_what_is_patched_on_one_pool_is_called(name: str) -> None:
    client = warm()
    with (
        mock.patch.object(client.connection_pool, name, side_effect=redis.ConnectionError("patched")),
        pytest.raises(redis.ConnectionError, match="patched"),
    ):
        client.get("k")


def test_what_is_patched_on_one_client_is_called() -> None:
    client = warm()
    with mock.patch.object(client, "parse_response", return_value="patched"):
        assert client.get("k") == "patched"
    with mock.patch.object(client, "execute_command", return_value="patched"):
        assert client.get("k") == "patched"
    assert client.get("k") == b"v"


def test_a_subclass_is_asked() -> None:
    class Loud(FakeRedis):
        def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
            return command_name, super().parse_response(connection, command_name, **options)

    client = Loud()
    client.set("k", "v")
    assert client.get("k") == ("GET", b"v")


def test_commands_that_block_or_change_the_connection_take_the_library_s_path(library_path: Path) -> None:
    client = warm()
    client.rpush("list", "x")
    client.client_id()
    library_path.taken = 0
    assert client.blpop("list", 1)
    assert client.client_id()
    assert library_path.taken >= 2


def test_client_reply_off_leaves_nothing_to_read(server: FakeServer) -> None:
    client = warm(server=server, socket_timeout=0.05, retry=None)
    with pytest.raises(redis.TimeoutError):
        client.execute_command("CLIENT", "REPLY", "OFF")
    assert client.get("k") == b"v"


def test_transactions_by_hand_are_queued() -> None:
    client = warm()
    assert client.execute_command("MULTI") in (True, b"OK")
    assert client.get("k") in (b"QUEUED", "QUEUED")
    assert client.execute_command("EXEC") == [b"v"]


def test_a_connection_is_not_shared_by_two_threads_at_once() -> None:
    client = warm()
    taken = client.connection_pool._available_connections.pop()
    assert client.get("k") == b"v"  # on a new one
    client.connection_pool._available_connections.append(taken)
    assert len(client.connection_pool._available_connections) == 2


def test_errors_leave_the_connection_in_the_pool() -> None:
    client = warm()
    client.rpush("list", "x")
    for _ in range(3):
        with pytest.raises(redis.ResponseError):
            client.get("list")
        with pytest.raises(redis.DataError):
            client.set("k", None)
        with pytest.raises(redis.ResponseError):
            client.execute_command("NOSUCH")
    assert client.connection_pool._created_connections == 1
    assert len(client.connection_pool._available_connections) == 1


def test_metrics_take_the_library_s_path(library_path: Path) -> None:
    providers = pytest.importorskip("redis.observability.providers")
    client = warm()
    library_path.taken = 0
    with mock.patch.object(providers.get_observability_instance(), "_provider_manager", mock.MagicMock()):
        assert client.get("k") == b"v"
    assert library_path.taken == 1


async def test_asyncio_commands_are_fast_and_fall_back(protocol: int) -> None:
    client = FakeAsyncRedis(protocol=protocol, decode_responses=True)
    await client.set("k", "v")
    connection = client.connection_pool._available_connections[0]
    with mock.patch.object(type(connection._parser), "read_response", side_effect=AssertionError("not fast")):
        assert await client.get("k") == "v"
        assert await client.set("k", "w") is True
        assert await client.get("missing") is None
        with pytest.raises(redis.ResponseError):
            await client.execute_command("GET")
    with (
        mock.patch.object(redis.asyncio.Redis, "parse_response", return_value="patched"),
    ):
        assert await client.get("k") == "patched"
    assert await client.get("k") == "w"
    await client.aclose()


async def test_asyncio_commands_at_once_have_a_connection_each() -> None:
    import asyncio

    client = FakeAsyncRedis()
    assert await asyncio.gather(*(client.incr("n") for _ in range(20))) == list(range(1, 21))
    assert len(client.connection_pool._available_connections) > 1
    await client.aclose()


def test_without_a_reply_it_waits_as_the_library_does(server: FakeServer, protocol: int) -> None:
    client = warm(server=server, protocol=protocol, socket_timeout=0.05, retry=None)
    (connection,) = client.connection_pool._available_connections
    connection.send_command("CLIENT", "REPLY", "OFF")
    with pytest.raises(redis.TimeoutError):
        client.execute_command("GET", "k", NEVER_DECODE=True)
    assert client.get("k") == b"v"  # on a new connection


async def test_asyncio_without_a_reply_it_waits_as_the_library_does(protocol: int) -> None:
    client = FakeAsyncRedis(protocol=protocol, socket_timeout=0.05, retry=None)
    await client.set("k", "v")
    (connection,) = client.connection_pool._available_connections
    await connection.send_command("CLIENT", "REPLY", "OFF")
    with pytest.raises(redis.TimeoutError):
        await client.get("k")
    assert await client.get("k") == b"v"


def test_an_error_that_ends_a_connection_ends_it(protocol: int) -> None:
    client = warm(protocol=protocol)
    (connection,) = client.connection_pool._available_connections
    connection.in_process_client.close_gate(NEEDS_AUTH)
    with pytest.raises(redis.AuthenticationError):
        client.get("k")
    assert connection.in_process_client is None
    assert client.get("k") == b"v"


async def test_asyncio_error_that_ends_a_connection_ends_it(protocol: int) -> None:
    client = FakeAsyncRedis(protocol=protocol)
    await client.set("k", "v")
    (connection,) = client.connection_pool._available_connections
    connection.in_process_client.close_gate(NEEDS_AUTH)
    with pytest.raises(redis.AuthenticationError):
        await client.get("k")
    assert connection.in_process_client is None
    assert await client.get("k") == b"v"


async def test_asyncio_errors_and_odd_commands() -> None:
    client = FakeAsyncRedis()
    await client.rpush("list", "x")
    assert await client.execute_command("GET", "list", EMPTY_RESPONSE=[]) == []
    assert await client.execute_command("client id") == await client.client_id()
    assert await client.execute_command(b"LLEN", "list") == 1
    (connection,) = client.connection_pool._available_connections
    connection.in_process_client.kill()
    assert await client.llen("list") == 1


def test_a_pause_holds_a_fast_command_back() -> None:
    clock = ManualClock()
    server = FakeServer(clock=clock)
    client, other = warm(server=server, socket_timeout=None), FakeRedis(server=server)
    other.client_pause(10_000)
    values: list[Any] = []
    thread = threading.Thread(target=lambda: values.append(client.get("k")), daemon=True)
    thread.start()
    while not server.core.blocking.clients:
        time.sleep(0.001)
    clock.advance(9)
    assert values == []
    clock.advance(2)
    thread.join(10)
    assert values == [b"v"]


def test_a_client_that_hears_its_own_message_gets_its_reply_first(server: FakeServer) -> None:
    client = warm(server=server, protocol=3)
    (connection,) = client.connection_pool._available_connections
    connection.send_command("SUBSCRIBE", "news")
    connection.read_response(push_request=True)
    assert client.publish("news", "hello") == 1
    (message,) = connection.in_process_client.inbox
    assert message == [b"message", b"news", b"hello"]


def test_a_plain_pipeline_is_fast(library_path: Path, protocol: int) -> None:
    client = warm(protocol=protocol)
    library_path.taken = 0
    assert client.pipeline().set("k", 1).incr("k").get("k").execute() == [True, 2, b"2"]
    assert client.pipeline(transaction=False).set("k", 1).incr("k").get("k").execute() == [True, 2, b"2"]
    assert library_path.taken == 0
    assert isinstance(client.pipeline(), redis.client.Pipeline)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (redis.client.Pipeline, "execute"),
        (redis.client.Pipeline, "_execute_transaction"),
        (redis.client.Pipeline, "parse_response"),
        (redis.Redis, "parse_response"),
        (redis.ConnectionPool, "get_connection"),
        (FakeConnection, "send_packed_command"),
    ],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_what_is_patched_is_called_by_pipelines(target: Any, name: str) -> None:
    client = warm(retry=None)
    with mock.patch.object(target, name, side_effect=ZeroDivisionError):
        pipeline = client.pipeline().get("k")
        with pytest.raises(ZeroDivisionError):
            pipeline.execute()
    assert client.pipeline().get("k").execute() == [b"v"]


@pytest.mark.parametrize("transaction", [True, False])
@pytest.mark.parametrize("decode_responses", [True, False])
def test_a_fast_pipeline_answers_as_the_library_s(transaction: bool, decode_responses: bool, protocol: int) -> None:
    def answers(client: Any) -> list[str]:
        told = []
        for commands in (
            ["SET s x", "GET s", "GET missing", "TYPE s"],
            ["SET s x", "INCR s", "LPUSH s y", "GET s"],
            ["NOSUCH a", "SET s y"],
            ["SET s y", "GET", "GET s s"],
            ["MULTI"],
            ["EXEC"],
            ["UNWATCH", "GET s"],
            ["HSET h f 1 g 2", "HGETALL h", "SADD set m", "SMEMBERS set", "ZADD z 1.5 m", "ZRANGE z 0 -1 WITHSCORES"],
            ["EVAL return{1,'a',redis.pcall('no')} 0", "EVAL return{{1},{'a',false}} 0"],
            ["CONFIG GET maxmemory", "CLIENT GETNAME", "BLPOP none 0.001"],
            [],
        ):
            for raise_on_error in (True, False):
                client.flushall()
                pipeline = client.pipeline(transaction=transaction)
                for command in commands:
                    pipeline.execute_command(*command.split(" "))
                pipeline.execute_command("DUMP", "s", NEVER_DECODE=True)
                pipeline.execute_command("LLEN", "s", EMPTY_RESPONSE=[]) if "LPUSH s y" in commands else None
                try:
                    told.append(repr(pipeline.execute(raise_on_error)))
                except Exception as error:
                    told.append(repr(error))
                told.append(repr((len(pipeline), client.ping(), client.get("s"))))
        return told

    options: Any = {"protocol": protocol, "decode_responses": decode_responses, "encoding_errors": "replace"}
    pool = redis.ConnectionPool(connection_class=FakeConnection, server=FakeServer(), **options)
    assert answers(warm(**options)) == answers(redis.Redis(connection_pool=pool))


def test_what_cannot_be_sent_leaves_the_pipeline_empty() -> None:
    client = warm()
    pipeline = client.pipeline().set("k", "w").set("k", None)
    with pytest.raises(redis.DataError):
        pipeline.execute()
    assert len(pipeline) == 0
    assert client.get("k") == b"v"
    assert len(client.connection_pool._available_connections) == 1


def test_a_pipeline_that_watches_takes_the_library_s_path(library_path: Path) -> None:
    client = warm()
    with client.pipeline() as pipeline:
        pipeline.watch("k")
        pipeline.multi()
        pipeline.set("k", "w")
        library_path.taken = 0
        assert pipeline.execute() == [True]
    assert library_path.taken > 0


def test_a_pause_holds_a_fast_pipeline_back() -> None:
    clock = ManualClock()
    server = FakeServer(clock=clock)
    client, other = warm(server=server, socket_timeout=None), FakeRedis(server=server)
    pipeline = client.pipeline(transaction=False).incr("n").lpush("k", "x").get("k")
    send = FakeConnection.send_packed_command
    values: list[Any] = []

    def paused_before(self: Any, commands: Any, check_health: bool = True) -> None:
        if self is not other.connection_pool._available_connections[0]:
            other.client_pause(10_000)
        send(self, commands, check_health)

    other.ping()
    connection = client.connection_pool._available_connections[0]
    connection.send_packed_command = paused_before.__get__(connection)  # one connection's own, which nobody looks at
    thread = threading.Thread(target=lambda: values.append(pipeline.execute(raise_on_error=False)), daemon=True)
    thread.start()
    while not server.core.blocking.clients:
        assert thread.is_alive()
        time.sleep(0.001)
    clock.advance(11)
    thread.join(10)
    ((number, error, value),) = values
    assert (number, value) == (1, b"v")
    assert isinstance(error, redis.ResponseError)


@pytest.mark.parametrize("transaction", [True, False])
def test_a_pipeline_of_a_listener_gets_its_replies_and_not_its_messages(server: FakeServer, transaction: bool) -> None:
    client = warm(server=server, protocol=3)
    (connection,) = client.connection_pool._available_connections
    connection.send_command("SUBSCRIBE", "news")
    connection.read_response(push_request=True)
    assert client.pipeline(transaction).publish("news", "hello").get("k").execute() == [1, b"v"]

"""A server that is gone, connections that are cut, passwords, health checks and retries."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

from redouble import FakeAsyncConnection, FakeAsyncRedis, FakeConnection, FakeRedis, FakeServer, ManualClock


def taken_from(pool: Any) -> Any:
    before_5_3 = tuple(map(int, redis.__version__.split(".")[:2])) < (5, 3)
    return pool.get_connection("_") if before_5_3 else pool.get_connection()


GONE = r"^FakeRedis is emulating a connection error.$"


def test_a_server_that_is_gone_and_comes_back(client: Any, server: FakeServer) -> None:
    client.set("a", 1)
    server.connected = False
    began = time.monotonic()
    for call in (client.ping, lambda: client.get("a"), client.pipeline().get("a").execute):
        with pytest.raises(redis.ConnectionError, match=GONE):
            call()
    assert time.monotonic() - began < 1  # a failure that is emulated need not be waited for
    server.connected = True
    assert client.get("a") == b"1"
    assert client.pipeline().get("a").execute() == [b"1"]


async def test_asyncio_server_that_is_gone_and_comes_back(server: FakeServer, protocol: int) -> None:
    client = FakeAsyncRedis(server=server, protocol=protocol)
    await client.set("a", 1)
    server.connected = False
    for call in (client.ping, lambda: client.get("a"), client.pipeline().get("a").execute):
        with pytest.raises(redis.ConnectionError, match=GONE):
            await call()
    server.connected = True
    assert await client.get("a") == b"1"


def test_new_clients_do_not_reconnect_a_server_that_is_gone() -> None:
    FakeRedis(host="x", connected=False)
    gone = FakeRedis(host="x", connected=False)
    with pytest.raises(redis.ConnectionError, match=GONE):
        gone.ping()
    with pytest.raises(redis.ConnectionError, match=GONE):
        FakeRedis(host="x").ping()


def test_retry_is_honoured(server: FakeServer) -> None:
    class Counting(NoBackoff):
        calls = 0

        def compute(self, failures: int) -> float:
            Counting.calls += 1
            return 0

    client = FakeRedis(server=server, retry=Retry(Counting(), 5), retry_on_error=[redis.ConnectionError])
    client.ping()
    server.connected = False
    with pytest.raises(redis.ConnectionError, match=GONE):
        client.ping()
    assert Counting.calls >= 5


def test_a_retry_recovers_a_connection_that_was_killed(server: FakeServer, protocol: int) -> None:
    client = FakeRedis(server=server, protocol=protocol, retry=Retry(ConstantBackoff(0), 1))
    client.set("a", 1)
    first = client.client_id()
    FakeRedis(server=server).client_kill_filter(_id=first)
    assert client.get("a") == b"1"
    assert client.client_id() != first


def test_quit_closes_the_connection(client: Any) -> None:
    first = client.client_id()
    assert client.execute_command("QUIT") in (True, b"OK")
    assert client.client_id() != first


def test_a_password_is_asked_for(protocol: int) -> None:
    server = FakeServer(config={"requirepass": "secret"})
    with pytest.raises(redis.AuthenticationError):
        FakeRedis(server=server, protocol=protocol).get("a")
    with pytest.raises(redis.AuthenticationError, match="invalid username-password pair"):
        FakeRedis(server=server, protocol=protocol, password="wrong").get("a")
    client = FakeRedis(server=server, protocol=protocol, password="secret")
    assert client.set("a", 1)
    assert client.get("a") == b"1"
    assert FakeRedis(server=server, protocol=protocol, username="default", password="secret").get("a") == b"1"


def test_a_credential_provider_is_asked(protocol: int) -> None:
    class Provider(redis.CredentialProvider):
        def get_credentials(self) -> tuple[str, str]:
            return "default", "secret"

    server = FakeServer(config={"requirepass": "secret"})
    assert FakeRedis(server=server, protocol=protocol, credential_provider=Provider()).ping()


def test_health_checks_are_made(server: FakeServer, protocol: int) -> None:
    client = FakeRedis(server=server, protocol=protocol, health_check_interval=1)
    client.set("a", 1)
    pinged = server.core.table[b"PING"].calls if b"PING" in server.core.table else 0
    connection = taken_from(client.connection_pool)
    connection.next_health_check = 0.0001
    client.connection_pool.release(connection)
    assert client.get("a") == b"1"
    assert server.core.table[b"PING"].calls == pinged + 1


def test_a_connection_with_something_unread_is_not_used_again() -> None:
    pool = redis.ConnectionPool(connection_class=FakeConnection, protocol=2, server=FakeServer())
    connection = taken_from(pool)
    connection.send_command("PING")
    assert connection.can_read()
    pool.release(connection)
    assert redis.Redis(connection_pool=pool).echo("x") == b"x"


def test_reading_without_a_connection_is_a_connection_error() -> None:
    connection = FakeConnection(server=FakeServer())
    with pytest.raises(redis.ConnectionError, match="Connection closed by server"):
        connection.read_response()
    assert not connection._parser.can_read()


def test_packed_commands_are_lists_of_arguments() -> None:
    connection = FakeConnection(server=FakeServer())
    assert connection.pack_command("CONFIG GET", "x") == [[b"CONFIG", b"GET", b"x"]]
    assert connection.pack_commands([("SET", "a", 1), ("GET", "a")]) == [[b"SET", b"a", b"1"], [b"GET", b"a"]]
    connection.send_packed_command(connection.pack_commands([("SET", "a", 1), ("GET", "a")]))
    assert connection.read_response() == b"OK"
    assert connection.read_response() == b"1"
    connection.disconnect()


def test_the_socket_s_names_and_timeouts() -> None:
    connection = FakeConnection(server=FakeServer(), host="there", port=7, socket_timeout=3)
    connection.connect()
    sock = connection._sock
    assert sock is not None
    assert sock.getpeername() == ("there", 7)
    assert sock.getsockname()[0] == "127.0.0.1"
    assert sock.gettimeout() == 3
    sock.settimeout(4)
    assert sock.gettimeout() == 4
    connection.disconnect()


async def test_an_asyncio_connection_by_itself() -> None:
    connection = FakeAsyncConnection(server=FakeServer(), host="there", port=7)
    with pytest.raises(redis.ConnectionError, match="Connection closed by server"):
        await connection.read_response()
    await connection.send_command("ECHO", "x")
    assert await connection._parser.can_read()
    assert await connection.read_response() == b"x"
    assert not await connection._parser.can_read_destructive()
    assert connection._writer.transport.get_extra_info("peername") == ("there", 7)
    assert connection._writer._buffer == []
    await connection.disconnect()
    await connection.disconnect()


def test_nothing_at_all_is_no_command() -> None:
    connection = FakeConnection(server=FakeServer())
    connection.send_packed_command([[], [b"PING"]])
    assert connection.read_response() == b"PONG"
    connection.in_process_client.close()
    connection.send_command("PING")
    with pytest.raises(redis.ConnectionError, match="Connection closed by server"):
        connection.read_response()


def test_a_connection_that_finds_the_server_gone_as_it_sends(server: FakeServer) -> None:
    connection = FakeConnection(server=server)
    connection.connect()
    server.connected = False
    with pytest.raises(redis.ConnectionError, match=GONE):
        connection.send_command("PING")
    assert connection.in_process_client is None


async def test_a_connection_that_was_closed_for_idleness_is_made_anew(protocol: int) -> None:
    clock = ManualClock()
    server = FakeServer(config={"timeout": "60"}, clock=clock)
    client, other = FakeRedis(server=server, protocol=protocol), FakeAsyncRedis(server=server, protocol=protocol)
    for _ in range(3):
        assert client.incr("n") % 2
        assert await other.incr("n") % 2 == 0
        identifiers = client.client_id(), await other.client_id()
        clock.advance(62)
        assert client.client_id() > max(identifiers)
        assert await other.client_id() > max(identifiers)

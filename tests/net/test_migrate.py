"""Keys and whole files on their way to another program: MIGRATE over TCP, to and from real servers too, and SYNC."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from redouble import FakeRedis
from redouble.net.tcp import TcpFakeServer
from redouble.persistence.rdb import read_file
from tests.net.conftest import Serve, Wire, real_server, request, run_real


def migrate(client: Any, target: Any, *words: object, database: int = 0) -> Any:
    return client.execute_command("MIGRATE", *address_of(target), words[0], database, 5000, *words[1:])


def address_of(client: Any) -> tuple[str, int]:
    options = client.connection_pool.connection_kwargs
    return options["host"], options["port"]


def client_of(server: TcpFakeServer) -> Any:
    host, port = server.server_address[:2]
    return redis.Redis(host, port, protocol=2)


@pytest.fixture
def source(serve: Serve) -> Iterator[Any]:
    with client_of(serve()) as client:
        yield client


@pytest.fixture
def target(serve: Serve) -> Iterator[Any]:
    with client_of(serve()) as client:
        yield client


def check_migrate(source: Any, target: Any) -> None:
    """What MIGRATE does, whichever of the two is a real server."""
    source.set("a", "1", px=100_000)
    source.rpush("b", "x", "y")
    assert migrate(source, target, "a") == b"OK"
    assert (source.exists("a"), target.get("a")) == (0, b"1")
    assert 0 < target.pttl("a") <= 100_000
    assert migrate(source, target, "a") == b"NOKEY"
    assert migrate(source, target, "b", "COPY", database=3) == b"OK"
    assert source.lrange("b", 0, -1) == [b"x", b"y"]
    assert target.execute_command("EVAL", "redis.call('select', 3) return redis.call('llen', 'b')", 0) == 2

    source.set("a", "2")
    for words in (["a"], ["", "KEYS", "a", "nosuch"]):
        with pytest.raises(redis.ResponseError, match="Target instance replied with error: BUSYKEY Target key name"):
            migrate(source, target, *words)
    assert (source.get("a"), target.get("a")) == (b"2", b"1")
    with pytest.raises(redis.ResponseError, match="BUSYKEY"):  # but b went
        migrate(source, target, "", "KEYS", "a", "b")
    assert (source.exists("b"), target.llen("b")) == (0, 2)
    assert migrate(source, target, "a", "REPLACE") == b"OK"
    assert target.get("a") == b"2"

    source.set("c", "3")
    with pytest.raises(redis.ResponseError, match="replied with error: ERR DB index is out of range"):
        migrate(source, target, "c", database=99)
    with pytest.raises(redis.ResponseError, match="replied with error: WRONGPASS"):
        migrate(source, target, "c", "AUTH2", "nobody", "x")
    target.execute_command("FLUSHALL")
    target.config_set("requirepass", "secret")
    target.execute_command(
        "CLIENT", "KILL", "TYPE", "normal"
    )  # real servers keep the connections of MIGRATE for a while
    with pytest.raises(redis.ResponseError, match="replied with error: NOAUTH"):
        migrate(source, target, "c")
    assert migrate(source, target, "c", "AUTH", "secret") == b"OK"
    assert source.exists("c") == 0


def test_migrate_moves_keys_between_two_servers(source: Any, target: Any) -> None:
    check_migrate(source, target)


def test_migrate_moves_keys_from_a_server_in_process(target: Any) -> None:
    with FakeRedis() as source:
        check_migrate(source, target)


@pytest.mark.real
@pytest.mark.parametrize("direction", ["to", "from"])
def test_migrate_moves_keys_to_and_from_a_real_server(source: Any, direction: str, tmp_path: Path) -> None:
    path = real_server("redis-7.4")
    if path is None:
        pytest.skip("redis-7.4 is not installed")
    process, (host, port) = run_real(path, tmp_path)
    try:
        with redis.Redis(host, port, protocol=2) as real:
            check_migrate(*((source, real) if direction == "to" else (real, source)))
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_migrate_gives_up_on_who_does_not_answer(source: Any) -> None:
    source.set("a", "1")
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(redis.ResponseError, match="error or timeout reading to target instance"),
    ):
        source.execute_command("MIGRATE", *silent.getsockname(), "a", 0, 50)
    with pytest.raises(redis.ResponseError, match="error or timeout connecting to the client"):
        source.execute_command("MIGRATE", "a.b.invalid", 1, "a", 0, 50)
    assert migrate(source, source, "nosuch") == b"NOKEY"
    assert source.get("a") == b"1"


def test_sync_sends_a_file_to_who_wants_nothing_else(wire: Wire, server: TcpFakeServer) -> None:
    wire.send(request(b"SET", b"a", b"1")).expect(b"+OK\r\n")
    wire.send(request(b"SYNC")).expect(b"-ERR not supported by redouble")
    wire.read(len(b": replicas (only a copy of the data, after REPLCONF RDB-ONLY 1)\r\n"))
    wire.send(request(b"REPLCONF", b"RDB-ONLY", b"1")).expect(b"+OK\r\n")
    length, _, contents = wire.send(request(b"SYNC")).rest().partition(b"\r\n")
    assert length == b"$%d" % len(contents)
    core = server.fake_server.core
    assert [(record.key, record.value) for record in read_file(contents, core.dialect, core.limits).records] == [
        (b"a", b"1")
    ]


def test_psync_tells_the_replication_id_first(wire: Wire, server: TcpFakeServer) -> None:
    wire.send(request(b"FUNCTION", b"LOAD", b"#!lua name=l\nredis.register_function('f', function() end)")).expect(
        b"$1\r\nl\r\n"
    )
    wire.send(request(b"SET", b"a", b"1")).expect(b"+OK\r\n")
    wire.send(request(b"REPLCONF", b"RDB-ONLY", b"1", b"RDB-FILTER-ONLY", b"functions")).expect(b"+OK\r\n")
    core = server.fake_server.core
    wire.send(request(b"PSYNC", b"?", b"-1")).expect(b"+FULLRESYNC %b 0\r\n$" % core.replication_id.encode())
    snapshot = read_file(wire.rest().partition(b"\r\n")[2], core.dialect, core.limits)
    assert (len(snapshot.functions), list(snapshot.records)) == (1, [])

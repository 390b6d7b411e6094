"""What fakeredis 2.40 gets wrong, one test each: here it is as with a real server, and as with redis-py."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


@pytest.fixture
def client() -> Any:
    return fakeredis.FakeRedis()


@pytest.fixture
def raw() -> Iterator[Any]:
    """A socket that a TcpFakeServer answers, line by line."""
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with socket.create_connection(server.server_address) as sock, sock.makefile("rwb", buffering=0) as stream:
        yield stream
    server.shutdown()
    server.server_close()
    thread.join()


# Who shares a server.


def test_unix_socket_paths_share() -> None:
    fakeredis.FakeRedis(unix_socket_path="/run/a.sock").set("a", "1")
    assert fakeredis.FakeRedis(unix_socket_path="/run/a.sock").get("a") == b"1"
    assert fakeredis.FakeRedis(unix_socket_path="/run/b.sock").get("a") is None


def test_a_host_and_its_url_share() -> None:
    fakeredis.FakeRedis(host="x").set("a", "1")
    assert fakeredis.FakeRedis.from_url("redis://x").get("a") == b"1"


def test_private_servers_go_with_their_clients() -> None:
    client = fakeredis.FakeRedis()
    client.set("a", "1")
    server = weakref.ref(client.connection_pool.connection_kwargs["server"])
    assert server() is not None
    del client
    gc.collect()
    assert server() is None


def test_connected_false_is_honoured() -> None:
    with pytest.raises(redis.ConnectionError):
        fakeredis.FakeRedis(connected=False).ping()


def test_a_new_client_does_not_connect_a_server_again() -> None:
    first = fakeredis.FakeRedis(host="x")
    first.ping()
    fakeredis.FakeServer.at("x:6379").connected = False
    for client in first, fakeredis.FakeRedis(host="x"):
        with pytest.raises(redis.ConnectionError):
            client.ping()


# Arguments of redis-py.


def test_socket_timeouts_are_honoured() -> None:
    client = fakeredis.FakeRedis(socket_timeout=0.01, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.TimeoutError):
        client.blpop("queue", 5)


def test_retries_are_honoured() -> None:
    failures: list[int] = []

    class Counting(NoBackoff):
        def compute(self, failed: int) -> float:
            failures.append(failed)
            return 0

    with pytest.raises(redis.ConnectionError):
        fakeredis.FakeRedis(connected=False, retry=Retry(Counting(), 3)).ping()
    assert failures[:3] == [1, 2, 3]


def test_credential_providers_are_honoured() -> None:
    server = fakeredis.FakeServer(config={b"requirepass": b"secret"})
    provider = redis.UsernamePasswordCredentialProvider(password="secret")
    assert fakeredis.FakeRedis(server=server, credential_provider=provider).ping()


@pytest.mark.parametrize("protocol", [2, 3])
def test_passwords_are_enforced(protocol: int) -> None:
    server = fakeredis.FakeServer(config={b"requirepass": b"secret"})
    with pytest.raises(redis.AuthenticationError):
        fakeredis.FakeRedis(server=server, protocol=protocol).ping()
    with pytest.raises(redis.AuthenticationError):
        fakeredis.FakeRedis(server=server, protocol=protocol, password="wrong").ping()


# Safety.


def test_scripts_reach_neither_python_nor_the_system(client: Any) -> None:
    for reach in "python.eval('1')", "os.execute('true')", "io.open('f')", "require('os')", "loadfile('f')":
        with pytest.raises(redis.ResponseError):
            client.eval(f"return {reach}", 0)


def test_restore_unpickles_nothing(client: Any, tmp_path: Any) -> None:
    path = tmp_path / "made"

    class Payload:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(path),)

    with pytest.raises(redis.ResponseError, match="DUMP payload version or checksum are wrong"):
        client.restore("a", 0, pickle.dumps(Payload()))
    assert not path.exists()


def test_a_script_cannot_spoil_the_next(client: Any) -> None:
    with pytest.raises(redis.ResponseError):
        client.eval("a = 1", 0)
    assert client.eval("return 1", 0) == 1


def test_malformed_commands_are_errors_of_the_server(client: Any) -> None:
    for wrong in (["SET"], ["GET", "a", "b"], ["ZADD", "z", "x", "m"], ["SETEX", "a", "x", "v"], ["NOSUCH"]):
        with pytest.raises(redis.ResponseError):
            client.execute_command(*wrong)
    assert client.ping()


# Blocking.


def test_blmove_blocks() -> None:
    server = fakeredis.FakeServer()
    client, other = fakeredis.FakeRedis(server=server), fakeredis.FakeRedis(server=server)
    moved: list[Any] = []
    thread = threading.Thread(target=lambda: moved.append(client.blmove("a", "b", 5)))
    thread.start()
    while not other.info("clients")["blocked_clients"]:
        pass
    other.rpush("a", "1")
    thread.join()
    assert moved == [b"1"]


def test_blocked_clients_are_served_in_their_order() -> None:
    server = fakeredis.FakeServer()
    pusher = fakeredis.FakeRedis(server=server)
    served: list[tuple[int, Any]] = []
    threads = []
    for number in range(3):
        client = fakeredis.FakeRedis(server=server)
        thread = threading.Thread(target=lambda n=number, c=client: served.append((n, c.blpop("q", 5)[1])))
        thread.start()
        threads.append(thread)
        while pusher.info("clients")["blocked_clients"] <= number:
            pass
    pusher.rpush("q", "0", "1", "2")
    for thread in threads:
        thread.join()
    assert sorted(served) == [(0, b"0"), (1, b"1"), (2, b"2")]


async def test_who_is_cancelled_has_taken_nothing() -> None:
    server = fakeredis.FakeServer()
    waiter, client = fakeredis.FakeAsyncRedis(server=server), fakeredis.FakeAsyncRedis(server=server)
    waiting = asyncio.ensure_future(waiter.blpop("q", 5))
    while not (await client.info("clients"))["blocked_clients"]:
        await asyncio.sleep(0)
    await client.rpush("q", "1")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await client.lrange("q", 0, -1) == [b"1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_threads_use_it_does_not_hang(client: Any) -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            client.incr("n")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if client.set("a", "1") else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


# The server on TCP.


def test_errors_leave_the_connection_open(raw: Any) -> None:
    raw.write(b"*1\r\n$6\r\nNOSUCH\r\n")
    assert raw.readline().startswith(b"-ERR unknown command")
    raw.write(b"*1\r\n$4\r\nPING\r\n")
    assert raw.readline() == b"+PONG\r\n"


def test_strings_are_bulk_strings_and_commands_may_be_inline(raw: Any) -> None:
    raw.write(b"SET a hello\r\n")
    assert raw.readline() == b"+OK\r\n"
    raw.write(b"GET a\r\n")
    assert raw.readline() + raw.readline() == b"$5\r\nhello\r\n"


def test_messages_are_pushed(raw: Any) -> None:
    raw.write(b"HELLO 3\r\nSUBSCRIBE news\r\nPUBLISH news hi\r\n")
    while raw.readline() != b">3\r\n":
        pass
    assert raw.readline() + raw.readline() == b"$9\r\nsubscribe\r\n"


def test_large_values_over_tcp() -> None:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with redis.Redis(host="127.0.0.1", port=server.server_address[1]) as client:
        client.set("a", b"x" * 8_000_000)
        assert len(client.get("a")) == 8_000_000
    server.shutdown()
    server.server_close()
    thread.join()


# Replies.


def test_keyspace_events_are_off_until_asked_for_and_tell_of_expiry(client: Any) -> None:
    pubsub = client.pubsub()
    pubsub.psubscribe("__keyevent@0__:*")
    assert pubsub.get_message(timeout=1)["type"] == "psubscribe"
    client.set("a", "1")
    assert pubsub.get_message() is None
    client.config_set("notify-keyspace-events", "KEA")
    client.set("a", "1", px=1)
    channels = []
    while b"__keyevent@0__:expired" not in channels:
        channels.append(pubsub.get_message(timeout=1)["channel"])
    assert channels == [b"__keyevent@0__:set", b"__keyevent@0__:expire", b"__keyevent@0__:expired"]
    pubsub.close()


def test_geo_distances(client: Any) -> None:
    client.geoadd("Sicily", [13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"])
    assert client.execute_command("GEODIST", "Sicily", "Palermo", "Catania") in (b"166274.1516", 166274.1516)
    assert client.zscore("Sicily", "Palermo") == 3479099956230698.0


def test_a_hyperloglog_is_a_string(client: Any) -> None:
    client.pfadd("h", "a", "b", "c")
    assert client.type("h") == b"string"
    assert client.get("h").startswith(b"HYLL")


def test_floats_are_printed_as_redis_prints_them(client: Any) -> None:
    client.set("f", "10.5")
    client.incrbyfloat("f", 0.1)
    assert client.get("f") == b"10.6"


def test_the_first_error_is_the_one_that_redis_finds_first(client: Any) -> None:
    client.set("s", "x")
    with pytest.raises(redis.ResponseError, match="value is out of range, must be positive"):
        client.execute_command("LPOP", "s", "-1")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.execute_command("LPOP", "s", "1")


def test_a_version_has_its_commands_only() -> None:
    with pytest.raises(redis.ResponseError, match="unknown command"):
        fakeredis.FakeRedis(version=(7, 0)).execute_command("HGETEX", "h", "FIELDS", 1, "f")
    fakeredis.FakeRedis(version=8).execute_command("HGETEX", "h", "FIELDS", 1, "f")


LACKING = [
    ("INFO",),
    ("CONFIG GET", "maxmemory"),
    ("OBJECT ENCODING", "a"),
    ("MEMORY USAGE", "a"),
    ("TOUCH", "a"),
    ("ROLE",),
    ("WAIT", "0", "0"),
    ("EVAL_RO", "return 1", "0"),
    ("BITFIELD_RO", "a", "GET", "u8", "0"),
    ("COMMAND DOCS", "get"),
    ("COMMAND GETKEYS", "get", "a"),
    ("MODULE LIST",),
]


@pytest.mark.parametrize("command", LACKING, ids=[command[0] for command in LACKING])
def test_commands_that_fakeredis_lacks(client: Any, command: tuple[str, ...]) -> None:
    client.set("a", "1")
    client.execute_command(*command)


def test_the_modules_of_scripts(client: Any) -> None:
    script = "return {cjson.encode({1}), bit.tohex(255), struct.pack('B', 1), cmsgpack.pack(1), redis.sha1hex('')}"
    assert len(client.eval(script, 0)) == 5


def test_waiting_costs_no_cpu(client: Any) -> None:
    began = time.process_time()
    client.blpop("q", 0.2)
    assert time.process_time() - began < 0.1

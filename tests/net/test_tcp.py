"""Connections: pipelines, blocked and slow clients, limits, and how a connection ends."""

from __future__ import annotations

import gc
import logging
import os
import random
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import redouble.net.tcp as tcp
from redouble import FakeServer, ManualClock
from redouble.core.client import Client
from redouble.net.tcp import TcpFakeServer
from redouble.resp.reply import OK, Push
from tests.net.conftest import PATIENCE, Serve, Wire, eventually, request

Connect = Callable[[], Wire]


class Local(Client):
    """A client in this process, which pushes into the same server from another thread."""

    def kill(self) -> None:
        pass

    def __call__(self, *argv: bytes) -> object:
        with self.server.lock:
            return self.server.call(self, list(argv))


def local(server: TcpFakeServer) -> Local:
    with server.server.lock:
        return Local(server.server)


def blocked(server: TcpFakeServer, count: int = 1) -> Callable[[], bool]:
    return lambda: len(server.server.blocking.clients) == count


# Pipelines.


def test_commands_in_odd_pieces_are_all_answered_in_order(wire: Wire) -> None:
    chance = random.Random(7)
    arguments = [bytes(chance.choices(b"ab\r\n$*1", k=chance.choice([0, 1, 5, 700]))) for _ in range(400)]
    data = b"".join(request(b"ECHO", argument) for argument in arguments)
    answers = b"".join(b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in arguments)
    while data:
        size = chance.choice([1, 2, 7, 100, 5000])
        wire.send(data[:size])
        data = data[size:]
    wire.expect(answers)


def test_a_pipeline_longer_than_every_buffer_is_answered_whole(wire: Wire) -> None:
    count = 20_000
    sender = threading.Thread(target=wire.send, args=(request(b"ECHO", b"x" * 100) * count,))
    sender.start()
    wire.expect(b"$100\r\n" + b"x" * 100 + b"\r\n")
    assert len(wire.read(108 * (count - 1))) == 108 * (count - 1)
    sender.join()


def test_a_batch_is_answered_with_one_write(server: TcpFakeServer, wire: Wire) -> None:
    class Recorded:
        def __init__(self, sock: Any) -> None:
            self.sock, self.written = sock, list[bytes]()

        def send(self, data: bytes) -> int:
            self.written.append(data)
            return int(self.sock.send(data))

        def __getattr__(self, name: str) -> Any:
            return getattr(self.sock, name)

    wire.send(request(b"PING")).expect(b"+PONG\r\n")
    [client] = server.clients
    client.socket = recorded = Recorded(client.socket)  # type: ignore[assignment]
    wire.send(request(b"PING") * 50).expect(b"+PONG\r\n" * 50)
    assert b"".join(recorded.written) == b"+PONG\r\n" * 50
    assert len(recorded.written) <= 3  # the bytes may have come in more than one block


def test_a_64_mb_value_goes_in_and_comes_out(wire: Wire) -> None:
    value = b"0123456789abcdef" * (4 * 1024 * 1024)
    began = time.process_time()
    wire.send(request(b"SET", b"key", value)).expect(b"+OK\r\n")
    wire.send(request(b"GET", b"key")).expect(b"$67108864\r\n")
    received = hash(wire.read(len(value)))
    assert received == hash(value)
    wire.expect(b"\r\n")
    assert time.process_time() - began < 20


def test_other_threads_see_what_a_connection_wrote(server: TcpFakeServer, wire: Wire) -> None:
    wire.send(request(b"SET", b"k", b"v")).expect(b"+OK\r\n")
    assert local(server)(b"GET", b"k") == b"v"


# Blocked clients.


def test_a_blocked_client_runs_nothing_more_until_it_is_served(
    server: TcpFakeServer, wire: Wire, connect: Connect
) -> None:
    wire.send(request(b"BLPOP", b"list", b"0") + request(b"SET", b"after", b"1") + request(b"PING"))
    eventually(blocked(server))
    wire.send(request(b"ECHO", b"more") + b"PING\r\nPI")
    other = connect()
    other.send(request(b"GET", b"after")).expect(b"$-1\r\n")
    other.send(request(b"LPUSH", b"list", b"x")).expect(b":1\r\n")
    wire.expect(b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n+OK\r\n+PONG\r\n$4\r\nmore\r\n+PONG\r\n")
    wire.send(b"NG\r\n").expect(b"+PONG\r\n")


def test_a_thread_of_this_process_serves_a_blocked_connection(server: TcpFakeServer, wire: Wire) -> None:
    wire.send(request(b"BLPOP", b"list", b"0"))
    eventually(blocked(server))
    local(server)(b"LPUSH", b"list", b"x")
    wire.expect(b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n")


def test_a_blocked_connection_times_out_by_itself(wire: Wire) -> None:
    began = time.monotonic()
    wire.send(request(b"BLPOP", b"list", b"0.2") + request(b"PING")).expect(b"*-1\r\n+PONG\r\n")
    assert time.monotonic() - began >= 0.2


def test_a_timeout_that_another_thread_sets_wakes_the_loop(server: TcpFakeServer, wire: Wire) -> None:
    """The loop sleeps without a limit; a key that expires for a keyspace listener, or a deadline, must shorten that."""
    wire.send(request(b"PING")).expect(b"+PONG\r\n")
    client = local(server)
    replies: list[object] = []
    client.deliver = replies.append  # type: ignore[method-assign]
    client(b"BLPOP", b"list", b"0.1")
    eventually(lambda: len(replies) == 1)


def test_blocked_connections_are_served_in_order_of_arrival(server: TcpFakeServer, connect: Connect) -> None:
    wires = []
    for number in range(20):
        wires.append(connect().send(request(b"BLPOP", b"list", b"0")))
        eventually(blocked(server, number + 1))
    connect().send(request(b"RPUSH", b"list", *(b"%02d" % number for number in range(20)))).expect(b":20\r\n")
    for number, wire in enumerate(wires):
        wire.expect(b"*2\r\n$4\r\nlist\r\n$2\r\n%02d\r\n" % number)


def test_a_blocked_connection_that_goes_away_takes_nothing(server: TcpFakeServer, wire: Wire, connect: Connect) -> None:
    wire.send(request(b"BLPOP", b"list", b"0"))
    eventually(blocked(server))
    wire.close()
    eventually(blocked(server, 0))
    other = connect()
    other.send(request(b"LPUSH", b"list", b"x")).expect(b":1\r\n")
    other.send(request(b"LLEN", b"list")).expect(b":1\r\n")


def test_a_fault_behind_a_blocked_command_waits_its_turn(server: TcpFakeServer, wire: Wire) -> None:
    wire.send(request(b"BLPOP", b"list", b"0.1") + b"PING\r\n*1\r\n!\r\n")
    assert wire.rest() == b"*-1\r\n+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n"


# Pub/sub.


def test_messages_reach_subscribers_from_connections_and_from_threads(
    server: TcpFakeServer, wire: Wire, connect: Connect
) -> None:
    wire.send(request(b"SUBSCRIBE", b"c")).expect(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
    connect().send(request(b"PUBLISH", b"c", b"one")).expect(b":1\r\n")
    wire.expect(b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\none\r\n")
    assert local(server)(b"PUBLISH", b"c", b"two") == 1
    wire.expect(b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\ntwo\r\n")


def test_a_key_that_expires_by_itself_is_told_at_once(serve: Serve) -> None:
    server = serve(config={"notify-keyspace-events": "Ex"})
    with Wire(server.server_address) as listener, Wire(server.server_address) as wire:
        channel = b"__keyevent@0__:expired"
        listener.send(request(b"SUBSCRIBE", channel)).expect(
            b"*3\r\n$9\r\nsubscribe\r\n$22\r\n" + channel + b"\r\n:1\r\n"
        )
        wire.send(request(b"SET", b"key", b"value", b"PX", b"20")).expect(b"+OK\r\n")
        listener.expect(b"*3\r\n$7\r\nmessage\r\n$22\r\n" + channel + b"\r\n$3\r\nkey\r\n")


def test_messages_of_one_pipeline_are_sent_together(
    server: TcpFakeServer, wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = connect()
    listener.send(request(b"SUBSCRIBE", b"c")).expect(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
    written: list[bytes] = []
    original = tcp.TcpClient.send
    monkeypatch.setattr(tcp.TcpClient, "send", lambda self, data: (written.append(data), original(self, data))[1])
    wire.send(request(b"PUBLISH", b"c", b"m") * 50).expect(b":1\r\n" * 50)
    listener.expect(b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n" * 50)
    assert len(written) <= 6  # the commands may have come in more than one block


def test_messages_from_eight_threads_arrive_whole(server: TcpFakeServer, wire: Wire) -> None:
    wire.send(request(b"SUBSCRIBE", b"c")).expect(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")

    def publish(number: int) -> None:
        client = local(server)
        for _ in range(200):
            client(b"PUBLISH", b"c", b"%d" % number * 50)

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    message = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$50\r\n"
    counts = [0] * 8
    for _ in range(1600):
        wire.expect(message)
        body = wire.read(52)
        assert body == body[:1] * 50 + b"\r\n"
        counts[int(body[:1])] += 1
    assert counts == [200] * 8
    for thread in threads:
        thread.join()


def test_a_message_reaches_a_resp3_client_that_is_blocked(server: TcpFakeServer, wire: Wire) -> None:
    subscribed, message = (
        b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
        b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
    )
    wire.send(b"HELLO 3\r\n")
    assert wire.socket.recv(65536).startswith(b"%")
    wire.send(b"SUBSCRIBE c\r\nBLPOP list 0\r\n").expect(subscribed)
    eventually(blocked(server))
    local(server)(b"PUBLISH", b"c", b"m")
    wire.expect(message)
    local(server)(b"LPUSH", b"list", b"x")
    wire.expect(b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n")


# Slow readers.


def clients(server: TcpFakeServer) -> list[tcp.TcpClient]:
    return list(server.clients)


def test_a_slow_reader_gets_everything_and_disturbs_nobody(server: TcpFakeServer, wire: Wire, connect: Connect) -> None:
    wire.send(request(b"SET", b"k", b"x" * 1_000_000)).expect(b"+OK\r\n")
    slow = connect()
    slow.send(request(b"GET", b"k") * 50)
    eventually(lambda: any(client.unsent for client in clients(server)))
    for _ in range(100):
        wire.send(request(b"PING")).expect(b"+PONG\r\n")
    answer = b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n"
    for _ in range(50):
        slow.expect(answer)
    slow.send(request(b"PING")).expect(b"+PONG\r\n")
    assert not any(client.unsent or client.unsent_bytes for client in clients(server))


def test_a_subscriber_that_does_not_read_is_cut_off_at_the_hard_limit(
    server: TcpFakeServer, wire: Wire, connect: Connect
) -> None:
    slow = connect()
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.send(request(b"SUBSCRIBE", b"c")).expect(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
    for _ in range(60):  # the limit is 32 MB, and the kernel takes some as well
        assert wire.send(request(b"PUBLISH", b"c", b"x" * 1_000_000)).read(4) in (b":1\r\n", b":0\r\n")
    wire.send(request(b"PUBLISH", b"c", b"x")).expect(b":0\r\n")
    eventually(lambda: len(clients(server)) == 1)


def test_a_subscriber_above_the_soft_limit_is_cut_off_in_time(serve: Serve) -> None:
    clock = ManualClock()
    server = serve(server=FakeServer(clock=clock, config={"client-output-buffer-limit": "pubsub 0 1000 10"}))
    publish = request(b"PUBLISH", b"c", b"x" * 1_000_000)
    with Wire(server.server_address) as slow, Wire(server.server_address) as wire:
        slow.send(request(b"SUBSCRIBE", b"c")).expect(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
        for _ in range(20):
            wire.send(publish).expect(b":1\r\n")
        clock.advance(9)
        wire.send(publish).expect(b":1\r\n")
        clock.advance(2)
        assert wire.send(publish).read(4) in (b":1\r\n", b":0\r\n")
        wire.send(publish).expect(b":0\r\n")


def test_an_idle_connection_is_closed_when_the_clock_says_so(serve: Serve) -> None:
    clock = ManualClock()
    server = serve(server=FakeServer(config={"timeout": "60"}, clock=clock))
    with Wire(server.server_address) as idle, Wire(server.server_address) as reader:
        idle.send(b"PING\r\n").expect(b"+PONG\r\n")
        reader.send(b"BLPOP list 0\r\n")
        eventually(blocked(server))
        clock.advance(61)
        assert idle.rest() == b""
        local(server)(b"LPUSH", b"list", b"x")
        reader.expect(b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n")


def test_an_endless_request_is_cut_off_at_the_query_buffer_limit(
    server: TcpFakeServer, wire: Wire, connect: Connect
) -> None:
    wire.send(request(b"CONFIG", b"SET", b"client-query-buffer-limit", b"1048576")).expect(b"+OK\r\n")
    greedy = connect()
    with pytest.raises(ConnectionError):  # noqa: PT012 (the reset may come with any of them)
        for _ in range(100):
            greedy.send(b"*2\r\n$4\r\nECHO\r\n$20000000\r\n" + b"x" * 1_000_000)
        if greedy.rest() == b"":
            raise ConnectionError
    wire.send(request(b"PING")).expect(b"+PONG\r\n")


# Limits on who may come in.


def test_one_client_too_many_is_told_so(server: TcpFakeServer, connect: Connect) -> None:
    first = connect()
    first.send(request(b"CONFIG", b"SET", b"maxclients", b"2")).expect(b"+OK\r\n")
    second = connect()
    second.send(request(b"PING")).expect(b"+PONG\r\n")
    assert connect().rest() == b"-ERR max number of clients reached\r\n"
    second.close()
    eventually(lambda: len(clients(server)) == 1)
    connect().send(request(b"PING")).expect(b"+PONG\r\n")


def test_strangers_from_elsewhere_are_turned_away_in_protected_mode(
    server: TcpFakeServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "is_loopback", lambda host: False)
    assert connect().rest().startswith(b"-DENIED Redis is running in protected mode because protected mode is enabled")


def test_a_password_or_an_explicit_word_lets_others_in(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "is_loopback", lambda host: False)
    with Wire(serve(protected_mode=False).server_address) as wire:
        wire.send(request(b"PING")).expect(b"+PONG\r\n")
    with Wire(serve(config={"requirepass": "secret"}).server_address) as wire:
        wire.send(request(b"PING")).expect(b"-NOAUTH Authentication required.\r\n")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::", False),
        ("12.7.0.1", False),
    ],
)
def test_what_counts_as_this_machine(host: str, expected: bool) -> None:
    assert tcp.is_loopback(host) is expected


def test_before_auth_only_little_may_be_sent(serve: Serve) -> None:
    server = serve(config={"requirepass": "secret"})
    auth, many = request(b"AUTH", b"secret"), request(b"ECHO", *[b"x"] * 11)
    cases = {
        many: b"-ERR Protocol error: unauthenticated multibulk length\r\n",
        request(b"ECHO", b"x" * 16385): b"-ERR Protocol error: unauthenticated bulk length\r\n",
        request(b"AUTH", b"wrong") + many: b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        b"-ERR Protocol error: unauthenticated multibulk length\r\n",
    }
    for data, answer in cases.items():
        with Wire(server.server_address) as wire:
            assert wire.send(data).rest() == answer
    with Wire(server.server_address) as wire:
        wire.send(auth + many).expect(b"+OK\r\n-ERR wrong number of arguments for 'echo' command\r\n")
        wire.send(request(b"ECHO", b"x" * 16385)).expect(b"$16385\r\n")


# Ends.


def test_a_half_closed_connection_is_answered_first(connect: Connect) -> None:
    wire = connect()
    wire.send(request(b"PING") * 3 + b"*1\r\n$4")
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.rest() == b"+PONG\r\n" * 3


def test_quit_answers_and_closes(wire: Wire) -> None:
    assert wire.send(request(b"PING") + b"QUIT\r\nPING\r\n").rest() == b"+PONG\r\n+OK\r\n"


def test_quit_is_answered_after_all_that_the_client_has_not_read_yet(server: TcpFakeServer, wire: Wire) -> None:
    wire.send(request(b"SET", b"k", b"x" * 1_000_000)).expect(b"+OK\r\n")
    wire.send(request(b"GET", b"k") * 30 + b"QUIT\r\n")
    eventually(lambda: any(client.unsent for client in clients(server)))
    wire.send(request(b"SET", b"k", b"too late"))
    assert wire.rest() == (b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n") * 30 + b"+OK\r\n"


def test_a_server_that_is_switched_off_hangs_up_and_takes_no_one(
    server: TcpFakeServer, wire: Wire, connect: Connect
) -> None:
    wire.send(b"PING\r\n").expect(b"+PONG\r\n")
    server.fake_server.connected = False
    assert wire.rest() == b""
    assert connect().rest() == b""
    server.fake_server.connected = True
    connect().send(b"PING\r\n").expect(b"+PONG\r\n")


def test_a_killed_client_is_closed_whatever_it_does(server: TcpFakeServer, wire: Wire, connect: Connect) -> None:
    idle, waiting = connect(), connect()
    idle.send(request(b"CLIENT", b"ID"))
    number = idle.socket.recv(100).strip(b":\r\n")
    waiting.send(request(b"BLPOP", b"list", b"0"))
    eventually(blocked(server))
    wire.send(request(b"CLIENT", b"KILL", b"ID", number)).expect(b":1\r\n")
    assert idle.rest() == b""
    wire.send(request(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes")).expect(b":1\r\n")
    assert waiting.rest() == b""
    assert (
        wire.send(b"PING\r\n" + request(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"no") + b"PING\r\n").rest()
        == b"+PONG\r\n:1\r\n"
    )
    assert server.server.clients == {}


def test_a_reset_connection_is_forgotten(server: TcpFakeServer, connect: Connect) -> None:
    wire = connect()
    wire.send(request(b"PING")).expect(b"+PONG\r\n")
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wire.send(request(b"PING") * 1000)
    wire.close()
    eventually(lambda: not server.clients and not server.server.clients)


def test_a_bug_of_ours_is_an_answer_and_a_line_in_the_log(
    server: TcpFakeServer, wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original = server.server.call

    def call(client: Client, argv: list[bytes]) -> object:
        if argv[0] == b"BROKEN":
            raise KeyError("oh\r\nno")
        return object() if argv[0] == b"STRANGE" else original(client, argv)

    monkeypatch.setattr(server.server, "call", call)
    wire.send(b"PING\r\nBROKEN\r\nPING\r\nSTRANGE\r\nPING\r\n")
    wire.expect(b"+PONG\r\n-ERR internal error in redouble, see its log: KeyError('oh\\r\\nno')\r\n+PONG\r\n")
    wire.expect(b"-ERR internal error in redouble, see its log: KeyError(<class 'object'>)\r\n+PONG\r\n")
    assert "Traceback" in caplog.text


def test_a_bug_of_ours_in_the_background_is_a_line_in_the_log(
    server: TcpFakeServer, wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[float] = []

    def tick() -> None:
        failures.append(time.monotonic())
        raise KeyError("tick")

    monkeypatch.setattr(server.server, "tick", tick)
    wire.send(request(b"BLPOP", b"list", b"0.01"))
    eventually(lambda: len(failures) == 3)
    assert failures[2] - failures[0] > tcp.TICK_PAUSE
    monkeypatch.undo()
    wire.expect(b"*-1\r\n")
    assert "while doing what was due" in caplog.text


def test_a_connection_that_cannot_be_served_is_closed_alone(
    server: TcpFakeServer,
    wire: Wire,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    waiting = connect()
    waiting.send(request(b"BLPOP", b"list", b"0"))
    eventually(blocked(server))
    monkeypatch.setattr(tcp.TcpClient, "take", lambda self: 1 / 0)
    assert wire.send(b"PING\r\n").rest() == b""
    local(server)(b"LPUSH", b"list", b"x")
    assert waiting.rest() == b""
    monkeypatch.undo()
    connect().send(b"PING\r\n").expect(b"+PONG\r\n")
    assert caplog.text.count("ZeroDivisionError") >= 2


# Within the loop.


def test_a_handler_may_poll_again_and_let_others_speak(
    server: TcpFakeServer, wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = connect()
    other.send(request(b"PING")).expect(b"+PONG\r\n")
    original = server.server.call
    released = threading.Event()

    def call(client: Client, argv: list[bytes]) -> object:
        if argv[0] == b"SLOW":
            deadline = time.monotonic() + PATIENCE
            while not released.is_set() and time.monotonic() < deadline:
                server.poll(0.01)
            return OK
        if argv[0] == b"RELEASE":
            released.set()
            return OK
        return original(client, argv)

    monkeypatch.setattr(server.server, "call", call)
    wire.send(b"SLOW\r\nPING\r\n")
    time.sleep(0.02)
    wire.send(b"ECHO x\r\n")
    other.send(b"PING\r\nRELEASE\r\n").expect(b"+PONG\r\n+OK\r\n")
    wire.expect(b"+OK\r\n+PONG\r\n$1\r\nx\r\n")


def test_a_push_waits_for_the_reply_that_is_being_written(server: TcpFakeServer, wire: Wire) -> None:
    wire.send(request(b"PING")).expect(b"+PONG\r\n")
    with server.server.lock:
        (client,) = server.clients
        wire.send(request(b"PING"))
        time.sleep(0.02)
        client.push(Push([b"message", b"c", b"m"]))
    pong, message = b"+PONG\r\n", b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n"
    assert wire.read(len(pong + message)) in (pong + message, message + pong)


# The server object.


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_it_serves_as_socketserver_does() -> None:
    server = TcpFakeServer(("127.0.0.1", 0), server_type="valkey", server_version=(8,))
    assert server.server_address[1] != 0
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with Wire(server.server_address) as wire:
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        server.shutdown()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        wire.send(b"PING\r\n")
        again = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        again.start()
        wire.expect(b"+PONG\r\n")
        server.server_close()
        assert wire.rest() == b""
    again.join(PATIENCE)
    assert not again.is_alive()
    server.server_close()  # a second time does nothing
    server.serve_forever()  # and there is nothing to serve


def test_it_starts_and_stops_again_and_again() -> None:
    before = threads()
    server = TcpFakeServer(("127.0.0.1", 0))
    for _ in range(20):
        with server.start():
            assert "redouble" in threads()
            with Wire(server.server_address) as wire:
                wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        assert threads() == before
    with pytest.raises(ConnectionRefusedError):
        Wire(server.server_address)


def test_shutdown_before_the_thread_got_to_serve_ends_it() -> None:
    for _ in range(50):
        with TcpFakeServer(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            server.shutdown()
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_a_command_may_stop_the_server(server: TcpFakeServer, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.server, "call", lambda client, argv: (server.stop(), OK)[1])
    wire.send(b"STOP\r\n").expect(b"+OK\r\n")
    assert wire.rest() == b""
    eventually(lambda: "redouble" not in threads())


def test_shutdown_from_a_connection_ends_everything(server: TcpFakeServer, wire: Wire, connect: Connect) -> None:
    idle = connect()
    idle.send(b"PING\r\n").expect(b"+PONG\r\n")
    assert wire.send(b"PING\r\nSHUTDOWN NOSAVE\r\nPING\r\n").rest() == b""
    assert idle.rest() == b""
    eventually(lambda: "redouble" not in threads())
    with pytest.raises(ConnectionRefusedError):
        Wire(server.server_address)


def test_shutdown_from_a_thread_of_this_process_ends_everything(server: TcpFakeServer, wire: Wire) -> None:
    wire.send(b"PING\r\n").expect(b"+PONG\r\n")
    local(server)(b"SHUTDOWN")
    assert wire.rest() == b""
    eventually(lambda: "redouble" not in threads())


def test_after_shutdown_it_can_be_started_again(server: TcpFakeServer) -> None:
    address = server.server_address
    for value in (b"$-1\r\n", b"$1\r\nv\r\n", b"$1\r\nv\r\n"):
        with Wire(address) as wire:
            wire.send(b"GET k\r\nSET k v\r\n").expect(value + b"+OK\r\n")
            assert wire.send(b"SHUTDOWN\r\n").rest() == b""
        assert not server.server.connected
        server.serve_forever()  # there is nothing to serve
        server.start()
        assert server.server.connected
        assert server.server_address == address


def test_shutdown_before_anybody_serves_closes_the_port_as_soon_as_somebody_would() -> None:
    for begin in (TcpFakeServer.serve_forever, TcpFakeServer.server_close):
        server = TcpFakeServer(("127.0.0.1", 0))
        waiting = Wire(server.server_address)
        local(server)(b"SHUTDOWN")
        begin(server)
        with pytest.raises(ConnectionResetError):
            waiting.rest()
        waiting.close()
        with pytest.raises(ConnectionRefusedError):
            Wire(server.server_address)
    with server.start(), Wire(server.server_address) as wire:
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        local(server)(b"SHUTDOWN")
        server.start()
        with Wire(server.server_address) as again:
            again.send(b"PING\r\n").expect(b"+PONG\r\n")


def test_a_server_that_was_switched_off_stays_so_when_it_is_bound_again() -> None:
    server = TcpFakeServer(("127.0.0.1", 0))
    server.fake_server.connected = False
    server.server_close()
    with server.start(), Wire(server.server_address) as wire:
        assert wire.rest() == b""
        assert not server.fake_server.connected


def test_it_is_served_once_at_a_time(server: TcpFakeServer) -> None:
    for serve in (server.serve_forever, server.start):
        with pytest.raises(RuntimeError, match="served already"):
            serve()


def test_a_port_that_is_taken_is_an_error_that_leaves_nothing_open(server: TcpFakeServer, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="in use"):
        TcpFakeServer(server.server_address)
    unbound = TcpFakeServer(server.server_address, bind_and_activate=False)
    with pytest.raises(OSError, match="in use"):
        unbound.start()
    with pytest.raises(ValueError, match="needs an address"):
        TcpFakeServer(None)


def test_clients_see_the_address_they_come_from(server: TcpFakeServer, wire: Wire) -> None:
    wire.send(b"PING\r\n").expect(b"+PONG\r\n")
    (client,) = server.clients
    assert client.address == f"127.0.0.1:{wire.socket.getsockname()[1]}"
    assert client.local_address == f"127.0.0.1:{server.server_address[1]}"


def test_several_servers_share_nothing_but_a_server_may_be_shared(serve: Serve) -> None:
    first = serve()
    second, third = serve(), serve(server=first.fake_server)
    with Wire(first.server_address) as one, Wire(second.server_address) as two, Wire(third.server_address) as three:
        one.send(request(b"SET", b"k", b"v")).expect(b"+OK\r\n")
        two.send(request(b"GET", b"k")).expect(b"$-1\r\n")
        three.send(request(b"GET", b"k")).expect(b"$1\r\nv\r\n")
        one.send(request(b"BLPOP", b"list", b"0"))
        eventually(blocked(first))
        three.send(request(b"LPUSH", b"list", b"x")).expect(b":1\r\n")
        one.expect(b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n")


def test_an_ipv6_address_is_written_with_brackets(serve: Serve) -> None:
    try:
        server = serve(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    with Wire(server.server_address) as wire:
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        assert next(iter(server.clients)).address.startswith("[::1]:")


@pytest.mark.skipif(sys.implementation.name == "pypy", reason="PyPy counts no references")
def test_a_dropped_server_is_freed_without_the_garbage_collector() -> None:
    import weakref

    gc.disable()
    try:
        server = TcpFakeServer(("127.0.0.1", 0)).start()
        with Wire(server.server_address) as wire:
            wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        server.stop()
        gone = weakref.ref(server)
        del server
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_disturb_the_server_of_its_parent(
    server: TcpFakeServer, wire: Wire, connect: Connect
) -> None:
    wire.send(request(b"SET", b"k", b"v")).expect(b"+OK\r\n")
    other = connect()
    other.send(b"PING\r\n").expect(b"+PONG\r\n")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            assert local(server)(b"GET", b"k") == b"v"
            assert not server.clients
            server.stop()
            with TcpFakeServer(("127.0.0.1", 0)).start() as own, Wire(own.server_address) as mine:
                mine.send(b"PING\r\n").expect(b"+PONG\r\n")
            time.sleep(0.3)  # while the parent goes on, this process must hold nothing of it
            status = 0
        finally:
            os._exit(status)
    wire.send(request(b"GET", b"k")).expect(b"$1\r\nv\r\n")
    server.stop()
    assert wire.rest() == other.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        Wire(server.server_address)
    assert os.waitpid(child, 0)[1] == 0


def test_out_of_descriptors_it_waits_and_goes_on(
    server: TcpFakeServer,
    wire: Wire,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wire.send(b"PING\r\n").expect(b"+PONG\r\n")
    real, failures = tcp.TcpFakeServer._accept, []

    class Exhausted:
        def accept(self) -> None:
            failures.append(time.monotonic())
            raise OSError(24, "Too many open files")

    def accept(self: TcpFakeServer, listener: socket.socket) -> None:
        real(self, listener if len(failures) == 2 else Exhausted())  # type: ignore[arg-type]

    monkeypatch.setattr(tcp.TcpFakeServer, "_accept", accept)
    connect().send(b"PING\r\n").expect(b"+PONG\r\n")
    assert len(failures) == 2
    assert failures[1] - failures[0] >= tcp.ACCEPT_PAUSE
    assert "Too many open files" in caplog.text


def test_another_server_takes_over_the_address(server: TcpFakeServer, connect: Connect) -> None:
    first, waiting = connect(), connect()
    first.send(request(b"SET", b"k", b"old")).expect(b"+OK\r\n")
    waiting.send(request(b"BLPOP", b"l", b"0"))
    address, before = server.server_address, server.fake_server
    server.switch_to(FakeServer())
    assert first.rest() == b""
    assert waiting.rest() == b""
    assert server.server_address == address
    connect().send(request(b"GET", b"k")).expect(b"$-1\r\n")
    assert not before.core.clients
    server.switch_to(before)
    connect().send(request(b"GET", b"k")).expect(b"$3\r\nold\r\n")
    server.switch_to(FakeServer())
    before.core.shut_down()  # is no longer ours
    connect().send(b"PING\r\n").expect(b"+PONG\r\n")
    gone = weakref.ref(before)
    del before
    if sys.implementation.name == "pypy":  # which counts no references
        gc.collect()
    assert gone() is None, "something still holds the first server"


@pytest.mark.slow
def test_five_thousand_idle_connections_cost_nothing(server: TcpFakeServer, wire: Wire) -> None:
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 10_200:
        pytest.skip("ulimit -n is below 10,200")
    idle = [socket.create_connection(server.server_address) for _ in range(5000)]
    try:
        eventually(lambda: len(server.clients) >= 5000)
        idle[4999].sendall(b"PING\r\n")
        assert idle[4999].recv(100) == b"+PONG\r\n"
        spent = time.process_time()
        time.sleep(1)
        assert time.process_time() - spent < 0.1, "it polls"
        began = time.monotonic()
        for _ in range(1000):
            wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        assert time.monotonic() - began < 5
    finally:
        for sock in idle:
            sock.close()
    eventually(lambda: len(server.clients) == 1)


logging.getLogger("redouble").addHandler(logging.NullHandler())

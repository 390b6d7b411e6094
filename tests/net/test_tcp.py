"""Connections: pipelines, blocked and slow clients, limits, and how a connection ends."""

from __future__ import annotations

import gc
import logging
import random
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import redouble.net.tcp as tcp
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.net.tcp import TcpFakeServer
from redouble.resp.reply import OK, Push
from tests.net.conftest import PATIENCE, Serve, Wire, eventually, request

Connect = Callable[[], Wire]


class Local(Client):
    """A client in this process, which pushes into the same server from another thread."""

    def command(self, *argv: bytes) -> object:
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


def test_a_batch_is_answered_with_one_write(server: TcpFakeServer, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    original = tcp.TcpClient._send
    monkeypatch.setattr(tcp.TcpClient, "_send", lambda self, data: (written.append(data), original(self, data))[1])
    wire.send(request(b"PING") * 50).expect(b"+PONG\r\n" * 50)
    assert b"".join(written) == b"+PONG\r\n" * 50
    assert len(written) <= 3  # the bytes may have come in more than one block


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
    assert local(server).command(b"GET", b"k") == b"v"


# The reply of a blocked command.  WAITING has no command of its own here: the test blocks the client itself, so that
# nothing depends on which commands there are.


@pytest.fixture
def waiting(server: TcpFakeServer) -> Server:
    """`WAITING key seconds`: a blocking command that takes any value of `key`."""
    core = server.server

    def call(client: Client, argv: list[bytes]) -> object:
        if argv[0] == b"WAITING":
            value = client.db.string(argv[1])
            if value is not None:
                client.db.remove(argv[1])
                return [argv[1], value]
            client.command = take
            return core.blocking.block(client, argv, [argv[1]], int(float(argv[2]) * 1000), lambda value: value is not None)
        return original(client, argv)

    original, core.call = core.call, call  # type: ignore[method-assign]
    raise NotImplementedError
    return core

"""The loop alone: with epoll, and with what stands in for it elsewhere."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest

from redouble import FakeServer, ManualClock
from redouble.net.loop import READ, WRITE, Loop
from redouble.net.tcp import TcpFakeServer
from tests.net.conftest import Serve, Wire, eventually, request


@pytest.fixture(params=["epoll", "selectors"])
def poller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "selectors":
        monkeypatch.delattr(select, "epoll", raising=False)
    elif not hasattr(select, "epoll"):
        pytest.skip("there is no epoll here")


@pytest.fixture
def loop(poller: None) -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def test_it_tells_what_is_ready_for_what(loop: Loop) -> None:
    events: list[int] = []
    near, far = socket.socketpair()
    with near, far:
        loop.add(near, READ, events.append)
        assert loop.wait(0) == []
        far.send(b"x")
        assert loop.wait(None) == [(near.fileno(), READ)]
        loop.change(near, READ | WRITE)
        assert loop.wait(None) == [(near.fileno(), READ | WRITE)]
        near.recv(1)
        assert loop.wait(None) == [(near.fileno(), WRITE)]
        loop.handlers[near.fileno()](WRITE)
        assert events == [WRITE]
        loop.remove(near)
        assert near.fileno() not in loop.handlers
        assert loop.wait(0) == []


def test_it_is_woken_from_outside_once_until_it_has_heard(loop: Loop) -> None:
    loop.wake()
    loop.wake()
    ((descriptor, events),) = loop.wait(None)
    loop.handlers[descriptor](events)
    assert loop.wait(0) == []
    loop.thread = None
    loop.wake()
    assert loop.wait(0)


def test_a_server_answers_a_slow_reader_with_either(poller: None, serve: Serve) -> None:
    with Wire(serve().server_address) as wire:
        wire.send(request(b"SET", b"key", b"x" * 5_000_000)).expect(b"+OK\r\n")
        wire.send(request(b"GET", b"key") * 3)
        for _ in range(3):
            wire.expect(b"$5000000\r\n" + b"x" * 5_000_000 + b"\r\n")


class Counted(TcpFakeServer):
    """Counts its rounds."""

    rounds = 0

    def poll(self, timeout: float | None = None) -> None:
        self.rounds += 1
        super().poll(timeout)


def test_nothing_is_polled() -> None:
    """While hours pass, the loop wakes for what is due and for nothing else."""
    clock = ManualClock()
    counted = Counted(("127.0.0.1", 0), server=FakeServer(clock=clock))
    with counted.start() as server, Wire(server.server_address) as wire:
        wire.send(request(b"SET", b"key", b"value", b"EX", b"7200")).expect(b"+OK\r\n")
        wire.send(request(b"BLPOP", b"list", b"3600"))
        eventually(lambda: len(server.server.blocking.clients) == 1)
        before = server.rounds
        for _ in range(60):
            clock.advance(59)
        clock.advance(61)
        wire.expect(b"*-1\r\n")
        clock.advance(3600)
        wire.send(request(b"DBSIZE")).expect(b":0\r\n")
        assert server.rounds - before < 80  # each time that the clock moves, once
        before = server.rounds
        wire.send(request(b"PING")).expect(b"+PONG\r\n")
        assert server.rounds - before <= 2


def test_a_key_that_nobody_asks_for_goes_and_leaves_the_loop_in_peace() -> None:
    with Counted(("127.0.0.1", 0)).start() as server, Wire(server.server_address) as wire:
        wire.send(request(b"SET", b"key", b"value", b"PX", b"20")).expect(b"+OK\r\n")
        eventually(lambda: not server.server.database(0).dict)
        before = server.rounds
        assert server.rounds < 12
        wire.send(request(b"PING")).expect(b"+PONG\r\n")
        assert server.rounds - before <= 3

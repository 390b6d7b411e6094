"""A client without any I/O: what it is handed later is kept in lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import redouble.commands
from redouble.core.client import Client
from redouble.core.clock import ManualClock
from redouble.core.server import Server
from redouble.resp.reply import Push, Reply

assert redouble.commands  # fills the command table


class Recorder(Client):
    """`c("SET k v")` runs a command; `delivered` and `pushed` hold what came later."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.delivered: list[Reply] = []
        self.pushed: list[Push] = []
        self.gone = False

    @property
    def can_receive(self) -> bool:
        return not self.gone

    def deliver(self, reply: Reply) -> None:
        self.delivered.append(reply)

    def push(self, message: Push) -> None:
        self.pushed.append(message)

    def __call__(self, line: str) -> Reply:
        return self.server.call(self, line.encode().split())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_700_000_000.0)


@pytest.fixture
def server(clock: ManualClock) -> Server:
    return Server(version=(8, 6), clock=clock)


@pytest.fixture
def connect(server: Server) -> Callable[[], Recorder]:
    return lambda: Recorder(server)


@pytest.fixture
def c(server: Server) -> Recorder:
    return Recorder(server)

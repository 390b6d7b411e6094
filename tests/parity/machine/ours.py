"""redouble as a stage, once for each driver: the engine itself, the clients' connections (sync and asyncio), and TCP.

A stage has a server of its own with a clock that stands still, so `@clock` costs no time here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import redouble.commands
from redouble.core.client import Client
from redouble.core.clock import ManualClock
from redouble.core.server import Server
from redouble.resp.encoder import encode
from redouble.resp.reply import BLOCKED as WAITS
from redouble.resp.reply import NO_REPLY, Messages, Push, Reply

from .normalise import BLOCKED, CLOSED, NOTHING
from .play import play
from .scenario import Scenario, Step, Target

assert redouble.commands  # fills the command table


class CoreClient(Client):
    """A connection without a driver: what it is sent waits in `outbox`, encoded."""

    def __init__(self, server: Server) -> None:
        self.outbox: deque[bytes] = deque()
        super().__init__(server)

    def deliver(self, reply: Reply) -> None:
        if type(reply) is Messages:
            for message in reply:
                self.deliver(message)
            return
        pieces: list[bytes] = []
        encode(reply, self.resp, self.server.dialect.format_double, pieces)
        self.outbox.append(b"".join(pieces))

    def push(self, message: Push) -> None:
        self.deliver(message)


class CoreStage:
    """The engine alone: `server.call` in this thread."""

    def __init__(self, target: Target) -> None:
        self.clock = ManualClock()
        self.server = Server(server_type=target.type, version=target.version, clock=self.clock)
        self.clients: dict[int, CoreClient] = {}

    def client(self, number: int) -> CoreClient:
        if number not in self.clients:
            with self.server.lock:
                self.clients[number] = CoreClient(self.server)
        return self.clients[number]

    def send(self, connection: int, argv: Sequence[bytes]) -> bytes:
        client = self.client(connection)
        with self.server.lock:
            if not client.closing:
                reply = self.server.call(client, list(argv))
                if reply is not NO_REPLY and reply is not WAITS:
                    client.deliver(reply)
                if client.closing:
                    client.disconnect()
        return self._next(client)

    def receive(self, connection: int) -> bytes:
        client = self.client(connection)
        with self.server.lock:
            self.server.tick()
        return self._next(client)

    def _next(self, client: CoreClient) -> bytes:
        if client.outbox:
            return client.outbox.popleft()
        if client.closing:
            return CLOSED
        return BLOCKED if client.blocked else NOTHING

    def advance(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds / 1000)

    def now_ms(self) -> int:
        return self.clock.time_ns() // 1_000_000

    def close(self) -> None:
        with self.server.lock:
            for client in self.clients.values():
                client.disconnect()


STAGES: dict[str, Callable[[Target], Any]] = {"core": CoreStage}


def play_ours(driver: str, scenario: Scenario, target: Target, protocol: int) -> Iterator[tuple[Step, bytes]]:
    stage = STAGES[driver](target)
    try:
        yield from play(stage, scenario, target, protocol)
    finally:
        stage.close()

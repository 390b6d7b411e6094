"""Plays a scenario at a server and collects what comes back: one outcome for each step that sends or awaits.

A stage is one server that one scenario is played on, empty at the beginning.  `RealStage` is a real server; the
others (ours.py) put redouble behind one of its drivers.  They are played by the same loop, so a scenario means the same
everywhere.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from .normalise import BLOCKED, CLOSED, NOTHING, normalise
from .real import Connection, RealServer
from .scenario import Scenario, Step, Target
from .wire import encode_command, parse

PATIENCE_SECONDS = 0.01
"""How long a message is awaited before the server is asked whether the client is blocked, and once more afterwards."""

LIMIT_SECONDS = 0.6
"""How long the answer to that question is awaited."""

IDENTIFIER = re.compile(rb"\{id(\d+)\}")
"""`{id2}` in a command line is the client id of connection 2, which must have been used before."""


class Stage(Protocol):
    def send(self, connection: int, argv: Sequence[bytes]) -> bytes:
        """Send a command and give the first message that comes, or BLOCKED, NOTHING or CLOSED."""

    def receive(self, connection: int) -> bytes:
        """Give the next message of a connection, or BLOCKED, NOTHING or CLOSED."""

    def advance(self, milliseconds: int) -> None: ...

    def now_ms(self) -> int: ...


def play(stage: Stage, scenario: Scenario, target: Target, protocol: int) -> Iterator[tuple[Step, bytes]]:
    """The normalised outcome of each step; nothing is played before it is asked for."""
    steps = scenario.steps_for(target, protocol)
    wanted = {int(number) for step in steps for word in step.argv for number in IDENTIFIER.findall(word)}
    identifiers: dict[int, bytes] = {}
    known: set[int] = set()
    for step in steps:
        if step.kind == "clock":
            stage.advance(step.milliseconds)
            continue
        if step.connection not in known:
            known.add(step.connection)
            if protocol == 3:
                stage.send(step.connection, (b"HELLO", b"3"))
            if step.connection in wanted:
                identifiers[step.connection] = parse(stage.send(step.connection, (b"CLIENT", b"ID"))).text
        if step.kind == "send":
            argv = [IDENTIFIER.sub(lambda match: identifiers[int(match[1])], word) for word in step.argv]
            outcome = stage.send(step.connection, argv)
        else:
            outcome = stage.receive(step.connection)
        yield step, normalise(outcome, step, target, stage.now_ms())


LATE_SECONDS = 0.05
"""How long a message may be on its way after the server has answered on another connection."""


class SocketStage:
    """A server behind sockets.  Whether a silent client is blocked is asked on another connection, closed at once."""

    patience = PATIENCE_SECONDS

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.connections: dict[int, Connection] = {}

    def connection(self, number: int) -> Connection:
        if number not in self.connections:
            self.connections[number] = Connection(self.address)
        return self.connections[number]

    def send(self, connection: int, argv: Sequence[bytes]) -> bytes:
        self.connection(connection).send(encode_command(argv))
        return self.receive(connection)

    def receive(self, connection: int) -> bytes:
        link = self.connection(connection)
        message = link.message(self.patience)
        blocked = False
        if message is None and not link.closed:
            blocked = self.is_blocked(link)
            # The server has answered a later question: what it had to say to this client is on the way.
            message = link.message(self.patience if blocked else LATE_SECONDS)
        if message is not None:
            return message
        return CLOSED if link.closed else BLOCKED if blocked else NOTHING

    def is_blocked(self, link: Connection) -> bool:
        """Asked through CLIENT LIST, by the address of our end."""
        address, port = link.socket.getsockname()[:2]
        try:
            control = Connection(self.address)
        except ConnectionRefusedError:  # it was shut down
            return False
        with contextlib.closing(control):
            control.send(encode_command((b"CLIENT", b"LIST")))
            message = control.message(LIMIT_SECONDS)
        if message is None:
            return True  # CLIENT PAUSE: the server answers nobody
        listed = parse(message).text
        match = re.search(rb" addr=%b:%d .*? flags=(\w+) " % (re.escape(address.encode()), port), listed)
        return match is not None and b"b" in match[1]

    def advance(self, milliseconds: int) -> None:
        time.sleep(milliseconds / 1000)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()


RESTARTS_AFTER = frozenset(
    b"ACL CLUSTER DEBUG FAILOVER FUNCTION MODULE REPLICAOF SHUTDOWN SLAVEOF WAIT WAITAOF".split()
)
"""After these commands a real server is started anew, after CONFIG its parameters are put back, else it is emptied."""

EMPTYING = [
    line.split() for line in (b"CLIENT UNPAUSE", b"FLUSHALL", b"SCRIPT FLUSH", b"SLOWLOG RESET", b"CONFIG RESETSTAT")
]


class RealStage(SocketStage):
    """A real server, brought back to its first state between two scenarios."""

    def __init__(self, name: str) -> None:
        self.server = RealServer(name)
        self.target = self.server.target
        super().__init__(self.server.address)
        self._remember()

    def _remember(self) -> None:
        with contextlib.closing(self.server.connect()) as link:
            self.parameters = self._read(link)

    @staticmethod
    def _read(link: Connection) -> dict[bytes, bytes]:
        words = [child.text for child in parse(link.ask(b"CONFIG", b"GET", b"*")).children]
        return dict(zip(words[::2], words[1::2], strict=True))

    def play(self, scenario: Scenario, protocol: int) -> Iterator[tuple[Step, bytes]]:
        try:
            yield from play(self, scenario, self.target, protocol)
        finally:
            self.close()
            self.reset({step.argv[0].upper() for step in scenario.steps if step.argv})

    def reset(self, names: set[bytes]) -> None:
        """Bring the server back to its first state, after commands of these names."""
        if names & RESTARTS_AFTER:
            self.server.restart()
            self.address = self.server.address
            self._remember()
            return
        with contextlib.closing(self.server.connect()) as link:
            if b"CONFIG" in names:
                now = self._read(link)
                for name, value in self.parameters.items():
                    if now.get(name) != value and not link.ask(b"CONFIG", b"SET", name, value).startswith(b"+OK"):
                        raise RuntimeError(f"{name.decode()} cannot be put back to {value.decode()}")
            for argv in EMPTYING:
                link.ask(*argv)

    def stop(self) -> None:
        self.close()
        self.server.stop()

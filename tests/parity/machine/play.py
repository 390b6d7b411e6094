"""Plays a scenario at a server and collects what comes back: one outcome for each step that sends or awaits.

A stage is one server that one scenario is played on, empty at the beginning.  `RealStage` is a real server; the
others (ours.py) put redouble behind one of its drivers.  They are played by the same loop, so a scenario means the same
everywhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from .normalise import BLOCKED, CLOSED, NOTHING, normalise
from .real import Connection, RealServer
from .scenario import Scenario, Step, Target
from .wire import encode_command, parse

PATIENCE_SECONDS = 0.01
"""How long a message is awaited before the server is asked whether the client is blocked."""

MORE_PATIENCE_SECONDS = 0.15
"""The same where the question itself would be seen."""

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


BLOCKING = frozenset(
    b"BLPOP BRPOP BLMOVE BRPOPLPUSH BLMPOP BZPOPMIN BZPOPMAX BZMPOP XREAD XREADGROUP WAIT WAITAOF".split()
)
"""Commands that may wait for a time that is shorter than a busy machine takes to ask whether they do."""

THREADED = frozenset((b"FLUSHALL", b"FLUSHDB", b"VADD", b"VSIM"))
"""Their clients are blocked until a thread is through with it, in Redis from 8.0 on; the answer comes soon."""


def _pinged(control: Connection) -> bool:
    control.send(encode_command((b"PING",)))
    return control.message(LIMIT_SECONDS) is not None


def _is_blocked(control: Connection, link: Connection) -> bool:
    """Asked through CLIENT LIST, by the address of our end."""
    control.send(encode_command((b"CLIENT", b"LIST")))
    message = control.message(LIMIT_SECONDS)
    if message is None:
        return True  # CLIENT PAUSE
    address, port = link.socket.getsockname()[:2]
    match = re.search(rb" addr=%b:%d .*? flags=(\w+) " % (re.escape(address.encode()), port), parse(message).text)
    return match is not None and b"b" in match[1]


OBSERVING = frozenset(b"COMMANDLOG HOTKEYS LATENCY SLOWLOG".split())
"""Where these are used, the questions on another connection would be seen: the answers are waited for longer."""

RESTARTS_AFTER = frozenset(
    b"ACL CLUSTER DEBUG FAILOVER FUNCTION HOTKEYS LATENCY MODULE REPLICAOF SHUTDOWN SLAVEOF WAIT WAITAOF".split()
)
"""After these commands a real server is started anew, after CONFIG its parameters are put back, else it is emptied."""

EMPTYING = [
    line.split()
    for line in (
        *(b"CLIENT UNPAUSE", b"FLUSHALL", b"SCRIPT FLUSH", b"SLOWLOG RESET", b"CONFIG RESETSTAT"),
        *(b"COMMANDLOG RESET large-request", b"COMMANDLOG RESET large-reply"),
    )
]


class RealStage:
    """A real server, brought back to its first state between two scenarios.

    Whether a silent client is blocked is asked on another connection, which is gone before the next command.  A server answers in the order in
    which it is asked, and does what is due before it listens again: so once a PING on the other connection is answered,
    everything that was to be said before has been said.
    """

    def __init__(self, name: str) -> None:
        self.server = RealServer(name)
        self.target = self.server.target
        self.address = self.server.address
        self.connections: dict[int, Connection] = {}
        self.patience = PATIENCE_SECONDS
        self.asking: set[int] = set()
        """The ports of the connections that only ask, of which MONITOR tells as of any other."""
        self._remember()

    def connection(self, number: int) -> Connection:
        if number not in self.connections:
            self.connections[number] = Connection(self.address, self.asking)
        return self.connections[number]

    def _control(self) -> Connection:
        control = Connection(self.address)
        self.asking.add(control.socket.getsockname()[1])
        return control

    def send(self, connection: int, argv: Sequence[bytes]) -> bytes:
        link = self.connection(connection)
        link.send(encode_command(argv))
        if argv[0].upper() in BLOCKING:
            # Asked at once, on a connection that the server has yet to accept: it sees both in one go, and this first.
            control = self._control()
            blocked = _is_blocked(control, link)
            control.leave()
            if blocked:
                return BLOCKED
        if argv[0].upper() in THREADED and (message := link.message(LIMIT_SECONDS)) is not None:
            return message
        return self.receive(connection)

    def receive(self, connection: int) -> bytes:
        link = self.connection(connection)
        message = link.message(self.patience)
        if message is not None:
            return message
        if link.closed:
            return CLOSED
        try:
            control = self._control()
        except ConnectionRefusedError:  # it shuts down
            return self._outcome(link, LIMIT_SECONDS)
        if not _pinged(control):
            control.close()
            outcome = self._outcome(link, LIMIT_SECONDS if control.closed else 0)
            return BLOCKED if outcome is NOTHING else outcome  # CLIENT PAUSE: the server answers nobody
        outcome = self._outcome(link, 0)
        if outcome is NOTHING and _is_blocked(control, link):
            outcome = BLOCKED
        control.leave()
        return outcome

    @staticmethod
    def _outcome(link: Connection, patience: float) -> bytes:
        """What has come by now, or comes soon."""
        message = link.message(patience)
        return message if message is not None else CLOSED if link.closed else NOTHING

    def advance(self, milliseconds: int) -> None:
        time.sleep(milliseconds / 1000)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()
        self.asking.clear()

    def _remember(self) -> None:
        link = self.server.connect()
        self.parameters = self._read(link)
        link.leave()

    @staticmethod
    def _read(link: Connection) -> dict[bytes, bytes]:
        words = [child.text for child in parse(link.ask(b"CONFIG", b"GET", b"*")).children]
        return dict(zip(words[::2], words[1::2], strict=True))

    def play(self, scenario: Scenario, protocol: int) -> Iterator[tuple[Step, bytes]]:
        looks_at_commands = any(step.argv and step.argv[0].upper() in OBSERVING for step in scenario.steps)
        self.patience = MORE_PATIENCE_SECONDS if looks_at_commands else PATIENCE_SECONDS
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
        link = self.server.connect()
        if b"CONFIG" in names:
            now = self._read(link)
            for name, value in self.parameters.items():
                if now.get(name) != value and not link.ask(b"CONFIG", b"SET", name, value).startswith(b"+OK"):
                    raise RuntimeError(f"{name.decode()} cannot be put back to {value.decode()}")
        for argv in EMPTYING:
            link.ask(*argv)
        link.leave()

    def stop(self) -> None:
        self.close()
        self.server.stop()

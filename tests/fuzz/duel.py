"""Two servers, the same commands: the first answer that differs, and the first value that differs in the end.

Answers are compared byte by byte, but for what `rule_for` names; `normalise.py` of the parity machine carries the rules out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.parity.machine.normalise import BLOCKED, NOTHING, is_message, normalise, same
from tests.parity.machine.ours import Careful, CoreStage
from tests.parity.machine.play import RealStage
from tests.parity.machine.real import Connection
from tests.parity.machine.scenario import Directive, Step, Target, quote
from tests.parity.machine.wire import encode_command, parse

from .families import TIMED, UNORDERED, Command, later_or_earlier

PLAIN, UNSORTED, TIME, CHANCE, SCAN = (
    Step("send", "", 0, directives=tuple(Directive(name) for name in names))
    for names in ((), ("unordered",), ("time",), ("any",), ("unordered",))
)
BY_CHANCE = {b"SPOP": b"SMEMBERS", b"SRANDMEMBER": b"SMEMBERS", b"HRANDFIELD": b"HGETALL", b"ZRANDMEMBER": b"ZRANGE"}
"""What chooses by chance, and what reads all that there is to choose from."""


def everything_of(command: Command) -> tuple[bytes, ...]:
    return BY_CHANCE[command.argv[0].upper()], command.argv[1]


def rule_for(argv: Sequence[bytes]) -> Step:
    """How an answer to a command is compared."""
    name = argv[0].upper()
    if name == b"SORT" and b"BY" in (words := [word.upper() for word in argv]):
        # Which elements LIMIT leaves of a set that is not sorted is chance.
        by = words[words.index(b"BY") + 1 : words.index(b"BY") + 2]
        return CHANCE if b"LIMIT" in words and by and b"*" not in by[0] else UNSORTED
    if name in UNORDERED:
        return UNSORTED
    if name in TIMED:
        return TIME
    if name in BY_CHANCE or later_or_earlier(argv):
        return CHANCE
    return SCAN if name.endswith(b"SCAN") else PLAIN


@dataclass(frozen=True)
class Difference:
    command: Command
    real: bytes
    ours: bytes
    at: int
    """Index of the command; what is compared after the last one has the index after it."""

    @property
    def unknown(self) -> bool:
        return self.ours.startswith(b"-ERR unknown command") and not self.real.startswith(b"-ERR unknown command")

    @property
    def signature(self) -> tuple[object, ...]:
        """Differences with the same signature are most likely one mistake."""
        name = self.command.argv[0].upper() if self.command.argv else b""
        if self.unknown:
            return name, b"unknown"
        return name, _gist(self.real), _gist(self.ours)


def _gist(message: bytes) -> bytes:
    return message.split(b"\r\n")[0][:40] if message[:1] in b"-+" else message[:1]


class Duel:
    """A real server and, for each round, a new redouble."""

    def __init__(self, name: str) -> None:
        self.stage = RealStage(name)
        self.target: Target = self.stage.target
        self.connections: dict[int, Connection] = {}
        self.commands_played = 0
        self.before: tuple[Command, bytes] = (Command(0, ()), b"")
        """The last command, and our answer to it."""

    def stop(self) -> None:
        self.stage.stop()

    def fight(self, commands: Sequence[Command], protocol: int, *, batch: int = 200) -> Difference | None:
        """Play commands on both servers, empty at first; tell what differs first."""
        core = CoreStage(self.target)
        ours = Careful(core)
        self.stage.reset({b"CONFIG"})
        try:
            for connection in sorted({command.connection for command in commands} | {0}):
                self.connections[connection] = self.stage.server.connect()
                if protocol == 3:
                    self.connections[connection].ask(b"HELLO", b"3")
                    ours.send(connection, (b"HELLO", b"3"))
            waiting: set[int] = set()
            for start in range(0, len(commands), batch):
                difference = self._play(commands[start : start + batch], start, ours, waiting)
                if difference:
                    return difference
            return self._compare_values(ours, len(commands))
        finally:
            core.close()
            for link in self.connections.values():
                link.close()
            self.connections.clear()

    # Playing.

    def _play(self, commands: Sequence[Command], start: int, ours: Careful, waiting: set[int]) -> Difference | None:
        for at, (command, real) in enumerate(zip(commands, self._ask_real(commands, waiting), strict=True), start):
            if command.receive:
                got = ours.receive(command.connection) if command.connection in waiting else NOTHING
                waiting.discard(command.connection)
            else:
                got = ours.send(command.connection, command.argv)
                if command.waits and real == BLOCKED:
                    waiting.add(command.connection)
            self.commands_played += 1
            if real != got and not self._same(command, real, got):
                return Difference(command, real, got, at)
            if not self._possible(command, got):
                return Difference(command, real, got, at)
            self.before = command, got
        return None

    def _ask_real(self, commands: Sequence[Command], waiting: set[int]) -> list[bytes]:
        """The real server's outcomes; commands of one connection in a row go in one batch."""
        outcomes: list[bytes] = []
        waiting = set(waiting)
        position = 0
        while position < len(commands):
            command = commands[position]
            link = self.connections[command.connection]
            if command.receive:
                outcomes.append(self._awaited(link) or BLOCKED if command.connection in waiting else NOTHING)
                waiting.discard(command.connection)
                position += 1
            elif command.waits:
                link.send(encode_command(command.argv))
                outcome = self._awaited(link)
                if outcome is None:
                    waiting.add(command.connection)
                outcomes.append(outcome or BLOCKED)
                position += 1
            else:
                end = position
                while (
                    end < len(commands)
                    and commands[end].connection == command.connection
                    and not (commands[end].waits or commands[end].receive)
                ):
                    end += 1
                link.send(b"".join(encode_command(commands[i].argv) for i in range(position, end)))
                outcomes += [link.message(10) or NOTHING for _ in range(position, end)]
                position = end
        return outcomes

    def _awaited(self, link: Connection) -> bytes | None:
        """What the real server had to say to a client that may be blocked."""
        for _ in range(2):  # the second answer comes after the loop that ran the command and wrote its answer
            self.connections[0].ask(b"PING")
        return link.message(0.002)

    def _possible(self, command: Command, ours: bytes) -> bool:
        """Whether chance could choose this: it must be in what the command before, which read everything, answered."""
        earlier, everything = self.before
        if (
            len(command.argv) < 2
            or command.argv[0].upper() not in BY_CHANCE
            or earlier.argv[:2] != everything_of(command)
        ):
            return True
        return _members(ours) <= _members(everything)

    def _same(self, command: Command, real: bytes, ours: bytes) -> bool:
        step = rule_for(command.argv) if command.argv else PLAIN
        if step is SCAN and real[:1] == ours[:1] == b"*":
            sent = command.argv[1 if command.argv[0].upper() == b"SCAN" else 2]
            cursors = [parse(message).children[0].text for message in (real, ours)]
            if [sent, *cursors] != [b"0"] * 3:
                return True  # where a scan stops, and what an invented cursor means, is each server's own affair
        now_ms = time.time_ns() // 1_000_000
        forms = [normalise(message, step, self.target, now_ms) for message in (real, ours)]
        return same(forms[0], forms[1], step, self.target)

    # The data sets.

    def _compare_values(self, ours: Careful, at: int) -> Difference | None:
        for database in (b"0", b"1"):
            keys = Command(0, (b"KEYS", b"*"))
            difference = self._play([Command(0, (b"SELECT", database)), keys], at, ours, set())
            if difference:
                return difference
            for node in parse(self.connections[0].ask(b"KEYS", b"*")).children:
                kind = self.connections[0].ask(b"TYPE", node.text)[1:-2]
                questions = [(b"TYPE", node.text), (b"OBJECT", b"ENCODING", node.text), (b"PTTL", node.text)]
                questions.append(READING[kind](node.text))
                difference = self._play([Command(0, question) for question in questions], at, ours, set())
                if difference:
                    return difference
        return None


READING: dict[bytes, Callable[[bytes], tuple[bytes, ...]]] = {
    b"string": lambda key: (b"GET", key),
    b"list": lambda key: (b"LRANGE", key, b"0", b"-1"),
    b"hash": lambda key: (b"HGETALL", key),
    b"set": lambda key: (b"SMEMBERS", key),
    b"zset": lambda key: (b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"),
}


def _members(message: bytes) -> set[bytes]:
    """Every text in an answer."""
    if not is_message(message) or message[:1] not in b"*~%$,":
        return set()
    found: set[bytes] = set()
    nodes = [parse(message)]
    while nodes:
        node = nodes.pop()
        nodes += node.children
        if not node.children and not node.null and node.mark not in b"*~%":
            found.add(node.text)
    return found


def scenario_text(commands: Iterable[Command], name: str) -> str:
    """Commands as a scenario, ready to paste."""
    lines = [name]
    for command in commands:
        connection = "" if command.connection == 1 else str(command.connection)
        lines.append(f"{connection}<" if command.receive else f"{connection}> {' '.join(map(quote, command.argv))}")
    return "\n".join(lines)

"""Two servers, the same commands: the first answer that differs, and the first value that differs in the end.

Answers are compared byte by byte, but for what `rules.py` names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tests.parity.machine.normalise import BLOCKED, NOTHING, is_message
from tests.parity.machine.ours import Careful, CoreStage
from tests.parity.machine.play import RealStage
from tests.parity.machine.real import Connection
from tests.parity.machine.scenario import Target, quote
from tests.parity.machine.wire import encode_command, end_of_message, parse

from .generator import LISTENER, Command
from .rules import BY_CHANCE, both_payloads, dump_rule, is_explained, rule_for
from .values import AUTOMATIC, DUMPED, FRESH

EVERYTHING_HEARD = b"everything heard"
"""The listener says PING with it; what comes before the answer is what was heard."""


def everything_of(command: Command) -> tuple[bytes, ...]:
    return BY_CHANCE[command.argv[0].upper()], command.argv[1]


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
        if self.command.connection == LISTENER:
            pairs = zip([*_messages(self.real), b""], [*_messages(self.ours), b""], strict=False)
            return b"heard", *next((tuple(map(_event, pair)) for pair in pairs if pair[0] != pair[1]), ())
        if self.unknown:
            return name, b"unknown"
        return name, _gist(self.real), _gist(self.ours)


def _gist(message: bytes) -> bytes:
    return message.split(b"\r\n")[0][:40] if message[:1] in b"-+" else message[:1]


def _messages(heard: bytes) -> Iterator[bytes]:
    start = 0
    while heard[start:] not in (b"", NOTHING):
        end = end_of_message(heard, start)
        yield heard[start:end]
        start = end


def _comparable(heard: bytes) -> list[list[bytes]]:
    """What was heard, but for three things that are each server's own affair: when a key goes whose time was over from the
    beginning, which pattern comes first of those that match one message, and in which order SORT BY and GET miss the keys
    of what is in no order itself."""
    messages = (message for message in _messages(heard) if _event(message) != b"expired")
    return [sorted(alike) for _, alike in groupby(messages, _told)]


def _told(message: bytes) -> tuple[bytes, ...]:
    """The channel and the text of a message; one and the same for all that tell of a miss."""
    if _event(message) == b"keymiss":
        return (b"keymiss",)
    return tuple(child.text for child in parse(message).children[-2:]) or (message,)


def _event(message: bytes) -> bytes:
    """The name of an event, from the message that tells of it."""
    children = parse(message).children if message else []
    if not children:
        return b""
    channel, told = children[-2].text, children[-1].text
    return channel.partition(b":")[2] if channel.startswith(b"__keyevent") else told


class Explained(Exception):
    """The servers differ as docs/differences.md says; from here on their values do, too."""


class Duel:
    """A real server and, for each round, a new redouble."""

    def __init__(self, name: str) -> None:
        self.stage = RealStage(name)
        self.target: Target = self.stage.target
        self.connections: dict[int, Connection] = {}
        self.commands_played = 0
        self.before: tuple[Command, bytes] = (Command(0, ()), b"")
        """The last command, and our answer to it."""
        self.has_users = False
        """Whether the last round made users."""
        self.reloaded = False
        """By DEBUG RELOAD: elements of a hashtable that has become a listpack are in an order that is chance."""
        self.dumped = b"", b""
        """What the real server and redouble answered to the last DUMP."""
        self.deadly: list[Command] = []
        """What the real server did not survive."""

    def stop(self) -> None:
        self.stage.stop()

    def fight(self, commands: Sequence[Command], protocol: int, *, size: int = 200) -> Difference | None:
        """Play commands on both servers, empty at first; tell what differs first."""
        core = CoreStage(self.target)
        ours = Careful(core)
        self.stage.reset({b"CONFIG", b"ACL"} if self.has_users or self.stage.server.has_ended() else {b"CONFIG"})
        self.has_users = any(command.argv[:1] == (b"ACL",) for command in commands)
        try:
            for connection in sorted({command.connection for command in commands} | {0}):
                self.connections[connection] = self.stage.server.connect()
                if protocol == 3:
                    self.connections[connection].ask(b"HELLO", b"3")
                    ours.send(connection, (b"HELLO", b"3"))
            waiting: set[int] = set()
            self.dumped = b"", b""
            self.reloaded = False
            start = 0
            for batch in self._batches(commands, size):
                difference = self._play(batch, start, ours, waiting)
                if difference:
                    return difference
                start += len(batch)
                if LISTENER in self.connections:
                    difference = self._play([Command(LISTENER, (), receive=True)], start - 1, ours, waiting)
                    if difference:
                        return difference
            return self._compare_values(ours, len(commands))
        except Explained:
            return None
        finally:
            core.close()
            for link in self.connections.values():
                link.close()
            self.connections.clear()

    # Playing.

    def _batches(self, commands: Sequence[Command], size: int) -> Iterator[list[Command]]:
        """Commands to be sent in one go; RESTORE begins another, for it needs the answer to DUMP."""
        batch: list[Command] = []
        for command in commands:
            if len(batch) >= size or DUMPED in command.argv:
                yield batch
                batch = []
            batch.append(command)
        yield batch

    def _play(self, commands: Sequence[Command], start: int, ours: Careful, waiting: set[int]) -> Difference | None:
        for_real, for_ours = (
            [
                replace(command, argv=tuple(dump if word == DUMPED else word for word in command.argv))
                for command in commands
            ]
            for dump in reversed(self.dumped)
        )
        answers = self._ask_real(for_real, waiting)
        now_ms = time.time_ns() // 1_000_000
        ours.advance(max(now_ms - ours.now_ms(), 0))  # what a dump tells of the real server's time has passed here, too
        for at, (command, real) in enumerate(zip(for_ours, answers, strict=True), start):
            if command.connection == LISTENER:
                got = self._heard_by_ours(ours, command)
            elif command.receive:
                got = ours.receive(command.connection) if command.connection in waiting else NOTHING
                waiting.discard(command.connection)
            else:
                got = ours.send(command.connection, command.argv)
                if command.waits and real == BLOCKED:
                    waiting.add(command.connection)
            self.commands_played += 1
            link = self.connections.get(command.connection)
            if real == NOTHING and link is not None and link.closed and self.stage.server.has_ended(10):
                self.deadly.append(command)
                raise Explained
            if real != got and not self._same(command, real, got, ours):
                if is_explained(real, got, self.target):
                    raise Explained
                return Difference(commands[at - start], real, got, at)
            if not self._possible(command, got):
                return Difference(commands[at - start], real, got, at)
            self.before = command, got
            self.reloaded |= b"RELOAD" in map(bytes.upper, command.argv[1:2])
            if command.argv and command.argv[0].upper() == b"DUMP":
                both = real[:1] == got[:1] == b"$"
                self.dumped = (parse(real).text, parse(got).text) if both else (b"", b"")
        return None

    def _ask_real(self, commands: Sequence[Command], waiting: set[int]) -> list[bytes]:
        """The real server's outcomes; commands of one connection in a row go in one batch."""
        outcomes: list[bytes] = []
        waiting = set(waiting)
        position = 0
        while position < len(commands):
            command = commands[position]
            link = self.connections[command.connection]
            if command.connection == LISTENER:
                outcomes.append(self._heard_by_real(link, command))
                position += 1
            elif command.receive:
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

    def _heard_by_real(self, link: Connection, command: Command) -> bytes:
        asked = [command.argv] if command.argv else []
        link.send(b"".join(map(encode_command, [*asked, (b"PING", EVERYTHING_HEARD)])))
        return _until_ping(lambda: link.message(10) or NOTHING)

    def _heard_by_ours(self, ours: Careful, command: Command) -> bytes:
        first = [ours.send(LISTENER, command.argv)] if command.argv else []
        messages = iter([*first, ours.send(LISTENER, (b"PING", EVERYTHING_HEARD))])
        return _until_ping(lambda: next(messages, None) or ours.receive(LISTENER))

    def _possible(self, command: Command, ours: bytes) -> bool:
        """Whether chance could choose this: it must be in what the command before, which read everything, answered."""
        if len(command.argv) < 2 or command.argv[0].upper() not in BY_CHANCE:
            return True
        earlier, everything = self.before
        return earlier.argv[:2] != everything_of(command) or _members(ours) <= _members(everything)

    def _same(self, command: Command, real: bytes, ours: bytes, redouble: Careful) -> bool:
        if command.connection == LISTENER:
            return _comparable(real) == _comparable(ours)
        if not command.argv:
            return False
        rule = rule_for(command.argv)
        if command.argv[0].upper() == b"DUMP" and len(command.argv) == 2:
            key = command.argv[1]
            asked = (
                redouble.send(command.connection, (*words, key)) for words in ((b"TYPE",), (b"OBJECT", b"ENCODING"))
            )
            kind, encoding = (parse(answer).text for answer in asked)
            rule = (
                dump_rule(kind, encoding, fresh=key == FRESH and not self.reloaded)
                if key != AUTOMATIC
                else both_payloads
            )
        return rule is not None and rule(real, ours, self.target)

    # The data sets.

    def _compare_values(self, ours: Careful, at: int) -> Difference | None:
        for database in (b"0", b"1"):
            keys = Command(0, (b"KEYS", b"*"))
            difference = self._play([Command(0, (b"SELECT", database)), keys], at, ours, set())
            if difference:
                return difference
            for node in parse(self.connections[0].ask(b"KEYS", b"*")).children:
                kind = self.connections[0].ask(b"TYPE", node.text)[1:-2]
                questions = [*self._questions(kind, node.text), (b"PTTL", node.text)]
                questions += [(b"TYPE", node.text), (b"OBJECT", b"ENCODING", node.text), (b"DUMP", node.text)]
                difference = self._play([Command(0, question) for question in questions], at, ours, set())
                if difference:
                    return difference
        return None

    def _questions(self, kind: bytes, key: bytes) -> list[tuple[bytes, ...]]:
        """What reads a value whole."""
        if kind == b"stream":
            return [
                (b"XRANGE", key, b"-", b"+"),
                (b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"),
                (b"XINFO", b"GROUPS", key),
            ]
        if kind == b"hash":
            fields = [child.text for child in parse(self.connections[0].ask(b"HKEYS", key)).children]
            return [(b"HGETALL", key), (b"HPEXPIRETIME", key, b"FIELDS", b"%d" % len(fields), *fields)]
        if kind == b"string":
            return [(b"PFCOUNT", key), (b"GET", key)]
        if kind == b"vectorset":
            return [(b"DEBUG", b"DIGEST-VALUE", key), (b"VINFO", key)]
        return [READING[kind](key) if kind in READING else (b"DUMP", key)]


READING: dict[bytes, Callable[[bytes], tuple[bytes, ...]]] = {
    b"list": lambda key: (b"LRANGE", key, b"0", b"-1"),
    b"set": lambda key: (b"SMEMBERS", key),
    b"zset": lambda key: (b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"),
}


def _until_ping(next_message: Callable[[], bytes]) -> bytes:
    heard = b""
    while True:
        message = next_message()
        heard += message
        if message == NOTHING or message.endswith(EVERYTHING_HEARD + b"\r\n"):
            return heard


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

"""`server.commands`: what clients have asked of a server, in order, with the replies.

A command that runs inside a transaction or a script is an entry, too, and says so (`within`); it stands behind the EXEC
or the EVAL that ran it.  A command that was only queued is no entry before it runs.  What clients send by themselves
when they connect (HELLO, AUTH, SELECT, CLIENT ...) is left out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, overload

from redouble.core.observer import Observer
from redouble.resp.reply import BLOCKED, QUEUED, CommandError, Reply
from redouble.testing.lines import keys_in, name_of, quote

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Command
    from redouble.core.server import Server

__all__ = ["ENTRIES_KEPT", "Entry", "Record"]

ENTRIES_KEPT = 100_000
_GREETINGS = frozenset((b"HELLO", b"AUTH", b"SELECT", b"CLIENT"))


class Entry:
    """One command.

    Attributes:
        argv: its words as bytes, the name first.
        client: the id of the connection that sent it.
        client_name: what CLIENT SETNAME had called that connection.
        db: the index of the database.
        at: Unix time in seconds, by the server's clock.
        within: the EXEC, EVAL, FCALL ... that ran it; None for a command that was sent by itself.
        reply: what it was answered, as a reply value (`b"OK"`, `1`, `None`, a list ...; an error is a `CommandError`); `WAITS` as long as
            it blocks.
    """

    __slots__ = ("argv", "at", "client", "client_name", "db", "reply", "server", "within")

    def __init__(self, server: Server, client: Client, argv: list[bytes], within: Entry | None) -> None:
        self.server = server
        self.argv = argv
        # The commands of a script run for a client that nobody knows.
        self.client: int = within.client if within else client.id
        self.client_name: bytes = within.client_name if within else client.name
        self.db = client.db.index
        self.at = server.clock.time()
        self.within = within
        self.reply: Reply = BLOCKED

    @property
    def name(self) -> str:
        """`SET`, `CLIENT SETNAME`."""
        return name_of(self.server, self.argv)

    @property
    def keys(self) -> list[bytes]:
        return keys_in(self.server, self.argv)

    @property
    def waits(self) -> bool:
        """Whether it has had no reply yet."""
        return self.reply is BLOCKED

    @property
    def error(self) -> str | None:
        """The text of the error that it was answered, if it was one."""
        return self.reply.message if isinstance(self.reply, CommandError) else None

    def __str__(self) -> str:
        """The command as one would type it, its name in capitals."""
        words = self.name.split(" ")
        return " ".join([*words, *map(quote, self.argv[len(words) :])])

    def __repr__(self) -> str:
        answer = "waits" if self.waits else f"error {self.error!r}" if self.error else repr(self.reply)
        place = f" within {self.within.name}" if self.within else ""
        return f"<client {self.client}{place}: {self} -> {answer}>"

    def __eq__(self, other: object) -> bool:
        """An entry equals the line that one would type: `entry == "SET a 1"`."""
        if isinstance(other, str):
            return str(self) == other
        return self is other

    __hash__ = object.__hash__


class Record(Observer):
    """The newest commands of one server; at most `kept`."""

    def __init__(self, server: Server, kept: int = ENTRIES_KEPT) -> None:
        self.server = server
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._waiting: dict[Client, Entry] = {}
        self._within: Entry | None = None
        """What is running now."""
        self._begun: set[int] = set()
        """The connections that have sent a command of their own."""

    # The observer.

    def call(self, client: Client, argv: list[bytes], proceed: Callable[[Client, list[bytes]], Reply]) -> Reply:
        if client.id not in self._begun:
            if argv[0].upper() in _GREETINGS:
                return proceed(client, argv)
            self._begun.add(client.id)
        entry = Entry(self.server, client, argv, None)
        self._entries.append(entry)
        before, self._within = self._within, entry
        try:
            reply = proceed(client, argv)
        finally:
            self._within = before
        if reply is BLOCKED:
            self._waiting[client] = entry
        elif reply is QUEUED and self._entries and self._entries[-1] is entry:
            self._entries.pop()
        else:
            entry.reply = reply
        return reply

    def run(
        self,
        client: Client,
        command: Command,
        argv: list[bytes],
        proceed: Callable[[Client, Command, list[bytes]], Reply],
    ) -> Reply:
        outer = self._within
        waiting = self._waiting.get(client)
        if outer is None or outer.argv is argv or (waiting is not None and waiting.argv is argv):
            return proceed(client, command, argv)
        entry = self._within = Entry(self.server, client, argv, outer)
        self._entries.append(entry)
        try:
            entry.reply = reply = proceed(client, command, argv)
        finally:
            self._within = outer
        return reply

    def answered(self, client: Client, reply: Reply) -> None:
        entry = self._waiting.pop(client, None)
        if entry is not None:
            entry.reply = reply

    # What a test asks.

    def calls(self, *names: str, key: str | bytes | None = None) -> list[Entry]:
        """The commands with one of these names (any, without names; `"CLIENT"` means all its subcommands) that touch `key`."""
        wanted = {name.upper() for name in names}
        touched = key.encode() if isinstance(key, str) else key
        return [
            entry
            for entry in self
            if (not wanted or entry.name in wanted or entry.name.partition(" ")[0] in wanted)
            and (touched is None or touched in entry.keys)
        ]

    def count(self, *names: str, key: str | bytes | None = None) -> int:
        """How many `calls` there are."""
        return len(self.calls(*names, key=key))

    def names(self) -> Counter[str]:
        """How often each command was called."""
        return Counter(entry.name for entry in self)

    def lines(self) -> list[str]:
        """All commands as one would type them."""
        return list(map(str, self))

    @property
    def errors(self) -> list[Entry]:
        """The commands that were answered with an error."""
        return [entry for entry in self if entry.error is not None]

    @property
    def waiting(self) -> list[Entry]:
        """The commands that have had no reply yet."""
        return [entry for entry in self if entry.waits]

    @property
    def last(self) -> Entry | None:
        return self._entries[-1] if self._entries else None

    def clear(self) -> None:
        """Forget what was recorded so far."""
        with self.server.lock:
            self._entries.clear()

    def __iter__(self) -> Iterator[Entry]:
        with self.server.lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> list[Entry]: ...
    def __getitem__(self, at: Any) -> Any:
        return list(self)[at]

    def __contains__(self, name: object) -> bool:
        """`"FLUSHALL" in server.commands`: whether a command was called; a whole line may be given, too."""
        return isinstance(name, str) and (bool(self.calls(name)) or any(entry == name for entry in self))

    def __str__(self) -> str:
        return "\n".join(f"{entry.client}> {entry}" for entry in self)

    def __repr__(self) -> str:
        return f"<{len(self)} commands, the last: {quote(str(self.last).encode()) if self.last else 'none'}>"

"""What the clients of a test sent and what they got, written down by their connections.

A connection class of redis-py or valkey-py, real or in process, is recorded by putting a mixin in front of it: both
sides of a comparison are written down by the same code, after the library has read the reply.  The library's own
handshake is left out.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PENDING", "Entry", "Trace", "plain", "recorded"]

PENDING = ("no reply",)
LONGEST = 10_000
"""Entries that are kept, from the beginning: a comparison wants the first difference."""


@dataclass
class Entry:
    """A command and its reply; a message of pub/sub has no command."""

    argv: list[bytes]
    reply: Any = PENDING


@dataclass
class Trace:
    """All entries of one test, in the order in which the commands were sent."""

    entries: list[Entry] = field(default_factory=list)

    def sent(self, args: Iterable[Any]) -> Entry:
        entry = Entry([_argument(value) for value in args])
        if len(self.entries) < LONGEST:
            self.entries.append(entry)
        return entry

    def clear(self) -> None:
        self.entries = []


def plain(value: Any) -> Any:
    """A reply as values that `ast.literal_eval` reads back."""
    if isinstance(value, float):
        return ("double", repr(value))
    if isinstance(value, Exception):
        return ("error", str(value))
    if isinstance(value, dict):
        return ("map", [[plain(key), plain(child)] for key, child in value.items()])
    if isinstance(value, (set, frozenset)):
        return ("set", [plain(child) for child in value])
    if isinstance(value, (list, tuple)):
        return [plain(child) for child in value]
    return value


def _argument(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    return (repr(value) if isinstance(value, float) else str(value)).encode("utf-8", "surrogateescape")


def recorded(connection_class: Any, trace: Trace) -> Any:
    """A subclass of `connection_class` whose connections write into `trace`."""
    mixin = RecordedAsync if inspect.iscoroutinefunction(connection_class.connect) else Recorded
    body = {"trace": trace, "__module__": connection_class.__module__}
    return type(connection_class.__name__, (mixin, connection_class), body)


class RecordedBase:
    trace: Trace
    handshaking = False

    @property
    def awaited(self) -> deque[Entry]:
        """The commands whose replies have not been read."""
        found: deque[Entry] = self.__dict__.setdefault("_awaited", deque())
        return found

    def note(self, args: Iterable[Any]) -> None:
        if not self.handshaking:
            self.awaited.append(self.trace.sent(args))

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> Any:
        commands = [tuple(command) for command in commands]
        for command in commands:
            self.note(command)
        return super().pack_commands(commands)  # type: ignore[misc]

    def answered(self, reply: Any) -> None:
        if self.handshaking:
            return
        entry = self.awaited.popleft() if self.awaited else self.trace.sent(())
        entry.reply = plain(reply)

    def failed(self, error: Exception) -> None:
        """An error that the server answered is a reply; that none came in time, or ever, is none."""
        if any(kind.__name__ == "ResponseError" for kind in type(error).__mro__):  # redis-py's or valkey-py's
            self.answered(error)


class Recorded(RecordedBase):
    def connect(self, *args: Any, **kwargs: Any) -> Any:
        return self._shaking_hands(super().connect, *args, **kwargs)  # type: ignore[misc]

    def connect_check_health(self, *args: Any, **kwargs: Any) -> Any:
        return self._shaking_hands(super().connect_check_health, *args, **kwargs)  # type: ignore[misc]

    def _shaking_hands(self, connect: Any, *args: Any, **kwargs: Any) -> Any:
        before, self.handshaking = self.handshaking, True
        try:
            return connect(*args, **kwargs)
        finally:
            self.handshaking = before

    def send_command(self, *args: Any, **kwargs: Any) -> Any:
        self.note(args)
        return super().send_command(*args, **kwargs)  # type: ignore[misc]

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            reply = super().read_response(*args, **kwargs)  # type: ignore[misc]
        except Exception as error:
            self.failed(error)
            raise
        self.answered(reply)
        return reply

    def disconnect(self, *args: Any, **kwargs: Any) -> Any:
        if not self.handshaking:
            self.awaited.clear()
        return super().disconnect(*args, **kwargs)  # type: ignore[misc]


class RecordedAsync(RecordedBase):
    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        return await self._shaking_hands(super().connect, *args, **kwargs)  # type: ignore[misc]

    async def connect_check_health(self, *args: Any, **kwargs: Any) -> Any:
        return await self._shaking_hands(super().connect_check_health, *args, **kwargs)  # type: ignore[misc]

    async def _shaking_hands(self, connect: Any, *args: Any, **kwargs: Any) -> Any:
        before, self.handshaking = self.handshaking, True
        try:
            return await connect(*args, **kwargs)
        finally:
            self.handshaking = before

    async def send_command(self, *args: Any, **kwargs: Any) -> Any:
        self.note(args)
        return await super().send_command(*args, **kwargs)  # type: ignore[misc]

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            reply = await super().read_response(*args, **kwargs)  # type: ignore[misc]
        except Exception as error:
            self.failed(error)
            raise
        self.answered(reply)
        return reply

    async def disconnect(self, *args: Any, **kwargs: Any) -> Any:
        if not self.handshaking:
            self.awaited.clear()
        return await super().disconnect(*args, **kwargs)  # type: ignore[misc]

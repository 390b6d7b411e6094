"""`FakeServer(strict=True)`: a command that the emulated version lacks is a fault of the test, whoever catches its error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from redouble.core.command import Command
from redouble.core.observer import Observer
from redouble.resp.reply import Reply
from redouble.testing.lines import quote

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.server import Server

__all__ = ["Strict", "UnknownCommandError"]

_TRIED_BY_CLIENTS = (b"CLIENT", b"HELLO")
"""Clients try by themselves what a server may lack (CLIENT SETINFO), and go on without it."""


class UnknownCommandError(AssertionError):
    """The server has no such command."""


class Strict(Observer):
    """Notes each unknown command, and raises where the client is one of this process."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.unknown: list[str] = []

    def call(self, client: Client, argv: list[bytes], proceed: Callable[[Client, list[bytes]], Reply]) -> Reply:
        if argv[0].upper() not in _TRIED_BY_CLIENTS and not self._knows(argv):
            server = self.server
            name = " ".join(map(quote, argv[: 2 if server.prototype(argv[0]) is not None else 1]))
            version = ".".join(map(str, server.dialect.version))
            self.unknown.append(name)
            if client.raises:
                raise UnknownCommandError(f"{server.server_type} {version} has no command {name}")
        return proceed(client, argv)

    def _knows(self, argv: list[bytes]) -> bool:
        command = self.server.find(argv)
        return isinstance(command, Command) and not (command.subcommands and len(argv) > 1)

    def verify(self) -> None:
        """Raise UnknownCommandError if any client, also one over TCP, has sent a command that the server lacks."""
        if self.unknown:
            raise UnknownCommandError(f"commands that the server lacks: {', '.join(dict.fromkeys(self.unknown))}")

"""MONITOR: clients to whom each command is shown when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from redouble.core.observer import Observer
from redouble.core.passwords import without_passwords
from redouble.resp.reply import Reply, Status

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Command
    from redouble.core.server import Server

__all__ = ["Monitors"]

_ESCAPES = {
    **{byte: b"\\x%02x" % byte for byte in range(256) if not 32 <= byte < 127},
    **{ord(character): f"\\{letter}".encode() for character, letter in zip("\n\r\t\a\b", "nrtab")},
}
_NOT_SHOWN = frozenset(("skip_monitor", "admin"))
_QUOTES = {ord("\\"): b"\\\\", ord('"'): b'\\"'}


class Monitors(Observer):
    """The clients of one server that said MONITOR."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients: dict[Client, None] = {}
        escapes = _ESCAPES | _QUOTES if server.dialect.monitor_escapes_quotes else _ESCAPES
        self._escaped = [escapes.get(byte, bytes((byte,))) for byte in range(256)]

    def add(self, client: Client) -> None:
        if not self.clients:
            self.server.observe(self)
        self.clients[client] = None

    def remove(self, client: Client) -> None:
        if client in self.clients:
            del self.clients[client]
            if not self.clients:
                self.server.forget_observer(self)

    def run(
        self,
        client: Client,
        command: Command,
        argv: list[bytes],
        proceed: Callable[[Client, Command, list[bytes]], Reply],
    ) -> Reply:
        runs_others = command.script_flags is not None or command.name == "exec"
        if client.reprocessing or (self._hides(command) and not runs_others):
            return proceed(client, command, argv)
        # A script stands before what it calls, EXEC behind what was queued.
        before = command.script_flags is not None or (self.server.dialect.monitors_before_running and not runs_others)
        own = self._show(client, argv) if before else None
        reply = proceed(client, command, argv)
        if not before:
            own = self._show(client, argv)
        return reply if own is None else self.server.accompanied(client, reply, [own], follow=not before)

    def _hides(self, command: Command) -> bool:
        if command.flags & _NOT_SHOWN or (command.name == "quit" and not self.server.dialect.monitor_shows_quit):
            return True
        if "|" not in command.name or self.server.dialect.acl.knows_subcommands:
            return False
        # Before 7.0 a container was one command, with the flags of its worst subcommand.
        container = self.server.prototypes[command.declaration.container.encode()]
        return any(prototype.flags & _NOT_SHOWN for prototype in container.subcommands.values())

    def _show(self, client: Client, argv: list[bytes]) -> Reply:
        """Tell all clients of a command; what `client` itself is told comes back."""
        address = "lua" if client.is_script else client.address
        words = b" ".join(
            b'"%b"' % b"".join(map(self._escaped.__getitem__, word))
            for word in without_passwords(self.server.config, argv)
        )
        line = Status(b"%.6f [%d %b] %b" % (self.server.clock.time(), client.db.index, address.encode(), words))
        for other in self.clients:
            if other is not client:
                other.push(line)
        return line if client in self.clients else None

"""A client that nobody is connected to: it plays commands that were written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redouble.core.client import Client
from redouble.resp.reply import CommandError, Push, Reply

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["Player"]


class Player(Client):
    """Plays commands as somebody who may do everything; nobody is connected to it, and no observer sees it."""

    deny_blocking = True

    def __init__(self, server: Server, db: int = 0) -> None:
        super().__init__(server)
        self.gate = 0
        self.db = server.database(db)

    def join(self) -> int:
        return 0

    def deliver(self, reply: Reply) -> None:
        """Its commands do not block."""

    def push(self, message: Push) -> None:
        """It does not listen."""

    def play(self, argv: list[bytes]) -> Reply:
        """Run a command.  Raises ValueError if it is answered with an error."""
        if not argv:
            raise ValueError("no command")
        reply = type(self.server).call(self.server, self, argv)
        if isinstance(reply, CommandError):
            raise ValueError(reply.message)
        return reply

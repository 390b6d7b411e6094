"""Who looks at every command of a server, or stands in its way: a record of commands, faults on purpose.

`Server.observe` puts an observer around the two paths that commands take, and only then do commands pay for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from redouble.resp.reply import Reply

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Command

__all__ = ["Observer"]


class Observer:
    """Sees everything and changes nothing; subclasses override what they need."""

    interferes = False
    """Whether it may keep a command from running or its reply from arriving; such observers stand innermost."""

    def call(self, client: Client, argv: list[bytes], proceed: Callable[[Client, list[bytes]], Reply]) -> Reply:
        """A client sent a command; `proceed` checks it, runs or queues it and answers as `Server.call` does."""
        return proceed(client, argv)

    def run(
        self,
        client: Client,
        command: Command,
        argv: list[bytes],
        proceed: Callable[[Client, Command, list[bytes]], Reply],
    ) -> Reply:
        """A command that passed the checks runs: also each one of an EXEC or a script, and again when it was blocked."""
        return proceed(client, command, argv)

    def answered(self, client: Client, reply: Reply) -> None:
        """A blocked client got the reply that it waited for."""

    def admits(self) -> bool:
        """Whether the server accepts a connection now."""
        return True

"""What a server knows of its master: that it is a replica, and of whom.

There is no link: a replica keeps the data that it had, as one does that cannot reach its master.  What it then refuses hides
behind a bit of the server's gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redouble.core.errors import MASTERDOWN, READONLY, CommandError, text

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Argv, Command
    from redouble.core.server import Server

__all__ = ["Replication", "lines_of"]

UNBLOCKED: Final = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"


class Replication:
    """Whom one server follows."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.master: tuple[bytes, int] | None = None
        """Host and port; None: it is a master itself."""

    def follow(self, master: tuple[bytes, int] | None) -> None:
        """Become a replica, or a master; whoever waits is told of a new master, and has to connect again."""
        self.master = master
        if master is None:
            return
        blocking = self.server.blocking
        for client in list(blocking.clients):
            if client not in blocking.postponed:
                blocking.answer(client, CommandError(UNBLOCKED))
                client.hang_up()

    @property
    def master_host(self) -> str:
        return text(self.master[0]) if self.master else ""

    @property
    def master_port(self) -> int:
        return self.master[1] if self.master else 0

    @property
    def is_read_only(self) -> bool:
        return self.master is not None and self.server.config.flag("replica-read-only")

    @property
    def hides_data(self) -> bool:
        """Whether it answers nothing that the data could have changed: its master is not there."""
        return self.master is not None and not self.server.config.flag("replica-serve-stale-data")

    def refusal_to_write(self, client: Client, command: Command, argv: Argv) -> str:
        """Why a replica does not run a command that writes; empty: it does."""
        if self.is_read_only and any(
            each.changes_keys(self.server, line) for each, line in lines_of(client, command, argv)
        ):
            return READONLY
        return ""

    def refusal_to_read(self, client: Client, command: Command, argv: Argv) -> str:
        """Why a replica without its master does not run a command; empty: it does."""
        if self.hides_data and not all(
            each.takes_stale(self.server, line) for each, line in lines_of(client, command, argv)
        ):
            return MASTERDOWN
        return ""


def lines_of(client: Client, command: Command, argv: Argv) -> list[tuple[Command, Argv]]:
    """What a command runs: EXEC the queue of its client."""
    return [(command, argv), *client.queue] if command.name == "exec" else [(command, argv)]

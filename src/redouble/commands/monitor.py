"""MONITOR: a client is shown every command."""

from __future__ import annotations

from redouble.core.client import MONITORS, Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import NO_REPLY, OK, Reply


@command("MONITOR", flags="admin noscript loading stale", since="1.0.0", group="server")
def monitor(client: Client, argv: Argv) -> Reply:
    """Show this connection every command that the server runs from now on."""
    if client.deny_blocking and client.server.dialect.transactions_deny_monitor:
        raise CommandError("ERR MONITOR isn't allowed for DENY BLOCKING client")
    if client.gate & MONITORS:
        return NO_REPLY
    client.close_gate(MONITORS)
    client.server.monitors.add(client)
    return OK

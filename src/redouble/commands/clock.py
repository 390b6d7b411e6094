"""CLOCK: move the server's clock over the wire.  No real server has it; one that was not told to does not know it either."""

from __future__ import annotations

from redouble.core.arguments import double
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.resp.reply import OK, Reply

LARGEST = 2**63 / 1e9
"""Seconds; as many as 64 bits hold in nanoseconds."""

container("CLOCK", since="1.0.0 valkey=7.2.0")


def _seconds(client: Client, text: bytes) -> float:
    seconds = double(client, text)
    if not 0 <= seconds < LARGEST:
        raise CommandError("ERR seconds must not be negative, nor more than 64 bits of nanoseconds")
    return seconds


def _alone(client: Client) -> None:
    """Whoever moves the clock lets others act, which no transaction bears."""
    if client.deny_blocking:
        raise CommandError("ERR CLOCK is not allowed in transactions")


@command("CLOCK ADVANCE seconds", flags="admin noscript loading stale", since="1.0.0 valkey=7.2.0")
def advance(client: Client, argv: Argv) -> Reply:
    """Let seconds pass, fractions allowed."""
    seconds = _seconds(client, argv[2])
    _alone(client)
    client.server.clock.advance(seconds)
    return OK


@command(
    "CLOCK FREEZE [AT unix-time-seconds] [AUTOJUMP]", flags="admin noscript loading stale", since="1.0.0 valkey=7.2.0"
)
def freeze(client: Client, argv: Argv) -> Reply:
    """Stop the clock; with AUTOJUMP it goes on by itself to what a blocked client waits for, once everybody waits."""
    given = client.command.options.parse(argv, 2)
    at = _seconds(client, given["AT"]) if "AT" in given else None
    _alone(client)
    client.server.clock.freeze(at, autojump="AUTOJUMP" in given)
    return OK


@command("CLOCK SET unix-time-seconds", flags="admin noscript loading stale", since="1.0.0 valkey=7.2.0")
def set_(client: Client, argv: Argv) -> Reply:
    """Change the date. Keys expire by it, timeouts do not change."""
    when = _seconds(client, argv[2])
    _alone(client)
    client.server.clock.set(when)
    return OK


@command("CLOCK UNFREEZE", flags="admin noscript loading stale", since="1.0.0 valkey=7.2.0")
def unfreeze(client: Client, argv: Argv) -> Reply:
    """Let time run on from where it stands."""
    _alone(client)
    client.server.clock.unfreeze()
    return OK

"""Commands about the connection itself."""

from __future__ import annotations

from redouble.core import errors
from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import OK, PONG, Reply


@command("PING [message]", flags="fast", since="1.0.0")
def ping(client: Client, argv: Argv) -> Reply:
    """Answer PONG, or the message."""
    if len(argv) > 2:
        raise errors.wrong_arity(client.command.name)
    if client.resp == 2 and client.subscriptions:
        return [b"pong", argv[1] if len(argv) == 2 else b""]
    return argv[1] if len(argv) == 2 else PONG


@command("ECHO message", flags="loading stale fast", since="1.0.0")
def echo(client: Client, argv: Argv) -> Reply:
    """Answer the message."""
    return argv[1]


@command("SELECT index", flags="loading stale fast", since="1.0.0")
def select(client: Client, argv: Argv) -> Reply:
    """Change the database that this connection works on."""
    index = integer(argv[1])
    if not 0 <= index < client.server.config.databases:
        raise CommandError(errors.DB_OUT_OF_RANGE)
    client.db = client.server.database(index)
    return OK

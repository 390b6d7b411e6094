"""MULTI, EXEC and WATCH.  The queueing itself is the gate's (`Server.call`): these commands only open and close it."""

from __future__ import annotations

from redouble.core import errors
from redouble.core.client import IN_MULTI, Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import NULL_ARRAY, OK, Reply


@command("MULTI", flags="noscript loading stale fast allow_busy no_multi@valkey=8.1.0", since="1.2.0")
def multi(client: Client, argv: Argv) -> Reply:
    """Begin a transaction: what follows is queued until EXEC."""
    if client.gate & IN_MULTI:
        raise CommandError("ERR MULTI calls can not be nested")
    client.close_gate(IN_MULTI)
    return OK


@command(
    "EXEC",
    flags="noscript loading stale skip_slowlog@before:valkey=8.1.0 skip_commandlog@valkey=8.1.0 skip_monitor@before:6.2.0",
    since="1.2.0",
)
def exec_(client: Client, argv: Argv) -> Reply:
    """Run the queued commands as one unit; nil if a watched key was changed."""
    if not client.gate & IN_MULTI:
        raise CommandError("ERR EXEC without MULTI")
    for db, key in client.watching:
        if db.expires and db.expire_if_due(key):
            client.watch_broken = True
    queue, failed, broken = client.queue, client.queue_failed, client.watch_broken
    client.discard()
    if failed:
        raise CommandError(errors.EXECABORT)
    if broken:
        return NULL_ARRAY
    return client.server.run_queue(client, queue)


@command("DISCARD", flags="noscript loading stale fast allow_busy", since="2.0.0")
def discard(client: Client, argv: Argv) -> Reply:
    """Forget the queued commands and the watched keys."""
    if not client.gate & IN_MULTI:
        raise CommandError("ERR DISCARD without MULTI")
    client.discard()
    return OK


@command("WATCH key [key ...]", flags="noscript loading stale fast allow_busy no_multi@valkey=8.1.0", since="2.2.0")
def watch(client: Client, argv: Argv) -> Reply:
    """Let the next EXEC fail if one of these keys changes before it."""
    if client.gate & IN_MULTI:
        raise CommandError("ERR WATCH inside MULTI is not allowed")
    for key in argv[1:]:
        if (client.db, key) not in client.watching:
            client.db.watch(client, key)
            client.watching[client.db, key] = None
    return OK


@command("UNWATCH", flags="noscript loading stale fast allow_busy", since="2.2.0")
def unwatch(client: Client, argv: Argv) -> Reply:
    """Forget the watched keys."""
    client.unwatch()
    return OK

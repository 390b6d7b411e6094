"""SLOWLOG and COMMANDLOG: the commands that took long or were large."""

from __future__ import annotations

from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.command_log import CommandLog
from redouble.core.errors import CommandError
from redouble.core.stopwatch import SLOW
from redouble.resp.reply import OK, Reply

FLAGS = "admin loading stale"
BAD_COUNT = "ERR count should be greater than or equal to -1"

container("SLOWLOG", since="2.2.12", help_since="6.2.0", group="server")


@command("SLOWLOG GET [count]", flags=FLAGS, since="2.2.12", group="server")
def slowlog_get(client: Client, argv: Argv) -> Reply:
    """The last slow commands, 10 or so many, -1: all; of each its id, Unix time, microseconds, words, client and name."""
    if len(argv) > 3:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    count = 10
    if len(argv) == 3:
        count = checked_count(argv[2]) if client.server.dialect.logs.checks_count else integer(argv[2])
    return client.server.stopwatch.logs[SLOW].newest(count)


def checked_count(text: bytes) -> int:
    count = integer(text, BAD_COUNT)
    if count < -1:
        raise CommandError(BAD_COUNT)
    return count


@command("SLOWLOG LEN", flags=FLAGS, since="2.2.12", group="server")
def slowlog_len(client: Client, argv: Argv) -> Reply:
    """How many slow commands are remembered."""
    return len(client.server.stopwatch.logs[SLOW])


@command("SLOWLOG RESET", flags=FLAGS, since="2.2.12", group="server")
def slowlog_reset(client: Client, argv: Argv) -> Reply:
    """Forget them."""
    client.server.stopwatch.logs[SLOW].clear()
    return OK


container("COMMANDLOG", since="valkey=8.1.0", help_since="valkey=8.1.0", group="server")


@command("COMMANDLOG GET count <SLOW | LARGE-REQUEST | LARGE-REPLY>", flags=FLAGS, since="valkey=8.1.0", group="server")
def commandlog_get(client: Client, argv: Argv) -> Reply:
    """The last commands that were slow, or large, or had a large reply; -1: all."""
    count = checked_count(argv[2])
    return _log(client, argv[3]).newest(count)


@command("COMMANDLOG LEN <SLOW | LARGE-REQUEST | LARGE-REPLY>", flags=FLAGS, since="valkey=8.1.0", group="server")
def commandlog_len(client: Client, argv: Argv) -> Reply:
    """How many of them are remembered."""
    return len(_log(client, argv[2]))


@command("COMMANDLOG RESET <SLOW | LARGE-REQUEST | LARGE-REPLY>", flags=FLAGS, since="valkey=8.1.0", group="server")
def commandlog_reset(client: Client, argv: Argv) -> Reply:
    """Forget them."""
    _log(client, argv[2]).clear()
    return OK


def _log(client: Client, kind: bytes) -> CommandLog:
    log = client.server.stopwatch.logs.get(kind.upper())
    if log is None:
        raise CommandError("ERR type should be one of the following: slow, large-request, large-reply")
    return log

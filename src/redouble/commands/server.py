"""Commands about the server as a whole."""

from __future__ import annotations

from redouble.core import errors
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.resp.reply import OK, Reply

ADMIN = "admin noscript loading stale"
ALL_NODES = "request_policy:all_nodes@7.2.0 response_policy:all_succeeded@7.2.0"

# CONFIG.

container("CONFIG", since="2.0.0")


@command("CONFIG GET parameter [parameter ...]", flags=ADMIN, since="2.0.0")
def config_get(client: Client, argv: Argv) -> Reply:
    """The parameters that match one of the patterns, and their values."""
    return client.server.config.matching(argv[2:])


@command(
    "CONFIG SET parameter value [parameter value ...]",
    flags=ADMIN,
    since="2.0.0",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def config_set(client: Client, argv: Argv) -> Reply:
    """Change parameters: all of them, or none if one cannot be."""
    if len(argv) % 2:
        raise CommandError(errors.SYNTAX_ERROR)
    client.server.config.set(zip(argv[2::2], argv[3::2]))
    return OK


@command("CONFIG RESETSTAT", flags=ADMIN, since="2.0.0", tips=ALL_NODES)
def config_resetstat(client: Client, argv: Argv) -> Reply:
    """Let INFO count from zero."""
    client.server.reset_statistics()
    return OK


@command("CONFIG REWRITE", flags=ADMIN, since="2.8.0", tips=ALL_NODES)
def config_rewrite(client: Client, argv: Argv) -> Reply:
    """Write the parameters to the configuration file."""
    raise CommandError("ERR The server is running without a config file")

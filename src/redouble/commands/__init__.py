"""The commands, one module for each group of COMMAND DOCS.  Importing this package fills the command table."""

from redouble.commands import (
    bitmap,
    command,
    connection,
    debug,
    generic,
    hash,
    list,
    pubsub,
    server,
    set,
    sorted_set,
    string,
    transactions,
)

__all__ = [
    "bitmap",
    "command",
    "connection",
    "debug",
    "generic",
    "hash",
    "list",
    "pubsub",
    "server",
    "set",
    "sorted_set",
    "string",
    "transactions",
]

__all__ = ["bitmap", "connection", "string", "transactions"]

__all__ = ["connection", "hash", "list", "set", "string", "transactions"]

__all__ = ["connection", "generic", "hash", "list", "server", "string", "transactions"]
from redouble.commands import scanning

__all__ = ["bitmap", "connection", "generic", "hash", "list", "scanning", "server", "set", "string", "transactions"]

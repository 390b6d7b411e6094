"""The commands, one module for each group of COMMAND DOCS.  Importing this package fills the command table."""

from redouble.commands import (
    bitmap,
    command,
    connection,
    debug,
    generic,
    hash,
    hash_expiry,
    list,
    pubsub,
    scanning,
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
    "hash_expiry",
    "list",
    "pubsub",
    "scanning",
    "server",
    "set",
    "sorted_set",
    "string",
    "transactions",
]

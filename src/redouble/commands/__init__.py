"""The commands, one module for each group of COMMAND DOCS.  Importing this package fills the command table."""

from redouble.commands import (
    bitmap,
    connection,
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
    "connection",
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

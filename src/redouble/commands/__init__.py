"""The commands, one module for each group of COMMAND DOCS.  Importing this package fills the command table."""

from redouble.commands import bitmap, connection, list, string, transactions

__all__ = ["bitmap", "connection", "list", "string", "transactions"]

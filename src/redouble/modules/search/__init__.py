"""RediSearch: indexes over hashes and JSON documents, queries, aggregations, suggestions."""

from redouble.modules.search import commands, rdb, saved

__all__ = ["commands", "rdb", "saved"]

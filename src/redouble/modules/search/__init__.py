"""RediSearch: indexes over hashes and JSON documents, queries, aggregations, suggestions."""

from redouble.modules.search import commands, rdb

__all__ = ["commands", "rdb"]

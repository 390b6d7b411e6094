"""RediSearch: indexes over hashes and JSON documents, queries, aggregations, suggestions."""

from redouble.modules.search import commands

__all__ = ["commands"]

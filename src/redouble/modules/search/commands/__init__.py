"""FT.*, a file for each family."""

from redouble.modules.search.commands import (
    aggregate,
    debug,
    dictionary,
    document,
    explain,
    index,
    profile,
    search,
    spelling,
    suggestion,
)

__all__ = [
    "aggregate",
    "debug",
    "dictionary",
    "document",
    "explain",
    "index",
    "profile",
    "search",
    "spelling",
    "suggestion",
]

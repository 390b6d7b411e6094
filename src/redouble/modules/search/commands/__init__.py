"""FT.*, a file for each family."""

from redouble.modules.search.commands import (
    aggregate,
    dictionary,
    document,
    explain,
    index,
    profile,
    search,
    spelling,
    suggestion,
)

__all__ = ["aggregate", "dictionary", "document", "explain", "index", "profile", "search", "spelling", "suggestion"]

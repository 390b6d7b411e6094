"""FT.*, a file for each family."""

from redouble.modules.search.commands import aggregate, index, search

__all__ = ["aggregate", "index", "search"]

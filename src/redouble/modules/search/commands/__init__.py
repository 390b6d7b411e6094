"""FT.*, a file for each family."""

from redouble.modules.search.commands import index, search

__all__ = ["index", "search"]

"""FT.*, a file for each family."""

from redouble.modules.search.commands import explain, index, search

__all__ = ["explain", "index", "search"]

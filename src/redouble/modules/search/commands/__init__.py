"""FT.*, a file for each family."""

from redouble.modules.search.commands import document, explain, index, search

__all__ = ["document", "explain", "index", "search"]

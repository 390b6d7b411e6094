"""FT.*, a file for each family."""

from redouble.modules.search.commands import document, index, search

__all__ = ["document", "index", "search"]

"""FT.*, a file for each family."""

from redouble.modules.search.commands import aggregate, document, explain, index, search, spelling

__all__ = ["aggregate", "document", "explain", "index", "search", "spelling"]

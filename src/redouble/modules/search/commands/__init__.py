"""FT.*, a file for each family."""

from redouble.modules.search.commands import index

__all__ = ["index"]

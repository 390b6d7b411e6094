"""The commands."""

from redouble.modules.json.commands import array, document, scalar

__all__ = ["array", "document", "scalar"]

"""The commands, a file for each of the structures."""

from redouble.modules.bloom.commands import cms

__all__ = ["cms"]

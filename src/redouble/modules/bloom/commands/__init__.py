"""The commands, a file for each of the structures."""

from redouble.modules.bloom.commands import bf, cf, cms

__all__ = ["bf", "cf", "cms"]

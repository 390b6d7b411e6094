"""The commands."""

from redouble.modules.vectorset.commands import vset

__all__ = ["vset"]

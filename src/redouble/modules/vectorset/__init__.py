"""Vector sets."""

from redouble.modules.vectorset import commands, rdb

__all__ = ["commands", "rdb"]

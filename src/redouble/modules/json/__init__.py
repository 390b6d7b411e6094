"""RedisJSON."""

from redouble.modules.json import commands, rdb

__all__ = ["commands", "rdb"]

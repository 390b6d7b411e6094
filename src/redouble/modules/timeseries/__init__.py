"""RedisTimeSeries."""

from redouble.modules.timeseries import commands, rdb

__all__ = ["commands", "rdb"]

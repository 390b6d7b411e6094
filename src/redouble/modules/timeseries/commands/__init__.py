"""The commands: those about one series, and those that find series by their labels."""

from redouble.modules.timeseries.commands import many, ts

__all__ = ["many", "ts"]

"""What differs between the versions of RedisTimeSeries."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from redouble.core.client import Client
from redouble.modules.timeseries.numbers import parse_value, parse_value_strictly

__all__ = ["TimeSeries", "version"]


class TimeSeries:
    """RedisTimeSeries 1.12, of Redis Stack 7."""

    parse_value: ClassVar[Callable[[bytes], float | None]] = parse_value
    """`TS.ADD k 1 1x`, `TS.ADD k 1 nan`: a 1 and an error, or (8) an error and a nan."""
    counts_nan: ClassVar[bool] = False
    """`TS.RANGE k - + AGGREGATION countnan 10`: unknown (1.12)."""
    default_policy: ClassVar[bytes | None] = None
    """`TS.CREATE k`, `TS.INFO k`: the duplicatePolicy."""
    cannot_insert: ClassVar[str] = (
        "ERR TSDB: Error at upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK mode"
    )
    """`TS.ADD k 1 1`, `TS.ADD k 1 2`."""


class TimeSeries8(TimeSeries):
    """The one of Redis 8."""

    parse_value = parse_value_strictly
    counts_nan = True
    default_policy = b"block"
    cannot_insert = (
        "ERR TSDB: Error at upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK mode,"
        " or either current or new value is NaN and DUPLICATE_POLICY is MAX/MIN/SUM"
    )


def version(client: Client) -> type[TimeSeries]:
    """The version that the server has."""
    return TimeSeries8 if client.server.dialect.describes_modules else TimeSeries

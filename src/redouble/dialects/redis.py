"""Redis, version by version: each class says what changed since the one before it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from redouble.dialects.base import Dialect
from redouble.types.number import format_double_shortest

__all__ = ["NOVALUES_REFUSED", "REDIS", "Redis72"]

NOVALUES_REFUSED: Mapping[bytes, str] = MappingProxyType(
    {b"NOVALUES": "ERR NOVALUES option can only be used in HSCAN"}
)


class Redis70(Dialect):
    pass


class Redis72(Redis70):
    version = redis_version = (7, 2, 4)
    format_double = staticmethod(format_double_shortest)
    scan_cursor = re.compile(rb"(?!-[1-9])\s*[+-]?[0-9]+")
    serves_the_ready_key_only = False
    lset_index_wraps_at_32_bits = True
    lrem_takes_int64_min = False
    timeouts_wrap = False


class Redis74(Redis72):
    version = redis_version = (7, 4, 1)
    refused_by_scan = NOVALUES_REFUSED


class Redis80(Redis74):
    version = redis_version = (8, 0, 2)


class Redis86(Redis80):
    version = redis_version = (8, 6, 3)


REDIS: list[type[Dialect]] = [Redis70, Redis72, Redis74, Redis80, Redis86]
"""In order of version."""

"""Valkey, which left Redis at 7.2.4: each class says what changed since the one before it."""

from __future__ import annotations

from redouble.dialects.base import Dialect
from redouble.dialects.redis import Redis72
from redouble.types.number import parse_hexless_double

__all__ = ["VALKEY"]


class Valkey72(Redis72):
    name = "valkey"
    version = (7, 2, 4)


class Valkey81(Valkey72):
    version = (8, 1, 1)
    bitcount_end_is_optional = True


class Valkey91(Valkey81):
    version = (9, 1, 2)
    getex_checks_value_of_missing_key = True
    parse_double = staticmethod(parse_hexless_double)


VALKEY: list[type[Dialect]] = [Valkey72, Valkey81, Valkey91]
"""In order of version."""

"""Valkey, which left Redis at 7.2.4: each class says what changed since the one before it."""

from __future__ import annotations

from dataclasses import replace

from redouble.dialects.base import Dialect
from redouble.dialects.redis import STRICT_CURSOR, Redis72
from redouble.resp.parser import Rules
from redouble.types.number import parse_hexless_double

__all__ = ["VALKEY"]


class Valkey72(Redis72):
    name = "valkey"
    version = (7, 2, 4)


class Valkey81(Valkey72):
    version = (8, 1, 1)
    small_integers_are_shared = False
    scan_knows_types = True
    cursor_pattern = STRICT_CURSOR

    @staticmethod
    def fits_embedded(key_length: int, length: int, expires: bool) -> bool:
        return key_length + length <= (33 if expires else 41)

    requests = Rules(nul_hides_multibulk_line=False, nul_hides_bulk_line=False)


class Valkey91(Valkey81):
    version = (9, 1, 2)
    requests = replace(Valkey81.requests, checks_line_ends=True, quotes_may_touch=True)
    getex_checks_value_of_missing_key = True
    parse_double = parse_weight = staticmethod(parse_hexless_double)

    @staticmethod
    def fits_embedded(key_length: int, length: int, expires: bool) -> bool:
        return key_length + (2 if key_length > 31 else 0) + length <= (105 if expires else 113)


VALKEY: list[type[Dialect]] = [Valkey72, Valkey81, Valkey91]
"""In order of version."""

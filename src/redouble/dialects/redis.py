"""Redis, version by version: each class says what changed since the one before it."""

from __future__ import annotations

import re

from redouble.dialects.base import Dialect
from redouble.resp.parser import Rules
from redouble.types.number import format_double_shortest, parse_boundless_weight

__all__ = ["REDIS"]


STRICT_CURSOR = re.compile(rb"(?!-[1-9][0-9]{0,18}$)[ \t\n\v\f\r]*[+-]?[0-9]+")


class Redis70(Dialect):
    pass


class Redis72(Redis70):
    version = redis_version = (7, 2, 4)
    format_double = staticmethod(format_double_shortest)
    timeouts_wrap = False
    pushes_follow_the_reply = True


class Redis74(Redis72):
    version = redis_version = (7, 4, 1)
    cursor_pattern = STRICT_CURSOR


class Redis80(Redis74):
    version = redis_version = (8, 0, 2)
    parse_weight = staticmethod(parse_boundless_weight)


class Redis86(Redis80):
    version = redis_version = (8, 6, 3)
    small_integers_are_shared = False

    @staticmethod
    def fits_embedded(key_length: int, length: int, expires: bool) -> bool:
        return key_length + length <= 41

    requests = Rules(nul_hides_bulk_line=False, limits_bulk_line=False)

    @staticmethod
    def unknown_command(argv: list[bytes]) -> str:
        """`NOSUCH`: the list of arguments is not announced when there are none."""
        text = Dialect.unknown_command(argv)
        return text if len(argv) > 1 else text.removesuffix(", with args beginning with: ")


REDIS: list[type[Dialect]] = [Redis70, Redis72, Redis74, Redis80, Redis86]
"""In order of version."""

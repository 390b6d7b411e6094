"""Redis, version by version: each class says what changed since the one before it."""

from __future__ import annotations

from redouble.dialects.base import Dialect
from redouble.resp.parser import Rules
from redouble.types.number import format_double_shortest

__all__ = ["REDIS"]


class Redis70(Dialect):
    pass


class Redis72(Redis70):
    version = redis_version = (7, 2, 4)
    format_double = staticmethod(format_double_shortest)
    timeouts_wrap = False


class Redis74(Redis72):
    version = redis_version = (7, 4, 1)


class Redis80(Redis74):
    version = redis_version = (8, 0, 2)


class Redis86(Redis80):
    version = redis_version = (8, 6, 3)
    requests = Rules(nul_hides_bulk_line=False, limits_bulk_line=False)

    @staticmethod
    def unknown_command(argv: list[bytes]) -> str:
        """`NOSUCH`: the list of arguments is not announced when there are none."""
        text = Dialect.unknown_command(argv)
        return text if len(argv) > 1 else text.removesuffix(", with args beginning with: ")


REDIS: list[type[Dialect]] = [Redis70, Redis72, Redis74, Redis80, Redis86]
"""In order of version."""

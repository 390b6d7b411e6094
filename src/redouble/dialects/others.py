"""Dragonfly and KiviDB, whose names fakeredis knows: what their documentation tells.  No real one was asked."""

from __future__ import annotations

from redouble.core.errors import text
from redouble.dialects.base import Dialect
from redouble.dialects.redis import REDIS, Redis72

__all__ = ["DRAGONFLY", "KIVIDB"]


class Dragonfly(Redis72):
    """What Redis had by 7.2, without what Dragonfly's table of compatible commands lacks, with commands of its own."""

    name = "dragonfly"
    hello_name = b"redis"
    version = redis_version = (7, 4, 0)
    """What it says of itself, whatever release of it."""
    release = b"df-v1.30.0"
    proven = False
    comparing_reads = False
    loads_modules = False
    lacks = frozenset(
        (
            *("client|getredir", "client|no-evict", "client|no-touch", "client|reply", "client|unblock"),
            *("command|docs", "failover", "function", "fcall", "fcall_ro", "latency", "lcs", "lolwut", "module"),
            *("object", "pfdebug", "pfselftest", "swapdb", "waitaof"),
        )
    )

    @staticmethod
    def unknown_command(argv: list[bytes]) -> str:
        return f"ERR unknown command `{text(argv[0].upper())}`"


def _unknown_command(argv: list[bytes]) -> str:
    return "ERR unknown command"


DRAGONFLY: list[type[Dialect]] = [Dragonfly]

KIVIDB: list[type[Dialect]] = [
    type("KiviDB", (dialect,), {"proven": False, "unknown_command": staticmethod(_unknown_command)})
    for dialect in REDIS
]
"""As the Redis of that version, but for that text."""

"""Redis, version by version: each class says what changed since the one before it."""

from __future__ import annotations

from redouble.dialects.base import Dialect, Module, insert_after
from redouble.resp.parser import Rules
from redouble.types.number import format_double_shortest

__all__ = ["REDIS"]


class Redis70(Dialect):
    pass


class Redis72(Redis70):
    version = redis_version = (7, 2, 4)
    format_double = staticmethod(format_double_shortest)
    serves_the_ready_key_only = False
    lset_index_wraps_at_32_bits = True
    lrem_takes_int64_min = False
    hello_with_auth = "HELLO <proto> AUTH <user> <pass>"
    reset_ends_no_evict = True
    client_fields = (*Redis70.client_fields, "lib-name", "lib-ver")
    checks_end_of_pause = True
    timeouts_wrap = False


class Redis74(Redis72):
    version = redis_version = (7, 4, 1)
    client_fields = insert_after(Redis72.client_fields, "multi", "watch")
    client_filters = Redis72.client_filters | {"MAXAGE"}


class Redis80(Redis74):
    version = redis_version = (8, 0, 2)
    modules = (Module(b"vectorset", 1),)
    client_fields = (*Redis74.client_fields, "io-thread")


class Redis86(Redis80):
    version = redis_version = (8, 6, 3)
    client_fields = (*Redis80.client_fields, "tot-net-in", "tot-net-out", "tot-cmds")

    @staticmethod
    def embedded_string_limit(key_size: int, expires: bool) -> int:
        """The key is inside the same object."""
        return 41 - key_size

    @staticmethod
    def set_allows(before: str, option: str) -> bool:
        """`SET k v IFNE w NX` (8.4): both must hold; `SET k v NX IFNE w` is a syntax error."""
        return before == option or (before.startswith("IF") and option in ("NX", "XX"))

    @staticmethod
    def refused_without_authentication(error: str) -> str:
        """`NOSUCH a`: the arguments are not repeated to somebody unknown."""
        return error.partition(", with args beginning with: ")[0]

    requests = Rules(nul_hides_bulk_line=False, limits_bulk_line=False)


REDIS: list[type[Dialect]] = [Redis70, Redis72, Redis74, Redis80, Redis86]
"""In order of version."""

"""Valkey, which left Redis at 7.2.4: each class says what changed since the one before it."""

from __future__ import annotations

from redouble.dialects.base import Dialect, Module, insert_after
from dataclasses import replace

from redouble.dialects.redis import Redis72
from redouble.resp.parser import Rules
from redouble.types.number import parse_hexless_double

__all__ = ["VALKEY"]


class Valkey72(Redis72):
    name = "valkey"
    version = (7, 2, 4)


class Valkey81(Valkey72):
    version = (8, 1, 1)

    @staticmethod
    def embedded_string_limit(key_size: int, expires: bool) -> int:
        """The key and the time to live are inside the same object."""
        return 41 - key_size - 8 * expires

    @staticmethod
    def set_allows(before: str, option: str) -> bool:
        """`SET k v IFEQ a IFEQ b`: a syntax error."""
        return before == option != "IFEQ"

    bitcount_end_is_optional = True
    client_fields = (
        *insert_after(insert_after(Valkey72.client_fields, "multi", "watch"), "flags", "capa"),
        "tot-net-in",
        "tot-net-out",
        "tot-cmds",
    )
    client_types = Valkey72.client_types | {b"primary"}
    client_filters = Valkey72.client_filters | {"MAXAGE"}
    several_client_ids = True
    requests = Rules(nul_hides_multibulk_line=False, nul_hides_bulk_line=False)


class Valkey91(Valkey81):
    version = (9, 1, 2)
    modules = (Module(b"lua", 1, b"lua"),)
    client_filters = Valkey81.client_filters | set(
        "NAME IDLE FLAGS LIB-NAME LIB-VER DB CAPA IP NOT-TYPE NOT-ID NOT-USER NOT-ADDR NOT-LADDR NOT-NAME NOT-FLAGS"
        " NOT-LIB-NAME NOT-LIB-VER NOT-DB NOT-CAPA NOT-IP".split()
    )
    complains_of_more_client_arguments = False
    msetex_wrong_count = "ERR invalid numkeys value or out of range"
    msetex_too_few_pairs = "ERR syntax error"

    @staticmethod
    def embedded_string_limit(key_size: int, expires: bool) -> int:
        """A larger object; a key of 32 bytes or more needs a larger header."""
        return 113 - key_size - 2 * (key_size >= 32) - 8 * expires

    @staticmethod
    def refused_without_authentication(error: str) -> str:
        """`NOSUCH a` and `GET` of a client that has to authenticate: nothing but that."""
        return "NOAUTH Authentication required."

    requests = replace(Valkey81.requests, checks_line_ends=True, quotes_may_touch=True)
    getex_checks_value_of_missing_key = True
    parse_double = staticmethod(parse_hexless_double)


VALKEY: list[type[Dialect]] = [Valkey72, Valkey81, Valkey91]
"""In order of version."""

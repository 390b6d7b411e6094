"""Redis, version by version: each class says what changed since the one before it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from redouble.dialects.base import Dialect, Module, insert_after
from redouble.resp.parser import Rules
from redouble.types.number import format_double_shortest, parse_boundless_weight

__all__ = ["NOVALUES_REFUSED", "REDIS", "Redis72"]

NOVALUES_REFUSED: Mapping[bytes, str] = MappingProxyType({b"NOVALUES": "ERR NOVALUES option can only be used in HSCAN"})


STRICT_CURSOR = re.compile(rb"(?!-[1-9])\s*[+-]?[0-9]+")


class Redis70(Dialect):
    pass


class Redis72(Redis70):
    version = redis_version = (7, 2, 4)
    format_double = staticmethod(format_double_shortest)
    serves_the_ready_key_only = False
    lset_index_wraps_at_32_bits = True
    lrem_takes_int64_min = False
    hello_with_auth = "HELLO <proto> AUTH <user> <pass>"
    hello_acts_at_once = False
    documents_display_text = True
    reset_ends_no_evict = True
    client_fields = (*Redis70.client_fields, "lib-name", "lib-ver")
    checks_end_of_pause = True
    timeouts_wrap = False
    pushes_follow_the_reply = True


class Redis74(Redis72):
    version = redis_version = (7, 4, 1)
    bits_of_missing_keys_have_any_range = False
    scan_cursor = STRICT_CURSOR
    negative_offsets_count_from_the_end = True
    refused_by_scan = NOVALUES_REFUSED
    keyspace_fields = ",subexpiry={}"
    client_fields = insert_after(Redis72.client_fields, "multi", "watch")
    client_filters = Redis72.client_filters | {"MAXAGE"}


class Redis80(Redis74):
    version = redis_version = (8, 0, 2)
    parse_score_bound = parse_weight = staticmethod(parse_boundless_weight)
    modules = (Module(b"vectorset", 1, options="handle-io-errors|handle-repl-async-load"),)
    lolwut_version = 8
    lolwut_versions = MappingProxyType({**Redis74.lolwut_versions, 8: (60, 10)})
    client_fields = (*Redis74.client_fields, "io-thread")


class Redis86(Redis80):
    version = redis_version = (8, 6, 3)
    negative_offsets_count_from_the_end = False
    small_integers_are_shared = False
    field_options = "anywhere"

    @staticmethod
    def fits_embedded(key_length: int, length: int, expires: bool) -> bool:
        return key_length + length <= 41

    @staticmethod
    def set_allows(before: str, option: str) -> bool:
        """`SET k v IFNE w NX` (8.4): both must hold; `SET k v NX IFNE w` is a syntax error."""
        return before == option or (before.startswith("IF") and option in ("NX", "XX"))

    client_fields = (*Redis80.client_fields, "tot-net-in", "tot-net-out", "tot-cmds")

    requests = Rules(nul_hides_bulk_line=False, limits_bulk_line=False)
    event_letters = b"Ag$lshzxeKEtmdnoc"

    @staticmethod
    def unknown_command(argv: list[bytes]) -> str:
        """`NOSUCH`: the list of arguments is not announced when there are none."""
        text = Dialect.unknown_command(argv)
        return text if len(argv) > 1 else text.removesuffix(", with args beginning with: ")
        """`NOSUCH`: nothing is said of arguments where there are none."""
        said = Redis80.unknown_command(argv)
        return said if len(argv) > 1 else said.removesuffix(", with args beginning with: ")


REDIS: list[type[Dialect]] = [Redis70, Redis72, Redis74, Redis80, Redis86]
"""In order of version."""

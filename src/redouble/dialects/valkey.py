"""Valkey, which left Redis at 7.2.4: each class says what changed since the one before it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from redouble.dialects.base import BGSAVE_FAILED, Dialect, ScriptTexts, insert_after
from redouble.dialects.modules import LUA
from redouble.dialects.redis import NOVALUES_REFUSED, Redis72, Redis80
from redouble.resp.parser import Rules
from redouble.types.lua_hash import hash_of_valkey
from redouble.types.number import (
    parse_boundless_weight,
    parse_canonical_cursor,
    parse_hexless_double,
    parse_strict_weight,
)

__all__ = ["VALKEY"]


class Valkey72(Redis72):
    name = "valkey"
    hello_name = b"valkey"
    comparing_reads = False
    loads_modules = False
    version = (7, 2, 11)
    proven = False


BAD_FUNCTION_NAME = (
    "Function names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)
PLAIN_LOAD_ERRORS = (b"ERR Function names can", b"ERR Function already exists")


class Valkey80(Valkey72):
    """Not compared with a real one: what 8.1 does, but for what its release notes tell."""

    version = (8, 0, 2)
    bgsave_failed = BGSAVE_FAILED.format("Valkey", "it's currently unable to persist to disk")
    queues_without_memory = True
    monitor_escapes_quotes = False
    acl = Redis80.acl
    logs = replace(Redis80.logs, address_of_script=None, scripts_are_as_large_as_their_call=True, sums_latencies=True)
    script_texts = ScriptTexts(
        library="server",
        unknown="ERR Unknown command called from script",
        arity="ERR Wrong number of args calling command from script",
        no_arguments="ERR Please specify at least one argument for this call",
        arguments="ERR Command arguments must be strings or integers",
        log_level="Invalid log level.",
        set_repl_arguments="one argument",
        no_script="NOSCRIPT No matching script.",
        busy="BUSY Valkey is busy running a script. You can only call {} KILL or SHUTDOWN NOSAVE.",
        killed=b"Script killed by user with SCRIPT KILL.",
        bad_function_name=BAD_FUNCTION_NAME,
        plain_load_errors=PLAIN_LOAD_ERRORS,
    )
    lua_string_hash = staticmethod(hash_of_valkey)
    lua_sizes_maps = True
    lua_sizes_bit = True
    cmsgpack_copyright = b"Copyright (C) 2012, Redis Ltd."
    lua_has_os = True
    lua_keeps_old_globals = False
    large_elements_are_plain = True
    lrem_takes_int64_min = False
    xread_has_plus = True
    plus_needs_an_id = True
    scan_knows_types = True
    nothing_is_counted_before_a_deleted_entry = True
    counts_reads_from_first_entry = True
    pfdebug_simd = True
    complains_of_more_client_arguments = False
    parse_cursor = staticmethod(parse_canonical_cursor)
    negative_offsets_count_from_the_end = True
    zadd_measures_members_first = True
    stores_score_ranges_as_skiplists = False

    bits_of_missing_keys_have_any_range = False
    refused_by_scan = MappingProxyType(
        {**NOVALUES_REFUSED, b"NOSCORES": "ERR NOSCORES option can only be used in ZSCAN"}
    )
    bitcount_end_is_optional = True
    bitcount_reads_unit_before_end = True
    past_is_expired = True
    msetex_tells_expiry_first = False
    client_fields = (
        *insert_after(insert_after(Valkey72.client_fields, "multi", "watch"), "flags", "capa"),
        "tot-net-in",
        "tot-net-out",
        "tot-cmds",
    )
    client_types = Valkey72.client_types | {b"primary"}
    client_filters = Valkey72.client_filters | {"MAXAGE"}
    requests = Rules(nul_hides_multibulk_line=False, nul_hides_bulk_line=False)


class Valkey81(Valkey80):
    version = (8, 1, 1)
    proven = True
    script_texts = replace(Valkey80.script_texts, unknown_engine="ERR Could not find scripting engine '{}'")
    small_integers_are_shared = False
    several_client_ids = True
    wait_tells_since = ""
    readonly_needs_cluster = readwrite_needs_cluster = False

    @staticmethod
    def fits_embedded(key_length: int, length: int, expires: bool) -> bool:
        return key_length + length <= (33 if expires else 41)

    @staticmethod
    def set_allows(before: str, option: str) -> bool:
        """`SET k v IFEQ a IFEQ b`: a syntax error."""
        return before == option != "IFEQ"


class Valkey90(Valkey81):
    """Not compared with a real one: what came with 9.0, as its release notes tell; the rest with 9.1."""

    version = (9, 0, 1)
    proven = False
    rdb_version = 80
    rdb_versions_refused = range(12, 80)
    rdb_types = Valkey81.rdb_types | {22}
    rdb_type_22_is_valkeys = True
    digests_tell_of_expiring_fields = False
    geo_no_such_member = "ERR member {} does not exist"
    geo_shapes = "BYRADIUS, BYBOX and BYPOLYGON"
    keyspace_fields = ",keys_with_volatile_items={}"
    small_hashes_expire = False
    hashes_stay_volatile = False
    field_options = "valkey"
    field_ttl_rounding = 500
    field_expiry_is_an_expired_event = True
    lists_subcommands = True
    lolwut_version = 9
    lolwut_versions = MappingProxyType({**Valkey81.lolwut_versions, 9: (80, 24)})
    lolwut_name = "Valkey"
    lolwut_gap = ""
    client_filters = Valkey81.client_filters | {
        "NAME",
        "IDLE",
        "FLAGS",
        "LIB-NAME",
        "LIB-VER",
        "DB",
        "CAPA",
        "IP",
        "NOT-TYPE",
        "NOT-ID",
        "NOT-USER",
        "NOT-ADDR",
        "NOT-LADDR",
        "NOT-NAME",
        "NOT-FLAGS",
        "NOT-LIB-NAME",
        "NOT-LIB-VER",
        "NOT-DB",
        "NOT-CAPA",
        "NOT-IP",
    }


class Valkey91(Valkey90):
    version = (9, 1, 2)
    proven = True
    later_overlaps_are_let_in = False
    monitor_escapes_quotes = True
    scripts_hear_of_memory_first = True
    memory_stats_tell_empty_databases = True
    logs = replace(Valkey90.logs, scripts_are_as_large_as_their_call=False)
    acl = replace(Valkey90.acl, knows_databases=True, new_users_sanitize=False, tells_of_sanitizing=False)
    script_texts = replace(
        Valkey90.script_texts,
        tells_subcommands=True,
        not_allowed="ERR This Valkey command is not allowed from script",
        names_digest=False,
    )
    reload_without_file = Valkey90.reload_without_file[0], False
    plus_needs_an_id = False
    modules = (LUA,)
    ltrim_always_changes = False
    msetex_wrong_count = "ERR invalid numkeys value or out of range"
    msetex_too_few_pairs = "ERR syntax error"
    checks_size_of_memory_values = True
    keyslot_needs_cluster = False

    @staticmethod
    def denied_in_transaction(name: str) -> str:
        return f"ERR Command '{name}' not allowed inside a transaction"

    @staticmethod
    def refused_without_authentication(error: str) -> str:
        """`NOSUCH a` and `GET` of a client that has to authenticate: nothing but that."""
        return "NOAUTH Authentication required."

    requests = replace(Valkey90.requests, checks_line_ends=True, quotes_may_touch=True)
    getex_checks_value_of_missing_key = True
    parse_double = staticmethod(parse_hexless_double)
    parse_weight = staticmethod(parse_strict_weight)
    parse_score_bound = staticmethod(parse_boundless_weight)

    @staticmethod
    def fits_embedded(key_length: int, length: int, expires: bool) -> bool:
        return key_length + (2 if key_length > 31 else 0) + length <= (105 if expires else 113)


VALKEY: list[type[Dialect]] = [Valkey72, Valkey80, Valkey81, Valkey90, Valkey91]
"""In order of version."""

"""Redis, version by version: each class says what changed since the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from redouble.core.errors import NOT_AN_INTEGER, NOT_POSITIVE, SYNTAX_ERROR, text, wrong_arity
from redouble.dialects.base import BGSAVE_FAILED, Dialect, LogFacts, ScriptTexts, insert_after
from redouble.dialects.modules import STACK, STACK_8, VECTOR_SETS
from redouble.resp.parser import Rules
from redouble.types.number import (
    format_argument,
    format_double_shortest,
    parse_boundless_weight,
    parse_canonical_cursor,
)

__all__ = ["NOVALUES_REFUSED", "REDIS", "Redis72", "Redis80"]

NOVALUES_REFUSED: Mapping[bytes, str] = MappingProxyType({b"NOVALUES": "ERR NOVALUES option can only be used in HSCAN"})


class Redis60(Dialect):
    loadable_modules = STACK
    loads_modules = True


class Redis62(Redis60):
    version = redis_version = (6, 2, 14)
    invalidations_follow_the_reply = True
    noloop_knows_the_caller = True
    flushdb_forgets_what_is_tracked = True
    pushes_when_replies_are_off = True
    prefixes_must_not_overlap = True
    script_error_handler_line = 9
    scripts_are_functions = False
    script_error_of_replica_ends = ""
    strict_globals = False
    acl = replace(Redis60.acl, knows_channels=True, subcommands_of_allowed_are_errors=False, always_allows_hello=True)
    client_fields = insert_after(insert_after(Redis60.client_fields, "addr", "laddr"), "user", "redir")
    client_filters = Redis60.client_filters | {"LADDR"}
    script_debug_words = "ERR Use SCRIPT DEBUG YES/SYNC/NO"
    allowed_when_subscribed = Redis60.allowed_when_subscribed | {"reset"}
    event_letters = Redis60.event_letters + b"d"
    malloc_stats_are_plain = True
    stream_ranges_exclude = True
    xtrim_looks_at_the_key_first = False
    xtrim_without_strategy = "ERR syntax error, XTRIM must be called with a trimming strategy"
    range_bounds_come_first = False
    random_members_are_a_set = False
    tells_what_is_no_integer = False
    negative_spop = NOT_POSITIVE
    geoadd_syntax = SYNTAX_ERROR
    places_of_nothing_need_no_words = False
    sorts_all_places = False
    unions_delete_what_was_there = False
    hincrbyfloat_reads_no_infinity = True
    bits_end_where_strings_end = True
    move_outside = ""
    select_nothing = NOT_AN_INTEGER
    select_wraps = False
    swapdb_checks_32_bits = True
    wrong_password = "WRONGPASS invalid username-password pair or user is disabled."
    hello_without_number = "ERR Protocol version is not an integer or out of range"
    numpat_counts_listeners = False
    monitors_before_running = False
    logs = LogFacts(
        hides_password_of_migrate=True,
        hides_secret_parameters=True,
        hidden_of_acl=frozenset((b"SETUSER",)),
        commands_that_wait=False,
        counts_failures=True,
    )
    transactions_deny_monitor = True
    denied_to_monitors = "ERR Replica can't interract with the keyspace"

    @staticmethod
    def denied_when_subscribed(name: str) -> str:
        return Redis60.denied_when_subscribed(name).replace("/ QUIT", "/ QUIT / RESET")

    @staticmethod
    def no_input_keys(name: str) -> str:
        return f"ERR at least 1 input key is needed for {name}"

    @staticmethod
    def wrong_subcommand(argv: list[bytes]) -> str:
        return (
            f"ERR Unknown subcommand or wrong number of arguments for '{text(argv[1])}'."
            f" Try {text(argv[0].upper())} HELP."
        )


class Redis70(Redis62):
    version = redis_version = (7, 0, 15)
    bgsave_failed = BGSAVE_FAILED.format("Redis", "it's currently unable to persist to disk")
    config_set_evicts = False
    only_scripts_remember_memory = False
    script_texts = ScriptTexts()
    script_errors_are_texts = False
    scripts_have_flags = True
    lua_keeps_old_globals = False
    lua_prints = False
    acl = replace(Redis62.acl, knows_selectors=True, knows_subcommands=True)
    logs = replace(Redis62.logs, checks_count=True)

    @classmethod
    def script_has_no_permission(cls, user: str, command: str, reason: str) -> str:
        return f"ERR {Redis62.script_has_no_permission(user, command, reason)}"

    rdb_version = 10
    rdb_types = Redis62.rdb_types | {16, 17, 18, 19}
    rdb_stream_type = 19
    rdb_writes_listpacks = True
    ranges_of_bits = True
    setbit_always_changes = False
    event_letters = Redis62.event_letters + b"n"
    client_fields = (
        *insert_after(insert_after(Redis62.client_fields, "psub", "ssub"), "argv-mem", "multi-mem", "rbs", "rbp"),
        "resp",
    )
    allowed_when_subscribed = Redis62.allowed_when_subscribed | {"ssubscribe", "sunsubscribe"}

    @staticmethod
    def no_permission(user: str, command: str, reason: str) -> str:
        if reason == "command":
            return f"this user has no permissions to run the '{command}' command"
        return Redis62.no_permission(user, command, reason)

    @staticmethod
    def denied_when_subscribed(name: str) -> str:
        return (
            f"ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET"
            " are allowed in this context"
        )

    config_sets_one = False
    readers_hear_of_deletion = True
    streams_count_entries = True
    xgroup_reads_options_first = True
    xadd_completes_ids = True
    deleted_entries_stay_pending = False
    set_nx_gets = True
    decrby_takes_int64_min = False
    zpop_takes_negative_counts = False
    lolwut_version = 0
    small_scores_are_integers = True
    distances_are_printed = False
    incremented_values_stay_small = False
    queues_unknown_subcommands = False
    denied_to_monitors = "ERR Replica can't interact with the keyspace"
    monitor_shows_quit = True
    readers_announce_themselves = True
    any_master_port = False
    double_of_debug = 3.141
    rank_is_zero = (
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ..."
        " or use negative to start from the end of the list"
    )
    geo_unit = staticmethod(str.upper)
    checks_client_ids = True
    malloc_stats_are_plain = False
    info_takes_one_section = False
    denies_in_transactions = True
    readwrite_needs_cluster = True
    describes_key_specs = True

    @staticmethod
    def unpaired(name: str) -> str:
        return wrong_arity(name).message

    @staticmethod
    def no_input_keys(name: str) -> str:
        return f"ERR at least 1 input key is needed for '{name}' command"

    @staticmethod
    def cannot_store_places(storing: str) -> str:
        return f"ERR {storing} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"

    @staticmethod
    def unknown_parameter(name: bytes) -> str:
        return f"ERR Unknown option or number of arguments for CONFIG SET - '{text(name)}'"

    @staticmethod
    def config_set_failed(name: bytes, value: bytes, reason: str) -> str:
        return f"ERR CONFIG SET failed (possibly related to argument '{text(name)}') - {reason}"

    @staticmethod
    def invalid_expire_time(name: str) -> str:
        return f"ERR invalid expire time in '{name}' command"

    @staticmethod
    def unknown_command(argv: list[bytes]) -> str:
        """`NOSUCH a b`: the name and the arguments are cut at 128 bytes."""
        quoted = ""
        for argument in argv[1:]:
            if len(quoted) >= 128:
                break
            quoted += f"'{text(argument[: 128 - len(quoted)])}' "
        return f"ERR unknown command '{text(argv[0][:128])}', with args beginning with: {quoted}"

    @classmethod
    def unknown_subcommand(cls, argv: list[bytes]) -> str:
        return f"ERR unknown subcommand '{text(argv[1][:128])}'. Try {text(argv[0].upper())} HELP."

    @classmethod
    def wrong_subcommand_arity(cls, argv: list[bytes], name: str) -> str:
        return wrong_arity(name).message

    @staticmethod
    def wrong_subcommand(argv: list[bytes]) -> str:
        return Redis62.wrong_subcommand(argv).replace("Unknown", "unknown")


class Redis72(Redis70):
    version = redis_version = (7, 2, 4)
    tracks_what_scripts_read = True
    tracks_served_readers = True
    waiters_need_memory = True
    logs = replace(Redis70.logs, timeouts=True, address_of_script=b"")
    script_texts = replace(Redis70.script_texts, set_repl_arguments="one argument")
    acl = replace(
        Redis70.acl,
        parentheses_start_anew=False,
        keeps_rules=True,
        odd_permissions=frozenset((b"", b"~")),
        dryrun_names_user=True,
        new_users_sanitize=True,
        log_has_ids=True,
        looks_at_reruns=True,
    )

    @staticmethod
    def no_permission(user: str, command: str, reason: str) -> str:
        if reason == "command":
            return f"User {user} has no permissions to run the '{command}' command"
        return "No permissions to access database" if reason == "database" else f"No permissions to access a {reason}"

    @classmethod
    def script_has_no_permission(cls, user: str, command: str, reason: str) -> str:
        return f"ERR ACL failure in script: {cls.no_permission(user, command, reason)}"

    format_script_number = staticmethod(format_argument)
    lua_keeps_old_globals = True
    reload_without_file = "ERR Error trying to load the RDB dump, check server logs.", True
    rdb_version = 11
    rdb_types = Redis70.rdb_types | {20, 21}
    rdb_stream_type = 21
    format_double = staticmethod(format_double_shortest)
    unblocked_readers_hear_why = False
    reading_nothing_makes_a_consumer = True
    xsetid_checks_max_deleted_id = True
    consumers_have_active_time = True
    xadd_past_the_last_sequence = "ERR The ID specified in XADD is equal or smaller than the target stream top item"

    @staticmethod
    def unbalanced_streams(name: str, of_group: bool) -> str:
        needed = "an ID or '>'" if of_group else "an ID or '$'"
        return f"ERR Unbalanced '{name}' list of streams: for each stream key {needed} must be specified."

    stores_score_ranges_as_skiplists = True
    serves_the_ready_key_only = False
    lset_index_wraps_at_32_bits = True
    lpos_takes_int64_min = False
    hello_with_auth = "HELLO <proto> AUTH <user> <pass>"
    hello_acts_at_once = False
    documents_display_text = True
    words_before_options_stand_alone = True
    reset_ends_no_evict = True
    client_fields = (*Redis70.client_fields, "lib-name", "lib-ver")
    checks_end_of_pause = True
    timeouts_wrap = False
    pushes_follow_the_reply = True


class Redis74(Redis72):
    version = redis_version = (7, 4, 1)
    flushes_answer_late = True
    queues_without_memory = True
    script_texts = replace(Redis72.script_texts, log_level="Invalid log level.")
    acl = replace(Redis72.acl, odd_permissions=frozenset((b"",)), loading_closes_connections=False)
    logs = replace(
        Redis72.logs, hidden_of_acl=frozenset((b"SETUSER", b"GETUSER", b"DELUSER")), zero_length_empties=False
    )
    lua_has_os = True
    rdb_version = 12
    large_elements_are_plain = True
    lrem_takes_int64_min = False
    rdb_types = Redis72.rdb_types | {22, 23, 24, 25}
    xread_has_plus = True
    plus_needs_an_id = True
    bits_of_missing_keys_have_any_range = False
    stores_score_ranges_as_skiplists = False
    parse_cursor = staticmethod(parse_canonical_cursor)
    negative_offsets_count_from_the_end = True
    refused_by_scan = NOVALUES_REFUSED
    keyspace_fields = ",subexpiry={}"
    client_fields = insert_after(Redis72.client_fields, "multi", "watch")
    client_filters = Redis72.client_filters | {"MAXAGE"}


class Redis80(Redis74):
    version = redis_version = (8, 0, 2)
    acl_check_counts_arguments = True
    acl = replace(Redis74.acl, odd_permissions=frozenset())
    lua_keeps_old_globals = False
    plus_needs_an_id = False
    plus_is_the_last_id_given = False
    lag_looks_at_what_is_left = True
    counts_reads_from_first_entry = True

    @staticmethod
    def unbalanced_streams(name: str, of_group: bool) -> str:
        """`XREAD STREAMS a b 0`: it now tells of `+`."""
        return Redis74.unbalanced_streams(name, of_group).replace("an ID or '$'", "an ID, '+', or '$'")

    parse_score_bound = parse_weight = staticmethod(parse_boundless_weight)
    coordinates_have_17_places = False
    pfdebug_simd = True
    modules = (VECTOR_SETS,)
    loadable_modules = STACK_8
    describes_modules = True
    undescribed_modules = frozenset(("vectorset",))
    lolwut_version = 8
    lolwut_versions = MappingProxyType({**Redis74.lolwut_versions, 8: (60, 10)})
    client_fields = (*Redis74.client_fields, "io-thread")


class Redis82(Redis80):
    """Not compared with a real one: what its release notes tell."""

    version = redis_version = (8, 2, 3)
    proven = False
    undescribed_modules = frozenset()
    small_integers_are_shared = False

    @staticmethod
    def fits_embedded(key_length: int, length: int, expires: bool) -> bool:
        return key_length + length <= 41

    client_fields = (*Redis80.client_fields, "tot-net-in", "tot-net-out", "tot-cmds")
    event_letters = b"Ag$lshzxeKEtmdnoc"


class Redis84(Redis82):
    """Not compared with a real one, as 8.2."""

    version = redis_version = (8, 4, 0)

    @staticmethod
    def set_allows(before: str, option: str) -> bool:
        """`SET k v IFNE w NX` (8.4): both must hold; `SET k v NX IFNE w` is a syntax error."""
        return before == option or (before.startswith("IF") and option in ("NX", "XX"))


class Redis86(Redis84):
    version = redis_version = (8, 6, 3)
    proven = True
    acl = replace(Redis80.acl, looks_at_keys_of_exec=False)
    lua_marks_arrays = True
    rdb_version = 13
    rdb_types = Redis80.rdb_types | {26}
    rdb_stream_type = 26
    rdb_checksum_may_be_missing = True
    streams_know_their_producers = True
    entries_read_are_limited = True
    negative_offsets_count_from_the_end = False
    field_options = "anywhere"

    requests = Rules(nul_hides_bulk_line=False, limits_bulk_line=False)

    @staticmethod
    def unknown_command(argv: list[bytes]) -> str:
        """`NOSUCH`: the list of arguments is not announced when there are none."""
        error = Redis70.unknown_command(argv)
        return error if len(argv) > 1 else error.removesuffix(", with args beginning with: ")


REDIS: list[type[Dialect]] = [Redis60, Redis62, Redis70, Redis72, Redis74, Redis80, Redis82, Redis84, Redis86]
"""In order of version."""

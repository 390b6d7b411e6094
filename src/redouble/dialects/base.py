"""What a server type and version does differently: one attribute for each observed difference, with the probe that
shows it.  A handler asks `client.server.dialect.some_question`; nobody compares versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from redouble.core.errors import (
    CLUSTER_DISABLED,
    INDEX_OUT_OF_RANGE,
    INVALID_DB,
    NOPROTO,
    SYNTAX_ERROR,
    text,
)
from redouble.dialects.modules import Module
from redouble.resp.parser import Rules
from redouble.types.lua_hash import hash_of_lua
from redouble.types.number import (
    format_argument_17g,
    format_double_17g,
    parse_cursor,
    parse_double,
    parse_score_bound,
    parse_weight,
)

__all__ = ["AclFacts", "Dialect", "LogFacts", "ScriptTexts", "insert_after"]


@dataclass(frozen=True)
class ScriptTexts:
    """What a script hears of its mistakes."""

    library: str = "redis"
    unknown: str = "ERR Unknown Redis command called from script"
    """`EVAL "return redis.call('nope')" 0`."""
    tells_subcommands: bool = False
    """`EVAL "return redis.call('client', 'nope')" 0`: unknown as any other (Redis), or as outside of scripts (Valkey)."""
    arity: str = "ERR Wrong number of args calling Redis command from script"
    no_arguments: str = "ERR Please specify at least one argument for this redis lib call"
    arguments: str = "ERR Lua redis lib command arguments must be strings or integers"
    wrong_field: str = "ERR wrong number or type of arguments"
    """`EVAL "return redis.error_reply()" 0`."""
    not_allowed: str = "ERR This Redis command is not allowed from script"
    log_level: str = "Invalid debug level."
    """`EVAL "redis.log(9, 'x')" 0`."""
    set_repl_arguments: str = "two arguments"
    """`EVAL "redis.set_repl()" 0`: how many it is said to require."""
    names_digest: bool = True
    """Whether an error ends with the digest of the script."""
    no_script: str = "NOSCRIPT No matching script. Please use EVAL."
    """`EVALSHA nosuch 0`."""
    unknown_engine: str = "ERR Unexpected engine in script shebang: #!{}"
    busy: str = "BUSY Redis is busy running a script. You can only call {} KILL or SHUTDOWN NOSAVE."
    killed: bytes = b"Script killed by user with SCRIPT KILL..."
    bad_function_name: str = (
        "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
    )
    """`FUNCTION LOAD "#!lua name=x\\nredis.register_function('a-b', function() end)"`."""
    plain_load_errors: tuple[bytes, ...] = ()
    """The errors of FUNCTION LOAD that are not introduced by `Error registering functions:`."""


@dataclass(frozen=True)
class AclFacts:
    """What rules there are about users, and how they are told."""

    knows_channels: bool = False
    """`ACL SETUSER u &c`: a syntax error (6.0), a channel (6.2)."""
    knows_selectors: bool = False
    """`ACL SETUSER u (+get ~a)`, `ACL SETUSER u %R~a`: syntax errors (6.2), a selector, a key that may be read (7.0)."""
    parentheses_start_anew: bool = True
    """`ACL SETUSER u (+get (+nosuch ~a)`: what the error names begins at the last parenthesis (7.0), or at the first (7.2)."""
    knows_subcommands: bool = False
    """`ACL SETUSER u -config|set`: an unknown command (6.2), a subcommand (7.0)."""
    knows_databases: bool = False
    """`ACL SETUSER u db=0,1`: a syntax error, but in Valkey 9."""
    keeps_rules: bool = False
    """`ACL SETUSER u +get -@string`, `ACL GETUSER u`: rules that amount to it (7.0), or these (7.2)."""
    odd_permissions: frozenset[bytes] = frozenset()
    """`ACL SETUSER u %~a`: a syntax error, but in 7.2; `ACL SETUSER u %`: a syntax error, but in 7.2 and 7.4."""

    subcommands_of_allowed_are_errors: bool = True
    """`ACL SETUSER u +config +config|get`: an error (6.0), nothing new (6.2)."""
    always_allows_hello: bool = False
    """`ACL SETUSER u on nopass`, `AUTH u x`, `HELLO 2`: NOPERM (6.0), an answer (6.2)."""
    new_users_sanitize: bool = False
    """`ACL SETUSER u`, `ACL LIST`: sanitize-payload is said of a new user from 7.2 on, and never in Valkey 9."""
    tells_of_sanitizing: bool = True
    """`ACL SETUSER u sanitize-payload`, `ACL LIST`: is told, but not in Valkey 9."""
    log_has_ids: bool = False
    """`ACL LOG`: entries have ids and timestamps (7.2)."""
    loading_closes_connections: bool = True
    """`ACL LOAD`: closes every connection of other users than default (7.2), or those that may no longer be (7.4)."""
    looks_at_reruns: bool = False
    """`BLPOP l 0` of a user who then loses `+blpop`, `RPUSH l a`: is served (7.0), hears NOPERM (7.2)."""
    dryrun_names_user: bool = False
    """`ACL DRYRUN u GET k`: this user has no permissions (7.0), user u has none (7.2)."""
    looks_at_keys_of_exec: bool = True
    """`MULTI`, `GET k`, then the user loses the key, `EXEC`: NOPERM, but in Redis 8.6."""


@dataclass(frozen=True)
class LogFacts:
    """What SLOWLOG, COMMANDLOG and LATENCY tell; and with MONITOR, what they hide."""

    hides_password_of_migrate: bool = False
    """`MIGRATE h p "" 0 1 AUTH secret KEYS a`: shown as it is (6.0), redacted (6.2)."""
    hides_secret_parameters: bool = False
    """`CONFIG SET requirepass secret`: shown as it is (6.0), redacted (6.2)."""
    hidden_of_acl: frozenset[bytes] = frozenset()
    """`ACL SETUSER u >secret`: not shown at all (6.0), redacted (6.2); `ACL DELUSER u`: shown as it is (7.2), redacted (7.4)."""
    commands_that_wait: bool = True
    """`BLPOP l 0`: in the log when it begins to wait (6.0), or when it ends (6.2)."""
    timeouts: bool = False
    """`BLPOP l 0.1` that times out: not in the log (7.0), there (7.2)."""
    address_of_script: bytes | None = b"?:0"
    """`EVAL "redis.call('get', 'k')" 0`: the address in the entry of GET (7.0), an empty one (7.2), that of the caller
    together with its name (Valkey 8)."""
    scripts_are_as_large_as_their_call: bool = False
    """`CONFIG SET commandlog-request-larger-than 20`, an EVAL of 100 bytes: its commands count with as many (Valkey 8.1), or
    none (Valkey 9), and their replies with none (Valkey 8.1), or their own (Valkey 9)."""
    zero_length_empties: bool = True
    """`CONFIG SET slowlog-max-len 0`: the log is emptied by the next entry (7.2), or stays as it is (7.4)."""
    checks_count: bool = False
    """`SLOWLOG GET -2`: all entries (6.2), an error (7.0)."""
    sums_latencies: bool = False
    """`LATENCY LATEST`: four facts of each event (Redis), six (Valkey 8)."""
    counts_failures: bool = False
    """`INFO commandstats`: no rejected_calls nor failed_calls (6.0)."""


BGSAVE_FAILED: Final = (
    "MISCONF {0} is configured to save RDB snapshots, but {1}. Commands that may modify the data set are disabled, because this"
    " instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option)."
    " Please check the {0} logs for details about the RDB error."
)


class Dialect:
    """Redis 6.0, which the others derive from."""

    name: ClassVar[str] = "redis"
    """What INFO calls `server_name`; also the prefix of a fork's own versions in `since`."""
    version: ClassVar[tuple[int, int, int]] = (6, 0, 16)
    """The release whose answers are recorded."""
    redis_version: ClassVar[tuple[int, int, int]] = (6, 0, 16)
    """The Redis version that clients see, which a fork freezes."""
    bgsave_failed: ClassVar[str] = BGSAVE_FAILED.format("Redis", "it is currently not able to persist on disk")
    """`SET k v` after a BGSAVE that failed, if there are save points and `stop-writes-on-bgsave-error` says so."""
    hello_name: ClassVar[bytes] = b"redis"
    """`HELLO`: the server."""
    release: ClassVar[bytes] = b""
    """`HELLO`, `INFO`: the `dfly_version` of Dragonfly."""
    proven: ClassVar[bool] = True
    """Whether its answers were compared with those of a real server."""
    lacks: ClassVar[frozenset[str]] = frozenset()
    """What it does not have of Redis: `lolwut`, `client|reply`."""

    acl: ClassVar[AclFacts] = AclFacts()
    logs: ClassVar[LogFacts] = LogFacts()

    format_double: Callable[[float], bytes] = staticmethod(format_double_17g)
    """`ZADD z 3.1 a`, `ZSCORE z a`: 3.1000000000000001 (Redis 7.0), 3.1 (7.2)."""

    script_texts: ClassVar[ScriptTexts] = ScriptTexts(
        unknown="Unknown Redis command called from Lua script",
        arity="Wrong number of args calling Redis command From Lua script",
        no_arguments="Please specify at least one argument for redis.call()",
        arguments="Lua redis() command arguments must be strings or integers",
        wrong_field="wrong number or type of arguments",
        not_allowed="This Redis command is not allowed from scripts",
    )
    script_errors_are_texts: ClassVar[bool] = True
    """`EVAL "local ok, e = pcall(error, {}) return type(e)"`, `EVAL "return redis.pcall('nope')" 0`: texts that tell where
    they arose (6.2), tables (7.0)."""
    script_error_handler_line: ClassVar[int] = 8
    """`EVAL "error({})" 0`: the handler of errors complains of it in line 8 (6.0) or 9 (6.2)."""
    script_error_of_replica_ends: ClassVar[str] = "\r\n"
    """`EVAL "return redis.pcall('set', 'k', 'v')" 0` on a replica: the error ends with two spaces (6.0), or none (6.2)."""
    scripts_are_functions: ClassVar[bool] = True
    """`EVAL "return 1 +" 0`: unexpected symbol near 'end', for the script is the body of a function (6.0), near '<eof>'
    (6.2)."""
    strict_globals: ClassVar[bool] = True
    """`EVAL "x=1" 0`: an attempt to create a global variable (6.0), or to modify a readonly table (6.2)."""
    scripts_have_flags: ClassVar[bool] = False
    """`EVAL "#!lua\nreturn 1" 0`: a syntax error (6.2)."""
    format_script_number: Callable[[float], bytes] = staticmethod(format_argument_17g)
    """`EVAL "return redis.call('echo', 0.1)" 0`: 0.10000000000000001 (7.0), 0.1 (7.2)."""
    lua_string_hash: Callable[[bytes], int] = staticmethod(hash_of_lua)
    """`EVAL "return cjson.encode({a=1,b=2,c=3})" 0`: the order of pairs."""
    lua_has_os: ClassVar[bool] = False
    """`EVAL "return os.clock()" 0`."""
    lua_marks_arrays: ClassVar[bool] = False
    """`EVAL "return cjson.decode_array_with_array_mt(true)" 0` (Redis 8.6)."""
    lua_sizes_maps: ClassVar[bool] = False
    """`EVAL "redis.setresp(3) return redis.call('xinfo', 'stream', 's')" 0`: another order where the table of a map began
    with room for all of it (Valkey)."""
    lua_sizes_bit: ClassVar[bool] = False
    """`EVAL "local r = {} for k in pairs(bit) do r[#r+1] = k end return r" 0`: another order (Valkey)."""
    cmsgpack_copyright: ClassVar[bytes] = b"Copyright (C) 2012, Salvatore Sanfilippo"
    """`EVAL "return cmsgpack._COPYRIGHT" 0`."""
    acl_check_counts_arguments: ClassVar[bool] = False
    """`EVAL "return redis.acl_check_cmd('set')" 0`: 1 (7.0), a wrong number of arguments (8.0)."""
    lua_keeps_old_globals: ClassVar[bool] = True
    """`EVAL "return type(getfenv)" 0`: function (6.2), nonexistent (7.0), function (7.2, 7.4), nonexistent (8.0)."""
    lua_prints: ClassVar[bool] = True
    """`EVAL "return type(print)" 0`: function (6.2), nonexistent (7.0)."""

    requests: ClassVar[Rules] = Rules()
    """How the bytes of a faulty request are read; each rule has its probe."""
    parse_double: Callable[[bytes], float] = staticmethod(parse_double)
    """`ZADD z 0x10 a`: 16 (Redis), not a valid float (Valkey 9)."""
    rdb_version: ClassVar[int] = 9
    """`DUMP k`: the two bytes before the last eight."""
    rdb_versions_refused: ClassVar[range] = range(0)
    """`RESTORE k 0` of a payload of Redis 7.4: what Redis may write after Valkey left is refused (Valkey 9)."""
    reload_without_file: ClassVar[tuple[str, bool]] = "ERR Error trying to load the RDB dump", True
    """`DEBUG RELOAD NOSAVE` before anything was saved: the error, and whether the keys are gone then (not in Valkey 9)."""
    digests_tell_of_expiring_fields: ClassVar[bool] = True
    """`HPEXPIRE h 1000 FIELDS 1 f`, `DEBUG DIGEST-VALUE h`: another one than before, but not in Valkey 9."""
    rdb_checksum_may_be_missing: ClassVar[bool] = False
    """`RESTORE k 0` of a payload whose checksum is eight zero bytes: refused, but not by Redis 8.6."""
    rdb_types: ClassVar[frozenset[int]] = frozenset((0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 15))
    """`RESTORE k 0` of the payload of a small set: Bad data format (7.0), OK (7.2), and so on."""
    rdb_stream_type: ClassVar[int] = 15
    """`XADD s 1 f v`, `DUMP s`: the first byte; 15 (6.2), 19 (7.0), 21 (7.2: consumers have an active time), 26 (8.6: producers)."""
    rdb_writes_listpacks: ClassVar[bool] = False
    """`HSET h f v`, `DUMP h`: a ziplist (6.2), a listpack (7.0)."""
    rdb_type_22_is_valkeys: ClassVar[bool] = False
    """Both gave it to hashes whose fields expire, with the moment behind the value (Valkey 9), or before the field (Redis
    7.4)."""
    large_elements_are_plain: ClassVar[bool] = False
    """`RPUSH l {x*9000}`, `DUMP l`: the element is alone in a listpack (7.2), or stands without one (7.4)."""
    timeouts_wrap: ClassVar[bool] = True
    """`BLPOP k 1e20`: the timeout is negative (7.0), out of range (7.2); `BLPOP k 9223372036854775`: waits (7.0), out of
    range (7.2)."""

    parse_score_bound: Callable[[bytes], float] = staticmethod(parse_score_bound)
    """`ZCOUNT z 0x10 " 20"`: a range (Redis 7.4), not a float (8.0)."""
    parse_weight: Callable[[bytes], float] = staticmethod(parse_weight)
    """`RPUSH l " 2"`, `SORT l`: a number (Redis 7), none (8.0, Valkey 9)."""

    @staticmethod
    def set_allows(before: str, option: str) -> bool:
        """`SET k v EX 1 EX 2`: whether `option` may follow another one of the same kind."""
        return before == option

    @staticmethod
    def fits_embedded(key_length: int, length: int, expires: bool) -> bool:
        """`SET k {v*44}`, `OBJECT ENCODING k`: embstr, or raw where key and value have to fit together (Redis 8.6, Valkey 8.1)."""
        return length <= 44

    xread_has_plus: ClassVar[bool] = False
    """`XREAD STREAMS s +`: an invalid id (7.0), the last entry (7.4, Valkey 8)."""

    @staticmethod
    def unbalanced_streams(name: str, of_group: bool) -> str:
        """`XREAD STREAMS a b 0`."""
        return "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."

    unblocked_readers_hear_why: ClassVar[bool] = True
    """`XREADGROUP GROUP g c BLOCK 0 STREAMS s >`, then `DEL s` or `XGROUP DESTROY s g`: errors of their own (7.0), those of
    a command that was sent now (7.2)."""
    readers_hear_of_deletion: ClassVar[bool] = False
    """`XREADGROUP GROUP g c BLOCK 0 STREAMS s >`, then `DEL s`: goes on waiting (6.2), hears of it (7.0)."""
    xgroup_reads_options_first: ClassVar[bool] = False
    """`XGROUP SETID none g $ ENTRIESREAD 7`: no such key (6.2, which takes MKSTREAM alone), an option, then no such key (7.0)."""
    streams_count_entries: ClassVar[bool] = False
    """`XINFO STREAM s`, `XINFO GROUPS s`: nothing of entries-added, entries-read and lag (6.2)."""
    xadd_completes_ids: ClassVar[bool] = False
    """`XADD s 5-* a 1`: no id (6.2), 5-0 (7.0)."""
    deleted_entries_stay_pending: ClassVar[bool] = True
    """`XADD s 1-1 a 1`, reading it as a consumer, `XDEL s 1-1`, `XAUTOCLAIM s g d 0 0`: nil (6.2), a deleted id (7.0)."""
    stream_ranges_exclude: ClassVar[bool] = False
    """`XRANGE s (1-1 +`: an invalid id (6.0), what follows 1-1 (6.2)."""
    xtrim_looks_at_the_key_first: ClassVar[bool] = True
    """`XTRIM missing FOO 1`: 0 (6.0), a syntax error (6.2)."""
    xtrim_without_strategy: ClassVar[str] = "ERR XTRIM called without an option to trim the stream"
    """`XADD s 1-1 a b`, `XTRIM s`."""
    range_bounds_come_first: ClassVar[bool] = True
    """`ZRANGEBYSCORE z a 2 LIMIT 0`: min or max is not a float (6.0), a syntax error (6.2, which reads the options of all
    ranges in one place: `ZRANGEBYLEX z - + WITHSCORES` has an error of its own there)."""
    random_members_are_a_set: ClassVar[bool] = True
    """`HELLO 3`, `SRANDMEMBER s 3`: a set (6.0), an array (6.2); `SRANDMEMBER missing -9223372036854775808`: nothing (6.0),
    out of range (6.2)."""
    tells_what_is_no_integer: ClassVar[bool] = True
    """`LPOS l a COUNT abc`, `SPOP s abc`, `DEBUG POPULATE a`: not an integer (6.0), what is said of a negative one (6.2)."""
    negative_spop: ClassVar[str] = INDEX_OUT_OF_RANGE
    """`SPOP s -1`."""
    geoadd_syntax: ClassVar[str] = f"{SYNTAX_ERROR}. Try GEOADD key [x1] [y1] [name1] [x2] [y2] [name2] ... "
    """`GEOADD g 1 2 a 3`."""
    places_of_nothing_need_no_words: ClassVar[bool] = True
    """`GEORADIUS missing 1 20 1 xx`: nothing (6.0), an unsupported unit (6.2); nor is anything stored in 6.0."""
    sorts_all_places: ClassVar[bool] = True
    """`GEORADIUS g 15 38 1000 km COUNT 11 DESC` of many that are equally far: in the order of a whole sort (6.0), or of a
    partial one (6.2)."""
    unions_delete_what_was_there: ClassVar[bool] = True
    """`BZPOPMIN k 0`, another client's `SET k string` and `ZUNIONSTORE k 1 source`: is served (6.0), waits (6.2)."""
    hincrbyfloat_reads_no_infinity: ClassVar[bool] = False
    """`HINCRBYFLOAT h f inf`: the sum would be infinite (6.0), the increment is (6.2)."""
    bits_end_where_strings_end: ClassVar[bool] = False
    """`CONFIG SET proto-max-bulk-len 1mb`, `SETBIT k 8388608 1`: 0 (6.0), an offset out of range (6.2)."""
    move_outside: ClassVar[str] = INDEX_OUT_OF_RANGE
    """`MOVE k abc`, `MOVE k 99`: this (6.0), or what is wrong with the number (6.2)."""
    select_nothing: ClassVar[str] = INVALID_DB
    """`SELECT abc`."""
    select_wraps: ClassVar[bool] = True
    """`SELECT 4294967296`: OK, it is database 0 (6.0), out of range (6.2)."""
    swapdb_checks_32_bits: ClassVar[bool] = False
    """`SWAPDB 99999999999 0`: DB index is out of range (6.0), an invalid first index (6.2)."""
    wrong_password: ClassVar[str] = "WRONGPASS invalid username-password pair"
    """`AUTH nobody x`."""
    hello_without_number: ClassVar[str] = NOPROTO
    """`HELLO abc`."""
    numpat_counts_listeners: ClassVar[bool] = True
    """`PSUBSCRIBE a*` of two clients, `PUBSUB NUMPAT`: 2 (6.0), 1 (6.2)."""
    set_nx_gets: ClassVar[bool] = False
    """`SET k v NX GET`: a syntax error (6.2), the old value (7.0)."""
    decrby_takes_int64_min: ClassVar[bool] = True
    """`DECRBY k -9223372036854775808`: -9223372036854775808 (6.2), an overflow (7.0)."""
    zpop_takes_negative_counts: ClassVar[bool] = True
    """`ZPOPMIN z -1`: nothing (6.2), out of range (7.0)."""
    small_scores_are_integers: ClassVar[bool] = False
    """`ZADD z 1e17 a`, `ZSCAN z 0`: 1e+17 (6.2), 100000000000000000 (7.0)."""
    distances_are_printed: ClassVar[bool] = True
    """`GEODIST` half way between two answers: as printf rounds (6.2), or to the even one (7.0)."""
    incremented_values_stay_small: ClassVar[bool] = True
    """`CONFIG SET hash-max-ziplist-value 3`, `HSET h f 1`, `HINCRBY h f 1000`, `OBJECT ENCODING h`: ziplist (6.2), not
    measured; hashtable (7.0)."""
    queues_unknown_subcommands: ClassVar[bool] = True
    """`MULTI`, `CONFIG NOSUCH`: queued (6.2), an error at once (7.0)."""
    any_master_port: ClassVar[bool] = True
    """`REPLICAOF a 65536`: OK (6.2), an invalid port (7.0)."""
    double_of_debug: ClassVar[float] = 3.14159265359
    """`DEBUG PROTOCOL double`."""
    rank_is_zero: ClassVar[str] = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second, ..."
    """`LPOS l a RANK 0`."""
    geo_unit: Callable[[str], str] = staticmethod(str.lower)
    """`GEODIST g a b KM`: an error that names km (6.2), kilometres (7.0)."""
    checks_client_ids: ClassVar[bool] = False
    """`CLIENT KILL ID 0`: 0 (6.2), an error (7.0)."""
    malloc_stats_are_plain: ClassVar[bool] = False
    """`HELLO 3`, `MEMORY MALLOC-STATS`: a bulk string (6.2), a verbatim one (6.0, 7.0)."""
    info_takes_one_section: ClassVar[bool] = True
    """`INFO cpu cluster`: a syntax error (6.2), two sections (7.0)."""
    denies_in_transactions: ClassVar[bool] = False
    """`MULTI`, `SAVE`: queued (6.2), an error (7.0)."""
    describes_key_specs: ClassVar[bool] = False
    """`COMMAND INFO get`: seven facts (6.2), ten (7.0)."""
    readers_announce_themselves: ClassVar[bool] = False
    """`XREADGROUP GROUP g new STREAMS s 0`: an xgroup-createconsumer event (7.0), none (6.2)."""
    reading_nothing_makes_a_consumer: ClassVar[bool] = False
    """`XREADGROUP GROUP g c STREAMS s >` when there is nothing, `XINFO CONSUMERS s g`: none (7.0), c (7.2)."""
    consumers_have_active_time: ClassVar[bool] = False
    """`XINFO CONSUMERS s g`: no `inactive` (7.0), which came with 7.2."""
    counts_reads_from_first_entry: ClassVar[bool] = False
    """`XGROUP SETID s g 0 ENTRIESREAD 5`, reading two entries, `XINFO GROUPS s`: entries-read 7 (7.4), 2 (8.0, Valkey 8.1)."""
    entries_read_are_limited: ClassVar[bool] = False
    """`XADD s 1-1 a b`, `XGROUP CREATE s g 0 ENTRIESREAD 3`, `XINFO GROUPS s`: entries-read 3 (8.0, Valkey 9), 1 (8.6)."""
    lag_looks_at_what_is_left: ClassVar[bool] = False
    """A group that read a stream whose entries were then all trimmed, `XINFO GROUPS s`: its old lag (7.4), 0 (8.0)."""
    streams_know_their_producers: ClassVar[bool] = False
    """`XADD s 1-1 f v`, `XINFO STREAM s`: nothing about idempotent producers (8.0), six fields (8.6)."""
    nothing_is_counted_before_a_deleted_entry: ClassVar[bool] = False
    """`XADD s 1-{1..5} f v`, `XGROUP CREATE s g 1-1`, `XDEL s 1-4`, `XTRIM s MAXLEN 1`, `XINFO GROUPS s`: a lag of 1, or
    (Valkey) none."""
    xsetid_checks_max_deleted_id: ClassVar[bool] = False
    """`XSETID s 7 MAXDELETEDID 6`, `XSETID s 5`: OK (7.0), an error (7.2)."""
    plus_needs_an_id: ClassVar[bool] = False
    """`XGROUP CREATE s g 0 MKSTREAM`, `XREAD STREAMS s +`: an error (7.4, Valkey 8.1), nothing (8.0, Valkey 9)."""
    plus_is_the_last_id_given: ClassVar[bool] = True
    """`XADD s 1-1 a b`, `XADD s 1-2 a b`, `XDEL s 1-2`, `XREAD STREAMS s +`: nothing (7.4, Valkey), 1-1 (8.0)."""
    xadd_past_the_last_sequence: ClassVar[str] = "ERR Elements are too large to be stored"
    """`XADD s 1-18446744073709551615 f v`, `XADD s 1-* f v`: this (7.0), or that the id is not greater (7.2)."""
    small_integers_are_shared: ClassVar[bool] = True
    """`SET n 100`, `OBJECT REFCOUNT n`: 2147483647 (Redis 7), 1 (Redis 8.6, Valkey 8.1)."""
    coordinates_have_17_places: ClassVar[bool] = True
    """`GEOPOS g a`: 13.36138933897018433 (Redis 7, Valkey), 13.361389338970184 (8.0)."""
    geo_no_such_member: ClassVar[str] = "ERR could not decode requested zset member"
    """`GEOSEARCH g FROMMEMBER missing BYRADIUS 1 m`; `{}` is the member."""
    geo_shapes: ClassVar[str] = "BYRADIUS and BYBOX"
    """`GEOSEARCH g FROMMEMBER a ASC WITHDIST WITHCOORD`: exactly one of these is needed."""
    pfdebug_simd: ClassVar[bool] = False
    """`PFDEBUG SIMD ON`: ON is looked up as a key (Redis 7), enabled (8.0, Valkey 8.1)."""
    scan_knows_types: ClassVar[bool] = False
    """`SCAN 0 TYPE foo`: nothing is found (Redis), an error (Valkey 8.1)."""
    comparing_reads: ClassVar[bool] = True
    """COMMAND GETKEYSANDFLAGS SET k v IFEQ w: RW (Redis 8.6), OW (Valkey 9)."""

    monitors_before_running: ClassVar[bool] = True
    """`MONITOR`, `PING` on one connection: the line and then PONG (6.0), or the other way round (6.2)."""
    monitor_escapes_quotes: ClassVar[bool] = True
    r"""`SET "\"" v`: shown with the backslash, but not by Valkey 8.1."""
    monitor_shows_quit: ClassVar[bool] = False
    """`QUIT` is shown from 7.0 on."""
    transactions_deny_monitor: ClassVar[bool] = False
    """`MULTI`, `MONITOR`, `EXEC`: OK (6.0), an error (6.2)."""
    denied_to_monitors: ClassVar[str] = ""
    """`MONITOR`, `SET k v` on one connection."""
    pushes_follow_the_reply: ClassVar[bool] = False
    """`HELLO 3`, `SUBSCRIBE c`, `PUBLISH c m`: the message and then the number (Redis 7.0), or the other way round (7.2)."""
    invalidations_follow_the_reply: ClassVar[bool] = False
    """`CLIENT TRACKING ON`, `GET k`, `SET k v`: the invalidation and then OK (6.0), or the other way round (6.2)."""
    noloop_knows_the_caller: ClassVar[bool] = False
    """`CLIENT TRACKING ON NOLOOP`, `GET k`, and a script of this client sets k: it is told (6.0), or spared (6.2)."""
    tracks_what_scripts_read: ClassVar[bool] = False
    """`CLIENT TRACKING ON`, `EVAL "return redis.call('get', 'a')" 1 b`: tracks b (7.0), a (7.2)."""
    tracks_served_readers: ClassVar[bool] = False
    """`CLIENT TRACKING ON`, `XREAD BLOCK 0 STREAMS s $` and two times another client's `XADD`: one invalidation (7.0), two
    (7.2)."""
    flushdb_forgets_what_is_tracked: ClassVar[bool] = False
    """`CLIENT TRACKING ON`, `GET k`, another client's `FLUSHDB` and `SET k v`: two invalidations (6.0), one (6.2)."""
    flushes_answer_late: ClassVar[bool] = False
    """`CLIENT TRACKING ON`, `FLUSHALL`: OK and then the invalidation (7.2), or the other way round (7.4)."""
    pushes_when_replies_are_off: ClassVar[bool] = False
    """`CLIENT TRACKING ON`, `GET k`, `CLIENT REPLY OFF`, another client's `SET k v`: nothing (6.0), an invalidation (6.2)."""
    prefixes_must_not_overlap: ClassVar[bool] = False
    """`CLIENT TRACKING ON BCAST PREFIX a PREFIX ab`: OK (6.0), an error (6.2)."""
    later_overlaps_are_let_in: ClassVar[bool] = True
    """`CLIENT TRACKING ON BCAST PREFIX x PREFIX a PREFIX ab`: an error and then OK (checkPrefixCollisionsOrReply returns the
    index of the prefix, and its caller takes all but 0 for "fine"), an error alone in Valkey 9."""
    past_is_expired: ClassVar[bool] = False
    """`EXPIRE k -1`: the event is del (Redis), expired (Valkey 8); `SET k v EXAT 1`: sets the key, which expires at once
    (Redis), or only deletes what it was (Valkey 8), as HSETEX does with fields."""
    msetex_tells_expiry_first: ClassVar[bool] = True
    """`MSETEX 1 k v EX 9`: the events expire and set (Redis), set and expire (Valkey)."""
    msetex_wrong_count: ClassVar[str] = "ERR invalid numkeys value"
    """`MSETEX 0 k v`."""
    msetex_too_few_pairs: ClassVar[str] = "ERR wrong number of key-value pairs"
    """`MSETEX 2 k v`."""
    ranges_of_bits: ClassVar[bool] = False
    """`BITCOUNT k 5 30 BIT`: a syntax error (6.2), a number (7.0)."""
    setbit_always_changes: ClassVar[bool] = True
    """`WATCH k`, another client's `SETBIT k 3 1` where that bit is 1, `EXEC`: nil (6.2), runs (7.0)."""
    bits_of_missing_keys_have_any_range: ClassVar[bool] = True
    """`BITCOUNT missing 0 x`, `BITPOS missing 0 x`: 0 (7.0), not an integer (7.4); `BITCOUNT k -1 -2 BAD`: 0 (7.0), a
    syntax error (7.4)."""
    bitcount_end_is_optional: ClassVar[bool] = False
    """`SET k a`, `BITCOUNT k 0`: a syntax error (Redis), 3 (Valkey 8)."""
    bitcount_reads_unit_before_end: ClassVar[bool] = False
    """`BITCOUNT k 0 x BAD`: not an integer (Redis), a syntax error (Valkey 8)."""
    getex_checks_value_of_missing_key: ClassVar[bool] = False
    """`GETEX missing EX abc`: nil (Redis) or an error (Valkey 9.1)."""
    parse_cursor: Callable[[bytes], int] = staticmethod(parse_cursor)
    """`SCAN ""` and `HSCAN h -1` step (Redis 7.0), `HSCAN h " 1"` does (7.4)."""
    refused_by_scan: ClassVar[Mapping[bytes, str]] = MappingProxyType({})
    """`SSCAN s 0 NOVALUES`: a syntax error (Redis 7.2), an error of its own (7.4)."""
    negative_offsets_count_from_the_end: ClassVar[bool] = False
    """`ZRANGE z - + BYLEX LIMIT -1 1` of a skiplist: nothing (Redis 7.2), the last (7.4), nothing (8.6)."""
    zadd_measures_members_first: ClassVar[bool] = False
    """`ZADD z XX 1 member-of-65-bytes` that z has not, `OBJECT ENCODING z`: listpack (Redis), skiplist (Valkey 8.1)."""
    stores_score_ranges_as_skiplists: ClassVar[bool] = False
    """`ZADD z 1 a`, `ZRANGESTORE d z 0 1 BYSCORE`, `OBJECT ENCODING d`: listpack, but skiplist in 7.2."""
    serves_the_ready_key_only: ClassVar[bool] = True
    """`BLPOP a b 0` while another client's `MULTI; RPUSH b 1; RPUSH a 2; EXEC`: b (Redis 7.0), a (7.2, which runs BLPOP again)."""
    lset_index_wraps_at_32_bits: ClassVar[bool] = False
    """`LSET l 4294967296 x`: out of range (Redis 7.0), the first element (7.2)."""
    ltrim_always_changes: ClassVar[bool] = True
    """`WATCH l`, another client's `LTRIM l 0 -1`, `MULTI`, `EXEC`: fails (Redis), runs (Valkey 9)."""
    lrem_takes_int64_min: ClassVar[bool] = True
    """`LREM l -9223372036854775808 a`: a count (Redis 7.2), out of range (7.4)."""
    lpos_takes_int64_min: ClassVar[bool] = True
    """`LPOS l a RANK -9223372036854775808`: a rank (Redis 7.0), out of range (7.2)."""
    modules: ClassVar[tuple[Module, ...]] = ()
    """`MODULE LIST` of a server that was told to load none."""
    loadable_modules: ClassVar[tuple[Module, ...]] = ()
    """What it may be told to load."""
    loads_modules: ClassVar[bool] = False
    """Whether it loads them if it is told nothing, as the server that users install does (Redis Stack, Redis 8)."""
    describes_modules: ClassVar[bool] = False
    """`COMMAND INFO json.get`: any number of arguments, a key for reading and writing (Redis Stack 7), or as it is (8.0)."""
    undescribed_modules: ClassVar[frozenset[str]] = frozenset()
    """`COMMAND INFO vadd`: any number of arguments even where others are described (8.0)."""

    @classmethod
    def describes(cls, folder: str) -> bool:
        """Whether COMMAND tells what the commands of a module take."""
        return cls.describes_modules and folder not in cls.undescribed_modules

    lists_subcommands: ClassVar[bool] = False
    """`COMMAND INFO client` in RESP3: the subcommands are a set, but an array in Valkey 9."""
    documents_display_text: ClassVar[bool] = False
    """`COMMAND DOCS get`: arguments have a display_text since 7.2."""
    words_before_options_stand_alone: ClassVar[bool] = False
    """`COMMAND DOCS xinfo|stream`: FULL is the token of the block behind it (7.0), an argument in that block (7.2)."""
    keyspace_fields: ClassVar[str] = ""
    """`INFO keyspace`: what follows avg_ttl; the number is that of hashes of which fields go."""
    small_hashes_expire: ClassVar[bool] = True
    """`HEXPIRE h 9 FIELDS 1 f`, `OBJECT ENCODING h`: listpackex (Redis), hashtable (Valkey)."""
    field_options: ClassVar[str] = "strict"
    """`HEXPIRE h 9 FIELDS 1 f NX`: the numbers disagree (Redis 7.4, 8.0: strict), fine (8.6: anywhere), an error (valkey)."""
    hashes_stay_volatile: ClassVar[bool] = True
    """`HEXPIRE h 9 FIELDS 1 f`, `HPERSIST h FIELDS 1 f`, `INFO keyspace`: subexpiry=1 for nine more seconds (Redis), 0 (Valkey)."""
    field_ttl_rounding: ClassVar[int] = 999
    """`HTTL h FIELDS 1 f` of 100.1 seconds: 101 (Redis), 100 (Valkey)."""
    field_expiry_is_an_expired_event: ClassVar[bool] = False
    """`HPEXPIRE h 9 FIELDS 1 f`: who hears hexpired then has asked for the class h (Redis) or x (Valkey)."""
    lolwut_version: ClassVar[int] = 6
    """`LOLWUT`: the version whose picture is shown; most have none of their own (0)."""
    lolwut_versions: ClassVar[Mapping[int, tuple[int, int]]] = {5: (66, 12), 6: (80, 20)}
    """`LOLWUT VERSION 5`: the versions that have a picture, and how large it is."""
    lolwut_name: ClassVar[str] = "Redis"
    """`LOLWUT VERSION 1`: `Redis ver. 8.1.1` (also Valkey 8.1), `Valkey ver.9.1.2`."""
    lolwut_gap: ClassVar[str] = " "
    """`LOLWUT VERSION 1`: `Redis ver. 7.0.15`, `Valkey ver.9.1.2`."""
    event_letters: ClassVar[bytes] = b"Ag$lshzxeKEtm"
    """`CONFIG SET notify-keyspace-events d`: an error in 6.0; `CONFIG SET notify-keyspace-events n`: one in 6.2;
    `CONFIG SET notify-keyspace-events oc`: one, but in Redis 8.2."""
    config_sets_one: ClassVar[bool] = True
    """`CONFIG GET timeout hz`, `CONFIG SET timeout 1 hz 2`: wrong numbers of arguments (6.2), fine (7.0)."""
    checks_size_of_memory_values: ClassVar[bool] = False
    """`CONFIG SET maxmemory 18446744073709551616`: OK (Redis), an error (Valkey 9)."""
    config_set_evicts: ClassVar[bool] = True
    """`CONFIG SET maxmemory 1` where keys may go: they do before (6.2) or after it is answered (7.0)."""
    queues_without_memory: ClassVar[bool] = False
    """`CONFIG SET maxmemory 1`, `MULTI`, `GET k`: an error (7.2), QUEUED (7.4)."""
    memory_stats_tell_empty_databases: ClassVar[bool] = False
    """`SELECT 3`, `MEMORY STATS`: nothing of db.3, but in Valkey 9."""
    only_scripts_remember_memory: ClassVar[bool] = True
    """`MULTI`, an EVAL that writes, `EXEC`, where there is no memory any more: the script hears of it if the last EVAL
    outside of a transaction would have (6.2), or at once (7.0)."""
    waiters_need_memory: ClassVar[bool] = False
    """`BLMOVE a b LEFT LEFT 0` that is served when there is no memory: the element (7.0), an error (7.2)."""
    scripts_hear_of_memory_first: ClassVar[bool] = False
    """`CONFIG SET maxmemory 1`, `EVAL "#!lua flags=no-writes\nreturn redis.call('set', 'k', 'v')" 0`: that it only reads
    (8.6, Valkey 8), or that there is no memory (Valkey 9)."""
    hello_with_auth: ClassVar[str] = "HELLO AUTH <user> <pass>"
    """`HELLO 3` where a password is needed: how it names the way in."""
    hello_acts_at_once: ClassVar[bool] = True
    """`HELLO 2 SETNAME ab FOO`, `CLIENT GETNAME`: ab (7.0), nil (7.2)."""
    reset_ends_no_evict: ClassVar[bool] = False
    """`CLIENT NO-EVICT ON`, `RESET`, `CLIENT INFO`: flags=e (7.0), flags=N (7.2)."""
    client_fields: ClassVar[tuple[str, ...]] = (
        "id",
        "addr",
        "fd",
        "name",
        "age",
        "idle",
        "flags",
        "db",
        "sub",
        "psub",
        "multi",
        "qbuf",
        "qbuf-free",
        "argv-mem",
        "obl",
        "oll",
        "omem",
        "tot-mem",
        "events",
        "cmd",
        "user",
    )
    """`CLIENT INFO`: the fields of its line."""
    client_types: ClassVar[frozenset[bytes]] = frozenset((b"normal", b"master", b"slave", b"replica", b"pubsub"))
    """`CLIENT LIST TYPE primary`: an error, but in Valkey."""
    client_filters: ClassVar[frozenset[str]] = frozenset(("ID", "TYPE", "USER", "ADDR", "SKIPME"))
    """`CLIENT KILL LADDR 1.2.3.4:5`: a syntax error (6.0), 0 (6.2); `CLIENT KILL MAXAGE 100`: a syntax error (7.0, 7.2),
    0 (7.4)."""
    several_client_ids: ClassVar[bool] = False
    """`CLIENT KILL ID 7 8 9`: a syntax error (Redis), 0 (Valkey 8), whose CLIENT LIST knows the same filters."""
    complains_of_more_client_arguments: ClassVar[bool] = True
    """`CLIENT PAUSE 1 ALL ALL`: an error, but in Valkey 8.1."""
    checks_end_of_pause: ClassVar[bool] = False
    """`CLIENT PAUSE 9223372036854775807`: OK (7.0), out of range (7.2)."""
    allowed_when_subscribed: ClassVar[frozenset[str]] = frozenset(
        ("subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ping", "quit")
    )
    """What a subscribed RESP2 client may still call."""

    wait_tells_since: ClassVar[str] = " since Redis 4.0"
    """`WAIT 0 0` on a replica."""
    script_debug_words: ClassVar[str] = "ERR Use SCRIPT DEBUG yes/sync/no"
    """`SCRIPT DEBUG x`."""
    keyslot_needs_cluster: ClassVar[bool] = True
    """`CLUSTER KEYSLOT k`: disabled, but a slot in Valkey 9."""
    readonly_needs_cluster: ClassVar[bool] = True
    """`READONLY`: disabled (Redis), OK (Valkey 8)."""
    readwrite_needs_cluster: ClassVar[bool] = False
    """`READWRITE`: OK (6.2), disabled (7.0), OK (Valkey 8)."""

    @staticmethod
    def denied_when_subscribed(name: str) -> str:
        """`SUBSCRIBE c`, `GET k`."""
        return (
            f"ERR Can't execute '{name.partition('|')[0]}': only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / QUIT"
            " are allowed in this context"
        )

    @staticmethod
    def denied_in_transaction(name: str) -> str:
        """`MULTI`, `SAVE`."""
        return "ERR Command not allowed inside a transaction"

    @staticmethod
    def no_permission(user: str, command: str, reason: str) -> str:
        """`GET k` of a user who may not: `reason` is command, key, channel or database."""
        if reason == "command":
            return f"this user has no permissions to run the '{command.partition('|')[0]}' command or its subcommand"
        return f"this user has no permissions to access one of the {reason}s used as arguments"

    @classmethod
    def script_has_no_permission(cls, user: str, command: str, reason: str) -> str:
        """`EVAL "return redis.call('get', 'k')" 0` of a user who may not."""
        return {
            "command": "The user executing the script can't run this command or subcommand",
            "key": "The user executing the script can't access at least one of the keys mentioned in the command"
            " arguments",
            "channel": "The user executing the script can't publish to the channel mentioned in the command",
        }[reason]

    @staticmethod
    def refused_without_authentication(error: str) -> str:
        """`NOSUCH a` and `GET` of a client that has to authenticate: the error that anybody gets."""
        return error

    @staticmethod
    def invalid_expire_time(name: str) -> str:
        """`SET k v EX 0`."""
        return f"ERR invalid expire time in {name}"

    @staticmethod
    def unpaired(name: str) -> str:
        """`MSET a 1 b`, `MSETNX a 1 b`, `XADD s * a`."""
        return f"ERR wrong number of arguments for {name.removesuffix('nx').upper()}"

    @staticmethod
    def no_input_keys(name: str) -> str:
        """`ZUNION 0 a`."""
        return "ERR at least 1 input key is needed for ZUNIONSTORE/ZINTERSTORE"

    @staticmethod
    def cannot_store_places(storing: str) -> str:
        """`GEOSEARCHSTORE d g FROMMEMBER p BYRADIUS 1 km WITHDIST`."""
        return "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORDS options"

    @staticmethod
    def unknown_parameter(name: bytes) -> str:
        """`CONFIG SET nosuch 1`, and in 6.2 `CONFIG SET databases 3`, which cannot be changed."""
        return f"ERR Unsupported CONFIG parameter: {text(name)}"

    @staticmethod
    def config_set_failed(name: bytes, value: bytes, reason: str) -> str:
        """`CONFIG SET timeout x`; the parameters that are lists give no reasons."""
        unsaid = name.lower() in (b"save", b"client-output-buffer-limit", b"notify-keyspace-events")
        end = "" if unsaid or reason == "wrong number of arguments" else f" - {reason.replace('(s)', '')}"
        return f"ERR Invalid argument '{text(value)}' for CONFIG SET '{text(name)}'{end}"

    @staticmethod
    def unknown_command(argv: list[bytes]) -> str:
        """`NOSUCH a b`: the arguments are cut at about 128 bytes."""
        quoted = ""
        for argument in argv[1:]:
            if len(quoted) >= 128:
                break
            quoted += f"`{text(argument[: 128 - len(quoted)])}`, "
        return f"ERR unknown command `{text(argv[0])}`, with args beginning with: {quoted}"

    @classmethod
    def unknown_subcommand(cls, argv: list[bytes]) -> str:
        """`CLIENT NOSUCH`."""
        return cls.wrong_subcommand(argv)

    @classmethod
    def wrong_subcommand_arity(cls, argv: list[bytes], name: str) -> str:
        """`CLIENT ID x`, `CLUSTER INFO x`."""
        if name.startswith("cluster|"):
            return CLUSTER_DISABLED
        return SYNTAX_ERROR if name == "client|kill" else cls.wrong_subcommand(argv)

    @staticmethod
    def wrong_subcommand(argv: list[bytes]) -> str:
        """`CLIENT PAUSE 1 ALL ALL`, `MEMORY FOO`, `XINFO FOO`: what commands say that count their arguments themselves."""
        name = text(argv[0].upper())
        if name == "XINFO" and len(argv) < 3:
            return f"{SYNTAX_ERROR}, try 'XINFO HELP'"
        end = "" if name in ("CLIENT", "MEMORY") else "."
        return f"ERR Unknown subcommand or wrong number of arguments for '{text(argv[1])}'. Try {name} HELP{end}"

    @classmethod
    def has(cls, since: str, until: str = "") -> bool:
        """Whether something that came with `since` and went with `until` is there; the spelling is `@command`'s."""
        return cls._reached(since) and not (until and cls._reached(until))

    @classmethod
    def reads_rdb_version(cls, version: int) -> bool:
        """Whether RESTORE accepts what a server with this `rdb_version` wrote."""
        return version <= cls.rdb_version and version not in cls.rdb_versions_refused

    @classmethod
    def own_version(cls, since: str) -> str:
        """The one of the versions in `since` that is about this server: what COMMAND DOCS tells."""
        versions = {name or "redis": version for name, _, version in (part.rpartition("=") for part in since.split())}
        return versions.get(cls.name) or versions["redis"]

    @classmethod
    def _reached(cls, moment: str) -> bool:
        versions = {"redis": ""}
        for part in moment.split():
            name, _, version = part.rpartition("=")
            versions[name or "redis"] = version
        if versions.get(cls.name):
            return cls.version >= _tuple(versions[cls.name])
        if cls.name == "redis" or not versions["redis"]:
            return False
        return _tuple(versions["redis"]) <= FORKED_AT


FORKED_AT = (7, 2, 4)
"""What Redis had by then, its forks have too."""


def _tuple(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def insert_after(names: tuple[str, ...], before: str, *more: str) -> tuple[str, ...]:
    """`names` with `more` behind `before`."""
    at = names.index(before) + 1
    return (*names[:at], *more, *names[at:])

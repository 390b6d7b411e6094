"""Commands about the server as a whole: its parameters, its databases, what it knows about itself, its end."""

from __future__ import annotations

from redouble.core import errors
from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.core.info import info as describe
from redouble.core.memory import SAMPLES, size_of, statistics, used_memory
from redouble.core.stopwatch import timed
from redouble.resp.reply import NO_REPLY, OK, Reply, Status, Verbatim

ADMIN = "admin noscript loading stale"

# CONFIG.

container("CONFIG", since="2.0.0")


@command("CONFIG GET parameter [parameter ...]", flags=ADMIN, since="2.0.0")
def config_get(client: Client, argv: Argv) -> Reply:
    """The parameters that match one of the patterns, and their values."""
    if len(argv) > 3 and client.server.dialect.config_sets_one:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    return client.server.config.matching(argv[2:])


@command(
    "CONFIG SET parameter value [parameter value ...]",
    flags=ADMIN,
    since="2.0.0",
)
@timed
def config_set(client: Client, argv: Argv) -> Reply:
    """Change parameters: all of them, or none if one cannot be."""
    if len(argv) > 4 and client.server.dialect.config_sets_one:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    if len(argv) % 2:
        raise CommandError(errors.SYNTAX_ERROR)
    client.server.config.set(zip(argv[2::2], argv[3::2]))
    return OK


@command("CONFIG RESETSTAT", flags=ADMIN, since="2.0.0")
def config_resetstat(client: Client, argv: Argv) -> Reply:
    """Let INFO count from zero."""
    client.server.reset_statistics()
    client.command.calls = 1
    return OK


@command("CONFIG REWRITE", flags=ADMIN, since="2.8.0")
def config_rewrite(client: Client, argv: Argv) -> Reply:
    """Write the parameters to the configuration file."""
    raise CommandError("ERR The server is running without a config file")


# Databases.


@command("DBSIZE", flags="readonly fast", since="1.0.0", acl="keyspace")
def dbsize(client: Client, argv: Argv) -> Reply:
    """How many keys the database has."""
    return len(client.db)


def check_flush_option(client: Client, argv: Argv) -> None:
    if len(argv) > 2 or (len(argv) == 2 and argv[1].upper() not in client.command.options.words):
        raise CommandError(errors.SYNTAX_ERROR)


@command(
    "FLUSHDB [ASYNC | SYNC]",
    flags="write",
    since="1.0.0",
    since_option={"ASYNC": "4.0.0", "SYNC": "6.2.0"},
    acl="keyspace dangerous",
)
def flushdb(client: Client, argv: Argv) -> Reply:
    """Remove every key of the database."""
    check_flush_option(client, argv)
    client.server.dirty += client.db.clear()
    client.server.tracking.flush(every_database=False, at_once=_answers_late(client, argv))
    return OK


@command(
    "FLUSHALL [ASYNC | SYNC]",
    flags="write",
    since="1.0.0",
    since_option={"ASYNC": "4.0.0", "SYNC": "6.2.0"},
    acl="keyspace dangerous",
)
def flushall(client: Client, argv: Argv) -> Reply:
    """Remove every key of every database."""
    check_flush_option(client, argv)
    client.server.dirty += sum(db.clear() for db in client.server.databases.values()) + 1
    client.server.tracking.flush(at_once=_answers_late(client, argv))
    return OK


def _answers_late(client: Client, argv: Argv) -> bool:
    """Whether another thread does the work on the real server, and the client hears of everything else before."""
    return client.server.dialect.flushes_answer_late and not client.deny_blocking and argv[-1].upper() != b"ASYNC"


@command("SWAPDB index1 index2", flags="write fast", since="4.0.0", acl="keyspace dangerous")
def swapdb(client: Client, argv: Argv) -> Reply:
    """Exchange the keys of two databases; who works on one of them sees the other's at once."""
    first = database_index(client, argv[1], "ERR invalid first DB index")
    second = database_index(client, argv[2], "ERR invalid second DB index")
    server = client.server
    if not (0 <= first < server.config.databases and 0 <= second < server.config.databases):
        raise CommandError(errors.DB_OUT_OF_RANGE)
    if first != second:
        server.database(first).swap(server.database(second))
        server.dirty += 1
    return OK


def database_index(client: Client, text: bytes, error: str) -> int:
    index = integer(text, error)
    if client.server.dialect.swapdb_checks_32_bits and not -(2**31) <= index < 2**31:
        raise CommandError(error)
    return index


# What the server knows about itself.


@command(
    "INFO [section [section ...]]",
    flags="loading stale",
    since="1.0.0",
    acl="dangerous",
)
def info(client: Client, argv: Argv) -> Reply:
    """Facts and counters, as lines of names and values."""
    if len(argv) > 2 and client.server.dialect.info_takes_one_section:
        raise CommandError(errors.SYNTAX_ERROR)
    client.server.peak_memory = max(client.server.peak_memory, used_memory(client.server))
    with client.command.uncounted():
        return Verbatim(describe(client.server, [errors.text(name) for name in argv[1:]]).encode())


@command("TIME", flags="loading stale fast readonly@before:6.2.0", since="2.6.0")
def time(client: Client, argv: Argv) -> Reply:
    """Unix time: seconds, and the microseconds since then."""
    seconds, nanoseconds = divmod(client.server.clock.time_ns(), 1_000_000_000)
    return [b"%d" % seconds, b"%d" % (nanoseconds // 1000)]


@command(
    "LOLWUT [VERSION version]",
    flags="readonly fast",
    since="5.0.0",
)
def lolwut(client: Client, argv: Argv) -> Reply:
    """A picture for your terminal, another one for each version that has one, and the version."""
    words = argv[1:]
    dialect = client.server.dialect
    version = dialect.lolwut_version
    if len(words) > 1 and words[0].upper() == b"VERSION":
        version = integer(words[1])
        words = words[2:]
    known = dialect.lolwut_versions
    name, number = dialect.lolwut_name, ".".join(map(str, dialect.version))
    if version not in known:
        return Verbatim(f"{name} ver.{dialect.lolwut_gap}{number}\n".encode())
    try:
        numbers = [integer(word) for word in words[:2]]
    except CommandError:
        if version == 9:
            raise CommandError("ERR Syntax error. Use: LOLWUT [columns rows] [real imaginary]") from None
        if version != 8:
            raise
        numbers = []
    columns, rows = (*numbers, *known[version][len(numbers) :])
    return Verbatim(f"{_skyline(client, columns, rows)}\nNobody lives there: {name} ver. {number}\n".encode())


def _skyline(client: Client, columns: int, rows: int) -> str:
    """Houses of chance heights, with their windows."""
    columns, rows = min(max(columns, 1), 1000), min(max(rows, 1), 200)
    chance = client.server.random
    heights: list[int] = []
    while len(heights) < columns:
        heights += [chance.randint(0, rows)] * chance.randint(3, 9)
    lines = [
        "".join(chance.choice("##:") if height >= floor else " " for height in heights[:columns])
        for floor in range(rows, 0, -1)
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


# MEMORY.

container("MEMORY", since="4.0.0", help_since="4.0.0")


@command("MEMORY USAGE key [SAMPLES count]", flags="readonly", since="4.0.0")
def memory_usage(client: Client, argv: Argv) -> Reply:
    """About how many bytes a key and its value take; a few of its elements are looked at."""
    samples = SAMPLES
    for i in range(3, len(argv), 2):
        if argv[i].upper() != b"SAMPLES" or i + 1 == len(argv):
            raise CommandError(errors.SYNTAX_ERROR)
        samples = integer(argv[i + 1])
        if samples < 0:
            raise CommandError(errors.SYNTAX_ERROR)
    value = client.db.peek(argv[2])
    return None if value is None else size_of(argv[2], value, samples)


@command("MEMORY DOCTOR", since="4.0.0")
def memory_doctor(client: Client, argv: Argv) -> Reply:
    """What is wrong with the memory."""
    return Verbatim(b"Nothing is wrong: Python looks after this memory.\n")


@command("MEMORY MALLOC-STATS", flags="loading@valkey=8.0.0", since="4.0.0")
def memory_malloc_stats(client: Client, argv: Argv) -> Reply:
    """What the allocator says about itself."""
    if client.server.dialect.malloc_stats_are_plain:
        return b"Stats not supported for the current allocator"
    return Verbatim(b"Stats not supported for the current allocator")


@command("MEMORY PURGE", flags="loading@valkey=8.0.0", since="4.0.0")
def memory_purge(client: Client, argv: Argv) -> Reply:
    """Give back what the allocator holds and does not need: nothing."""
    return OK


@command("MEMORY STATS", since="4.0.0")
def memory_stats(client: Client, argv: Argv) -> Reply:
    """What the memory is used for."""
    return statistics(client.server)


# Saving.  A server that was given no folder keeps its data in memory alone, and says that all is well.


@command("LASTSAVE", flags="loading stale fast readonly@before:6.2.0", since="1.0.0", acl="admin dangerous")
def lastsave(client: Client, argv: Argv) -> Reply:
    """Unix time of the last save in seconds; before the first, that of the start."""
    return client.server.last_save


_SAVING = "ERR Background save already in progress"
_REWRITING_FIRST = (
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE"
    " whenever possible."
)


@command("SAVE", flags="admin noscript no_async_loading no_multi", since="1.0.0")
def save(client: Client, argv: Argv) -> Reply:
    """Save the databases now."""
    files = client.server.files
    if files is None:
        client.server.saved()
        return OK
    if files.saving:
        raise CommandError(_SAVING)
    try:
        files.save()
    except OSError:
        raise CommandError("ERR") from None
    return OK


@command(
    "BGSAVE [SCHEDULE | CANCEL]",
    flags="admin noscript no_async_loading",
    since="1.0.0",
    since_option={"SCHEDULE": "3.2.2", "CANCEL": "valkey=8.1.0"},
)
def bgsave(client: Client, argv: Argv) -> Reply:
    """Save the databases while others are served."""
    given = client.command.options.parse(argv, 1)
    if len(argv) > 2:
        raise CommandError(errors.SYNTAX_ERROR)
    if "CANCEL" in given:
        raise CommandError("ERR Background saving is currently not in progress or scheduled")
    files = client.server.files
    if files is None:
        client.server.saved()
    elif files.saving:
        raise CommandError(_SAVING)
    elif files.rewriting:
        raise CommandError(_REWRITING_FIRST)
    else:
        files.start_saving()
    return Status(b"Background saving started")


@command("BGREWRITEAOF", flags="admin noscript no_async_loading", since="1.0.0")
def bgrewriteaof(client: Client, argv: Argv) -> Reply:
    """Write a shorter append-only file while others are served."""
    files = client.server.files
    if files is not None and files.rewriting:
        raise CommandError("ERR Background append only file rewriting already in progress")
    if files is not None and files.log is not None:
        files.start_rewriting()
    return Status(b"Background append only file rewriting started")


_SHUTDOWN_WORDS = {
    **dict.fromkeys(("NOSAVE", "SAVE"), "1.0.0"),
    **dict.fromkeys(("NOW", "FORCE", "ABORT"), "7.0.0"),
    **dict.fromkeys(("SAFE", "FAILOVER"), "valkey=9.0.0"),
}


@command(
    "SHUTDOWN [[NOSAVE | SAVE] [NOW] [FORCE] [SAFE] [FAILOVER] | ABORT]",
    flags="admin noscript loading stale no_multi allow_busy",
    since="1.0.0",
    since_option=_SHUTDOWN_WORDS,
)
def shutdown(client: Client, argv: Argv) -> Reply:
    """Stop: every connection is closed."""
    words = {word.upper() for word in argv[1:]}
    known = {word.encode() for word in _SHUTDOWN_WORDS if client.command.options.available(word)}
    if not words <= known or {b"NOSAVE", b"SAVE"} <= words or (b"ABORT" in words and len(words) > 1):
        raise CommandError(errors.SYNTAX_ERROR)
    if b"ABORT" in words:
        raise CommandError("ERR No shutdown in progress.")
    if client.server.busy_script is not None and b"NOSAVE" not in words:
        raise CommandError(client.server.busy_text)
    files = client.server.files
    save = files is not None and b"NOSAVE" not in words and (b"SAVE" in words or bool(files.save_points))
    try:
        client.server.shut_down(save)
    except OSError:
        raise CommandError("ERR Errors trying to SHUTDOWN. Check logs.") from None
    return NO_REPLY


command(
    "SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    flags="admin noscript loading stale no_multi allow_busy",
    since="1.0.0",
    until="valkey=8.1.0",
    since_option=_SHUTDOWN_WORDS,
)(shutdown)

# Modules.

container("MODULE", since="4.0.0")


@command("MODULE LIST", flags="admin noscript", since="4.0.0")
def module_list(client: Client, argv: Argv) -> Reply:
    """The modules that the server comes with."""
    return [module.describe() for module in client.server.modules]


def module_load(client: Client, argv: Argv) -> Reply:
    """Load a module: there is none that this server could."""
    if refusal := client.server.config.refusal(client.command):
        raise refusal
    raise CommandError("ERR Error loading the extension. Please check the server logs.")


def module_unload(client: Client, argv: Argv) -> Reply:
    """Unload a module: those that the server comes with stay."""
    if refusal := client.server.config.refusal(client.command):
        raise refusal
    known = any(module.name == argv[2] for module in client.server.modules)
    reason = "the module can't be unloaded" if known else "no such module with that name"
    raise CommandError(f"ERR Error unloading module: {reason}")


MODULE_FLAGS = "admin noscript no_async_loading protected"
command("MODULE LOAD path [arg [arg ...]]", flags=MODULE_FLAGS, since="4.0.0")(module_load)
command(
    "MODULE LOADEX path [CONFIG name value [CONFIG name value ...]] [ARGS args [args ...]]",
    flags=MODULE_FLAGS,
    since="7.0.0",
)(module_load)
command("MODULE UNLOAD name", flags=MODULE_FLAGS, since="4.0.0")(module_unload)

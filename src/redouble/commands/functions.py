"""FUNCTION and FCALL.  Libraries are in `redouble.scripting.functions`."""

from __future__ import annotations

from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError, text
from redouble.core.server import Server
from redouble.core.stopwatch import timed
from redouble.persistence.errors import BadPayload
from redouble.persistence.functions import dump_functions, load_functions
from redouble.persistence.values import checksum_fits
from redouble.resp.reply import OK, Members, Reply, Status
from redouble.scripting.functions import Library, libraries_of
from redouble.scripting.watch import Watch, kill
from redouble.types.glob import compile_glob

_CALL = "noscript skip_monitor movablekeys stale no_mandatory_keys"


def _flags_of_function(server: Server, argv: Argv) -> list[bytes] | None:
    """The flags of the function that FCALL would run."""
    function = libraries_of(server).find(argv[1])
    return None if function is None else function.flags


@command(
    "FCALL function numkeys [key [key ...]] [arg [arg ...]]",
    flags=f"may_replicate {_CALL}",
    since="7.0.0",
    group="scripting",
    script_flags=_flags_of_function,
)
@timed
def fcall(client: Client, argv: Argv) -> Reply:
    """Call a function."""
    return _call(client, argv, read_only=False)


@command(
    "FCALL_RO function numkeys [key [key ...]] [arg [arg ...]]",
    flags=f"readonly {_CALL}",
    since="7.0.0",
    group="scripting",
    script_flags=_flags_of_function,
)
@timed
def fcall_ro(client: Client, argv: Argv) -> Reply:
    """Call a function that only reads."""
    return _call(client, argv, read_only=True)


def _call(client: Client, argv: Argv, read_only: bool) -> Reply:
    libraries = libraries_of(client.server)
    function = libraries.find(argv[1])
    if function is None:
        raise CommandError("ERR Function not found")
    count = integer(argv[2], "ERR Bad number of keys provided")
    if count > len(argv) - 3:
        raise CommandError("ERR Number of keys can't be greater than number of args")
    if count < 0:
        raise CommandError("ERR Number of keys can't be negative")
    return libraries.call(client, function, argv, count, read_only)


container("FUNCTION", since="7.0.0", help_since="7.0.0", group="scripting")


@command("FUNCTION LOAD [REPLACE] function-code", flags="write denyoom noscript", since="7.0.0", group="scripting")
def function_load(client: Client, argv: Argv) -> Reply:
    """Load a library, which registers functions."""
    *options, code = argv[2:]
    for option in options:
        if option.upper() != b"REPLACE":
            raise CommandError(f"ERR Unknown option given: {text(option)}")
    return libraries_of(client.server).load(code, replace=bool(options))


@command("FUNCTION DELETE library-name", flags="write noscript", since="7.0.0", group="scripting")
def function_delete(client: Client, argv: Argv) -> Reply:
    """Delete a library and its functions."""
    if libraries_of(client.server).libraries.pop(argv[2], None) is None:
        raise CommandError("ERR Library not found")
    return OK


@command(
    "FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]", flags="noscript", since="7.0.0", group="scripting"
)
def function_list(client: Client, argv: Argv) -> Reply:
    """Describe all libraries, or those with names like the pattern."""
    pattern: bytes | None = None
    with_code = False
    words = iter(argv[2:])
    for word in words:
        if word.upper() == b"WITHCODE" and not with_code:
            with_code = True
        elif word.upper() == b"LIBRARYNAME" and pattern is None:
            pattern = next(words, None)
            if pattern is None:
                raise CommandError("ERR library name argument was not given")
        else:
            raise CommandError(f"ERR Unknown argument {text(word)}")
    matches = compile_glob(pattern, nocase=True) if pattern is not None else bool
    libraries = libraries_of(client.server).libraries.values()
    return [_described(library, with_code) for library in libraries if matches(library.name)]


def _described(library: Library, with_code: bool) -> Reply:
    fields: dict[Reply, Reply] = {
        b"library_name": library.name,
        b"engine": b"LUA",
        b"functions": [
            {
                b"name": function.name,
                b"description": function.description,
                b"flags": Members(Status(flag) for flag in function.flags),
            }
            for function in library.functions.values()
        ],
    }
    if with_code:
        fields[b"library_code"] = library.code
    return fields


@command("FUNCTION STATS", flags="noscript allow_busy", since="7.0.0", group="scripting")
def function_stats(client: Client, argv: Argv) -> Reply:
    """Tell which function is running, and how many there are."""
    libraries = libraries_of(client.server)
    counts = {b"libraries_count": len(libraries.libraries), b"functions_count": libraries.count}
    running: Reply = None
    script: Watch | None = client.server.busy_script
    if script is not None:
        if script.kind != "FUNCTION":
            raise CommandError(client.server.busy_text)
        running = {b"name": script.name, b"command": list[Reply](script.argv), b"duration_ms": script.duration_ms}
    return {b"running_script": running, b"engines": {b"LUA": counts}}


@command("FUNCTION KILL", flags="noscript allow_busy", since="7.0.0", group="scripting")
def function_kill(client: Client, argv: Argv) -> Reply:
    """End the function that is running, if it has not written anything yet."""
    kill(client.server, "FUNCTION")
    return OK


@command("FUNCTION FLUSH [ASYNC|SYNC]", flags="write noscript", since="7.0.0", group="scripting")
def function_flush(client: Client, argv: Argv) -> Reply:
    """Delete all libraries."""
    if len(argv) > 3:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    if len(argv) == 3 and argv[2].upper() not in (b"ASYNC", b"SYNC"):
        raise CommandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    client.server.functions = None
    return OK


@command("FUNCTION DUMP", flags="noscript", since="7.0.0", group="scripting")
def function_dump(client: Client, argv: Argv) -> Reply:
    """All libraries as bytes, for FUNCTION RESTORE."""
    server = client.server
    return dump_functions(libraries_of(server).codes, server.dialect, server.config.flag("rdbcompression"))


@command(
    "FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]",
    flags="write denyoom noscript",
    since="7.0.0",
    group="scripting",
)
def function_restore(client: Client, argv: Argv) -> Reply:
    """Load the libraries that FUNCTION DUMP made bytes of."""
    if len(argv) > 4:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    policy = argv[3].upper() if len(argv) == 4 else b"APPEND"
    if policy not in (b"FLUSH", b"APPEND", b"REPLACE"):
        raise CommandError("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    if not checksum_fits(argv[2], client.server.dialect):
        raise CommandError("ERR DUMP payload version or checksum are wrong")
    try:
        codes = load_functions(argv[2])
    except BadPayload as error:
        raise CommandError(f"ERR {error}") from None
    libraries_of(client.server).restore(codes, replace=policy == b"REPLACE", flush=policy == b"FLUSH")
    return OK

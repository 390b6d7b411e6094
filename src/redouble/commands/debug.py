"""DEBUG: what test suites of clients and of Redis itself lean on.

The real command reads its subcommands by hand, and so does this one: they are no commands of their own, unknown ones and
wrong numbers of arguments share one error text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Final

from redouble.core import errors, notify
from redouble.core.arguments import integer, positive_or_told
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.digest import digest_of_databases, digest_of_value, hexadecimal
from redouble.core.errors import CommandError
from redouble.core.memory import size_of
from redouble.core.stopwatch import timed
from redouble.persistence.errors import BadPayload
from redouble.persistence.rdb import fill_server, read_file, snapshot_of, write_file
from redouble.resp.reply import OK, Attributed, BigNumber, Messages, Push, Reply, Status, Verbatim

_SUBCOMMANDS: dict[bytes, tuple[str, int, int, Callable[[Client, Argv], Reply], str]] = {}
"""By name: usage, fewest and most arguments, function, and since when."""


@command("DEBUG", flags="admin noscript loading stale protected", since="1.0.0", arity=-2, group="server")
@timed
def debug(client: Client, argv: Argv) -> Reply:
    """Look inside the server and make it do odd things; for those who test."""
    server = client.server
    if refusal := server.config.refusal(client.command):
        raise refusal
    found = _SUBCOMMANDS.get(argv[1].upper())
    if found is None or not found[1] <= len(argv) - 2 <= found[2] or not server.dialect.has(found[4]):
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    return found[3](client, argv)


def _subcommand(
    usage: str, least: int = 0, most: int = 0, since: str = "1.0.0"
) -> Callable[[Callable[[Client, Argv], Reply]], Callable[[Client, Argv], Reply]]:
    def declare(run: Callable[[Client, Argv], Reply]) -> Callable[[Client, Argv], Reply]:
        _SUBCOMMANDS[usage.split()[0].encode()] = usage, least, most or least, run, since
        return run

    return declare


@_subcommand("HELP")
def _help(client: Client, argv: Argv) -> Reply:
    """Print this help."""
    lines = ["DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    for usage, _, _, run, since in _SUBCOMMANDS.values():
        if not client.server.dialect.has(since):
            continue
        lines += [usage, f"    {run.__doc__}"]
    return [Status(line.encode()) for line in lines]


@_subcommand("SLEEP seconds", 1)
def _sleep(client: Client, argv: Argv) -> Reply:
    """Serve nobody for a while."""
    match = re.match(rb"\s*[-+]?\d*\.?\d*(?:[eE][-+]?\d+)?", argv[2])
    try:
        seconds = float(match[0]) if match else 0.0
    except ValueError:  # the real server reads a number with strtod, which gives 0 for none
        seconds = 0.0
    if seconds > 0:
        client.server.clock.sleep(seconds)
    return OK


@_subcommand("OBJECT key", 1)
def _object(client: Client, argv: Argv) -> Reply:
    """What the value of a key is made of."""
    key = argv[2]
    value = client.db.peek(key)
    if value is None:
        raise CommandError(errors.NO_SUCH_KEY)
    encoding = client.server.internal_call(client, [b"OBJECT", b"ENCODING", key])
    text = (
        f"Value at:{id(value):#x} refcount:1 encoding:{errors.text(encoding)}"
        f" serializedlength:{max(size_of(b'', value) - 48, 1)} lru:0 lru_seconds_idle:0"
    )
    return Status(text.encode())


@_subcommand("SET-ACTIVE-EXPIRE flag", 1)
def _set_active_expire(client: Client, argv: Argv) -> Reply:
    """0: keys whose time has come go only when somebody asks for them."""
    client.server.active_expire = not re.fullmatch(rb"\s*[-+]?0*(?!\d).*", argv[2], re.DOTALL)
    return OK


@_subcommand("RELOAD [NOSAVE] [NOFLUSH] [MERGE]", 0, sys.maxsize)
def _reload(client: Client, argv: Argv) -> Reply:
    """Write everything as an RDB file would have it, and read that again; NOSAVE: read what was written last."""
    server = client.server
    options = {option.upper() for option in argv[2:]}
    if options - {b"NOSAVE", b"NOFLUSH", b"MERGE"}:
        raise CommandError("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    if b"NOSAVE" not in options:
        server.rdb = write_file(snapshot_of(server), server.dialect, server.config.flag("rdbcompression"))
        server.saved(by_command=False)
    # Read before anything goes: should the file be unreadable (a bug of ours), the data is still there.
    snapshot = None if server.rdb is None else read_file(server.rdb, server.dialect, server.limits, server.modules)
    error, flushes_anyway = server.dialect.reload_without_file
    if b"NOFLUSH" not in options and (snapshot or flushes_anyway):
        for db in server.databases.values():
            db.clear()
        server.tracking.flush()
        server.functions = None
    if snapshot is None:
        raise CommandError(error)
    try:
        fill_server(server, snapshot, merge=b"MERGE" in options)
    except BadPayload:
        raise CommandError(error) from None
    return OK


@_subcommand("DIGEST")
def _digest(client: Client, argv: Argv) -> Reply:
    """Sum up what all databases hold, in whatever encoding and order."""
    databases = client.server.databases
    return Status(hexadecimal(digest_of_databases(databases[index] for index in sorted(databases))))


@_subcommand("DIGEST-VALUE [key ...]", 0, sys.maxsize)
def _digest_value(client: Client, argv: Argv) -> Reply:
    """Sum up what keys hold, one by one."""
    db = client.db
    reply: list[Reply] = []
    for key in argv[2:]:
        value = db.peek(key)
        goes = db.expires_at(key) is not None
        digest = 0 if value is None else digest_of_value(value, goes, client.server.dialect)
        reply.append(Status(hexadecimal(digest)))
    return reply


@_subcommand("CHANGE-REPL-ID")
def _change_repl_id(client: Client, argv: Argv) -> Reply:
    """Take another replication id."""
    client.server.replication_id = f"{client.server.random.getrandbits(160):040x}"
    return OK


@_subcommand("QUICKLIST-PACKED-THRESHOLD size", 1, since="7.0.0")
def _quicklist_packed_threshold(client: Client, argv: Argv) -> Reply:
    """From which size on an element has a node of its own."""
    match = re.fullmatch(rb"(\d+)(b|k|kb|m|mb|g|gb|)", argv[2], re.IGNORECASE)
    unit = {b"k": 10, b"m": 20, b"g": 30}.get(match[2][:1].lower(), 0) if match else 0
    if match is None or int(match[1]) << unit >= 1 << 32:
        raise CommandError("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
    return OK


@_subcommand("LISTPACK key", 1, since="7.0.0")
def _listpack(client: Client, argv: Argv) -> Reply:
    """Print a listpack where the server prints."""
    if client.db.peek(argv[2]) is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if client.server.internal_call(client, [b"OBJECT", b"ENCODING", argv[2]]) != b"listpack":
        raise CommandError("ERR Not a listpack encoded object.")
    return Status(b"Listpack structure printed on stdout")


@_subcommand("ERROR message", 1)
def _error(client: Client, argv: Argv) -> Reply:
    """Answer with this error."""
    raise CommandError(re.sub(r"[\r\n]", " ", errors.text(argv[2])))


@_subcommand("LOG message", 1)
def _log(client: Client, argv: Argv) -> Reply:
    """Write a line to the log, which there is none of."""
    return OK


@_subcommand("POPULATE count [prefix] [size]", 1, 3)
def _populate(client: Client, argv: Argv) -> Reply:
    """Make keys with numbers in their names; those that exist stay."""
    count = positive_or_told(client, argv[2])
    prefix = argv[3] if len(argv) > 3 else b"key"
    size = integer(argv[4]) if len(argv) > 4 else 0
    for number in range(count):
        key, value = b"%b:%d" % (prefix, number), b"value:%d" % number
        if client.db.peek(key) is None:
            client.db.add(key, value[:size].ljust(size, b"\x00") if size > 0 else value)
            client.db.modified(key, b"set", notify.STRING)
    return OK


PROTOCOL: Final[dict[bytes, Reply]] = {
    b"string": b"Hello World",
    b"integer": 12345,
    b"bignum": BigNumber(1234567999999999999999999999999999999),
    b"null": None,
    b"array": [0, 1, 2],
    b"set": {0, 1, 2},
    b"map": {0: False, 1: True, 2: False},
    b"attrib": Attributed(b"Some real reply following the attribute", {b"key-popularity": [b"key:123", 90]}),
    b"verbatim": Verbatim(b"This is a verbatim\nstring"),
    b"true": True,
    b"false": False,
}


@_subcommand("PROTOCOL type", 1)
def _protocol(client: Client, argv: Argv) -> Reply:
    """Answer with a value of this type."""
    kind = argv[2].lower()
    if kind == b"push":
        if client.resp == 2:
            raise CommandError("ERR RESP2 is not supported by this command")
        push, reply = Push([b"server-cpu-usage", 42]), b"Some real reply following the push reply"
        return Messages([reply, push] if client.server.dialect.pushes_follow_the_reply else [push, reply])
    if kind == b"double":
        return client.server.dialect.double_of_debug
    if kind not in PROTOCOL:
        raise CommandError(
            "ERR Wrong protocol type name. Please use one of the following:"
            " string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
        )
    return PROTOCOL[kind]

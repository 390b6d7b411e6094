"""Replication, as far as a server knows it that has no link to another: who it is, and what others may ask of it."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from redouble.core.arguments import int32, integer, integer_in
from redouble.core.client import Client
from redouble.core.command import Argv, command, words_of
from redouble.core.errors import CLUSTER_DISABLED, SYNTAX_ERROR, CommandError, text
from redouble.persistence.rdb import snapshot_of, write_file
from redouble.resp.parser import split_arguments
from redouble.resp.reply import NO_REPLY, OK, FileContents, Messages, Reply, Status

about_servers = partial(command, group="server")


@about_servers("REPLICAOF <host port | NO ONE>", flags="admin noscript stale no_async_loading", since="5.0.0")
def replicaof(client: Client, argv: Argv) -> Reply:
    """Follow another server; NO ONE: stand alone."""
    _, host, port_text = argv
    server = client.server
    if (host.upper(), port_text.upper()) == (b"NO", b"ONE"):
        server.config.set_at_start("slaveof", b"")
        return OK
    port = int32(port_text) if server.dialect.any_master_port else _port(port_text)
    if server.replication.master == (host, port):
        return Status(b"OK Already connected to specified master")
    server.config.set_at_start("slaveof", b"%b %d" % (host, port))
    return OK


def _port(text: bytes) -> int:
    return integer_in(text, 0, 65535, "ERR Invalid master port")


about_servers("SLAVEOF <host port | NO ONE>", flags="admin noscript stale no_async_loading", since="1.0.0")(replicaof)


@about_servers("ROLE", flags="noscript loading stale fast readonly@before:6.2.0", since="2.8.12", acl="admin dangerous")
def role(client: Client, argv: Argv) -> Reply:
    """Whether this is a master or a replica, and of whom."""
    master = client.server.replication.master
    return [b"master", 0, []] if master is None else [b"slave", *master, b"connect", -1]


@about_servers(
    "FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]", flags="admin noscript stale", since="6.2.0"
)
def failover(client: Client, argv: Argv) -> Reply:
    """Let a replica take over from this master."""
    if len(argv) == 2 and argv[1].upper() == b"ABORT":
        raise CommandError("ERR No failover in progress.")
    seen: set[bytes] = set()
    i = 1
    while i < len(argv):
        word, left = argv[i].upper(), len(argv) - i - 1
        if word in seen:
            raise CommandError(SYNTAX_ERROR)
        if word == b"TIMEOUT" and left:
            if integer(argv[i + 1]) <= 0:
                raise CommandError("ERR FAILOVER timeout must be greater than 0")
            i += 2
        elif word == b"TO" and left >= 2:
            integer(argv[i + 2])
            i += 3
        elif word == b"FORCE":
            i += 1
        else:
            raise CommandError(SYNTAX_ERROR)
        seen.add(word)
    if client.server.replication.master is not None:
        raise CommandError("ERR FAILOVER is not valid when server is a replica.")
    raise CommandError("ERR FAILOVER requires connected replicas.")


# What replicas and tools that want a copy say.

_REPLCONF: Final = (
    "LISTENING-PORT IP-ADDRESS CAPA ACK GETACK RDB-ONLY@6.2.0 RDB-FILTER-ONLY@7.0.0 RDB-CHANNEL@8.0.0,valkey=8.0.0"
    " MAIN-CH-CLIENT-ID@8.0.0 SET-RDB-CLIENT-ID@valkey=8.0.0 VERSION@valkey=8.0.0 SET-CLUSTER-NODE-ID@valkey=9.0.0"
)
LONGEST_HOST: Final = 256


@about_servers("REPLCONF", flags="admin noscript loading stale allow_busy", since="3.0.0", arity=-1)
def replconf(client: Client, argv: Argv) -> Reply:
    """Say what kind of copy of the data this connection is going to ask for."""
    if len(argv) % 2 == 0:
        raise CommandError(SYNTAX_ERROR)
    known = words_of(_REPLCONF, client.server.dialect)
    for option, value in zip(argv[1::2], argv[2::2]):
        name = text(option.upper())
        if name not in known:
            raise CommandError(f"ERR Unrecognized REPLCONF option: {text(option)}")
        if name in ("ACK", "GETACK"):  # meant for a replica and a master: others get no answer
            return NO_REPLY
        if name == "LISTENING-PORT":
            integer(value)
        elif name == "IP-ADDRESS" and len(value) >= LONGEST_HOST:
            raise CommandError(f"ERR REPLCONF ip-address provided by replica instance is too long: {len(value)} bytes")
        elif name in ("RDB-ONLY", "RDB-CHANNEL"):
            wanted = int32(value, 0, 1)
            if name == "RDB-ONLY":
                client.wants_file = bool(wanted)
        elif name == "RDB-FILTER-ONLY":
            _set_filter(client, value)
        elif name == "VERSION" and not re.fullmatch(rb"(\d{1,3}\.){2}\d{1,3}", value):
            raise CommandError(f"ERR Unrecognized version format: {text(value)}")
        elif name == "SET-CLUSTER-NODE-ID":
            raise CommandError(CLUSTER_DISABLED)
        elif name == "MAIN-CH-CLIENT-ID":
            raise CommandError(f"ERR Unrecognized RDB client id: {integer(value)}")
        elif name == "SET-RDB-CLIENT-ID":
            raise CommandError(f"ERR Unrecognized RDB client id {integer(value)}")
    return OK


def _set_filter(client: Client, value: bytes) -> None:
    words = split_arguments(value)
    if words is None:
        raise CommandError("ERR Missing rdb-filter-only values")
    for word in words:
        if word.lower() != b"functions":
            raise CommandError(f"ERR Unsupported rdb-filter-only option: {text(word)}")
    client.wants_file_of = frozenset(words)


@about_servers("SYNC", flags="admin noscript no_async_loading no_multi", since="1.0.0")
def sync(client: Client, argv: Argv) -> Reply:
    """Send a copy of all data, for who said REPLCONF RDB-ONLY 1."""
    _check_copy(client)
    return _copy(client)


@about_servers("PSYNC replicationid offset", flags="admin noscript no_async_loading no_multi", since="2.8.0", arity=-3)
def psync(client: Client, argv: Argv) -> Reply:
    """Go on with a copy of the data, or begin a new one."""
    server = client.server
    if len(argv) > 3 and argv[3].upper() == b"FAILOVER" and server.replication.master is None:
        raise CommandError("ERR PSYNC FAILOVER can't be sent to a master.")
    _check_copy(client)
    integer(argv[2])
    return Messages([Status(f"FULLRESYNC {server.replication_id} 0".encode()), _copy(client)])


about_servers("PSYNC replicationid offset", flags="admin noscript", since="2.8.0", until="6.2.0")(psync)


def _check_copy(client: Client) -> None:
    if client.server.replication.master is not None:
        raise CommandError("NOMASTERLINK Can't SYNC while not connected with my master")
    if client.deny_blocking:
        raise CommandError("ERR SYNC and PSYNC are invalid with pending output")


def _copy(client: Client) -> FileContents:
    """An RDB file; with it the connection ends."""
    server = client.server
    if not client.wants_file:
        raise CommandError(
            "ERR not supported by redouble: replicas (only a copy of the data, after REPLCONF RDB-ONLY 1)"
        )
    snapshot = snapshot_of(server)
    if client.wants_file_of is not None:
        snapshot.records = ()
        if b"functions" not in client.wants_file_of:
            snapshot.functions = []
    client.closing = True
    return FileContents(write_file(snapshot, server.dialect, server.config.flag("rdbcompression")))

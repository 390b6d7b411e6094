"""A server that its configuration makes a replica."""

from __future__ import annotations

import redouble.commands  # noqa: F401  # fills the command table
from redouble.core.client import Client
from redouble.core.errors import READONLY, CommandError
from redouble.core.server import Server


def answer(server: Server, *argv: bytes) -> object:
    reply = server.call(Client(server), list(argv))
    return reply.message if isinstance(reply, CommandError) else reply


def test_a_configuration_makes_a_replica_and_restarting_makes_one_again() -> None:
    server = Server(config={"replicaof": "a.host 6379"})
    assert answer(server, b"ROLE") == [b"slave", b"a.host", 6379, b"connect", -1]
    assert answer(server, b"SET", b"k", b"v") == READONLY
    answer(server, b"REPLICAOF", b"NO", b"ONE")
    assert answer(server, b"SET", b"k", b"v") == b"OK"
    server.restart(keep_data=True)
    assert answer(server, b"SET", b"k", b"v") == READONLY


def test_restarting_forgets_replicaof() -> None:
    server = Server()
    answer(server, b"REPLICAOF", b"a.host", b"6379")
    server.restart(keep_data=False)
    assert answer(server, b"ROLE") == [b"master", 0, []]
    assert server.gate == 0


def test_migrate_of_a_server_without_a_driver_reaches_nobody() -> None:
    server = Server()
    answer(server, b"SET", b"k", b"v")
    told = answer(server, b"MIGRATE", b"127.0.0.1", b"1", b"k", b"0", b"10")
    assert told == "IOERR error or timeout connecting to the client"

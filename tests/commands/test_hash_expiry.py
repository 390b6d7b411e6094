"""How Redis 8.0, of which there are no recordings, reads HGETEX and HSETEX: as neither 7.4 nor 8.6 read anything."""

from __future__ import annotations

import pytest

from redouble import commands
from redouble.core.client import Client
from redouble.core.errors import CommandError
from redouble.core.server import Server

assert commands  # fills the command table

NO_FIELDS = "ERR Mandatory argument FIELDS is missing or not at the right position"
COUNT_DIFFERS = "ERR The `numfields` parameter must match the number of arguments"
NOT_POSITIVE = "ERR Number of fields must be a positive integer"
ARITY = "ERR wrong number of arguments for 'hsetex' command"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("HGETEX h FIELDS 1 a EX 10", COUNT_DIFFERS),
        ("HGETEX h EX 10 FIELDS 2 a", COUNT_DIFFERS),
        ("HGETEX h EX 10 PX 10 FIELDS 1 a", NO_FIELDS),
        ("HGETEX h KEEPTTL FIELDS 1 a", NO_FIELDS),
        ("HGETEX h PERSIST FIELDS 0 a", NOT_POSITIVE),
        ("HGETEX h EX 10 FIELDS", ARITY.replace("hsetex", "hgetex")),
        ("HGETEX h EX x FOO 1 a", "ERR value is not an integer or out of range"),
        ("HSETEX h FIELDS 1 a 1 EX 10", ARITY),
        ("HSETEX h EX 10 FIELDS 2 a 1", ARITY),
        ("HSETEX h EX 10 FNX FIELDS x", ARITY),
        ("HSETEX h PERSIST FIELDS 1 a 1", "ERR unknown argument: PERSIST"),
    ],
)
def test_redis_8_0_reads_the_options_of_fields_in_its_own_way(line: str, error: str) -> None:
    server = Server(version="8.0")
    client = Client(server)
    server.call(client, b"HSET h a 1 b 2".split())
    reply = server.call(client, line.encode().split())
    assert isinstance(reply, CommandError)
    assert reply.message == error
    assert server.call(client, b"HGETEX h EX 10 FIELDS 2 a c".split()) == [b"1", None]
    assert server.call(client, b"HGETEX h PERSIST FIELDS 1 a".split()) == [b"1"]
    assert server.call(client, b"HTTL h FIELDS 1 a".split()) == [-1]

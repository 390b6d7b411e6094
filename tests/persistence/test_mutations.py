"""Payloads with a few bytes changed, cut out or put in: a valid value or one of the documented errors, nothing else."""

from __future__ import annotations

import os
import random

import pytest

import redouble.commands  # noqa: F401  fills the command table
from redouble.core.client import Client
from redouble.core.database import type_name
from redouble.core.server import Server
from redouble.persistence.crc64 import crc64
from redouble.resp.reply import OK, CommandError

from .golden import SERVERS, recorded

ERRORS = ("ERR Bad data format", "ERR DUMP payload version or checksum are wrong")
PROBES = {
    b"string": ["GET k", "APPEND k x"],
    b"list": ["LRANGE k 0 -1", "RPUSH k x", "LPOP k 2", "LREM k 0 x"],
    b"set": ["SMEMBERS k", "SADD k x", "SREM k x", "SPOP k"],
    b"hash": ["HGETALL k", "HSET k x y", "HSETNX k y z", "HDEL k x"],
    b"zset": ["ZRANGE k 0 -1 WITHSCORES", "ZADD k 1 x", "ZINCRBY k 2 x", "ZPOPMIN k"],
    b"stream": [
        "XRANGE k - +",
        "XINFO STREAM k FULL COUNT 0",
        "XADD k * f v",
        "XGROUP CREATE k new 0",
        "XREADGROUP GROUP new me STREAMS k >",
        "XREADGROUP GROUP g1 me STREAMS k >",
        "XAUTOCLAIM k g1 me 0 -",
        "XTRIM k MAXLEN 3",
        "XGROUP DELCONSUMER k g1 alice",
    ],
}
"""What reads and changes a value of each type."""
REFUSED = ("NOGROUP", "ERR resulting score", "ERR The stream has exhausted")
MUTATIONS = int(os.environ.get("MUTATIONS", "20000"))


def mutated(chance: random.Random, payload: bytes) -> bytes:
    """A few bytes of the value changed, cut out or put in."""
    body = bytearray(payload[:-10])
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(min(len(body), 40) if chance.random() < 0.5 else len(body)) if body else 0
        kind = chance.random()
        if kind < 0.7 and body:
            body[at] = chance.choice((0, 1, 2, 0x3F, 0x7F, 0x80, 0x81, 0xC0, 0xC3, 0xFE, 0xFF, chance.randrange(256)))
        elif kind < 0.85:
            del body[at : at + chance.randrange(1, 6)]
        else:
            body[at:at] = chance.randbytes(chance.randrange(1, 6))
    return bytes(body) + payload[-10:-8]


def examine(client: Client, payload: bytes) -> bool:
    """RESTORE; False if that is refused.  What is restored is a sound value, which can be dumped, read and changed."""
    server = client.server
    reply = server.call(client, [b"RESTORE", b"k", b"0", payload, b"REPLACE"])
    if isinstance(reply, CommandError):
        text = str(reply)
        assert text in ERRORS, (payload, text)
        return False
    assert reply is OK
    value = server.database(0).peek(b"k")
    if not isinstance(value, bytes | None):
        value.check()
    again = server.call(client, [b"DUMP", b"k"])
    if again is None:  # all fields of a hash have gone
        return True
    assert server.call(client, [b"RESTORE", b"k", b"0", again, b"REPLACE"]) is OK, payload
    for line in PROBES[type_name(value)]:
        reply = server.call(client, [word.encode() for word in line.split()])
        assert not isinstance(reply, CommandError) or str(reply).startswith(REFUSED), (payload, line, reply)
    value = server.database(0).peek(b"k")
    if value is not None and not isinstance(value, (bytes, bytearray)):
        value.check()
    return True


@pytest.mark.parametrize("name", SERVERS)
def test_a_mutated_payload_is_refused_or_gives_a_valid_value(name: str) -> None:
    chance = random.Random(f"{name} {MUTATIONS}")
    payloads = [golden.dump for golden in recorded(name) if len(golden.dump) < 2000]
    server = Server(server_type=SERVERS[name][0], version=SERVERS[name][1])
    client = Client(server)
    restored = refused = 0
    for number in range(MUTATIONS // len(SERVERS)):
        payload = mutated(chance, chance.choice(payloads))
        payload += (crc64(payload) if number & 1 else chance.getrandbits(64)).to_bytes(8, "little")
        if examine(client, payload):
            restored += 1
        else:
            refused += 1
    assert restored > MUTATIONS // 100
    assert refused > MUTATIONS // 15

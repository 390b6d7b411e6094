"""Values of every type and encoding go from redouble to a real server and back, as DUMP payloads."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

import redouble.commands  # noqa: F401  fills the command table
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.reply import CommandError

pytestmark = pytest.mark.real

SERVERS = {
    "redis-7.0": ("redis", "7.0"),
    "redis-7.2": ("redis", "7.2"),
    "redis-7.4": ("redis", "7.4"),
    "redis-8.0": ("redis", "8.0"),
    "redis-8.6": ("redis", "8.6"),
    "valkey-8.1": ("valkey", "8.1"),
    "valkey-9": ("valkey", "9.1"),
}

NUMBERS = [
    -(2**63), -(2**31) - 1, -(2**31), -32769, -32768, -129, -128, -4097, -4096, -1, 0, 12, 13, 63, 64, 127, 128, 4095,
    4096, 32767, 32768, 8388607, 8388608, 2147483647, 2147483648, 2**63 - 1,
]  # fmt: skip
TEXTS = ["", "007", "+5", " 1", "-0", "abc", "1.5", "a" * 20, "a" * 21, "x" * 63, "x" * 64, "abc" * 1500, "\0\r\n" * 9]


def commands(chance: random.Random) -> list[list[bytes]]:
    """What fills a server: one command for each key."""
    found: list[list[Any]] = []
    everything = [*NUMBERS, *TEXTS]
    found += [["SET", f"string:{number}", value] for number, value in enumerate(everything)]
    for length in (30, 62, 100, 300, 5000, 70000):
        found.append(["SET", f"noise:{length}", chance.randbytes(length)])
        found.append(["SET", f"few:{length}", bytes(chance.choice(b"abcd") for _ in range(length))])
        found.append(
            [
                "SET",
                f"runs:{length}",
                b"".join(bytes((chance.choice(b"ab"),)) * chance.randrange(1, 40) for _ in range(length // 20)),
            ]
        )
    for count in (1, 2, 128, 129, 513, 3000):
        found.append(["RPUSH", f"list:{count}", *(f"element {number}" for number in range(count))])
        found.append(["SADD", f"ints:{count}", *range(-count, 0)])
        found.append(["SADD", f"words:{count}", *(f"w{number}" for number in range(count))])
        found.append(["HSET", f"hash:{count}", *(word for number in range(count) for word in (f"f{number}", number))])
        found.append(
            ["ZADD", f"zset:{count}", *(word for number in range(count) for word in (number / 7, f"m{number}"))]
        )
    found.append(["RPUSH", "list:mixed", *everything])
    found.append(["RPUSH", "list:large", "s", "p" * 9000, "q" * 5000, "r" * 5000, "t", "u" * 70000, "v"])
    found.append(
        ["HSET", "hash:mixed", *(word for number, text in enumerate(NUMBERS) for word in (text, TEXTS[number % 11]))]
    )
    found.append(["HSET", "hash:long", "f", "v" * 65])
    found.append(["SADD", "set:wide", 1, 100000, -70000])
    found.append(["SADD", "set:widest", 1, 2**40])
    found.append(["SADD", "set:mixed", "a", 1, "b", ""])
    found.append(
        ["ZADD", "zset:mixed", "-inf", "a", "inf", "b", 0.1, "c", 1e20, "d", 3, "e", -7, "f", 1e-7, "g", 2**53, ""]
    )
    found.append(["ZADD", "zset:long", 1.1, "m" * 65, -0.5, "n"])
    return [[word if isinstance(word, bytes) else str(word).encode() for word in argv] for argv in found]


READ = {
    "list": ["LRANGE", "0", "-1"],
    "set": ["SMEMBERS"],
    "hash": ["HGETALL"],
    "zset": ["ZRANGE", "0", "-1", "WITHSCORES"],
    "string": ["GET"],
}


@pytest.mark.parametrize("name", SERVERS)
def test_dumps_travel_both_ways(real: Callable[[str], Callable[..., Any]], name: str) -> None:
    ask = real(name)
    server = Server(server_type=SERVERS[name][0], version=SERVERS[name][1])
    client = Client(server)

    def mine(*argv: Any) -> Any:
        reply = server.call(client, [word if isinstance(word, bytes) else word.encode() for word in argv])
        assert not isinstance(reply, CommandError), (argv[:2], reply)
        return reply

    def read(ask: Callable[..., Any], key: bytes, kind: str) -> Any:
        command, *rest = READ[kind]
        reply = ask(command, key, *rest)
        return sorted(reply) if kind == "set" else reply

    mine("DEL", "x")  # the connection speaks RESP2, as the real one's
    ask("FLUSHALL")
    same = 0
    for argv in commands(random.Random(name)):
        key = argv[1]
        ask(*argv)
        mine(*argv)
        kind = ask("TYPE", key).decode()
        encoding = ask("OBJECT", "ENCODING", key)
        theirs, ours = ask("DUMP", key), mine("DUMP", key)

        # byte for byte, unless a hashtable's order is chance
        if encoding != b"hashtable" or mine("HLEN" if kind == "hash" else "SCARD", key) == 1:
            assert ours == theirs, key
            same += 1

        # ours at the real server
        assert ask("RESTORE", "ours", "0", ours, "REPLACE") == b"OK"
        expected = read(ask, key, kind)
        restored = read(ask, b"ours", kind)
        assert restored == expected, key
        if kind != "string":
            assert ask("OBJECT", "ENCODING", "ours") == encoding, key

        # theirs here: the same contents, and the same bytes again
        mine("RESTORE", "theirs", "0", theirs, "REPLACE")
        assert mine("DUMP", "theirs") == theirs, key
        assert sorted(map(repr, plain(read(mine, b"theirs", kind)))) == sorted(
            map(repr, plain(read(mine, key, kind)))
        ), key
        if kind != "string":
            assert mine("OBJECT", "ENCODING", "theirs") == encoding, key
    assert same > 70


def plain(reply: Any) -> list[Any]:
    if isinstance(reply, dict):
        return list(reply.items())
    return list(reply) if not isinstance(reply, bytes) else [reply]

"""Filters and count-min sketches in DUMP and RESTORE: to a real server and back, and payloads that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from redouble import FakeServer
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.persistence.crc64 import crc64
from redouble.persistence.encoding import module_id, write_length
from redouble.resp.reply import OK
from tests.modules.damage import restored_of_damaged

NUMBERS = " ".join(map(str, range(60)))
SCRIPTS = [
    "BF.RESERVE k 0.01 10",
    "BF.RESERVE k 0.01 300 NONSCALING; BF.MADD k a b c d",
    f"BF.RESERVE k 0.3 2 EXPANSION 3; BF.MADD k {NUMBERS}",
    "BF.ADD k a",
    "CF.RESERVE k 4",
    f"CF.RESERVE k 8 BUCKETSIZE 3 EXPANSION 2 MAXITERATIONS 7; CF.INSERT k ITEMS {NUMBERS}; CF.DEL k 7; CF.DEL k 59",
    "CF.RESERVE k 4 EXPANSION 0; CF.INSERT k ITEMS a b c d e",
    "CMS.INITBYDIM k 1 1",
    f"CMS.INITBYDIM k 7 3; CMS.INCRBY k a 5 b 4294967295 c 7 {' '.join(f'{i} {i}' for i in range(20))}",
]
QUESTIONS = {
    b"BF": f"BF.INFO k; BF.DEBUG k; BF.SCANDUMP k 0; BF.SCANDUMP k 1; BF.MEXISTS k a b z {NUMBERS}; BF.MADD k 1 100; BF.CARD k",
    b"CF": f"CF.INFO k; CF.SCANDUMP k 0; CF.SCANDUMP k 1; CF.MEXISTS k a b z {NUMBERS}; CF.COUNT k a; CF.DEL k 3; CF.ADD k 99;"
    "CF.COMPACT k; CF.INFO k",
    b"CM": f"CMS.INFO k; CMS.QUERY k a b z {NUMBERS}; CMS.INCRBY k a 1; CMS.MERGE k 1 k",
}


def lines(script: str) -> list[list[bytes]]:
    return [line.encode().split() for line in script.split(";")]


def questions(script: str) -> list[list[bytes]]:
    return lines(QUESTIONS[script[:2].encode()])


def answers(ask: Callable[..., Any], script: str, key: bytes = b"k") -> list[str]:
    return [
        repr(ask(argv[0], *(key if word == b"k" else word for word in argv[1:])))
        for argv in questions(script)
        if argv[0] != b"CF.SCANDUMP" or b"ITEMS" in script.encode()
    ]


@pytest.mark.real
@pytest.mark.parametrize("script", SCRIPTS)
def test_values_travel_both_ways(real: Callable[[str], Callable[..., Any]], script: str) -> None:
    theirs = real("redis-stack-7.4")
    server = Server(version="7.4")
    client = Client(server)

    def mine(*argv: Any) -> Any:
        return server.call(client, [word if isinstance(word, bytes) else str(word).encode() for word in argv])

    mine("HELLO", 3)
    theirs("FLUSHALL")
    for argv in lines(script):
        mine(*argv)
        theirs(*argv)
    here, there = mine("DUMP", "k"), theirs("DUMP", "k")
    assert here == there
    assert mine("MEMORY", "USAGE", "k") == theirs("MEMORY", "USAGE", "k")
    assert mine("RESTORE", "k", 0, there, "REPLACE") == theirs("RESTORE", "k", 0, here, "REPLACE") == b"OK"
    assert answers(mine, script) == answers(theirs, script)


@pytest.mark.real
def test_files_travel_both_ways(real: Callable[[str], Callable[..., Any]]) -> None:
    theirs = real("redis-stack-7.4")
    folder = Path(theirs("CONFIG", "GET", "dir")[b"dir"].decode())
    fake = FakeServer(version="7.4")
    client = Client(fake.core)
    fake.core.call(client, [b"HELLO", b"3"])
    scripts = {b"bloom": SCRIPTS[2], b"cuckoo": SCRIPTS[5], b"sketch": SCRIPTS[8]}

    def mine(*argv: bytes) -> Any:
        return fake.core.call(client, list(argv))

    theirs("FLUSHALL")
    for key, script in scripts.items():
        for argv in lines(script):
            theirs(argv[0], key, *argv[2:])
    theirs("SAVE")
    fake.load(folder / "dump.rdb")
    for key, script in scripts.items():
        assert answers(mine, script, key) == answers(theirs, script, key)
    fake.save(folder / "dump.rdb")
    theirs("FLUSHALL")
    theirs("DEBUG", "RELOAD", "NOSAVE")
    for key, script in scripts.items():
        assert answers(mine, script, key) == answers(theirs, script, key)


def test_a_damaged_payload_is_refused_or_gives_a_valid_value() -> None:
    assert 250 < restored_of_damaged(SCRIPTS, lines, questions) < 2000


@pytest.mark.real
@pytest.mark.parametrize(("version", "skipped"), [(3, 1), (2, 1), (1, 2), (0, 2)])
def test_filters_of_old_versions_are_read(
    real: Callable[[str], Callable[..., Any]], version: int, skipped: int
) -> None:
    """They lack what the versions since then have written: the expansion, the options, the bits of each link."""
    server = Server(version="7.4")
    client = Client(server)
    server.call(client, [b"BF.RESERVE", b"k", b"0.1", b"5"])
    server.call(client, [b"BF.MADD", b"k", b"a", b"b"])
    payload = server.call(client, [b"DUMP", b"k"])
    assert isinstance(payload, bytes)
    ours = bytes(write_length(module_id(b"MBbloom--", 4)))
    theirs = bytes(write_length(module_id(b"MBbloom--", version)))
    head, options = b"\x02\x02\x02\x01", b"\x02\x05\x02\x02"
    body = payload[:-8].replace(ours + head + options, theirs + head + options[: 4 - 2 * skipped])
    if version == 0:
        body = body.replace(b"\x02@@\x02\x00\x05\x08", b"\x05\x08")
    assert body != payload[:-8]
    old = body + crc64(body).to_bytes(8, "little")
    theirs = real("redis-stack-7.4")
    assert theirs("RESTORE", "l", 0, old, "REPLACE") == b"OK"
    assert server.call(client, [b"RESTORE", b"l", b"0", old]) is OK
    for command in (b"BF.DEBUG l", b"BF.CARD l", b"BF.SCANDUMP l 0", b"BF.MADD l a b c d e f g", b"BF.DEBUG l"):
        assert server.call(client, command.split()) == theirs(*command.split()), command
    server.database(0).check()


@pytest.mark.parametrize("name", [b"MBbloom--", b"MBbloomCF"])
def test_filters_of_later_versions_are_refused(name: bytes) -> None:
    server = Server(version="7.4")
    client = Client(server)
    server.call(client, [b"BF.ADD" if name == b"MBbloom--" else b"CF.ADD", b"k", b"a"])
    payload = server.call(client, [b"DUMP", b"k"])
    assert isinstance(payload, bytes)
    body = payload[:-8].replace(bytes(write_length(module_id(name, 4))), bytes(write_length(module_id(name, 5))))
    reply = server.call(client, [b"RESTORE", b"l", b"0", body + crc64(body).to_bytes(8, "little")])
    assert str(reply) == "ERR Bad data format"

"""Documents in DUMP and RDB files: written by a real server, by redouble, by servers of old, and damaged."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest

import redouble.commands  # noqa: F401  fills the command table
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.dialects import dialect_for
from redouble.modules.json.document import Document
from redouble.modules.json.reader import parse
from redouble.persistence.encoding import module_id, write_length
from redouble.persistence.modules import ModuleWriter
from redouble.persistence.values import MODULE_2, with_footer
from redouble.resp.reply import OK, CommandError
from tests.fuzz.modules.json import json_of
from tests.persistence.test_mutations import mutated

ERRORS = ("ERR Bad data format", "ERR DUMP payload version or checksum are wrong")
DOCUMENTS = [
    "1",
    "null",
    '"é\\u0000"',
    "[]",
    "[1,-2.5,18446744073709551615,1e300,true,null]",
    '{"":{"a":[{},"x"]}}',
    "[" * 127 + "]" * 127,
    f'{{"long":"{"abc" * 10_000}","text":"{"ä€😀" * 500}"}}',
    *(json_of(random.Random(seed), 3) for seed in range(40)),
]
STACK = dialect_for("redis", (7, 4))


@pytest.fixture
def client() -> Client:
    return Client(Server(version="7.4", config={"enable-debug-command": "yes"}))


def ask(client: Client, *words: str | bytes) -> Any:
    return client.server.call(client, [word if isinstance(word, bytes) else word.encode() for word in words])


@pytest.mark.real
def test_documents_go_to_a_real_server_and_come_back(real: Any, client: Client) -> None:
    there = real("redis-stack-7.4")
    for text in DOCUMENTS:
        assert ask(client, "JSON.SET", "k", "$", text) == OK
        assert there("JSON.SET", "k", "$", text) == b"OK"
        assert ask(client, "DUMP", "k") == there("DUMP", "k")
        assert there("RESTORE", "ours", 0, ask(client, "DUMP", "k"), "REPLACE") == b"OK"
        assert ask(client, "RESTORE", "theirs", "0", there("DUMP", "k"), "REPLACE") == OK
        assert there("JSON.GET", "ours") == ask(client, "JSON.GET", "theirs") == ask(client, "JSON.GET", "k")


def test_documents_survive_a_reload(client: Client) -> None:
    for i, text in enumerate(DOCUMENTS):
        assert ask(client, "JSON.SET", f"k{i}", "$", text) == OK
    before = [ask(client, "JSON.GET", f"k{i}") for i in range(len(DOCUMENTS))]
    assert ask(client, "DEBUG", "RELOAD") == OK
    assert [ask(client, "JSON.GET", f"k{i}") for i in range(len(DOCUMENTS))] == before


def old_payload(version: int, *parts: tuple[str, Any]) -> bytes:
    """What an older RedisJSON wrote."""
    writer = ModuleWriter(STACK, do_compress=False)
    for kind, part in parts:
        getattr(writer, kind)(part)
    output = bytearray([MODULE_2]) + write_length(module_id(Document.type_name, version)) + writer.output
    return bytes(with_footer(bytes(output + write_length(0)), STACK))


def tree(value: Any) -> list[tuple[str, Any]]:
    """The parts of a value as RedisJSON 1 wrote them."""
    if value is None:
        return [("unsigned", 1)]
    if isinstance(value, bool):
        return [("unsigned", 16), ("string", b"1" if value else b"0")]
    if isinstance(value, str):
        return [("unsigned", 2), ("string", value.encode())]
    if isinstance(value, float):
        return [("unsigned", 4), ("double", value)]
    if isinstance(value, int):
        return [("unsigned", 8), ("signed", value)]
    if isinstance(value, list):
        return [("unsigned", 64), ("unsigned", len(value)), *(part for item in value for part in tree(item))]
    members = [[("unsigned", 128), ("string", key.encode()), *tree(item)] for key, item in value.items()]
    return [("unsigned", 32), ("unsigned", len(value)), *(part for member in members for part in member)]


OLD = '{"a":[1,-2,2.5,"x",true,false,null,[]],"é":{}}'
OLD_PAYLOADS = {
    "version 0": old_payload(0, *tree(parse(OLD))),
    "version 2": old_payload(2, ("string", OLD.encode()), ("unsigned", 0)),
    "version 2, in an index": old_payload(
        2, ("string", OLD.encode()), ("unsigned", 1), ("string", b"index"), ("string", b"path")
    ),
    "version 3": old_payload(3, ("string", OLD.encode())),
}
WRONG_PAYLOADS = {
    "of a version to come": old_payload(4, ("string", OLD.encode())),
    "no JSON": old_payload(3, ("string", b"{")),
    "no UTF-8": old_payload(3, ("string", b'"\xff"')),
    "another part": old_payload(3, ("unsigned", 1)),
    "too deep": old_payload(3, ("string", b"[" * 1000 + b"]" * 1000)),
    "an old one that is too deep": old_payload(0, *[("unsigned", 64), ("unsigned", 1)] * 1000, ("unsigned", 1)),
    "an old one without an end": old_payload(0, ("unsigned", 64), ("unsigned", 1 << 62)),
    "an old one with a kind that is none": old_payload(0, ("unsigned", 3)),
    "an old one with an object of no members": old_payload(0, ("unsigned", 32), ("unsigned", 1), ("unsigned", 1)),
    "an old one with a number that is none": old_payload(0, ("unsigned", 4), ("double", struct.unpack("<d", b"\xff" * 8)[0])),
    "an old one with a text that is none": old_payload(0, ("unsigned", 2), ("string", b"\xff")),
}  # fmt: skip


@pytest.mark.parametrize("name", OLD_PAYLOADS)
def test_older_documents_load(name: str, client: Client) -> None:
    assert ask(client, "RESTORE", "k", "0", OLD_PAYLOADS[name]) == OK
    assert ask(client, "JSON.GET", "k").decode() == OLD


@pytest.mark.real
@pytest.mark.parametrize("name", OLD_PAYLOADS)
def test_older_documents_load_in_a_real_server(name: str, real: Any) -> None:
    there = real("redis-stack-7.4")
    assert there("RESTORE", "old", 0, OLD_PAYLOADS[name], "REPLACE") == b"OK"
    value = parse(there("JSON.GET", "old").decode())
    assert value == parse(OLD)


@pytest.mark.parametrize("name", WRONG_PAYLOADS)
def test_wrong_payloads_are_refused(name: str, client: Client) -> None:
    reply = ask(client, "RESTORE", "k", "0", WRONG_PAYLOADS[name])
    assert isinstance(reply, CommandError)
    assert reply.message == ERRORS[0]


def test_damaged_payloads_are_documents_or_refused(client: Client) -> None:
    chance = random.Random(7)
    refused = 0
    payloads = [*OLD_PAYLOADS.values()]
    for text in DOCUMENTS[:6]:
        ask(client, "JSON.SET", "k", "$", text)
        payloads.append(ask(client, "DUMP", "k"))
    for _ in range(2000):
        payload = mutated(chance, chance.choice(payloads))
        reply = ask(client, "RESTORE", "k", "0", bytes(with_footer(payload[:-2], STACK)), "REPLACE")
        if reply == OK:
            value = client.db.peek(b"k")
            value.check()
            if isinstance(value, Document):
                assert ask(client, "JSON.GET", "k") == ask(client, "JSON.GET", "k", ".")
                assert isinstance(ask(client, "DUMP", "k"), bytes)
        else:
            refused += 1
            assert reply.message in ERRORS
    assert 100 < refused < 1990

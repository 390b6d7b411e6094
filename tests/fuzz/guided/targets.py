"""What is tried with some bytes.  A target returns when all is well and raises when something is wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable

import redouble.commands
from redouble.core.acl_rules import RuleError, User
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.dialects import dialect_for
from redouble.persistence.crc64 import crc64
from redouble.persistence.errors import BadPayload, Unsupported
from redouble.persistence.rdb import fill_server, read_file, snapshot_of, write_file
from redouble.scripting import memory
from redouble.scripting.compiler import compile_lua
from redouble.scripting.engine import Engine, Features
from redouble.scripting.lexer import LuaSyntaxError
from redouble.types.glob import compile_glob
from tests.core.test_acl import RULES, words
from tests.net.test_protocol import PAYLOADS
from tests.persistence.golden import SERVERS, recorded, recorded_file
from tests.persistence.test_mutations import examine
from tests.resp.test_parser import ALL_RULES, cut, read
from tests.scripting.test_escapes import ATTEMPTS, BOMBS
from tests.types.test_glob import matches

from .requests import commands_in

__all__ = ["LONGEST", "TARGETS", "seeds"]

assert redouble.commands  # fills the command table

LONGEST = {"glob": 24, "requests": 4096, "restore": 4096, "rdb": 4096, "acl": 512, "lua": 2048}
"""Bytes of an input."""


def requests(data: bytes) -> None:
    """Requests, in pieces: the first byte says of whom and before or after AUTH, the second where they are cut."""
    if len(data) < 2:
        return
    kind, step, data = data[0], data[1] + 1, data[2:]
    rules, restricted = ALL_RULES[kind % len(ALL_RULES)], bool(kind & 0x80)
    found = read(*cut(data, list(range(0, len(data), step))), rules=rules, restricted=restricted)
    assert found == commands_in(data, rules, restricted)


@functools.cache
def _client(name: str) -> Client:
    return Client(Server(server_type=SERVERS[name][0], version=SERVERS[name][1]))


def restore(data: bytes) -> None:
    """A payload of DUMP for one of the servers, which gets the version and the checksum that it lacks."""
    if not data:
        return
    name = list(SERVERS)[data[0] % len(SERVERS)]
    body = data[1:] + _versions()[name]
    examine(_client(name), body + crc64(body).to_bytes(8, "little"))


@functools.cache
def _versions() -> dict[str, bytes]:
    return {name: recorded(name)[0].dump[-10:-8] for name in SERVERS}


def rdb(data: bytes) -> None:
    """A whole file, whose checksum is not looked at; what can be read can be written, and read again as the same."""
    server = Server(server_type="redis", version=(8, 6))
    dialect, limits = server.dialect, server.limits
    try:
        snapshot = read_file(data + bytes(8), dialect, limits)
        written = write_file(snapshot, dialect)
    except (BadPayload, Unsupported):
        return
    assert write_file(read_file(written, dialect, limits), dialect) == written
    try:
        fill_server(server, snapshot)
    except (BadPayload, Unsupported):
        return
    server.check()
    write_file(snapshot_of(server), dialect)


DIALECTS = [dialect_for(name, version) for name, version in SERVERS.values()]


def acl(data: bytes) -> None:
    """Rules, one on each line: those that are refused change nothing; what describes the user makes the same one."""
    if not data:
        return
    dialect = DIALECTS[data[0] % len(DIALECTS)]
    user, again = User(b"u", dialect, ()), User(b"u", dialect, ())
    for rule in data[1:].split(b"\n"):
        before = user.describe()
        try:
            user.apply(rule, False)
        except RuleError:
            assert user.describe() == before
    description = user.describe()
    if set(description) <= PLAIN:  # a pattern may hold what no line of ACL LIST can show
        for rule in words(description.removeprefix(b"user u ")):
            again.apply(rule, False)
        assert again.describe() == description
    for name in ("get", "set", "config|get", "eval"):
        for selector in user.selectors:
            selector.allows(name)
            selector.allows_key(data, 3)
            selector.allows_channel(data, is_pattern=True)


PLAIN = frozenset(range(0x21, 0x7F)) - frozenset(b"()") | frozenset(b" ")


def glob(data: bytes) -> None:
    """A pattern, and behind a zero a text; the first byte says whether letters are taken in either case."""
    pattern, _, text = data[1:].partition(b"\0")
    if len(text) > 12 or pattern.count(b"*") > 6:
        return
    nocase = bool(data[:1] and data[0] & 1)
    expected = matches(pattern, text, nocase) and not (pattern and not text)
    assert compile_glob(pattern, nocase)(text) == expected


ENGINE = Engine(Features(), {})


def lua(data: bytes) -> None:
    """The source of a script: code comes out, or a syntax error."""
    for generators in (False, True):
        try:
            compile_lua(data, "fuzzed", ENGINE.environment, memory.check, generators=generators)
        except LuaSyntaxError as error:
            error.text(b"user_script")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "requests": requests,
    "restore": restore,
    "rdb": rdb,
    "acl": acl,
    "glob": glob,
    "lua": lua,
}


def seeds(target: str) -> list[bytes]:
    """What a fuzzer may begin with, beside the corpus."""
    if target == "requests":
        payloads = [value for value in PAYLOADS.values() if isinstance(value, bytes)]
        return [bytes([kind, 255]) + payload for kind in (0, 1, 2, 3, 0x80) for payload in payloads]
    if target == "restore":
        return [
            bytes([number]) + golden.dump[:-10]
            for number, name in enumerate(SERVERS)
            for golden in recorded(name)
            if len(golden.dump) < 200
        ]
    if target == "rdb":
        magic = recorded_file("redis86")[:9]
        dumps = [golden.dump for golden in recorded("redis86") if len(golden.dump) < 200]
        return [magic + dump[:1] + b"\1k" + dump[1:-10] + b"\xff" for dump in dumps]
    if target == "acl":
        return [bytes([number]) + b"\n".join(RULES.encode().split()) for number in range(len(DIALECTS))]
    if target == "glob":
        return [b"\0a*b?\0axxbc", b"\1[^a-c]*\\*\0X*", b"\0[\x80-\1a", b"\0*a*a*\0aaaa"]
    return [source.encode("latin-1") for source in (*ATTEMPTS, *BOMBS)]

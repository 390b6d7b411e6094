"""How the answers to a command are compared: byte by byte, or after what is order, time or chance was taken out of them.

`normalise.py` of the parity machine carries most of it out.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

from redouble.dialects import dialect_for
from redouble.dialects.modules import STACK
from redouble.persistence.encoding import Reader
from redouble.persistence.errors import BadPayload
from redouble.persistence.modules import ModuleReader
from redouble.persistence.values import dump_value, load_value
from redouble.types.limits import DEFAULT_LIMITS
from tests.parity.machine.normalise import TEN_YEARS_MS, is_message, normalise, same
from tests.parity.machine.scenario import Directive, Step, Target
from tests.parity.machine.wire import Node, parse, serialise

Rule = Callable[[bytes, bytes, Target], bool]
"""Whether two answers, which are not the same, are both right."""

BY_CHANCE = {b"SPOP": b"SMEMBERS", b"SRANDMEMBER": b"SMEMBERS", b"HRANDFIELD": b"HGETALL", b"ZRANDMEMBER": b"ZRANGE"}
"""What chooses by chance, and what reads all that there is to choose from."""

UNORDERED = frozenset(b"SMEMBERS SINTER SUNION SDIFF KEYS HGETALL HKEYS HVALS PUBSUB".split())

TIMED = frozenset(b"TTL PTTL EXPIRETIME PEXPIRETIME HTTL HPTTL HEXPIRETIME HPEXPIRETIME".split())

NO_MEMORY = frozenset(
    b"-%s\r\n" % text
    for text in (
        b"ERR could not create filter",
        b"Couldn't create Cuckoo Filter",
        b"Could not create filter",
        b"CMS: Insufficient memory to create the key",
    )
)
"""Of more than half a gigabyte; the real servers have it, or it ends them."""


def rule_for(argv: Sequence[bytes]) -> Rule | None:
    """What may differ in the answers to a command; None: nothing."""
    name = argv[0].upper()
    if name == b"SORT" and b"BY" in (words := [word.upper() for word in argv]):
        # Which elements LIMIT leaves of a set that is not sorted, or has equal weights, is chance.
        by = words[words.index(b"BY") + 1 : words.index(b"BY") + 2]
        chance = b"LIMIT" in words and by and (b"*" not in by[0] or b"ALPHA" in words)
        return _by_chance if chance else _unordered
    if name == b"JSON.GET" and len(argv) > 3:
        return lambda real, ours, target: _same_members(real, ours, target) or _unordered(real, ours, target)
    if name in UNORDERED:
        return _unordered
    if name in TIMED:
        return _timed
    if name in BY_CHANCE or name == b"VRANDMEMBER":
        return _by_chance
    if name == b"VLINKS":
        return _type
    if name == b"VINFO":
        return _vector_set
    if name == b"VSIM" and b"TRUTH" not in map(bytes.upper, argv):
        # Which of two that are equally near comes first is chance, and which of them does not come if there are too many.
        return _unordered if b"100" in argv else _by_chance
    if name in (b"XPENDING", b"XINFO") or (name == b"XREADGROUP" and b"CLAIM" in map(bytes.upper, argv)):
        return _idle
    if name == b"ACL":
        return _acl
    if name == b"DUMP":
        return both_payloads  # `dump_rule` knows better, but needs the value
    if name.endswith(b"SCAN"):
        sent = b"".join(argv[1:2] if name == b"SCAN" else argv[2:3])
        return lambda real, ours, target: _scan(sent, real, ours, target)
    return None


def is_explained(real: bytes, ours: bytes, target: Target) -> bool:
    """Whether docs/differences.md tells of this difference: mistakes of the real servers, and XGROUP and XINFO of Redis 6,
    which look at the key before they count their arguments."""
    looks_first = real.startswith((b"-ERR The XGROUP subcommand requires the key to exist", b"-ERR no such key"))
    if looks_first and re.search(rb"wrong number of arguments .* Try (XGROUP|XINFO) HELP", ours):
        return target.version < (7,)
    if ours in NO_MEMORY:
        return True
    overflows = target.type == "redis" and (7, 2) <= target.version < (8, 0, 3)
    return overflows and b"-INVALIDOBJ" in ours and b"-INVALIDOBJ" not in real


def _same_members(real: bytes, ours: bytes, target: Target) -> bool:
    """Several paths are the members of an object, in an order that is chance."""
    return real.startswith(b"$") and sorted(real) == sorted(ours)


def _directive(name: str) -> Rule:
    step = Step("send", "", 0, directives=(Directive(name),))

    def rule(real: bytes, ours: bytes, target: Target) -> bool:
        now_ms = time.time_ns() // 1_000_000
        one, other = (normalise(message, step, target, now_ms) for message in (real, ours))
        return same(one, other, step, target)

    return rule


_unordered, _timed, _by_chance, _type = map(_directive, ("unordered", "time", "any", "type"))


def _vector_set(real: bytes, ours: bytes, target: Target) -> bool:
    """The highest level and the id of a vector set are chance."""
    return real[:1] == ours[:1] and real[:1] in b"*%" and _without_chance(real) == _without_chance(ours)


def _without_chance(message: bytes) -> list[bytes]:
    children = parse(message).children
    pairs = zip(children[::2], children[1::2])
    return [node.text for name, fact in pairs for node in (name, fact) if name.text not in (b"max-level", b"vset-uid")]


def _acl(real: bytes, ours: bytes, target: Target) -> bool:
    """Before 7.2 single commands are listed in an order that is chance."""
    if target.type == "valkey" or target.version >= (7, 2):
        return False
    return sorted(real.split()) == sorted(ours.split())


def _scan(sent: bytes, real: bytes, ours: bytes, target: Target) -> bool:
    if real[:1] == ours[:1] == b"*":
        cursors = [parse(message).children[0].text for message in (real, ours)]
        if [sent, *cursors] != [b"0"] * 3:
            return True  # where a scan stops, and what an invented cursor means, is each server's own affair
    return _unordered(real, ours, target)


# Times of consumers and pending entries.

STEP_MS = 100_000
"""Idle times are compared in steps of this size; what the fuzzer sets is a multiple of it."""


def _idle(real: bytes, ours: bytes, target: Target) -> bool:
    return _without_times(real) == _without_times(ours)


def _without_times(message: bytes) -> bytes:
    if not is_message(message) or message[:1] not in b"*~%":
        return message
    now_ms = time.time_ns() // 1_000_000

    def visit(node: Node) -> None:
        before = b""
        for position, child in enumerate(node.children):
            if child.mark == b":":
                value = int(child.text)
                if abs(value - now_ms) < TEN_YEARS_MS:
                    child.text = b"now%+d" % round((value - now_ms) / STEP_MS)
                elif before in (b"idle", b"inactive") or (len(node.children) == 4 and position == 2):
                    # [id, consumer or fields, idle time, number of deliveries]
                    child.text = (
                        b"long"
                        if value > TEN_YEARS_MS
                        else b"%d" % (round(value / STEP_MS) if value > 0 else min(value, 0))
                    )
            before = child.text
            visit(child)

    tree = parse(message)
    visit(tree)
    return serialise(tree)


# DUMP.

RECENT = re.compile(rb"(?s).{5}\x01\x00\x00")
"""A time of our days in milliseconds, in eight bytes of an RDB payload (and now and then something else)."""


def dump_rule(kind: bytes, encoding: bytes, *, fresh: bool) -> Rule | None:
    """For the payload of a value of this TYPE and OBJECT ENCODING; `fresh`: it was made for this."""
    if kind in (b"set", b"hash") and (encoding == b"hashtable" or not fresh):
        return both_payloads  # docs/differences.md, "DUMP of what depends on history"
    if kind == b"TSDB-TYPE":
        return _same_samples
    if kind == b"trietype0":
        return _same_suggestions
    if kind == b"vectorset":
        return both_payloads  # docs/differences.md, "Vector sets"
    if kind == b"stream":
        return lambda real, ours, target: _masked(real) == _masked(ours)
    if kind == b"TopK-TYPE":
        return lambda real, ours, target: without_addresses(real) == without_addresses(ours)
    if kind == b"list":
        return lambda real, ours, target: (
            target.type == "redis" and target.version < (7, 2) and both_payloads(real, ours, target)
        )
    return None


def both_payloads(real: bytes, ours: bytes, target: Target) -> bool:
    return real[:2] != b"$-" and real[:1] == ours[:1] == b"$"


def _same_samples(real: bytes, ours: bytes, target: Target) -> bool:
    """Behind the samples that are not compressed, a chunk of the real server has whatever was in its memory."""
    return _same_values(real, ours, target, lambda value: bool(value.chunks[0].name == b"uncompressed"))


def _same_suggestions(real: bytes, ours: bytes, target: Target) -> bool:
    """Behind a payload the real server writes whatever byte was in its memory."""
    return _same_values(real, ours, target, lambda value: True)


def _same_values(real: bytes, ours: bytes, target: Target, may_differ: Callable[[Any], bool]) -> bool:
    if not both_payloads(real, ours, target):
        return False
    dialect = dialect_for("redis", target.version)
    try:
        one, other = (load_value(parse(text).text, dialect, DEFAULT_LIMITS, STACK) for text in (real, ours))
    except BadPayload:
        return False
    return may_differ(one) and dump_value(one, dialect) == dump_value(other, dialect)


def _masked(message: bytes) -> bytes:
    return RECENT.sub(b"", parse(message).text[:-8]) if message[:1] == b"$" else message


def without_addresses(message: bytes) -> object:
    """The parts of a top-k list, but for where its items were in the memory of the process."""
    if message[:1] != b"$" or message[1:2] == b"-":
        return message
    payload = parse(message).text
    reader = Reader(payload)
    reader.byte()
    reader.length()
    parts = ModuleReader(reader)
    head = parts.unsigned(), parts.unsigned(), parts.unsigned(), parts.double(), parts.string()
    places = [
        (fp, length, count, padding) for fp, length, _, count, padding in struct.iter_unpack("<IIQII", parts.string())
    ]
    return *head, places, *(parts.string() for _ in places), parts.end()

"""What a command answers: Python values, one kind for each kind of reply that RESP3 knows.

A handler returns the RESP3 shape; what a RESP2 client sees instead is decided here, in `resp2`, and nowhere else.

    bytes  $ bulk string      int  : integer     None  _ null       float  , double    bool  # boolean
    list   * array            dict % map         set   ~ set        and the classes of this module
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, Final, TypeAlias

__all__ = [
    "BLOCKED",
    "NO_REPLY",
    "NULL_ARRAY",
    "OK",
    "PONG",
    "QUEUED",
    "Attributed",
    "BigNumber",
    "ByKey",
    "CommandError",
    "Members",
    "Messages",
    "Pairs",
    "PrintedDouble",
    "Push",
    "Reply",
    "Signal",
    "Status",
    "Verbatim",
    "resp2",
]

Reply: TypeAlias = Any  # any of the kinds above, nested


class Status(bytes):
    """`+OK`: a simple string.  Still bytes, so that an in-process client can hand it over as it is."""

    __slots__ = ()


class Verbatim(bytes):
    """`=txt:...`: text with a three-letter format; a bulk string in RESP2."""

    fmt = b"txt"
    __slots__ = ()


class FileContents(bytes):
    """An RDB file behind its length: a bulk string without the line end (SYNC)."""

    __slots__ = ()


class BigNumber(int):
    """`(`: an integer of any size; a bulk string in RESP2."""

    __slots__ = ()


class PrintedDouble(float):
    """`,`: a double that is not written as the others are; a bulk string in RESP2."""

    __slots__ = ("text",)

    text: bytes

    def __new__(cls, text: bytes) -> PrintedDouble:
        made = super().__new__(cls, text)
        made.text = text
        return made


class Pairs(list[Any]):
    """`[(member, score), ...]`: an array of pairs in RESP3, one flat array in RESP2."""

    __slots__ = ()


class ByKey(list[Any]):
    """`[(key, reply), ...]`: a map in RESP3, in which a key may come twice; an array of pairs in RESP2 (XREAD)."""

    __slots__ = ()


class Members(list[Any]):
    """`~`: a set, listed in the order in which the real server shows it; an array in RESP2."""

    __slots__ = ()


class Push(list[Any]):
    """`>`: an out-of-band message (pub/sub, invalidation); an array in RESP2."""

    __slots__ = ()


class Messages(list[Any]):
    """Several messages for one command, sent one after the other: its reply and the pushes before or after it."""

    __slots__ = ()


class Attributed:
    """`|`: a reply with attributes, which RESP2 clients do not see."""

    __slots__ = ("attributes", "reply")

    def __init__(self, reply: Reply, attributes: dict[bytes, Reply]) -> None:
        self.reply = reply
        self.attributes = attributes


class CommandError(Exception):
    """`-ERR ...`: raised by handlers, a value inside EXEC's array.  The text begins with the error code, as on the wire."""

    @property
    def message(self) -> str:
        return str(self.args[0])


class Signal:
    """A reply that is not a value; compared by identity."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


NULL_ARRAY: Final = Signal("NULL_ARRAY")
"""`*-1` in RESP2, `_` in RESP3."""
BLOCKED: Final = Signal("BLOCKED")
"""The client now waits; the reply comes through `Client.deliver`."""
NO_REPLY: Final = Signal("NO_REPLY")
"""Nothing is sent (CLIENT REPLY OFF, SUBSCRIBE, whose answers are pushes)."""

OK: Final = Status(b"OK")
PONG: Final = Status(b"PONG")
QUEUED: Final = Status(b"QUEUED")

_PLAIN = frozenset((bytes, int, Status, type(None)))


def resp2(reply: Reply, double: Callable[[float], bytes]) -> Reply:
    """The shape that a RESP2 client sees.  What needs no change comes back untouched, without a copy.

    `double` prints a double as the emulated server does.
    """
    kind = type(reply)
    if kind in _PLAIN or ((kind is list or kind is Members) and _PLAIN.issuperset(map(type, reply))):
        return reply
    if kind is float:
        return double(reply)
    if kind is bool:
        return int(reply)
    if kind is Pairs:
        return [resp2(item, double) for pair in reply for item in pair]
    if kind is dict:
        flat = [*chain.from_iterable(reply.items())]
        return flat if _PLAIN.issuperset(map(type, flat)) else [resp2(item, double) for item in flat]
    if kind is ByKey:
        return [[key, resp2(item, double)] for key, item in reply]
    if kind is list or kind is Members or kind is set or kind is tuple:
        return [resp2(item, double) for item in reply]
    if kind is Messages:
        return Messages(resp2(item, double) for item in reply)
    if kind is Push:
        return Push(resp2(item, double) for item in reply)
    if kind is Verbatim:
        return bytes(reply)
    if kind is BigNumber:
        return b"%d" % reply
    if kind is PrintedDouble:
        return reply.text
    if kind is Attributed:
        return resp2(reply.reply, double)
    return reply  # NULL_ARRAY and CommandError are the same in both

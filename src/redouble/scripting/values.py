"""Lua's values as Python's.

    nil  None      number  float      string  bytes      table  Table (table.py)      function  a Python function
    boolean  TRUE and FALSE, which are not Python's: `True == 1.0`, so they would be one key of a table

A function answers one value as it is; none, or several, as a tuple (no value of Lua's is a tuple).
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, TypeAlias

__all__ = [
    "FALSE",
    "NULL",
    "TRUE",
    "Boolean",
    "Coroutine",
    "Function",
    "Killed",
    "Proxy",
    "Value",
    "format_number",
    "parse_number",
    "plain_text",
    "to_number",
    "type_name",
]

Value: TypeAlias = Any
Function: TypeAlias = Callable[..., Any]


class Boolean:
    """`true` and `false`: there are two, and they are compared by identity."""

    __slots__ = ("name",)

    def __init__(self, name: bytes) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name.decode()


TRUE: Final = Boolean(b"true")
FALSE: Final = Boolean(b"false")


class Userdata:
    """A light userdata; Redis's scripts see one, `cjson.null`."""

    __slots__ = ()


class Proxy(Userdata):
    """What `newproxy` makes, with a metatable of its own or without one."""

    __slots__ = ("meta",)

    def __init__(self, meta: Any) -> None:
        self.meta = meta


NULL: Final = Userdata()


class Coroutine:
    """A thread of Lua's; `generator` runs it, once it was resumed."""

    __slots__ = ("function", "generator", "status")

    def __init__(self, function: Function) -> None:
        self.function = function
        self.generator: Any = None
        self.status = b"suspended"


class Killed(BaseException):
    """Ends a script from outside; no `pcall` of the script's sees it."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.message = message


def type_name(value: Value) -> str:
    """What `type` answers."""
    if value is None:
        return "nil"
    return _TYPES.get(value.__class__) or ("table" if isinstance(value, dict) else "userdata")


_TYPES: dict[type, str] = {
    float: "number",
    bytes: "string",
    Boolean: "boolean",
    FunctionType: "function",
    Coroutine: "thread",
    Userdata: "userdata",
}

# Numbers.

_NUMBER = re.compile(
    rb"[ \t\n\v\f\r]*(?:"
    rb"(?P<decimal>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rb"|(?P<hex>[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?)"
    rb"|(?P<word>[+-]?(?:inf(?:inity)?|nan(?:\([0-9A-Za-z_]*\))?))"
    rb")[ \t\n\v\f\r]*",
    re.IGNORECASE,
)


def parse_number(text: bytes) -> float | None:
    """The number that `text` spells, as C's strtod reads it, with blanks around it; a string ends at its first zero byte."""
    if 95 not in text:  # an underscore, which Python takes; asked for as a byte it costs a tenth
        try:
            return float(text)
        except ValueError:
            pass
    if b"\0" in text:
        text = text.partition(b"\0")[0]
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    if decimal := found["decimal"]:
        return float(decimal)
    if digits := found["hex"]:
        try:
            return float.fromhex(digits.decode())
        except OverflowError:
            return -math.inf if digits.startswith(b"-") else math.inf
    word = found["word"].lower()
    value = math.inf if b"inf" in word else math.nan
    return -value if word.startswith(b"-") else value


def to_number(value: Value) -> float | None:
    """A number, or a string that spells one, where Lua takes both."""
    if value.__class__ is float:
        return value
    return parse_number(value) if value.__class__ is bytes else None


def format_number(number: float) -> bytes:
    """`tostring` of a number: `%.14g`, the sign of nan included."""
    text = _SMALL.get(number)
    if text is not None and (number or math.copysign(1.0, number) > 0):
        return text
    text = b"%.14g" % number
    return b"-nan" if text == b"nan" and math.copysign(1.0, number) < 0 else text


_SMALL = {float(number): b"%d" % number for number in range(1024)}

_MULTIPLIER: Final = random.getrandbits(46) * 2 + 1
_OFFSET: Final = random.getrandbits(47)


def plain_text(value: Value) -> bytes:
    """What `tostring` answers where no metatable has a say."""
    if value.__class__ is bytes:
        return value
    if value.__class__ is float:
        return format_number(value)
    if value is None:
        return b"nil"
    if value is TRUE or value is FALSE:
        return value.name
    kind = type_name(value).encode()
    return b"userdata: (nil)" if value is NULL else b"%s: %s" % (kind, address(value))


def address(value: object) -> bytes:
    """What `tostring` prints of a table or a function: its own for each, and telling nothing of the process."""
    return b"0x%012x" % ((id(value) * _MULTIPLIER + _OFFSET) % (1 << 47) | 1 << 44)

"""JSON texts to values, as serde_json reads them: what is accepted, what numbers become, what an error says and where.

A value is what `json` of the standard library would make of it; an integer has up to 64 bits, with or without a sign, and an
object from which keys were removed is an `Object` (values.py).  The standard library's scanner, which is written in C, reads
whatever is right and ordinary.  What it refuses, or reads otherwise than serde_json, `_Exact` reads once more.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn, TypeAlias

__all__ = ["MAX_DEPTH", "MAX_LOADED_DEPTH", "JsonError", "Value", "parse", "parse_first", "parse_loaded"]

Value: TypeAlias = Any
"""None, bool, int, float, str, a list of values or a dictionary of strings and values."""

MAX_DEPTH: Final = 127
"""So many arrays and objects inside each other a text may have,"""
MAX_LOADED_DEPTH: Final = 256
"""and one from a file."""
_INT32_MAX, _INT64_MIN, _UINT64_MAX = (1 << 31) - 1, -(1 << 63), (1 << 64) - 1


class JsonError(ValueError):
    """The text is no JSON; says why, and where."""


def parse(text: str) -> Value:
    """The value of a text; raises JsonError."""
    return _parse(text, True)


def parse_first(text: str) -> Value:
    """The value that a text begins with, whatever follows; raises JsonError."""
    return _parse(text, False)


def parse_loaded(text: str) -> Value:
    """The value of a text from a file, which may be deeper; raises JsonError."""
    return _parse(text, True, MAX_LOADED_DEPTH)


def _parse(text: str, only: bool, max_depth: int = MAX_DEPTH) -> Value:
    try:
        value = _scan(text)
    except (ValueError, RecursionError):
        value = None
    else:
        if not _is_deep(text, max_depth):
            return value
    return _Exact(text, max_depth).document(only=only)


def _scan(text: str) -> Value:
    """The value of a text as the standard library reads it; raises ValueError for what it should not judge."""
    if _SURROGATE.search(text) and any(_HALVES.findall(text)):
        raise ValueError("half a character")
    return _decode(text)


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HALVES = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]|(u[dD][89a-fA-F])|.)", re.DOTALL)
"""Escapes; of those that are half a character, a group."""


def _is_deep(text: str, max_depth: int) -> bool:
    """Whether arrays and objects may be nested deeper than texts may have them: brackets in strings count, too."""
    if text.count("[") + text.count("{") <= max_depth:
        return False
    brackets = text.encode().translate(_BRACKETS, _OTHERS)
    for _ in range(max_depth):  # each time the innermost go
        brackets, length = brackets.replace(b"[]", b""), len(brackets)
        if len(brackets) == length:
            break
    return bool(brackets)


_BRACKETS = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)).difference(b"[]{}"))


# Numbers.


class _TooLargeError(ValueError):
    """Of a number: no double is as large."""


def _integer(text: str) -> int | float:
    if len(text) < 19:
        return int(text) or (-0.0 if text[0] == "-" else 0)
    if len(text) <= 20:
        number = int(text)
        if _INT64_MIN <= number <= _UINT64_MAX:
            return number
    return _float(text)


def _float(text: str) -> float:
    """A number that is no integer, as serde_json reads it: not always the nearest double.

    Of the digits it takes those that fit in 64 bits; that integer as a double is multiplied with, or divided by, a power
    of ten once.
    """
    whole, dot, exponent_text = text.lower().partition("e")
    whole, dot, decimals = whole.partition(".")
    negative = whole[0] == "-"
    digits = (whole[1:] if negative else whole) + decimals
    if len(digits) < 16 and not exponent_text and dot:
        return float(text)  # both are exact, and so there is one rounding
    exponent = -len(decimals)
    if len(digits) > 19 and len(digits.lstrip("0")) > 19:
        significant, exponent = _cut(digits, exponent)
    else:
        significant = int(digits)
    if exponent_text:
        exponent += _exponent(exponent_text)
    number = float(significant)
    if number:
        if exponent < 0:
            while exponent < -308 and number:
                number /= 1e308
                exponent += 308
            number /= _POWERS[max(exponent, -308)]
        elif exponent > 308:
            raise _TooLargeError
        else:
            number *= _POWERS[exponent]
            if number == _INFINITY:
                raise _TooLargeError
    return -number if negative else number


_INFINITY = float("inf")
_POWERS: dict[int, float] = {sign * power: float(f"1e{power}") for power in range(309) for sign in (1, -1)}
"""Ten to the power of 0 to 308; of a negative number, to divide by."""


def _cut(digits: str, exponent: int) -> tuple[int, int]:
    """The leading digits that fit in 64 bits, and the exponent that goes with them; the rest is dropped unseen."""
    significant = kept = 0
    for digit in digits:
        following = significant * 10 + int(digit)
        if following > _UINT64_MAX:
            break
        significant = following
        kept += 1
    return significant, exponent + len(digits) - kept


def _exponent(text: str) -> int:
    digits = text.lstrip("+-").lstrip("0")
    size = int(digits or "0") if len(digits) < 10 else 1 << 31
    return -size if text[0] == "-" else size


def _constant(text: str) -> NoReturn:
    raise ValueError(text)  # NaN and Infinity are no JSON


_decode = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_constant).decode


class _Exact:
    """A reader that says what serde_json says of a wrong text, and where."""

    def __init__(self, text: str, max_depth: int = MAX_DEPTH) -> None:
        self.bytes = text.encode("utf-8", "surrogatepass")
        self.at = 0
        self.max_depth = max_depth

    def fail(self, why: str, seen: int = 0) -> NoReturn:
        """`seen`: how many bytes beyond those that were read the reader has looked at."""
        end = min(self.at + seen, len(self.bytes))
        line = self.bytes.count(b"\n", 0, end) + 1
        column = end - (self.bytes.rfind(b"\n", 0, end) + 1)
        raise JsonError(f"{why} at line {line} column {column}")

    def peek(self) -> bytes:
        """The next byte that is no white space; empty at the end."""
        self.at = _SPACE.match(self.bytes, self.at).end()  # type: ignore[union-attr]  # it matches nothing, too
        return self.bytes[self.at : self.at + 1]

    def document(self, only: bool) -> Value:
        value = self.value()
        if only and self.peek():
            self.fail("trailing characters", 1)
        return value

    def value(self) -> Value:
        """The next value; containers that are not finished yet wait in a list instead of on the stack."""
        open: list[tuple[Value, str | None]] = []
        while True:
            value: Value
            mark = self.peek()
            if mark in (b"[", b"{"):
                if len(open) == self.max_depth:
                    self.fail("recursion limit exceeded", 1)
                self.at += 1
                value = [] if mark == b"[" else {}
                if self.peek() != (b"]" if mark == b"[" else b"}"):
                    open.append((value, self.key(value)))
                    continue
                self.at += 1
            else:
                value = self.scalar(mark)
            while open:
                container, key = open.pop()
                if key is None:
                    container.append(value)
                else:
                    container[key] = value
                value = container
                if self.follows(container):
                    open.append((container, self.key(container)))
                    break
            else:
                return value

    def key(self, container: Value) -> str | None:
        """The key of the next value, if it is one of an object."""
        if type(container) is list:
            if not self.peek():
                self.fail("EOF while parsing a list")
            return None
        mark = self.peek()
        if mark != b'"':
            self.fail("key must be a string" if mark else "EOF while parsing an object", 1)
        key = self.string()
        mark = self.peek()
        if mark != b":":
            self.fail("expected `:`" if mark else "EOF while parsing an object", 1)
        self.at += 1
        return key

    def follows(self, container: Value) -> bool:
        """Whether the container has a further value; if not, its end is read."""
        is_list = type(container) is list
        mark = self.peek()
        if mark == (b"]" if is_list else b"}"):
            self.at += 1
            return False
        if mark != b",":
            name, end = ("a list", "]") if is_list else ("an object", "}")
            self.fail(f"expected `,` or `{end}`" if mark else f"EOF while parsing {name}", 1)
        self.at += 1
        mark = self.peek()
        if mark == (b"]" if is_list else b"}"):
            self.fail("trailing comma", 1)
        if not mark:
            self.fail("EOF while parsing a value", 1)
        return True

    def scalar(self, mark: bytes) -> Value:
        if mark == b'"':
            return self.string()
        if mark in _NAMES and mark:
            name, value = _NAMES[mark]
            for letter in name:
                if self.at == len(self.bytes):
                    self.fail("EOF while parsing a value")
                self.at += 1
                if self.bytes[self.at - 1] != letter:
                    self.fail("expected ident")
            return value
        if mark == b"-" or mark.isdigit():
            return self.number()
        self.fail("expected value" if mark else "EOF while parsing a value", 1)

    def number(self) -> int | float:
        match = _NUMBER.match(self.bytes, self.at)
        assert match is not None  # a sign is enough
        self.at = match.end()
        following = self.bytes[self.at : self.at + 1]
        text = match[0].decode()
        if not match["whole"]:
            self.at += bool(following)
            self.fail("invalid number" if following else "EOF while parsing a value")
        if match["whole"] == b"0" and not match["rest"] and following.isdigit():
            self.fail("invalid number", 1)
        if text[-1] == "." or text[-1] in "eE+-":
            # The digits of a fraction are looked for, those of an exponent taken.
            seen = text[-1] == "." or not following
            self.at += not seen
            self.fail("invalid number" if following else "EOF while parsing a value", int(seen))
        try:
            return _float(text) if match["rest"] else _integer(text)
        except _TooLargeError:
            exponent = text.lower().partition("e")[2].lstrip("+")
            for length in range(1, len(exponent)):
                if int(exponent[:length]) > _INT32_MAX:  # it looks no further
                    self.at -= len(exponent) - length
                    break
            self.fail("number out of range")

    def string(self) -> str:
        start = self.at
        end = _STRING.match(self.bytes, start).end()  # type: ignore[union-attr]  # a quotation mark is enough
        if b"\\u" in self.bytes[start:end]:
            self.check_halves(start, end)
        self.at = end
        following = self.bytes[end : end + 1]
        if following == b'"':
            self.at += 1
            string: str = json.loads(self.bytes[start : self.at])
            return string
        if not following:
            self.fail("EOF while parsing a string")
        if following == b"\\":
            self.escape()
        self.at += 1
        self.fail("control character (\\u0000-\\u001F) found while parsing a string")

    def escape(self) -> NoReturn:
        """Say what is wrong with the one that begins here."""
        self.at += 2
        letter = self.bytes[self.at - 1 : self.at]
        if not letter:
            self.at -= 1
            self.fail("EOF while parsing a string")
        if letter != b"u":
            self.fail("invalid escape")
        if len(self.bytes) - self.at < 4:
            self.at = len(self.bytes)
            self.fail("EOF while parsing a string")
        self.at = _HEX.match(self.bytes, self.at).end() + 1  # type: ignore[union-attr]  # it matches nothing, too
        self.fail("invalid escape")

    def check_halves(self, start: int, end: int) -> None:
        """Refuse escapes that are half a character."""
        escapes = _ESCAPE.finditer(self.bytes, start, end)
        for escape in escapes:
            code = int(escape["code"] or b"0", 16)
            if not 0xD800 <= code <= 0xDFFF:
                continue
            self.at = escape.end()
            if code >= 0xDC00:
                self.fail("lone leading surrogate in hex escape")
            for mark in b"\\u":
                if self.at == len(self.bytes):
                    self.fail("EOF while parsing a string")
                self.at += 1
                if self.bytes[self.at - 1 : self.at] != bytes((mark,)):
                    self.fail("unexpected end of hex escape")
            low = next(escapes, None)
            if low is None:
                return  # it is wrong in itself
            self.at = low.end()
            if not 0xDC00 <= int(low["code"], 16) <= 0xDFFF:
                self.fail("lone leading surrogate in hex escape")


_SPACE = re.compile(rb"[ \t\n\r]*")
_NUMBER = re.compile(rb"-?(?P<whole>(?:0|[1-9][0-9]*)?)(?P<rest>(?:(?<=[0-9])\.[0-9]*)?(?:(?<=[0-9])[eE][+-]?[0-9]*)?)")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_HEX = re.compile(rb"[0-9a-fA-F]*")
_ESCAPE = re.compile(rb"\\(?:u(?P<code>[0-9a-fA-F]{4})|.)")
_NAMES: dict[bytes, tuple[bytes, Value]] = {
    name[:1]: (name, value) for name, value in ((b"true", True), (b"false", False), (b"null", None))
}

"""The values that an aggregation computes with: numbers, texts, lists and null, as RediSearch compares, converts and prints them.

A number is a float, a text bytes, a list a Python list, null is None.  A row that lacks a value is something else than a null.
"""

from __future__ import annotations

import math
import re
import struct
from typing import Any, Final, TypeAlias

from redouble.core.errors import CommandError
from redouble.types.number import parse_double

__all__ = ["NAN", "Value", "compare", "equal", "fnv_hash", "format_number", "hash_value", "number", "text", "truth"]

Value: TypeAlias = "float | bytes | list[Any] | None"

NAN: Final = math.nan
_NAN_TEXT: Final = re.compile(rb"[+-]?nan(?:\([0-9a-zA-Z_]*\))?", re.IGNORECASE)
_BLANKS: Final = b" \t\n\v\f\r"


def format_number(number: float) -> bytes:
    """A whole number of 64 bits in full, another one with twelve digits."""
    if -9.223372036854775808e18 <= number < 9.223372036854775808e18:
        whole = int(number)
        return b"%d" % whole if whole == number else b"%.12g" % number
    if number != number:
        return b"-nan" if math.copysign(1.0, number) < 0 else b"nan"
    return b"%.12g" % number


def number(value: Value) -> float | None:
    """The number that a value is or spells (strtod), or None."""
    if isinstance(value, float):
        return value
    if not isinstance(value, bytes):
        return None
    try:
        return parse_double(value)
    except ValueError:
        return _unusual_number(value.partition(b"\0")[0])


def _unusual_number(text: bytes) -> float | None:
    digits = text.lstrip(_BLANKS)
    if not digits:
        return None if text else 0.0
    if _NAN_TEXT.fullmatch(digits):
        return math.copysign(NAN, -1.0 if digits[:1] == b"-" else 1.0)
    try:
        return parse_double(digits)
    except ValueError:
        return None


def text(value: Value) -> bytes:
    """A value as a text; a list or null is an empty one."""
    if isinstance(value, bytes):
        return value
    return format_number(value) if isinstance(value, float) else b""


def truth(value: Value) -> bool:
    return bool(value)  # a nan is true


def compare(one: Value, other: Value, *, is_strict: bool = True) -> int:
    """Less than, equal to or greater than zero; a nan is equal to every number, and of lists the first items decide.

    A number and a text compare as numbers.  Raises CommandError if the text is none, or compares texts unless `is_strict`.
    """
    if one is None or other is None:
        return (one is not None) - (other is not None)
    if isinstance(one, float) or isinstance(other, float):
        left, right = number(one), number(other)
        if left is not None and right is not None:
            return (left > right) - (left < right)
        if is_strict:
            culprit = one if left is None else other
            shown = culprit.decode("utf-8", "surrogateescape") if isinstance(culprit, bytes) else "(null)"
            raise CommandError(f"Error converting string '{shown}' to number")
    if isinstance(one, list) and isinstance(other, list):
        if one and other:
            return compare(one[0], other[0], is_strict=is_strict)
        return bool(one) - bool(other)
    left_text, right_text = _comparable(one), _comparable(other)
    return (left_text > right_text) - (left_text < right_text)


def _comparable(value: Value) -> bytes:
    return b"%f" % value if isinstance(value, float) else text(value)


def equal(one: Value, other: Value) -> bool:
    if one is None or other is None:
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        left, right = number(one), number(other)
        return left is not None and right is not None and not left < right and not left > right
    return compare(one, other, is_strict=False) == 0


def fnv_hash(text: bytes, basis: int) -> int:
    """Fowler, Noll and Vo's FNV-1a of 64 bits, from a `basis` of the caller's."""
    for byte in text:
        basis = (basis ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return basis


def hash_value(value: Value, basis: int) -> int:
    """What groups and sets of values are ordered by; several values are hashed one from the other."""
    if isinstance(value, bytes):
        return fnv_hash(value, basis)
    if isinstance(value, float):
        return fnv_hash(struct.pack("<d", value), basis)
    if value is None:
        return basis + 1
    for item in value:
        basis = hash_value(item, basis)
    return basis

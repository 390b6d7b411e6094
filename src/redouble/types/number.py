<<<<<<< HEAD
"""Placeholder until the structures land."""

from decimal import Decimal


def format_double_17g(number: float) -> bytes:
    return b"%.17g" % number


def format_double_shortest(number: float) -> bytes:
    return repr(number).encode()


def format_long_double(number: Decimal) -> bytes:
    return (b"%.17f" % number).rstrip(b"0").rstrip(b".")
=======
"""Numbers as Redis reads and prints them."""

from __future__ import annotations

__all__ = ["INTEGER_MAX", "INTEGER_MIN", "parse_integer"]

INTEGER_MIN = -0x8000000000000000
INTEGER_MAX = 0x7FFFFFFFFFFFFFFF


def parse_integer(text: bytes) -> int | None:
    """The canonical decimal of a 64-bit signed integer (string2ll), else None: no plus, no blanks, no leading zeros."""
    if text.isdigit():
        if len(text) > 19 or (text[0] == 0x30 and len(text) > 1):
            return None
        number = int(text)
        return number if number <= INTEGER_MAX else None
    if text[:1] == b"-" and len(text) <= 20 and text[1:].isdigit() and text[1] != 0x30:
        number = int(text)
        return number if number >= INTEGER_MIN else None
    return None
>>>>>>> types

"""Numbers in the arguments of modules' commands, read as the modules' API reads them; each module has texts of its own."""

from __future__ import annotations

from redouble.types.number import parse_double, parse_integer

__all__ = ["double", "long_long"]


def long_long(text: bytes) -> int | None:
    """An integer of 64 bits, or None (RedisModule_StringToLongLong)."""
    return parse_integer(text)


def double(text: bytes) -> float | None:
    """A double, or None; a nan is none (RedisModule_StringToDouble)."""
    try:
        number = parse_double(text)
    except ValueError:
        return None
    return None if number != number else number

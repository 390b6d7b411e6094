"""How many bytes a value takes inside a listpack: what list-max-listpack-size counts, and what DEBUG LISTPACK prints.

An entry is an encoding byte or more, the value (an integer in its shortest form, if it is the canonical decimal of
one), and the entry's own length again at its end, so that a listpack can be read backwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from redouble.types.number import parse_integer

__all__ = ["LISTPACK_OVERHEAD", "entry_size", "integer_entry_size", "listpack_size"]

LISTPACK_OVERHEAD = 7
"""Total length (4), number of elements (2), end mark (1)."""


def _integer_size(number: int) -> int:
    if 0 <= number <= 127:
        return 1
    if -4096 <= number <= 4095:
        return 2
    if -0x8000 <= number <= 0x7FFF:
        return 3
    if -0x800000 <= number <= 0x7FFFFF:
        return 4
    if -0x80000000 <= number <= 0x7FFFFFFF:
        return 5
    return 9


def integer_entry_size(number: int) -> int:
    """Bytes of the entry of an integer, its trailing length included."""
    return _integer_size(number) + 1


def entry_size(value: bytes) -> int:
    """Bytes of one entry, its trailing length included.  O(1): only values of at most 20 bytes are read."""
    length = len(value)
    # most values do not begin like a number: looking at the first byte before the rest halves the cost of a push
    if 0 < length < 21 and value[0] < 0x3A and (number := parse_integer(value)) is not None:
        return _integer_size(number) + 1
    if length < 64:
        return length + 2
    size = length + (2 if length < 4096 else 5)
    if size <= 127:
        return size + 1
    if size < 16383:
        return size + 2
    if size < 2097151:
        return size + 3
    if size < 268435455:
        return size + 4
    return size + 5


def listpack_size(values: Iterable[bytes]) -> int:
    """Bytes of a whole listpack."""
    return LISTPACK_OVERHEAD + sum(map(entry_size, values))

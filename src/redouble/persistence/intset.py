"""Intsets: the bytes that each number takes (u32: 2, 4 or 8), how many there are (u32), and the numbers in order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from struct import pack, unpack

from redouble.persistence.errors import BadPayload

__all__ = ["decode_intset", "encode_intset"]

_CODES = {2: "h", 4: "i", 8: "q"}


def encode_intset(numbers: Iterable[int]) -> bytes:
    """An intset of ascending numbers, which are as wide as the widest one needs."""
    numbers = list(numbers)
    low, high = numbers[0], numbers[-1]
    width = next(width for width in _CODES if -1 << 8 * width - 1 <= low and high < 1 << 8 * width - 1)
    return pack(f"<II{len(numbers)}{_CODES[width]}", width, len(numbers), *numbers)


def decode_intset(data: bytes) -> tuple[int, ...]:
    """The numbers of an intset, which ascend."""
    if len(data) < 8:
        raise BadPayload("intset: header")
    width, count = unpack("<II", data[:8])
    if width not in _CODES or len(data) != 8 + width * count:
        raise BadPayload("intset: length")
    numbers: tuple[int, ...] = unpack(f"<{count}{_CODES[width]}", data[8:])
    if any(low >= high for low, high in pairwise(numbers)):
        raise BadPayload("intset: order")
    return numbers

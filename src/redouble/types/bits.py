"""Bits of a string: SETBIT, BITCOUNT, BITPOS, BITOP and BITFIELD.

Bit 0 is the most significant bit of byte 0, and beyond the end all bits are 0.  Whole strings are worked on as one big
integer, which is what makes this fast.  Functions that write take a `bytearray` and do so in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from .number import INTEGER_MAX

__all__ = [
    "bitcount",
    "bitfield_get",
    "bitfield_incrby",
    "bitfield_set",
    "bitop",
    "bitpos",
    "getbit",
    "grow",
    "setbit",
]

Bytes: TypeAlias = bytes | bytearray


def getbit(value: Bytes, offset: int) -> int:
    """GETBIT.  O(1)."""
    byte = offset >> 3
    return value[byte] >> (7 - (offset & 7)) & 1 if byte < len(value) else 0


def setbit(value: bytearray, offset: int, bit: int) -> int:
    """SETBIT: the bit that was there.  The string grows as needed, otherwise O(1)."""
    grow(value, offset + 1)
    byte, mask = offset >> 3, 0x80 >> (offset & 7)
    before = value[byte] & mask
    if bit:
        value[byte] |= mask
    else:
        value[byte] &= ~mask
    return 1 if before else 0


def grow(value: bytearray, bits: int) -> None:
    """Make room for that many bits."""
    missing = (bits + 7 >> 3) - len(value)
    if missing > 0:
        value.extend(bytes(missing))


def bitcount(value: Bytes, start: int = 0, stop: int = -1, in_bits: bool = False) -> int:
    """BITCOUNT: both ends are included, negative ones count from the end.  O(n)."""
    if start < 0 and stop < 0 and start > stop:  # BITPOS has no such check: there -5 -9 may both mean the first byte
        return 0
    bounds = _bounds(len(value), start, stop, in_bits)
    if bounds is None:
        return 0
    first, last = bounds
    number = int.from_bytes(value[first >> 3 : (last >> 3) + 1], "big")
    number >>= 7 - (last & 7)
    return (number & (1 << last - first + 1) - 1).bit_count()


def bitpos(value: Bytes, bit: int, start: int = 0, stop: int | None = None, in_bits: bool = False) -> int:
    """BITPOS: the first such bit of the range, or -1.  O(n).

    Without `stop` the zeros beyond the end count: a 0 is then found even in a string of ones.
    """
    bounds = _bounds(len(value), start, -1 if stop is None else stop, in_bits)
    if bounds is None:
        return -1
    first, last = bounds
    part = bytearray(value[first >> 3 : (last >> 3) + 1])
    before, behind = 0xFF00 >> (first & 7) & 0xFF, 0x7F >> (last & 7)  # the bits of the end bytes that do not count
    if bit:
        part[0] &= ~before
        part[-1] &= ~behind
        rest = part.lstrip(b"\x00")
    else:
        part[0] |= before
        part[-1] |= behind
        rest = part.lstrip(b"\xff")
    if not rest:
        return len(value) * 8 if stop is None and not bit else -1
    in_byte = 8 - (rest[0] if bit else rest[0] ^ 0xFF).bit_length()
    return (first >> 3) * 8 + (len(part) - len(rest)) * 8 + in_byte


def bitop(operation: bytes, values: Sequence[Bytes]) -> bytes:
    """BITOP: AND, OR, XOR, NOT (of one value) and, since Redis 8.2, DIFF, DIFF1, ANDOR and ONE.  O(n) for each value.

    As long as the longest value; the others are filled up with zeros.
    """
    length = max(map(len, values))
    # in little-endian order the zeros to fill up with are leading ones, which an integer has anyway
    first, *others = [int.from_bytes(value, "little") for value in values]
    if operation == b"NOT":
        return (first ^ (1 << length * 8) - 1).to_bytes(length, "little")
    found = first
    if operation == b"AND":
        for other in others:
            found &= other
    elif operation == b"OR":
        found |= _any(others)
    elif operation == b"XOR":
        for other in others:
            found ^= other
    elif operation == b"DIFF":
        found &= ~_any(others)
    elif operation == b"DIFF1":
        found = ~first & _any(others)
    elif operation == b"ANDOR":
        found &= _any(others)
    elif operation == b"ONE":
        several = 0
        for other in others:
            several |= found & other
            found |= other
        found &= ~several
    else:
        raise ValueError(operation)
    return found.to_bytes(length, "little")


def bitfield_get(value: Bytes, offset: int, bits: int, signed: bool) -> int:
    """BITFIELD GET: the integer of so many bits at that offset.  O(1)."""
    first, end = offset >> 3, offset + bits + 7 >> 3
    part = value[first:end]
    number = int.from_bytes(part, "big") << (end - first - len(part)) * 8
    number = number >> end * 8 - offset - bits & (1 << bits) - 1
    if signed and number >> bits - 1:
        number -= 1 << bits
    return number


def bitfield_set(value: bytearray, offset: int, bits: int, signed: bool, new: int, overflow: bytes) -> int | None:
    """BITFIELD SET: the integer that was there; None if the new one does not fit and the overflow mode is FAIL."""
    if not signed:
        new &= 0xFFFFFFFFFFFFFFFF  # a negative one is a large one, which matters to SAT
    fitting = _fit(new, bits, signed, overflow)
    if fitting is None:
        return None
    high = (1 << bits - 1) - 1
    if signed and bits < 64 and overflow == b"SAT" and high - new > INTEGER_MAX:
        # `BITFIELD b OVERFLOW SAT SET i63 0 -9223372036854775805` stores the *largest* i63: checkSignedBitfieldOverflow
        # computes that difference in 64 bits
        fitting = high
    old = bitfield_get(value, offset, bits, signed)
    _write(value, offset, bits, fitting)
    return old


def bitfield_incrby(value: bytearray, offset: int, bits: int, signed: bool, by: int, overflow: bytes) -> int | None:
    """BITFIELD INCRBY: the sum as it is now there; None if it does not fit and the overflow mode is FAIL."""
    fitting = _fit(bitfield_get(value, offset, bits, signed) + by, bits, signed, overflow)
    if fitting is not None:
        _write(value, offset, bits, fitting)
    return fitting


def _bounds(length: int, start: int, stop: int, in_bits: bool) -> tuple[int, int] | None:
    """First and last bit of a range of bytes (or bits), None if it is empty."""
    unit = 1 if in_bits else 8
    total = length * 8 // unit
    if start < 0:
        start = max(start + total, 0)
    if stop < 0:
        stop = max(stop + total, 0)
    stop = min(stop, total - 1)
    return None if start > stop else (start * unit, stop * unit + unit - 1)


def _any(numbers: Sequence[int]) -> int:
    found = 0
    for number in numbers:
        found |= number
    return found


def _fit(number: int, bits: int, signed: bool, overflow: bytes) -> int | None:
    """The number itself if it fits, else what WRAP, SAT or FAIL make of it."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if low <= number <= high:
        return number
    if overflow == b"FAIL":
        return None
    if overflow == b"SAT":
        return high if number > high else low
    number &= (1 << bits) - 1
    return number - (1 << bits) if number > high else number


def _write(value: bytearray, offset: int, bits: int, number: int) -> None:
    grow(value, offset + bits)
    first, end = offset >> 3, offset + bits + 7 >> 3
    shift = end * 8 - offset - bits
    mask = (1 << bits) - 1
    part = int.from_bytes(value[first:end], "big")
    part = part & ~(mask << shift) | (number & mask) << shift
    value[first:end] = part.to_bytes(end - first, "big")

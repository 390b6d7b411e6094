"""Bits of strings.  Bit 0 is the highest bit of the first byte; whole ranges are handled as one large integer, whose
operations run in C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = [
    "OPERATIONS",
    "FieldType",
    "combine",
    "count_bits",
    "find_bit",
    "get_bit",
    "get_field",
    "set_bit",
    "set_field",
]

Buffer: TypeAlias = "bytes | bytearray"


def get_bit(value: Buffer, offset: int) -> int:
    """The bit at `offset`; 0 behind the end."""
    byte = offset >> 3
    return value[byte] >> (7 - (offset & 7)) & 1 if byte < len(value) else 0


def set_bit(value: bytearray, offset: int, bit: int) -> None:
    """Change the bit at `offset`, which must exist."""
    mask = 0x80 >> (offset & 7)
    if bit:
        value[offset >> 3] |= mask
    else:
        value[offset >> 3] &= ~mask


def count_bits(value: Buffer, first: int, last: int) -> int:
    """How many of the bits from `first` to `last`, which must exist, are 1."""
    return _range(value, first, last).bit_count()


def find_bit(value: Buffer, bit: int, first: int, last: int) -> int | None:
    """The offset of the first `bit` among those from `first` to `last`, which must exist."""
    width = last - first + 1
    number = _range(value, first, last)
    if not bit:
        number ^= (1 << width) - 1
    return first + width - number.bit_length() if number else None


def _range(value: Buffer, first: int, last: int) -> int:
    """The bits from `first` to `last` as an integer."""
    start, end = first >> 3, (last >> 3) + 1
    number = int.from_bytes(value[start:end], "big") >> (8 * end - last - 1)
    return number & ((1 << (last - first + 1)) - 1) if first & 7 else number


# BITOP.  The integers are little-endian here, so that a shorter string is continued by zeros.


def _and(operands: Sequence[int], mask: int) -> int:
    result = operands[0]
    for operand in operands[1:]:
        result &= operand
    return result


def _or(operands: Sequence[int], mask: int) -> int:
    result = 0
    for operand in operands:
        result |= operand
    return result


def _xor(operands: Sequence[int], mask: int) -> int:
    result = 0
    for operand in operands:
        result ^= operand
    return result


def _not(operands: Sequence[int], mask: int) -> int:
    return operands[0] ^ mask


def _diff(operands: Sequence[int], mask: int) -> int:
    return operands[0] & ~_or(operands[1:], mask)


def _diff1(operands: Sequence[int], mask: int) -> int:
    return ~operands[0] & _or(operands[1:], mask)


def _andor(operands: Sequence[int], mask: int) -> int:
    return operands[0] & _or(operands[1:], mask)


def _one(operands: Sequence[int], mask: int) -> int:
    once = several = 0
    for operand in operands:
        several |= once & operand
        once |= operand
    return once & ~several


OPERATIONS: Final[dict[str, Callable[[Sequence[int], int], int]]] = {
    "AND": _and,
    "OR": _or,
    "XOR": _xor,
    "NOT": _not,
    "DIFF": _diff,  # in the first, in none of the others
    "DIFF1": _diff1,  # in any of the others, not in the first
    "ANDOR": _andor,  # in the first and in any of the others
    "ONE": _one,  # in exactly one
}


def combine(operation: str, values: Sequence[Buffer]) -> bytearray:
    """The result of BITOP, as long as the longest of `values`."""
    size = max(map(len, values))
    operands = [int.from_bytes(value, "little") for value in values]
    return bytearray(OPERATIONS[operation](operands, (1 << 8 * size) - 1).to_bytes(size, "little"))


# BITFIELD


@dataclass(frozen=True)
class FieldType:
    """An integer of 1 to 64 bits: `u8`, `i64`."""

    signed: bool
    bits: int

    @property
    def least(self) -> int:
        return -1 << (self.bits - 1) if self.signed else 0

    @property
    def greatest(self) -> int:
        return (1 << (self.bits - self.signed)) - 1

    def decode(self, raw: int) -> int:
        """The number that these bits stand for."""
        return raw - (1 << self.bits) if self.signed and raw >> (self.bits - 1) else raw

    def wrap(self, number: int) -> int:
        return self.decode(number & ((1 << self.bits) - 1))

    def add(self, number: int, increment: int, overflow: str) -> int | None:
        """The sum of two signed 64-bit integers as this type holds it, None if it overflows and `overflow` is FAIL.

        With SAT, an unsigned field takes a negative `number` for a very large one, and a signed one does so with those
        that are so small that the distance from its greatest number is itself no signed 64-bit integer
        (checkUnsignedBitfieldOverflow, checkSignedBitfieldOverflow).
        """
        if not self.signed:
            number &= (1 << 64) - 1
        total = number + increment
        if self.least <= total <= self.greatest:
            return total
        if overflow == "FAIL":
            return None
        if overflow == "WRAP":
            return self.wrap(total)
        distance_wraps = self.bits < 64 and self.greatest - number >= 1 << 63
        return self.greatest if total > self.greatest or distance_wraps else self.least


def get_field(value: Buffer, offset: int, bits: int) -> int:
    """The `bits` bits from `offset` on, with zeros behind the end."""
    start, end = offset >> 3, (offset + bits + 7) >> 3
    number = int.from_bytes(value[start:end].ljust(end - start, b"\0"), "big")
    return number >> (8 * end - offset - bits) & ((1 << bits) - 1)


def set_field(value: bytearray, offset: int, bits: int, number: int) -> None:
    """Write the lowest `bits` bits of `number` at `offset`; they must exist."""
    start, end = offset >> 3, (offset + bits + 7) >> 3
    shift = 8 * end - offset - bits
    mask = ((1 << bits) - 1) << shift
    old = int.from_bytes(value[start:end], "big")
    value[start:end] = ((old & ~mask) | (number << shift & mask)).to_bytes(end - start, "big")

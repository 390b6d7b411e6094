"""HyperLogLog: how many different elements there were, from 16384 registers of six bits.

The value is the string that Redis keeps, byte for byte; nothing is kept beside it.  After a header of 16 bytes (`HYLL`,
the encoding, three zeros, the last count with a bit that says whether it still holds) come the registers: dense, six
bits each, or sparse, as runs of equal ones:

    00nnnnnn            n+1 registers are 0                  01nnnnnn nnnnnnnn      the same, up to 16384
    1vvvvvnn            n+1 registers are v+1

All functions that change a value do so in place; those that read one raise `Corrupt` where its runs make no sense.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = [
    "REGISTERS",
    "Corrupt",
    "add",
    "cached_count",
    "describe",
    "empty",
    "estimate",
    "forget_count",
    "hash64",
    "is_dense",
    "is_valid",
    "maximum",
    "pack",
    "raise_register",
    "registers",
    "remember_count",
    "to_dense",
]

REGISTERS: Final = 16384
HEADER: Final = 16
DENSE_SIZE: Final = HEADER + REGISTERS * 6 // 8
DENSE, SPARSE = 0, 1
SEED: Final = 0xADC83B19
ALPHA: Final = 0.721347520444481703680
MASK: Final = (1 << 64) - 1
MIXER: Final = 0xC6A4A7935BD1E995

ZEROS_MAX: Final = 64
"""The longest run of zeros in one byte."""
VALUE_MAX: Final = 32
"""What fits into a sparse register."""
RUN_MAX: Final = 4
"""The longest run of a value."""

_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64: Final = bytes(_BASE64[number & 63] for number in range(256))
_FROM_BASE64: Final = bytes(max(_BASE64.find(number), 0) for number in range(256))


class Corrupt(ValueError):
    """The runs of a sparse value do not make 16384 registers."""


class Run(NamedTuple):
    """So many registers of one value; `size` bytes at `at`."""

    at: int
    size: int
    length: int
    value: int


def hash64(element: bytes) -> int:
    """MurmurHash64A, as on a little-endian machine."""
    length = len(element)
    whole = length & ~7
    result = SEED ^ length * MIXER & MASK
    for at in range(0, whole, 8):
        word = int.from_bytes(element[at : at + 8], "little") * MIXER & MASK
        word = (word ^ word >> 47) * MIXER & MASK
        result = (result ^ word) * MIXER & MASK
    if length > whole:
        result = (result ^ int.from_bytes(element[whole:], "little")) * MIXER & MASK
    result = (result ^ result >> 47) * MIXER & MASK
    return result ^ result >> 47


def place(element: bytes) -> tuple[int, int]:
    """Which register an element belongs to, and what it makes of it: one more than the zeros at the end of its hash."""
    bits = hash64(element)
    rest = bits >> 14 | 1 << 50
    return bits & REGISTERS - 1, (rest & -rest).bit_length()


# The string.


def empty() -> bytearray:
    """PFADD of nothing: one sparse run of zeros."""
    return bytearray(b"HYLL\x01" + bytes(11) + b"\x7f\xff")


def is_valid(value: bytes | bytearray) -> bool:
    """Whether a string is a HyperLogLog, as far as its header and its length tell (isHLLObjectOrReply)."""
    if len(value) < HEADER or value[:4] != b"HYLL" or value[4] > SPARSE:
        return False
    return value[4] == SPARSE or len(value) == DENSE_SIZE


def is_dense(value: bytes | bytearray) -> bool:
    return value[4] == DENSE


def cached_count(value: bytes | bytearray) -> int | None:
    """The last count; None: the registers have changed since."""
    return None if value[15] & 0x80 else int.from_bytes(value[8:16], "little")


def remember_count(value: bytearray, count: int) -> None:
    value[8:16] = (count & MASK).to_bytes(8, "little")


def forget_count(value: bytearray) -> None:
    value[15] |= 0x80


# Registers.


def runs(value: bytes | bytearray) -> Iterator[Run]:
    """The runs of a sparse value."""
    at, end = HEADER, len(value)
    while at < end:
        byte = value[at]
        if byte & 0x80:
            yield Run(at, 1, (byte & 3) + 1, (byte >> 2 & 31) + 1)
            at += 1
        elif byte & 0x40:
            following = value[at + 1] if at + 1 < end else 0  # what was cut off is the zero byte behind a C string
            yield Run(at, 2, ((byte & 63) << 8 | following) + 1, 0)
            at += 2
        else:
            yield Run(at, 1, (byte & 63) + 1, 0)
            at += 1


def registers(value: bytes | bytearray) -> bytes:
    """All registers, one byte each.

    Base64 packs six bits too, only from the other end: reversed bytes make the registers in reversed order, in C.
    """
    if is_dense(value):
        packed = bytes(value[:15:-1])
        return binascii.b2a_base64(packed, newline=False).translate(_FROM_BASE64)[::-1]
    found = bytearray()
    for run in runs(value):
        found += bytes((run.value,)) * run.length
        if len(found) > REGISTERS:
            raise Corrupt
    if len(found) != REGISTERS:
        raise Corrupt
    return bytes(found)


def pack(unpacked: bytes) -> bytes:
    """Registers of one byte each as a dense value has them."""
    return binascii.a2b_base64(unpacked[::-1].translate(_TO_BASE64))[::-1]


def maximum(all_registers: list[bytes]) -> bytes:
    """The registers of a union."""
    if len(all_registers) < 2:
        return all_registers[0] if all_registers else bytes(REGISTERS)
    return bytes(map(max, *all_registers))


def to_dense(value: bytearray) -> bool:
    """Make the value dense; False if it was.  The header stays as it is."""
    if is_dense(value):
        return False
    packed = pack(registers(value))
    value[HEADER:] = packed
    value[4] = DENSE
    return True


def add(value: bytearray, element: bytes, sparse_max: int) -> bool:
    """PFADD of one element: whether a register grew."""
    index, count = place(element)
    return raise_register(value, index, count, sparse_max)


def raise_register(value: bytearray, index: int, count: int, sparse_max: int) -> bool:
    """Make the register at least `count`; a sparse value longer than `sparse_max` becomes a dense one."""
    if is_dense(value):
        return _raise_dense(value, index, count)
    return _raise_sparse(value, index, count, sparse_max)


def _raise_dense(value: bytearray, index: int, count: int) -> bool:
    at, shift = divmod(index * 6, 8)
    at += HEADER
    pair = int.from_bytes(value[at : at + 2], "little")
    if pair >> shift & 63 >= count:
        return False
    pair = pair & ~(63 << shift) | count << shift
    value[at] = pair & 0xFF
    if shift > 2:
        value[at + 1] = pair >> 8
    return True


def _raise_sparse(value: bytearray, index: int, count: int, sparse_max: int) -> bool:
    """hllSparseSet, whose choice of runs shows in GET: the run is cut in at most three, then equal neighbours join."""
    if count > VALUE_MAX:
        to_dense(value)
        return _raise_dense(value, index, count)
    first = 0
    before = HEADER
    for run in runs(value):
        if index < first + run.length:
            break
        before = run.at
        first += run.length
    else:
        raise Corrupt
    if run.value >= count:
        return False
    last = first + run.length - 1
    pieces = _run(run.value, index - first) + _run(count, 1) + _run(run.value, last - index)
    if len(pieces) > run.size and len(value) + len(pieces) - run.size > sparse_max:
        to_dense(value)
        return _raise_dense(value, index, count)
    value[run.at : run.at + run.size] = pieces
    _join(value, before)
    forget_count(value)
    return True


def _run(value: int, length: int) -> bytes:
    """A run in as few bytes as can be; none if it is empty."""
    if not length:
        return b""
    if value:
        return bytes((0x80 | value - 1 << 2 | length - 1,))
    if length <= ZEROS_MAX:
        return bytes((length - 1,))
    return bytes((0x40 | length - 1 >> 8, length - 1 & 0xFF))


def _join(value: bytearray, at: int) -> None:
    """Equal values side by side become one run, among the five runs from `at` on."""
    for _ in range(5):
        if at >= len(value):
            return
        byte = value[at]
        if byte & 0xC0 == 0x40:
            at += 2
            continue
        if byte & 0x80 and at + 1 < len(value) and value[at + 1] & 0xFC == byte & 0xFC:
            length = (byte & 3) + (value[at + 1] & 3) + 2
            if length <= RUN_MAX:
                value[at : at + 2] = bytes((byte & 0xFC | length - 1,))
                continue
        at += 1


def describe(value: bytes | bytearray) -> bytes:
    """PFDEBUG DECODE: the runs of a sparse value."""
    return b" ".join(
        (b"v:%d,%d" % (run.value, run.length)) if run.value else (b"Z:%d" if run.size == 2 else b"z:%d") % run.length
        for run in runs(value)
    )


# The estimate (Otmar Ertl, New cardinality estimation algorithms for HyperLogLog sketches, algorithm 6).


def estimate(unpacked: bytes) -> int:
    """How many elements such registers stand for."""
    z = REGISTERS * _tau((REGISTERS - unpacked.count(51)) / REGISTERS)
    for value in range(50, 0, -1):
        z = (z + unpacked.count(value)) * 0.5
    z += REGISTERS * _sigma(unpacked.count(0) / REGISTERS)
    count = ALPHA * REGISTERS * REGISTERS / z if z else math.inf
    return math.floor(count + 0.5) if count < 2.0**63 else -(2**63)  # as x86 rounds what is too large


def _sigma(x: float) -> float:
    if x == 1.0:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1.0 - x, -1.0
    while z != before:
        x = math.sqrt(x)
        before = z
        y *= 0.5
        z -= (1.0 - x) ** 2 * y
    return z / 3.0

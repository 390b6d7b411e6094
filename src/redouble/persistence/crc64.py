"""The CRC-64 at the end of a DUMP payload and of an RDB file.

The polynomial is David Jones's, reflected; the register begins with 0 and is not inverted at the end.  Then a CRC is
linear, and a long text may be folded: the words of one half, each moved over the same distance, are XORed onto those of
the other half, which leaves the CRC what it was.  Folding works on all words at once, byte by byte of the words, with
`bytes.translate` and XOR of large integers: eight times as fast as the loop on a megabyte.
"""

from __future__ import annotations

import functools

__all__ = ["crc64"]

_POLYNOMIAL = 0x95AC9329AC4BC9B5
_SHORT = 1024
"""Up to here the loop over the bytes is faster."""


def _byte_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _byte_table()


def crc64(data: bytes) -> int:
    """The checksum of `data`.  O(n)."""
    if len(data) > _SHORT:
        distance = 1 << (len(data) - 1).bit_length() - 1  # the largest power of two below the length
        while len(data) > _SHORT:
            if len(data) > distance:
                data = _fold(data, distance)
            distance >>= 1
    table, register = _TABLE, 0
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register


def _fold(data: bytes, distance: int) -> bytes:
    """`distance` bytes with the same checksum as `data`, which is at most twice as long.  Leading zeros change nothing."""
    head, folded = data[: len(data) - distance].rjust(distance, b"\0"), data[-distance:]
    planes = [int.from_bytes(folded[byte::8], "big") for byte in range(8)]
    for source, tables in enumerate(_moved(distance)):
        plane = head[source::8]
        for target, table in enumerate(tables):
            planes[target] ^= int.from_bytes(plane.translate(table), "big")
    result = bytearray(distance)
    for byte, number in enumerate(planes):
        result[byte::8] = number.to_bytes(distance // 8, "big")
    return bytes(result)


@functools.cache
def _moved(distance: int) -> list[list[bytes]]:
    """What byte `i` of a word adds to byte `j` of the word that lies `distance` behind it: a table for each i and j."""
    basis = [_move(1 << bit, distance) for bit in range(64)]
    tables = []
    for source in range(8):
        words = [0] * 256
        for value in range(1, 256):
            low = value & -value
            words[value] = words[value ^ low] ^ basis[8 * source + low.bit_length() - 1]
        tables.append([bytes(word >> 8 * target & 0xFF for word in words) for target in range(8)])
    return tables


@functools.cache
def _move(word: int, distance: int) -> int:
    """A word (its first byte the lowest) as it is after `distance` bytes, which is a power of two and at least 8."""
    if distance == 8:
        for _ in range(8):
            word = _TABLE[word & 0xFF] ^ (word >> 8)
        return word
    once = _move(word, distance // 2)
    result = 0
    while once:
        low = once & -once
        result ^= _move(low, distance // 2)
        once ^= low
    return result

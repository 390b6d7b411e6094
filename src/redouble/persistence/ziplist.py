"""Ziplists, which servers before 7.0 write, and zipmaps, which those before 2.6 wrote.

A ziplist is its length, the place of its last entry (u32 each), the number of entries (u16, 65535: count them), entries
and 0xFF.  An entry begins with the length of the one before it.  A zipmap is a byte that counts (254: count them),
keys and values by turns with their lengths, each value followed by so many unused bytes as the byte before it says.
"""

from __future__ import annotations

from collections.abc import Iterable

from redouble.persistence.errors import BadPayload
from redouble.types.number import parse_integer

__all__ = ["decode_ziplist", "decode_zipmap", "encode_ziplist"]

_HEADER = 10
_END = 0xFF
_LARGE = 254
_INTEGERS = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}


def encode_ziplist(values: Iterable[bytes]) -> bytes:
    """A ziplist as the real servers write it: whatever spells an integer is one."""
    output = bytearray(_HEADER)
    tail, count = _HEADER, 0
    before = 0
    for value in values:
        tail = len(output)
        output += bytes((before,)) if before < _LARGE else bytes((_LARGE,)) + before.to_bytes(4, "little")
        _append(output, value)
        before = len(output) - tail
        count += 1
    output.append(_END)
    output[:_HEADER] = (
        len(output).to_bytes(4, "little") + tail.to_bytes(4, "little") + min(count, 0xFFFF).to_bytes(2, "little")
    )
    return bytes(output)


def _append(output: bytearray, value: bytes) -> None:
    length = len(value)
    number = parse_integer(value) if 0 < length < 32 else None
    if number is not None:
        if 0 <= number <= 12:
            output.append(0xF1 + number)
        else:
            size = next(size for size in (1, 2, 3, 4, 8) if -1 << 8 * size - 1 <= number < 1 << 8 * size - 1)
            output.append(next(kind for kind in _INTEGERS if _INTEGERS[kind] == size))
            output += number.to_bytes(size, "little", signed=True)
        return
    if length < 0x40:
        output.append(length)
    elif length < 0x4000:
        output += (0x4000 | length).to_bytes(2, "big")
    else:
        output.append(0x80)
        output += length.to_bytes(4, "big")
    output += value


def decode_ziplist(data: bytes) -> list[bytes]:
    """The entries of a ziplist; everything that it says of itself must be true."""
    end = len(data) - 1
    if end < _HEADER or int.from_bytes(data[:4], "little") != len(data) or data[end] != _END:
        raise BadPayload("ziplist: length or end")
    values: list[bytes] = []
    position = tail = _HEADER
    before = 0
    while position < end:
        tail = position
        previous = data[position]
        position += 1
        if previous == _LARGE:
            previous = int.from_bytes(data[position : position + 4], "little")
            position += 4
        elif previous > _LARGE:
            raise BadPayload("ziplist: the end comes too early")
        if previous != before or position >= end:
            raise BadPayload("ziplist: the length before an entry")
        kind = data[position]
        position += 1
        if kind < 0xC0:
            if kind < 0x40:
                length = kind
            elif kind < 0x80:
                length = (kind & 0x3F) << 8 | data[position]
                position += 1
            else:
                length = int.from_bytes(data[position : position + 4], "big")
                position += 4
            value = data[position : position + length]
        elif kind in _INTEGERS:
            length = _INTEGERS[kind]
            value = b"%d" % int.from_bytes(data[position : position + length], "little", signed=True)
        elif 0xF1 <= kind <= 0xFD:
            length = 0
            value = b"%d" % (kind - 0xF1)
        else:
            raise BadPayload("ziplist: unknown entry")
        position += length
        if position > end:
            raise BadPayload("ziplist: an entry is cut off")
        before = position - tail
        values.append(value)
    count = int.from_bytes(data[8:_HEADER], "little")
    if int.from_bytes(data[4:8], "little") != tail or (count != 0xFFFF and count != len(values)):
        raise BadPayload("ziplist: last entry or number of entries")
    return values


def decode_zipmap(data: bytes) -> list[bytes]:
    """Keys and values by turns."""
    end = len(data) - 1
    if end < 1 or data[end] != _END:
        raise BadPayload("zipmap: end")
    values: list[bytes] = []
    position = 1
    while position < end:
        length = data[position]
        position += 1
        if length == _LARGE:
            length = int.from_bytes(data[position : position + 4], "little")
            position += 4
        elif length > _LARGE:
            raise BadPayload("zipmap: length")
        unused = 0
        if len(values) & 1:
            unused = data[min(position, end)]
            position += 1
        values.append(data[position : position + length])
        position += length + unused
        if position > end:
            raise BadPayload("zipmap: an entry is cut off")
    if len(values) & 1 or (data[0] < _LARGE and data[0] != len(values) // 2):
        raise BadPayload("zipmap: number of entries")
    return values

"""Ziplists and zipmaps, which servers before 7.0 wrote: read, never written.

A ziplist is its length, the place of its last entry (u32 each), the number of entries (u16, 65535: count them), entries
and 0xFF.  An entry begins with the length of the one before it.  A zipmap is a byte that counts (254: count them),
keys and values by turns with their lengths, each value followed by so many unused bytes as the byte before it says.
"""

from __future__ import annotations

from redouble.persistence.errors import BadPayload

__all__ = ["decode_ziplist", "decode_zipmap"]

_HEADER = 10
_END = 0xFF
_LARGE = 254
_INTEGERS = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}


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

"""Listpacks: entries one after the other, each with its own length behind it.

Total length (u32), number of entries (u16, 65535: count them), entries, 0xFF; numbers are little endian unless they
share a byte with the kind of entry, which is told by its first bits.
"""

from __future__ import annotations

from collections.abc import Iterable

from redouble.persistence.errors import BadPayload
from redouble.types.number import parse_integer

__all__ = ["decode_listpack", "encode_listpack"]

_HEADER = 6
_END = 0xFF
_INTEGERS = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}
"""Kinds of integers and their bytes."""


def encode_listpack(values: Iterable[bytes]) -> bytes:
    """A listpack as the real servers write it: whatever spells an integer is one."""
    output = bytearray(_HEADER)
    count = 0
    for value in values:
        start = len(output)
        _append(output, value)
        output += _back_length(len(output) - start)
        count += 1
    output.append(_END)
    output[:_HEADER] = len(output).to_bytes(4, "little") + min(count, 0xFFFF).to_bytes(2, "little")
    return bytes(output)


def _append(output: bytearray, value: bytes) -> None:
    length = len(value)
    number = parse_integer(value) if 0 < length < 21 else None
    if number is not None:
        if 0 <= number < 128:
            output.append(number)
        elif -4096 <= number < 4096:
            output += (0xC000 | number & 0x1FFF).to_bytes(2, "big")
        else:
            kind = next(kind for kind, size in _INTEGERS.items() if -1 << 8 * size - 1 <= number < 1 << 8 * size - 1)
            output.append(kind)
            output += number.to_bytes(_INTEGERS[kind], "little", signed=True)
        return
    if length < 64:
        output.append(0x80 | length)
    elif length < 4096:
        output += (0xE000 | length).to_bytes(2, "big")
    else:
        output.append(0xF0)
        output += length.to_bytes(4, "little")
    output += value


def _back_length(length: int) -> bytes:
    """The length of an entry, to be read from its end: seven bits a byte, the highest first; all but that are marked."""
    groups = 1 if length <= 127 else 2 if length < 16383 else 3 if length < 2097151 else 4 if length < 268435455 else 5
    return bytes(
        (length >> 7 * group & 0x7F) | (0x80 if group < groups - 1 else 0) for group in range(groups - 1, -1, -1)
    )


def decode_listpack(data: bytes) -> list[bytes]:
    """The entries of a listpack; everything that it says of itself must be true."""
    end = len(data) - 1
    if end < _HEADER or int.from_bytes(data[:4], "little") != len(data) or data[end] != _END:
        raise BadPayload("listpack: length or end")
    values = []
    position = _HEADER
    while position < end:
        start, kind = position, data[position]
        position += 1
        if kind < 0x80:
            value = b"%d" % kind
        elif kind < 0xC0 or 0xE0 <= kind <= 0xF0:
            if kind < 0xC0:
                length = kind & 0x3F
            elif kind < 0xF0:
                length = (kind & 0x0F) << 8 | data[position]
                position += 1
            else:
                length = int.from_bytes(data[position : position + 4], "little")
                position += 4
            if position + length > end:
                raise BadPayload("listpack: a string is cut off")
            value = data[position : position + length]
            position += length
        elif kind < 0xE0:
            number = (kind & 0x1F) << 8 | data[position]
            value = b"%d" % (number - 8192 if number >= 4096 else number)
            position += 1
        elif kind in _INTEGERS:
            size = _INTEGERS[kind]
            value = b"%d" % int.from_bytes(data[position : position + size], "little", signed=True)
            position += size
        else:
            raise BadPayload("listpack: unknown entry")
        behind = _back_length(position - start)
        if data[position : position + len(behind)] != behind:
            raise BadPayload("listpack: the length behind an entry")
        position += len(behind)
        values.append(value)
    count = int.from_bytes(data[4:_HEADER], "little")
    if position != end or (count != 0xFFFF and count != len(values)):
        raise BadPayload("listpack: number of entries")
    return values

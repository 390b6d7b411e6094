"""Lengths and strings, of which everything is made that DUMP and RDB files hold.

A length takes 1, 2, 5 or 9 bytes, by the first two bits; a string is a length and the bytes, or one of four special forms:
integers of 1, 2 or 4 bytes, and LZF.  `Reader` believes nothing: a length or a count is compared with the bytes that are
left before anything is made of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TypeAlias

from redouble.persistence.errors import BadPayload
from redouble.persistence.lzf import compress, decompress
from redouble.types.number import parse_integer

__all__ = ["Parts", "Reader", "module_id", "module_name", "write_length", "write_milliseconds", "write_string"]

Parts: TypeAlias = "tuple[int, Iterable[bytes | bytearray]]"
"""A type and what makes up the value: strings are `bytes`; what is written as it is, is a `bytearray`."""

# Writing.


def write_length(number: int) -> bytearray:
    if number < 1 << 6:
        return bytearray((number,))
    if number < 1 << 14:
        return bytearray((0x4000 | number).to_bytes(2, "big"))
    if number < 1 << 32:
        return bytearray(b"\x80" + number.to_bytes(4, "big"))
    return bytearray(b"\x81" + number.to_bytes(8, "big"))


def write_string(text: bytes, do_compress: bool = True) -> bytes:
    """A string in the shortest form that the real servers look for."""
    length = len(text)
    if length <= 11:
        number = parse_integer(text) if text else None
        if number is not None:
            for kind, size in enumerate((1, 2, 4)):
                if -1 << 8 * size - 1 <= number < 1 << 8 * size - 1:
                    return bytes((0xC0 | kind,)) + number.to_bytes(size, "little", signed=True)
    elif length > 20 and do_compress:
        compressed = compress(text, length - 4)
        if compressed is not None:
            return b"\xc3" + write_length(len(compressed)) + write_length(length) + compressed
    return bytes(write_length(length) + text)


def write_milliseconds(moment: int) -> bytearray:
    return bytearray(moment.to_bytes(8, "little", signed=True))


# Reading.


class Reader:
    """Bytes, taken from the front; asked for more than there are, it raises BadPayload."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.end = len(data)

    def take(self, count: int) -> bytes:
        start = self.position
        if count > self.end - start:
            raise BadPayload("cut off")
        self.position = start + count
        return self.data[start : start + count]

    def byte(self) -> int:
        return self.take(1)[0]

    def length(self) -> int:
        number, special = self._length()
        if special:
            raise BadPayload("a length was expected")
        return number

    def count(self, least: int = 1) -> int:
        """How many elements follow, of which each takes at least that many bytes.  None at all is wrong."""
        number = self.length()
        if not 0 < number <= (self.end - self.position) // least:
            raise BadPayload("no element, or more than there is room for")
        return number

    def string(self) -> bytes:
        number, special = self._length()
        if not special:
            return self.take(number)
        if number < 3:
            return b"%d" % int.from_bytes(self.take(1 << number), "little", signed=True)
        if number > 3:
            raise BadPayload("unknown form of a string")
        compressed, length = self.length(), self.length()
        return decompress(self.take(compressed), length)

    def strings(self, count: int) -> list[bytes]:
        string = self.string
        return [string() for _ in range(count)]

    def double(self) -> float:
        number: float = struct.unpack("<d", self.take(8))[0]
        return number

    def milliseconds(self) -> int:
        return int.from_bytes(self.take(8), "little", signed=True)

    def _length(self) -> tuple[int, bool]:
        """A number, and whether it tells a special form of a string instead of a length."""
        first = self.byte()
        if first < 0x40:
            return first, False
        if first < 0x80:
            return (first & 0x3F) << 8 | self.byte(), False
        if first >= 0xC0:
            return first & 0x3F, True
        if first > 0x81:
            raise BadPayload("unknown form of a length")
        return int.from_bytes(self.take(4 if first == 0x80 else 8), "big"), False


_NAME_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def module_name(id: int) -> bytes:
    """Nine characters of six bits each; ten bits are left, for the version of the module's format."""
    return bytes(_NAME_CHARACTERS[id >> shift & 63] for shift in range(58, 9, -6))


def module_id(name: bytes, version: int) -> int:
    """The reverse of `module_name`."""
    id = 0
    for character in name:
        id = id << 6 | _NAME_CHARACTERS.index(character)
    return id << 10 | version

"""`struct`: binary data."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from redouble.scripting import memory
from redouble.scripting.errors import ArgumentError, LuaError
from redouble.scripting.stdlib.arguments import MISSING, number, optional_integer, text, to_integer, to_unsigned
from redouble.scripting.stdlib.base import MAX_RESULTS
from redouble.scripting.values import Value, to_number

__all__ = ["library"]

MAX_INTEGER = 32
_SIZES = {"b": 1, "B": 1, "h": 2, "H": 2, "l": 8, "L": 8, "T": 8, "f": 4, "d": 8, "x": 1}


class _Format:
    """The options of a format one after the other: each with its size and the padding before it."""

    def __init__(self, source: bytes) -> None:
        self.source = source.partition(b"\0")[0].decode("latin-1")
        self.at = 0
        self.big = False
        self.align = 1
        self.position = 0
        """How much data there is before the option."""

    def number(self, default: int) -> int:
        begin = self.at
        while self.at < len(self.source) and "0" <= self.source[self.at] <= "9":
            self.at += 1
            if int(self.source[begin : self.at]) > 0x7FFFFFFF:
                raise LuaError(b"integral size overflow")
        return int(self.source[begin : self.at]) if self.at > begin else default

    def options(self) -> Iterator[tuple[str, int, int]]:
        """Each option with its size and padding; the one who reads it moves `position`."""
        while self.at < len(self.source):
            option = self.source[self.at]
            self.at += 1
            if option in "iI":
                size = self.number(4)
                if size > MAX_INTEGER:
                    raise LuaError(b"integral size %d is larger than limit of %d" % (size, MAX_INTEGER))
            elif option == "c":
                size = self.number(1)
            else:
                size = _SIZES.get(option, 0)
            unit = 0 if option == "c" else min(size, self.align)
            padding = (unit - (self.position & (unit - 1))) & (unit - 1) if unit else 0
            yield option, size, padding

    def control(self, option: str) -> None:
        if option == " ":
            return
        if option == ">":
            self.big = True
        elif option == "<":
            self.big = False
        elif option == "!":
            align = self.number(8)
            if align <= 0 or align & (align - 1):
                raise LuaError(b"alignment %d is not a power of 2" % align)
            self.align = align
        else:
            raise ArgumentError(1, b"invalid format option '" + option.encode("latin-1") + b"'")


def library() -> dict[bytes, Any]:
    def pack(source: Value = MISSING, *arguments: Value) -> Value:
        form = _Format(text(source, 1))
        place = 1
        out = bytearray()

        def argument() -> Value:
            nonlocal place
            place += 1
            return arguments[place - 2] if place - 2 < len(arguments) else None

        for option, size, padding in form.options():
            out += bytes(padding)
            if option in "bBhHlLTiI":
                value = number(argument(), place)
                data = to_unsigned(value).to_bytes(max(size, 8), "little")[:size]
                out += data[::-1] if form.big else data
            elif option == "x":
                out.append(0)
            elif option in "fd":
                out += _float_bytes(number(argument(), place), option, form.big)
            elif option in "cs":
                string = text(argument(), place)
                size = size or len(string)
                if len(string) < size:
                    raise ArgumentError(place + 1, "string too short")
                out += string[:size]
                if option == "s":
                    out.append(0)
            else:
                form.control(option)
            if len(out) > memory.MAX_STRING:
                raise LuaError(b"not enough memory", 0)
            form.position = len(out)
        return bytes(out)

    def unpack(source: Value = MISSING, string: Value = MISSING, start: Value = MISSING, *rest: Value) -> Value:
        arguments = 2 + (start is not MISSING) + len(rest)
        form = _Format(text(source, 1))
        data = text(string, 2)
        first = optional_integer(start, 3, 1)
        if first == 0:
            raise ArgumentError(3, "offset must be 1 or greater")
        form.position = first - 1
        results: list[Value] = []
        for option, size, padding in form.options():
            form.position += padding
            at = form.position
            if at < 0 or size > len(data) - at:
                raise ArgumentError(2, "data string too short")
            if arguments + len(results) + 2 > MAX_RESULTS:
                raise LuaError(b"stack overflow (too many results)")
            if option in "bBhHlLTiI":
                order = "big" if form.big else "little"
                piece = data[at : at + size]
                signed = option in "bhli"
                if size > 8:
                    piece = piece[-8:] if form.big else piece[:8]
                results.append(float(int.from_bytes(piece, order, signed=signed)))  # type: ignore[arg-type]
            elif option in "fd":
                results.append(float(struct.unpack_from((">" if form.big else "<") + option, data, at)[0]))
            elif option == "c":
                if not size:
                    previous = to_number(results[-1]) if results else None
                    if previous is None:
                        raise LuaError(b"format 'c0' needs a previous size")
                    results.pop()
                    size = to_integer(previous) & 0xFFFFFFFFFFFFFFFF
                    if size > len(data) - at:
                        raise ArgumentError(2, "data string too short")
                results.append(data[at : at + size])
            elif option == "s":
                end = data.find(b"\0", at)
                if end < 0:
                    raise LuaError(b"unfinished string in data")
                results.append(data[at:end])
                size = end + 1 - at
            elif option != "x":
                form.control(option)
            form.position += size
        return (*results, float(form.position + 1))

    def size_(source: Value = MISSING, *_: Value) -> Value:
        form = _Format(text(source, 1))
        for option, size, padding in form.options():
            form.position += padding + size
            if option == "s":
                raise ArgumentError(1, "option 's' has no fixed size")
            if option == "c" and not size:
                raise ArgumentError(1, "option 'c0' has no fixed size")
            if not (option.isascii() and option.isalnum()):
                form.control(option)
        return float(form.position)

    return {b"pack": pack, b"unpack": unpack, b"size": size_}


def _float_bytes(value: float, option: str, big: bool) -> bytes:
    order = ">" if big else "<"
    try:
        return struct.pack(order + option, value)
    except OverflowError:
        return struct.pack(order + option, float("inf") if value > 0 else float("-inf"))

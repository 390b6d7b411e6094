"""`cmsgpack`: MessagePack."""

from __future__ import annotations

import struct
from typing import Any

from redouble.scripting import memory
from redouble.scripting.errors import ArgumentError, LuaError
from redouble.scripting.runtime import Runtime
from redouble.scripting.stdlib.arguments import MISSING, int32, integer, optional_integer, text
from redouble.scripting.table import Table, array
from redouble.scripting.values import FALSE, TRUE, Value

__all__ = ["CONSTANTS", "library"]

MAX_NESTING = 16
MAX_DEPTH = 200
CONSTANTS = {
    b"_NAME": b"cmsgpack",
    b"_VERSION": b"lua-cmsgpack 0.4.0",
    b"_COPYRIGHT": b"",  # the server's
    b"_DESCRIPTION": b"MessagePack C implementation for Lua",
}

_get = dict.get


class _Short(Exception):
    """The data ends too early."""


def library(runtime: Runtime) -> dict[bytes, Any]:
    def pack(*values: Value) -> Value:
        if not values:
            raise ArgumentError(0, "MessagePack pack needs input.")
        out = bytearray()
        for value in values:
            encode(value, out, 0)
        return bytes(out)

    def encode(value: Value, out: bytearray, level: int) -> None:
        kind = value.__class__
        if kind is bytes:
            out += _head(len(value), 0xA0, 32, 0xD9, 0xDA, 0xDB)
            out += value
            if len(out) > memory.LARGE:
                memory.check(len(out))
        elif kind is float:
            out += _number(value)
        elif value is TRUE or value is FALSE:
            out.append(0xC3 if value is TRUE else 0xC2)
        elif isinstance(value, Table) and level < MAX_NESTING:
            runtime.spend()
            keys = [key for key in runtime.order(value) if _get(value, key) is not None]
            if all(key.__class__ is float and key > 0 and key.is_integer() for key in keys) and (
                not keys or max(keys) == len(keys)
            ):
                out += _head(len(keys), 0x90, 16, 0, 0xDC, 0xDD)
                for at in range(1, len(keys) + 1):
                    encode(_get(value, float(at)), out, level + 1)
            else:
                out += _head(len(keys), 0x80, 16, 0, 0xDE, 0xDF)
                for key in keys:
                    encode(key, out, level + 1)
                    encode(_get(value, key), out, level + 1)
        else:
            out.append(0xC0)

    def unpacked(string: Value, limit: int, offset: int, everything: bool) -> Value:
        data = text(string, 1)
        if offset < 0 or limit < 0:
            raise LuaError(b"Invalid request to unpack with offset of %d and limit of %d." % (int32(offset), len(data)))
        if offset > len(data):
            raise LuaError(b"Start offset %d greater than input length %d." % (int32(offset), len(data)))
        reader = _Reader(runtime, data, offset)
        results: list[Value] = []
        try:
            while reader.at < len(data) and (everything or len(results) < limit):
                results.append(reader.value(0))
                if len(results) > 7990:
                    raise LuaError(b"too many results to unpack")
        except _Short:
            raise LuaError(b"Missing bytes in input.") from None
        if everything:
            return tuple(results)
        return (float(-1 if reader.at >= len(data) else reader.at), *results)

    def unpack(string: Value = MISSING, *_: Value) -> Value:
        return unpacked(string, 0, 0, True)

    def unpack_one(string: Value = MISSING, offset: Value = None, *_: Value) -> Value:
        return unpacked(string, 1, optional_integer(offset, 2, 0), False)

    def unpack_limit(string: Value = MISSING, limit: Value = MISSING, offset: Value = None, *_: Value) -> Value:
        most = integer(limit, 2)
        start = optional_integer(offset, 3, 0)
        return unpacked(string, most, start, not most and not start)

    return {b"pack": pack, b"unpack": unpack, b"unpack_one": unpack_one, b"unpack_limit": unpack_limit}


def _head(count: int, fixed: int, fixed_limit: int, code8: int, code16: int, code32: int) -> bytes:
    if count < fixed_limit:
        return bytes((fixed | count,))
    if count <= 0xFF and code8:
        return bytes((code8, count))
    if count <= 0xFFFF:
        return struct.pack(">BH", code16, count)
    return struct.pack(">BI", code32, count)


def _number(value: float) -> bytes:
    if value.is_integer() and -(2.0**63) <= value < 2.0**63:
        whole = int(value)
        if whole >= 0:
            if whole <= 127:
                return bytes((whole,))
            if whole <= 0xFF:
                return bytes((0xCC, whole))
            if whole <= 0xFFFF:
                return struct.pack(">BH", 0xCD, whole)
            return struct.pack(">BI", 0xCE, whole) if whole <= 0xFFFFFFFF else struct.pack(">BQ", 0xCF, whole)
        if whole >= -32:
            return struct.pack("b", whole)
        if whole >= -128:
            return struct.pack(">Bb", 0xD0, whole)
        if whole >= -32768:
            return struct.pack(">Bh", 0xD1, whole)
        return struct.pack(">Bi", 0xD2, whole) if whole >= -(2**31) else struct.pack(">Bq", 0xD3, whole)
    try:
        single = struct.pack(">Bf", 0xCA, value)
    except OverflowError:
        return struct.pack(">Bd", 0xCB, value)
    return single if struct.unpack(">Bf", single)[1] == value else struct.pack(">Bd", 0xCB, value)


_FIXED = {
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
    0xCA: ">f",
    0xCB: ">d",
}
_SIMPLE: dict[int, Value] = {0xC0: None, 0xC2: FALSE, 0xC3: TRUE}
_STRINGS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_ARRAYS = {0xDC: ">H", 0xDD: ">I"}
_MAPS = {0xDE: ">H", 0xDF: ">I"}


class _Reader:
    def __init__(self, runtime: Runtime, data: bytes, at: int) -> None:
        self.runtime, self.data, self.at = runtime, data, at

    def number(self, form: str) -> Any:
        size = struct.calcsize(form)
        if self.at + size > len(self.data):
            raise _Short
        value = struct.unpack_from(form, self.data, self.at)[0]
        self.at += size
        return value

    def value(self, depth: int) -> Value:
        code = self.number(">B")
        if code < 0x80:
            return float(code)
        if code >= 0xE0:
            return float(code - 256)
        if code in _SIMPLE:
            return _SIMPLE[code]
        if code in _FIXED:
            return float(self.number(_FIXED[code]))
        if 0xA0 <= code < 0xC0 or code in _STRINGS:
            size = code & 31 if code < 0xC0 else self.number(_STRINGS[code])
            if self.at + size > len(self.data):
                raise _Short
            self.at += size
            return self.data[self.at - size : self.at]
        if 0x90 <= code < 0xA0 or code in _ARRAYS:
            return self.array(code & 15 if code < 0xA0 else self.number(_ARRAYS[code]), depth + 1)
        if 0x80 <= code < 0x90 or code in _MAPS:
            return self.map(code & 15 if code < 0x90 else self.number(_MAPS[code]), depth + 1)
        raise LuaError(b"Bad data format in input.")

    def check(self, depth: int) -> None:
        self.runtime.spend()
        if depth > MAX_DEPTH:
            raise LuaError(b"stack overflow")

    def array(self, count: int, depth: int) -> Table:
        self.check(depth)
        values = []
        for _ in range(count):
            values.append(self.value(depth))
        if None not in values:
            return array(values)
        table = Table()
        for at, value in enumerate(values, 1):
            self.runtime.raw_set(table, float(at), value)
        return table

    def map(self, count: int, depth: int) -> Table:
        self.check(depth)
        table = Table()
        for _ in range(count):
            key = self.value(depth)
            self.runtime.raw_set(table, key, self.value(depth))
        return table

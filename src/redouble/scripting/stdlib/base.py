"""The functions that stand alone: `pcall`, `tostring`, `select` ..."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

from redouble.scripting.errors import BOUNDARIES, ArgumentError, LuaError, is_piece
from redouble.scripting.runtime import MAX_C_DEPTH, Runtime, first_of
from redouble.scripting.stdlib.arguments import (
    MISSING,
    given,
    int32,
    integer,
    optional_integer,
    optional_text,
    renamed,
    table,
    text,
    wrong_type,
)
from redouble.scripting.table import SpecialTable, Table
from redouble.scripting.values import FALSE, TRUE, Proxy, Value, format_number, parse_number, to_number, type_name

__all__ = ["MAX_RESULTS", "library"]

MAX_RESULTS = 8000
"""The stack of a C function, LUAI_MAXCSTACK."""

_COLLECT = (b"stop", b"restart", b"collect", b"count", b"step", b"setpause", b"setstepmul")
_DIGITS = re.compile(rb"[ \t-\r]*([+-]?)(?:0[xX](?=[0-9a-fA-F]))?([0-9a-zA-Z]+)[ \t-\r]*")
_NO_HEX = re.compile(rb"[ \t-\r]*([+-]?)([0-9a-zA-Z]+)[ \t-\r]*")

Compile = Callable[[bytes, bytes], Value]


def library(runtime: Runtime, compile_chunk: Compile) -> dict[bytes, Any]:
    """`compile_chunk(source, chunk name)` gives a function, or raises LuaError."""
    protected, raw_get = runtime.protected, dict.get

    def assert_(*values: Value) -> Value:
        if not values:
            raise ArgumentError(1, "value expected")
        if values[0] is None or values[0] is FALSE:
            raise LuaError(_message(values[1:]))
        return values

    def collectgarbage(option: Value = None, argument: Value = None, *_: Value) -> Value:
        name = optional_text(option, 1, b"collect")
        if name not in _COLLECT:
            raise ArgumentError(1, b"invalid option '%s'" % name)
        optional_integer(argument, 2, 0)
        if name == b"count":
            return 64.0
        return FALSE if name == b"step" else 200.0 if name in (b"setpause", b"setstepmul") else 0.0

    def error(message: Value = None, level: Value = None, *_: Value) -> Value:
        depth = int32(optional_integer(level, 2, 1))
        if message.__class__ is float and depth > 0:
            message = format_number(message)
        raise LuaError(message, max(depth, 0))

    def gcinfo(*_: Value) -> Value:
        return 64.0

    def getmetatable(value: Value = MISSING, *_: Value) -> Value:
        given(value, 1)
        meta = (
            value.meta
            if isinstance(value, (Table, Proxy))
            else runtime.string_meta
            if value.__class__ is bytes
            else None
        )
        if meta is None:
            return None
        protection = raw_get(meta, b"__metatable")
        return meta if protection is None else protection

    def setmetatable(value: Value = MISSING, meta: Value = MISSING, *_: Value) -> Value:
        target = table(value, 1)
        if meta is not None and not isinstance(meta, Table):
            raise ArgumentError(2, "nil or table expected")
        if target.meta is not None and raw_get(target.meta, b"__metatable") is not None:
            raise LuaError(b"cannot change a protected metatable")
        if target.read_only:
            raise LuaError(b"Attempt to modify a readonly table", 0)
        target.meta = meta
        target.__class__ = SpecialTable
        return target

    def ipairs(value: Value = MISSING, *_: Value) -> Value:
        return ipairs_next, table(value, 1), 0.0

    def ipairs_next(value: Value = MISSING, at: Value = MISSING, *_: Value) -> Value:
        at = float(int32(integer(at, 2)) + 1)
        found = raw_get(table(value, 1), at)
        return None if found is None else (at, found)

    def next_(value: Value = MISSING, key: Value = None, *_: Value) -> Value:
        target = table(value, 1)
        try:
            found = runtime.next_key(target, key)
        except KeyError:
            raise LuaError(b"invalid key to 'next'", 0) from None
        return None if found is None else (found, raw_get(target, found))

    def pairs(value: Value = MISSING, *_: Value) -> Value:
        return next_of_pairs, table(value, 1), None

    next_of_pairs = renamed(next_, "next")  # which is not the same function

    def load(reader: Value = MISSING, name: Value = None, *_: Value) -> Value:
        chunk = optional_text(name, 2, b"=(load)")
        if reader.__class__ is not FunctionType:
            wrong_type(1, "function", reader)
        pieces: list[bytes] = []
        peeked = False
        while True:
            done, result = protected(reader, ())
            if not done:
                return None, result
            piece = first_of(result)
            if (piece is None or piece == b"") and not (pieces or peeked):
                peeked = True  # who looks for bytecode first finds nothing; the lexer asks again
                continue
            if piece is None or piece == b"":
                return loaded(b"".join(pieces), chunk)
            if piece.__class__ is float:
                piece = format_number(piece)
            if piece.__class__ is not bytes:
                return None, b"reader function must return a string"
            pieces.append(piece)
            runtime.spend()

    def loadstring(source: Value = MISSING, name: Value = None, *_: Value) -> Value:
        chunk = text(source, 1)
        return loaded(chunk, optional_text(name, 2, chunk))

    def loaded(source: bytes, name: bytes) -> Value:
        try:
            return compile_chunk(source, name)
        except LuaError as failed:
            return None, failed.value

    def pcall(function: Value = MISSING, *arguments: Value) -> Value:
        if function is MISSING:  # Redis's own finds then the boolean that it has put in front
            return FALSE, b"attempt to call a boolean value"
        done, result = protected(function, arguments)
        if not done:
            if isinstance(result, Table):  # Redis's own pcall makes a string of its errors
                message = runtime.index(result, b"err")
                return (FALSE, message) if message.__class__ in (bytes, float) else (FALSE, result, message)
            return FALSE, result
        return (TRUE, *result) if result.__class__ is tuple else (TRUE, result)

    def xpcall(function: Value = MISSING, handler: Value = MISSING, *_: Value) -> Value:
        if handler is MISSING:
            raise ArgumentError(2, "value expected")
        done, result = protected(function, ())
        if done:
            return (TRUE, *result) if result.__class__ is tuple else (TRUE, result)
        error: Value = result
        for _attempt in range(MAX_C_DEPTH):  # an error of the handler's goes to the handler
            done, error = protected(handler, (error,))
            if done:
                return FALSE, first_of(error)
        return FALSE, b"error in error handling"

    def rawequal(one: Value = MISSING, other: Value = MISSING, *_: Value) -> Value:
        given(one, 1)
        given(other, 2)
        same = one is other if isinstance(one, Table) else one == other
        return TRUE if same else FALSE

    def rawget(value: Value = MISSING, key: Value = MISSING, *_: Value) -> Value:
        return raw_get(table(value, 1), given(key, 2))

    def rawset(value: Value = MISSING, key: Value = MISSING, new: Value = MISSING, *_: Value) -> Value:
        target = table(value, 1)
        given(key, 2)
        runtime.raw_set(target, key, given(new, 3))
        return target

    def select(which: Value = MISSING, *values: Value) -> Value:
        if which.__class__ is bytes and which[:1] == b"#":
            return float(len(values))
        number = int32(integer(which, 1))
        if number < 0:
            number += len(values) + 1
        if number < 1:
            raise ArgumentError(1, "index out of range")
        return values[number - 1 :]

    def tonumber(value: Value = MISSING, base: Value = None, *_: Value) -> Value:
        if base is None:
            if value.__class__ is bytes:
                if 95 not in value:  # the usual way through `parse_number`, without the call: x0.6
                    try:
                        return float(value)
                    except ValueError:
                        pass
                return parse_number(value)
            return value if value.__class__ is float else to_number(given(value, 1))
        radix = int32(optional_integer(base, 2, 10))
        if radix == 10:
            return to_number(given(value, 1))
        digits = text(value, 1).partition(b"\0")[0]
        if not 2 <= radix <= 36:
            raise ArgumentError(2, "base out of range")
        found = (_DIGITS if radix == 16 else _NO_HEX).fullmatch(digits)
        if found is None:
            return None
        try:
            number = min(int(found[2], radix), 2**64 - 1)
        except ValueError:
            return None
        return float(-number % 2**64 if found[1] == b"-" else number)

    def tostring(value: Value = MISSING, *_: Value) -> Value:
        return format_number(value) if value.__class__ is float else runtime.to_text(given(value, 1))

    def type_(value: Value = MISSING, *_: Value) -> Value:
        return type_name(given(value, 1)).encode()

    def unpack(value: Value = MISSING, start: Value = MISSING, end: Value = MISSING, *_: Value) -> Value:
        target = table(value, 1)
        first = int32(optional_integer(start, 2, 1))
        last = int32(integer(end, 3)) if end is not MISSING and end is not None else runtime.border(target)
        if first > last:
            return ()
        given_arguments = 1 + (start is not MISSING) + (end is not MISSING)
        if last - first + 1 + given_arguments > MAX_RESULTS:
            raise LuaError(b"too many results to unpack")
        runtime.spend(last - first + 1)
        return tuple([raw_get(target, float(at)) for at in range(first, last + 1)])

    return {
        b"assert": assert_, b"collectgarbage": collectgarbage, b"error": error, b"gcinfo": gcinfo,
        b"getmetatable": getmetatable, b"ipairs": ipairs, b"load": load, b"loadstring": loadstring, b"next": next_,
        b"pairs": pairs, b"pcall": pcall, b"rawequal": rawequal, b"rawget": rawget, b"rawset": rawset,
        b"select": select, b"setmetatable": setmetatable, b"tonumber": tonumber, b"tostring": tostring,
        b"type": type_, b"unpack": unpack, b"xpcall": xpcall,
    }  # fmt: skip


def _message(values: tuple[Value, ...]) -> bytes:
    """What `assert` complains with; a C string."""
    return optional_text(values[0] if values else None, 2, b"assertion failed!").partition(b"\0")[0]


def old_functions(global_table: Callable[[], Table]) -> dict[bytes, Any]:
    """What some servers forgot to take away."""

    def getfenv(function: Value = None, *_: Value) -> Value:
        if function.__class__ is not FunctionType:
            level_running(optional_integer(function, 1, 1))
        return global_table()

    def setfenv(function: Value = MISSING, environment: Value = MISSING, *_: Value) -> Value:
        table(environment, 2)
        if function.__class__ is not FunctionType:
            level_running(integer(function, 1))
        raise LuaError(b"'setfenv' cannot change environment of given object")

    def newproxy(like: Value = None, *_: Value) -> Value:
        if like is None or like is FALSE:
            return Proxy(None)
        if like is TRUE:
            return Proxy(Table())
        if like.__class__ is not Proxy or like.meta is None:
            raise ArgumentError(1, "boolean or proxy expected")
        return Proxy(like.meta)

    return {b"getfenv": getfenv, b"setfenv": setfenv, b"newproxy": newproxy}


def level_running(number: int) -> None:
    """Complain unless so many functions, the script's and those of the library that called one, are on the stack."""
    level = int32(number)
    if level < 0:
        raise ArgumentError(1, "level must be non-negative")
    frame = sys._getframe(1).f_back
    while frame is not None:
        code = frame.f_code
        in_script = code.co_filename in frame.f_globals.get("CHUNKS", ())
        level -= code in BOUNDARIES or (in_script and not is_piece(code))
        frame = frame.f_back
    if level > 0:
        raise ArgumentError(1, "invalid level")


def printing(runtime: Runtime) -> Callable[..., Value]:
    def print_(*values: Value) -> Value:
        """The server's standard output is nobody's."""
        for value in values:
            if runtime.to_text(value).__class__ not in (bytes, float):
                raise LuaError(b"'tostring' must return a string to 'print'")
        return ()

    return print_


def plain_pcall(runtime: Runtime) -> Callable[..., Value]:
    """Lua's own, which answers an error as it is."""

    def pcall(function: Value = MISSING, *arguments: Value) -> Value:
        given(function, 1)
        done, result = runtime.protected(function, arguments)
        if not done:
            return FALSE, result
        return (TRUE, *result) if result.__class__ is tuple else (TRUE, result)

    return pcall


def chunk_id(name: bytes, size: int = 60) -> bytes:
    """How messages call a chunk (luaO_chunkid); the parser's own have a `size` of 80."""
    name = name.partition(b"\0")[0]
    if name[:1] == b"=":
        return name[1:size]
    if name[:1] == b"@":
        name = name[1:]
        return name if len(name) <= size - 8 else b"..." + name[8 - size :]
    line = re.split(rb"[\r\n]", name, maxsplit=1)[0][: size - 17]
    return b'[string "%s"]' % (line if len(line) == len(name) else line + b"...")

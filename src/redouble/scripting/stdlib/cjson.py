"""`cjson`: JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from redouble.scripting import memory
from redouble.scripting.errors import ArgumentError, LuaError
from redouble.scripting.runtime import Runtime
from redouble.scripting.stdlib.arguments import int32, integer, text
from redouble.scripting.table import Table, array
from redouble.scripting.values import FALSE, NULL, TRUE, Value, parse_number, type_name

__all__ = ["CONSTANTS", "library"]

CONSTANTS = {b"null": NULL, b"_NAME": b"cjson", b"_VERSION": b"2.1.0"}

MAX_DECODED_AT_ONCE = 1024 * 1024

_get = dict.get
_ESCAPED = re.compile(rb'[\x00-\x1f"\\/\x7f]')
_ESCAPES = {code: b"\\u%04x" % code for code in [*range(32), 127]} | {
    8: b"\\b", 9: b"\\t", 10: b"\\n", 12: b"\\f", 13: b"\\r", 34: b'\\"', 92: b"\\\\", 47: b"\\/",
}  # fmt: skip


class Settings:
    """What the functions `encode_max_depth` and so on set; they hold until the server ends."""

    def __init__(self) -> None:
        self.sparse_convert = False
        self.sparse_ratio = 2
        self.sparse_safe = 10
        self.encode_max_depth = 1000
        self.decode_max_depth = 1000
        self.encode_invalid: bool | None = False
        """None: as null."""
        self.decode_invalid = True
        self.precision = 14
        self.keep_buffer = True
        self.array_metatable = False


def library(runtime: Runtime, array_metatable: bool = False) -> dict[bytes, Any]:
    """`array_metatable`: arrays can be marked (Redis 8.6)."""
    settings = Settings()
    decoder = json.JSONDecoder(
        object_pairs_hook=lambda pairs: (pairs and _Object(pairs)) or _Object(),
        parse_int=float,
        parse_float=float,
        parse_constant=_refuse,
    )
    array_mt = Table()

    def one_argument(values: tuple[Value, ...]) -> Value:
        if len(values) != 1:
            raise ArgumentError(1, "expected 1 argument")
        return values[0]

    def encode(*values: Value) -> Value:
        out: list[bytes] = []
        encoder = _Encoder(runtime, settings, array_mt if array_metatable else None, out)
        try:
            encoder.append(one_argument(values), 0)
        except RecursionError:
            depth = settings.encode_max_depth + 1
            raise LuaError(b"Cannot serialise, excessive nesting (%d)" % depth) from None
        return b"".join(out)

    def decode(*values: Value) -> Value:
        source = text(one_argument(values), 1)
        if len(source) >= 2 and (not source[0] or not source[1]):
            raise LuaError(b"JSON parser does not support UTF-16 or UTF-32")
        runtime.spend(len(source) >> 3)
        # What is large is read by our own parser, which can be stopped.
        if len(source) <= MAX_DECODED_AT_ONCE and b"\\u" not in source and b"\0" not in source:
            try:
                return converted(decoder.decode(source.decode("latin-1")), 0)
            except (ValueError, RecursionError):
                pass  # perhaps not strict JSON; and who is wrong gets our own message
        return _Parser(runtime, source, settings, as_array).parse()

    def converted(value: Any, depth: int) -> Value:
        kind = value.__class__
        if kind is float:
            return value
        if kind is str:
            return value.encode("latin-1")
        if kind is list:
            if depth >= settings.decode_max_depth:
                raise ValueError
            return as_array([converted(item, depth + 1) for item in value])
        if kind is _Object:
            if depth >= settings.decode_max_depth:
                raise ValueError
            return Table([(key.encode("latin-1"), converted(item, depth + 1)) for key, item in value])
        return NULL if value is None else TRUE if value else FALSE

    def as_array(values: list[Value]) -> Table:
        table = array(values)
        if settings.array_metatable:
            runtime.names["F_setmetatable"](table, array_mt)
        return table

    def number_option(values: tuple[Value, ...], place: int, low: int, high: int, old: int) -> int:
        value = values[place - 1] if len(values) >= place else None
        if value is None:
            return old
        number = int32(integer(value, place))
        if not low <= number <= high:
            raise ArgumentError(1, f"expected integer between {low} and {high}")  # whichever it is
        return number

    def choice(values: tuple[Value, ...], place: int, old: Any, words: dict[bytes, Any]) -> Any:
        value = values[place - 1] if len(values) >= place else None
        if value is None:
            return old
        if value is TRUE or value is FALSE:
            return value is TRUE
        word = text(value, place)
        if word not in words:
            raise ArgumentError(place, b"invalid option '%s'" % word)
        return words[word]

    def at_most(values: tuple[Value, ...], count: int) -> None:
        if len(values) > count:
            raise ArgumentError(count + 1, "found too many arguments")

    switch = {b"off": False, b"on": True}

    def encode_max_depth(*values: Value) -> Value:
        at_most(values, 1)
        settings.encode_max_depth = number_option(values, 1, 1, 0x7FFFFFFF, settings.encode_max_depth)
        return float(settings.encode_max_depth)

    def decode_max_depth(*values: Value) -> Value:
        at_most(values, 1)
        settings.decode_max_depth = number_option(values, 1, 1, 0x7FFFFFFF, settings.decode_max_depth)
        return float(settings.decode_max_depth)

    def encode_number_precision(*values: Value) -> Value:
        at_most(values, 1)
        settings.precision = number_option(values, 1, 1, 14, settings.precision)
        return float(settings.precision)

    def encode_keep_buffer(*values: Value) -> Value:
        at_most(values, 1)
        settings.keep_buffer = choice(values, 1, settings.keep_buffer, switch)
        return TRUE if settings.keep_buffer else FALSE

    def encode_invalid_numbers(*values: Value) -> Value:
        at_most(values, 1)
        settings.encode_invalid = choice(values, 1, settings.encode_invalid, {**switch, b"null": None})
        return b"null" if settings.encode_invalid is None else TRUE if settings.encode_invalid else FALSE

    def decode_invalid_numbers(*values: Value) -> Value:
        at_most(values, 1)
        settings.decode_invalid = choice(values, 1, settings.decode_invalid, switch)
        return TRUE if settings.decode_invalid else FALSE

    def decode_array_with_array_mt(*values: Value) -> Value:
        at_most(values, 1)
        settings.array_metatable = choice(values, 1, settings.array_metatable, switch)
        return TRUE if settings.array_metatable else FALSE

    def encode_sparse_array(*values: Value) -> Value:
        at_most(values, 3)
        settings.sparse_convert = choice(values, 1, settings.sparse_convert, switch)
        settings.sparse_ratio = number_option(values, 2, 0, 0x7FFFFFFF, settings.sparse_ratio)
        settings.sparse_safe = number_option(values, 3, 0, 0x7FFFFFFF, settings.sparse_safe)
        convert = TRUE if settings.sparse_convert else FALSE
        return convert, float(settings.sparse_ratio), float(settings.sparse_safe)

    def new(*_: Value) -> Value:
        fresh = library(runtime, array_metatable)
        return Table({**fresh, **CONSTANTS})

    # In the order in which the real library is filled; `pairs` depends on it.
    functions = {
        b"encode": encode, b"decode": decode, b"encode_sparse_array": encode_sparse_array,
        b"encode_max_depth": encode_max_depth, b"decode_max_depth": decode_max_depth,
        b"decode_array_with_array_mt": decode_array_with_array_mt, b"encode_number_precision": encode_number_precision,
        b"encode_keep_buffer": encode_keep_buffer, b"encode_invalid_numbers": encode_invalid_numbers,
        b"decode_invalid_numbers": decode_invalid_numbers, b"new": new,
    }  # fmt: skip
    if not array_metatable:
        del functions[b"decode_array_with_array_mt"]
    return functions


class _Object(list):  # type: ignore[type-arg]
    """The pairs of a JSON object."""


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _quoted(string: bytes) -> bytes:
    if _ESCAPED.search(string):
        string = _ESCAPED.sub(lambda found: _ESCAPES[found[0][0]], string)
    return b'"' + string + b'"'


class _Encoder:
    def __init__(self, runtime: Runtime, settings: Settings, array_mt: Table | None, out: list[bytes]) -> None:
        self.runtime, self.settings, self.array_mt, self.out = runtime, settings, array_mt, out
        self.size = 0

    def append(self, value: Value, depth: int) -> None:
        kind = value.__class__
        if kind is bytes:
            text = _quoted(value)
            self.size += len(text)
            if self.size > memory.MAX_STRING:
                raise LuaError(b"not enough memory", 0)
            self.out.append(text)
        elif kind is float:
            self.out.append(self.number(value))
        elif value is None or value is NULL:
            self.out.append(b"null")
        elif value is TRUE or value is FALSE:
            self.out.append(value.name)
        elif isinstance(value, Table):
            self.table(value, depth + 1)
        else:
            self.refuse(value, "type not supported")

    def refuse(self, value: Value, why: str) -> NoReturn:
        raise LuaError(f"Cannot serialise {type_name(value)}: {why}".encode())

    def number(self, value: float) -> bytes:
        if not math.isfinite(value) and not self.settings.encode_invalid:
            if self.settings.encode_invalid is None:
                return b"null"
            self.refuse(value, "must not be NaN or Inf")
        text: bytes = b"%.*g" % (self.settings.precision, value)
        return b"-nan" if text == b"nan" and math.copysign(1.0, value) < 0 else text

    def table(self, table: Table, depth: int) -> None:
        self.runtime.spend()
        if depth > self.settings.encode_max_depth:
            raise LuaError(b"Cannot serialise, excessive nesting (%d)" % depth)
        keys = [key for key in self.runtime.order(table) if _get(table, key) is not None]
        length = self.array_length(table, keys)
        out = self.out
        if length > 0 or (self.array_mt is not None and table.meta is self.array_mt and length == 0):
            out.append(b"[")
            for at in range(1, length + 1):
                if at > 1:
                    out.append(b",")
                self.append(_get(table, float(at)), depth)
            out.append(b"]")
            return
        out.append(b"{")
        for number, key in enumerate(keys):
            if number:
                out.append(b",")
            if key.__class__ is bytes:
                out.append(_quoted(key) + b":")
            elif key.__class__ is float:
                out.append(b'"' + self.number(key) + b'":')
            else:
                self.refuse(key, "table key must be a number or string")
            self.append(_get(table, key), depth)
        out.append(b"}")

    def array_length(self, table: Table, keys: list[Value]) -> int:
        """How long it is as an array; -1: it is an object."""
        longest = 0
        for key in keys:
            if key.__class__ is not float or key < 1 or key != key // 1.0 or key > 0x7FFFFFFF:
                return -1
            longest = max(longest, int(key))
        settings = self.settings
        if settings.sparse_ratio and longest > len(keys) * settings.sparse_ratio and longest > settings.sparse_safe:
            if not settings.sparse_convert:
                self.refuse(table, "excessively sparse array")
            return -1
        return longest


_SINGLE = {123: "T_OBJ_BEGIN", 125: "T_OBJ_END", 91: "T_ARR_BEGIN", 93: "T_ARR_END", 44: "T_COMMA", 58: "T_COLON"}
_NUMBER = re.compile(
    rb"[+-]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?|inf(?:inity)?|nan(?:\([0-9A-Za-z_]*\))?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)",
    re.IGNORECASE,
)
_ODD_NUMBER = re.compile(rb"\+|-?(?:0[xX0-9]|inf|nan)", re.IGNORECASE)
_SIMPLE_ESCAPES = {34: b'"', 92: b"\\", 47: b"/", 98: b"\b", 116: b"\t", 110: b"\n", 102: b"\f", 114: b"\r"}
_WORDS: list[tuple[bytes, str, Value]] = [
    (b"true", "T_BOOLEAN", TRUE), (b"false", "T_BOOLEAN", FALSE), (b"null", "T_NULL", NULL),
]  # fmt: skip
_STARTS = b'"+-0123456789ntfNIi'


class _Parser:
    """cjson's own grammar, which takes more than JSON, with its messages; without recursion."""

    def __init__(self, runtime: Runtime, source: bytes, settings: Settings, as_array: Any) -> None:
        self.runtime, self.source, self.settings, self.as_array = runtime, source, settings, as_array
        self.at = 0
        self.kind = ""
        self.value: Value = None
        self.start = 0

    def fail(self, expected: str) -> NoReturn:
        found = self.value if self.kind == "T_ERROR" else self.kind
        raise LuaError(f"Expected {expected} but found {found} at character {self.start + 1}".encode())

    def error(self, what: str) -> None:
        self.kind, self.value, self.start = "T_ERROR", what, self.at

    def next(self) -> None:
        source = self.source
        while self.at < len(source) and source[self.at] in b" \t\n\r":
            self.at += 1
        self.start = self.at
        if self.at >= len(source) or not source[self.at]:
            self.kind = "T_END" if self.at >= len(source) or not source[self.at] else "T_ERROR"
            return
        char = source[self.at]
        if char in _SINGLE:
            self.kind = _SINGLE[char]
            self.at += 1
        elif char not in _STARTS:
            self.error("invalid token")
        elif char == 34:
            self.string()
        elif char == 45 or 48 <= char <= 57:
            if not self.settings.decode_invalid and _ODD_NUMBER.match(source, self.at):
                self.error("invalid number")
            else:
                self.number()
        else:
            for word, kind, value in _WORDS:
                if source.startswith(word, self.at):
                    self.kind, self.value = kind, value
                    self.at += len(word)
                    return
            if self.settings.decode_invalid and _ODD_NUMBER.match(source, self.at):
                self.number()
            else:
                self.error("invalid token")

    def number(self) -> None:
        found = _NUMBER.match(self.source, self.at)
        value = parse_number(found[0]) if found else None
        if found is None or value is None:
            self.error("invalid number")
            return
        self.kind, self.value = "T_NUMBER", value
        self.at = found.end()

    def string(self) -> None:
        source, at = self.source, self.at + 1
        pieces: list[bytes] = []
        while True:
            end = at
            while end < len(source) and source[end] not in b'"\\\0':
                end += 1
            pieces.append(source[at:end])
            at = self.at = end
            if at >= len(source) or not source[at]:
                return self.error("unexpected end of string")
            if source[at] == 34:
                self.at += 1
                self.kind, self.value = "T_STRING", b"".join(pieces)
                return None
            code = source[at + 1] if at + 1 < len(source) else 0
            if code == 117:
                found = self.unicode(at)
                if found is None:
                    return self.error("invalid unicode escape code")
                piece, at = found
                pieces.append(piece)
            elif code in _SIMPLE_ESCAPES:
                pieces.append(_SIMPLE_ESCAPES[code])
                at += 2
            else:
                return self.error("invalid escape code")

    def unicode(self, at: int) -> tuple[bytes, int] | None:
        code = self.hex(at)
        if code is None:
            return None
        at += 6
        if code & 0xF800 == 0xD800:
            low = self.hex(at) if code < 0xDC00 and self.source[at : at + 2] == b"\\u" else None
            if low is None or low & 0xFC00 != 0xDC00:
                return None
            code = ((code & 0x3FF) << 10 | (low & 0x3FF)) + 0x10000
            at += 6
        return chr(code).encode(), at

    def hex(self, at: int) -> int | None:
        digits = self.source[at + 2 : at + 6]
        return int(digits, 16) if re.fullmatch(rb"[0-9a-fA-F]{4}", digits) else None

    def parse(self) -> Value:
        # Each open container, with the key that waits for its value.
        stack: list[tuple[list[Any], bool]] = []
        self.next()
        while True:
            self.runtime.spend()
            kind = self.kind
            if kind in ("T_OBJ_BEGIN", "T_ARR_BEGIN"):
                if len(stack) + 1 > self.settings.decode_max_depth:
                    raise LuaError(
                        b"Found too many nested data structures (%d) at character %d" % (len(stack) + 1, self.start + 1)
                    )
                is_object = kind == "T_OBJ_BEGIN"
                self.next()
                if is_object and self.kind == "T_OBJ_END":
                    value: Value = Table()
                elif not is_object and self.kind == "T_ARR_END":
                    value = self.as_array([])
                else:
                    stack.append(([], is_object))
                    if is_object:
                        self.key(stack[-1][0])
                    continue
            elif kind in ("T_STRING", "T_NUMBER", "T_BOOLEAN", "T_NULL"):
                value = self.value
            else:
                self.fail("value")
            while True:
                self.next()
                if not stack:
                    if self.kind != "T_END":
                        self.fail("the end")
                    return value
                items, is_object = stack[-1]
                if is_object:
                    items[-1] = (items[-1], value)
                else:
                    items.append(value)
                if self.kind == "T_COMMA":
                    self.next()
                    if is_object:
                        self.key(items)
                    break
                if self.kind != ("T_OBJ_END" if is_object else "T_ARR_END"):
                    self.fail("comma or object end" if is_object else "comma or array end")
                stack.pop()
                value = Table(items) if is_object else self.as_array(items)

    def key(self, items: list[Any]) -> None:
        if self.kind != "T_STRING":
            self.fail("object key string")
        items.append(self.value)
        self.next()
        if self.kind != "T_COLON":
            self.fail("colon")
        self.next()

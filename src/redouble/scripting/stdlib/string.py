"""`string`."""

from __future__ import annotations

import math
import re
from types import FunctionType
from typing import Any

from redouble.scripting import memory
from redouble.scripting.errors import ArgumentError, LuaError
from redouble.scripting.runtime import Runtime, first_of
from redouble.scripting.stdlib.arguments import (
    MISSING,
    int32,
    integer,
    number,
    optional_integer,
    text,
    to_unsigned,
    wrong_type,
)
from redouble.scripting.stdlib.patterns import Match, compiled
from redouble.scripting.values import FALSE, Value, format_number, type_name

__all__ = ["library"]

_SPECIAL = re.compile(rb"[\^$*+?.(\[%\-]")
_SPECIFICATION = re.compile(rb"%([-+ #0]*)([0-9]{0,2})(?:(\.)([0-9]{0,2}))?(.?)", re.DOTALL)


def library(runtime: Runtime) -> dict[bytes, Any]:
    call, spend = runtime.call, runtime.spend

    def subject_of(value: Value) -> bytes:
        """The first argument; to go through a large string takes as long as many steps."""
        if value.__class__ is bytes:
            if len(value) > memory.LARGE:
                spend(len(value) >> 12)
            return value
        return text(value, 1)

    def find_or_match(string: Value, pattern: Value, start: Value, plain: Value, is_find: bool) -> Value:
        subject, source = subject_of(string), text(pattern, 2)
        init = _relative(optional_integer(start, 3, 1), len(subject)) - 1
        init = min(max(init, 0), len(subject))
        wants_plain = plain is not MISSING and plain is not None and plain is not FALSE
        if is_find and (wants_plain or not _SPECIAL.search(source.partition(b"\0")[0])):
            at = subject.find(source, init)
            return None if at < 0 else (float(at + 1), float(at + len(source)))
        found = compiled(source, spend).search(subject, init, spend)
        if found is None:
            return None
        if is_find:
            return (float(found.start + 1), float(found.end), *found.all(whole=False))
        captures = found.all()
        return captures[0] if len(captures) == 1 else tuple(captures)

    def find(
        string: Value = MISSING, pattern: Value = MISSING, init: Value = None, plain: Value = None, *_: Value
    ) -> Value:
        return find_or_match(string, pattern, init, plain, True)

    def match(string: Value = MISSING, pattern: Value = MISSING, init: Value = None, *_: Value) -> Value:
        return find_or_match(string, pattern, init, None, False)

    def gmatch(string: Value = MISSING, pattern: Value = MISSING, *_: Value) -> Value:
        subject, source = subject_of(string), text(pattern, 2)
        parsed = compiled(source, spend, anchors=False)
        at = 0

        def gmatch_next(*_: Value) -> Value:
            nonlocal at
            if at > len(subject):
                return ()
            found = parsed.search(subject, at, spend)
            if found is None:
                at = len(subject) + 1
                return ()
            at = found.end + (found.end == found.start)
            captures = found.all()
            return captures[0] if len(captures) == 1 else tuple(captures)

        return gmatch_next

    def gfind(string: Value = MISSING, pattern: Value = MISSING, *_: Value) -> Value:
        return gmatch(string, pattern)

    def gsub(
        string: Value = MISSING, pattern: Value = MISSING, replacement: Value = MISSING, limit: Value = None, *_: Value
    ) -> Value:
        subject, source = subject_of(string), text(pattern, 2)
        if replacement.__class__ is float:
            replacement = format_number(replacement)
        kind = type_name(replacement) if replacement is not MISSING else "none"
        most = int32(optional_integer(limit, 4, len(subject) + 1))
        if kind not in ("string", "table", "function"):
            raise ArgumentError(3, "string/function/table expected")
        parsed = compiled(source, spend)

        def replaced(found: Match) -> bytes:
            if kind == "string":
                return _expanded(replacement, found)
            if kind == "table":
                value = runtime.index(replacement, found.capture(0))
            else:
                value = first_of(call(replacement, *found.all()))
            if value is None or value is FALSE:
                return subject[found.start : found.end]
            if value.__class__ is float:
                return format_number(value)
            if value.__class__ is not bytes:
                raise LuaError(f"invalid replacement value (a {type_name(value)})".encode())
            return value

        pieces: list[bytes] = []
        at = count = size = 0
        while count < most:
            found = parsed.search(subject, at, spend)
            if found is None:
                break
            count += 1
            piece = replaced(found)
            pieces.append(subject[at : found.start])
            pieces.append(piece)
            size += len(piece)
            if size > memory.LARGE:
                memory.check()
            at = found.end
            if found.end == found.start:
                if at >= len(subject):
                    break
                pieces.append(subject[at : at + 1])
                at += 1
            if parsed.anchored:
                break
            spend()
        pieces.append(subject[at:])
        return b"".join(pieces), float(count)

    def byte(string: Value = MISSING, start: Value = None, end: Value = None, *_: Value) -> Value:
        subject = text(string, 1)
        first = _relative(optional_integer(start, 2, 1), len(subject))
        last = _relative(optional_integer(end, 3, first), len(subject))
        first, last = max(first, 1), min(last, len(subject))
        if last - first >= 7997:
            raise LuaError(b"stack overflow (string slice too long)")
        found = tuple(map(float, subject[first - 1 : last])) if first <= last else ()
        return found[0] if len(found) == 1 else found

    def char(*codes: Value) -> Value:
        values = []
        for place, code in enumerate(codes, 1):
            value = int32(integer(code, place))
            if not 0 <= value <= 255:
                raise ArgumentError(place, "invalid value")
            values.append(value)
        return bytes(values)

    def dump(function: Value = MISSING, *_: Value) -> Value:
        if function.__class__ is not FunctionType:
            wrong_type(1, "function", function)
        raise LuaError(b"unable to dump given function")

    def format(template: Value = MISSING, *arguments: Value) -> Value:
        result = _formatted(text(template, 1), arguments)
        if len(result) > memory.LARGE:
            spend(len(result) >> 12)
        return result

    def len_(string: Value = MISSING, *_: Value) -> Value:
        return float(len(text(string, 1)))

    def lower(string: Value = MISSING, *_: Value) -> Value:
        return subject_of(string).lower()

    def upper(string: Value = MISSING, *_: Value) -> Value:
        return subject_of(string).upper()

    def rep(string: Value = MISSING, count: Value = MISSING, *_: Value) -> Value:
        subject, times = text(string, 1), max(0, int32(integer(count, 2)))
        if len(subject) * times > memory.LARGE:
            memory.check(len(subject) * times)
            spend(len(subject) * times >> 12)
        return subject * times

    def reverse(string: Value = MISSING, *_: Value) -> Value:
        return subject_of(string)[::-1]

    def sub(string: Value = MISSING, start: Value = MISSING, end: Value = None, *_: Value) -> Value:
        subject = subject_of(string)
        first = max(_relative(integer(start, 2), len(subject)), 1)
        last = min(_relative(optional_integer(end, 3, -1), len(subject)), len(subject))
        return subject[first - 1 : last] if first <= last else b""

    return {
        b"byte": byte, b"char": char, b"dump": dump, b"find": find, b"format": format, b"gfind": gfind,
        b"gmatch": gmatch, b"gsub": gsub, b"len": len_, b"lower": lower, b"match": match, b"rep": rep,
        b"reverse": reverse, b"sub": sub, b"upper": upper,
    }  # fmt: skip


def _relative(position: int, length: int) -> int:
    """A position; a negative one counts from the end."""
    if position < 0:
        position += length + 1
    return max(position, 0)


def _expanded(replacement: bytes, found: Match) -> bytes:
    """A replacement with its `%1`."""
    if b"%" not in replacement:
        return replacement
    pieces = replacement.split(b"%")
    result = [pieces[0]]
    at = 1
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        if not piece:  # `%%`, or a last `%`, which stands for the zero byte at the end of the string
            result.append(b"%" if at < len(pieces) else b"\0")
            if at < len(pieces):
                result.append(pieces[at])
                at += 1
            continue
        if piece[:1].isdigit():
            value = found.subject[found.start : found.end] if piece[:1] == b"0" else found.capture(int(piece[:1]) - 1)
            result.append(format_number(value) if value.__class__ is float else value)
            piece = piece[1:]
        result.append(piece)
    return b"".join(result)


def _formatted(template: bytes, arguments: tuple[Value, ...]) -> bytes:
    result: list[bytes] = []
    at, place, size = 0, 1, 0
    while True:
        percent = template.find(b"%", at)
        if percent < 0:
            result.append(template[at:])
            return b"".join(result)
        result.append(template[at:percent])
        if template[percent + 1 : percent + 2] == b"%":
            result.append(b"%")
            at = percent + 2
            continue
        place += 1
        if place - 2 >= len(arguments):
            raise ArgumentError(place, "no value")
        found = _SPECIFICATION.match(template, percent)
        assert found is not None
        flags, width, dot, precision, option = found.groups()
        if len(flags) > 5:
            raise LuaError(b"invalid format (repeated flags)")
        if option.isdigit():
            raise LuaError(b"invalid format (width or precision too long)")
        at = found.end()
        piece = _piece(flags, width, dot, precision or b"", option, arguments[place - 2], place)
        size += len(piece)
        if size > memory.MAX_STRING:
            raise LuaError(b"not enough memory", 0)
        result.append(piece)


def _piece(
    flags: bytes, width: bytes, dot: bytes | None, precision: bytes, option: bytes, value: Value, place: int
) -> bytes:
    form = b"%" + flags + width + (b"." + precision if dot else b"")
    if option == b"s":
        string = text(value, place)
        if not dot and len(string) >= 100:
            return string
        return (b"%" + flags.replace(b"0", b"") + width + (b"." + precision if dot else b"") + b"s") % string.partition(
            b"\0"
        )[0]
    if option == b"q":
        quoted = text(value, place).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\\n")
        return b'"' + quoted.replace(b"\r", b"\\r").replace(b"\0", b"\\000") + b'"'
    if option == b"c":
        double = number(value, place)
        code = bytes((int(double) & 255 if abs(double) < 2**31 else 0,))
        padded = code.ljust(int(width or 0)) if b"-" in flags else code.rjust(int(width or 0))
        return padded.partition(b"\0")[0]
    if option in (b"d", b"i"):
        return _signed(flags, width, dot, precision, integer(value, place))
    if option in (b"o", b"u", b"x", b"X"):
        return _unsigned(flags, width, dot, precision, option, to_unsigned(number(value, place)))
    if option in (b"e", b"E", b"f", b"g", b"G"):
        double = number(value, place)
        if math.isfinite(double):
            return (form + option) % double
        word = b"inf" if math.isinf(double) else b"nan"
        sign = b"-" if math.copysign(1.0, double) < 0 else b"+" if b"+" in flags else b" " if b" " in flags else b""
        word = sign + (word.upper() if option.isupper() else word)
        return word.ljust(int(width or 0)) if b"-" in flags else word.rjust(int(width or 0))
    raise LuaError(b"invalid option '%" + option.rstrip(b"\0") + b"' to 'format'")


def _signed(flags: bytes, width: bytes, dot: bytes | None, precision: bytes, value: int) -> bytes:
    sign = b"-" if value < 0 else b"+" if b"+" in flags else b" " if b" " in flags else b""
    return _padded(flags, width, dot, precision, sign, b"%d" % abs(value))


def _unsigned(flags: bytes, width: bytes, dot: bytes | None, precision: bytes, option: bytes, value: int) -> bytes:
    digits = (b"%" + option.replace(b"u", b"d")) % value
    prefix = b""
    if b"#" in flags and value:
        if option in (b"x", b"X"):
            prefix = b"0" + option
        elif option == b"o" and len(digits) >= int(precision or 0):
            digits = b"0" + digits
    return _padded(flags, width, dot, precision, prefix, digits)


def _padded(flags: bytes, width: bytes, dot: bytes | None, precision: bytes, prefix: bytes, digits: bytes) -> bytes:
    """An integer as C's printf lays it out."""
    if dot:
        digits = b"" if not int(precision or 0) and digits == b"0" else digits.zfill(int(precision or 0))
    size = int(width or 0)
    if b"-" in flags:
        return (prefix + digits).ljust(size)
    if b"0" in flags and not dot:
        return prefix + digits.zfill(size - len(prefix))
    return (prefix + digits).rjust(size)

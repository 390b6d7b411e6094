"""Errors of a script.

A message gets the position at which it arose (`user_script:3: `) when it is caught, not when it is raised: the traceback
tells.  Python functions that stand for Lua ones are known by their globals; those of `BOUNDARIES` stand for a C function
that called, and have no line.
"""

from __future__ import annotations

from types import CodeType, FrameType, TracebackType
from typing import Any

from redouble.scripting.values import Value, type_name

__all__ = [
    "BOTTOMS",
    "BOUNDARIES",
    "ArgumentError",
    "LuaError",
    "Slow",
    "caught",
    "innermost",
    "is_piece",
    "type_error",
]

BOUNDARIES: set[CodeType] = set()
BOTTOMS: set[CodeType] = set()
"""Where coroutines begin: nobody has called what runs there."""


class Slow(TypeError):
    """Not done by Python's operators: the runtime has to see to it."""


class LuaError(Exception):
    """`error(value, level)`.  Level 0: no position."""

    def __init__(self, value: Any, level: int = 1) -> None:
        super().__init__()
        self.value = value
        self.level = level if type(value) is bytes else 0

    def resolve(self) -> None:
        if self.level:
            self.value = _position(self.__traceback__, self.level)[0] + self.value
            self.level = 0


class ArgumentError(LuaError, TypeError):
    """`bad argument #1 to 'rep'`.  Also a TypeError, so that the place of the call can tell how it named the function."""

    def __init__(self, number: int, text: str | bytes, name: bytes = b"") -> None:
        super().__init__(b"")
        self.number = number
        self.name = name
        self.text = text.encode() if isinstance(text, str) else text

    def resolve(self) -> None:
        self.named(b"")

    def named(self, description: bytes) -> None:
        """The first who catches it says how the function was called there."""
        if not self.level:
            return
        if self.__traceback__ is not None and _calls_lua(self.__traceback__):
            description = (
                b""  # what was called there is a function of the script's, and it called the one that complains
            )
        position, native = _position(self.__traceback__, 1)
        kind, _, name = description.partition(b" ")
        name = self.name or name.strip(b"'") or native or b"?"
        number = self.number - (kind == b"method")
        text = self.text
        if number or kind != b"method":
            self.value = b"%sbad argument #%d to '%s' (%s)" % (position, number, name, text)
        else:
            self.value = b"%scalling '%s' on bad self (%s)" % (position, name, text)
        self.level = 0


def caught(error: BaseException) -> Any:
    """The value of an error that was caught: what `pcall` answers."""
    if isinstance(error, RecursionError):
        error = LuaError(b"stack overflow").with_traceback(error.__traceback__)
    elif isinstance(error, MemoryError):
        error = LuaError(b"not enough memory", 0)
    assert isinstance(error, LuaError)
    error.resolve()
    # A kept exception would keep the frames it was raised through.
    error.__traceback__ = error.__context__ = None
    return error.value


def type_error(action: bytes, value: Value, description: bytes) -> LuaError:
    kind = type_name(value).encode()
    if description:
        return LuaError(b"attempt to %s %s (a %s value)" % (action, description, kind))
    return LuaError(b"attempt to %s a %s value" % (action, kind))


def is_piece(code: CodeType) -> bool:
    """Whether this is a part of a Lua function that the compiler has put into a Python function of its own."""
    return code.co_name.startswith("piece") and code.co_name[5:].isdigit()


def _position(traceback: TracebackType | None, level: int) -> tuple[bytes, bytes]:
    """The position of the function `level` levels up, and the name of the library function that it called."""
    entries: list[tuple[FrameType, int]] = []
    while traceback is not None:
        entries.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    outer = entries[0][0].f_back if entries else None
    native = b""
    in_piece = b""
    while True:
        if entries:
            frame, line = entries.pop()
        elif outer is not None:
            frame, line, outer = outer, outer.f_lineno, outer.f_back
        else:
            return b"", native
        code = frame.f_code
        chunks = frame.f_globals.get("CHUNKS")
        if chunks is not None and code.co_filename in chunks:
            chunk, lines, _ = chunks[code.co_filename]
            position = b"%s:%d: " % (chunk, lines[line - 1])
            if is_piece(code):  # the function that it is a part of is still to come
                in_piece = in_piece or position
                continue
            level -= 1
            if level <= 0:
                return in_piece or position, native
            in_piece = b""
        elif code in BOTTOMS:
            return b"", native
        elif code in BOUNDARIES:
            level -= 1
            if level <= 0:
                return b"", b"?"
        native = code.co_name.rstrip("_").encode()


def _calls_lua(traceback: TracebackType) -> bool:
    """Whether the function that caught an error was on its way through another of the script's."""
    inner = traceback.tb_next
    while inner is not None:
        if inner.tb_frame.f_code.co_filename in inner.tb_frame.f_globals.get("CHUNKS", ()):
            return True
        inner = inner.tb_next
    return False


def innermost(traceback: TracebackType | None) -> tuple[bytes, int]:
    """The chunk in which an error arose, as its source calls it, and the line."""
    found = (b"", 0)
    while traceback is not None:
        code, inner = traceback.tb_frame.f_code, traceback.tb_next
        chunk = traceback.tb_frame.f_globals.get("CHUNKS", {}).get(code.co_filename)
        if chunk is not None:
            found = chunk[2], chunk[1][traceback.tb_lineno - 1]
        elif code in BOUNDARIES and inner is not None and inner.tb_frame.f_code.co_name != "uncallable":
            found = b"=[C]", -1  # unless it is a function of the script's that the library called
        traceback = inner
    return found

"""What a library function takes of its arguments, with Lua's complaints (luaL_check...)."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, NoReturn

from redouble.scripting.errors import ArgumentError
from redouble.scripting.table import Table
from redouble.scripting.values import Value, format_number, to_number, type_name

__all__ = [
    "MISSING",
    "integer",
    "number",
    "optional_integer",
    "optional_text",
    "renamed",
    "table",
    "text",
    "wrong_type",
]


class Missing:
    """An argument that was not given, which is not quite nil."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False


MISSING: Final[Any] = Missing()


def wrong_type(place: int, expected: str, value: Value) -> NoReturn:
    got = "no value" if value is MISSING else type_name(value)
    raise ArgumentError(place, f"{expected} expected, got {got}")


def text(value: Value, place: int) -> bytes:
    """A string, or a number printed."""
    if value.__class__ is bytes:
        return value
    if value.__class__ is float:
        return format_number(value)
    wrong_type(place, "string", value)


def optional_text(value: Value, place: int, default: bytes) -> bytes:
    return default if value is None or value is MISSING else text(value, place)


def number(value: Value, place: int) -> float:
    """A number, or a string that spells one."""
    if value.__class__ is float:
        return value
    found = to_number(value)
    if found is None:
        wrong_type(place, "number", value)
    return found


def to_integer(value: float) -> int:
    """C's conversion of a double to a 64-bit integer, as x86 does it."""
    if -9223372036854775808.0 <= value < 9223372036854775808.0:
        return int(value)
    return -0x8000000000000000


def to_unsigned(value: float) -> int:
    """C's conversion of a double to an unsigned 64-bit integer, as x86 does it."""
    if value >= 9223372036854775808.0:
        return (to_integer(value - 9223372036854775808.0) & 0xFFFFFFFFFFFFFFFF) ^ 0x8000000000000000
    return to_integer(value) & 0xFFFFFFFFFFFFFFFF


def integer(value: Value, place: int) -> int:
    return to_integer(number(value, place))


def optional_integer(value: Value, place: int, default: int) -> int:
    return default if value is None or value is MISSING else integer(value, place)


def int32(value: int) -> int:
    """C's conversion to an `int`."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def table(value: Value, place: int) -> Table:
    if not isinstance(value, Table):
        wrong_type(place, "table", value)
    return value


def given(value: Value, place: int) -> Value:
    """Any value, but one must be given."""
    if value is MISSING:
        raise ArgumentError(place, "value expected")
    return value


def renamed(function: Callable[..., Value], name: str) -> Callable[..., Value]:
    """The same once more, under the name that its errors shall give."""
    assert isinstance(function, FunctionType)
    code = function.__code__.replace(co_name=name)
    return FunctionType(code, function.__globals__, name, function.__defaults__, function.__closure__)

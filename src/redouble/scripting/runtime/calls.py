"""Calls: from the library, of metamethods, and those in the place of a `return`, which do not grow the stack."""

from __future__ import annotations

import sys
from types import FunctionType, GeneratorType
from typing import Any

from redouble.scripting.errors import BOUNDARIES, ArgumentError, LuaError, caught, type_error
from redouble.scripting.table import Table
from redouble.scripting.values import Proxy, Value

__all__ = [
    "MAX_C_DEPTH",
    "Calls",
    "adjust",
    "drive",
    "every",
    "every_g",
    "first",
    "first_g",
    "first_of",
]

MAX_C_DEPTH = 200
"""Calls that go through a function of the library, or a metamethod; LUAI_MAXCCALLS."""
TAIL = object()
"""A function that ends in a call answers (TAIL, function, arguments...), and its caller makes that call."""

_get = dict.get


class Calls:
    """Functions that call what a script gives them."""

    def __init__(self) -> None:
        self.depth = 0
        self.string_meta = Table()

    def metamethod(self, value: Value, event: bytes) -> Value:
        if isinstance(value, Table):
            return None if value.meta is None else _get(value.meta, event)
        if value.__class__ is bytes:
            return _get(self.string_meta, event)
        return _get(value.meta, event) if value.__class__ is Proxy and value.meta is not None else None

    def uncallable(self, function: Value, description: bytes, *arguments: Value) -> Value:
        """A call raised TypeError: it was given a wrong argument, and tells now of what; or was none of a function."""
        error = sys.exc_info()[1]
        if isinstance(error, ArgumentError):
            error.named(description)
            raise error
        if function.__class__ is FunctionType:
            assert error is not None
            raise error
        return self.call_other(function, description, *arguments)

    def call_other(self, function: Value, description: bytes, *arguments: Value) -> Value:
        """Call what is no function."""
        handler = self.metamethod(function, b"__call")
        if handler.__class__ is not FunctionType:
            raise type_error(b"call", function, description)
        return handler(function, *arguments)

    def call(self, function: Value, *arguments: Value) -> Value:
        """A call by a function of the library.  The result as it came: a tuple unless it is one value."""
        self.depth += 1
        try:
            if self.depth >= MAX_C_DEPTH:
                raise LuaError(b"C stack overflow", 0)
            try:
                result = function(*arguments)
            except TypeError:
                result = self.uncallable(function, b"", *arguments)
            if result.__class__ is GeneratorType:
                result = drive(result)
            return every(result) if result.__class__ is tuple else result
        finally:
            self.depth -= 1

    def invoke(self, function: Value, *arguments: Value) -> Value:
        """A call of a metamethod, which counts as made by the function that is running."""
        self.depth += 1
        try:
            if self.depth >= MAX_C_DEPTH:
                raise LuaError(b"C stack overflow")
            try:
                result = function(*arguments)
            except ArgumentError as error:
                if function.__module__ != "lua":
                    error.name = b"?"  # no part of a script has called it by a name
                raise
            except TypeError:
                result = self.uncallable(function, b"", *arguments)
            if result.__class__ is GeneratorType:
                result = drive(result)
            return every(result) if result.__class__ is tuple else result
        finally:
            self.depth -= 1

    def protected(self, function: Value, arguments: tuple[Value, ...]) -> tuple[bool, Value]:
        """Call; an error of the script's comes back as a value."""
        depth = self.depth
        try:
            return True, self.call(function, *arguments)
        except (LuaError, RecursionError, MemoryError) as error:
            self.depth = depth
            return False, caught(error)

    def tail(self, function: Value, description: bytes, *arguments: Value) -> Value:
        if function.__class__ is FunctionType:
            if function.__module__ == "lua":
                return (TAIL, function, *arguments)
            try:
                return function(*arguments)
            except TypeError:
                return self.uncallable(function, description, *arguments)
        return self.call_other(function, description, *arguments)

    def tail_g(self, function: Value, description: bytes, *arguments: Value) -> Value:
        """`tail` where functions are generators."""
        result = self.tail(function, description, *arguments)
        return (TAIL, passed_on, result) if result.__class__ is GeneratorType else result


BOUNDARIES.add(Calls.call.__code__)


def passed_on(generator: Any) -> Any:
    """What a tail call that may stop became; the caller goes on with it."""
    return generator


def drive(generator: Any) -> Value:
    """Run a function that is a generator and must not stop, for the library called it."""
    try:
        next(generator)
    except StopIteration as stop:
        return stop.value
    try:
        generator.throw(LuaError(b"attempt to yield across metamethod/C-call boundary", 0))
    except StopIteration as stop:
        return stop.value
    finally:
        generator.close()


def every(result: Any) -> Any:
    """The results of a call, as a tuple; the tail calls are made here."""
    while result and result[0] is TAIL:
        result = result[1](*result[2:])
        if result.__class__ is not tuple:
            if result.__class__ is GeneratorType:
                result = drive(result)
                if result.__class__ is tuple:
                    continue
            return (result,)
    return result


def first(result: Any) -> Value:
    """The first of the results of a call."""
    if result and result[0] is TAIL:
        result = every(result)
    return result[0] if result else None


def every_g(result: Any) -> Any:
    while result and result[0] is TAIL:
        result = result[1](*result[2:])
        if result.__class__ is GeneratorType:
            result = yield from result
        if result.__class__ is not tuple:
            return (result,)
    return result


def first_g(result: Any) -> Any:
    if result and result[0] is TAIL:
        result = yield from every_g(result)
    return result[0] if result else None


BOUNDARIES.update((every.__code__, every_g.__code__))


def first_of(result: Any) -> Value:
    """One value of what `call` or `invoke` gave."""
    if result.__class__ is tuple:
        return result[0] if result else None
    return result


def adjust(result: Any, count: int) -> tuple[Value, ...]:
    """`count` values of the results of a call."""
    if result.__class__ is tuple:
        if result and result[0] is TAIL:
            result = every(result)
        if len(result) < count:
            return (*result, *(None,) * (count - len(result)))
        return result[:count]  # type: ignore[no-any-return]
    return (result, *(None,) * (count - 1))

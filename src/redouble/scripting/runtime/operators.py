"""Arithmetic, comparison and `..`, where Python's own operators do not do it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from redouble.scripting import memory
from redouble.scripting.errors import LuaError, Slow, type_error
from redouble.scripting.runtime.calls import first_of
from redouble.scripting.runtime.tables import Tables
from redouble.scripting.table import Table
from redouble.scripting.values import FALSE, Value, format_number, to_number, type_name

__all__ = ["Operators", "modulo", "raised", "remainder", "truth"]


class Operators(Tables):
    """What operators do with strings, metatables and all that they do not take."""

    def arithmetic(self, event: bytes, left: Value, right: Value, of_left: bytes, of_right: bytes) -> Value:
        one, two = to_number(left), to_number(right)
        if one is None or two is None:
            handler = self.metamethod(left, event) or self.metamethod(right, event)
            if handler is None:
                if one is None:
                    raise type_error(b"perform arithmetic on", left, of_left)
                raise type_error(b"perform arithmetic on", right, of_right)
            return first_of(self.invoke(handler, left, right))
        return _OPERATIONS[event](one, two)

    def add(self, left: Value, right: Value, of_left: bytes = b"", of_right: bytes = b"") -> Value:
        return self.arithmetic(b"__add", left, right, of_left, of_right)

    def sub(self, left: Value, right: Value, of_left: bytes = b"", of_right: bytes = b"") -> Value:
        return self.arithmetic(b"__sub", left, right, of_left, of_right)

    def mul(self, left: Value, right: Value, of_left: bytes = b"", of_right: bytes = b"") -> Value:
        return self.arithmetic(b"__mul", left, right, of_left, of_right)

    def div(self, left: Value, right: Value, of_left: bytes = b"", of_right: bytes = b"") -> Value:
        return self.arithmetic(b"__div", left, right, of_left, of_right)

    def mod(self, left: Value, right: Value, of_left: bytes = b"", of_right: bytes = b"") -> Value:
        return self.arithmetic(b"__mod", left, right, of_left, of_right)

    def power(self, left: Value, right: Value, of_left: bytes = b"", of_right: bytes = b"") -> Value:
        return self.arithmetic(b"__pow", left, right, of_left, of_right)

    def unm(self, value: Value, description: bytes = b"") -> Value:
        number = to_number(value)
        if number is not None:
            return -number
        handler = self.metamethod(value, b"__unm")
        if handler is None:
            raise type_error(b"perform arithmetic on", value, description)
        return first_of(self.invoke(handler, value, value))

    def concat(self, *parts: Value) -> bytes:
        """`..`; anything but strings and numbers is a TypeError."""
        try:
            text = b"".join(parts)
        except TypeError:
            text = b"".join([part if part.__class__ is bytes else _number_text(part) for part in parts])
        if len(text) > memory.LARGE:
            memory.check(len(text))
            self.spend(len(text) >> 12)
        return text

    def spend(self, steps: int = 1) -> None:
        """Count the steps of a function of the library; see loops.py."""
        raise NotImplementedError

    def concatenate(self, values: tuple[Value, ...], descriptions: tuple[bytes, ...]) -> Value:
        """`a .. b .. c`, from the right."""
        result, description = values[-1], descriptions[-1]
        texts = _texts(result)
        for value, of_value in zip(values[-2::-1], descriptions[-2::-1]):
            if texts and value.__class__ in _FORMAT:
                texts += _texts(value)
                continue
            if len(texts) > 1:
                result = self.concat(*reversed(texts))
            handler = self.metamethod(value, b"__concat") or self.metamethod(result, b"__concat")
            if handler is None:
                if value.__class__ in _FORMAT:
                    raise type_error(b"concatenate", result, description)
                raise type_error(b"concatenate", value, of_value)
            result, description = first_of(self.invoke(handler, value, result)), b""
            texts = _texts(result)
        return self.concat(*reversed(texts)) if len(texts) > 1 else result

    def lt(self, left: Value, right: Value) -> bool:
        kind = left.__class__
        if kind is right.__class__ and (kind is float or kind is bytes):
            return bool(left < right)
        return self.ordered(b"__lt", left, right)

    def le(self, left: Value, right: Value) -> bool:
        kind = left.__class__
        if kind is right.__class__ and (kind is float or kind is bytes):
            return bool(left <= right)
        handler = self.same_handler(b"__le", left, right)
        if handler is not None:
            return truth(first_of(self.invoke(handler, left, right)))
        handler = self.same_handler(b"__lt", left, right)
        if handler is not None:
            return not truth(first_of(self.invoke(handler, right, left)))
        raise comparison_error(left, right)

    def gt(self, left: Value, right: Value) -> bool:
        return self.lt(right, left)

    def ge(self, left: Value, right: Value) -> bool:
        return self.le(right, left)

    def ordered(self, event: bytes, left: Value, right: Value) -> bool:
        handler = self.same_handler(event, left, right)
        if handler is None:
            raise comparison_error(left, right)
        return truth(first_of(self.invoke(handler, left, right)))

    def same_handler(self, event: bytes, left: Value, right: Value) -> Value:
        """The metamethod that both have; comparing needs one that is the same."""
        if not isinstance(left, Table) or not isinstance(right, Table):
            return None
        one, two = self.metamethod(left, event), self.metamethod(right, event)
        return one if one is not None and one == two else None

    def equal(self, left: Value, right: Value) -> bool:
        if left is right:
            return bool(left == left)
        if isinstance(left, Table) and isinstance(right, Table):
            handler = self.same_handler(b"__eq", left, right)
            return handler is not None and truth(first_of(self.invoke(handler, left, right)))
        return bool(left == right)


def truth(value: Value) -> bool:
    return value is not None and value is not FALSE


def comparison_error(left: Value, right: Value) -> LuaError:
    one, two = type_name(left).encode(), type_name(right).encode()
    if one == two:
        return LuaError(b"attempt to compare two %s values" % one)
    return LuaError(b"attempt to compare %s with %s" % (one, two))


def modulo(left: float, right: float) -> float:
    result = left - left / right // 1.0 * right
    return result if result == result else remainder(left, right)


def divided(left: float, right: float) -> float:
    try:
        return left / right
    except ZeroDivisionError:
        if left == 0 or left != left:
            return -math.nan if left == 0 else left
        return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: float, right: float) -> float:
    if right == 0:
        return -math.nan if right == right and left == left else left
    quotient = left / right
    whole = quotient // 1.0 if math.isfinite(quotient) else quotient  # math.floor would lose the sign of -0
    return left - whole * right


def raised(left: float, right: float) -> float:
    """C's pow."""
    try:
        result = math.pow(left, right)
        return abs(result) if left != left and right % 2 == 1 else result
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    except ValueError:
        if left == 0:  # a negative power of zero
            return math.copysign(math.inf, left) if right % 2 == 1 else math.inf
        return -math.nan


_OPERATIONS: dict[bytes, Callable[[float, float], float]] = {
    b"__add": lambda left, right: left + right,
    b"__sub": lambda left, right: left - right,
    b"__mul": lambda left, right: left * right,
    b"__div": divided,
    b"__mod": remainder,
    b"__pow": raised,
}


_FORMAT: dict[type, Callable[[Any], bytes]] = {bytes: bytes, float: format_number}


def _texts(value: Value) -> list[bytes]:
    """The text of a string or a number, and nothing of anything else."""
    return [_FORMAT[value.__class__](value)] if value.__class__ in _FORMAT else []


def _number_text(value: Value) -> bytes:
    if value.__class__ is float:
        return format_number(value)
    raise Slow

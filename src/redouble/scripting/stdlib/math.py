"""`math`.  Random numbers are Redis's own (drand48), the same sequence on each machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from redouble.scripting.errors import ArgumentError, LuaError
from redouble.scripting.runtime import raised
from redouble.scripting.stdlib.arguments import MISSING, int32, integer, number
from redouble.scripting.values import Value

__all__ = ["library"]

CONSTANTS = {b"pi": math.pi, b"huge": math.inf}
ORDER = (
    b"abs acos asin atan2 atan ceil cosh cos deg exp floor fmod frexp ldexp log10 log max min modf pow rad random "
    b"randomseed sinh sin sqrt tanh tan pi huge mod"
).split()
"""In which the real library is filled; `pairs` depends on it."""
FIRST_STATE = 0x1234ABCD330E
_MODULUS = 0x7FFFFFFF
_FLOAT = frozenset((float,))


def numbers(values: Sequence[Value]) -> Sequence[float]:
    """The arguments of `max` and `min`: numbers, at least one."""
    if values and _FLOAT.issuperset(map(type, values)):
        return values
    return [number(value, place) for place, value in enumerate(values or (MISSING,), 1)]


def library() -> dict[bytes, Any]:
    state = FIRST_STATE

    def function(name: str, compute: Callable[[float], float]) -> Callable[..., Value]:
        def run(value: Value = MISSING, *_: Value) -> Value:
            double = number(value, 1)
            try:
                return compute(double)
            except OverflowError:
                return -math.inf if double < 0 and name == "sinh" else math.inf
            except ValueError:  # outside of its domain
                if double == 0 and name in ("log", "log10"):
                    return -math.inf
                return math.nan if name in ("acos", "asin", "log10") and double == double else -math.nan

        run.__code__ = run.__code__.replace(co_name=name)
        return run

    # Of two arguments the compilers of the servers look at the second first.

    def atan2(one: Value = MISSING, other: Value = MISSING, *_: Value) -> Value:
        right = number(other, 2)
        left = number(one, 1)
        return math.atan2(left, right) if left == left and right == right else right + left

    def fmod(one: Value = MISSING, other: Value = MISSING, *_: Value) -> Value:
        right = number(other, 2)
        left = number(one, 1)
        try:
            return math.fmod(left, right)
        except ValueError:
            return -math.nan

    def mod(value: Value = MISSING, divisor: Value = MISSING, *_: Value) -> Value:
        return fmod(value, divisor)

    def frexp(value: Value = MISSING, *_: Value) -> Value:
        mantissa, exponent = math.frexp(number(value, 1))
        return mantissa, float(exponent)

    def ldexp(value: Value = MISSING, exponent: Value = MISSING, *_: Value) -> Value:
        power = int32(integer(exponent, 2))
        double = number(value, 1)
        try:
            return math.ldexp(double, power)
        except OverflowError:
            return math.copysign(math.inf, double)

    def max_(*values: Value) -> Value:
        if len(values) == 2:  # x0.5
            one, other = values
            if one.__class__ is float and other.__class__ is float:
                return other if other > one else one
        return max(numbers(values))

    def min_(*values: Value) -> Value:
        if len(values) == 2:
            one, other = values
            if one.__class__ is float and other.__class__ is float:
                return other if other < one else one
        return min(numbers(values))

    def modf(value: Value = MISSING, *_: Value) -> Value:
        fraction, whole = math.modf(number(value, 1))
        return whole, fraction

    def pow_(one: Value = MISSING, other: Value = MISSING, *_: Value) -> Value:
        right = number(other, 2)
        return raised(number(one, 1), right)

    def random(*arguments: Value) -> Value:
        nonlocal state
        state = (state * 0x5DEECE66D + 0xB) & 0xFFFFFFFFFFFF
        share = ((state >> 17) % _MODULUS) / _MODULUS
        if not arguments:
            return share
        if len(arguments) > 2:
            raise LuaError(b"wrong number of arguments")
        # A list: PyPy says of its own that a generator that raises a TypeError cannot be unpacked.
        *lowest, high = [int32(integer(argument, place)) for place, argument in enumerate(arguments, 1)]
        low = lowest[0] if lowest else 1
        if low > high:
            raise ArgumentError(len(arguments), "interval is empty")
        return float(math.floor(share * (high - low + 1)) + low)

    def randomseed(value: Value = MISSING, *_: Value) -> Value:
        nonlocal state
        state = ((int32(integer(value, 1)) & 0xFFFFFFFF) << 16) + 0x330E
        return ()

    simple: dict[str, Callable[[float], float]] = {
        "abs": abs, "acos": math.acos, "asin": math.asin, "atan": math.atan,
        "cos": math.cos, "cosh": math.cosh, "deg": lambda value: value / (math.pi / 180.0), "exp": math.exp,
        "log": math.log, "log10": math.log10, "rad": lambda value: value * (math.pi / 180.0), "sin": math.sin,
        "sinh": math.sinh, "sqrt": math.sqrt, "tan": math.tan, "tanh": math.tanh,
    }  # fmt: skip

    def floor(value: Value = MISSING, *_: Value) -> Value:
        if value.__class__ is not float:
            value = number(value, 1)
        # Of an infinity Python's // makes nan.
        return value // 1.0 if value - value == 0.0 else value

    def ceil(value: Value = MISSING, *_: Value) -> Value:
        if value.__class__ is not float:
            value = number(value, 1)
        return -(-value // 1.0) if value - value == 0.0 else value

    functions: dict[bytes, Any] = {name.encode(): function(name, compute) for name, compute in simple.items()}
    functions |= {
        b"atan2": atan2, b"ceil": ceil, b"floor": floor, b"fmod": fmod, b"frexp": frexp, b"ldexp": ldexp,
        b"max": max_, b"min": min_, b"mod": mod, b"modf": modf, b"pow": pow_, b"random": random, b"randomseed": randomseed,
    }  # fmt: skip
    known = functions | CONSTANTS
    return {name: known[name] for name in ORDER}

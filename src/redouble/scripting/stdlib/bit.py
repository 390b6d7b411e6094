"""`bit`: operations on the low 32 bits of numbers."""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable
from typing import Any

from redouble.scripting.stdlib.arguments import MISSING, int32, number
from redouble.scripting.values import Value

__all__ = ["library"]

_MAGIC = 6755399441055744.0
"""1.5 * 2**52: added to a double, it moves the integer part to the low bits, rounded."""


def _bits(value: Value, place: int) -> int:
    return int(struct.unpack_from("<I", struct.pack("<d", number(value, place) + _MAGIC))[0])


def _signed(bits: int) -> float:
    return float(int32(bits))


def library() -> dict[bytes, Any]:
    def several(combine: Callable[[int, int], int], name: str) -> Callable[..., Value]:
        def run(*values: Value) -> Value:
            result = _bits(values[0] if values else MISSING, 1)
            for place in range(len(values), 1, -1):  # of two wrong ones the last is told
                result = combine(result, _bits(values[place - 1], place))
            return _signed(result)

        run.__code__ = run.__code__.replace(co_name=name)
        return run

    def shift(compute: Callable[[int, int], int], name: str) -> Callable[..., Value]:
        def run(value: Value = MISSING, count: Value = MISSING, *_: Value) -> Value:
            bits = _bits(value, 1)
            return _signed(compute(bits, _bits(count, 2) & 31))

        run.__code__ = run.__code__.replace(co_name=name)
        return run

    def tobit(value: Value = MISSING, *_: Value) -> Value:
        return _signed(_bits(value, 1))

    def bnot(value: Value = MISSING, *_: Value) -> Value:
        return _signed(~_bits(value, 1))

    def bswap(value: Value = MISSING, *_: Value) -> Value:
        return _signed(int.from_bytes(_bits(value, 1).to_bytes(4, "little"), "big"))

    def tohex(value: Value = MISSING, digits: Value = MISSING, *_: Value) -> Value:
        bits = _bits(value, 1)
        count = 8 if digits is MISSING else int32(_bits(digits, 2))
        text = b"%08X" % bits if count < 0 else b"%08x" % bits
        count = min(abs(count), 8)
        return text[8 - count :]

    return {  # in the order in which the real library is filled; `pairs` depends on it
        b"tobit": tobit,
        b"bnot": bnot,
        b"band": several(operator.and_, "band"),
        b"bor": several(operator.or_, "bor"),
        b"bxor": several(operator.xor, "bxor"),
        b"lshift": shift(lambda bits, count: bits << count, "lshift"),
        b"rshift": shift(lambda bits, count: bits >> count, "rshift"),
        b"arshift": shift(lambda bits, count: int32(bits) >> count, "arshift"),
        b"rol": shift(lambda bits, count: bits << count | bits >> (32 - count), "rol"),
        b"ror": shift(lambda bits, count: bits >> count | bits << (32 - count), "ror"),
        b"bswap": bswap,
        b"tohex": tohex,
    }

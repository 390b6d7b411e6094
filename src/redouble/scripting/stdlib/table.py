"""`table`."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from redouble.scripting import memory
from redouble.scripting.errors import LuaError
from redouble.scripting.runtime import Runtime, first_of, truth
from redouble.scripting.stdlib.arguments import (
    MISSING,
    int32,
    integer,
    optional_integer,
    optional_text,
    table,
    wrong_type,
)
from redouble.scripting.table import Table
from redouble.scripting.values import Value, format_number, type_name

__all__ = ["library"]

_get = dict.get
_replace = dict.__setitem__


def library(runtime: Runtime) -> dict[bytes, Any]:
    border, raw_set, call = runtime.border, runtime.raw_set, runtime.call

    def concat(
        value: Value = MISSING, separator: Value = None, start: Value = None, end: Value = None, *_: Value
    ) -> Value:
        between = optional_text(separator, 2, b"")
        source = table(value, 1)
        first = int32(optional_integer(start, 3, 1))
        last = int32(integer(end, 4)) if end is not None and end is not MISSING else border(source)
        pieces = []
        size = 0
        for at in range(first, last + 1):
            piece = _get(source, float(at))
            if piece.__class__ is not bytes:
                if piece.__class__ is not float:
                    raise LuaError(f"invalid value ({type_name(piece)}) at index {at} in table for 'concat'".encode())
                piece = format_number(piece)
            size += len(piece) + len(between)
            if size > memory.MAX_STRING:
                raise LuaError(b"not enough memory", 0)
            pieces.append(piece)
            if not at & 4095:
                runtime.refill()
        if size > memory.LARGE:
            memory.check(size)
        return between.join(pieces)

    def foreach(value: Value = MISSING, function: Value = MISSING, *_: Value) -> Value:
        source = table(value, 1)
        if function.__class__ is not FunctionType:
            wrong_type(2, "function", function)
        for key in runtime.order(source):
            found = _get(source, key)
            if found is not None:
                runtime.spend()
                result = first_of(call(function, key, found))
                if result is not None:
                    return result
        return ()

    def foreachi(value: Value = MISSING, function: Value = MISSING, *_: Value) -> Value:
        source = table(value, 1)
        if function.__class__ is not FunctionType:
            wrong_type(2, "function", function)
        for at in range(1, border(source) + 1):
            runtime.spend()
            result = first_of(call(function, float(at), _get(source, float(at))))
            if result is not None:
                return result
        return ()

    def getn(value: Value = MISSING, *_: Value) -> Value:
        return float(border(table(value, 1)))

    def insert(value: Value = MISSING, *arguments: Value) -> Value:
        target = table(value, 1)
        end = border(target) + 1
        if len(arguments) == 1:
            raw_set(target, float(end), arguments[0])
            return ()
        if len(arguments) != 2:
            raise LuaError(b"wrong number of arguments to 'insert'")
        position = int32(integer(arguments[0], 2))
        for at in range(max(end, position), position, -1):
            runtime.spend()
            raw_set(target, float(at), _get(target, float(at - 1)))
        raw_set(target, float(position), arguments[1])
        return ()

    def maxn(value: Value = MISSING, *_: Value) -> Value:
        source = table(value, 1)
        runtime.spend(len(source))
        return max([0.0, *(key for key, one in source.items() if key.__class__ is float and one is not None)])

    def remove(value: Value = MISSING, place: Value = None, *_: Value) -> Value:
        target = table(value, 1)
        end = border(target)
        position = int32(optional_integer(place, 2, end))
        if not 1 <= position <= end:
            return ()
        runtime.spend(end - position + 1)
        removed = _get(target, float(position))
        for at in range(position, end):
            raw_set(target, float(at), _get(target, float(at + 1)))
        raw_set(target, float(end), None)
        return removed

    def setn(value: Value = MISSING, *_: Value) -> Value:
        table(value, 1)
        raise LuaError(b"'setn' is obsolete")

    def sort(value: Value = MISSING, comparison: Value = None, *_: Value) -> Value:
        target = table(value, 1)
        count = border(target)
        if comparison is not None and comparison.__class__ is not FunctionType:
            wrong_type(2, "function", comparison)
        runtime.spend(count)
        items = [_get(target, float(at)) for at in range(1, count + 1)]
        kinds = set(map(type, items))

        def less_by_function(one: Value, other: Value) -> bool:
            runtime.spend()
            return truth(first_of(call(comparison, one, other)))

        if (
            comparison is None
            and len(kinds) == 1
            and (kinds == {bytes} or (kinds == {float} and all(one == one for one in items)))
        ):
            items.sort()
            for at, item in enumerate(items, 1):
                raw_set(target, float(at), item)
        else:
            _Sorter(target, less_by_nature if comparison is None else less_by_function, runtime).sort(1.0, float(count))
        return ()

    def less_by_nature(one: Value, other: Value) -> bool:
        try:
            return runtime.lt(one, other)
        except LuaError as error:
            error.level = 0  # it is this function that compares, not one with a line
            raise

    return {
        b"concat": concat, b"foreach": foreach, b"foreachi": foreachi, b"getn": getn, b"insert": insert, b"maxn": maxn,
        b"remove": remove, b"setn": setn, b"sort": sort,
    }  # fmt: skip


class _Sorter:
    """ltablib.c's quicksort: which elements are compared, how equal ones end up, and what an error leaves behind, is visible
    to scripts.  A comparison that contradicts itself leads it past the ends of the table."""

    def __init__(self, table: Table, less: Callable[[Value, Value], bool], runtime: Runtime) -> None:
        self.table, self.less, self.runtime = table, less, runtime

    def swap(self, one: float, other: float) -> None:
        table, raw_set = self.table, self.runtime.raw_set
        value, new = _get(table, one), _get(table, other)
        if value is None or new is None or table.read_only:
            raw_set(table, one, new)
            raw_set(table, other, value)
        else:
            _replace(table, one, new)
            _replace(table, other, value)

    def sort(self, low: float, high: float) -> None:
        table, less, swap = self.table, self.less, self.swap
        while low < high:
            self.runtime.spend()
            if less(_get(table, high), _get(table, low)):
                swap(low, high)
            if high - low == 1:
                return
            middle = (low + high) // 2.0
            if less(_get(table, middle), _get(table, low)):
                swap(middle, low)
            elif less(_get(table, high), _get(table, middle)):
                swap(middle, high)
            if high - low == 2:
                return
            pivot = _get(table, middle)
            swap(middle, high - 1)
            left, right = low, high - 1
            while True:
                left += 1
                while less(_get(table, left), pivot):
                    if left > high:
                        raise LuaError(b"invalid order function for sorting")
                    left += 1
                right -= 1
                while less(pivot, _get(table, right)):
                    if right < low:
                        raise LuaError(b"invalid order function for sorting")
                    right -= 1
                if right < left:
                    break
                swap(left, right)
            swap(high - 1, left)
            if left - low < high - left:
                self.sort(low, left - 1)
                low = left + 1
            else:
                self.sort(left + 1, high)
                high = left - 1

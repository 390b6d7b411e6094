"""What the compiled code of scripts calls: everything that is not an operator of Python's.

A `Runtime` belongs to one server.  `names` is the namespace in which all its scripts run: it has no builtins, and nothing
in it leads to anything of Python's, for compiled code never asks for an attribute.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from types import CodeType, FunctionType, GeneratorType
from typing import Any

from redouble.scripting import memory
from redouble.scripting.errors import BOUNDARIES, ArgumentError, LuaError, Slow, caught, is_piece
from redouble.scripting.stdlib.arguments import MISSING
from redouble.scripting.table import SpecialTable, Table, array, length, next_key, order, raw_set
from redouble.scripting.values import (
    FALSE,
    TRUE,
    Coroutine,
    Value,
    address,
    format_number,
    to_number,
    type_name,
)
from redouble.types.lua_hash import hash_of_lua

__all__ = ["TAIL", "Runtime"]

MAX_DEPTH = 19_999
"""Calls of Lua functions within each other; LUAI_MAXCALLS."""
MAX_C_DEPTH = 200
"""Calls that go through a function of the library, or a metamethod; LUAI_MAXCCALLS."""
STEPS = 4096
"""So many loop turns and calls pass between two looks at the clock."""

TAIL = object()
"""A function that ends in a call answers (TAIL, function, arguments...), and its caller makes that call."""
BREAK = object()
_FORMAT: dict[type, Callable[[Any], bytes]] = {bytes: bytes, float: format_number}

_get = dict.get


class Runtime:
    def __init__(self, string_hash: Callable[[bytes], int] = hash_of_lua) -> None:
        self.string_hash = string_hash
        self.depth = 0
        self.strings: Table = Table()
        """The library `string`, in which methods of strings are found."""
        self.string_meta = Table()
        self.current: Coroutine | None = None
        self.check: Callable[[], None] = lambda: None
        """Called every few thousand steps; may raise `Killed`."""
        self.chunks: dict[str, tuple[bytes, list[int], bytes]] = {}
        """By the file name of its code: how messages call a chunk, the Lua line of each Python line, and its source."""
        self.names: dict[str, Any] = {"__builtins__": {}, "__name__": "lua", "CHUNKS": self.chunks}
        self.spent = 0
        self.recursive = False
        """Whether the running script has functions that may call each other."""
        self.bottom: CodeType | None = None
        """The Python function that runs a script."""
        self.names["TICKS"] = repeat(None, STEPS)
        self.names.update(
            TRUE=TRUE, FALSE=FALSE, INFINITY=math.inf, Table=Table, SLOW=Slow, TypeError=TypeError, BREAK=BREAK,
            ERRORS=(TypeError, ZeroDivisionError, OverflowError, ValueError), tuple=tuple, generator=GeneratorType,
            index=self.index, method=self.method, store=self.store, readonly=readonly, nonexistent=nonexistent,
            add=self.add, sub=self.sub, mul=self.mul, div=self.div, mod=self.mod, power=self.power, unm=self.unm,
            modulo=modulo, raised=math.pow, concat=concat, concatenate=self.concatenate, length=self.length,
            lt=self.lt, le=self.le, gt=self.gt, ge=self.ge, equal=self.equal, uncallable=self.uncallable,
            tail=self.tail, tail_g=self.tail_g, first=first, every=every, first_g=first_g, every_g=every_g,
            adjust=adjust, build=build, build_without_nil=build_without_nil, build_from_pairs=build_from_pairs,
            extended=extended, argument_table=argument_table, counted=self.counted, walk_pairs=self.walk_pairs,
            walk_ipairs=self.walk_ipairs, walk_pairs_keys=self.walk_pairs_keys,
            walk_ipairs_keys=self.walk_ipairs_keys, refill=self.refill,
        )  # fmt: skip

    # The budget.

    def refill(self) -> None:
        """Some thousand steps were made: may the script go on?"""
        steps = STEPS
        if self.recursive:
            # Whoever goes deeper makes steps, so it is enough to look before that many were made.
            depth = self.stack_depth()
            if depth >= MAX_DEPTH:
                raise LuaError(b"stack overflow", 2)
            steps = min(STEPS, MAX_DEPTH - depth)
        self.names["TICKS"] = repeat(None, steps)
        self.spent = 0
        memory.check()
        self.check()

    def start(self) -> None:
        """A script begins, with a fresh budget."""
        self.names["TICKS"] = repeat(None, STEPS)
        self.spent = 0

    def stack_depth(self) -> int:
        """How many functions are running, each called by the one before it."""
        try:
            raise Slow
        except Slow as here:
            frame = here.__traceback__.tb_frame.f_back  # type: ignore[union-attr]
        depth, names, bottom = 0, self.names, self.bottom
        while frame is not None:
            code = frame.f_code
            if code is bottom:
                break
            if (frame.f_globals is names and not is_piece(code)) or code in BOUNDARIES:
                depth += 1
            frame = frame.f_back
        return depth

    def spend(self, steps: int = 1) -> None:
        """Count the steps of a function of the library."""
        self.spent += steps
        if self.spent >= STEPS:
            self.refill()

    # Indexing.

    def index(self, table: Value, key: Value, description: bytes = b"") -> Value:
        for _ in range(100):
            if isinstance(table, Table):
                value = _get(table, key)
                if value is not None or table.meta is None:
                    return value
                handler = _get(table.meta, b"__index")
                if handler is None:
                    return None
            elif table.__class__ is bytes:
                handler = _get(self.string_meta, b"__index")
                if handler is None:
                    raise LuaError(b"attempt to index a string value")
            else:
                raise type_error(b"index", table, description)
            if handler.__class__ is FunctionType:
                return first_of(self.invoke(handler, table, key))
            table, description = handler, b""
        raise LuaError(b"loop in gettable")

    def method(self, table: Value, name: bytes, description: bytes) -> Value:
        """The function that `table:name(...)` calls."""
        if table.__class__ is bytes:
            return _get(self.strings, name)
        if table.__class__ is SpecialTable:
            try:
                return table[name]
            except Slow:
                pass
        return self.index(table, name, description)

    def store(self, table: Value, key: Value, value: Value, description: bytes = b"") -> None:
        for _ in range(100):
            if isinstance(table, Table):
                handler = None
                if table.meta is not None and _get(table, key) is None:
                    handler = _get(table.meta, b"__newindex")
                if handler is None:
                    if table.read_only:
                        raise LuaError(b"Attempt to modify a readonly table")
                    self.raw_set(table, key, value, 1)
                    return
            else:
                raise type_error(b"index", table, description)
            if handler.__class__ is FunctionType:
                self.invoke(handler, table, key, value)
                return
            table, description = handler, b""
        raise LuaError(b"loop in settable")

    def raw_set(self, table: Table, key: Value, value: Value, level: int = 0) -> None:
        """Store without metamethods."""
        if table.read_only:
            raise LuaError(b"Attempt to modify a readonly table", level)
        if key is None:
            raise LuaError(b"table index is nil", level)
        if key != key:
            raise LuaError(b"table index is NaN", level)
        raw_set(table, key, value, self.string_hash)

    def order(self, table: Table) -> list[Value]:
        return order(table, self.string_hash)

    def border(self, table: Table) -> int:
        return length(table, self.string_hash)

    def next_key(self, table: Table, key: Value) -> Value:
        return next_key(table, key, self.string_hash)

    # Operators.

    def length(self, value: Value, description: bytes = b"") -> Value:
        if value.__class__ is bytes:
            return float(len(value))
        if isinstance(value, Table):
            return float(length(value, self.string_hash))
        raise type_error(b"get length of", value, description)

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

    def concatenate(self, values: tuple[Value, ...], descriptions: tuple[bytes, ...]) -> Value:
        """`a .. b .. c`, from the right."""
        result, description = values[-1], descriptions[-1]
        texts = _texts(result)
        for value, of_value in zip(values[-2::-1], descriptions[-2::-1]):
            if texts and value.__class__ in _FORMAT:
                texts += _texts(value)
                continue
            if len(texts) > 1:
                result = concat(*reversed(texts))
            handler = self.metamethod(value, b"__concat") or self.metamethod(result, b"__concat")
            if handler is None:
                if value.__class__ in _FORMAT:
                    raise type_error(b"concatenate", result, description)
                raise type_error(b"concatenate", value, of_value)
            result, description = first_of(self.invoke(handler, value, result)), b""
            texts = _texts(result)
        return concat(*reversed(texts)) if len(texts) > 1 else result

    def metamethod(self, value: Value, event: bytes) -> Value:
        if isinstance(value, Table):
            return None if value.meta is None else _get(value.meta, event)
        return _get(self.string_meta, event) if value.__class__ is bytes else None

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

    # Calls.

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

    # Loops.

    def counted(self, start: Value, limit: Value, step: Value = 1.0) -> Iterable[float]:
        """The numbers of `for i = start, limit, step`."""
        if start.__class__ is not float or limit.__class__ is not float or step.__class__ is not float:
            start = for_number(start, b"initial value")
            limit = for_number(limit, b"limit")
            step = for_number(step, b"step")
        if start.is_integer() and step.is_integer() and step and abs(start) < 2**53 and abs(step) < 2**53:
            limit = min(max(limit, -(2.0**53)), 2.0**53) if limit == limit else start - step
            numbers = range(int(start), math.floor(limit) + 1 if step > 0 else math.ceil(limit) - 1, int(step))
            if len(numbers) <= STEPS:
                self.spend(len(numbers) + 1)
                return map(float, numbers)
            return chain.from_iterable(self.in_chunks(numbers))
        return self.added_up(start, limit, step)

    def in_chunks(self, numbers: range) -> Iterator[Iterable[float]]:
        for at in range(0, len(numbers), STEPS):
            self.refill()
            yield map(float, numbers[at : at + STEPS])

    def added_up(self, start: float, limit: float, step: float) -> Iterator[float]:
        number = start - step + step  # as Lua begins: from 0.1 in steps of 1 that is not 0.1
        while number <= limit if step > 0 else number >= limit:
            self.spend()
            yield number
            number += step

    def walk_pairs(self, table: Value = MISSING, *_: Value) -> Iterator[tuple[Value, Value]]:
        keys = self.keys_to_walk(table, "pairs")
        return ((key, value) for key in keys if (value := _get(table, key)) is not None)

    def walk_pairs_keys(self, table: Value = MISSING, *_: Value) -> Iterator[Value]:
        keys = self.keys_to_walk(table, "pairs")
        return (key for key in keys if _get(table, key) is not None)

    def keys_to_walk(self, table: Value, name: str) -> list[Value]:
        if not isinstance(table, Table):
            got = "no value" if table is MISSING else type_name(table)
            raise ArgumentError(1, f"table expected, got {got}", name.encode())
        keys = order(table, self.string_hash)
        self.spend(len(keys) + 1)
        return keys

    def walk_ipairs(self, table: Value = MISSING, *_: Value) -> Iterator[tuple[Value, Value]]:
        if not isinstance(table, Table):
            self.keys_to_walk(table, "ipairs")
        return self.items_to_walk(table)

    def walk_ipairs_keys(self, table: Value = MISSING, *_: Value) -> Iterator[Value]:
        if not isinstance(table, Table):
            self.keys_to_walk(table, "ipairs")
        return (key for key, _ in self.items_to_walk(table))

    def items_to_walk(self, table: Table) -> Iterator[tuple[Value, Value]]:
        self.spend(len(table) + 1)
        at = 1.0
        while (value := _get(table, at)) is not None:
            yield at, value
            at += 1.0

    # For the library.

    def to_text(self, value: Value) -> Value:
        """`tostring`."""
        if value.__class__ is bytes:
            return value
        if value.__class__ is float:
            return format_number(value)
        if value is None:
            return b"nil"
        if value is TRUE or value is FALSE:
            return value.name
        handler = self.metamethod(value, b"__tostring")
        if handler is not None:
            return first_of(self.call(handler, value))
        kind = type_name(value).encode()
        return b"userdata: (nil)" if kind == b"userdata" else b"%s: %s" % (kind, address(value))


BOUNDARIES.add(Runtime.call.__code__)


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


def truth(value: Value) -> bool:
    return value is not None and value is not FALSE


def type_error(action: bytes, value: Value, description: bytes) -> LuaError:
    kind = type_name(value).encode()
    if description:
        return LuaError(b"attempt to %s %s (a %s value)" % (action, description, kind))
    return LuaError(b"attempt to %s a %s value" % (action, kind))


def comparison_error(left: Value, right: Value) -> LuaError:
    one, two = type_name(left).encode(), type_name(right).encode()
    if one == two:
        return LuaError(b"attempt to compare two %s values" % one)
    return LuaError(b"attempt to compare %s with %s" % (one, two))


def readonly() -> None:
    raise LuaError(b"Attempt to modify a readonly table")


def nonexistent(name: bytes) -> None:
    raise LuaError(b"Script attempted to access nonexistent global variable '%s'" % name)


def for_number(value: Value, what: bytes) -> float:
    number = to_number(value)
    if number is None:
        raise LuaError(b"'for' %s must be a number" % what)
    return number


def modulo(left: float, right: float) -> float:
    return left - left / right // 1.0 * right


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
    whole = float(math.floor(quotient)) if math.isfinite(quotient) else quotient
    return left - whole * right


def raised(left: float, right: float) -> float:
    """C's pow."""
    try:
        return math.pow(left, right)
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


def concat(*parts: Value) -> bytes:
    """`..`; anything but strings and numbers is a TypeError."""
    try:
        text = b"".join(parts)
    except TypeError:
        text = b"".join([part if part.__class__ is bytes else _number_text(part) for part in parts])
    if len(text) > memory.LARGE:
        memory.check(len(text))
    return text


def _texts(value: Value) -> list[bytes]:
    """The text of a string or a number, and nothing of anything else."""
    return [_FORMAT[value.__class__](value)] if value.__class__ in _FORMAT else []


def _number_text(value: Value) -> bytes:
    if value.__class__ is float:
        return format_number(value)
    raise Slow


# Tables.


def build(items: dict[Value, Value], array_size: int, node_size: int) -> Table:
    """`{...}`, with the sizes that the constructor tells."""
    table = Table(items)
    table.sizes = (array_size, node_size)
    return table


def build_without_nil(items: dict[Value, Value], array_size: int, node_size: int) -> Table:
    for value in items.values():
        if value is None:
            items = {key: value for key, value in items.items() if value is not None}
            break
    table = Table(items)
    table.sizes = (array_size, node_size)
    return table


def build_from_pairs(pairs: list[tuple[Value, Value]], array_size: int, node_size: int) -> Table:
    for key, _ in pairs:
        if key is None:
            raise LuaError(b"table index is nil")
        if key != key:
            raise LuaError(b"table index is NaN")
    return build_without_nil(dict(pairs), array_size, node_size)


def extended(table: Table, count: int, values: tuple[Value, ...]) -> Table:
    """A constructor that ends with several values."""
    named = len(table) - sum(float(at) in table for at in range(1, count + 1)) if table.sizes[1] else 0
    for at, value in enumerate(values, count + 1):
        if value is not None:
            dict.__setitem__(table, float(at), value)
    table.extended_to = count + len(values)
    table.extended_after = named
    table.sizes = (count, table.sizes[1])
    return table


def argument_table(values: tuple[Value, ...]) -> Table:
    """`arg`, as Lua 5.0 had it."""
    table = array(list(values)) if None not in values else extended(Table(), 0, values)
    dict.__setitem__(table, b"n", float(len(values)))
    table.sizes = (len(values), 1)
    return table

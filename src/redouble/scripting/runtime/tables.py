"""Indexing, and constructors."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType

from redouble.scripting.errors import LuaError, Slow, type_error
from redouble.scripting.layout import Layout
from redouble.scripting.runtime.calls import Calls, first_of
from redouble.scripting.table import SpecialTable, Table, array, length, next_key, order, raw_set
from redouble.scripting.values import Value

__all__ = [
    "Tables",
    "argument_table",
    "build",
    "extended",
    "nonexistent",
    "readonly",
]

_get = dict.get


class Tables(Calls):
    """What is done with tables."""

    def __init__(self, string_hash: Callable[[bytes], int]) -> None:
        super().__init__()
        self.string_hash = string_hash
        self.strings: Table = Table()
        """The library `string`, in which methods of strings are found."""

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
                handler = self.metamethod(table, b"__index")
                if handler is None:
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
                    if handler is not None and not table.read_only:  # Lua has made a place for the key by then
                        self.raw_set(table, key, None, 1)
                if handler is None:
                    if table.read_only:
                        raise LuaError(b"Attempt to modify a readonly table")
                    self.raw_set(table, key, value, 1)
                    return
            else:
                handler = self.metamethod(table, b"__newindex")
                if handler is None:
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

    def build_without_nil(self, items: dict[Value, Value], array_size: int, node_size: int) -> Table:
        """`{...}` of values that may be nil."""
        if None not in items.values():
            return build(items, array_size, node_size)
        table = build({key: value for key, value in items.items() if value is not None}, array_size, node_size)
        if node_size:  # a key with nil has its place all the same
            layout = table.layout = Layout(self.string_hash, array_size, node_size)
            for key, value in items.items():
                layout.set(key, value is not None)
            table.__class__ = SpecialTable
            table.tracked = True
        return table

    def build_from_pairs(self, pairs: list[tuple[Value, Value]], array_size: int, node_size: int) -> Table:
        for key, _ in pairs:
            if key is None:
                raise LuaError(b"table index is nil")
            if key != key:
                raise LuaError(b"table index is NaN")
        return self.build_without_nil(dict(pairs), array_size, node_size)

    def order(self, table: Table) -> list[Value]:
        return order(table, self.string_hash)

    def border(self, table: Table) -> int:
        return length(table, self.string_hash)

    def next_key(self, table: Table, key: Value) -> Value:
        return next_key(table, key, self.string_hash)

    def length(self, value: Value, description: bytes = b"") -> Value:
        if value.__class__ is bytes:
            return float(len(value))
        if isinstance(value, Table):
            return float(length(value, self.string_hash))
        raise type_error(b"get length of", value, description)


def readonly(_: bytes) -> None:
    """A global variable is given a value."""
    raise LuaError(b"Attempt to modify a readonly table")


def nonexistent(name: bytes) -> None:
    raise LuaError(b"Script attempted to access nonexistent global variable '%s'" % name)


def build(items: dict[Value, Value], array_size: int, node_size: int) -> Table:
    """`{...}`, with the sizes that the constructor tells."""
    table = Table(items)
    table.sizes = (array_size, node_size)
    return table


def extended(table: Table, count: int, values: tuple[Value, ...]) -> Table:
    """A constructor that ends with several values."""
    named = len(table) - sum(float(at) in table for at in range(1, count + 1)) if table.sizes[1] else 0
    for at, value in enumerate(values, count + 1):
        if value is not None:
            dict.__setitem__(table, float(at), value)
        elif named:  # `{[2] = 1, f()}`: nil takes the place of what stood there
            table.pop(float(at), None)
    if table.layout is not None:  # it has keys with nil
        table.layout.grow_array(count + len(values))
        for at, value in enumerate(values, count + 1):
            table.layout.set(float(at), value is not None)
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

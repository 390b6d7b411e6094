"""Lua's table is a dict, so that the usual access costs what Python's does.

A plain `Table` never lost a key.  One that did, or that has a metatable, or is read-only, becomes a `SpecialTable`: the
same object with another class, which looks closer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from redouble.scripting.errors import Slow
from redouble.scripting.layout import Layout
from redouble.scripting.values import Value

__all__ = ["SpecialTable", "Table", "array", "layout_of", "length", "next_key", "order", "raw_set", "track"]

StringHash = Callable[[bytes], int]

_get = dict.get
_set = dict.__setitem__


class Table(dict[Any, Any]):
    """A table without peculiarities."""

    meta: Table | None = None
    read_only = False
    tracked = False
    """Whether each new key and each nil is told to `layout`."""
    border = 0
    """1 to this are there."""
    sizes: tuple[int, int] = (0, 0)
    """What a constructor told: items without and with a key."""
    extended_to = 0
    """How long a constructor with an open end became ..."""
    extended_after = 0
    """... after so many keys."""
    layout: Layout | None = None
    walk: tuple[object, list[Value], dict[Value, int]] | None = None
    """The order of `next`, with where each key stands in it, and for what it holds."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def __missing__(self, key: Value) -> None:
        return None


class SpecialTable(Table):
    """Its operators do what needs no code of the script, and leave the rest to the runtime (`Slow`)."""

    def __getitem__(self, key: Value) -> Value:
        value = _get(self, key)
        if value is not None or self.meta is None:
            return value
        meta: Table | None = self.meta
        for _ in range(100):
            handler = _get(meta, b"__index")  # type: ignore[arg-type]
            if handler is None:
                return None
            if not isinstance(handler, Table):
                raise Slow
            value = _get(handler, key)
            if value is not None:
                return value
            meta = handler.meta
            if meta is None:
                return None
        raise Slow

    def __setitem__(self, key: Value, value: Value) -> None:
        if self.read_only or (
            self.meta is not None and _get(self.meta, b"__newindex") is not None and _get(self, key) is None
        ):
            raise Slow
        if self.tracked and key not in self:
            assert self.layout is not None
            self.layout.set(key, True)
        _set(self, key, value)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, SpecialTable) and self.meta is not None and _get(self.meta, b"__eq") is not None:
            raise Slow
        return False


def array(values: list[Value]) -> Table:
    """A table with `values` at 1, 2, 3 ...; none of them is nil."""
    table = Table()
    place = 1.0
    for value in values:  # x0.6 of what `zip` takes for two values, and the same for fifty
        table[place] = value
        place += 1.0
    return table


def layout_of(table: Table, string_hash: StringHash) -> Layout:
    """The layout of a table, up to date."""
    layout = table.layout
    if layout is None:
        layout = table.layout = Layout(string_hash, *table.sizes)
        if table.extended_to:
            for key in islice(table, table.extended_after):
                layout.set(key, True)
            layout.seen = table.extended_after
            layout.grow_array(table.extended_to)
    if not table.tracked:
        missing = len(table) - layout.seen
        if missing:
            # No key ever went, so the new ones are the last.
            keys: Iterator[Value] = reversed(table)
            for key in [next(keys) for _ in range(missing)][::-1]:
                layout.set(key, True)
            layout.seen = len(table)
    return layout


def track(table: Table, string_hash: StringHash) -> None:
    """From now on keys may go."""
    if not table.tracked:
        layout_of(table, string_hash)
        table.__class__ = SpecialTable
        table.tracked = True


def raw_set(table: Table, key: Value, value: Value, string_hash: StringHash) -> None:
    """Store without a look at metatables; the key is neither nil nor nan."""
    if value is None:
        track(table, string_hash)
        assert table.layout is not None
        table.layout.set(key, False)
        table.pop(key, None)
        return
    if table.tracked and key not in table:
        assert table.layout is not None
        table.layout.set(key, True)
    _set(table, key, value)


def length(table: Table, string_hash: StringHash) -> int:
    """`#table`."""
    if table.tracked:
        assert table.layout is not None
        return table.layout.border()
    count = len(table)
    border = table.border
    if border == count:
        return border
    while float(border + 1) in table:
        border += 1
    table.border = border
    return border if border == count else layout_of(table, string_hash).border()


def order(table: Table, string_hash: StringHash) -> list[Value]:
    """The keys, in the order of `next`; of a tracked table some may hold nil."""
    if not table.tracked:
        count = len(table)
        border = table.border
        while float(border + 1) in table:
            border += 1
        table.border = border
        if border == count and not table.sizes[1]:
            return [float(at) for at in range(1, count + 1)]
    return layout_of(table, string_hash).order()


def _place_in_array(table: Table, key: Value, string_hash: StringHash) -> int:
    """Where the walk goes on after a place of the array part that holds nil."""
    array_part = layout_of(table, string_hash).array
    if key.__class__ is not float or not 1 <= key <= len(array_part) or not key.is_integer():
        raise KeyError(key)
    return sum(array_part[: int(key)])


def next_key(table: Table, key: Value, string_hash: StringHash) -> Value:
    """The key after `key` (nil: the first); raises KeyError for one that is not there."""
    version: object = table.layout.version if table.tracked and table.layout is not None else len(table)
    walk = table.walk
    if walk is None or walk[0] != version or (table.tracked and key is None):
        keys = order(table, string_hash)
        walk = table.walk = (version, keys, {one: at for at, one in enumerate(keys)})
    _, keys, places = walk
    start = 0 if key is None else places[key] + 1 if key in places else _place_in_array(table, key, string_hash)
    for at in range(start, len(keys)):
        if _get(table, keys[at]) is not None:
            return keys[at]
    return None

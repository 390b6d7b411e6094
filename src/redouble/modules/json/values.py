"""What documents are made of: Python's values (reader.py), and what can be done with them."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any, Final

from redouble.modules.json.reader import Value

__all__ = [
    "NAMES",
    "Object",
    "copy",
    "equal",
    "kind",
    "memory",
    "merged",
    "same",
    "without",
]


class Object(dict[str, Value]):
    """An object from which keys were removed: the last key takes the place of one that goes (as in ijson).

    What was never removed from is a dictionary, which has no way to do so.
    """

    __slots__ = ("order", "places")

    def __init__(self, items: dict[str, Value]) -> None:
        super().__init__(items)
        self.order = list(items)
        self.places = {key: place for place, key in enumerate(self.order)}

    def __setitem__(self, key: str, value: Value) -> None:
        if key not in self:
            self.places[key] = len(self.order)
            self.order.append(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        """O(1)."""
        super().__delitem__(key)
        place = self.places.pop(key)
        last = self.order.pop()
        if last != key:
            self.order[place] = last
            self.places[last] = place

    def __iter__(self) -> Iterator[str]:
        return iter(self.order)

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # not dict's own views, which know another order
        return KeysView(self)

    def values(self) -> ValuesView[Value]:  # type: ignore[override]
        return ValuesView(self)

    def items(self) -> ItemsView[str, Value]:  # type: ignore[override]
        return ItemsView(self)

    def check(self) -> None:
        assert len(self) == len(self.order) == len(self.places)
        assert all(key in self and self.places[key] == place for place, key in enumerate(self.order))


def without(object: dict[str, Value], key: str) -> dict[str, Value]:
    """An object after `key` was removed: the same, or at the first time that its order shows it an `Object` in its place."""
    if type(object) is dict and next(reversed(object)) != key:
        object = Object(object)
    del object[key]
    return object


NAMES: Final[dict[type[Any], str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    Object: "object",
}
"""JSON.TYPE, by the type of the value."""


def kind(value: Value) -> str:
    """JSON.TYPE."""
    return NAMES[type(value)]


def copy(value: Value) -> Value:
    """One that shares nothing that can change."""
    if type(value) is list:
        return [copy(item) if type(item) in _CONTAINERS else item for item in value]
    if isinstance(value, dict):
        items = {key: copy(item) if type(item) in _CONTAINERS else item for key, item in value.items()}
        return items if type(value) is dict else Object(items)
    return value


_CONTAINERS: Final = frozenset((list, dict, Object))


def equal(one: Value, other: Value) -> bool:
    """Whether two values are the same; an integer may be the same as a float (filters)."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and len(one) == len(other)
            and all(key in other and equal(item, other[key]) for key, item in one.items())
        )
    if type(one) is list:
        return type(other) is list and len(one) == len(other) and all(map(equal, one, other))
    return (type(one) is bool) == (type(other) is bool) and bool(one == other)


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same, also in their kinds (JSON.ARRINDEX)."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and len(one) == len(other)
            and all(key in other and same(item, other[key]) for key, item in one.items())
        )
    if type(one) is list:
        return type(other) is list and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def merged(target: Value, patch: Value) -> Value:
    """`target`, which is changed, after a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return copy(patch)
    if not isinstance(target, dict):
        target = {}
    for key, item in patch.items():
        if item is None:
            if key in target:
                target = without(target, key)
        else:
            target[key] = merged(target.get(key), item)
    return target


def memory(value: Value) -> int:
    """The bytes that a value takes, as JSON.DEBUG MEMORY counts them."""
    kind = type(value)
    if kind is int:
        return 8 if -128 <= value <= 383 else 12 if -8_388_608 < value <= 8_388_607 else 24
    if kind is float:
        return 24
    if kind is str:
        return 8 + len(value.encode())
    if kind is list:
        return 8 + (8 * (_capacity(len(value)) + 2) + sum(map(memory, value)) if value else 0)
    if isinstance(value, dict):
        inside = sum(len(key.encode()) + memory(item) for key, item in value.items())
        return 8 + (8 * (3 * _capacity(len(value)) + 2) + inside if value else 0)
    return 8


def _capacity(length: int) -> int:
    """How many items there is room for: it is doubled when there is none, and was 4 at first."""
    return max(4, 1 << (length - 1).bit_length())

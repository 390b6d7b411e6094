"""A document: the value of a key, and what is done at places in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from redouble.modules.json.path import Place, keys_of
from redouble.modules.json.reader import Value
from redouble.modules.json.values import NAMES, Object, copy, kind, memory, without
from redouble.modules.json.writer import text_of
from redouble.resp.reply import CommandError
from redouble.types.module_value import ModuleValue

__all__ = ["DEEPEST", "Document"]

DEEPEST: Final = 128
"""So many keys lead to a place at most that can be changed: values are walked through by functions that call themselves."""


class Document(ModuleValue):
    """A JSON value.

    Places are walked to from the root each time: what was done at one may have moved another, or removed it.
    """

    __slots__ = ("root",)

    type_name = b"ReJSON-RL"
    can_be_copied = True

    def __init__(self, root: Value) -> None:
        self.root = root

    def update(self, place: Place, function: Callable[[Value], Value]) -> bool:
        """Put what `function` makes of the value at a place there; False if nothing is."""
        if place is None:
            self.root = function(self.root)
            return True
        keys = keys_of(place)
        holder = self._walk(keys[:-1])
        key = _key(holder, keys[-1])
        if key is None:
            return False
        holder[key] = function(holder[key])
        return True

    def is_packed(self, place: Place) -> bool:
        """Whether the value at a place is in an array of numbers alone, all integers or all floats."""
        if place is None:
            return False
        holder = self._walk(keys_of(place[0]))
        if type(holder) is not list or _key(holder, place[1]) is None:
            return False
        kinds = set(map(type, holder))
        return kinds == {int} or kinds == {float}

    def put(self, place: Place, value: Value) -> bool:
        """Put a value in the place of another; False if there is none."""
        return self.update(place, lambda _: value)

    def add(self, place: Place, key: str, value: Value) -> bool:
        """Give the object at a place a new member; False if it has one of that name, or nothing there is an object."""
        holder = self._walk(keys_of(place))
        if not isinstance(holder, dict) or key in holder:
            return False
        holder[key] = value
        return True

    def remove(self, place: Place) -> bool:
        """Remove what is at a place; False if nothing is, or it is the root."""
        if place is None:
            return False
        keys = keys_of(place)
        holder = self._walk(keys[:-1])
        key = _key(holder, keys[-1])
        if key is None:
            return False
        if type(key) is int:
            del holder[key]
        else:
            left = without(holder, str(key))
            if left is not holder:
                self._store(keys[:-1], left)
        return True

    def _walk(self, keys: list[str | int]) -> Value:
        """What the keys lead to; None if they lead nowhere."""
        if len(keys) > DEEPEST:
            raise CommandError("ERR recursion limit exceeded")
        value = self.root
        for key in keys:
            found = _key(value, key)
            if found is None:
                return None
            value = value[found]
        return value

    def _store(self, keys: list[str | int], value: Value) -> None:
        if keys:
            holder = self._walk(keys[:-1])
            holder[_key(holder, keys[-1])] = value
        else:
            self.root = value

    def copy(self) -> Document:
        return Document(copy(self.root))

    def memory_usage(self) -> int:
        return memory(self.root)

    def describe(self) -> Iterator[str]:
        text = text_of(self.root)
        yield f"{kind(self.root)} {text if len(text) <= 500 else f'{text[:500]}...'}"

    def check(self) -> None:
        waiting = [self.root]
        while waiting:
            value = waiting.pop()
            assert type(value) in NAMES
            if type(value) is int:
                assert -(1 << 63) <= value < 1 << 64
            elif type(value) is float:
                assert value - value == 0
            elif type(value) is list:
                waiting += value
            elif isinstance(value, dict):
                assert all(type(key) is str for key in value)
                waiting += value.values()
                if type(value) is Object:
                    value.check()


def _key(holder: Value, key: str | int) -> str | int | None:
    """A key of what holds it, as that has it; None if it has not."""
    if type(holder) is list:
        return key if type(key) is int and key < len(holder) else None
    key = str(key)
    return key if isinstance(holder, dict) and key in holder else None

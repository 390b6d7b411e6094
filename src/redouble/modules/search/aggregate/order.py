"""The orders in which the real module lists groups, distinct values, and rows of which none comes first: nobody promised them, but
clients see them.

"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from redouble.modules.search.aggregate.values import Value, hash_value

__all__ = ["Heap", "ValueSet", "listed"]


def _short(key: int) -> int:
    return (key >> 33 ^ key ^ key << 11) & 0xFFFFFFFF


def listed(hashes: Sequence[int]) -> list[int]:
    """The indexes of the hashes, none of which comes twice, as a table with quadratic probing (khash) lists them.  O(number of hashes)."""
    shorts = [_short(key) for key in hashes]
    slots: list[int] = []
    bound = 0
    for index, short in enumerate(shorts):
        if index >= bound:
            slots = _grown(slots, shorts)
            bound = int(len(slots) * 0.77 + 0.5)
        slots[_free(slots, short)] = index
    return [index for index in slots if index >= 0]


def _free(slots: list[int], short: int) -> int:
    mask = len(slots) - 1
    at, step = short & mask, 0
    while slots[at] >= 0:
        step += 1
        at = (at + step) & mask
    return at


def _grown(slots: list[int], shorts: list[int]) -> list[int]:
    """Twice the size; who finds a place where another has yet to move takes it, and that one moves next."""
    old = list(slots)
    new = [-1] * max(4, 2 * len(old))
    for start in range(len(old)):
        index, old[start] = old[start], -1
        while index >= 0:
            at = _free(new, shorts[index])
            new[at] = index
            index = -1
            if at < len(old):
                index, old[at] = old[at], -1
    return new


class ValueSet:
    """Distinct values, listed as a Redis dict lists them: chains, in a table that grows chain by chain."""

    __slots__ = ("known", "large", "left", "moved", "small")

    def __init__(self) -> None:
        self.known: dict[Any, tuple[Value, int]] = {}
        """The values and their hashes."""
        self.small: list[list[Any]] = [[], [], [], []]
        self.large: list[list[Any]] = []
        """Where the chains are moving to, empty if they do not."""
        self.moved = self.left = 0
        """How many chains have moved, and how many values have not."""

    def add(self, value: Value) -> None:
        """O(1), and a chain that moves."""
        if self.large:
            self._move()
        if not self.large and len(self.known) >= len(self.small):  # whether it is new or not
            self.large = [[] for _ in range(1 << (2 * len(self.known) - 1).bit_length())]
            self.left = len(self.known)
        key = repr(value) if isinstance(value, list) else value
        if key in self.known:
            return
        hash = hash_value(value, 0)
        self.known[key] = value, hash
        table = self.large or self.small
        table[hash & (len(table) - 1)].insert(0, key)

    def _move(self) -> None:
        """One chain goes to the larger table, unless ten empty ones stand before it."""
        for _ in range(10):
            if self.small[self.moved]:
                break
            self.moved += 1
        else:
            return
        for key in self.small[self.moved]:
            self.large[self.known[key][1] & (len(self.large) - 1)].insert(0, key)
        self.left -= len(self.small[self.moved])
        self.small[self.moved] = []
        self.moved += 1
        if not self.left:
            self.small, self.large, self.moved = self.large, [], 0

    def values(self) -> list[Value]:
        return [self.known[key][0] for table in (self.small, self.large) for chain in table for key in chain]


T = TypeVar("T")


class Heap(Generic[T]):
    """A min-max heap (Atkinson and others, 1986) of the greatest rows.  It decides the order of those that compare as equals."""

    def __init__(self, compare: Callable[[T, T], int], size: int) -> None:
        self.compare = compare
        self.size = max(size, 2)
        self.items: list[Any] = [None]
        """From 1 on; even levels hold minima, odd ones maxima."""

    def sort(self, rows: Sequence[T]) -> list[T]:
        """The greatest of the rows, which come first."""
        for row in rows:
            if len(self.items) <= self.size:
                self.items.append(row)
                self._rise(len(self.items) - 1)
            elif self.compare(row, self.items[1]) > 0:
                self.items[1] = row
                self._sink(1)
        return [self._pop() for _ in range(len(self.items) - 1)]

    def _is_past(self, at: int, other: int, sign: int) -> bool:
        return self.compare(self.items[at], self.items[other]) * sign > 0

    def _swap(self, at: int, other: int) -> None:
        self.items[at], self.items[other] = self.items[other], self.items[at]

    def _rise(self, at: int) -> None:
        sign = _sign(at)
        parent = at // 2
        if parent and self._is_past(at, parent, -sign):
            self._swap(at, parent)
            at, sign = parent, -sign
        while at // 4 and self._is_past(at, at // 4, sign):
            self._swap(at, at // 4)
            at //= 4

    def _sink(self, at: int) -> None:
        sign = _sign(at)
        while 2 * at < len(self.items):
            below = [2 * at, 2 * at + 1, *range(4 * at, 4 * at + 4)]
            best = below[0]
            for each in below[1:]:
                if each < len(self.items) and self._is_past(each, best, sign):
                    best = each
            if not self._is_past(best, at, sign):
                return
            self._swap(at, best)
            if best <= 2 * at + 1:
                return
            if self._is_past(best, best // 2, -sign):
                self._swap(best, best // 2)
            at = best

    def _pop(self) -> T:
        """Take the greatest out."""
        items = self.items
        if len(items) <= 3:
            return items.pop()  # type: ignore[no-any-return]
        at = 3 if self.compare(items[2], items[3]) < 0 else 2
        greatest: T = items[at]
        last = items.pop()
        if at < len(items):
            items[at] = last
            self._sink(at)
        return greatest


def _sign(at: int) -> int:
    """-1 on a level of minima, 1 on one of maxima."""
    return -1 if at.bit_length() % 2 else 1

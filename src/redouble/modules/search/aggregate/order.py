"""The order in which the real module's hash tables list groups and distinct values: nobody promised it, but clients see it.

"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redouble.modules.search.aggregate.values import Value, hash_value

__all__ = ["ValueSet", "listed"]


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
        key = repr(value) if isinstance(value, list) else value
        if key in self.known:
            return
        hash = hash_value(value, 0)
        if not self.large and len(self.known) >= len(self.small):
            self.large = [[] for _ in range(1 << (2 * len(self.known) - 1).bit_length())]
            self.left = len(self.known)
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

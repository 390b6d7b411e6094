"""Where Lua's own table would keep each key: that decides the order of `pairs` and the border that `#` finds.

A `Layout` replays the keys of a Table in the order of their arrival (ltable.c: an array part, and nodes with chains of
collisions whose free places are given out from the end), so both come out as on the real server.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from redouble.scripting.values import TRUE, Boolean, Value

__all__ = ["Layout"]

MAX_ARRAY = 1 << 26
_MASK = 0xFFFFFFFF


def _rounded(size: int) -> int:
    """A size as the instruction NEWTABLE can tell it: three bits and an exponent, rounded up."""
    exponent = 0
    while size >= 16:
        size = (size + 1) >> 1
        exponent += 1
    return size << exponent


def _array_index(key: Value) -> int:
    """The place of a key that may be in an array part, else 0."""
    return int(key) if key.__class__ is float and 1 <= key <= MAX_ARRAY and key.is_integer() else 0


class Layout:
    """The keys of one table.  `seen` counts those that were replayed."""

    __slots__ = ("alive", "array", "free", "hash", "index", "keys", "links", "seen", "size", "version")

    def __init__(self, string_hash: Callable[[bytes], int], array: int = 0, nodes: int = 0) -> None:
        self.hash = string_hash
        self.array = bytearray(_rounded(array))
        """1 where the array part has a value."""
        self.seen = 0
        self.version = 0
        self._make_nodes(_rounded(nodes))

    def _make_nodes(self, count: int) -> None:
        self.size = 1 << (count - 1).bit_length() if count else 0
        self.keys: list[Any] = [None] * self.size
        self.links = [-1] * self.size
        self.alive = bytearray(self.size)
        self.index: dict[Any, int] = {}
        self.free = self.size

    def grow_array(self, count: int) -> None:
        """A constructor that ends with a call or `...` knows then how long the array is."""
        if count > len(self.array):
            self._resize(count, sum(self.alive) if self.size else 0, self.size)

    def set(self, key: Value, alive: bool) -> None:
        """A value is stored at `key`; not alive: nil."""
        at = _array_index(key)
        if 0 < at <= len(self.array):
            self.array[at - 1] = alive
            return
        node = self.index.get(key)
        if node is None:
            node = self._new_key(key)
            if node < 0:  # it moved to the array part
                self.array[-node - 1] = alive
                return
        self.alive[node] = alive

    def _main_position(self, key: Value) -> int:
        kind = key.__class__
        if kind is bytes:
            return self.hash(key) & (self.size - 1)
        if kind is float:
            if key == 0:
                return 0
            low, high = struct.unpack("<II", struct.pack("<d", key))
            return int(((low + high) & _MASK) % ((self.size - 1) | 1))
        if kind is Boolean:
            return int(key is TRUE) & (self.size - 1)
        return (id(key) >> 4 & _MASK) % ((self.size - 1) | 1)

    def _new_key(self, key: Value) -> int:
        """Give a key its node; minus its place if it goes to the array part."""
        self.version += 1
        if not self.size:
            return self._rehash(key)
        position = self._main_position(key)
        if self.alive[position]:
            free = self._free_position()
            if free < 0:
                return self._rehash(key)
            other = self._main_position(self.keys[position])
            if other != position:  # the one in our place does not belong there
                while self.links[other] != position:
                    other = self.links[other]
                self.links[other] = free
                self.keys[free] = self.keys[position]
                self.links[free] = self.links[position]
                self.alive[free] = 1
                self.index[self.keys[free]] = free
                self.links[position] = -1
            else:
                self.links[free] = self.links[position]
                self.links[position] = free
                position = free
        elif self.keys[position] is not None:
            self.index.pop(self.keys[position], None)
        self.keys[position] = key
        self.alive[position] = 1
        self.index[key] = position
        return position

    def _free_position(self) -> int:
        while self.free > 0:
            self.free -= 1
            if self.keys[self.free] is None:
                return self.free
        return -1

    def _rehash(self, key: Value) -> int:
        """No node is free: count what there is, and choose both sizes anew."""
        counts = [0] * 28  # how many keys there are in 2**(i-1) < key <= 2**i
        integers = total = 0
        for at, alive in enumerate(self.array, 1):
            if alive:
                counts[(at - 1).bit_length()] += 1
                integers += 1
        total = integers
        for node in range(self.size):
            if self.alive[node]:
                total += 1
                at = _array_index(self.keys[node])
                if at:
                    counts[(at - 1).bit_length()] += 1
                    integers += 1
        at = _array_index(key)
        if at:
            counts[(at - 1).bit_length()] += 1
            integers += 1
        total += 1
        size = in_array = seen = 0
        power = 0
        while (1 << power) >> 1 < integers:
            if counts[power]:
                seen += counts[power]
                if seen > (1 << power) >> 1:
                    size, in_array = 1 << power, seen
            if seen == integers:
                break
            power += 1
        self._resize(size, total - in_array, -1)
        at = _array_index(key)
        if 0 < at <= len(self.array):
            return -at
        return self._new_key(key)

    def _resize(self, array: int, count: int, nodes: int) -> None:
        old_keys, old_alive, old_array = self.keys, self.alive, self.array
        self.array = old_array[:array] + bytearray(max(0, array - len(old_array)))
        self._make_nodes(count if nodes < 0 else nodes)
        for at in range(array, len(old_array)):
            if old_array[at]:
                self.set(float(at + 1), True)
        for node in range(len(old_keys) - 1, -1, -1):
            if old_alive[node]:
                self.set(old_keys[node], True)
        self.version += 1

    def order(self) -> list[Value]:
        """All keys in the order of `next`; those that hold nil by now among them."""
        found: list[Value] = [float(at) for at, alive in enumerate(self.array, 1) if alive]
        found += [key for key in self.keys if key is not None]
        return found

    def border(self) -> int:
        """An n with a value at n and nil at n + 1."""
        array = self.array
        high = len(array)
        if high and not array[high - 1]:
            low = 0
            while high - low > 1:
                middle = (low + high) // 2
                if array[middle - 1]:
                    low = middle
                else:
                    high = middle
            return low
        if not self.size:
            return high
        low, high = high, high + 1
        while self._has(high):
            low = high
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            if self._has(middle):
                low = middle
            else:
                high = middle
        return low

    def _has(self, at: int) -> bool:
        if at <= len(self.array):
            return bool(self.array[at - 1])
        node = self.index.get(float(at))
        return node is not None and bool(self.alive[node])

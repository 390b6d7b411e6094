"""The count-min sketch (Cormode, Muthukrishnan 2005): how often each item came, never too low."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import add

from redouble.modules.bloom.memory import LARGEST, NoMemory
from redouble.modules.bloom.murmur import murmur_hash_2
from redouble.types.module_value import ModuleValue

__all__ = ["LARGEST_COUNT", "CountMinSketch", "dimensions"]

LARGEST_COUNT = 0xFFFFFFFF
"""Of a counter: that much, or more."""
_INT64_MAX = (1 << 63) - 1


class CountMinSketch(ModuleValue):
    """`depth` rows of `width` counters of 32 bits; in each row an item has one of them, chosen by a hash."""

    __slots__ = ("count", "counters", "depth", "width")

    type_name = b"CMSk-TYPE"

    def __init__(self, width: int, depth: int) -> None:
        """Raises NoMemory."""
        if 4 * width * depth > LARGEST:
            raise NoMemory
        self.width = width
        self.depth = depth
        self.counters = array("I", (0,)) * (width * depth)
        """Row by row."""
        self.count = 0
        """Of all that was ever added, modulo 2**64."""

    def _places(self, item: bytes) -> Iterator[int]:
        width = self.width
        return (row * width + murmur_hash_2(item, row) % width for row in range(self.depth))

    def increase(self, item: bytes, amount: int) -> int:
        """Count an item and tell how often it came at most; LARGEST_COUNT: too often.  O(depth)."""
        counters = self.counters
        least = LARGEST_COUNT
        for place in self._places(item):
            sum = counters[place] + amount & LARGEST_COUNT
            counters[place] = sum = sum if sum >= amount else LARGEST_COUNT
            least = min(least, sum)
        self.count = self.count + amount & 0xFFFFFFFFFFFFFFFF
        return least

    def query(self, item: bytes) -> int:
        """How often an item came at most.  O(depth)."""
        return min(self.counters[place] for place in self._places(item))

    def merge(self, sources: Sequence[CountMinSketch], weights: Sequence[int]) -> bool:
        """Become the weighted sum of sketches of the same size; False if a counter would be negative or too large.

        O(width * depth * sources).
        """
        sums: Iterable[int] = repeat(0, len(self.counters))
        total = 0
        for source, weight in zip(sources, weights):
            sums = map(add, sums, source.counters if weight == 1 else map(weight.__mul__, source.counters))
            total += (source.count - (1 << 64) if source.count >> 63 else source.count) * weight
        try:
            counters = array("I", list(sums))
        except OverflowError:
            return False
        if not 0 <= total <= _INT64_MAX:
            return False
        self.counters = counters
        self.count = total
        return True

    def copy(self) -> CountMinSketch:
        other = CountMinSketch.__new__(CountMinSketch)
        other.width, other.depth, other.count, other.counters = self.width, self.depth, self.count, self.counters[:]
        return other

    def memory_usage(self) -> int:
        return 8 + 8 * len(self.counters)

    def describe(self) -> Iterator[str]:
        yield f"{self.width} x {self.depth}, {self.count} counted"

    def check(self) -> None:
        assert len(self.counters) == self.width * self.depth > 0


def dimensions(overestimation: float, probability: float) -> tuple[int, int]:
    """The width and depth of a sketch whose answers exceed the truth by more than `overestimation` times the count of all
    with at most this probability."""
    return math.ceil(min(2 / overestimation, 1e300)), math.ceil(math.log10(probability) / math.log10(0.5))

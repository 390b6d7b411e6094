"""HeavyKeeper (Gong and others, 2018): the k items that came most often, and about how often."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from redouble.modules.bloom.murmur import murmur_hash_2
from redouble.types.module_value import ModuleValue

__all__ = ["LARGEST_INCREMENT", "Entry", "TopK"]

LARGEST_INCREMENT = 100_000
_FINGERPRINT_SEED = 1919
_MASK = 0xFFFFFFFF


class Entry(NamedTuple):
    """A place of the list that is or was taken."""

    fingerprint: int
    length: int
    """That the item has, or had: a file keeps of it what comes before the first zero byte."""
    item: bytes | None
    """None: it was read from a file, which does not tell the empty item from none."""
    hits: int

    def is_whole(self) -> bool:
        return self.length == len(self.item or b"")


class TopK(ModuleValue):
    """`depth` rows of `width` buckets, each of which counts one item at a time, and a heap of the `k` largest counts.

    An item has one bucket in each row.  If another one sits in it, each arrival makes that one's count smaller with a probability of
    `decay ** count`; at zero the bucket is taken over.  Only what is not empty takes memory.
    """

    __slots__ = ("buckets", "decay", "depth", "heap", "k", "places", "was_loaded", "width")

    type_name = b"TopK-TYPE"

    def __init__(self, k: int, width: int = 8, depth: int = 7, decay: float = 0.9) -> None:
        self.k = k
        self.width = width
        self.depth = depth
        self.decay = decay
        self.buckets: dict[int, tuple[int, int]] = {}
        """Number of the bucket, row by row, to its fingerprint and count."""
        self.heap: dict[int, Entry] = {}
        """Number of the place; no count is larger than those at 2 * place + 1 and + 2, unless these have become smaller since."""
        self.places: dict[bytes, int] = {}
        """Where in the heap an item is."""
        self.was_loaded = False
        """From a file or by RESTORE."""

    def add(self, item: bytes, increment: int, random: Random | None) -> bytes | None:
        """Count an item, and tell which one it drove from the list; without chance nothing decays.

        O(depth + log k), and what the decay takes.
        """
        fingerprint = murmur_hash_2(item, _FINGERPRINT_SEED)
        most = 0
        for number in self._numbers(item):
            owner, count = self.buckets.get(number, (0, 0))
            if count and owner != fingerprint:
                count, left = self._decayed(count, increment, random) if random else (count, 0)
                if count:
                    self.buckets[number] = owner, count
                    continue
                count = left
            else:
                count = count + increment & _MASK
            self.buckets[number] = fingerprint, count
            most = max(most, count)
        return self._rank(Entry(fingerprint, len(item), item, most)) if most >= self._count_at(0) else None

    def _numbers(self, item: bytes) -> Iterator[int]:
        """The buckets of an item."""
        width = self.width
        return (row * width + murmur_hash_2(item, row) % width for row in range(self.depth))

    def _decayed(self, count: int, arrivals: int, random: Random) -> tuple[int, int]:
        """What others' arrivals leave of a count, and how many of them are left when it is zero, with the one that did it.

        The arrivals without effect are not tried one by one: how many come before the next success is distributed geometrically.
        """
        while count and arrivals > 0:
            chance = self.decay**count
            if chance < 1:
                failures = _quotient(math.log(1 - random.random()), math.log1p(-chance))
                if failures >= arrivals:
                    break
                arrivals -= int(failures)
            count -= 1
            if count:
                arrivals -= 1
        return count, arrivals

    def _rank(self, entry: Entry) -> bytes | None:
        """Put an item where its new count belongs; the one that gives way, if there was one."""
        assert entry.item is not None
        place = self.places.get(entry.item)
        if place is not None:
            self._sink(place, entry)
            return None
        expelled = self.heap.get(0)
        if expelled is not None and expelled.is_whole():
            del self.places[expelled.item or b""]
        self._sink(0, entry)
        return expelled and expelled.item

    def _count_at(self, place: int) -> int:
        entry = self.heap.get(place)
        return entry.hits if entry is not None else 0

    def _sink(self, place: int, entry: Entry) -> None:
        """Put an entry into a place or, if it is too large for that, further down; an equal one below is no reason to stay."""
        k = self.k
        start = place
        while (child := 2 * place + 1) < k:
            count = self._count_at(child)
            if child + 1 < k and count > (next_count := self._count_at(child + 1)):
                child, count = child + 1, next_count
            if count > entry.hits or (count == entry.hits and place != start):
                break
            self._set(place, self.heap.get(child))
            place = child
        self._set(place, entry)

    def _set(self, place: int, entry: Entry | None) -> None:
        if entry is None:
            self.heap.pop(place, None)
            return
        self.heap[place] = entry
        if entry.is_whole():
            self.places[entry.item or b""] = place

    def __contains__(self, item: bytes) -> bool:
        return item in self.places

    def query(self, item: bytes) -> int:
        """How often an item came, about.  O(depth)."""
        fingerprint = murmur_hash_2(item, _FINGERPRINT_SEED)
        least = self._count_at(0) if item in self.places else 0
        buckets = (self.buckets.get(number, (0, 0)) for number in self._numbers(item))
        return max((count for owner, count in buckets if owner == fingerprint and count >= least), default=0)

    def items(self) -> list[tuple[bytes, int]]:
        """The items of the list and their counts, from the largest.  O(k log k)."""
        entries = [self.heap[place] for place in sorted(self.heap)]
        entries.sort(key=lambda entry: -entry.hits)
        return [(entry.item or b"", entry.hits) for entry in entries if entry.hits]

    def copy(self) -> TopK:
        other = TopK(self.k, self.width, self.depth, self.decay)
        other.buckets, other.heap, other.places = self.buckets.copy(), self.heap.copy(), self.places.copy()
        other.was_loaded = self.was_loaded
        return other

    def memory_usage(self) -> int:
        return 2088 + 8 * self.width * self.depth + 24 * self.k

    def describe(self) -> Iterator[str]:
        yield f"{self.k} of {self.width} x {self.depth}, decay {self.decay}"
        for item, count in self.items():
            yield f"{item!r} {count}"

    def check(self) -> None:
        assert self.places == {entry.item or b"": place for place, entry in self.heap.items() if entry.is_whole()}
        assert all(0 <= number < self.width * self.depth for number in self.buckets)
        assert all(0 <= place < self.k for place in self.heap)


def _quotient(dividend: float, divisor: float) -> float:
    return dividend / divisor if divisor else math.inf

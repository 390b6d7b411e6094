"""The values of a NUMERIC field in ranges, as the real module keeps them: a tree whose leaves hold the values between two.

A leaf splits when it has seen enough different values, of which it looks at each tenth only.  A query takes whole leaves where it
can.  The leaves that it meets show in scores: several are a union.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Container, Iterator
from typing import Final

__all__ = ["Interval", "Numbers", "Range"]

SAMPLED: Final = 10
"""Each so-manieth value of a range is looked at."""
FIRST_SPLIT: Final = 16
"""A range splits when it may hold so many different values."""
GROWTH: Final = 4
MOST_DIFFERENT: Final = 2500
MOST_VALUES: Final = 10_000
"""A range with more values splits if it has seen two that differ."""


class Interval:
    """What a query asks for."""

    __slots__ = ("high", "includes_high", "includes_low", "low")

    def __init__(self, low: float, high: float, includes_low: bool = True, includes_high: bool = True) -> None:
        self.low = low
        self.high = high
        self.includes_low = includes_low
        self.includes_high = includes_high

    def has(self, value: float) -> bool:
        return (self.low < value or (self.includes_low and self.low == value)) and (
            value < self.high or (self.includes_high and value == self.high)
        )


class Range:
    """The values between two, with the numbers of their documents, in the order in which they came."""

    __slots__ = ("_different", "_samples", "_until_sample", "greatest", "ids", "least", "splits_at", "sum", "values")

    def __init__(self, splits_at: int) -> None:
        self.splits_at = splits_at
        self.ids: list[int] = []
        self.values = array("d")
        self.least = math.inf
        self.greatest = -math.inf
        self._until_sample = SAMPLED
        self._samples: set[float] = set()
        self._different = 0
        self.sum = 0.0
        """Of the different values that were looked at."""

    def __len__(self) -> int:
        """How many values there are, with those of documents that are gone."""
        return len(self.ids)

    def add(self, id: int, value: float) -> None:
        self.ids.append(id)
        self.values.append(value)
        if value < self.least:
            self.least = value
        if value > self.greatest:
            self.greatest = value
        self._until_sample -= 1
        if not self._until_sample:
            self._until_sample = SAMPLED
            if value not in self._samples:
                if self._different < self.splits_at:
                    self._samples.add(value)
                    self.sum += value
                self._different += 1

    def is_full(self) -> bool:
        return self._different * SAMPLED >= self.splits_at or (len(self.ids) > MOST_VALUES and self._different > 1)

    def split(self) -> tuple[float, Range, Range]:
        """Two ranges in its place, of the values below one and of the others."""
        at = self.sum / self._different
        splits_at = min(MOST_DIFFERENT, 1 + self.splits_at * GROWTH)
        below, others = Range(splits_at), Range(splits_at)
        for id, value in zip(self.ids, self.values):
            (below if value < at else others).add(id, value)
        return at, below, others

    def find(self, interval: Interval) -> Iterator[int]:
        """The documents with a value in an interval.  O(n)."""
        low, high = interval.low, interval.high
        if low < self.least and self.greatest < high:
            yield from self.ids
        elif interval.includes_low and interval.includes_high:
            yield from [id for id, value in zip(self.ids, self.values) if low <= value <= high]
        else:
            yield from [id for id, value in zip(self.ids, self.values) if interval.has(value)]


EMPTY: Final = Range(0)
"""Of a node that has no range any more."""


class Node:
    """A leaf, or what was one: then the value at which it was split, and what lies below it and not."""

    __slots__ = ("range", "split")

    def __init__(self, range: Range) -> None:
        self.range = range
        self.split: tuple[float, Node, Node] | None = None


class Numbers:
    """Values with the numbers of the documents that have them; a document may have several."""

    __slots__ = ("_root", "of", "records")

    def __init__(self) -> None:
        self._root = Node(Range(FIRST_SPLIT))
        self.of: dict[int, tuple[float, ...]] = {}
        """The values of each document, with those that are gone, until they are collected."""
        self.records = 0
        """How many values there are."""

    def add(self, id: int, values: tuple[float, ...]) -> None:
        """A document, whose number is higher than those before, has these values."""
        if not values:
            return
        self.of[id] = values
        for value in values:
            self.records += 1
            self._insert(id, value)

    def _insert(self, id: int, value: float) -> None:
        node = self._root
        while node.split is not None:
            at, below, others = node.split
            node = below if value < at else others
        node.range.add(id, value)
        if node.range.is_full():
            at, below_range, other_range = node.range.split()
            node.split = at, Node(below_range), Node(other_range)
            node.range = EMPTY

    def ranges(self, interval: Interval) -> list[Range]:
        """Those in which values of an interval may be."""
        found: list[Range] = []
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            if node.split is None:
                if node.range.least <= interval.high and interval.low <= node.range.greatest:
                    found.append(node.range)
                continue
            at, below, others = node.split
            if interval.high >= at:
                waiting.append(others)
            if interval.low <= at:
                waiting.append(below)
        return found

    def between(self, interval: Interval) -> Iterator[int]:
        """The documents with a value in an interval."""
        for range in self.ranges(interval):
            yield from range.find(interval)

    def holds(self, id: int, interval: Interval) -> bool:
        """Whether a document has a value in an interval."""
        return any(map(interval.has, self.of.get(id, ())))

    def collect(self, alive: Container[int]) -> None:
        """Forget documents whose numbers are not in `alive`."""
        for range in self.leaves():
            kept = [(id, value) for id, value in zip(range.ids, range.values) if id in alive]
            range.ids = [id for id, _ in kept]
            range.values = array("d", (value for _, value in kept))
        self.of = {id: values for id, values in self.of.items() if id in alive}
        self.records = sum(map(len, self.of.values()))

    def leaves(self) -> Iterator[Range]:
        """All ranges, in order."""
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            if node.split is None:
                yield node.range
            else:
                _, below, others = node.split
                waiting += [others, below]

    def check(self) -> None:
        held: list[tuple[int, float]] = []
        last = -math.inf
        for range in self.leaves():
            assert len(range.ids) == len(range.values)
            assert all(range.least <= value <= range.greatest for value in range.values)
            assert not range.ids or last <= range.least
            last = max(last, range.greatest)
            held += zip(range.ids, range.values)
        assert sorted(held) == sorted((id, value) for id, values in self.of.items() for value in values)
        assert self.records == len(held)

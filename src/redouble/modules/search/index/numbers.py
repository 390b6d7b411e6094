"""The values of a NUMERIC field in order, cut into blocks, so that a range costs what it holds."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator
from typing import Final

__all__ = ["Numbers"]

MOST: Final = 1024
"""A block with more is cut in two."""


class Numbers:
    """Values with the numbers of the documents that have them; a document may have several."""

    __slots__ = ("_ids", "_lasts", "_values", "of", "records")

    def __init__(self) -> None:
        self._values: list[array[float]] = []
        self._ids: list[list[int]] = []
        self._lasts: list[float] = []
        self.of: dict[int, tuple[float, ...]] = {}
        """The values of each document."""
        self.records = 0
        """How many values came, with those of documents that are gone, until they are collected."""

    def add(self, id: int, values: tuple[float, ...]) -> None:
        """A document, whose number is higher than those before, has these values."""
        if not values:
            return
        self.of[id] = values
        for value in values:
            self.records += 1
            self._insert(value, id)

    def _insert(self, value: float, id: int) -> None:
        if not self._values:
            self._values.append(array("d", (value,)))
            self._ids.append([id])
            self._lasts.append(value)
            return
        block = min(bisect_left(self._lasts, value), len(self._lasts) - 1)
        values, ids = self._values[block], self._ids[block]
        place = bisect_right(values, value)
        values.insert(place, value)
        ids.insert(place, id)
        self._lasts[block] = values[-1]
        if len(values) > MOST:
            half = len(values) // 2
            self._values.insert(block + 1, values[half:])
            self._ids.insert(block + 1, ids[half:])
            del values[half:], ids[half:]
            self._lasts[block : block + 1] = values[-1], self._values[block + 1][-1]

    def between(self, low: float, high: float, includes_low: bool = True, includes_high: bool = True) -> Iterator[int]:
        """The documents with a value between two, in the order of the values.  O(log n) and the result."""
        for ids, first, last in self._spans(low, high, includes_low, includes_high):
            yield from ids if last - first == len(ids) else ids[first:last]

    def count_between(self, low: float, high: float, includes_low: bool = True, includes_high: bool = True) -> int:
        """How many values there are between two, with those of documents that are gone.  O(blocks)."""
        return sum(last - first for _, first, last in self._spans(low, high, includes_low, includes_high))

    def _spans(
        self, low: float, high: float, includes_low: bool, includes_high: bool
    ) -> Iterator[tuple[list[int], int, int]]:
        """The blocks with values between two, and which part of each."""
        left = bisect_left if includes_low else bisect_right
        right = bisect_right if includes_high else bisect_left
        for block in range(bisect_left(self._lasts, low), len(self._lasts)):
            values = self._values[block]
            first = left(values, low) if values[0] <= low else 0
            last = right(values, high) if values[-1] >= high else len(values)
            if first < last:
                yield self._ids[block], first, last
            if values[-1] > high:
                return

    def holds(
        self, id: int, low: float, high: float, includes_low: bool = True, includes_high: bool = True
    ) -> bool:
        """Whether a document has a value between two."""
        return any(
            (low < value or (includes_low and low == value)) and (value < high or (includes_high and value == high))
            for value in self.of.get(id, ())
        )

    def collect(self, alive: Container[int]) -> None:
        """Forget documents whose numbers are not in `alive`."""
        kept = {id: values for id, values in self.of.items() if id in alive}
        self.__init__()  # type: ignore[misc]
        for id, values in kept.items():
            self.add(id, values)

    def check(self) -> None:
        flat = [value for values in self._values for value in values]
        assert flat == sorted(flat)
        assert self._lasts == [values[-1] for values in self._values]
        assert sorted(zip((id for ids in self._ids for id in ids), flat)) == sorted(
            (id, value) for id, values in self.of.items() for value in values
        )
        assert not any(map(math.isnan, flat))



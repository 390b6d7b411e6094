"""Values by stream id, in the order of the ids: a dictionary beside sorted chunks of its keys.

Ids nearly always grow, so adding one is mostly an append; but a claim may put one anywhere.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["IdOrder"]

V = TypeVar("V")

CHUNK = 512
"""A chunk that would be twice as long becomes two."""


class IdOrder(Generic[V]):
    """A map from ids to values.  Looking up is O(1), adding and removing O(log n), walking O(1) for each id."""

    __slots__ = ("_chunks", "_maxima", "_values")

    def __init__(self) -> None:
        self._values: dict[int, V] = {}
        self._chunks: list[list[int]] = []
        self._maxima: list[int] = []

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, id: int) -> bool:
        return id in self._values

    def __iter__(self) -> Iterator[int]:
        for chunk in self._chunks:
            yield from chunk

    def get(self, id: int) -> V | None:
        return self._values.get(id)

    def set(self, id: int, value: V) -> None:
        """Add an id, or give it another value."""
        if id not in self._values:
            self._add(id)
        self._values[id] = value

    def _add(self, id: int) -> None:
        chunks, maxima = self._chunks, self._maxima
        if not chunks:
            chunks.append([id])
            maxima.append(id)
            return
        at = min(bisect_left(maxima, id), len(chunks) - 1)
        chunk = chunks[at]
        if id > chunk[-1]:
            chunk.append(id)
            maxima[at] = id
        else:
            chunk.insert(bisect_left(chunk, id), id)
        if len(chunk) >= 2 * CHUNK:
            chunks.insert(at + 1, chunk[CHUNK:])
            del chunk[CHUNK:]
            maxima.insert(at, chunk[-1])

    def remove(self, id: int) -> V | None:
        """Take an id out; its value, or None if it was not there."""
        value = self._values.pop(id, None)
        if value is not None:
            at = bisect_left(self._maxima, id)
            chunk = self._chunks[at]
            del chunk[bisect_left(chunk, id)]
            if chunk:
                self._maxima[at] = chunk[-1]
            else:
                del self._chunks[at], self._maxima[at]
        return value

    def items(self, start: int = 0, end: int | None = None) -> Iterator[tuple[int, V]]:
        """The ids of [start, end] with their values.  Nothing may be added or removed meanwhile."""
        chunks, values = self._chunks, self._values
        for at in range(bisect_left(self._maxima, start), len(chunks)):
            chunk = chunks[at]
            first = bisect_left(chunk, start) if chunk[0] < start else 0
            last = len(chunk) if end is None else bisect_right(chunk, end)
            for id in chunk[first:last]:
                yield id, values[id]
            if last < len(chunk):
                return

    def first(self) -> int:
        return self._chunks[0][0]

    def last(self) -> int:
        return self._maxima[-1]

    def check(self) -> None:
        assert all(self._chunks)
        assert [chunk[-1] for chunk in self._chunks] == self._maxima
        assert all(len(chunk) < 2 * CHUNK for chunk in self._chunks)
        assert list(self) == sorted(self._values)

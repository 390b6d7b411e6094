"""The places of a GEO field: geohashes of 52 bits, which are kept as numbers are, so that a circle costs the cells that it touches."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final

from redouble.modules.search.index.numbers import Interval, Numbers
from redouble.types.geohash import Circle, Point, decode, encode, score_ranges

__all__ = ["UNITS", "Points"]

UNITS: Final = {b"m": 1.0, b"km": 1000.0, b"ft": 0.3048, b"mi": 1609.34}


class Points:
    """Places with the numbers of the documents that have them; a document may have several."""

    __slots__ = ("hashes",)

    def __init__(self) -> None:
        self.hashes = Numbers()

    @property
    def records(self) -> int:
        return self.hashes.records

    def add(self, id: int, points: list[Point]) -> None:
        """A document, whose number is higher than those before, is at these places."""
        self.hashes.add(id, tuple(float(encode(point)) for point in points))

    @staticmethod
    def cells(circle: Circle) -> list[Interval]:
        """The parts of the map that a circle touches."""
        return [Interval(first, behind) for first, behind in score_ranges(circle) if first != behind]

    def within(self, circle: Circle, cell: Interval) -> Iterator[int]:
        """The documents with a place in a circle and in one of its cells."""
        for id in self.hashes.between(cell):
            if any(
                cell.low <= place <= cell.high and circle.measure(decode(place)) is not None
                for place in self.hashes.of.get(id, ())
            ):
                yield id

    def collect(self, alive: Container[int]) -> None:
        """Forget documents whose numbers are not in `alive`."""
        self.hashes.collect(alive)

    def check(self) -> None:
        self.hashes.check()

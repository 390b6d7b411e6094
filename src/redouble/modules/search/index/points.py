"""The places of a GEO field: geohashes of 52 bits in order, so that a circle costs the cells that it touches."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final

from redouble.modules.search.index.numbers import Numbers
from redouble.types.geohash import Circle, Point, decode, encode, score_ranges

__all__ = ["UNITS", "Points"]

UNITS: Final = {b"m": 1.0, b"km": 1000.0, b"ft": 0.3048, b"mi": 1609.34}


class Points:
    """Places with the numbers of the documents that have them; a document may have several."""

    __slots__ = ("_hashes",)

    def __init__(self) -> None:
        self._hashes = Numbers()

    @property
    def records(self) -> int:
        return self._hashes.records

    def add(self, id: int, points: list[Point]) -> None:
        """A document, whose number is higher than those before, is at these places."""
        self._hashes.add(id, tuple(float(encode(point)) for point in points))

    def within(self, centre: Point, radius: float, unit: bytes) -> Iterator[int]:
        """The documents with a place in a circle."""
        circle = Circle(centre, radius, UNITS[unit])
        for first, behind in score_ranges(circle):
            for id in self._hashes.between(first, behind, includes_high=False):
                if any(
                    first <= place < behind and circle.measure(decode(place)) is not None
                    for place in self._hashes.of.get(id, ())
                ):
                    yield id

    def collect(self, alive: Container[int]) -> None:
        """Forget documents whose numbers are not in `alive`."""
        self._hashes.collect(alive)

    def check(self) -> None:
        self._hashes.check()

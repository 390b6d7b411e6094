"""The shapes of a GEOSHAPE field: points and polygons in well-known text, on a plane or on the globe.

On the globe the sides of a polygon are geodesics, taken as great circles between the reduced latitudes of the ellipsoid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

__all__ = ["InvalidShape", "Shape", "Shapes", "read_shape"]

Place = tuple[float, ...]
"""x and y, or longitude, latitude and the unit vector that points there."""
Ring = list[Place]
FLATTENING: Final = 1 / 298.257223563
TOLERANCE: Final = 1e-12
TOKEN: Final = re.compile(r"[,()]|[^ ,()]+")
TOO_FEW: Final = "invalid geometry: Geometry has too few points"


class InvalidShape(ValueError):
    """What is no shape; says why, as FT.INFO and queries do."""


@dataclass
class Shape:
    """A point, or the rings of a polygon: its border and those of its holes, each with its first place once more at the end."""

    point: Place | None
    rings: list[Ring]

    @property
    def places(self) -> Iterator[Place]:
        if self.point is not None:
            yield self.point
        for ring in self.rings:
            yield from ring

    def sides(self) -> Iterator[tuple[Place, Place]]:
        for ring in self.rings:
            yield from pairwise(ring)


# Well-known text.


class _Reader:
    """The tokens of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = TOKEN.findall(text)
        self.at = 1  # after the word that says what it is

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def fail(self, why: str) -> InvalidShape:
        at = f" at '{self.peek()}'" if self.peek() else ""
        return InvalidShape(f"{why}{at} in '{self.text}'")

    def expect(self, token: str) -> None:
        if self.peek() != token:
            raise self.fail(f"Expected '{token}'")
        self.at += 1

    def place(self) -> tuple[float, float]:
        """Two numbers, of which those that are left out are zero."""
        numbers = [0.0, 0.0]
        for i in range(2):
            token = self.peek()
            if token in (")", ",", ""):
                break
            try:
                numbers[i] = float(token)
            except ValueError:
                raise self.fail("bad lexical cast: source type value could not be interpreted as target") from None
            self.at += 1
        return numbers[0], numbers[1]

    def end(self) -> None:
        if self.peek():
            raise self.fail("Too many tokens")

    def is_empty(self) -> bool:
        word = self.peek().upper()
        if word in ("Z", "M", "ZM"):
            raise InvalidShape(f"{word} only allowed for 3 or more dimensions' in ({self.text})")
        if word == "EMPTY":
            self.at += 1
            self.end()
        return word == "EMPTY"


def read_shape(text: bytes, on_globe: bool) -> Shape:
    """Raises InvalidShape."""
    words = text.decode(errors="replace")
    surface = GLOBE if on_globe else PLANE
    if words.startswith("POINT"):
        return _point(_Reader(words), surface)
    if words.startswith("POLYGON"):
        return _polygon(_Reader(words), surface)
    raise InvalidShape("unknown geometry type")


def _point(reader: _Reader, surface: Surface) -> Shape:
    if reader.is_empty():
        return Shape(None, [])
    reader.expect("(")
    place = reader.place()
    reader.expect(")")
    reader.end()
    _check_numbers([place])
    return Shape(surface.place(*place), [])


def _polygon(reader: _Reader, surface: Surface) -> Shape:
    if reader.is_empty():
        raise InvalidShape(TOO_FEW)
    rings: list[list[tuple[float, float]]] = []
    reader.expect("(")
    while reader.peek() not in (")", ""):
        reader.expect("(")
        ring: list[tuple[float, float]] = []
        while reader.peek() not in (")", ""):
            ring.append(reader.place())
            if reader.peek() == ",":
                reader.at += 1
        reader.expect(")")
        rings.append(ring)
        if reader.peek() == ",":
            reader.at += 1
    reader.expect(")")
    reader.end()
    return _checked(rings, surface)


def _check_numbers(places: Sequence[tuple[float, float]]) -> None:
    if not all(math.isfinite(number) for place in places for number in place):
        raise InvalidShape("invalid geometry: Geometry has point(s) with invalid coordinate(s)")


def _checked(numbers: list[list[tuple[float, float]]], surface: Surface) -> Shape:
    shape = Shape(None, [])
    if not numbers:
        raise InvalidShape(TOO_FEW)
    for ring in numbers:
        _check_numbers(ring)
        if ring and ring[0] != ring[-1]:
            ring = [*ring, ring[0]]
        if len(ring) < 4:
            raise InvalidShape(TOO_FEW)
        if len(set(ring)) < 3:
            raise InvalidShape("invalid geometry: Geometry has wrong topological dimension")
        places = [surface.place(*place) for place in ring]
        shape.rings.append([place for i, place in enumerate(places) if not i or place != places[i - 1]])
    for corners in shape.rings:
        _check_ring(corners, surface)
    for hole in shape.rings[1:]:
        border = Shape(None, shape.rings[:1])
        if any(surface.side(place, border) < 0 for place in hole):
            raise InvalidShape("invalid geometry: Geometry has interior rings defined outside the outer boundary")
    return shape


def _check_ring(ring: Ring, surface: Surface) -> None:
    corners = ring[:-1]
    for i in range(1, len(corners) + 1):
        before, corner, after = corners[i - 1], corners[i % len(corners)], corners[(i + 1) % len(corners)]
        if not surface.turn(before, corner, after) and not surface.is_between(corner, before, after):
            x, y = (f"{number:.6g}" for number in corner[:2])
            raise InvalidShape(
                f"invalid geometry: Geometry has spikes. A spike point was found with apex at ({x}, {y})"
            )
    sides = list(pairwise(ring))
    for i, one in enumerate(sides):
        for j in range(i + 2, len(sides)):
            if (i or j < len(sides) - 1) and surface.meet(*one, *sides[j]):
                raise InvalidShape("invalid geometry: Geometry has invalid self-intersections.")


# Surfaces.


class Surface:
    """What straight lines are."""

    def place(self, x: float, y: float) -> Place:
        raise NotImplementedError

    def turn(self, a: Place, b: Place, c: Place) -> int:
        """1, 0 or -1: whether c is to the left of the line from a to b, on it, or to the right."""
        raise NotImplementedError

    def is_between(self, place: Place, a: Place, b: Place) -> bool:
        """Whether a place of the line through a and b is between them, or one of them."""
        raise NotImplementedError

    def crossing(self, a: Place, b: Place, c: Place, d: Place) -> Place:
        """Where two lines cross."""
        raise NotImplementedError

    def middle(self, a: Place, b: Place) -> Place:
        raise NotImplementedError

    def is_below(self, place: Place, a: Place, b: Place) -> bool:
        """Whether the side from a to b is above a place that has it above or below."""
        left, right = (a, b) if a[0] < b[0] else (b, a)
        return self.turn(left, right, place) < 0

    def meet(self, a: Place, b: Place, c: Place, d: Place) -> bool:
        """Whether two sides have a place in common."""
        turns = self.turn(a, b, c), self.turn(a, b, d), self.turn(c, d, a), self.turn(c, d, b)
        if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
            return True
        ends = ((turns[0], c, a, b), (turns[1], d, a, b), (turns[2], a, c, d), (turns[3], b, c, d))
        return any(not turn and self.is_between(place, one, other) for turn, place, one, other in ends)

    def side(self, place: Place, shape: Shape) -> int:
        """1, 0 or -1: whether a place is in a polygon, on a side, or outside."""
        inside = False
        for a, b in shape.sides():
            if not self.turn(a, b, place) and self.is_between(place, a, b):
                return 0
            if (a[0] > place[0]) != (b[0] > place[0]) and self.is_below(place, a, b):
                inside = not inside
        return 1 if inside else -1

    def pieces(self, a: Place, b: Place, sides: list[tuple[Place, Place]]) -> Iterator[Place]:
        """The middles of the parts into which other sides cut one."""
        cuts = [a, b]
        for c, d in sides:
            turns = self.turn(a, b, c), self.turn(a, b, d)
            cuts += [end for turn, end in zip(turns, (c, d)) if not turn and self.is_between(end, a, b)]
            if turns[0] * turns[1] < 0 and self.turn(c, d, a) * self.turn(c, d, b) < 0:
                cuts.append(self.crossing(a, b, c, d))
        cuts.sort(key=lambda cut: _distance(a, cut))
        for one, other in pairwise(cuts):
            if _distance(one, other) > TOLERANCE:
                yield self.middle(one, other)

    # What queries ask.

    def is_within(self, one: Shape, other: Shape) -> bool:
        """Whether one shape is inside another."""
        if one.point is not None:
            return other.point is None and self.side(one.point, other) > 0
        if other.point is not None or not one.rings:
            return False
        sides = list(other.sides())
        for a, b in one.sides():
            if any(self.side(place, other) < 0 for place in (a, *self.pieces(a, b, sides))):
                return False
        own = list(one.sides())
        for hole in other.rings[1:]:
            for a, b in pairwise(hole):
                if any(self.side(place, one) > 0 for place in (a, *self.pieces(a, b, own))):
                    return False
        inner = self.inner_place(one)
        return inner is None or self.side(inner, other) > 0

    def inner_place(self, shape: Shape) -> Place | None:
        """A place inside a polygon."""
        corners = shape.rings[0][:-1]
        for i in range(len(corners)):
            for j in range(i + 2, len(corners)):
                middle = self.middle(corners[i], corners[j])
                if self.side(middle, shape) > 0:
                    return middle
        for a, b in pairwise(corners):
            for c in corners:
                middle = self.middle(self.middle(a, b), c)
                if self.side(middle, shape) > 0:
                    return middle
        return None

    def meets(self, one: Shape, other: Shape) -> bool:
        """Whether two shapes have a place in common."""
        if one.point is not None:
            return one.point == other.point if other.point is not None else self.side(one.point, other) >= 0
        if other.point is not None:
            return self.side(other.point, one) >= 0
        if not one.rings or not other.rings:
            return False
        sides = list(other.sides())
        if any(self.meet(a, b, c, d) for a, b in one.sides() for c, d in sides):
            return True
        return self.side(one.rings[0][0], other) > 0 or self.side(other.rings[0][0], one) > 0


class Plane(Surface):
    def place(self, x: float, y: float) -> Place:
        return x, y

    def turn(self, a: Place, b: Place, c: Place) -> int:
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        scale = max(map(abs, (*a, *b, *c)))
        return 0 if abs(area) <= TOLERANCE * scale * scale else 1 if area > 0 else -1

    def is_between(self, place: Place, a: Place, b: Place) -> bool:
        return min(a[0], b[0]) <= place[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= place[1] <= max(a[1], b[1])

    def crossing(self, a: Place, b: Place, c: Place, d: Place) -> Place:
        across = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0])
        part = ((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0])) / across
        return a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])

    def middle(self, a: Place, b: Place) -> Place:
        return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


class Globe(Surface):
    def place(self, x: float, y: float) -> Place:
        longitude = math.radians(x)
        latitude = math.atan((1 - FLATTENING) * math.tan(math.radians(y)))
        across = math.cos(latitude)
        return x, y, across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)

    def turn(self, a: Place, b: Place, c: Place) -> int:
        volume = (
            c[2] * (a[3] * b[4] - a[4] * b[3]) + c[3] * (a[4] * b[2] - a[2] * b[4]) + c[4] * (a[2] * b[3] - a[3] * b[2])
        )
        return 0 if abs(volume) <= 1e-15 else 1 if volume > 0 else -1

    def is_between(self, place: Place, a: Place, b: Place) -> bool:
        whole = _dot(a, b) - TOLERANCE
        return _dot(a, place) >= whole and _dot(place, b) >= whole

    def crossing(self, a: Place, b: Place, c: Place, d: Place) -> Place:
        one, other = _cross(a, b), _cross(c, d)
        found = self._at(
            one[1] * other[2] - one[2] * other[1],
            one[2] * other[0] - one[0] * other[2],
            one[0] * other[1] - one[1] * other[0],
        )
        return found if _dot(found, a) > 0 else self._at(-found[2], -found[3], -found[4])

    def middle(self, a: Place, b: Place) -> Place:
        return self._at(a[2] + b[2], a[3] + b[3], a[4] + b[4])

    def _at(self, x: float, y: float, z: float) -> Place:
        length = math.sqrt(x * x + y * y + z * z) or 1.0
        x, y, z = x / length, y / length, z / length
        latitude = math.atan(math.tan(math.asin(max(-1.0, min(1.0, z)))) / (1 - FLATTENING))
        return math.degrees(math.atan2(y, x)), math.degrees(latitude), x, y, z


def _dot(a: Place, b: Place) -> float:
    return a[2] * b[2] + a[3] * b[3] + a[4] * b[4]


def _cross(a: Place, b: Place) -> tuple[float, float, float]:
    return a[3] * b[4] - a[4] * b[3], a[4] * b[2] - a[2] * b[4], a[2] * b[3] - a[3] * b[2]


def _distance(a: Place, b: Place) -> float:
    return math.dist(a, b)


PLANE: Final = Plane()
GLOBE: Final = Globe()


# The index.


class Shapes:
    """Shapes by the number of their document."""

    __slots__ = ("_shapes", "on_globe", "surface")

    def __init__(self, on_globe: bool) -> None:
        self.on_globe = on_globe
        self.surface: Surface = GLOBE if on_globe else PLANE
        self._shapes: dict[int, Shape] = {}

    @property
    def records(self) -> int:
        return len(self._shapes)

    def add(self, id: int, text: bytes) -> None:
        """A document, whose number is higher than those before, has a shape.  Raises InvalidShape."""
        self._shapes[id] = read_shape(text, self.on_globe)

    def find(self, operation: bytes, text: bytes) -> dict[int, None]:
        """The documents whose shape is WITHIN one, CONTAINS it, INTERSECTS it or is DISJOINT from it.  Raises InvalidShape."""
        asked = read_shape(text, self.on_globe)
        surface = self.surface
        answers: dict[bytes, Callable[[Shape], bool]] = {
            b"WITHIN": lambda shape: surface.is_within(shape, asked),
            b"CONTAINS": lambda shape: surface.is_within(asked, shape),
            b"INTERSECTS": lambda shape: surface.meets(shape, asked),
            b"DISJOINT": lambda shape: not surface.meets(shape, asked),
        }
        answer = answers[operation]
        return {id: None for id, shape in self._shapes.items() if answer(shape)}

    def collect(self, alive: Container[int]) -> None:
        """Forget documents whose numbers are not in `alive`."""
        for id in [id for id in self._shapes if id not in alive]:
            del self._shapes[id]

    def check(self) -> None:
        """Raise AssertionError if the documents are not in order."""
        assert list(self._shapes) == sorted(self._shapes)

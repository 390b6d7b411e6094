"""Geohashes: a point of the earth as one number, and the search for the points near another one.

The map is halved 26 times in each direction.  The two numbers that this gives, of the column and of the row, are woven
into one of 52 bits, longitude above latitude; as a score of a sorted set it is exact, and neighbours on the map are
often neighbours in the set.  A search takes the cell around its centre, of a size that the shape fits into it and its
eight neighbours, reads what the set has in those cells and measures each point.  The order of every calculation is
that of Redis, so that the doubles agree to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

__all__ = [
    "LATITUDE_MAX",
    "LONGITUDE_MAX",
    "Box",
    "Circle",
    "Point",
    "Polygon",
    "Shape",
    "decode",
    "distance",
    "encode",
    "score_ranges",
    "standard_text",
]

LONGITUDE_MAX: Final = 180.0
LATITUDE_MAX: Final = 85.05112878
"""Where the map of web browsers ends."""
STEPS: Final = 26
EARTH_RADIUS: Final = 6372797.560856
EQUATOR_HALF: Final = 20037726.37
"""Metres; half of the map's width."""
ALPHABET: Final = "0123456789bcdefghjkmnpqrstuvwxyz"
RADIANS: Final = math.pi / 180.0


class Point(NamedTuple):
    """Degrees; the longitude comes first, as in the commands."""

    longitude: float
    latitude: float


class Bounds(NamedTuple):
    """A rectangle of the map, in degrees."""

    west: float
    south: float
    east: float
    north: float


class Cell(NamedTuple):
    """One cell of the map that was halved `steps` times."""

    column: int
    row: int
    steps: int

    def bounds(self) -> Bounds:
        width, height = 2 * LONGITUDE_MAX, 2 * LATITUDE_MAX
        count = 1 << self.steps
        return Bounds(
            -LONGITUDE_MAX + (self.column / count) * width,
            -LATITUDE_MAX + (self.row / count) * height,
            -LONGITUDE_MAX + ((self.column + 1) / count) * width,
            -LATITUDE_MAX + ((self.row + 1) / count) * height,
        )

    def beside(self, columns: int, rows: int) -> Cell:
        """A neighbour; behind the last column (row) comes the first one."""
        mask = (1 << self.steps) - 1
        column = self.column + columns & mask if columns else self.column
        row = self.row + rows & mask if rows else self.row
        return Cell(column, row, self.steps)

    def scores(self) -> tuple[int, int]:
        """The scores of the points in it: the first one, and the first one behind the last."""
        bits = _spread(self.row) | _spread(self.column) << 1
        shift = 2 * (STEPS - self.steps)
        return bits << shift, bits + 1 << shift


def _spread(number: int) -> int:
    """Each bit of 32 moves to twice its place."""
    number = (number | number << 16) & 0x0000FFFF0000FFFF
    number = (number | number << 8) & 0x00FF00FF00FF00FF
    number = (number | number << 4) & 0x0F0F0F0F0F0F0F0F
    number = (number | number << 2) & 0x3333333333333333
    return (number | number << 1) & 0x5555555555555555


def _gather(number: int) -> int:
    """Every second bit, from the lowest on: the opposite of `_spread`."""
    number &= 0x5555555555555555
    number = (number | number >> 1) & 0x3333333333333333
    number = (number | number >> 2) & 0x0F0F0F0F0F0F0F0F
    number = (number | number >> 4) & 0x00FF00FF00FF00FF
    number = (number | number >> 8) & 0x0000FFFF0000FFFF
    return (number | number >> 16) & 0x00000000FFFFFFFF


def _cell(point: Point, steps: int, latitude_max: float = LATITUDE_MAX) -> Cell:
    column = (point.longitude + LONGITUDE_MAX) / (2 * LONGITUDE_MAX) * (1 << steps)
    row = (point.latitude + latitude_max) / (2 * latitude_max) * (1 << steps)
    return Cell(int(column), int(row), steps)


def encode(point: Point) -> int:
    """The score of a point on the map."""
    return _cell(point, STEPS).scores()[0]


def decode(score: float) -> Point:
    """The centre of the cell that a score means.  A score that no point has means some point."""
    bits = 0 if score >= 2.0**64 else 1 << 63 if score < -(2.0**63) else int(score) & (1 << 64) - 1  # as x86 casts
    west, south, east, north = Cell(_gather(bits >> 1), _gather(bits), STEPS).bounds()
    longitude, latitude = (west + east) / 2, (south + north) / 2
    return Point(
        max(-LONGITUDE_MAX, min(longitude, LONGITUDE_MAX)),
        max(-LATITUDE_MAX, min(latitude, LATITUDE_MAX)),
    )


def standard_text(point: Point) -> str:
    """The eleven letters of geohash.org, whose map reaches to the poles; 52 bits are only enough for ten, so that the last is 0."""
    bits = _cell(point, STEPS, 90.0).scores()[0]
    return "".join(ALPHABET[bits >> 52 - 5 * count & 31] for count in range(1, 11)) + "0"


def _along_meridian(latitude: float, other: float) -> float:
    return EARTH_RADIUS * abs(other * RADIANS - latitude * RADIANS)


def distance(one: Point, other: Point) -> float:
    """Metres on the sphere (haversine)."""
    v = math.sin((other.longitude * RADIANS - one.longitude * RADIANS) / 2)
    if v == 0.0:
        return _along_meridian(one.latitude, other.latitude)
    latitude, other_latitude = one.latitude * RADIANS, other.latitude * RADIANS
    u = math.sin((other_latitude - latitude) / 2)
    a = u * u + math.cos(latitude) * math.cos(other_latitude) * v * v
    return 2.0 * EARTH_RADIUS * math.asin(math.sqrt(a)) if a <= 1.0 else math.nan


class Shape(Protocol):
    """What is searched: lengths are in units of `unit` metres."""

    @property
    def unit(self) -> float: ...
    @property
    def centre(self) -> Point: ...
    def bounds(self) -> Bounds: ...
    def reach(self) -> float:
        """Metres from the centre to the farthest point."""

    def measure(self, point: Point) -> float | None:
        """Metres from the centre to a point in the shape; None: it is outside."""


class Circle(NamedTuple):
    """BYRADIUS."""

    centre: Point
    radius: float
    unit: float

    def bounds(self) -> Bounds:
        return _around(self.centre, self.unit * self.radius, self.unit * self.radius)

    def reach(self) -> float:
        return self.radius * self.unit

    def measure(self, point: Point) -> float | None:
        metres = distance(self.centre, point)
        return None if metres > self.radius * self.unit else metres


class Box(NamedTuple):
    """BYBOX."""

    centre: Point
    width: float
    height: float
    unit: float

    def bounds(self) -> Bounds:
        return _around(self.centre, self.unit * self.width / 2, self.unit * self.height / 2)

    def reach(self) -> float:
        return math.sqrt((self.width / 2) * (self.width / 2) + (self.height / 2) * (self.height / 2)) * self.unit

    def measure(self, point: Point) -> float | None:
        if _along_meridian(point.latitude, self.centre.latitude) > self.height * self.unit / 2:
            return None
        if distance(point, Point(self.centre.longitude, point.latitude)) > self.width * self.unit / 2:
            return None
        return distance(self.centre, point)


class Polygon:
    """BYPOLYGON; its centre is the mean of its corners, as vectors."""

    unit = 1.0

    def __init__(self, corners: list[Point]) -> None:
        self.corners = corners
        x = y = z = 0.0
        for longitude, latitude in corners:
            x += math.cos(latitude * RADIANS) * math.cos(longitude * RADIANS)
            y += math.cos(latitude * RADIANS) * math.sin(longitude * RADIANS)
            z += math.sin(latitude * RADIANS)
        self.centre = Point(math.atan2(y, x) / RADIANS, math.atan2(z, math.sqrt(x * x + y * y)) / RADIANS)

    def bounds(self) -> Bounds:
        longitudes, latitudes = zip(*self.corners)
        return Bounds(min(longitudes), min(latitudes), max(longitudes), max(latitudes))

    def reach(self) -> float:
        west, south, east, north = self.bounds()
        return max(distance(self.centre, Point(x, y)) for x in (west, east) for y in (south, north))

    def measure(self, point: Point) -> float | None:
        """A ray from a point inside crosses the edges an odd number of times."""
        longitude, latitude = point
        inside = False
        before = self.corners[-1]
        for corner in self.corners:
            if (corner.latitude > latitude) != (before.latitude > latitude) and longitude < (
                before.longitude - corner.longitude
            ) * (latitude - corner.latitude) / (before.latitude - corner.latitude) + corner.longitude:
                inside = not inside
            before = corner
        return distance(self.centre, point) if inside else None


def _around(centre: Point, width: float, height: float) -> Bounds:
    """What so many metres to each side are in degrees (geohashBoundingBox): the wider of the two parallels counts, or
    what Redis takes for it."""
    longitude, latitude = centre
    latitudes = height / EARTH_RADIUS / RADIANS
    parallel = latitude - latitudes if latitude < 0 else latitude + latitudes
    narrowing = math.cos(parallel * RADIANS) if math.isfinite(parallel) else math.nan
    longitudes = width / EARTH_RADIUS / narrowing / RADIANS
    return Bounds(longitude - longitudes, latitude - latitudes, longitude + longitudes, latitude + latitudes)


def _steps(reach: float, latitude: float) -> int:
    """How often to halve the map for cells that such a shape fits into nine of (geohashEstimateStepsByRadius)."""
    if reach == 0:
        return STEPS
    steps = 1
    while reach < EQUATOR_HALF:
        reach *= 2
        steps += 1
    steps -= 2
    if abs(latitude) > 66:
        steps -= 1
        if abs(latitude) > 80:
            steps -= 1
    return max(1, min(steps, STEPS))


def score_ranges(shape: Shape) -> Iterator[tuple[int, int]]:
    """The ranges [first, behind) of scores that have all points of the shape, in the order in which Redis looks
    (geohashCalculateAreasByShapeWGS84, membersOfAllNeighbors)."""
    west, south, east, north = shape.bounds()
    centre = shape.centre
    steps = _steps(shape.reach(), centre.latitude)
    cell = _cell(centre, steps)
    if steps > 1 and (
        cell.beside(0, 1).bounds().north < north
        or cell.beside(0, -1).bounds().south > south
        or cell.beside(1, 0).bounds().east < east
        or cell.beside(-1, 0).bounds().west > west
    ):
        steps -= 1
        cell = _cell(centre, steps)
    bounds = cell.bounds()
    before: Cell | None = None
    for columns, rows in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)):
        if steps >= 2 and (
            (rows < 0 and bounds.south < south)
            or (rows > 0 and bounds.north > north)
            or (columns < 0 and bounds.west < west)
            or (columns > 0 and bounds.east > east)
        ):
            continue
        found = cell.beside(columns, rows)
        if found == before:
            continue  # the map has only two rows: north of a cell is what is south of it
        yield found.scores()
        if columns or rows:
            before = found

"""Geohashes alone, and searches against a real server."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types.geohash import Box, Circle, Point, Polygon, Shape, decode, distance, encode, score_ranges

points = st.builds(Point, st.floats(-180, 180), st.floats(-85.05, 85.05))


@given(points)
def test_a_cell_is_half_a_metre_wide(point: Point) -> None:
    score = encode(point)
    assert 0 <= score < 1 << 54  # the last meridian and parallel are columns and rows of their own
    assert distance(point, decode(score)) < 0.6
    assert distance(point, point) == 0


@given(points, points)
def test_distances(one: Point, other: Point) -> None:
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert 0 <= distance(one, other) <= math.pi * 6372797.560856 * (1 + 1e-12)


@given(points, points, st.floats(0, 50_000))
def test_a_range_has_what_is_in_the_shape(centre: Point, step: Point, radius: float) -> None:
    """Near the poles and the antimeridian the real searches too miss points."""
    centre = Point(centre.longitude * 0.9, centre.latitude * 0.7)
    point = decode(encode(Point(centre.longitude + step.longitude / 400, centre.latitude + step.latitude / 200)))
    shapes: list[Shape] = [Circle(centre, radius, 1.0), Box(centre, radius, 2 * radius, 1.0)]
    corners = [Point(centre.longitude + x, centre.latitude + y) for x, y in ((-0.3, -0.3), (0.3, -0.2), (0.1, 0.4))]
    shapes.append(Polygon(corners))
    for shape in shapes:
        if shape.measure(point) is not None:
            assert any(first <= encode(point) < behind for first, behind in score_ranges(shape))


@pytest.mark.real
def test_searches_find_what_the_real_server_finds(both: Callable[..., None]) -> None:
    random = Random(7)
    for i in range(400):
        longitude = random.choice((random.uniform(-180, 180), random.gauss(13, 1)))
        both("GEOADD", "g", longitude, random.uniform(-85, 85) if longitude < 0 else random.gauss(52, 1), f"m{i}")
    for _ in range(150):
        lengths = [10 ** random.uniform(1, 4.3) for _ in range(2)]
        centre = random.choice(
            (["FROMMEMBER", f"m{random.randrange(400)}"], ["FROMLONLAT", random.uniform(-170, 170), 50])
        )
        shape = random.choice((["BYRADIUS", lengths[0], "km"], ["BYBOX", *lengths, "mi"]))
        options = random.choice(([], ["ASC"], ["DESC"], ["COUNT", 5], ["COUNT", 9, "ANY"]))
        both("GEOSEARCH", "g", *centre, *shape, *options, "WITHDIST", "WITHHASH")

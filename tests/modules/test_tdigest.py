"""t-digests: redis-py's methods, and the structure against sorted lists."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble import FakeRedis, FakeServer
from redouble.modules.bloom import t_digest
from redouble.modules.bloom.t_digest import TDigest, WeightOverflow

# redis-py.


def test_how_long_requests_took(client: Any) -> None:
    times = client.tdigest()
    assert times.create("times", 50)
    assert times.add("times", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) == "OK"
    assert (times.min("times"), times.max("times")) == (1.0, 10.0)
    assert list(map(float, times.quantile("times", 0.5, 0.9))) == [6.0, 10.0]
    assert list(map(float, times.cdf("times", 3, 7))) == [0.25, 0.65]
    assert times.rank("times", 3, 100) == [2, 10]
    assert times.revrank("times", 3, 100) == [7, -1]
    assert list(map(float, times.byrank("times", 0, 4, 10))) == [1.0, 5.0, math.inf]
    assert list(map(float, times.byrevrank("times", 0, 4, 10))) == [10.0, 6.0, -math.inf]
    assert float(times.trimmed_mean("times", 0.1, 0.9)) == 5.5
    info = times.info("times")
    assert (info.get("compression") or info["Compression"]) == 50
    assert (info.get("merged_nodes") or info["Merged nodes"]) == 10


def test_digests_of_two_hosts(client: Any) -> None:
    times = client.tdigest()
    times.create("one")
    times.create("other", compression=30)
    times.add("one", [100])
    times.add("other", [1, 2, 3])
    assert times.merge("both", 2, "one", "other") == "OK"
    assert times.max("both") == 100.0
    assert times.merge("both", 1, "other", compression=20, override=True) == "OK"
    assert times.max("both") == 3.0
    assert times.reset("both") == "OK"
    assert math.isnan(times.min("both"))
    assert math.isnan(float(times.quantile("both", 0.5)[0]))


def test_a_digest_shows_what_is_in_it() -> None:
    server = FakeServer(version="7.4")
    times = FakeRedis(server=server).tdigest()
    times.create("times")
    times.add("times", [2.5, 1])
    assert server.dump() == "times  TDIS-TYPE\n  compression 100, 2 observations\n  2.5 x 1\n  1.0 x 1\n"


def test_a_snapshot_keeps_what_was_there() -> None:
    server = FakeServer(version="7.4")
    times = FakeRedis(server=server).tdigest()
    times.create("times")
    times.add("times", [1])
    snapshot = server.snapshot()
    times.add("times", [2, 3])
    times.quantile("times", 0.5)
    server.restore(snapshot)
    assert times.max("times") == 1.0


# The structure.

values = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 2.0, -3.0, 2.5]),
    st.floats(-1e6, 1e6),
    st.floats(allow_nan=False, allow_infinity=False),
)
compressions = st.sampled_from([1, 2, 3, 10, 100])


def filled(compression: int, observations: list[float]) -> TDigest:
    digest = TDigest(compression)
    for value in observations:
        digest.add(value)
    return digest


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=400), compressions)
def test_nothing_gets_lost(observations: list[float], compression: int) -> None:
    digest = filled(compression, observations)
    digest.check()
    digest.compress()
    digest.check()
    assert digest.size == sum(digest.weights) == len(observations)
    assert (digest.minimum, digest.maximum) == (min(observations), max(observations))
    assert digest.means == sorted(digest.means)
    assert len(digest.means) == digest.merged <= digest.capacity
    assert math.fsum(map(float.__mul__, digest.means, map(float, digest.weights))) == pytest.approx(
        math.fsum(observations), abs=1e-3
    )


@given(st.lists(values, min_size=2, max_size=60), st.lists(st.floats(-1e7, 1e7), max_size=5))
def test_few_observations_are_known_exactly(observations: list[float], asked: list[float]) -> None:
    digest = filled(1000, observations)
    ordered = sorted(observations)
    for value in [*asked, *observations]:
        below = bisect_left(ordered, value)
        equal = bisect_right(ordered, value) - below
        assert digest.cdf(value) == pytest.approx((below + equal / 2) / len(ordered))
    size = len(ordered)
    ranks = [rank for rank in range(size) if rank / size * size == rank]  # others may come out one too low
    assert [digest.by_rank(rank) for rank in ranks] == [ordered[rank] for rank in ranks]
    assert [digest.by_rank(size - 1 - rank, reverse=True) for rank in ranks] == [ordered[rank] for rank in ranks]


@given(st.lists(values, min_size=1, max_size=300), compressions, st.lists(values, max_size=10))
def test_answers_ascend(observations: list[float], compression: int, asked: list[float]) -> None:
    digest = filled(compression, [value / 1e10 for value in observations])
    fractions = [step / 20 for step in range(21)]
    if len(observations) > 1:
        for answers in ([digest.cdf(value) for value in sorted(asked)], [digest.quantile(part) for part in fractions]):
            assert all(one <= other or math.isclose(one, other, rel_tol=1e-9) for one, other in pairwise(answers))


def test_estimates_are_near() -> None:
    chance = Random(3)
    observations = [chance.gauss(0, 1) for _ in range(20_000)]
    digest = filled(100, observations)
    ordered = sorted(observations)
    for fraction in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999):
        found = digest.quantile(fraction)
        assert abs(bisect_left(ordered, found) / 20_000 - fraction) < 0.005
        assert abs(digest.cdf(found) - fraction) < 0.001
    assert len(digest.means) < 200
    assert digest.trimmed_mean(0.1, 0.9) == pytest.approx(0, abs=0.05)


@given(st.lists(st.tuples(values, st.integers(1, 3)), max_size=120), st.booleans())
def test_equal_means_are_in_the_order_of_the_quicksort(nodes: list[tuple[float, int]], with_nan: bool) -> None:
    if with_nan:
        nodes = [*nodes, (math.nan, 1), *nodes[:7]]
    expected = nodes[:]
    textbook(expected, 0, len(expected) - 1)
    means, weights = t_digest._sorted([mean for mean, _ in nodes], [weight for _, weight in nodes])
    assert repr(list(zip(means, weights))) == repr(expected)


def textbook(nodes: list[tuple[float, int]], start: int, end: int) -> None:
    """Quicksort around the element in the middle, with Lomuto's partition; two elements are compared at once."""
    if start >= end:
        return
    if end - start == 1:
        if nodes[start][0] > nodes[end][0]:
            nodes[start], nodes[end] = nodes[end], nodes[start]
        return
    middle = (start + end) // 2
    nodes[middle], nodes[end] = nodes[end], nodes[middle]
    place = start
    for i in range(start, end):
        if nodes[i][0] < nodes[end][0]:
            nodes[place], nodes[i] = nodes[i], nodes[place]
            place += 1
    nodes[place], nodes[end] = nodes[end], nodes[place]
    textbook(nodes, start, place - 1)
    textbook(nodes, place + 1, end)


def test_equal_observations_do_not_take_quadratic_time(monkeypatch: pytest.MonkeyPatch) -> None:
    swaps = 0

    class Counting(list):  # type: ignore[type-arg]
        def __setitem__(self, place: Any, node: Any) -> None:
            nonlocal swaps
            swaps += 1
            super().__setitem__(place, node)

    nodes = Counting((float(i % 2), 1 + i % 3) for i in range(20_000))
    t_digest._quicksort(nodes, sorted(mean for mean, _ in nodes))
    assert [mean for mean, _ in nodes] == [0.0] * 10_000 + [1.0] * 10_000
    assert swaps < 10 * len(nodes)


def test_there_may_be_too_many_observations() -> None:
    digest = TDigest()
    digest.add(1.0, (1 << 63) - 2)
    digest.add(2.0)
    with pytest.raises(WeightOverflow):
        digest.add(3.0)
    assert digest.size == (1 << 63) - 1
    with pytest.raises(WeightOverflow):
        digest.copy().merge(digest)

"""Count-min sketches: redis-py's methods, and the structure by itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble import FakeRedis, FakeServer
from redouble.modules.bloom.count_min_sketch import LARGEST_COUNT, CountMinSketch, dimensions
from redouble.modules.bloom.memory import NoMemory

# redis-py.


def facts(info: Any) -> Any:
    """CMS.INFO as the two protocols give it."""
    return [*info.values()] if isinstance(info, dict) else [info.width, info.depth, info.count]


def test_how_often_birds_were_seen(client: Any) -> None:
    birds = client.cms()
    assert birds.initbydim("may", 1000, 5)
    assert birds.initbyprob("june", 0.01, 0.01)
    assert birds.initbydim("spring", 1000, 5)
    assert birds.incrby("may", ["tit", "owl"], [3, 1]) == [3, 1]
    assert birds.incrby("may", ["tit"], [4]) == [7]
    assert birds.query("may", "tit", "owl", "auk") == [7, 1, 0]
    assert birds.merge("spring", 1, ["may"])
    assert birds.merge("spring", 2, ["may", "spring"], weights=[2, 1])
    assert birds.query("spring", "tit") == [21]
    assert facts(birds.info("may")) == [1000, 5, 8]
    assert facts(birds.info("june")) == [200, 7, 0]
    with pytest.raises(Exception, match="width/depth is not equal"):
        birds.merge("june", 1, ["may"])


def test_a_sketch_shows_what_it_is() -> None:
    server = FakeServer(version="7.4")
    words = FakeRedis(server=server).cms()
    words.initbydim("k", 20, 3)
    words.incrby("k", ["a", "b"], [3, 4])
    assert server.dump() == "k  CMSk-TYPE\n  20 x 3, 7 counted\n"


def test_a_snapshot_keeps_what_was_there() -> None:
    server = FakeServer(version="7.4")
    words = FakeRedis(server=server).cms()
    words.initbydim("k", 20, 3)
    words.incrby("k", ["a"], [3])
    snapshot = server.snapshot()
    words.incrby("k", ["a"], [3])
    server.restore(snapshot)
    assert words.query("k", "a") == [3]


@pytest.mark.parametrize(
    "command", ["CMS.INITBYDIM k 1000000000 1", "CMS.INITBYDIM k 1 1000000000", "CMS.INITBYPROB k 1e-320 0.1"]
)
def test_a_claim_allocates_nothing(command: str) -> None:
    with pytest.raises(Exception, match="Insufficient memory"):
        FakeRedis(version="7.4").execute_command(*command.split())


# The structure.

counted = st.lists(st.tuples(st.binary(max_size=5), st.integers(0, 1 << 20)), max_size=30)


@given(counted, st.integers(1, 8), st.integers(1, 5))
def test_counts_are_never_too_low(counts: list[tuple[bytes, int]], width: int, depth: int) -> None:
    value = CountMinSketch(width, depth)
    model: Counter[bytes] = Counter()
    for item, amount in counts:
        model[item] += amount
        assert value.increase(item, amount) == value.query(item) >= model[item]
    assert value.count == sum(model.values())
    assert all(value.query(item) >= count for item, count in model.items())
    value.check()


@given(counted, counted, st.integers(0, 9), st.integers(0, 9))
def test_a_sum_is_what_counting_all_gives(
    first: list[tuple[bytes, int]], second: list[tuple[bytes, int]], one: int, other: int
) -> None:
    parts = [CountMinSketch(7, 3), CountMinSketch(7, 3)]
    whole, merged = CountMinSketch(7, 3), CountMinSketch(7, 3)
    for part, counts, weight in zip(parts, (first, second), (one, other)):
        for item, amount in counts:
            part.increase(item, amount)
            whole.increase(item, amount * weight)
    assert merged.merge(parts, [one, other])
    assert (merged.counters, merged.count) == (whole.counters, whole.count)
    copied = merged.copy()
    assert not copied.merge([merged, merged], [1, -2]) or not merged.count
    copied.increase(b"x", 1)
    assert merged.counters == whole.counters


def test_the_largest_count_is_kept() -> None:
    value = CountMinSketch(1, 1)
    assert value.increase(b"a", LARGEST_COUNT - 1) == LARGEST_COUNT - 1
    assert value.increase(b"a", 5) == LARGEST_COUNT
    assert not value.merge([value], [2])
    assert value.merge([], [])
    assert value.query(b"a") == value.count == 0


def test_sizes_follow_from_errors() -> None:
    assert dimensions(0.001, 0.01) == (2000, 7)
    with pytest.raises(NoMemory):
        CountMinSketch(*dimensions(5e-324, 5e-324))

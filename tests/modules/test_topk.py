"""Top-k lists: redis-py's methods, and the structure against a model that is all arrays."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble import FakeRedis, FakeServer
from redouble.modules.bloom.murmur import murmur_hash_2
from redouble.modules.bloom.top_k import TopK

# redis-py.


@pytest.mark.filterwarnings("ignore:Call to deprecated count:DeprecationWarning")
def test_the_most_frequent_trees(client: Any) -> None:
    trees = client.topk()
    assert trees.reserve("trees", 2, 1000, 4, 0.9)
    assert trees.add("trees", "oak", "elm", "oak") == [None, None, None]
    assert trees.incrby("trees", ["ash", "elm"], [5, 1]) == ["elm", "oak"]
    assert trees.query("trees", "ash", "fir") == [True, False]
    assert trees.count("trees", "ash", "oak", "fir") == [5, 2, 0]
    assert trees.list("trees") == ["ash", "elm"]
    assert trees.list("trees", withcount=True) == ["ash", 5, "elm", 2]
    info = trees.info("trees")
    assert (info["k"], info["width"], info["depth"], float(info["decay"])) == (2, 1000, 4, 0.9)


def test_a_list_shows_what_is_in_it() -> None:
    server = FakeServer(version="7.4")
    words = FakeRedis(server=server).topk()
    words.reserve("words", 2, 50, 4, 0.9)
    words.incrby("words", ["a b", "c"], [3, 4])
    assert server.dump() == "words  TopK-TYPE\n  2 of 50 x 4, decay 0.9\n  b'c' 4\n  b'a b' 3\n"


def test_a_list_takes_what_the_real_one_takes() -> None:
    assert TopK(10, 20, 3).memory_usage() == 2088 + 480 + 240  # MEMORY USAGE, 32 less for the key


def test_a_snapshot_keeps_what_was_there() -> None:
    server = FakeServer(version="7.4")
    words = FakeRedis(server=server).topk()
    words.reserve("words", 2, 1000, 4, 0.9)
    words.add("words", "a")
    snapshot = server.snapshot()
    words.add("words", "a", "b")
    server.restore(snapshot)
    assert words.list("words", withcount=True) in (["a", 1], [b"a", 1])


# The structure.

ITEMS = [b"", b"a", b"b", b"c", b"d", b"\0", b"e\0f", b"item", b"long item"]
steps = st.lists(st.tuples(st.sampled_from(ITEMS), st.sampled_from([0, 1, 1, 2, 3, 10])), max_size=60)


class Model:
    """The same, with an array for everything; counts decay always or never."""

    def __init__(self, k: int, width: int, depth: int, decays: bool) -> None:
        self.width = width
        self.decays = decays
        self.buckets = [[(0, 0)] * width for _ in range(depth)]
        self.heap: list[tuple[bytes | None, int]] = [(None, 0)] * k

    def add(self, item: bytes, increment: int) -> bytes | None:
        most = max(self.count(row, item, increment) for row in range(len(self.buckets)))
        if most < self.heap[0][1]:
            return None
        place = next((place for place, (other, _) in enumerate(self.heap) if other == item), 0)
        expelled, _ = self.heap[place]
        self.heap[place] = item, most
        self.sink(place)
        return None if expelled == item else expelled

    def count(self, row: int, item: bytes, arrivals: int) -> int:
        place, fingerprint = murmur_hash_2(item, row) % self.width, murmur_hash_2(item, 1919)
        owner, count = self.buckets[row][place]
        if count and owner != fingerprint:
            lost = min(arrivals, count) if self.decays else 0
            self.buckets[row][place] = owner, count - lost
            if lost < count:
                return 0
            count, arrivals = 0, arrivals - lost + 1
        self.buckets[row][place] = fingerprint, count + arrivals
        return count + arrivals

    def sink(self, place: int) -> None:
        heap = self.heap
        below_equal = True
        while children := [child for child in (2 * place + 1, 2 * place + 2) if child < len(heap)]:
            child = min(children, key=lambda child: heap[child][1])
            if heap[child][1] > heap[place][1] or (heap[child][1] == heap[place][1] and not below_equal):
                break
            heap[place], heap[child] = heap[child], heap[place]
            place, below_equal = child, False


@given(steps, st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_a_list_is_its_model(steps: list[tuple[bytes, int]], k: int, width: int, depth: int, decays: bool) -> None:
    ours, model = TopK(k, width, depth, 1.0), Model(k, width, depth, decays)
    for item, increment in steps:
        assert ours.add(item, increment, Random(1) if decays else None) == model.add(item, increment)
        ours.check()
    listed = sorted(model.heap, key=lambda pair: -pair[1])
    assert ours.items() == [(item, count) for item, count in listed if count]
    assert [item in ours for item in ITEMS] == [item in dict(model.heap) for item in ITEMS]
    before = repr((ours.buckets, ours.heap, ours.places))
    ours.copy().add(b"new", 100_000, Random(1))
    assert repr((ours.buckets, ours.heap, ours.places)) == before


def test_a_count_decays_as_often_as_its_size_allows() -> None:
    chance = Random(7)
    for count, arrivals in ((1, 1), (2, 1), (3, 5), (5, 40)):
        left = 0
        for _ in range(4000):
            value = TopK(1, 1, 1, 0.5)
            value.add(b"a", count, None)
            value.add(b"b", arrivals, chance)
            left += value.query(b"b") > 0
        # One arrival after the other, each with the probability of 0.5 ** count.
        survives = {count: 1.0}
        for _ in range(arrivals):
            after: dict[int, float] = {}
            for size, weight in survives.items():
                after[size] = after.get(size, 0) + weight * (1 - 0.5**size if size else 1)
                if size:
                    after[size - 1] = after.get(size - 1, 0) + weight * 0.5**size
            survives = after
        assert abs(left / 4000 - survives.get(0, 0)) < 0.03


def test_a_large_list_takes_no_more_memory_than_what_is_in_it() -> None:
    value = TopK(1 << 31, 1 << 31, 9)
    assert value.add(b"a", 100_000, None) is None
    assert len(value.buckets) == 9

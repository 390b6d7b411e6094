"""Bloom filters: redis-py's methods, and the structure by itself."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble import FakeRedis, FakeServer
from redouble.modules.bloom.bloom_filter import BloomFilter, FilterIsFull, Link
from redouble.modules.bloom.memory import NoMemory

# redis-py.


def facts(info: Any) -> Any:
    """BF.INFO as the two protocols give it."""
    if isinstance(info, dict):
        return [*info.values()]
    return [info.capacity, info.size, info.filterNum, info.insertedNum, info.expansionRate]


def test_who_has_read_the_newsletter(client: Any) -> None:
    readers = client.bf()
    assert readers.create("readers", 0.001, 500)
    assert readers.add("readers", "ann")
    assert not readers.add("readers", "ann")
    assert [*map(bool, readers.madd("readers", "bob", "ann", "cid"))] == [True, False, True]
    assert readers.exists("readers", "bob")
    assert not readers.exists("readers", "dan")
    assert [*map(bool, readers.mexists("readers", "ann", "dan", "cid"))] == [True, False, True]
    assert readers.card("readers") == 3
    assert facts(readers.info("readers")) == [500, 1088, 1, 3, 2]


def test_filters_that_must_not_grow(client: Any) -> None:
    seats = client.bf()
    assert seats.reserve("seats", 0.01, 2, noScale=True)
    assert seats.insert("seats", ["1a", "1b"], noCreate=True)
    with pytest.raises(Exception, match="non scaling filter is full"):
        seats.add("seats", "1c")
    assert seats.insert("others", ["1a"], capacity=1000, error=0.1, expansion=4) in ([1], [True])
    assert facts(seats.info("others"))[0] == 1000
    with pytest.raises(Exception, match="item exists"):
        seats.reserve("seats", 0.01, 2)
    assert seats.create("growing", 0.01, 10, expansion=3)
    assert facts(seats.info("growing"))[-1] == 3


def test_a_filter_moves_in_chunks(client: Any) -> None:
    filters = client.bf()
    filters.create("here", 0.01, 8)
    filters.madd("here", *range(100))
    iterator, chunks = 0, 0
    while True:
        iterator, data = filters.scandump("here", iterator)
        if iterator == 0:
            break
        assert filters.loadchunk("there", iterator, data) in (True, "OK")
        chunks += 1
    assert chunks == 5
    assert facts(filters.info("there")) == facts(filters.info("here"))
    assert all(filters.mexists("there", *range(100)))


def test_a_filter_shows_what_it_is() -> None:
    server = FakeServer(version="7.4")
    FakeRedis(server=server).bf().insert("k", ["a", "b", "c", "d"], capacity=2, error=0.1)
    assert server.dump() == (
        "k  MBbloom--\n  4 of 6 items, expansion 2\n  2 of 2 items in 8 bytes, 5 hashes, error 0.05\n"
        "  2 of 4 items in 8 bytes, 6 hashes, error 0.025\n"
    )


def test_a_snapshot_keeps_what_was_there() -> None:
    server = FakeServer(version="7.4")
    words = FakeRedis(server=server).bf()
    words.add("k", "a")
    snapshot = server.snapshot()
    words.add("k", "b")
    server.restore(snapshot)
    assert [*words.mexists("k", "a", "b")] == [1, 0]


def test_rates_of_errors_end_at_a_quarter_in_redis_8() -> None:
    sizes = {}
    for version in ("7.4", "8.6"):
        words = FakeRedis(version=version).bf()
        words.reserve("k", 0.5, 1000)
        sizes[version] = words.info("k").size
    assert sizes == {"7.4": 464, "8.6": 640}


# The structure.


def test_ten_million_places_are_there_at_once() -> None:
    start = time.process_time()
    value = BloomFilter(10_000_000, 0.01, 2)
    for number in range(1000):
        assert value.add(b"%d" % number)
    assert all(value.contains(b"%d" % number) for number in range(1000))
    assert time.process_time() - start < 1


@given(
    st.lists(st.binary(max_size=20)), st.integers(1, 5), st.floats(0.001, 0.9), st.integers(1, 3), st.integers(1, 40)
)
def test_what_was_added_is_found_and_travels(
    items: list[bytes], capacity: int, error: float, expansion: int, limit: int
) -> None:
    value = BloomFilter(capacity, error, expansion)
    for item in items:
        known = value.contains(item)
        assert value.add(item) is not known
        assert value.contains(item)
        value.check()
    assert value.size <= value.capacity
    assert all(map(value.contains, items))
    other, position = BloomFilter.from_header(value.header()), 1
    while True:
        position, data = value.chunk(position, limit)
        if not position:
            break
        other.load(position, data)
    assert other.header() == value.header()
    assert [link.data for link in other.links] == [link.data for link in value.links]
    before = [bytes(link.data) for link in value.links]
    copied = value.copy()
    for number in range(100):
        copied.add(b"more %d" % number)
    assert [link.data for link in value.links] == before


@given(st.sets(st.binary(min_size=1, max_size=8), max_size=60), st.floats(0.001, 0.2))
def test_a_filter_is_full_when_it_has_what_it_was_made_for(items: set[bytes], error: float) -> None:
    value = BloomFilter(30, error, 2, nonscaling=True)
    added = 0
    for item in items:
        if value.size == 30 and not value.contains(item):
            with pytest.raises(FilterIsFull):
                value.add(item)
        else:
            added += value.add(item)
    assert added == value.size <= 30
    assert len(value.links) == 1


def test_errors_are_as_rare_as_promised() -> None:
    value = BloomFilter(500, 0.05, 2)
    for number in range(4000):
        value.add(b"in %d" % number)
    assert sum(value.contains(b"out %d" % number) for number in range(4000)) < 0.1 * 4000


def test_what_is_too_large_is_refused() -> None:
    for capacity, error in ((1 << 40, 0.01), (1 << 63, 0.9), (10, 1.0), (0, 0.1)):
        with pytest.raises(NoMemory):
            Link(capacity, error)
    value = BloomFilter(1, 0.5, 1 << 31)
    value.add(b"a")
    with pytest.raises(NoMemory):
        value.add(b"b")
    assert value.contains(b"a")
    value.check()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("BF.RESERVE k 0.01 10000000000", "could not create filter"),
        ("BF.INSERT k CAPACITY 10000000000 ITEMS a", "could not create filter"),
        ("BF.RESERVE k 0.01 1 EXPANSION 4294967296; BF.ADD k a; BF.ADD k b", "problem inserting into filter"),
    ],
)
def test_a_claim_allocates_nothing(command: str, error: str) -> None:
    client = FakeRedis(version="7.4")
    *setup, last = command.split("; ")
    for line in setup:
        client.execute_command(*line.split())
    with pytest.raises(Exception, match=error):
        client.execute_command(*last.split())

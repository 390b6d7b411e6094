"""Cuckoo filters: redis-py's methods, and the structure by itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble import FakeRedis, FakeServer
from redouble.modules.bloom.cuckoo_filter import CuckooFilter
from redouble.modules.bloom.memory import NoMemory

# redis-py.


def facts(info: Any) -> Any:
    """CF.INFO as the two protocols give it."""
    if isinstance(info, dict):
        return [*info.values()]
    return [
        info.size,
        info.bucketNum,
        info.filterNum,
        info.insertedNum,
        info.deletedNum,
        info.bucketSize,
        info.expansionRate,
        info.maxIteration,
    ]


def test_which_coupons_are_spent(client: Any) -> None:
    spent = client.cf()
    assert spent.create("spent", 1000)
    assert spent.add("spent", "x1")
    assert spent.addnx("spent", "x2")
    assert not spent.addnx("spent", "x1")
    assert spent.add("spent", "x1")
    assert spent.count("spent", "x1") == 2
    assert spent.exists("spent", "x1")
    assert not spent.exists("spent", "x3")
    assert [*map(bool, spent.mexists("spent", "x1", "x3", "x2"))] == [True, False, True]
    assert spent.delete("spent", "x1")
    assert spent.count("spent", "x1") == 1
    assert not spent.delete("spent", "x3")
    assert facts(spent.info("spent")) == [1080, 512, 1, 2, 1, 2, 1, 20]


def test_filters_of_a_certain_shape(client: Any) -> None:
    filters = client.cf()
    assert filters.reserve("k", 64, expansion=0, bucket_size=4, max_iterations=7)
    assert facts(filters.info("k"))[5:] == [4, 0, 7]
    assert all(filters.insert("k", ["a", "b", "a"], nocreate=True))
    assert [*map(int, filters.insertnx("k", ["a", "c"], capacity=1000))] == [0, 1]
    assert filters.insert("l", ["a"], capacity=10) in ([1], [True])
    with pytest.raises(Exception, match="not found"):
        filters.insertnx("none", ["a"], nocreate=True)


def test_a_filter_moves_in_chunks(client: Any) -> None:
    filters = client.cf()
    filters.create("here", 8, expansion=2)
    filters.insert("here", [*range(50)])
    iterator, chunks = 0, 0
    while True:
        # redis-py's scandump would decode the bytes.
        iterator, data = client.execute_command("CF.SCANDUMP", "here", iterator, NEVER_DECODE=[])
        if iterator == 0:
            break
        assert filters.loadchunk("there", iterator, data) in (True, "OK")
        chunks += 1
    assert chunks == 4
    assert facts(filters.info("there")) == facts(filters.info("here"))
    assert all(filters.mexists("there", *range(50)))


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_filter_moves_in_chunks_of_bytes(protocol: Any) -> None:
    filters = FakeRedis(version="7.4", protocol=protocol).cf()
    filters.add("here", "a")
    iterator, header = filters.scandump("here", 0)
    assert filters.loadchunk("there", iterator, header)
    assert filters.loadchunk("there", *filters.scandump("here", iterator))
    assert filters.exists("there", "a")
    assert filters.scandump("here", 1025) == [0, None]


def test_a_filter_shows_what_it_is() -> None:
    server = FakeServer(version="7.4")
    words = FakeRedis(server=server).cf()
    words.create("k", 4, expansion=2)
    words.insert("k", ["a", "b", "c", "d", "e", "f"])
    words.delete("k", "f")
    words.create("l", 4, expansion=0)
    assert server.dump() == (
        "k  MBbloomCF\n  5 items, 0 deleted, expansion 2\n  2 buckets of 2\n  4 buckets of 2\n"
        "l  MBbloomCF\n  0 items, 0 deleted, of this size for ever\n  2 buckets of 2\n"
    )


def test_a_snapshot_keeps_what_was_there() -> None:
    server = FakeServer(version="7.4")
    words = FakeRedis(server=server).cf()
    words.add("k", "a")
    words.add("l", "a")
    snapshot = server.snapshot()
    words.delete("k", "a")
    FakeRedis(server=server).execute_command("CF.LOADCHUNK", "l", 2, b"\xff")
    server.restore(snapshot)
    assert words.count("k", "a") == words.count("l", "a") == 1


# The structure.

ITEMS = [b"%d" % number for number in range(30)]
steps = st.lists(
    st.tuples(st.sampled_from(["add", "add", "add", "delete", "compact"]), st.sampled_from(ITEMS)), max_size=90
)


@given(steps, st.integers(2, 30), st.integers(1, 4), st.sampled_from([1, 2, 20]), st.sampled_from([0, 1, 2]))
def test_what_was_added_is_there_until_it_is_deleted(
    steps: list[tuple[str, bytes]], capacity: int, bucket_size: int, iterations: int, expansion: int
) -> None:
    value = CuckooFilter(capacity, bucket_size, iterations, expansion)
    model: Counter[bytes] = Counter()
    for step, item in steps:
        if step == "add":
            model[item] += value.add(item)
        elif step == "delete" and model[item]:
            assert value.delete(item)
            model[item] -= 1
        else:
            value.compact()
            assert value.deleted == 0
        value.check()
        assert (
            value.items == sum(model.values()) == sum(len(table.data) - table.data.count(0) for table in value.tables)
        )
        assert all(value.contains(item) and value.count(item) >= count for item, count in model.items() if count)
    other, position = CuckooFilter.from_header(value.header()), 1
    while True:
        position, data = value.chunk(position, 1000)
        if data is None:
            break
        other.load(position, data)
    assert other.header() == value.header()
    assert [table.data for table in other.tables] == [table.data for table in value.tables]
    before = [bytes(table.data) for table in value.tables]
    value.copy().add(b"more")
    assert [table.data for table in value.tables] == before


@given(st.lists(st.sampled_from(ITEMS), max_size=40), st.integers(1, 4), st.integers(1, 5))
def test_a_full_filter_is_as_it_was(items: list[bytes], bucket_size: int, iterations: int) -> None:
    value = CuckooFilter(2 * bucket_size, bucket_size, iterations, 0)
    for item in items:
        before = bytes(value.tables[0].data)
        if not value.add(item):
            assert value.tables[0].data == before


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(NoMemory):
        CuckooFilter(1 << 40, 2, 20, 1)
    value = CuckooFilter(4, 1, 1, 32768)
    for _ in range(4):
        assert value.add(b"same")
    before = value.header()
    with pytest.raises(NoMemory):
        value.add(b"same")
    assert value.header() == before
    value.check()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("CF.RESERVE k 10000000000", "Couldn't create Cuckoo Filter"),
        ("CF.INSERT k CAPACITY 10000000000 ITEMS a", "Could not create filter"),
        (
            "CF.RESERVE k 4 EXPANSION 32768; CF.INSERT k ITEMS a a a a a a a a a; CF.ADD k a",
            "Memory allocation failure",
        ),
    ],
)
def test_a_claim_allocates_nothing(command: str, error: str) -> None:
    client = FakeRedis(version="7.4")
    *setup, last = command.split("; ")
    for line in setup:
        client.execute_command(*line.split())
    with pytest.raises(Exception, match=error):
        client.execute_command(*last.split())

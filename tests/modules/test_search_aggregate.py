"""What aggregations are made of, alone: expressions, dates, orders, the stream of a quantile; and cursors while documents change."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from redouble import FakeRedis
from redouble.core.errors import CommandError
from redouble.modules.search.aggregate.dates import moment, parse_time, print_time, seconds_of
from redouble.modules.search.aggregate.expression import parse
from redouble.modules.search.aggregate.order import Heap, ValueSet, listed
from redouble.modules.search.aggregate.reducers import reduction
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.values import hash_value, number


def value(text: str, **values: Any) -> Any:
    return parse(text.encode())(Row({name.encode(): each for name, each in values.items()}))


def test_an_expression_is_a_function_of_a_row() -> None:
    assert value("@a * 2 + @b", a=4.0, b=b"0.5") == 8.5
    assert value("format('%s of %s', upper(@a), @b)", a=b"one", b=3.0) == b"ONE of 3"
    with pytest.raises(CommandError, match="b: has no value"):
        value("@a + @b", a=1.0)
    asked: list[bytes] = []
    parse(b"@b + strlen(@a) * @b", asked.append)
    assert asked == [b"b", b"a", b"b"]


@pytest.mark.parametrize("text", ["(" * 5000 + "1" + ")" * 5000, "!" * 5000 + "1", "abs(" * 5000, "1" + "+(1" * 5000])
def test_nothing_can_be_nested_for_ever(text: str) -> None:
    with pytest.raises(CommandError, match="Syntax error"):
        parse(text.encode())


def test_a_long_row_of_operators() -> None:
    assert value("+".join("1" for _ in range(90)).replace("+", " + ")) == 90


@given(st.integers(-(10**10), 10**11))
def test_dates_are_those_of_python(seconds: int) -> None:
    theirs = time.gmtime(seconds)
    ours = moment(seconds)
    assert ours is not None
    assert seconds_of(*ours[:6]) == seconds
    assert (ours.year, ours.month + 1, ours.day, ours.hour, ours.minute, ours.second) == theirs[:6]
    assert ((ours.weekday - 1) % 7, ours.yearday + 1) == theirs[6:8]
    if 1000 <= ours.year <= 9999:
        assert print_time("%Y-%m-%d %H:%M:%S %j %U %W %V %G %u %w %a %B %p %I", ours) == time.strftime(
            "%Y-%m-%d %H:%M:%S %j %U %W %V %G %u %w %a %B %p %I", theirs
        )
        assert parse_time(print_time("%F %T", ours), "%Y-%m-%d %H:%M:%S") == seconds


@given(st.lists(st.integers(0, 2**64 - 1), unique=True))
def test_every_group_is_listed_once(hashes: list[int]) -> None:
    assert sorted(listed(hashes)) == list(range(len(hashes)))


@given(st.lists(st.sampled_from([None, 1.0, 2.5, b"a", b"b", b"abc", *(b"%d" % number for number in range(50))])))
def test_a_set_of_values_has_each_once(values: list[Any]) -> None:
    found = ValueSet()
    for each in values:
        found.add(each)
    listed_values = found.values()
    assert len(listed_values) == len(set(listed_values))
    assert set(listed_values) == set(values)


@given(st.lists(st.integers(0, 20)), st.integers(2, 30))
def test_a_heap_keeps_the_greatest(numbers: list[int], size: int) -> None:
    heap: Heap[int] = Heap(lambda one, other: (one > other) - (one < other), size)
    assert heap.sort(numbers) == sorted(numbers, reverse=True)[:size]


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=3000), st.sampled_from(["0", "0.1", "0.5", "0.99", "1"]))
def test_a_quantile_is_near_the_real_one(values: list[float], quantile: str) -> None:
    made = reduction(b"QUANTILE", [b"@n", quantile.encode()], b"q", lambda name: None, Random(1)).start()
    for each in values:
        made.add(Row({b"n": each}))
    found = number(made.value())
    assert found is not None
    ordered = sorted(values)
    slack = max(2, len(values) // 30)
    place = min(int(float(quantile) * len(values)), len(values) - 1)
    assert ordered[max(place - slack, 0)] <= found <= ordered[min(place + slack, len(values) - 1)]


def test_a_hyperloglog_counts_about_right() -> None:
    made = reduction(b"COUNT_DISTINCTISH", [b"@n"], None, lambda name: None, Random(1)).start()
    for each in range(3000):
        made.add(Row({b"n": hash_value(float(each % 1000), 7) % 10**9 * 1.0}))
    assert 800 < (number(made.value()) or 0) < 1200


def test_a_cursor_outlives_documents_and_their_index() -> None:
    with FakeRedis(version="7.4", protocol=3, decode_responses=True) as client:
        client.execute_command("FT.CREATE", "i", "SCHEMA", "n", "NUMERIC")
        for each in range(6):
            client.hset(f"k{each}", "n", each)

        def start() -> Any:
            line = "FT.AGGREGATE i * LOAD 1 @n WITHCURSOR COUNT 2"
            return client.execute_command(*line.split())[1]

        cursor, other = start(), start()
        client.delete("k2", "k4")
        rows, cursor = client.execute_command("FT.CURSOR", "READ", "i", cursor)
        assert [row["extra_attributes"] for row in rows["results"]] == [{"n": "3"}, {"n": "5"}]
        assert client.execute_command("FT.CURSOR", "DEL", "i", other) == "OK"
        with pytest.raises(ResponseError, match="Cursor does not exist"):
            client.execute_command("FT.CURSOR", "DEL", "i", other)

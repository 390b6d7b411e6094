"""SCAN's promise, over random schedules of what happens between two steps."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types.scan_order import ScanOrder


@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(1, 12))
def test_what_is_there_from_beginning_to_end_is_returned(seed: int, size: int, count: int) -> None:
    chance = Random(seed)
    keys = {b"%d" % i for i in range(size)}
    order = ScanOrder(sorted(keys))
    always = set(keys)
    seen: set[bytes] = set()
    cursor = fresh = 0
    for _ in range(10_000):
        cursor, found = order.scan(cursor, count)
        assert keys.issuperset(found)
        seen.update(found)
        if not cursor:
            break
        for _ in range(chance.choice((0, 1, 3, 20))):
            event = chance.random()
            if event < 0.5 and keys:
                key = chance.choice(sorted(keys))
                order.remove(key)
                keys.discard(key)
                always.discard(key)
                if event < 0.1:  # deleted and added again: no promise for this one
                    order.add(key)
                    keys.add(key)
            elif event < 0.6:
                key = b"new %d" % fresh
                fresh += 1
                order.add(key)
                keys.add(key)
        order.check()
        assert len(order) == len(keys)
    else:
        raise AssertionError("the scan does not end")
    assert always <= seen


def test_a_scan_survives_flushall() -> None:
    order = ScanOrder(b"%d" % i for i in range(100))
    cursor, _ = order.scan(0, 10)
    order.clear()
    assert order.scan(cursor, 10) == (0, [])
    order.add(b"a")
    assert order.scan(cursor, 10) == (0, [b"a"])


def test_without_changes_every_key_comes_exactly_once() -> None:
    order = ScanOrder(b"%d" % i for i in range(1000))
    cursor, seen = order.scan(0, 7)
    while cursor:
        cursor, found = order.scan(cursor, 7)
        seen += found
    assert len(seen) == len(set(seen)) == 1000


def test_choices_are_fair() -> None:
    chance = Random(1)
    order = ScanOrder(b"%d" % i for i in range(20))
    for i in range(10):
        order.remove(b"%d" % i)
    counts = Counter(order.choice(chance) for _ in range(20_000))
    assert len(counts) == 10
    # chi-square with 9 degrees of freedom: above 27.9 once in a thousand seeds, and this seed is fixed
    assert sum((n - 2000) ** 2 / 2000 for n in counts.values()) < 27.9
    sample = order.sample(4, chance)
    assert len(set(sample)) == 4
    assert sorted(order.sample(99, chance)) == sorted(b"%d" % i for i in range(10, 20))
    with pytest.raises(IndexError):
        ScanOrder().choice(chance)

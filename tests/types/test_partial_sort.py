"""Partial sorting: what is needed is in order.  The order of equal keys is shown by tests/parity/geo.txt and generic.txt."""

from __future__ import annotations

from random import Random

import pytest

from redouble.types.partial_sort import partial_order


@pytest.mark.parametrize("seed", range(60))
def test_what_is_needed_is_in_order(seed: int) -> None:
    random = Random(seed)
    keys = [random.randrange(random.choice((2, 10, 1000))) for _ in range(random.choice((1, 6, 7, 8, 41, 300)))]
    first = random.randrange(len(keys))
    last = random.randrange(first, len(keys))
    descending = bool(seed % 2)
    order = partial_order(keys, first, last, descending)
    assert sorted(order) == list(range(len(keys)))
    assert [keys[at] for at in order][first : last + 1] == sorted(keys, reverse=descending)[first : last + 1]

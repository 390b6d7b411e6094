"""The order that Redis's partial quicksort gives, where equal keys make it visible.

GEOSEARCH with COUNT and SORT with BY and LIMIT sort only as far as the answer goes.  Elements of equal keys then come
in an order of their own, which this finds: the quicksort of Bentley and McIlroy ("Engineering a Sort Function", 1993),
which leaves parts alone that nobody will see (pqsort.c).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["partial_order"]


def partial_order(keys: Sequence[Any], first: int, last: int, descending: bool = False) -> list[int]:
    """The indices of `keys` in order, of which only those at `first` to `last` are needed; O(n log n)."""
    order = list(range(len(keys)))
    if len(set(keys)) == len(keys):
        order.sort(key=keys.__getitem__, reverse=descending)
        return order
    sign = -1 if descending else 1

    def compare(one: int, other: int) -> int:
        a, b = keys[order[one]], keys[order[other]]
        return sign if a > b else -sign if a < b else 0

    def middle(a: int, b: int, c: int) -> int:
        if compare(a, b) < 0:
            return b if compare(b, c) < 0 else c if compare(a, c) < 0 else a
        return b if compare(b, c) > 0 else a if compare(a, c) < 0 else c

    def swap(one: int, other: int, count: int = 1) -> None:
        order[one : one + count], order[other : other + count] = order[other : other + count], order[one : one + count]

    parts = [(0, len(keys))]
    while parts:
        start, end = parts.pop()
        count = end - start
        if count < 7:
            # Insertion sort, which is stable.
            order[start:end] = sorted(order[start:end], key=keys.__getitem__, reverse=descending)
            continue
        pivot = start + count // 2
        if count > 7:
            low, high = start, end - 1
            if count > 40:
                eighth = count // 8
                low = middle(low, low + eighth, low + 2 * eighth)
                pivot = middle(pivot - eighth, pivot, pivot + eighth)
                high = middle(high - 2 * eighth, high - eighth, high)
            pivot = middle(low, pivot, high)
        swap(start, pivot)
        # Equal ones gather at both ends, [start, a) and (d, end); less is in [a, b), more in (c, d].
        a = b = start + 1
        c = d = end - 1
        while True:
            while b <= c and (found := compare(b, start)) <= 0:
                if not found:
                    swap(a, b)
                    a += 1
                b += 1
            while b <= c and (found := compare(c, start)) >= 0:
                if not found:
                    swap(c, d)
                    d -= 1
                c -= 1
            if b > c:
                break
            swap(b, c)
            b += 1
            c -= 1
        equal = min(a - start, b - a)
        swap(start, b - equal, equal)
        equal = min(d - c, end - 1 - d)
        swap(b, end - equal, equal)
        for part in ((start, start + b - a), (end - (d - c), end)):
            if part[1] - part[0] > 1 and part[0] <= last and part[1] > first:
                parts.append(part)
    return order

"""The best of what a query finds, kept in a heap as the real module does it.

It shows where scores are no numbers (`nan`): they compare as equal to everything, so that the order depends on how it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

__all__ = ["MinMaxHeap", "best"]

T = TypeVar("T")
Compare = Callable[[T, T], int]


class MinMaxHeap(Generic[T]):
    """A heap of which the least and the greatest are known (Atkinson, Sack, Santoro, Strothotte): on its levels by turns, smaller or
    greater than all below."""

    __slots__ = ("_compare", "_items")

    def __init__(self, compare: Compare[T]) -> None:
        self._compare = compare
        self._items: list[T] = []

    def __len__(self) -> int:
        return len(self._items)

    def least(self) -> T:
        return self._items[0]

    def push(self, item: T) -> None:
        self._items.append(item)
        place = len(self._items)
        if place == 1:
            return
        sign = -1 if _is_least_level(place) else 1
        # On a level of least ones it may be greater than the one above, and the other way round.
        if self._differs(place, place // 2, -sign):
            self._swap(place, place // 2)
            self._rise(place // 2, -sign)
        else:
            self._rise(place, sign)

    def pop_least(self) -> T:
        return self._pop(1, -1)

    def pop_greatest(self) -> T:
        count = len(self._items)
        place = 1 if count == 1 else 3 if count > 2 and self._differs(2, 3, -1) else 2
        return self._pop(place, 1)

    def _differs(self, one: int, other: int, sign: int) -> bool:
        """Whether the item at a place (from 1) is greater than another (sign 1), or less (-1)."""
        return self._compare(self._items[one - 1], self._items[other - 1]) * sign > 0

    def _swap(self, one: int, other: int) -> None:
        items = self._items
        items[one - 1], items[other - 1] = items[other - 1], items[one - 1]

    def _rise(self, place: int, sign: int) -> None:
        while place > 3 and self._differs(place, place // 4, sign):
            self._swap(place, place // 4)
            place //= 4

    def _pop(self, place: int, sign: int) -> T:
        items = self._items
        found = items[place - 1]
        last = items.pop()
        if place <= len(items):
            items[place - 1] = last
            self._sink(place, sign)
        return found

    def _sink(self, place: int, sign: int) -> None:
        count = len(self._items)
        while True:
            below = 2 * place
            candidates = [below, below + 1, 2 * below, 2 * below + 1, 2 * below + 2, 2 * below + 3]
            candidates = [one for one in candidates if one <= count]
            if not candidates:
                return
            extreme = candidates[0]
            for one in candidates[1:]:
                if self._differs(one, extreme, sign):
                    extreme = one
            if not self._differs(extreme, place, sign):
                return
            self._swap(place, extreme)
            if extreme <= below + 1:
                return
            if self._differs(extreme, extreme // 2, -sign):
                self._swap(extreme, extreme // 2)
            place = extreme


def _is_least_level(place: int) -> bool:
    return place.bit_length() % 2 == 1


def best(items: Iterable[T], count: int, compare: Compare[T]) -> list[T]:
    """The `count` greatest, the greatest first."""
    heap = MinMaxHeap(compare)
    for item in items:
        if len(heap) < count:
            heap.push(item)
        elif compare(item, heap.least()) > 0:
            heap.pop_least()
            heap.push(item)
    return [heap.pop_greatest() for _ in range(len(heap))]

"""Placeholder until the structures land."""

from collections.abc import Iterable
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class ScanOrder(Generic[T]):
    def __init__(self, items: Iterable[T]) -> None:
        self.slots = list(items)

    def add(self, item: T) -> None:
        self.slots.append(item)

    def remove(self, item: T) -> None:
        self.slots.remove(item)

    def scan(self, cursor: int, count: int) -> tuple[int, list[T]]:
        end = len(self.slots) if not 0 < cursor <= len(self.slots) else cursor
        start = max(end - count, 0)
        return start, self.slots[start:end]

    def choice(self, random: Random) -> T:
        return random.choice(self.slots)

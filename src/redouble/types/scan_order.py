"""An order for SCAN and a fair choice for RANDOMKEY, both at constant cost.

The keys stand in dense slots, and a dictionary knows each key's slot.  A deleted key's slot is filled with the last
key.  A scan walks from the highest slot down to 0, its cursor is the slot where it stopped, and nothing else is
remembered.  That keeps SCAN's promise, that a key which is there from beginning to end is returned at least once: a
key only ever moves to a *lower* slot, so one that has not been visited is still ahead.  What is added during the scan
goes on top and may be missed.

A cursor beyond the last slot (keys were deleted since) means the last slot: there was nothing unvisited above.
Build it when it is first needed; from then on every added and removed key must be reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

__all__ = ["ScanOrder"]


class ScanOrder:
    """`add`, `remove` and `choice` are O(1), `scan` is O(count), whatever the number of keys."""

    __slots__ = ("_positions", "_slots")

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._slots = list(keys)
        self._positions = {key: position for position, key in enumerate(self._slots)}

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, key: bytes) -> None:
        """`key` is new."""
        self._positions[key] = len(self._slots)
        self._slots.append(key)

    def remove(self, key: bytes) -> None:
        """`key` was there."""
        position = self._positions.pop(key)
        last = self._slots.pop()
        if position < len(self._slots):
            self._slots[position] = last
            self._positions[last] = position

    def clear(self) -> None:
        self._slots.clear()
        self._positions.clear()

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """The next `count` keys, and the cursor to go on with.  Cursor 0 is both the beginning and the end."""
        slots = self._slots
        if not 0 < cursor <= len(slots):
            cursor = len(slots)
        rest = max(cursor - count, 0)
        return rest, slots[rest:cursor]

    def choice(self, chance: Random) -> bytes:
        """One key, each as likely as the others.  There must be one."""
        return self._slots[int(chance.random() * len(self._slots))]

    def sample(self, count: int, chance: Random) -> list[bytes]:
        """Different keys in random order, all of them if there are not more.  O(count)."""
        return chance.sample(self._slots, min(count, len(self._slots)))

    def check(self) -> None:
        assert len(self._slots) == len(self._positions)
        for position, key in enumerate(self._slots):
            assert self._positions[key] == position

"""What hashes, sets and sorted sets have in common: members in a dictionary, in order while the encoding is a small
one, scanned and chosen at random at constant cost once it is a large one.
"""

from __future__ import annotations

from collections.abc import Iterator, KeysView
from random import Random
from typing import Generic, TypeVar

from redouble.types.limits import DEFAULT_LIMITS, Limits
from redouble.types.scan_order import ScanOrder

__all__ = ["Collection"]

V = TypeVar("V")


class Collection(Generic[V]):
    """Members, each with a value.  Subclasses tell `_order` of every member that comes and goes, if there is one."""

    __slots__ = ("_members", "_order", "limits")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._members: dict[bytes, V] = {}
        self._order: ScanOrder | None = None  # built for the first SCAN or random choice

    @property
    def small(self) -> bool:
        """Whether the encoding is one of the small ones, which keep their members in a visible order."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: bytes) -> bool:
        return member in self._members

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._members)

    def keys(self) -> KeysView[bytes]:
        """The members as a view, for set operations in C; in no promised order."""
        return self._members.keys()

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """HSCAN, SSCAN, ZSCAN: the next members and the next cursor.  A small collection comes whole.  O(count)."""
        if self.small:
            return 0, list(self)
        return self._ordered().scan(cursor, count)

    def choice(self, chance: Random) -> bytes:
        """One member, each as likely as the others.  O(1); the first time O(n)."""
        return self._ordered().choice(chance)

    def sample(self, count: int, chance: Random) -> list[bytes]:
        """Different members in random order, all of them if there are not more.  O(count); the first time O(n)."""
        return self._ordered().sample(count, chance)

    def random(self, count: int, chance: Random) -> list[bytes]:
        """*RANDFIELD and *RANDMEMBER with a count: different members, all of them in their own order if there are not
        more; with a negative count that many, each chosen from all of them.  O(count)."""
        if count < 0:
            choice = self._ordered().choice
            return [choice(chance) for _ in range(-count)]
        return list(self) if count >= len(self) else self.sample(count, chance)

    def _ordered(self) -> ScanOrder:
        if self._order is None:
            self._order = ScanOrder(self._members)
        return self._order

    def check(self) -> None:
        assert all(type(member) is bytes for member in self._members)
        if self._order is not None:
            self._order.check()
            assert sorted(self._order.scan(0, len(self) or 1)[1]) == sorted(self._members)

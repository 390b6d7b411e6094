"""The keys of a database of which values are read when somebody wants them.

They stand in the place of a `Database`'s dicts, so that its code is the same with and without a folder, and servers without one
pay nothing.  At first nothing is known but what was asked for, key by key.  Whoever counts keys or walks through them makes all
names and times to live known, but no values, which are read as he comes to them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

__all__ = ["Found", "Shelf", "StoredKeys", "StoredTimes"]


class Found(NamedTuple):
    """What is kept of one key."""

    value: Any
    expires_at: int
    """Unix time in milliseconds; 0: never."""
    soonest: int
    """The same for its fields; 0: none goes."""


class Shelf(Protocol):
    """Where the keys of one database are kept."""

    def __contains__(self, key: object) -> bool: ...

    def fetch(self, key: bytes) -> Found | None:
        """What is kept of a key; None: nothing."""

    def learn(self) -> Iterable[tuple[bytes, int, int]]:
        """All keys, each with the two times of `Found`."""

    def changed(self, key: bytes) -> None:
        """The time of a key, or of fields, has come before anybody asked for it."""

    def now_ms(self) -> int:
        """Keys of which the time has come are not made known."""


class StoredKeys(dict[bytes, Any]):
    """`Database.dict`: the dict itself holds the values that were read or written; the rest is on the shelf.

    `times`, `volatile` and `heap` are those of the same database; they hear of what is found.
    """

    __slots__ = ("_gone", "_heap", "_shelf", "_times", "_unread", "_volatile")

    def __init__(
        self, shelf: Shelf, times: dict[bytes, int], volatile: dict[bytes, int], heap: list[tuple[int, bytes]]
    ) -> None:
        super().__init__()
        self._shelf = shelf
        self._times, self._volatile, self._heap = times, volatile, heap
        self._unread: set[bytes] | None = None
        """The keys of which the values were not read; None: nobody has asked which they are."""
        self._gone: set[bytes] = set()
        """Keys that were removed, and may still be on the shelf, while `_unread` is not known."""

    def get(self, key: bytes, default: Any = None) -> Any:
        value = dict.get(self, key)
        if value is None:
            value = self._read(key)
        return default if value is None else value

    def __missing__(self, key: bytes) -> Any:
        value = self._read(key)
        if value is None:
            raise KeyError(key)
        return value

    def _read(self, key: bytes) -> Any:
        unread = self._unread
        if (key in self._gone) if unread is None else (key not in unread):
            return None
        found = self._shelf.fetch(key)
        if found is None:
            return None
        if unread is None:
            self._enter(key, found.expires_at, found.soonest)
        else:
            unread.discard(key)
        dict.__setitem__(self, key, found.value)
        return found.value

    def _enter(self, key: bytes, expires_at: int, soonest: int) -> None:
        for times, at in ((self._times, expires_at), (self._volatile, soonest)):
            if at:
                times[key] = at
                heapq.heappush(self._heap, (at, key))

    def _names(self) -> set[bytes]:
        """The keys that were not read."""
        if self._unread is None:
            now, self._unread = self._shelf.now_ms(), set()
            for key, expires_at, soonest in self._shelf.learn():
                if not dict.__contains__(self, key) and key not in self._gone:
                    self._learn_of(key, expires_at, soonest, now)
            self._gone.clear()
        return self._unread

    def _learn_of(self, key: bytes, expires_at: int, soonest: int, now: int) -> None:
        """There is a key.  What is due of it goes unheard, as when a real server starts."""
        assert self._unread is not None
        is_due = 0 < expires_at < now
        if not is_due and not 0 < soonest < now:
            self._unread.add(key)
        else:
            self._shelf.changed(key)
            found = None if is_due else self._shelf.fetch(key)
            if found is None or (found.value.remove_due(now) and not found.value):
                return
            dict.__setitem__(self, key, found.value)
            soonest = found.value.soonest
        self._enter(key, expires_at, soonest)

    def learn(self) -> None:
        """Make all names and times to live known."""
        self._names()

    def settle(self) -> None:
        """Nothing that was removed is on the shelf any more."""
        self._gone.clear()

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or self.get(key) is not None  # type: ignore[arg-type]

    def __setitem__(self, key: bytes, value: Any) -> None:
        if self._unread:
            self._unread.discard(key)
        dict.__setitem__(self, key, value)

    def __delitem__(self, key: bytes) -> None:
        if self._unread is None:
            if key in self._shelf:
                self._gone.add(key)
        elif key in self._unread:
            self._unread.discard(key)
            return
        dict.__delitem__(self, key)

    def __len__(self) -> int:
        return len(self._names()) + dict.__len__(self)

    def __bool__(self) -> bool:
        return dict.__len__(self) > 0 or len(self) > 0

    def __iter__(self) -> Iterator[bytes]:
        unread = self._names()
        return iter([*dict.keys(self), *unread]) if unread else dict.__iter__(self)

    def keys(self) -> Any:
        return dict.fromkeys(iter(self)).keys() if self._names() else dict.keys(self)

    def values(self) -> Any:
        return (self[key] for key in list(self))

    def items(self) -> Any:
        return ((key, self[key]) for key in list(self))

    def copy(self) -> dict[bytes, Any]:
        return dict(self.items())


class StoredTimes(dict[bytes, int]):
    """`Database.volatile`: whether fields of a hash go is known once the hash was read."""

    __slots__ = ("keyspace",)

    keyspace: StoredKeys

    def __contains__(self, key: object) -> bool:
        self.keyspace.get(key)  # type: ignore[arg-type]
        return dict.__contains__(self, key)

"""What stands for the index while it is not a dict in memory: before it is loaded, and after the database was closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from redouble.dbm.errors import DBMError
from redouble.dbm.snapshot import Damaged, Snapshot

__all__ = ["GONE", "ClosedIndex", "LazyIndex"]

GONE = 0
"""The entry of a key that the index file has and the log deleted since."""
_LAZY_FINDS = 32
"""The index is loaded once a part of 1 in so many of its keys was looked up in the file."""


class LazyIndex(dict[bytes, int]):
    """What changed since the index file was written; the rest is looked up there."""

    def __init__(self, snapshot: Snapshot, load: Callable[[], dict[bytes, int]]) -> None:
        self.snapshot, self._load = snapshot, load
        self._finds = len(snapshot) // _LAZY_FINDS

    def _find(self, key: bytes) -> int | None:
        entry = super().get(key)
        if entry is None:
            self._finds -= 1
            try:
                if self._finds < 0:
                    raise Damaged  # it is not, but looking up became the longer way
                entry = self.snapshot.find(key) or GONE
            except Damaged:
                return self._load().get(key)
            self[key] = entry
        return None if entry == GONE else entry

    def __missing__(self, key: bytes) -> int:
        entry = self._find(key)
        if entry is None:
            raise KeyError(key)
        return entry

    def __contains__(self, key: Any) -> bool:
        return self._find(key) is not None

    def get(self, key: bytes, default: Any = None) -> Any:
        entry = self._find(key)
        return default if entry is None else entry

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._load())

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(self._load())

    def __len__(self) -> int:
        return len(self._load())


class ClosedIndex(dict[bytes, int]):
    """The index of a closed database."""

    def refuse(self, *_: object) -> NoReturn:
        raise DBMError("this database is closed")

    __missing__ = __contains__ = get = __iter__ = __reversed__ = __len__ = refuse

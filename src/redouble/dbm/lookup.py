"""Two other ways to read a value: without its checksum, and from a cache."""

from __future__ import annotations

from itertools import islice
from typing import Any

from redouble.dbm.append import Changes
from redouble.dbm.log import LENGTH, LENGTH_BITS, OFFSET, SEGMENT_SHIFT
from redouble.dbm.reader import Database
from redouble.dbm.record import Record, encoded
from redouble.dbm.writer import WritableDatabase

__all__ = ["CachedDatabase", "CachedWritableDatabase", "UnverifiedDatabase", "UnverifiedWritableDatabase"]


def _unverified(self: Database, key: bytes | str) -> bytes:
    """A value in memory is believed; what comes from the file is checked all the same."""
    if type(key) is not bytes:
        key = encoded(key)
    entry = self._index[key]
    offset = entry >> LENGTH_BITS & OFFSET
    value = self._buffers[entry >> SEGMENT_SHIFT][offset + 8 + len(key) : offset + (entry & LENGTH) - 4]
    if not value:  # it is not in memory, or it is empty
        return Database.__getitem__(self, key)
    return value


class UnverifiedDatabase(Database):
    __slots__ = ()
    __getitem__ = _unverified


class UnverifiedWritableDatabase(WritableDatabase):
    __slots__ = ()
    __getitem__ = _unverified


_DROPPED = 8
"""A full cache drops a part of 1 in so many of its values: a dict whose oldest ones went, one by one, is slow to find the next."""


class _Cache(dict["bytes | str", bytes]):
    """Values that were read before, up to `size` bytes of them; the oldest go first."""

    def __init__(self, database: Database, size: int) -> None:
        self._database, self._size, self._used = database, size, 0

    def __missing__(self, key: bytes | str) -> bytes:
        if type(key) is not bytes:
            key = encoded(key)
            if key in self:
                return self[key]
        database = self._database
        entry = database._index[key]
        value = Database.__getitem__(database, key)
        with database._lock:
            self._used += len(value) - len(self.get(key, b""))
            self[key] = value
            while self._used > self._size:
                for oldest in list(islice(self, len(self) // _DROPPED + 1)):
                    self._used -= len(self.pop(oldest))
        if database._index.get(key) != entry:  # written meanwhile, and perhaps forgotten before it was here
            self.forget(key)
        return value

    def forget(self, key: Any) -> None:
        if key in self:
            with self._database._lock:
                self._used -= len(self.pop(key, b""))

    def clear(self) -> None:
        with self._database._lock:
            super().clear()
            self._used = 0


def _look_there_first(database: Database, cache: _Cache) -> None:
    """Make `database[key]` the dict's own look-up, without a call of a Python function: a hit takes half the time."""
    kind = type(database)
    database.__class__ = type(kind.__name__, (kind,), {"__slots__": (), "__getitem__": cache.__getitem__})


class CachedDatabase(Database):
    __slots__ = ("_cache",)

    def __init__(self, folder: str, *, buffer: int, cache: int) -> None:
        self._cache = _Cache(self, cache)
        _look_there_first(self, self._cache)
        super().__init__(folder, buffer=buffer)

    def _empty(self) -> None:
        self._cache.clear()
        super()._empty()

    def _apply(self, number: int, found: list[Record]) -> None:
        super()._apply(number, found)
        for record in found:
            self._cache.forget(record.key)


class CachedWritableDatabase(WritableDatabase):
    __slots__ = ("_cache",)

    def __init__(self, folder: str, mode: int, *, cache: int, **options: Any) -> None:
        self._cache = _Cache(self, cache)
        _look_there_first(self, self._cache)
        super().__init__(folder, mode, **options)

    def __setitem__(self, key: bytes | str, value: bytes | str) -> None:
        if type(key) is not bytes:
            key = encoded(key)
        super().__setitem__(key, value)
        self._cache.forget(key)

    def __delitem__(self, key: bytes | str) -> None:
        if type(key) is not bytes:
            key = encoded(key)
        super().__delitem__(key)
        self._cache.forget(key)

    def _change(self, start: int, changes: Changes) -> None:
        changes = list(changes)
        super()._change(start, changes)
        for key, _, _ in changes:
            self._cache.forget(key)

    def _empty(self) -> None:
        self._cache.clear()
        super()._empty()

    def clear(self) -> None:
        super().clear()
        self._cache.clear()

"""Getting back the space of what was overwritten and deleted, a few records at a time.

One segment after the other is read from its begin; what is still live there is appended to the log again.  Then the log is
synced and the segment removed: at no moment is a record in no place.

A deleted key needs its tombstone as long as an older segment holds a record of it.  Such a segment had something dead when
the compaction began, so it is gone by the time when the tombstone is met: no tombstone is carried on.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from redouble.dbm import system
from redouble.dbm.errors import DBMChecksumError
from redouble.dbm.log import FIRST, entry_of
from redouble.dbm.record import HEAD, Record, scan, sealed

if TYPE_CHECKING:
    from redouble.dbm.writer import WritableDatabase

__all__ = ["Compaction"]

_WINDOW = 1 << 16
"""Bytes that are read at once (more for a longer record)."""


class Compaction:
    """The work of one compaction, and how far it came."""

    def __init__(self, database: WritableDatabase, segments: list[int]) -> None:
        self._database = database
        self._segments = segments
        """Those that are left of all that had something dead when it began, the oldest first."""
        self._at = FIRST

    def step(self, count: int) -> bool:
        """Look at `count` records; whether some are left."""
        while self._segments:
            number = self._segments[0]
            examined = self._examine(number, count)
            if examined == count:
                return True
            count -= examined
            self._database._retire(number)
            del self._segments[0]
            self._at = FIRST
        return False

    def _examine(self, number: int, count: int) -> int:
        """How many records there were, up to `count`."""
        database = self._database
        fd = database._file(number)
        end = system.size(fd)
        examined, length = 0, _WINDOW
        while self._at < end and examined < count:
            data = system.pread(fd, length, self._at)
            found = list(islice(scan(data, 0, self._at), count - examined))
            if found:
                self._move(number, data, found)
                examined += len(found)
                self._at, length = found[-1].end, _WINDOW
            elif self._at + length >= end:
                raise DBMChecksumError(database._path(number), self._at, "no record begins here")
            else:
                length *= 2
        return examined

    def _move(self, number: int, data: bytes, found: list[Record]) -> None:
        """Append what still counts of some records, in one piece."""
        index, base = self._database._index, found[0].offset
        parts: list[bytes] = []
        changes: list[tuple[bytes, int | None, int]] = []
        at = 0
        for offset, end, key, value, in_batch, _ in found:
            if value is None or index.get(key) != entry_of(number, offset, end - offset):
                continue
            if in_batch:  # not any more
                part = sealed(HEAD(len(key), len(value)) + key + value)
            else:
                part = data[offset - base : end - base]
            parts.append(part)
            changes.append((key, at, len(part)))
            at += len(part)
        if parts:
            self._database._append_alone(b"".join(parts), changes)

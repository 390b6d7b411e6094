"""A database that is open for writing: how records get to the end of the log, and when they are on the disk.

An append goes into space that was reserved before, through a mapping, where that is safe (`system.reserves`); elsewhere it is
one pwrite.  Either way the system has it when the call returns: it is *acknowledged*, and kill -9 cannot take it back.
`sync` makes all that was acknowledged *synced*: a power failure cannot take it back.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Iterable
from time import monotonic
from zlib import crc32

from redouble.dbm import log, system
from redouble.dbm.errors import DBMDamageError, DBMError
from redouble.dbm.index import ClosedIndex
from redouble.dbm.log import FIRST, LENGTH_BITS, LONG, SEGMENT_SHIFT, Tail
from redouble.dbm.reader import Database
from redouble.dbm.record import DELETED, HEAD, LONGEST, TAIL, encoded

__all__ = ["Appending", "Changes"]

_LEAST_RESERVE, _MOST_RESERVE = 1 << 16, 1 << 20
_LOOK_EVERY = 0.001
"""Seconds after which a mapped file is looked at before it is written again: whether somebody cut it off."""
_MOST_UNSYNCED = 16
"""Sealed segments that may wait for a sync, with open files."""

Changes = Iterable[tuple[bytes, "int | None", int]]
"""Key, offset of its record in what is appended (None: the key is gone), length of the record."""


class Appending(Database):
    """A database whose log grows.  Any thread may write."""

    __slots__ = (
        "__weakref__",
        "_always_sync",
        "_base",
        "_end",
        "_failed",
        "_limit",
        "_lock_fd",
        "_look_at",
        "_mapped",
        "_mode",
        "_room",
        "_step",
        "_sync_lock",
        "_tail",
        "_unsynced",
        "_window",
    )

    def __init__(
        self, folder: str, mode: int, *, buffer: int, mapped: bool, synced: bool, make: bool, fresh: bool
    ) -> None:
        self._mode = mode
        self._mapped = mapped and not synced
        self._always_sync = synced
        self._room = 0
        """Until where an append goes into the mapping; 0: the next one is a slow one, which looks around first."""
        self._limit = 0
        """Where an append that is not mapped looks around first."""
        self._window: mmap.mmap | None = None
        self._step = _LEAST_RESERVE
        """How much to reserve next."""
        self._look_at = 0.0
        self._failed: Exception | None = None
        self._sync_lock = threading.Lock()  # taken after `_lock`, never before it
        self._unsynced: list[Tail] = []
        self._tail = Tail(0, -1, 0)
        self._end = 0
        self._lock_fd = system.lock(os.path.join(folder, "LOCK"), mode)
        try:
            if make:
                log.prepare(folder, mode, fresh)
            super().__init__(folder, buffer=buffer)
            self._begin()
        except BaseException:
            self._release()
            raise

    def _begin(self) -> None:
        """Go on where the log ends."""
        number, end = self._at
        segments = log.listed(self._folder, self._manifest)
        self._segments = segments[: segments.index(number) + 1]
        for later in sorted(set(system.numbers(self._folder, "log")) - set(self._segments), reverse=True):
            system.remove(self._path(later))  # removed already, or behind an append that a power failure tore
        fd = system.open_file(self._path(number), writable=True)
        header = log.read_header(fd, self._path(number), number)
        self._tail = Tail(number, fd, end, header.synced, header.slot)
        if system.size(fd) > end:
            system.truncate(fd, end)
        self._end = end
        self._base = number << SEGMENT_SHIFT
        self._mapped = self._mapped and system.reserves(fd)
        for each in self._segments[:-1]:
            if each in self._ends:
                self._reopen(each, self._ends[each])

    def _reopen(self, number: int, end: int) -> None:
        """A segment that another process may have left as it was: with reserved space, and without a sync."""
        path = self._path(number)
        fd = system.open_file(path, writable=True)
        header = log.read_header(fd, path, number)
        tail = Tail(number, fd, end, header.synced, header.slot)
        if header.synced < end:
            self._unsynced.append(tail)
        if system.size(fd) > end:
            system.truncate(fd, end)
        if header.synced >= end:
            os.close(fd)

    # Appending.

    def __setitem__(self, key: bytes | str, value: bytes | str) -> None:
        if type(key) is not bytes:
            key = encoded(key)
        if type(value) is not bytes:
            value = encoded(value)
        record = b"".join((HEAD(len(key), len(value)), key, value))
        record += TAIL(crc32(record))
        length = len(record)
        if monotonic() > self._look_at:
            self._look()
        start = self._end
        end = start + length
        # There is no call in this branch: no other thread or signal comes between, and no lock is needed.
        if end <= self._room:
            self._end = end
            self._window[start:end] = record  # type: ignore[index]
            self._index[key] = self._base | start << LENGTH_BITS | length
        else:
            self._append(record, ((key, 0, length),))

    def __delitem__(self, key: bytes | str) -> None:
        if type(key) is not bytes:
            key = encoded(key)
        record = HEAD(len(key), DELETED) + key
        record += TAIL(crc32(record))
        length = len(record)
        if monotonic() > self._look_at:
            self._look()
        start = self._end
        end = start + length
        if end <= self._room:  # as above
            del self._index[key]
            self._end = end
            self._window[start:end] = record  # type: ignore[index]
        elif key in self._index:
            self._append(record, ((key, None, length),))
        else:
            raise KeyError(key)

    def _append(self, data: bytes, changes: Changes) -> None:
        """Append records that change the index like this."""
        if len(data) > LONGEST:
            raise DBMError(f"{len(data)} bytes are more than a record or a batch may have ({LONGEST})")
        with self._lock:
            self._room = 0  # so that all others come for the lock
            try:
                self._append_alone(data, changes)
            finally:
                self._let_in()
        if self._always_sync:
            self.sync()

    def _let_in(self) -> None:
        """Others may append through the mapping again, but nothing that is LONG."""
        if self._window is not None:
            self._room = min(len(self._window), self._end + LONG - 1)

    def _append_alone(self, data: bytes, changes: Changes) -> None:
        """As `_append`; nobody else writes."""
        if self._end >= self._limit or self._window is not None:
            self._make_room(len(data))
        start = self._end
        if self._window is not None:
            self._window[start : start + len(data)] = data
        else:
            self._write(data, start)
        self._end = start + len(data)
        self._change(start, changes)

    def _change(self, start: int, changes: Changes) -> None:
        index, base = self._index, self._base
        for key, at, length in changes:
            if at is not None:
                index[key] = base | start + at << LENGTH_BITS | (length if length < LONG else 0)
            else:
                index.pop(key, None)

    def _write(self, data: bytes, start: int) -> None:
        try:
            system.pwrite(self._tail.fd, data, start)
        except BaseException as error:
            # A part may be there; later appends must not make sense of what is left of it.
            try:
                system.truncate(self._tail.fd, start)
            except OSError:
                self._fail(error)
            raise

    def _look(self) -> None:
        """Writing to a mapping of a file that somebody cut off would be a SIGBUS."""
        self._look_at = monotonic() + _LOOK_EVERY
        with self._lock:  # or it may be this process that cuts off what it reserved
            window = self._window
            if window is not None and window.size() < len(window):
                self._fail(DBMDamageError(self._path(self._tail.number), window.size(), "somebody cut this file off"))

    def _fail(self, error: BaseException) -> None:
        """What is on the disk is not known any more: nothing more is written."""
        self._room, self._limit, self._window = 0, 0, None
        self._failed = error if isinstance(error, DBMError) else DBMError(f"{self._folder}: {error}")
        if self._failed is not error:
            self._failed.__cause__ = error

    def _check(self) -> None:
        if isinstance(self._index, ClosedIndex):
            self._refuse()
        if self._failed is not None:
            raise DBMError(f"nothing more is written since an error: {self._failed}") from self._failed

    def _make_room(self, length: int) -> None:
        self._check()
        self._loaded()
        self._look()
        self._check()
        if self._end >= log.SEGMENT_SIZE:
            self._roll()
        if self._mapped and (self._window is None or self._end + length > len(self._window)):
            self._window = self._map(self._end + length)
        self._limit = log.SEGMENT_SIZE

    def _map(self, least: int) -> mmap.mmap | None:
        """A mapping of the segment that has room, on space that is really there."""
        fd = self._tail.fd
        wanted = max(min(self._end + self._step, log.SEGMENT_SIZE), least)
        self._step = min(2 * self._step, _MOST_RESERVE)
        try:
            try:
                system.reserve(fd, self._end, wanted - self._end)
            except OSError:
                wanted = least
                system.reserve(fd, self._end, least - self._end)
        except OSError:
            self._window = None  # perhaps there is less room than a page: pwrite will tell
            system.truncate(fd, self._end)
            return None
        return mmap.mmap(fd, max(wanted, system.size(fd)))

    def _roll(self) -> None:
        """The next segment begins."""
        tail, end = self._tail, self._end
        self._trim()
        fd = log.create_segment(self._folder, tail.number + 1, tail.number, end, self._mode)
        tail.end = end
        self._unsynced.append(tail)
        self._tail = Tail(tail.number + 1, fd, FIRST)
        self._segments.append(self._tail.number)
        self._buffers[self._tail.number] = b""
        self._base = self._tail.number << SEGMENT_SHIFT
        self._end = FIRST
        if len(self._unsynced) > _MOST_UNSYNCED:
            self.sync()

    def _trim(self) -> None:
        self._window = None
        system.truncate(self._tail.fd, self._end)

    # Syncing.

    def sync(self) -> None:
        """Returns when everything that was written before the call survives a power failure.

        Threads that ask at the same time share one write to the disk.  An OSError is final: nothing more is written.
        """
        with self._lock:
            self._check()
            ends = [(tail, tail.end) for tail in self._unsynced]
            ends.append((self._tail, self._end))
            segments = tuple(self._segments)
        with self._sync_lock:
            self._check()
            try:
                for tail, end in ends:
                    if tail.synced < end:
                        tail.sync(end)
                if segments[-1] > self._manifest.segments[-1]:
                    manifest = log.Manifest(self._manifest.generation, segments)
                    log.write_manifest(self._folder, manifest, self._mode)
                    self._manifest = manifest
            except OSError as error:
                self._fail(error)  # the system may have forgotten what it could not write: never ask it again
                raise
            for tail, _ in ends[:-1]:
                if tail in self._unsynced:
                    self._unsynced.remove(tail)
                    os.close(tail.fd)

    @property
    def size(self) -> int:
        """Bytes of all segments, without the space that is reserved."""
        return self._end + sum(os.path.getsize(self._path(number)) for number in self._segments[:-1])

    def refresh(self) -> None:
        """There is nothing to see: nobody else writes."""

    def _readable(self, number: int, fd: int) -> int:
        return self._end if number == self._tail.number else system.size(fd)

    def _release(self) -> None:
        """Let go of everything; what was acknowledged stays."""
        self._room, self._limit, self._window = 0, 0, None
        for tail in (*self._unsynced, self._tail):
            if tail.fd >= 0:
                os.close(tail.fd)
        self._unsynced, self._tail = [], Tail(0, -1, 0)
        if hasattr(self, "_files"):  # it was opened
            super().close()
        if self._lock_fd >= 0:  # last of all: then another may write
            os.close(self._lock_fd)
            self._lock_fd = -1

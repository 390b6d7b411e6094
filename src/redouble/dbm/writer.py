"""What a writer does besides appending: batches, clearing, compaction, and a close that leaves an index."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from typing import Any

from redouble.dbm import log, system
from redouble.dbm.append import Appending
from redouble.dbm.batch import Batch
from redouble.dbm.compaction import Compaction
from redouble.dbm.errors import DBMError
from redouble.dbm.index import ClosedIndex, LazyIndex
from redouble.dbm.snapshot import write_snapshot

__all__ = ["WritableDatabase"]

_SNAPSHOT_SHARE = 8
"""The index is written at the close once a part of 1 in so many of the log is not in it."""
_AT_ONCE = 1 << 16
"""Records of one step of a compaction that nobody interrupts."""


class WritableDatabase(Appending):
    """A database that is open for writing, for nobody else meanwhile.  Any thread may write."""

    __slots__ = ("_compaction", "_saved")

    def __init__(self, folder: str, mode: int, **options: Any) -> None:
        self._compaction: Compaction | None = None
        super().__init__(folder, mode, **options)
        self._saved = self._at if isinstance(self._index, LazyIndex) and not self._changes else None
        """Until where the log is in the index file."""
        _writers[id(self)] = self

    def batch(self) -> Batch:
        """Several changes of which all happen, or none:

        with db.batch() as batch:
            batch["a"] = "1"
            del batch["b"]
        """
        return Batch(self)

    def clear(self) -> None:
        """Remove everything at once; as with a batch, all of it or nothing."""
        with self._lock:
            self._check()
            self._room = 0
            try:
                self._clear()
            finally:
                self._let_in()

    def _clear(self) -> None:
        self._roll()
        number = self._tail.number
        manifest = log.Manifest(log.new_generation(), (number,))
        log.write_manifest(self._folder, manifest, self._mode)
        old, self._segments = self._segments[:-1], [number]
        self._manifest, self._saved, self._compaction = manifest, None, None
        self._close_index()
        self._index, self._changes = {}, []
        self._buffers = dict.fromkeys(self._buffers, b"")
        self._misses, self._kept = {}, {}
        self._close_files()
        with self._sync_lock:
            for tail in self._unsynced:
                os.close(tail.fd)
            self._unsynced = []
        for each in old:
            system.remove(self._path(each))

    # Compaction.

    def compact(self, records: int | None = None) -> bool:
        """Get back the space of what was overwritten and deleted; whether something is left to do.

        With `records`, look at that many of them and return: to be called again and again, between other work.
        """
        with self._lock:
            self._check()
            self._room = 0
            try:
                return self._compact(records)
            finally:
                self._let_in()

    def _compact(self, records: int | None) -> bool:
        if self._compaction is None:
            lost = self._lost()
            if lost[self._tail.number]:
                self._roll()
            self._compaction = Compaction(self, [each for each in self._segments[:-1] if lost[each]])
        left = self._compaction.step(records or 1)
        while left and records is None:
            left = self._compaction.step(_AT_ONCE)
        if not left:
            self._compaction = None
        return left

    def reorganize(self) -> None:
        """`compact` under the name that gdbm, dbm.sqlite3 and dbm.dumb have for it."""
        self.compact()

    def _retire(self, number: int) -> None:
        """A segment has nothing left that is live."""
        self.sync()  # first of all, what was moved
        segments = [each for each in self._segments if each != number]
        manifest = log.Manifest(self._manifest.generation, tuple(segments))
        log.write_manifest(self._folder, manifest, self._mode)
        self._manifest, self._segments = manifest, segments
        self._misses.pop(number, None)
        self._kept.pop(number, None)
        self._buffers[number] = b""
        os.close(self._files.pop(number))  # from which it was read
        system.remove(self._path(number))
        if self._saved is None or self._saved[0] <= number:
            self._saved = None

    # The end.

    def _reload_from_log(self) -> None:
        self._saved = None
        super()._reload_from_log()

    def close(self, compact: bool = False) -> None:
        """Sync, write the index, and let go of the files; after an error, only the last."""
        with self._lock:
            if isinstance(self._index, ClosedIndex):
                return
            try:
                if compact:
                    self.compact()
                self._room = 0
                self._check()
                self._trim()
                self.sync()
                self._save()
            finally:
                self._release()

    def _save(self) -> None:
        """Write the index, if the next one who opens would have much to read otherwise."""
        position = self._tail.number, self._end
        if self._saved is not None:
            number, offset = self._saved
            known = offset + sum(os.path.getsize(self._path(each)) for each in self._segments if each < number)
            size = self.size
            if (size - known) * _SNAPSHOT_SHARE < size:
                return
        index = self._loaded()
        if index:
            write_snapshot(self._folder, self._manifest.generation, position, index, self._mode)
        else:
            system.remove(log.index_path(self._folder))

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # it may not even have been opened
            self.close()

    def _forked(self) -> None:
        """In the child of a fork: the database is the parent's."""
        self._lock, self._sync_lock = threading.RLock(), threading.Lock()
        os.close(self._lock_fd)  # else the child would hold the lock when the parent has closed
        self._lock_fd = -1
        self._fail(DBMError("this database was opened by the parent process"))


_writers: weakref.WeakValueDictionary[int, WritableDatabase] = weakref.WeakValueDictionary()


def _after_fork() -> None:
    for database in list(_writers.values()):
        if database._lock_fd >= 0:
            database._forked()


if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_after_fork)

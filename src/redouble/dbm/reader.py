"""A database that is read: the mapping, the index in memory, and where values come from.

Values are read from segments at offsets; a segment that is read often is kept in memory as one piece, so that a read is two
slices and a checksum.  Files are never mapped for reading: a file that somebody cut off, or a bad sector, is an error here
and no signal that ends the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any, NoReturn, TypeVar
from zlib import crc32

from redouble.dbm import log, system
from redouble.dbm.batch import Batch
from redouble.dbm.errors import DBMChecksumError, DBMError, DBMLoadError
from redouble.dbm.index import GONE, ClosedIndex, LazyIndex
from redouble.dbm.log import FIRST, LENGTH, LENGTH_BITS, OFFSET, SEGMENT_SHIFT, entry_of
from redouble.dbm.record import IN_BATCH, OVERHEAD, SOUND, Record, encoded
from redouble.dbm.snapshot import Damaged, Snapshot

__all__ = ["Database", "Torn"]

_Self = TypeVar("_Self", bound="Database")

_OPEN_FILES = 64
_LOAD_COST = 8192
"""Bytes whose loading costs about as much as one read from the file costs more than one from memory."""
_SCAN = 4
"""How many reads one counts as that begins where the last one ended: there will be more of them."""
_LOOK_EVERY = 16
"""Reads from a file until it is time to see whether it should be loaded."""


class Torn:
    """What a database found behind the last whole record, when it was opened: an append that was not finished."""

    def __init__(self, path: str, offset: int, length: int) -> None:
        self.path, self.offset, self.length = path, offset, length

    def __repr__(self) -> str:
        return f"{self.length} bytes of an unfinished append in {self.path} at byte {self.offset}"


def _all_since(number: int, segments: list[int]) -> bool:
    """Whether no segment is missing from this one on: one that was removed may have said that a key was deleted."""
    return number in segments and segments[-1] - number == len(segments) - 1 - segments.index(number)


class Database(MutableMapping[Any, bytes]):
    """A database that is open for reading.  `refresh` shows it what a writer did since.

    Keys and values are bytes; strings are stored as UTF-8.  Any thread may read.
    """

    # Slots are as fast with thirty attributes as with three.
    __slots__ = (
        "_at",
        "_buffer_size",
        "_buffers",
        "_changes",
        "_ends",
        "_files",
        "_folder",
        "_index",
        "_kept",
        "_lock",
        "_manifest",
        "_misses",
        "_next",
        "_segments",
        "torn",
    )

    _index: dict[bytes, int]

    def __init__(self, folder: str, *, buffer: int) -> None:
        self.torn: Torn | None = None
        """What was found behind the last whole record; a writer has cut it off."""
        self._folder = folder
        self._lock = threading.RLock()
        self._files: dict[int, int] = {}
        self._buffer_size = buffer
        self._empty()
        self._open()

    def _empty(self) -> None:
        """Know nothing."""
        # Of a segment that is gone there stays an empty one: a thread may be about to look there.
        self._buffers: dict[int, bytes] = dict.fromkeys(getattr(self, "_buffers", {GONE}), b"")
        self._kept: dict[int, int] = {}
        self._misses: dict[int, int] = {}
        self._next = 0
        """Where the record would begin that is behind the last one which was read from the file."""
        self._changes: list[tuple[int, Record]] = []
        self._ends: dict[int, int] = {}
        self._close_files()

    # Opening.

    def _open(self) -> None:
        done = False
        while not done:
            manifest = log.read_manifest(self._folder)
            if manifest is None:
                raise log.no_manifest(self._folder)
            try:
                self._read(manifest)
                done = True
            except (DBMLoadError, FileNotFoundError):
                # A writer may have removed a segment meanwhile; then there is a new manifest.
                if log.read_manifest(self._folder) == manifest:
                    raise
                self._empty()

    def _read(self, manifest: log.Manifest) -> None:
        segments = log.listed(self._folder, manifest)
        snapshot = self._snapshot(manifest, segments)
        if snapshot is None:
            self._index = {}
            self._at = segments[0], FIRST
        else:
            self._index = LazyIndex(snapshot, self._loaded)
            self._at = snapshot.position
        self._manifest, self._segments = manifest, segments
        self._replay(segments)

    def _snapshot(self, manifest: log.Manifest, segments: list[int]) -> Snapshot | None:
        try:
            snapshot = Snapshot(self._folder)
        except (FileNotFoundError, Damaged):
            return None
        if snapshot.generation == manifest.generation and _all_since(snapshot.position[0], segments):
            return snapshot
        snapshot.close()
        return None

    def _replay(self, segments: list[int]) -> None:
        """Bring the index from `_at`, until where all was synced, up to the end of the log."""
        number, offset = self._at
        following = segments[segments.index(number) :]
        headers = {each: log.read_header(self._file(each), self._path(each), each) for each in following}
        for each in segments:
            self._buffers.setdefault(each, b"")
        for place, each in enumerate(following):
            start = offset if each == number else FIRST
            part = log.read_part(self._file(each), start)
            certain = max(headers[each].synced, start)
            later = following[place + 1 :]
            whole = True
            if later:
                previous = headers[later[0]]
                end = previous.previous_end if previous.previous == each else part.end
                whole = part.end == end
                if any(headers[other].synced > FIRST for other in later):
                    certain = max(certain, end)
            if part.end < certain:
                raise DBMLoadError(
                    self._path(each), part.end, f"{part.reason}, but all before byte {certain} was synced"
                )
            self._apply(each, part.records)
            self._at = each, part.end
            self._ends[each] = part.end
            if part.torn or not whole:
                self._tear(each, part, later)
                break

    def _tear(self, number: int, part: log.Part, later: list[int]) -> None:
        self.torn = Torn(self._path(number), part.end, part.size - part.end)

    def _apply(self, number: int, found: list[Record]) -> None:
        lazy = isinstance(self._index, LazyIndex)
        if lazy:
            self._changes += [(number, record) for record in found]
        index = self._index
        for offset, end, key, value, _, _ in found:
            if value is not None:
                index[key] = entry_of(number, offset, end - offset)
            elif lazy:
                index[key] = GONE
            else:
                index.pop(key, None)

    def _loaded(self) -> dict[bytes, int]:
        """The whole index in memory."""
        with self._lock:
            lazy = self._index
            if isinstance(lazy, LazyIndex):
                changes, self._changes = self._changes, []
                try:
                    self._index = lazy.snapshot.load()
                except Damaged:
                    lazy.snapshot.close()
                    self._reload_from_log()
                else:
                    lazy.snapshot.close()
                    for number, record in changes:
                        self._apply(number, [record])
            return self._index

    def _reload_from_log(self) -> None:
        """The index file turned out to be damaged."""
        segments = log.listed(self._folder, self._manifest)
        self._index, self._at = {}, (segments[0], FIRST)
        self._replay(segments)

    # Reading.

    def __getitem__(self, key: bytes | str) -> bytes:
        if type(key) is not bytes:
            key = encoded(key)
        entry = self._index[key]
        offset = entry >> LENGTH_BITS & OFFSET
        record = self._buffers[entry >> SEGMENT_SHIFT][offset : offset + (entry & LENGTH)]
        if crc32(record) != SOUND:  # also if it is not in memory
            record = self._record(key, entry)
        return record[8 + len(key) : -4]

    def _record(self, key: bytes, entry: int) -> bytes:
        """A record that is not in memory (or longer than an entry can say)."""
        while entry != GONE:
            try:
                return self._record_from_file(key, entry)
            except FileNotFoundError:
                # Compaction moved it: this happens to readers, whose index is then an old one.
                self.refresh()
                new = self._index[key]
                if new == entry:
                    raise self._damage(entry, "this segment is missing") from None
                entry = new
        raise KeyError(key)

    def _record_from_file(self, key: bytes, entry: int) -> bytes:
        number, offset, length = entry >> SEGMENT_SHIFT, entry >> LENGTH_BITS & OFFSET, entry & LENGTH
        with self._lock:
            fd = self._file(number)
            if not length:
                length = self._length(fd, offset)
            else:
                self._missed(entry, fd)
            record = system.pread(fd, length, offset)
        if crc32(record) != SOUND:
            raise self._damage(entry, "this record is damaged")
        if record[8 : 8 + len(key)] != key:
            raise self._damage(entry, "this is the record of another key")
        return record

    @staticmethod
    def _length(fd: int, offset: int) -> int:
        """How long the record there is, which its entry does not say."""
        head = system.pread(fd, 8, offset)
        key_length, value_length = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
        return min((key_length & ~IN_BATCH) + value_length + OVERHEAD, max(system.size(fd) - offset, 0))

    def _missed(self, entry: int, fd: int) -> None:
        """Once reads from the file have cost as much as it costs, the segment is loaded; sooner for a scan."""
        number, length = entry >> SEGMENT_SHIFT, entry & LENGTH
        weight = _SCAN if entry - length == self._next else 1
        self._next = entry - length + (length << LENGTH_BITS)
        misses = self._misses[number] = self._misses.get(number, 0) + weight
        if misses % _LOOK_EVERY >= weight:  # asking for the size takes as long as a read
            return
        size = self._readable(number, fd)
        if misses * _LOAD_COST <= size or size > self._buffer_size:
            return
        del self._misses[number]
        kept = self._kept
        kept.pop(number, None)
        while kept and sum(kept.values()) + size > self._buffer_size:
            oldest = next(iter(kept))
            self._buffers[oldest] = b""
            del kept[oldest]
        self._buffers[number] = system.pread(fd, size, 0)
        kept[number] = size

    def _readable(self, number: int, fd: int) -> int:
        """How much of a segment holds records that the index knows."""
        return self._at[1] if number == self._at[0] else system.size(fd)

    def _damage(self, entry: int, reason: str) -> DBMChecksumError:
        return DBMChecksumError(self._path(entry >> SEGMENT_SHIFT), entry >> LENGTH_BITS & OFFSET, reason)

    def __contains__(self, key: object) -> bool:
        return (key if type(key) is bytes else encoded(key)) in self._index

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def keys(self) -> list[bytes]:  # type: ignore[override]
        """All keys, as every dbm gives them: a list."""
        return list(self)

    def values(self) -> list[bytes]:  # type: ignore[override]
        return [self[key] for key in self]

    def items(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        return [(key, self[key]) for key in self]

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(os.path.getsize(self._path(number)) for number in self._segments)

    @property
    def dead(self) -> int:
        """How many of them `compact` can give back.  It looks at every key to know: 0.1 s for a million."""
        return sum(self._lost().values())

    def _lost(self) -> dict[int, int]:
        """How many bytes of each segment nobody needs: all that is no record of the index."""
        with self._lock:
            entries = list(self._loaded().values())
            lost = {number: self._readable(number, self._file(number)) - FIRST for number in self._segments}
            for entry in entries:
                number = entry >> SEGMENT_SHIFT
                length = entry & LENGTH or self._length(self._file(number), entry >> LENGTH_BITS & OFFSET)
                lost[number] -= length
        return lost

    def popitem(self) -> tuple[bytes, bytes]:
        """The key that was new last, and its value."""
        for key in reversed(self._index):
            return key, self.pop(key)
        raise KeyError("the database is empty")

    # A reader changes nothing.

    def _refuse(self, *_: object) -> NoReturn:
        if isinstance(self._index, ClosedIndex):
            self._index[b""]
        raise DBMError("this database is open for reading only")

    def __setitem__(self, key: bytes | str, value: bytes | str) -> None:
        self._refuse()

    def __delitem__(self, key: bytes | str) -> None:
        self._refuse()

    def clear(self) -> None:
        self._refuse()

    def batch(self) -> Batch:
        self._refuse()

    def sync(self) -> None:
        """A reader has nothing to sync (and shelve asks it to)."""
        if isinstance(self._index, ClosedIndex):
            self._refuse()

    def compact(self, records: int | None = None) -> bool:
        self._refuse()

    def reorganize(self) -> None:
        self._refuse()

    # What a writer did meanwhile.

    def refresh(self) -> None:
        """See what the writer did until now."""
        with self._lock:
            manifest = log.read_manifest(self._folder)
            number, _ = self._at
            if manifest is not None and manifest.generation == self._manifest.generation:
                segments = log.listed(self._folder, manifest)
                if _all_since(number, segments):
                    self._manifest, self._segments, self.torn = manifest, segments, None
                    self._replay(segments)
                    return
            self._close_index()
            self._empty()
            self._open()

    # Files.

    def _path(self, number: int) -> str:
        return log.segment_path(self._folder, number)

    def _file(self, number: int) -> int:
        fd = self._files.pop(number, None)
        if fd is None:
            if len(self._files) >= _OPEN_FILES:
                oldest = next(iter(self._files))
                os.close(self._files.pop(oldest))
            fd = system.open_file(self._path(number))
        self._files[number] = fd  # the last one used is the last
        return fd

    def _close_files(self) -> None:
        files, self._files = self._files, {}
        for fd in files.values():
            os.close(fd)

    def _close_index(self) -> None:
        index = getattr(self, "_index", None)
        if isinstance(index, LazyIndex):
            index.snapshot.close()

    def close(self, compact: bool = False) -> None:
        """Every later call is an error."""
        with self._lock:
            self._close_index()
            self._empty()
            self._index = ClosedIndex()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

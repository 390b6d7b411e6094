"""The index as a file, so that opening does not read the log: `INDEX`, written when the database is closed.

It holds every key with the place of its record, as of one position of the log.  Keys of one length are a table: sorted by
the bucket of their CRC-32, with a directory that has the first row and the checksum of each bucket.  So one key is found by
reading its bucket, and all of them are loaded by a few calls that loop in C.

An index is never trusted further than the log bears it out: a damaged or outdated one is left aside, and the log is read.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from redouble.dbm import system
from redouble.dbm.log import index_path

__all__ = ["Damaged", "Snapshot", "write_snapshot"]

_HEAD = Struct("<8sQIII")  # magic, generation, segment, offset, tables
_TABLE = Struct("<IIB")  # length of the keys, how many, wide
_BUCKET = Struct("<II")  # checksum, first row
_CRC = Struct("<I")
_MAGIC = b"redblidx"
_ROWS = 32
"""Rows of a bucket, on the average."""
_AT_ONCE = 1024


class Damaged(Exception):
    """The index cannot be used.  Nobody outside ever sees this: the log knows the same."""


class _Table(NamedTuple):
    rows: int
    wide: bool
    bits: int
    directory: int
    keys: int
    entries: int
    end: int
    """The last four: offsets in the file."""


def _bits(count: int) -> int:
    return min(max(count // _ROWS, 1).bit_length() - 1, 24)


def _little(column: array[int]) -> bytes:
    if sys.byteorder == "big":  # pragma: no cover
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()


def _column(typecode: str, data: bytes | memoryview) -> array[int]:
    column = array(typecode)
    column.frombytes(data)
    if sys.byteorder == "big":  # pragma: no cover
        column.byteswap()
    return column


def _keys(text: memoryview, length: int) -> Iterator[bytes]:
    """The keys of a table."""
    if not length:
        return iter((b"",))
    many = len(text) // (length * _AT_ONCE) * length * _AT_ONCE
    rows = Struct(f"{length}s" * _AT_ONCE).iter_unpack(text[:many]) if many else ()
    return chain(chain.from_iterable(rows), (bytes(text[at : at + length]) for at in range(many, len(text), length)))


def _table(index: Mapping[bytes, int], keys: Collection[bytes]) -> tuple[bytes, int, bool]:
    """The bytes of a table, how many keys it has, whether it is wide: its entries need more than 64 bits."""
    bits = _bits(len(keys))
    buckets: list[list[bytes]] = [[] for _ in range(1 << bits)]
    shift, into = 32 - bits, [bucket.append for bucket in buckets]
    for key, hashed in zip(keys, map(crc32, keys)):
        into[hashed >> shift](key)
    rows = list(chain.from_iterable(buckets))
    entries = list(map(index.__getitem__, rows))
    wide = max(entries) >= 1 << 64
    low = _little(array("Q", [entry & (1 << 64) - 1 for entry in entries] if wide else entries))
    high = _little(array("I", [entry >> 64 for entry in entries])) if wide else b""
    text = b"".join(rows)
    length, first, directory = len(rows[0]), 0, []
    for bucket in buckets:
        end = first + len(bucket)
        checksum = crc32(low[8 * first : 8 * end], crc32(text[length * first : length * end]))
        directory.append(_BUCKET.pack(crc32(high[4 * first : 4 * end], checksum), first))
        first = end
    return b"".join((*directory, text, low, high)), len(rows), wide


def write_snapshot(
    folder: str,
    generation: int,
    position: tuple[int, int],
    index: Mapping[bytes, int],
    mode: int,
) -> None:
    """All before `position` (segment, offset) is on the disk by now."""
    lengths = sorted(set(map(len, index)))
    by_length: dict[int, Collection[bytes]] = {length: [] for length in lengths}
    if len(lengths) == 1:
        by_length[lengths[0]] = index.keys()
    else:
        for key in index:
            by_length[len(key)].append(key)  # type: ignore[attr-defined]
    tables, bodies = [], []
    for length, keys in by_length.items():
        body, count, wide = _table(index, keys)
        tables.append(_TABLE.pack(length, count, wide))
        bodies.append(body)
    body = b"".join(bodies)
    lead = _HEAD.pack(_MAGIC, generation, *position, len(tables))
    head = b"".join((lead, *tables, _CRC.pack(crc32(body))))
    system.replace(index_path(folder), head + _CRC.pack(crc32(head)) + body, mode)


class Snapshot:
    """An index file that is open for reading.  Raises Damaged, also later; FileNotFoundError if there is none."""

    def __init__(self, folder: str) -> None:
        self._fd = system.open_file(index_path(folder))
        try:
            self._read_head()
        except BaseException:
            self.close()
            raise

    def _read_head(self) -> None:
        lead = self._read(0, _HEAD.size)
        magic, self.generation, segment, offset, tables = _HEAD.unpack(lead)
        self.position = segment, offset
        tables_end = _HEAD.size + _TABLE.size * tables
        length = tables_end + 2 * _CRC.size
        if magic != _MAGIC or length > system.size(self._fd):
            raise Damaged
        head = self._read(0, length)
        if _CRC.pack(crc32(head[: -_CRC.size])) != head[-_CRC.size :]:
            raise Damaged
        at = length
        self._tables: dict[int, _Table] = {}
        for key_length, count, wide in _TABLE.iter_unpack(head[_HEAD.size : tables_end]):
            bits = _bits(count)
            keys = at + (_BUCKET.size << bits)
            entries = keys + key_length * count
            end = entries + (12 if wide else 8) * count
            self._tables[key_length] = _Table(count, bool(wide), bits, at, keys, entries, end)
            at = end
        self._body = length, at
        [self._body_checksum] = _CRC.unpack_from(head, tables_end)

    def __len__(self) -> int:
        return sum(table.rows for table in self._tables.values())

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self, start: int, length: int) -> bytes:
        try:
            data = system.pread(self._fd, length, start)
        except OSError:  # closed by another thread, which loaded it
            raise Damaged from None
        if len(data) < length:
            raise Damaged
        return data

    def find(self, key: bytes) -> int | None:
        """The entry of one key, from its bucket alone."""
        length = len(key)
        table = self._tables.get(length)
        if table is None:
            return None
        bucket = crc32(key) >> 32 - table.bits
        last = bucket + 1 == 1 << table.bits
        words = self._read(table.directory + _BUCKET.size * bucket, _BUCKET.size * (1 if last else 2))
        checksum, first = _BUCKET.unpack_from(words)
        end = table.rows if last else _BUCKET.unpack_from(words, _BUCKET.size)[1]
        if not first <= end <= table.rows:
            raise Damaged
        count = end - first
        keys = self._read(table.keys + length * first, length * count)
        low = self._read(table.entries + 8 * first, 8 * count)
        high = self._read(table.entries + 8 * table.rows + 4 * first, 4 * count) if table.wide else b""
        if crc32(high, crc32(low, crc32(keys))) != checksum:
            raise Damaged
        for row in range(count):
            if keys[length * row : length * (row + 1)] == key:
                upper = _column("I", high)[row] << 64 if table.wide else 0
                return _column("Q", low)[row] | upper
        return None

    def load(self) -> dict[bytes, int]:
        """All of it."""
        start, end = self._body
        body = self._read(start, end - start)
        if crc32(body) != self._body_checksum:
            raise Damaged
        index: dict[bytes, int] = {}
        view = memoryview(body)  # no copies: fresh memory is most of what this costs
        for length, table in self._tables.items():
            keys = _keys(view[table.keys - start : table.entries - start], length)
            low_end = table.entries + 8 * table.rows - start
            entries = _column("Q", view[table.entries - start : low_end])
            if table.wide:
                high = _column("I", view[low_end : table.end - start])
                index.update(zip(keys, [upper << 64 | lower for upper, lower in zip(high, entries)]))
            else:
                index.update(zip(keys, entries))
        return index

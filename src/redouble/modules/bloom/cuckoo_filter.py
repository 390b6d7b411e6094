"""The cuckoo filter (Fan, Andersen, Kaminsky, Mitzenmacher 2014): whether an item was added, and not deleted.

Of an item it keeps a fingerprint of one byte, in one of two buckets.  A filter is a list of tables; where one is full another
follows, `expansion` times as large.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from redouble.modules.bloom.memory import LARGEST, NoMemory
from redouble.modules.bloom.murmur import murmur_hash_64a
from redouble.types.module_value import ModuleValue

__all__ = ["CuckooFilter", "Table"]

_MOST_TABLES = 65535

_HEADER = struct.Struct("<QQQQHHH")
_MASK = 0xFFFFFFFFFFFFFFFF


class Table:
    """Buckets of equal size, a byte for each fingerprint; zero is a free place."""

    __slots__ = ("bucket_size", "buckets", "data")

    def __init__(self, buckets: int, bucket_size: int, data: bytes | bytearray | None = None) -> None:
        """`buckets` is a power of two."""
        self.buckets = buckets
        self.bucket_size = bucket_size
        self.data = bytearray(buckets * bucket_size if data is None else data)

    def find(self, fingerprint: int, first: int, second: int) -> int:
        """The place of a fingerprint in one of the two buckets, or -1; with zero, of one that is free.  O(bucket size)."""
        size, data = self.bucket_size, self.data
        start = first % self.buckets * size
        place = data.find(fingerprint, start, start + size)
        if place < 0:
            start = second % self.buckets * size
            place = data.find(fingerprint, start, start + size)
        return place

    def count(self, fingerprint: int, first: int, second: int) -> int:
        """How often a fingerprint is in the two buckets, twice each if they are the same one."""
        size, data = self.bucket_size, self.data
        starts = (hash % self.buckets * size for hash in (first, second))
        return sum(data.count(fingerprint, start, start + size) for start in starts)

    def push(self, fingerprint: int, hash: int, iterations: int) -> bool:
        """Put a fingerprint in the place of another one, that one in its other bucket, and so on until one is free.

        False if there was none after so many steps, and then nothing has changed.  O(iterations).
        """
        size, data = self.bucket_size, self.data
        bucket = hash % self.buckets
        moved: list[int] = []
        for step in range(iterations):
            place = bucket * size + step % size
            moved.append(place)
            fingerprint, data[place] = data[place], fingerprint
            bucket = other_hash(fingerprint, bucket) % self.buckets
            free = data.find(0, bucket * size, bucket * size + size)
            if free >= 0:
                data[free] = fingerprint
                return True
        for place in reversed(moved):
            fingerprint, data[place] = data[place], fingerprint
        return False


class CuckooFilter(ModuleValue):
    """A list of tables; what is added goes to the last one that has room."""

    __slots__ = ("bucket_size", "buckets", "deleted", "expansion", "items", "max_iterations", "tables")

    type_name = b"MBbloomCF"

    def __init__(self, capacity: int, bucket_size: int, max_iterations: int, expansion: int) -> None:
        """Room for about `capacity` items.  An `expansion` of zero: it does not grow.  Raises NoMemory."""
        self.bucket_size = bucket_size
        self.max_iterations = max_iterations
        self.expansion = power_of_two(expansion)
        self.buckets = power_of_two(max(1, capacity // bucket_size))
        """Of the first table."""
        self.items = self.deleted = 0
        self.tables: list[Table] = []
        self._grow()

    def _grow(self) -> None:
        buckets = self.buckets * self.expansion ** len(self.tables)
        size = sum(len(table.data) for table in self.tables)
        if size + buckets * self.bucket_size > LARGEST or len(self.tables) == _MOST_TABLES:
            raise NoMemory
        self.tables.append(Table(buckets, self.bucket_size))

    def contains(self, item: bytes) -> bool:
        """Whether an item was probably added.  O(tables)."""
        fingerprint = places(item)
        return any(table.find(*fingerprint) >= 0 for table in self.tables)

    def count(self, item: bytes) -> int:
        """How often an item was probably added.  O(tables)."""
        fingerprint = places(item)
        return sum(table.count(*fingerprint) for table in self.tables)

    def add(self, item: bytes) -> bool:
        """Add an item once more; False if there is no room.  O(tables + max_iterations).  Raises NoMemory."""
        fingerprint, first, second = places(item)
        for table in reversed(self.tables):
            place = table.find(0, first, second)
            if place >= 0:
                table.data[place] = fingerprint
                break
        else:
            if not self.tables[-1].push(fingerprint, first, self.max_iterations):
                if not self.expansion:
                    return False
                self._grow()
                table = self.tables[-1]
                table.data[table.find(0, first, second)] = fingerprint
        self.items = self.items + 1 & _MASK
        return True

    def delete(self, item: bytes) -> bool:
        """Take away an item that was added; False if there is none.  O(tables), or the whole filter if it becomes smaller."""
        fingerprint = places(item)
        for table in reversed(self.tables):
            place = table.find(*fingerprint)
            if place >= 0:
                table.data[place] = 0
                self.items = self.items - 1 & _MASK
                self.deleted = self.deleted + 1 & _MASK
                if len(self.tables) > 1 and self.deleted > self.items * 0.1:
                    self.compact(thoroughly=False)
                return True
        return False

    def compact(self, *, thoroughly: bool = True) -> None:
        """Move fingerprints from later tables to free places of earlier ones; tables at the end that are empty go.

        Unless `thoroughly`, end with the first table from which some do not fit.  O(size of the filter).
        """
        for index in range(len(self.tables) - 1, 0, -1):
            if self._empty(index):
                if index == len(self.tables) - 1:
                    self.tables.pop()
            elif not thoroughly:
                break
        self.deleted = 0

    def _empty(self, index: int) -> bool:
        """Move what fits from a table to those before it; whether it is empty now."""
        data, size = self.tables[index].data, self.bucket_size
        emptied = True
        for place in _occupied(data):
            fingerprint, bucket = data[place], place // size
            for table in self.tables[:index]:
                free = table.find(0, bucket, other_hash(fingerprint, bucket))
                if free >= 0:
                    table.data[free] = fingerprint
                    data[place] = 0
                    break
            else:
                emptied = False
        return emptied

    # In chunks: first what the filter is, then its tables.

    def header(self) -> bytes:
        """What the filter is, without its tables."""
        return _HEADER.pack(
            self.items,
            self.buckets,
            self.deleted,
            len(self.tables),
            self.bucket_size,
            self.max_iterations,
            self.expansion,
        )

    @classmethod
    def from_header(cls, header: bytes) -> CuckooFilter:
        """A filter of which all places are free.  Raises ValueError."""
        if len(header) != _HEADER.size:
            raise ValueError("Invalid header")
        items, buckets, deleted, count, bucket_size, max_iterations, expansion = _HEADER.unpack(header)
        sizes: list[int] = []
        while len(sizes) < count and sum(sizes) * bucket_size <= LARGEST and len(sizes) <= _MOST_TABLES:
            sizes.append(buckets * expansion ** len(sizes))
        if len(sizes) < count or sum(sizes) * bucket_size > LARGEST:
            raise ValueError("Couldn't create filter!")
        tables = [Table(size, bucket_size) for size in sizes]
        return cls.of_tables(tables, buckets, bucket_size, max_iterations, expansion, items, deleted)

    @classmethod
    def of_tables(
        cls,
        tables: list[Table],
        buckets: int,
        bucket_size: int,
        max_iterations: int,
        expansion: int,
        items: int,
        deleted: int,
    ) -> CuckooFilter:
        """A filter of these parts.  Raises ValueError if they cannot belong together."""
        filter = cls.__new__(cls)
        filter.tables, filter.buckets, filter.bucket_size = tables, buckets, bucket_size
        filter.max_iterations, filter.expansion = max_iterations, expansion
        filter.items, filter.deleted = items, deleted
        if not filter.is_possible():
            raise ValueError("Couldn't create filter!")
        return filter

    def chunk(self, position: int, limit: int) -> tuple[int, bytes | None]:
        """The table that has the byte at `position` (1 is the first), and a position in the next one; 0 and None if there is
        none.  Of a table with more than `limit` bytes, so many from there on, and the position behind them."""
        if not 0 < position <= sum(len(table.data) for table in self.tables):
            return 0, None
        table, start = self._at(position)
        whole = len(table.data) <= limit
        data = bytes(table.data if whole else table.data[start : start + limit])
        return position + len(data), data

    def load(self, position: int, data: bytes) -> None:
        """Put bytes in their place, `position` being the one behind them.  Raises ValueError."""
        table, start = self._at(position - len(data))
        # What lies behind the last table is counted from its beginning once more: RedisBloom does not look.
        if start < 0 or not 0 < len(data) <= len(table.data) - start:
            raise ValueError("Couldn't load chunk!")
        table.data[start : start + len(data)] = data

    def _at(self, position: int) -> tuple[Table, int]:
        """The table that has a byte, else the last one, and which of the bytes from its beginning on it is."""
        start = position - 1
        for table in self.tables:
            if start < len(table.data):
                break
            start -= len(table.data)
        return table, start

    def copy(self) -> CuckooFilter:
        other = CuckooFilter.__new__(CuckooFilter)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.tables = [Table(table.buckets, table.bucket_size, table.data) for table in self.tables]
        return other

    def memory_usage(self) -> int:
        return 40 + sum(16 + len(table.data) for table in self.tables)

    def describe(self) -> Iterator[str]:
        growth = f"expansion {self.expansion}" if self.expansion else "of this size for ever"
        yield f"{self.items} items, {self.deleted} deleted, {growth}"
        for table in self.tables:
            yield f"{table.buckets} buckets of {table.bucket_size}"

    def is_possible(self) -> bool:
        """Whether the parts belong together, and the filter answers in time."""
        return (
            0 < len(self.tables) <= _MOST_TABLES
            and self.buckets > 0
            and not self.buckets & (self.buckets - 1)
            and 0 < self.bucket_size < 256
            and 0 < self.max_iterations < 65536
            and 0 <= self.expansion < 65536
            and all(
                table.buckets
                and len(table.data) == table.buckets * table.bucket_size == table.buckets * self.bucket_size
                for table in self.tables
            )
        )

    def check(self) -> None:
        assert self.is_possible()


def places(item: bytes) -> tuple[int, int, int]:
    """The fingerprint of an item, 1 to 255, and the hashes of its two buckets."""
    hash = murmur_hash_64a(item, 0)
    fingerprint = hash % 255 + 1
    return fingerprint, hash, other_hash(fingerprint, hash)


def other_hash(fingerprint: int, hash: int) -> int:
    """The hash of one bucket from that of the other one."""
    return hash ^ fingerprint * 0x5BD1E995


def power_of_two(number: int) -> int:
    """The least power of two that is not below; zero is zero."""
    return 1 << (number - 1).bit_length() if number else 0


def _occupied(data: bytearray) -> Iterator[int]:
    return (match.start() for match in re.finditer(rb"[^\0]", bytes(data)))

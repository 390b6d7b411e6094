"""The structures in DUMP and RDB files."""

from __future__ import annotations

import sys
from array import array

from redouble.modules.bloom.bloom_filter import BloomFilter, Link
from redouble.modules.bloom.count_min_sketch import CountMinSketch
from redouble.modules.bloom.cuckoo_filter import CuckooFilter, Table
from redouble.persistence.errors import BadPayload
from redouble.persistence.modules import ModuleReader, ModuleType, ModuleWriter, register

__all__: list[str] = []


def _write_sketch(sketch: CountMinSketch, parts: ModuleWriter) -> None:
    parts.unsigned(sketch.width)
    parts.unsigned(sketch.depth)
    parts.unsigned(sketch.count)
    parts.string(_little(sketch.counters).tobytes())


def _read_sketch(parts: ModuleReader, version: int) -> CountMinSketch:
    width, depth, count, counters = parts.unsigned(), parts.unsigned(), parts.unsigned(), parts.string()
    if len(counters) != 4 * width * depth or not counters:
        raise BadPayload("a sketch of another size")
    sketch = CountMinSketch(1, 1)
    sketch.width, sketch.depth, sketch.count = width, depth, count
    sketch.counters = _little(array("I", counters))
    return sketch


def _little(numbers: array[int]) -> array[int]:
    """Numbers in the byte order of files."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def _write_bloom_filter(filter: BloomFilter, parts: ModuleWriter) -> None:
    for number in (filter.size, len(filter.links), filter.options, filter.expansion):
        parts.unsigned(number)
    for link in filter.links:
        parts.unsigned(link.capacity)
        parts.double(link.error)
        parts.unsigned(link.hashes)
        parts.double(link.bits_per_item)
        parts.unsigned(link.bits)
        parts.unsigned(link.exponent)
        parts.string(bytes(link.data))
        parts.unsigned(link.size)


def _read_bloom_filter(parts: ModuleReader, version: int) -> BloomFilter:
    if version > 4:
        raise BadPayload("a filter of a later version")
    size, count = parts.unsigned(), parts.unsigned()
    options = parts.unsigned() if version >= 2 else 0
    expansion = parts.unsigned() if version >= 4 else 2
    links = []
    for _ in range(count):  # ends with an error where the payload ends
        link = Link.__new__(Link)
        link.capacity = parts.unsigned()
        link.error = parts.double()
        link.hashes = parts.unsigned()
        link.bits_per_item = parts.double()
        link.bits = parts.unsigned() if version else _as_integer(link.capacity * link.bits_per_item)
        link.exponent = parts.unsigned() if version else 0
        link.data = bytearray(parts.string())
        link.size = parts.unsigned()
        links.append(link)
    try:
        return BloomFilter.of_links(links, size, options, expansion)
    except ValueError as error:
        raise BadPayload(str(error)) from None


def _as_integer(number: float) -> int:
    if not 0 <= number < 1 << 64:
        raise BadPayload("bits without number")
    return int(number)


def _write_cuckoo_filter(filter: CuckooFilter, parts: ModuleWriter) -> None:
    for number in (
        len(filter.tables),
        filter.buckets,
        filter.items,
        filter.deleted,
        filter.bucket_size,
        filter.max_iterations,
        filter.expansion,
    ):
        parts.unsigned(number)
    for table in filter.tables:
        parts.unsigned(table.buckets)
        parts.string(bytes(table.data))


def _read_cuckoo_filter(parts: ModuleReader, version: int) -> CuckooFilter:
    if version != 4:
        raise BadPayload("a filter of another version")
    count, buckets, items, deleted, bucket_size, max_iterations, expansion = (parts.unsigned() for _ in range(7))
    tables = []
    for _ in range(count):  # ends with an error where the payload ends
        tables.append(Table(parts.unsigned(), bucket_size, parts.string()))
    try:
        return CuckooFilter.of_tables(tables, buckets, bucket_size, max_iterations, expansion, items, deleted)
    except ValueError as error:
        raise BadPayload(str(error)) from None


register(ModuleType(BloomFilter, 4, _write_bloom_filter, _read_bloom_filter))
register(ModuleType(CuckooFilter, 4, _write_cuckoo_filter, _read_cuckoo_filter))
register(ModuleType(CountMinSketch, 0, _write_sketch, _read_sketch))

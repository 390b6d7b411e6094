"""The structures in DUMP and RDB files."""

from __future__ import annotations

import struct
import sys
from array import array

from redouble.modules.bloom.bloom_filter import BloomFilter, Link
from redouble.modules.bloom.count_min_sketch import CountMinSketch
from redouble.modules.bloom.cuckoo_filter import CuckooFilter, Table
from redouble.modules.bloom.t_digest import LARGEST_COMPRESSION, TDigest
from redouble.modules.bloom.top_k import Entry, TopK
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


_ENTRY = struct.Struct("<IIQII")
"""Fingerprint, length, where the item is in the memory of the process (nowhere: we have none), count, padding."""


def _write_top_k(value: TopK, parts: ModuleWriter) -> None:
    parts.unsigned(value.k)
    parts.unsigned(value.width)
    parts.unsigned(value.depth)
    parts.double(value.decay)
    buckets = array("Q", bytes(8 * value.width * value.depth))
    for number, (fingerprint, count) in value.buckets.items():
        buckets[number] = count << 32 | fingerprint
    parts.string(_little(buckets).tobytes())
    heap = bytearray(_ENTRY.size * value.k)
    for place, (fingerprint, length, _, count) in value.heap.items():
        _ENTRY.pack_into(heap, _ENTRY.size * place, fingerprint, length, 0, count, 0)
    parts.string(bytes(heap))
    for place in range(value.k):
        entry = value.heap.get(place)
        item = b"" if entry is None or entry.item is None else entry.item
        parts.string(item.partition(b"\0")[0] + b"\0")


def _read_top_k(parts: ModuleReader, version: int) -> TopK:
    value = TopK(parts.unsigned(), parts.unsigned(), parts.unsigned(), parts.double())
    buckets, heap = parts.string(), parts.string()
    if (
        not buckets
        or len(buckets) != 8 * value.width * value.depth
        or not heap
        or len(heap) != _ENTRY.size * value.k
        or not 0 < value.decay <= 1
    ):
        raise BadPayload("a list of another size")
    value.was_loaded = True
    numbered = enumerate(_little(array("Q", buckets)))
    value.buckets = {number: (bucket & 0xFFFFFFFF, bucket >> 32) for number, bucket in numbered if bucket}
    for place, (fingerprint, length, _, count, _) in enumerate(_ENTRY.iter_unpack(heap)):
        text = parts.string()
        if text[-1:] != b"\0":
            raise BadPayload("an item without an end")
        entry = Entry(fingerprint, length, text[:-1] or None, count)
        if any(entry[:3]) or count:
            value.heap[place] = entry
            if entry.is_whole() and value.places.setdefault(entry.item or b"", place) != place:
                raise BadPayload("an item twice")
    return value


_MOST_UNMERGED = 1000
"""Payloads hold nothing of them but their number: usually one, more only after merging what came from such payloads."""


def _write_digest(digest: TDigest, parts: ModuleWriter) -> None:
    digest.compress()
    parts.double(digest.compression)
    parts.double(digest.minimum)
    parts.double(digest.maximum)
    parts.signed(digest.capacity)
    parts.signed(digest.merged)
    parts.signed(len(digest.means) - digest.merged)
    parts.signed(digest.compressions)
    parts.double(digest.merged_weight)
    parts.double(digest.unmerged_weight)
    for mean in digest.means[: digest.merged]:
        parts.double(mean)
    for weight in digest.weights[: digest.merged]:
        parts.double(weight)


def _read_digest(parts: ModuleReader, version: int) -> TDigest:
    compression = _whole(parts.double(), LARGEST_COMPRESSION)
    digest = TDigest(compression)
    digest.minimum, digest.maximum = parts.double(), parts.double()
    capacity, merged, unmerged, digest.compressions = parts.signed(), parts.signed(), parts.signed(), parts.signed()
    most = min(_MOST_UNMERGED, capacity - merged)
    if capacity != digest.capacity or merged < 0 or not 0 <= unmerged <= most:
        raise BadPayload("a digest of another size")
    digest.merged = merged
    digest.merged_weight, digest.unmerged_weight = _whole(parts.double()), _whole(parts.double())
    digest.means = [parts.double() for _ in range(merged)]
    digest.weights = [_whole(parts.double()) for _ in range(merged)]
    # What cannot be merged because it weighs no more than one (`TDigest.compress`) is not written: RedisBloom, too, reads zeros.
    digest.means += [0.0] * unmerged
    digest.weights += [0] * unmerged
    return digest


def _whole(number: float, most: int = 1 << 63) -> int:
    """What must be an integer."""
    if not 0 <= number < most + 1 or not number.is_integer():
        raise BadPayload("no integer")
    return int(number)


register(ModuleType(TopK, 0, _write_top_k, _read_top_k))
register(ModuleType(TDigest, 0, _write_digest, _read_digest))

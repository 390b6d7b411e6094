"""The Bloom filter (Bloom 1970) that grows (Almeida, Baquero, Preguica, Hutchison 2007): whether an item was ever added.

"No" is certain.  A filter is a chain of links, each larger than the one before and with half its rate of errors; items go
to the last one, and are looked for in all.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence

from redouble.modules.bloom.memory import LARGEST, NoMemory
from redouble.modules.bloom.murmur import murmur_hash_2, murmur_hash_64a
from redouble.types.module_value import ModuleValue

__all__ = ["FORCE_64", "NONSCALING", "BloomFilter", "FilterIsFull", "Link"]

NOT_ROUNDED, ENTRIES_ARE_BITS, FORCE_64, NONSCALING = 1, 2, 4, 8
"""The options of a filter: its bits are no power of two; its capacity was given in bits; it hashes to 64 bits; it does not grow."""

_HEADER = struct.Struct("<QIII")
_LINK_HEADER = struct.Struct("<QQQddIQB")
_MASK = 0xFFFFFFFFFFFFFFFF


class FilterIsFull(Exception):
    """The filter has as many items as it is made for, and must not grow."""


class Link:
    """One array of bits."""

    __slots__ = ("bits", "bits_per_item", "capacity", "data", "error", "exponent", "hashes", "size")

    def __init__(self, capacity: int, error: float, rounded: bool = False) -> None:
        """Room for `capacity` items; an answer is wrong with a probability of `error`.  Raises NoMemory.

        If `rounded`, as it was once, the bits are a power of two, and there is room for more items.
        """
        self.capacity = capacity
        self.error = error
        self.size = 0
        """How many items were added."""
        if not 0 < error < 1 or capacity < 1:
            raise NoMemory
        self.bits_per_item = -math.log(error) / 0.480453013918201  # ln(2) ** 2, with as many digits as RedisBloom has
        self.hashes = math.ceil(0.693147180559945 * self.bits_per_item)
        bits = capacity * self.bits_per_item
        if bits > 8 * LARGEST:
            raise NoMemory
        self.exponent = 0
        """Above zero: only so many bits as 2 has to the power of it are used."""
        if rounded:
            self.exponent = max(0, math.ceil(math.log2(bits)))
            self.capacity += int(((1 << self.exponent) - math.ceil(bits)) / self.bits_per_item)
            bits = 1 << self.exponent
        self.data = bytearray(max(1, math.ceil(int(bits) / 64)) * 8)
        self.bits = 8 * len(self.data)

    # The bits of an item follow from two hashes (Kirsch, Mitzenmacher 2006).

    def contains(self, first: int, second: int) -> bool:
        """Whether all bits of an item are set.  O(hashes)."""
        data = self.data
        bits = 1 << self.exponent if self.exponent else self.bits
        for _ in range(self.hashes):
            place = first % bits
            if not data[place >> 3] >> (place & 7) & 1:
                return False
            first = first + second & _MASK
        return True

    def add(self, first: int, second: int) -> None:
        """Set the bits of an item.  O(hashes)."""
        data = self.data
        bits = 1 << self.exponent if self.exponent else self.bits
        for _ in range(self.hashes):
            place = first % bits
            data[place >> 3] |= 1 << (place & 7)
            first = first + second & _MASK
        self.size += 1

    def copy(self) -> Link:
        other = Link.__new__(Link)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.data = self.data[:]
        return other

    def is_possible(self) -> bool:
        """Whether a filter can be so, and answers in time."""
        return (
            0 < self.error < 1
            and self.capacity > 0
            and 0 < self.bits_per_item < 10_000
            and self.hashes == math.ceil(0.693147180559945 * self.bits_per_item)
            and 0 < self.bits <= 8 * len(self.data)
            and self.exponent < 64
            and (not self.exponent or 1 << self.exponent <= self.bits)
        )


class BloomFilter(ModuleValue):
    """A chain of links."""

    __slots__ = ("expansion", "links", "options", "size")

    type_name = b"MBbloom--"

    def __init__(self, capacity: int, error: float, expansion: int, nonscaling: bool = False) -> None:
        """Room for `capacity` items, each new link for `expansion` times as many.  Raises NoMemory."""
        self.expansion = expansion
        self.options = NOT_ROUNDED | FORCE_64 | (NONSCALING if nonscaling else 0)
        self.links = [Link(capacity, error if nonscaling else error * 0.5)]
        self.size = 0
        """How many items were added."""

    @property
    def nonscaling(self) -> bool:
        return bool(self.options & NONSCALING)

    @property
    def capacity(self) -> int:
        return sum(link.capacity for link in self.links)

    def _hashes(self, item: bytes) -> tuple[int, int]:
        if self.options & FORCE_64:
            first = murmur_hash_64a(item, 0xC6A4A7935BD1E995)
            return first, murmur_hash_64a(item, first)
        first = murmur_hash_2(item, 0x9747B28C)
        return first, murmur_hash_2(item, first)

    def contains(self, item: bytes) -> bool:
        """Whether an item was probably added.  O(hashes * links)."""
        first, second = self._hashes(item)
        return any(link.contains(first, second) for link in reversed(self.links))

    def add(self, item: bytes) -> bool:
        """Add an item; False if it was probably there.  O(hashes * links).  Raises FilterIsFull or NoMemory."""
        first, second = self._hashes(item)
        if any(link.contains(first, second) for link in reversed(self.links)):
            return False
        last = self.links[-1]
        if last.size >= last.capacity:
            if self.nonscaling:
                raise FilterIsFull
            last = Link(last.capacity * self.expansion, last.error * 0.5, not self.options & NOT_ROUNDED)
            self.links.append(last)
        last.add(first, second)
        self.size += 1
        return True

    # In chunks: first what the filter is, then its bits, link by link.

    def header(self) -> bytes:
        """What the filter is, without its bits."""
        return _HEADER.pack(self.size, len(self.links), self.options, self.expansion) + b"".join(
            _LINK_HEADER.pack(
                len(link.data),
                link.bits,
                link.size,
                link.error,
                link.bits_per_item,
                link.hashes,
                link.capacity,
                link.exponent,
            )
            for link in self.links
        )

    @classmethod
    def from_header(cls, header: bytes) -> BloomFilter:
        """A filter of which all bits are zero.  Raises ValueError."""
        if len(header) < _HEADER.size or (len(header) - _HEADER.size) % _LINK_HEADER.size:
            raise ValueError("received bad data")
        size, count, options, expansion = _HEADER.unpack_from(header)
        headers = list(_LINK_HEADER.iter_unpack(header[_HEADER.size :]))
        if len(headers) != count or sum(fields[0] for fields in headers) > LARGEST:
            raise ValueError("received bad data")
        links = []
        for length, bits, items, error, bits_per_item, hashes, capacity, exponent in headers:
            if bits != 8 * length:
                raise ValueError("received bad data")
            link = Link.__new__(Link)
            link.data = bytearray(length)
            link.bits, link.size, link.error, link.bits_per_item = bits, items, error, bits_per_item
            link.hashes, link.capacity, link.exponent = hashes, capacity, exponent
            links.append(link)
        return cls.of_links(links, size, options, expansion)

    @classmethod
    def of_links(cls, links: Sequence[Link], size: int, options: int, expansion: int) -> BloomFilter:
        """A filter of these parts.  Raises ValueError if they cannot belong together."""
        filter = cls.__new__(cls)
        filter.links, filter.size, filter.options, filter.expansion = list(links), size, options, expansion
        if not filter.is_possible():
            raise ValueError("received bad data")
        return filter

    def chunk(self, position: int, limit: int) -> tuple[int, bytes]:
        """The bits from `position` on (1 is the first byte) to the end of their link, at most `limit` bytes, and the position
        behind them; 0 and nothing if there are none."""
        place = self._at(position)
        if place is None:
            return 0, b""
        link, start = place
        data = bytes(link.data[start : start + limit])
        return position + len(data), data

    def load(self, position: int, data: bytes) -> None:
        """Put bytes in their place, `position` being the one behind them.  Raises ValueError."""
        if position <= 0 or position < len(data):
            raise ValueError("received bad data")
        place = self._at(position - len(data))
        if place is None:
            raise ValueError("invalid offset - no link found")
        link, start = place
        if len(data) > len(link.data) - start:
            raise ValueError("invalid chunk - Too big for current filter")
        link.data[start : start + len(data)] = data

    def _at(self, position: int) -> tuple[Link, int] | None:
        """The link that has a byte, and which of its bytes it is."""
        start = position - 1
        for link in self.links if start >= 0 else ():
            if start < len(link.data):
                return link, start
            start -= len(link.data)
        return None

    def copy(self) -> BloomFilter:
        other = BloomFilter.__new__(BloomFilter)
        other.expansion, other.options, other.size = self.expansion, self.options, self.size
        other.links = [link.copy() for link in self.links]
        return other

    def memory_usage(self) -> int:
        return 32 + sum(64 + len(link.data) for link in self.links)

    def describe(self) -> Iterator[str]:
        yield f"{self.size} of {self.capacity} items, {'nonscaling' if self.nonscaling else f'expansion {self.expansion}'}"
        for link in self.links:
            yield f"{link.size} of {link.capacity} items in {len(link.data)} bytes, {link.hashes} hashes, error {link.error:g}"

    def is_possible(self) -> bool:
        """Whether the parts belong together."""
        return (
            bool(self.links)
            and all(link.is_possible() for link in self.links)
            and self.size == sum(link.size for link in self.links)
            and self.options <= NOT_ROUNDED | ENTRIES_ARE_BITS | FORCE_64 | NONSCALING
        )

    def check(self) -> None:
        assert self.is_possible()

"""The pieces of a time series: samples in the order of their timestamps, and how much of the chunk they fill.

A compressed chunk keeps its samples as they are and counts the bits that they would take (`gorilla.py`), because those
decide when a chunk is full; they are made when somebody wants to see them (`rdb.py`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import ClassVar, TypeVar

from redouble.modules.timeseries.gorilla import NO_WINDOW, bits_of, measure

__all__ = ["SAMPLE", "Chunk", "CompressedChunk", "UncompressedChunk"]

SAMPLE = 16
"""Bytes of a sample that is not compressed."""
Self = TypeVar("Self", bound="Chunk")


class Chunk:
    """Samples and the `size` of their place in bytes."""

    __slots__ = ("size", "timestamps", "values")

    name: ClassVar[bytes]

    def __init__(self, size: int) -> None:
        self.size = size
        self.timestamps = array("Q")
        self.values = array("d")

    def __len__(self) -> int:
        return len(self.timestamps)

    @property
    def first(self) -> int:
        """The first timestamp; 0 if there is none."""
        return self.timestamps[0] if self.timestamps else 0

    @property
    def last(self) -> int:
        """The last timestamp; 0 if there is none."""
        return self.timestamps[-1] if self.timestamps else 0

    def append(self, timestamp: int, value: float) -> bool:
        """Add a sample at the end; False if there is no room.  O(1)."""
        raise NotImplementedError

    def find(self, timestamp: int) -> tuple[int, bool]:
        """Where a timestamp is or would be, and whether it is there.  O(log n)."""
        at = bisect_left(self.timestamps, timestamp)
        return at, at < len(self.timestamps) and self.timestamps[at] == timestamp

    def insert(self, at: int, timestamp: int, value: float) -> None:
        """Put a sample in front of the one at `at`, and make room for it."""
        raise NotImplementedError

    def replace(self, at: int, value: float) -> None:
        """Give a sample another value."""
        raise NotImplementedError

    def remove(self, start: int, end: int) -> int:
        """Remove the samples from timestamp `start` to `end`; how many there were."""
        raise NotImplementedError

    def split(self: Self) -> Self:
        """Keep the first half, or one sample more, and return a chunk with the others."""
        raise NotImplementedError

    def copy(self: Self) -> Self:
        other = type(self)(self.size)
        other.timestamps, other.values = self.timestamps[:], self.values[:]
        return other

    def memory_usage(self) -> int:
        raise NotImplementedError

    def check(self) -> None:
        """Raise AssertionError if something contradicts itself."""
        assert len(self.timestamps) == len(self.values)
        assert all(one < other for one, other in zip(self.timestamps, self.timestamps[1:]))

    def _delete(self, start: int, end: int) -> int:
        place = slice(bisect_left(self.timestamps, start), bisect_right(self.timestamps, end))
        count = len(self.timestamps[place])
        del self.timestamps[place], self.values[place]
        return count


class UncompressedChunk(Chunk):
    __slots__ = ()

    name = b"uncompressed"

    def append(self, timestamp: int, value: float) -> bool:
        if len(self.timestamps) == self.size // SAMPLE:
            return False
        self.timestamps.append(timestamp)
        self.values.append(value)
        return True

    def insert(self, at: int, timestamp: int, value: float) -> None:
        if len(self.timestamps) == self.size // SAMPLE:
            self.size += SAMPLE
        self.timestamps.insert(at, timestamp)
        self.values.insert(at, value)

    def replace(self, at: int, value: float) -> None:
        self.values[at] = value

    def remove(self, start: int, end: int) -> int:
        return self._delete(start, end)

    def split(self) -> UncompressedChunk:
        kept = len(self.timestamps) - len(self.timestamps) // 2
        other = UncompressedChunk((len(self.timestamps) - kept) * SAMPLE)
        other.timestamps, other.values = self.timestamps[kept:], self.values[kept:]
        del self.timestamps[kept:], self.values[kept:]
        self.size = kept * SAMPLE
        return other

    def memory_usage(self) -> int:
        return 32 + self.size

    def check(self) -> None:
        super().check()
        assert len(self.timestamps) <= self.size // SAMPLE


class CompressedChunk(Chunk):
    """`bits` is what all samples take, `costs` what each of them does, `windows` the window after each of them."""

    __slots__ = ("bits", "costs", "distance", "windows", "word")

    name = b"compressed"
    STEP: ClassVar[int] = 32
    """By how many bytes a chunk grows in which something is inserted."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.bits = 0
        self.costs = array("B")
        self.windows = array("H")
        self.distance = 0
        """Between the last two timestamps."""
        self.word = 0
        """The last value."""

    @property
    def window(self) -> int:
        """The last one."""
        return self.windows[-1] if self.windows else NO_WINDOW

    @classmethod
    def of(cls, size: int, samples: Iterable[tuple[int, float]]) -> CompressedChunk:
        """A chunk of these samples, as large as it must be but at least `size`."""
        chunk = cls(size)
        for timestamp, value in samples:
            if not chunk.append(timestamp, value):
                chunk.size += cls.STEP
                chunk.append(timestamp, value)
        return chunk

    def append(self, timestamp: int, value: float) -> bool:
        word = bits_of(value)
        if not self.timestamps:
            cost, window, distance = 0, NO_WINDOW, 0
        else:
            distance = timestamp - self.timestamps[-1]
            cost, window = measure(distance - self.distance, word ^ self.word, self.windows[-1])
            if self.bits + cost > 8 * self.size:
                return False
        self.timestamps.append(timestamp)
        self.values.append(value)
        self.costs.append(cost)
        self.windows.append(window)
        self.bits += cost
        self.distance = distance
        self.word = word
        return True

    def insert(self, at: int, timestamp: int, value: float) -> None:
        self.timestamps.insert(at, timestamp)
        self.values.insert(at, value)
        self.costs.insert(at, 0)
        self.windows.insert(at, 0)
        self._measure_again(at)

    def replace(self, at: int, value: float) -> None:
        self.values[at] = value
        self._measure_again(at)

    def _measure_again(self, at: int) -> None:
        """The sample at `at` is another one.  What follows is measured again until nothing is different from before:
        seldom more than a few samples."""
        timestamps, values, costs, windows = self.timestamps, self.values, self.costs, self.windows
        for index in range(at, len(timestamps)):
            cost, window = 0, NO_WINDOW
            if index:
                distance = timestamps[index] - timestamps[index - 1]
                before = timestamps[index - 1] - timestamps[index - 2] if index > 1 else 0
                changed = bits_of(values[index]) ^ bits_of(values[index - 1])
                cost, window = measure(distance - before, changed, windows[index - 1])
            self.bits += cost - costs[index]
            settled = index > at + 1 and windows[index] == window
            costs[index], windows[index] = cost, window
            if settled:
                break
        while self.bits > 8 * self.size:
            self.size += self.STEP
        self._know_the_last()

    def _know_the_last(self) -> None:
        self.distance = self.timestamps[-1] - self.timestamps[-2] if len(self.timestamps) > 1 else 0
        self.word = bits_of(self.values[-1]) if self.values else 0

    def remove(self, start: int, end: int) -> int:
        count = self._delete(start, end)
        if count:
            self._become(CompressedChunk.of(self.size, zip(self.timestamps, self.values)))
        return count

    def split(self) -> CompressedChunk:
        kept = len(self.timestamps) - len(self.timestamps) // 2
        other = CompressedChunk.of(self.size, zip(self.timestamps[kept:], self.values[kept:]))
        self._become(CompressedChunk.of(self.size, zip(self.timestamps[:kept], self.values[:kept])))
        self._trim()
        other._trim()
        return other

    def _trim(self) -> None:
        """Give back what is left over, but for a few bytes."""
        left = (8 * self.size - self.bits) // 8
        if left > 1:
            self.size -= left - 1
            self.size += 8 - self.size % 8

    def _become(self, other: CompressedChunk) -> None:
        for name in (*Chunk.__slots__, *CompressedChunk.__slots__):
            setattr(self, name, getattr(other, name))

    def copy(self) -> CompressedChunk:
        other = super().copy()
        other.bits, other.distance, other.word = self.bits, self.distance, self.word
        other.costs, other.windows = self.costs[:], self.windows[:]
        return other

    def memory_usage(self) -> int:
        return 80 + self.size

    def check(self) -> None:
        super().check()
        other = CompressedChunk.of(self.size, zip(self.timestamps, self.values))
        for name in (*Chunk.__slots__, *CompressedChunk.__slots__):
            assert getattr(self, name) == getattr(other, name), name

"""A time series: samples in chunks, its labels, and the rules by which it fills others."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from redouble.modules.timeseries.aggregation import Aggregator, TimeWeightedAverage
from redouble.modules.timeseries.chunks import Chunk, CompressedChunk, UncompressedChunk
from redouble.types.module_value import ModuleValue

__all__ = ["FOREVER", "POLICIES", "Labels", "Rule", "Series", "Settings", "bucket_start"]

Labels = list[tuple[bytes, bytes]]
Samples = tuple["array[int]", "array[float]"]
"""Timestamps and values."""

FOREVER = 0xFFFFFFFFFFFFFFFF
"""Later than any timestamp."""
POLICIES = (b"", b"block", b"last", b"first", b"min", b"max", b"sum")
"""What becomes of a second sample with the same timestamp; files tell it by its place."""


def bucket_start(timestamp: int, duration: int, alignment: int) -> int:
    """The start of the bucket that a timestamp is in; negative if not all of the bucket is in our time."""
    if not timestamp >> 63:
        return timestamp - (timestamp - alignment) % duration
    start = timestamp - (timestamp - (1 << 64) - alignment) % duration  # TS.INCRBY takes negative timestamps
    return start - (1 << 64) if start >> 63 else start


class Settings:
    """What a series was created with."""

    __slots__ = ("chunk_size", "ignore_time", "ignore_value", "labels", "options", "policy", "retention")

    UNCOMPRESSED = 1
    COMPRESSED = 2

    def __init__(self) -> None:
        self.retention = 0
        """Milliseconds before the last sample after which samples go; 0: none goes."""
        self.chunk_size = 4096
        """In bytes."""
        self.options = self.COMPRESSED
        """UNCOMPRESSED, COMPRESSED or both, and then it is not compressed."""
        self.policy = b""
        """One of POLICIES."""
        self.ignore_time = 0
        self.ignore_value = 0.0
        """Under the policy `last`, a sample is not added that is at most so much later than the last one, and so much different."""
        self.labels: Labels = []

    def copy(self) -> Settings:
        other = Settings()
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.labels = self.labels[:]
        return other


class Rule:
    """Of each bucket that is over, `aggregator` makes a sample of the series in `destination`."""

    __slots__ = ("aggregator", "alignment", "destination", "duration", "has_samples", "start")

    def __init__(self, destination: bytes, aggregator: Aggregator, duration: int, alignment: int) -> None:
        self.destination = destination
        self.aggregator = aggregator
        """Of the bucket that is not over."""
        self.duration = duration
        """In milliseconds."""
        self.alignment = alignment
        self.start: int | None = None
        """Of that bucket; None: no sample has come yet."""
        self.has_samples = True
        """Whether the aggregator took any in this bucket."""

    def bucket(self, timestamp: int) -> int:
        """The start of the bucket that a timestamp is in; may be negative."""
        return bucket_start(timestamp, self.duration, self.alignment)

    def copy(self) -> Rule:
        other = Rule(self.destination, self.aggregator.copy(), self.duration, self.alignment)
        other.start, other.has_samples = self.start, self.has_samples
        return other


class Series(ModuleValue):
    """`name` is the key that it is in.  There is always a chunk; only the chunk of an empty series is empty."""

    __slots__ = ("_starts", "chunks", "count", "last_timestamp", "last_value", "name", "rules", "settings", "source")

    type_name = b"TSDB-TYPE"
    can_be_copied = True
    SPLIT_AT = 1.2
    """A chunk so many times as large as it was made is split before a sample is inserted."""

    def __init__(self, name: bytes, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.chunks: list[Chunk] = [self.new_chunk(settings.chunk_size)]
        self._starts = [0]
        """The first timestamp of each chunk; of the first one, any that is not later."""
        self.count = 0
        self.last_timestamp = 0
        self.last_value = 0.0
        self.rules: list[Rule] = []
        self.source: bytes | None = None
        """The series of which a rule fills this one."""

    def new_chunk(self, size: int) -> Chunk:
        return UncompressedChunk(size) if self.settings.options & Settings.UNCOMPRESSED else CompressedChunk(size)

    def set_chunks(self, chunks: list[Chunk]) -> None:
        """Have other chunks, which are in order and not empty unless there is only one."""
        self.chunks = chunks
        self._starts = [chunk.first for chunk in chunks]

    # Reading.

    @property
    def oldest(self) -> int:
        """Samples before this time are as good as gone."""
        return max(self.last_timestamp - self.settings.retention, 0) if self.settings.retention else 0

    def slices(self, start: int, end: int, is_reversed: bool = False) -> Iterator[Samples]:
        """The samples from timestamp `start` to `end`, chunk by chunk.  O(log chunks) to find the first."""
        if end < start:
            return
        first = max(bisect_right(self._starts, start) - 1, 0)
        last = bisect_right(self._starts, end, lo=first)
        order = range(last - 1, first - 1, -1) if is_reversed else range(first, last)
        for index in order:
            timestamps, values = self.chunks[index].timestamps, self.chunks[index].values
            if not timestamps:
                continue
            if timestamps[0] < start or timestamps[-1] > end:
                i, j = bisect_right(timestamps, start - 1) if start else 0, bisect_right(timestamps, end)
                timestamps, values = timestamps[i:j], values[i:j]
            if timestamps:
                yield (timestamps[::-1], values[::-1]) if is_reversed else (timestamps, values)

    def samples(self, start: int, end: int, is_reversed: bool = False) -> Iterator[tuple[int, float]]:
        """The samples that are not too old, from `start` to `end`."""
        for timestamps, values in self.slices(max(start, self.oldest), end, is_reversed):
            yield from zip(timestamps, values)

    def forgotten(self) -> tuple[int, int]:
        """How many samples are too old, and the first timestamp of the others (0: there is none)."""
        count = 0
        for chunk in self.chunks:
            if chunk.last >= self.oldest:
                at, _ = chunk.find(self.oldest)
                return count + at, chunk.timestamps[at] if chunk else 0
            count += len(chunk)
        return count, 0

    # Writing.

    def append(self, timestamp: int, value: float) -> None:
        """Add a sample that is later than the last one that is known of, or the first one.  O(1)."""
        last = self.chunks[-1]
        if last.timestamps and timestamp <= last.timestamps[-1]:  # a rule has put another behind that one
            self.insert(timestamp, value, b"last")
            self.last_timestamp, self.last_value = timestamp, value
            return
        if not last.append(timestamp, value):
            self._forget()
            chunk = self.new_chunk(self.settings.chunk_size)
            chunk.append(timestamp, value)
            self.chunks.append(chunk)
            self._starts.append(timestamp)
        self.last_timestamp = timestamp
        self.last_value = value
        self.count += 1

    def _forget(self) -> None:
        """Remove the chunks of which all samples are too old."""
        gone = 0
        while gone < len(self.chunks) and self.chunks[gone].last < self.oldest:
            self.count -= len(self.chunks[gone])
            gone += 1
        del self.chunks[:gone], self._starts[:gone]

    def insert(self, timestamp: int, value: float, policy: bytes) -> bool:
        """Add a sample that is not later than all others; False if there is one of the same time and the policy is against it.

        O(log chunks) and as a memmove of a chunk, if not more of it must be measured again.
        """
        index = max(bisect_right(self._starts, timestamp) - 1, 0)
        chunk = self.chunks[index]
        if chunk.size > self.settings.chunk_size * self.SPLIT_AT and len(chunk) > 1:
            other = chunk.split()
            self.chunks.insert(index + 1, other)
            self._starts.insert(index + 1, other.first)
            if timestamp >= other.first:
                index, chunk = index + 1, other
        at, is_there = chunk.find(timestamp)
        if is_there:
            merged = _merged(policy, chunk.values[at], value)
            if merged is None:
                return False
            value = merged
            chunk.replace(at, value)
        else:
            chunk.insert(at, timestamp, value)
            self.count += 1
            self._starts[index] = chunk.first
        if timestamp == self.last_timestamp:
            self.last_value = value
        return True

    def remove(self, start: int, end: int) -> int:
        """Remove the samples from `start` to `end`; how many there were."""
        removed = 0
        kept: list[Chunk] = []
        for chunk in self.chunks:
            is_left = len(chunk) + removed == self.count
            if start <= chunk.first and chunk.last <= end and chunk and not is_left:
                removed += len(chunk)
                continue
            if chunk.first <= end and start <= chunk.last:
                removed += chunk.remove(start, end)
            kept.append(chunk)
        self.set_chunks(kept)
        self.count -= removed
        return removed

    def know_the_last(self) -> None:
        """The last sample may be gone."""
        last = self.chunks[-1]
        self.last_timestamp, self.last_value = (last.last, last.values[-1]) if last else (0, 0.0)

    # Rules.

    def rule_to(self, destination: bytes) -> Rule | None:
        return next((rule for rule in self.rules if rule.destination == destination), None)

    def aggregate(self, rule: Rule, start: int, end: int) -> tuple[Aggregator, bool]:
        """What the rule's aggregator makes of the samples from `start` to `end`, and whether it took any."""
        end &= FOREVER
        aggregator = type(rule.aggregator)()
        if isinstance(aggregator, TimeWeightedAverage):
            aggregator.within(start, end + 1)
            before = self.neighbour(start, is_reversed=True)
            if before is not None:
                aggregator.after(before[1], before[0])
        took = False
        for timestamp, value in self.samples(start, end):
            if value == value:  # countnan counts the others, too, when a bucket is computed again
                aggregator.add(value, timestamp)
                took = True
        if isinstance(aggregator, TimeWeightedAverage):
            behind = self.neighbour(end)
            if behind is not None:
                aggregator.before(behind[1], behind[0])
        return aggregator, took

    def neighbour(self, timestamp: int, is_reversed: bool = False) -> tuple[int, float] | None:
        """The first sample behind a timestamp (reversed: before it) of which the value is a number."""
        samples = self.samples(0, timestamp - 1, True) if is_reversed else self.samples(timestamp + 1, FOREVER)
        return next(((timestamp, value) for timestamp, value in samples if value == value), None)

    # As a value.

    def copy(self) -> Series:
        other = Series(self.name, self.settings.copy())
        other.set_chunks([chunk.copy() for chunk in self.chunks])
        other._starts = self._starts[:]
        other.count, other.last_timestamp, other.last_value = self.count, self.last_timestamp, self.last_value
        other.rules = [rule.copy() for rule in self.rules]
        other.source = self.source
        return other

    def copy_for(self, key: bytes) -> Series:
        other = self.copy()
        other.name, other.rules, other.source = key, [], None
        return other

    def arrived(self, db: Any, key: bytes) -> None:
        """The series at the other ends of rules learn the new name."""
        if key == self.name:
            return
        series: Series = db.own(key, self)
        series.drop_stale_references(db)
        if series.source is not None:
            db.own(series.source, db.peek(series.source)).rule_to(series.name).destination = key
        for rule in series.rules:
            db.own(rule.destination, db.peek(rule.destination)).source = key
        series.name = key

    def drop_stale_references(self, db: Any) -> None:
        """Forget the rules between this series and others that are gone, or no longer know of them."""
        if self.source is not None:
            source = db.peek(self.source)
            if type(source) is not Series or source.rule_to(self.name) is None:
                self.source = None
        for rule in self.rules[:]:
            destination = db.peek(rule.destination)
            if type(destination) is not Series or destination.source != self.name:
                self.rules.remove(rule)

    def relatives(self) -> Iterable[bytes]:
        others = [rule.destination for rule in self.rules]
        return others if self.source is None else [*others, self.source]

    def memory_usage(self) -> int:
        labels = sum(18 + len(name) + len(value) for name, value in self.settings.labels)
        return 8 + 64 * len(self.rules) + labels + sum(chunk.memory_usage() for chunk in self.chunks)

    def describe(self) -> Iterator[str]:
        labels = " ".join(
            f"{name.decode('utf-8', 'replace')}={value.decode('utf-8', 'replace')}"
            for name, value in self.settings.labels
        )
        yield f"{self.count} samples, {labels or 'no labels'}"
        for rule in self.rules:
            name = rule.aggregator.name.decode()
            yield f"{name} of {rule.duration} ms to {rule.destination.decode('utf-8', 'replace')}"
        if self.count:
            yield f"last {self.last_timestamp} {self.last_value!r}"

    def check(self) -> None:
        assert len(self.chunks) == len(self._starts) > 0
        assert self.count == sum(map(len, self.chunks))
        assert all(self.chunks) or len(self.chunks) == 1
        assert self._starts[1:] == [chunk.first for chunk in self.chunks[1:]]
        for chunk, other in zip(self.chunks, self.chunks[1:]):
            assert chunk.last < other.first
        for chunk in self.chunks:
            chunk.check()


def _merged(policy: bytes, old: float, new: float) -> float | None:
    """What becomes of two values with the same timestamp; None: an error."""
    if policy == b"block" or (policy in (b"min", b"max", b"sum") and (old != old or new != new)):
        return None
    if policy == b"first":
        return old
    if policy == b"min":
        return old if old < new else new
    if policy == b"max":
        return old if old > new else new
    return old + new if policy == b"sum" else new

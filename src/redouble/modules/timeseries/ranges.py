"""What TS.RANGE and its kin answer: samples of a series between two times, perhaps only some of them, perhaps by buckets."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from redouble.modules.timeseries.aggregation import Aggregator, TimeWeightedAverage
from redouble.modules.timeseries.series import Series, bucket_start

__all__ = ["MOST_EMPTY_BUCKETS", "Buckets", "Query", "reduce", "select"]

Sample = tuple[int, float]
MOST_EMPTY_BUCKETS = 1 << 23
"""In one gap; the real server takes the memory for more, and is killed for it."""


@dataclass
class Buckets:
    """AGGREGATION."""

    kind: type[Aggregator]
    duration: int
    alignment: int = 0
    shift: int = 0
    """From the start of a bucket to the time that its result is told with."""
    with_empty: bool = False


@dataclass
class Query:
    start: int
    end: int
    latest: bool = False
    count: int = -1
    """How many samples at most; -1: all."""
    timestamps: list[int] | None = None
    """Only these, in their order."""
    values: tuple[float, float] | None = None
    """Only values between these two."""
    buckets: Buckets | None = None

    def is_plain(self) -> bool:
        """Whether it is told only by its times and its count."""
        return self.timestamps is None and self.values is None and self.buckets is None


def select(series: Series, query: Query, is_reversed: bool, latest: Sample | None) -> Iterator[Sample]:
    """All samples that `query` is about, whatever its count; `latest` comes after them."""
    if query.timestamps is None:
        samples = series.samples(query.start, query.end, is_reversed)
    else:
        order = reversed(query.timestamps) if is_reversed else query.timestamps
        places = (timestamp for timestamp in order if query.start <= timestamp <= query.end)
        samples = itertools.chain.from_iterable(series.samples(timestamp, timestamp) for timestamp in places)
    if (
        latest is not None
        and query.start <= latest[0] <= query.end
        and (query.timestamps is None or latest[0] in query.timestamps)
    ):
        samples = itertools.chain([latest], samples) if is_reversed else itertools.chain(samples, [latest])
    if query.values is not None:
        least, most = query.values
        samples = (sample for sample in samples if least <= sample[1] <= most)
    if query.buckets is not None:
        return _Aggregation(series, query, query.buckets, is_reversed).run(samples)
    return samples


class _Aggregation:
    """Samples that go by in one direction, bucket by bucket."""

    def __init__(self, series: Series, query: Query, buckets: Buckets, is_reversed: bool) -> None:
        self.series = series
        self.query = query
        self.buckets = buckets
        self.is_reversed = is_reversed
        kind = buckets.kind
        self.weighted = TimeWeightedAverage(is_reversed) if kind is TimeWeightedAverage else None
        self.aggregator: Aggregator = self.weighted or kind()
        self.took = False
        """Whether the aggregator took a sample of this bucket."""

    def _bucket(self, timestamp: int) -> int:
        return bucket_start(timestamp, self.buckets.duration, self.buckets.alignment)

    def run(self, samples: Iterator[Sample]) -> Iterator[Sample]:
        query, duration, is_reversed = self.query, self.buckets.duration, self.is_reversed
        aggregator, weighted = self.aggregator, self.weighted
        takes, add = aggregator.takes, aggregator.add
        sample = next(samples, None)
        if sample is None:
            if weighted and self.buckets.with_empty:
                yield from self._gap(self._bucket(query.start), self._bucket(query.end))
            return
        timestamp, value = sample
        start = self._bucket(timestamp)
        if weighted and self.buckets.with_empty:
            if is_reversed:
                yield from self._gap(start + duration, self._bucket(query.end))
            else:
                yield from self._gap(self._bucket(query.start), start - duration)
        end, start = start + duration, max(start, 0)
        if weighted:
            weighted.within(max(start, query.start), min(end, query.end))
            if timestamp or is_reversed:
                before = self.series.neighbour(timestamp, not is_reversed)
                if before is not None:
                    weighted.after(before[1], before[0])
        for timestamp, value in itertools.chain([sample], samples):
            if timestamp < start or timestamp >= end:
                if weighted and takes(value):
                    weighted.before(value, timestamp)
                last = (weighted.value, weighted.timestamp) if weighted and self.took else None
                yield from self._result(start)
                old_end, start = end, self._bucket(timestamp)
                end = start + duration
                if self.buckets.with_empty:
                    if is_reversed:
                        yield from self._gap(end, old_end - 2 * duration)
                    else:
                        yield from self._gap(old_end, start - duration)
                start = max(start, 0)
                if weighted:
                    if last is not None:
                        weighted.after(*last)
                    low = max(start, query.start) if is_reversed else start
                    weighted.within(low, end if is_reversed else min(end, query.end))
            if takes(value):
                add(value, timestamp)
                self.took = True
        if weighted and not (is_reversed and weighted.timestamp == 0):
            behind = self.series.neighbour(weighted.timestamp, is_reversed)
            if behind is not None:
                weighted.before(behind[1], behind[0])
        yield from self._result(start)
        if weighted and self.buckets.with_empty:
            told = self._bucket(start + self.buckets.shift)
            if is_reversed:
                yield from self._gap(self._bucket(query.start), told - duration)
            else:
                yield from self._gap(told + duration, self._bucket(query.end))

    def _result(self, start: int) -> Iterator[Sample]:
        """Of the bucket that is over."""
        if self.took:
            yield start + self.buckets.shift, self.aggregator.result()
        elif self.buckets.with_empty:
            yield start + self.buckets.shift, self._between(start) if self.weighted else self.aggregator.empty()
        self.aggregator.reset()
        self.took = False

    def _gap(self, first: int, last: int) -> Iterator[Sample]:
        """Buckets without samples, from the one that starts at `first` to that at `last`, in our direction."""
        duration = self.buckets.duration
        if first < 0 or last < first:
            return
        starts = range(last, first - 1, -duration) if self.is_reversed else range(first, last + 1, duration)
        value, before, behind = self.aggregator.empty(), None, None
        if self.weighted:
            edge = max(starts[0], self.query.start)
            before, behind = self._around(edge, edge)
            if before is None or behind is None:
                return
        if (last - first) // duration >= MOST_EMPTY_BUCKETS:
            raise OverflowError("too many empty buckets")
        for start in starts:
            if before is not None and behind is not None:
                value = self._on_the_line(start, before, behind)
            yield start + self.buckets.shift, value

    def _around(self, left: int, right: int) -> tuple[Sample | None, Sample | None]:
        return self.series.neighbour(left, is_reversed=True), self.series.neighbour(right - 1)

    def _between(self, start: int) -> float:
        """The weighted average of a bucket in which no value is a number."""
        low, high = max(start, self.query.start), min(start + self.buckets.duration, self.query.end)
        before, behind = self._around(low, high)
        return self._on_the_line(start, before, behind) if before and behind else math.nan

    def _on_the_line(self, start: int, before: Sample, behind: Sample) -> float:
        """The average of a bucket on the line between two samples."""
        low, high = max(start, self.query.start), min(start + self.buckets.duration, self.query.end)
        (t1, v1), (t2, v2) = before, behind
        at_low = v1 + (low - t1) * (v2 - v1) / (t2 - t1)
        at_high = v1 + (high - t1) * (v2 - v1) / (t2 - t1)
        return (at_low + at_high) / 2


def reduce(many: list[Iterator[Sample]], kind: type[Aggregator]) -> Iterator[Sample]:
    """Of all samples with the same timestamp one, by an aggregator, which gets no nan, whatever it counts."""
    aggregator = kind()
    for timestamp, samples in itertools.groupby(_merge(many), key=lambda sample: sample[0]):
        values = [value for _, value in samples if value == value]
        for value in values:
            aggregator.add(value, timestamp)
        yield timestamp, aggregator.result() if values else math.nan
        aggregator.reset()


def _merge(many: list[Iterator[Sample]]) -> Iterator[Sample]:
    """The samples of many series by time.

    In which order those of the same time come is that of a binary heap whose elements never are equal: sums of doubles
    depend on it.
    """
    heap: list[tuple[int, float, Iterator[Sample]]] = []

    def push(samples: Iterator[Sample]) -> None:
        sample = next(samples, None)
        if sample is None:
            return
        heap.append((*sample, samples))
        at = len(heap) - 1
        while at and heap[at][0] < heap[(at - 1) // 2][0]:
            heap[at], heap[(at - 1) // 2] = heap[(at - 1) // 2], heap[at]
            at = (at - 1) // 2

    def sink() -> None:
        at = 0
        while 2 * at + 1 < len(heap):
            child = 2 * at + 1
            if child + 1 < len(heap) and not heap[child][0] < heap[child + 1][0]:
                child += 1
            if heap[at][0] < heap[child][0]:
                return
            heap[at], heap[child] = heap[child], heap[at]
            at = child

    for samples in many:
        push(samples)
    while heap:
        timestamp, value, samples = heap[0]
        last = heap.pop()
        if heap:
            heap[0] = last
            sink()
        yield timestamp, value
        push(samples)

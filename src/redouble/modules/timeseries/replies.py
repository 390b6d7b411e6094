"""Samples and labels as replies: values are doubles in RESP3, and simple strings in RESP2."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from redouble.core.client import Client
from redouble.modules.timeseries import compaction
from redouble.modules.timeseries.arguments import error
from redouble.modules.timeseries.numbers import format_value
from redouble.modules.timeseries.ranges import Query, select
from redouble.modules.timeseries.series import Series
from redouble.resp.reply import ByKey, Reply, Status

__all__ = ["labels_reply", "range_reply", "sample_reply", "samples_of", "samples_reply", "signed"]


def samples_of(client: Client, series: Series, query: Query, is_reversed: bool = False) -> Iterator[tuple[int, float]]:
    """All samples that a query is about."""
    wants_latest = query.latest and series.source is not None and query.end > series.last_timestamp
    latest = compaction.latest(client.db, series) if wants_latest else None
    return select(series, query, is_reversed, latest)


def samples_reply(client: Client, samples: Iterable[tuple[int, float]], count: int) -> Reply:
    """A list of samples, `count` at most; -1: all."""
    if count != -1:
        samples = itertools.islice(samples, max(count, 0))
    try:
        if client.resp == 3:
            return [[timestamp, value] for timestamp, value in samples]
        return [[timestamp, Status(format_value(value))] for timestamp, value in samples]
    except OverflowError as failure:
        raise error(str(failure)) from None


def range_reply(client: Client, series: Series, query: Query, is_reversed: bool = False) -> Reply:
    return samples_reply(client, samples_of(client, series, query, is_reversed), query.count)


def sample_reply(client: Client, series: Series, wants_latest: bool) -> Reply:
    """The last sample; `wants_latest`: also if its bucket is not over yet."""
    found = compaction.latest(client.db, series) if wants_latest and series.source is not None else None
    if found is None and series.count:
        found = series.last_timestamp, series.last_value
    return samples_reply(client, [(signed(found[0]), found[1])], -1)[0] if found else []


def signed(timestamp: int) -> int:
    """A timestamp as clients see it: one that was negative (TS.INCRBY takes it) is kept as an unsigned integer."""
    return timestamp - (1 << 64) if timestamp >> 63 else timestamp


def labels_reply(labels: list[tuple[bytes, bytes]], with_all: bool, selected: list[bytes]) -> Reply:
    """All labels, or the selected ones: those that a series does not have are null."""
    if with_all:
        return ByKey(labels)
    return ByKey(_selected(labels, name) for name in selected)


def _selected(labels: list[tuple[bytes, bytes]], wanted: bytes) -> tuple[bytes, bytes | None]:
    return next(((name, value) for name, value in labels if name.lower() == wanted.lower()), (wanted, None))

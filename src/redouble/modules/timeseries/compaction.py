"""Series in a database: how samples are added and removed, and what becomes of the series that rules fill."""

from __future__ import annotations

import contextlib

from redouble.core import notify
from redouble.core.database import Database
from redouble.core.errors import CommandError
from redouble.modules.timeseries.aggregation import Count, TimeWeightedAverage
from redouble.modules.timeseries.series import Rule, Series

__all__ = ["add", "latest", "peek", "remove"]


def series_at(db: Database, key: bytes | None) -> Series | None:
    """The series in `key`, which may be changed; None: there is none."""
    series = peek(db, key)
    return series if key is None or series is None or not db.shared else db.for_write(key, Series)


def peek(db: Database, key: bytes | None) -> Series | None:
    """The series in `key`, which is only read."""
    value = db.peek(key) if key is not None else None
    return value if type(value) is Series else None


def latest(db: Database, series: Series) -> tuple[int, float] | None:
    """What the rule that fills this series would make of its bucket if that were over; None: there is no such rule or bucket."""
    source = peek(db, series.source)
    rule = source.rule_to(series.name) if source is not None else None
    if rule is None or rule.start is None or not (rule.has_samples or isinstance(rule.aggregator, Count)):
        return None
    return rule.start, rule.aggregator.result()


def add(db: Database, series: Series, timestamp: int, value: float, policy: bytes, cannot_insert: str) -> int:
    """Add a sample; returns its timestamp, or that of the last one if it was too near to be added.

    Raises CommandError if it is too old, or `cannot_insert` if the policy is against it.
    """
    settings = series.settings
    if settings.retention and timestamp < series.last_timestamp - settings.retention:
        raise CommandError("ERR TSDB: Timestamp is older than retention")
    if (
        policy == b"last"
        and series.count
        and 0 <= timestamp - series.last_timestamp <= settings.ignore_time
        and abs(value - series.last_value) <= settings.ignore_value
    ):
        return series.last_timestamp
    if timestamp > series.last_timestamp or not series.count:
        series.append(timestamp, value)
        if series.rules:
            series.drop_stale_references(db)
            for rule in series.rules:
                _follow(db, rule, timestamp, value)
    else:
        if not series.insert(timestamp, value, policy or b"block"):
            raise CommandError(cannot_insert)
        if series.rules:
            series.drop_stale_references(db)
            for rule in series.rules:
                _correct(db, series, rule, timestamp)
    return timestamp


def _follow(db: Database, rule: Rule, timestamp: int, value: float) -> None:
    """A sample has come at the end; perhaps it is the first one of another bucket."""
    bucket = rule.bucket(timestamp)
    start, end = max(bucket, 0), bucket + rule.duration
    aggregator = rule.aggregator
    weighted = aggregator if isinstance(aggregator, TimeWeightedAverage) else None
    if rule.start is None:
        rule.start, rule.has_samples = start, False
        if weighted:
            weighted.within(start, end)
    if start > rule.start:
        if weighted and weighted.takes(value):
            weighted.before(value, timestamp)
        if rule.has_samples:
            destination = series_at(db, rule.destination)
            if destination is not None:
                with contextlib.suppress(CommandError):  # it is too old
                    add(db, destination, rule.start, aggregator.result(), b"last", "")
            db.modified(rule.destination, b"ts.add:dest", notify.MODULE)
        before = (weighted.value, weighted.timestamp) if weighted and rule.has_samples else None
        aggregator.reset()
        if weighted:
            weighted.within(start, end)
            if before is not None:
                weighted.after(*before)
        rule.start, rule.has_samples = start, False
    if aggregator.takes(value):
        aggregator.add(value, timestamp)
        rule.has_samples = True


def _correct(db: Database, series: Series, rule: Rule, timestamp: int) -> None:
    """A sample has come, or gone, that was not the last one: its bucket is computed again."""
    last = rule.bucket(series.last_timestamp)
    if timestamp >= max(last, 0):
        rule.aggregator, rule.has_samples = series.aggregate(rule, max(last, 0), last + rule.duration - 1)
    else:
        _recompute(db, series, rule, rule.bucket(timestamp))


def _recompute(db: Database, series: Series, rule: Rule, bucket: int) -> bool:
    """Compute a bucket that is over again; False if nothing is in it, and then nothing is done.

    The result does not become the last one that the other series knows of, wherever its place is.
    """
    start = max(bucket, 0)
    aggregator, took = series.aggregate(rule, start, bucket + rule.duration - 1)
    destination = series_at(db, rule.destination)
    if took and destination is not None:
        if destination.count:
            destination.insert(start, aggregator.result(), b"last")
        else:
            destination.append(start, aggregator.result())
        db.modified(rule.destination, b"", 0)
    return took


def remove(db: Database, series: Series, start: int, end: int) -> int:
    """Remove the samples from `start` to `end`, and what rules made of them; how many there were."""
    removed = series.remove(start, end)
    if series.rules:
        series.drop_stale_references(db)
        for rule in series.rules:
            _remove_results(db, series, rule, start, end)
    if start <= series.last_timestamp <= end:
        series.know_the_last()
    return removed


def _remove_results(db: Database, series: Series, rule: Rule, start: int, end: int) -> None:
    last = rule.bucket(series.last_timestamp)
    if start < max(last, 0):
        first, final = rule.bucket(start), rule.bucket(end)
        if _recompute(db, series, rule, first):
            first += rule.duration
        if end >= max(last, 0) or _recompute(db, series, rule, final):
            final -= rule.duration
        destination = series_at(db, rule.destination)
        if destination is not None and max(first, 0) <= max(final, 0):
            remove(db, destination, max(first, 0), max(final, 0))
    if end >= max(last, 0):
        rule.aggregator, rule.has_samples = series.aggregate(rule, max(last, 0), last + rule.duration - 1)

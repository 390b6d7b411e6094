"""Time series in DUMP and RDB files.

DUMP leaves out the rules between series; a file has them, with what their aggregators have collected so far.
"""

from __future__ import annotations

import math
import struct

from redouble.modules.timeseries.aggregation import (
    AGGREGATORS,
    Aggregator,
    Average,
    First,
    Range,
    Single,
    Spread,
    TimeWeightedAverage,
)
from redouble.modules.timeseries.chunks import SAMPLE, Chunk, CompressedChunk, UncompressedChunk
from redouble.modules.timeseries.gorilla import bits_of, decode, encode, window_ends
from redouble.modules.timeseries.series import FOREVER, POLICIES, Rule, Series, Settings
from redouble.persistence.errors import BadPayload
from redouble.persistence.modules import ModuleReader, ModuleType, ModuleWriter, register

__all__: list[str] = []

VERSION = 8
"""Of RedisTimeSeries 1.12; 1.10 wrote 7, which is the same without IGNORE."""
_KINDS = {kind.number: kind for kind in AGGREGATORS.values()}


def _write(series: Series, parts: ModuleWriter) -> None:
    settings = series.settings
    parts.string(series.name)
    parts.unsigned(settings.retention)
    parts.unsigned(settings.chunk_size)
    parts.unsigned(settings.options)
    parts.unsigned(series.last_timestamp)
    parts.double(series.last_value)
    parts.unsigned(series.count)
    parts.unsigned(POLICIES.index(settings.policy))
    source = series.source if parts.is_file else None
    parts.unsigned(source is not None)
    if source is not None:
        parts.string(source)
    parts.unsigned(settings.ignore_time)
    parts.double(settings.ignore_value)
    parts.unsigned(len(settings.labels))
    for name, value in settings.labels:
        parts.string(name)
        parts.string(value)
    rules = series.rules if parts.is_file else []
    parts.unsigned(len(rules))
    for rule in rules:
        _write_rule(rule, parts)
    parts.unsigned(len(series.chunks))
    for chunk in series.chunks:
        if isinstance(chunk, CompressedChunk):
            _write_compressed(chunk, parts)
        else:
            _write_uncompressed(chunk, parts)


def _read(parts: ModuleReader, version: int) -> Series:
    if version not in (7, VERSION):
        raise BadPayload("a time series of another version")
    settings = Settings()
    name = parts.string()
    settings.retention, settings.chunk_size, settings.options = parts.unsigned(), parts.unsigned(), parts.unsigned()
    series = Series(name, settings)
    series.last_timestamp, series.last_value, series.count = parts.unsigned(), parts.double(), parts.unsigned()
    policy = parts.unsigned()
    if policy >= len(POLICIES) or not 1 <= settings.options <= 3 or not 0 < settings.chunk_size <= 1 << 20:
        raise BadPayload("a time series with a setting out of range")
    settings.policy = POLICIES[policy]
    series.source = parts.string() if parts.unsigned() else None
    if version == VERSION:
        settings.ignore_time, settings.ignore_value = parts.unsigned(), parts.double()
    settings.labels = [(parts.string(), parts.string()) for _ in range(parts.unsigned())]
    series.rules = [_read_rule(parts) for _ in range(parts.unsigned())]
    read = _read_uncompressed if settings.options & Settings.UNCOMPRESSED else _read_compressed
    series.set_chunks([read(parts) for _ in range(parts.unsigned())])
    try:
        series.check()
    except AssertionError:
        raise BadPayload("a time series that contradicts itself") from None
    return series


# Chunks.


def _write_compressed(chunk: CompressedChunk, parts: ModuleWriter) -> None:
    parts.unsigned(chunk.size)
    parts.unsigned(len(chunk))
    parts.unsigned(chunk.bits)
    parts.unsigned(bits_of(chunk.values[0]) if chunk else 0)
    parts.unsigned(chunk.first)
    parts.unsigned(chunk.last)
    parts.unsigned(chunk.distance & FOREVER)
    parts.unsigned(chunk.word)
    leading, trailing = window_ends(chunk.window)
    parts.unsigned(leading)
    parts.unsigned(trailing)
    parts.string(encode(chunk.timestamps, chunk.values, chunk.size))


def _read_compressed(parts: ModuleReader) -> CompressedChunk:
    size, count, bits, first_word, first, last, distance, word, leading, trailing = (
        parts.unsigned() for _ in range(10)
    )
    data = parts.string()
    if size != len(data) or size < 8 or 2 * count > 8 * size + 2:
        raise BadPayload("a chunk of another size")
    try:
        chunk = CompressedChunk.of(size, decode(data, count, first, first_word))
    except ValueError as failure:
        raise BadPayload(str(failure)) from None
    told = bits, last, distance, word, leading, trailing
    if told != (chunk.bits, chunk.last, chunk.distance & FOREVER, chunk.word, *window_ends(chunk.window)):
        raise BadPayload("a chunk that was compressed otherwise")
    return chunk


def _write_uncompressed(chunk: Chunk, parts: ModuleWriter) -> None:
    parts.unsigned(chunk.first)
    parts.unsigned(len(chunk))
    parts.unsigned(chunk.size)
    samples = b"".join(struct.pack("<Qd", *sample) for sample in zip(chunk.timestamps, chunk.values))
    parts.string(samples.ljust(chunk.size, b"\0"))


def _read_uncompressed(parts: ModuleReader) -> UncompressedChunk:
    _, count, size = parts.unsigned(), parts.unsigned(), parts.unsigned()
    data = parts.string()
    if size != len(data) or count > size // SAMPLE:
        raise BadPayload("a chunk of another size")
    chunk = UncompressedChunk(size)
    for timestamp, value in struct.iter_unpack("<Qd", data[: count * SAMPLE]):
        chunk.append(timestamp, value)
    return chunk


# Rules.


def _write_rule(rule: Rule, parts: ModuleWriter) -> None:
    parts.string(rule.destination)
    parts.unsigned(rule.duration)
    parts.unsigned(rule.alignment)
    parts.unsigned(rule.aggregator.number)
    parts.unsigned(FOREVER if rule.start is None else rule.start)
    aggregator = rule.aggregator
    if isinstance(aggregator, Single):
        parts.double(aggregator.value)
        if isinstance(aggregator, First):
            parts.unsigned(aggregator.is_new)
    elif isinstance(aggregator, Average):
        parts.double(aggregator.value)
        parts.double(aggregator.count)
        parts.unsigned(aggregator.is_average)
    elif isinstance(aggregator, Range):
        parts.double(aggregator.largest)
        parts.double(aggregator.smallest)
    elif isinstance(aggregator, Spread):
        parts.double(aggregator.sum)
        parts.double(aggregator.squares)
        parts.unsigned(aggregator.count)
    elif isinstance(aggregator, TimeWeightedAverage):
        parts.double(aggregator.area)
        parts.unsigned(aggregator.timestamp)
        parts.double(aggregator.value)
        for number in (aggregator.start, aggregator.end, aggregator.first, aggregator.last, aggregator.is_alone):
            parts.unsigned(number)
        parts.unsigned(aggregator.count)
        parts.unsigned(aggregator.is_reversed)


def _read_rule(parts: ModuleReader) -> Rule:
    destination = parts.string()
    duration, alignment, kind, start = parts.unsigned(), parts.unsigned(), parts.unsigned(), parts.unsigned()
    if kind not in _KINDS or not duration:
        raise BadPayload("a rule that there is not")
    aggregator = _KINDS[kind]()
    rule = Rule(destination, aggregator, duration, alignment)
    rule.start = None if start == FOREVER else start
    rule.has_samples = _read_aggregator(aggregator, parts) and rule.start is not None
    return rule


def _read_aggregator(aggregator: Aggregator, parts: ModuleReader) -> bool:
    """Whether it has collected anything."""
    if isinstance(aggregator, Single):
        aggregator.value = parts.double()
        if isinstance(aggregator, First):
            aggregator.is_new = bool(parts.unsigned())
            return not aggregator.is_new
    elif isinstance(aggregator, Average):
        aggregator.value, aggregator.count = parts.double(), parts.double()
        aggregator.is_average = bool(parts.unsigned())
        return 0 < aggregator.count < math.inf
    elif isinstance(aggregator, Range):
        aggregator.largest, aggregator.smallest = parts.double(), parts.double()
    elif isinstance(aggregator, Spread):
        aggregator.sum, aggregator.squares, aggregator.count = parts.double(), parts.double(), parts.unsigned()
        return aggregator.count > 0
    elif isinstance(aggregator, TimeWeightedAverage):
        aggregator.area, aggregator.timestamp, aggregator.value = parts.double(), parts.unsigned(), parts.double()
        aggregator.start, aggregator.end = parts.unsigned(), parts.unsigned()
        aggregator.first, aggregator.last = parts.unsigned(), parts.unsigned()
        aggregator.is_alone, aggregator.count = bool(parts.unsigned()), parts.unsigned()
        parts.unsigned()
        return aggregator.count > 0
    return True


register(ModuleType(Series, VERSION, _write, _read))

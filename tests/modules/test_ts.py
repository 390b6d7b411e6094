"""Time series: redis-py's methods, what they cost, and the structures against the dumbest model there is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from redouble import FakeRedis, FakeServer, ManualClock
from redouble.modules.timeseries.chunks import Chunk, CompressedChunk, UncompressedChunk
from redouble.modules.timeseries.gorilla import bits_of, decode, encode
from redouble.modules.timeseries.labels import parse_condition
from redouble.modules.timeseries.series import FOREVER, Series, Settings


def pairs(samples: Any) -> list[tuple[int, float]]:
    """Samples, whatever the protocol makes of them."""
    return [(timestamp, float(value)) for timestamp, value in samples]


# redis-py.


def test_the_temperatures_of_a_greenhouse(client: Any) -> None:
    ts = client.ts()
    assert ts.create("warmth", retention_msecs=5000, labels={"where": "greenhouse"}, duplicate_policy="last")
    assert ts.add("warmth", 1000, 21.5) == 1000
    assert ts.add("warmth", 2000, 22) == 2000
    assert ts.madd([("warmth", 3000, 22.25), ("warmth", 4000, 23)]) == [3000, 4000]
    assert pairs(ts.range("warmth", "-", "+")) == [(1000, 21.5), (2000, 22), (3000, 22.25), (4000, 23)]
    assert pairs(ts.revrange("warmth", 2000, "+", count=2)) == [(4000, 23), (3000, 22.25)]
    assert pairs([ts.get("warmth")]) == [(4000, 23)]
    assert ts.add("warmth", 4000, 24, on_duplicate="max") == 4000
    assert ts.delete("warmth", 2000, 3000) == 2
    assert pairs(ts.range("warmth", "-", "+", filter_by_min_value=22, filter_by_max_value=30)) == [(4000, 24)]
    assert pairs(ts.range("warmth", "-", "+", filter_by_ts=[1000])) == [(1000, 21.5)]
    with pytest.raises(ResponseError, match="older than retention"):
        ts.add("warmth", 12_000, 1) and ts.add("warmth", 6000, 1)


def test_settings_of_a_series(client: Any) -> None:
    ts = client.ts()
    ts.create("k", uncompressed=True, chunk_size=128, ignore_max_time_diff=5, ignore_max_val_diff=0.5)
    assert ts.alter("k", retention_msecs=10, labels={"a": "1"}, duplicate_policy="sum", chunk_size=256)
    info = ts.info("k")
    got = (
        info
        if isinstance(info, dict)
        else {name: getattr(info, _snake(name)) for name in ("retentionTime", "chunkSize")}
    )
    assert (got["retentionTime"], got["chunkSize"]) == (10, 256)
    labels = info["labels"] if isinstance(info, dict) else info.labels
    assert dict(labels) == {"a": "1"}


def _snake(name: str) -> str:
    return {"retentionTime": "retention_msecs", "chunkSize": "chunk_size"}[name]


def test_counters_that_go_up_and_down(client: Any) -> None:
    ts = client.ts()
    assert ts.incrby("visits", 5, timestamp=100, labels={"site": "x"}) == 100
    assert ts.incrby("visits", 2, timestamp=200) == 200
    assert ts.decrby("visits", 3.5, timestamp=200) == 200
    assert pairs(ts.range("visits", 0, 300)) == [(100, 5), (200, 3.5)]


def test_a_day_in_hours(client: Any) -> None:
    ts = client.ts()
    ts.create("minutes")
    ts.create("hours")
    assert ts.createrule("minutes", "hours", "avg", 3600)
    ts.madd([("minutes", 600 * i, i) for i in range(20)])
    assert pairs(ts.range("hours", "-", "+")) == [(0, 2.5), (3600, 8.5), (7200, 14.5)]
    assert pairs([ts.get("hours", latest=True)]) == [(10_800, 18.5)]
    assert pairs(ts.range("minutes", 0, "+", aggregation_type="max", bucket_size_msec=3600)) == [
        (0, 5), (3600, 11), (7200, 17), (10_800, 19),
    ]  # fmt: skip
    aligned = ts.range(
        "minutes",
        0,
        7200,
        aggregation_type="count",
        bucket_size_msec=5000,
        align=1000,
        bucket_timestamp="end",
        empty=True,
    )
    assert pairs(aligned) == [(5000, 2), (6000, 8), (11_000, 3)]
    assert ts.deleterule("minutes", "hours")


def test_many_series_by_their_labels(client: Any) -> None:
    ts = client.ts()
    for town, kind, value in (("bern", "rain", 3), ("bern", "wind", 20), ("oslo", "rain", 9)):
        ts.add(f"{town}:{kind}", 1000, value, labels={"town": town, "kind": kind})
    assert sorted(ts.queryindex(["town=bern"])) == ["bern:rain", "bern:wind"]
    assert list(ts.queryindex(["kind=rain", "town!=bern"])) == ["oslo:rain"]
    found = _by_key(ts.mget(["kind=rain"], with_labels=True))
    assert sorted(found) == ["bern:rain", "oslo:rain"]
    assert dict(found["oslo:rain"][0]) == {"town": "oslo", "kind": "rain"}
    ranges = _by_key(ts.mrange("-", "+", ["town=(bern,oslo)"], select_labels=["town"]))
    assert pairs(ranges["bern:wind"][-1]) == [(1000, 20)]
    groups = _by_key(ts.mrevrange("-", "+", ["town=(bern,oslo)"], groupby="kind", reduce="sum"))
    assert pairs(groups["kind=rain"][-1]) == [(1000, 12)]


def _by_key(reply: Any) -> dict[str, Any]:
    """RESP2 comes as a list of dictionaries, RESP3 as one."""
    if isinstance(reply, dict):
        return reply
    return {key: value for row in reply for key, value in row.items()}


def test_commands_that_came_later_are_unknown(client: Any) -> None:
    for call in (
        lambda ts: ts.nrange(["k"], "-", "+"),
        lambda ts: ts.nrevrange(["k"], "-", "+"),
        lambda ts: ts.read("k", 0, 0),
        lambda ts: ts.querylabels(),
    ):
        with pytest.raises((ResponseError, TypeError), match=r"unknown command|argument"):
            call(client.ts())


def test_time_is_the_servers() -> None:
    clock = ManualClock(1_700_000_000)
    ts = FakeRedis(server=FakeServer(version="7.4", clock=clock)).ts()
    assert ts.add("k", "*", 1) == 1_700_000_000_000
    clock.advance(1.5)
    assert ts.incrby("k", 1) == 1_700_000_001_500


def test_a_server_shows_its_series() -> None:
    server = FakeServer(version="7.4")
    ts = FakeRedis(server=server).ts()
    ts.create("day")
    ts.add("k", 5, 1.5, labels={"a": "1"})
    ts.createrule("k", "day", "avg", 10)
    assert server.dump().splitlines()[-4:] == [
        "k  TSDB-TYPE",
        "  1 samples, a=1",
        "  avg of 10 ms to day",
        "  last 5 1.5",
    ]


def test_a_snapshot_keeps_what_was_there() -> None:
    server = FakeServer(version="7.4")
    ts = FakeRedis(server=server).ts()
    ts.create("day", labels={"kind": "day"})
    ts.create("k", labels={"kind": "all"})
    ts.createrule("k", "day", "sum", 10)
    ts.add("k", 5, 1)
    snapshot = server.snapshot()
    ts.madd([("k", 7, 2), ("k", 12, 3)])
    ts.alter("k", labels={"kind": "none"})
    assert ts.queryindex(["kind=all"]) == []
    server.restore(snapshot)
    assert pairs(ts.range("k", "-", "+")) == [(5, 1)]
    assert pairs(ts.range("day", "-", "+")) == []
    assert list(map(str, ts.queryindex(["kind=all"]))) in (["k"], ["b'k'"])
    ts.add("k", 15, 1)
    assert pairs(ts.range("day", "-", "+")) == [(0, 1)]


def test_the_index_belongs_to_its_database() -> None:
    server = FakeServer(version="7.4")
    one, other = (FakeRedis(server=server, db=db, decode_responses=True) for db in (0, 1))
    one.ts().create("a", labels={"x": "1"})
    other.ts().create("b", labels={"x": "1"})
    assert list(one.ts().queryindex(["x=1"])) == ["a"]
    assert list(other.ts().queryindex(["x=1"])) == ["b"]
    one.swapdb(0, 1)
    assert list(one.ts().queryindex(["x=1"])) == ["b"]
    one.move("b", 1)
    assert list(one.ts().queryindex(["x=1"])) == []
    assert list(other.ts().queryindex(["x=1"])) == ["a", "b"]
    other.flushdb()
    one.ts().create("c", labels={"x": "1"})
    assert (list(one.ts().queryindex(["x=1"])), list(other.ts().queryindex(["x=1"]))) == (["c"], [])


def test_the_index_does_not_grow_with_keys_that_are_gone() -> None:
    server = FakeServer(version="7.4")
    client = FakeRedis(server=server)
    client.ts().queryindex(["x=1"])
    for number in range(3000):
        client.ts().create("k", labels={"x": str(number)})
        client.delete("k")
        if number % 500 == 0:
            client.ts().queryindex(["x=1"])
    assert len(server.core.database(0).follower) < 1600  # type: ignore[arg-type]


def test_a_gap_of_endless_empty_buckets_is_refused() -> None:
    ts = FakeRedis(server=FakeServer(version="7.4")).ts()
    ts.add("k", 0, 1)
    ts.add("k", 2**62, 1)
    with pytest.raises(ResponseError, match="too many empty buckets"):
        ts.range("k", "-", "+", aggregation_type="sum", bucket_size_msec=1, empty=True)
    assert len(ts.range("k", "-", "+", aggregation_type="sum", bucket_size_msec=2**50, empty=True)) == 2**12 + 1


def test_reading_the_end_of_a_long_series_does_not_read_all() -> None:
    series = Series(b"k", Settings())
    for i in range(200_000):
        series.append(10 * i, i % 97 / 8)
    seen = sum(len(timestamps) for timestamps, _ in series.slices(1_999_900, FOREVER))
    assert seen == 10
    assert len(series.chunks) > 50
    series.check()


# The structures.

FLOATS = st.one_of(st.sampled_from([0.0, 1.0, 1.5, -0.0, 0.1, 1e300, 5e-324]), st.floats(allow_nan=False))
TIMES = st.one_of(st.integers(0, 60), st.integers(0, 5000), st.integers(0, 2**63 - 1))
STEPS = st.lists(st.tuples(TIMES, FLOATS), max_size=80)


@given(st.dictionaries(TIMES, FLOATS))
def test_what_is_compressed_comes_back(samples: dict[int, float]) -> None:
    chunk = CompressedChunk.of(48, sorted(samples.items()))
    chunk.check()
    data = encode(chunk.timestamps, chunk.values, chunk.size)
    assert len(data) == chunk.size
    first, word = chunk.first, bits_of(chunk.values[0]) if samples else 0
    got = list(decode(data, len(chunk), first, word))
    assert [(timestamp, bits_of(value)) for timestamp, value in got] == [
        (timestamp, bits_of(value)) for timestamp, value in sorted(samples.items())
    ]


@given(STEPS, st.sampled_from([CompressedChunk, UncompressedChunk]), st.tuples(TIMES, TIMES))
def test_a_chunk_measures_what_is_inserted(
    steps: list[tuple[int, float]], kind: type[Chunk], gone: tuple[int, int]
) -> None:
    chunk, model = kind(48), dict[int, float]()
    for timestamp, value in steps:
        at, is_there = chunk.find(timestamp)
        if is_there:
            chunk.replace(at, value)
        elif at < len(chunk) or not chunk.append(timestamp, value):
            chunk.insert(at, timestamp, value)
        model[timestamp] = value
        chunk.check()
    if len(chunk) > 1:
        other = chunk.split()
        other.check()
        chunk.check()
        assert chunk.last < other.first
        assert len(chunk) - len(other) in (0, 1)
        model = {timestamp: value for timestamp, value in model.items() if timestamp <= chunk.last}
    start, end = sorted(gone)
    removed = [timestamp for timestamp in model if start <= timestamp <= end]
    assert chunk.remove(start, end) == len(removed)
    chunk.check()
    assert list(chunk.timestamps) == sorted(model.keys() - {*removed})


@given(STEPS, st.booleans(), st.tuples(TIMES, TIMES), st.tuples(TIMES, TIMES))
def test_a_series_is_its_model(
    steps: list[tuple[int, float]], is_compressed: bool, gone: tuple[int, int], asked: tuple[int, int]
) -> None:
    settings = Settings()
    settings.chunk_size = 48
    settings.options = Settings.COMPRESSED if is_compressed else Settings.UNCOMPRESSED
    series, model = Series(b"k", settings), dict[int, float]()
    for timestamp, value in steps:
        if timestamp > series.last_timestamp or not series.count:
            series.append(timestamp, value)
        else:
            assert series.insert(timestamp, value, b"last")
        model[timestamp] = value
        series.check()
    copied = series.copy()
    start, end = sorted(gone)
    kept = {timestamp: value for timestamp, value in model.items() if not start <= timestamp <= end}
    assert series.remove(start, end) == len(model) - len(kept)
    series.know_the_last()
    series.check()
    assert series.last_timestamp == max(kept, default=0)
    for one, samples in ((series, kept), (copied, model)):
        one.check()
        start, end = sorted(asked)
        expected = [(timestamp, value) for timestamp, value in sorted(samples.items()) if start <= timestamp <= end]
        assert list(one.samples(start, end)) == expected
        assert list(one.samples(start, end, is_reversed=True)) == expected[::-1]


@given(st.binary(max_size=12))
def test_any_text_is_a_condition_or_none(text: bytes) -> None:
    condition = parse_condition(text)
    if condition is not None:
        assert condition.name
        assert condition.holds([]) in (True, False)


def test_what_would_end_a_real_server_has_an_answer() -> None:
    ts = FakeRedis(server=FakeServer(version="7.4")).ts()
    with pytest.raises(ResponseError, match="invalid timestamp"):
        ts.execute_command("TS.INCRBY", "k", 1, "TIMESTAMP")
    ts.create("sums")
    ts.createrule("k", "sums", "sum", 10)
    ts.madd([("k", moment, 1) for moment in range(1, 40, 3)])
    assert ts.delete("k", 5, 25) == 7
    assert pairs(ts.range("sums", "-", "+")) == [(0, 2), (20, 1)]
    assert ts.delete("k", 28, "+") == 4
    assert ts.get("sums", latest=True) is not None
    assert ts.range("k", 100, 10, aggregation_type="twa", bucket_size_msec=10, empty=True) == []

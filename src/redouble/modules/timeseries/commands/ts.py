"""TS.*: time series, each by its key."""

from __future__ import annotations

import struct
from functools import partial
from typing import Final

from redouble.core import notify
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.database import Database
from redouble.core.errors import WRONGTYPE, CommandError, wrong_arity
from redouble.modules.arguments import double, long_long
from redouble.modules.timeseries import compaction
from redouble.modules.timeseries.arguments import buckets, error, find, policy, query, settings, timestamp
from redouble.modules.timeseries.replies import range_reply, sample_reply, signed
from redouble.modules.timeseries.series import FOREVER, Rule, Series, Settings
from redouble.modules.timeseries.versions import version
from redouble.resp.reply import OK, ByKey, Reply, Status

__all__ = ["ts_command"]

NO_KEY: Final = "ERR TSDB: the key does not exist"

ts_command = partial(command, module="timeseries", since="1.0.0")

OPTIONS: Final = (
    "[RETENTION retentionPeriod] [ENCODING <COMPRESSED | UNCOMPRESSED>] [CHUNK_SIZE size] "
    "[DUPLICATE_POLICY <BLOCK | FIRST | LAST | MIN | MAX | SUM>]"
)
IGNORE: Final = "[IGNORE ignoreMaxTimediff ignoreMaxValDiff]"
LABELS: Final = "[LABELS <label value> [label value ...]]"
AGGREGATORS: Final = (
    "<AVG | FIRST | LAST | MIN | MAX | SUM | RANGE | COUNT | STD.P | STD.S | VAR.P | VAR.S | TWA | COUNTNAN | COUNTALL>"
)
RANGE: Final = (
    "fromTimestamp toTimestamp [LATEST] [FILTER_BY_TS Timestamp [Timestamp ...]] [FILTER_BY_VALUE min max] "
    f"[COUNT count] [<[ALIGN value] AGGREGATION {AGGREGATORS} bucketDuration [BUCKETTIMESTAMP bt] [EMPTY]>]"
)


def existing(client: Client, key: bytes) -> Series:
    """The series in `key` for a command that reads it; there must be one."""
    return _series(client.db.lookup(key))


def existing_for_write(client: Client, key: bytes) -> Series:
    """The series in `key` for a command that changes it; who watches the key learns that it was opened."""
    db = client.db
    value = db.peek(key)
    db.touch(key)
    series = _series(value)
    return db.own(key, series) if db.shared else series


def _series(value: object) -> Series:
    if value is None:
        raise CommandError(NO_KEY)
    if type(value) is not Series:
        raise CommandError(f"ERR {WRONGTYPE}")
    return value


def create(client: Client, key: bytes, made: Settings) -> Series:
    """A series in a key that does not exist."""
    return client.db.add(key, Series(key, made))


@ts_command(
    f"TS.CREATE key {OPTIONS} {IGNORE} {LABELS}", flags="write denyoom", keys="RW insert:", acl="write fast timeseries"
)
def ts_create(client: Client, argv: Argv) -> Reply:
    """Make a series."""
    key = argv[1]
    made = settings(client, argv, "ts.create")
    if client.db.peek(key) is not None:
        client.db.touch(key)
        raise error("key already exists")
    create(client, key, made)
    client.db.modified(key, b"ts.create", notify.MODULE)
    return OK


@ts_command(
    f"TS.ALTER key [RETENTION retentionPeriod] [CHUNK_SIZE size] "
    f"[DUPLICATE_POLICY <BLOCK | FIRST | LAST | MIN | MAX | SUM>] {IGNORE} {LABELS}",
    flags="write denyoom",
    keys="RW:",
    acl="write timeseries",
)
def ts_alter(client: Client, argv: Argv) -> Reply:
    """Change what a series was created with."""
    key, db = argv[1], client.db
    made = settings(client, argv, "ts.alter")
    had = existing_for_write(client, key).settings
    if find(argv, b"RETENTION") > 0:
        had.retention = made.retention
    if find(argv, b"CHUNK_SIZE") > 0:
        had.chunk_size = made.chunk_size
    if find(argv, b"DUPLICATE_POLICY") > 0:
        had.policy = made.policy
    if find(argv, b"LABELS") > 0:
        had.labels = made.labels
        if db.follower is not None:
            db.follower.added(key, db.peek(key))
    if find(argv, b"IGNORE") > 0:
        had.ignore_time, had.ignore_value = made.ignore_time, made.ignore_value
    db.modified(key, b"ts.alter", notify.MODULE)
    return OK


# Adding samples.


def add(client: Client, key: bytes, time_text: bytes, value_text: bytes, argv: Argv | None) -> int:
    """Add a sample; `argv` has the options that make a series where there is none.  The caller says what happened."""
    db = client.db
    series = db.peek(key)
    value = version(client).parse_value(value_text)
    if value is None:
        raise error("invalid value")
    moment = client.server.now_ms() if time_text == b"*" else long_long(time_text)
    if moment is None:
        raise error("invalid timestamp")
    if moment < 0:
        raise error("invalid timestamp, must be a nonnegative integer")
    override = b""
    if series is None and argv is not None:
        series = create(client, key, settings(client, argv, "ts.add"))
    elif type(series) is not Series:
        raise error("the key is not a TSDB key")
    else:
        if db.shared:
            series = db.own(key, series)
        if argv is not None and len(argv) > 4:
            override = policy(argv, b"ON_DUPLICATE")
    return _add(client, series, moment, value, override)


def _add(client: Client, series: Series, moment: int, value: float, override: bytes) -> int:
    chosen = override or series.settings.policy
    return compaction.add(client.db, series, moment, value, chosen, version(client).cannot_insert)


@ts_command(
    f"TS.ADD key timestamp value {OPTIONS} [ON_DUPLICATE <BLOCK | FIRST | LAST | MIN | MAX | SUM>] {IGNORE} {LABELS}",
    flags="write denyoom",
    keys="RW insert:",
    acl="write timeseries",
)
def ts_add(client: Client, argv: Argv) -> Reply:
    """Add a sample to a series, which is made if there is none."""
    try:
        moment = add(client, argv[1], argv[2], argv[3], argv)
    except CommandError:
        _tried(client.db, argv[1], b"ts.add", notify.MODULE)
        raise
    client.db.modified(argv[1], b"ts.add", notify.MODULE)
    return moment


def _tried(db: Database, key: bytes, event: bytes, kind: int) -> None:
    """Tell what does not change `key` as if it had."""
    db.touch(key)
    db.notify(key, event, kind)


@ts_command(
    "TS.MADD key timestamp value [key timestamp value ...]",
    flags="write denyoom",
    keys="RW insert",
    acl="write timeseries",
    arity=-4,
)
def ts_madd(client: Client, argv: Argv) -> Reply:
    """Add samples to series that exist."""
    if len(argv) % 3 != 1:
        raise wrong_arity("ts.madd")
    replies: list[Reply] = []
    for key, time_text, value_text in zip(argv[1::3], argv[2::3], argv[3::3]):
        try:
            replies.append(add(client, key, time_text, value_text, None))
        except CommandError as failure:
            replies.append(failure)
    for key, reply in zip(argv[1::3], replies):
        tell = _tried if isinstance(reply, CommandError) else Database.modified
        tell(client.db, key, b"ts.add", notify.MODULE)
    return replies


def _increase(client: Client, argv: Argv, sign: int) -> Reply:
    """Add a sample with the last value and something."""
    key, db = argv[1], client.db
    name = "ts.incrby" if sign > 0 else "ts.decrby"
    is_new = db.peek(key) is None
    if is_new:  # whatever is wrong with the numbers, there is a series afterwards
        db.touch(key)
        series = create(client, key, settings(client, argv, name))
    else:
        series = existing_for_write(client, key)
    try:
        moment, value = _increased(client, series, argv, sign)
    except CommandError:
        if is_new:
            db.modified(key, b"", 0)
        raise
    try:
        moment = _add(client, series, moment, value, b"last")
    except CommandError:
        _tried(db, key, name.encode(), notify.GENERIC)
        raise
    db.modified(key, name.encode(), notify.GENERIC)
    return signed(moment)


def _increased(client: Client, series: Series, argv: Argv, sign: int) -> tuple[int, float]:
    """The sample that TS.INCRBY adds."""
    amount = double(argv[2])
    if amount is None:
        raise error("invalid increase/decrease value")
    at = find(argv, b"TIMESTAMP")
    if at < 0 or argv[at + 1 : at + 2] == [b"*"]:
        moment = client.server.now_ms()
    else:
        told = long_long(argv[at + 1]) if at + 1 < len(argv) else None
        if told is None:
            raise error("invalid timestamp")
        moment = told & FOREVER
    if moment < series.last_timestamp:
        raise CommandError("TSDB: timestamp must be equal to or higher than the maximum existing timestamp")
    if series.last_value != series.last_value and version(client).counts_nan:
        raise error("cannot increment/decrement NaN value")
    return moment, series.last_value + sign * amount


INCREASE: Final = f"[TIMESTAMP timestamp] {OPTIONS} {IGNORE} {LABELS}"


@ts_command(f"TS.INCRBY key addend {INCREASE}", flags="write denyoom", keys="RW", acl="write timeseries")
def ts_incrby(client: Client, argv: Argv) -> Reply:
    """Add a sample that is so much more than the last one, to a series, which is made if there is none."""
    return _increase(client, argv, 1)


@ts_command(f"TS.DECRBY key subtrahend {INCREASE}", flags="write denyoom", keys="RW", acl="write timeseries")
def ts_decrby(client: Client, argv: Argv) -> Reply:
    """Add a sample that is so much less than the last one, to a series, which is made if there is none."""
    return _increase(client, argv, -1)


@ts_command("TS.DEL key fromTimestamp toTimestamp", flags="write", since="1.6.0", keys="RW", acl="write timeseries")
def ts_del(client: Client, argv: Argv) -> Reply:
    """Remove the samples between two times, both included."""
    key = argv[1]
    times = query(client, argv, 2, "ts.del")
    series = existing_for_write(client, key)
    if series.rules and series.settings.retention:
        starts = (max(rule.bucket(times.start), 0) for rule in series.rules)
        if min(times.start, *starts) < series.oldest:
            raise error(
                "When a series has compactions, deleting samples or compaction buckets beyond the series retention"
                " period is not possible"
            )
    removed = compaction.remove(client.db, series, times.start, times.end)
    client.db.modified(key, b"ts.del", notify.MODULE)
    return removed


# Rules.


@ts_command(
    f"TS.CREATERULE sourceKey destKey AGGREGATION {AGGREGATORS} bucketDuration [alignTimestamp]",
    flags="write denyoom@before:8.0.0 fast@8.0.0",
    keys="RO: Source time series key, RW: Destination time series key",
    acl="write timeseries",
    arity=-5,
)
def ts_createrule(client: Client, argv: Argv) -> Reply:
    """Fill a series with what an aggregator makes of the buckets of another one."""
    if len(argv) not in (6, 7):
        raise wrong_arity("ts.createrule")
    _, source_key, key, *_ = argv
    at = find(argv, b"AGGREGATION")
    if at <= 0:
        raise wrong_arity("ts.createrule")
    made = buckets(client, argv, at)
    alignment = 0
    if len(argv) == 7:
        moment = timestamp(argv[at + 3]) if at + 3 < len(argv) else None
        if moment is None:
            raise error("Couldn't parse alignTimestamp")
        alignment = moment
    if source_key == key:
        raise error("the source key and destination key should be different")
    source = existing_for_write(client, source_key)
    source.drop_stale_references(client.db)
    if source.source is not None:
        raise error("the source key already has a source rule")
    destination = existing_for_write(client, key)
    destination.drop_stale_references(client.db)
    if destination.rules:
        raise error("the destination key already has a dst rule")
    if destination.source is not None:
        raise error("the destination key already has a src rule")
    destination.source = source.name
    source.rules.append(Rule(destination.name, made.kind(), made.duration, alignment))
    client.db.modified(source_key, b"ts.createrule:src", notify.MODULE)
    client.db.modified(key, b"ts.createrule:dest", notify.MODULE)
    return OK


@ts_command("TS.DELETERULE sourceKey destKey", flags="write", keys="RO, RW", acl="write fast timeseries")
def ts_deleterule(client: Client, argv: Argv) -> Reply:
    """Fill a series no longer from another one."""
    _, source_key, key = argv
    source = existing_for_write(client, source_key)
    source.drop_stale_references(client.db)
    rule = source.rule_to(key)
    if rule is None:
        raise error("compaction rule does not exist")
    source.rules.remove(rule)
    destination = existing_for_write(client, key)
    destination.drop_stale_references(client.db)
    if destination.source == source_key:
        destination.source = None
    client.db.modified(source_key, b"ts.deleterule:src", notify.MODULE)
    client.db.modified(key, b"ts.deleterule:dest", notify.MODULE)
    return OK


# Reading.


@ts_command(f"TS.RANGE key {RANGE}", flags="readonly", keys="RO", acl="read timeseries")
def ts_range(client: Client, argv: Argv) -> Reply:
    """The samples between two times, or what an aggregator makes of them."""
    series = existing(client, argv[1])
    return range_reply(client, series, query(client, argv, 2, "ts.range"))


@ts_command(f"TS.REVRANGE key {RANGE}", flags="readonly", since="1.4.0", keys="RO", acl="read timeseries")
def ts_revrange(client: Client, argv: Argv) -> Reply:
    """The same, the last sample first."""
    series = existing(client, argv[1])
    return range_reply(client, series, query(client, argv, 2, "ts.revrange"), is_reversed=True)


@ts_command("TS.GET key [LATEST]", flags="readonly", keys="RO", acl="read fast timeseries")
def ts_get(client: Client, argv: Argv) -> Reply:
    """The last sample."""
    if len(argv) > 3:
        raise wrong_arity("ts.get")
    series = existing(client, argv[1])
    if len(argv) == 3 and argv[2].upper() != b"LATEST":
        raise error("wrong 3rd argument")
    return sample_reply(client, series, wants_latest=len(argv) == 3)


@ts_command("TS.INFO key [DEBUG]", flags="readonly", keys="RO", acl="read fast timeseries")
def ts_info(client: Client, argv: Argv) -> Reply:
    """What is known of a series; DEBUG: and of its chunks."""
    if len(argv) > 3:
        raise wrong_arity("ts.info")
    series = existing_for_write(client, argv[1])
    series.drop_stale_references(client.db)
    made = series.settings
    forgotten, first = series.forgotten()
    chosen = made.policy or version(client).default_policy
    rules = [
        (rule.destination, [rule.duration, Status(rule.aggregator.name.upper()), rule.alignment])
        for rule in series.rules
    ]
    facts: dict[bytes, Reply] = {
        b"totalSamples": series.count - forgotten,
        b"memoryUsage": series.memory_usage(),
        b"firstTimestamp": signed(first),
        b"lastTimestamp": signed(series.last_timestamp),
        b"retentionTime": made.retention,
        b"chunkCount": len(series.chunks),
        b"chunkSize": made.chunk_size,
        b"chunkType": Status(series.chunks[0].name),
        b"duplicatePolicy": Status(chosen) if chosen else None,
        b"labels": ByKey(made.labels),
        b"sourceKey": series.source,
        b"rules": ByKey(rules) if client.resp == 3 else [[key, *facts] for key, facts in rules],
        b"ignoreMaxTimeDiff": made.ignore_time,
        b"ignoreMaxValDiff": made.ignore_value,
    }
    if find(argv, b"DEBUG", 1) > 0:
        facts[b"keySelfName"] = series.name
        facts[b"Chunks"] = [
            {
                Status(b"startTimestamp"): signed(chunk.first) if chunk else -1,
                Status(b"endTimestamp"): signed(chunk.last) if chunk else -1,
                Status(b"samples"): len(chunk),
                Status(b"size"): chunk.size,
                Status(b"bytesPerSample"): _single(chunk.size / len(chunk)) if chunk else 0.0,
            }
            for chunk in series.chunks
        ]
    return {Status(name): fact for name, fact in facts.items()}


def _single(number: float) -> float:
    """A number with the 24 binary digits of a float."""
    rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return rounded

"""TS.M* and TS.QUERYINDEX: series that are found by their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import wrong_arity
from redouble.modules.timeseries import compaction
from redouble.modules.timeseries.aggregation import Aggregator
from redouble.modules.timeseries.arguments import conditions, error, find, query, reducer, selected_labels
from redouble.modules.timeseries.commands.ts import RANGE, ts_command
from redouble.modules.timeseries.labels import Condition, LabelIndex
from redouble.modules.timeseries.ranges import Query, reduce
from redouble.modules.timeseries.replies import labels_reply, range_reply, sample_reply, samples_of, samples_reply
from redouble.modules.timeseries.series import Labels, Series
from redouble.resp.reply import ByKey, Members, Reply

__all__: list[str] = []

WITH_LABELS: Final = "[WITHLABELS | <SELECTED_LABELS label1 [label1 ...]>]"
FILTER: Final = "FILTER filterExpr [filterExpr ...]"
MANY: Final = RANGE.replace("[COUNT", f"{WITH_LABELS} [COUNT") + f" {FILTER} [<GROUPBY label REDUCE reducer>]"


def found(client: Client, wanted: Sequence[Condition]) -> list[tuple[bytes, Series]]:
    """The keys whose series fulfil all conditions, in their order, and the series."""
    db = client.db
    index = cast("LabelIndex | None", db.follower)
    if index is None or len(index) > 2 * len(db.dict) + 1000:
        index = LabelIndex()
        for key, value in db.items():
            index.added(key, value)
        db.follow_with(index)
    return list(index.find(wanted, lambda key: compaction.peek(db, key)))


@ts_command("TS.QUERYINDEX filterExpr [filterExpr ...]", flags="readonly", acl="read timeseries")
def ts_queryindex(client: Client, argv: Argv) -> Reply:
    """The keys of the series whose labels fulfil all conditions."""
    return Members(key for key, _ in found(client, conditions(argv[1:])))


@ts_command(f"TS.MGET [LATEST] {WITH_LABELS} {FILTER}", flags="readonly", acl="read timeseries", arity=-3)
def ts_mget(client: Client, argv: Argv) -> Reply:
    """The last sample of each of the series whose labels fulfil all conditions."""
    at = find(argv, b"FILTER")
    if at < 0:
        raise wrong_arity("ts.mget")
    with_all, selected = selected_labels(argv)
    wants_latest = find(argv, b"LATEST") > 0
    return _by_key(
        client,
        (
            (
                key,
                [labels_reply(series.settings.labels, with_all, selected), sample_reply(client, series, wants_latest)],
            )
            for key, series in found(client, conditions(argv[at + 1 :]))
        ),
    )


def _by_key(client: Client, rows: Iterator[tuple[bytes, list[Reply]]]) -> Reply:
    """A map in RESP3, a list of flat rows in RESP2."""
    return ByKey(rows) if client.resp == 3 else [[key, *row] for key, row in rows]


@ts_command(f"TS.MRANGE {MANY}", flags="readonly", acl="read timeseries", arity=-4)
def ts_mrange(client: Client, argv: Argv) -> Reply:
    """The samples between two times of each of the series whose labels fulfil all conditions."""
    return _mrange(client, argv, "ts.mrange", is_reversed=False)


@ts_command(f"TS.MREVRANGE {MANY}", flags="readonly", since="1.4.0", acl="read timeseries", arity=-4)
def ts_mrevrange(client: Client, argv: Argv) -> Reply:
    """The same, the last samples first."""
    return _mrange(client, argv, "ts.mrevrange", is_reversed=True)


def _mrange(client: Client, argv: Argv, name: str, is_reversed: bool) -> Reply:
    wanted = query(client, argv, 1, name)
    at = find(argv, b"FILTER")
    if at < 0:
        raise error("missing FILTER argument")
    with_all, selected = selected_labels(argv)
    group_at = find(argv, b"GROUPBY")
    if 0 < group_at < at:
        raise error("GROUPBY should always come after filter")
    words = argv[at + 1 : group_at if group_at > 0 else len(argv)]
    if not words:
        raise error("missing labels for filter argument")
    filters = conditions(words)
    if group_at > 0:
        reduce_at = find(argv, b"REDUCE")
        if len(argv) - group_at != 4 or reduce_at < 0:
            raise wrong_arity(name)
        kind = reducer(client, argv[reduce_at + 1] if reduce_at + 1 < len(argv) else b"")
        groups = _groups(found(client, filters), argv[group_at + 1])
        return _by_key(
            client,
            (
                _group_row(client, argv[group_at + 1], value, many, wanted, kind, (with_all, selected, is_reversed))
                for value, many in sorted(groups.items())
            ),
        )
    told = [] if wanted.buckets is None else [wanted.buckets.kind.name]
    middle: list[Reply] = [{b"aggregators": told}] if client.resp == 3 else []
    return _by_key(
        client,
        (
            (
                key,
                [
                    labels_reply(series.settings.labels, with_all, selected),
                    *middle,
                    range_reply(client, series, wanted, is_reversed),
                ],
            )
            for key, series in found(client, filters)
        ),
    )


def _groups(many: list[tuple[bytes, Series]], label: bytes) -> dict[bytes, list[tuple[bytes, Series]]]:
    """The series that have a label, by its value."""
    groups: dict[bytes, list[tuple[bytes, Series]]] = {}
    for key, series in many:
        value = next((value for name, value in series.settings.labels if name == label), None)
        if value is not None:
            groups.setdefault(value, []).append((key, series))
    return groups


def _group_row(
    client: Client,
    label: bytes,
    value: bytes,
    many: list[tuple[bytes, Series]],
    wanted: Query,
    kind: type[Aggregator],
    shape: tuple[bool, list[bytes], bool],
) -> tuple[bytes, list[Reply]]:
    with_all, selected, is_reversed = shape
    keys = [key for key, _ in many]
    samples = reduce([samples_of(client, series, wanted) for _, series in many], kind)
    if is_reversed:
        samples = iter(list(samples)[::-1])
    labels: Labels = [(label, value), (b"__reducer__", kind.name), (b"__source__", b",".join(keys))]
    shown = labels[:1] if with_all and client.resp == 3 else labels
    row: list[Reply] = [labels_reply(shown, with_all, selected)]
    if client.resp == 3:
        row += [{b"reducers": [kind.name]}, {b"sources": keys}]
    return b"%b=%b" % (label, value), [*row, samples_reply(client, samples, wanted.count)]

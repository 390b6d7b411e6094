"""The reply of FT.SEARCH, in both protocols, and how numbers are written in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from redouble.modules.search.index.values import Found
from redouble.resp.reply import ByKey, Reply, Status
from redouble.types.number import format_double_17g

__all__ = [
    "Row",
    "Shape",
    "expanded",
    "expanded_number",
    "number_text",
    "resp2_rows",
    "resp3_rows",
    "shown",
    "sort_key",
]


@dataclass
class Row:
    """A document that is shown."""

    key: bytes
    score: float = 0.0
    explanation: Reply = None
    payload: bytes | None = None
    sort_key: bytes | None = None
    raw_id: int = 0
    values: dict[bytes, Any] | None = field(default_factory=dict)
    """By the names that are shown; None: the key is gone."""


@dataclass
class Shape:
    """What of each row is shown."""

    scores: bool = False
    explanations: bool = False
    payloads: bool = False
    sort_keys: bool = False
    raw_ids: bool = False
    content: bool = True


def number_text(number: float) -> bytes:
    """At most twelve digits."""
    return b"%d" % number if number.is_integer() and abs(number) < 1e15 else (b"%.12g" % number)


def sort_key(value: Any) -> bytes | None:
    """A value by which rows were sorted, with a mark of its kind."""
    if value is None:
        return None
    return b"#" + format_double_17g(value) if isinstance(value, float) else b"$" + value.partition(b"\0")[0]


def shown(value: Any) -> Any:
    """A value as it is replied."""
    if isinstance(value, float):
        return number_text(value)
    return bytes(value) if type(value) is Found else value


def expanded(value: Any) -> Any:
    """A value as FORMAT EXPAND shows it: JSON as parts of the protocol."""
    return _expanded(value.found) if isinstance(value, Found) else shown(value)


def _expanded(value: Any) -> Reply:
    if type(value) is dict:
        return ByKey([(_expanded(name), _expanded(one)) for name, one in value.items()])
    if type(value) is list:
        return [_expanded(one) for one in value]
    if type(value) is str:
        return value.encode("utf-8", "surrogatepass")
    if type(value) is bool:
        return int(value)
    if type(value) in (int, float):
        return expanded_number(value)
    return None


def expanded_number(value: float) -> Reply:
    """An integer, if it is one and small enough."""
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1 << 63 else number


def resp2_rows(total: int, rows: list[Row], shape: Shape) -> Reply:
    """One flat list."""
    reply: list[Reply] = [total]
    for row in rows:
        reply.append(row.key)
        if shape.scores:
            score = row.score
            reply.append([score, row.explanation] if shape.explanations else score)
        if shape.raw_ids:
            reply.append(row.raw_id)
        if shape.payloads:
            reply.append(row.payload)
        if shape.sort_keys:
            reply.append(row.sort_key)
        if shape.content:
            if row.values is None:
                reply.append(None)
            else:
                reply.append([word for name, value in row.values.items() for word in (name, shown(value))])
    return reply


def resp3_rows(total: int, rows: list[Row], shape: Shape, format: bytes, warning: str = "") -> Reply:
    """A map."""
    show = expanded if format == b"EXPAND" else shown
    results: list[Reply] = []
    for row in rows:
        facts: list[tuple[bytes, Reply]] = [(b"id", row.key)]
        if shape.scores:
            facts.append((b"score", [row.score, row.explanation] if shape.explanations else row.score))
        if shape.raw_ids:
            facts.append((b"id", row.raw_id))
        if shape.payloads:
            facts.append((b"payload", row.payload))
        if shape.sort_keys:
            facts.append((b"sortkey", row.sort_key))
        if shape.content:
            values = row.values
            facts.append(
                (
                    b"extra_attributes",
                    None if values is None else {name: show(value) for name, value in values.items()},
                )
            )
        facts.append((b"values", []))
        pairs = [(Status(name), value) for name, value in facts]
        results.append(ByKey(pairs) if shape.raw_ids else dict(pairs))
    return {
        Status(b"attributes"): [],
        Status(b"total_results"): total,
        Status(b"format"): Status(format),
        Status(b"results"): results,
        Status(b"warning"): [Status(warning.encode())] if warning else [],
    }

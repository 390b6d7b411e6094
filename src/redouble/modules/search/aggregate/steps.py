"""The steps of an aggregation: each takes rows from the one before it and hands rows on, one by one unless it has to see all first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from redouble.modules.search.aggregate.expression import Evaluation
from redouble.modules.search.aggregate.order import Heap, listed
from redouble.modules.search.aggregate.reducers import Reducer, Reduction
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.values import Value, compare, hash_value, truth
from redouble.modules.search.index.values import Found

__all__ = ["Apply", "Count", "Filter", "Group", "Limit", "Load", "Order", "Step", "Total"]


class Total:
    """How many results there are, as far as is known: documents that were read, or groups."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Step:
    """One of them."""

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        raise NotImplementedError


class Load(Step):
    """LOAD, and what other steps need of the documents."""

    def __init__(self, load: Callable[[Row], object]) -> None:
        self.load = load

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        for row in rows:
            self.load(row)
            yield row


class Apply(Step):
    """APPLY ... AS name."""

    def __init__(self, evaluate: Evaluation, name: bytes) -> None:
        self.evaluate = evaluate
        self.name = name

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        for row in rows:
            row.values[self.name] = self.evaluate(row)
            row.found.pop(self.name, None)
            yield row


class Filter(Step):
    """FILTER."""

    def __init__(self, evaluate: Evaluation) -> None:
        self.evaluate = evaluate

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        return (row for row in rows if truth(self.evaluate(row)))


class Group(Step):
    """GROUPBY: a row for each combination of the properties' values; each item of a list is a value of its own."""

    def __init__(self, properties: list[bytes], reductions: list[Reduction]) -> None:
        self.properties = properties
        self.reductions = reductions

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        groups: dict[Any, list[Reducer]] = {}
        found: dict[Any, dict[bytes, Found]] = {}
        document = 0
        for row in rows:
            document = row.document
            for key in self._keys(row):
                reducers = groups.get(key)
                if reducers is None:
                    reducers = groups[key] = [reduction.start() for reduction in self.reductions]
                    found[key] = {name: row.found[name] for name in self.properties if name in row.found}
                for reducer in reducers:
                    reducer.add(row)
        total.count = len(groups)
        keys = list(groups)
        names = [reduction.name for reduction in self.reductions]
        for index in listed([functools.reduce(lambda hash, value: hash_value(value, hash), key, 0) for key in keys]):
            key = keys[index]
            values: dict[bytes, Value] = dict(zip(self.properties, key))
            values.update((name, reducer.value()) for name, reducer in zip(names, groups[key]))
            group = Row(values, document=document)
            group.found = found[key]
            yield group  # that of the last row is left there, and WITHRAWIDS shows it

    def _keys(self, row: Row) -> Iterable[tuple[Value, ...]]:
        combinations: list[tuple[Value, ...]] = [()]
        for name in self.properties:
            value = row.values.get(name)
            if isinstance(value, list):
                items = _flat(value) or [None]
                combinations = [(*combination, item) for combination in combinations for item in items]
            else:
                combinations = [(*combination, value) for combination in combinations]
        return combinations


def _flat(value: Value) -> list[Value]:
    return [each for item in value for each in _flat(item)] if isinstance(value, list) else [value]


class Limit(Step):
    """LIMIT."""

    def __init__(self, first: int, count: int) -> None:
        self.first = first
        self.count = count

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        return islice(rows, self.first, self.first + self.count)


class Count(Step):
    """LIMIT of no rows, which only counts them."""

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        for _ in rows:
            pass
        yield from ()


class Order(Step):
    """SORTBY; no more than `count` rows go on."""

    def __init__(self, keys: list[tuple[bytes, bool]], count: int) -> None:
        self.keys = keys
        """The properties, and whether they ascend; none: by score."""
        self.count = count

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        everything = list(rows)
        for row in everything:
            row.terms = ()
        if everything and not everything[0].key:
            for row in everything[1:]:  # the first row is the one that grouping has used
                row.document = 0
        if not self.keys:
            everything.sort(key=lambda row: row.score, reverse=True)
        elif all(row.document for row in everything):
            everything = self._sorted(everything)
        else:
            everything = Heap(self._compare, self.count).sort(everything)
        yield from everything[: self.count]

    def _sorted(self, rows: list[Row]) -> list[Row]:
        """Equals stand in the order of their documents, or the other way round if the last key descends."""
        rows.sort(key=lambda row: row.document, reverse=not self.keys[-1][1])
        for name, is_ascending in reversed(self.keys):
            having = [row for row in rows if name in row.values]
            lacking = [row for row in rows if name not in row.values] if len(having) < len(rows) else []
            having.sort(key=_sort_key(having, name), reverse=not is_ascending)
            rows = having + lacking
        return rows

    def _compare(self, one: Row, other: Row) -> int:
        """Greater is who comes first.  Of two rows without a document each claims so in turn."""
        is_ascending = True
        for name, is_ascending in self.keys:
            has, other_has = name in one.values, name in other.values
            if has != other_has:
                return 1 if has else -1
            if has and (order := compare(one.values[name], other.values[name])):
                return -order if is_ascending else order
        order = -1 if one.document < other.document else 1
        return -order if is_ascending else order


_SORTED_KIND: Final = functools.cmp_to_key(compare)


def _sort_key(rows: list[Row], name: bytes) -> Callable[[Row], Any]:
    kinds = {type(row.values[name]) for row in rows}
    if kinds <= {float} or kinds <= {bytes}:
        return lambda row: row.values[name]
    return lambda row: _SORTED_KIND(row.values[name])

"""Which documents a query finds.

Sets of numbers of documents, node by node.  A set may have documents that are gone, until the end; what costs more for a set than
for a few documents (ranges, phrases) asks only of those that the other conditions let through.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Set
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from redouble.modules.search.index.index import Index
from redouble.modules.search.query import tree
from redouble.types.geohash import Point

__all__ = ["Matches", "evaluate"]

Ids: TypeAlias = "Set[int]"
EMPTY: Final[Ids] = frozenset()


@dataclass
class Matches:
    """What a query has found."""

    ids: list[int]
    """The numbers of the documents, in ascending order."""
    distances: dict[bytes, dict[int, float]] = field(default_factory=dict)
    """Of vectors, by the name that the query gives them and by document."""


def evaluate(node: tree.Node, index: Index) -> Matches:
    """The documents of an index that a query stands for."""
    search = Search(index)
    ids = search.find(node)
    alive = index.documents.ids
    if ids is alive:
        return Matches(list(alive), search.distances)
    return Matches(sorted(ids & alive), search.distances)


class Search:
    """One evaluation."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.distances: dict[bytes, dict[int, float]] = {}

    def find(self, node: tree.Node) -> Ids:
        """The documents of a node, perhaps with some that are gone."""
        return getattr(self, f"_{type(node).__name__.lower()}")(node)  # type: ignore[no-any-return]

    def _everything(self, node: tree.Everything) -> Ids:
        return self.index.documents.ids

    def _nothing(self, node: tree.Nothing) -> Ids:
        return EMPTY

    def _term(self, node: tree.Term) -> Ids:
        return self._of_term(node.text, node.fields)

    def _of_term(self, term: bytes, fields: tuple[bytes, ...] | None) -> Ids:
        postings = self.index.terms.get(term)
        if postings is None:
            return EMPTY
        mask = self.index.mask(fields)
        if not postings.fields & ~mask:
            return postings.entries.keys()
        return {id for id, entry in postings.entries.items() if entry.fields & mask}

    def _numeric(self, node: tree.Numeric) -> Ids:
        numbers = self.index.numbers.get(node.field.name)
        if numbers is None:
            return EMPTY
        return set(numbers.between(node.low, node.high, node.includes_low, node.includes_high))

    def _tag(self, node: tree.Tag) -> Ids:
        tags = self.index.tags.get(node.field.name)
        if tags is None:
            return EMPTY
        return _union([self._of_tag(tags, child) for child in node.children])

    def _of_tag(self, tags: object, node: tree.Node) -> Ids:
        if isinstance(node, tree.Term):
            return tags.documents.get(node.text, {}).keys()
        raise NotImplementedError(node)

    def _union(self, node: tree.Union) -> Ids:
        return _union([self.find(child) for child in node.children])

    def _intersection(self, node: tree.Intersection) -> Ids:
        found = [self.find(child) for child in node.children]
        found.sort(key=len)
        ids = found[0]
        for other in found[1:]:
            ids = ids & other
        return ids

    def _not(self, node: tree.Not) -> Ids:
        return self.index.documents.ids - self.find(node.child)

    def _optional(self, node: tree.Optional) -> Ids:
        return self.index.documents.ids

    def _ids(self, node: tree.Ids) -> Ids:
        found = map(self.index.documents.of_key, node.keys)
        return {document.id for document in found if document is not None}

    def _missing(self, node: tree.Missing) -> Ids:
        return self.index.missing.get(node.field.name, {}).keys()


def _union(found: Collection[Ids]) -> Ids:
    if len(found) == 1:
        return next(iter(found))
    return set().union(*found)

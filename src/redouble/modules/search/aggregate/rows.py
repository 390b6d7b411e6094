"""A row of an aggregation: what one step hands to the next."""

from __future__ import annotations

from collections.abc import Sequence

from redouble.modules.search.aggregate.values import Value
from redouble.modules.search.index.values import Found

__all__ = ["Row"]


class Row:
    """It begins as a document that a query found; a grouping makes new ones."""

    __slots__ = ("document", "found", "key", "score", "terms", "values")

    def __init__(
        self,
        values: dict[bytes, Value] | None = None,
        *,
        key: bytes = b"",
        document: int = 0,
        score: float = 0.0,
        terms: Sequence[bytes] = (),
    ) -> None:
        self.values = {} if values is None else values
        """By name; what is not there is missing, and that is not the same as null."""
        self.found: dict[bytes, Found] = {}
        """What paths found, of which the values are the first: these are shown."""
        self.key = key
        """Of the document; empty after a grouping."""
        self.document = document
        """Its number in the index, which decides where nothing else does; what a group has says nothing."""
        self.score = score
        self.terms = terms
        """The words of the query that the document has."""

"""The words of the TEXT fields: for each the documents that have it, in which fields, how often and where."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Container, Iterator
from typing import NamedTuple

from redouble.modules.search.patterns import beginning_with

__all__ = ["Entry", "Postings", "Terms"]


class Entry(NamedTuple):
    """A term in a document."""

    frequency: int
    """How often, weighed by the fields."""
    fields: int
    """A bit for each TEXT field, in the order of the schema."""
    positions: tuple[int, ...]


class Postings:
    """The documents that have a term, by number in ascending order."""

    __slots__ = ("count", "entries", "fields")

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.count = 0
        """Documents that are gone count until they are collected."""
        self.fields = 0
        """All fields in which it was found."""


class Terms:
    """Terms by name, and their names in order."""

    __slots__ = ("_known", "_new", "_order", "_postings", "positions", "records")

    def __init__(self) -> None:
        self._postings: dict[bytes, Postings] = {}
        self._order: list[bytes] = []
        self._new: list[bytes] = []
        """Those that are not yet in `_order`."""
        self._known: dict[Entry, Entry] = {}
        """Most entries are equal to many others: one tuple for all of them."""
        self.records = 0
        """How many entries there are, with those of documents that are gone, until they are collected."""
        self.positions = 0
        """How many positions they have."""

    def __len__(self) -> int:
        return len(self._postings)

    def get(self, term: bytes) -> Postings | None:
        return self._postings.get(term)

    def add(self, id: int, term: bytes, frequency: int, fields: int, positions: tuple[int, ...]) -> None:
        """A document, whose number is higher than those before, has a term."""
        postings = self._postings.get(term)
        if postings is None:
            postings = self._postings[term] = Postings()
            self._new.append(term)
        entry = Entry(frequency, fields, positions)
        if len(positions) < 3:
            entry = self._known.setdefault(entry, entry)
        postings.entries[id] = entry
        postings.count += 1
        postings.fields |= fields
        self.records += 1
        self.positions += len(positions)

    def ordered(self) -> list[bytes]:
        """All terms, in order.  O(new terms) after changes, more than O(log n) each only if they are many."""
        new = self._new
        if new:
            if len(new) > 100:
                self._order += new
                self._order.sort()
            else:
                for term in new:
                    insort(self._order, term)
            self._new = []
        return self._order

    def beginning_with(self, prefix: bytes) -> Iterator[bytes]:
        """The terms that begin with `prefix`, in order."""
        return beginning_with(prefix, self.ordered())

    def between(self, low: bytes | None, high: bytes | None) -> Iterator[bytes]:
        """The terms from `low` to `high`, both included; None: no end."""
        order = self.ordered()
        for i in range(0 if low is None else bisect_left(order, low), len(order)):
            if high is not None and order[i] > high:
                break
            yield order[i]

    def collect(self, alive: Container[int]) -> None:
        """Forget documents whose numbers are not in `alive`, and terms that no document has."""
        self.records = self.positions = 0
        for term, postings in list(self._postings.items()):
            postings.entries = {id: entry for id, entry in postings.entries.items() if id in alive}
            postings.count = len(postings.entries)
            if not postings.entries:
                del self._postings[term]
            self.records += postings.count
            self.positions += sum(len(entry.positions) for entry in postings.entries.values())
        self._order = sorted(self._postings)
        self._new = []

    def check(self) -> None:
        assert self.ordered() == sorted(self._postings)
        for postings in self._postings.values():
            assert list(postings.entries) == sorted(postings.entries)
            assert len(postings.entries) <= postings.count

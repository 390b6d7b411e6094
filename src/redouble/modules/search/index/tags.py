"""The values of a TAG field: for each the documents that have it."""

from __future__ import annotations

from bisect import insort
from collections.abc import Container, Iterator

from redouble.modules.search.patterns import beginning_with

__all__ = ["Tags", "lowered", "split"]

BLANKS = b" \t\n\v\f\r"


def split(text: bytes, separator: bytes, case_sensitive: bool, with_empty: bool) -> list[bytes]:
    """The tags of a text."""
    tags = []
    for part in text.split(separator) if separator else [text]:
        tag = part.strip(BLANKS)
        if tag or with_empty:
            tags.append(tag if case_sensitive else tag.lower())  # of letters beyond ASCII capitals stay
    return tags


def lowered(tag: bytes) -> bytes:
    """Without capitals, of any alphabet."""
    try:
        return tag.decode().lower().encode()
    except UnicodeDecodeError:
        return tag.lower()


class Tags:
    """Tags in the order in which they came first, and in their own."""

    __slots__ = ("_order", "documents", "records")

    def __init__(self) -> None:
        self.documents: dict[bytes, dict[int, None]] = {}
        """The numbers of the documents with each tag, in ascending order; those that are gone until they are collected."""
        self._order: list[bytes] = []
        self.records = 0
        """How many documents came with tags."""

    def add(self, id: int, tags: list[bytes]) -> None:
        """A document, whose number is higher than those before, has these tags."""
        self.records += 1
        for tag in tags:
            ids = self.documents.get(tag)
            if ids is None:
                ids = self.documents[tag] = {}
                insort(self._order, tag)
            ids[id] = None

    def ordered(self) -> list[bytes]:
        """All tags, in order."""
        return self._order

    def beginning_with(self, prefix: bytes) -> Iterator[bytes]:
        """The tags that begin with `prefix`, in order."""
        return beginning_with(prefix, self._order)

    def collect(self, alive: Container[int]) -> None:
        """Forget documents whose numbers are not in `alive`, and tags that no document has."""
        for tag, ids in list(self.documents.items()):
            left = {id: None for id in ids if id in alive}
            if left:
                self.documents[tag] = left
            else:
                del self.documents[tag]
        self._order = sorted(self.documents)
        self.records = len(set().union(*self.documents.values()))

    def check(self) -> None:
        assert self._order == sorted(self.documents)
        assert all(self.documents.values())

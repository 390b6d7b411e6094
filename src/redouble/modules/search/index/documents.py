"""The documents of an index: each time a key is indexed it is a new document, with the next number.

What an index keeps of documents that are gone stays until `Index.collect`, as on the real server: numbers are never used again, so
whoever finds one asks `Documents` whether it is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Set
from typing import Any, TypeAlias

__all__ = ["Document", "Documents", "SortValue"]

SortValue: TypeAlias = "bytes | float | None"


class Document:
    """What is known of a document besides its terms, numbers and tags."""

    __slots__ = ("id", "is_lost", "key", "language", "length", "max_frequency", "payload", "score", "sort_values")

    def __init__(self, id: int, key: bytes, score: float = 1.0, payload: bytes | None = None) -> None:
        self.id = id
        self.key = key
        self.score = score
        self.payload = payload
        self.language = b"english"
        self.max_frequency = 0
        """How often the most frequent term comes, weighed by the fields."""
        self.length = 0
        self.is_lost = False
        """Its key was not there when somebody asked for its fields; nobody asks again."""
        self.sort_values: dict[bytes, Any] = {}
        """By the name of each SORTABLE field."""


class Documents:
    """By number and by key."""

    __slots__ = ("_by_id", "_ids", "changes", "last_id", "removed", "total_length")

    def __init__(self) -> None:
        self._by_id: dict[int, Document] = {}
        self._ids: dict[bytes, int] = {}
        self.last_id = 0
        self.changes = 0
        """How often a document came, went or got another name."""
        self.total_length = 0
        """How many words came; those of documents that are gone count for ever."""
        self.removed = 0
        """How many went since what they left was last collected."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __getitem__(self, id: int) -> Document:
        return self._by_id[id]

    def get(self, id: int) -> Document | None:
        return self._by_id.get(id)

    def of_key(self, key: bytes) -> Document | None:
        id = self._ids.get(key)
        return None if id is None else self._by_id[id]

    @property
    def ids(self) -> KeysView[int]:
        """The numbers of those that are there, in ascending order."""
        return self._by_id.keys()

    def alive(self, ids: Set[int]) -> Set[int]:
        """Of numbers that were found those of documents that are there."""
        return ids & self._by_id.keys() if self.removed else ids

    @property
    def in_order(self) -> Iterable[Document]:
        """Those that are there, in the order in which they came."""
        return self._by_id.values()

    @property
    def keys(self) -> KeysView[bytes]:
        return self._ids.keys()

    def add(self, key: bytes, score: float, payload: bytes | None) -> Document:
        """A new document of a key that has none."""
        self.last_id += 1
        self.changes += 1
        document = Document(self.last_id, key, score, payload)
        self._by_id[document.id] = document
        self._ids[key] = document.id
        return document

    def remove(self, key: bytes) -> Document | None:
        id = self._ids.pop(key, None)
        if id is None:
            return None
        self.removed += 1
        self.changes += 1
        return self._by_id.pop(id)

    def rename(self, key: bytes, newkey: bytes) -> None:
        """The document of `key` is now that of `newkey`, and keeps its number."""
        id = self._ids.pop(key)
        self._ids[newkey] = id
        self.changes += 1
        self._by_id[id].key = newkey

    def check(self) -> None:
        assert len(self._by_id) == len(self._ids)
        assert all(self._by_id[id].key == key for key, id in self._ids.items())
        assert list(self._by_id) == sorted(self._by_id)

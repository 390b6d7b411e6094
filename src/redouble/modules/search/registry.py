"""The indexes of a server, by name and alias, and how they follow its keys.

As the real module they do not care in which database a key is: a key is its name.  What a query loads comes from the database
of the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from redouble.core.client import Client
from redouble.core.database import Database
from redouble.core.errors import CommandError, text
from redouble.core.server import Server
from redouble.modules.json.document import Document as JsonDocument
from redouble.modules.search.aggregate.cursors import Cursors
from redouble.modules.search.index.index import Index
from redouble.modules.search.settings import Settings
from redouble.types.hash import Hash

__all__ = ["Registry", "existing_index", "registry"]

IGNORED: Final = frozenset((b"new", b"keymiss", b"overwritten", b"type_changed"))
"""Events of which RediSearch makes nothing."""
INDEXED: Final = frozenset(
    (
        b"hset",
        b"hmset",
        b"hsetnx",
        b"hincrby",
        b"hincrbyfloat",
        b"hdel",
        b"hexpired",
        b"restore",
        b"copy_to",
        b"change",
        b"loaded",
    )
)
"""Events after which a key is indexed anew, as are those of JSON."""
MUCH: Final = 10_000
"""Documents that are gone: if these are so many, and more than are left, what they left goes at once."""
REMOVED: Final = frozenset((b"del", b"set", b"expired", b"evicted", b"trimmed"))


@dataclass
class Kept:
    """An index of a snapshot."""

    index: Index
    changes: int
    """How often its documents had changed."""
    declared: Index
    """The same without documents, which changes no more."""
    keys: tuple[bytes, ...]
    """Of its documents, in their order."""

    def is_current(self) -> bool:
        """Whether nothing has happened to the index since."""
        return self.index.documents.changes == self.changes and self.index.schema == self.declared.schema


class Contents(NamedTuple):
    """What a snapshot keeps of a registry."""

    indexes: list[Kept]
    aliases: dict[bytes, bytes]
    dictionaries: dict[bytes, dict[bytes, None]]


class Registry:
    """What the module keeps in a server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.settings = Settings()
        self.indexes: dict[bytes, Index] = {}
        self.aliases: dict[bytes, Index] = {}
        self.cursors = Cursors(server.random)
        self.dictionaries: dict[bytes, dict[bytes, None]] = {}
        """FT.DICTADD: the words of each."""

    def find(self, name: bytes, *, by_alias: bool = True) -> Index | None:
        """The index with this name or alias, which is used by that."""
        index = self.peek(name, by_alias=by_alias)
        if index is not None:
            if index.lifetime_ms:
                index.used_ms = self.server.now_ms()
            self._collect(index)
        return index

    def peek(self, name: bytes, *, by_alias: bool = True) -> Index | None:
        """The index with this name or alias, whose time goes on."""
        index = self.indexes.get(name)
        if index is None and by_alias:
            index = self.aliases.get(name)
        if index is not None and index.lifetime_ms and self.server.now_ms() > index.used_ms + index.lifetime_ms:
            self.drop(index, with_documents=True)
            return None
        return index

    def _collect(self, index: Index) -> None:
        """Let an index forget what documents left, when the real module would do so; or when that is most of what there is."""
        gone = index.documents.removed
        if gone < max(self.settings[b"FORK_GC_CLEAN_THRESHOLD"], 1):
            return
        now = self.server.now_ms()
        if now >= index.collected_ms + 1000 * self.settings[b"FORK_GC_RUN_INTERVAL"] or gone > MUCH + len(
            index.documents
        ):
            index.collected_ms = now
            index.collect()

    def names(self) -> list[bytes]:
        """Of the indexes that are there."""
        return [name for name in list(self.indexes) if self.find(name) is not None]

    def add(self, index: Index, *, scans: bool = True) -> None:
        """A new index, which `scans` the keys that are there."""
        index.used_ms = index.collected_ms = self.server.now_ms()
        index.shortest_stem = self.settings[b"MINSTEMLEN"]
        self.indexes[index.name] = index
        self.attach()
        if scans:
            self.scan(index)

    def attach(self) -> None:
        """From now on hear of what happens to keys."""
        if self.server.listener is not self:
            self.server.follow_with(self)

    def drop(self, index: Index, *, with_documents: bool = False) -> None:
        """Forget an index, and perhaps remove its keys."""
        del self.indexes[index.name]
        for alias in [alias for alias, other in self.aliases.items() if other is index]:
            del self.aliases[alias]
        if with_documents:
            db = self.server.database(0)
            for key in list(index.documents.keys):
                db.delete(key)

    # Snapshots.

    def contents(self) -> Contents:
        """All that commands can change, for `reinstate`."""
        return Contents(
            [
                Kept(
                    index,
                    index.documents.changes,
                    index.empty_copy(),
                    tuple(document.key for document in index.documents.in_order),
                )
                for index in self.indexes.values()
            ],
            {alias: index.name for alias, index in self.aliases.items()},
            {name: words.copy() for name, words in self.dictionaries.items()},
        )

    def reinstate(self, contents: Contents | None) -> None:
        """Have the indexes of a snapshot again; the keys are back already.  None: there was nothing.

        Indexes of which nothing changed stay as they are.  Others are made anew, with the documents in their old order.
        """
        contents = contents or Contents([], {}, {})
        self.indexes = {}
        for kept in contents.indexes:
            if kept.is_current():
                index = kept.index
            else:
                index = kept.declared.empty_copy()
                index.used_ms = index.collected_ms = self.server.now_ms()
                for key in kept.keys:
                    value = self._value(index, key)
                    if value is not None:
                        index.add(key, value)
                kept.index, kept.changes = index, index.documents.changes
            self.indexes[index.name] = index
        self.aliases = {alias: self.indexes[name] for alias, name in contents.aliases.items()}
        self.dictionaries = {name: words.copy() for name, words in contents.dictionaries.items()}
        self.server.follow_with(self if self.indexes or self.dictionaries else None)

    def _value(self, index: Index, key: bytes) -> Hash | JsonDocument | None:
        """What an index would know of a key."""
        for db in self.server.databases.values():
            value = db.dict.get(key)
            if isinstance(value, (Hash, JsonDocument)) and index.follows(key, value):
                return value
        return None

    def scan(self, index: Index) -> None:
        """Index all keys that belong to an index."""
        for db in list(self.server.databases.values()):
            for key, value in db.items():
                if index.follows(key, value):
                    index.add(key, value)

    # What happens to keys.

    def happened(self, db: Database, event: bytes, key: bytes) -> None:
        if event in INDEXED or event.startswith(b"json."):
            self.update(key, db.dict.get(key))
        elif event in REMOVED or not event:
            for index in self.indexes.values():
                index.remove(key)
        elif event == b"rename_from":
            self._renamed_from = key
        elif event == b"rename_to":
            self._rename(self._renamed_from, key, db.dict.get(key))

    _renamed_from = b""

    def update(self, key: bytes, value: object) -> None:
        """`key` has this value now."""
        for index in self.indexes.values():
            if isinstance(value, (Hash, JsonDocument)) and index.follows(key, value):
                index.add(key, value)
            else:
                index.remove(key)
            if index.documents.removed > MUCH:
                self._collect(index)

    def _rename(self, key: bytes, newkey: bytes, value: object) -> None:
        for index in self.indexes.values():
            if not isinstance(value, (Hash, JsonDocument)) or not index.follows(newkey, value):
                index.remove(key)
            elif key in index.documents.keys:
                index.documents.rename(key, newkey)
            else:
                index.add(newkey, value)

    def loaded(self, db: Database, key: bytes) -> None:
        self.update(key, db.dict.get(key))

    def cleared(self, db: Database) -> None:
        """FLUSHDB of any database removes all indexes and dictionaries."""
        self.indexes.clear()
        self.aliases.clear()
        self.dictionaries.clear()
        self.server.follow_with(None)


def registry(server: Server) -> Registry:
    """The registry of a server."""
    if server.search is None:
        server.search = Registry(server)
    found: Registry = server.search
    return found


def existing_index(client: Client, name: bytes, error: str = "{}: no such index") -> Index:
    """The index with this name or alias.  Raises CommandError."""
    index = registry(client.server).find(name)
    if index is None:
        raise CommandError(error.format(text(name)))
    index.uses += 1
    return index

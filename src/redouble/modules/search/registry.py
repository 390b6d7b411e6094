"""The indexes of a server, by name and alias, and how they follow its keys.

As the real module they do not care in which database a key is: a key is its name.  What a query loads comes from the database
of the client.
"""

from __future__ import annotations

from typing import Final

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
REMOVED: Final = frozenset((b"del", b"set", b"expired", b"evicted", b"trimmed"))


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
        """The index with this name or alias."""
        index = self.indexes.get(name)
        if index is None and by_alias:
            index = self.aliases.get(name)
        if index is not None and index.lifetime_ms:
            now = self.server.now_ms()
            if now > index.used_ms + index.lifetime_ms:
                self.drop(index, with_documents=True)
                return None
            index.used_ms = now
        return index

    def names(self) -> list[bytes]:
        """Of the indexes that are there."""
        return [name for name in list(self.indexes) if self.find(name) is not None]

    def add(self, index: Index, *, scans: bool = True) -> None:
        """A new index, which `scans` the keys that are there."""
        index.used_ms = self.server.now_ms()
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

"""The indexes of a server, by name and alias, and how they follow its keys.

As the real module they do not care in which database a key is: a key is its name.  What a query loads comes from the database
of the client.
"""

from __future__ import annotations

from typing import Final

from redouble.core.client import Client
from redouble.core.database import Database
from redouble.core.errors import CommandError
from redouble.core.server import Server
from redouble.modules.json.document import Document as JsonDocument
from redouble.modules.search.index.index import Index
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
    """What `FT.CREATE` made; a server without any has no registry."""

    def __init__(self) -> None:
        self.indexes: dict[bytes, Index] = {}
        self.aliases: dict[bytes, Index] = {}

    def find(self, name: bytes) -> Index | None:
        """The index with this name or alias."""
        return self.indexes.get(name) or self.aliases.get(name)

    def add(self, index: Index, server: Server) -> None:
        """A new index, which has all documents that are there."""
        self.indexes[index.name] = index
        self.scan(index, server)

    def drop(self, index: Index) -> None:
        del self.indexes[index.name]
        for alias in index.aliases:
            del self.aliases[alias]

    def scan(self, index: Index, server: Server) -> None:
        """Index all keys that belong to an index."""
        for db in list(server.databases.values()):
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
        """FLUSHDB of any database removes all indexes."""
        self.indexes.clear()
        self.aliases.clear()
        db.server.follow_with(None)


def registry(server: Server) -> Registry:
    """The registry of a server; made if it has none."""
    if not isinstance(server.listener, Registry):
        server.follow_with(Registry())
    assert isinstance(server.listener, Registry)
    return server.listener


def existing_index(client: Client, name: bytes, error: str = "{}: no such index") -> Index:
    """The index with this name or alias.  Raises CommandError."""
    listener = client.server.listener
    index = listener.find(name) if isinstance(listener, Registry) else None
    if index is None:
        raise CommandError(error.format(name.decode("utf-8", "surrogateescape")))
    return index

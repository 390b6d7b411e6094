"""`server.data`: what a server holds, as Python values, without sending a command.

Looking counts as no hit and no access, and shows expired keys to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from redouble.core.database import Database, type_name
from redouble.types.hash import Hash
from redouble.types.list import List
from redouble.types.set import Set
from redouble.types.sorted_set import SortedSet
from redouble.types.stream import MAX_ID, Stream, id_text

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["Data", "as_python"]


def as_python(value: Any) -> Any:
    """A value as Python has it: `bytes`, a list, a dict, a set, a dict of scores (lowest first), a dict of entries by id."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if type(value) is List:
        return list(value)
    if type(value) is Hash:
        return dict(value.items())
    if type(value) is Set:
        return set(value)
    if type(value) is SortedSet:
        return dict(value.pairs(0, len(value)))
    if type(value) is Stream:
        return {id_text(id).decode(): dict(zip(fields[::2], fields[1::2])) for id, fields in value.range(0, MAX_ID)}
    raise TypeError(f"no Python value stands for a {type_name(value).decode()}")


class Data(Mapping[Any, Any]):
    """One database of a server, as a mapping from keys to Python values.  Keys may be given as `str` or `bytes`.

        server.data["user:1"] == {b"name": b"ada"}
        server.data.db(3).list("queue") == [b"a", b"b"]

    The typed getters raise KeyError if there is no such key, and TypeError if it holds another type.
    """

    def __init__(self, server: Server, index: int = 0) -> None:
        self._server = server
        self._index = index

    def db(self, index: int) -> Data:
        """Another database."""
        return Data(self._server, index)

    def string(self, key: str | bytes) -> bytes:
        return self._typed(key, bytes, "string")  # type: ignore[no-any-return]

    def list(self, key: str | bytes) -> list[bytes]:
        return self._typed(key, list, "list")  # type: ignore[no-any-return]

    def hash(self, key: str | bytes) -> dict[bytes, bytes]:
        return self._typed(key, dict, "hash")  # type: ignore[no-any-return]

    def set(self, key: str | bytes) -> set[bytes]:
        return self._typed(key, set, "set")  # type: ignore[no-any-return]

    def sorted_set(self, key: str | bytes) -> dict[bytes, float]:
        """Scores by member, the lowest first."""
        return self._typed(key, dict, "zset")  # type: ignore[no-any-return]

    def stream(self, key: str | bytes) -> dict[str, dict[bytes, bytes]]:
        """Entries by id, the oldest first."""
        return self._typed(key, dict, "stream")  # type: ignore[no-any-return]

    def type(self, key: str | bytes) -> str:
        """`string`, `list`, `hash`, `set`, `zset` or `stream`; `none` if there is no such key."""
        value = self._find(key)
        return "none" if value is None else type_name(value).decode()

    def ttl(self, key: str | bytes) -> float | None:
        """For how many seconds a key still lives; None: for ever.  Raises KeyError if there is none."""
        with self._server.lock:
            if self._find(key) is None:
                raise KeyError(key)
            at = self._database.expires_at(_bytes(key))
            return None if at is None else (at - self._server.now_ms()) / 1000

    def keys(self) -> Any:
        """The keys as bytes, in order."""
        return list(self)

    def __getitem__(self, key: str | bytes) -> Any:
        with self._server.lock:
            value = self._find(key)
            if value is None:
                raise KeyError(key)
            return as_python(value)

    def __iter__(self) -> Iterator[bytes]:
        with self._server.lock:
            self._server.unit_ms = 0
            return iter(sorted(self._database.keys()))

    def __len__(self) -> int:
        with self._server.lock:
            self._server.unit_ms = 0
            return len(self._database)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, (str, bytes)) and self._find(key) is not None

    def __repr__(self) -> str:
        return f"<database {self._index} with {len(self)} keys>"

    @property
    def _database(self) -> Database:
        return self._server.database(self._index)

    def _find(self, key: str | bytes) -> Any:
        with self._server.lock:
            self._server.unit_ms = 0
            return Database.peek(
                self._database, _bytes(key)
            )  # not that of a database which remembers when keys are used

    def _typed(self, key: str | bytes, kind: Any, name: str) -> Any:
        with self._server.lock:
            value = self[key]
            if self.type(key) != name:
                raise TypeError(f"{key!r} holds a {self.type(key)}, not a {name}")
            assert isinstance(value, kind)
            return value


def _bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key

"""Several changes of which all happen, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from types import TracebackType
from typing import TYPE_CHECKING
from zlib import crc32

from redouble.dbm.record import COMMIT, DELETED, HEAD, IN_BATCH, TAIL, encoded

if TYPE_CHECKING:
    from redouble.dbm.writer import WritableDatabase

__all__ = ["Batch"]


class Batch:
    """What `WritableDatabase.batch` gives: it is written when the `with` block ends, and forgotten if that raises.

    Until then the database is as it was; the batch itself shows what it will be.
    """

    def __init__(self, database: WritableDatabase) -> None:
        self._database = database
        self._pending: dict[bytes, bytes | None] = {}

    def __setitem__(self, key: bytes | str, value: bytes | str) -> None:
        if type(key) is not bytes:
            key = encoded(key)
        if type(value) is not bytes:
            value = encoded(value)
        self._pending[key] = value

    def __delitem__(self, key: bytes | str) -> None:
        if key not in self:
            raise KeyError(key)
        self._pending[encoded(key)] = None

    def __getitem__(self, key: bytes | str) -> bytes:
        key = encoded(key)
        if key not in self._pending:
            return self._database[key]
        value = self._pending[key]
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        key = encoded(key)
        return self._pending[key] is not None if key in self._pending else key in self._database

    def update(
        self, items: Mapping[bytes, bytes] | Mapping[str, str] | Iterable[tuple[bytes | str, bytes | str]]
    ) -> None:
        for key, value in items.items() if isinstance(items, Mapping) else items:
            self[key] = value

    def commit(self) -> None:
        """Write it now; the batch is empty then and may go on."""
        pending, self._pending = self._pending, {}
        if not pending:
            return
        parts: list[bytes] = []
        for key, value in pending.items():
            if value is None:
                record = HEAD(len(key) | IN_BATCH, DELETED) + key
            else:
                record = HEAD(len(key) | IN_BATCH, len(value)) + key + value
            parts.append(record + TAIL(crc32(record)))
        lengths = list(map(len, parts))
        places = [None if value is None else at for value, at in zip(pending.values(), accumulate(lengths, initial=0))]
        parts.append(COMMIT)
        self._database._append(b"".join(parts), zip(pending, places, lengths))

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()

"""What can go wrong.  Everything derives from `dbm.error`, under the names that semidbm has for it."""

from __future__ import annotations

import dbm

__all__ = ["DBMChecksumError", "DBMDamageError", "DBMError", "DBMLoadError"]

_Error: type[Exception] = dbm.error[0]


class DBMError(_Error):  # type: ignore[misc, valid-type]  # a member of a tuple, for a type checker
    """The database cannot do that: it is closed, read-only, locked, missing, or its disk failed."""


class DBMDamageError(DBMError):
    """A file is not as it was written.

    `path` and `offset` (bytes) are the place, `reason` says what is wrong there.
    """

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(f"{path}, byte {offset}: {reason}")
        self.path, self.offset, self.reason = path, offset, reason


class DBMLoadError(DBMDamageError):
    """Damage that was found while the database was opened or refreshed."""


class DBMChecksumError(DBMDamageError):
    """Damage that was found while a value was read."""

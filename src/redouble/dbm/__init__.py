"""A dbm in pure Python: a dictionary of bytes in a folder, which survives kill -9 and says so when its files are damaged.

    import redouble.dbm

    with redouble.dbm.open("app.db", "c") as db:
        db["greeting"] = "hello"

It is what the standard library's dbm modules are, and semidbm: `redouble.dbm.open` takes their place.  Nothing else of
redouble is imported.
"""

from __future__ import annotations

import os
from typing import Any, Literal, overload

from redouble.dbm.batch import Batch
from redouble.dbm.check import Finding, Report, salvage, verify
from redouble.dbm.errors import DBMChecksumError, DBMDamageError, DBMError, DBMLoadError
from redouble.dbm.log import no_manifest
from redouble.dbm.lookup import CachedDatabase, CachedWritableDatabase, UnverifiedDatabase, UnverifiedWritableDatabase
from redouble.dbm.reader import Database
from redouble.dbm.semidbm import SemidbmDatabase, convert, data_path, is_semidbm
from redouble.dbm.writer import WritableDatabase

__all__ = [
    "Batch",
    "DBMChecksumError",
    "DBMDamageError",
    "DBMError",
    "DBMLoadError",
    "Database",
    "Finding",
    "Report",
    "WritableDatabase",
    "error",
    "open",
    "salvage",
    "verify",
]

error = DBMError


@overload
def open(
    path: str | os.PathLike[str],
    flag: Literal["r"] = "r",
    mode: int = ...,
    verify_checksums: bool = ...,
    *,
    cache: int = ...,
    buffer: int = ...,
    synced: bool = ...,
    mapped: bool = ...,
) -> Database: ...


@overload
def open(
    path: str | os.PathLike[str],
    flag: Literal["w", "c", "n"],
    mode: int = ...,
    verify_checksums: bool = ...,
    *,
    cache: int = ...,
    buffer: int = ...,
    synced: bool = ...,
    mapped: bool = ...,
) -> WritableDatabase: ...


@overload
def open(
    path: str | os.PathLike[str],
    flag: str,
    mode: int = ...,
    verify_checksums: bool = ...,
    *,
    cache: int = ...,
    buffer: int = ...,
    synced: bool = ...,
    mapped: bool = ...,
) -> Database: ...


def open(
    path: str | os.PathLike[str],
    flag: str = "r",
    mode: int = 0o666,
    verify_checksums: bool = True,
    *,
    cache: int = 0,
    buffer: int = 128 << 20,
    synced: bool = False,
    mapped: bool = True,
) -> Database:
    """Open the database in the folder `path`.

    `flag` is "r" (read; many may), "w" (write; one may), "c" (write, and make it if it is not there) or "n" (write, and begin
    with an empty one).  `mode` are the permissions of new files, less the umask.

    `verify_checksums=False` believes what is in memory.  `cache` are bytes of values that are kept as they were read, `buffer`
    bytes of segments that are kept because they are read often.  `synced=True` lets no write return before it would survive a
    power failure.  `mapped=False` never writes through a mapping, also where that is safe.

    A database of semidbm is read as it is, and converted when it is opened for writing.

    Raises DBMError if it is missing or somebody else has it open for writing, DBMLoadError if it is damaged, OSError.
    """
    if flag not in ("r", "w", "c", "n"):
        raise ValueError(f"flag must be 'r', 'w', 'c' or 'n', not {flag!r}")
    folder = os.fspath(path)
    foreign = is_semidbm(folder)
    if flag == "r":
        if foreign:
            return SemidbmDatabase(folder)
        if cache:
            return CachedDatabase(folder, buffer=buffer, cache=cache)
        return (Database if verify_checksums else UnverifiedDatabase)(folder, buffer=buffer)
    make = flag != "w"
    if make:
        os.makedirs(folder, mode | (mode & 0o444) >> 2, exist_ok=True)  # who may read it may look into it
    elif not os.path.isdir(folder):
        raise no_manifest(folder)
    if foreign and flag == "n":
        os.remove(data_path(folder))
    elif foreign:
        convert(folder, mode)
    options: Any = {"buffer": buffer, "mapped": mapped, "synced": synced, "make": make, "fresh": flag == "n"}
    if cache:
        return CachedWritableDatabase(folder, mode, cache=cache, **options)
    return (WritableDatabase if verify_checksums else UnverifiedWritableDatabase)(folder, mode, **options)

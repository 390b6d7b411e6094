"""Databases of semidbm: the file `data` in a folder.

    "SEMI", u16 1, u16 1
    i32 length of the key, i32 length of the value (-1: deleted), key, value, u32 CRC-32 of key and value

All big-endian.  Its checksum does not cover the lengths, and nothing says where it was whole: a record that goes beyond the
end of the file is taken for an append that was not finished.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from struct import Struct
from zlib import crc32

from redouble.dbm import log, system
from redouble.dbm.errors import DBMChecksumError, DBMError, DBMLoadError
from redouble.dbm.reader import Database, Torn
from redouble.dbm.record import encoded
from redouble.dbm.writer import WritableDatabase

__all__ = ["SemidbmDatabase", "convert", "data_path", "is_semidbm", "semidbm_records"]

_LENGTHS = Struct(">ii")
_CRC = Struct(">I")
_MAGIC = b"SEMI"
_VERSION = b"\0\1\0\1"
_HEADER = len(_MAGIC + _VERSION)
_DELETED = -1
_KEPT = "data.semidbm"
"""What the file is called once its records are in the log."""


def data_path(folder: str) -> str:
    return os.path.join(folder, "data")


def is_semidbm(folder: str) -> bool:
    """Whether a folder holds a database of semidbm, and none of ours yet."""
    with contextlib.suppress(OSError), open(data_path(folder), "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC and not os.path.exists(log.manifest_path(folder))
    return False


def semidbm_records(folder: str) -> Iterator[tuple[int, bytes, bytes | None, int]]:
    """Offset, key, value (None: deleted) and end of each record.

    Raises DBMLoadError where one is damaged; returns where the last one is cut off.
    """
    path = data_path(folder)
    with open(path, "rb") as file:
        data = file.read()
    if data[len(_MAGIC) : _HEADER] != _VERSION:
        raise DBMLoadError(path, len(_MAGIC), "a version of semidbm's format that nobody wrote so far")
    at = _HEADER
    while at + _LENGTHS.size <= len(data):
        key_length, value_length = _LENGTHS.unpack_from(data, at)
        if key_length < 0 or value_length < _DELETED:
            raise DBMLoadError(path, at, "no record begins here")
        key_end = at + _LENGTHS.size + key_length
        value_end = key_end + max(value_length, 0)
        end = value_end + _CRC.size
        if end > len(data):
            return
        body = data[at + _LENGTHS.size : value_end]
        if _CRC.pack(crc32(body)) != data[value_end:end]:
            raise DBMLoadError(path, at, "this record is damaged")
        yield at, body[:key_length], None if value_length == _DELETED else body[key_length:], end
        at = end


class SemidbmDatabase(Database):
    """A database of semidbm that is open for reading, as it is; its checksums are always verified."""

    __slots__ = ("_fd",)

    def __init__(self, folder: str) -> None:
        super().__init__(folder, buffer=0)

    def _open(self) -> None:
        self._index = {}
        path, last = data_path(self._folder), _HEADER
        for at, key, value, end in semidbm_records(self._folder):
            last = end
            if value is None:
                self._index.pop(key, None)
            else:
                self._index[key] = at << 32 | end - at
        self._fd = system.open_file(path)
        rest = system.size(self._fd) - last
        self.torn = Torn(path, last, rest) if rest else None

    def __getitem__(self, key: bytes | str) -> bytes:
        key = encoded(key)
        entry = self._index[key]
        at, length = entry >> 32, entry & 0xFFFFFFFF
        with self._lock:
            record = system.pread(self._fd, length, at)
        body = record[_LENGTHS.size : -_CRC.size]
        if _CRC.pack(crc32(body)) != record[-_CRC.size :] or body[: len(key)] != key:
            raise DBMChecksumError(data_path(self._folder), at, "this record is damaged")
        return body[len(key) :]

    def refresh(self) -> None:
        """semidbm appends to the file, and compacts by making a new one."""
        with self._lock:
            os.close(self._fd)
            self._open()

    def close(self, compact: bool = False) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)
            self._fd = -1
        super().close()


def convert(folder: str, mode: int) -> None:
    """Make a database of what semidbm wrote in this folder; its file stays there as data.semidbm.

    Raises DBMLoadError if it is damaged; then nothing has changed.
    """
    lock = system.lock(os.path.join(folder, "LOCK"), mode)
    new = os.path.join(folder, "converted")
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(new, mode | (mode & 0o444) >> 2)
        with WritableDatabase(new, mode, buffer=0, mapped=True, synced=False, make=True, fresh=True) as database:
            for _, key, value, _ in semidbm_records(folder):
                if value is not None:
                    database[key] = value
                elif key in database:
                    del database[key]
        for number in system.numbers(folder, "log"):
            system.remove(log.segment_path(folder, number))  # of a conversion that was interrupted
        # The manifest comes last: with it, the folder is a database.
        for name in sorted(os.listdir(new), key=lambda name: name == "MANIFEST"):
            if name != "LOCK":
                system.rename(os.path.join(new, name), os.path.join(folder, name))
        system.fsync_folder(folder)
        system.remove(os.path.join(new, "LOCK"))
        os.rmdir(new)
        system.rename(data_path(folder), os.path.join(folder, _KEPT))
    except OSError as error:
        raise DBMError(f"{folder}: cannot be converted: {error}") from error
    finally:
        os.close(lock)

"""Databases of semidbm: the file `data` in a folder.

    "SEMI", u16 1, u16 1
    i32 length of the key, i32 length of the value (-1: deleted), key, value, u32 CRC-32 of key and value

All big-endian.  Its checksum does not cover the lengths, and nothing says where it was whole: a record that goes beyond the
end of the file is taken for an append that was not finished.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from struct import Struct
from zlib import crc32

from redouble.dbm import log, system
from redouble.dbm.errors import DBMChecksumError, DBMError, DBMLoadError
from redouble.dbm.reader import Database, Torn
from redouble.dbm.record import Record, encoded
from redouble.dbm.writer import WritableDatabase

__all__ = ["HEADER", "SemidbmDatabase", "convert", "data_path", "is_semidbm", "salvaged", "semidbm_records"]

_LENGTHS = Struct(">ii")
_CRC = Struct(">I")
_MAGIC = b"SEMI"
_VERSION = b"\0\1\0\1"
HEADER = len(_MAGIC + _VERSION)
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


def _scan(data: bytes, at: int) -> Iterator[Record]:
    """Records from `at` on, until there is none."""
    while at + _LENGTHS.size <= len(data):
        key_length, value_length = _LENGTHS.unpack_from(data, at)
        key_end = at + _LENGTHS.size + key_length
        value_end = key_end + max(value_length, 0)
        end = value_end + _CRC.size
        if key_length < 0 or value_length < _DELETED or end > len(data):
            return
        body = data[at + _LENGTHS.size : value_end]
        if _CRC.pack(crc32(body)) != data[value_end:end]:
            return
        value = None if value_length == _DELETED else body[key_length:]
        yield Record(at, end, body[:key_length], value, False, False)
        at = end


def _read(folder: str) -> bytes:
    path = data_path(folder)
    with open(path, "rb") as file:
        data = file.read()
    if data[len(_MAGIC) : HEADER] != _VERSION:
        raise DBMLoadError(path, len(_MAGIC), "a version of semidbm's format that nobody wrote so far")
    return data


def semidbm_records(folder: str) -> Iterator[Record]:
    """Its records.  Raises DBMLoadError where one is damaged; returns where the last one is cut off."""
    data, at = _read(folder), HEADER
    for record in _scan(data, at):
        yield record
        at = record.end
    if not _goes_beyond(data, at):
        raise DBMLoadError(data_path(folder), at, "no record begins here")


def _goes_beyond(data: bytes, at: int) -> bool:
    """Whether what begins at `at` ends behind the file, or is nothing."""
    if len(data) - at < _LENGTHS.size:
        return True
    key_length, value_length = _LENGTHS.unpack_from(data, at)
    end = at + _LENGTHS.size + key_length + max(value_length, 0) + _CRC.size
    return key_length >= 0 and value_length >= _DELETED and end > len(data) and _following(data, at + 1) == len(data)


def _following(data: bytes, at: int) -> int:
    """Where the next record begins."""
    while at < len(data) and next(_scan(data, at), None) is None:
        at += 1
    return at


def salvaged(folder: str, report: Callable[[str, int, str], object]) -> list[Record]:
    """All records that can be read; `report` is called with path, offset and reason of each gap."""
    data, at, found = _read(folder), HEADER, list[Record]()
    while at < len(data):
        some = list(_scan(data, at))
        found += some
        at = some[-1].end if some else at
        if at < len(data):
            report(data_path(folder), at, "no record begins here")
            at = _following(data, at + 1)
    return found


class SemidbmDatabase(Database):
    """A database of semidbm that is open for reading, as it is; its checksums are always verified."""

    __slots__ = ("_fd",)

    def __init__(self, folder: str) -> None:
        super().__init__(folder, buffer=0)

    def _open(self) -> None:
        self._index = {}
        path, last = data_path(self._folder), HEADER
        for at, last, key, value, _, _ in semidbm_records(self._folder):
            if value is None:
                self._index.pop(key, None)
            else:
                self._index[key] = at << 32 | last - at
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

    @property
    def size(self) -> int:
        return system.size(self._fd)

    @property
    def dead(self) -> int:
        return self.size - HEADER - sum(entry & 0xFFFFFFFF for entry in self._index.values())

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
            for record in semidbm_records(folder):
                if record.value is not None:
                    database[record.key] = record.value
                elif record.key in database:
                    del database[record.key]
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

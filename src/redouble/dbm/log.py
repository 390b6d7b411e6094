"""The log: numbered segments, and the manifest that says which of them count.

Segments are only ever appended to, one after the other; a later record of a key supersedes an earlier one.  The manifest names
those that existed when it was written; higher numbers follow by themselves as long as there is no gap.  So a new segment
needs no new manifest, and a segment is removed by a manifest without it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from struct import Struct
from zlib import crc32

from redouble.dbm import system
from redouble.dbm.errors import DBMError, DBMLoadError
from redouble.dbm.record import Record, scan

__all__ = [
    "FIRST",
    "LENGTH",
    "LENGTH_BITS",
    "LONG",
    "OFFSET",
    "SEGMENT_SHIFT",
    "SEGMENT_SIZE",
    "Header",
    "Manifest",
    "Part",
    "Tail",
    "create_segment",
    "entry_of",
    "index_path",
    "listed",
    "manifest_path",
    "new_generation",
    "no_manifest",
    "prepare",
    "read_header",
    "read_manifest",
    "read_part",
    "segment_path",
    "write_manifest",
    "write_mark",
]

SEGMENT_SIZE = 8 << 20
"""Bytes after which the next segment begins; the last record or batch may go beyond."""

# Where a record is, in one integer that the index can hold by the million: segment, offset, length.
LENGTH_BITS, SEGMENT_SHIFT = 20, 52
LENGTH = (1 << LENGTH_BITS) - 1
"""The length in an entry; 0: the record itself says how long it is."""
LONG = 1 << LENGTH_BITS
"""The first length that does not fit."""
OFFSET = (1 << SEGMENT_SHIFT - LENGTH_BITS) - 1

_HEADER = Struct("<8sIII")
_MARK = Struct("<II")
_CRC = Struct("<I")
_MAGIC = b"redouble"
_MARK_AT = _HEADER.size + _CRC.size
FIRST = _MARK_AT + 2 * _MARK.size
"""Where the first record of a segment is."""

_TITLE = "redouble dbm 1"


def entry_of(number: int, offset: int, length: int) -> int:
    return number << SEGMENT_SHIFT | offset << LENGTH_BITS | (length if length < LONG else 0)


# Segments.


@dataclass(frozen=True)
class Header:
    previous: int
    """The segment before it, when it began."""
    previous_end: int
    """Where that one ended."""
    synced: int
    """All before this offset survives a power failure."""
    slot: int
    """Where that is written the next time: there are two places, so that one is whole while the other is written."""
    damaged_slots: int


def segment_path(folder: str, number: int) -> str:
    return os.path.join(folder, f"{number:08}.log")


def write_mark(fd: int, synced: int, slot: int) -> None:
    """All before `synced` is on the disk."""
    system.pwrite(fd, _mark(synced), _MARK_AT + slot * _MARK.size)


def _mark(synced: int) -> bytes:
    return _MARK.pack(synced, crc32(b"synced %d" % synced))  # so that no run of one byte is a mark


def create_segment(folder: str, number: int, previous: int, previous_end: int, mode: int) -> int:
    """An empty segment, open for writing.  It has its name only when its header is on the disk."""
    path = segment_path(folder, number)
    head = _HEADER.pack(_MAGIC, number, previous, previous_end)
    fd = system.create(f"{path}.new", mode)
    try:
        system.pwrite(fd, head + _CRC.pack(crc32(head)) + 2 * _mark(FIRST), 0)
        system.fsync(fd)
        system.rename(f"{path}.new", path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def read_header(fd: int, path: str, number: int) -> Header:
    data = system.pread(fd, FIRST, 0)
    if len(data) < FIRST:
        raise DBMLoadError(path, len(data), "the header is cut off")
    head = data[: _HEADER.size]
    magic, own, previous, previous_end = _HEADER.unpack(head)
    if _CRC.pack(crc32(head)) != data[_HEADER.size : _MARK_AT] or (magic, own) != (_MAGIC, number):
        raise DBMLoadError(path, 0, f"this is not the header of segment {number}")
    marks = [
        (synced, slot)
        for slot, (synced, crc) in enumerate(_MARK.iter_unpack(data[_MARK_AT:]))
        if _mark(synced)[4:] == _CRC.pack(crc)
    ]
    if not marks:
        raise DBMLoadError(path, _MARK_AT, "what says how far the segment is on the disk is damaged")
    synced, slot = max(marks)
    return Header(previous, previous_end, synced, 1 - slot, 2 - len(marks))


@dataclass
class Part:
    """What was read of a segment from some offset on."""

    records: list[Record]
    """Without those of a batch whose end is missing, and without ends of batches."""
    end: int
    """Where the last of them ends."""
    size: int
    """Where the file ended."""
    torn: bool
    """Behind the end there is something other than zeros."""
    reason: str
    """Why it ends there."""


def read_part(fd: int, start: int) -> Part:
    size = system.size(fd)
    if size < start:
        return Part([], size, size, False, "the file ends here")
    data = system.pread(fd, size - start, start)
    complete: list[Record] = []
    batch: list[Record] = []
    end, reason = start, "no record begins here"
    for record in scan(data, 0, start):
        if record.commits:
            if not batch:
                break
            complete += batch
            batch = []
        elif record.in_batch:
            batch.append(record)
            continue
        elif batch:
            break
        else:
            complete.append(record)
        end = record.end
    if batch:
        reason = "a batch begins here whose end is missing"
    rest = data[end - start :]
    return Part(complete, end, start + len(data), rest.count(0) != len(rest), reason)


class Tail:
    """A segment of which something may not be on the disk yet."""

    def __init__(self, number: int, fd: int, end: int, synced: int = FIRST, slot: int = 0) -> None:
        self.number, self.fd, self.end, self.synced, self.slot = number, fd, end, synced, slot

    def sync(self, end: int) -> None:
        system.fsync(self.fd)
        write_mark(self.fd, end, self.slot)
        self.synced, self.slot = end, 1 - self.slot


# The manifest.


@dataclass(frozen=True)
class Manifest:
    generation: int
    """Another one when the database was emptied: what an index or a reader knows of an earlier one is worth nothing."""
    segments: tuple[int, ...]


def index_path(folder: str) -> str:
    return os.path.join(folder, "INDEX")


def manifest_path(folder: str) -> str:
    return os.path.join(folder, "MANIFEST")


def read_manifest(folder: str) -> Manifest | None:
    """None if there is none: there is no database yet."""
    path = manifest_path(folder)
    try:
        with open(path, "rb") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    body, _, checksum = text.rpartition(b"crc ")
    if checksum != b"%08x\n" % crc32(body):
        raise DBMLoadError(path, 0, "the manifest is damaged")
    title, generation, segments = body.decode().splitlines()
    if title != _TITLE:
        raise DBMError(f"{path}: written by a newer version ({title})")
    return Manifest(int(generation.split()[1]), tuple(map(int, segments.split()[1:])))


def no_manifest(folder: str) -> DBMError:
    """The error that says why there is no database."""
    if os.path.isdir(folder) and any(system.numbers(folder, "log")):
        return DBMLoadError(manifest_path(folder), 0, "the manifest is missing, but there are segments")
    return DBMError(f"{folder}: there is no database; the flags 'c' and 'n' make one")


def write_manifest(folder: str, manifest: Manifest, mode: int) -> None:
    segments = " ".join(map(str, manifest.segments))
    body = f"{_TITLE}\ngeneration {manifest.generation}\nsegments {segments}\n".encode()
    system.replace(manifest_path(folder), body + b"crc %08x\n" % crc32(body), mode)


def listed(folder: str, manifest: Manifest) -> list[int]:
    """The segments that count, in their order."""
    present = set(system.numbers(folder, "log"))
    for number in manifest.segments:
        if number not in present:
            raise DBMLoadError(segment_path(folder, number), 0, "this segment is missing")
    found = list(manifest.segments)
    while found[-1] + 1 in present:
        found.append(found[-1] + 1)
    if max(present) > found[-1]:
        raise DBMLoadError(segment_path(folder, found[-1] + 1), 0, "this segment is missing, but not the one after it")
    return found


def new_generation() -> int:
    return int.from_bytes(os.urandom(8), "little")


def prepare(folder: str, mode: int, fresh: bool) -> None:
    """A folder that is locked becomes a database, an empty one if `fresh`."""
    if not fresh and read_manifest(folder) is not None:
        return
    numbers = sorted(system.numbers(folder, "log"))
    if not fresh and (len(numbers) > 1 or any(os.path.getsize(segment_path(folder, each)) > FIRST for each in numbers)):
        raise no_manifest(folder)
    number = numbers[-1] + 1 if numbers else 1
    os.close(create_segment(folder, number, 0, 0, mode))
    write_manifest(folder, Manifest(new_generation(), (number,)), mode)
    for old in numbers:
        system.remove(segment_path(folder, old))
    system.remove(index_path(folder))
    system.fsync_folder(os.path.dirname(os.path.abspath(folder)))  # the folder's own name

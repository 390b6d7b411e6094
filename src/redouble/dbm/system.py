"""What the operating system does for a database, in one place: a test can make any of it fail.

Files are read and written at offsets, never at a shared position, so that threads do not disturb each other.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from redouble.dbm.errors import DBMError

if sys.platform == "win32":  # pragma: no cover
    import msvcrt
else:
    import fcntl

__all__ = [
    "create",
    "fsync",
    "fsync_folder",
    "lock",
    "numbers",
    "open_file",
    "pread",
    "pwrite",
    "remove",
    "rename",
    "replace",
    "reserve",
    "reserves",
    "size",
    "truncate",
]

_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
_ZEROS = bytes(1 << 18)
_position = threading.Lock()
"""Where there is no pread (Windows) a file has one position, and whoever moves it holds this."""

REAL_RESERVES = frozenset({"ext2", "ext3", "ext4", "tmpfs"})
"""File systems on which reserved space is there when it is written through a mapping.

btrfs, ZFS and bcachefs write elsewhere (copy on write), XFS does so for a file that was cloned, and behind NFS, FUSE and
overlays may be anything: there a full disk, or a file that another machine changed, would be a SIGBUS.
"""


def open_file(path: str, *, writable: bool = False) -> int:
    return os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | _FLAGS)


def create(path: str, mode: int) -> int:
    """A new, empty file, open for reading and writing; what had this name is emptied."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _FLAGS, mode)


def size(fd: int) -> int:
    return os.fstat(fd).st_size


def _read_at(fd: int, length: int, offset: int, /) -> bytes:
    with _position:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, length)


def _write_at(fd: int, data: Any, offset: int, /) -> int:
    with _position:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.write(fd, data)


_read_some = getattr(os, "pread", _read_at)
_write_some = getattr(os, "pwrite", _write_at)


def pread(fd: int, length: int, offset: int) -> bytes:
    """Fewer than `length` bytes only where the file ends."""
    data: bytes = _read_some(fd, length, offset)
    while 0 < len(data) < length and (more := _read_some(fd, length - len(data), offset + len(data))):
        data += more
    return data


def pwrite(fd: int, data: bytes | memoryview, offset: int) -> None:
    """All of it, or an OSError (a full disk takes a part first)."""
    written = _write_some(fd, data, offset)
    while written < len(data):
        some = _write_some(fd, memoryview(data)[written:], offset + written)
        if not some:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        written += some


def truncate(fd: int, length: int) -> None:
    os.ftruncate(fd, length)


def reserve(fd: int, start: int, length: int) -> None:
    """Space on the disk, zeros, part of the file from now on.  OSError if there is none."""
    os.posix_fallocate(fd, start, length)
    # Pages that the page cache has and the disk is mapped to already: on ext4 the first write through a mapping to a page
    # costs 1.2 us with this and 3 to 6 us without it, and a later sync a third.
    for at in range(start, start + length, len(_ZEROS)):
        pwrite(fd, memoryview(_ZEROS)[: start + length - at], at)


def fsync(fd: int) -> None:
    """Returns when what was written, also through a mapping, survives a power failure."""
    if sys.platform == "darwin":  # pragma: no cover
        try:
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync there leaves it in the cache of the disk
        except OSError:  # a file system that does not know it
            os.fsync(fd)
    elif sys.platform == "win32":  # pragma: no cover
        os.fsync(fd)
    else:
        os.fdatasync(fd)


def fsync_folder(path: str) -> None:
    """Names, too, must survive."""
    if sys.platform != "win32":  # pragma: no branch  # it has nothing to open there, and keeps names by itself
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def rename(old: str, new: str) -> None:
    """Also over a file that is there."""
    if sys.platform == "win32":  # pragma: no cover
        for _ in range(100):
            with contextlib.suppress(PermissionError):  # a reader has it open, for a moment
                os.replace(old, new)
                return
            time.sleep(0.01)
    os.replace(old, new)


def replace(path: str, data: bytes, mode: int) -> None:
    """The file `path` holds `data`, or what it held before, whenever the power fails."""
    new = f"{path}.new"
    fd = create(new, mode)
    try:
        pwrite(fd, data, 0)
        fsync(fd)
    finally:
        os.close(fd)
    rename(new, path)
    fsync_folder(os.path.dirname(path))


def remove(path: str) -> None:
    """Gone, or to be removed by the next writer: Windows keeps what a reader has open."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        os.remove(path)


def numbers(folder: str, ending: str) -> Iterator[int]:
    """N for each file N.ending."""
    for name in os.listdir(folder):
        stem, dot, rest = name.partition(".")
        if dot and rest == ending and stem.isdigit():
            yield int(stem)


def lock(path: str, mode: int) -> int:
    """The one writer's lock: it is given back with `os.close`, or when the process ends."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, mode)
    try:
        if sys.platform == "win32":  # pragma: no cover
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise DBMError(f"{path}: somebody has this database open for writing") from None
        raise
    return fd


def reserves(fd: int) -> bool:
    """Whether space that was reserved in this file can be written through a mapping, whatever happens to the disk.

    An append is then no system call.  It must also be one step for other threads and for signals: CPython with its GIL
    switches only at calls and backward jumps, of which the append has none.
    """
    if sys.implementation.name != "cpython" or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return False
    return hasattr(os, "posix_fallocate") and _file_system(os.fstat(fd).st_dev) in REAL_RESERVES


def _file_system(device: int) -> str:
    """The type of a mounted file system, "" if it cannot be told (then it is none of the simple ones)."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    found = set()
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            words = line.split()
            if words[2] == wanted:
                found.add(words[words.index("-") + 1])
    return found.pop() if len(found) == 1 else ""

"""Writing files so that a crash leaves the old content or the new one, never something between."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["Appender", "replace_file", "sync_folder"]


def replace_file(path: Path, data: bytes, folder: Path | None = None) -> None:
    """Give a file this content, on the disk when this returns.  Raises OSError, and then nothing has changed.

    What a crash leaves of it is in `folder`, or beside the file.
    """
    handle, temporary = tempfile.mkstemp(prefix=f"temp-{os.getpid()}-", dir=folder or path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were given or taken away last; where a folder cannot be synced (Windows) they do by themselves."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


class Appender:
    """A file that grows at its end; what `write` returned from survives the end of the process, what `sync` returned
    from that of the machine."""

    def __init__(self, path: Path) -> None:
        self._handle = -1
        self.path = path
        existed = path.exists()
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        self.size = os.fstat(self._handle).st_size
        if not existed:
            sync_folder(path.parent)

    def write(self, data: bytes) -> None:
        """Raises OSError, and then nothing of `data` is in the file."""
        try:
            written = os.write(self._handle, data)
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self.size)
            raise
        self.size += len(data)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._handle, size)
        self.size = size

    def sync(self) -> None:
        os.fsync(self._handle)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        self.close()

"""`server.save(path)` and `server.load(path)`: a server's data as the file that the emulated server would write, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from redouble.persistence.aof import parts_of
from redouble.persistence.loading import load_files
from redouble.persistence.rdb import snapshot_of, write_file

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["load", "save"]


def save(server: Server, path: Path) -> None:
    """Write all data as an RDB file."""
    path.write_bytes(write_file(snapshot_of(server), server.dialect))


def load(server: Server, path: Path) -> None:
    """Put what a file holds in the place of all data: an RDB file, an AOF with or without an RDB preamble, or the folder
    of a multi-part AOF.

    Raises ValueError for a file that is damaged, or of a newer server, before anything has changed; for an AOF with a
    command that fails, after the commands before it.
    """
    load_files(server, [part.path for part in parts_of(path) if part.kind != "h"] if path.is_dir() else [path])
    if server.files is not None:
        server.files.start_over()

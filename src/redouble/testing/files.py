"""`server.save(path)` and `server.load(path)`: a server's data as the file that the emulated server would write, and back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from redouble.persistence.errors import BadPayload, Unsupported
from redouble.persistence.rdb import Snapshot, fill_server, read_file, snapshot_of, write_file
from redouble.resp.parser import RequestParser
from redouble.testing.seed import Player

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["load", "save"]

_RDB = (b"REDIS", b"VALKEY")


def save(server: Server, path: Path) -> None:
    """Write all data as an RDB file."""
    path.write_bytes(write_file(snapshot_of(server), server.dialect))


def load(server: Server, path: Path) -> None:
    """Put what a file holds in the place of all data: an RDB file, an AOF with or without an RDB preamble, or the folder
    of a multi-part AOF.

    Raises ValueError for a file that is damaged, or of a newer server, before anything has changed; for an AOF with a
    command that fails, after the commands before it.
    """
    snapshots: list[Snapshot] = []
    commands: list[list[bytes]] = []
    for part in _parts(path):
        data = part.read_bytes()
        try:
            if data.startswith(_RDB):
                snapshots.append(read_file(data, server.dialect, server.limits, server.modules))
                data = data[snapshots[-1].size :]
        except (BadPayload, Unsupported) as error:
            raise ValueError(f"{part}: {error}") from None
        parser = RequestParser()
        commands += parser.feed(data)
        if parser.error or parser.in_command:
            raise ValueError(f"{part}: {parser.error or 'the last command is cut off'}")
    for db in server.databases.values():
        db.clear()
    server.tracking.flush()
    server.functions = None
    for snapshot in snapshots:
        fill_server(server, snapshot)
    player = Player(server)
    for number, argv in enumerate(commands, 1):
        try:
            player.play(argv)
        except ValueError as error:
            raise ValueError(f"{path}: command {number}, {argv[0].decode(errors='replace')}: {error}") from None


def _parts(path: Path) -> list[Path]:
    """The files in the order in which they are read."""
    if not path.is_dir():
        return [path]
    manifests = list(path.glob("*.manifest"))
    if len(manifests) != 1:
        raise ValueError(f"{path}: a folder with one manifest is wanted, not with {len(manifests)}")
    parts = []
    for line in manifests[0].read_text().splitlines():
        words = dict(pairwise(line.split()))
        if not line.startswith("#") and words.get("type") in ("b", "i"):
            parts.append(path / words["file"])
    return parts

"""Reading a server's data from files: an RDB file, a log of commands, or a log that begins with an RDB file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redouble.core.player import Player
from redouble.persistence.errors import BadPayload, Unsupported
from redouble.persistence.rdb import Snapshot, fill_server, read_file
from redouble.resp.parser import split_commands

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["CutOff", "load_files"]

_RDB = (b"REDIS", b"VALKEY")


class CutOff(ValueError):
    """A log ends within a command or a transaction; it is right up to `size` bytes of its last file."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(f"{path}: the last command is cut off; it is right up to byte {size}")
        self.path = path
        self.size = size


def load_files(server: Server, paths: Sequence[Path], *, repair: bool = False) -> None:
    """Put what files hold in the place of all data.  With `repair`, what is cut off at the end of the last one is cut away.

    Raises ValueError for what cannot be read: before anything has changed, but for a command that fails, after the commands before it.
    """
    snapshots: list[Snapshot] = []
    commands: list[list[bytes]] = []
    for path in paths:
        data = path.read_bytes()
        try:
            if data.startswith(_RDB):
                snapshots.append(read_file(data, server.dialect, server.limits, server.modules))
        except (BadPayload, Unsupported) as error:
            raise ValueError(f"{path}: {error}") from None
        try:
            commands += _commands(path, data, snapshots[-1].size if data.startswith(_RDB) else 0)
        except CutOff as end:
            if not repair or path is not paths[-1]:
                raise
            with path.open("r+b") as file:
                file.truncate(end.size)
            commands += _commands(path, data[: end.size], snapshots[-1].size if data.startswith(_RDB) else 0)
    for db in server.databases.values():
        db.clear()
    server.tracking.flush()
    server.functions = None
    server.loading = True
    try:
        for snapshot in snapshots:
            fill_server(server, snapshot, keep_expired=bool(commands))
        player = Player(server)
        for number, argv in enumerate(commands, 1):
            try:
                player.play(argv)
            except ValueError as error:
                raise ValueError(f"{path}: command {number}, {argv[0].decode(errors='replace')}: {error}") from None
    finally:
        server.loading = False


def _commands(path: Path, data: bytes, start: int) -> list[list[bytes]]:
    """The commands from `start` on.  Raises CutOff if the last one, or its transaction, is not whole."""
    commands: list[list[bytes]] = []
    if not split_commands(data[start:], commands) and not _is_open(commands):
        return commands
    commands = []  # once more, and closely
    whole = position = start
    within = False
    while position < len(data):
        if data[position] == ord("#"):  # a remark: `#TS:1700000000`
            position = data.find(b"\r\n", position) + 2
            if position < 2:
                raise CutOff(path, whole)
            continue
        argv, position = _command(path, data, position, whole)
        commands.append(argv)
        within = argv[0].upper() == b"MULTI" or (within and argv[0].upper() != b"EXEC")
        if not within:
            whole = position
    if within:
        raise CutOff(path, whole)
    return commands


def _is_open(commands: list[list[bytes]]) -> bool:
    """Whether the last transaction has no end."""
    for argv in reversed(commands):
        if argv[0].upper() in (b"MULTI", b"EXEC"):
            return argv[0].upper() == b"MULTI"
    return False


def _command(path: Path, data: bytes, position: int, whole: int) -> tuple[list[bytes], int]:
    """The command at `position`, and where it ends.  Raises CutOff at the end of the data."""
    count, position = _number(path, data, position, b"*", whole)
    argv = []
    for _ in range(count):
        length, position = _number(path, data, position, b"$", whole)
        if position + length + 2 > len(data):
            raise CutOff(path, whole)
        argv.append(data[position : position + length])
        position += length + 2
    if not argv:
        raise ValueError(f"{path}: byte {position}: a command without a word")
    return argv, position


def _number(path: Path, data: bytes, position: int, mark: bytes, whole: int) -> tuple[int, int]:
    end = data.find(b"\r\n", position, position + 32)
    if end < 0:
        if len(data) - position < 32 and data[position : position + 1] in (mark, b""):
            raise CutOff(path, whole)
        raise ValueError(f"{path}: byte {position}: not a command")
    if data[position : position + 1] != mark or not data[position + 1 : end].isdigit():
        raise ValueError(f"{path}: byte {position}: not a command")
    return int(data[position + 1 : end]), end + 2

"""A disk that can fail, and a power supply that can.

`Disk` stands between the database and `redouble.dbm.system`: it counts the calls, makes one of them fail, and remembers what
a disk is sure to hold: the bytes of a file at its last fsync, the names of a folder at the folder's.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from redouble.dbm import system

PAGE = 512
"""What a disk writes as one piece."""
CALLS = ("create", "pwrite", "fsync", "fsync_folder", "rename", "truncate", "reserve", "open_file", "pread", "remove")


class Disk:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder = folder
        self.durable: dict[str, bytes] = {}
        """By the names that a power failure leaves."""
        self.synced: dict[int, bytes] = {}
        """By inode."""
        self.counts = dict.fromkeys(CALLS, 0)
        self.fails: tuple[str, int, bool] | None = None
        """Which call, the how manieth, and whether it fails when its work is done."""
        self.failed = False
        for name in CALLS:
            monkeypatch.setattr(system, name, self._wrapped(name, getattr(system, name)))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.counts[name] += 1
            fails = self.fails is not None and self.fails[:2] == (name, self.counts[name])
            if fails:
                self.failed = True
                assert self.fails is not None
                if not self.fails[2]:
                    if name == "pwrite":  # a part of it
                        real(arguments[0], arguments[1][: len(arguments[1]) // 2], arguments[2])
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            result = real(*arguments, **options) if name != "fsync" else None
            if name == "fsync":
                inode = os.fstat(arguments[0]).st_ino
                self.synced[inode] = self._content(arguments[0])
            elif name == "fsync_folder" and arguments[0] == str(self.folder):
                self._names()
            if fails:
                if name in ("create", "open_file"):
                    os.close(result)
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return result

        return call

    @staticmethod
    def _content(fd: int) -> bytes:
        return os.pread(fd, os.fstat(fd).st_size, 0)

    def _names(self) -> None:
        self.named = {entry.name: entry.inode() for entry in os.scandir(self.folder) if entry.is_file()}

    def lose_power(self, target: Path, chance: random.Random) -> None:
        """What may be on the disk now: all that was synced, and of the rest any page, new or old."""
        target.mkdir()
        now = {entry.name: entry.inode() for entry in os.scandir(self.folder) if entry.is_file()}
        names = dict(getattr(self, "named", {}))
        for name in {*names, *now}:
            if (
                names.get(name) != now.get(name) and chance.random() < 0.5
            ):  # that a name changed may be on the disk or not
                if name in now:
                    names[name] = now[name]
                else:
                    del names[name]
        by_inode = {inode: name for name, inode in now.items()}
        for name, inode in names.items():
            old = self.synced.get(inode, b"")
            current = (self.folder / by_inode[inode]).read_bytes() if inode in by_inode else old
            (target / name).write_bytes(_mixed(old, current, chance))

    def kill(self, target: Path) -> None:
        """What another process finds when this one was killed."""
        shutil.copytree(self.folder, target)


def _mixed(old: bytes, new: bytes, chance: random.Random) -> bytes:
    if old == new or chance.random() < 0.2:
        return new
    length = chance.choice((len(old), len(new), chance.randint(min(len(old), len(new)), max(len(old), len(new)))))
    pages = []
    for at in range(0, length, PAGE):
        page = (new if chance.random() < 0.5 else old)[at : at + PAGE]
        if at >= len(old) and chance.random() < 0.3:  # nothing was promised of it
            page = chance.choice((bytes(PAGE), chance.randbytes(PAGE)))[: length - at]
        pages.append(page.ljust(min(PAGE, length - at), b"\0"))
    return b"".join(pages)[:length]

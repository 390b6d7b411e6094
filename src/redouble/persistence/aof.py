"""The files of an append-only log, as real servers name and read them.

From Redis 7.0 on it is a folder: a base (an RDB file, or commands), files of commands that go on from there, and a manifest
that says which they are; before 7.0 it is one file, which may begin with an RDB file.  A rewrite makes a new base of what there
is now; what is written meanwhile goes to the next file, or is put behind the new base.
"""

from __future__ import annotations

import contextlib
import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

from redouble.persistence.disk import Appender, replace_file

__all__ = ["AppendOnlyLog", "MultiPart", "Part", "SingleFile", "parts_of"]


class Part(NamedTuple):
    """One file of a log."""

    path: Path
    number: int
    kind: str
    """`b`: the base, `i`: what follows it, `h`: no longer needed."""


class AppendOnlyLog(Protocol):
    """Where commands are written to, behind what is there already."""

    def parts(self) -> list[Path]:
        """The files to read, in order; none if there is no log yet."""

    def begin(self, base: bytes) -> None:
        """Make a log that begins with this base."""

    def open(self) -> Appender:
        """Go on at the end of the last file."""

    def start_rewrite(self) -> Appender:
        """From now on commands are written to what this returns."""

    def finish_rewrite(self, base: bytes) -> None:
        """The base for what was written since `start_rewrite` is here; what came before is not needed any more."""

    def tidy(self) -> None:
        """Remove what a process that was killed has left; for who has read the log and nothing is going on."""


def parts_of(folder: Path) -> list[Part]:
    """What the one manifest of a folder lists.  Raises ValueError if there is not exactly one, or it cannot be read."""
    manifests = sorted(folder.glob("*.manifest"))
    if len(manifests) != 1:
        raise ValueError(f"{folder}: a folder with one manifest is wanted, not with {len(manifests)}")
    return _read_manifest(manifests[0])


def _read_manifest(manifest: Path) -> list[Part]:
    parts = []
    for number, line in enumerate(manifest.read_text().splitlines(), 1):
        if line.startswith("#"):
            continue
        words = dict(list(pairwise(line.split()))[::2])
        name, sequence, kind = words.get("file", ""), words.get("seq", ""), words.get("type", "")
        if not sequence.isdigit() or kind not in ("b", "i", "h") or not name or Path(name).name != name:
            raise ValueError(f"{manifest}: line {number} cannot be understood")
        parts.append(Part(manifest.parent / name, int(sequence), kind))
    return parts


class MultiPart:
    """The log of Redis 7 and later, and of Valkey."""

    def __init__(self, folder: Path, name: str, rdb_base: bool) -> None:
        self.folder = folder
        self.name = name
        self.rdb_base = rdb_base
        self.manifest = folder / f"{name}.manifest"
        self._parts: list[Part] = []

    def parts(self) -> list[Path]:
        if not self.manifest.exists():
            return []
        self._parts = _read_manifest(self.manifest)
        return [part.path for kind in "bi" for part in self._parts if part.kind == kind]

    def begin(self, base: bytes) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        old = self._leftovers()
        self._parts = old
        self._parts = [self._new_base(base), self._next_increment()]
        self._write_manifest()
        _unlink(old)

    def tidy(self) -> None:
        listed = {part.path for part in self._parts}
        temporaries = [Part(path, 0, "") for path in self.folder.glob("temp-*-*")]
        _unlink([part for part in self._leftovers() if part.path not in listed] + temporaries)

    def _leftovers(self) -> list[Part]:
        """Files of a log that has ended; the names of the next one are others, for a file that is there already is gone on with."""
        parts = []
        for path in self.folder.glob("*.*.*.*"):
            match = re.fullmatch(re.escape(self.name) + r"\.(\d+)\.(base|incr)\.(aof|rdb)", path.name)
            if match is not None:
                parts.append(Part(path, int(match[1]), match[2][0]))
        return parts

    def open(self) -> Appender:
        increments = [part for part in self._parts if part.kind == "i"]
        if not increments:
            increments = [self._next_increment()]
            self._parts += increments
            self._write_manifest()
        return Appender(increments[-1].path)

    def start_rewrite(self) -> Appender:
        parts = self._parts
        self._parts = [*parts, self._next_increment()]
        try:
            self._write_manifest()
            return self.open()
        except OSError:
            self._parts = parts
            raise

    def finish_rewrite(self, base: bytes) -> None:
        last = [part for part in self._parts if part.kind == "i"][-1]
        old = [part for part in self._parts if part is not last]
        self._parts = [self._new_base(base), last]
        self._write_manifest()
        _unlink(old)

    def _next_increment(self) -> Part:
        """It is there before the manifest lists it: no server begins if a listed one is missing."""
        number = max((part.number for part in self._parts if part.kind == "i"), default=0) + 1
        path = self.folder / f"{self.name}.{number}.incr.aof"
        Appender(path).close()
        return Part(path, number, "i")

    def _new_base(self, base: bytes) -> Part:
        number = max((part.number for part in self._parts if part.kind == "b"), default=0) + 1
        path = self.folder / f"{self.name}.{number}.base.{'rdb' if self.rdb_base else 'aof'}"
        replace_file(path, base)
        return Part(path, number, "b")

    def _write_manifest(self) -> None:
        lines = [f"file {part.path.name} seq {part.number} type {part.kind}\n" for part in self._parts]
        replace_file(self.manifest, "".join(lines).encode())


def _unlink(parts: list[Part]) -> None:
    for part in parts:
        with contextlib.suppress(OSError):
            part.path.unlink()


class SingleFile:
    """The log of Redis 6."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._old_size = 0

    def parts(self) -> list[Path]:
        return [self.path] if self.path.exists() else []

    def begin(self, base: bytes) -> None:
        replace_file(self.path, base)

    def open(self) -> Appender:
        return Appender(self.path)

    def tidy(self) -> None:
        """Its folder is not its own."""

    def start_rewrite(self) -> Appender:
        self._old_size = self.path.stat().st_size
        return self.open()

    def finish_rewrite(self, base: bytes) -> None:
        with self.path.open("rb") as file:
            file.seek(self._old_size)
            replace_file(self.path, base + file.read())

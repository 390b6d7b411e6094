"""What is in the files of a database, good and bad: `verify` reads all of it, `salvage` saves what can be read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from redouble.dbm import log, semidbm, system
from redouble.dbm.errors import DBMDamageError, DBMError
from redouble.dbm.log import FIRST, entry_of
from redouble.dbm.record import OVERHEAD, Record, scan
from redouble.dbm.snapshot import Damaged, Snapshot
from redouble.dbm.writer import WritableDatabase

__all__ = ["Finding", "Report", "salvage", "verify"]

Progress = Callable[[int, int], object]
"""Called with how many bytes are done, and how many there are."""


class Finding(NamedTuple):
    path: str
    offset: int
    length: int
    """Bytes that are no record; 0 if it cannot be said."""
    reason: str
    damage: bool
    """False: what a kill or a power failure may leave, and nothing is lost that was promised to be there."""

    def __str__(self) -> str:
        extent = f", {self.length} bytes" if self.length else ""
        return f"{self.path}, byte {self.offset}{extent}: {self.reason}"


@dataclass
class Report:
    """What was found."""

    segments: int = 0
    records: int = 0
    keys: int = 0
    size: int = 0
    """Bytes of all segments."""
    live: int = 0
    """Bytes of the records that the keys stand for."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def damaged(self) -> bool:
        return any(finding.damage for finding in self.findings)

    def add(self, path: str, offset: int, reason: str, *, length: int = 0, damage: bool = True) -> None:
        self.findings.append(Finding(path, offset, length, reason, damage))


def _nothing(done: int, total: int) -> None:
    pass


class _Part(NamedTuple):
    """A stretch of a segment: records, or else bytes that are none."""

    start: int
    end: int
    records: list[Record]


def _parts(data: bytes, base: int) -> Iterator[_Part]:
    """The whole of `data`: after what is no record it goes on with the next byte at which one begins."""
    at = 0
    while at < len(data):
        found = list(scan(data, at, base))
        if found:
            yield _Part(base + at, found[-1].end, found)
            at = found[-1].end - base
            continue
        start, at = at, at + 1
        while at < len(data) and next(scan(data, at, base), None) is None:
            at += 1
            if not data[at : at + OVERHEAD].strip(b"\0"):  # no record begins in zeros: go where they end
                at = len(data) - len(data[at:].lstrip(b"\0"))
        yield _Part(base + start, base + at, [])


class _Walk:
    """One segment after the other, with what is wrong in them noted in the report."""

    def __init__(self, folder: str, report: Report, progress: Progress, *, everything: bool) -> None:
        self._folder, self._report, self._progress = folder, report, progress
        self._everything = everything
        """Whether to go on where the log ends, if there is more that can be read."""
        self._ended = False
        self.index: dict[bytes, tuple[int, Record]] = {}
        self.ends: dict[int, int] = {}
        self._headers: dict[int, log.Header] = {}

    def segments(self, numbers: list[int]) -> Iterator[tuple[int, list[Record]]]:
        """What counts of each segment, in the order of the log."""
        paths = {number: log.segment_path(self._folder, number) for number in numbers}
        sizes = {number: os.path.getsize(path) for number, path in paths.items()}
        total, done = sum(sizes.values()), 0
        for number in numbers:
            self._read_header(number)
        for place, number in enumerate(numbers):
            self._progress(done, total)
            later = numbers[place + 1 :]
            yield number, self._segment(number, later)
            done += sizes[number]
            if self._ended and not self._everything:
                break
        self._report.segments, self._report.size = len(numbers), total
        self._progress(total, total)

    def _read_header(self, number: int) -> None:
        path = log.segment_path(self._folder, number)
        fd = system.open_file(path)
        try:
            self._headers[number] = header = log.read_header(fd, path, number)
            if header.damaged_slots:
                self._report.add(path, FIRST - 16, "one of two places that say how far it is synced is damaged")
        except DBMDamageError as error:
            self._report.add(error.path, error.offset, error.reason)
        finally:
            os.close(fd)

    def _certain(self, number: int, later: list[int]) -> int:
        """Until where the segment was synced."""
        header = self._headers.get(number)
        certain = header.synced if header else FIRST
        following = self._headers.get(later[0]) if later else None
        if (
            following
            and following.previous == number
            and any(other in self._headers and self._headers[other].synced > FIRST for other in later)
        ):
            certain = max(certain, following.previous_end)
        return certain

    def _segment(self, number: int, later: list[int]) -> list[Record]:
        path = log.segment_path(self._folder, number)
        with open(path, "rb") as file:
            data = file.read()[FIRST:]
        certain = self._certain(number, later)
        report, good, batch, end = self._report, list[Record](), list[Record](), FIRST
        damaged = False
        for part in _parts(data, FIRST):
            if not part.records:
                rest = data[part.start - FIRST :]
                if rest.count(0) == len(rest):  # free space
                    break
                if part.start < certain:
                    damaged = True
                    report.add(path, part.start, "no record begins here", length=part.end - part.start)
                else:
                    # As opening does it: whatever follows was not promised to be there.
                    self._ended = True
                    report.add(path, part.start, "an append that was not finished", length=len(rest), damage=False)
                    if not self._everything:
                        break
                continue
            for record in part.records:
                report.records += 1
                end = record.end
                if record.commits:
                    good += batch
                    batch = []
                elif record.in_batch:
                    batch.append(record)
                else:
                    self._unfinished(path, batch, certain)
                    batch = []
                    good.append(record)
        self._unfinished(path, batch, certain)
        if end < certain and not damaged:
            report.add(path, end, f"the segment ends here, but it was synced until byte {certain}")
        elif end >= certain and self._ends_short(number, later, end):
            self._ended = True
            report.add(path, end, "the segment ends here, but the next one says that it is longer", damage=False)
        self.ends[number] = end
        return good

    def _ends_short(self, number: int, later: list[int], end: int) -> bool:
        following = self._headers.get(later[0]) if later else None
        return following is not None and following.previous == number and end < following.previous_end

    def _unfinished(self, path: str, batch: list[Record], certain: int) -> None:
        if batch:
            start, end = batch[0].offset, batch[-1].end
            reason = "a batch whose end is missing"
            self._report.add(path, start, reason, length=end - start, damage=start < certain)

    def apply(self, number: int, records: list[Record]) -> None:
        for record in records:
            if record.value is None:
                self.index.pop(record.key, None)
            else:
                self.index[record.key] = number, record._replace(value=b"")


def _numbers(folder: str, report: Report) -> list[int]:
    """The segments that count; all that there are, if nothing says which."""
    try:
        manifest = log.read_manifest(folder)
        if manifest is None:
            raise DBMDamageError(log.manifest_path(folder), 0, "the manifest is missing")
    except DBMDamageError as error:
        report.add(error.path, error.offset, error.reason)
        return sorted(system.numbers(folder, "log"))
    present = sorted(system.numbers(folder, "log"))
    for number in manifest.segments:
        if number not in present:
            report.add(log.segment_path(folder, number), 0, "this segment is missing")
    last, numbers = manifest.segments[-1], [number for number in present if number in manifest.segments]
    later = [number for number in present if number > last]
    if later and later[-1] - last != len(later):
        report.add(log.segment_path(folder, last), 0, "between this segment and the last one some are missing")
    return numbers + later


def verify(path: str | os.PathLike[str], progress: Progress = _nothing) -> Report:
    """Read every byte of a database that nobody writes to, and say what is wrong.  Raises DBMError if there is none."""
    folder = os.fspath(path)
    report = Report()
    if semidbm.is_semidbm(folder):
        _verify_semidbm(folder, report)
        return report
    _must_be_there(folder)
    numbers = _numbers(folder, report)
    walk = _Walk(folder, report, progress, everything=False)
    for number, records in walk.segments(numbers):
        walk.apply(number, records)
    report.keys = len(walk.index)
    report.live = sum(record.end - record.offset for _, record in walk.index.values())
    _verify_snapshot(folder, walk, report, numbers)
    return report


def _must_be_there(folder: str) -> None:
    if not os.path.isdir(folder) or not (
        os.path.exists(log.manifest_path(folder)) or any(system.numbers(folder, "log"))
    ):
        raise DBMError(f"{folder}: there is no database")


def _verify_snapshot(folder: str, walk: _Walk, report: Report, numbers: list[int]) -> None:
    path = log.index_path(folder)
    try:
        with contextlib.closing(Snapshot(folder)) as snapshot:
            index = snapshot.load()
            wrong = [key for key in index if key in walk.index and snapshot.find(key) != index[key]]
    except FileNotFoundError:
        return
    except Damaged:
        report.add(path, 0, "the index is damaged; the log has all that it says")
        return
    number, offset = snapshot.position
    manifest = None
    with contextlib.suppress(DBMError):
        manifest = log.read_manifest(folder)
    if manifest is None or manifest.generation != snapshot.generation or number not in numbers:
        return
    if walk.ends[number] < offset:
        report.add(log.segment_path(folder, number), walk.ends[number], f"the index knows records until byte {offset}")
    elif (number, offset) == (numbers[-1], walk.ends.get(numbers[-1])) and not report.damaged:
        real = {
            key: entry_of(at, record.offset, record.end - record.offset) for key, (at, record) in walk.index.items()
        }
        wrong += [key for key in {*real, *index} if real.get(key) != index.get(key)]
    if wrong:
        report.add(path, 0, f"the index is wrong about {len(wrong)} keys")


def _verify_semidbm(folder: str, report: Report) -> None:
    path, end = semidbm.data_path(folder), semidbm.HEADER
    report.segments, report.size = 1, os.path.getsize(path)
    index: dict[bytes, int] = {}
    try:
        for at, end, key, value, _, _ in semidbm.semidbm_records(folder):
            report.records += 1
            if value is None:
                index.pop(key, None)
            else:
                index[key] = end - at
    except DBMDamageError as error:
        report.add(error.path, error.offset, error.reason)
    else:
        if end < report.size:
            report.add(path, end, "an append that was not finished", length=report.size - end, damage=False)
    report.keys, report.live = len(index), sum(index.values())


def salvage(
    source: str | os.PathLike[str], target: str | os.PathLike[str], progress: Progress = _nothing, mode: int = 0o666
) -> Report:
    """Write what can be read of a damaged database into a new one, and say what was wrong.

    The source is not touched.  Where a record is lost an older one of its key may come back: look at the findings.
    Raises DBMError if there is nothing, or the target exists.
    """
    folder, new = os.fspath(source), os.fspath(target)
    report = Report()
    foreign = semidbm.is_semidbm(folder)
    if not foreign:
        _must_be_there(folder)
    try:
        os.mkdir(new, mode | (mode & 0o444) >> 2)
    except FileExistsError:
        raise DBMError(f"{new}: exists already") from None
    with WritableDatabase(new, mode, buffer=0, mapped=True, synced=False, make=True, fresh=True) as database:
        if foreign:
            found: Iterator[tuple[int, list[Record]]] = iter([(0, semidbm.salvaged(folder, report.add))])
        else:
            found = _Walk(folder, report, progress, everything=True).segments(_numbers(folder, report))
        for _, records in found:
            for record in records:
                if record.value is not None:
                    database[record.key] = record.value
                elif record.key in database:
                    del database[record.key]
        report.keys = len(database)
    return report

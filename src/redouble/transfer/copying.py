"""Copying key by key: DUMP here, RESTORE there, and a translation where the two do not understand each other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from redouble.core.digest import digest_of_value
from redouble.dialects import Dialect, dialect_for, modules_of
from redouble.persistence.errors import BadPayload, Unsupported
from redouble.persistence.values import dump_value, load_value
from redouble.transfer.places import Dumped, Place, all_keys
from redouble.types.limits import Limits
from redouble.types.module_value import ModuleValue
from redouble.types.set import Set

__all__ = ["Copy", "Filter", "Progress"]

PORTION = 500
"""Keys that travel together."""
FIELDS_EXPIRE = frozenset((22, 24, 25))
"""Types of RDB files that know times to live of fields."""
TOLERANCE_MS = 2000
"""How much two times to live may differ and be the same: two clocks, and the time between two questions."""


@dataclass(frozen=True)
class Filter:
    """Which keys are copied."""

    pattern: str | None = None
    kind: str | None = None
    databases: tuple[int, ...] = ()
    """None named: all."""

    def of(self, source: Place) -> list[int]:
        return [db for db in source.databases() if not self.databases or db in self.databases]


@dataclass
class Progress:
    """How far a copy has come; as a file, where it goes on."""

    source: str
    target: str
    db: int = -1
    cursor: str = ""
    copied: int = 0
    skipped: int = 0
    """That were there already, and were not to be replaced."""
    failed: list[tuple[int, str, str]] = field(default_factory=list)
    """Database, key and reason."""

    @classmethod
    def load(cls, path: Path, source: str, target: str) -> Progress:
        """What the file says of the same copy, else a beginning."""
        try:
            found = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls(source, target)
        return found if (found.source, found.target) == (source, target) else cls(source, target)

    def save(self, path: Path) -> None:
        temporary = path.with_name(f"{path.name}.new")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        os.replace(temporary, path)


class Copy:
    """One copy of a source to a target, which may be begun again where it was left."""

    def __init__(self, source: Place, target: Place, filter: Filter, progress: Progress, *, replace: bool) -> None:
        self.source = source
        self.target = target
        self.filter = filter
        self.progress = progress
        self.replace = replace

    def total(self) -> int:
        """About how many keys there are to look at."""
        return sum(self.source.size(db) for db in self.filter.of(self.source))

    def run(self, told: Callable[[int], None], state: Path | None = None) -> None:
        """Copy everything; `told` hears how many more keys are done, and `state` is written after each portion."""
        progress = self.progress
        for db in self.filter.of(self.source):
            if db < progress.db:
                continue
            if db > progress.db:
                progress.db, progress.cursor = db, ""
            while progress.db == db:
                cursor, keys = self.source.scan(db, progress.cursor, self.filter.pattern, self.filter.kind, PORTION)
                self._copy(db, keys)
                told(len(keys))
                progress.cursor = cursor
                if not cursor:
                    progress.db = db + 1
                if state is not None:
                    progress.save(state)

    def _copy(self, db: int, keys: list[bytes]) -> None:
        values = self.source.read(db, keys)
        errors = self.target.write(db, values, self.replace)
        again = [value for value, error in zip(values, errors) if error is not None and _not_understood(error)]
        if again:
            translated = {value.key: self._translated(value) for value in again}
            sent = [value for value in translated.values() if isinstance(value, Dumped)]
            outcomes = dict(zip((value.key for value in sent), self.target.write(db, sent, self.replace)))
            outcomes |= {key: value for key, value in translated.items() if isinstance(value, str)}
            errors = [outcomes.get(value.key, error) for value, error in zip(values, errors)]
        for value, error in zip(values, errors):
            if error is None:
                self.progress.copied += 1
            elif "BUSYKEY" in error or "already exists" in error:
                self.progress.skipped += 1
            else:
                self.progress.failed.append((db, value.key.decode(errors="replace"), error))

    def _translated(self, value: Dumped) -> Dumped | str:
        """The value as the target writes it; a text: why it cannot be."""
        try:
            loaded = _loaded(value.payload, self.source.dialect)
            if isinstance(loaded, ModuleValue):
                return "the target has no values of this module"
            if getattr(loaded, "expiries", None) and not FIELDS_EXPIRE & self.target.dialect.rdb_types:
                return "the target has no times to live of fields"
            if type(loaded) is Set:  # it keeps its encoding, which the target may not know
                loaded = _rebuilt(loaded, Limits.of_redis(self.target.dialect.redis_version))
            return value._replace(payload=dump_value(loaded, self.target.dialect))
        except (BadPayload, Unsupported) as error:
            return str(error)

    def differences(self, told: Callable[[int], None]) -> Iterator[tuple[int, bytes, str]]:
        """Look at every key of the source once more: database, key, and in what the target differs."""
        for db in self.filter.of(self.source):
            for keys in all_keys(self.source, db, self.filter.pattern, self.filter.kind, PORTION):
                mine = self.source.read(db, keys)
                theirs = {value.key: value for value in self.target.read(db, [value.key for value in mine])}
                for value in mine:
                    difference = self._difference(value, theirs.get(value.key))
                    if difference is not None:
                        yield db, value.key, difference
                told(len(keys))

    def _difference(self, mine: Dumped, theirs: Dumped | None) -> str | None:
        if theirs is None:
            return "is not there"
        if bool(mine.expires_at) != bool(theirs.expires_at) or abs(mine.expires_at - theirs.expires_at) > TOLERANCE_MS:
            return "goes at another time"
        if mine.payload == theirs.payload:
            return None
        one, other = _facts(mine.payload, self.source.dialect), _facts(theirs.payload, self.target.dialect)
        return None if one == other else "has another value"


def _not_understood(error: str) -> bool:
    return "DUMP payload version" in error or "Bad data format" in error


def _loaded(payload: bytes, dialect: type[Dialect]) -> object:
    return load_value(payload, dialect, Limits.of_redis(dialect.redis_version), modules_of(dialect, None))


def _rebuilt(old: Set, limits: Limits) -> Set:
    new = Set(limits)
    for member in old:
        new.add(member)
    return new


def _facts(payload: bytes, dialect: type[Dialect]) -> object:
    """What two payloads of the same value have in common, whoever wrote them."""
    value = _loaded(payload, dialect)
    if isinstance(value, ModuleValue):
        return payload[:-10]
    return digest_of_value(value, False, dialect_for("redis", "8.6")), sorted(
        dict(getattr(value, "expiries", {})).items()
    )

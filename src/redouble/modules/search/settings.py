"""FT.CONFIG: the settings of the module, which hold for all indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from redouble.core.errors import CommandError
from redouble.modules.search.arguments import (
    EXPECTED_ARGUMENT,
    NOT_CONVERTED,
    OUT_OF_BOUNDS,
    Arguments,
)

__all__ = ["SETTINGS", "Setting", "Settings"]


@dataclass(frozen=True)
class Setting:
    """One of them.  The kind is that of its default: an integer, a bool or a text; None: a path."""

    name: bytes
    default: int | bool | bytes | None
    meaning: bytes
    least: int | None = None
    """None: it cannot be changed while the server runs, unless it is a bool or a text that `changes`."""
    changes: bool = False
    unlimited: bool = False
    """A negative number means that there is no limit."""
    same_as: bytes = b""
    """Another name of this one."""


def _table() -> dict[bytes, Setting]:
    one = Setting
    settings = (
        one(b"EXTLOAD", None, b"The extension that was loaded at the start"),
        one(b"NOGC", False, b"Whether garbage stays"),
        one(b"MINPREFIX", 2, b"The shortest prefix that a query may say", 1),
        one(b"MINSTEMLEN", 4, b"The shortest word that has a stem", 2),
        one(b"FORKGC_SLEEP_BEFORE_EXIT", 0, b"How long a collector waits before it ends, for tests", 0),
        one(b"MAXDOCTABLESIZE", 1_000_000, b"The most slots for documents"),
        # the two that follow as the configuration of Redis Stack has them
        one(b"MAXSEARCHRESULTS", 10_000, b"The most results of FT.SEARCH", -1 << 63, unlimited=True),
        one(b"MAXAGGREGATERESULTS", 10_000, b"The most results of FT.AGGREGATE", -1 << 63, unlimited=True),
        one(b"MAXEXPANSIONS", 200, b"The most terms that a prefix stands for", 1),
        one(b"MAXPREFIXEXPANSIONS", 200, b"The most terms that a prefix stands for", 1, same_as=b"MAXEXPANSIONS"),
        one(b"TIMEOUT", 500, b"The milliseconds that a query may take", 0),
        one(b"FRISOINI", None, b"The dictionary for Chinese texts"),
        one(b"ON_TIMEOUT", b"return", b"What a query does that takes too long: RETURN or FAIL", changes=True),
        one(b"GCSCANSIZE", 100, b"How many documents a collector looks at in one step", 1),
        one(b"MIN_PHONETIC_TERM_LEN", 3, b"The shortest word that is compared by its sound", 1),
        one(b"GC_POLICY", b"fork", b"How garbage is collected"),
        one(b"FORK_GC_RUN_INTERVAL", 30, b"The seconds between two collections", 1),
        one(b"FORK_GC_CLEAN_THRESHOLD", 100, b"How many documents must be gone for a collection", 0),
        one(b"FORK_GC_RETRY_INTERVAL", 5, b"The seconds after which a collection that failed is tried again", 1),
        one(b"FORK_GC_CLEAN_NUMERIC_EMPTY_NODES", True, b"Whether empty ranges of numbers are collected"),
        one(
            b"_FORK_GC_CLEAN_NUMERIC_EMPTY_NODES", True, b"Whether empty ranges of numbers are collected", changes=True
        ),
        one(b"UNION_ITERATOR_HEAP", 20, b"From how many terms on a union keeps them in a heap", 1),
        one(b"CURSOR_MAX_IDLE", 300_000, b"The milliseconds that a cursor may wait to be read", 1),
        one(b"NO_MEM_POOLS", False, b"Whether memory is asked of the system each time"),
        one(b"PARTIAL_INDEXED_DOCS", False, b"Whether changes of other fields are left alone"),
        one(b"UPGRADE_INDEX", b"Upgrade config for upgrading", b"How indexes of version 1 are loaded"),
        one(b"_NUMERIC_COMPRESS", False, b"Whether numbers are rounded to save memory", changes=True),
        one(b"_FREE_RESOURCE_ON_THREAD", True, b"Whether a thread of its own frees an index", changes=True),
        one(b"_PRINT_PROFILE_CLOCK", True, b"Whether FT.PROFILE tells times", changes=True),
        one(b"RAW_DOCID_ENCODING", False, b"Whether numbers of documents are not compressed"),
        one(b"_NUMERIC_RANGES_PARENTS", 0, b"How many levels above a range keep its numbers", 0),
        one(b"DEFAULT_DIALECT", 1, b"The dialect of queries that name none", 1),
        one(b"VSS_MAX_RESIZE", 0, b"The bytes by which an index of vectors grows at most", 0),
        one(b"MULTI_TEXT_SLOP", 100, b"How far apart the texts of an array are"),
        one(b"BG_INDEX_SLEEP_GAP", 100, b"How many keys are scanned between two breaks"),
        one(b"_PRIORITIZE_INTERSECT_UNION_CHILDREN", False, b"Whether unions are looked at last", changes=True),
    )
    return {setting.name: setting for setting in settings}


SETTINGS: Final = _table()
FIXED: Final = "Not modifiable at runtime"
MOST_DIALECT: Final = 4


class Settings:
    """Their values in one server."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[bytes, int | bool | bytes] = {}

    def __getitem__(self, name: bytes) -> int:
        """The value of one that is an integer or a bool."""
        value = self._value(SETTINGS[name])
        assert isinstance(value, int)
        return value

    def _value(self, setting: Setting) -> int | bool | bytes | None:
        return self._values.get(setting.same_as or setting.name, setting.default)

    def shown(self, setting: Setting) -> bytes | None:
        """As FT.CONFIG GET tells it."""
        value = self._value(setting)
        if value is None or isinstance(value, bytes):
            return value
        if isinstance(value, bool):
            return b"true" if value else b"false"
        return b"unlimited" if setting.unlimited and value < 0 else b"%d" % value

    def fails_late(self) -> bool:
        """Whether a query that takes too long is an error (ON_TIMEOUT)."""
        return self._value(SETTINGS[b"ON_TIMEOUT"]) == b"fail"

    def set(self, setting: Setting, words: Arguments) -> None:
        """Raises CommandError."""
        default = setting.default
        if setting.name == b"FORK_GC_CLEAN_NUMERIC_EMPTY_NODES":
            return  # what it is given is too much for it
        if default is None or not (setting.changes or setting.least is not None):
            raise CommandError(FIXED)
        if not words:
            raise CommandError(EXPECTED_ARGUMENT)
        word = words.next()
        value: int | bool | bytes
        if isinstance(default, bytes):
            value = word.lower()
            if value not in (b"return", b"fail"):
                raise CommandError("Invalid ON_TIMEOUT value")
        elif isinstance(default, bool):
            if word.lower() not in (b"true", b"false"):
                raise CommandError(NOT_CONVERTED)
            value = word.lower() == b"true"
        else:
            number = Arguments.number_of(word)
            if number is None or not number.is_integer():
                raise CommandError(NOT_CONVERTED)
            value = int(number)
            assert setting.least is not None
            if setting.name == b"MINSTEMLEN" and value < setting.least:
                raise CommandError("Minimum stem length cannot be lower than 2")
            if value < setting.least:
                raise CommandError(OUT_OF_BOUNDS)
            if setting.name == b"DEFAULT_DIALECT" and value > MOST_DIALECT:
                raise CommandError(f"Default dialect version cannot be higher than {MOST_DIALECT}")
        self._values[setting.same_as or setting.name] = value

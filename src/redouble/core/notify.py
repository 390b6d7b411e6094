"""Classes of keyspace events, as `notify-keyspace-events` names them; `Database.modified` passes one along."""

from __future__ import annotations

from typing import Final

__all__ = [
    "EVICTED",
    "EXPIRED",
    "GENERIC",
    "HASH",
    "KEY_MISS",
    "LIST",
    "MODULE",
    "NEW",
    "OVERWRITTEN",
    "SET",
    "STREAM",
    "STRING",
    "TYPE_CHANGED",
    "ZSET",
    "EventClasses",
]

KEYSPACE: Final = 1 << 0  # K
KEYEVENT: Final = 1 << 1  # E

GENERIC: Final = 1 << 2  # g
STRING: Final = 1 << 3  # $
LIST: Final = 1 << 4  # l
SET: Final = 1 << 5  # s
HASH: Final = 1 << 6  # h
ZSET: Final = 1 << 7  # z
EXPIRED: Final = 1 << 8  # x
EVICTED: Final = 1 << 9  # e
STREAM: Final = 1 << 10  # t
KEY_MISS: Final = 1 << 11  # m
MODULE: Final = 1 << 13  # d
NEW: Final = 1 << 14  # n
OVERWRITTEN: Final = 1 << 15  # o
TYPE_CHANGED: Final = 1 << 16  # c
ALL: Final = GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE  # A

_LETTERS: Final = {
    "g": GENERIC,
    "$": STRING,
    "l": LIST,
    "s": SET,
    "h": HASH,
    "z": ZSET,
    "x": EXPIRED,
    "e": EVICTED,
    "t": STREAM,
    "d": MODULE,
    "n": NEW,
    "o": OVERWRITTEN,
    "c": TYPE_CHANGED,
    "K": KEYSPACE,
    "E": KEYEVENT,
    "m": KEY_MISS,
    "A": ALL,
}


def flags_of(letters: bytes) -> int:
    """The classes that `notify-keyspace-events` names; the letters must be known ones."""
    flags = 0
    for letter in letters.decode("latin-1"):
        flags |= _LETTERS[letter]
    return flags


class EventClasses(bytes):
    """The letters as CONFIG GET prints them, and the classes that were asked for, which they do not always tell."""

    flags: int

    @classmethod
    def of(cls, letters: bytes) -> EventClasses:
        """What CONFIG SET makes of `letters`, which must be known ones."""
        flags = flags_of(letters)
        classes = cls(letters_of(flags))
        classes.flags = flags
        return classes


def letters_of(flags: int) -> bytes:
    """How CONFIG GET prints them: beside A only K, E and m are named."""
    kinds = "A" if flags & ALL == ALL else "".join(letter for letter in "g$lshzxetdnoc" if flags & _LETTERS[letter])
    return (kinds + "".join(letter for letter in "KEm" if flags & _LETTERS[letter])).encode()

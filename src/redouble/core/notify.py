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
    "SET",
    "STREAM",
    "STRING",
    "ZSET",
]

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

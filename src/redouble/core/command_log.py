"""SLOWLOG and Valkey's COMMANDLOG: the commands that took long, or were large, or whose replies were."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from redouble.resp.reply import Reply

__all__ = ["CommandLog"]

MOST_ARGUMENTS: Final = 32
"""So many are kept of a command; of more, one less and a remark."""
LONGEST_ARGUMENT: Final = 128
"""So many bytes are kept of an argument."""


@dataclass(frozen=True)
class Entry:
    """What is known of one command."""

    id: int
    at: int
    """Unix time in seconds."""
    amount: int
    """What made it remarkable: microseconds, or bytes."""
    argv: list[bytes]
    address: bytes
    name: bytes

    def describe(self) -> Reply:
        return [self.id, self.at, self.amount, self.argv, self.address, self.name]


class CommandLog:
    """One log, the newest entry first."""

    def __init__(self) -> None:
        self.least = -1
        """From how many microseconds or bytes on commands are kept; -1: none are."""
        self.longest = 0
        """How many entries are kept."""
        self.keeps_when_empty = True
        """Whether a log that may not have entries is emptied by the next one."""
        self._entries: deque[Entry] = deque()
        self._next_id = 0

    def __len__(self) -> int:
        return len(self._entries)

    def wants(self, amount: int) -> bool:
        return 0 <= self.least <= amount and (self.longest > 0 or not self.keeps_when_empty)

    def add(self, at: int, amount: int, argv: list[bytes], address: bytes, name: bytes) -> None:
        self._entries.appendleft(Entry(self._next_id, at, amount, _shortened(argv), address, name))
        self._next_id += 1
        self.trim()

    def trim(self) -> None:
        """Forget the oldest entries that are too many, unless nothing can be added just now."""
        if self.wants(max(self.least, 0)):
            while len(self._entries) > self.longest:
                self._entries.pop()

    def newest(self, count: int) -> Reply:
        """The last `count` entries; a negative number: all."""
        return [entry.describe() for entry, _ in zip(self._entries, range(count if count >= 0 else len(self)))]

    def clear(self) -> None:
        self._entries.clear()


def _shortened(argv: list[bytes]) -> list[bytes]:
    kept = argv if len(argv) <= MOST_ARGUMENTS else argv[: MOST_ARGUMENTS - 1]
    words = [
        word
        if len(word) <= LONGEST_ARGUMENT
        else b"%b... (%d more bytes)" % (word[:LONGEST_ARGUMENT], len(word) - LONGEST_ARGUMENT)
        for word in kept
    ]
    if len(kept) < len(argv):
        words.append(b"... (%d more arguments)" % (len(argv) - len(kept)))
    return words

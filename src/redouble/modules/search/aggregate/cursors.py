"""WITHCURSOR: aggregations that are read in parts."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from redouble.modules.search.aggregate.plan import Running

__all__ = ["Cursor", "Cursors"]


@dataclass
class Cursor:
    """One of them."""

    id: int
    aggregation: Any
    """What replies its rows."""
    running: Running
    count: int
    """How many rows are read at once."""
    most_idle_ms: int
    idle_since_ms: int = 0


class Cursors:
    """Those of a server."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.cursors: dict[int, Cursor] = {}

    def __len__(self) -> int:
        return len(self.cursors)

    def open(self, aggregation: Any, running: Running, count: int, most_idle_ms: int) -> Cursor:
        id = 0
        while not id or id in self.cursors:
            id = self.random.getrandbits(31)
        cursor = self.cursors[id] = Cursor(id, aggregation, running, count, most_idle_ms)
        return cursor

    def find(self, id: int, now_ms: int) -> Cursor | None:
        """None: it was read to its end, closed, or left alone for too long."""
        self.close_idle(now_ms)
        return self.cursors.get(id)

    def close(self, id: int) -> bool:
        return self.cursors.pop(id, None) is not None

    def close_idle(self, now_ms: int) -> int:
        """How many were left alone for too long."""
        idle = [id for id, cursor in self.cursors.items() if now_ms - cursor.idle_since_ms > cursor.most_idle_ms]
        for id in idle:
            del self.cursors[id]
        return len(idle)

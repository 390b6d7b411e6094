"""When a key was last used, and how often: what OBJECT IDLETIME, OBJECT FREQ and the eviction policies ask.

A database keeps such a table only once something needs it (`Database.track_accesses`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["Accesses"]

_MINUTE_MS = 60_000
_FIRST_COUNT = 5  # LFU_INIT_VAL: a new key is not evicted at once
_HIGHEST_COUNT = 255
_PER_MS = 1 << 20
"""Uses within one millisecond are told apart, so that the eviction policies know which came first."""


class Accesses:
    """The use of the keys of one database since `since_ms`."""

    __slots__ = ("_counts", "_last", "_times", "since_ms")

    def __init__(self, since_ms: int) -> None:
        self.since_ms = since_ms
        self._times: dict[bytes, int] = {}
        """In parts of a millisecond, of which there are `_PER_MS`."""
        self._last = 0
        self._counts: dict[bytes, int] = {}

    def begin(self, key: bytes, server: Server) -> None:
        """`key` gets a new value."""
        self._times[key] = self._now(server)
        if server.counts_accesses:
            self._counts[key] = _FIRST_COUNT

    def use(self, key: bytes, server: Server) -> None:
        """`key` is read or written."""
        if server.only_changes_are_uses:
            return
        if server.counts_accesses:
            self._counts[key] = self._one_more(self.count(key, server), server)
        self._times[key] = self._now(server)

    def change(self, key: bytes, server: Server) -> None:
        """`key` was changed, which is all that counts for the LRM policies."""
        self._times[key] = self._now(server)

    def _now(self, server: Server) -> int:
        now = server.now_ms()
        self._last = self._last + 1 if self._last // _PER_MS == now else now * _PER_MS
        return self._last

    def forget(self, key: bytes) -> None:
        self._times.pop(key, None)
        self._counts.pop(key, None)

    def set_idle(self, key: bytes, idle_ms: int, server: Server) -> None:
        """`key` was last used so long ago (RESTORE IDLETIME)."""
        self._times[key] = (server.now_ms() - idle_ms) * _PER_MS

    def set_count(self, key: bytes, count: int) -> None:
        """`key` has been used so often (RESTORE FREQ)."""
        self._counts[key] = count

    def idle_ms(self, key: bytes, server: Server) -> int:
        """How long `key` has not been used."""
        return max(server.now_ms() - self.last_use(key) // _PER_MS, 0)

    def last_use(self, key: bytes) -> int:
        """The later `key` was used, the higher."""
        return self._times.get(key, self.since_ms * _PER_MS)

    def count(self, key: bytes, server: Server) -> int:
        """The logarithmic counter of LFU: it decays by one every lfu-decay-time minutes (LFUDecrAndReturn)."""
        decay_time = server.config.number("lfu-decay-time")
        now, then = server.now_ms() // _MINUTE_MS, self.last_use(key) // _PER_MS // _MINUTE_MS
        periods = (now - then) // decay_time if decay_time else 0
        return max(self._counts.get(key, 0) - periods, 0)

    @staticmethod
    def _one_more(count: int, server: Server) -> int:
        """The higher the counter, the less likely it grows (LFULogIncr)."""
        if count >= _HIGHEST_COUNT:
            return count
        chance = 1 / (max(count - _FIRST_COUNT, 0) * server.config.number("lfu-log-factor") + 1)
        return count + (server.random.random() < chance)

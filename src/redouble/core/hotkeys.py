"""HOTKEYS: which keys took most of the time and of the bytes since somebody began to look."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from redouble.resp.reply import Reply

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["HotKeys"]


class HotKeys:
    """One session of HOTKEYS START, until it is stopped or its time is over."""

    def __init__(self, server: Server, *, cpu: bool, net: bool, most: int, seconds: int, ratio: int) -> None:
        self.cpu, self.net = cpu, net
        self.most = most
        self.ratio = ratio
        """Each command counts with a chance of one in so many."""
        self._random = server.random if ratio > 1 else None
        self._clock = server.clock
        self._began_ms = server.clock.time_ns() // 1_000_000
        self._began = server.clock.monotonic()
        self._ends = self._began + seconds if seconds else None
        self._lasted: float | None = None
        self._cpu_before = os.times()
        self._cpu_after: os.times_result | None = None
        self._microseconds: dict[bytes, int] = {}
        self._bytes: dict[bytes, int] = {}
        self._all_microseconds = self._all_bytes = 0

    @property
    def active(self) -> bool:
        """Whether commands count, which ends by itself when the time is over."""
        if self._lasted is None and self._ends is not None and self._clock.monotonic() >= self._ends:
            self._end(self._ends - self._began)
        return self._lasted is None

    def stop(self) -> None:
        self._end(self._clock.monotonic() - self._began)

    def _end(self, seconds: float) -> None:
        self._lasted = seconds
        self._cpu_after = os.times()

    def count(self, keys: list[bytes], microseconds: int, size: int) -> None:
        """A command with these keys took so long, and so many bytes with its reply; they share that evenly."""
        self._all_microseconds += microseconds
        self._all_bytes += size
        if self._random is not None and self._random.randrange(self.ratio):
            return
        for key in keys:
            if self.cpu:
                self._microseconds[key] = self._microseconds.get(key, 0) + microseconds // len(keys)
            if self.net:
                self._bytes[key] = self._bytes.get(key, 0) + size // len(keys)

    def describe(self) -> dict[bytes, Reply]:
        active = self.active
        lasted = self._clock.monotonic() - self._began if self._lasted is None else self._lasted
        found: dict[bytes, Reply] = {
            b"tracking-active": int(active),
            b"sample-ratio": self.ratio,
            b"selected-slots": [[0, 16383]],
            b"all-commands-all-slots-us": self._all_microseconds,
            b"net-bytes-all-commands-all-slots": self._all_bytes,
            b"collection-start-time-unix-ms": self._began_ms,
            b"collection-duration-ms": int(lasted * 1000),
        }
        if self.cpu:
            before, now = self._cpu_before, self._cpu_after or os.times()
            found[b"total-cpu-time-user-ms"] = int((now.user - before.user) * 1000)
            found[b"total-cpu-time-sys-ms"] = int((now.system - before.system) * 1000)
        if self.net:
            found[b"total-net-bytes"] = sum(self._bytes.values())
        if self.cpu:
            found[b"by-cpu-time-us"] = list(self._hottest(self._microseconds))
        if self.net:
            found[b"by-net-bytes"] = list(self._hottest(self._bytes))
        return found

    def _hottest(self, amounts: dict[bytes, int]) -> Iterable[Reply]:
        for key, amount in sorted(amounts.items(), key=lambda pair: -pair[1])[: self.most]:
            yield key
            yield amount

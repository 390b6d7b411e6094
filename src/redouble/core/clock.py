"""Time.  A server has one clock, and everything that it knows about time comes from it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep, time, time_ns
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """What a server asks of its clock."""

    def time(self) -> float:
        """Unix time in seconds."""
        ...

    def time_ns(self) -> int:
        """Unix time in nanoseconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards; timeouts are counted in them."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass before anything else happens (DEBUG SLEEP)."""
        ...

    def seconds_until(self, moment: float) -> float | None:
        """How long a driver may sleep until `monotonic()` reads `moment`; None: until it is woken, time does not pass by itself."""
        ...


class SystemClock:
    """The machine's own clocks."""

    time = staticmethod(time)
    time_ns = staticmethod(time_ns)
    monotonic = staticmethod(monotonic)
    sleep = staticmethod(sleep)

    def seconds_until(self, moment: float) -> float | None:
        return min(max(0.0, moment - monotonic()), LONGEST_SLEEP)


LONGEST_SLEEP = 86400.0
"""Seconds after which a driver looks at the clock again in any case: the far future is more than a system can wait for."""


class ManualClock:
    """A clock that stands still until `advance` moves it.

    Every server that runs on it is told, so that blocked clients time out and keys expire at the moment they are due.
    """

    def __init__(self, start: float | None = None) -> None:
        self._time_ns = time_ns() if start is None else round(start * 1e9)
        self._monotonic = 0.0
        self._listeners: list[Callable[[], None]] = []

    def time(self) -> float:
        return self._time_ns / 1e9

    def time_ns(self) -> int:
        return self._time_ns

    def monotonic(self) -> float:
        return self._monotonic

    def seconds_until(self, moment: float) -> float | None:
        return 0.0 if moment <= self._monotonic else None

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass (never backwards)."""
        if seconds < 0:
            raise ValueError("time does not run backwards; use set_time() to change the date")
        self._time_ns += round(seconds * 1e9)
        self._monotonic += seconds
        for listener in list(self._listeners):
            listener()

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def set_time(self, unix_time: float) -> None:
        """Change the date, as an administrator would: timeouts are not affected, expiry is."""
        self._time_ns = round(unix_time * 1e9)
        for listener in list(self._listeners):
            listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change of this clock."""
        self._listeners.append(listener)

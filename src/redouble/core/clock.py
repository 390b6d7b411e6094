"""Time.  A server has one clock, and everything that it knows about time comes from it.

Nobody moved it: Unix time is what Python's `time.time` says, so that freezegun and time-machine hold for expiry, too, and
`monotonic`, in which waits are counted, is the machine's whatever they do.  Whoever moves the clock moves both.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time as machine
import weakref
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from time import time, time_ns  # freezegun replaces these two
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from redouble.core.server import Server

__all__ = ["Clock", "ManualClock", "real_monotonic"]

real_monotonic: Callable[[], float]
"""Seconds that never go backwards.  Not `time.monotonic` itself, which freezegun replaces wherever it finds it."""
if sys.platform == "win32":
    real_monotonic = partial(getattr(sys.modules.get("freezegun.api"), "real_monotonic", machine.monotonic))
else:
    real_monotonic = partial(machine.clock_gettime, machine.CLOCK_MONOTONIC)

LONGEST_SLEEP = 86400.0
"""Seconds after which a driver looks at the clock again in any case: the far future is more than a system can wait for."""
AUTOJUMP_SILENCE = 0.005
"""Real seconds without a command after which a clock that jumps takes it that everybody waits."""
GRID = 2**20
"""A clock that stands still reads whole parts of this size of a second in `monotonic`: sums of them are exact, and a wait
of 0.1 s is over after `advance(0.1)`."""


class Clock:
    """The time of a server: the machine's, until somebody moves it.

    Blocked clients time out, keys expire and pauses end at the moment that the clock comes to it, whoever moved it and
    from whichever thread.  Several servers may share one clock.
    """

    jumps = False
    """Whether it goes to the next event by itself when everybody waits."""
    slept = 0.0
    """Seconds that passed in `sleep` while it stood still."""

    def __init__(self) -> None:
        self._servers: list[weakref.ref[Server]] = []
        self._hands: _Hands | None = None
        self._lock = threading.Lock()  # held for a moment, and never while a server's lock is waited for
        self._moves = 0
        self._activity: list[int] = []
        self._silence = self._silent_since = 0.0

    # What a server reads.

    def time(self) -> float:
        """Unix time in seconds."""
        return time()

    def time_ns(self) -> int:
        """Unix time in nanoseconds."""
        return time_ns()

    def monotonic(self) -> float:
        """Seconds that never go backwards; timeouts are counted in them."""
        return real_monotonic()

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass before anything else happens (DEBUG SLEEP)."""
        if self.frozen:
            self.advance(seconds)
            self.slept += seconds
        else:
            machine.sleep(seconds)

    # What a test does.

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._hands is not None and self._hands.frozen

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass (never backwards: ValueError).  What waits for a moment in between is served at that moment."""
        if not seconds >= 0:
            raise ValueError("time does not run backwards; set() changes the date")
        remaining = round(seconds * 1e9)
        while True:
            step = remaining
            for server in self._running():
                with server.lock:
                    turn = server.next_turn()
                if turn is not None and (left := turn - self.monotonic()) > 0:
                    step = min(step, math.ceil(left * 1e9))
            self._skip(step)
            if step == remaining:
                return
            remaining -= step

    def freeze(self, at: float | datetime | None = None, autojump: bool | float = False) -> None:
        """Stop the clock, at a Unix time in seconds or an aware datetime; without one, where it is.

        With `autojump` it goes to the moment that a blocked client waits for as soon as everybody waits: when no
        command came for 5 ms of real time, or for as many seconds as `autojump` says.
        """
        with self._changing() as hands:
            hands.time_ns = self.time_ns() if at is None else _nanoseconds(at)
            hands.monotonic = _on_grid(self.monotonic())
            hands.frozen = True
            self.jumps = autojump is not False
            self._silence = AUTOJUMP_SILENCE if isinstance(autojump, bool) else autojump

    def unfreeze(self) -> None:
        """Let time run on from where it stands."""
        with self._changing() as hands:
            if hands.frozen:
                hands.time_ns -= time_ns()
                hands.monotonic -= real_monotonic()
                hands.frozen = self.jumps = False

    def set(self, when: float | datetime) -> None:
        """Change the date (Unix seconds or an aware datetime), as an administrator would: expiry follows, timeouts do not."""
        with self._changing() as hands:
            hands.time_ns += _nanoseconds(when) - self.time_ns()

    # Who runs on it.

    def drive(self, server: Server) -> None:
        """`server` runs on this clock, and hears of each change."""
        self._servers = [*(reference for reference in self._servers if reference() is not None), weakref.ref(server)]

    def seconds_until(self, moment: float) -> float | None:
        """How long a driver may sleep until `monotonic()` reads `moment`; None: until it is woken, time does not pass by itself.

        Under the lock of the driver's server.
        """
        left = moment - self.monotonic()
        if not self.frozen:
            return min(max(0.0, left), LONGEST_SLEEP)
        if left <= 0:
            return 0.0
        if self.jumps:
            with self._at_rest() as servers:
                if servers is None or any(server.next_turn() is not None for server in servers):
                    return self._silence_left()
        return None

    def jump(self) -> None:
        """Go to the next moment that somebody waits for, if it has been silent for long enough; from `Server.tick`."""
        with self._at_rest() as servers:
            if servers is None or self._silence_left() > 0:
                return
            turns = [turn for server in servers if (turn := server.next_turn()) is not None]
            if turns:  # somebody waits; and who listens may act when a key expires
                turns += [event for server in servers if server.tells_of_expiry and (event := server.next_event())]
                self._skip(max(math.ceil((min(turns) - self.monotonic()) * 1e9), 0))

    def _running(self) -> list[Server]:
        return [server for reference in self._servers if (server := reference()) is not None]

    @contextlib.contextmanager
    def _at_rest(self) -> Iterator[list[Server] | None]:
        """The servers, none of which does anything meanwhile; None if one is at work just now, which ends the silence."""
        servers = self._running()
        with contextlib.ExitStack() as held:
            for server in servers:
                if not server.lock.acquire(blocking=False):
                    self._silent_since = real_monotonic()
                    yield None
                    return
                held.callback(server.lock.release)
            yield servers

    def _silence_left(self) -> float:
        """How many more seconds it must be silent before the clock jumps."""
        activity = [self._moves, *(server.commands_run for server in self._running())]
        now = real_monotonic()
        if activity != self._activity:
            self._activity, self._silent_since = activity, now
        return max(0.0, self._silent_since + self._silence - now)

    def _skip(self, nanoseconds: int) -> None:
        with self._changing() as hands:
            hands.time_ns += nanoseconds
            hands.monotonic += _on_grid(nanoseconds / 1e9)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Hands]:
        """The hands, to be moved; then the servers are told."""
        with self._lock:
            before_ms = self.time_ns() // 1_000_000
            hands = _Hands() if self._hands is None else self._hands.copy()
            yield hands
            self._hands = hands
            self.time, self.time_ns, self.monotonic = hands.read_time, hands.read_time_ns, hands.read_monotonic  # type: ignore[method-assign]
            self._moves += 1
        for server in self._running():
            server.clock_changed(before_ms)


class ManualClock(Clock):
    """A clock that stands still from the start: at `start`, a Unix time in seconds, or at the time of its making."""

    def __init__(self, start: float | None = None) -> None:
        super().__init__()
        with self._changing() as hands:
            hands.frozen, hands.time_ns = True, time_ns() if start is None else _nanoseconds(start)


class _Hands:
    """What a clock reads that was moved: two moments if it is frozen, else how far it is ahead of the machine."""

    __slots__ = ("frozen", "monotonic", "time_ns")

    def __init__(self, frozen: bool = False, time_ns: int = 0, monotonic: float = 0.0) -> None:
        self.frozen = frozen
        self.time_ns = time_ns
        self.monotonic = monotonic

    def copy(self) -> _Hands:
        return _Hands(self.frozen, self.time_ns, self.monotonic)

    def read_time_ns(self) -> int:
        return self.time_ns if self.frozen else time_ns() + self.time_ns

    def read_time(self) -> float:
        return self.read_time_ns() / 1e9

    def read_monotonic(self) -> float:
        return self.monotonic if self.frozen else real_monotonic() + self.monotonic


def _on_grid(seconds: float) -> float:
    return math.ceil(seconds * GRID) / GRID


def _nanoseconds(when: float | datetime) -> int:
    if isinstance(when, datetime):
        if when.utcoffset() is None:
            raise ValueError("a datetime must say its time zone; give an aware one, or Unix seconds")
        when = when.timestamp()
    return round(when * 1e9)

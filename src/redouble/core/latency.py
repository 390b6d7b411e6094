"""LATENCY: the spikes of each event, and how the times of each command are distributed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["Event", "Histogram"]

SAMPLES: Final = 160
"""So many are kept of an event."""


class Sample(NamedTuple):
    at: int
    """Unix time in seconds."""
    milliseconds: int


class Event:
    """The spikes of one event; of several within a second the longest is kept."""

    def __init__(self) -> None:
        self.samples: deque[Sample] = deque(maxlen=SAMPLES)
        self.longest = self.total = self.count = 0

    def add(self, at: int, milliseconds: int) -> None:
        self.longest = max(self.longest, milliseconds)
        self.total += milliseconds
        self.count += 1
        if self.samples and self.samples[-1].at == at:
            milliseconds = max(milliseconds, self.samples.pop().milliseconds)
        self.samples.append(Sample(at, milliseconds))

    def graph(self, name: str, now: int) -> str:
        """LATENCY GRAPH: each sample a column, and below it how long ago it was."""
        high = max(sample.milliseconds for sample in self.samples)
        low = min(sample.milliseconds for sample in self.samples)
        lines = [f"{name} - high {high} ms, low {low} ms (all time high {self.longest} ms)", "-" * COLUMNS]
        samples = list(self.samples)
        for start in range(0, len(samples), COLUMNS):
            if start:
                lines.append("")
            lines += _columns(samples[start : start + COLUMNS], low, high, now)
        return "\n".join(lines) + "\n"

    def summary(self) -> str:
        """One line about the spikes, for LATENCY DOCTOR."""
        values = [sample.milliseconds for sample in self.samples]
        average = sum(values) // len(values)
        deviation = sum(abs(value - average) for value in values) // len(values)
        seconds = (self.samples[-1].at - self.samples[0].at) / len(values)
        return (
            f"{len(values)} spikes, average {average} ms, mean deviation {deviation} ms, one in {seconds:.2f} s,"
            f" the longest ever {self.longest} ms"
        )


COLUMNS: Final = 80
ROWS: Final = 4
TIPS: Final = "_o#"
"""How the top of a column looks, from low to high; below it stand bars."""


def _columns(samples: list[Sample], low: int, high: int, now: int) -> Iterator[str]:
    steps = len(TIPS) * ROWS
    heights = [min((sample.milliseconds - low) * steps // max(high - low, 1), steps - 1) for sample in samples]
    for row in reversed(range(ROWS)):
        levels = [height - row * len(TIPS) for height in heights]
        yield "".join(" " if level < 0 else TIPS[level] if level < len(TIPS) else "|" for level in levels)
    labels = [_age(now - sample.at) for sample in samples]
    yield " " * len(samples)
    for row in range(max(map(len, labels))):
        yield "".join(label[row : row + 1] or " " for label in labels)


def _age(seconds: int) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


class Histogram:
    """How often a command took how long: nanoseconds with two digits, as HdrHistogram keeps them."""

    __slots__ = ("_counts", "count")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        """By the greatest number of nanoseconds that counts as the same."""
        self.count = 0

    def add(self, microseconds: int, times: int = 1) -> None:
        nanoseconds = min(max(microseconds * 1000, 1), LONGEST_TIME)
        like = nanoseconds | (1 << max(nanoseconds.bit_length() - DIGITS, 0)) - 1
        self._counts[like] = self._counts.get(like, 0) + times
        self.count += times

    def percentile(self, percent: float) -> float:
        """The microseconds within which so many percent of the calls were answered."""
        wanted, below = max(int(percent / 100 * self.count + 0.5), 1), 0
        for nanoseconds in sorted(self._counts):
            below += self._counts[nanoseconds]
            if below >= wanted:
                return nanoseconds / 1000
        return max(self._counts) / 1000

    def cumulative(self) -> dict[int, int]:
        """How many calls took at most 1, 2, 4, 8, 16, 33, 66 ... microseconds; where that grows."""
        found: dict[int, int] = {}
        total, power = 0, LEAST_POWER
        for nanoseconds, count in sorted(self._counts.items()):
            total += count
            while nanoseconds >= _end_of(power):
                power += 1
            found[(_end_of(power) - 1) // 1000] = total
        return found


LONGEST_TIME: Final = 1_000_000_000
DIGITS: Final = 8
"""Of a number so many binary digits are kept."""
LEAST_POWER: Final = 10


def _end_of(power: int) -> int:
    """Where the range of a histogram ends: at a power of two, and all that cannot be told from it belongs to it."""
    return (1 << power) + (1 << power - DIGITS + 1)

"""How everything here is timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

__all__ = ["interleaved", "ratio", "ratios"]


def interleaved(
    targets: Mapping[str, Callable[[], object]],
    *,
    calls: int,
    rounds: int = 9,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, list[float]]:
    """Seconds per call of each target in each round; the targets take turns, so that a slow moment hits them all."""
    seconds: dict[str, list[float]] = {name: [] for name in targets}
    for target in targets.values():
        target()
    for _ in range(rounds):
        for name, target in targets.items():
            start = clock()
            for _ in range(calls):
                target()
            seconds[name].append((clock() - start) / calls)
    return seconds


def ratio(first: list[float], second: list[float]) -> float:
    """The median of first / second, round by round."""
    return statistics.median(ratios(first, second))


def ratios(first: list[float], second: list[float]) -> list[float]:
    """first / second, round by round."""
    return [a / b for a, b in zip(first, second, strict=True)]

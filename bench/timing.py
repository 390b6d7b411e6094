"""How everything here is timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from bench.result import Result, compared

__all__ = ["REAL", "beside", "interleaved", "microseconds"]

REAL = "redis-8.6"
"""The real server of most comparisons, over TCP."""


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


def beside(
    table: str, operation: str, targets: Mapping[str, Callable[[], object]], calls: int, rounds: int, inside: int = 1
) -> Iterator[Result]:
    """redouble's CPU time beside fakeredis's and, if the real server is among the targets, the time of both beside its.

    `inside` is how often one call does the operation.
    """
    fakes = {name: targets[name] for name in ("redouble", "fakeredis")}
    cpu = microseconds(interleaved(fakes, calls=calls, rounds=rounds), inside)
    yield compared(table, operation, "us of CPU", *cpu.items())
    if REAL in targets:
        wall = microseconds(interleaved(targets, calls=calls, rounds=rounds, clock=time.perf_counter), inside)
        for fake in fakes:
            yield compared(table, operation, "us", (fake, wall[fake]), (REAL, wall[REAL]))


def microseconds(seconds: dict[str, list[float]], inside: int = 1) -> dict[str, list[float]]:
    """What `interleaved` found, for one of the operations that a call does."""
    return {name: [each / inside * 1e6 for each in seen] for name, seen in seconds.items()}

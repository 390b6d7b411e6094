"""What a benchmark found: one shape for all of them, and the files in `bench/results/` that keep it.

A module of this package has a function `results(short)` that yields results; `short` asks for fewer rounds or smaller
sizes, and the same operations.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.servers import TOOLS

__all__ = ["FOLDER", "Result", "Run", "alone", "compared", "load", "record"]

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("redis", "valkey", "hiredis", "fakeredis", "lupa", "semidbm", "lmdb", "numpy")
SERVERS = ("redis-8.6", "redis-stack-7.4")


@dataclass(frozen=True)
class Result:
    """One operation of one target, alone or beside another target that took turns with it."""

    table: str
    """What it belongs to, within its module."""
    operation: str
    target: str
    unit: str
    """Of `figure` and `its`: `us of CPU`, `us`, `requests/s`, `bytes` ..."""
    figure: float
    """The median over the rounds."""
    beside: str = ""
    its: float | None = None
    """The figure of `beside`."""
    ratio: float | None = None
    """The target's / that of `beside`: the median of what single rounds gave."""
    low: float | None = None
    high: float | None = None
    """The quartiles of the ratio, if there was more than one round."""

    def __str__(self) -> str:
        text = f"{self.table:20}{self.operation:42}{self.target:14}{self.figure:14,.2f} {self.unit}"
        if self.ratio is None:
            return text
        spread = "" if self.low is None else f" ({self.low:.3g}, {self.high:.3g})"
        return f"{text:105}{self.ratio:10.3g}{spread} × {self.beside}"


def alone(table: str, operation: str, target: str, unit: str, figures: Sequence[float]) -> Result:
    """A result that stands beside nothing, from the figure of each round."""
    return Result(table, operation, target, unit, statistics.median(figures))


def compared(
    table: str,
    operation: str,
    unit: str,
    target: tuple[str, Sequence[float]],
    beside: tuple[str, Sequence[float]],
) -> Result:
    """A result from the names and the figures of two targets, a figure for each round."""
    ratios = [a / b for a, b in zip(target[1], beside[1], strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (None, ratios[0], None)
    figure, its = statistics.median(target[1]), statistics.median(beside[1])
    return Result(table, operation, target[0], unit, figure, beside[0], its, ratio, low, high)


@dataclass(frozen=True)
class Run:
    """What one module found on one machine."""

    machine: dict[str, Any]
    short: bool
    results: list[Result]

    def find(self, table: str, operation: str, target: str, beside: str, unit: str = "") -> Result | None:
        """The result with these words, if there is one."""
        wanted = (table, operation, target, beside)
        for each in self.results:
            if (each.table, each.operation, each.target, each.beside) == wanted and unit in ("", each.unit):
                return each
        return None

    def tables(self) -> dict[str, list[Result]]:
        """The results by table, in their order."""
        found: dict[str, list[Result]] = {}
        for each in self.results:
            found.setdefault(each.table, []).append(each)
        return found


def machine() -> dict[str, Any]:
    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    for name in SERVERS:
        with contextlib.suppress(OSError, IndexError):
            said = subprocess.run([TOOLS / name, "--version"], capture_output=True, text=True, check=True).stdout
            versions[name] = said.split("v=")[1].split()[0]
    return {
        "date": datetime.date.today().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "versions": versions,
    }


def record(name: str, results: Iterable[Result], *, short: bool) -> None:
    """Print results as they come; write them, when all are there, under the name of a module."""
    found = []
    for result in results:
        print(result, flush=True)
        found.append(result)
    run = {"machine": machine(), "short": short, "results": [_rounded(asdict(each)) for each in found]}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(_lines(run), encoding="utf-8")


def load(name: str) -> Run:
    """The last recorded run of a module."""
    run = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return Run(run["machine"], run["short"], [Result(**each) for each in run["results"]])


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is not there, and without digits that mean nothing."""
    return {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in values.items()
        if value not in (None, "")
    }


def _lines(run: dict[str, Any]) -> str:
    """JSON with a result on each line."""
    results = ",\n  ".join(json.dumps(each, ensure_ascii=False) for each in run["results"])
    head = json.dumps({**run, "results": []}, ensure_ascii=False, indent=1)
    return head.replace('"results": []', f'"results": [\n  {results}\n ]') + "\n"

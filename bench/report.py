"""The tables and plots of the documentation, made of the figures in `bench/results/`.

A page has places for them, between `<!-- NAME -->` and `<!-- end of NAME -->`; around those it is written by hand.  Nothing is
measured here, so the pages are the same whoever makes them.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench import plot
from bench.result import Result, Run, load

ROOT = Path(__file__).parents[1]
REAL = "redis-8.6"
COLOURS = {"redouble": "#d1242f", "fakeredis": "#8c959f", "Redis 8.6, over TCP": "#1f77b4"}
STORES = {
    "redouble": "#d1242f", "unverified": "#f59e0b", "cache": "#e377c2", "not mapped": "#8c564b", "semidbm": "#8c959f",
    "dbm.dumb": "#bcbd22", "gdbm": "#2ca02c", "sqlite3": "#1f77b4", "lmdb": "#9467bd",
}  # fmt: skip
FIRST_SCREEN = ("GET", "SET", "HGETALL of 20", "ZADD", "LRANGE of 100")

Lines = Iterator[str]
Block = Callable[[], Iterable[str]]


def pages() -> dict[Path, str]:
    """Every page and plot that shows figures, and what should be in it."""
    found = {}
    for name, blocks in BLOCKS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        for place, block in blocks.items():
            begin, end = f"<!-- {place} -->", f"<!-- end of {place} -->"
            new = "\n".join([begin, *block(), end])
            text, places = re.subn(f"{begin}.*?{end}", lambda _, new=new: new, text, flags=re.S)
            assert places == 1, f"{name} has {places} places for {place}"
        found[ROOT / name] = text
    for name, draw in PLOTS.items():
        for theme, colours in plot.THEMES.items():
            found[ROOT / f"docs/plots/{name}-{theme}.svg"] = draw(colours)
    return found


def main() -> None:
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


# Figures as words.


def measured(run: Run) -> str:
    machine = run.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    how = ", a short run" if run.short else ""
    return (
        f"*{machine['date']}{how}: {machine['python']}, {machine['system']}, {machine['cpus']} processors; {versions}.*"
    )


def figure(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}"


def share(result: Result | None) -> str:
    """The target's figure as a share of the other's, with the quartiles."""
    if result is None or result.ratio is None:
        return ""
    return figure(result.ratio) + _range(result.low, result.high)


def times(result: Result | None) -> str:
    """How many times as fast the target is."""
    if result is None or result.ratio is None:
        return ""
    quartiles = (1 / result.high, 1 / result.low) if result.low and result.high else (None, None)
    return f"{figure(1 / result.ratio)}×{_range(*quartiles)}"


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({figure(low)}, {figure(high)})"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Lines:
    columns = list(head)
    yield f"| {' | '.join(columns)} |"
    yield f"|---|{'--:|' * (len(columns) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def operations(results: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(each.operation for each in results))


# Blocks.


def calls(module: str) -> Block:
    """Tables of calls beside fakeredis, and beside the real server where that took part."""

    def block() -> Lines:
        run = load(module)
        yield measured(run)
        for name, results in run.tables().items():
            real = any(each.beside == REAL for each in results)
            head = [f"**{name}**", "redouble, µs of CPU", "as fast as fakeredis", *[f"share of {REAL}'s time"] * real]
            rows, gains = [], []
            for operation in operations(results):
                cpu = run.find(name, operation, "redouble", "fakeredis", "us of CPU")
                wall = run.find(name, operation, "redouble", REAL)
                if cpu and cpu.ratio:
                    gains.append(1 / cpu.ratio)
                rows.append([operation, figure(cpu.figure) if cpu else "", times(cpu), *[share(wall)] * real])
            rows.append(["*geometric mean*", "", f"{figure(statistics.geometric_mean(gains))}×", *[""] * real])
            yield ""
            yield from table(head, rows)
        yield ""

    return block


def tcp() -> Lines:
    run = load("tcp")
    yield measured(run)
    for name, results in run.tables().items():
        if name == "latency":
            head = ["**latency**", "redouble, µs", f"{REAL}, µs", "ratio"]
            rows = [[each.operation, figure(each.figure), figure(each.its or 0), share(each)] for each in results]
        else:
            targets = list(dict.fromkeys(each.target for each in results if each.beside == REAL))
            head = [f"**{name}**", *(f"{target}: share, µs of CPU" for target in targets), f"{REAL}: µs of CPU"]
            rows = []
            for operation in operations(results):
                row, cpu = [operation], None
                for target in targets:
                    cpu = run.find(name, operation, target, REAL, "us of CPU")
                    rate = run.find(name, operation, target, REAL, "requests/s")
                    row.append(f"{share(rate)}, {figure(cpu.figure)}" if cpu else "")
                rows.append([*row, figure(cpu.its or 0) if cpu else ""])
        yield ""
        yield from table(head, rows)
    gains = [each for each in run.results if each.beside == "fakeredis" and each.unit == "requests/s"]
    yield ""
    for each in gains:
        yield f"{each.table}, {each.operation}: {figure(each.ratio or 0)} times the throughput of fakeredis's server."
    yield ""


def plain(module: str) -> Block:
    """A table with a line for each result."""

    def block() -> Lines:
        run = load(module)
        yield measured(run)
        for name, results in run.tables().items():
            yield ""
            rows = [
                [
                    each.operation,
                    f"{figure(each.figure)} {each.unit}",
                    f"{figure(each.its)} ({each.beside})" if each.its else "",
                    share(each),
                ]
                for each in results
            ]
            yield from table([f"**{name}**", "redouble", "beside", "ratio"], rows)
        yield ""

    return block


def scale() -> Lines:
    run = load("scale")
    yield measured(run)
    yield ""
    worst = sorted(run.results, key=lambda each: each.ratio or 0, reverse=True)[:8]
    yield f"{len(run.results)} operations. Those that grow most beside the real server ({run.results[0].unit}):"
    yield ""
    rows = [[each.table, each.operation, figure(each.figure), figure(each.its or 0)] for each in worst]
    yield from table(["family", "operation", "redouble", REAL], rows)
    yield ""


def projects() -> Lines:
    run = load("projects")
    yield measured(run)
    yield ""
    rows = []
    for name, results in run.tables().items():
        seconds = next(each for each in results if each.unit == "s")
        counts = {(each.target, each.unit): figure(each.figure) for each in results}
        theirs, ours = (
            f"{counts[fake, 'passed']} pass, {counts[fake, 'failed']} fail" for fake in ("fakeredis", "redouble")
        )
        rows.append([name, theirs, figure(seconds.its or 0), ours, figure(seconds.figure), share(seconds)])
    yield from table(["tests of", "with fakeredis", "seconds", "with redouble", "seconds", "ratio"], rows)
    yield ""


def dbm() -> Lines:
    from bench.dbm import PHASES

    run = load("dbm")
    yield measured(run)
    for name, results in run.tables().items():
        stores = [
            store for store in STORES if any(each.target == store and each.operation in PHASES for each in results)
        ]
        rows = []
        for phase, meaning in PHASES.items():
            row = [f"**{phase}**: {meaning}"]
            for store in stores:
                each = run.find(name, phase, store, "" if store == "semidbm" else "semidbm")
                cell = figure(each.figure) if each else ""
                row.append(f"{cell} ({1 / each.ratio:.2g}×)" if each and each.ratio else cell)
            rows.append(row)
        yield ""
        yield from table([f"**{name}**", *stores], rows)
        yield ""
        for each in results:
            if each.operation not in PHASES:
                part = f" ({each.ratio:.3%})" if each.unit == "bytes" else ""
                its = f"{figure(each.its or 0)} ({each.beside}){part}"
                yield f"* {each.operation}: {figure(each.figure)} {each.unit}, beside {its}"
    yield ""


def lost(result: Result) -> bool:
    """Whether the other did better."""
    if result.ratio is None or not result.target.startswith("redouble") or result.beside in ("all of it", "all calls"):
        return False
    return result.ratio < 1 if result.unit in ("requests/s", "passed") else result.ratio > 1


def losses() -> Lines:
    rows = []
    for module in ("in_process", "scripts", "tcp", "memory", "modules", "imports"):
        for name, results in load(module).tables().items():
            for beside in dict.fromkeys(each.beside for each in results if each.beside):
                for unit in dict.fromkeys(each.unit for each in results):
                    compared = [
                        each for each in results if (each.target, each.beside, each.unit) == ("redouble", beside, unit)
                    ]
                    worse = [each for each in compared if lost(each)]
                    if not worse:
                        continue
                    worst = (min if unit == "requests/s" else max)(worse, key=lambda each: each.ratio or 0)
                    rows.append(
                        [
                            f"{module}, {name}",
                            beside,
                            unit,
                            f"{len(worse)} of {len(compared)}",
                            f"{worst.operation}: {share(worst)}",
                        ]
                    )
    yield from table(["", "beside", "figure", "does better in", "most in"], rows)
    yield ""


# Plots.


def first_screen(theme: plot.Theme) -> str:
    """Microseconds that one call takes, in process and over TCP."""
    run = load("in_process")
    rows = {}
    for operation in FIRST_SCREEN:
        ours, theirs = (run.find("redis-py", operation, fake, REAL, "us") for fake in ("redouble", "fakeredis"))
        if ours and theirs and ours.its:
            rows[operation] = dict(zip(COLOURS, (ours.figure, theirs.figure, ours.its), strict=True))
    return plot.bars(rows, COLOURS, "µs", theme)


def all_calls(theme: plot.Theme) -> str:
    """The time of a call as a multiple of redouble's."""
    run = load("in_process")
    rows: dict[str, dict[str, float]] = {}
    for each in run.tables()["redis-py"]:
        theirs = run.find("redis-py", each.operation, "fakeredis", REAL, "us")
        if each.beside == REAL and each.target == "redouble" and each.ratio and theirs and theirs.ratio:
            rows[each.operation] = dict(zip(COLOURS, (1.0, theirs.ratio / each.ratio, 1 / each.ratio), strict=True))
    return plot.dots(rows, COLOURS, theme)


def over_tcp(theme: plot.Theme) -> str:
    """Throughput as a multiple of the real server's."""
    run = load("tcp")
    colours = {"redouble": "#d1242f", "redouble, with hiredis": "#f59e0b", REAL: "#1f77b4"}
    rows: dict[str, dict[str, float]] = {}
    for each in run.results:
        if each.unit == "requests/s" and each.beside == REAL and each.ratio:
            row = rows.setdefault(f"{each.operation}, {each.table}", {REAL: 1.0})
            row[each.target] = each.ratio
    return plot.dots(rows, colours, theme)


def stores(theme: plot.Theme) -> str:
    """How many times as fast as semidbm."""
    from bench.dbm import PHASES

    run = load("dbm")
    first = next(iter(run.tables()))
    rows: dict[str, dict[str, float]] = {}
    for each in run.tables()[first]:
        if each.operation in PHASES and each.operation != "close":
            row = rows.setdefault(each.operation, {})
            row[each.target] = 1 / (each.ratio or 1.0)
    return plot.dots(rows, STORES, theme)


BLOCKS: dict[str, dict[str, Block]] = {
    "docs/benchmarks.md": {
        "losses": losses,
        "in_process": calls("in_process"),
        "scripts": calls("scripts"),
        "tcp": tcp,
        "memory": plain("memory"),
        "many": plain("many"),
        "scale": scale,
        "imports": plain("imports"),
        "projects": projects,
    },
    "docs/dbm.md": {"dbm": dbm},
    "docs/modules.md": {"modules": plain("modules")},
}
PLOTS: dict[str, Callable[[plot.Theme], str]] = {
    "first_screen": first_screen,
    "in_process": all_calls,
    "tcp": over_tcp,
    "dbm": stores,
}

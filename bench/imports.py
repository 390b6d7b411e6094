"""What an import costs: CPU time of a Python that only does that, less that of a Python that does nothing.

`import redouble` is what every test suite that has the pytest plugin pays.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator

from bench.result import Result, alone, compared

STATEMENTS = (
    "pass",
    "import redouble",
    "import redis",
    "from redouble import FakeRedis",
    "from fakeredis import FakeRedis",
)


def cpu_ms(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    compiled = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}  # as an installed package is
    subprocess.run([sys.executable, "-c", statement], check=True, env=compiled)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def results(short: bool) -> Iterator[Result]:
    for statement in STATEMENTS:
        cpu_ms(statement)  # compiles what is imported
    costs: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(5 if short else 21):
        for statement, seen in costs.items():
            seen.append(cpu_ms(statement))
    nothing = costs.pop("pass")
    net = {statement: [a - b for a, b in zip(seen, nothing, strict=True)] for statement, seen in costs.items()}
    for statement in ("import redouble", "import redis"):
        yield alone("beyond starting Python", statement, "Python", "ms of CPU", net[statement])
    ours, theirs = "from redouble import FakeRedis", "from fakeredis import FakeRedis"
    yield compared("beyond starting Python", ours, "ms of CPU", ("redouble", net[ours]), ("fakeredis", net[theirs]))

"""What an import costs: CPU time of a Python that only does that, less that of a Python that does nothing."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

STATEMENTS = (
    "pass",
    "import redouble",
    "import redis",
    "from redouble import FakeRedis",
    "from fakeredis import FakeRedis",
)
LIMIT_MS = 15
"""For `import redouble`, which every test suite that has the pytest plugin pays."""


def cpu_ms(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main(rounds: int = 11) -> None:
    for statement in STATEMENTS:
        cpu_ms(statement)  # compiles what is imported
    costs: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(rounds):
        for statement, seen in costs.items():
            seen.append(cpu_ms(statement))
    nothing = costs.pop("pass")
    print(f"CPU time beyond that of starting Python, median of {rounds}\n")
    for statement, seen in costs.items():
        median = statistics.median(a - b for a, b in zip(seen, nothing, strict=True))
        limit = f"  (at most {LIMIT_MS})" if statement == "import redouble" else ""
        print(f"{statement:32}{median:8.1f} ms{limit}")

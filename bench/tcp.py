"""redis-benchmark against redouble and a real server, taking turns; requests per second as a ratio."""

from __future__ import annotations

import csv
import statistics
import subprocess

from bench.servers import TOOLS, real_server, redouble_server

TESTS = ("set", "get", "incr", "lpush", "lpop", "sadd", "hset", "zadd", "lrange_100", "mset")
ROUNDS = 5


def requests_per_second(url: str, tests: tuple[str, ...], pipeline: int, requests: int) -> dict[str, float]:
    port = url.rpartition(":")[2]
    command = [
        str(TOOLS / "redis-benchmark"),
        "-p",
        port,
        "-n",
        str(requests),
        "-P",
        str(pipeline),
        "-t",
        ",".join(tests),
    ]
    output = subprocess.run([*command, "--csv"], check=True, capture_output=True, text=True).stdout
    rows = csv.DictReader(output.splitlines())
    return {row["test"].split(" ")[0].lower(): float(row["rps"]) for row in rows}


def main() -> None:
    with real_server("redis-8.6") as real, redouble_server() as ours:
        for pipeline, requests in ((1, 10_000), (16, 50_000)):
            found: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                for test in TESTS:
                    theirs = requests_per_second(real, (test,), pipeline, requests)
                    mine = requests_per_second(ours, (test,), pipeline, requests)
                    for name in theirs:
                        found.setdefault(name, []).append(mine[name] / theirs[name])
            print(f"\n-P {pipeline}: redouble / redis-8.6, median of {ROUNDS} rounds (least, most)")
            for name, ratios in found.items():
                print(f"  {name:12}{statistics.median(ratios):6.2f}  ({min(ratios):.2f}, {max(ratios):.2f})")

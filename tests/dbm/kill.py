"""`python -m tests.dbm.kill COUNT [SEED]`: a process that writes is killed at random moments, again and again."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redouble.dbm

WRITER = """
import os, random, sys, redouble.dbm
from redouble.dbm import log
folder, seed, mapped, first = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True", int(sys.argv[4])
chance = random.Random(seed)
log.SEGMENT_SIZE = chance.choice((20_000, 200_000, 8 << 20))
db = redouble.dbm.open(folder, "c", mapped=mapped)
number = first
out = os.dup(1)
while True:
    kind = chance.random()
    number += 1
    value = b"%d:" % number * chance.randint(1, 30)
    if kind < 0.02:
        with db.batch() as batch:
            for each in range(20):
                batch["batch%d" % each] = value
    elif kind < 0.03:
        db.compact(200)
    elif kind < 0.032:
        db.sync()
    elif kind < 0.2:
        db.pop("key%d" % (number % 50), None)
    db["key%d" % (number % 50)] = value
    os.write(out, b"%d\\n" % number)
"""
"""Says which number is acknowledged: `key<number % 50>` begins with it."""


def kills(folder: Path, count: int, seed: int) -> int:
    """Kill `count` writers, twenty for each database; how many acknowledged writes were checked.  Raises AssertionError."""
    chance, checked = random.Random(seed), 0
    for number in range(count):
        if number % 20 == 0:
            path, last = folder / str(number), 0
        words = [str(path), str(chance.randrange(1 << 30)), str(number % 2 == 0), str(last)]
        with subprocess.Popen([sys.executable, "-c", WRITER, *words], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.03)
            process.kill()
            acknowledged = process.stdout.read().split(b"\n")
        sure = [int(word) for word in acknowledged[:-1]]
        newest = max(sure, default=last)
        report = redouble.dbm.verify(path)
        assert not report.damaged, report.findings
        with redouble.dbm.open(path, "r") as db:
            batch = {db[f"batch{each}"].split(b":")[0] for each in range(20) if f"batch{each}" in db}
            assert len(batch) <= 1, batch
            for each in range(max(newest - 48, last + 1, 1), newest + 1):
                # The next one may be there, and of its batch; only that one may have been lost or be half done.
                key = f"key{each % 50}"
                found = int(db[key].split(b":")[0]) if key in db else 0
                assert found == each or (found in (0, newest + 1) and each % 50 == (newest + 1) % 50), (
                    each,
                    found,
                    newest,
                )
                checked += 1
            last = max(int(db[key].split(b":")[0]) for key in db)
    return checked


def main() -> int:
    count = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    with tempfile.TemporaryDirectory() as folder:
        checked = kills(Path(folder), count, seed)
    print(f"{count:,} kills | {checked:,} writes | {seed} | 0")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.simulation SEED [SEED ...]`: play seeds and tell what happens; `--seeds 0 10000`: all from 0 to 9999, silently."""

from __future__ import annotations

import argparse
import sys
import traceback

from .world import World

STEPS = 300


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", nargs="*", type=int)
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 0), metavar=("FIRST", "END"))
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    failed = 0
    for seed in (*arguments.seed, *range(*arguments.seeds)):
        world = World(seed)
        try:
            world.run(arguments.steps)
        except Exception:
            failed += 1
            print(f"seed {seed}:\n", *world.log[-40:], traceback.format_exc(), sep="\n")
        else:
            if seed in arguments.seed:
                print(*world.log, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

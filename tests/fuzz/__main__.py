"""`python -m tests.fuzz`: random commands to redouble and to a real server, until stopped or for a number of commands.

What differs is made short and printed as a scenario, ready to paste into tests/parity/.  `--lua`: random scripts.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import sys
import time
from random import Random

from tests.parity.machine import real

from .duel import Difference
from .families import NAMES
from .lua.duel import Duel as LuaDuel
from .modules import MODULE_FAMILIES
from .run import Report, Run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--server", nargs="+", default=["redis-8.6"], metavar="NAME", help="names of servers.json")
    parser.add_argument("--commands", type=int, default=0, metavar="N", help="for each server (default: until stopped)")
    parser.add_argument("--lua", action="store_true", help="Lua programs in the place of commands; N is how many")
    parser.add_argument("--seed", type=int, help="the same seed plays the same commands (default: another every time)")
    parser.add_argument(
        "--families",
        nargs="+",
        choices=[*NAMES, *MODULE_FAMILIES],
        metavar="FAMILY",
        help=", ".join(NAMES) + "; of servers with modules: " + ", ".join(MODULE_FAMILIES),
    )
    parser.add_argument("--differences", type=int, default=10, metavar="N", help="stop after so many (default: 10)")
    arguments = parser.parse_args()
    missing = [name for name in arguments.server if name not in real.installed()]
    if missing:
        print(f"not installed in {real.folder()}: {' '.join(missing)} (make servers)", file=sys.stderr)
        return 2
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    failed = False
    for name in arguments.server:
        if arguments.lua:
            failed |= bool(fuzz_lua(name, seed, arguments.commands, arguments.differences))
        else:
            failed |= bool(
                fuzz(name, seed, arguments.families or families_of(name), arguments.commands, arguments.differences)
            )
    return int(failed)


def families_of(name: str) -> list[str]:
    """Those that the server has: of the modules', vector sets come with Redis 8, the others with Redis Stack."""
    target = real.installed()[name][0]
    of_modules = [family for family in MODULE_FAMILIES if (family == "vset") != target.is_stack]
    if target.is_stack:
        return of_modules
    return [*NAMES, *of_modules] if target.type == "redis" and target.version >= (8,) else NAMES


def fuzz(name: str, seed: int, families: list[str], commands: int, limit: int) -> int:
    began = time.monotonic()
    with Run(name, families) as run:
        print(f"{name} {run.duel.target.version_text}, seed {seed}, families: {' '.join(families)}", flush=True)
        signatures: set[object] = set()
        again = 0
        try:
            round_number = 0
            while (not commands or run.duel.commands_played < commands) and len(signatures) < limit:
                report = run.round(Random(f"{seed} {round_number}"), round_number, lambda found: new(found, signatures))
                round_number += 1
                if report is None:
                    continue
                if report.commands:
                    signatures.add(report.difference.signature)
                    print(f"\n{report.text()}\n", flush=True)
                else:
                    again += 1
        except KeyboardInterrupt:
            print()
        seconds = time.monotonic() - began
        print(
            f"{name}: {run.played} commands in {seconds:.0f} s, {len(signatures)} differences"
            + (f" (met again {again} times)" if again else "")
            + (f"; {len(run.duel.deadly)} ended the real server" if run.duel.deadly else ""),
            flush=True,
        )
        return len(signatures)


def fuzz_lua(name: str, seed: int, programs: int, limit: int) -> int:
    began = time.monotonic()
    with LuaDuel(name) as duel:
        print(f"{name}, seed {seed}, Lua programs", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            round_number = 0
            while (not programs or duel.played < programs) and len(duel.known) < limit:
                for difference in duel.round(Random(f"{seed} {round_number}")):
                    print(f"\n{difference.text(name)}\n", flush=True)
                round_number += 1
        seconds = time.monotonic() - began
        print(
            f"{name}: {duel.played} programs in {seconds:.0f} s, {len(duel.known)} differences"
            + (f" (met again {duel.again} times)" if duel.again else "")
            + (f"; {duel.deadly} ended the real server" if duel.deadly else ""),
            flush=True,
        )
        return len(duel.known)


def new(difference: Difference, signatures: set[object]) -> bool:
    return difference.signature not in signatures


__all__ = ["Report", "fuzz", "fuzz_lua", "main"]

if __name__ == "__main__":
    sys.exit(main())

"""Benchmarks: `make bench`, or

python -m bench                        all of them, and the pages that show them
python -m bench --short                the same with fewer rounds and smaller sizes: some minutes
python -m bench in_process tcp         only these
python -m bench report                 the pages and plots again, from the figures in bench/results/
python -m bench instructions OLD [NEW]       bytecode instructions of a call, in two revisions
"""

from __future__ import annotations

import argparse
import importlib

from bench import report
from bench.result import record

ALL = ("imports", "in_process", "scripts", "tcp", "memory", "many", "scale", "modules", "dbm")
OTHERS = ("projects",)
"""Those that fetch something."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL + OTHERS)}")
    parser.add_argument("--short", action="store_true", help="fewer rounds, smaller sizes")
    given = parser.parse_args()
    if given.names[:1] == ["instructions"]:
        importlib.import_module("bench.instructions").main(*given.names[1:])
        return
    if given.names != ["report"]:
        for name in given.names or ALL:
            print(f"\n== {name}", flush=True)
            record(name, importlib.import_module(f"bench.{name}").results(given.short), short=given.short)
    report.main()


main()

"""`make bench`, or `python -m bench in_process tcp scale` for some of them; `python -m bench instructions OLD [NEW]`."""

from __future__ import annotations

import importlib
import sys

ALL = ("imports", "in_process", "scripts", "tcp", "memory", "many", "scale", "modules", "dbm")

if sys.argv[1:2] == ["instructions"]:
    importlib.import_module("bench.instructions").main(*sys.argv[2:])
    sys.exit()
for name in sys.argv[1:] or ALL:
    print(f"\n== {name}")
    importlib.import_module(f"bench.{name}").main()

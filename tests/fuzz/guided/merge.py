"""`python -m tests.fuzz.guided.merge TARGET`: put into the corpus what reaches something that it does not reach yet.

The fuzzer keeps many more inputs than that in `.fuzz/TARGET`.  Small ones come first; a step from one line to another within a
module that reads counts as reached.  Wants no atheris.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from . import targets

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
READERS = {
    "requests": ("resp/parser",),
    "restore": ("persistence/", "types/stream"),
    "rdb": ("persistence/",),
    "acl": ("core/acl_rules",),
    "glob": ("types/glob",),
    "lua": ("scripting/lexer", "scripting/parser", "scripting/compiler/"),
}
LARGEST = 1000
"""Bytes of an input in the corpus."""

Step = tuple[str, int, int]


def steps(name: str, data: bytes) -> set[Step]:
    """The steps from line to line that an input of `name` takes."""
    found: set[Step] = set()
    last: dict[int, int] = {}

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            found.add((frame.f_code.co_filename, last.get(id(frame), 0), frame.f_lineno))
            last[id(frame)] = frame.f_lineno
        return line

    def call(frame: FrameType, event: str, _: Any) -> Any:
        path = frame.f_code.co_filename.replace("\\", "/").partition("/redouble/")[2]
        if path.startswith(READERS[name]):
            last[id(frame)] = 0
            return line
        return None

    sys.settrace(call)
    try:
        targets.TARGETS[name](data)
    finally:
        sys.settrace(None)
    return found


def main() -> None:
    for name in sys.argv[1:]:
        corpus, kept = CORPUS / name, ROOT / ".fuzz" / name
        corpus.mkdir(parents=True, exist_ok=True)
        reached: set[Step] = set()
        for path in corpus.iterdir():
            reached |= steps(name, path.read_bytes())
        inputs = [path.read_bytes() for path in kept.glob("*")] + targets.seeds(name)
        for data in sorted((data for data in inputs if len(data) <= LARGEST), key=len):
            new = steps(name, data) - reached
            if new:
                reached |= new
                (corpus / hashlib.sha1(data).hexdigest()[:12]).write_bytes(data)
        print(f"{name}: {len(list(corpus.iterdir()))} inputs, {len(reached)} steps")


if __name__ == "__main__":
    main()

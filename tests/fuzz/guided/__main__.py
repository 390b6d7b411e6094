"""`python -m tests.fuzz.guided TARGET [options of libFuzzer]`: fuzz until something is wrong (or `-max_total_time=60`).

Inputs that lead somewhere new are kept in `.fuzz/TARGET`; merge.py puts those into the corpus that it lacks.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

import atheris

READERS = {
    "requests": ["redouble.resp.parser"],
    "restore": ["redouble.persistence.values", "redouble.types.stream"],
    "rdb": ["redouble.persistence.rdb"],
    "acl": ["redouble.core.acl_rules"],
    "glob": ["redouble.types.glob"],
    "lua": ["redouble.scripting.compiler"],
}
"""Where it is watched which way an input takes, with what these import; all of redouble would take minutes to prepare."""

with atheris.instrument_imports(include=["redouble"]):
    for module in READERS.get("".join(sys.argv[1:2]), []):
        importlib.import_module(module)

from tests.fuzz.guided import targets  # noqa: E402

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in targets.TARGETS:
        sys.exit(f"{__doc__}\nTargets: {', '.join(targets.TARGETS)}")
    name, *options = sys.argv[1:]
    kept, corpus = ROOT / ".fuzz" / name, CORPUS / name
    kept.mkdir(parents=True, exist_ok=True)
    corpus.mkdir(parents=True, exist_ok=True)
    begin = Path(tempfile.mkdtemp())
    for number, seed in enumerate(targets.seeds(name)):
        (begin / str(number)).write_bytes(seed)
    arguments = [f"-max_len={targets.LONGEST[name]}", f"-artifact_prefix={kept.parent}/{name}-", *options]
    atheris.Setup([sys.argv[0], *arguments, str(kept), str(corpus), str(begin)], targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

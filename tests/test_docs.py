"""The Python examples of the documentation run: those of one page one after the other, as a reader would type them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

import redouble

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ["../README.md", "index.md", "time.md", "faults.md", "inside.md", "dbm.md"]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def example(text: str) -> str:
    """The code of a page, each line where it stands in the page."""
    lines = [""] * (text.count("\n") + 1)
    for block in _BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1))
        for number, line in enumerate(textwrap.dedent(block[1]).splitlines()):
            lines[first + number] = line
    return "\n".join(lines)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code = compile(example(text), str(DOCS / page), "exec")
    try:
        exec(code, {"__name__": "__main__"})
    finally:
        redouble.reset()

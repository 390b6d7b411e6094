"""The examples of docs/time.md run, one after the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "time.md"


def test_the_examples_of_the_page_run() -> None:
    pytest.importorskip("freezegun")
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 6
    names: dict[str, object] = {"__name__": "time.md"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)

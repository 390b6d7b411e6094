"""The examples of docs/switching.md, each in an interpreter of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.compat.test_drop_in import run

PAGE = Path(__file__).parents[2] / "docs" / "switching.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example(example: str) -> None:
    run("-W", "error", "-c", example)


def test_every_link_leads_to_a_file() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / target).exists(), target

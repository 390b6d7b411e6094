"""The examples of docs/fixtures.md are a suite that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Run

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parents[2] / "docs" / "fixtures.md"
BLOCK = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```$", re.M | re.S)


def test_the_examples_pass(run: Run, pytester: pytest.Pytester) -> None:
    text = PAGE.read_text(encoding="utf-8")
    files = dict(BLOCK.findall(text))
    assert len(files) == text.count("```python")
    conftest = files.pop("conftest")
    pytester.makepyfile(**files)
    tests = sum(source.count("def test_") for source in files.values())
    run(None, conftest=conftest).assert_outcomes(passed=tests)


def test_the_ini_options_are_known(run: Run) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (ini,) = re.findall(r"^```ini\n\[pytest\]\n(.*?)^```$", text, re.M | re.S)
    source = (
        "def test_it(redouble): assert redouble.config_get('maxmemory-policy')['maxmemory-policy'] == 'allkeys-lru'"
    )
    run(source, ini=ini).assert_outcomes(passed=1)

"""Below the line `# examples/fastapi/test_app.py: http` of a page, readers of the site see that function, class or method;
without a name, the whole file.
"""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

__all__ = ["REFERENCE", "excerpt", "expanded"]

ROOT = Path(__file__).parents[1]
REFERENCE = re.compile(r"^# (examples/[\w./-]+?)(?:: (\w+))?$", re.M)


def expanded(markdown: str) -> str:
    return REFERENCE.sub(lambda found: f"# {found[1]}\n{excerpt(found[1], found[2])}", markdown)


def excerpt(path: str, name: str | None) -> str:
    """The lines of what has that name in the file, with its decorators.  Raises LookupError if there is no such thing."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if name is None:
        return text.rstrip("\n")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            first = min(part.lineno for part in (node, *node.decorator_list))
            return textwrap.dedent("\n".join(text.splitlines()[first - 1 : node.end_lineno]))
    raise LookupError(f"{path} has no {name}")

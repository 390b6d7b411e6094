"""Imports point down the layers only; and what must stay light at import is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

LAYERS = [
    {
        "cli",
        "__main__",
        "__init__",
        "aioredis",
        "pytest_plugin",
        "fixtures",
        "suite",
        "compat",
        "as_fakeredis",
        "transfer",
    },
    {"clients", "net", "topology"},
    {"commands", "modules", "scripting", "persistence", "testing"},
    {"core", "dialects"},
    {"types", "resp", "dbm"},
]
"""From top to bottom; a name is a module or a package directly under `redouble`."""

OWN_LAYER_ONLY = {"types", "resp", "dbm"}
"""These do not even know each other."""

DRIVERS_ONLY = {"threading", "asyncio", "socket", "subprocess", "selectors", "ssl"}
ALLOWED_BELOW_DRIVERS = {
    "core/server.py": {"threading"},  # the one lock
    "dbm/append.py": {"threading"},  # for those that wait for one sync
    "dbm/reader.py": {"threading"},  # a lock for each database
    "dbm/system.py": {"threading"},  # one where files have a position (Windows)
    "dbm/writer.py": {"threading"},  # new locks in the child of a fork
    "modules/search/text/stems.py": {"threading"},  # one for each language, which all servers share
    "core/clock.py": {"threading"},  # several servers may share a clock, and any thread may move it
}


def level(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            found.append((node.lineno, node.module or ""))
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


MODULES = sorted((SOURCE / "redouble").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    inside = path.relative_to(SOURCE / "redouble")
    place = inside.parts[0].removesuffix(".py")
    for line, name in imports(path):
        top, _, rest = name.partition(".")
        if top == "redouble" and rest:
            target = rest.partition(".")[0]
            if not (SOURCE / "redouble" / target).is_dir() and not (SOURCE / "redouble" / f"{target}.py").exists():
                continue  # a name of redouble/__init__.py
            assert level(target) >= level(place), f"{path}:{line}: {place} may not import {target}, which is above it"
            if place in OWN_LAYER_ONLY:
                assert target == place, f"{path}:{line}: {place} imports only itself and the standard library"
        elif top in DRIVERS_ONLY and level(place) > 1:
            allowed = ALLOWED_BELOW_DRIVERS.get(inside.as_posix(), set())
            assert top in allowed, f"{path}:{line}: only drivers use {top}"


def test_import_redouble_brings_neither_redis_nor_asyncio() -> None:
    check = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r}); import redouble;"
        "print([name for name in ('redis', 'valkey', 'asyncio', 'socket') if name in sys.modules])"
    )
    # Without `site` nothing else brings modules either: no .pth file, as coverage's own.
    command = [sys.executable, "-I", "-S", "-c", check]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

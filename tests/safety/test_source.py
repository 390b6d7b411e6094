"""Data is never executed: what the source may not even mention."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "redouble"
FORBIDDEN_MODULES = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "ctypes", "yaml", "xmlrpc"}
EXECUTE = {"eval", "exec", "compile", "__import__", "execfile"}
OF_BUILTINS = {f"{module}.{name}" for module in ("builtins", "__builtins__") for name in EXECUTE}
ALLOWED = {
    ("scripting/engine.py", "exec"),  # what our own Lua compiler built
    ("scripting/compiler/output.py", "compile"),
}


def called(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Builtins that are called or handed on by name; `re.compile` and the like are attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in EXECUTE:
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and f"{ast.unparse(node.value)}.{node.attr}" in OF_BUILTINS:
            yield node.lineno, node.attr


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_is_executed_but_what_our_own_compiler_built(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = path.relative_to(SOURCE).as_posix()
    for line, name in called(tree):
        assert (inside, name) in ALLOWED, f"{path}:{line}: {name}"
    for line, name in imported(tree):
        assert name.partition(".")[0] not in FORBIDDEN_MODULES, f"{path}:{line}: {name}"


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_finalizers_take_no_lock(path: Path) -> None:
    """A finalizer may run inside a command, whose thread then holds the lock: it defers."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "__del__":
            words = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
            assert not words & {"lock", "acquire", "_lock"}, f"{path}:{node.lineno}"


def test_passwords_are_compared_in_constant_time() -> None:
    tree = ast.parse((SOURCE / "core" / "acl_rules.py").read_text(encoding="utf-8"))
    (admits,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "admits"]
    names = {part.attr for part in ast.walk(admits) if isinstance(part, ast.Attribute)}
    assert "compare_digest" in names

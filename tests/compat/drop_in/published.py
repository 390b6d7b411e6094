"""A program: runs the Python examples of fakeredis's package description, unchanged, on redouble.

They come from the metadata of the installed distribution, of which nothing is imported.  A line that ends in a comment
with a value (`r.get("foo")  # b'bar'`) must have that value.  Prints how many examples ran and how many values were
compared; the tests among them are written to the folder that is given.
"""

from __future__ import annotations

import ast
import asyncio
import re
import socket
import sys
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import redouble


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", metadata("fakeredis")["Description"], re.DOTALL | re.MULTILINE)


class Compare(ast.NodeTransformer):
    """Lines that tell their value assert it."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.compared = 0

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        assert node.end_lineno is not None
        _, _, comment = self.lines[node.end_lineno - 1][node.end_col_offset or 0 :].partition("#")
        try:
            value = ast.literal_eval(comment.split(" — ")[0].strip())
        except (SyntaxError, ValueError):  # no value
            return node
        self.compared += 1
        (line,) = ast.parse(f"assert ({ast.unparse(node.value)}) == {value!r}").body
        return ast.copy_location(line, node)


def redirect() -> None:
    """Let 127.0.0.1:6379, which the examples use and somebody else may have, be a free port."""
    port = 0
    bind, connect = socket.socket.bind, socket.socket.connect

    def bind_elsewhere(self: socket.socket, address: Any) -> None:
        nonlocal port
        if address == ("127.0.0.1", 6379):
            bind(self, ("127.0.0.1", 0))
            port = self.getsockname()[1]
        else:
            bind(self, address)

    def connect_elsewhere(self: socket.socket, address: Any) -> None:
        connect(self, ("127.0.0.1", port) if address == ("127.0.0.1", 6379) else address)

    socket.socket.bind = bind_elsewhere  # type: ignore[method-assign]
    socket.socket.connect = connect_elsewhere  # type: ignore[method-assign]


def main(folder: Path) -> None:
    redouble.install_as_fakeredis()
    redirect()
    names: dict[str, Any] = {}
    compared = 0
    for number, text in enumerate(examples()):
        if "def test_" in text:
            (folder / f"test_published_{number}.py").write_text(text, encoding="utf-8")
        compare = Compare(text)
        tree = ast.fix_missing_locations(compare.visit(ast.parse(text)))
        exec(compile(tree, f"example {number}", "exec"), names)
        compared += compare.compared
        main = names.pop("main", None)
        if main is not None:
            asyncio.run(main())
    print(len(examples()), compared)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

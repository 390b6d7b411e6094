"""From the tree of a chunk to Python source, and from that to a code object.

An expression that calls nothing becomes one Python expression, twice: `fast` uses Python's operators, `slow` a function of
the runtime for each.  The fast one runs under `try`, which costs nothing; it has no side effects, so when it fails (a
string in arithmetic, a metatable, nil where a table should be) the slow one runs in its place and finds the right answer
or the right complaint.  Calls are statements of their own, in the order in which Lua makes them.

Every name in the source is made here: `x_7` is the local variable x, `_3` a temporary, `F_string_rep` a library function;
Lua's names and strings appear in no other form than these and `repr`.  Nothing writes an attribute but `__class__`.

Python allows 20 nested blocks and 100 indentations: what is nested deeper goes into an inner function.  The same is done
with the body of a loop whose variables an inner function keeps, for each turn has variables of its own.

    output.py       the lines, names and functions of the source
    texts.py        Python expressions, the fast ones and the slow
    expressions.py  what becomes of each of Lua's expressions
    statements.py   and of each statement; `Writer` is all four
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from redouble.scripting.compiler.output import Program
from redouble.scripting.compiler.statements import Writer
from redouble.scripting.environment import Environment
from redouble.scripting.errors import LuaError
from redouble.scripting.lexer import LuaSyntaxError
from redouble.scripting.parser import parse

__all__ = ["Program", "compile_lua"]


def compile_lua(
    source: bytes, filename: str, environment: Environment, check: Callable[[], None], *, generators: bool = False
) -> Program:
    """Compile a chunk.  `generators`: each function is a Python generator, so that coroutines can stop within it.

    `check` is called every few thousand steps; it raises LuaError when there is not enough memory.
    """

    def compiled() -> Program:
        writer = Writer(environment, generators, check)
        writer.main(parse(source, environment.natives, check))
        return writer.program(filename)

    try:
        return compiled()
    except (LuaError, MemoryError):
        raise LuaSyntaxError("not enough memory", 1, None) from None
    except RecursionError:  # 200 levels of Lua are some thousand of ours
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + 8000)
        try:
            return compiled()
        except (LuaError, RecursionError):
            raise LuaSyntaxError("chunk has too many syntax levels", 1, None) from None
        finally:
            sys.setrecursionlimit(limit)

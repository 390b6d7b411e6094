"""The Python source that the compiler writes: its lines, names and functions, and the pieces that stand apart."""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING, Any

from redouble.scripting import memory, tree
from redouble.scripting.environment import Environment
from redouble.scripting.errors import LuaError
from redouble.scripting.lexer import TURNS_BETWEEN_CHECKS
from redouble.scripting.tree import Variable

if TYPE_CHECKING:
    from redouble.scripting.compiler.texts import Text

__all__ = ["FRAGMENT_INDENT", "LONG_STRING", "Def", "Output", "Program"]

FRAGMENT_INDENT = 50
"""What is indented further is written apart."""
MAX_CHARACTERS = 2_000_000
"""Of the Python source of a chunk: nothing can stop Python's compiler, which takes a second or two for so much."""
LONG_STRING = 1000
"""From here on a string takes no time worth mentioning."""
NAMES_PER_CHARACTER = 12
"""For each function the compiler copies the names of those around it: so many in the time of a character."""
BYTES_PER_CHARACTER, BYTES_PER_LETTER = 120, 8
"""The memory that Python's compiler takes (and gives back) for each character of its source, and of long strings."""


class Program:
    """A compiled chunk: `code` defines `main`; `lines` has the Lua line of each Python line."""

    __slots__ = ("code", "filename", "generators", "lines", "recursive")

    def __init__(self, code: CodeType, filename: str, lines: list[int], generators: bool, recursive: bool) -> None:
        self.code = code
        self.filename = filename
        self.lines = lines
        self.generators = generators
        self.recursive = recursive
        """Whether a function of it may come back to itself."""


class Def:
    """One Python function that is being written."""

    __slots__ = (
        "base", "blocks", "breaks", "function", "header", "loops", "names", "nonlocals", "outer", "outlined", "returns"
    )  # fmt: skip

    def __init__(self, function: tree.Function, outer: Def | None, outlined: bool, base: int) -> None:
        self.function = function
        self.outer = outer
        self.outlined = outlined
        """A piece of a Lua function, which tells its caller whether to `break` or `return`."""
        self.base = base
        self.blocks = 0
        self.loops = 0
        self.nonlocals: set[str] = set()
        self.header = 0
        self.names: int = 0 if outer is None else outer.names
        """How many names there are in it and around it."""
        self.breaks = self.returns = False


class Output:
    """The source as far as it is written."""

    def __init__(self, environment: Environment, generators: bool, check: Callable[[], None] = lambda: None) -> None:
        self.check = check
        self.environment = environment
        self.generators = generators
        self.lines: list[str] = []
        self.numbers: list[int] = []
        self.line = 1
        self.indent = 0
        self.temporaries = 0
        self.fragments: list[tuple[int, list[str], list[int]]] = []
        self.recursive = False
        self.def_ = Def(tree.Function(None, 0), None, False, 0)
        self.room = MAX_CHARACTERS

    # Source text.

    def emit(self, text: str) -> None:
        self.lines.append(" " * self.indent + text)
        self.numbers.append(self.line)
        self.take_room(self.indent + len(text))
        if not len(self.lines) & TURNS_BETWEEN_CHECKS:
            self.check()

    def take_room(self, characters: int) -> None:
        self.room -= characters
        if self.room < 0:
            raise LuaError(b"not enough memory", 0)

    def enter(self, def_: Def) -> None:
        """What is written from now on is in this function."""
        self.take_room(def_.names // NAMES_PER_CHARACTER)
        self.def_ = def_

    def temporary(self) -> str:
        self.temporaries += 1
        self.def_.names += 1
        return f"_{self.temporaries}"

    def captured(self, write: Callable[[], Text]) -> tuple[Text, list[str], list[int]]:
        """What `write` returns, and the lines that it wrote, taken out again."""
        mark = len(self.lines)
        text = write()
        lines, numbers = self.lines[mark:], self.numbers[mark:]
        del self.lines[mark:], self.numbers[mark:]
        return text, lines, numbers

    def replay(self, lines: list[str], numbers: list[int], deeper: int) -> None:
        self.lines += [" " * deeper + line for line in lines]
        self.numbers += numbers

    def program(self, filename: str) -> Program:
        lines, numbers = self.lines, self.numbers
        recursive = self.recursive
        size = sum(map(len, lines)) + sum(len(line) for _, fragment, _ in self.fragments for line in fragment)
        memory.reserve(BYTES_PER_CHARACTER * (MAX_CHARACTERS - self.room) + BYTES_PER_LETTER * size)
        if not self.fragments:
            code = compile("\n".join(lines) + "\n", filename, "exec", dont_inherit=True)
            return Program(code, filename, numbers, self.generators, recursive)
        trees: dict[str, list[ast.stmt]] = {}
        body: list[ast.stmt] = []
        lines_of_all: list[int] = []
        for number, fragment, its_numbers in [*self.fragments, (0, lines, numbers)]:
            module = ast.increment_lineno(ast.parse("\n".join(fragment) + "\n"), len(lines_of_all))
            lines_of_all += its_numbers
            body = trees[f"GRAFT_{number}"] = _Graft(trees).visit(module).body
        code = compile(ast.Module(body, []), filename, "exec", dont_inherit=True)
        return Program(code, filename, lines_of_all, self.generators, recursive)

    # Functions, and pieces of them.

    def header(self) -> None:
        """The place of the `nonlocal` statement, which is known at the end."""
        self.def_.header = len(self.lines)
        self.emit("pass")
        if self.generators:
            self.emit("if 0: yield")

    def finish_def(self) -> None:
        if self.def_.nonlocals:
            names = ", ".join(sorted(self.def_.nonlocals))
            self.lines[self.def_.header] = f"{' ' * (self.def_.base + 1)}nonlocal {names}"

    def in_fragment(self, write: Callable[[], None]) -> None:
        """Write something too deep for Python's indentation apart; it is put in its place as a tree."""
        number = self.temporaries = self.temporaries + 1
        self.emit(f"GRAFT_{number}")
        kept = self.lines, self.numbers, self.indent
        self.lines, self.numbers, self.indent = [], [], 0
        write()
        self.fragments.append((number, self.lines, self.numbers))
        self.lines, self.numbers, self.indent = kept

    def outline(self, write: Callable[[], None], parameters: str = "") -> tuple[str, Def]:
        """An inner function with what `write` writes."""
        name = f"piece{self.temporary()}"  # "piece_7"
        piece = Def(self.def_.function, self.def_, True, self.indent)

        def body() -> None:
            outer = self.def_
            self.enter(piece)
            piece.base = self.indent
            self.emit(f"def {name}({parameters}):")
            self.indent += 1
            self.header()
            write()
            self.indent -= 1
            self.finish_def()
            self.def_ = outer

        if self.indent >= FRAGMENT_INDENT:
            self.in_fragment(body)
        else:
            body()
        return name, piece

    def run_piece(self, name: str, piece: Def, arguments: str = "", leave: bool = True) -> None:
        """Call an outlined piece, and do what it asks for."""
        result = self.temporary()
        self.emit(f"{result} = {'yield from ' if self.generators else ''}{name}({arguments})")
        if piece.breaks:
            self.emit(f"if {result} is BREAK: {self.break_text() if leave else 'pass'}")
        if piece.returns:
            self.def_.returns = True
            self.emit(f"if {result} is not None: return {result if self.def_.outlined else result + '[0]'}")

    def break_text(self) -> str:
        if self.def_.loops:
            return "break"
        self.def_.breaks = True
        return "return BREAK"

    def return_text(self, text: str) -> str:
        if self.def_.outlined:
            self.def_.returns = True
            return f"return ({text},)"
        return f"return {text}"

    def tick(self) -> None:
        """One step of the script's budget."""
        self.emit("for _ in TICKS: break")
        self.emit("else: refill()")

    # Variables.

    def name_of(self, variable: Variable) -> str:
        return f"{variable.name.decode()}_{variable.number}"

    def declare(self, variable: Variable) -> str:
        variable.home = self.def_
        self.def_.names += 1
        return self.name_of(variable)

    def store_name(self, variable: Variable) -> str:
        """The name of a variable that is about to be assigned to."""
        name = self.name_of(variable)
        if variable.home is not self.def_:
            self.def_.nonlocals.add(name)
        return name


class _Graft(ast.NodeTransformer):
    """Puts fragments in the places that were left for them."""

    def __init__(self, trees: dict[str, list[ast.stmt]]) -> None:
        self.trees = trees

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Name) and node.value.id.startswith("GRAFT_"):
            return self.trees[node.value.id]
        return node

"""From the tree of a chunk to Python source, and from that to a code object.

An expression that calls nothing becomes one Python expression, twice: `fast` uses Python's operators, `slow` a function of
the runtime for each.  The fast one runs under `try`, which costs nothing; it has no side effects, so when it fails (a
string in arithmetic, a metatable, nil where a table should be) the slow one runs in its place and finds the right answer
or the right complaint.  Calls are statements of their own, in the order in which Lua makes them.

Every name in the source is made here: `x_7` is the local variable x, `_3` a temporary, `F_string_rep` a library function;
Lua's names and strings appear in no other form than these and `repr`.  Nothing writes an attribute but `__class__`.

Python allows 20 nested blocks and 100 indentations: what is nested deeper goes into an inner function.  The same is done
with the body of a loop whose variables an inner function keeps, for each turn has variables of its own.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable
from itertools import takewhile
from types import CodeType
from typing import Any

from redouble.scripting import tree
from redouble.scripting.environment import Environment
from redouble.scripting.lexer import LuaSyntaxError
from redouble.scripting.parser import parse
from redouble.scripting.tree import Constant, Expression, Variable
from redouble.scripting.values import FALSE, TRUE

__all__ = ["Program", "compile_lua"]

MAX_DEPTH = 20
"""How deep the brackets of one Python expression nest."""
MAX_BLOCKS = 6
MAX_INDENT = 25
FRAGMENT_INDENT = 50
LONG_CHAIN = 8


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


def compile_lua(source: bytes, filename: str, environment: Environment, *, generators: bool = False) -> Program:
    """Compile a chunk.  `generators`: each function is a Python generator, so that coroutines can stop within it."""

    def compiled() -> Program:
        writer = _Writer(environment, generators)
        writer.main(parse(source, environment.natives))
        return writer.program(filename)

    try:
        return compiled()
    except RecursionError:  # 200 levels of Lua are some thousand of ours
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + 8000)
        try:
            return compiled()
        except RecursionError:
            raise LuaSyntaxError("chunk has too many syntax levels", 1, None) from None
        finally:
            sys.setrecursionlimit(limit)


class Text:
    """A Python expression for a Lua one; see the head of the module."""

    __slots__ = ("depth", "fast", "kind", "line", "risky", "simple", "slow", "stable")

    def __init__(
        self,
        fast: str,
        slow: str = "",
        *,
        kind: str = "any",
        simple: bool = False,
        stable: bool = False,
        risky: bool = False,
        depth: int = 0,
        line: int = 0,
    ) -> None:
        self.fast = fast
        self.slow = slow or fast
        self.kind = kind
        """What `fast` certainly gives: number, string, function, table, boolean, nil; or any."""
        self.simple = simple
        """A name or a constant."""
        self.stable = stable
        """Nobody else's code can change it."""
        self.risky = risky
        """Whether `fast` may fail."""
        self.depth = depth
        self.line = line


class _Def:
    """One Python function that is being written."""

    __slots__ = ("base", "blocks", "breaks", "function", "header", "loops", "nonlocals", "outer", "outlined", "returns")

    def __init__(self, function: tree.Function, outer: _Def | None, outlined: bool, base: int) -> None:
        self.function = function
        self.outer = outer
        self.outlined = outlined
        """A piece of a Lua function, which tells its caller whether to `break` or `return`."""
        self.base = base
        self.blocks = 0
        self.loops = 0
        self.nonlocals: set[str] = set()
        self.header = 0
        self.breaks = self.returns = False


_TRUTHY = frozenset(("number", "string", "function", "table"))
_ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "^": "power"}
_COMPARISON = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


class _Writer:
    def __init__(self, environment: Environment, generators: bool) -> None:
        self.environment = environment
        self.generators = generators
        self.lines: list[str] = []
        self.numbers: list[int] = []
        self.line = 1
        self.indent = 0
        self.temporaries = 0
        self.fragments: list[tuple[int, list[str], list[int]]] = []
        self.recursive = False
        self.def_ = _Def(tree.Function(None, 0), None, False, 0)

    # Source text.

    def emit(self, text: str) -> None:
        self.lines.append(" " * self.indent + text)
        self.numbers.append(self.line)

    def temporary(self) -> str:
        self.temporaries += 1
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

    # Functions.

    def main(self, node: tree.Function) -> None:
        self.write_def("main", node)

    def write_def(self, name: str, node: tree.Function) -> None:
        """`def name(...)`, the Python function of a Lua one."""
        if self.def_.outer is not None and self.indent >= FRAGMENT_INDENT:
            return self.in_fragment(lambda: self.write_def(name, node))
        line = self.line
        self.line = node.line or 1
        outer, self.def_ = self.def_, _Def(node, self.def_, False, self.indent)
        parameters = [f"{self.declare(parameter)}=None" for parameter in node.parameters]
        rest = "*va" if node.vararg else "*_"
        self.emit(f"def {name}({', '.join([*parameters, rest])}):")
        self.indent += 1
        self.header()
        if node.has_arg is not None:
            arg = "None" if node.uses_vararg else "argument_table(va)"
            self.emit(f"{self.declare(node.has_arg)} = {arg}")
        if node.recursive and node.parent is not None:
            self.recursive = True
            self.tick()
        self.block(node.body)
        if not node.body or type(node.body[-1]) is not tree.Return:
            self.emit("return ()")
        self.indent -= 1
        self.finish_def()
        self.def_ = outer
        self.line = line

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

    def outline(self, write: Callable[[], None], parameters: str = "") -> tuple[str, _Def]:
        """An inner function with what `write` writes."""
        name = f"piece{self.temporary()}"  # "piece_7"
        piece = _Def(self.def_.function, self.def_, True, self.indent)

        def body() -> None:
            outer, self.def_ = self.def_, piece
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

    def run_piece(self, name: str, piece: _Def, arguments: str = "", leave: bool = True) -> None:
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
        return self.name_of(variable)

    def store_name(self, variable: Variable) -> str:
        """The name of a variable that is about to be assigned to."""
        name = self.name_of(variable)
        if variable.home is not self.def_:
            self.def_.nonlocals.add(name)
        return name

    # Expressions.

    def value(self, node: Expression) -> Text:
        text: Text = _VALUES[type(node)](self, node)
        return self.settle(text) if text.depth > MAX_DEPTH else text

    def condition(self, node: Expression) -> Text:
        """A Python truth for a Lua one."""
        kind = type(node)
        if kind is tree.Binary and (node.operator in _COMPARISON or node.operator in ("==", "~=")):  # type: ignore[union-attr]
            text = self.comparison(node)  # type: ignore[arg-type]
        elif kind is tree.Unary and node.operator == "not":  # type: ignore[union-attr]
            inner = self.condition(node.operand)  # type: ignore[union-attr]
            text = self.combined("(not {})", "(not {})", [inner], kind="truth", line=inner.line)
        elif kind is tree.And or kind is tree.Or:
            text = self.logic_condition(node)  # type: ignore[arg-type]
        elif kind is tree.Paren and not _is_multiple(node.inner):  # type: ignore[union-attr]
            text = self.condition(node.inner)  # type: ignore[union-attr]
        else:
            text = self.truth(self.value(node))
        if text.depth > MAX_DEPTH:
            text = self.settle(text)
        return text

    def truth(self, text: Text) -> Text:
        if text.kind == "truth":
            return text
        if text.fast in ("None", "FALSE"):
            return Text("False", kind="truth", simple=True, stable=True)
        if text.fast == "TRUE" or (text.kind in _TRUTHY and text.simple):
            return Text("True", kind="truth", simple=True, stable=True)
        if text.simple:
            name = text.fast
            return Text(f"({name} is not None and {name} is not FALSE)", kind="truth", stable=text.stable)
        name = self.temporary()
        form = f"(({name}:={{}}) is not None and {name} is not FALSE)"
        return self.combined(form, form, [text], kind="truth", line=text.line)

    def combined(self, fast: str, slow: str, parts: list[Text], *, kind: str, line: int, risky: bool = False) -> Text:
        """An expression of several."""
        stable, depth = not risky, 0
        for place, part in enumerate(parts):
            if part.line and line and part.line != line:
                part = parts[place] = self.settle(part)
            risky = risky or part.risky
            stable = stable and part.stable
            depth = max(depth, part.depth)
            line = line or part.line
        return Text(
            fast.format(*[part.fast for part in parts]),
            slow.format(*[part.slow for part in parts]),
            kind=kind,
            risky=risky,
            stable=stable,
            depth=depth + 1,
            line=line,
        )

    def settle(self, text: Text, target: str = "") -> Text:
        """Evaluate an expression now, into a name."""
        if text.simple and text.stable and not target:
            return text
        name = target or self.temporary()
        self.assign(name, text)
        kind = text.kind if not text.risky or text.kind == "truth" else "any"
        return Text(name, kind=kind, simple=True, stable=True)

    def assign(self, name: str, text: Text) -> None:
        if text.line:
            self.line = text.line
        if text.risky:
            self.emit(f"try: {name} = {text.fast}")
            self.emit(f"except ERRORS: {name} = {text.slow}")
        else:
            self.emit(f"{name} = {text.fast}" if name != text.fast else "pass")

    def settle_all(self, texts: list[Text], unstable: bool, line: int = 0) -> None:
        """Evaluate those that may fail, together, and what may complain before them; with `unstable` also those that a
        call may change, with `line` also those that stand on another line."""

        def due(text: Text) -> bool:
            return (
                text.risky
                or (unstable and not (text.stable and not text.line))
                or (line != 0 and text.line not in (0, line))
            )

        last = max((place for place, text in enumerate(texts) if due(text)), default=-1)
        todo = [place for place, text in enumerate(texts[: last + 1]) if due(text) or text.line]
        while todo:
            here = texts[todo[0]].line
            group = list(takewhile(lambda place, here=here: texts[place].line in (here, 0), todo))  # type: ignore[misc]
            todo = todo[len(group) :]
            if len(group) == 1 or not any(texts[place].risky for place in group):
                for place in group:
                    texts[place] = self.settle(texts[place])
                continue
            names = [self.temporary() for _ in group]
            if here:
                self.line = here
            pairs = [(name, texts[place]) for name, place in zip(names, group)]
            self.emit("try: " + "; ".join(f"{name} = {text.fast}" for name, text in pairs))
            self.emit("except ERRORS: " + "; ".join(f"{name} = {text.slow}" for name, text in pairs))
            for name, place in zip(names, group):
                text = texts[place]
                texts[place] = Text(name, kind="any" if text.risky else text.kind, simple=True, stable=True)

    def plain(self, text: Text) -> str:
        """Text that cannot fail."""
        return self.settle(text).fast if text.risky else text.fast

    def constant(self, node: Constant) -> Text:
        value = node.value
        if value == 0.0:  # a function of Lua's keeps each constant once, and 0 equals -0
            function = self.def_.function
            if function.zero is None:
                function.zero = value
            value = function.zero
        if value is None:
            return Text("None", kind="nil", simple=True, stable=True)
        if value is TRUE or value is FALSE:
            return Text(repr(value).upper(), kind="boolean", simple=True, stable=True)
        if type(value) is float:
            text = "INFINITY" if value == float("inf") else "(-INFINITY)" if value == float("-inf") else repr(value)
            return Text(f"({text})" if text[0] == "-" else text, kind="number", simple=True, stable=True)
        assert type(value) is bytes
        return Text(repr(value), kind="string", simple=True, stable=True)

    def vararg(self, node: tree.Vararg) -> Text:
        return Text("(va[0] if va else None)", stable=True)

    def function(self, node: tree.Function) -> Text:
        name = self.temporary()
        self.write_def(name, node)
        return Text(name, kind="function", simple=True, stable=True)

    def local(self, node: tree.Local) -> Text:
        variable = node.variable
        fixed = not variable.assigned
        return Text(
            self.name_of(variable),
            kind=variable.kind if fixed else "any",
            simple=True,
            stable=fixed or not variable.captured,
        )

    def global_(self, node: tree.Global) -> Text:
        path = (node.name,)
        if path in self.environment.constants:
            return self.constant(Constant(self.environment.constants[path]))
        name = self.environment.names.get(path)
        if name is not None:
            return Text(name, simple=True, stable=True)
        return Text(f"nonexistent({node.name!r})", line=node.line)

    def index(self, node: tree.Index) -> Text:
        # A long chain `a.b.c` leans to the left.
        spine: list[tree.Index] = []
        inner: Expression = node
        while type(inner) is tree.Index:
            spine.append(inner)
            inner = inner.object
        text = self.value(inner)
        described: Expression = inner
        for step in reversed(spine):
            if type(described) is tree.Global and type(step.key) is Constant:
                path = (described.name, step.key.value)
                known = self.environment.names.get(path)
                if known is not None:
                    text = Text(known, simple=True, stable=True)
                    described = step
                    continue
                if path in self.environment.constants:
                    text = self.constant(Constant(self.environment.constants[path]))
                    described = step
                    continue
            if text.simple and not _is_name(text.fast):  # Python warns of an indexed constant
                text = Text(self.settle_new(text), simple=True, stable=True)
            if step.key.calls and not text.stable and not _own_local(described, self.def_.function):
                text = self.settle(text)
            key = self.value(step.key)
            slow = f"index({{}}, {{}}, {_escaped(self.describe(described))})"
            text = self.combined("{}[{}]", slow, [text, key], kind="any", line=step.line, risky=True)
            if text.depth > MAX_DEPTH:
                text = self.settle(text)
            described = step
        return text

    def describe(self, node: Expression) -> str:
        """What Lua's messages call the value of an expression, as Python source."""
        if type(node) is tree.Local:
            kind = b"local" if node.variable.function is node.function else b"upvalue"
            return repr(b"%s '%s'" % (kind, node.variable.name))
        if type(node) is tree.Global:
            return repr(b"global '%s'" % node.name)
        if type(node) is tree.Index:
            key = node.key.value if type(node.key) is Constant else None
            return repr(b"field '%s'" % key.partition(b"\0")[0]) if type(key) is bytes else repr(b"field '?'")
        if type(node) is tree.Paren:
            return self.describe(node.inner)
        return "b''"

    def paren(self, node: tree.Paren) -> Text:
        return self.value(node.inner)

    def binary(self, node: tree.Binary) -> Text:
        if node.operator == "..":
            return self.concatenation(node)
        if node.operator not in _ARITHMETIC:
            return self.as_value(self.comparison(node))
        # A long chain `a + b + c` leans to the left.
        spine: list[tree.Binary] = []
        inner: Expression = node
        while type(inner) is tree.Binary and inner.operator in _ARITHMETIC:
            spine.append(inner)
            inner = inner.left
        left = self.value(inner)
        described = inner
        for step in reversed(spine):
            left = self.arithmetic(step, left, described)
            if left.depth > MAX_DEPTH:
                left = self.settle(left)
            described = step
        return left

    def arithmetic(self, node: tree.Binary, left: Text, described: Expression) -> Text:
        if node.right.calls and (left.line or not left.stable) and not _own_local(described, self.def_.function):
            left = self.settle(left)
        right = self.value(node.right)
        operator = node.operator
        describes = _escaped(f"{self.describe(described)}, {self.describe(node.right)}")
        slow = f"{_ARITHMETIC[operator]}({{}}, {{}}, {describes})"
        fast = f"({{}} {operator} {{}})"
        if operator == "+" and left.kind != "number" and right.kind != "number":
            fast = "({} - -{})"  # bytes + bytes would be a string
        elif operator == "%":
            # Python's own % takes the sign in another way, and formats bytes.
            if right.simple and left.simple:
                fast = f"({left.fast} - ({left.fast} / {right.fast}) // 1.0 * {right.fast})"
                text = Text(
                    fast, slow.format(left.slow, right.slow), kind="number", risky=True, depth=1, line=node.line
                )
                return text
            fast = "modulo({}, {})"
        elif operator == "^":
            fast = "raised({}, {})"
        return self.combined(fast, slow, [left, right], kind="number", line=node.line, risky=True)

    def concatenation(self, node: tree.Binary) -> Text:
        operands: list[Expression] = [node.left]
        last: Expression = node
        while type(last) is tree.Binary and last.operator == "..":
            if last is not node:
                operands.append(last.left)
            last = last.right
        operands.append(last)
        texts = self.in_order(operands)
        descriptions = _escaped(", ".join(self.describe(operand) for operand in operands))
        holes = ", ".join(["{}"] * len(operands))
        slow = f"concatenate(({holes}), ({descriptions},))"
        return self.combined(f"concat({holes})", slow, texts, kind="string", line=node.line, risky=True)

    def in_order(self, nodes: list[Expression]) -> list[Text]:
        """The values of several expressions, each evaluated before a call that stands after it."""
        texts: list[Text] = []
        for node in nodes:
            if node.calls:
                self.settle_all(texts, unstable=True)
            text, lines, numbers = self.captured(lambda node=node: self.value(node))  # type: ignore[misc]
            if lines:
                self.settle_all(texts, unstable=True)
                self.replay(lines, numbers, 0)
            texts.append(text)
        return texts

    def comparison(self, node: tree.Binary) -> Text:
        left = self.value(node.left)
        if node.right.calls and (left.line or not left.stable) and not _own_local(node.left, self.def_.function):
            left = self.settle(left)
        right = self.value(node.right)
        operator = node.operator
        if operator in _COMPARISON:
            slow = f"{_COMPARISON[operator]}({{}}, {{}})"
            return self.combined(
                f"({{}} {operator} {{}})", slow, [left, right], kind="truth", line=node.line, risky=True
            )
        for one, other in ((left, right), (right, left)):
            if other.fast in ("None", "TRUE", "FALSE"):
                if one.simple and one.kind in ("number", "string"):  # Python warns of `1.0 is None`
                    return Text(str(operator == "~="), kind="truth", stable=True)
                form = f"({{}} {'is' if operator == '==' else 'is not'} {other.fast})"
                return self.combined(form, form, [one], kind="truth", line=node.line)
        form = f"({{}} {'==' if operator == '==' else '!='} {{}})"
        slow = "equal({}, {})" if operator == "==" else "(not equal({}, {}))"
        plain = left.kind in ("number", "string") or right.kind in ("number", "string")
        return self.combined(form, slow, [left, right], kind="truth", line=node.line, risky=not plain)

    def as_value(self, text: Text) -> Text:
        if text.kind != "truth":
            return text
        form = "(TRUE if {} else FALSE)"
        return self.combined(form, form, [text], kind="boolean", line=text.line)

    def unary(self, node: tree.Unary) -> Text:
        if node.operator == "not":
            return self.as_value(self.condition(node))
        operand = self.value(node.operand)
        describe = _escaped(self.describe(node.operand))
        if node.operator == "-":
            return self.combined(
                "(-{})", f"unm({{}}, {describe})", [operand], kind="number", line=node.line, risky=True
            )
        slow = f"length({{}}, {describe})"
        return self.combined(slow, slow, [operand], kind="number", line=node.line)

    def logic_spine(self, node: tree.And | tree.Or) -> tuple[Expression, list[tree.And | tree.Or]]:
        spine = []
        inner: Expression = node
        while type(inner) is tree.And or type(inner) is tree.Or:
            spine.append(inner)
            inner = inner.left
        return inner, spine[::-1]

    def logic(self, node: tree.And | tree.Or) -> Text:
        first, spine = self.logic_spine(node)
        left = self.condition(first) if _is_condition(first) else self.value(first)
        for step in spine:
            is_and = type(step) is tree.And
            right, lines, numbers = self.captured(lambda step=step: self.value(step.right))  # type: ignore[misc]
            if lines or right.depth > MAX_DEPTH - 2:
                name = self.temporary()
                self.assign(name, self.as_value(left))
                test = f"{name} is not None and {name} is not FALSE"
                self.emit(f"if {test}:" if is_and else f"if not ({test}):")
                self.replay(lines, numbers, 1)
                self.indent += 1
                self.assign(name, right)
                self.indent -= 1
                left = Text(name, simple=True, stable=True)
                continue
            if left.kind == "truth":
                # `a == b and x`: x or false;  `a == b or x`: true or x.
                form = "({1} if {0} else FALSE)" if is_and else "(TRUE if {0} else {1})"
                left = self.combined(form, form, [left, right], kind="any", line=right.line or left.line)
            elif left.fast in ("None", "FALSE", "TRUE") or (left.kind in _TRUTHY and left.simple):
                true = left.fast not in ("None", "FALSE")
                left = right if true == is_and else left
            elif left.simple:
                test = f"{left.fast} is not None and {left.fast} is not FALSE"
                form = f"({{1}} if {test} else {{0}})" if is_and else f"({{0}} if {test} else {{1}})"
                left = self.combined(form, form, [left, right], kind="any", line=right.line or left.line)
            else:
                name = self.temporary()
                test = f"({name}:={{0}}) is not None and {name} is not FALSE"
                form = f"({{1}} if {test} else {name})" if is_and else f"({name} if {test} else {{1}})"
                left = self.combined(form, form, [left, right], kind="any", line=right.line or left.line)
            if left.depth > MAX_DEPTH:
                left = self.settle(left)
        return self.as_value(left)

    def logic_condition(self, node: tree.And | tree.Or) -> Text:
        first, spine = self.logic_spine(node)
        left = self.condition(first)
        for step in spine:
            word = "and" if type(step) is tree.And else "or"
            right, lines, numbers = self.captured(lambda step=step: self.condition(step.right))  # type: ignore[misc]
            if lines or right.depth > MAX_DEPTH - 2:
                name = self.temporary()
                self.assign(name, left)
                self.emit(f"if {name}:" if word == "and" else f"if not {name}:")
                self.replay(lines, numbers, 1)
                self.indent += 1
                self.assign(name, right)
                self.indent -= 1
                left = Text(name, kind="truth", simple=True, stable=True)
                continue
            form = f"({{}} {word} {{}})"
            left = self.combined(form, form, [left, right], kind="truth", line=right.line or left.line)
            if left.depth > MAX_DEPTH:
                left = self.settle(left)
        return left

    def constructor(self, node: tree.Constructor) -> Text:
        if not node.named and not node.items:
            return Text("Table()", kind="table")
        entries: list[tuple[int, Expression | None, Expression]] = sorted(
            [(place, key, value) for place, key, value in node.named]
            + [(place, None, value) for place, value in node.items],
            key=lambda entry: entry[0],
        )
        tail = None
        if entries[-1][1] is None and _is_multiple(entries[-1][2]):
            tail = entries.pop()[2]
        nodes: list[Expression] = []
        for _, key, value in entries:
            if key is not None:
                nodes.append(key)
            nodes.append(value)
        texts = self.in_order(nodes)
        if len(nodes) > 30 or (node.named and node.items):
            self.settle_all(texts, unstable=True)
        star = ""
        if tail is not None:
            if tail.calls:
                self.settle_all(texts, unstable=True)
            star = self.several(tail)
        named: list[tuple[int, int]] = []
        items: list[int] = []
        at = 0
        for _, key, _ in entries:
            if key is None:
                items.append(at)
                at += 1
            else:
                named.append((at, at + 1))
                at += 2
        keys_known = all(texts[key].kind in ("string", "number") and texts[key].simple for key, _ in named)
        no_nil = all(texts[at].kind in _KNOWN for at in [*items, *(value for _, value in named)])
        pairs = [(f"{{{key}}}", f"{{{value}}}") for key, value in named]
        pairs += [(f"{float(number)}", f"{{{at}}}") for number, at in enumerate(items, 1)]
        sizes = f"{len(items)}, {len(named)}"
        if keys_known:
            inside = "{{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}}"
            maker = "build" if no_nil else "build_without_nil"
        else:
            inside = "[" + ", ".join(f"({key}, {value})" for key, value in pairs) + "]"
            maker = "build_from_pairs"
        form = f"{maker}({inside}, {sizes})"
        if star:
            form = f"extended({form}, {len(items)}, {star})"
        return self.combined(form, form, texts, kind="table", line=node.line)

    # Calls.

    def several(self, node: Expression) -> str:
        """All values of a call or of `...`, as the name of a tuple."""
        if type(node) is tree.Vararg:
            return "va"
        name = self.call(node, "many")  # type: ignore[arg-type]
        if self.generators:
            self.emit(f"{name} = (yield from every_g({name})) if {name}.__class__ is tuple else ({name},)")
        else:
            self.emit(f"{name} = every({name}) if {name}.__class__ is tuple else ({name},)")
        return name

    def call_value(self, node: tree.Call | tree.Method) -> Text:
        if type(node) is tree.Call and node.native is not None and node.native.pure:
            texts, star = self.arguments(node.arguments)
            holes = ", ".join(["{}"] * len(texts) + ([f"*{star}"] if star else []))
            name = node.native.python_name
            form = f"{name}({holes})"
            text = self.combined(form, form, texts, kind=node.native.kind, line=node.line)
            text.stable = False
            return text
        return Text(self.call(node, "one"), simple=True, stable=True)

    def arguments(self, nodes: list[Expression]) -> tuple[list[Text], str]:
        """The arguments of a call, and the name of a tuple with the rest."""
        if nodes and _is_multiple(nodes[-1]):
            texts = self.in_order(nodes[:-1])
            if nodes[-1].calls:
                self.settle_all(texts, unstable=True)
            return texts, self.several(nodes[-1])
        return self.in_order(nodes), ""

    def call(self, node: tree.Call | tree.Method, want: str, target: str = "") -> str:
        """Write a call.  `want`: `one` value, `many` (what came, as it is), `none`, or `tail`, which returns it."""
        native = None
        first: list[str] = []
        if type(node) is tree.Method:
            self_ = self.value(node.object)
            if not (self_.simple and self_.stable and _is_name(self_.fast)):
                self_ = Text(self.settle_new(self_))
            function = self.temporary()
            self.line = node.name_line
            name = self_.fast
            method = f"method({name}, {node.name!r}, {self.describe(node.object)})"
            self.emit(f"{function} = {name}[{node.name!r}] if {name}.__class__ is Table else {method}")
            first = [name]
            describe = repr(b"method '%s'" % node.name)
        else:
            assert type(node) is tree.Call
            describe = self.describe(node.function)
            native = node.native
            if native is not None:
                function = native.python_name
            else:
                text = self.value(node.function)
                if text.risky or not text.simple or not _is_name(text.fast):
                    text = Text(self.settle_new(text))
                elif not text.stable and any(argument.calls for argument in node.arguments):
                    text = self.settle(text)
                function = text.fast
        texts, star = self.arguments(node.arguments)
        self.settle_all(texts, unstable=False, line=node.line)
        inside = ", ".join([*first, *(text.fast for text in texts), *([f"*{star}"] if star else [])])
        self.line = node.line
        if want == "tail" and native is None:
            name = "tail_g" if self.generators else "tail"
            self.emit(self.return_text(f"{name}({', '.join([function, describe, *([inside] if inside else [])])})"))
            return ""
        if want == "tail":
            self.emit(self.return_text(f"{function}({inside})"))
            return ""
        result = target or self.temporary()
        if native is not None:
            self.emit(f"{result} = {function}({inside})")
            if native.single:
                return result
        else:
            more = f", {inside}" if inside else ""
            self.emit(f"try: {result} = {function}({inside})")
            self.emit(f"except TypeError: {result} = uncallable({function}, {describe}{more})")
            if self.generators:
                self.emit(f"if {result}.__class__ is generator: {result} = yield from {result}")
        if want == "one":
            first_of = f"(yield from first_g({result}))" if self.generators else f"first({result})"
            self.emit(f"if {result}.__class__ is tuple: {result} = {first_of}")
        elif want == "none":
            finish = f"yield from every_g({result})" if self.generators else f"every({result})"
            self.emit(f"if {result}.__class__ is tuple and {result}: {finish}")
        return result

    def settle_new(self, text: Text) -> str:
        name = self.temporary()
        self.assign(name, text)
        return name

    # Statements.

    def block(self, body: tree.Block) -> None:
        if not body:
            self.emit("pass")
        for statement in body:
            self.line = statement.line
            kind = type(statement)
            if kind in _NESTING and (self.def_.blocks >= MAX_BLOCKS or self.indent - self.def_.base >= MAX_INDENT):
                name, piece = self.outline(lambda statement=statement: _STATEMENTS[type(statement)](self, statement))  # type: ignore[misc]
                self.run_piece(name, piece)
            else:
                _STATEMENTS[kind](self, statement)

    def local_assign(self, node: tree.LocalAssign) -> None:
        variables, values = node.variables, node.values
        if len(variables) == 1 and len(values) == 1:
            variable, value = variables[0], values[0]
            if type(value) is tree.Function:
                self.write_def(self.declare(variable), value)
                if not variable.assigned:
                    variable.kind = "function"
            elif type(value) in (tree.Call, tree.Method) and not _is_pure(value):
                if variable.captured:
                    name = self.call(value, "one")  # type: ignore[arg-type]
                    self.emit(f"{self.declare(variable)} = {name}")
                else:
                    self.call(value, "one", self.declare(variable))  # type: ignore[arg-type]
            else:
                text = self.value(value)
                self.assign(self.declare(variable), text)
                if not variable.assigned and not text.risky:
                    variable.kind = text.kind
            return
        texts = self.adjusted(values, len(variables))
        names = [self.declare(variable) for variable in variables]
        if any(text.risky for text in texts):
            self.settle_all(texts, unstable=False)
        for name, text in zip(names, texts):
            if text.line:
                self.line = text.line
            self.emit(f"{name} = {text.fast}")

    def adjusted(self, values: list[Expression], count: int) -> list[Text]:
        """The values of a list of expressions, made `count` many; what is too much is evaluated all the same."""
        nil = Text("None", kind="nil", simple=True, stable=True)
        if values and _is_multiple(values[-1]) and len(values) <= count:
            texts = self.in_order(values[:-1])
            last = values[-1]
            wanted = count - len(texts)
            if wanted == 1:
                if last.calls:
                    self.settle_all(texts, unstable=True)
                return [*texts, self.value(last)]
            if last.calls:
                self.settle_all(texts, unstable=True)
            star = self.several(last)
            names = [self.temporary() for _ in range(wanted)]
            self.emit(f"{', '.join(names)} = adjust({star}, {wanted})")
            return texts + [Text(name, simple=True, stable=True) for name in names]
        texts = self.in_order(values)
        for text in texts[count:]:
            self.plain(text) if text.risky else self.emit(text.fast)
        return texts[:count] + [nil] * (count - len(texts))

    def local_function(self, node: tree.LocalFunction) -> None:
        self.write_def(self.declare(node.variable), node.function)

    def assignment(self, node: tree.Assign) -> None:
        if len(node.targets) == 1 and len(node.values) == 1:
            return self.assign_one(node.targets[0], node.values[0], node.line)
        places: list[tuple[Any, list[Text]]] = []
        for target in node.targets:
            parts: list[Text] = []
            if type(target) is tree.Index:
                parts = self.in_order([target.object, target.key])
                # Locals too: `i, t[i] = i + 1, 20` uses the i from before.
                parts = [
                    part if type(one) is Constant else Text(self.settle_new(part))
                    for part, one in zip(parts, (target.object, target.key))
                ]
            elif type(target) is tree.Global:
                pass
            places.append((target, parts))
        texts = self.adjusted(node.values, len(node.targets))
        self.settle_all(texts, unstable=True)
        names = [
            text.fast if text.simple and type(value) is Constant else self.settle_new(text)
            for text, value in zip(texts, [*node.values, *[None] * len(texts)])
        ]
        self.line = node.line
        for (target, parts), name in reversed(list(zip(places, names))):
            if type(target) is tree.Local:
                self.emit(f"{self.store_name(target.variable)} = {name}")
            elif type(target) is tree.Global:
                self.emit("readonly()")
            else:
                description = self.describe(target.object)
                self.emit(f"store({parts[0].fast}, {parts[1].fast}, {name}, {description})")
        return None

    def assign_one(self, target: tree.Local | tree.Global | tree.Index, value: Expression, line: int) -> None:
        if type(target) is tree.Local:
            variable = target.variable
            if type(value) in (tree.Call, tree.Method) and not _is_pure(value) and not variable.captured:
                self.call(value, "one", self.store_name(variable))  # type: ignore[arg-type]
            else:
                text = self.value(value)
                self.assign(self.store_name(variable), text)
        elif type(target) is tree.Global:
            self.assign(self.temporary(), self.value(value))
            self.line = line
            self.emit("readonly()")
        else:
            assert type(target) is tree.Index
            nodes = [target.object, target.key, value]
            texts = self.in_order(nodes)
            description = self.describe(target.object)
            self.settle_all(texts, unstable=False)
            for place, text in enumerate(texts):
                if not text.simple or (place == 0 and not _is_name(text.fast)):
                    texts[place] = Text(self.settle_new(text), kind=text.kind)
            object_, key, new = (text.fast for text in texts)
            self.line = line
            slow = f"store({object_}, {key}, {new}, {description})"
            tests = []
            if texts[2].kind not in _KNOWN:
                tests.append(f"{new} is not None")
            if not (texts[1].kind == "string" or type(target.key) is Constant):
                tests.append(
                    f"{key} == {key}" if texts[1].kind == "number" else f"{key} is not None and {key} == {key}"
                )
            if new == "None" or (type(target.key) is Constant and target.key.value is None):
                self.emit(slow)
                return
            if tests:
                self.emit("try:")
                self.emit(f" if {' and '.join(tests)}: {object_}[{key}] = {new}")
                self.emit(" else: raise SLOW")
            else:
                self.emit(f"try: {object_}[{key}] = {new}")
            self.emit(f"except TypeError: {slow}")

    def call_statement(self, node: tree.CallStatement) -> None:
        if _is_pure(node.call):
            text = self.value(node.call)
            self.assign(self.temporary(), text)
        else:
            self.call(node.call, "none")

    def do(self, node: tree.Do) -> None:
        self.block(node.body)

    def test(self, node: Expression) -> str:
        """A condition, as text that cannot fail."""
        text = self.condition(node)
        return self.plain(text) if text.risky else text.fast

    def loop(self, write: Callable[[], None]) -> None:
        self.def_.loops += 1
        self.def_.blocks += 1
        self.indent += 1
        write()
        self.indent -= 1
        self.def_.blocks -= 1
        self.def_.loops -= 1

    def body(self, node: tree._Loop, after: Callable[[], None] | None = None) -> None:
        """The body of a loop, inside of it."""

        def write() -> None:
            self.block(node.body)
            if after is not None and not (node.body and type(node.body[-1]) in (tree.Return, tree.Break)):
                after()

        if not node.captures:
            write()
            return
        name, piece = self.outline(write)
        self.run_piece(name, piece)

    def while_(self, node: tree.While) -> None:
        text, lines, numbers = self.captured(lambda: self.condition(node.condition))
        if not lines and not text.risky:
            self.emit(f"while {text.fast}:")
        else:
            self.emit("while True:")
            self.replay(lines, numbers, 1)
            self.indent += 1
            test = self.plain(text)
            self.emit(f"if not {test}: break")
            self.indent -= 1

        def write() -> None:
            self.body(node)
            self.tick()

        self.loop(write)

    def repeat(self, node: tree.Repeat) -> None:
        def until() -> None:
            self.line = node.condition_line
            test = self.test(node.condition)
            self.emit(f"if {test}: {self.break_text()}")

        def write() -> None:
            self.body(node, until)
            self.tick()

        self.emit("while True:")
        self.loop(write)

    def numeric_for(self, node: tree.NumericFor) -> None:
        texts = self.in_order(node.limits)
        self.settle_all(texts, unstable=False, line=node.do_line)
        self.line = node.do_line
        limits = ", ".join(text.fast for text in texts)
        self.for_loop(node, [node.variable], f"counted({limits})")

    def for_loop(self, node: tree.NumericFor | tree.GenericFor, variables: list[Variable], iterator: str) -> None:
        if node.captures:
            hidden = [self.temporary() for _ in variables]
            self.emit(f"for {', '.join(hidden)} in {iterator}:")

            def write() -> None:
                names: list[str] = []

                def body() -> None:
                    self.block(node.body)

                piece_names = [self.name_of(variable) for variable in variables]

                def declared() -> None:
                    for variable in variables:
                        names.append(self.declare(variable))
                    body()

                name, piece = self.outline(declared, ", ".join(piece_names))
                self.run_piece(name, piece, ", ".join(hidden))

            self.loop(write)
        else:
            names = [self.declare(variable) for variable in variables]
            self.emit(f"for {', '.join(names)} in {iterator}:")
            self.loop(lambda: self.block(node.body))

    def generic_for(self, node: tree.GenericFor) -> None:
        first = node.values[0]
        path = self.environment.path_of(first.native) if type(first) is tree.Call and first.native else ()
        if len(node.values) == 1 and path in ((b"pairs",), (b"ipairs",)) and len(node.variables) <= 2:
            assert type(first) is tree.Call
            texts, star = self.arguments(first.arguments)
            self.settle_all(texts, unstable=False, line=first.line)
            self.line = first.line
            inside = ", ".join([*(text.fast for text in texts), *([f"*{star}"] if star else [])])
            one = "_keys" if len(node.variables) == 1 else ""
            self.for_loop(node, node.variables, f"walk_{path[0].decode()}{one}({inside})")
            return
        texts = self.adjusted(node.values, 3)
        self.settle_all(texts, unstable=True)
        function, state = self.settle_new(texts[0]), texts[1].fast
        control = self.settle_new(texts[2])
        self.line = node.line
        self.emit("while True:")

        def write() -> None:
            result = self.temporary()
            self.emit(f"try: {result} = {function}({state}, {control})")
            self.emit(f"except TypeError: {result} = uncallable({function}, b'', {state}, {control})")
            if self.generators:
                self.emit(f"if {result}.__class__ is generator: {result} = yield from {result}")
            count = len(node.variables)
            hidden = (
                [self.temporary() for _ in node.variables]
                if node.captures
                else [self.declare(variable) for variable in node.variables]
            )
            if count == 1:
                first_of = f"(yield from first_g({result}))" if self.generators else f"first({result})"
                self.emit(f"{hidden[0]} = {first_of} if {result}.__class__ is tuple else {result}")
            else:
                every = f"(yield from every_g({result}))" if self.generators else f"every({result})"
                rest = ", ".join(["None"] * (count - 1))
                self.emit(
                    f"{', '.join(hidden)} = adjust({every}, {count}) if {result}.__class__ is tuple else ({result}, {rest})"
                )
            self.emit(f"if {hidden[0]} is None: break")
            self.emit(f"{control} = {hidden[0]}")
            self.tick()
            if node.captures:

                def body() -> None:
                    for variable in node.variables:
                        self.declare(variable)
                    self.block(node.body)

                name, piece = self.outline(body, ", ".join(self.name_of(variable) for variable in node.variables))
                self.run_piece(name, piece, ", ".join(hidden))
            else:
                self.block(node.body)

        self.loop(write)

    def if_(self, node: tree.If) -> None:
        if len(node.branches) > LONG_CHAIN:
            self.if_chain(node)
            return
        depth = 0
        for number, (condition, body, line) in enumerate(node.branches):
            self.line = line
            text, lines, numbers = self.captured(lambda condition=condition: self.condition(condition))  # type: ignore[misc]
            if number and not lines and not text.risky:
                self.emit(f"elif {text.fast}:")
            else:
                if number:
                    self.emit("else:")
                    self.indent += 1
                    depth += 1
                self.replay(lines, numbers, 1 if number else 0)
                self.emit(f"if {self.plain(text)}:")
            self.indent += 1
            self.block(body)
            self.indent -= 1
        if node.otherwise is not None:
            self.emit("else:")
            self.indent += 1
            self.block(node.otherwise)
            self.indent -= 1
        self.indent -= depth

    def if_chain(self, node: tree.If) -> None:
        """A long chain of elseif: first which branch it is, then the branches, all at one depth."""
        chosen = self.temporary()
        self.emit(f"{chosen} = -1")
        for number, (condition, _, line) in enumerate(node.branches):
            self.line = line
            if number:
                self.emit(f"if {chosen} < 0:")
                self.indent += 1
            test = self.test(condition)
            self.emit(f"if {test}: {chosen} = {number}")
            self.indent -= bool(number)
        bodies: Iterable[tuple[int, tree.Block]] = enumerate(body for _, body, _ in node.branches)
        for number, body in [*bodies, *([(-1, node.otherwise)] if node.otherwise is not None else [])]:
            self.emit(f"if {chosen} == {number}:")
            self.indent += 1
            self.block(body)
            self.indent -= 1

    def return_(self, node: tree.Return) -> None:
        values = node.values
        if not values:
            self.emit(self.return_text("()"))
        elif len(values) == 1:
            value = values[0]
            if type(value) in (tree.Call, tree.Method) and not _is_pure(value):
                in_main = self.def_.function.parent is None
                if in_main and not (type(value) is tree.Call and value.native is not None):
                    name = self.call(value, "many")  # type: ignore[arg-type]
                    self.emit(self.return_text(name))
                else:
                    self.call(value, "tail")  # type: ignore[arg-type]
            elif type(value) is tree.Vararg:
                self.emit(self.return_text("va"))
            else:
                text = self.value(value)
                if text.line:
                    self.line = text.line
                if text.risky:
                    self.emit(f"try: {self.return_text(text.fast)}")
                    self.emit(f"except ERRORS: {self.return_text(text.slow)}")
                else:
                    self.emit(self.return_text(text.fast))
        else:
            texts, star = self.arguments(values)
            self.settle_all(texts, unstable=False, line=node.line)
            self.line = node.line
            inside = ", ".join([*(text.fast for text in texts), *([f"*{star}"] if star else [])])
            self.emit(self.return_text(f"({inside},)" if star and not texts else f"({inside})"))

    def break_(self, node: tree.Break) -> None:
        self.emit(self.break_text())


def _escaped(text: str) -> str:
    """Text for a template of `str.format`."""
    return text.replace("{", "{{").replace("}", "}}")


def _is_name(text: str) -> bool:
    """Whether this is a name; Python warns of a constant that is called or indexed."""
    return text.isidentifier() and text != "None"


def _is_multiple(node: Expression) -> bool:
    """Whether an expression may give any number of values."""
    kind = type(node)
    if kind is tree.Call:
        return node.native is None or not node.native.single  # type: ignore[union-attr]
    return kind is tree.Method or kind is tree.Vararg


def _own_local(node: Expression, function: tree.Function) -> bool:
    """A local of this function stays in its register: an operator sees what a call on its right assigned to it."""
    return type(node) is tree.Local and node.variable.function is function


def _is_condition(node: Expression) -> bool:
    kind = type(node)
    return (kind is tree.Binary and node.operator not in _ARITHMETIC and node.operator != "..") or (  # type: ignore[union-attr]
        kind is tree.Unary and node.operator == "not"  # type: ignore[union-attr]
    )


def _is_pure(node: Expression) -> bool:
    return type(node) is tree.Call and node.native is not None and node.native.pure


class _Graft(ast.NodeTransformer):
    """Puts fragments in the places that were left for them."""

    def __init__(self, trees: dict[str, list[ast.stmt]]) -> None:
        self.trees = trees

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Name) and node.value.id.startswith("GRAFT_"):
            return self.trees[node.value.id]
        return node


_KNOWN = frozenset(("number", "string", "function", "table", "boolean"))
_NESTING = frozenset((tree.If, tree.While, tree.Repeat, tree.NumericFor, tree.GenericFor, tree.Do))
_VALUES: dict[type, Callable[..., Text]] = {
    Constant: _Writer.constant,
    tree.Vararg: _Writer.vararg,
    tree.Function: _Writer.function,
    tree.Local: _Writer.local,
    tree.Global: _Writer.global_,
    tree.Index: _Writer.index,
    tree.Call: _Writer.call_value,
    tree.Method: _Writer.call_value,
    tree.And: _Writer.logic,
    tree.Or: _Writer.logic,
    tree.Binary: _Writer.binary,
    tree.Unary: _Writer.unary,
    tree.Paren: _Writer.paren,
    tree.Constructor: _Writer.constructor,
}
_STATEMENTS: dict[type, Callable[..., None]] = {
    tree.LocalAssign: _Writer.local_assign,
    tree.LocalFunction: _Writer.local_function,
    tree.Assign: _Writer.assignment,
    tree.CallStatement: _Writer.call_statement,
    tree.Do: _Writer.do,
    tree.While: _Writer.while_,
    tree.Repeat: _Writer.repeat,
    tree.NumericFor: _Writer.numeric_for,
    tree.GenericFor: _Writer.generic_for,
    tree.If: _Writer.if_,
    tree.Return: _Writer.return_,
    tree.Break: _Writer.break_,
}

"""Statements, and the functions that they make up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from redouble.scripting import tree
from redouble.scripting.compiler.expressions import KNOWN, Expressions, is_multiple, is_name, is_own_local, is_pure
from redouble.scripting.compiler.output import FRAGMENT_INDENT, Def
from redouble.scripting.compiler.texts import Text
from redouble.scripting.tree import Constant, Expression, Variable

__all__ = ["Writer"]

MAX_BLOCKS = 6
MAX_INDENT = 25
LONG_CHAIN = 8
_NESTING = frozenset((tree.If, tree.While, tree.Repeat, tree.NumericFor, tree.GenericFor, tree.Do))


class Writer(Expressions):
    """One method for each kind of statement."""

    def main(self, node: tree.Function) -> None:
        self.write_def("main", node)

    def write_def(self, name: str, node: tree.Function) -> None:
        """`def name(...)`, the Python function of a Lua one."""
        if self.def_.outer is not None and self.indent >= FRAGMENT_INDENT:
            return self.in_fragment(lambda: self.write_def(name, node))
        line = self.line
        self.line = node.line or 1
        outer = self.def_
        self.enter(Def(node, outer, False, self.indent))
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
            elif type(value) in (tree.Call, tree.Method) and not is_pure(value):
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
        if values and is_multiple(values[-1]) and len(values) <= count:
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
        if len(texts) > count:
            self.settle_all(texts, unstable=False)
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
                self.emit(f"readonly({target.name!r})")
            else:
                description = self.describe(target.object)
                self.emit(f"store({parts[0].fast}, {parts[1].fast}, {name}, {description})")
        return None

    def assign_one(self, target: tree.Local | tree.Global | tree.Index, value: Expression, line: int) -> None:
        if type(target) is tree.Local:
            variable = target.variable
            if type(value) in (tree.Call, tree.Method) and not is_pure(value) and not variable.captured:
                self.call(value, "one", self.store_name(variable))  # type: ignore[arg-type]
            else:
                text = self.value(value)
                self.assign(self.store_name(variable), text)
        elif type(target) is tree.Global:
            self.assign(self.temporary(), self.value(value))
            self.line = line
            self.emit(f"readonly({target.name!r})")
        else:
            assert type(target) is tree.Index
            # Locals of this function are looked at last, in their registers: the value may assign to them.
            nodes = [target.object, target.key, value]
            late = [is_own_local(node, self.def_.function) for node in (target.object, target.key)] + [False]
            early = iter(self.in_order([node for node, is_late in zip(nodes, late) if not is_late]))
            texts = [self.value(node) if is_late else next(early) for node, is_late in zip(nodes, late)]
            description = self.describe(target.object)
            self.settle_all(texts, unstable=False)
            for place, text in enumerate(texts):
                if not text.simple or (place == 0 and not is_name(text.fast)):
                    texts[place] = Text(self.settle_new(text), kind=text.kind)
            object_, key, new = (text.fast for text in texts)
            self.line = line
            slow = f"store({object_}, {key}, {new}, {description})"
            tests = []
            if texts[2].kind not in KNOWN:
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
        if is_pure(node.call):
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
            if type(value) in (tree.Call, tree.Method) and not is_pure(value):
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


_STATEMENTS: dict[type, Callable[..., None]] = {
    tree.LocalAssign: Writer.local_assign,
    tree.LocalFunction: Writer.local_function,
    tree.Assign: Writer.assignment,
    tree.CallStatement: Writer.call_statement,
    tree.Do: Writer.do,
    tree.While: Writer.while_,
    tree.Repeat: Writer.repeat,
    tree.NumericFor: Writer.numeric_for,
    tree.GenericFor: Writer.generic_for,
    tree.If: Writer.if_,
    tree.Return: Writer.return_,
    tree.Break: Writer.break_,
}

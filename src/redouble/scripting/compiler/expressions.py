"""Expressions: each becomes a Text; those with calls in them write statements first."""

from __future__ import annotations

from collections.abc import Callable

from redouble.scripting import tree
from redouble.scripting.compiler.output import LONG_STRING
from redouble.scripting.compiler.texts import MAX_DEPTH, TRUTHY, Text, Texts
from redouble.scripting.tree import Constant, Expression
from redouble.scripting.values import FALSE, TRUE

__all__ = ["KNOWN", "Expressions", "is_multiple", "is_name", "is_own_local", "is_pure"]

_ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "^": "power"}
_COMPARISON = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
KNOWN = TRUTHY | {"boolean"}
"""The kinds that are not nil."""


class Expressions(Texts):
    """One method for each kind of expression."""

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
        elif kind is tree.Paren and not is_multiple(node.inner):  # type: ignore[union-attr]
            text = self.condition(node.inner)  # type: ignore[union-attr]
        else:
            text = self.truth(self.value(node))
        if text.depth > MAX_DEPTH:
            text = self.settle(text)
        return text

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
            text = f"({text})" if text[0] == "-" else text
            return Text(text, kind="number", simple=True, stable=True, constant=True)
        assert type(value) is bytes
        text = repr(value)
        if len(text) > LONG_STRING:
            self.room += len(text)
        return Text(text, kind="string", simple=True, stable=True, constant=True)

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
            if text.constant or (text.simple and not is_name(text.fast)):
                text = Text(self.settle_new(text), simple=True, stable=True)
            text, key = self.left_and_right(text, described, step.key)
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
        if type(node) is tree.Or and type(node.left) is tree.And and type(node.left.left) is not Constant:
            return self.describe(node.right)  # Lua looks where its code went if all jumps were taken
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
        left, right = self.left_and_right(left, described, node.right)
        operator = node.operator
        describes = _escaped(f"{self.describe(described)}, {self.describe(node.right)}")
        slow = f"{_ARITHMETIC[operator]}({{}}, {{}}, {describes})"
        fast = f"({{}} {operator} {{}})"
        if operator == "+" and left.kind != "number" and right.kind != "number":
            fast = "({} + +{})"  # bytes + bytes would be a string
        elif operator == "%":
            # Python's own % takes the sign in another way, and formats bytes.
            if right.simple and left.simple:
                slow = slow.format(left.slow, right.slow)
                result = self.temporary()
                fast = f"({result}:={left.fast} - ({left.fast} / {right.fast}) // 1.0 * {right.fast})"
                fast = f"({result} if {fast} == {result} else {slow})"  # of an infinite quotient // makes nan
                return Text(
                    fast,
                    slow,
                    kind="number",
                    risky=True,
                    constant=left.constant and right.constant,
                    depth=2,
                    line=node.line,
                )
            fast = "modulo({}, {})"
        elif operator == "^":
            fast = "raised({}, {})"
        return self.combined(fast, slow, [left, right], kind="number", line=node.line, risky=True)

    def left_and_right(self, left: Text, described: Expression, node: Expression) -> tuple[Text, Text]:
        """`left`, evaluated before what stands to its right, and that."""
        right, lines, numbers = self.captured(lambda: self.value(node))
        if lines and (left.line or not left.stable) and not is_own_local(described, self.def_.function):
            left = self.settle(left)
        self.replay(lines, numbers, 0)
        return left, right

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
        left, right = self.left_and_right(self.value(node.left), node.left, node.right)
        operator = node.operator
        if operator in _COMPARISON:
            slow = f"{_COMPARISON[operator]}({{}}, {{}})"
            return self.combined(
                f"({{}} {operator} {{}})", slow, [left, right], kind="truth", line=node.line, risky=True
            )
        for one, other in ((left, right), (right, left)):
            if other.fast in ("None", "TRUE", "FALSE"):
                if one.simple and one.kind in ("number", "string"):
                    return Text(str(operator == "~="), kind="truth", stable=True)
                if one.constant:
                    one = self.settle(one)
                form = f"({{}} {'is' if operator == '==' else 'is not'} {other.fast})"
                return self.combined(form, form, [one], kind="truth", line=node.line)
        form = f"({{}} {'==' if operator == '==' else '!='} {{}})"
        slow = "equal({}, {})" if operator == "==" else "(not equal({}, {}))"
        plain = left.kind in ("number", "string") or right.kind in ("number", "string")
        return self.combined(form, slow, [left, right], kind="truth", line=node.line, risky=not plain)

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
            elif left.fast in ("None", "FALSE", "TRUE") or (left.kind in TRUTHY and left.simple):
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
        last = entries[-1][2]
        if entries[-1][1] is None and (is_multiple(last) or (node.named and type(last) is tree.Call)):
            # Also one that gives one value: a constructor that ends with a call has no place for it at first.
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
        no_nil = all(texts[at].kind in KNOWN for at in [*items, *(value for _, value in named)])
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
        if nodes and is_multiple(nodes[-1]):
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
            if not (self_.simple and self_.stable and is_name(self_.fast)):
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
                if text.risky or not text.simple or not is_name(text.fast):
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

    def write_def(self, name: str, node: tree.Function) -> None:
        """`def name(...)`, the Python function of a Lua one; see statements.py."""
        raise NotImplementedError


def _escaped(text: str) -> str:
    """Text for a template of `str.format`."""
    return text.replace("{", "{{").replace("}", "}}")


def is_name(text: str) -> bool:
    """Whether this is a name; Python warns of a constant that is called or indexed."""
    return text.isidentifier() and text != "None"


def is_multiple(node: Expression) -> bool:
    """Whether an expression may give any number of values."""
    kind = type(node)
    if kind is tree.Call:
        return node.native is None or not node.native.single  # type: ignore[union-attr]
    return kind is tree.Method or kind is tree.Vararg


def is_own_local(node: Expression, function: tree.Function) -> bool:
    """A local of this function stays in its register: an operator sees what a call on its right assigned to it."""
    return type(node) is tree.Local and node.variable.function is function


def _is_condition(node: Expression) -> bool:
    kind = type(node)
    return (kind is tree.Binary and node.operator not in _ARITHMETIC and node.operator != "..") or (  # type: ignore[union-attr]
        kind is tree.Unary and node.operator == "not"  # type: ignore[union-attr]
    )


def is_pure(node: Expression) -> bool:
    return type(node) is tree.Call and node.native is not None and node.native.pure


_VALUES: dict[type, Callable[..., Text]] = {
    Constant: Expressions.constant,
    tree.Vararg: Expressions.vararg,
    tree.Function: Expressions.function,
    tree.Local: Expressions.local,
    tree.Global: Expressions.global_,
    tree.Index: Expressions.index,
    tree.Call: Expressions.call_value,
    tree.Method: Expressions.call_value,
    tree.And: Expressions.logic,
    tree.Or: Expressions.logic,
    tree.Binary: Expressions.binary,
    tree.Unary: Expressions.unary,
    tree.Paren: Expressions.paren,
    tree.Constructor: Expressions.constructor,
}

"""The tree of a chunk: what the parser builds and the compiler reads.

Names are resolved already: each use of a local holds its `Variable`.  `calls` of an expression says whether code of
somebody else may run while it is evaluated; then what stands before it must be evaluated first.
"""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = [
    "And",
    "Assign",
    "Binary",
    "Block",
    "Break",
    "Call",
    "CallStatement",
    "Constant",
    "Constructor",
    "Do",
    "Expression",
    "Function",
    "GenericFor",
    "Global",
    "If",
    "Index",
    "Local",
    "LocalAssign",
    "LocalFunction",
    "Method",
    "NumericFor",
    "Or",
    "Paren",
    "Repeat",
    "Return",
    "Statement",
    "Unary",
    "Vararg",
    "Variable",
    "While",
]


class Variable:
    """A local variable; `number` makes its name one of its own."""

    __slots__ = ("assigned", "captured", "function", "home", "kind", "name", "number")

    def __init__(self, name: bytes, number: int, function: Function) -> None:
        self.name = name
        self.number = number
        self.function = function
        self.captured = False
        """Whether an inner function uses it."""
        self.assigned = False
        """Whether anything is assigned to it after its declaration."""
        self.kind = "any"
        self.home: Any = None
        """The Python function in which the compiler put it."""


class Function:
    __slots__ = (
        "active",
        "body",
        "has_arg",
        "line",
        "parameters",
        "parent",
        "recursive",
        "upvalues",
        "uses_vararg",
        "vararg",
        "zero",
    )
    calls = False

    def __init__(self, parent: Function | None, line: int) -> None:
        self.parent = parent
        self.zero: float | None = None
        """The first of its constants that is 0 or -0."""
        self.line = line
        self.parameters: list[Variable] = []
        self.vararg = False
        self.uses_vararg = False
        self.has_arg: Variable | None = None
        """The variable `arg` of a function with `...`."""
        self.body: Block = []
        self.active = 0
        self.upvalues: set[Variable] = set()
        self.recursive = False
        """Whether it calls anything but the library, so that it may come back to itself."""


class Constant:
    """nil, true, false, a number or a string."""

    __slots__ = ("value",)
    calls = False

    def __init__(self, value: Any) -> None:
        self.value = value


class Vararg:
    __slots__ = ()
    calls = False


class Local:
    __slots__ = ("function", "variable")
    calls = False

    def __init__(self, variable: Variable, function: Function) -> None:
        self.variable = variable
        self.function = function
        """Where it is used."""


class Global:
    __slots__ = ("line", "name")
    calls = False

    def __init__(self, name: bytes, line: int) -> None:
        self.name = name
        self.line = line


class Index:
    __slots__ = ("calls", "key", "line", "object")
    calls: bool

    def __init__(self, object: Expression, key: Expression, line: int) -> None:
        self.object = object
        self.key = key
        self.line = line
        self.calls = object.calls or key.calls


class Call:
    __slots__ = ("arguments", "calls", "function", "line", "native")
    calls: bool

    def __init__(self, function: Expression, arguments: list[Expression], line: int, native: Any) -> None:
        self.function = function
        self.arguments = arguments
        self.line = line
        self.native = native
        """The library function that it certainly calls, if it does."""
        self.calls = not (native is not None and native.pure) or any(argument.calls for argument in arguments)


class Method:
    __slots__ = ("arguments", "line", "name", "name_line", "object")
    calls = True

    def __init__(self, object: Expression, name: bytes, arguments: list[Expression], line: int, name_line: int) -> None:
        self.object = object
        self.name = name
        self.arguments = arguments
        self.line = line
        self.name_line = name_line


class _Pair:
    __slots__ = ("calls", "left", "right")
    calls: bool

    def __init__(self, left: Expression, right: Expression) -> None:
        self.left = left
        self.right = right
        self.calls = left.calls or right.calls


class And(_Pair):
    __slots__ = ()


class Or(_Pair):
    __slots__ = ()


class Binary:
    """Arithmetic, comparison, or `..` (then `left` is the first operand and `right` a list of the others)."""

    __slots__ = ("calls", "left", "line", "operator", "right")
    calls: bool

    def __init__(self, operator: str, left: Expression, right: Expression, line: int) -> None:
        self.operator = operator
        self.left = left
        self.right = right
        self.line = line
        self.calls = left.calls or right.calls


class Unary:
    __slots__ = ("calls", "line", "operand", "operator")
    calls: bool

    def __init__(self, operator: str, operand: Expression, line: int) -> None:
        self.operator = operator
        self.operand = operand
        self.line = line
        self.calls = operand.calls


class Paren:
    """`(f())`: one value."""

    __slots__ = ("calls", "inner")
    calls: bool

    def __init__(self, inner: Expression) -> None:
        self.inner = inner
        self.calls = inner.calls


class Constructor:
    """`{...}`: `named` are the pairs with a key, `items` those without, each with its place among all."""

    __slots__ = ("calls", "items", "line", "named")
    calls: bool

    def __init__(
        self, named: list[tuple[int, Expression, Expression]], items: list[tuple[int, Expression]], line: int
    ) -> None:
        self.named = named
        self.items = items
        self.line = line
        self.calls = any(key.calls or value.calls for _, key, value in named) or any(item.calls for _, item in items)


Expression: TypeAlias = (
    And
    | Or
    | Binary
    | Unary
    | Paren
    | Constructor
    | Method
    | Call
    | Index
    | Global
    | Local
    | Vararg
    | Constant
    | Function
)


class LocalAssign:
    __slots__ = ("line", "values", "variables")

    def __init__(self, variables: list[Variable], values: list[Expression], line: int) -> None:
        self.variables = variables
        self.values = values
        self.line = line


class LocalFunction:
    __slots__ = ("function", "line", "variable")

    def __init__(self, variable: Variable, function: Function, line: int) -> None:
        self.variable = variable
        self.function = function
        self.line = line


class Assign:
    __slots__ = ("line", "targets", "values")

    def __init__(self, targets: list[Local | Global | Index], values: list[Expression], line: int) -> None:
        self.targets = targets
        self.values = values
        self.line = line


class CallStatement:
    __slots__ = ("call", "line")

    def __init__(self, call: Call | Method, line: int) -> None:
        self.call = call
        self.line = line


class Do:
    __slots__ = ("body", "line")

    def __init__(self, body: Block, line: int) -> None:
        self.body = body
        self.line = line


class _Loop:
    __slots__ = ("body", "captures", "line")

    body: Block
    captures: bool
    """Whether an inner function uses a variable that its body declares: then each turn needs new ones."""
    line: int


class While(_Loop):
    __slots__ = ("condition",)

    def __init__(self, condition: Expression, body: Block, line: int, captures: bool) -> None:
        self.condition, self.body, self.line, self.captures = condition, body, line, captures


class Repeat(_Loop):
    __slots__ = ("condition", "condition_line")

    def __init__(self, body: Block, condition: Expression, line: int, condition_line: int, captures: bool) -> None:
        self.condition, self.body, self.line, self.captures = condition, body, line, captures
        self.condition_line = condition_line


class NumericFor(_Loop):
    __slots__ = ("do_line", "limits", "variable")

    def __init__(
        self, variable: Variable, limits: list[Expression], body: Block, line: int, do_line: int, captures: bool
    ) -> None:
        self.variable, self.limits, self.body, self.line, self.captures = variable, limits, body, line, captures
        self.do_line = do_line


class GenericFor(_Loop):
    __slots__ = ("values", "variables")

    def __init__(
        self, variables: list[Variable], values: list[Expression], body: Block, line: int, captures: bool
    ) -> None:
        self.variables, self.values, self.body, self.line, self.captures = variables, values, body, line, captures


class If:
    __slots__ = ("branches", "line", "otherwise")

    def __init__(self, branches: list[tuple[Expression, Block, int]], otherwise: Block | None, line: int) -> None:
        self.branches = branches
        self.otherwise = otherwise
        self.line = line


class Return:
    __slots__ = ("line", "values")

    def __init__(self, values: list[Expression], line: int) -> None:
        self.values = values
        self.line = line


class Break:
    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


Statement: TypeAlias = (
    LocalAssign
    | LocalFunction
    | Assign
    | CallStatement
    | Do
    | While
    | Repeat
    | NumericFor
    | GenericFor
    | If
    | Return
    | Break
)
Block: TypeAlias = list[Statement]

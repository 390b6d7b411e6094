"""Lua 5.1's grammar, with the messages of its own parser: what was expected, near which token, at which line.

Limits are Lua's: 200 levels of nesting, 200 local variables, 60 upvalues.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from redouble.scripting import tree
from redouble.scripting.lexer import TURNS_BETWEEN_CHECKS, LuaSyntaxError, tokenize
from redouble.scripting.runtime.operators import raised, remainder
from redouble.scripting.tree import Block, Constant, Expression, Function, Variable
from redouble.scripting.values import FALSE, TRUE

__all__ = ["parse"]

MAX_LEVELS = 200
MAX_LOCALS = 200
MAX_UPVALUES = 60
MAX_REGISTERS = 250

_BINARY = {
    "+": (6, 6), "-": (6, 6), "*": (7, 7), "/": (7, 7), "%": (7, 7),
    "^": (10, 9), "..": (5, 4),
    "~=": (3, 3), "==": (3, 3), "<": (3, 3), "<=": (3, 3), ">": (3, 3), ">=": (3, 3),
    "and": (2, 2), "or": (1, 1),
}  # fmt: skip
"""Each operator's priority to its left and to its right."""
_UNARY_PRIORITY = 8
_BLOCK_ENDS = frozenset(("else", "elseif", "end", "eof", "until"))

Natives = Mapping[tuple[bytes, ...], Any]


def parse(source: bytes, natives: Natives, check: Callable[[], None] = lambda: None) -> Function:
    """The tree of the chunk `source`; `natives` are the library functions by their path, as `(b"redis", b"call")`.
    `check` is called every few thousand steps, and may raise."""
    return _Parser(source, natives, check).chunk()


class _Parser:
    def __init__(self, source: bytes, natives: Natives, check: Callable[[], None]) -> None:
        tokens = tokenize(source, check)
        self.check = check
        self.steps = 0
        self.kinds, self.values, self.texts, self.lines = tokens.kinds, tokens.values, tokens.texts, tokens.lines
        self.natives = natives
        self.at = 0
        self.kind = self.kinds[0]
        self.line = self.lines[0]
        self.last_line = 1
        """The line of the token before."""
        self.level = 0
        self.variables = 0
        self.function = Function(None, 0)
        self.scopes: list[dict[bytes, Variable]] = []
        """From outside in, through all functions: a variable knows whose it is."""
        self.seen_variables: list[Variable] = []
        """Those that the loop body (or function) at hand has declared so far."""
        self.loops: list[Function] = []
        """The loops around, each by the function that it is in."""
        if self.kind == "error":
            self.complain()

    # Tokens.

    def advance(self) -> None:
        self.last_line = self.line
        self.at += 1
        self.kind = self.kinds[self.at]
        self.line = self.lines[self.at]
        if self.kind == "error":
            self.complain()

    def complain(self) -> NoReturn:
        error = self.values[self.at]
        assert isinstance(error, LuaSyntaxError)
        raise error

    def error(self, message: str) -> NoReturn:
        raise LuaSyntaxError(message, self.line, self.texts[self.at])

    def error_limit(self, limit: int, what: str) -> NoReturn:
        where = f"function at line {self.function.line}" if self.function.line else "main function"
        raise LuaSyntaxError(f"{where} has more than {limit} {what}", self.line, None)

    def take(self, kind: str) -> bool:
        if self.kind == kind:
            self.advance()
            return True
        return False

    def expect(self, kind: str) -> None:
        if self.kind != kind:
            self.error(f"'{kind}' expected")
        self.advance()

    def expect_closing(self, kind: str, opening: str, line: int) -> None:
        if self.kind == kind:
            self.advance()
        elif line == self.line:
            self.error(f"'{kind}' expected")
        else:
            self.error(f"'{kind}' expected (to close '{opening}' at line {line})")

    def name(self) -> bytes:
        if self.kind != "name":
            self.error("'<name>' expected")
        name = self.texts[self.at]
        self.advance()
        return name

    def enter(self) -> None:
        self.level += 1
        if self.level > MAX_LEVELS:
            raise LuaSyntaxError("chunk has too many syntax levels", self.line, None)

    def leave(self) -> None:
        self.level -= 1

    def step(self) -> None:
        self.steps += 1
        if not self.steps & TURNS_BETWEEN_CHECKS:
            self.check()

    # Names.

    def new_variable(self, name: bytes, already: int = 0) -> Variable:
        if self.function.active + already >= MAX_LOCALS:
            self.error_limit(MAX_LOCALS, "local variables")
        self.variables += 1
        return Variable(name, self.variables, self.function)

    def declare(self, *variables: Variable) -> None:
        for variable in variables:
            self.scopes[-1][variable.name] = variable
        self.function.active += len(variables)

    def resolve(self, name: bytes) -> Expression:
        function = self.function
        for scope in reversed(self.scopes):
            variable = scope.get(name)
            if variable is not None:
                if variable.function is not function:
                    variable.captured = True
                    inner: Function | None = function
                    while inner is not None and inner is not variable.function:
                        inner.upvalues.add(variable)
                        if len(inner.upvalues) > MAX_UPVALUES:
                            self.function = inner
                            self.error_limit(MAX_UPVALUES, "upvalues")
                        inner = inner.parent
                return tree.Local(variable, function)
        return tree.Global(name, self.last_line)

    def native(self, function: Expression) -> Any:
        """The library function that an expression certainly is: library tables are read-only."""
        if type(function) is tree.Global:
            return self.natives.get((function.name,))
        if type(function) is tree.Index and type(function.object) is tree.Global and type(function.key) is Constant:
            return self.natives.get((function.object.name, function.key.value))
        return None

    # Blocks.

    def chunk(self) -> Function:
        main = self.function
        main.vararg = True
        main.body = self.scoped_block()
        if self.kind != "eof":
            self.error("'<eof>' expected")
        return main

    def scoped_block(self, *variables: Variable) -> Block:
        """A block with a scope of its own, in which `variables` are known from the start."""
        self.scopes.append({})
        active = self.function.active
        self.declare(*variables)
        body = self.block()
        self.function.active = active
        self.scopes.pop()
        return body

    def block(self) -> Block:
        body: Block = []
        self.enter()
        while self.kind not in _BLOCK_ENDS:
            self.step()
            line = self.line
            kind = self.kind
            if kind == "return":
                body.append(self.return_(line))
                self.take(";")
                break
            if kind == "break":
                self.advance()
                if not self.loops or self.loops[-1] is not self.function:
                    # Lua's parser complains of the token after it, at the line of that one.
                    self.error("no loop to break")
                body.append(tree.Break(line))
                self.take(";")
                break
            body.append(self.statement(line))
            self.take(";")
        self.leave()
        return body

    def loop_body(self, *variables: Variable) -> tuple[Block, bool]:
        """The body of a loop, and whether inner functions use variables that it declares."""
        self.loops.append(self.function)
        seen = self.seen_variables
        self.seen_variables = []
        body = self.scoped_block(*variables)
        captures = any(variable.captured for variable in [*self.seen_variables, *variables])
        self.seen_variables = seen + self.seen_variables
        self.loops.pop()
        return body, captures

    def statement(self, line: int) -> tree.Statement:
        kind = self.kind
        if kind == "if":
            return self.if_(line)
        if kind == "local":
            self.advance()
            if self.take("function"):
                variable = self.new_variable(self.name())
                self.declare(variable)
                self.seen_variables.append(variable)
                variable.kind = "function"
                return tree.LocalFunction(variable, self.function_body(line, is_method=False), line)
            return self.local(line)
        if kind == "for":
            return self.for_(line)
        if kind == "while":
            self.advance()
            condition = self.expression()
            self.expect("do")
            body, captures = self.loop_body()
            self.expect_closing("end", "while", line)
            return tree.While(condition, body, line, captures)
        if kind == "do":
            self.advance()
            body = self.scoped_block()
            self.expect_closing("end", "do", line)
            return tree.Do(body, line)
        if kind == "repeat":
            return self.repeat(line)
        if kind == "function":
            return self.function_statement(line)
        return self.expression_statement(line)

    def if_(self, line: int) -> tree.If:
        branches: list[tuple[Expression, Block, int]] = []
        otherwise = None
        self.advance()
        while True:
            condition = self.expression()
            at = self.last_line
            self.expect("then")
            branches.append((condition, self.scoped_block(), at))
            if self.take("elseif"):
                continue
            if self.take("else"):
                otherwise = self.scoped_block()
            self.expect_closing("end", "if", line)
            return tree.If(branches, otherwise, line)

    def local(self, line: int) -> tree.LocalAssign:
        variables: list[Variable] = []
        while True:
            variables.append(self.new_variable(self.name(), len(variables)))
            if not self.take(","):
                break
        values = self.expressions() if self.take("=") else []
        self.declare(*variables)
        self.seen_variables += variables
        return tree.LocalAssign(variables, values, self.last_line)

    def for_(self, line: int) -> tree.NumericFor | tree.GenericFor:
        self.advance()
        first = self.name()
        if self.kind == "=":
            # The three hidden variables of a loop count too.
            variable = self.new_variable(first, 3)
            self.advance()
            limits = [self.expression()]
            self.expect(",")
            limits.append(self.expression())
            if self.take(","):
                limits.append(self.expression())
            do_line = self.line
            self.expect("do")
            variable.kind = "number"
            self.function.active += 3
            body, captures = self.loop_body(variable)
            self.function.active -= 3
            self.expect_closing("end", "for", line)
            return tree.NumericFor(variable, limits, body, line, do_line, captures)
        if self.kind not in (",", "in"):
            self.error("'=' or 'in' expected")
        variables = [self.new_variable(first, 3)]
        while self.take(","):
            variables.append(self.new_variable(self.name(), 3 + len(variables)))
        self.expect("in")
        values = self.expressions()
        self.expect("do")
        self.function.active += 3
        body, captures = self.loop_body(*variables)
        self.function.active -= 3
        self.expect_closing("end", "for", line)
        return tree.GenericFor(variables, values, body, line, captures)

    def repeat(self, line: int) -> tree.Repeat:
        self.advance()
        self.loops.append(self.function)
        seen = self.seen_variables
        self.seen_variables = []
        self.scopes.append({})
        active = self.function.active
        body = self.block()
        self.expect_closing("until", "repeat", line)
        condition = self.expression()
        self.function.active = active
        self.scopes.pop()
        captures = any(variable.captured for variable in self.seen_variables)
        self.seen_variables = seen + self.seen_variables
        self.loops.pop()
        return tree.Repeat(body, condition, line, self.last_line, captures)

    def function_statement(self, line: int) -> tree.Assign:
        self.advance()
        target = self.resolve(self.name())
        is_method = False
        while self.kind in (".", ":"):
            is_method = self.kind == ":"
            self.advance()
            target = tree.Index(target, Constant(self.name()), self.last_line)
            if is_method:
                break
        function = self.function_body(line, is_method=is_method)
        self.assigned(target)
        return tree.Assign([target], [function], line)  # type: ignore[list-item]

    def return_(self, line: int) -> tree.Return:
        self.advance()
        values: list[Expression] = []
        if self.kind not in _BLOCK_ENDS and self.kind != ";":
            values = self.expressions()
        return tree.Return(values, self.last_line)

    def expression_statement(self, line: int) -> tree.Statement:
        first = self.suffixed()
        if type(first) is tree.Call or type(first) is tree.Method:
            return tree.CallStatement(first, line)
        targets = [first]
        while True:
            if type(targets[-1]) not in (tree.Local, tree.Global, tree.Index):
                self.error("syntax error")
            if self.kind != ",":
                break
            self.advance()
            targets.append(self.suffixed())
            if len(targets) > MAX_LEVELS - self.level:
                self.error_limit(MAX_LEVELS - self.level, "variables in assignment")
        self.expect("=")
        values = self.expressions()
        for target in targets:
            self.assigned(target)
        return tree.Assign(targets, values, self.last_line)  # type: ignore[arg-type]

    def assigned(self, target: Expression) -> None:
        if type(target) is tree.Local:
            target.variable.assigned = True
            target.variable.kind = "any"

    # Expressions.

    def expressions(self) -> list[Expression]:
        found = [self.expression()]
        while self.take(","):
            found.append(self.expression())
        return found

    def expression(self, limit: int = 0) -> Expression:
        self.enter()
        operator = self.kind
        left: Expression
        if operator in ("not", "-", "#"):
            self.advance()
            operand = self.expression(_UNARY_PRIORITY)
            left = self.unary(operator, operand)
        else:
            left = self.simple()
        while True:
            operator = self.kind
            priorities = _BINARY.get(operator)
            if priorities is None or priorities[0] <= limit:
                break
            self.advance()
            right = self.expression(priorities[1])
            left = self.binary(operator, left, right)
        self.leave()
        return left

    def unary(self, operator: str, operand: Expression) -> Expression:
        if operator == "-" and type(operand) is Constant and type(operand.value) is float:
            return Constant(-operand.value)
        return tree.Unary(operator, operand, self.last_line)

    def binary(self, operator: str, left: Expression, right: Expression) -> Expression:
        if operator == "and":
            return tree.And(left, right)
        if operator == "or":
            return tree.Or(left, right)
        if type(left) is Constant and type(right) is Constant:
            folded = _fold(operator, left.value, right.value)
            if folded is not None:
                return Constant(folded)
        return tree.Binary(operator, left, right, self.last_line)

    def simple(self) -> Expression:
        self.step()
        kind = self.kind
        if kind in ("number", "string"):
            value = self.values[self.at]
            self.advance()
            return Constant(value)
        if kind == "name" or kind == "(":
            return self.suffixed()
        if kind == "{":
            return self.constructor()
        if kind in _CONSTANTS:
            self.advance()
            return Constant(_CONSTANTS[kind])
        if kind == "function":
            line = self.line
            self.advance()
            return self.function_body(line, is_method=False)
        if kind == "...":
            if not self.function.vararg:
                self.error("cannot use '...' outside a vararg function")
            self.function.uses_vararg = True
            self.advance()
            return tree.Vararg()
        return self.suffixed()

    def suffixed(self) -> Expression:
        expression = self.primary()
        while True:
            kind = self.kind
            if kind == ".":
                self.advance()
                expression = tree.Index(expression, Constant(self.name()), self.last_line)
            elif kind == "[":
                self.advance()
                key = self.expression()
                self.expect("]")
                expression = tree.Index(expression, key, self.last_line)
            elif kind == ":":
                self.advance()
                name = self.name()
                name_line = self.last_line
                line = self.line
                expression = tree.Method(expression, name, self.arguments(), line, name_line)
                self.function.recursive = True
            elif kind in ("(", "string", "{"):
                line = self.line
                native = self.native(expression)
                if native is None or native.calls_back:
                    self.function.recursive = True
                expression = tree.Call(expression, self.arguments(), line, native)
            else:
                return expression

    def primary(self) -> Expression:
        if self.kind == "name":
            return self.resolve(self.name())
        if self.kind == "(":
            line = self.line
            self.advance()
            inner = self.expression()
            self.expect_closing(")", "(", line)
            # A number in brackets is still a constant: Lua computes with it when it compiles.
            return inner if type(inner) is Constant and type(inner.value) is float else tree.Paren(inner)
        self.error("unexpected symbol")

    def arguments(self) -> list[Expression]:
        if self.kind == "(":
            line = self.line
            if line != self.last_line:
                self.error("ambiguous syntax (function call x new statement)")
            self.advance()
            if self.take(")"):
                return []
            found = self.expressions()
            if len(found) >= MAX_REGISTERS:
                raise LuaSyntaxError("function or expression too complex", self.line, None)
            self.expect_closing(")", "(", line)
            return found
        if self.kind == "{":
            return [self.constructor()]
        if self.kind == "string":
            value = self.values[self.at]
            self.advance()
            return [Constant(value)]
        self.error("function arguments expected")

    def constructor(self) -> Expression:
        line = self.line
        named: list[tuple[int, Expression, Expression]] = []
        items: list[tuple[int, Expression]] = []
        place = 0
        self.expect("{")
        while self.kind != "}":
            place += 1
            if self.kind == "[":
                self.advance()
                key = self.expression()
                self.expect("]")
                self.expect("=")
                named.append((place, key, self.expression()))
            elif self.kind == "name" and self.kinds[self.at + 1] == "=":
                name = self.name()
                self.advance()
                named.append((place, Constant(name), self.expression()))
            else:
                items.append((place, self.expression()))
            if not self.take(",") and not self.take(";"):
                break
        self.expect_closing("}", "{", line)
        return tree.Constructor(named, items, self.last_line)

    def function_body(self, line: int, *, is_method: bool) -> Function:
        outer = self.function
        function = self.function = Function(outer, line)
        seen = self.seen_variables
        self.seen_variables = []
        self.expect("(")
        parameters = [self.new_variable(b"self")] if is_method else []
        more = self.kind != ")"
        while more:
            if self.kind == "...":
                self.advance()
                function.vararg = True
                function.has_arg = self.new_variable(b"arg", len(parameters))
                break
            if self.kind != "name":
                self.error("<name> or '...' expected")
            parameters.append(self.new_variable(self.name(), len(parameters)))
            more = self.take(",")
        self.expect(")")
        function.parameters = parameters
        function.body = self.scoped_block(*parameters, *([function.has_arg] if function.has_arg else []))
        self.expect_closing("end", "function", line)
        self.function = outer
        self.seen_variables = seen
        return function


_CONSTANTS: dict[str, Any] = {"nil": None, "true": TRUE, "false": FALSE}


def _fold(operator: str, left: Any, right: Any) -> float | None:
    """Arithmetic on two numbers that can be done now: not what divides by zero or gives no number."""
    if type(left) is not float or type(right) is not float or (operator == "%" and right == 0):
        return None
    try:
        if operator == "+":
            result = left + right
        elif operator == "-":
            result = left - right
        elif operator == "*":
            result = left * right
        elif operator == "/":
            result = left / right
        elif operator == "%":
            result = remainder(left, right)
        elif operator == "^":
            result = raised(left, right)
        else:
            return None
    except ZeroDivisionError:
        return None
    return None if result != result else result

"""The language of APPLY and FILTER: `parse` makes of a text the function that gives its value for a row.

Operators have the levels of the real grammar, lowest first: || and && together, !, comparisons, + and -, and then * / % and ^ together; all go
from left to right.  A sign belongs to the number that follows it, so that `1-1` is two numbers and an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from redouble.core.errors import CommandError
from redouble.modules.search.aggregate.functions import FUNCTIONS, Arguments
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.values import NAN, Value, compare, equal, number, truth

__all__ = ["Evaluation", "parse"]

Evaluation: TypeAlias = "Callable[[Row], Value]"

_TOKEN: Final = re.compile(
    rb"""(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE]-?[0-9]+)?)
      | @(?P<property>(?:\\[!-/:-@\[-`{-~\s]|[^\x00-/:-@\[-^`{-\x7f])+)
      | (?P<infinity>[+-]inf)
      | (?P<symbol>[a-zA-Z][a-zA-Z0-9_]*)
      | (?P<string>"(?:[^"\n]|(?<=\\)["\n])*"|'(?:[^'\n]|(?<=\\)['\n])*')
      | (?P<operator>==|!=|<=|>=|&&|\|\||[-+*/%^(),<>!])
      | (?P<ignored>[\x00-/:-@\[-`{-\x7f])""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(rb"\\([!-/:-@\[-`{-~\s])")
_DEEPEST: Final = 100
"""How far expressions may be nested (the real parser's stack is no deeper)."""


class Token(NamedTuple):
    kind: str
    """The name of a group of the pattern, an operator itself, or empty at the end."""
    text: bytes
    offset: int
    shown: bytes
    """What an error at this token shows: operators show what stood before them."""


def parse(text: bytes, find: Callable[[bytes], object] = lambda name: None) -> Evaluation:
    """The function that gives an expression's value for a row; it raises CommandError if there is none.

    `find` is called for each property, in their order, and raises CommandError if no row has it.  So does `parse` for what is no
    expression, with the text of the real parser.
    """
    parser = _Parser(text)
    try:
        value = parser.expression(_JOINED, ("",))
        hole = ""
    except _Absent as absent:
        if not absent.where:
            raise CommandError(parser.reason) from None
        hole = absent.where
    for name in parser.properties.values():
        find(name)
    if hole:
        raise CommandError(hole)
    return value


def _tokens(text: bytes) -> list[Token]:
    tokens = []
    shown, offset = b"", 0
    position = 0
    while position < len(text) and (match := _TOKEN.match(text, position)):
        kind = match.lastgroup or ""
        position = match.end()
        if kind == "ignored":
            continue
        offset = match.start()
        if kind == "operator":
            tokens.append(Token(match[0].decode(), b"", offset, shown))
        else:
            shown = match[kind]
            tokens.append(Token("number" if kind == "infinity" else kind, shown, offset, shown))
    tokens.append(Token("", b"", offset, shown))  # a byte that begins nothing ends the expression, too
    return tokens


def _negative_nan() -> float:
    return math.copysign(NAN, -1.0)


def _quotient(one: float, other: float) -> float:
    return one / other if other else NAN


def _whole(number: float) -> int:
    """As x86 converts: what has no room is the least integer."""
    return int(number) if -9.223372036854775808e18 <= number < 9.223372036854775808e18 else -(1 << 63)


def _remainder(one: float, other: float) -> float:
    divisor = _whole(other)
    if not divisor:  # the real server dies of a fraction
        return NAN
    dividend = _whole(one)
    rest = abs(dividend) % abs(divisor)
    return float(-rest if dividend < 0 else rest)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:  # of zero, or the root of a negative number
        return _negative_nan() if base else math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf


_JOINED, _COMPARED, _ADDED, _MULTIPLIED = range(4)
_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": _quotient,
    "%": _remainder,
    "^": _power,
}
_PREDICATES: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "==": equal,
    "!=": lambda one, other: not equal(one, other),
    "<": lambda one, other: compare(one, other) < 0,
    "<=": lambda one, other: compare(one, other) <= 0,
    ">": lambda one, other: compare(one, other) > 0,
    ">=": lambda one, other: compare(one, other) >= 0,
}
_LEVELS: Final = {
    **dict.fromkeys(("||", "&&"), _JOINED),
    **dict.fromkeys(_PREDICATES, _COMPARED),
    **dict.fromkeys("+-", _ADDED),
    **dict.fromkeys("*/%^", _MULTIPLIED),
}


class _Absent(Exception):
    """The last operand means nothing, as was noticed at the end of the text; `where` is the place in the operation around it."""

    where = ""


class _Parser:
    """Goes through the tokens once.

    What a name means is looked up when the token after it is read.  If that is the end, the real parser goes on to build a tree with a
    hole in it, and then complains of the hole.
    """

    def __init__(self, text: bytes) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0
        self.properties: dict[Evaluation, bytes] = {}
        self.reason = ""

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def syntax_error(self) -> CommandError:
        token = self.token
        error = b"Syntax error at offset %d near '%b'" % (token.offset, token.shown)
        shown = error.decode("utf-8", "surrogateescape")
        return CommandError(f"{shown}: {self.reason}" if self.reason else shown)

    def expression(self, least: int, ends: tuple[str, ...]) -> Evaluation:
        """An operand and the operators of at least this level after it; one of `ends` must follow it all."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.syntax_error()
        value = self.operand(ends)
        while (operator := self.token.kind) in _LEVELS and (level := _LEVELS[operator]) >= least:
            self.at += 1
            with _Hole("pred" if level <= _COMPARED else "op", "right"):
                value = _operation(operator, value, self.expression(level + 1, ends))
        if least == _JOINED and self.token.kind not in ends:
            raise self.syntax_error()
        self.depth -= 1
        return value

    def operand(self, ends: tuple[str, ...]) -> Evaluation:
        token = self.token
        self.at += 1
        if token.kind == "(":
            value = self.expression(_JOINED, (")",))
            self.at += 1
            return value
        if token.kind == "!":
            with _Hole("inverted", "child"):
                return _inverted(self.expression(_COMPARED, ends))
        if token.kind == "-":
            if self.token.kind != "number":
                raise self.syntax_error()
            self.at += 1
            return _literal(-float(self.tokens[self.at - 1].text))
        if token.kind == "number":
            return _literal(float(token.text))
        if token.kind == "string":
            return _literal(_ESCAPE.sub(rb"\1", token.text[1:-1]))
        if token.kind == "property":
            self.properties[value := _property(token.text)] = token.text
            return value
        if token.kind == "symbol":
            return self.symbol(token, ends)
        self.at -= 1
        raise self.syntax_error()

    def symbol(self, name: Token, ends: tuple[str, ...]) -> Evaluation:
        if self.token.kind != "(":
            if name.text == b"NULL":
                return _literal(None)
            raise self.unknown(f"Unknown symbol '{name.text.decode()}'", ends)
        self.at += 1
        arguments: list[Evaluation] = []
        if self.token.kind not in (",", ")"):
            arguments.append(self.expression(_JOINED, (",", ")")))
        while self.token.kind == ",":  # also before the first one
            self.at += 1
            arguments.append(self.expression(_JOINED, (",", ")")))
        self.at += 1
        function = FUNCTIONS.get(name.text.lower())
        if function is None:
            raise self.unknown(f"Unknown function name '{name.text.decode()}'", ends)
        if function.takes_missing and len(arguments) == 1 and arguments[0] in self.properties:
            return _exists(self.properties[arguments[0]])
        return _call(function.run, arguments, [argument in self.properties for argument in arguments])

    def unknown(self, reason: str, ends: tuple[str, ...]) -> Exception:
        """The error for a name that means nothing; the token that follows it has been read."""
        self.reason = reason
        if self.token.kind not in _LEVELS and self.token.kind not in ends:
            return self.syntax_error()
        return CommandError(reason) if self.token.kind else _Absent()


class _Hole:
    """Where a missing operand would have been."""

    def __init__(self, operation: str, side: str) -> None:
        self.where = f"Missing (or badly formatted) value for expr->{operation}.{side}"

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, _Absent) and not error.where:
            error.where = self.where


# Evaluation.


def _literal(value: Value) -> Evaluation:
    return lambda row: value


def _property(name: bytes) -> Evaluation:
    def evaluate(row: Row) -> Value:
        try:
            return row.values[name]
        except KeyError:
            shown = name.decode("utf-8", "surrogateescape")
            raise CommandError(f"{shown}: has no value, consider using EXISTS if applicable") from None

    return evaluate


def _exists(name: bytes) -> Evaluation:
    return lambda row: 1.0 if name in row.values else 0.0


def _inverted(child: Evaluation) -> Evaluation:
    return lambda row: 0.0 if truth(child(row)) else 1.0


def _operation(operator: str, left: Evaluation, right: Evaluation) -> Evaluation:
    if operator == "&&":
        return lambda row: 1.0 if truth(left(row)) and truth(right(row)) else 0.0
    if operator == "||":
        return lambda row: 1.0 if truth(left(row)) or truth(right(row)) else 0.0
    if operator in _PREDICATES:
        holds = _PREDICATES[operator]
        return lambda row: 1.0 if holds(left(row), right(row)) else 0.0
    compute = _ARITHMETIC[operator]

    def evaluate(row: Row) -> Value:
        one, other = number(left(row)), number(right(row))
        if one is None or other is None:
            raise CommandError("Could not convert value to a number")
        return compute(one, other)

    return evaluate


def _call(run: Callable[[Arguments, Row], Value], arguments: list[Evaluation], are_loaded: list[bool]) -> Evaluation:
    return lambda row: run(Arguments([argument(row) for argument in arguments], are_loaded), row)

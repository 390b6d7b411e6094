"""VSIM's FILTER: a small language about the attributes of an element, and the little of JSON that it reads there.

An expression becomes a list in which operators follow their operands (Dijkstra's shunting yard).  A value is a float (also of
true and false), bytes, a list or None.  What the attributes do not have, or have as an object, makes the whole false.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from redouble.types.number import parse_double

__all__ = ["Expression", "ExpressionError", "field"]

Value: TypeAlias = "float | bytes | list[Any] | None"


class ExpressionError(ValueError):
    """An expression that means nothing; `position` is where that was noticed."""

    def __init__(self, position: int) -> None:
        self.position = position


class Field(NamedTuple):
    """`.name`."""

    name: bytes


class Operator(NamedTuple):
    name: bytes
    precedence: int
    operands: int
    apply: Callable[..., float]


def number(value: Value) -> float:
    if isinstance(value, float):
        return value
    return _leading_number(value) if isinstance(value, bytes) and len(value) < 256 else 0.0


def _leading_number(text: bytes) -> float:
    """What strtod makes of all of a C string; 0 if it does not take all."""
    text = text.partition(b"\0")[0].lstrip(_BLANKS)
    if not text:
        return 0.0
    sign = -1.0 if text.startswith(b"-") else 1.0
    if _NAN.fullmatch(text):
        return math.copysign(math.nan, sign)
    try:
        return parse_double(text)
    except ValueError:
        return 0.0


def truth(value: Value) -> bool:
    return value is not None and value != 0.0 and value != b""


def equal(one: Value, other: Value) -> bool:
    if isinstance(one, bytes) and isinstance(other, bytes):
        return one == other
    if one is None or other is None:
        return one is other
    return number(one) == number(other)


def contains(item: Value, items: Value, finds_substrings: bool) -> bool:
    if isinstance(items, list):
        return any(equal(item, each) for each in items)
    return finds_substrings and isinstance(item, bytes) and isinstance(items, bytes) and item in items


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.copysign(math.inf, base) if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.nan if base else math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf


def _quotient(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if not one or one != one else math.copysign(math.inf, one) * math.copysign(1.0, other)


def _remainder(one: float, other: float) -> float:
    try:
        return math.fmod(one, other)
    except ValueError:
        return math.nan


def _of_numbers(apply: Callable[[float, float], float]) -> Callable[[Value, Value], float]:
    return lambda one, other: apply(number(one), number(other))


_TABLE: Final[list[tuple[str, int, int, Callable[..., float]]]] = [
    ("(", 7, 0, float),
    (")", 7, 0, float),
    ("! not", 6, 1, lambda value: not truth(value)),
    ("**", 5, 2, _of_numbers(_power)),
    ("*", 4, 2, _of_numbers(lambda one, other: one * other)),
    ("/", 4, 2, _of_numbers(_quotient)),
    ("%", 4, 2, _of_numbers(_remainder)),
    ("+", 3, 2, _of_numbers(lambda one, other: one + other)),
    ("-", 3, 2, _of_numbers(lambda one, other: one - other)),
    (">", 2, 2, _of_numbers(lambda one, other: one > other)),
    (">=", 2, 2, _of_numbers(lambda one, other: one >= other)),
    ("<", 2, 2, _of_numbers(lambda one, other: one < other)),
    ("<=", 2, 2, _of_numbers(lambda one, other: one <= other)),
    ("==", 2, 2, equal),
    ("!=", 2, 2, lambda one, other: not equal(one, other)),
    ("in", 2, 2, contains),
    ("and &&", 1, 2, lambda one, other: truth(one) and truth(other)),
    ("or ||", 0, 2, lambda one, other: truth(one) or truth(other)),
]
_OPERATORS: Final = {
    word.encode(): Operator(names.split()[0].encode(), precedence, operands, apply)
    for names, precedence, operands, apply in _TABLE
    for word in names.split()
}
_BLANKS: Final = b" \t\n\v\f\r"
_BLANK: Final = re.compile(rb"[ \t-\r]*")
_WORD: Final = re.compile(rb"[A-Za-z+\-*%/!()<>=|&]+")
_FIELD: Final = re.compile(rb"\.([A-Za-z0-9_-]+|\Z)")
_NUMBER: Final = re.compile(rb"-?[0-9.eE]*")
_NAN: Final = re.compile(rb"[-+]?nan(\([A-Za-z0-9_]*\))?", re.IGNORECASE)


class Expression:
    """An expression, ready to be asked of many elements.

    `text` is a C string: what follows a zero byte does not count.  Raises ExpressionError.  Before Redis 8.2 an expression had
    no `null`, and `in` looked into lists only.
    """

    def __init__(self, text: bytes, *, has_null: bool = True, finds_substrings: bool = True) -> None:
        self._text = text.partition(b"\0")[0]
        self._finds_substrings = finds_substrings
        self._program: list[Value | Field | Operator] = []
        self._arrange(has_null)

    def matches(self, attributes: bytes) -> bool:
        """Whether it is true of an element with these attributes.  O(length of both)."""
        stack: list[Value] = []
        for step in self._program:
            if isinstance(step, Operator):
                if step.name == b"in":
                    items = stack.pop()
                    stack[-1] = float(contains(stack[-1], items, self._finds_substrings))
                else:
                    operands = stack[-step.operands :]
                    stack[-step.operands :] = [float(step.apply(*operands))]
            elif isinstance(step, Field):
                try:
                    stack.append(field(attributes, step.name))
                except LookupError:
                    return False
            else:
                stack.append(step)
        return truth(stack[-1])

    def _arrange(self, has_null: bool) -> None:
        """Move every operator behind its operands.  Raises ExpressionError at 0 for one that has too few."""
        waiting: list[Operator] = []
        values = 0

        def take() -> None:
            nonlocal values
            operator = waiting.pop()
            if operator.name == b"(" or values < operator.operands:
                raise ExpressionError(0)
            self._program.append(operator)
            values += 1 - operator.operands

        for token in self._tokens():
            if not isinstance(token, Operator):
                if token is not None or has_null:
                    self._program.append(token)
                    values += 1
            elif token.name == b"(":
                waiting.append(token)
            elif token.name == b")":
                while waiting and waiting[-1].name != b"(":
                    take()
                if not waiting:
                    raise ExpressionError(0)
                waiting.pop()
            else:
                while waiting and waiting[-1].name != b"(":
                    before = waiting[-1].precedence - token.precedence
                    if before < 0 or (before == 0 and token.name == b"**"):  # of which the last comes first
                        break
                    take()
                waiting.append(token)
        while waiting:
            take()
        if values != 1:
            raise ExpressionError(0)

    def _tokens(self) -> list[Value | Field | Operator]:
        text, at = self._text, 0
        tokens: list[Value | Field | Operator] = []
        while True:
            at = _skip_blanks(text, at)
            if at == len(text):
                return tokens
            first = text[at : at + 1]
            expects_value = not tokens or (isinstance(tokens[-1], Operator) and tokens[-1].name != b")")
            token: Value | Field | Operator
            if first.isdigit() or (first == b"-" and expects_value and text[at + 1 : at + 2].isdigit()):
                token, at = self._number(at)
            elif first in b"'\"":
                token, at = self._string(at)
            elif found := _FIELD.match(text, at):
                token, at = Field(found[1]), found.end()
            elif first == b"[":
                token, at = self._list(at)
            elif found := _WORD.match(text, at):
                token, at = self._word(found[0], at)
            else:
                raise ExpressionError(at)
            tokens.append(token)

    def _word(self, word: bytes, at: int) -> tuple[Operator | None, int]:
        """`null`, or the longest operator that the letters begin with."""
        if word == b"null":
            return None, at + 4
        for length in (3, 2, 1):
            if word[:length] in _OPERATORS:
                return _OPERATORS[word[:length]], at + min(length, len(word))
        raise ExpressionError(at + len(word))

    def _number(self, at: int) -> tuple[float, int]:
        found = _NUMBER.match(self._text, at)
        assert found
        if len(found[0]) > 255:
            raise ExpressionError(at + 255)
        try:
            return float(found[0]), found.end()
        except ValueError:
            raise ExpressionError(found.end()) from None

    def _string(self, at: int) -> tuple[bytes, int]:
        """In either quotes; backslashes stay."""
        text, end = self._text, at + 1
        while text[end : end + 1] not in (text[at : at + 1], b""):
            end += 2 if text[end : end + 1] == b"\\" and end + 1 < len(text) else 1
        if end >= len(text):
            raise ExpressionError(len(text))
        return text[at + 1 : end], end + 1

    def _list(self, at: int) -> tuple[list[Any], int]:
        """`[1, "a"]`, perhaps with a comma at its end."""
        text, items = self._text, []
        at = _skip_blanks(text, at + 1)
        while text[at : at + 1] != b"]":
            first = text[at : at + 1]
            item: Value
            if first.isdigit() or first == b"-":
                item, at = self._number(at)
            elif first and first in b"'\"":
                item, at = self._string(at)
            else:
                raise ExpressionError(at)
            items.append(item)
            at = _skip_blanks(text, at)
            if text[at : at + 1] == b",":
                at = _skip_blanks(text, at + 1)
            elif text[at : at + 1] != b"]":
                raise ExpressionError(at)
        return items, at + 1


def _skip_blanks(text: bytes, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found
    return found.end()


# JSON, as much of it as a filter needs.

_JSON_TEXT: Final = re.compile(rb'"((?:\\.|[^"\\])*)"', re.DOTALL)
_JSON_NUMBER: Final = re.compile(rb"[-+.eE0-9]+")
_JSON_WORD: Final = re.compile(rb"(true|false|null)(?=[ \t-\r,\]}]|\Z)")
_JSON_PARTS: Final = {
    b"{": re.compile(rb'"(?:\\.|[^"\\])*"|["{}]', re.DOTALL),
    b"[": re.compile(rb'"(?:\\.|[^"\\])*"|["\[\]]', re.DOTALL),
}
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_WORDS: Final[dict[bytes, Value]] = {b"true": 1.0, b"false": 0.0, b"null": None}


def field(json: bytes, name: bytes) -> Value:
    """The value of a field of an object.  Raises LookupError if there is none, if it is an object, or if something up to it is
    no JSON; what comes after it is not looked at.

    A name is compared as it is written, escapes and all.
    """
    at = _skip_blanks(json, 0)
    if not name or json[at : at + 1] != b"{":
        raise LookupError
    while True:
        key = _JSON_TEXT.match(json, _skip_blanks(json, at + 1))
        if key is None:
            raise LookupError
        at = _skip_blanks(json, key.end())
        if json[at : at + 1] != b":":
            raise LookupError
        at = _skip_blanks(json, at + 1)
        if key[1] == name:
            return _value(json, at)
        at = _skip_blanks(json, _skip_value(json, at))
        if json[at : at + 1] != b",":
            raise LookupError


def _skip_value(json: bytes, at: int) -> int:
    """Where a value ends that nobody wants; brackets of the other kind are not looked at."""
    first = json[at : at + 1]
    if first in _JSON_PARTS:
        depth = 0
        for part in _JSON_PARTS[first].finditer(json, at):
            if part[0] == b'"':
                raise LookupError
            depth += (part[0] in b"{[") - (part[0] in b"}]")
            if not depth:
                return part.end()
        raise LookupError
    found = (_JSON_TEXT if first == b'"' else _JSON_NUMBER).match(json, at)
    if found:
        return found.end()
    for word in _WORDS:
        if json.startswith(word, at):
            return at + len(word)
    raise LookupError


def _value(json: bytes, at: int) -> Value:
    """The value at a position; lists may hold lists, but no objects."""
    open: list[list[Any]] = []
    while True:
        at = _skip_blanks(json, at)
        value: Value
        if json[at : at + 1] == b"[":
            after = _skip_blanks(json, at + 1)
            if json[after : after + 1] != b"]":
                open.append([])
                at = after
                continue
            value, at = [], after + 1
        else:
            value, at = _scalar(json, at)
        while open:
            open[-1].append(value)
            at = _skip_blanks(json, at)
            after, at = at, at + 1
            if json[after : after + 1] == b",":
                break
            if json[after : after + 1] != b"]":
                raise LookupError
            value = open.pop()
        else:
            return value


def _scalar(json: bytes, at: int) -> tuple[Value, int]:
    if found := _JSON_TEXT.match(json, at):
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), found[1]), found.end()
    if found := _JSON_WORD.match(json, at):
        return _WORDS[found[1]], found.end()
    if json[at : at + 1] not in (b".", b"e", b"E") and (found := _JSON_NUMBER.match(json, at)):
        text = found[0][:255]
        try:
            return float(text), at + len(text)
        except ValueError:
            raise LookupError from None
    raise LookupError

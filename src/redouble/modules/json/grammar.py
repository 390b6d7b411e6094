"""The syntax of paths: a parsing expression grammar (Ford 2004), and a machine for it that tells what it expected where.

RedisJSON's errors name the rules that failed at the furthest place that any rule was tried at.  They do so as the library
pest keeps account of rules: of a rule whose parts failed where it began, only the rule is named, unless one single part did.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Node", "PathSyntaxError", "parse"]


class Node(NamedTuple):
    """What a rule matched."""

    rule: str
    text: str
    children: list[Node]


class PathSyntaxError(ValueError):
    """The text is no path."""

    def __init__(self, text: str, position: int, expected: list[str]) -> None:
        super().__init__(text)
        self.text = text
        self.position = position
        """In bytes."""
        self.expected = expected
        """The names of rules, as errors write them."""


class _Parse:
    """The state while one text is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.nodes: list[Node] = []
        self.furthest = 0
        self.expected: list[str] = []
        """The rules that failed at `furthest`."""

    def failed_at(self, place: int) -> int:
        """How many rules did."""
        return len(self.expected) if place == self.furthest else 0

    def failed(self, rule: str, at: int, before: int) -> None:
        """A rule failed that began here; `before`: how many had failed here when it began."""
        if self.failed_at(at) - before == 1:
            return  # the one part says more
        if at == self.furthest:
            del self.expected[before:]
        elif at > self.furthest:
            self.expected.clear()
            self.furthest = at
        else:
            return
        self.expected.append(rule)


_Matcher: TypeAlias = Callable[[_Parse, int], int]
"""Reads on from a place; answers where it ends, or -1 and has left no nodes."""


def token(rule: str, pattern: str) -> _Matcher:
    """A rule for one word."""
    match = re.compile(pattern).match

    def read(parse: _Parse, at: int) -> int:
        found = match(parse.text, at)
        if found is None:
            parse.failed(rule, at, parse.failed_at(at))
            return -1
        parse.nodes.append(Node(rule, found[0], []))
        return found.end()

    return read


def rule(name: str, body: _Matcher) -> _Matcher:
    """A rule whose parts become the children of one node."""

    def read(parse: _Parse, at: int) -> int:
        nodes, before = parse.nodes, parse.failed_at(at)
        children: list[Node] = []
        parse.nodes = children
        end = body(parse, at)
        parse.nodes = nodes
        if end < 0:
            parse.failed(name, at, before)
        else:
            nodes.append(Node(name, parse.text[at:end], children))
        return end

    return read


def word(text: str) -> _Matcher:
    """What stands between the rules and is not told."""
    length = len(text)

    def read(parse: _Parse, at: int) -> int:
        return at + length if parse.text.startswith(text, at) else -1

    return read


def _skip(parse: _Parse, at: int) -> int:
    while parse.text.startswith(" ", at):
        at += 1
    return at


def sequence(*parts: _Matcher) -> _Matcher:
    """One after another; spaces between them do not matter."""

    def read(parse: _Parse, at: int) -> int:
        count = len(parse.nodes)
        at = parts[0](parse, at)
        for part in parts[1:]:
            if at < 0:
                break
            at = part(parse, _skip(parse, at))
        if at < 0:
            del parse.nodes[count:]
        return at

    return read


def choice(*alternatives: _Matcher) -> _Matcher:
    """The first that matches."""

    def read(parse: _Parse, at: int) -> int:
        for alternative in alternatives:
            end = alternative(parse, at)
            if end >= 0:
                return end
        return -1

    return read


def optional(part: _Matcher) -> _Matcher:
    def read(parse: _Parse, at: int) -> int:
        end = part(parse, at)
        return at if end < 0 else end

    return read


def repeated(part: _Matcher) -> _Matcher:
    """As often as it matches, or not at all."""

    def read(parse: _Parse, at: int) -> int:
        end = part(parse, at)
        while end >= 0:
            at = end
            end = part(parse, _skip(parse, at))
        return at

    return read


def later(name: str) -> _Matcher:
    """A part that is defined further down, by its name."""

    def read(parse: _Parse, at: int) -> int:
        matcher: _Matcher = globals()[name]
        return matcher(parse, at)

    return read


def _end(parse: _Parse, at: int) -> int:
    if at == len(parse.text):
        return at
    parse.failed("EOI", at, parse.failed_at(at))
    return -1


NUMBER: Final = r"-?[1-9][0-9]*|-?[0-9]"

literal = token("literal", r"[-a-zA-Z0-9_`~+#%$^/:]+")
string = choice(
    sequence(word("'"), token("plain", r"""[^"\\']*"""), word("'")),
    sequence(word('"'), token("plain", r"""[^"\\']*"""), word('"')),
    sequence(word('"'), token("double", r"""(?:[^"\\]+|\\["\\])*"""), word('"')),
    sequence(word("'"), token("single", r"""(?:[^'\\]+|\\['\\])*"""), word("'")),
)
string_list = rule("string_list", sequence(string, repeated(sequence(word(","), string))))

pos_number = token("pos_number", "[1-9][0-9]*")
number = token("number", NUMBER)
decimal = token("decimal", rf"(?:{NUMBER})(?:\.[0-9]+)?")
numbers_list = rule("numbers_list", sequence(number, repeated(sequence(word(","), number))))

step = optional(choice(sequence(word(":"), pos_number), word(":")))
numbers_range = rule(
    "numbers_range",
    choice(
        rule("full_range", sequence(number, word(":"), number, step)),
        rule("right_range", sequence(word(":"), number, step)),
        rule("all_range", sequence(word(":"), step)),
        rule("left_range", sequence(number, word(":"), step)),
    ),
)

from_current = rule("from_current", sequence(word("@"), optional(later("root"))))
from_root = rule("from_root", sequence(word("$"), optional(later("root"))))
operator = choice(*(token(name, name) for name in (">=", ">", "<=", "<", "==", "!=", "=~")))
term = choice(
    from_current,
    from_root,
    decimal,
    string,
    token("boolean_true", "true"),
    token("boolean_false", "false"),
    token("null", "null"),
)
single_filter = rule("single_filter", sequence(term, optional(sequence(operator, term))))
inner_filter = choice(single_filter, sequence(word("("), later("filter_"), word(")")))
filter_ = rule(
    "filter",
    sequence(inner_filter, repeated(sequence(choice(token("and", "&&"), token("or", r"\|\|")), inner_filter))),
)

all_ = token("all", r"\*")
full_scan = token("full_scan", r"\.\.")
bracket = choice(numbers_range, numbers_list, string_list, all_, sequence(word("?"), filter_))
bracketed = sequence(word("["), bracket, word("]"))
element = choice(
    sequence(word("."), literal),
    sequence(full_scan, choice(literal, all_, bracketed)),
    sequence(word("."), all_),
    sequence(optional(word(".")), bracketed),
)
root = rule("root", sequence(choice(element, literal, all_), repeated(element)))
query = sequence(word("$"), optional(root), _end)

_ORDER: Final = [
    "EOI",
    "literal",
    "plain",
    "double",
    "single",
    "string_list",
    "pos_number",
    "number",
    "decimal",
    "numbers_list",
    "numbers_range",
    "right_range",
    "all_range",
    "left_range",
    "full_range",
    "from_current",
    "from_root",
    ">=",
    ">",
    "<=",
    "<",
    "==",
    "!=",
    "=~",
    "boolean_true",
    "boolean_false",
    "null",
    "single_filter",
    "and",
    "or",
    "filter",
    "all",
    "full_scan",
    "root",
]
_NAMES: Final = {
    "literal": "<string>",
    "all": "'*'",
    "full_scan": "'..'",
    "numbers_list": "'<number>[,<number>,...]'",
    "string_list": "'<string>[,<string>,...]'",
    "numbers_range": "['start:end:steps']",
    "number": "'<number>'",
    "filter": "'[?(filter_expression)]'",
    ">=": "ge",
    ">": "gt",
    "<=": "le",
    "<": "lt",
    "==": "eq",
    "!=": "ne",
    "=~": "re",
}


def parse(text: str) -> list[Node]:
    """The elements of a path that begins with `$`; raises PathSyntaxError."""
    state = _Parse(text)
    try:
        end = query(state, 0)
    except RecursionError:
        raise PathSyntaxError(text, 0, ["filter"]) from None
    if end < 0:
        expected = sorted(set(state.expected), key=_ORDER.index)
        position = len(text[: state.furthest].encode())
        raise PathSyntaxError(text, position, [_NAMES.get(rule, rule) for rule in expected])
    return state.nodes[0].children if state.nodes else []

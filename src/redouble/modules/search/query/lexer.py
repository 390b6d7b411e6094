"""The text of a query as tokens, one grammar for dialect 1 and one for the others.

The longest token wins; what begins none (a comma, say) is left out.  Errors say where a token begins, and show the text of the last one
that had a text of its own: brackets and operators have none.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from redouble.modules.search.text.tokens import unescape

__all__ = ["Token", "tokenize"]

ESCAPED = rb"\\[!-/:-@\[-`{-~\s]"
WORD = rb"(?:[^\x00-\x20\x7f!-/:-@\[-`{-~]|_|%s)+" % ESCAPED
ATTRIBUTE = rb"\$" + WORD
EXACT = rb'"(?:[^"]|(?<=\\)")+"'  # a quote inside follows a backslash
QUOTED = rb"'(?:[^'\\]|\\[\x00-\xff])+'"
NUMBERS = {1: rb"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?", 2: rb"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"}
INFINITY = {1: rb"inf", 2: rb"(?i:inf)"}
INFINITY_SIGN = {1: rb"['+-]?", 2: rb"[+-]?"}
SINGLE: Final = {
    b'"': "QUOTE",
    b"|": "OR",
    b"(": "LP",
    b")": "RP",
    b"{": "LB",
    b"}": "RB",
    b":": "COLON",
    b";": "SEMICOLON",
    b"-": "MINUS",
    b"~": "TILDE",
    b"*": "STAR",
    b"%": "PERCENT",
    b"[": "LSQB",
    b"]": "RSQB",
}
WORDS: Final = {b"as": "AS", b"ismissing": "ISMISSING"}


def _patterns(grammar: int) -> list[tuple[str, re.Pattern[bytes]]]:
    """The kinds of tokens; of those that are equally long the first one counts."""
    number, infinity = NUMBERS[grammar], INFINITY[grammar]
    patterns = [
        ("NUMBER", number),
        ("MODIFIER", b"@" + WORD),
        ("ATTRIBUTE", ATTRIBUTE),
        ("ARROW", b"=>"),
        ("INF", INFINITY_SIGN[grammar] + infinity),
        ("TERM", WORD),
    ]
    affixed = [WORD, number]
    if grammar == 2:
        affixed += [ATTRIBUTE, EXACT]
        operand = b"(?:%s|[+-]?%s|-?%s)" % (number, infinity, ATTRIBUTE)
        patterns = [
            ("SIZE", rb"\d+"),
            *patterns,
            ("COMPARISON", rb"@%s\s*(?:==|!=|>=?|<=?)\s*%s" % (WORD, operand)),
            ("EMPTY", rb"\"\"|''"),
            ("EXACT", EXACT),
            ("QUOTED", QUOTED),
            ("WILDCARD", b"w" + QUOTED),
        ]
    for text in affixed:
        patterns += [("PREFIX", rb"%s\*" % text), ("SUFFIX", rb"\*%s" % text), ("INFIX", rb"\*%s\*" % text)]
    return [(kind, re.compile(pattern, re.DOTALL)) for kind, pattern in patterns]


PATTERNS: Final = {grammar: _patterns(grammar) for grammar in (1, 2)}
COMPARISON: Final = re.compile(rb"@(%s)\s*(==|!=|>=?|<=?)\s*([\x00-\xff]*)" % WORD, re.DOTALL)


@dataclass
class Token:
    """A part of the query."""

    kind: str
    position: int
    """Where it begins, as errors tell it."""
    text: bytes
    """Without what marks its kind: no quotes, no `@`."""
    near: bytes
    """The text that an error here shows."""
    parameter: bool = False
    """An affix or a wildcard of a parameter: `$name*`."""
    operator: bytes = b""
    """Of a comparison, whose `text` is the field and `operand` the rest."""
    operand: bytes = b""

    @property
    def number(self) -> float:
        return number_of(self.text)


def number_of(text: bytes) -> float:
    """What a number or `inf` is worth."""
    sign = -1 if text[:1] == b"-" else 1
    return sign * math.inf if text.lower().endswith(b"inf") else float(text)


def tokenize(query: bytes, grammar: int) -> list[Token]:
    """The tokens of a query; the last one is an `END`."""
    tokens: list[Token] = []
    patterns = PATTERNS[grammar]
    at, position, near = 0, 0, b""
    while at < len(query):
        kind, end = "", at
        for name, pattern in patterns:
            found = pattern.match(query, at)
            if found and found.end() > end:
                kind, end = name, found.end()
        first = query[at : at + 1]
        if not kind or query[at:end] == b"_":
            at += 1
            if first in SINGLE:
                position = at - 1
                tokens.append(Token(SINGLE[first], position, first, near))
            continue
        token = _token(kind, at, query[at:end], query)
        tokens.append(token)
        at = end
        if kind != "COMPARISON":  # which leaves nothing for later errors
            position, near = token.position, token.near
        if kind == "MODIFIER":
            # The name is unescaped where it stands, and later errors show what is there then.
            plain = unescape(near)
            near = plain + near[len(plain) :]
    tokens.append(Token("END", position, b"", near))
    return tokens


def _token(kind: str, at: int, whole: bytes, query: bytes) -> Token:
    if kind in ("SIZE", "NUMBER", "INF", "TERM"):
        if kind == "TERM":
            kind = WORDS.get(whole.lower(), "TERM")
        return Token("NUMBER" if kind == "INF" else kind, at, whole, whole)
    if kind in ("MODIFIER", "ATTRIBUTE"):
        return Token(kind, at, whole[1:], whole[1:])
    if kind == "ARROW":
        near = query[at + 1 : at + 3]
        return Token(kind, at, near, near)
    if kind == "COMPARISON":
        match = COMPARISON.fullmatch(whole)
        assert match
        name, operator, operand = match.groups()
        if b"$" in operand:  # the name of a parameter takes in what comes next
            operand = (operand + query[at + len(whole) : at + len(whole) + 1]).strip()
        return Token(kind, at, name, name, operator=operator, operand=operand)
    if kind in ("EXACT", "QUOTED", "EMPTY"):
        return Token(kind, at, whole[1:-1], whole[1:-1])
    if kind == "WILDCARD":
        start, stop = at + 2, at + len(whole) - 1
    else:
        start, stop = at + (kind != "PREFIX"), at + len(whole) - (kind != "SUFFIX")
        if query[start : start + 1] == b'"':
            start, stop = start + 1, stop - 1
    parameter = query[start : start + 1] == b"$"
    start += parameter
    text = near = query[start:stop]
    if kind != "WILDCARD" and not parameter:
        # A backslash at the end meets what comes next.
        after = query[stop : stop + 1]
        text = unescape(text + after).removesuffix(after)
    return Token(kind, at + 2 if kind == "WILDCARD" else at, text, near, parameter)

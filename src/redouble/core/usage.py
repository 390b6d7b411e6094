"""The usage line of a command, `SET key value [NX | XX] [GET]`, read into a tree.

What a user reads in the documentation is also what the machine reads: arity, the option table, key positions and the
arguments of COMMAND DOCS all follow from this tree.

    WORD        stands for itself               [a]      may be left out
    name        a value                         <a | b>  one of them          a [a ...]   once or more
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

__all__ = ["Node", "parse_usage"]

_TOKEN = re.compile(r"\.\.\.|[\[\]<>|]|[^\s\[\]<>|]+")


@dataclass(frozen=True)
class Node:
    """One element of a usage line."""

    kind: str
    """`word`, `value`, `block` (children in order) or `oneof`."""
    name: str = ""
    children: tuple[Node, ...] = field(default=())
    optional: bool = False
    multiple: bool = False

    def least(self) -> int:
        """How many arguments this element takes at the least."""
        if self.optional:
            return 0
        if self.kind == "block":
            return sum(child.least() for child in self.children)
        if self.kind == "oneof":
            return min(child.least() for child in self.children)
        return 1

    def word(self) -> str:
        """The word that it is or begins with; empty if it begins with a value."""
        if self.kind == "block":
            return self.children[0].word()
        return self.name if self.kind == "word" else ""

    def words(self) -> list[str]:
        """The words of which it needs one; none if it may be a value."""
        words = [each.word() for each in (self.children if self.kind == "oneof" else (self,))]
        return words if all(words) else []

    def fixed(self) -> bool:
        """True if it never takes any other number of arguments."""
        if self.optional or self.multiple:
            return False
        if self.kind == "oneof":
            return (
                all(child.fixed() for child in self.children) and len({child.least() for child in self.children}) == 1
            )
        return all(child.fixed() for child in self.children)

    def bare(self) -> Node:
        """The same element, needed once: for comparing `a` with the `a` of `[a ...]`."""
        return replace(self, optional=False, multiple=False)


def parse_usage(usage: str) -> tuple[str, tuple[Node, ...]]:
    """The command's name (`CLIENT KILL`) and its arguments."""
    words = usage.split()
    is_subcommand = len(words) > 1 and words[1].replace("-", "").isalpha() and words[1].isupper()
    name = words[: 1 + is_subcommand]
    nodes = _sequence(iter(_TOKEN.findall(" ".join(words[len(name) :]))), "")
    return " ".join(name), nodes


def _sequence(tokens: Iterator[str], end: str) -> tuple[Node, ...]:
    alternatives: list[list[Node]] = [[]]
    for token in tokens:
        sequence = alternatives[-1]
        if token == end:
            break
        if token == "[":
            _optional(sequence, _sequence(tokens, "]"))
        elif token == "<":
            sequence.append(_as_one(_sequence(tokens, ">")))
        elif token == "|":
            alternatives.append([])
        elif token == "...":
            sequence[:] = [Node("...", children=tuple(sequence))]
        else:
            is_word = token == token.upper() and not token.isdigit()
            sequence.append(Node("word" if is_word else "value", token))
    if len(alternatives) > 1:
        return (Node("oneof", children=tuple(_as_one(tuple(sequence)) for sequence in alternatives)),)
    return tuple(alternatives[0])


def _as_one(nodes: tuple[Node, ...]) -> Node:
    if len(nodes) == 1 and nodes[0].kind == "...":
        return replace(_as_one(nodes[0].children), multiple=True)
    return nodes[0] if len(nodes) == 1 else Node("block", children=nodes)


def _optional(sequence: list[Node], inner: tuple[Node, ...]) -> None:
    """Append `[inner]` to `sequence`; `a b [a b ...]` becomes one block that may be repeated."""
    if len(inner) == 1 and inner[0].kind == "...":
        repeated = inner[0].children
        count = len(repeated)
        if [node.bare() for node in sequence[-count:]] == [node.bare() for node in repeated]:
            sequence[-count:] = [replace(_as_one(repeated), multiple=True)]
        else:
            sequence.append(replace(_as_one(repeated), optional=True, multiple=True))
        return
    sequence.append(replace(_as_one(inner), optional=True))

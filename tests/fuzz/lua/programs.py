"""Programs as trees, made by the rules of `language.py`; and what is left of one when it has been made as small as it can be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

from .language import RULES

_SLOT = re.compile(r"<([a-z_]+)>")
MAX_DEPTH = 11


@dataclass(frozen=True)
class Tree:
    """A production of the rule `rule`: text, and trees in its slots."""

    rule: str
    parts: tuple[str | Tree, ...]

    @cached_property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def places(self) -> Iterator[tuple[int, ...]]:
        """Where its trees are, the upper ones first."""
        level: list[tuple[tuple[int, ...], Tree]] = [((), self)]
        while level:
            yield from (place for place, _ in level)
            level = [
                ((*place, at), part)
                for place, tree in level
                for at, part in enumerate(tree.parts)
                if isinstance(part, Tree)
            ]

    def at(self, place: tuple[int, ...]) -> Tree:
        tree = self
        for at in place:
            part = tree.parts[at]
            assert isinstance(part, Tree)
            tree = part
        return tree

    def replaced(self, place: tuple[int, ...], by: Tree) -> Tree:
        if not place:
            return by
        at, *rest = place
        return Tree(self.rule, (*self.parts[:at], self.at((at,)).replaced(tuple(rest), by), *self.parts[at + 1 :]))


@dataclass(frozen=True)
class Production:
    weight: int
    parts: tuple[str, ...]
    """Text and names of rules, by turns."""
    height: int = 0
    """Of the smallest tree that it can make."""


def _read(rules: str) -> dict[str, list[Production]]:
    """`name:` begins a rule, each line below is a production; `5* ` before one makes it five times as likely."""
    read: dict[str, list[Production]] = {}
    for line in rules.splitlines():
        if line and not line[0].isspace():
            productions = read.setdefault(line.rstrip(":"), [])
        elif line.strip():
            weight, star, text = line.strip().partition("* ")
            if not (star and weight.isdigit()):
                weight, text = "1", line.strip()
            text = text.replace("(newline)", "\n").replace("(nothing)", "")
            productions.append(Production(int(weight), tuple(_SLOT.split(text))))
    heights = dict.fromkeys(read, 1000)
    for _ in read:
        for name, productions in read.items():
            read[name] = [
                Production(one.weight, one.parts, 1 + max((heights[rule] for rule in one.parts[1::2]), default=0))
                for one in productions
            ]
            heights[name] = min(one.height for one in read[name])
    assert max(heights.values()) < 1000
    return read


_RULES = _read(RULES)


def generate(random: Random, rule: str = "program", depth: int = MAX_DEPTH) -> Tree:
    productions = _RULES[rule]
    fitting = [one for one in productions if one.height <= depth]
    if not fitting:
        lowest = min(one.height for one in productions)
        fitting = [one for one in productions if one.height == lowest]
    (chosen,) = random.choices(fitting, [one.weight for one in fitting])
    parts: list[str | Tree] = []
    for at, part in enumerate(chosen.parts):
        if at % 2:
            parts.append(generate(random, part, depth - 1))
        elif part:
            parts.append(part)
    return Tree(rule, tuple(parts))


def _simple(rule: str) -> Tree:
    """The first of the smallest trees of a rule."""
    lowest = min(_RULES[rule], key=lambda one: one.height)
    return Tree(rule, tuple(_simple(part) if at % 2 else part for at, part in enumerate(lowest.parts) if part))


def shrink(tree: Tree, shows: Callable[[Tree], bool]) -> Tree:
    """The smallest tree found that still `shows` the difference: a part gives way to a part of its own, or to a plain one."""
    smaller: Tree | None = tree
    while smaller is not None:
        tree = smaller
        smaller = next(filter(shows, _candidates(tree)), None)
    return tree


def _candidates(tree: Tree) -> Iterator[Tree]:
    for place in tree.places():
        part = tree.at(place)
        instead = {
            inner.text: inner for inner in (part.at(below) for below in part.places()) if inner.rule == part.rule
        }
        plain = _simple(part.rule)
        for inner in sorted({**instead, plain.text: plain}.values(), key=lambda inner: len(inner.text)):
            if len(inner.text) < len(part.text):
                yield tree.replaced(place, inner)

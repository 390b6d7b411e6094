"""PARAMS: the values that a query names with a `$`.

The parser notes where a value is wanted; when the whole query is understood, they are put in, from the root on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from redouble.core.errors import CommandError
from redouble.modules.search.query import tree
from redouble.modules.search.text.tokens import normalize

__all__ = ["Parameters", "boolean", "double", "integer", "pattern_of"]

NOT_NUMERIC: Final = "Invalid numeric value ({value}) for parameter `{name}`"


class Parameters:
    """The values, and what still waits for them."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self.values = values
        self.waiting: dict[int, list[Callable[[], None]]] = {}
        """By the `id` of the node."""

    def get(self, name: bytes) -> bytes:
        """Raises CommandError if there is no such parameter."""
        value = self.values.get(name)
        if value is None:
            raise CommandError(f"No such parameter `{_shown(name)}`")
        return value

    def resolve(self, node: tree.Node) -> None:
        """Do for a node and for those below it what was left for the end."""
        if self.waiting:
            for action in self.waiting.get(id(node), ()):
                action()
            for child in tree.children(node):
                self.resolve(child)

    def then(self, node: tree.Node, action: Callable[[], None]) -> None:
        """Leave something for the end."""
        self.waiting.setdefault(id(node), []).append(action)

    # What a parameter may be.

    def term(self, node: tree.Term | tree.Prefix | tree.Suffix | tree.Infix | tree.Fuzzy, name: bytes) -> None:
        """A word; one that is a number has no stems."""

        def action() -> None:
            value = self.get(name)
            node.text = normalize(value)
            if isinstance(node, tree.Term) and double(value) is not None:
                node.verbatim = True

        self.then(node, action)

    def text(self, node: tree.Node, name: bytes, attribute: str = "text") -> None:
        """Something that is taken as it is."""
        self.then(node, lambda: setattr(node, attribute, self.get(name)))

    def pattern(self, node: tree.Wildcard, name: bytes) -> None:
        self.then(node, lambda: setattr(node, "pattern", pattern_of(self.get(name))))

    def number(self, node: tree.Node, attribute: str, name: bytes, negative: bool = False) -> None:
        self._number(node, attribute, name, negative, NOT_NUMERIC)

    def bound(self, node: tree.Numeric, side: str, name: bytes, negative: bool) -> None:
        """An end of a range."""
        self._number(node, side, name, negative, f"Bad {'lower' if side == 'low' else 'upper'} range: {{value}}")

    def _number(self, node: tree.Node, attribute: str, name: bytes, negative: bool, complaint: str) -> None:
        def action() -> None:
            value = self.get(name)
            number = double(value)
            if number is None:
                raise CommandError(complaint.format(value=_shown(value), name=_shown(name)))
            setattr(node, attribute, -number if negative else number)

        self.then(node, action)

    def size(self, node: tree.Vector, attribute: str, name: bytes) -> None:
        def action() -> None:
            value = self.get(name)
            number = integer(value)
            if number is None or number < 0:
                raise CommandError(NOT_NUMERIC.format(value=_shown(value), name=_shown(name)))
            setattr(node, attribute, number)

        self.then(node, action)

    def unit(self, node: tree.GeoRadius, name: bytes) -> None:
        self.then(node, lambda: setattr(node, "unit", self.get(name).lower()))

    def option(self, node: tree.Vector, option: bytes, name: bytes) -> None:
        def action() -> None:
            node.parameters[option] = self.get(name)

        self.then(node, action)


def pattern_of(text: bytes) -> bytes:
    """A wildcard pattern: a backslash only lets quotes and backslashes stand between quotes."""
    return re.sub(rb"\\(.?)", rb"\1", text, flags=re.DOTALL)


def _shown(text: bytes) -> str:
    return text.partition(b"\0")[0].decode(errors="surrogateescape")


def double(text: bytes) -> float | None:
    """A number, or None."""
    try:
        return float(text) if text == text.strip() and b"_" not in text else None
    except ValueError:
        return None


def integer(text: bytes) -> int | None:
    """An integer of 64 bits, or None."""
    try:
        number = int(text) if text == text.strip() and b"_" not in text else None
    except ValueError:
        return None
    return number if number is not None and -(1 << 63) <= number < 1 << 63 else None


def boolean(text: bytes) -> bool | None:
    """`true`, `false`, 1 or 0, or None."""
    return {b"true": True, b"1": True, b"false": False, b"0": False}.get(text.lower())

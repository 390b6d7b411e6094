"""Paths: what they select in a document, and where that is.

A path is a row of steps.  Each makes of the values that the ones before have found those that it finds in them, in order; so a
path costs what it looks at.  Found with their places, values come in pairs: a place is the place of what holds the value, and
its key or index there; that of the document is None.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from redouble.modules.json.grammar import Node, PathSyntaxError, parse
from redouble.modules.json.reader import Value
from redouble.modules.json.regex import compiled
from redouble.modules.json.values import Object, equal

__all__ = ["Found", "Path", "PathSyntaxError", "Place", "compile_path", "keys_of"]

Place: TypeAlias = "tuple[Place, str | int] | None"
Found: TypeAlias = "tuple[Value, Place]"


def keys_of(place: Place) -> list[str | int]:
    """The keys and indexes on the way to a place."""
    keys = []
    while place is not None:
        place, key = place
        keys.append(key)
    keys.reverse()
    return keys


class Step:
    """One element of a path."""

    def values(self, values: list[Value], search: Search) -> list[Value]:
        """What it finds in values."""
        return [value for value, _ in self.places([(value, None) for value in values], search)]

    def places(self, found: Iterable[Found], search: Search) -> list[Found]:
        """What it finds in values, and where."""
        raise NotImplementedError


class Search(NamedTuple):
    """What is the same for all steps of one search."""

    root: Value
    scalars: bool
    """Whether filters look at values that hold no others."""
    numbered: bool
    """Whether a filter takes the members of objects for those of arrays, and gives their places by numbers."""


class Name(NamedTuple):
    """A key, as a path says it.  With a backslash in it, RedisJSON has three opinions."""

    read: str
    """The key that commands find which only read."""
    sought: str
    """The one that commands find which change something,"""
    written: str
    """and the one that they then change."""


class Key(Step):
    """`.name` and `["name", "other"]`."""

    def __init__(self, *names: Name) -> None:
        self.names = names

    def values(self, values: list[Value], search: Search) -> list[Value]:
        if len(self.names) == 1:
            name = self.names[0].read
            return [value[name] for value in values if isinstance(value, dict) and name in value]
        names = [name.read for name in self.names]
        return [value[name] for value in values if isinstance(value, dict) for name in names if name in value]

    def places(self, found: Iterable[Found], search: Search) -> list[Found]:
        return [
            (value[name.sought], (place, name.written))
            for value, place in found
            if isinstance(value, dict)
            for name in self.names
            if name.sought in value
        ]


class Index(Step):
    """`[0]` and `[0,-1]`; what is before the beginning is the first."""

    def __init__(self, *indexes: int) -> None:
        self.indexes = indexes

    def places(self, found: Iterable[Found], search: Search) -> list[Found]:
        return [
            (value[i], (place, i))
            for value, place in found
            if type(value) is list
            for i in (_absolute(index, len(value)) for index in self.indexes)
            if i < len(value)
        ]


class Slice(Step):
    """`[start:end:step]`."""

    def __init__(self, start: int, end: int | None, step: int) -> None:
        self.start = start
        self.end = end
        self.step = step

    def places(self, found: Iterable[Found], search: Search) -> list[Found]:
        return [
            (value[i], (place, i))
            for value, place in found
            if type(value) is list
            for i in range(
                _absolute(self.start, len(value)),
                len(value) if self.end is None else _absolute(self.end, len(value)),
                self.step,
            )
        ]


def _absolute(index: int, length: int) -> int:
    return min(index, length) if index >= 0 else max(index + length, 0)


class All(Step):
    """`*`."""

    def values(self, values: list[Value], search: Search) -> list[Value]:
        found: list[Value] = []
        for value in values:
            if type(value) is list:
                found += value
            elif isinstance(value, dict):
                found += value.values()
        return found

    def places(self, found: Iterable[Found], search: Search) -> list[Found]:
        return [member for value, place in found for member in _members(value, place)]


def _members(value: Value, place: Place) -> Iterator[Found]:
    if type(value) is list:
        return ((item, (place, i)) for i, item in enumerate(value))
    if isinstance(value, dict):
        return ((item, (place, key)) for key, item in value.items())
    return iter(())


class Descendants(Step):
    """`..`: the values themselves, and all in them."""

    def values(self, values: list[Value], search: Search) -> list[Value]:
        reached: list[Value] = []
        waiting = values[::-1]
        while waiting:
            value = waiting.pop()
            reached.append(value)
            if type(value) is list:
                waiting += value[::-1]
            elif isinstance(value, dict):
                waiting += [*value.values()][::-1]
        return reached

    def places(self, found: Iterable[Found], search: Search) -> list[Found]:
        reached: list[Found] = []
        waiting = list(found)[::-1]
        while waiting:
            one = waiting.pop()
            reached.append(one)
            if type(one[0]) in _CONTAINERS:
                waiting += [*_members(*one)][::-1]
        return reached


_CONTAINERS: Final = frozenset((list, dict, Object))

Predicate: TypeAlias = Callable[[Value, Search], bool]


class Filter(Step):
    """`[?(...)]`: the members for which it is true."""

    def __init__(self, holds: Predicate) -> None:
        self.holds = holds

    def values(self, values: list[Value], search: Search) -> list[Value]:
        holds = self.holds
        selected: list[Value] = []
        for value in values:
            if type(value) is list:
                selected += [item for item in value if holds(item, search)]
            elif isinstance(value, dict):
                selected += [item for item in value.values() if holds(item, search)]
            elif search.scalars and holds(value, search):
                selected.append(value)
        return selected

    def places(self, found: Iterable[Found], search: Search) -> list[Found]:
        holds = self.holds
        selected: list[Found] = []
        for value, place in found:
            if type(value) in _CONTAINERS:
                members = _members(value, place)
                if search.numbered and type(value) is not list:
                    members = ((item, (place, i)) for i, item in enumerate(value.values()))
                selected += [member for member in members if holds(member[0], search)]
            elif search.scalars and holds(value, search):
                selected.append((value, place))
        return selected


class Path:
    """A path that begins with `$`."""

    __slots__ = ("steps", "text")

    def __init__(self, text: str, steps: tuple[Step, ...]) -> None:
        self.text = text
        self.steps = steps

    @property
    def is_static(self) -> bool:
        """Whether it leads to one place at most, because it names a key or an index everywhere."""
        return all(
            (isinstance(step, Key) and len(step.names) == 1) or (isinstance(step, Index) and len(step.indexes) == 1)
            for step in self.steps
        )

    def without_last(self) -> Path:
        """The path to what holds what this one selects."""
        return Path(self.text, self.steps[:-1])

    def values(self, root: Value, scalars: bool = True) -> list[Value]:
        """What it selects, in order; a value that it reaches twice comes twice."""
        return _values(self.steps, [root], Search(root, scalars, False))

    def places(self, root: Value, scalars: bool = True, numbered: bool = False) -> list[Found]:
        """What it selects, and where that is."""
        search = Search(root, scalars, numbered)
        found: list[Found] = [(root, None)]
        for step in self.steps:
            found = step.places(found, search)
        return found


def _values(steps: Iterable[Step], values: list[Value], search: Search) -> list[Value]:
    for step in steps:
        values = step.values(values, search)
    return values


# From the syntax to steps.


def compile_path(text: str) -> Path:
    """The path that a text says; raises PathSyntaxError."""
    return _remembered(text) if len(text) <= 256 else _compiled(text)


def _compiled(text: str) -> Path:
    return Path(text, tuple(map(_step, parse(text))))


_remembered = functools.lru_cache(1024)(_compiled)


def _step(node: Node) -> Step:
    if node.rule == "literal":
        return Key(Name(node.text, node.text, node.text))
    if node.rule == "string_list":
        return Key(*map(_name, node.children))
    if node.rule == "numbers_list":
        return Index(*map(_integer, node.children))
    if node.rule == "numbers_range":
        return _slice(node.children[0])
    if node.rule == "filter":
        return Filter(_any_of(node.children))
    return All() if node.rule == "all" else Descendants()


def _name(node: Node) -> Name:
    text = node.text
    if node.rule == "plain":
        return Name(text, text, text)
    own, other = ('"', "'") if node.rule == "double" else ("'", '"')
    return Name(_unescaped(text, own), _unescaped(text, other), text)


def _unescaped(text: str, quote: str) -> str:
    """A string without the backslashes before backslashes and before this quote."""
    return text.replace("\\\\", "\\").replace(f"\\{quote}", quote)


def _integer(node: Node) -> int:
    """A number; of those that no index can be, another such."""
    return int(node.text[:20])


def _slice(node: Node) -> Slice:
    numbers = [*map(_integer, node.children)]
    step = numbers.pop() if node.children and node.children[-1].rule == "pos_number" else 1
    start = 0 if node.rule in ("right_range", "all_range") else numbers.pop(0)
    return Slice(start, numbers.pop() if numbers else None, step)


def _any_of(nodes: list[Node]) -> Predicate:
    """Filters with `||` between rows of filters with `&&` between them."""
    rows: list[list[Predicate]] = [[]]
    for node in nodes:
        if node.rule == "or":
            rows.append([])
        elif node.rule == "filter":
            rows[-1].append(_any_of(node.children))
        elif node.rule == "single_filter":
            rows[-1].append(_single(node.children))
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    return lambda value, search: any(all(holds(value, search) for holds in row) for row in rows)


Term: TypeAlias = Callable[[Value, Search], Value]

_NOTHING: Final = object()
"""What a path selects that selects nothing, or more than one."""


class _Constant(str):
    """A string of the path, not of the document."""


class _Escaped(_Constant):
    """One in which something is written with a backslash."""


def _single(nodes: list[Node]) -> Predicate:
    left = _term(nodes[0])
    if len(nodes) == 1:
        return lambda value, search: left(value, search) is not _NOTHING
    operator, right = nodes[1].rule, _term(nodes[2])
    if operator in ("==", "!=") and _is_path(nodes[0]) and _is_path(nodes[2]):
        return lambda value, search: _same(left(value, search), right(value, search)) == (operator == "==")
    compare = _COMPARISONS[operator]
    return lambda value, search: compare(left(value, search), right(value, search))


def _is_path(node: Node) -> bool:
    return node.rule in ("from_current", "from_root")


def _same(one: Value, other: Value) -> bool:
    """Whether two values of the document are equal."""
    return one is not _NOTHING and equal(one, other)


def _term(node: Node) -> Term:
    if _is_path(node):
        return _selected(node)
    constant = _constant(node)
    return lambda value, search: constant


def _selected(node: Node) -> Term:
    is_root = node.rule == "from_root"
    steps = tuple(map(_step, node.children[0].children)) if node.children else ()

    def one(value: Value, search: Search) -> Value:
        if is_root:
            value = search.root
        else:
            search = search._replace(root=value)
        values = _values(steps, [value], search)
        return values[0] if len(values) == 1 else _NOTHING

    return one


def _constant(node: Node) -> Value:
    text = node.text
    if node.rule == "decimal":
        if "." not in text and len(text) <= 20 and _INT64_MIN <= int(text) <= _INT64_MAX:
            return int(text)
        return float(text)
    if node.rule == "plain":
        return _Constant(text)
    if node.rule in ("double", "single"):
        return _Escaped(_unescaped(text, "'" if node.rule == "double" else '"'))  # not the quote that needs it
    return {"boolean_true": True, "boolean_false": False, "null": None}[node.rule]


_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1


def _order(one: Value, other: Value) -> int | None:
    """-1, 0 or 1 as one is less than, equal to or more than the other; None: they cannot be compared."""
    if isinstance(one, str):
        if not isinstance(other, str):
            return None
    elif type(one) is int or type(one) is float:
        if type(one) is not type(other):
            if type(other) is not int and type(other) is not float:
                return None
            one, other = float(one), float(other)
        elif type(one) is int and (one > _INT64_MAX or other > _INT64_MAX):
            one, other = float(one), float(other)
    elif one is None:
        return 0 if other is None else None
    elif type(one) is not bool or type(other) is not bool:
        return None
    return int(one > other) - int(one < other)


def _matches(one: Value, other: Value) -> bool:
    """`=~`: whether a string of the document has something that a regular expression matches."""
    if type(one) is not str or (type(other) is not str and type(other) is not _Constant):
        return False
    pattern = compiled(str(other))
    return pattern is not None and pattern.search(one)


_COMPARISONS: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "==": lambda one, other: _order(one, other) == 0,
    "!=": lambda one, other: _order(one, other) != 0,
    "<": lambda one, other: _order(one, other) == -1,
    "<=": lambda one, other: _order(one, other) in (-1, 0),
    ">": lambda one, other: _order(one, other) == 1,
    ">=": lambda one, other: _order(one, other) in (0, 1),
    "=~": _matches,
}

"""From what a client asks to the steps that do it.

The options are read first, whatever index they are for: that gives Wanted.  `build` then looks up each name where it would be found, as
errors depend on it, and gives the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple, TypeAlias

from redouble.core.errors import CommandError, text
from redouble.modules.search.aggregate.expression import parse
from redouble.modules.search.aggregate.reducers import reduction
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.steps import Apply, Count, Filter, Group, Limit, Load, Order, Step, Total
from redouble.modules.search.arguments import EXPECTED_ARGUMENT, NOT_CONVERTED, Arguments, bad_arguments
from redouble.modules.search.schema import Schema

__all__ = ["READERS", "Arranged", "Names", "Plan", "Running", "Wanted", "build"]

DEFAULT_COUNT: Final = 10
"""How many rows SORTBY lets through if nobody says."""
MOST_SORT_KEYS: Final = 8


class Loaded(NamedTuple):
    """LOAD; None: everything."""

    words: list[bytes] | None


class Applied(NamedTuple):
    expression: bytes
    name: bytes


class Filtered(NamedTuple):
    expression: bytes


class Reduced(NamedTuple):
    name: bytes
    arguments: list[bytes]
    alias: bytes | None


class Grouped(NamedTuple):
    properties: list[bytes]
    reduced: list[Reduced]


@dataclass
class Arranged:
    """SORTBY and LIMIT: of a run of steps without GROUPBY there is one."""

    keys: list[tuple[bytes, bool]] | None = None
    first: int = 0
    count: int = 0
    is_limited: bool = False


Part: TypeAlias = "Loaded | Applied | Filtered | Grouped | Arranged"


@dataclass
class Wanted:
    """The parts, in the order in which they were said."""

    parts: list[Part] = field(default_factory=list)
    only_counts: bool = False
    """LIMIT of no rows was said, which holds for all of them."""

    def arranged(self) -> Arranged:
        """The arrangement that SORTBY and LIMIT speak of here."""
        for part in reversed(self.parts):
            if isinstance(part, Grouped):
                break
            if isinstance(part, Arranged):
                return part
        made = Arranged()
        self.parts.append(made)
        return made


# Reading the options.


def _load(words: Arguments, wanted: Wanted) -> None:
    if words.has(b"*"):
        wanted.parts.append(Loaded(None))
        return
    if not words:
        raise bad_arguments("LOAD", EXPECTED_ARGUMENT)
    count = Arguments.number_of(words.next())
    if count is None or not count.is_integer() or count < 0 or (words and count > len(words)):
        raise bad_arguments("LOAD", "SUCCESS")
    if count > len(words):
        raise bad_arguments("LOAD", EXPECTED_ARGUMENT)
    wanted.parts.append(Loaded([words.next() for _ in range(int(count))]))


def _expression(words: Arguments) -> bytes:
    return words.text("APPLY/FILTER")


def _apply(words: Arguments, wanted: Wanted) -> None:
    expression = name = _expression(words)
    if words.has(b"AS"):
        if not words:
            raise CommandError("AS needs argument")
        name = words.next()
    wanted.parts.append(Applied(expression, name))


def _filter(words: Arguments, wanted: Wanted) -> None:
    wanted.parts.append(Filtered(_expression(words)))


def _group_by(words: Arguments, wanted: Wanted) -> None:
    properties = words.slice("GROUPBY")
    for name in properties:
        if not name.startswith(b"@"):
            shown = text(name)
            raise bad_arguments("GROUPBY", f"Unknown property `{shown}`. Did you mean `@{shown}`?")
    reduced = []
    while words.has(b"REDUCE"):
        if not words:
            raise bad_arguments("REDUCE", "SUCCESS")
        name = words.next()
        arguments = words.slice(text(name))
        reduced.append(Reduced(name, arguments, words.text("AS") if words.has(b"AS") else None))
    wanted.parts.append(Grouped([name[1:] for name in properties], reduced))


def _sort_by(words: Arguments, wanted: Wanted) -> None:
    arranged = wanted.arranged()
    if any(isinstance(part, Arranged) and part.keys is not None for part in _since_group(wanted)):
        raise CommandError("Multiple SORTBY steps are not allowed. Sort multiple fields in a single step")
    keys: list[tuple[bytes, bool]] = []
    for word in words.slice("SORTBY"):
        if word.startswith(b"@"):
            if len(keys) >= MOST_SORT_KEYS:
                raise CommandError(f"Cannot sort by more than {MOST_SORT_KEYS} fields")
            keys.append((word[1:], True))
        elif keys and word.upper() in (b"ASC", b"DESC"):
            keys[-1] = keys[-1][0], word.upper() == b"ASC"
        else:
            raise CommandError(f"MISSING ASC or DESC after sort field ({text(word)})")
    if words.has(b"MAX"):
        most = Arguments.number_of(words.next()) if words else None
        if most is None or not most.is_integer() or most < 0:
            raise bad_arguments("MAX", NOT_CONVERTED)
        arranged.count = int(most)
    arranged.keys = keys


def _since_group(wanted: Wanted) -> list[Part]:
    parts: list[Part] = []
    for part in reversed(wanted.parts):
        if isinstance(part, Grouped):
            break
        parts.append(part)
    return parts


READERS: Final[dict[bytes, Callable[[Arguments, Wanted], None]]] = {
    b"LOAD": _load,
    b"APPLY": _apply,
    b"FILTER": _filter,
    b"GROUPBY": _group_by,
}
"""SORTBY and LIMIT stand among the options of all queries."""
sort_by: Final = _sort_by


# Building.


class Names:
    """What rows have at a step."""

    def __init__(self, schema: Schema | None) -> None:
        self.schema = schema
        """None: after GROUPBY, where documents are no longer known."""
        self.known: dict[bytes, None] = {}
        """In the order in which they are shown."""
        self.from_sort_values: dict[bytes, None] = {}
        """SORTABLE fields that nobody has loaded."""
        self.computed: set[bytes] = set()
        """Those that APPLY made, which LOAD leaves alone."""
        self.has_all_fields = False
        """LOAD * was said, of hashes; of JSON it loads the whole document under one name."""

    def has(self, name: bytes) -> bool:
        """Whether rows have it without being loaded."""
        if name in self.known:
            return True
        found = self.schema.find(name) if self.schema is not None else None
        if found is None or not (found.sortable or self.has_all_fields):
            return False
        if found.sortable:
            self.from_sort_values[name] = None
        self.known[name] = None
        return True

    def can_load(self, name: bytes) -> bool:
        """Whether it is a field that a step may load for itself."""
        return self.schema is not None and self.schema.find(name) is not None


Loader: TypeAlias = "Callable[[list[tuple[bytes, bytes]] | None, Names], Callable[[Row], object]]"
"""Makes what loads fields into a row, by their paths and names; None: all, which are entered into the names."""


@dataclass
class Plan:
    """The steps, and what is shown at the end."""

    steps: list[Step]
    names: dict[bytes, None]
    """Of the values, in their order."""
    from_sort_values: dict[bytes, None]
    sort_key: bytes = b""
    """By what is sorted, for WITHSORTKEYS."""
    names_terms: bool = False
    """Whether somebody may ask for the words that a document has."""

    def start(self, rows: Iterator[Row]) -> Running:
        return Running(self, rows)


class Running:
    """An aggregation under way."""

    def __init__(self, plan: Plan, rows: Iterator[Row]) -> None:
        self.plan = plan
        self.total = Total()
        rows = self._counted(rows)
        for step in plan.steps:
            rows = step.run(rows, self.total)
        self.rows = rows

    def _counted(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self.total.count += 1
            yield row


class _Builder:
    def __init__(self, schema: Schema, is_hash: bool, loader: Loader, random: Random) -> None:
        self.names = Names(schema)
        self.is_hash = is_hash
        self.loader = loader
        self.random = random
        self.steps: list[Step] = []
        self.waiting: list[tuple[bytes, bytes]] = []
        """What the next step needs loaded."""

    def needs(self, name: bytes, error: str) -> None:
        """A step that may load it asks for a name."""
        if self.names.has(name):
            return
        if not self.names.can_load(name):
            raise CommandError(error.format(text(name)))
        self.names.known.setdefault(name)
        self.waiting.append((name, name))

    def load_waiting(self) -> None:
        if self.waiting:
            self.steps.append(Load(self.loader(self.waiting, self.names)))
            self.waiting = []

    def find(self, name: bytes) -> None:
        """An expression asks for a name."""
        if not self.names.has(name):
            raise CommandError(f"Property `{text(name)}` not loaded nor in pipeline")

    def find_for_reducer(self, name: bytes) -> None:
        self.needs(name, "Property `{}` not present in document or pipeline")

    def load(self, part: Loaded) -> None:
        if self.names.schema is None:
            raise CommandError("LOAD cannot be applied after projectors or reducers")
        names = self.names
        if part.words is None:
            names.has_all_fields = self.is_hash
            self.steps.append(Load(self.loader(None, names)))
            return
        words = Arguments(part.words, 0)
        wanted = []
        while words:
            path = name = words.next().removeprefix(b"@")
            if words.has(b"AS"):
                if not words:
                    raise CommandError("LOAD path AS name - must be accompanied with NAME")
                name = words.next()
            if name not in names.known or name in names.from_sort_values:
                names.known[name] = None
                wanted.append((path, name))
        if wanted:
            self.steps.append(Load(self.loader(wanted, names)))

    def apply(self, part: Applied) -> None:
        evaluate = parse(part.expression, self.find)
        self.names.known.setdefault(part.name)
        self.names.computed.add(part.name)
        self.steps.append(Apply(evaluate, part.name))

    def group(self, part: Grouped) -> None:
        for name in part.properties:
            self.needs(name, "No such property `{}`")
        grouped = Names(None)

        def add(name: bytes) -> None:
            if name in grouped.known:
                raise CommandError(f"Property `{text(name)}` specified more than once")
            grouped.known[name] = None

        for name in part.properties:
            add(name)
        reductions = []
        for one in part.reduced:
            made = reduction(one.name, one.arguments, one.alias, self.find_for_reducer, self.random)
            reductions.append(made)
            add(made.name)
        self.load_waiting()
        self.steps.append(Group(part.properties, reductions))
        self.names = grouped

    def arrange(self, part: Arranged) -> None:
        count = part.count
        if part.keys is not None:
            for name, _ in part.keys:
                self.needs(name, "Property `{}` not loaded nor in schema")
            self.load_waiting()
            count = part.count or DEFAULT_COUNT
            self.steps.append(Order(part.keys, part.first + count))
        if part.is_limited or part.keys is not None:
            self.steps.append(Limit(part.first, count))


def build(wanted: Wanted, schema: Schema, is_hash: bool, given: list[bytes], loader: Loader, random: Random) -> Plan:
    """The steps.  `given` are the names of what rows have from the start.  Raises CommandError for names that do not exist."""
    builder = _Builder(schema, is_hash, loader, random)
    for name in given:
        builder.names.known[name] = None
    plan = Plan(builder.steps, {}, builder.names.from_sort_values)
    for part in wanted.parts:
        if isinstance(part, Loaded):
            builder.load(part)
        elif isinstance(part, Applied):
            builder.apply(part)
        elif isinstance(part, Filtered):
            builder.steps.append(Filter(parse(part.expression, builder.find)))
        elif isinstance(part, Grouped):
            builder.group(part)
        else:
            if wanted.only_counts:
                builder.steps.append(Count())
                continue
            builder.arrange(part)
            if part.keys:
                plan.sort_key = part.keys[0][0]
        if isinstance(part, (Applied, Filtered)) and b"matched_terms" in part.expression.lower():
            plan.names_terms = True
    plan.names = builder.names.known
    return plan

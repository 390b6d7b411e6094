"""FT.PROFILE: a query's reply, and the parts of the query with how many documents each of them found.

Times are zero, as they mostly are in the real module's milliseconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeAlias

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.steps import Apply, Count, Filter, Group, Limit, Load, Order, Step, Total
from redouble.modules.search.arguments import Arguments, ft_command
from redouble.modules.search.commands.aggregate import Aggregation, ft_aggregate, parse_request
from redouble.modules.search.commands.search import Options, ft_search, limits_of, parse_options, query_tree
from redouble.modules.search.evaluate import Limits, Planner, evaluate
from redouble.modules.search.index.index import Index
from redouble.modules.search.plans import AnyOf, InRange, OfTerm, Plan
from redouble.modules.search.query import tree
from redouble.modules.search.registry import existing_index, registry
from redouble.resp.reply import Reply, Status

__all__: list[str] = []

Facts: TypeAlias = "list[tuple[bytes, Reply]]"

STEPS: Final[dict[type[Step], bytes]] = {
    Load: b"Loader",
    Group: b"Grouper",
    Order: b"Sorter",
    Apply: b"Projector",
    Filter: b"Filter",
    Limit: b"Pager/Limiter",
    Count: b"Counter",
}
LAST: Final = (b"Pager/Limiter", b"Loader", b"Highlighter")
"""What sees only the documents that are shown."""
UNBOUND: Final = (tree.Not, tree.Optional)
"""What any document may match: the others are asked first."""
PATTERNS: Final = {
    tree.Prefix: b"PREFIX - %s",
    tree.Suffix: b"SUFFIX - %s",
    tree.Infix: b"INFIX - %s",
    tree.Fuzzy: b"FUZZY - %s",
}


@ft_command(
    "FT.PROFILE key <SEARCH | AGGREGATE> [LIMITED] QUERY query", flags="readonly", keys="RW", arity=-5, since="2.2.0"
)
def ft_profile(client: Client, argv: Argv) -> Reply:
    """A query's reply, and how it came about."""
    _, name, kind, *words = argv
    is_search = kind.upper() == b"SEARCH"
    if not is_search and kind.upper() != b"AGGREGATE":
        raise CommandError("No `SEARCH` or `AGGREGATE` provided")
    is_limited = words[0].upper() == b"LIMITED"
    words = words[is_limited:]
    if not words or words.pop(0).upper() != b"QUERY":
        raise CommandError("The QUERY keyword is expected")
    if not is_search and b"WITHCURSOR" in map(bytes.upper, words):
        raise CommandError("FT.PROFILE does not support cursor")
    asked = [b"FT.SEARCH" if is_search else b"FT.AGGREGATE", name, *words]
    reply = (ft_search if is_search else ft_aggregate)(client, asked)
    index = existing_index(client, name)
    settings = registry(client.server).settings
    given = Arguments(asked, 3)
    if is_search:
        options = parse_options(given, settings, client.resp)
    else:
        request = parse_request(given, settings, client.resp)
        options = request.options
    parts = Parts(index, limits_of(settings), is_limited, client.resp)
    node = query_tree(words[0], index, options)
    iterators = parts.shown(parts.of(node))
    found = parts.count(node)
    if is_search:
        kept = min(found, options.first + options.count)
        counts = {b"Counter": 1, b"Sorter": kept, **dict.fromkeys(LAST, max(kept - options.first, 0))}
        counted = [(step, counts.get(step, found)) for step in _searching(options, node, index)]
    else:
        matches = evaluate(node, index, parts.limits)
        counted = _aggregating(Aggregation(client, index, request, matches, node))
    steps = [parts.shown(parts.one(step, count)) for step, count in [(b"Index", found), *counted]]
    times = (b"Total profile time", b"Parsing time", b"Pipeline creation time")
    if client.resp == 3 and isinstance(reply, dict):
        profile: dict[Status, Reply] = {Status(time): 0.0 for time in times}
        profile[Status(b"Warning")] = Status(b"None")
        profile[Status(b"Iterators profile")] = [iterators]
        profile[Status(b"Result processors profile")] = steps
        return {**reply, Status(b"profile"): profile}
    return [
        reply,
        [
            *([Status(time), 0.0] for time in times),
            [Status(b"Warning")],
            [Status(b"Iterators profile"), iterators],
            [Status(b"Result processors profile"), *steps],
        ],
    ]


def _searching(options: Options, node: tree.Node, index: Index) -> list[bytes]:
    if not options.count:
        return [b"Counter"]
    steps = [b"Metrics Applier"] if isinstance(node, tree.Vector) else []
    if options.sort_by is None or options.shape.scores:
        steps.append(b"Scorer")
    steps.append(b"Sorter")
    if options.first:
        steps.append(b"Pager/Limiter")
    if options.shape.content:
        if options.returned is None or not all(_is_sorted_by(index, path) for path, _ in options.returned):
            steps.append(b"Loader")
        if options.marks is not None:
            steps.append(b"Highlighter")
    return steps


def _is_sorted_by(index: Index, path: bytes) -> bool:
    """Whether the index itself has the values of a field, as they are: they need not be loaded."""
    field = index.schema.find(path)
    return field is not None and field.sortable and (field.unnormalised or field.type in (b"NUMERIC", b"GEO"))


class Counted(Step):
    """A step that counts the rows that it lets through."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.count = 0

    def run(self, rows: Iterator[Row], total: Total) -> Iterator[Row]:
        for row in self.step.run(rows, total):
            self.count += 1
            yield row


def _aggregating(aggregation: Aggregation) -> list[tuple[bytes, int]]:
    plan = aggregation.start().plan
    counted = [Counted(step) for step in plan.steps]
    plan.steps = [*counted]
    with suppress(CommandError):
        deque(plan.start(aggregation.rows(plan)).rows, 0)
    return [
        (STEPS[type(now.step)], 1 if isinstance(now.step, Count) else now.count)
        for before, now in zip([None, *counted], counted)
        if not (before and isinstance(before.step, Order) and isinstance(now.step, Limit) and not now.step.first)
    ]


class Parts:
    """The parts of a query, with what each finds."""

    def __init__(self, index: Index, limits: Limits, is_limited: bool, resp: int) -> None:
        self.index = index
        self.limits = limits
        self.is_limited = is_limited
        self.resp = resp

    def count(self, node: tree.Node) -> int:
        return self.alive(Planner(self.index, self.limits).plan(node))

    def alive(self, plan: Plan) -> int:
        return len(plan.find() & self.index.documents.ids)

    def shown(self, facts: Facts) -> Reply:
        """As a map, or as a list of names and values; children follow as they are."""
        if self.resp == 3:
            return {Status(name): value for name, value in facts}
        reply: list[Reply] = []
        for name, value in facts:
            reply.append(Status(name))
            reply += value if name == b"Child iterators" and isinstance(value, list) else [value]
        return reply

    def of(self, node: tree.Node) -> Facts:
        children = [child for child in tree.children(node) if child not in node.beside]
        found = self.count(node)
        if isinstance(node, tree.Union):
            children = [child for child in children if self.count(child)]
            if len(children) == 1:
                return self.of(children[0])
            if children:
                return self.union(b"UNION", found, [self.of(child) for child in children])
        if not found and not isinstance(node, (*UNBOUND, tree.Intersection, tree.Exact)):
            return self.one(b"EMPTY", 0)
        if isinstance(node, tree.Term):
            return self.word(b"TEXT", node.text, found)
        if isinstance(node, (tree.Prefix, tree.Suffix, tree.Infix, tree.Fuzzy)):
            return self.pattern(PATTERNS[type(node)] % node.text, node, found)
        if isinstance(node, tree.Wildcard):
            return self.pattern(b"WILDCARD - " + node.pattern, node, found)
        if isinstance(node, (tree.Exact, tree.Intersection)):
            if len(children) == 1:
                return self.of(children[0])
            if isinstance(node, tree.Intersection):
                children.sort(key=lambda child: math.inf if isinstance(child, UNBOUND) else self.count(child))
            return [*self.one(b"INTERSECT", found), self.below([self.of(child) for child in children])]
        if isinstance(node, UNBOUND):
            kind = b"NOT" if isinstance(node, tree.Not) else b"OPTIONAL"
            return [*self.one(kind, found), (b"Child iterator", self.shown(self.of(node.child)))]
        if isinstance(node, tree.Tag):
            tags = [self.tag(node, child) for child in node.children]
            return tags[0] if len(tags) == 1 else self.union(b"TAG", found, tags)
        if isinstance(node, tree.Numeric):
            return self.numeric(node, found)
        if isinstance(node, tree.GeoRadius):
            place = b"%g,%g" % (node.longitude, node.latitude)
            return self.word(b"GEO", place + b" - " + place, found)
        if isinstance(node, tree.Vector):
            below: Facts = [(b"Child iterator", self.shown(self.of(node.child)))] if node.child else []
            return [*self.one(b"VECTOR", found), *below]
        return self.one(b"WILDCARD", found) if isinstance(node, tree.Everything) else self.one(b"ID-LIST", found)

    def one(self, kind: bytes, counter: int) -> Facts:
        return [(b"Type", Status(kind)), (b"Time", 0.0), (b"Counter", counter)]

    def word(self, kind: bytes, text: bytes, found: int, size: int | None = None) -> Facts:
        size = found if size is None else size
        kind, text = Status(kind), Status(text)
        return [(b"Type", kind), (b"Term", text), (b"Time", 0.0), (b"Counter", found), (b"Size", size)]

    def numeric(self, node: tree.Numeric, found: int) -> Facts:
        plan = Planner(self.index, self.limits).plan(node)
        ranges = [
            self.word(
                b"NUMERIC", b"%g - %g" % (each.range.least, each.range.greatest), self.alive(each), len(each.range)
            )
            for each in (plan.parts if isinstance(plan, AnyOf) else [plan])
            if isinstance(each, InRange)
        ]
        return ranges[0] if len(ranges) == 1 else self.union(b"NUMERIC", found, ranges)

    def union(self, what: bytes, found: int, children: list[Facts]) -> Facts:
        kind = Status(b"UNION"), Status(what)
        head: Facts = [(b"Type", kind[0]), (b"Query type", kind[1]), (b"Time", 0.0), (b"Counter", found)]
        if self.is_limited and what != b"UNION":
            text = b"The number of iterators in the union is %d" % len(children)
            return [*head, (b"Child iterators", Status(text))]
        return [*head, self.below(children)]

    def below(self, children: list[Facts]) -> tuple[bytes, Reply]:
        return b"Child iterators", [self.shown(child) for child in children]

    def pattern(self, what: bytes, node: tree.Node, found: int) -> Facts:
        """A union of the words that a pattern stands for."""
        plan = Planner(self.index, self.limits).plan(node)
        words = [part for part in plan.parts if isinstance(part, OfTerm)] if isinstance(plan, AnyOf) else []
        return self.union(what, found, [self.word(b"TEXT", word.term, self.alive(word)) for word in words])

    def tag(self, node: tree.Tag, child: tree.Node) -> Facts:
        found = self.count(tree.Tag(node.field, [child]))
        if isinstance(child, tree.Intersection):
            text = b" ".join(word.text for word in child.children if isinstance(word, tree.Term))
        else:
            text = getattr(child, "text", b"") or getattr(child, "pattern", b"")
        return self.word(b"TAG", text, found) if found else self.one(b"EMPTY", 0)

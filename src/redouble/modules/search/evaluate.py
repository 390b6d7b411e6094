"""Which documents a query finds, and what scorers need to know of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from redouble.core.errors import CommandError, text
from redouble.modules.arguments import double, long_long
from redouble.modules.search.index.index import Index
from redouble.modules.search.index.numbers import Interval, Numbers
from redouble.modules.search.index.points import UNITS
from redouble.modules.search.index.shapes import InvalidShape
from redouble.modules.search.index.tags import Tags
from redouble.modules.search.index.vectors import Vectors
from redouble.modules.search.patterns import fuzzy, wildcard
from redouble.modules.search.plans import (
    NONE,
    All,
    AnyOf,
    Both,
    Given,
    Ids,
    InCircle,
    InRange,
    Measured,
    OfTag,
    OfTerm,
    Perhaps,
    Plan,
    Record,
    Without,
)
from redouble.modules.search.query import tree
from redouble.modules.search.text.tokens import folded, tag_text
from redouble.modules.search.walking import walker
from redouble.types.geohash import Circle, Point

__all__ = ["Limits", "Matches", "evaluate"]


@dataclass(frozen=True)
class Limits:
    """What FT.CONFIG limits."""

    shortest_prefix: int = 2
    most_terms: int = 200
    """For which a prefix, or another pattern, stands."""


@dataclass
class Matches:
    """What a query has found."""

    ids: list[int]
    """The numbers of the documents, in ascending order."""
    distances: dict[bytes, dict[int, float]]
    """Of vectors, by the name that the query gives them and by document."""
    plan: Plan

    def records(self) -> Iterator[tuple[int, Record]]:
        """Each document, with what scorers need to know of it."""
        common = self.plan.common()
        if common is not None:
            yield from zip(self.ids, repeat(common))
            return
        if self.plan.is_met_in_parts():
            found = set(self.ids)
            one = walker(self.plan)
            while one.read():
                if one.id in found:
                    yield one.id, one.record()
            return
        for id in self.ids:
            record = self.plan.record(id)
            if record is not None:
                yield id, record

    def records_of(self, ids: set[int]) -> dict[int, Record]:
        """What scorers need to know of some of the documents."""
        if self.plan.is_met_in_parts():
            return {id: record for id, record in self.records() if id in ids}
        return {id: record for id in ids if (record := self.plan.record(id)) is not None}


def evaluate(node: tree.Node, index: Index, limits: Limits | None = None) -> Matches:
    """The documents of an index that a query stands for.  Raises CommandError for what cannot be asked of a vector."""
    maker = Planner(index, limits or Limits())
    made = maker.plan(node)
    return Matches(sorted(index.documents.alive(made.find())), maker.distances, made)


class Planner:
    """From nodes to plans."""

    def __init__(self, index: Index, limits: Limits) -> None:
        self.index = index
        self.limits = limits
        self.distances: dict[bytes, dict[int, float]] = {}

    def plan(self, node: tree.Node) -> Plan:
        made: Plan = getattr(self, f"_{type(node).__name__.lower()}")(node)
        return made

    def _everything(self, node: tree.Everything) -> Plan:
        return All(self.index, node.attributes.weight)

    def _nothing(self, node: tree.Nothing) -> Plan:
        return NONE

    def _ids(self, node: tree.Ids) -> Plan:
        found = (self.index.documents.of_key(key) for key in node.keys)
        return Given({document.id for document in found if document is not None}, 1.0, 0)

    def _missing(self, node: tree.Missing) -> Plan:
        return Given(self.index.missing.get(node.field.name, {}).keys(), 0.0, 1)

    # Texts.

    def _term(self, node: tree.Term) -> Plan:
        return self._of_term(node.text, self.index.mask(node.fields), node.attributes.weight)

    def _of_term(self, term: bytes, mask: int, weight: float) -> Plan:
        postings = self.index.terms.get(term)
        if postings is None or not postings.fields & mask:
            return NONE
        return OfTerm(self.index, term, postings, mask, weight)

    def _terms(self, node: tree.Node, terms: Iterable[bytes]) -> Plan:
        mask = self.index.mask(node.fields)
        found: list[Plan] = []
        for term in terms:
            if len(found) >= self.limits.most_terms:
                break
            part = self._of_term(term, mask, 1.0)
            if part is not NONE:
                found.append(part)
        return AnyOf(found, node.attributes.weight, quick=True) if found else NONE

    def _prefix(self, node: tree.Prefix) -> Plan:
        if len(node.text) < self.limits.shortest_prefix:
            return NONE
        return self._terms(node, self.index.terms.beginning_with(folded(node.text)))

    def _suffix(self, node: tree.Suffix) -> Plan:
        text = folded(node.text)
        if len(text) < self.limits.shortest_prefix:
            return NONE
        return self._terms(node, (term for term in self._with_suffixes(node) if term.endswith(text)))

    def _infix(self, node: tree.Infix) -> Plan:
        text = folded(node.text)
        if len(text) < self.limits.shortest_prefix:
            return NONE
        return self._terms(node, (term for term in self._with_suffixes(node) if text in term))

    def _wildcard(self, node: tree.Wildcard) -> Plan:
        matches = wildcard(folded(node.pattern))
        before, mark, _ = node.pattern.partition(b"?")
        pieces = before.split(b"*")
        if mark:
            pieces.pop()
        is_quick = any(len(piece) >= SHORTEST_SUFFIX for piece in pieces)
        terms = self._with_suffixes(node) if is_quick else self.index.terms.ordered()
        return self._terms(node, (term for term in terms if term and matches(term)))

    def _with_suffixes(self, node: tree.Node) -> Iterable[bytes]:
        """The terms of which middles and ends are known: those of fields with WITHSUFFIXTRIE if there are any, and none is named."""
        terms = self.index.terms
        fields = [field.name for field in self.index.schema.fields if field.suffix_trie and field.type == b"TEXT"]
        if node.fields is not None or not fields:
            return terms.ordered()
        mask = self.index.mask(tuple(fields))
        known = ((term, terms.get(term)) for term in terms.ordered() if term[:1] not in (b"+", b"<", b"~"))
        return (term for term, postings in known if postings is not None and postings.fields & mask)

    def _fuzzy(self, node: tree.Fuzzy) -> Plan:
        matches = fuzzy(node.text, node.distance)
        empty = [b""] if len(node.text) <= node.distance else []
        return self._terms(node, (*(term for term in self.index.terms.ordered() if term and matches(term)), *empty))

    def _lexrange(self, node: tree.LexRange) -> Plan:
        return self._terms(node, self.index.terms.between(node.low, node.high))

    # Combinations.

    def _exact(self, node: tree.Exact) -> Plan:
        return self._all_of(node, 0, True)

    def _intersection(self, node: tree.Intersection) -> Plan:
        attributes = node.attributes
        slop = None if attributes.slop is None or attributes.slop < 0 else attributes.slop
        return self._all_of(node, slop, bool(attributes.in_order))

    def _all_of(self, node: tree.Exact | tree.Intersection, slop: int | None, in_order: bool) -> Plan:
        parts = [self.plan(child) for child in node.children]
        if any(part is NONE for part in parts):
            return Plan() if len(parts) > 1 else NONE
        if len(parts) == 1:
            return parts[0]
        if node.fields == ():  # what is together is in some field
            return Plan()
        return Both(parts, node.attributes.weight, slop, in_order)

    def _union(self, node: tree.Union) -> Plan:
        parts = [part for part in map(self.plan, node.children) if part is not NONE]
        if len(parts) <= 1:
            return parts[0] if parts else NONE
        everything = next((part for part in parts if isinstance(part, All)), None)
        return everything or AnyOf(parts, node.attributes.weight)

    def _not(self, node: tree.Not) -> Plan:
        return Without(self.index, self.plan(node.child), node.attributes.weight)

    def _optional(self, node: tree.Optional) -> Plan:
        return Perhaps(self.index, self.plan(node.child), node.attributes.weight)

    # Other fields.

    def _numeric(self, node: tree.Numeric) -> Plan:
        numbers = self.index.numbers.get(node.field.name)
        if numbers is None:
            return NONE
        return self._in_interval(numbers, Interval(node.low, node.high, node.includes_low, node.includes_high))

    def _in_interval(self, numbers: Numbers, interval: Interval) -> Plan:
        parts: list[Plan] = [InRange(numbers, range, interval) for range in numbers.ranges(interval)]
        return any_of(parts)

    def _georadius(self, node: tree.GeoRadius) -> Plan:
        points = self.index.points.get(node.field.name)
        if points is None:
            return NONE
        circle = Circle(Point(node.longitude, node.latitude), node.radius, UNITS[node.unit.lower()])
        cells: list[Plan] = []
        for cell in points.cells(circle):
            parts: list[Plan] = [InCircle(points, range, cell, circle) for range in points.hashes.ranges(cell)]
            if parts:
                cells.append(any_of(parts))
        return any_of(cells)

    def _geoshape(self, node: tree.GeoShape) -> Plan:
        shapes = self.index.shapes.get(node.field.name)
        if shapes is None:
            return NONE
        try:
            return Given(shapes.find(node.operation, node.shape).keys(), 0.0, 0)
        except InvalidShape as error:
            raise CommandError(f"Error querying geoshape index: {error}") from None

    def _tag(self, node: tree.Tag) -> Plan:
        tags = self.index.tags.get(node.field.name)
        if tags is None:
            return NONE
        parts = [self._of_tags(node, child, tags) for child in node.children]
        if len(parts) == 1:
            return parts[0]
        found = [part for part in parts if part is not NONE]
        return AnyOf(found, node.attributes.weight) if found else NONE

    def _of_tags(self, node: tree.Tag, child: tree.Node, tags: Tags) -> Plan:
        field = node.field
        weight = node.attributes.weight
        if isinstance(child, (tree.Term, tree.Intersection)):
            words = child.children if isinstance(child, tree.Intersection) else [child]
            text = b" ".join(word.text for word in words if isinstance(word, tree.Term))
            tag = tag_text(text, field.case_sensitive)
            ids = tags.documents.get(tag)
            return NONE if ids is None else OfTag(self.index, tag, ids, weight)
        if isinstance(child, tree.Wildcard):
            matches = wildcard(tag_text(child.pattern, field.case_sensitive))
            found: Iterable[bytes] = filter(matches, tags.ordered())
        elif isinstance(child, tree.Fuzzy):
            found = filter(fuzzy(child.text, child.distance), tags.ordered())
        elif isinstance(child, (tree.Prefix, tree.Suffix, tree.Infix)):
            text = tag_text(child.text, field.case_sensitive)
            if len(text) < self.limits.shortest_prefix:
                return NONE
            if isinstance(child, tree.Prefix):
                found = tags.beginning_with(text)
            elif isinstance(child, tree.Suffix):
                found = (tag for tag in tags.ordered() if tag.endswith(text))
            else:
                found = (tag for tag in tags.ordered() if text in tag)
        else:
            return NONE
        parts: list[Plan] = []
        for tag in found:
            if len(parts) >= self.limits.most_terms:
                break
            parts.append(OfTag(self.index, tag, tags.documents[tag], 1.0))
        if len(parts) == 1:
            return parts[0]
        return AnyOf(parts, weight, quick=True) if parts else NONE

    def _vector(self, node: tree.Vector) -> Plan:
        vectors = self.index.vectors.get(node.field.name)
        if not vectors:
            return NONE
        part: Plan | None = None
        ids: Ids | None = None
        if node.child is not None and not isinstance(node.child, tree.Everything):
            part = self.plan(node.child)
            if part is NONE:
                return NONE
        check_vector(node, vectors)
        if part is not None:
            ids = self.index.documents.alive(part.find())
        name = node.score_as or node.attributes.yield_distance_as
        if name:
            self._check_name(name)
        if node.k is None:
            distances = vectors.within(node.blob, node.radius)
        else:
            distances = vectors.nearest(node.blob, node.k, ids)
        if name:
            self.distances[name] = distances
        return Measured(distances, part)

    def _check_name(self, name: bytes) -> None:
        if name in self.distances:
            raise CommandError(f"Property `{text(name)}` specified more than once")
        if self.index.schema.find(name) is not None:
            raise CommandError(f"Property `{text(name)}` already exists in schema")


def any_of(parts: list[Plan]) -> Plan:
    """What one of some ranges holds."""
    if len(parts) > 1:
        return AnyOf(parts, 1.0, quick=True)
    return parts[0] if parts else NONE


SHORTEST_SUFFIX: Final = 2
"""How long the piece of a wildcard has to be by which it is looked up among suffixes."""
BAD_VECTOR: Final = "Error parsing vector similarity query: "
BAD_PARAMETERS: Final = "Error parsing vector similarity parameters: "


def check_vector(node: tree.Vector, vectors: Vectors) -> None:
    """Whether a query can be asked of a field.  Raises CommandError."""
    if len(node.blob) != vectors.blob_size:
        raise CommandError(
            f"{BAD_VECTOR}query vector blob size ({len(node.blob)}) does not match index's expected size"
            f" ({vectors.blob_size})."
        )
    if node.k is None and node.radius < 0:
        raise CommandError(f"{BAD_VECTOR}negative radius ({node.radius:g}) given in a range query")
    is_graph = vectors.options.algorithm == b"HNSW"
    is_hybrid = node.child is not None and not isinstance(node.child, tree.Everything)
    policy = b""
    for name, value in node.parameters.items():
        option = name.upper()
        if option == b"EF_RUNTIME" and is_graph and node.k is not None:
            number = long_long(value)
            if number is None or number < 1:
                raise CommandError(f"{BAD_PARAMETERS}Invalid value was given")
        elif option == b"EPSILON" and is_graph:
            if node.k is not None:
                raise CommandError(f"{BAD_PARAMETERS}range query attributes were sent for a non-range query")
            if (double(value) or 0.0) <= 0:
                raise CommandError(f"{BAD_PARAMETERS}Invalid value was given")
        elif option in (b"HYBRID_POLICY", b"BATCH_SIZE"):
            if node.k is None or not is_hybrid:
                raise CommandError(f"{BAD_PARAMETERS}hybrid query attributes were sent for a non-hybrid query")
            if option == b"HYBRID_POLICY":
                policy = value.upper()
                if policy not in (b"BATCHES", b"ADHOC_BF"):
                    raise CommandError(f"{BAD_PARAMETERS}invalid hybrid policy was given")
            elif (long_long(value) or 0) < 1:
                raise CommandError(f"{BAD_PARAMETERS}Invalid value was given")
        else:
            raise CommandError(f"{BAD_PARAMETERS}Invalid option")
    if policy == b"ADHOC_BF" and any(name.upper() == b"BATCH_SIZE" for name in node.parameters):
        raise CommandError(f"{BAD_PARAMETERS}'batch size' is irrelevant for 'ADHOC_BF' policy")

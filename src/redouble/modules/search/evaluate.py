"""Which documents a query finds, and what scorers need to know of each.

Each node of the tree becomes a `Plan`.  It gives the set of its documents, perhaps with some that are gone, and asks of sets no more than
it must: ranges, phrases and vectors look only at documents that the other conditions let through.  Of a document that was found it makes
a `Record`, node by node, when somebody asks for its score.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from redouble.modules.search.index.index import Index
from redouble.modules.search.index.tags import Tags
from redouble.modules.search.index.terms import Postings
from redouble.modules.search.patterns import fuzzy, wildcard
from redouble.modules.search.query import tree
from redouble.modules.search.text.tokens import tag_text
from redouble.types.geohash import Point

__all__ = ["Limits", "Matches", "Plan", "Record", "evaluate"]

Ids: TypeAlias = "Set[int]"
EMPTY: Final[Ids] = frozenset()


@dataclass(frozen=True)
class Limits:
    """What FT.CONFIG limits."""

    shortest_prefix: int = 2
    most_terms: int = 200
    """For which a prefix, or another pattern, stands."""


class Record:
    """A node in a document that it was found in."""

    __slots__ = ("bm25_idf", "children", "frequency", "idf", "positions", "takes_most", "term", "weight")

    def __init__(
        self,
        weight: float,
        frequency: int,
        *,
        term: bytes | None = None,
        idf: float = 0.0,
        bm25_idf: float = 0.0,
        positions: tuple[int, ...] = (),
        children: list[Record] | None = None,
        takes_most: bool = False,
    ) -> None:
        self.weight = weight
        self.frequency = frequency
        self.term = term
        """None: it is no term."""
        self.idf = idf
        self.bm25_idf = bm25_idf
        self.positions = positions
        self.children = children
        """None: it is no combination of others."""
        self.takes_most = takes_most
        """Whether it is a union, of which DISMAX takes the best."""

    @property
    def has_positions(self) -> bool:
        """Whether somebody may ask how near it is to others: terms with positions, and what is made of any terms."""
        if self.children is None:
            return bool(self.positions)
        return any(child.term is not None or child.has_positions for child in self.children)

    def places(self) -> Iterable[int]:
        """Where its terms stand, in order."""
        if self.children is None:
            return self.positions
        return heapq.merge(*(child.places() for child in self.children))


@dataclass
class Matches:
    """What a query has found."""

    ids: list[int]
    """The numbers of the documents, in ascending order."""
    distances: dict[bytes, dict[int, float]] = field(default_factory=dict)
    """Of vectors, by the name that the query gives them and by document."""
    plan: Plan | None = None
    """Where scorers get the records of the documents from."""


def evaluate(node: tree.Node, index: Index, limits: Limits | None = None) -> Matches:
    """The documents of an index that a query stands for."""
    maker = Planner(index, limits or Limits())
    made = maker.plan(node)
    ids = made.find()
    alive = index.documents.ids
    found = list(alive) if ids is alive else sorted(ids & alive)
    return Matches(found, maker.distances, made)


class Plan:
    """A node of a query; this one finds nothing."""

    weight = 1.0

    def count(self) -> int:
        """About how many documents it finds: the order in which intersections look at their parts."""
        return 0

    def find(self) -> Ids:
        """The documents, perhaps with some that are gone."""
        return EMPTY

    def among(self, ids: Ids) -> Ids:
        """Those of these documents that it finds; less work than `find` if they are few."""
        return self.find() & ids

    def record(self, id: int) -> Record | None:
        """What there is to be known of a document; None if it does not find it."""
        return None


class All(Plan):
    """Every document."""

    def __init__(self, index: Index, weight: float) -> None:
        self.index = index
        self.weight = weight

    def count(self) -> int:
        return len(self.index.documents)

    def find(self) -> Ids:
        return self.index.documents.ids

    def among(self, ids: Ids) -> Ids:
        return ids

    def record(self, id: int) -> Record | None:
        return Record(self.weight, 1)


class OfTerm(Plan):
    """The documents with a term in some of the fields."""

    def __init__(self, index: Index, term: bytes, postings: Postings, mask: int, weight: float) -> None:
        self.term = term
        self.postings = postings
        self.mask = mask
        self.weight = weight
        self.is_partial = bool(postings.fields & ~mask)
        self.idf, self.bm25_idf = inverse_frequencies(index, postings.count)
        self._found: Ids | None = None

    def count(self) -> int:
        return self.postings.count

    def find(self) -> Ids:
        if not self.is_partial:
            return self.postings.entries.keys()
        if self._found is None:
            mask = self.mask
            self._found = {id for id, entry in self.postings.entries.items() if entry.fields & mask}
        return self._found

    def record(self, id: int) -> Record | None:
        entry = self.postings.entries.get(id)
        if entry is None or not entry.fields & self.mask:
            return None
        return Record(
            self.weight,
            entry.frequency,
            term=self.term,
            idf=self.idf,
            bm25_idf=self.bm25_idf,
            positions=entry.positions,
        )


class OfTag(Plan):
    """The documents with a tag."""

    def __init__(self, index: Index, tag: bytes, ids: dict[int, None], weight: float) -> None:
        self.tag = tag
        self.ids = ids
        self.weight = weight
        self.idf, self.bm25_idf = inverse_frequencies(index, len(ids))

    def count(self) -> int:
        return len(self.ids)

    def find(self) -> Ids:
        return self.ids.keys()

    def record(self, id: int) -> Record | None:
        if id not in self.ids:
            return None
        return Record(self.weight, 1, term=self.tag, idf=self.idf, bm25_idf=self.bm25_idf)


def inverse_frequencies(index: Index, count: int) -> tuple[float, float]:
    """How much a term that so many documents have tells: for TFIDF and BM25, and for BM25STD."""
    documents = len(index.documents)
    idf = float(math.frexp(1.0 + (documents + 1) / (count or 1))[1] - 1)  # logb
    return idf, math.log(1.0 + max(documents - count + 0.5, -count) / (count + 0.5)) if count else 0.0


class Given(Plan):
    """Certain documents: of INKEYS, or without a field."""

    def __init__(self, ids: Ids, weight: float, frequency: int) -> None:
        self.ids = ids
        self.weight = weight
        self.frequency = frequency

    def count(self) -> int:
        return len(self.ids)

    def find(self) -> Ids:
        return self.ids

    def record(self, id: int) -> Record | None:
        return Record(self.weight, self.frequency) if id in self.ids else None


class Lazily(Plan):
    """Documents that are found when they are asked for."""

    def __init__(
        self,
        weight: float,
        count: Callable[[], int],
        search: Callable[[], Iterable[int]],
        holds: Callable[[int], bool] | None = None,
    ) -> None:
        self.weight = weight
        self._count = count
        self._search = search
        self._holds = holds
        self._found: Ids | None = None

    def count(self) -> int:
        return self._count()

    def find(self) -> Ids:
        if self._found is None:
            self._found = set(self._search())
        return self._found

    def among(self, ids: Ids) -> Ids:
        if self._found is None and self._holds is not None and len(ids) * 4 < self._count():
            return set(filter(self._holds, ids))
        return self.find() & ids

    def record(self, id: int) -> Record | None:
        holds = id in self._found if self._found is not None or self._holds is None else self._holds(id)
        return Record(self.weight, 1) if holds else None


class AnyOf(Plan):
    """What one of several finds; `quick`: the first one that does counts alone."""

    def __init__(self, parts: list[Plan], weight: float, *, quick: bool = False) -> None:
        self.parts = parts
        self.weight = weight
        self.quick = quick
        self._found: Ids | None = None

    def count(self) -> int:
        return sum(part.count() for part in self.parts)

    def find(self) -> Ids:
        if self._found is None:
            found = [part.find() for part in self.parts]
            self._found = found[0] if len(found) == 1 else set().union(*found)
        return self._found

    def among(self, ids: Ids) -> Ids:
        if self._found is not None:
            return self._found & ids
        found: set[int] = set()
        for part in self.parts:
            found |= part.among(ids)
        return found

    def record(self, id: int) -> Record | None:
        children = []
        for part in self.parts:
            record = part.record(id)
            if record is not None:
                children.append(record)
                if self.quick:
                    break
        if not children:
            return None
        return Record(self.weight, sum(child.frequency for child in children), children=children, takes_most=True)


class Both(Plan):
    """What all of several find, near each other if there is a slop."""

    def __init__(self, parts: list[Plan], weight: float, slop: int | None, in_order: bool) -> None:
        if not in_order:
            parts = sorted(parts, key=lambda part: part.count())
        self.parts = parts
        self.weight = weight
        self.slop = slop
        self.in_order = in_order
        self._found: Ids | None = None

    def count(self) -> int:
        return min(part.count() for part in self.parts)

    def find(self) -> Ids:
        if self._found is None:
            first, *others = sorted(self.parts, key=lambda part: part.count())
            self._found = self._near(self._together(first.find(), others))
        return self._found

    def among(self, ids: Ids) -> Ids:
        if self._found is not None:
            return self._found & ids
        return self._near(self._together(ids, self.parts))

    @staticmethod
    def _together(ids: Ids, parts: list[Plan]) -> Ids:
        for part in parts:
            if not ids:
                break
            ids = part.among(ids)
        return ids

    def _near(self, ids: Ids) -> Ids:
        if self.slop is None and not self.in_order:
            return ids
        return {id for id in ids if self._is_near(id)}

    def _is_near(self, id: int) -> bool:
        places = []
        for part in self.parts:
            record = part.record(id)
            if record is not None and record.has_positions:
                places.append(list(record.places()))
        if len(places) < 2:
            return True
        slop = math.inf if self.slop is None else self.slop
        return within_in_order(places, slop) if self.in_order else within(places, slop)

    def record(self, id: int) -> Record | None:
        children = []
        for part in self.parts:
            record = part.record(id)
            if record is None:
                return None
            children.append(record)
        return Record(self.weight, sum(child.frequency for child in children), children=children)


def within_in_order(places: list[list[int]], slop: float) -> bool:
    """Whether terms follow each other with no more than `slop` others between them; a place for each term, in order."""
    for first in places[0]:
        last, span = first, 0
        for following in places[1:]:
            place = next((place for place in following if place >= last), None)
            if place is None:
                return False
            span += place - last - 1
            if span > slop:
                break
            last = place
        if span <= slop:
            return True
    return False


def within(places: list[list[int]], slop: float) -> bool:
    """Whether terms stand together with no more than `slop` others among them, in any order."""
    iterators = [iter(one) for one in places]
    now = [next(iterator, None) for iterator in iterators]
    if None in now:
        return False
    current = [place for place in now if place is not None]
    greatest = max(current)
    while True:
        least = min(current)
        if least != greatest and greatest - least - (len(current) - 1) <= slop:
            return True
        at = current.index(least)
        following = next(iterators[at], None)
        if following is None:
            return False
        current[at] = following
        greatest = max(greatest, following)


class Without(Plan):
    """What another does not find."""

    def __init__(self, index: Index, part: Plan, weight: float) -> None:
        self.index = index
        self.part = part
        self.weight = weight
        self._found: Ids | None = None

    def count(self) -> int:
        return self.index.documents.last_id

    def find(self) -> Ids:
        if self._found is None:
            self._found = self.index.documents.ids - self.part.find()
        return self._found

    def among(self, ids: Ids) -> Ids:
        return ids - self.part.among(ids)

    def record(self, id: int) -> Record | None:
        return Record(self.weight, 0)


class Perhaps(Plan):
    """All documents; what another finds counts for the score."""

    def __init__(self, index: Index, part: Plan) -> None:
        self.index = index
        self.part = part

    def count(self) -> int:
        return self.index.documents.last_id

    def find(self) -> Ids:
        return self.index.documents.ids

    def among(self, ids: Ids) -> Ids:
        return ids

    def record(self, id: int) -> Record | None:
        return self.part.record(id) or Record(0.0, 1)


class Measured(Plan):
    """The documents near a vector, with their distances."""

    def __init__(self, distances: dict[int, float]) -> None:
        self.distances = distances

    def count(self) -> int:
        return len(self.distances)

    def find(self) -> Ids:
        return self.distances.keys()

    def record(self, id: int) -> Record | None:
        return Record(1.0, 0) if id in self.distances else None


NONE: Final = Plan()


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
        return self._terms(node, self.index.terms.beginning_with(node.text))

    def _suffix(self, node: tree.Suffix) -> Plan:
        if len(node.text) < self.limits.shortest_prefix:
            return NONE
        return self._terms(node, (term for term in self.index.terms.ordered() if term.endswith(node.text)))

    def _infix(self, node: tree.Infix) -> Plan:
        if len(node.text) < self.limits.shortest_prefix:
            return NONE
        return self._terms(node, (term for term in self.index.terms.ordered() if node.text in term))

    def _wildcard(self, node: tree.Wildcard) -> Plan:
        matches = wildcard(node.pattern)
        return self._terms(node, filter(matches, self.index.terms.ordered()))

    def _fuzzy(self, node: tree.Fuzzy) -> Plan:
        matches = fuzzy(node.text, node.distance)
        return self._terms(node, filter(matches, self.index.terms.ordered()))

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
        if NONE in parts:
            return NONE
        if len(parts) == 1:
            return parts[0]
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
        return Perhaps(self.index, self.plan(node.child))

    # Other fields.

    def _numeric(self, node: tree.Numeric) -> Plan:
        numbers = self.index.numbers.get(node.field.name)
        if numbers is None:
            return NONE
        bounds = node.low, node.high, node.includes_low, node.includes_high
        return Lazily(
            node.attributes.weight,
            lambda: numbers.count_between(*bounds),
            lambda: numbers.between(*bounds),
            lambda id: numbers.holds(id, *bounds),
        )

    def _georadius(self, node: tree.GeoRadius) -> Plan:
        points = self.index.points.get(node.field.name)
        if points is None:
            return NONE
        centre = Point(node.longitude, node.latitude)
        return Lazily(
            node.attributes.weight,
            lambda: points.records,
            lambda: points.within(centre, node.radius, node.unit.lower()),
        )

    def _geoshape(self, node: tree.GeoShape) -> Plan:
        return NONE

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
        return AnyOf(parts, weight, quick=True) if parts else NONE

    def _vector(self, node: tree.Vector) -> Plan:
        vectors = self.index.vectors.get(node.field.name)
        if vectors is None:
            return NONE
        ids: Ids | None = None
        if node.child is not None and not isinstance(node.child, tree.Everything):
            ids = self.plan(node.child).find() & self.index.documents.ids
        if node.k is None:
            distances = vectors.within(node.blob, node.radius)
        else:
            distances = vectors.nearest(node.blob, node.k, ids)
        name = node.score_as or node.attributes.yield_distance_as
        if name:
            self.distances[name] = distances
        return Measured(distances)



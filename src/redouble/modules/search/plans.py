"""The nodes of a query as sets of documents.

A `Plan` gives the set of its documents, perhaps with some that are gone, and asks of sets no more than it must: ranges, phrases and
vectors look only at documents that the other conditions let through.  Of a document that was found it makes a `Record`, when somebody
asks for its score.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence, Set
from typing import ClassVar, Final, TypeAlias

from redouble.modules.search import walking
from redouble.modules.search.index.index import Index
from redouble.modules.search.index.numbers import Interval, Numbers, Range
from redouble.modules.search.index.points import Points
from redouble.modules.search.index.terms import Postings
from redouble.modules.search.index.vectors import single
from redouble.types.geohash import Circle, decode

__all__ = [
    "NONE",
    "All",
    "AnyOf",
    "Both",
    "Given",
    "Ids",
    "InCircle",
    "InRange",
    "Measured",
    "OfTag",
    "OfTerm",
    "Perhaps",
    "Plan",
    "Record",
    "Virtual",
    "Without",
]

Ids: TypeAlias = "Set[int]"
EMPTY: Final[Ids] = frozenset()


class Record:
    """A node in a document that it was found in; this one is no combination of others and no term."""

    __slots__ = ("frequency", "weight")

    children: ClassVar[list[Record] | None] = None
    """None: it is no combination of others."""
    takes_most: ClassVar[bool] = False
    """Whether it is a union, of which DISMAX takes the best."""
    is_measured: ClassVar[bool] = False
    """Whether it is a vector and what was found beside it."""
    is_virtual: ClassVar[bool] = False
    """Whether nothing of the document has to do with it."""
    has_positions: ClassVar[bool] = False
    """Whether somebody may ask how near it is to others: terms with positions, and combinations, whether those have some or not."""
    term: ClassVar[bytes | None] = None
    """None: it is no term."""
    idf: ClassVar[float] = 1.0
    bm25_idf: ClassVar[float] = 0.0

    def __init__(self, weight: float, frequency: int) -> None:
        self.weight = weight
        self.frequency = frequency

    def places(self) -> Sequence[int]:
        """Where its terms stand, in order."""
        return ()


class Virtual(Record):
    """What a document has because it lacks something, or because any document would do."""

    __slots__ = ()

    is_virtual = True


IN_RANGE: Final = Record(1.0, 1)
"""Of whatever a range holds."""


class OneTerm(Record):
    """A term, or a tag, whose positions nobody knows."""

    __slots__ = ("bm25_idf", "has_positions", "idf", "positions", "term")

    bm25_idf: float  # type: ignore[misc]
    has_positions: bool  # type: ignore[misc]
    idf: float  # type: ignore[misc]
    term: bytes  # type: ignore[misc]

    def __init__(self, plan: OfTerm | OfTag, frequency: int, positions: tuple[int, ...] = ()) -> None:
        self.weight = plan.weight
        self.frequency = frequency
        self.term = plan.term
        self.idf = plan.idf
        self.bm25_idf = plan.bm25_idf
        self.positions = positions
        self.has_positions = bool(positions)

    def places(self) -> Sequence[int]:
        return self.positions


class Several(Record):
    """A combination of others."""

    __slots__ = ("children", "is_measured", "takes_most")

    children: list[Record]  # type: ignore[misc]
    is_measured: bool  # type: ignore[misc]
    takes_most: bool  # type: ignore[misc]

    def __init__(
        self, weight: float, children: list[Record], *, takes_most: bool = False, is_measured: bool = False
    ) -> None:
        self.weight = weight
        self.frequency = sum([child.frequency for child in children])
        self.children = children
        self.takes_most = takes_most
        self.is_measured = is_measured

    @property
    def has_positions(self) -> bool:  # type: ignore[override]
        return not all(child.is_virtual for child in self.children)

    def places(self) -> Sequence[int]:
        if len(self.children) == 1:
            return self.children[0].places()
        return list(heapq.merge(*[child.places() for child in self.children]))


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

    def common(self) -> Record | None:
        """The record of each document that it finds, if it is the same for all; None: it may not be."""
        return None

    def parts_met(self) -> list[Plan]:
        """The plans in it of which the records are made."""
        return []

    def has_union(self) -> bool:
        """Whether a part of it may be met in some of its parts only: see `walking.py`."""
        return any(part.has_union() for part in self.parts_met())

    def is_met_in_parts(self) -> bool:
        """Whether records depend on how documents are come by."""
        return any(part.is_met_in_parts() for part in self.parts_met())


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
        return Virtual(self.weight, 1)

    def common(self) -> Record | None:
        return Virtual(self.weight, 1)


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
        return OneTerm(self, entry.frequency, entry.positions)


class OfTag(Plan):
    """The documents with a tag."""

    def __init__(self, index: Index, tag: bytes, ids: dict[int, None], weight: float) -> None:
        self.term = tag
        self.ids = ids
        self.weight = weight
        self.idf, self.bm25_idf = inverse_frequencies(index, len(ids), wraps=True)

    def count(self) -> int:
        return len(self.ids)

    def find(self) -> Ids:
        return self.ids.keys()

    def record(self, id: int) -> Record | None:
        return self.common() if id in self.ids else None

    def common(self) -> Record | None:
        return OneTerm(self, 1)


def inverse_frequencies(index: Index, count: int, *, wraps: bool = False) -> tuple[float, float]:
    """How much a term that so many documents have tells: for TFIDF and BM25, and for BM25STD.

    Documents that are gone count, so that there may be more with the term than there are at all; `wraps`: the difference is then a very
    large number, as it is for tags.
    """
    documents = len(index.documents)
    idf = float(math.frexp(1.0 + (documents + 1) / (count or 1))[1] - 1)  # logb
    without = documents - count
    if without < 0:
        without = without + (1 << 64) if wraps else 0
    return idf, math.log(single(1.0 + single((without + 0.5) / (count + 0.5))))


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
        return self.common() if id in self.ids else None

    def common(self) -> Record | None:
        return Virtual(self.weight, self.frequency)


class InRange(Plan):
    """The documents with a number in an interval, of those in one range."""

    def __init__(self, numbers: Numbers, range: Range, interval: Interval) -> None:
        self.numbers = numbers
        self.range = range
        self.interval = interval
        self._found: Ids | None = None

    def count(self) -> int:
        return len(self.range)

    def find(self) -> Ids:
        if self._found is None:
            self._found = set(self.range.find(self.interval))
        return self._found

    def among(self, ids: Ids) -> Ids:
        if self._found is None and len(ids) * 4 < len(self.range):
            return {id for id in ids if self._holds(id)}
        return self.find() & ids

    def _holds(self, id: int) -> bool:
        """Whether a document has such a number; one of another range has, too, but then the range does not matter."""
        return self.numbers.holds(id, self.interval)

    def record(self, id: int) -> Record | None:
        return Record(1.0, 1) if id in self.find() else None

    def common(self) -> Record | None:
        return IN_RANGE


class InCircle(Plan):
    """The documents with a place in a circle, of those in one range."""

    def __init__(self, points: Points, range: Range, cell: Interval, circle: Circle) -> None:
        self.points = points
        self.range = range
        self.cell = cell
        self.circle = circle
        self._found: Ids | None = None

    def count(self) -> int:
        return len(self.range)

    def find(self) -> Ids:
        if self._found is None:
            measure = self.circle.measure
            self._found = {
                id
                for id, place in zip(self.range.ids, self.range.values)
                if self.cell.has(place) and measure(decode(place)) is not None
            }
        return self._found

    def record(self, id: int) -> Record | None:
        return Record(1.0, 1) if id in self.find() else None

    def common(self) -> Record | None:
        return IN_RANGE


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
        return self.record_of(children) if children else None

    def common(self) -> Record | None:
        if not self.quick:
            return None
        first, *others = (part.common() for part in self.parts)
        if first is None or any(other is not first for other in others):
            return None
        return self.record_of([first])

    def record_of(self, children: list[Record]) -> Record:
        return Several(self.weight, children, takes_most=True)

    def parts_met(self) -> list[Plan]:
        return self.parts

    def has_union(self) -> bool:
        return (not self.quick and len(self.parts) > 1) or Plan.has_union(self)


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
            if self.is_bound and self.has_union():
                self._found = self._walked()
            else:
                first, *others = sorted(self.parts, key=lambda part: part.count())
                self._found = self._near(self._together(first.find(), others))
        return self._found

    @property
    def is_bound(self) -> bool:
        """Whether its parts must be near each other."""
        return self.slop is not None or self.in_order

    def _walked(self) -> Ids:
        one = walking.walker(self)
        found = set()
        while one.read():
            found.add(one.id)
        return found

    def among(self, ids: Ids) -> Ids:
        if self._found is not None or (self.is_bound and self.has_union()):
            return self.find() & ids
        return self._near(self._together(ids, self.parts))

    @staticmethod
    def _together(ids: Ids, parts: list[Plan]) -> Ids:
        for part in parts:
            if not ids:
                break
            ids = part.among(ids)
        return ids

    def _near(self, ids: Ids) -> Ids:
        if not self.is_bound:
            return ids
        return {id for id in ids if self.is_near([part.record(id) for part in self.parts])}

    def is_near(self, records: Iterable[Record | None]) -> bool:
        """Whether the parts of a document are near each other."""
        places = [record.places() for record in records if record is not None and record.has_positions]
        if not places:
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
        return self.record_of(children) if not self.is_bound or self.is_near(children) else None

    def common(self) -> Record | None:
        if self.is_bound:
            return None
        children = []
        for part in self.parts:
            record = part.common()
            if record is None:
                return None
            children.append(record)
        return self.record_of(children)

    def record_of(self, children: list[Record]) -> Record:
        return Several(self.weight, children)

    def parts_met(self) -> list[Plan]:
        return self.parts

    def is_met_in_parts(self) -> bool:
        return self.has_union() or Plan.is_met_in_parts(self)


def within_in_order(places: Sequence[Sequence[int]], slop: float) -> bool:
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


def within(places: Sequence[Sequence[int]], slop: float) -> bool:
    """Whether terms stand together with no more than `slop` others among them, in any order; one alone never does, and where one has
    no places (tags) they always do."""
    if not all(places):
        return any(places)
    iterators = [iter(one) for one in places]
    now = [next(iterator) for iterator in iterators]
    greatest = max(now)
    while True:
        least = min(now)
        if least != greatest and greatest - least - (len(now) - 1) <= slop:
            return True
        at = now.index(least)
        following = next(iterators[at], None)
        if following is None:
            return False
        now[at] = following
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
        return Virtual(self.weight, 0) if self.part.record(id) is None else None

    def common(self) -> Record | None:
        return Virtual(self.weight, 0)


class Perhaps(Plan):
    """All documents; what another finds counts for the score."""

    def __init__(self, index: Index, part: Plan, weight: float) -> None:
        self.index = index
        self.part = part
        self.weight = weight

    def count(self) -> int:
        return self.index.documents.last_id

    def find(self) -> Ids:
        return self.index.documents.ids

    def among(self, ids: Ids) -> Ids:
        return ids

    def record(self, id: int) -> Record | None:
        return self.record_of(self.part.record(id))

    def record_of(self, record: Record | None) -> Record:
        """Of a document that the other one has, or has not."""
        if record is None:
            return Virtual(0.0, 1)
        record.weight = self.weight
        return record

    def parts_met(self) -> list[Plan]:
        return [self.part]


class Measured(Plan):
    """The documents near a vector, with their distances, of those that another plan finds."""

    def __init__(self, distances: dict[int, float], part: Plan | None) -> None:
        self.distances = distances
        self.part = part

    def count(self) -> int:
        return len(self.distances)

    def find(self) -> Ids:
        return self.distances.keys()

    def record(self, id: int) -> Record | None:
        if id not in self.distances:
            return None
        record = None if self.part is None else self.part.record(id)
        if record is None:
            return Record(1.0, 0)
        return Several(1.0, [Record(1.0, 0), record], is_measured=True)


NONE: Final = Plan()

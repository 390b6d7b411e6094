"""Plans as the real module goes through them: document by document, from one plan to the next.

It shows in one place.  An intersection leads its parts to a document; where a union has none there, it goes on to its next one and holds
only the first of its terms that has that.  If the others arrive at this document too, the score, and the nearness of its parts, know
nothing of the union's other terms.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum

from redouble.modules.search import plans

__all__ = ["Walker", "walker"]


class Found(Enum):
    """What a search for a document comes to."""

    HERE = "here"
    BEHIND = "behind"
    """The next document has a higher number."""
    NOWHERE = "nowhere"
    """No document has."""


class Walker:
    """A place in the documents of a plan, in ascending order; this one looks at sets."""

    def __init__(self, plan: plans.Plan) -> None:
        self.plan = plan
        self.id = 0
        """The document; 0: none yet."""
        self._ids = sorted(plan.find())
        self._next = 0

    def read(self) -> bool:
        """Go to the next document; False if there is none."""
        if self._next >= len(self._ids):
            return False
        self.id = self._ids[self._next]
        self._next += 1
        return True

    def skip(self, id: int) -> Found:
        """Go to a document, or to the next one behind it."""
        self._next = bisect_left(self._ids, id, self._next)
        if not self.read():
            return Found.NOWHERE
        return Found.HERE if self.id == id else Found.BEHIND

    def record(self) -> plans.Record:
        """What there is to be known of the document."""
        record = self.plan.record(self.id)
        assert record is not None
        return record


class Union(Walker):
    """Of `AnyOf`."""

    def __init__(self, plan: plans.AnyOf) -> None:
        self.union = plan
        self.id = 0
        self.parts = [walker(part) for part in plan.parts]
        self._met: list[Walker] = []

    def read(self) -> bool:
        """All terms of the document are met."""
        left = []
        for part in self.parts:
            if part.id > self.id or part.read():
                left.append(part)
        self.parts = left
        if not left:
            return False
        self.id = min(part.id for part in left)
        self._met = [part for part in left if part.id == self.id]
        return True

    def skip(self, id: int) -> Found:
        i = 0
        here: list[Walker] = []
        least: Walker | None = None
        while i < len(self.parts):
            part = self.parts[i]
            if part.id < id and part.skip(id) is Found.NOWHERE:
                self.parts[i] = self.parts[-1]
                self.parts.pop()
                continue
            if part.id == id:
                here.append(part)
            if least is None or part.id < least.id:
                least = part
            i += 1
        if least is None:
            return Found.NOWHERE
        self.id = least.id
        self._met = here or [least]
        return Found.HERE if here else Found.BEHIND

    def record(self) -> plans.Record:
        met = self._met[:1] if self.union.quick else self._met
        return self.union.record_of([part.record() for part in met])


class Intersection(Walker):
    """Of `Both`."""

    def __init__(self, plan: plans.Both) -> None:
        self.both = plan
        self.id = 0
        self.parts = [walker(part) for part in plan.parts]
        self._wanted = 0
        """The document that all must have."""
        self._at = [0] * len(self.parts)
        self._record: plans.Record | None = None

    def read(self) -> bool:
        while True:
            met = 0
            for i, part in enumerate(self.parts):
                is_here = True
                if self._at[i] != self._wanted or not self._wanted:
                    if i == 0 and self._at[i] >= self._wanted:
                        if not part.read():
                            return False
                    else:
                        found = part.skip(self._wanted)
                        if found is Found.NOWHERE:
                            return False
                        is_here = found is Found.HERE
                    self._at[i] = part.id
                if self._at[i] > self._wanted:
                    self._wanted = self._at[i]
                    break
                if is_here:
                    met += 1
                else:
                    self._wanted += 1
            if met == len(self.parts):
                id = self._wanted
                self._wanted += 1
                if self._holds():
                    self.id = id
                    return True

    def _holds(self) -> bool:
        records = [part.record() for part in self.parts]
        self._record = self.both.record_of(records)
        return not self.both.is_bound or self.both.is_near(records)

    def skip(self, id: int) -> Found:
        met = 0
        for i, part in enumerate(self.parts):
            found = Found.HERE
            if self._at[i] != id:
                found = part.skip(id)
                self._at[i] = part.id
            if found is Found.NOWHERE:
                return found
            if found is Found.HERE:
                self._wanted = id
                met += 1
            elif self._at[i] > self._wanted:
                self._wanted = self._at[i]
                break
        if met == len(self.parts) and self._holds():
            self.id = id
            return Found.HERE
        return Found.BEHIND if self.read() else Found.NOWHERE

    def record(self) -> plans.Record:
        assert self._record is not None
        return self._record


class Option(Walker):
    """Of `Perhaps`."""

    def __init__(self, plan: plans.Perhaps) -> None:
        super().__init__(plan)
        self.perhaps = plan
        self.part = walker(plan.part)
        self._is_over = False

    def read(self) -> bool:
        if not super().read():
            return False
        while self.part.id < self.id and not self._is_over:
            self._is_over = not self.part.read()
        return True

    def skip(self, id: int) -> Found:
        found = super().skip(id)
        if found is not Found.NOWHERE and self.part.id < self.id and not self._is_over:
            self._is_over = self.part.skip(self.id) is Found.NOWHERE
        return found

    def record(self) -> plans.Record:
        return self.perhaps.record_of(self.part.record() if self.part.id == self.id else None)


def walker(plan: plans.Plan) -> Walker:
    """A place before the first document."""
    if isinstance(plan, plans.AnyOf):
        return Union(plan)
    if isinstance(plan, plans.Both):
        return Intersection(plan)
    return Option(plan) if isinstance(plan, plans.Perhaps) else Walker(plan)

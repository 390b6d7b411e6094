"""Sorted sets: a dictionary of scores beside the members in order (`score_order.py`).

A range is asked for in two steps.  `by_index`, `by_score` and `by_lex` turn what ZRANGE was given into positions
[start, stop) in the order; `members`, `pairs` and `delete` take positions.  So LIMIT costs nothing, and a count is a
difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, NamedTuple

from redouble.types.collection import Collection
from redouble.types.limits import DEFAULT_LIMITS, Limits
from redouble.types.score_order import ScoreOrder

__all__ = ["LexRange", "ScoreRange", "SortedSet", "limited"]


class ScoreRange(NamedTuple):
    """`min` and `max` of ZRANGEBYSCORE; open means `(`."""

    min: float
    max: float
    min_open: bool = False
    max_open: bool = False


class LexRange(NamedTuple):
    """`min` and `max` of ZRANGEBYLEX, as they were written: `-`, `+`, `[member` or `(member`."""

    min: bytes
    max: bytes

    def is_valid(self) -> bool:
        return all(bound in (b"-", b"+") or bound[:1] in (b"[", b"(") for bound in self)

    def above_min(self, member: bytes) -> bool:
        bound = self.min
        if bound[:1] == b"[":
            return member >= bound[1:]
        return bound == b"-" or (bound != b"+" and member > bound[1:])

    def below_max(self, member: bytes) -> bool:
        bound = self.max
        if bound[:1] == b"[":
            return member <= bound[1:]
        return bound == b"+" or (bound != b"-" and member < bound[1:])

    def is_empty(self) -> bool:
        """Nothing can be in it (zslIsInLexRange)."""
        if self.min == b"+" or self.max == b"-":
            return True
        if self.min == b"-" or self.max == b"+":
            return False
        low, high = self.min[1:], self.max[1:]
        return low > high or (low == high and (self.min[:1] == b"(" or self.max[:1] == b"("))


class SortedSet(Collection[float]):
    """Members with scores.  A score is never NaN; -0 and the infinities are scores like others.

    `score` is O(1), `add`, `remove`, `rank` and finding a range are O(log n), what a range yields is O(its length)."""

    __slots__ = ("_by_score", "_small")

    type_name: ClassVar[bytes] = b"zset"

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._by_score = ScoreOrder()
        self._small = True

    @property
    def small(self) -> bool:
        return self._small

    def encoding(self) -> bytes:
        return self.limits.small if self._small else b"skiplist"

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._by_score.members(0, len(self)))

    def score(self, member: bytes) -> float | None:
        return self._members.get(member)

    def scores(self) -> dict[bytes, float]:
        """Every member's score, for ZUNIONSTORE and its kin; in no promised order."""
        return self._members

    def rank(self, member: bytes, reverse: bool = False) -> int | None:
        """ZRANK, ZREVRANK."""
        score = self._members.get(member)
        if score is None:
            return None
        rank = self._by_score.rank(score, member)
        return len(self) - 1 - rank if reverse else rank

    # ---- ranges

    def by_index(self, start: int, stop: int, reverse: bool = False) -> tuple[int, int]:
        """Redis's inclusive range, negative indexes counting from the end; `reverse` counts from the highest score."""
        length = len(self)
        if start < 0:
            start = max(start + length, 0)
        if stop < 0:
            stop += length
        stop = min(stop + 1, length)
        if start >= stop:
            return 0, 0
        return (length - stop, length - start) if reverse else (start, stop)

    def by_score(self, range: ScoreRange) -> tuple[int, int]:
        start = self._by_score.below(range.min, range.min_open)
        return start, max(start, self._by_score.below(range.max, not range.max_open))

    def by_lex(self, range: LexRange, reverse: bool = False) -> tuple[int, int]:
        """Meant for members of one score.  Otherwise a small set answers as a real one, which walks (from the end, if
        `reverse`) to the first member within one bound and on to the first beyond the other."""
        if range.is_empty() or not len(self):
            return 0, 0
        if self._small:
            return self._walk(range, reverse)
        order = self._by_score
        start = 0 if range.min == b"-" else order.before_member(range.min[1:], range.min[:1] == b"(")
        stop = len(self) if range.max == b"+" else order.before_member(range.max[1:], range.max[:1] == b"[")
        return start, max(start, stop)

    def members(self, start: int, stop: int, reverse: bool = False) -> list[bytes]:
        found = self._by_score.members(start, stop)
        if reverse:
            found.reverse()
        return found

    def pairs(self, start: int, stop: int, reverse: bool = False) -> list[tuple[bytes, float]]:
        found = self._by_score.pairs(start, stop)
        if reverse:
            found.reverse()
        return found

    # ---- changing

    def expect(self, count: int, longest: int = 0) -> None:
        """ZADD is about to bring that many pairs, different or not: since 7.2 that alone can end the small encoding, and
        in Valkey the length of the longest member too, even if it is not added."""
        limits = self.limits
        if self._small and (
            (limits.arguments_count and count > limits.zset_max_listpack_entries)
            or longest > limits.zset_max_listpack_value
        ):
            self._small = False

    def become_skiplist(self) -> None:
        """SORT works on no other encoding; and what will be large begins as one."""
        self._small = False

    def add(self, member: bytes, score: float) -> bool:
        """ZADD of one pair: whether the member is new."""
        members = self._members
        old = members.get(member)
        if old is None:
            if self._small:
                limits = self.limits
                if len(members) >= limits.zset_max_listpack_entries or len(member) > limits.zset_max_listpack_value:
                    self._small = False
            if self._order is not None:
                self._order.add(member)
        elif old == score:
            return False  # -0 does not replace 0
        else:
            self._by_score.remove(old, member)
        if score == 0.0 and self._small and self.limits.small == b"listpack":
            score = 0.0  # a listpack has an integer there, and that has no -0
        members[member] = score
        self._by_score.add(score, member)
        return old is None

    def remove(self, member: bytes) -> bool:
        """ZREM: whether the member was there."""
        score = self._members.pop(member, None)
        if score is None:
            return False
        self._by_score.remove(score, member)
        if self._order is not None:
            self._order.remove(member)
        return True

    def delete(self, start: int, stop: int) -> int:
        """ZREMRANGEBY...: the members at positions [start, stop) go; how many those are."""
        doomed = self._by_score.members(start, stop)
        self._by_score.delete(start, stop)
        for member in doomed:
            del self._members[member]
        if self._order is not None:
            for member in doomed:
                self._order.remove(member)
        return len(doomed)

    def pop(self, count: int, reverse: bool = False) -> list[tuple[bytes, float]]:
        """ZPOPMIN, ZPOPMAX if `reverse`: at most `count` pairs, the lowest (the highest) first."""
        start, stop = self.by_index(0, count - 1, reverse) if count else (0, 0)
        popped = self.pairs(start, stop, reverse)
        self.delete(start, stop)
        return popped

    def copy(self) -> SortedSet:
        """COPY.  O(n), in C."""
        twin = SortedSet(self.limits)
        twin._members = self._members.copy()
        twin._by_score = self._by_score.copy()
        twin._small = self._small
        return twin

    @classmethod
    def loaded(cls, scores: Mapping[bytes, float], limits: Limits = DEFAULT_LIMITS) -> SortedSet:
        """The sorted set that ZUNIONSTORE, ZRANGESTORE and their kin make.  O(n log n)."""
        made = cls(limits)
        made._small = (
            len(scores) <= limits.zset_max_listpack_entries
            and max(map(len, scores), default=0) <= limits.zset_max_listpack_value
        )
        if made._small and limits.small == b"listpack":
            scores = {member: score or 0.0 for member, score in scores.items()}
        made._fill(scores)
        return made

    @classmethod
    def small_loaded(cls, scores: Mapping[bytes, float], limits: Limits = DEFAULT_LIMITS) -> SortedSet:
        """A sorted set that comes as a listpack or a ziplist (RESTORE), and stays one unless it has too many members; a
        -0 in it is one."""
        made = cls(limits)
        made._small = len(scores) <= limits.zset_max_listpack_entries
        made._fill(scores)
        return made

    def _fill(self, scores: Mapping[bytes, float]) -> None:
        self._members = dict(scores)
        self._by_score = ScoreOrder.of(sorted(scores.items(), key=lambda pair: (pair[1], pair[0])))

    def check(self) -> None:
        super().check()
        self._by_score.check()
        pairs = self._by_score.pairs(0, len(self))
        assert len(pairs) == len(self._members)
        assert dict(pairs) == self._members
        assert all(score == score for score in self._members.values())

    def _walk(self, range: LexRange, reverse: bool) -> tuple[int, int]:
        members = self._by_score.members(0, len(self))
        if not range.above_min(members[-1]) or not range.below_max(members[0]):
            return 0, 0
        enters, stays = range.above_min, range.below_max
        if reverse:
            members.reverse()
            enters, stays = stays, enters
        start = next((i for i, member in enumerate(members) if enters(member)), len(members))
        stop = start
        while stop < len(members) and stays(members[stop]):
            stop += 1
        return (len(members) - stop, len(members) - start) if reverse else (start, stop)


def limited(start: int, stop: int, offset: int, count: int, reverse: bool = False) -> tuple[int, int]:
    """LIMIT offset count applied to a range of positions; a negative count means all, a negative offset nothing."""
    if offset < 0 or offset >= stop - start:
        return 0, 0
    length = stop - start - offset
    if count >= 0:
        length = min(length, count)
    if reverse:
        return stop - offset - length, stop - offset
    return start + offset, start + offset + length

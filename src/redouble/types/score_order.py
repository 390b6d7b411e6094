"""Members in order of score, then of bytes: the ordered half of a sorted set.

The order is cut into blocks of at most 2048 members.  A block is an `array('d')` of scores and a list of the members
beside it, so that a search runs in C.  Lists of the blocks' last scores and members say which block to search, and a
Fenwick tree over the blocks' lengths turns a place in a block into a rank and back.  A small sorted set is a single
block.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

__all__ = ["ScoreOrder"]

_MOST = 2048
_LEAST = 256


class ScoreOrder:
    """Positions count from 0, ranges are half open.  Everything is O(log n), and a block's memmove, plus the result."""

    __slots__ = ("_last_members", "_last_scores", "_length", "_members", "_scores", "_tree")

    def __init__(self) -> None:
        self._scores: list[array[float]] = []
        self._members: list[list[bytes]] = []
        self._last_scores: list[float] = []
        self._last_members: list[bytes] = []
        self._tree: list[int] = [0]  # Fenwick, counting from 1
        self._length = 0

    @classmethod
    def of(cls, pairs: list[tuple[bytes, float]]) -> ScoreOrder:
        """From pairs that are in order.  O(n)."""
        made = cls()
        step = _MOST // 2
        for start in range(0, len(pairs), step):
            chunk = pairs[start : start + step]
            made._members.append([member for member, _ in chunk])
            made._scores.append(array("d", [score for _, score in chunk]))
        made._reindex()
        return made

    def copy(self) -> ScoreOrder:
        twin = ScoreOrder()
        twin._scores = [scores[:] for scores in self._scores]
        twin._members = [members[:] for members in self._members]
        twin._last_scores = self._last_scores[:]
        twin._last_members = self._last_members[:]
        twin._tree = self._tree[:]
        twin._length = self._length
        return twin

    def __len__(self) -> int:
        return self._length

    # ---- where

    def rank(self, score: float, member: bytes) -> int:
        """The position of a pair: how many are before it."""
        block, place = self._find(score, member)
        return self._before(block) + place

    def below(self, score: float, inclusive: bool) -> int:
        """How many have a lower score (or the same, if inclusive)."""
        bisect = bisect_right if inclusive else bisect_left
        block = bisect(self._last_scores, score)
        if block == len(self._scores):
            return self._length
        return self._before(block) + bisect(self._scores[block], score)

    def before_member(self, member: bytes, inclusive: bool) -> int:
        """How many members are lower (or the same, if inclusive), provided that all scores are the same."""
        bisect = bisect_right if inclusive else bisect_left
        block = bisect(self._last_members, member)
        if block == len(self._members):
            return self._length
        return self._before(block) + bisect(self._members[block], member)

    # ---- what

    def members(self, start: int, stop: int) -> list[bytes]:
        found: list[bytes] = []
        for block, first, last in self._spans(start, stop):
            found += self._members[block][first:last]
        return found

    def pairs(self, start: int, stop: int) -> list[tuple[bytes, float]]:
        found: list[tuple[bytes, float]] = []
        for block, first, last in self._spans(start, stop):
            found += zip(self._members[block][first:last], self._scores[block][first:last], strict=True)
        return found

    # ---- changes

    def add(self, score: float, member: bytes) -> None:
        """The pair is new."""
        self._length += 1
        if not self._scores:
            self._scores.append(array("d", (score,)))
            self._members.append([member])
            self._reindex()
            return
        block, place = self._find(score, member)
        scores, members = self._scores[block], self._members[block]
        scores.insert(place, score)
        members.insert(place, member)
        if len(members) > _MOST:
            self._split(block)
            return
        if place == len(members) - 1:
            self._last_scores[block] = score
            self._last_members[block] = member
        self._count(block, 1)

    def remove(self, score: float, member: bytes) -> None:
        """The pair was there."""
        self._length -= 1
        block, place = self._find(score, member)
        scores, members = self._scores[block], self._members[block]
        del scores[place], members[place]
        if len(members) < _LEAST and self._merge(block):
            return
        if place == len(members):
            self._last_scores[block] = scores[-1]
            self._last_members[block] = members[-1]
        self._count(block, -1)

    def delete(self, start: int, stop: int) -> None:
        """The pairs at positions [start, stop) go.  O(blocks), and the memmoves at both ends."""
        spans = list(self._spans(start, stop))
        for block, first, last in reversed(spans):
            if last - first == len(self._members[block]):
                del self._scores[block], self._members[block]
            else:
                del self._scores[block][first:last], self._members[block][first:last]
        if not spans:
            return
        block, first, last = spans[0]
        if len(spans) == 1 and len(self._members) == len(self._last_members):
            self._length -= last - first
            if len(self._members[block]) >= _LEAST or not self._merge(block):
                self._last_scores[block] = self._scores[block][-1]
                self._last_members[block] = self._members[block][-1]
                self._count(block, first - last)
            return
        self._reindex()
        for left in (block + 1, block):  # what is left of the blocks at both ends
            if left < len(self._members) and len(self._members[left]) < _LEAST:
                self._merge(left)

    # ---- blocks

    def _find(self, score: float, member: bytes) -> tuple[int, int]:
        """Block and place of the pair, or where it belongs: in the last block if it comes behind all others."""
        block = 0
        if len(self._scores) > 1:
            last_scores = self._last_scores
            block = bisect_left(last_scores, score)
            if block < len(last_scores) and last_scores[block] == score:
                block = bisect_left(self._last_members, member, block, bisect_right(last_scores, score, block))
            if block == len(last_scores):
                block -= 1
        scores = self._scores[block]
        place = bisect_left(scores, score)
        if place < len(scores) and scores[place] == score:
            place = bisect_left(self._members[block], member, place, bisect_right(scores, score, place))
        return block, place

    def _spans(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The blocks of [start, stop), each with the places in it."""
        if start >= stop:
            return
        block, place = 0, start
        if len(self._members) > 1:
            block, place = self._at(start)
        rest = stop - start
        while rest > 0 and block < len(self._members):
            last = min(len(self._members[block]), place + rest)
            yield block, place, last
            rest -= last - place
            block += 1
            place = 0

    def _at(self, position: int) -> tuple[int, int]:
        """Block and place of a position: the Fenwick tree, walked down."""
        tree = self._tree
        block = 0
        step = 1 << (len(tree).bit_length() - 1)
        while step:
            further = block + step
            if further < len(tree) and tree[further] <= position:
                block = further
                position -= tree[further]
            step >>= 1
        return block, position

    def _before(self, block: int) -> int:
        """How many are in the blocks before this one."""
        tree = self._tree
        total = 0
        while block:
            total += tree[block]
            block &= block - 1
        return total

    def _count(self, block: int, change: int) -> None:
        tree = self._tree
        block += 1
        while block < len(tree):
            tree[block] += change
            block += block & -block

    def _split(self, block: int) -> None:
        scores, members = self._scores[block], self._members[block]
        half = len(members) // 2
        self._scores.insert(block + 1, scores[half:])
        self._members.insert(block + 1, members[half:])
        del scores[half:], members[half:]
        self._reindex()

    def _merge(self, block: int) -> bool:
        """A block has become short: join it with a neighbour if the two are not too long; drop it if it is empty."""
        if not self._members[block]:
            del self._scores[block], self._members[block]
            self._reindex()
            return True
        for left in (block - 1, block):
            if left < 0 or left + 1 == len(self._members):
                continue
            if len(self._members[left]) + len(self._members[left + 1]) <= _MOST // 2:
                self._scores[left] += self._scores.pop(left + 1)
                self._members[left] += self._members.pop(left + 1)
                self._reindex()
                return True
        return False

    def _reindex(self) -> None:
        """Blocks came or went: O(blocks)."""
        self._last_scores = [scores[-1] for scores in self._scores]
        self._last_members = [members[-1] for members in self._members]
        tree = [0, *map(len, self._members)]
        self._length = sum(tree)
        for i in range(1, len(tree)):
            above = i + (i & -i)
            if above < len(tree):
                tree[above] += tree[i]
        self._tree = tree

    def check(self) -> None:
        assert len(self._scores) == len(self._members) == len(self._last_scores) == len(self._last_members)
        assert len(self._tree) == len(self._members) + 1
        before = 0
        everything: list[tuple[float, bytes]] = []
        for block, (scores, members) in enumerate(zip(self._scores, self._members, strict=True)):
            assert 0 < len(scores) == len(members) <= _MOST
            assert self._last_scores[block] == scores[-1]
            assert self._last_members[block] == members[-1]
            assert self._before(block) == before
            before += len(members)
            everything += zip(scores, members, strict=True)
        assert before == self._length
        assert everything == sorted(everything)
        assert len(everything) == len(set(everything))

"""Lists: two Python lists back to back.

`_front` holds the first elements in reverse, `_back` the others, so both ends grow by `append`.  When one of them is
empty, elements are taken from the far end of the other by moving an offset over them; what lies before the offset is
dead and is cut off once it is more than half.  Pushing and popping are amortised O(1), an index is O(1), a slice costs
two slices in C, an insertion in the middle one memmove.

What `OBJECT ENCODING` says since Redis 7.2 depends on sizes in bytes and on how the nodes of a quicklist happened to
fill up, so a list keeps count of both; up to 7.0 every list is a quicklist, and nothing is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from redouble.types.limits import DEFAULT_LIMITS, Limits
from redouble.types.listpack_size import LISTPACK_OVERHEAD, entry_size, listpack_size
from redouble.types.quicklist import Node, Quicklist, exceeds, node_limits

__all__ = ["List"]


class List:
    """A list value.  Indexes are Redis's: negative ones count from the end."""

    __slots__ = ("_back", "_back_start", "_front", "_front_start", "_quicklist", "_size", "_tracked", "limits")

    type_name: ClassVar[bytes] = b"list"

    def __init__(self, limits: Limits = DEFAULT_LIMITS, values: Iterable[bytes] = ()) -> None:
        self.limits = limits
        self._front: list[bytes] = []
        self._back: list[bytes] = []
        self._front_start = 0  # live: _front[_front_start:], reversed
        self._back_start = 0  # live: _back[_back_start:]
        self._tracked = limits.small_lists_are_listpacks
        self._size = LISTPACK_OVERHEAD  # of the listpack, while it is one
        self._quicklist: Quicklist | None = None
        values = list(values)
        if values:
            self.rpush(values)

    # ---- looking

    def __len__(self) -> int:
        return len(self._front) - self._front_start + len(self._back) - self._back_start

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.slice(0, -1))

    def index(self, index: int) -> bytes | None:
        """LINDEX, O(1)."""
        in_front = len(self._front) - self._front_start
        if index < 0:
            index += in_front + len(self._back) - self._back_start
            if index < 0:
                return None
        if index < in_front:
            return self._front[-1 - index]
        index += self._back_start - in_front
        return self._back[index] if index < len(self._back) else None

    def slice(self, start: int, stop: int) -> list[bytes]:
        """LRANGE: both ends are included.  O(length of the result)."""
        start, stop = self._bounds(start, stop)
        if start >= stop:
            return []
        front, offset = self._front, self._back_start - (len(self._front) - self._front_start)
        in_front = len(front) - self._front_start
        if start >= in_front:
            return self._back[start + offset : stop + offset]
        last = len(front)
        found = front[last - min(stop, in_front) : last - start]
        found.reverse()
        if stop > in_front:
            found += self._back[self._back_start : stop + offset]
        return found

    def positions(self, value: bytes, rank: int = 1, count: int = 0, maxlen: int = 0) -> list[int]:
        """LPOS: where `value` is.  From the rank-th match on (a negative rank searches from the tail), at most `count`
        of them and after at most `maxlen` comparisons (0: all).  O(elements compared)."""
        found = []
        skip = abs(rank) - 1
        for position in self._find(value, rank > 0, maxlen):
            if skip:
                skip -= 1
                continue
            found.append(position)
            if len(found) == count:
                break
        return found

    def encoding(self) -> bytes:
        return b"quicklist" if self._quicklist is not None or not self._tracked else b"listpack"

    @property
    def nodes(self) -> int:
        """Nodes of the quicklist that a real server would have (DEBUG OBJECT's ql_nodes); 0 where none are counted."""
        return 0 if self._quicklist is None else len(self._quicklist.nodes)

    # ---- changing

    def rpush(self, values: Sequence[bytes]) -> int:
        """RPUSH; the new length.  O(1) for each value."""
        if self._quicklist is not None:
            for value in values:
                self._quicklist.push(value, left=False)
        elif self._tracked:
            self._grow(values, left=False)
        if self._back_start == len(self._back):
            self._back_start = 0
            self._back[:] = values
        else:
            self._back += values
        return len(self._front) - self._front_start + len(self._back) - self._back_start

    def lpush(self, values: Sequence[bytes]) -> int:
        """LPUSH: the last of the values becomes the head; the new length.  O(1) for each value."""
        if self._quicklist is not None:
            for value in values:
                self._quicklist.push(value, left=True)
        elif self._tracked:
            self._grow(values, left=True)
        if self._front_start == len(self._front):
            self._front_start = 0
            self._front[:] = values
        else:
            self._front += values
        return len(self._front) - self._front_start + len(self._back) - self._back_start

    def lpop(self) -> bytes:
        """LPOP, amortised O(1).  The list must not be empty."""
        value = self._take(left=True)
        if self._quicklist is not None:
            self._shrink()
        return value

    def rpop(self) -> bytes:
        """RPOP, amortised O(1).  The list must not be empty."""
        value = self._take(left=False)
        if self._quicklist is not None:
            self._shrink()
        return value

    def lpop_many(self, count: int) -> list[bytes]:
        """LPOP with a count: the first elements, at most that many."""
        found = self.slice(0, count - 1) if count else []
        self._delete_range(0, len(found))
        return found

    def rpop_many(self, count: int) -> list[bytes]:
        """RPOP with a count: the last elements, the tail first."""
        found = self.slice(-count, -1) if count else []
        self._delete_range(len(self) - len(found), len(found))
        found.reverse()
        return found

    def move(self, from_left: bool, to_left: bool) -> bytes:
        """LMOVE within one list.  Not the same as a pop and a push: the encoding is looked at once, at the end."""
        value = self._take(from_left)
        if to_left:
            self.lpush((value,))
        else:
            self.rpush((value,))
        self._shrink()
        return value

    def set(self, index: int, value: bytes) -> bool:
        """LSET: False where there is no such element.  O(1) (a quicklist counts nodes: O(nodes))."""
        if self._tracked:
            self._make_room((value,))  # in range or not: lsetCommand converts first
        length = len(self)
        if index < 0:
            index += length
        if not 0 <= index < length:
            return False
        in_front = len(self._front) - self._front_start
        store, at = (self._front, -1 - index) if index < in_front else (self._back, self._back_start + index - in_front)
        if self._tracked:
            if self._quicklist is None:
                self._size += entry_size(value) - entry_size(store[at])
            else:
                self._quicklist.replace(index, store[at], value, self._size_of)
        store[at] = value
        self._shrink()
        return True

    def insert(self, pivot: bytes, value: bytes, after: bool) -> bool:
        """LINSERT: False where there is no pivot.  O(position of the pivot), and a memmove."""
        if self._tracked:
            self._make_room((value,))  # pivot or not: linsertCommand converts first
        position = next(self._find(pivot), -1)
        if position < 0:
            return False
        if self._tracked:
            if self._quicklist is None:
                self._size += entry_size(value)
            else:
                self._quicklist.insert(position, value, after, self._size_of)
        position += after
        in_front = len(self._front) - self._front_start
        if position < in_front:
            self._front.insert(len(self._front) - position, value)
        else:
            self._back.insert(self._back_start + position - in_front, value)
        return True

    def remove(self, count: int, value: bytes) -> int:
        """LREM: how many went.  The first `count` if positive, the last ones if negative, all if 0.  O(n)."""
        doomed = self.positions(value, -1 if count < 0 else 1, abs(count))
        if not doomed:
            return 0
        if count >= 0:
            doomed.reverse()  # from the end, so that the positions before stay what they are
        if self._tracked:
            if self._quicklist is None:
                self._size -= entry_size(value) * len(doomed)
            else:
                self._quicklist.remove(doomed[::-1], value)
        if len(doomed) <= 8:
            in_front = len(self._front) - self._front_start
            for position in doomed:
                if position < in_front:
                    del self._front[len(self._front) - 1 - position]
                    in_front -= 1
                else:
                    del self._back[self._back_start + position - in_front]
        else:
            gone = frozenset(doomed)
            self._back = [kept for position, kept in enumerate(self) if position not in gone]
            self._front = []
            self._front_start = self._back_start = 0
        self._shrink()
        return len(doomed)

    def trim(self, start: int, stop: int) -> int:
        """LTRIM: how many went.  O(elements removed)."""
        length = len(self)
        start, stop = self._bounds(start, stop)
        if start >= stop:
            start = stop = length
        self._delete_range(stop, length - stop)
        self._delete_range(0, start)
        self._shrink()  # even if nothing went
        return length - len(self)

    def copy(self) -> List:
        """COPY.  O(n), in C."""
        twin = List(self.limits)
        twin._front = self._front[self._front_start :]
        twin._back = self._back[self._back_start :]
        twin._tracked = self._tracked
        twin._size = self._size
        twin._quicklist = self._quicklist and self._quicklist.copy()
        return twin

    @classmethod
    def loaded(cls, values: Sequence[bytes], limits: Limits = DEFAULT_LIMITS) -> List:
        """A list made in one go (SORT STORE, RESTORE): filled as a quicklist, a listpack if that fits."""
        made = cls(limits)
        if made._tracked and values:
            made._quicklist = Quicklist(limits.list_max_listpack_size)
        made.rpush(values)
        if made._tracked:
            made._convert_to_listpack(1)
        return made

    @classmethod
    def of_nodes(cls, nodes: Iterable[tuple[list[bytes], bool]], limits: Limits = DEFAULT_LIMITS) -> List:
        """A list from the nodes of a quicklist, none of them empty, each with whether it is a plain one (RESTORE).
        One that is small enough is not made a listpack here; that is `settle`."""
        made = cls(limits)
        if made._tracked:
            made._quicklist = Quicklist(limits.list_max_listpack_size)
        for values, plain in nodes:
            made._back += values
            if made._quicklist is not None:
                size = len(values[0]) if plain else listpack_size(values)
                made._quicklist.nodes.append(Node(len(values), size, plain))
        return made

    def settle(self) -> None:
        """Become a listpack, if all elements fit into one node."""
        self._convert_to_listpack(1)

    def node_sizes(self, large_are_plain: bool) -> list[tuple[int, bool]]:
        """How many elements each node of the real quicklist has, and whether it is a plain one (DUMP): because it came so
        (RESTORE), or where `large_are_plain` as it is too large.  Where nodes are not counted they are those of a list
        that was filled from its head to its tail."""
        quicklist = self._quicklist
        if quicklist is None:
            if self._tracked:
                return [(len(self), False)]
            quicklist = Quicklist(self.limits.list_max_listpack_size)
            for value in self:
                quicklist.push(value, left=False)
        return [
            (node.count, node.plain and (large_are_plain or not quicklist.is_large(node.size)))
            for node in quicklist.nodes
        ]

    def check(self) -> None:
        assert 0 <= self._front_start <= len(self._front)
        assert 0 <= self._back_start <= len(self._back)
        values = list(self)
        assert len(values) == len(self)
        assert all(type(value) is bytes for value in values)
        if self._quicklist is not None:
            self._quicklist.check([entry_size(value) for value in values])
        elif self._tracked:
            assert self._size == listpack_size(values)

    # ---- the two halves

    def _bounds(self, start: int, stop: int) -> tuple[int, int]:
        """Redis's inclusive range as a Python one; start >= stop if it is empty."""
        length = len(self)
        if start < 0:
            start = max(start + length, 0)
        if stop < 0:
            stop += length
        return start, min(stop + 1, length)

    def _find(self, value: bytes, forward: bool = True, most: int = 0) -> Iterator[int]:
        """Positions of `value`, looking at `most` elements (0: all)."""
        length = len(self)
        most = min(most, length) if most else length
        in_front = length - len(self._back) + self._back_start
        if not forward:
            stop = length - most
            for position in range(length - 1, max(stop, in_front) - 1, -1):
                if self._back[self._back_start + position - in_front] == value:
                    yield position
            for position in range(in_front - 1, stop - 1, -1):
                if self._front[-1 - position] == value:
                    yield position
            return
        for position in range(min(in_front, most)):
            if self._front[-1 - position] == value:
                yield position
        offset = self._back_start - in_front
        position = in_front
        while position < most:
            try:
                position = self._back.index(value, position + offset, most + offset) - offset
            except ValueError:
                return
            yield position
            position += 1

    def _take(self, left: bool) -> bytes:
        """One element from an end, which the nodes forget; the encoding is left alone."""
        if left:
            near, far, start = self._front, self._back, self._front_start
        else:
            near, far, start = self._back, self._front, self._back_start
        if start < len(near):
            value = near.pop()
        else:
            start = self._back_start if left else self._front_start
            value = far[start]
            far[start] = b""
            self._advance(left, 1)
        if self._tracked:
            if self._quicklist is None:
                self._size -= entry_size(value)
            else:
                self._quicklist.pop(value, left)
        return value

    def _advance(self, in_back: bool, count: int) -> None:
        """`count` more elements at the beginning of a half are dead; cut them off when they outnumber the living."""
        if in_back:
            self._back_start += count
            if self._back_start > 32 and self._back_start * 2 > len(self._back):
                del self._back[: self._back_start]
                self._back_start = 0
        else:
            self._front_start += count
            if self._front_start > 32 and self._front_start * 2 > len(self._front):
                del self._front[: self._front_start]
                self._front_start = 0

    def _delete_range(self, start: int, count: int) -> None:
        """A prefix or a suffix goes."""
        if not count:
            return
        if self._tracked:
            self._forget(start, count)
        in_front = len(self._front) - self._front_start
        if start:
            behind = len(self._back) - self._back_start
            from_back = min(count, behind)
            del self._back[len(self._back) - from_back :]
            self._kill(False, count - from_back)
        else:
            from_front = min(count, in_front)
            del self._front[len(self._front) - from_front :]
            self._kill(True, count - from_front)
        self._shrink()

    def _kill(self, in_back: bool, count: int) -> None:
        half, start = (self._back, self._back_start) if in_back else (self._front, self._front_start)
        half[start : start + count] = [b""] * count
        self._advance(in_back, count)

    # ---- sizes and nodes, since 7.2 (t_list.c: listTypeTryConversionRaw)

    def _size_of(self, start: int, stop: int) -> int:
        return sum(map(entry_size, self.slice(start, stop - 1)))

    def _make_room(self, values: Sequence[bytes]) -> None:
        """Become a quicklist if the listpack would get too large.  Redis adds up lengths here, not entry sizes."""
        if self._quicklist is None:
            fill = self.limits.list_max_listpack_size
            length = len(self)
            if exceeds(fill, self._size + sum(map(len, values)), length + len(values)):
                self._quicklist = Quicklist(fill)
                if length:
                    self._quicklist.adopt(length, self._size)

    def _grow(self, values: Sequence[bytes], left: bool) -> None:
        """Values are pushed to a listpack, which may then be none any more."""
        self._make_room(values)
        if self._quicklist is None:
            for value in values:
                self._size += entry_size(value)
        else:
            for value in values:
                self._quicklist.push(value, left)

    def _forget(self, start: int, count: int) -> None:
        if self._quicklist is None:
            self._size -= self._size_of(start, start + count)
        else:
            self._quicklist.delete(start, count, len(self), self._size_of)

    def _shrink(self) -> None:
        if self._quicklist is not None and len(self._quicklist.nodes) == 1:
            self._convert_to_listpack(2)

    def _convert_to_listpack(self, divisor: int) -> None:
        """A quicklist of one node that is below the limit, or half of it, becomes a listpack."""
        quicklist = self._quicklist
        if quicklist is None or len(quicklist.nodes) != 1:
            return
        node = quicklist.nodes[0]
        size, count = node_limits(self.limits.list_max_listpack_size)
        if not node.plain and node.size <= size // divisor and node.count <= count // divisor:
            self._size = node.size
            self._quicklist = None

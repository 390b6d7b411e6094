"""How a real server would cut a long list into nodes: counts and sizes only, the elements live in `list.py`.

It matters in one place: since Redis 7.2 a list that shrinks becomes a listpack again once *one* node is left and that
is at most half full, and where the nodes begin and end depends on the list's whole history.  So the nodes are kept
here as quicklist.c would have them.  Where a size is needed, `size_of(i, j)` tells what the elements [i, j) take in a
listpack; it is asked before the list itself changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from redouble.types.listpack_size import LISTPACK_OVERHEAD, entry_size

__all__ = ["Node", "Quicklist", "exceeds", "node_limits"]

_SIZES = (4096, 8192, 16384, 32768, 65536)
_UNLIMITED = 1 << 62
ESTIMATED_OVERHEAD = 8
"""Bytes of an entry besides its value, as quicklist.c has it when it looks for room."""


def node_limits(fill: int) -> tuple[int, int]:
    """The most bytes and the most entries of a node, for a list-max-listpack-size."""
    if fill >= 0:
        return _UNLIMITED, max(fill, 1)
    return _SIZES[min(-fill, 5) - 1], _UNLIMITED


def exceeds(fill: int, size: int, count: int) -> bool:
    """Whether a node of that size and count is too large.  A limit in entries implies one of 8 kb."""
    if fill >= 0:
        return size > 8192 or count > max(fill, 1)
    return size > _SIZES[min(-fill, 5) - 1]


class Node:
    """`plain` nodes hold one element too large for a listpack; their size is the element's own."""

    __slots__ = ("count", "plain", "size")

    def __init__(self, count: int, size: int, plain: bool = False) -> None:
        self.count = count
        self.size = size
        self.plain = plain

    def __repr__(self) -> str:
        return f"Node({self.count}, {self.size}{', plain' * self.plain})"


class Quicklist:
    """The nodes of one list.  Ends cost O(1), a position in the middle O(nodes)."""

    __slots__ = ("fill", "most_bytes", "most_entries", "nodes")

    def __init__(self, fill: int) -> None:
        self.fill = fill
        self.most_bytes, self.most_entries = (8192, max(fill, 1)) if fill >= 0 else node_limits(fill)
        self.nodes: deque[Node] = deque()

    def copy(self) -> Quicklist:
        twin = Quicklist(self.fill)
        twin.nodes.extend(Node(node.count, node.size, node.plain) for node in self.nodes)
        return twin

    def adopt(self, count: int, size: int) -> None:
        """A whole listpack becomes the only node, however large it is."""
        self.nodes.append(Node(count, size))

    def push(self, value: bytes, left: bool) -> None:
        nodes = self.nodes
        if nodes:
            node = nodes[0] if left else nodes[-1]
            if self._has_room(node, len(value)):
                node.count += 1
                node.size += entry_size(value)
                return
        node = self._new(value)
        if left:
            nodes.appendleft(node)
        else:
            nodes.append(node)

    def pop(self, value: bytes, left: bool) -> None:
        """The element at that end, `value`, goes."""
        nodes = self.nodes
        node = nodes[0] if left else nodes[-1]
        if node.count == 1:
            if left:
                nodes.popleft()
            else:
                nodes.pop()
        else:
            node.count -= 1
            node.size -= entry_size(value)

    def remove(self, positions: list[int], value: bytes) -> None:
        """The elements at these ascending positions go, each of them `value`.  O(nodes + positions)."""
        size = entry_size(value)
        kept: deque[Node] = deque()
        end = i = 0
        for node in self.nodes:
            end += node.count
            first = i
            while i < len(positions) and positions[i] < end:
                i += 1
            if i - first < node.count:
                node.count -= i - first
                node.size -= size * (i - first)
                kept.append(node)
        self.nodes = kept

    def delete(self, start: int, count: int, length: int, size_of: Callable[[int, int], int]) -> None:
        """Elements [start, start + count) go."""
        if not count:
            return
        i, offset = self._locate(start) if start == 0 else self._locate_from_end(start - length)
        while count:
            node = self.nodes[i]
            here = min(node.count - offset, count)
            if here == node.count:
                del self.nodes[i]
            else:
                node.count -= here
                node.size -= size_of(start, start + here)
                i += 1
            start += here
            count -= here
            offset = 0

    def insert(self, position: int, value: bytes, after: bool, size_of: Callable[[int, int], int]) -> None:
        """`value` comes before or after the element at `position`."""
        i, offset = self._locate(position)
        nodes = self.nodes
        node = nodes[i]
        at_edge = offset == (node.count - 1 if after else 0)
        if self.is_large(len(value)):
            if not node.plain and not at_edge:
                self._split(i, offset, after, position, size_of)
                nodes.insert(i + 1, self._new(value))
            else:
                nodes.insert(i + after, self._new(value))
            return
        if not self._has_room(node, len(value)):
            if not at_edge:
                self._split(i, offset, after, position, size_of)
                node = nodes[i + after]
                node.count += 1
                node.size += entry_size(value)
                self._merge_around(i + 1 - after)  # from the node that kept the pivot
                return
            beside = i + 1 if after else i - 1
            if not (0 <= beside < len(nodes) and self._has_room(nodes[beside], len(value))):
                nodes.insert(i + after, self._new(value))
                return
            node = nodes[beside]
        node.count += 1
        node.size += entry_size(value)

    def replace(self, position: int, old: bytes, value: bytes, size_of: Callable[[int, int], int]) -> None:
        """The element at `position`, `old`, becomes `value`.  O(1) if it takes the same space."""
        if entry_size(old) == entry_size(value) and not self.is_large(max(len(old), len(value))):
            return
        i, offset = self._locate(position)
        nodes = self.nodes
        node = nodes[i]
        large = self.is_large(len(value))
        if node.plain:
            if large:
                node.size = len(value)
            else:
                self.insert(position, value, True, size_of)
                del nodes[i]
        elif not large:
            node.size += entry_size(value) - entry_size(old)
        else:
            if offset != node.count - 1:
                self._split(i, offset, True, position, size_of)
            nodes.insert(i + 1, self._new(value))
            if node.count == 1:
                del nodes[i]
            else:
                node.count -= 1
                node.size -= entry_size(old)
                self._merge_around(i + 1)

    def is_large(self, length: int) -> bool:
        return length > self.most_bytes

    def _new(self, value: bytes) -> Node:
        if self.is_large(len(value)):
            return Node(1, len(value), plain=True)
        return Node(1, LISTPACK_OVERHEAD + entry_size(value))

    def _has_room(self, node: Node, length: int) -> bool:
        return not (
            node.plain or node.size + length + ESTIMATED_OVERHEAD > self.most_bytes or node.count >= self.most_entries
        )

    def _locate(self, position: int) -> tuple[int, int]:
        """The node that holds the element at `position`, and the element's place in it."""
        for i, node in enumerate(self.nodes):
            if position < node.count:
                return i, position
            position -= node.count
        raise IndexError(position)

    def _locate_from_end(self, position: int) -> tuple[int, int]:
        """The same for -1, -2 ..."""
        for i in range(len(self.nodes) - 1, -1, -1):
            position += self.nodes[i].count
            if position >= 0:
                return i, position
        raise IndexError(position)

    def _split(self, i: int, offset: int, after: bool, position: int, size_of: Callable[[int, int], int]) -> None:
        """Node i becomes two, cut behind (or before) the element at `offset`, which is the list's at `position`."""
        node = self.nodes[i]
        left = offset + after
        size = size_of(position - offset, position - offset + left)
        right = Node(node.count - left, node.size - size)
        node.count = left
        node.size = size + LISTPACK_OVERHEAD
        self.nodes.insert(i + 1, right)

    def _merge_around(self, center: int) -> None:
        """Merge what fits into one node: the two before, the two behind, then the center with its neighbours."""
        if self._merge(center - 2):
            center -= 1
        self._merge(center + 1)
        if self._merge(center - 1):
            center -= 1
        self._merge(center)

    def _merge(self, i: int) -> bool:
        nodes = self.nodes
        if not 0 <= i < len(nodes) - 1:
            return False
        a, b = nodes[i], nodes[i + 1]
        size = a.size + b.size - LISTPACK_OVERHEAD
        if a.plain or b.plain or exceeds(self.fill, size, a.count + b.count):
            return False
        a.count += b.count
        a.size = size
        del nodes[i + 1]
        return True

    def check(self, sizes: list[int]) -> None:
        """Raise unless the nodes cover elements of these listpack sizes exactly."""
        start = 0
        for node in self.nodes:
            assert node.count > 0
            assert not node.plain or node.count == 1
            if not node.plain:
                assert node.size == LISTPACK_OVERHEAD + sum(sizes[start : start + node.count])
            start += node.count
        assert start == len(sizes)

"""The graph by which the real server finds neighbours: hierarchical navigable small worlds (Malkov, Yashunin 2016).

redouble searches vector sets without it.  But VLINKS shows it and files hold it, so it is made: a node is linked when somebody
looks, not when it is added.  As in the real server links go both ways, and one that is removed leaves no gap: its neighbours
are linked with each other.

Links need not be the best, only good.  So vectors of many numbers are compared by a sketch: for each number one bit, which
tells whether it is above the mean of all (Charikar 2002); the more bits two sketches share, the nearer are the vectors.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from functools import partial
from itertools import combinations
from operator import gt
from random import Random
from typing import Any, Final

from redouble.modules.vectorset.vectors import Binary, Quantisation, Vector

__all__ = ["HIGHEST", "Graph", "Layer", "Node", "random_level"]

HIGHEST: Final = 16
"""Level that a node may reach."""
WIDTH: Final = 64
"""How many candidates are kept while the neighbours of a node are looked for.  The real server looks at 200, or at what the EF
of VADD says; it has the time."""

SKETCHED: Final = 64
"""From so many numbers on vectors are compared by sketches."""


class Layer:
    """The links of a node on one level."""

    __slots__ = ("links", "most", "worst")

    def __init__(self, most: int) -> None:
        self.links: dict[int, float | None] = {}
        """How far each neighbour is, as the graph measures it; None: not measured yet."""
        self.most = most
        self.worst: int | None = None
        """What a file said of the farthest neighbour, as long as it is true: its place, and 32 bits higher its distance."""


class Node:
    """A vector in the graph."""

    __slots__ = ("id", "layers", "level", "place", "vector")

    def __init__(self, id: int, vector: Vector, level: int) -> None:
        self.id = id
        self.vector = vector
        self.place: Any = None
        """What the graph measures; None as long as it has not."""
        self.level = level
        self.layers: list[Layer] = []
        """From the lowest up; none as long as it is not linked."""


def _differing_bits(one: int, other: int) -> float:
    return (one ^ other).bit_count()


def random_level(random: Random) -> int:
    """One node in four is also on the next level."""
    level = 0
    while level < HIGHEST and random.random() < 0.25:
        level += 1
    return level


class Graph:
    """Nodes by their id, with about `m` links each."""

    __slots__ = ("_centre", "_dimension", "_distance", "_is_whole", "_quantisation", "_waiting", "enter", "m", "nodes")

    def __init__(self, m: int, quantisation: Quantisation, dimension: int) -> None:
        self.m = m
        self._quantisation = quantisation
        self._dimension = dimension
        self._centre: list[float] = []
        """The mean of the vectors, if they are compared by sketches; of those that were there at first."""
        self._distance: Callable[[Any, Any], float] = (
            _differing_bits if self._sketches else partial(quantisation.estimate, dimension=dimension)
        )
        self.nodes: dict[int, Node] = {}
        self.enter: Node | None = None
        """Where every search begins: a node of the highest level."""
        self._waiting: dict[int, Node] = {}
        self._is_whole = True

    @property
    def _sketches(self) -> bool:
        return self._dimension >= SKETCHED and self._quantisation.number != Binary.number

    def _place(self, node: Node) -> Any:
        if node.place is None:
            node.place = self._sketch(node.vector) if self._sketches else node.vector
        return node.place

    def _sketch(self, vector: Vector) -> int:
        numbers = self._quantisation.normal(vector)
        if not self._centre:
            vectors = [self._quantisation.normal(node.vector) for node in self.nodes.values()]
            self._centre = [sum(column) / len(vectors) for column in zip(*vectors)]
        return int("".join(map("01".__getitem__, map(gt, numbers, self._centre))), 2)

    def _between(self, one: Node, other: Node) -> float:
        return self._distance(self._place(one), self._place(other))

    def add(self, node: Node) -> None:
        """O(1): it is linked when somebody looks."""
        self.nodes[node.id] = node
        if node.layers:
            if self.enter is None or node.level > self.enter.level:
                self.enter = node
        else:
            self._waiting[node.id] = node
            self._is_whole = False

    def remove(self, node: Node) -> None:
        """O(links**2) if it was linked."""
        self._is_whole = False
        del self.nodes[node.id]
        if self._waiting.pop(node.id, None):
            return
        for level, layer in enumerate(node.layers):
            neighbours = [self.nodes[id] for id in layer.links]
            for neighbour in neighbours:
                self._forget(neighbour.layers[level], node.id)
            self._pair(neighbours, level)
        for id in node.layers[0].links:
            if len(self.nodes[id].layers[0].links) <= self.m // 4:
                self._unlink(self.nodes[id])
        if self.enter is not None and (self.enter is node or not self.enter.layers):
            linked = (each for each in self.nodes.values() if each.layers)
            self.enter = max(linked, key=lambda each: each.level, default=None)

    def _unlink(self, node: Node) -> None:
        """Let a node that hardly anybody would find be linked again."""
        for level, layer in enumerate(node.layers):
            for id in layer.links:
                self._forget(self.nodes[id].layers[level], node.id)
        node.layers = []
        self._waiting[node.id] = node

    def link_all(self) -> None:
        """Link the nodes that were added since, in their order, and see to it that all can be reached."""
        if self._is_whole:
            return
        for node in self._waiting.values():
            self._link(node)
        self._waiting.clear()
        reached: set[int] = set()
        if self.enter is not None:
            self._reach(self.enter, reached)
            for node in self.nodes.values():
                if node.id not in reached:
                    self._join(node, self.enter)
                    self._reach(node, reached)
        self._is_whole = True

    def _reach(self, node: Node, reached: set[int]) -> None:
        """Add what links lead to on the lowest level."""
        reached.add(node.id)
        waiting = [node.id]
        while waiting:
            new = self.nodes[waiting.pop()].layers[0].links.keys() - reached
            reached |= new
            waiting += new

    def _join(self, node: Node, enter: Node) -> None:
        """Link a node that is apart with what can be reached."""
        layer = node.layers[0]
        wanted = len(layer.links) + 1
        layer.most = max(layer.most, wanted)
        self._connect(node, self._nearest(node, enter, WIDTH, 0), 0, wanted, 2)

    def _distance_of(self, node: Node, id: int, level: int) -> float:
        distance = node.layers[level].links[id]
        if distance is None:
            distance = node.layers[level].links[id] = self._between(node, self.nodes[id])
        return distance

    def _link(self, node: Node) -> None:
        node.layers = [Layer(self.m if level else 2 * self.m) for level in range(node.level + 1)]
        if self.enter is None:
            self.enter = node
            return
        start = self.enter
        for level in range(self.enter.level, node.level, -1):
            start = self._nearest(node, start, 1, level)[0][1]
        for level in range(min(self.enter.level, node.level), -1, -1):
            found = self._nearest(node, start, WIDTH, level)
            start = found[0][1]
            self._connect(node, found, level, self.m)
            if level == 0:
                for urgency, wanted in ((1, self.m // 2), (2, self.m // 4)):
                    if len(node.layers[0].links) < wanted:
                        self._connect(node, found, 0, self.m if urgency == 1 else wanted, urgency)
        if node.level > self.enter.level:
            self.enter = node

    def _nearest(self, node: Node, start: Node, width: int, level: int) -> list[tuple[float, Node]]:
        """The nodes of a level nearest to one that are found on the way from `start`, with their distances, nearest first."""
        distance, nodes, place = self._distance, self.nodes, self._place(node)
        first = self._between(node, start)
        candidates = [(first, start.id)]
        best = [(-first, start.id)]
        seen = {start.id}
        while candidates:
            far, id = heapq.heappop(candidates)
            if far > -best[0][0] and len(best) >= width:
                break
            for neighbour in nodes[id].layers[level].links:
                if neighbour in seen:
                    continue
                seen.add(neighbour)
                other = nodes[neighbour]
                far = distance(place, other.place if other.place is not None else self._place(other))
                if len(best) < width:
                    heapq.heappush(best, (-far, neighbour))
                elif far < -best[0][0]:
                    heapq.heapreplace(best, (-far, neighbour))
                else:
                    continue
                heapq.heappush(candidates, (far, neighbour))
        return [(-far, nodes[id]) for far, id in sorted(best, reverse=True)]

    def _connect(
        self, node: Node, candidates: Iterable[tuple[float, Node]], level: int, wanted: int, urgency: int = 0
    ) -> None:
        """Link a node with the nearest candidates until it has the wanted number of links.

        First (`urgency` 0) only with those that are nearer to it than to its other neighbours, and without leaving another node
        with few links; at last by giving others more links than they should have.
        """
        mine = node.layers[level].links
        for distance, other in candidates:
            if len(mine) >= wanted:
                return
            if other is node or other.id in mine:
                continue
            if not urgency and any(self._between(other, self.nodes[id]) < distance for id in mine):
                continue
            theirs = other.layers[level]
            if len(theirs.links) < theirs.most or self._make_room(other, level, distance, urgency):
                mine[other.id] = theirs.links[node.id] = distance
                theirs.worst = None

    def _make_room(self, node: Node, level: int, distance: float, urgency: int) -> bool:
        """Let a node have room for a link of this distance."""
        layer = node.layers[level]
        needs = self.m // 4 if urgency else self.m // 2
        by_distance = sorted(layer.links, key=lambda id: self._distance_of(node, id, level), reverse=True)
        if not urgency and distance >= self._distance_of(node, by_distance[0], level):
            return False
        for id in by_distance if urgency == 2 else by_distance[:1]:
            dropped = self.nodes[id].layers[level]
            if len(dropped.links) > needs:
                self._forget(dropped, node.id)
                self._forget(layer, id)
                return True
        if urgency == 2 and layer.most < (2 if level else 3) * self.m:
            layer.most += 1
            return True
        return False

    def _pair(self, nodes: list[Node], level: int) -> None:
        """Link nodes that have lost a neighbour with each other, the nearest first, each once; of very many only some."""
        pairs = sorted(
            (self._between(one, other), at, behind)
            for (at, one), (behind, other) in combinations(enumerate(nodes[:WIDTH]), 2)
            if other.id not in one.layers[level].links
        )
        done: set[int] = set()
        for distance, *places in pairs:
            one, other = (nodes[place] for place in places)
            if done.isdisjoint(places) and all(
                len(each.layers[level].links) < each.layers[level].most for each in (one, other)
            ):
                done.update(places)
                one.layers[level].links[other.id] = other.layers[level].links[one.id] = distance

    @staticmethod
    def _forget(layer: Layer, id: int) -> None:
        del layer.links[id]
        layer.worst = None

    def check(self) -> None:
        """Raise AssertionError if a link does not go both ways."""
        for node in self.nodes.values():
            assert (not node.layers) == (node.id in self._waiting)
            for level, layer in enumerate(node.layers):
                assert len(layer.links) <= layer.most
                assert node.id not in layer.links
                assert all(node.id in self.nodes[id].layers[level].links for id in layer.links)
        assert (self.enter is None) == (len(self._waiting) == len(self.nodes))

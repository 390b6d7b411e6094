"""The vector set: elements with a vector and perhaps attributes, which are asked for those near to another vector."""

from __future__ import annotations

import functools
import heapq
import importlib
import itertools
import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any, Final

from redouble.modules.vectorset.graph import HIGHEST, Graph, Layer, Node, random_level
from redouble.modules.vectorset.vectors import Arithmetic, Floats, Projection, Quantisation, Vector
from redouble.types.module_value import ModuleValue

__all__ = ["Element", "VectorSet"]

_ids = itertools.count()

WORTH_A_TABLE: Final = 10_000
"""Numbers in all vectors, from which on numpy is asked, where it is installed."""


class Element(Node):
    """A name with a vector, and perhaps attributes."""

    __slots__ = ("attributes", "name")

    def __init__(self, name: bytes, attributes: bytes | None, id: int, vector: Vector, level: int) -> None:
        super().__init__(id, vector, level)
        self.name = name
        self.attributes = attributes


class VectorSet(ModuleValue):
    """Elements by name, all with vectors of one dimension that are kept in one way."""

    __slots__ = (
        "_levels",
        "_names",
        "_table",
        "dimension",
        "elements",
        "graph",
        "id",
        "last_id",
        "projection",
        "quantisation",
        "with_attributes",
    )

    type_name = b"vectorset"

    def __init__(
        self, dimension: int, quantisation: Quantisation, m: int, projection: Projection | None = None
    ) -> None:
        self.id = next(_ids)
        """Another one for each set of this process."""
        self.dimension = dimension
        self.quantisation = quantisation
        self.projection = projection
        self.elements: dict[bytes, Element] = {}
        """In the order in which they, or their vectors, came."""
        self.graph = Graph(m, quantisation, dimension)
        self.last_id = 0
        self.with_attributes = 0
        """How many elements have attributes."""
        self._names: list[bytes] | None = None
        """In their order; None: nobody has asked."""
        self._levels = [0] * (HIGHEST + 1)
        """How many elements reach each level of the graph, and none higher."""
        self._table: Any = None
        """All vectors, for numpy; None: not made."""

    def __len__(self) -> int:
        return len(self.elements)

    def add(self, name: bytes, numbers: Floats, random: Random) -> Element:
        """A new element, or one with another vector and its old attributes.  O(dimension)."""
        old = self.elements.get(name)
        if old is not None:
            self._remove(old)
        self.last_id += 1
        attributes = old.attributes if old is not None else None
        vector = self.quantisation.keep(numbers)
        element = Element(name, attributes, self.last_id, vector, random_level(random))
        self.insert(element)
        return element

    def insert(self, element: Element) -> None:
        """Take in an element whose name is free."""
        self.elements[element.name] = element
        self.graph.add(element)
        self.with_attributes += element.attributes is not None
        self._levels[element.level] += 1
        self._table = None
        if self._names is not None:
            insort(self._names, element.name)

    def remove(self, name: bytes) -> bool:
        """False if there was none."""
        element = self.elements.get(name)
        if element is not None:
            self._remove(element)
        return element is not None

    def _remove(self, element: Element) -> None:
        del self.elements[element.name]
        self.graph.remove(element)
        self.with_attributes -= element.attributes is not None
        self._levels[element.level] -= 1
        self._table = None
        if self._names is not None:
            del self._names[bisect_left(self._names, element.name)]

    def set_attributes(self, element: Element, attributes: bytes | None) -> None:
        self.with_attributes += (attributes is not None) - (element.attributes is not None)
        element.attributes = attributes

    def numbers(self, element: Element) -> Floats:
        """Its vector, as near as it is still known."""
        return self.quantisation.numbers(element.vector, self.dimension)

    def nearest(
        self,
        numbers: Floats,
        count: int,
        arithmetic: type[Arithmetic],
        passes: Callable[[bytes], bool] | None = None,
        oldest_first: bool = False,
    ) -> list[tuple[float, Element]]:
        """The `count` elements nearest to a vector, with their distances, nearest first; of those with the same distance the
        last one that came, or the oldest.  `passes` is asked of the attributes.  O(elements * dimension).

        All are estimated, and those that may be among the nearest are computed.
        """
        kept = self.quantisation.keep(numbers)
        elements = list(self.elements.values())
        if passes is not None:
            elements = [each for each in elements if each.attributes is not None and passes(each.attributes)]
        if len(elements) > count:
            estimates = self._estimates(kept, elements)
            if not any(map(math.isnan, estimates)):
                limit = heapq.nsmallest(count, estimates)[-1] + 2 * self._error
                elements = [element for element, estimated in zip(elements, estimates) if estimated <= limit]
        distance, dimension = self.quantisation.distance, self.dimension
        if not oldest_first:
            elements.reverse()
        found = [(distance(kept, element.vector, dimension, arithmetic), element) for element in elements]
        if any(math.isnan(pair[0]) for pair in found):
            found = _queued(reversed(found))
        else:
            found.sort(key=lambda pair: pair[0])
        return found[:count]

    def _estimates(self, kept: Vector, elements: list[Element]) -> list[float]:
        vectors = [element.vector for element in elements]
        if len(vectors) == len(self.elements) and len(vectors) * self.dimension >= WORTH_A_TABLE:
            if self._table is None and (numpy := _numpy()):
                self._table = self.quantisation.table(numpy, vectors)
            if self._table is not None:
                return self.quantisation.estimates_in(_numpy(), self._table, kept)
        return self.quantisation.estimates(kept, vectors, self.dimension)

    def distance(self, one: Element, other: Element, arithmetic: type[Arithmetic]) -> float:
        """Of two of its elements."""
        return self.quantisation.distance(one.vector, other.vector, self.dimension, arithmetic)

    @property
    def _error(self) -> float:
        """How far an estimate may be from the distance at most: both round each step, to 24 bits the one."""
        return (self.dimension + 8) * 2.0**-23

    @property
    def names(self) -> list[bytes]:
        """In their order; not to be changed."""
        if self._names is None:
            self._names = sorted(self.elements)
        return self._names

    def between(
        self, start: bytes | None, end: bytes | None, start_is_in: bool, end_is_in: bool, count: int
    ) -> list[bytes]:
        """The first `count` names in a range, in their order; None: no bound; a negative count: all."""
        names = self.names
        first = 0 if start is None else (bisect_left if start_is_in else bisect_right)(names, start)
        last = len(names) if end is None else (bisect_right if end_is_in else bisect_left)(names, end)
        return names[first : last if count < 0 else min(last, first + count)]

    def by_id(self, id: int) -> Element:
        element = self.graph.nodes[id]
        assert isinstance(element, Element)
        return element

    @property
    def highest_level(self) -> int:
        return max((level for level, count in enumerate(self._levels) if count), default=0)

    def copy(self) -> VectorSet:
        other = VectorSet(self.dimension, self.quantisation, self.graph.m, self.projection)
        other.id, other.last_id = self.id, self.last_id
        for element in self.elements.values():
            twin = Element(element.name, element.attributes, element.id, element.vector, element.level)
            for layer in element.layers:
                twin.layers.append(Layer(layer.most))
                twin.layers[-1].links = layer.links.copy()
                twin.layers[-1].worst = layer.worst
            other.insert(twin)
        return other

    def memory_usage(self) -> int:
        """As the real server estimates it: a third of the nodes is on a second level."""
        size = 112 + 1672
        if self.projection is not None:
            size += 4 * len(self.projection.matrix)
        count = len(self.elements)
        links = 2 * self.graph.m
        size += (312 + self.quantisation.size(self.dimension) + 8 * links + 16) * count
        size += 24 * count * 4 // 3 + 8 * (links // 2) * count // 3
        some = list(itertools.islice(reversed(self.elements.values()), 20))
        size += sum(_string_size(element.name) for element in some) // len(some) * count
        attributes = [_string_size(each.attributes) for each in some if each.attributes is not None] or [64]
        return size + sum(attributes) // len(attributes) * self.with_attributes

    def digest_parts(self) -> Iterator[list[bytes]]:
        yield [b"%d" % len(self.elements), b"%d" % self.dimension]
        for element in self.elements.values():
            parts = [self.quantisation.data(element.vector, self.dimension), element.name]
            yield parts if element.attributes is None else [*parts, element.attributes]

    def describe(self) -> Iterator[str]:
        projection = f" of {self.projection.source}" if self.projection is not None else ""
        yield f"{len(self.elements)} vectors of {self.dimension}{projection} numbers, {self.quantisation.name.decode()}"
        for element in self.elements.values():
            numbers = [f"{number:.4g}" for number in self.numbers(element)[:8]] + ["..."] * (self.dimension > 8)
            yield f"{element.name!r} ({', '.join(numbers)}) {element.attributes!r}"

    def check(self) -> None:
        assert self.elements
        assert self.with_attributes == sum(each.attributes is not None for each in self.elements.values())
        assert list(self.graph.nodes.values()) == list(self.elements.values())
        assert self._names is None or self._names == sorted(self.elements)
        assert sum(self._levels) == len(self.elements)
        assert all(element.id <= self.last_id for element in self.elements.values())
        self.graph.check()


def _queued(pairs: Iterable[tuple[float, Element]]) -> list[tuple[float, Element]]:
    """In the order of the real server's queue, where a distance that is no number (of a vector with an infinite one) is not sorted:
    each that comes goes before those that are no nearer."""
    queue: list[tuple[float, Element]] = []
    for pair in pairs:
        at = 0
        while at < len(queue) and queue[at][0] < pair[0]:
            at += 1
        queue.insert(at, pair)
    return queue


@functools.cache
def _numpy() -> Any:
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


def _string_size(text: bytes) -> int:
    """What the real server takes for a string: one block, or a longer one beside its header."""
    length = len(text)
    if length <= 44:
        return _block(length + 20)
    return 16 + _block(length + (4 if length < 256 else 6 if length < 65536 else 10))


def _block(size: int) -> int:
    """What jemalloc gives who asks for `size` bytes."""
    spacing = 16 if size <= 128 else 1 << (size - 1).bit_length() - 3
    return -(-size // spacing) * spacing

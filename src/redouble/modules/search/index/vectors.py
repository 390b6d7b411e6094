"""The vectors of a VECTOR field, and which are the nearest: every one is looked at, whatever the algorithm is called.

They stand one behind the other: with numpy in a matrix, without it in a buffer.  Both compute in the precision of the declared type.
"""

from __future__ import annotations

import heapq
import importlib
import math
import struct
import sys
from array import array
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from itertools import chain, repeat
from operator import mul, sub
from typing import Any, Final, TypeAlias

from redouble.modules.search.schema import VectorOptions

numpy: Any
try:
    numpy = importlib.import_module("numpy")
except ImportError:  # it is optional
    numpy = None

__all__ = ["SIZES", "Vectors", "single"]

SIZES: Final = {b"FLOAT32": 4, b"FLOAT64": 8, b"FLOAT16": 2, b"BFLOAT16": 2}
"""The bytes of a number."""
HALVES: Final = (b"FLOAT16", b"BFLOAT16")
"""They are computed with as floats of 32 bits."""

Vector: TypeAlias = "array[float]"
Distances: TypeAlias = "list[tuple[float, int]]"
Numbers: TypeAlias = "tuple[float, ...]"


def numbers_of(blob: bytes, data_type: bytes) -> Vector:
    """The numbers in a blob, little-endian; those of 16 bits as floats of 32."""
    if data_type == b"FLOAT16":
        return array("f", struct.unpack(f"<{len(blob) // 2}e", blob))
    if data_type == b"BFLOAT16":
        made = array("I", (half << 16 for half in struct.unpack(f"<{len(blob) // 2}H", blob)))
        return array("f", made.tobytes())
    made_of = array("d" if data_type == b"FLOAT64" else "f", blob)
    if sys.byteorder == "big":
        made_of.byteswap()
    return made_of


def blob_of(numbers: Sequence[float], data_type: bytes) -> bytes:
    """The blob that a query would say for these numbers."""
    if data_type == b"FLOAT16":
        return struct.pack(f"<{len(numbers)}e", *numbers)
    if data_type == b"BFLOAT16":
        words = struct.unpack(f"<{len(numbers)}I", struct.pack(f"<{len(numbers)}f", *numbers))
        return struct.pack(f"<{len(numbers)}H", *((word + 0x7FFF + (word >> 16 & 1)) >> 16 for word in words))
    return struct.pack(f"<{len(numbers)}{'d' if data_type == b'FLOAT64' else 'f'}", *numbers)


class Vectors:
    """Vectors with the numbers of the documents that have them; a document of JSON may have several."""

    __slots__ = ("_buffer", "_free", "_ids", "_labels", "_matrix", "_row", "_rows", "options")

    def __init__(self, options: VectorOptions) -> None:
        self.options = options
        self._rows: dict[int, list[int]] = {}
        """The places in the matrix of each document, or in the buffer."""
        self._ids: list[int] = []
        """The document at each place; 0: none."""
        self._free: list[int] = []
        self._buffer = bytearray()
        self._row = struct.Struct(f"{options.dimension}{'d' if options.data_type == b'FLOAT64' else 'f'}")
        """A vector in the buffer."""
        self._matrix: Any = None
        self._labels: Any = None
        """`_ids` beside the matrix."""

    def __len__(self) -> int:
        return len(self._ids) - len(self._free)

    @property
    def ids(self) -> Collection[int]:
        """The documents that have a vector."""
        return self._rows.keys()

    @property
    def blob_size(self) -> int:
        return self.options.dimension * SIZES[self.options.data_type]

    def add(self, id: int, blobs: Iterable[bytes]) -> None:
        """A document has these vectors."""
        for blob in blobs:
            place = self._free.pop() if self._free else len(self._ids)
            if place == len(self._ids):
                self._ids.append(0)
            self._ids[place] = id
            self._rows.setdefault(id, []).append(place)
            self._store(place, self._prepared(blob))

    def remove(self, id: int) -> None:
        """A document is gone, which may have had none."""
        for place in self._rows.pop(id, ()):
            self._ids[place] = 0
            self._free.append(place)
            if self._labels is not None:
                self._labels[place] = 0

    def _prepared(self, blob: bytes) -> Vector:
        vector = numbers_of(blob, self.options.data_type)
        if self.options.metric != b"COSINE":
            return vector
        kind = self.options.data_type
        return numbers_of(blob_of(unit(vector), kind), kind) if kind in HALVES else unit(vector)

    def _store(self, place: int, vector: Vector) -> None:
        if numpy is None:
            start = place * self._row.size
            self._buffer[start : start + self._row.size] = vector.tobytes()
            return
        if self._matrix is None or place >= len(self._matrix):
            kind = numpy.float64 if vector.typecode == "d" else numpy.float32
            size = max(16, place * 2)
            grown, labels = numpy.zeros((size, self.options.dimension), kind), numpy.zeros(size, numpy.int64)
            if self._matrix is not None:
                grown[:place], labels[:place] = self._matrix, self._labels
            self._matrix, self._labels = grown, labels
        self._matrix[place] = numpy.frombuffer(vector, dtype=self._matrix.dtype)
        self._labels[place] = self._ids[place]

    def nearest(self, blob: bytes, k: int, among: Container[int] | None = None) -> dict[int, float]:
        """The `k` documents nearest to a vector, with the distances; of `among` only.  O(n) and O(n log k)."""
        best: dict[int, float] = {}
        # A document with several vectors may come several times.
        count = k if len(self) == len(self._rows) else len(self)
        for distance, id in heapq.nsmallest(count, self._distances(blob, among, count=count)):
            if len(best) == k:
                break
            best.setdefault(id, distance)
        return best

    def within(self, blob: bytes, radius: float, among: Container[int] | None = None) -> dict[int, float]:
        """The documents with a vector not farther from another than `radius`, with the distances."""
        found: dict[int, float] = {}
        for distance, id in self._distances(blob, among, radius=radius):
            if distance <= radius and distance < found.get(id, math.inf):
                found[id] = distance
        return found

    def _distances(
        self, blob: bytes, among: Container[int] | None, count: int | None = None, radius: float = math.inf
    ) -> Distances:
        """The distance of each vector, with its document; but perhaps not of those that are not among the first `count`, or beyond `radius`."""
        query = self._prepared(blob)
        if any(map(math.isnan, query)):
            return []
        places: list[int] | None = None
        """None: all."""
        if among is not None:
            if isinstance(among, Collection) and len(among) < len(self._rows):
                rows = self._rows
                places = [*chain.from_iterable(map(rows.__getitem__, rows.keys() & among))]
            else:
                places = [place for place, id in enumerate(self._ids) if id and id in among]
        if numpy is not None:
            return self._by_numpy(query, places, count, radius)
        return self._one_by_one(query, places, count, radius)

    def _one_by_one(self, query: Vector, places: list[int] | None, count: int | None, radius: float) -> Distances:
        """Those that may matter are found by doubles, which is faster, and then looked at in the precision of the type."""
        buffer, row, ids = self._buffer, self._row, self._ids
        exact, rough = _METRICS[self.options.metric]
        if places is None and self._free:
            places = [place for place, id in enumerate(ids) if id]
        if places is None:
            vectors: Iterable[Numbers] = row.iter_unpack(buffer)
            places = list(range(len(ids)))
        else:
            vectors = (row.unpack_from(buffer, place * row.size) for place in places)
        if len(places) > 100:
            about = rough(vectors, tuple(query))
            limit = radius
            if count is not None:
                limit = max(heapq.nsmallest(count, (far for far in about if far == far)), default=0.0)
            limit += 1e-3 * abs(limit) + 1e-3
            places = [place for place, far in zip(places, about) if far <= limit]
        code = query.typecode
        found = [(exact(array(code, row.unpack_from(buffer, place * row.size)), query), ids[place]) for place in places]
        return [pair for pair in found if not math.isnan(pair[0])]

    def _by_numpy(self, query: Vector, places: list[int] | None, count: int | None, radius: float) -> Distances:
        if self._matrix is None:
            return []
        chosen = slice(len(self._ids)) if places is None else places
        rows, ids = self._matrix[chosen], self._labels[chosen]
        target = numpy.frombuffer(query, dtype=rows.dtype)
        if self.options.metric == b"L2":
            difference = rows - target
            distances = numpy.einsum("ij,ij->i", difference, difference)
        else:
            distances = 1 - numpy.einsum("ij,j->i", rows, target)  # in one thread, unlike @
        if places is None and self._free:
            distances[ids == 0] = math.nan
        limit = radius
        if count is not None and count < len(distances):
            last = float(numpy.partition(distances, count - 1)[count - 1])  # what is no number comes last
            limit = math.inf if math.isnan(last) else last
        near = distances <= numpy.float64(limit)
        return list(zip(distances[near].tolist(), ids[near].tolist()))

    def check(self) -> None:
        assert all(self._ids[place] == id for id, places in self._rows.items() for place in places)
        assert sum(map(len, self._rows.values())) == len(self)
        assert self._matrix is None or self._labels[: len(self._ids)].tolist() == self._ids


# Each product is rounded, as the real ones are, and then the sum.  The order in which a processor adds many of them is its own.


def unit(vector: Vector) -> Vector:
    """A vector of the same direction whose length is 1, computed in its precision; one without a direction is no vector at all."""
    code = vector.typecode
    squares = array(code, map(mul, vector, vector))
    if code == "d":
        total = sum(squares)
    else:
        total = 0.0
        for square in squares:
            total = single(total + square)
    norm = array(code, [math.sqrt(total)])[0]
    return array(code, [number / norm if norm else math.nan for number in vector])


_FLOAT: Final = struct.Struct("f")


def single(number: float) -> float:
    """Rounded to 32 bits."""
    rounded: float = _FLOAT.unpack(_FLOAT.pack(number))[0]
    return rounded


def _squared(one: Vector, other: Vector) -> float:
    code = one.typecode
    difference = array(code, map(sub, one, other))
    return array(code, [sum(array(code, map(mul, difference, difference)))])[0]


def _inner(one: Vector, other: Vector) -> float:
    code = one.typecode
    return array(code, [1 - array(code, [sum(array(code, map(mul, one, other)))])[0]])[0]


def _roughly_squared(vectors: Iterable[Numbers], query: Numbers) -> list[float]:
    return [far * far for far in map(math.dist, vectors, repeat(query))]


def _roughly_inner(vectors: Iterable[Numbers], query: Numbers) -> list[float]:
    return [1 - sum(map(mul, vector, query)) for vector in vectors]


def _roughly_between_units(vectors: Iterable[Numbers], query: Numbers) -> list[float]:
    """Half the square of the distance is 1 - the inner product, and found in half the time."""
    return [far * far / 2 for far in map(math.dist, vectors, repeat(query))]


Exact: TypeAlias = Callable[[Vector, Vector], float]
Rough: TypeAlias = "Callable[[Iterable[Numbers], Numbers], list[float]]"
_METRICS: Final[dict[bytes, tuple[Exact, Rough]]] = {
    b"L2": (_squared, _roughly_squared),
    b"IP": (_inner, _roughly_inner),
    b"COSINE": (_inner, _roughly_between_units),
}
"""As exact as the real ones, for one vector; and not, for many."""

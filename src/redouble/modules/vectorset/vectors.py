"""Vectors as vector sets keep them, and the distance of two, in numbers of 32 bits that are rounded as the real server rounds.

A vector is divided by its length and then kept as it is, as one byte for each component or as one bit.  Sums of such numbers
depend on the order of the terms, so the order is part of the format: each step of C's `float` arithmetic is one of an
`array("f")`, which rounds what is put into it (a double holds the exact product, and enough of a sum to round it rightly).
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from operator import add, mul, neg, truediv
from typing import Any, ClassVar, Final, TypeAlias

__all__ = [
    "MOST_DIMENSIONS",
    "QUANTISATIONS",
    "SCALAR",
    "WIDE",
    "Arithmetic",
    "Binary",
    "Floats",
    "Int8",
    "Projection",
    "Quantisation",
    "Unquantised",
    "Vector",
    "read_floats",
    "single",
    "written",
]

Floats: TypeAlias = "array[float]"

MOST_DIMENSIONS: Final = 1 << 16
MOST_PROJECTED: Final = 1 << 23
"""Of the components of a projection; the real server takes 2**32 (16 gigabytes)."""

_dot: Callable[[Iterable[Any], Iterable[Any]], Any] = getattr(
    math, "sumprod", lambda one, other: sum(map(mul, one, other))
)


def single(number: float) -> float:
    """The nearest number of 32 bits."""
    return array("f", (number,))[0]


def _sum(terms: Iterable[float]) -> float:
    """One term after the other."""
    total = array("f", (0.0,))
    for term in terms:
        total[0] += term
    return total[0]


def _rows(terms: Floats, start: int, end: int, step: int) -> Floats:
    """The sums of four terms that follow each other, from every `step`th of them on."""
    sums = terms[start:end:step]
    for offset in (1, 2, 3):
        sums = array("f", map(add, sums, terms[start + offset : end : step]))
    return sums


def read_floats(data: bytes) -> Floats:
    """Numbers of 32 bits, in the byte order of files."""
    numbers = array("f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def written(numbers: Floats) -> bytes:
    """What `read_floats` reads."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


class Vector:
    """A vector divided by its length, in one of the forms below."""

    __slots__ = ("components", "length", "range")

    def __init__(self, components: Any, length: float, range: float = 0.0) -> None:
        self.components = components
        self.length = length
        self.range = range
        """Of bytes: the largest component."""


class Arithmetic:
    """How the processor computes: one number after the other."""

    @staticmethod
    def distance(one: Floats, other: Floats) -> float:
        """Of two vectors of length 1: 1 - the cosine of their angle."""
        end = len(one) & ~7
        terms = array("f", map(mul, one, other))
        evens = _sum(chain(_rows(terms, 0, end, 8), terms[end:]))
        return single(1.0 - single(evens + _sum(_rows(terms, 4, end, 8))))

    @staticmethod
    def from_whole_numbers(dot: int, scale: float, dimension: int) -> float:
        """The same of bytes: `dot` times `scale` is the cosine."""
        return single(1.0 - single(single(dot) * scale))


class WideArithmetic(Arithmetic):
    """Sixteen numbers at once (AVX-512), where there are so many; of these, a product and a sum are rounded once."""

    @staticmethod
    def distance(one: Floats, other: Floats) -> float:
        if len(one) < 16:
            return Arithmetic.distance(one, other)
        end = len(one) & ~15
        lanes = array("f", bytes(64))
        for at in range(0, end, 16):
            lanes = array("f", map(add, lanes, map(mul, one[at : at + 16], other[at : at + 16])))
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = array("f", map(add, lanes[:half], lanes[half:]))
        return single(1.0 - _sum(chain(lanes, array("f", map(mul, one[end:], other[end:])))))

    @staticmethod
    def from_whole_numbers(dot: int, scale: float, dimension: int) -> float:
        if dimension < 32:
            return Arithmetic.from_whole_numbers(dot, scale, dimension)
        return single(1.0 - single(dot) * scale)


SCALAR: Final = Arithmetic
WIDE: Final = WideArithmetic


class Quantisation:
    """How the vectors of a set are kept."""

    name: ClassVar[bytes]
    """As VINFO says it."""
    number: ClassVar[int]
    """As files say it."""

    def size(self, dimension: int) -> int:
        """The bytes of a vector."""
        raise NotImplementedError

    def keep(self, numbers: Floats) -> Vector:
        """A vector in this form.  O(dimension)."""
        squares = array("f", map(mul, numbers, numbers))
        end = len(numbers) & ~3
        length = single(math.sqrt(_sum(chain(_rows(squares, 0, end, 4), squares[end:]))))
        if length == 0:
            return self._quantised(numbers, 1.0)
        return self._quantised(array("f", map(truediv, numbers, repeat(length))), length)

    def _quantised(self, numbers: Floats, length: float) -> Vector:
        raise NotImplementedError

    def numbers(self, vector: Vector, dimension: int) -> Floats:
        """What was kept, as near as it is still known."""
        raise NotImplementedError

    def normal(self, vector: Vector) -> Iterable[float]:
        """The numbers of the vector of length 1."""
        raise NotImplementedError

    def data(self, vector: Vector, dimension: int) -> bytes:
        """The bytes of a vector, without its length and range."""
        raise NotImplementedError

    def read(self, data: bytes, length: float, range: float) -> Vector:
        """What `data` writes; `data` is as long as `size` says."""
        raise NotImplementedError

    def distance(self, one: Vector, other: Vector, dimension: int, arithmetic: type[Arithmetic]) -> float:
        """From 0, the same direction, to 2, the opposite one; as the real server rounds it."""
        raise NotImplementedError

    def estimate(self, one: Vector, other: Vector, dimension: int) -> float:
        """`distance`, but for the last bits; several times as fast."""
        raise NotImplementedError

    def estimates(self, one: Vector, others: Iterable[Vector], dimension: int) -> list[float]:
        """`estimate` of one vector and each of the others."""
        return [self.estimate(one, other, dimension) for other in others]

    def table(self, numpy: Any, vectors: Sequence[Vector]) -> Any:
        """Vectors for `estimates_in`; None if that is no better."""
        return None

    def estimates_in(self, numpy: Any, table: Any, one: Vector) -> list[float]:
        """`estimates` of all vectors in a table."""
        raise NotImplementedError


class Unquantised(Quantisation):
    """Each component takes 32 bits."""

    name = b"f32"
    number = 0

    def size(self, dimension: int) -> int:
        return 4 * dimension

    def _quantised(self, numbers: Floats, length: float) -> Vector:
        return Vector(numbers, length)

    def numbers(self, vector: Vector, dimension: int) -> Floats:
        return array("f", map(mul, vector.components, repeat(vector.length)))

    def normal(self, vector: Vector) -> Iterable[float]:
        return vector.components  # type: ignore[no-any-return]

    def data(self, vector: Vector, dimension: int) -> bytes:
        return written(vector.components)

    def read(self, data: bytes, length: float, range: float) -> Vector:
        return Vector(read_floats(data), length, range)

    def distance(self, one: Vector, other: Vector, dimension: int, arithmetic: type[Arithmetic]) -> float:
        return arithmetic.distance(one.components, other.components)

    def estimate(self, one: Vector, other: Vector, dimension: int) -> float:
        return 1.0 - float(_dot(one.components, other.components))

    def estimates(self, one: Vector, others: Iterable[Vector], dimension: int) -> list[float]:
        numbers = tuple(one.components)
        return [1.0 - _dot(numbers, other.components) for other in others]

    def table(self, numpy: Any, vectors: Sequence[Vector]) -> Any:
        return numpy.array([vector.components for vector in vectors], numpy.float32)

    def estimates_in(self, numpy: Any, table: Any, one: Vector) -> list[float]:
        return (1 - table @ numpy.array(one.components)).tolist()  # type: ignore[no-any-return]


_EXCESS_128: Final = bytes(number ^ 128 for number in range(256))


class Int8(Quantisation):
    """Each component takes eight bits: 127 is the largest of the vector."""

    name = b"int8"
    number = 1

    def size(self, dimension: int) -> int:
        return dimension

    def _quantised(self, numbers: Floats, length: float) -> Vector:
        largest = 0.0
        for number in map(abs, numbers):
            if number > largest:  # a nan is never larger
                largest = number
        if largest == 0:
            return Vector(array("b", bytes(len(numbers))), length)
        scaled = array("f", map(mul, numbers, repeat(single(127.0 / largest))))
        return Vector(array("b", map(_nearest_byte, scaled)), length, largest)

    def numbers(self, vector: Vector, dimension: int) -> Floats:
        multiplied = array("f", map(mul, vector.components, repeat(vector.range)))
        divided = array("f", map(truediv, multiplied, repeat(127.0)))
        return array("f", map(mul, divided, repeat(vector.length)))

    def normal(self, vector: Vector) -> Iterable[float]:
        return map(mul, vector.components, repeat(vector.range / 127))

    def data(self, vector: Vector, dimension: int) -> bytes:
        return vector.components.tobytes()  # type: ignore[no-any-return]

    def read(self, data: bytes, length: float, range: float) -> Vector:
        return Vector(array("b", data), length, range)

    def distance(self, one: Vector, other: Vector, dimension: int, arithmetic: type[Arithmetic]) -> float:
        if one.range == 0 or other.range == 0:
            return 1.0
        scale = single(single(one.range / 127) * single(other.range / 127))
        return _clamped(arithmetic.from_whole_numbers(_dot(one.components, other.components), scale, dimension))

    def estimate(self, one: Vector, other: Vector, dimension: int) -> float:
        return _clamped(1.0 - float(_dot(one.components, other.components)) * one.range * other.range / 16129)

    def estimates(self, one: Vector, others: Iterable[Vector], dimension: int) -> list[float]:
        # The bytes of 0 to 255, each 128 too many, are numbers that Python need not make: twice as fast.
        numbers = tuple(one.components)
        excess, scale = 128 * sum(numbers), one.range / 16129
        return [
            _clamped(1.0 - (_dot(numbers, _excessive(other.components)) - excess) * scale * other.range)
            for other in others
        ]

    def table(self, numpy: Any, vectors: Sequence[Vector]) -> Any:
        scales = numpy.array([[vector.range / 127] for vector in vectors], numpy.float32)
        return numpy.array([vector.components for vector in vectors], numpy.float32) * scales

    def estimates_in(self, numpy: Any, table: Any, one: Vector) -> list[float]:
        normal = numpy.array([*self.normal(one)], numpy.float32)
        return (1 - table @ normal).clip(0, 2).tolist()  # type: ignore[no-any-return]


def _clamped(distance: float) -> float:
    """What rounding has driven beyond its bounds."""
    return 0.0 if distance < 0 else 2.0 if distance > 2 else distance


def _excessive(numbers: array[int]) -> bytes:
    return numbers.tobytes().translate(_EXCESS_128)


def _nearest_byte(number: float) -> int:
    """As C rounds and casts it on x86: a half away from zero, and what is no number becomes zero."""
    if not -2147483648.0 <= number < 2147483648.0:
        return 0
    nearest = math.floor(abs(number) + 0.5)
    return ((nearest if number > 0 else -nearest) + 128 & 255) - 128


class Binary(Quantisation):
    """Each component takes one bit: whether it is above zero.  Kept as one integer."""

    name = b"bin"
    number = 2

    def size(self, dimension: int) -> int:
        return (dimension + 63) // 64 * 8

    def _quantised(self, numbers: Floats, length: float) -> Vector:
        return Vector(int("".join("1" if number > 0 else "0" for number in reversed(numbers)), 2), length)

    def numbers(self, vector: Vector, dimension: int) -> Floats:
        bits = f"{vector.components:0{dimension}b}"
        return array("f", (1.0 if bit == "1" else -1.0 for bit in reversed(bits[-dimension:])))

    def data(self, vector: Vector, dimension: int) -> bytes:
        return vector.components.to_bytes(self.size(dimension), "little")  # type: ignore[no-any-return]

    def read(self, data: bytes, length: float, range: float) -> Vector:
        return Vector(int.from_bytes(data, "little"), length, range)

    def distance(self, one: Vector, other: Vector, dimension: int, arithmetic: type[Arithmetic]) -> float:
        return single((one.components ^ other.components).bit_count() * 2 / dimension)

    def estimate(self, one: Vector, other: Vector, dimension: int) -> float:
        return (one.components ^ other.components).bit_count() * 2 / dimension  # type: ignore[no-any-return]


QUANTISATIONS: Final[tuple[Quantisation, ...]] = (Unquantised(), Int8(), Binary())
"""By their number."""


class Projection:
    """A matrix that makes vectors shorter and keeps their distances nearly (Johnson, Lindenstrauss 1984).

    The real one is no chance: its signs are those of a Hadamard matrix.
    """

    __slots__ = ("dimension", "matrix", "source")

    def __init__(self, source: int, dimension: int, matrix: Floats | None = None) -> None:
        self.source = source
        """Of the vectors that come in."""
        self.dimension = dimension
        if matrix is None:
            scale = single(1 / math.sqrt(source))
            matrix = array("f")
            for row in range(dimension):
                matrix += _hadamard(row, source, scale)
        self.matrix = matrix
        """Row by row."""

    def apply(self, numbers: Floats) -> Floats:
        """The shorter vector.  O(source * dimension)."""
        matrix, source = self.matrix, self.source
        rows: Sequence[int] = range(0, source * self.dimension, source)
        return array("f", (_sum(array("f", map(mul, matrix[row : row + source], numbers))) for row in rows))


def _hadamard(row: int, length: int, scale: float) -> Floats:
    """A row of Sylvester's matrix: each half is the one before it, with the signs changed where the row has a bit."""
    numbers = array("f", (scale,))
    while len(numbers) < length:
        numbers += array("f", map(neg, numbers)) if row & len(numbers) else numbers
    return numbers[:length]

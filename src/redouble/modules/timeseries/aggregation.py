"""How the samples of a bucket become one: an object collects them, and tells the result.

A rule of compaction keeps such an object for the bucket that is not over yet, so its state is part of a series (`rdb.py`).
"""

from __future__ import annotations

import copy
import math
import sys
from fractions import Fraction
from typing import ClassVar, TypeVar

__all__ = [
    "AGGREGATORS",
    "Aggregator",
    "Average",
    "Count",
    "First",
    "Last",
    "Range",
    "Single",
    "Spread",
    "TimeWeightedAverage",
]

_LARGEST = sys.float_info.max
Self = TypeVar("Self", bound="Aggregator")


class Aggregator:
    """Collects the values of one bucket after the other."""

    __slots__ = ()

    name: ClassVar[bytes]
    number: ClassVar[int]
    """How files call it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin the next bucket."""
        raise NotImplementedError

    @staticmethod
    def takes(value: float) -> bool:
        """Whether a value counts: most aggregators do as if a nan were not there."""
        return value == value

    def add(self, value: float, timestamp: int) -> None:
        raise NotImplementedError

    def result(self) -> float:
        """Of a bucket with samples."""
        raise NotImplementedError

    def empty(self) -> float:
        """Of a bucket without samples."""
        return math.nan

    def copy(self: Self) -> Self:
        return copy.copy(self)


class Single(Aggregator):
    """Those that keep a single value."""

    __slots__ = ("value",)

    value: float

    def reset(self) -> None:
        self.value = 0.0

    def result(self) -> float:
        return self.value


class Sum(Single):
    __slots__ = ()
    name, number = b"sum", 3

    def add(self, value: float, timestamp: int) -> None:
        self.value += value

    def empty(self) -> float:
        return 0.0


class Count(Single):
    __slots__ = ()
    name, number = b"count", 5

    def add(self, value: float, timestamp: int) -> None:
        self.value += 1

    def empty(self) -> float:
        return 0.0


class CountNan(Count):
    __slots__ = ()
    name, number = b"countnan", 14

    @staticmethod
    def takes(value: float) -> bool:
        return value != value


class CountAll(Count):
    __slots__ = ()
    name, number = b"countall", 15

    @staticmethod
    def takes(value: float) -> bool:
        return True


class Last(Single):
    """Of a bucket without samples it is that of the bucket before."""

    __slots__ = ()
    name, number = b"last", 7

    def __init__(self) -> None:
        self.value = math.nan

    def reset(self) -> None:
        """The value stays."""

    def add(self, value: float, timestamp: int) -> None:
        self.value = value

    def empty(self) -> float:
        return self.value


class First(Single):
    __slots__ = ("is_new",)
    name, number = b"first", 6

    is_new: bool

    def reset(self) -> None:
        self.value = 0.0
        self.is_new = True

    def add(self, value: float, timestamp: int) -> None:
        if self.is_new:
            self.is_new = False
            self.value = value


class Range(Aggregator):
    """The largest value without the smallest."""

    __slots__ = ("largest", "smallest")
    name, number = b"range", 8

    def reset(self) -> None:
        self.smallest = _LARGEST
        self.largest = -_LARGEST

    def add(self, value: float, timestamp: int) -> None:
        if value > self.largest:
            self.largest = value
        if value < self.smallest:
            self.smallest = value

    def result(self) -> float:
        return self.largest - self.smallest


class Min(Range):
    __slots__ = ()
    name, number = b"min", 1

    def add(self, value: float, timestamp: int) -> None:
        if value < self.smallest:
            self.smallest = value

    def result(self) -> float:
        return self.smallest


class Max(Range):
    __slots__ = ()
    name, number = b"max", 2

    def add(self, value: float, timestamp: int) -> None:
        if value > self.largest:
            self.largest = value

    def result(self) -> float:
        return self.largest


class Average(Aggregator):
    """A sum and a count; when the sum would be too large, from then on the average itself."""

    __slots__ = ("count", "is_average", "value")
    name, number = b"avg", 4

    def reset(self) -> None:
        self.value = 0.0
        self.count = 0.0
        self.is_average = False

    def add(self, value: float, timestamp: int) -> None:
        self.count += 1
        sum = self.value
        if self.is_average or ((sum < 0) == (value < 0) and abs(sum) > _LARGEST - abs(value)):
            self.value = self._average_with(value)
            self.is_average = True
        else:
            self.value = sum + value

    def _average_with(self, value: float) -> float:
        """The average of all values, computed as x86 processors do with 80 bits."""
        if not (math.isfinite(value) and math.isfinite(self.value)):
            return self.value + value
        count = int(self.count)
        average = _extended(Fraction(self.value) / count)
        if self.is_average:
            average = _extended(average * (count - 1))
        return float(_extended(average + _extended(Fraction(value) / count)))

    def result(self) -> float:
        return self.value if self.is_average else self.value / self.count


def _extended(number: Fraction) -> Fraction:
    """A number with the 64 binary digits of a long double."""
    if not number:
        return number
    shift = 64 - abs(number.numerator).bit_length() + number.denominator.bit_length()
    scaled = round(number * Fraction(2) ** shift)
    while scaled.bit_length() > 64:
        shift -= 1
        scaled = round(number * Fraction(2) ** shift)
    return Fraction(scaled) / Fraction(2) ** shift


class Spread(Aggregator):
    """Variances and standard deviations, by the sums of the values and of their squares."""

    __slots__ = ("count", "squares", "sum")

    def reset(self) -> None:
        self.sum = self.squares = 0.0
        self.count = 0

    def add(self, value: float, timestamp: int) -> None:
        self.count += 1
        self.sum += value
        self.squares += value * value

    def variance(self) -> float:
        """Of the values as they are."""
        sum, count = self.sum, float(self.count)
        mean = sum / count
        return (self.squares - 2 * sum * sum / count + mean * mean * count) / count

    def variance_of_samples(self) -> float:
        """Of what the values are samples of."""
        return self.variance() * self.count / (self.count - 1) if self.count > 1 else 0.0


class VarP(Spread):
    __slots__ = ()
    name, number = b"var.p", 11

    def result(self) -> float:
        return self.variance()


class VarS(Spread):
    __slots__ = ()
    name, number = b"var.s", 12

    def result(self) -> float:
        return self.variance_of_samples()


class StdP(Spread):
    __slots__ = ()
    name, number = b"std.p", 9

    def result(self) -> float:
        return _square_root(self.variance())


class StdS(Spread):
    __slots__ = ()
    name, number = b"std.s", 10

    def result(self) -> float:
        return _square_root(self.variance_of_samples())


def _square_root(number: float) -> float:
    return math.sqrt(number) if number >= 0 else -math.nan  # as processors make it, with a sign


class TimeWeightedAverage(Aggregator):
    """The area under the lines between the samples, divided by the time.

    The lines go on beyond the ends of the bucket to its neighbours' samples, if there are any: who adds samples must also
    tell the bucket's ends (`within`), the last sample before it (`after`) and the first one behind it (`before`).
    `is_reversed`: the samples come from the last to the first.
    """

    __slots__ = ("area", "count", "end", "first", "is_alone", "is_reversed", "last", "start", "timestamp", "value")
    name, number = b"twa", 13

    def __init__(self, is_reversed: bool = False) -> None:
        self.is_reversed = is_reversed
        super().__init__()

    def reset(self) -> None:
        self.area = self.value = 0.0
        self.timestamp = self.start = self.end = self.first = self.last = self.count = 0
        self.is_alone = True

    def within(self, start: int, end: int) -> None:
        """The bucket goes from `start` to `end`."""
        self.start, self.end = (end, start) if self.is_reversed else (start, end)

    def after(self, value: float, timestamp: int) -> None:
        """There is such a sample before the bucket (reversed: behind it)."""
        self.value, self.timestamp = value, timestamp
        self.is_alone = False

    def _line(self, value: float, timestamp: int) -> tuple[int, float, int, float]:
        """From the sample before to this one; always from left to right."""
        if self.is_reversed:
            return timestamp, value, self.timestamp, self.value
        return self.timestamp, self.value, timestamp, value

    def add(self, value: float, timestamp: int) -> None:
        t1, v1, t2, v2 = self._line(value, timestamp)
        if self.count:
            self.area += (v1 + v2) * _distance(t1, t2) / 2
        elif self.is_alone:
            self.first = timestamp
        else:
            self.first = edge = self.start
            height = _height(edge, t1, v1, t2, v2)
            self._add_area(height, (t1, v1, t2, v2), edge, not self.is_reversed)
        self.last = self.timestamp = timestamp
        self.value = value
        self.count += 1

    def before(self, value: float, timestamp: int) -> None:
        """There is such a sample behind the bucket (reversed: before it)."""
        t1, v1, t2, v2 = self._line(value, timestamp)
        edge = self.end
        height = _height(edge, t1, v1, t2, v2)
        self._add_area(height, (t1, v1, t2, v2), edge, self.is_reversed)
        self.last = edge

    def _add_area(self, height: float, line: tuple[int, float, int, float], edge: int, is_right: bool) -> None:
        """Of the part of a line on one side of an edge."""
        t1, v1, t2, v2 = line
        self.area += (height + v2) * _distance(edge, t2) / 2 if is_right else (height + v1) * _distance(t1, edge) / 2

    def result(self) -> float:
        return self.value if self.last == self.first else self.area / abs(self.last - self.first)


def _height(at: int, t1: int, v1: float, t2: int, v2: float) -> float:
    """Of the line through two points."""
    return v1 + _distance(t1, at) * (v2 - v1) / _distance(t1, t2) if t1 != t2 else v1


def _distance(start: int, end: int) -> float:
    """Between two times.  It is an unsigned integer of 64 bits: a negative one is a very large one.

    It is negative if a sample that FILTER_BY_VALUE left out, and which is taken for the nearest one before or behind the
    bucket, is in it.
    """
    return float(end - start & 0xFFFFFFFFFFFFFFFF)


AGGREGATORS: dict[bytes, type[Aggregator]] = {
    kind.name: kind
    for kind in (
        Min, Max, Sum, Average, Count, First, Last, Range, StdP, StdS, VarP, VarS, TimeWeightedAverage, CountNan, CountAll,
    )
}  # fmt: skip
"""By their names in small letters."""

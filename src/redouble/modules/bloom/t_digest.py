"""The merging t-digest (Dunning, Ertl 2019): about how many observations are below a value, from a few hundred numbers.

Sums and products stand in the order in which RedisBloom's own library (t-digest-c) computes them, so that every digit is the same.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise

from redouble.types.module_value import ModuleValue

__all__ = ["LARGEST_COMPRESSION", "TDigest", "WeightOverflow"]

LARGEST_COMPRESSION = 357_913_939
"""With more, the capacity is no integer of 32 bits."""
_INT64_MAX = (1 << 63) - 1


class WeightOverflow(Exception):
    """There would be more observations than an integer of 64 bits can count."""


class TDigest(ModuleValue):
    """Centroids, each the mean of so many observations: the merged ones in order, and behind them what was added since.

    The larger `compression`, the more centroids are left when they are merged, and the better are the answers.  All questions
    merge first, but one: a single observation is left as it is, and then the answers are nan.
    """

    __slots__ = (
        "compression",
        "compressions",
        "maximum",
        "means",
        "merged",
        "merged_weight",
        "minimum",
        "unmerged_weight",
        "weights",
    )

    type_name = b"TDIS-TYPE"

    def __init__(self, compression: int = 100) -> None:
        self.compression = compression
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.minimum = sys.float_info.max
        self.maximum = -sys.float_info.max
        self.means: list[float] = []
        self.weights: list[int] = []
        self.merged = 0
        """How many of the centroids are merged ones."""
        self.merged_weight = 0
        self.unmerged_weight = 0
        self.compressions = 0
        """How often it was compressed."""

    @property
    def capacity(self) -> int:
        """How many centroids there may be."""
        return 6 * self.compression + 10

    @property
    def size(self) -> int:
        """How many observations there are."""
        return self.merged_weight + self.unmerged_weight

    # Adding and merging.

    def add(self, mean: float, weight: int = 1) -> None:
        """Add an observation, or so many.  O(1), and now and then O(capacity log capacity).  Raises WeightOverflow."""
        if len(self.means) >= self.capacity - 1:
            self.compress()
        if len(self.means) >= self.capacity or self.size + weight > _INT64_MAX:
            raise WeightOverflow
        if mean < self.minimum:
            self.minimum = mean
        if mean > self.maximum:
            self.maximum = mean
        self.means.append(mean)
        self.weights.append(weight)
        self.unmerged_weight += weight

    def merge(self, other: TDigest) -> None:
        """Add all observations of another one, which is compressed for that.  Raises WeightOverflow."""
        self.compress()
        other.compress()
        for mean, weight in zip(other.means, other.weights):
            self.add(mean, weight)

    def compress(self) -> None:
        """Merge neighbours as long as no centroid becomes too heavy for its place: near the ends only few may share one."""
        if len(self.means) == self.merged:
            return
        self.means, self.weights = _sorted(self.means, self.weights)
        total = float(self.merged_weight) + float(self.unmerged_weight)
        if total <= 1:
            return
        normalizer = self.compression / (2 * math.pi * total * math.log(total))
        centroids = zip(self.means, self.weights)
        means, weights = [], []
        mean, weight = next(centroids)
        before, limit = 0.0, 0.0
        for next_mean, next_weight in centroids:
            together = float(weight) + float(next_weight)
            needed = together * normalizer
            after = (before + together) / total
            if needed <= limit and needed <= after * (1 - after):
                weight += next_weight
                mean += (next_mean - mean) * next_weight / weight if weight else -math.nan
            else:
                means.append(mean)
                weights.append(weight)
                before += weight
                fraction = before / total
                limit = fraction * (1 - fraction)
                mean, weight = next_mean, next_weight
        self.means, self.weights = [*means, mean], [*weights, weight]
        self.merged = len(self.means)
        self.merged_weight, self.unmerged_weight = int(total), 0
        self.compressions += 1

    # Questions.

    def cdf(self, value: float) -> float:
        """Which part of the observations is smaller, with half of those that are equal; nan: there are none.  O(capacity)."""
        self.compress()
        means, weights, last = self.means, list(map(float, self.weights)), self.merged - 1
        minimum, maximum, total = self.minimum, self.maximum, float(self.merged_weight)
        if last < 0:
            return math.nan
        if value < minimum:
            return 0.0
        if value > maximum:
            return 1.0
        if last == 0:
            width = maximum - minimum
            return 0.5 if value - minimum <= width else _quotient(value - minimum, width)
        if value < means[0]:
            if value == minimum:
                return 0.5 / total
            return (1 + (value - minimum) / (means[0] - minimum) * (weights[0] / 2 - 1)) / total
        if value > means[last]:
            if value == maximum:
                return 1 - 0.5 / total
            return 1 - (1 + (maximum - value) / (maximum - means[last]) * (weights[last] / 2 - 1)) / total
        before = 0.0
        for place in range(last):
            mean, weight = means[place], weights[place]
            next_mean, next_weight = means[place + 1], weights[place + 1]
            if mean == value:
                equal = 0.0
                while place <= last and means[place] == value:
                    equal += weights[place]
                    place += 1
                return (before + equal / 2) / total
            if mean <= value < next_mean:
                if weight == next_weight == 1:
                    return (before + 1) / total
                # The weight of a single observation is where it is, and no part of what lies between.
                left, right = 0.5 * (weight == 1), 0.5 * (next_weight == 1)
                between = (weight + next_weight) / 2 - left - right
                start = before + weight / 2 + left
                return (start + between * (value - mean) / (next_mean - mean)) / total
            before += weight
        return 1 - 0.5 / total

    def quantiles(self, fractions: Sequence[float]) -> list[float]:
        """For each fraction, from 0 to 1, a value below which it lies; nan: there are none.

        O(capacity) for each run of ascending fractions.
        """
        self.compress()
        if self.merged < 2:
            return [self.means[0] if self.merged else math.nan] * len(fractions)
        found = []
        walk, previous = _Walk(self), 0.0
        for fraction in fractions:
            if fraction < previous:
                walk = _Walk(self)
            found.append(walk.value_at(fraction * float(self.merged_weight)))
            previous = fraction
        return found

    def quantile(self, fraction: float) -> float:
        """The same for one fraction, but that whatever lies before the first observation is that."""
        self.compress()
        if not self.merged or not 0 <= fraction <= 1:
            return math.nan
        if self.merged == 1:
            return self.means[0]
        index = fraction * float(self.merged_weight)
        return self.minimum if index < 1 else _Walk(self).value_at(index)

    def rank(self, value: float, reverse: bool = False) -> int:
        """How many observations are smaller (larger) than a value, with half of those that are equal; -1: all are on the other
        side; -2: there are none.  O(capacity)."""
        size = float(self.size)
        if not size:
            return -2
        if value < self.minimum:
            return _integer(size) if reverse else -1
        if value > self.maximum:
            return -1 if reverse else _integer(size)
        below = self.cdf(value) * size
        return _integer(_rounded(size - _rounded(below)) if reverse else _rounded(below, half_down=True))

    def by_rank(self, rank: int, reverse: bool = False) -> float:
        """The value that as many observations are smaller (larger) than; nan: there are none."""
        size, index = float(self.size), float(rank)
        if not size:
            return math.nan
        if not index:
            return self.maximum if reverse else self.minimum
        if index >= size:
            return -math.inf if reverse else math.inf
        return self.quantile((size - index - 1 if reverse else index) / size)

    def trimmed_mean(self, low: float, high: float) -> float:
        """The mean of what lies between two fractions; nan: nothing does.  O(capacity)."""
        self.compress()
        if self.merged < 2:
            return self.means[0] if self.merged else math.nan
        first, last = float(math.floor(self.merged_weight * low)), float(math.ceil(self.merged_weight * high))
        before, sum, count = 0.0, 0.0, 0.0
        for mean, weight in zip(self.means, map(float, self.weights)):
            part = weight - min(max(0.0, first - before), weight)
            part = min(max(0.0, last - before), part)
            before += weight
            sum += mean * part
            count += part
            if before >= last:
                break
        return _quotient(sum, count)

    def copy(self) -> TDigest:
        other = TDigest.__new__(TDigest)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.means, other.weights = self.means[:], self.weights[:]
        return other

    def memory_usage(self) -> int:
        return 8 + 16 * self.capacity

    def describe(self) -> Iterator[str]:
        yield f"compression {self.compression}, {self.size} observations"
        for mean, weight in zip(self.means, self.weights):
            yield f"{mean!r} x {weight}"

    def check(self) -> None:
        assert len(self.means) == len(self.weights) <= self.capacity
        assert 0 <= self.merged <= len(self.means)


class _Walk:
    """From centroid to centroid, towards ever larger values."""

    __slots__ = ("before", "digest", "place", "weights")

    def __init__(self, digest: TDigest) -> None:
        self.digest = digest
        self.weights = list(map(float, digest.weights))
        self.place = 0
        self.before = self.weights[0] / 2
        """The weight up to the middle of that centroid."""

    def value_at(self, index: float) -> float:
        """The value that would be at `index` if all observations stood in a row."""
        digest = self.digest
        means, weights, last = digest.means, self.weights, digest.merged - 1
        minimum, maximum, total = digest.minimum, digest.maximum, float(digest.merged_weight)
        if weights[0] > 1 and index < weights[0] / 2:
            return minimum + _quotient(index - 1, weights[0] / 2 - 1) * (means[0] - minimum)
        if index > float(digest.merged_weight - 1):
            return maximum
        end = weights[last] / 2
        if weights[last] > 1 and total - index <= end:
            return maximum - _quotient(total - index - 1, end - 1) * (maximum - means[last])
        while self.place < last:
            place, before = self.place, self.before
            weight, next_weight = weights[place], weights[place + 1]
            distance = (weight + next_weight) / 2
            if before + distance > index:
                left, right = 0.5 * (weight == 1), 0.5 * (next_weight == 1)
                if left and index - before < 0.5:
                    return means[place]
                if right and before + distance - index <= 0.5:
                    return means[place + 1]
                return _between(
                    means[place], before + distance - index - right, means[place + 1], index - before - left
                )
            self.before += distance
            self.place += 1
        beyond = index - total - end
        return _between(means[last], beyond, maximum, end - beyond)


def _between(one: float, weight: float, other: float, other_weight: float) -> float:
    """The weighted mean of two values, but nothing beyond them."""
    if not one <= other:
        one, weight, other, other_weight = other, other_weight, one, weight
    mean = _quotient(one * weight + other * other_weight, weight + other_weight)
    mean = mean if mean < other else other
    return one if one > mean else mean


def _rounded(number: float, half_down: bool = False) -> float:
    """The nearest whole number, of two the one farther from zero, or told so the nearer."""
    if not math.isfinite(number):
        return number
    rest, whole = math.modf(number)
    if abs(rest) < 0.5 or (half_down and abs(rest) == 0.5):
        return whole
    return whole + math.copysign(1.0, number)


def _integer(number: float) -> int:
    """A whole number in 64 bits; what has no place there, nan too, becomes what processors make of it."""
    return int(number) if -(2.0**63) <= number < 2.0**63 else -(1 << 63)


def _quotient(dividend: float, divisor: float) -> float:
    """A division as processors do it."""
    if divisor:
        return dividend / divisor
    return dividend * math.copysign(math.inf, divisor)  # nan for zero and nan


# Sorting.


def _sorted(means: list[float], weights: list[int]) -> tuple[list[float], list[int]]:
    """Centroids by their means; O(n log n).

    RedisBloom's quicksort decides in which order equal means come, and with that what is merged with what.  It is needed only
    where equal means are not the same: they have other weights, or one is -0.0.
    """
    nodes = sorted(zip(means, weights))
    has_nan = math.isnan(sum(means))  # or infinities of both signs
    if has_nan or (len(set(means)) < len(means) and _differ(nodes)):
        ordered = None if has_nan else [mean for mean, _ in nodes]
        nodes = list(zip(means, weights))
        _quicksort(nodes, ordered)
    return [mean for mean, _ in nodes], [weight for _, weight in nodes]


def _differ(nodes: list[tuple[float, int]]) -> bool:
    """Whether equal means, which stand side by side, are not the same."""
    return any(
        mean == next_mean and (weight != next_weight or math.copysign(1.0, mean) != math.copysign(1.0, next_mean))
        for (mean, weight), (next_mean, next_weight) in pairwise(nodes)
    )


def _quicksort(nodes: list[tuple[float, int]], ordered: list[float] | None) -> None:
    """Lomuto's, around the element in the middle.  `ordered`: the means in order, if there is one.

    A range holds what belongs to its places, so that its least mean is known: nothing is less, and all equal ones cost nothing.
    """
    ranges = [(0, len(nodes) - 1)]
    while ranges:
        start, end = ranges.pop()
        if end - start < 1:
            continue
        if end - start == 1:
            if nodes[start][0] > nodes[end][0]:
                nodes[start], nodes[end] = nodes[end], nodes[start]
            continue
        middle = (start + end) // 2
        pivot = nodes[middle][0]
        nodes[middle], nodes[end] = nodes[end], nodes[middle]
        place = start
        if ordered is None or pivot != ordered[start]:
            for i in range(start, end):
                if nodes[i][0] < pivot:
                    nodes[place], nodes[i] = nodes[i], nodes[place]
                    place += 1
        nodes[place], nodes[end] = nodes[end], nodes[place]
        ranges += ((start, place - 1), (place + 1, end))

"""REDUCE: what becomes of the rows of a group.

`reducer` makes a Reduction of what a client said; its `start` gives a Reducer for each group, which is fed the rows and gives one value.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple, TypeAlias

from redouble.core.errors import CommandError, text
from redouble.modules.search.aggregate.order import ValueSet
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.values import Value, compare, hash_value, number
from redouble.modules.search.arguments import Arguments

__all__ = ["Reducer", "Reduction", "reduction"]

LARGEST_SAMPLE: Final = 1000
LARGEST_RESOLUTION: Final = (1 << 31) - 1


class Reducer:
    """Reads the rows of one group."""

    def add(self, row: Row) -> None:
        raise NotImplementedError

    def value(self) -> Value:
        raise NotImplementedError


class Reduction(NamedTuple):
    """One REDUCE."""

    name: bytes
    """Of the value that it makes."""
    start: Callable[[], Reducer]


Find: TypeAlias = "Callable[[bytes], object]"
"""Raises CommandError if the rows have no such property."""
Maker: TypeAlias = "Callable[[Arguments, str, Find, Random], Callable[[], Reducer]]"
"""Reads the arguments of a reducer; its name is for errors."""
_MAKERS: Final[dict[bytes, Maker]] = {}


def reduction(name: bytes, arguments: list[bytes], alias: bytes | None, find: Find, random: Random) -> Reduction:
    """Raises CommandError for a name or arguments that do not exist."""
    maker = _MAKERS.get(name.upper())
    if maker is None:
        raise CommandError(f"No such reducer: {text(name)}")
    start = maker(Arguments(arguments, 0), text(name), find, random)
    if alias is None:
        joined = b",".join(word.removeprefix(b"@") for word in arguments)
        alias = b"__generated_alias" + (name + joined).lower()
    return Reduction(alias, start)


def _maker(name: bytes) -> Callable[[Maker], Maker]:
    def declare(maker: Maker) -> Maker:
        _MAKERS[name] = maker
        return maker

    return declare


def _property(words: Arguments, of: str, find: Find) -> bytes:
    if not words:
        raise CommandError(f"Missing arguments for {of}")
    name = words.next().removeprefix(b"@")
    find(name)
    return name


def _no_more(words: Arguments, name: str) -> None:
    if words:
        raise CommandError(f"Unknown argument `{text(words.peek())}` at position {words.at} for {name}")


class Count(Reducer):
    def __init__(self) -> None:
        self.count = 0

    def add(self, row: Row) -> None:
        self.count += 1

    def value(self) -> Value:
        return float(self.count)


@_maker(b"COUNT")
def _count(words: Arguments, name: str, find: Find, random: Random) -> Callable[[], Reducer]:
    if words:
        raise CommandError("Count accepts 0 values only")
    return Count


class _OfProperty(Reducer):
    """Reads one property."""

    def __init__(self, name: bytes) -> None:
        self.name = name


def _of_property(reducer: bytes, kind: Callable[[bytes], Reducer]) -> None:
    @_maker(reducer)
    def make(words: Arguments, name: str, find: Find, random: Random) -> Callable[[], Reducer]:
        property = _property(words, name, find)  # more words are not looked at
        return lambda: kind(property)


class Sum(_OfProperty):
    """Of the numbers; other values count for nothing."""

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.sum = 0.0
        self.count = 0

    def add(self, row: Row) -> None:
        self.count += 1
        self.sum += number(row.values.get(self.name)) or 0.0

    def value(self) -> Value:
        return self.sum


class Average(Sum):
    """Of all rows, with a number or not."""

    def value(self) -> Value:
        return self.sum / self.count if self.count else 0.0


class Minimum(_OfProperty):
    """Zero if there is no number."""

    first = sys.float_info.max

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.best = self.first
        self.found = False

    def add(self, row: Row) -> None:
        value = number(row.values.get(self.name))
        if value is not None:
            self.found = True
            if self.is_better(value):
                self.best = value

    def is_better(self, value: float) -> bool:
        return value < self.best

    def value(self) -> Value:
        return self.best if self.found else 0.0


class Maximum(Minimum):
    first = -math.inf

    def is_better(self, value: float) -> bool:
        return value > self.best


class Deviation(_OfProperty):
    """The standard deviation of a sample (Welford)."""

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.count = 0
        self.mean = self.squares = 0.0

    def add(self, row: Row) -> None:
        for value in _numbers(row.values.get(self.name)):
            self.count += 1
            distance = value - self.mean
            self.mean = self.mean + distance / self.count if self.count > 1 else value
            self.squares = self.squares + distance * (value - self.mean) if self.count > 1 else 0.0

    def value(self) -> Value:
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0


def _numbers(value: Value) -> list[float]:
    """The numbers of a list, or the number that a value is."""
    found = (number(item) for item in (value if isinstance(value, list) else [value]))
    return [each for each in found if each is not None]


class DistinctValues(_OfProperty):
    """COUNT_DISTINCT."""

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.hashes: set[int] = set()

    def add(self, row: Row) -> None:
        value = row.values.get(self.name)
        if value is not None:
            self.hashes.add(hash_value(value, 0))

    def value(self) -> Value:
        return float(len(self.hashes))


HASH_BASIS: Final = 0x5F61767A


class HyperLogLog(_OfProperty):
    """COUNT_DISTINCTISH: 256 registers (Flajolet and others, 2007)."""

    size: Final = 256

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.registers = bytearray(self.size)

    def add(self, row: Row) -> None:
        value = row.values.get(self.name)
        if value is not None:
            hash = hash_value(value, HASH_BASIS)
            hash = (hash ^ hash >> 32) & 0xFFFFFFFF
            low = hash | 1 << 24  # of the rest of the hash, zeros are counted from below
            rank = (low & -low).bit_length()
            index = hash >> 24
            self.registers[index] = max(self.registers[index], rank)

    def value(self) -> Value:
        return float(int(self.estimate()))

    def estimate(self) -> float:
        size = self.size
        estimate = 0.7213 / (1.0 + 1.079 / size) * size * size / sum(2.0**-rank for rank in self.registers)
        if estimate <= 2.5 * size:
            empty = self.registers.count(0)
            return size * math.log(size / empty) if empty else estimate
        if estimate > 4294967296.0 / 30:
            return -4294967296.0 * math.log(1.0 - estimate / 4294967296.0)
        return estimate


class SerializedHyperLogLog(HyperLogLog):
    """HLL: the registers as a text, behind four bytes of zeros and the number of bits of an index."""

    def value(self) -> Value:
        return b"\0\0\0\0\x08" + self.registers


class HyperLogLogSum(HyperLogLog):
    """HLL_SUM: of such texts."""

    def add(self, row: Row) -> None:
        value = row.values.get(self.name)
        if isinstance(value, bytes) and len(value) == 5 + self.size and value[4] == 8:
            self.registers = bytearray(map(max, self.registers, value[5:]))


class List(_OfProperty):
    """TOLIST: the distinct values."""

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.values = ValueSet()

    def add(self, row: Row) -> None:
        if self.name in row.values:
            self.values.add(row.values[self.name])

    def value(self) -> Value:
        return self.values.values()


_of_property(b"SUM", Sum)
_of_property(b"AVG", Average)
_of_property(b"MIN", Minimum)
_of_property(b"MAX", Maximum)
_of_property(b"STDDEV", Deviation)
_of_property(b"COUNT_DISTINCT", DistinctValues)
_of_property(b"COUNT_DISTINCTISH", HyperLogLog)
_of_property(b"HLL", SerializedHyperLogLog)
_of_property(b"HLL_SUM", HyperLogLogSum)
_of_property(b"TOLIST", List)


class Sample(NamedTuple):
    """Of a quantile's stream: a value, how many it stands for, and how far off its rank may be."""

    value: float
    width: float
    slack: float


class Quantile(_OfProperty):
    """Cormode, Korn, Muthukrishnan and Srivastava's biased quantiles (2005), with an error of a hundredth."""

    error: Final = 0.01

    def __init__(self, name: bytes, quantile: float, room: int) -> None:
        super().__init__(name)
        self.quantile = quantile
        self.room = room
        self.waiting: list[float] = []
        self.samples: list[Sample] = []
        self.count = 0

    def add(self, row: Row) -> None:
        for value in _numbers(row.values.get(self.name)):
            self.waiting.append(value)
            if len(self.waiting) == self.room:
                self._insert()
                self._compress()

    def _allowed(self, rank: float) -> float:
        """How many values a sample of this rank may stand for."""
        if self.quantile * self.count <= rank:
            return 2 * self.error * rank / self.quantile if self.quantile else math.inf if rank else math.nan
        rest = 1.0 - self.quantile
        return 2 * self.error * (self.count - rank) / rest if rest else math.inf

    def _insert(self) -> None:
        """Merge the values that wait, in their order, into the samples."""
        merged: list[Sample] = []
        at, rank = 0, 0.0
        for value in sorted(self.waiting):
            while at < len(self.samples) and self.samples[at].value <= value:
                rank += self.samples[at].width
                merged.append(self.samples[at])
                at += 1
            slack = math.floor(min(self._allowed(rank), 1e18)) - 1.0 if at < len(self.samples) else 0.0
            merged.append(Sample(value, 1.0, slack))
            self.count += 1
        self.samples = merged + self.samples[at:]
        self.waiting = []

    def _compress(self) -> None:
        """Let neighbours stand for each other where that is precise enough."""
        if len(self.samples) < 2:
            return
        kept = [self.samples[-1]]
        rank = self.count - 1 - kept[0].width
        for sample in reversed(self.samples[:-1]):
            above = kept[-1]
            if sample.width + above.width + above.slack <= self._allowed(rank):
                kept[-1] = above._replace(width=above.width + sample.width)
            else:
                kept.append(sample)
            rank -= sample.width
        self.samples = kept[::-1]

    def value(self) -> Value:
        if self.waiting:
            self._insert()
        if not self.samples:
            return 0.0
        wanted = math.ceil(self.quantile * self.count)
        allowed = self._allowed(wanted)
        wanted += math.floor(allowed / 2.0) if math.isfinite(allowed) else 0
        rank, found = 0.0, self.samples[0]
        for sample in self.samples[1:]:
            if rank + sample.width + sample.slack >= wanted:
                break
            rank += sample.width
            found = sample
        return found.value


@_maker(b"QUANTILE")
def _quantile(words: Arguments, name: str, find: Find, random: Random) -> Callable[[], Reducer]:
    property = _property(words, name, find)
    quantile = words.double(name)
    if not 0.0 <= quantile <= 1.0:
        raise CommandError("Percentage must be between 0.0 and 1.0")
    resolution = 500
    if words:
        resolution = int(words.double(name))
        if not 0 < resolution <= LARGEST_RESOLUTION:
            raise CommandError("Invalid resolution")
    _no_more(words, name)
    return lambda: Quantile(property, quantile, resolution)


class FirstValue(_OfProperty):
    """FIRST_VALUE, of the rows in their order."""

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.found: Value = None
        self.is_found = False

    def add(self, row: Row) -> None:
        if not self.is_found:
            self.is_found = True
            self.found = row.values.get(self.name)

    def value(self) -> Value:
        return self.found


class FirstValueBy(FirstValue):
    """FIRST_VALUE ... BY: of the rows that have the property in the order of another.  A null is the least, until something else comes."""

    def __init__(self, name: bytes, by: bytes, is_ascending: bool) -> None:
        super().__init__(name)
        self.by = by
        self.sign = -1 if is_ascending else 1
        self.best: Value = None

    def add(self, row: Row) -> None:
        if self.name not in row.values:
            return
        by = row.values.get(self.by)
        if self.is_found:
            order = compare(by, self.best, is_strict=False)
            if order * self.sign <= 0 and not (order and self.best is None):
                return
        self.is_found = True
        self.best, self.found = by, row.values.get(self.name)


@_maker(b"FIRST_VALUE")
def _first_value(words: Arguments, name: str, find: Find, random: Random) -> Callable[[], Reducer]:
    property = _property(words, name, find)
    if not words.has(b"BY"):
        _no_more(words, name)
        return lambda: FirstValue(property)
    by = _property(words, name, find)
    is_ascending = words.has(b"ASC") or not words.has(b"DESC")
    _no_more(words, name)
    return lambda: FirstValueBy(property, by, is_ascending)


class RandomSample(_OfProperty):
    """RANDOM_SAMPLE: each value has the same chance (Vitter's algorithm R)."""

    def __init__(self, name: bytes, size: int, random: Random) -> None:
        super().__init__(name)
        self.size = size
        self.random = random
        self.seen = 0
        self.sample: list[Value] = []

    def add(self, row: Row) -> None:
        if self.name not in row.values:
            return
        value = row.values[self.name]
        if len(self.sample) < self.size:
            self.sample.append(value)
        elif (place := self.random.randrange(self.seen + 1)) < self.size:
            self.sample[place] = value
        self.seen += 1

    def value(self) -> Value:
        return self.sample


@_maker(b"RANDOM_SAMPLE")
def _random_sample(words: Arguments, name: str, find: Find, random: Random) -> Callable[[], Reducer]:
    property = _property(words, name, find)
    size = words.integer("<sample size>", 0)
    if size > LARGEST_SAMPLE:
        raise CommandError("Sample size too large")
    return lambda: RandomSample(property, size, random)

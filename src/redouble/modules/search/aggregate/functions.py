"""The functions of expressions.  They are given values of any kind, and how many was not counted before."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from redouble.core.errors import CommandError
from redouble.modules.search.aggregate.dates import Moment, moment, parse_time, print_time, seconds_of
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.values import NAN, Value, number, text
from redouble.types.geohash import Point, distance

__all__ = ["FUNCTIONS", "Arguments", "Function"]


class Arguments(list[Value]):
    """What a function is given."""

    __slots__ = ("are_loaded",)

    def __init__(self, values: list[Value], are_loaded: list[bool]) -> None:
        super().__init__(values)
        self.are_loaded = are_loaded
        """Which are properties as they stand in the row; errors tell them from other texts."""

    def texts(self, function: str) -> list[bytes]:
        """All of them; each has to be a text."""
        found = []
        for index, value in enumerate(self):
            if not isinstance(value, bytes):
                raise self._wrong_type(function, index, "STRING(v, 0)")
            found.append(value)
        return found

    def a_number(self, function: str, index: int) -> float:
        value = self[index]
        if not isinstance(value, float):
            raise self._wrong_type(function, index, "TYPE(v, RSValue_Number)")
        return value

    def a_text(self, function: str, index: int) -> bytes:
        value = self[index]
        if not isinstance(value, bytes) or self.are_loaded[index]:  # not even that of a field
            raise self._wrong_type(function, index, "TYPE(v, RSValue_String)")
        return value

    def _wrong_type(self, function: str, index: int, check: str) -> CommandError:
        value = self[index]
        kind = 1 if isinstance(value, float) else 4 if value is None else 6 if isinstance(value, list) else 3
        if kind == 3 and self.are_loaded[index]:
            kind = 7
        return CommandError(
            f"Invalid type ({kind}) for argument {index} in function '{function}'. VALIDATE_ARG__{check} was false."
        )


Run: TypeAlias = "Callable[[Arguments, Row], Value]"


class Function(NamedTuple):
    run: Run
    takes_missing: bool = False
    """Whether a property that the row lacks is no error."""


FUNCTIONS: Final[dict[bytes, Function]] = {}
"""By name in lower case."""


def function(name: str, least: int, most: int, *, error: str = "", takes_missing: bool = False) -> Callable[[Run], Run]:
    """Register one that takes so many arguments."""

    def declare(run: Run) -> Run:
        def counted(arguments: Arguments, row: Row) -> Value:
            if not least <= len(arguments) <= most:
                raise CommandError(error or f"Invalid arguments for function '{name}'")
            return run(arguments, row)

        FUNCTIONS[name.encode()] = Function(counted, takes_missing)
        return run

    return declare


# Numbers.


def _mathematical(name: str, compute: Callable[[float], float], real_name: str = "") -> None:
    @function(name, 1, 1, error=f"Invalid number of arguments for {real_name or name}")
    def run(arguments: Arguments, row: Row) -> Value:
        value = number(arguments[0])
        return NAN if value is None else compute(value)


def _logarithm(compute: Callable[[float], float]) -> Callable[[float], float]:
    def run(value: float) -> float:
        if value > 0:
            return compute(value)
        return value if value != value else -math.inf if not value else math.copysign(NAN, -1.0)

    return run


def _exponential(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _rounded(compute: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(compute(value)) if math.isfinite(value) else value


_mathematical("log", _logarithm(math.log))
_mathematical("log2", _logarithm(math.log2))
_mathematical("exp", _exponential)
_mathematical("floor", _rounded(math.floor))
_mathematical("ceil", _rounded(math.ceil))
_mathematical("abs", abs, "fabs")
_mathematical("sqrt", lambda value: math.copysign(NAN, -1.0) if value < 0 else math.sqrt(value))


# Texts.


@function("lower", 1, 1)
def _lower(arguments: Arguments, row: Row) -> Value:
    """ASCII letters only."""
    value = arguments[0]
    return value.lower() if isinstance(value, bytes) else None


@function("upper", 1, 1)
def _upper(arguments: Arguments, row: Row) -> Value:
    value = arguments[0]
    return value.upper() if isinstance(value, bytes) else None


@function("substr", 3, 3)
def _substr(arguments: Arguments, row: Row) -> Value:
    """A negative offset counts from the end; a negative length leaves so many bytes at the end."""
    offset, length = (int(_bounded(arguments.a_number("substr", index))) for index in (1, 2))
    value = arguments[0]
    if not isinstance(value, bytes):
        raise CommandError("Invalid type for substr. Expected string")
    size = len(value)
    if offset < 0:
        offset += size
    if not 0 <= offset <= size:  # also before the beginning
        offset = size
    if length < 0:
        length = max(0, size - offset + length)
    return value[offset : offset + length]


def _bounded(value: float) -> float:
    """What C's int holds; what has no room, and a nan, are its least."""
    return value if -2147483648.0 <= value < 2147483648.0 else -2147483648.0


@function("format", 1, 1 << 30, error="Need at least one argument for format")
def _format(arguments: Arguments, row: Row) -> Value:
    """`%s` and `%%`."""
    if not isinstance(arguments[0], bytes):
        arguments.texts("format")
    pieces = iter(text(arguments[0]).split(b"%"))
    result = [next(pieces)]
    values = iter(arguments[1:])
    for piece in pieces:
        if piece:
            try:
                value = next(values)
            except StopIteration:
                raise CommandError("Not enough arguments for format") from None
            if piece[:1] != b"s":
                raise CommandError("Unknown format specifier passed")
            result.append((b"(null)" if value is None else text(value)) + piece[1:])
        else:  # two in a row, or the last character
            after = next(pieces, None)
            if after is None:
                raise CommandError("Bad format string!")
            result.append(b"%" + after)
    return b"".join(result)


@function("split", 1, 3, error="Invalid number of arguments for split")
def _split(arguments: Arguments, row: Row) -> Value:
    """Cut at any of some bytes; of each part others are taken off its ends, and empty parts go."""
    subject, *rest = arguments.texts("split")
    separators, stripped = [*rest, b",", b" "][0], rest[1] if len(rest) == 2 else b" "
    parts = [subject]
    for separator in separators.partition(b"\0")[0]:
        parts = [piece for part in parts for piece in part.split(bytes((separator,)))]
    found = (part.strip(stripped) if stripped else part for part in parts)
    return [part for part in found if part][:1024]


@function("matched_terms", 0, 1 << 30)
def _matched_terms(arguments: Arguments, row: Row) -> Value:
    """The words of the query that the document has."""
    limit = 100
    if len(arguments) == 1:
        wanted = number(arguments[0])
        if wanted is not None and 1 <= wanted <= 100:
            limit = int(wanted)
    return [*row.terms[:limit]] or None


@function("to_number", 1, 1)
def _to_number(arguments: Arguments, row: Row) -> Value:
    value = number(arguments[0])
    if value is None:
        shown = arguments[0].decode("utf-8", "surrogateescape") if isinstance(arguments[0], bytes) else "(null)"
        raise CommandError(f"to_number: cannot convert string '{shown}'")
    return value


@function("to_str", 1, 1)
def _to_str(arguments: Arguments, row: Row) -> Value:
    return text(arguments[0])


@function("exists", 1, 1, takes_missing=True)
def _exists(arguments: Arguments, row: Row) -> Value:
    """Of anything but a property that the row lacks."""
    return 1.0


@function("startswith", 2, 2)
def _startswith(arguments: Arguments, row: Row) -> Value:
    subject, prefix = arguments.texts("startswith")
    return 1.0 if subject.startswith(prefix) else 0.0


@function("contains", 2, 2)
def _contains(arguments: Arguments, row: Row) -> Value:
    """How often; occurrences may overlap."""
    subject, part = arguments.texts("contains")
    count, at = 0, subject.find(part)
    while at >= 0:
        count += 1
        at = subject.find(part, at + 1)
    return float(count)


@function("strlen", 1, 1)
def _strlen(arguments: Arguments, row: Row) -> Value:
    return float(len(arguments.texts("strlen")[0]))


# Times, in seconds since 1970.


def _moment(value: Value) -> Moment | None:
    seconds = number(value)
    return None if seconds is None or not math.isfinite(seconds) else moment(int(seconds))


@function("timefmt", 1, 2, error="Invalid arguments for function 'time'")
def _timefmt(arguments: Arguments, row: Row) -> Value:
    format = arguments.a_text("time", 1) if len(arguments) == 2 else b"%FT%TZ"
    when = _moment(arguments[0])
    if when is None:
        return None
    printed = print_time(format.decode("utf-8", "surrogateescape"), when).encode("utf-8", "surrogateescape")
    return printed if 0 < len(printed) < 1024 else None


@function("parsetime", 2, 2)
def _parsetime(arguments: Arguments, row: Row) -> Value:
    subject, format = (value.decode("utf-8", "surrogateescape") for value in arguments.texts("parsetime"))
    seconds = parse_time(subject, format)
    return None if seconds is None else float(seconds)


def _of_time(name: str, compute: Callable[[Moment], float]) -> None:
    @function(name, 1, 1)
    def run(arguments: Arguments, row: Row) -> Value:
        seconds = number(arguments[0])
        when = None if seconds is None or seconds < 0 else _moment(seconds)
        return None if when is None else float(compute(when))


def _beginning(when: Moment, days: int, hour: int = 0) -> int:
    """The time after so many days of a year; as the real module counts, each fourth year is a leap year."""
    first = seconds_of(1970, 0, 1, 0, 0, 0) + (when.year - 1970) * 365 * 86400 + (when.year - 1969) // 4 * 86400
    return first + days * 86400 + hour * 3600


_of_time("hour", lambda when: _beginning(when, when.yearday, when.hour))
_of_time("day", lambda when: _beginning(when, when.yearday))
_of_time("month", lambda when: _beginning(when, when.yearday - when.day + 1))
_of_time("monthofyear", lambda when: when.month)
_of_time("year", lambda when: when.year)
_of_time("dayofmonth", lambda when: when.day)
_of_time("dayofweek", lambda when: when.weekday)
_of_time("dayofyear", lambda when: when.yearday)


@function("minute", 1, 1)
def _minute(arguments: Arguments, row: Row) -> Value:
    seconds = number(arguments[0])
    if seconds is None or seconds < 0:
        return None
    return seconds - seconds % 60 if math.isfinite(seconds) else math.copysign(NAN, -1.0)


# Places.


class _NoPlace(Exception):
    """Something that is no point of the earth, without an error."""


def _place(value: Value) -> Point:
    """`longitude,latitude`, or with a blank between."""
    if not isinstance(value, bytes):
        raise _NoPlace
    longitude_text, comma, latitude_text = value.replace(b" ", b",", 1).partition(b",")
    longitude, latitude = number(longitude_text), number(latitude_text)
    if longitude is None or latitude is None:
        raise CommandError("Invalid geo string")
    if not comma:
        raise _NoPlace
    return Point(longitude, latitude)


def _coordinates(longitude: Value, latitude: Value) -> Point:
    degrees = number(longitude), number(latitude)
    if degrees[0] is None or degrees[1] is None:
        raise _NoPlace
    return Point(degrees[0], degrees[1])


@function("geodistance", 2, 4)
def _geodistance(arguments: Arguments, row: Row) -> Value:
    """Metres, to the centimetre; each place is a text or two numbers."""
    try:
        if len(arguments) == 2:
            one, other = _place(arguments[0]), _place(arguments[1])
        elif len(arguments) == 4:
            one, other = _coordinates(*arguments[:2]), _coordinates(*arguments[2:])
        elif number(arguments[0]) is None:
            one, other = _place(arguments[0]), _coordinates(*arguments[1:])
        else:
            one, other = _coordinates(*arguments[:2]), _place(arguments[2])
    except _NoPlace:
        return NAN
    return math.floor(distance(one, other) * 100 + 0.5) / 100

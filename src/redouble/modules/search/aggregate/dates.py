"""Dates of the expressions: gmtime, timegm, strftime and strptime as the C library has them, in its "C" locale and UTC.

Python's own would depend on the platform, and know no years beyond 9999.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

__all__ = ["Moment", "moment", "parse_time", "print_time", "seconds_of"]

_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_YEAR_LIMIT: Final = 1 << 31


class Moment(NamedTuple):
    """A time broken down; `month`, `weekday` (Sunday is 0) and `yearday` count from zero."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    weekday: int
    yearday: int


def _days_before(year: int, month: int) -> int:
    """Days from 1970 to the first of a month, in the calendar of today (Howard Hinnant's days_from_civil)."""
    year, month = year + month // 12, month % 12 + 1
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    yearday = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + yearday - 719468


def moment(seconds: int) -> Moment | None:
    """gmtime; None if the year has no room in it."""
    days, second = divmod(seconds, 86400)
    era, day_of_era = divmod(days + 719468, 146097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    yearday = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * yearday + 2) // 153
    day = yearday - (153 * month + 2) // 5 + 1
    month += 2 if month < 10 else -10
    year = era * 400 + year_of_era + (month <= 1)
    if not -_YEAR_LIMIT <= year - 1900 < _YEAR_LIMIT:
        return None
    hour, second = divmod(second, 3600)
    return Moment(year, month, day, hour, *divmod(second, 60), (days + 4) % 7, days - _days_before(year, 0))


def seconds_of(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """timegm; what is too large is carried over."""
    return (_days_before(year, month) + day - 1) * 86400 + hour * 3600 + minute * 60 + second


# Printing.


def _iso_week(when: Moment) -> tuple[int, int]:
    """The year and the week that begins on Monday and has a Thursday."""
    year, week = when.year, (when.yearday - (when.weekday - 1) % 7 + 10) // 7
    if week < 1:
        year -= 1
        week = _iso_weeks(year)
    elif week > _iso_weeks(year):
        year, week = year + 1, 1
    return year, week


def _iso_weeks(year: int) -> int:
    last = (_days_before(year, 12) + 3) % 7  # the weekday of the last day
    return 53 if last == 4 or (last == 5 and _days_before(year, 12) - _days_before(year, 0) == 366) else 52


_PRINTED: Final[dict[str, Callable[[Moment], str]]] = {
    "a": lambda when: _DAYS[when.weekday][:3],
    "A": lambda when: _DAYS[when.weekday],
    "b": lambda when: _MONTHS[when.month][:3],
    "B": lambda when: _MONTHS[when.month],
    "C": lambda when: f"{when.year // 100:02}",
    "d": lambda when: f"{when.day:02}",
    "e": lambda when: f"{when.day:2}",
    "g": lambda when: f"{_iso_week(when)[0] % 100:02}",
    "G": lambda when: f"{_iso_week(when)[0]}",
    "H": lambda when: f"{when.hour:02}",
    "I": lambda when: f"{when.hour % 12 or 12:02}",
    "j": lambda when: f"{when.yearday + 1:03}",
    "k": lambda when: f"{when.hour:2}",
    "l": lambda when: f"{when.hour % 12 or 12:2}",
    "m": lambda when: f"{when.month + 1:02}",
    "M": lambda when: f"{when.minute:02}",
    "n": lambda when: "\n",
    "p": lambda when: "PM" if when.hour >= 12 else "AM",
    "P": lambda when: "pm" if when.hour >= 12 else "am",
    "s": lambda when: f"{seconds_of(*when[:6])}",
    "S": lambda when: f"{when.second:02}",
    "t": lambda when: "\t",
    "u": lambda when: f"{when.weekday or 7}",
    "U": lambda when: f"{(when.yearday - when.weekday + 7) // 7:02}",
    "V": lambda when: f"{_iso_week(when)[1]:02}",
    "w": lambda when: f"{when.weekday}",
    "W": lambda when: f"{(when.yearday - (when.weekday - 1) % 7 + 7) // 7:02}",
    "y": lambda when: f"{when.year % 100:02}",
    "Y": lambda when: f"{when.year}",
    "z": lambda when: "+0000",
    "Z": lambda when: "GMT",
    "%": lambda when: "%",
}
_COMPOSED: Final = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "h": "%b",
    "r": "%I:%M:%S %p",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
}


def print_time(format: str, when: Moment) -> str:
    """strftime; a directive that it does not know stays as it is."""

    def directive(match: re.Match[str]) -> str:
        flags, width, letter = match.groups()
        if letter in _COMPOSED:
            printed = print_time(_COMPOSED[letter], when)
        elif letter in _PRINTED:
            printed = _PRINTED[letter](when)
        else:
            return match[0]
        is_number = printed.lstrip(" -").isdecimal()
        if is_number and ("-" in flags or "_" in flags):
            bare = printed.lstrip("0 ") or "0"
            printed = bare if "-" in flags else bare.rjust(len(printed))
        if "^" in flags or "#" in flags:
            printed = printed.lower() if "#" in flags and letter in "pZ" else printed.upper()
        return printed.rjust(int(width[:4] or 0), "0" if "0" in flags or (is_number and "_" not in flags) else " ")

    return _DIRECTIVE.sub(directive, format)


_DIRECTIVE: Final = re.compile(r"%([-_0^#]*)([0-9]*)[EO]?(.)", re.DOTALL)


# Reading.


class _Mismatch(Exception):
    """The text is not of that format."""


class _Parser:
    """What strptime knows while it reads."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.year, self.month, self.day, self.hour, self.minute, self.second = 1900, 0, 0, 0, 0, 0
        self.yearday: int | None = None
        self.century: int | None = None
        self.knows_month = self.knows_day = self.knows_year_of_century = self.is_half_day = self.is_afternoon = False

    def skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def integer(self, least: int, most: int, digits: int) -> int:
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        number, start = 0, self.at
        while self.at - start < digits and self.text[self.at : self.at + 1].isdecimal() and number * 10 <= most:
            number = number * 10 + int(self.text[self.at])
            self.at += 1
        if self.at == start or not least <= number <= most:
            raise _Mismatch
        return number

    def word(self, words: tuple[str, ...]) -> int:
        """Which of the words stands here, in full or its first three letters."""
        rest = self.text[self.at :].lower()
        for index, word in enumerate(words):
            for form in (word, word[:3]):
                if rest.startswith(form.lower()):
                    self.at += len(form)
                    return index
        raise _Mismatch

    def read(self, format: str) -> None:
        characters = iter(format)
        for character in characters:
            if character.isspace():
                self.skip_blanks()
            elif character == "%":
                self.directive(characters)
            elif self.text[self.at : self.at + 1] == character:
                self.at += 1
            else:
                raise _Mismatch

    def directive(self, characters: Iterator[str]) -> None:
        letter = next(characters, "")
        while letter and letter in "-_0^#EO":  # flags and modifiers say nothing here
            letter = next(characters, "")
        if letter in _COMPOSED and letter != "h":
            self.read(_COMPOSED[letter])
        elif letter in ("n", "t"):
            self.skip_blanks()
        elif letter == "%":
            if self.text[self.at : self.at + 1] != "%":
                raise _Mismatch
            self.at += 1
        elif letter in ("a", "A"):
            self.word(_DAYS)
        elif letter in ("b", "B", "h"):
            self.month, self.knows_month = self.word(_MONTHS), True
        elif letter == "p":
            self.is_afternoon = self.word(("AM", "PM")) == 1
        elif letter == "z":
            self.zone()
        elif letter == "s":
            self.epoch()
        elif letter != "Z":
            self.number(letter)

    def number(self, letter: str) -> None:
        if letter == "C":
            self.century = self.integer(0, 99, 2)
        elif letter in ("d", "e"):
            self.day, self.knows_day = self.integer(1, 31, 2), True
        elif letter in ("H", "k"):
            self.hour, self.is_half_day = self.integer(0, 23, 2), False
        elif letter in ("I", "l"):
            self.hour, self.is_half_day = self.integer(1, 12, 2) % 12, True
        elif letter == "j":
            self.yearday = self.integer(1, 366, 3) - 1
        elif letter == "m":
            self.month, self.knows_month = self.integer(1, 12, 2) - 1, True
        elif letter == "M":
            self.minute = self.integer(0, 59, 2)
        elif letter == "S":
            self.second = self.integer(0, 61, 2)
        elif letter == "y":
            year = self.integer(0, 99, 2)
            self.year, self.knows_year_of_century = year + (1900 if year >= 69 else 2000), True
        elif letter == "Y":
            self.year, self.knows_year_of_century, self.century = self.integer(0, 9999, 4), False, None
        elif letter in _UNUSED:
            self.integer(*_UNUSED[letter])
        else:
            raise _Mismatch

    def zone(self) -> None:
        """`+hh`, `+hhmm`, `+hh:mm` or Z; it changes nothing."""
        self.skip_blanks()
        sign = self.text[self.at : self.at + 1]
        self.at += 1
        if sign == "Z":
            return
        if sign not in ("+", "-") or not sign:
            raise _Mismatch
        self.integer(0, 99, 2)
        if self.text[self.at : self.at + 1] == ":":
            self.at += 1
        if self.text[self.at : self.at + 2].isdecimal():
            self.integer(0, 59, 2)

    def epoch(self) -> None:
        start = self.at
        while self.text[self.at : self.at + 1].isdecimal():
            self.at += 1
        when = moment(int(self.text[start : self.at])) if start < self.at < start + 20 else None
        if when is None:
            raise _Mismatch
        self.year, self.month, self.day, self.hour, self.minute, self.second = when[:6]

    def seconds(self) -> int:
        hour = self.hour + 12 * (self.is_half_day and self.is_afternoon)
        year, month, day = self.year, self.month, self.day
        if self.century is not None:
            year = self.century * 100 + (year % 100 if self.knows_year_of_century else 0)
        if self.yearday is not None and not (self.knows_month and self.knows_day):
            when = moment((_days_before(year, 0) + self.yearday) * 86400)
            if when is not None:
                month = month if self.knows_month else when.month
                day = day if self.knows_day else when.day
        return seconds_of(year, month, day, hour, self.minute, self.second)


_UNUSED: Final = {
    "u": (1, 7, 1),
    "w": (0, 6, 1),
    "U": (0, 53, 2),
    "V": (0, 53, 2),
    "W": (0, 53, 2),
    "g": (0, 99, 2),
    "G": (0, 9999, 4),
}
"""Weeks and weekdays: least, most and digits; they say nothing of a date."""


def parse_time(text: str, format: str) -> int | None:
    """strptime and timegm; what follows in the text is ignored, None if it is of another format."""
    parser = _Parser(text)
    try:
        parser.read(format)
    except _Mismatch:
        return None
    return parser.seconds()

"""Redis's glob: what KEYS, SCAN, PSUBSCRIBE and CONFIG GET mean by a pattern (stringmatchlen).

    *  any bytes      ?  any byte      [abc] [a-c] [^a]  one byte of a class      \\x  the byte x itself

Nothing is ever wrong with a pattern: a class that is not closed ends with the pattern, a backslash at the end stands
for itself, and so on.  Everything but `*` takes exactly one byte, so a pattern is a row of elements with stars between
them, and matching needs no backtracking: all positions in the pattern that are possible after a byte of the text are
the bits of one integer.  The cost is O(len(text) * len(pattern) / 64) at worst.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["compile_glob"]

Matcher: TypeAlias = Callable[[bytes], bool]
Element: TypeAlias = int
"""The bytes that one place of the text may hold: bit n stands for byte n."""

_ANY: Element = (1 << 256) - 1
_NONE: Element = 0
_SPECIAL = frozenset(b"*?[\\")
_MOST_STARS = 1000


def compile_glob(pattern: bytes, nocase: bool = False) -> Matcher:
    """A function that says whether a text matches `pattern`; with `nocase`, ASCII letters match in either case.

    The empty text matches only the empty pattern: not `*` either, which KEYS and SCAN never ask about.
    """
    if not nocase and _SPECIAL.isdisjoint(pattern):
        return pattern.__eq__
    segments = _parse(pattern, nocase)
    if len(segments) > _MOST_STARS + 2 or (len(segments) == _MOST_STARS + 2 and segments[-1]):
        segments = _cut(segments)
    if all(_is_one_byte(element) for segment in segments for element in segment):
        return _literals([_literal(segment) for segment in segments])
    return _general(segments)


def _parse(pattern: bytes, nocase: bool) -> list[list[Element]]:
    """The elements, cut at each row of stars."""
    segments: list[list[Element]] = [[]]
    position, end = 0, len(pattern)
    while position < end:
        byte = pattern[position]
        position += 1
        if byte == 0x2A:  # *
            if segments[-1] or len(segments) == 1:
                segments.append([])
        elif byte == 0x3F:  # ?
            segments[-1].append(_ANY)
        elif byte == 0x5B:  # [
            element, position = _parse_class(pattern, position, nocase)
            segments[-1].append(element)
        else:
            if byte == 0x5C and position < end:  # a backslash
                byte = pattern[position]
                position += 1
            segments[-1].append(_either_case(byte) if nocase else 1 << byte)
    return segments


def _parse_class(pattern: bytes, position: int, nocase: bool) -> tuple[Element, int]:
    """The class whose `[` stands before `position`, and where it ends."""
    end = len(pattern)
    element = _NONE
    negated = pattern[position : position + 1] == b"^"
    position += negated
    while position < end and (byte := pattern[position]) != 0x5D:  # ]
        left = end - position
        if byte == 0x5C and left >= 2:  # what is escaped is meant in this very case
            element |= 1 << pattern[position + 1]
            position += 2
        elif left >= 3 and pattern[position + 1] == 0x2D:  # a-c; the end may be anything, even ]
            element |= _range(byte, pattern[position + 2], nocase)
            position += 3
        else:
            element |= _either_case(byte) if nocase else 1 << byte
            position += 1
    return (_ANY ^ element if negated else element), position + 1


@functools.lru_cache(maxsize=1024)
def _range(first: int, last: int, nocase: bool) -> Element:
    """`a-c`, or `c-a`.  Bytes are signed here: `\\x80` is the lowest and `\\x7f` the highest."""
    low, high = sorted((_signed(first), _signed(last)))
    if nocase:
        low, high = _lower(low), _lower(high)
        return sum(1 << byte for byte in range(256) if low <= _lower(_signed(byte)) <= high)
    return sum(1 << byte for byte in range(256) if low <= _signed(byte) <= high)


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _lower(byte: int) -> int:
    return byte + 32 if 0x41 <= byte <= 0x5A else byte


def _either_case(byte: int) -> Element:
    lower = _lower(byte)
    return 1 << lower | 1 << lower - 32 if 0x61 <= lower <= 0x7A else 1 << byte


def _is_one_byte(element: Element) -> bool:
    return element != _NONE and element & element - 1 == 0


def _literal(segment: list[Element]) -> bytes:
    return bytes(element.bit_length() - 1 for element in segment)


def _cut(segments: list[list[Element]]) -> list[list[Element]]:
    """Beyond its 1000th star a pattern matches nothing (the servers' protection of their stack)."""
    return [*segments[: _MOST_STARS + 1], [_NONE]]


def _literals(segments: list[bytes]) -> Matcher:
    """A pattern without `?` and classes: stars between literals, which the search for substrings does best."""
    if len(segments) == 1:
        return segments[0].__eq__
    head, *middle, tail = segments
    least = len(head) + len(tail)
    if not middle:
        if not tail:
            return (lambda text: text.startswith(head)) if head else bool
        if not head:
            return lambda text: text.endswith(tail)
        return lambda text: len(text) >= least and text.startswith(head) and text.endswith(tail)
    if len(middle) == 1 and not head and not tail:
        infix = middle[0]
        return lambda text: infix in text

    def matches(text: bytes) -> bool:
        if len(text) < least or not text.startswith(head) or not text.endswith(tail):
            return False
        position, end = len(head), len(text) - len(tail)
        for literal in middle:
            found = text.find(literal, position, end)
            if found < 0:
                return False
            position = found + len(literal)
        return True

    return matches


class _Takes(dict[int, int]):
    """For each byte of a text, filled at its first use: bit i + 1 is set where element i takes it."""

    def __init__(self, elements: list[Element]) -> None:
        self.elements = elements[::-1]

    def __missing__(self, byte: int) -> int:
        bits = self[byte] = int("".join(["1" if element >> byte & 1 else "0" for element in self.elements]) + "0", 2)
        return bits


def _general(segments: list[list[Element]]) -> Matcher:
    """Any pattern: bit i of `possible` is set while the text so far may have been taken by the first i elements."""
    elements = [element for segment in segments for element in segment]
    count = len(elements)
    takes = _Takes(elements)
    # Bit i of `stays`: a star stands before element i, so whatever comes leaves this place possible.
    bits = ["0"] * (count + 1)
    place = count
    for segment in segments[:-1]:
        place -= len(segment)
        bits[place] = "1"
    stays = int("".join(bits), 2)
    accepted = 1 << count
    head = _literal(list(itertools.takewhile(_is_one_byte, segments[0])))

    def matches(text: bytes) -> bool:
        size = len(text)
        if size < count or (size > count and not stays) or not text.startswith(head):
            return False
        possible = 1
        for byte in text:
            possible = possible << 1 & takes[byte] | possible & stays
            if not possible:
                return False
        return bool(possible & accepted)

    return matches

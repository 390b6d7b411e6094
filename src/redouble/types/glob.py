"""Glob patterns as KEYS, SCAN MATCH and PSUBSCRIBE read them (stringmatchlen).

    *  any bytes    ?  one byte    [abc] [a-z] [^x]  one of these bytes    \\x  the byte x

A pattern is cut at its stars.  Every piece matches a fixed number of bytes, so taking the leftmost place for each
piece in turn is enough, and no pattern can make the search explode: a piece of plain bytes is found by `bytes.find`,
one with wildcards by a single walk over the text, with one bit for each byte of the piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

__all__ = ["Matcher", "compile_glob"]

Matcher: TypeAlias = Callable[[bytes], bool]
_ANY = frozenset(range(256))
_ONE = [frozenset((byte,)) for byte in range(256)]
_BOTH_CASES = [frozenset(bytes((byte,)).lower() + bytes((byte,)).upper()) for byte in range(256)]
_MOST_STARS = 1000
"""Real servers (since 6.2.16, 7.2.6 and 7.4.1) nest no deeper, and then there is no match."""


@lru_cache(maxsize=512)
def compile_glob(pattern: bytes, ignore_case: bool = False) -> Matcher:
    """A function that tells whether a text matches.

    The empty text matches only the empty pattern and `*` alone, which KEYS and SCAN take as "no pattern at all".
    """
    if pattern == b"*":
        return lambda text: True
    pieces = list(_cut(pattern, ignore_case))
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return lambda text: len(text) == first.length and first.fits(text, 0)
    if len(pieces) - 1 - (last.length == 0) > _MOST_STARS:
        return lambda text: False
    if len(pieces) == 2:
        before, after = first.plain, last.plain
        if after == b"" and before:
            return lambda text: text.startswith(before)
        if before == b"" and after:
            return lambda text: text.endswith(after)
    elif len(pieces) == 3 and first.length == last.length == 0 and (inside := pieces[1].plain) is not None:
        return lambda text: inside in text
    return _Starred(pieces).matches


class _Piece:
    """What stands between two stars: for each byte of the text the bytes that it may be."""

    __slots__ = ("_bits", "choices", "length", "plain")

    def __init__(self, choices: list[frozenset[int]]) -> None:
        self.choices = choices
        self.length = len(choices)
        self.plain = bytes(min(choice) for choice in choices) if all(len(c) == 1 for c in choices) else None
        self._bits: list[int] | None = None

    def fits(self, text: bytes, at: int) -> bool:
        """Whether it matches right here.  The text must be long enough."""
        if self.plain is not None:
            return text.startswith(self.plain, at)
        return all(byte in choice for byte, choice in zip(text[at : at + self.length], self.choices, strict=True))

    def find(self, text: bytes, start: int, stop: int) -> int:
        """The first place within [start, stop), or -1."""
        if self.plain is not None:
            return text.find(self.plain, start, stop)
        bits = self._bits
        if bits is None:
            bits = self._bits = self._make_bits()
        last = 1 << (self.length - 1)
        begun = 0  # bit i: the first i + 1 bytes of the piece match what was just read
        for at in range(start, stop):
            begun = (begun << 1 | 1) & bits[text[at]]
            if begun & last:
                return at + 1 - self.length
        return -1

    def _make_bits(self) -> list[int]:
        """For each byte the places in the piece where it may stand."""
        places: dict[frozenset[int], bytearray] = {}
        for i, choice in enumerate(self.choices):
            places.setdefault(choice, bytearray(self.length // 8 + 1))[i >> 3] |= 1 << (i & 7)
        bits = [0] * 256
        for choice, array in places.items():
            mask = int.from_bytes(array, "little")
            for byte in choice:
                bits[byte] |= mask
        return bits


class _Starred:
    """A pattern with stars."""

    __slots__ = ("first", "last", "middle", "shortest")

    def __init__(self, pieces: list[_Piece]) -> None:
        self.first, *self.middle, self.last = pieces
        self.shortest = max(sum(piece.length for piece in pieces), 1)

    def matches(self, text: bytes) -> bool:
        length = len(text)
        if length < self.shortest:
            return False
        stop = length - self.last.length
        if not (self.first.fits(text, 0) and self.last.fits(text, stop)):
            return False
        at = self.first.length
        for piece in self.middle:
            at = piece.find(text, at, stop)
            if at < 0:
                return False
            at += piece.length
        return True


def _cut(pattern: bytes, ignore_case: bool) -> Iterator[_Piece]:
    """The pieces between the stars; several stars in a row are one."""
    alone = _BOTH_CASES if ignore_case else _ONE
    choices: list[frozenset[int]] = []
    at, end = 0, len(pattern)
    while at < end:
        byte = pattern[at]
        at += 1
        if byte == 0x2A:  # *
            yield _Piece(choices)
            choices = []
            while pattern[at : at + 1] == b"*":
                at += 1
        elif byte == 0x3F:  # ?
            choices.append(_ANY)
        elif byte == 0x5B:  # [
            choice, at = _class(pattern, at, ignore_case)
            choices.append(choice)
        elif byte == 0x5C and at < end:  # a backslash at the very end stands for itself
            choices.append(alone[pattern[at]])
            at += 1
        else:
            choices.append(alone[byte])
    yield _Piece(choices)


def _class(pattern: bytes, at: int, ignore_case: bool) -> tuple[frozenset[int], int]:
    """The bytes of the class that begins at `at`, and where the pattern goes on.

    An unclosed class ends with the pattern.  `]` ends it wherever it stands, but as the end of a range it is one of its
    bytes.  Ranges may be written backwards, and count in signed chars; only an escaped byte keeps its case.
    """
    alone = _BOTH_CASES if ignore_case else _ONE
    end = len(pattern)
    choice: set[int] = set()
    inverted = pattern[at : at + 1] == b"^"
    at += inverted
    while at < end:
        byte = pattern[at]
        if byte == 0x5C and end - at >= 2:
            choice.add(pattern[at + 1])
            at += 2
        elif byte == 0x5D:  # ]
            at += 1
            break
        elif end - at >= 3 and pattern[at + 1] == 0x2D:  # -
            choice |= _range(byte, pattern[at + 2], ignore_case)
            at += 3
        else:
            choice |= alone[byte]
            at += 1
    return (_ANY - choice if inverted else frozenset(choice)), at


def _range(low: int, high: int, ignore_case: bool) -> set[int]:
    low, high = sorted((_signed(low), _signed(high)))
    if not ignore_case:
        return {byte & 255 for byte in range(low, high + 1)}
    low, high = _lower(low), _lower(high)
    return {byte for byte in range(256) if low <= _lower(_signed(byte)) <= high}


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte

"""HIGHLIGHT and SUMMARIZE: the words of a field that a query has found, between tags, and the parts of the field around them.

Words that are near each other make a fragment.  A summary shows the best fragments, in the order of the text, with some words around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from redouble.modules.search.arguments import Arguments
from redouble.modules.search.plans import Record
from redouble.modules.search.text.tokens import SEPARATOR_BYTES

__all__ = ["Marks", "Style", "fragments", "highlighted", "matches", "read_marks", "summarized"]

FARTHEST: Final = 8
"""How many words may be between two of one fragment."""
WORD_LENGTH: Final = 6
"""What a word is thought to have, where lengths are given in words."""
SPACES: Final = frozenset(b" \t\n\v\f\r")


@dataclass
class Style:
    """What is done to a field."""

    tags: tuple[bytes, bytes] | None = None
    """None: nothing is highlighted."""
    summarizes: bool = False
    count: int = 3
    """FRAGS."""
    length: int = 20
    """LEN, in words."""
    separator: bytes = b"... "


@dataclass
class Marks:
    """HIGHLIGHT and SUMMARIZE of one command."""

    default: Style = field(default_factory=Style)
    """That of the fields that are not named."""
    named: dict[bytes, Style] = field(default_factory=dict)

    def of(self, name: bytes) -> Style | None:
        """What is done to a field; None: nothing."""
        if not self.named:
            return self.default
        own = self.named.get(name)
        if own is None:
            return None
        both = Style(own.tags or self.default.tags, own.summarizes or self.default.summarizes)
        source = own if own.summarizes else self.default
        both.count, both.length, both.separator = source.count, source.length, source.separator
        return both


def read_marks(words: Arguments, marks: Marks, highlights: bool) -> bool:
    """Read what follows HIGHLIGHT (or SUMMARIZE); whether it is well written."""
    names: list[bytes] = []
    given = Style()
    tags = b"<b>", b"</b>"
    if words.has(b"FIELDS"):
        count = _count(words)
        if count is None or count > len(words):
            return False
        names = [words.next() for _ in range(count)]
    while True:
        if highlights and words.has(b"TAGS"):
            if len(words) < 2:
                return False
            tags = words.next(), words.next()
        elif not highlights and (words.has(b"LEN") or words.has(b"FRAGS")):
            attribute = "length" if words.previous().upper() == b"LEN" else "count"
            count = _count(words)
            if count is None:
                return False
            setattr(given, attribute, count)
        elif not highlights and words.has(b"SEPARATOR"):
            if not words:
                return False
            given.separator = words.next()
        else:
            break
    for style in [marks.named.setdefault(name, Style()) for name in names] or [marks.default]:
        if highlights:
            style.tags = tags
        else:
            style.summarizes = True
            style.count, style.length, style.separator = given.count, given.length, given.separator
    return True


def _count(words: Arguments) -> int | None:
    number = words.number_of(words.next()) if words else None
    return int(number) if number is not None and number >= 0 and number.is_integer() else None


# Where the words of a query are.


def matches(record: Record) -> Iterator[tuple[int, Record]]:
    """The places of the words that were found, in order, each with its term."""
    found = [(position, order, term) for order, term in enumerate(_terms(record)) for position in term.places()]
    for position, _, term in sorted(found, key=lambda match: match[:2]):
        yield position, term


def _terms(record: Record) -> Iterator[Record]:
    if record.children is None:
        if record.term is not None:
            yield record
    else:
        for child in record.children:
            yield from _terms(child)


@dataclass
class Fragment:
    """Words near each other; all numbers are bytes of the text but for those of words."""

    start: int
    end: int = 0
    words: list[tuple[int, int]] = field(default_factory=list)
    """Where each of the words found begins and ends."""
    terms: set[bytes | None] = field(default_factory=set)
    score: float = 0.0
    last: int = 0
    """The place of the last word found."""
    total: int = 0
    """How many words it has, with those between."""


def fragments(text: bytes, starts: Mapping[int, int], found: Iterable[tuple[int, Record]]) -> list[Fragment]:
    """The fragments of a text, whose words at the places `starts` begin at these bytes."""
    made: list[Fragment] = []
    end, last = 0, None
    for position, term in found:
        start = starts.get(position)
        if start is None or position == last or start < end:
            continue
        fragment = made[-1] if made else None
        skipped = position - fragment.last - 1 if fragment else 0
        if fragment is None or position - fragment.last > FARTHEST:
            fragment, skipped = Fragment(start), 0
            made.append(fragment)
        end = start
        while end < len(text) and text[end] not in SEPARATOR_BYTES:
            end += 1
        if term.term not in fragment.terms:
            fragment.terms.add(term.term)
            fragment.score += term.idf
        fragment.words.append((start, end))
        fragment.end, fragment.last = end, position
        fragment.total += skipped + 1
        last = position
    return made


# What is made of them.


def highlighted(text: bytes, made: list[Fragment], tags: tuple[bytes, bytes]) -> bytes:
    """The whole text with tags around the words."""
    return _tagged(text, 0, len(text), [word for fragment in made for word in fragment.words], tags)


def _tagged(text: bytes, start: int, end: int, words: list[tuple[int, int]], tags: tuple[bytes, bytes]) -> bytes:
    parts, at = [], start
    for begin, stop in words:
        parts += [text[at:begin], tags[0], text[begin:stop], tags[1]]
        at = stop
    return b"".join(parts) + text[at:end]


def summarized(text: bytes, made: list[Fragment], style: Style) -> bytes:
    """The best fragments, or the beginning if there is none."""
    if not made:
        return _beginning(text, style)
    best = sorted(made, key=lambda fragment: -fragment.score)[: style.count]
    best.sort(key=lambda fragment: fragment.start)
    summary = b""
    for i, fragment in enumerate(best):
        before = best[i - 1].end if i else 0
        after = best[i + 1].start if i + 1 < len(best) else len(text) - 1
        start, end = _surroundings(text, fragment, before, after, style.length)
        shown = _tagged(text, start, end, fragment.words, style.tags or (b"", b""))
        summary += _single_spaces(shown) + style.separator
    return summary


def _surroundings(text: bytes, fragment: Fragment, before: int, after: int, length: int) -> tuple[int, int]:
    """Where a fragment begins and ends with some words around it, which are between two places."""
    length -= fragment.total - len(fragment.words)
    if length <= 0:
        return fragment.start, fragment.end
    width = length // 2 * WORD_LENGTH
    start, end = max(fragment.start - width, before), min(fragment.end + width, after)
    while start < fragment.start and text[start] not in SEPARATOR_BYTES:
        start += 1
    while start < fragment.start and text[start] in SEPARATOR_BYTES:
        start += 1
    while end > fragment.end and text[end] not in SEPARATOR_BYTES:
        end -= 1
    while end > fragment.end and text[end] in SEPARATOR_BYTES:
        end -= 1
    return start, end + 1


def _beginning(text: bytes, style: Style) -> bytes:
    text = _single_spaces(text[: WORD_LENGTH * (style.length * style.count + 1)])
    end = len(text)
    while end > 1 and text[end - 1] not in SEPARATOR_BYTES:
        end -= 1
    return text[:end].rstrip(bytes(SPACES))


def _single_spaces(text: bytes) -> bytes:
    """With one blank for each row of white space."""
    kept, space = bytearray(), False
    for byte in text:
        if byte not in SPACES:
            kept.append(byte)
        elif not space:
            kept.append(0x20)
        space = byte in SPACES
    return bytes(kept)

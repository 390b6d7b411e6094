"""Terms and tags that are like a text: that begin with it, with wildcards, or within a few changes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

__all__ = ["beginning_with", "fuzzy", "wildcard"]

Matcher = Callable[[bytes], object]


def beginning_with(prefix: bytes, ordered: Sequence[bytes]) -> Iterator[bytes]:
    """Those of some in order that begin with `prefix`.  O(log n) and those that it finds."""
    for i in range(bisect_left(ordered, prefix), len(ordered)):
        if not ordered[i].startswith(prefix):
            break
        yield ordered[i]


def wildcard(pattern: bytes) -> Matcher:
    """`?` is any character, `*` any number of them; a backslash takes their meaning."""
    parts: list[str] = []
    escaped = False
    for letter in pattern.decode("utf-8", "surrogateescape"):
        if escaped or letter not in "?*\\":
            parts.append(re.escape(letter))
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == "?":
            parts.append(".")
        elif not parts or parts[-1] != ".*":
            parts.append(".*")
    match = re.compile("".join(parts), re.DOTALL).fullmatch
    return lambda term: match(term.decode("utf-8", "surrogateescape"))


def fuzzy(text: bytes, most: int) -> Matcher:
    """Within `most` insertions, deletions and replacements of characters (Levenshtein).

    One more character at the end is overlooked, if some longer term could still be near enough.
    """
    wanted = text.decode("utf-8", "surrogateescape").lower()

    def is_near(term: bytes) -> bool:
        other = term.decode("utf-8", "surrogateescape").lower()
        if len(other) > len(wanted) + most + 1:
            return False
        row = list(range(len(wanted) + 1))
        was_near = len(wanted) == most
        for i, letter in enumerate(other, 1):
            if i > 1:
                was_near = row[-1] <= most
            previous, row[0] = row[0], i
            for j, mine in enumerate(wanted, 1):
                previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (mine != letter))
            if min(row) > most:
                return False
        return row[-1] <= most or (was_near and bool(other))

    return is_near

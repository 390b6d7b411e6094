"""In which order places are changed when what is done at one moves others: those inside others, and at higher indexes, first."""

from __future__ import annotations

import re
from typing import Final

from redouble.modules.json.path import Found, Place, keys_of

__all__ = ["inside_out", "to_remove"]


def inside_out(found: list[Found]) -> list[int]:
    """The positions of the places that were found, in the order in which to change them."""
    return sorted(range(len(found)), key=lambda i: _ranks(_way(found[i][1])))


def to_remove(places: list[Place], by_name: bool) -> list[Place]:
    """Places in that order, without those inside others; `by_name`: as RedisJSON before 8 knows them, by their texts."""
    if len(places) < 2:
        return places
    ways = [(_way(place), place) for place in places]
    keep = _outermost_by_name if by_name else _outermost
    return [place for _, place in sorted(keep(ways), key=lambda way: _ranks(way[0]))]


Way = tuple[str, ...]


def _way(place: Place) -> Way:
    return tuple(map(str, keys_of(place)))


_INDEX: Final = re.compile(r"\+?[0-9]+")
_UINT64_MAX: Final = (1 << 64) - 1
_END: Final = (2, 0, "")


def _ranks(way: Way) -> list[tuple[int, int, str]]:
    return [*map(_rank, way), _END]


def _rank(key: str) -> tuple[int, int, str]:
    """Names first, in order; then indexes, from the end; then what is shorter."""
    if _INDEX.fullmatch(key) and int(key) <= _UINT64_MAX:
        return 1, -int(key), ""
    return 0, 0, key


def _outermost(ways: list[tuple[Way, Place]]) -> list[tuple[Way, Place]]:
    known = dict(reversed(ways))
    return [(way, place) for way, place in known.items() if not any(way[:i] in known for i in range(1, len(way)))]


def _outermost_by_name(ways: list[tuple[Way, Place]]) -> list[tuple[Way, Place]]:
    """A place goes if the text of another is the beginning of its own: `fl` is taken for a part of `f`.

    The others are looked for before the place where a search finds it among all, which is not always the first of equals.
    """
    texts = sorted(",".join(way) for way, _ in ways)
    first_of: list[int] = []
    for i, text in enumerate(texts):
        begins = bool(first_of) and text.startswith(texts[first_of[-1]])
        first_of.append(first_of[-1] if begins else i)
    kept = []
    for way, place in ways:
        found = _search(texts, ",".join(way))
        if first_of[found] == found:
            kept.append((way, place))
    return kept


def _search(texts: list[str], text: str) -> int:
    """A binary search that ends with the first equal one it meets (Rust's, before 1.82)."""
    low, high = 0, len(texts)
    while True:
        middle = (low + high) // 2
        if texts[middle] == text:
            return middle
        if texts[middle] < text:
            low = middle + 1
        else:
            high = middle

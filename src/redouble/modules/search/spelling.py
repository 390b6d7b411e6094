"""FT.SPELLCHECK: the words of an index and of dictionaries that are near one that the index lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from redouble.modules.search.index.index import Index
from redouble.modules.search.patterns import fuzzy
from redouble.modules.search.query import tree
from redouble.modules.search.text.tokens import folded

__all__ = ["Suggestion", "is_known", "suggestions", "terms_of"]


@dataclass
class Suggestion:
    """A word, and how many documents have it."""

    word: bytes
    count: int


def terms_of(node: tree.Node) -> Iterator[tree.Term]:
    """The words of a query, from left to right."""
    if isinstance(node, tree.Term):
        yield node
    for child in tree.children(node):
        yield from terms_of(child)


def is_known(word: bytes, index: Index) -> bool:
    """Whether an index has a word, whatever its capitals."""
    if index.terms.get(word) is not None:
        return True
    wanted = folded(word)
    if wanted.isascii():
        return wanted != word and index.terms.get(wanted) is not None
    return any(folded(term) == wanted for term in index.terms.ordered())


def suggestions(
    term: tree.Term, index: Index, distance: int, dictionaries: Iterable[Collection[bytes]]
) -> list[Suggestion]:
    """What a word may have been meant to be: the most common ones first."""
    is_near = fuzzy(term.text, distance)
    mask = index.mask(term.fields)
    found: dict[bytes, int] = {}
    for word in filter(is_near, index.terms.ordered()):
        count = _count(index, word, mask)
        if count is not None:
            found[word] = count
    for words in dictionaries:
        for word in filter(is_near, words):
            count = _count(index, word, mask)
            if count is not None:
                found.setdefault(word, count)
    ordered = sorted(_by_best(sorted(found), found, 0), key=lambda word: -found[word])
    return [Suggestion(word, found[word]) for word in ordered]


def _count(index: Index, word: bytes, mask: int) -> int | None:
    """How many documents have a word; None if none has it in one of the fields."""
    postings = index.terms.get(word)
    if postings is None:
        return 0
    return postings.count if postings.fields & mask else None


def _by_best(words: list[bytes], counts: dict[bytes, int], at: int) -> list[bytes]:
    """Words that begin with the same `at` bytes: in groups by what comes next, those with the best word first."""
    groups: dict[bytes, list[bytes]] = {}
    for word in words:
        groups.setdefault(word[at : at + 1], []).append(word)
    ordered = groups.pop(b"", [])
    for group in sorted(groups.values(), key=lambda group: -max(map(counts.__getitem__, group))):
        ordered += group if len(group) == 1 else _by_best(group, counts, at + 1)
    return ordered

"""The words that queries and TEXT fields leave out unless an index names its own."""

from __future__ import annotations

from typing import Final

__all__ = ["STOP_WORDS", "stop_words_of"]

STOP_WORDS: Final = frozenset(
    b"a is the an and are as at be but by for if in into it no not of on or such that their then there these they this to was will with".split()
)


def stop_words_of(chosen: frozenset[bytes] | None) -> frozenset[bytes]:
    """Those of an index, whose `STOPWORDS` may have chosen others."""
    return STOP_WORDS if chosen is None else chosen

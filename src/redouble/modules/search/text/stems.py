"""The stems of words, by Snowball's algorithms (the package `snowballstemmer`, of the extra `redouble[search]`).

Without the package words have no stems but themselves.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from threading import Lock
from typing import Final

__all__ = ["LANGUAGES", "stem", "stemmer"]

LANGUAGES: Final = frozenset(
    b"arabic armenian basque catalan chinese danish dutch english finnish french german greek hindi hungarian indonesian irish italian"
    b" lithuanian nepali norwegian portuguese romanian russian serbian spanish swedish tamil turkish yiddish".split()
)
"""What LANGUAGE may say."""


@functools.cache
def stemmer(language: bytes) -> Callable[[bytes], bytes]:
    """What makes the stem of a word; it remembers the words that it saw."""
    try:
        algorithm = importlib.import_module("snowballstemmer").stemmer(language.decode())
    except (ImportError, KeyError):
        return bytes

    one_at_a_time = Lock()  # the algorithm keeps its word in itself

    @functools.lru_cache(maxsize=50_000)
    def stem_of(word: bytes) -> bytes:
        try:
            text = word.decode()
        except UnicodeDecodeError:
            return word
        with one_at_a_time:
            stemmed: str = algorithm.stemWord(text)
        return stemmed.encode()

    return stem_of


def stem(word: bytes, language: bytes, shortest: int) -> bytes | None:
    """The stem of a word in a field, if it has another one than itself, and so many bytes."""
    if len(word) < shortest:
        return None
    stemmed = stemmer(language)(word)
    return None if stemmed == word else stemmed

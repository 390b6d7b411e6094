"""How the text of a field becomes words, and how the words of a query are written to meet them.

Only ASCII letters change their case.  Control characters belong to no word and separate none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

__all__ = ["SEPARATOR_BYTES", "Word", "folded", "normalize", "tag_text", "unescape", "words"]

SEPARATORS: Final = rb" \t,./(){}\[\]:;~!@#$%^&*\-=+|'`\"<>?"
SEPARATOR_BYTES: Final = frozenset(b" \t,./(){}[]:;~!@#$%^&*-=+|'`\"<>?")
TOKEN: Final = re.compile(rb"(?:[^%s\0]|(?<=\\)[%s])+" % (SEPARATORS, SEPARATORS))
QUOTED: Final = re.compile(TOKEN.pattern.replace(b"$", b""))
"""A word between quotes in a query, where a `$` is a letter."""
PLAIN: Final = re.compile(rb"[^%s]+" % SEPARATORS)
ESCAPE: Final = re.compile(rb"\\(?=[!-/:-@\[-`{-~\s])")
CONTROL: Final = bytes([*range(32), 127])
UNUSUAL: Final = re.compile(rb"[\\\0-\x08\x0a-\x1f\x7f]")


class Word(NamedTuple):
    """A word of a field."""

    text: bytes
    position: int
    """1 is the first word that is no stop word."""
    start: int
    end: int
    """Its bytes in the field."""


def words(text: bytes, stop_words: Collection[bytes]) -> Iterator[Word]:
    """The words of a field but the stop words, which have no position either."""
    position = 0
    unusual = UNUSUAL.search(text) is not None
    if unusual:
        text = text.partition(b"\0")[0]
    lower = text.lower()
    for found in (TOKEN if unusual else PLAIN).finditer(lower):
        word = found[0]
        if unusual:
            word = _clean(word)
        if word and word not in stop_words:
            position += 1
            yield Word(word, position, found.start(), found.end())


def _clean(word: bytes) -> bytes:
    """Without control characters and the backslashes that escape."""
    if b"\\" not in word:
        return word.translate(None, CONTROL)
    kept, escaped = bytearray(), False
    for byte in word:
        if byte == 0x5C and not escaped:
            escaped = True
            continue
        if byte not in CONTROL and (byte not in b" \t" or escaped):
            kept.append(byte)
        escaped = False
    return bytes(kept)


def unescape(text: bytes) -> bytes:
    """Without the backslashes before punctuation and spaces."""
    return ESCAPE.sub(b"", text) if b"\\" in text else text


def normalize(text: bytes) -> bytes:
    """A word of a query."""
    return unescape(text).lower().partition(b"\0")[0]


def folded(text: bytes) -> bytes:
    """Without capitals of any alphabet: how the middles, ends and beginnings of words are compared."""
    if text.isascii():
        return text.lower()
    try:
        return text.decode().lower().encode()
    except UnicodeDecodeError:
        return text.lower()


def tag_text(text: bytes, case_sensitive: bool) -> bytes:
    """A tag as a query writes it, as the index knows it."""
    text = unescape(text)
    return text if case_sensitive else text.lower()

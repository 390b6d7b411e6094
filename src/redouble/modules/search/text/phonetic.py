"""How a word sounds: Lawrence Philips's Double Metaphone."""

from __future__ import annotations

__all__ = ["metaphone"]


def metaphone(word: bytes) -> bytes:
    """The primary code of a word; empty if it has none."""
    return b""

"""Suggestions in DUMP and RDB files: words with their scores and payloads, each text behind which a zero byte stands."""

from __future__ import annotations

from redouble.modules.search.suggestions import Suggestions
from redouble.persistence.errors import BadPayload
from redouble.persistence.modules import ModuleReader, ModuleType, ModuleWriter, register

__all__: list[str] = []


def _write_suggestions(suggestions: Suggestions, parts: ModuleWriter) -> None:
    parts.unsigned(suggestions.size)
    for found in suggestions.words():
        parts.string(found.word + b"\0")
        parts.double(found.score)
        parts.string(found.payload + b"\0")


def _read_suggestions(parts: ModuleReader, version: int) -> Suggestions:
    """Version 0 has no payloads."""
    if version > 1:
        raise BadPayload("suggestions of an unknown version")
    suggestions = Suggestions()
    for _ in range(parts.unsigned()):
        word, score = parts.string(), parts.double()
        payload = parts.string() if version else b""
        suggestions.add(word[:-1], score, payload[:-1])
    return suggestions


register(ModuleType(Suggestions, 1, _write_suggestions, _read_suggestions))

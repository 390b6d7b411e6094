"""Documents in DUMP and RDB files: their text."""

from __future__ import annotations

import math

from redouble.modules.json.document import Document
from redouble.modules.json.reader import MAX_LOADED_DEPTH, JsonError, Value, parse_loaded
from redouble.modules.json.writer import text_of
from redouble.persistence.errors import BadPayload
from redouble.persistence.modules import ModuleReader, ModuleType, ModuleWriter, register

__all__: list[str] = []


def _write(document: Document, parts: ModuleWriter) -> None:
    parts.string(text_of(document.root).encode())


def _read(parts: ModuleReader, version: int) -> Document:
    if version == 0:
        return Document(_read_tree(parts))
    if version not in (2, 3):
        raise BadPayload("a document of another version")
    try:
        root = parse_loaded(_text(parts))
    except JsonError as error:
        raise BadPayload(f"a document: {error}") from None
    if version == 2 and parts.unsigned():  # the search index it belonged to
        parts.string()
        parts.string()
    return Document(root)


NULL, STRING, NUMBER, INTEGER, BOOLEAN, OBJECT, ARRAY, MEMBER = (1 << bit for bit in range(8))


def _read_tree(parts: ModuleReader, depth: int = 0) -> Value:
    """A value of RedisJSON 1: a mark for its kind, then what is in it."""
    kind = parts.unsigned()
    if kind == NULL:
        return None
    if kind == STRING:
        return _text(parts)
    if kind == NUMBER:
        number = parts.double()
        if not math.isfinite(number):
            raise BadPayload("a document: no number")
        return number
    if kind == INTEGER:
        return parts.signed()
    if kind == BOOLEAN:
        return parts.string()[:1] == b"1"
    if depth == MAX_LOADED_DEPTH:
        raise BadPayload("a document: too deep")
    if kind == ARRAY:
        return [_read_tree(parts, depth + 1) for _ in range(parts.unsigned())]
    if kind != OBJECT:
        raise BadPayload("a document: no kind of value")
    members = {}
    for _ in range(parts.unsigned()):
        if parts.unsigned() != MEMBER:
            raise BadPayload("a document: no member of an object")
        key = _text(parts)
        members[key] = _read_tree(parts, depth + 1)
    return members


def _text(parts: ModuleReader) -> str:
    try:
        return parts.string().decode()
    except UnicodeDecodeError as error:
        raise BadPayload(f"a document: {error}") from None


register(ModuleType(Document, 3, _write, _read))

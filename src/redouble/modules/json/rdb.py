"""Documents in DUMP and RDB files: their text."""

from __future__ import annotations

from redouble.modules.json.document import Document
from redouble.modules.json.reader import JsonError, Value, parse_loaded
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
        root = parse_loaded(parts.string().decode())
    except (JsonError, UnicodeDecodeError) as error:
        raise BadPayload(f"a document: {error}") from None
    if version == 2 and parts.unsigned():  # the search index it belonged to
        parts.string()
        parts.string()
    return Document(root)


NULL, STRING, NUMBER, INTEGER, BOOLEAN, OBJECT, ARRAY, MEMBER = (1 << bit for bit in range(8))


def _read_tree(parts: ModuleReader) -> Value:
    """A value of RedisJSON 1: a mark for its kind, then what is in it."""
    raise NotImplementedError


register(ModuleType(Document, 3, _write, _read))

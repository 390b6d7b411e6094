"""One index: what FT.CREATE declared, and what is known of the documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from redouble.core.database import Database
from redouble.core.errors import CommandError
from redouble.modules.json.document import Document as JsonDocument
from redouble.modules.search.aggregate.expression import Evaluation
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.values import truth
from redouble.modules.search.index.documents import Document, Documents, SortValue
from redouble.modules.search.index.numbers import Numbers
from redouble.modules.search.index.points import Points
from redouble.modules.search.index.shapes import InvalidShape, Shapes
from redouble.modules.search.index.tags import Tags, lowered
from redouble.modules.search.index.terms import Terms
from redouble.modules.search.index.values import (
    Content,
    InvalidValue,
    Loaded,
    hash_content,
    json_content,
    json_path,
    number,
    shown,
)
from redouble.modules.search.index.vectors import Vectors, single
from redouble.modules.search.schema import Definition, Field, Schema
from redouble.modules.search.text.phonetic import metaphone
from redouble.modules.search.text.stems import LANGUAGES, stem
from redouble.modules.search.text.stop_words import stop_words_of
from redouble.modules.search.text.tokens import words
from redouble.types.hash import Hash

__all__ = ["Index"]


@dataclass
class Failures:
    """Documents that could not be indexed."""

    count: int = 0
    error: str = "N/A"
    """Why the last one could not."""
    key: bytes = b"N/A"

    def note(self, error: str, key: bytes) -> None:
        self.count += 1
        self.error = error
        self.key = key


class Index:
    """The documents of the keys that it follows, by terms, numbers, tags, places and vectors."""

    def __init__(self, name: bytes, definition: Definition, schema: Schema) -> None:
        self.name = name
        self.definition = definition
        self.schema = schema
        self.flags: frozenset[bytes] = frozenset()
        """Of FT.CREATE: NOFREQS, NOFIELDS, NOOFFSETS, NOHL, MAXTEXTFIELDS."""
        self.shortest_stem = 4
        """MINSTEMLEN: shorter words of documents have no stem, though those of queries have."""
        self.is_old = False
        """FT.CREATE named no keys: FT.ADD may write them."""
        self.filter: Evaluation | None = None
        """Which keys it takes, of those with the right names."""
        self.lifetime_ms = 0
        """How long it stays when nobody uses it; 0: for ever (TEMPORARY)."""
        self.used_ms = 0
        self.collected_ms = 0
        """When it last forgot what documents left, or was made."""
        self.documents = Documents()
        self.terms = Terms()
        self.numbers: dict[bytes, Numbers] = {}
        self.tags: dict[bytes, Tags] = {}
        self.points: dict[bytes, Points] = {}
        self.shapes: dict[bytes, Shapes] = {}
        self.vectors: dict[bytes, Vectors] = {}
        self.missing: dict[bytes, dict[int, None]] = {}
        """The documents without a field, by its name, where INDEXMISSING asks for that."""
        self.failures = Failures()
        self.failures_of: dict[bytes, Failures] = {}
        """Those of each field."""
        self.dialects: set[int] = set()
        """In which queries were asked."""
        self.uses = 0
        self.bits: dict[bytes, int] = {}
        """The bit of each TEXT field in the terms' entries."""
        for field in schema.fields:
            self.declare(field)

    def declare(self, field: Field) -> None:
        """Make room for a field, which is in the schema."""
        if field.type == b"TEXT":
            self.bits.setdefault(field.name, 1 << len(self.bits))
        elif field.type == b"NUMERIC":
            self.numbers[field.name] = Numbers()
        elif field.type == b"TAG":
            self.tags[field.name] = Tags()
        elif field.type == b"GEO":
            self.points[field.name] = Points()
        elif field.type == b"GEOSHAPE":
            self.shapes[field.name] = Shapes(on_globe=field.coordinates != b"FLAT")
        elif field.vector is not None:
            self.vectors[field.name] = Vectors(field.vector)
        if field.index_missing:
            self.missing[field.name] = {}

    def mask(self, fields: tuple[bytes, ...] | None) -> int:
        """The bits of TEXT fields; None: of all."""
        if fields is None or b"NOFIELDS" in self.flags:
            return -1
        mask = 0
        for name in fields:
            mask |= self.bits.get(name, 0)
        return mask

    def empty_copy(self) -> Index:
        """An index that is declared as this one is now, without documents."""
        schema = Schema(list(self.schema.fields), self.schema.stop_words)
        schema.synonyms = {term: list(groups) for term, groups in self.schema.synonyms.items()}
        copy = Index(self.name, self.definition, schema)
        copy.flags, copy.is_old, copy.filter = self.flags, self.is_old, self.filter
        copy.shortest_stem = self.shortest_stem
        copy.lifetime_ms, copy.used_ms = self.lifetime_ms, self.used_ms
        return copy

    # Following keys.

    def follows(self, key: bytes, value: Any) -> bool:
        """Whether a key that has this value belongs to the index."""
        definition = self.definition
        kind = Hash if definition.key_type == b"HASH" else JsonDocument
        if type(value) is not kind or not key.startswith(definition.prefixes):
            return False
        return self.filter is None or self._admits(self.filter, key, value)

    def _admits(self, filter: Evaluation, key: bytes, value: Hash | JsonDocument) -> bool:
        """The filter knows fields by their names in the schema, and what is not in the schema by its own."""
        loaded = Loaded(value)
        fields = self.schema.fields
        values: dict[bytes, Any] = {}
        if isinstance(value, Hash):
            values.update(value.items())
        elif isinstance(value.root, dict):
            values.update((name.encode(), shown(one)) for name, one in value.root.items() if isinstance(name, str))
        for field in fields:
            values.pop(field.path, None)
        for field in fields:
            values.pop(field.name, None)
            found = loaded.get(field.path, ABSENT)
            if found is not ABSENT:
                values[field.name] = found
        values[b"__key"] = key
        try:
            return truth(filter(Row(values, key=key)))
        except CommandError:
            return False

    def add(self, key: bytes, value: Hash | JsonDocument) -> Document | None:
        """Index what `key` holds now; None: it cannot be, and what was known of it is gone."""
        contents: list[tuple[Field, Content]] = []
        for field in self.schema.fields:
            try:
                contents.append((field, self._content(field, value)))
            except InvalidValue as error:
                self.remove(key)
                self.failures.note(str(error), key)
                self.failures_of.setdefault(field.name, Failures()).note(str(error), key)
                return None
        self.remove(key)
        document = self.documents.add(key, self._score(value), self._payload(value))
        document.language = self._language(value)
        texts: list[tuple[Field, list[bytes]]] = []
        for field, content in contents:
            if content is ABSENT:
                if field.name in self.missing:
                    self.missing[field.name][document.id] = None
                continue
            if content is None:
                continue
            if field.sortable:
                document.sort_values[field.name] = self._sort_value(field, value)
            if not field.no_index:
                if field.type in (b"TEXT", b"VECTOR"):
                    texts.append((field, content))
                if field.type != b"TEXT":
                    self._store(field, document, content)
        self._add_texts(document, texts)
        return document

    def remove(self, key: bytes) -> bool:
        """Forget a key; False if nothing was known of it."""
        document = self.documents.remove(key)
        if document is None:
            return False
        for vectors in self.vectors.values():
            vectors.remove(document.id)
        return True

    def _content(self, field: Field, value: Hash | JsonDocument) -> Content:
        """What a field holds; ABSENT if it is not there."""
        if isinstance(value, Hash):
            text = value.get(field.path)
            return ABSENT if text is None else hash_content(field, text)
        path = json_path(field.path)
        found = [] if path is None else path.values(value.root)
        return json_content(field, found) if found else ABSENT

    def _sort_value(self, field: Field, value: Hash | JsonDocument) -> SortValue:
        """By what documents are sorted: a number, or a text, of a hash without capitals unless the field is declared UNF."""
        loaded = Loaded(value)
        if not loaded.is_hash:
            found = loaded.found(field.path)
            values = found if len(found) != 1 or type(found[0]) is not list else found[0]
            first = next((one for one in values if one is not None), None)
            return (b"true" if first else b"false") if type(first) is bool else shown(first)
        raw = loaded.get(field.path)
        if field.type == b"NUMERIC":
            try:
                return number(raw)
            except ValueError:
                return None
        return raw if field.unnormalised or field.case_sensitive else lowered(raw)

    def _score(self, value: Hash | JsonDocument) -> float:
        name = self.definition.score_field
        raw = Loaded(value).get(name) if name else None
        if isinstance(value, Hash) and isinstance(raw, bytes):
            try:
                raw = number(raw)
            except ValueError:
                raw = None
        return single(raw if isinstance(raw, float) else self.definition.score)

    def _language(self, value: Hash | JsonDocument) -> bytes:
        name = self.definition.language_field
        raw = Loaded(value).get(name) if name else None
        language = raw.lower() if isinstance(raw, bytes) else b""
        return language if language in LANGUAGES else self.definition.language

    def _payload(self, value: Hash | JsonDocument) -> bytes | None:
        name = self.definition.payload_field
        if not name:
            return None
        raw = Loaded(value).get(name)
        return raw if isinstance(raw, bytes) else None

    def _store(self, field: Field, document: Document, content: Content) -> None:
        if field.type == b"NUMERIC":
            self.numbers[field.name].add(document.id, content)
        elif field.type == b"TAG":
            self.tags[field.name].add(document.id, content)
        elif field.type == b"GEO":
            self.points[field.name].add(document.id, content)
        elif field.type == b"GEOSHAPE":
            self._store_shape(field, document, content[0])
        elif field.type == b"VECTOR":
            self.vectors[field.name].add(document.id, content)

    def _store_shape(self, field: Field, document: Document, text: bytes) -> None:
        """The document stays without a shape that is none."""
        try:
            self.shapes[field.name].add(document.id, text)
        except InvalidShape as error:
            why = f"Error indexing geoshape: {error}"
            self.failures.note(why, document.key)
            self.failures_of.setdefault(field.name, Failures()).note(why, document.key)

    def _add_texts(self, document: Document, texts: list[tuple[Field, list[bytes]]]) -> None:
        """Enter the terms of a document."""
        found: dict[bytes, list[Any]] = {}
        last = length = 0
        stop_words = stop_words_of(self.schema.stop_words)
        language = document.language
        before: dict[bytes, int] = {}
        for field, values in texts:
            if field.type == b"VECTOR":  # it counts as one more of the most frequent term
                new = (entry[0] for term, entry in found.items() if entry[0] != before.get(term))
                document.max_frequency = max([document.max_frequency, *new]) + 1
                before = {term: entry[0] for term, entry in found.items()}
                continue
            bit = self.bits[field.name]
            weight = max(1, int(field.weight))
            stem_weight = max(1, int(field.weight * STEM_WEIGHT))
            for i, text in enumerate(values):
                if i:
                    last += BETWEEN_TEXTS
                place = last
                sound = b""
                if not text:
                    place = last + 1
                    if field.index_empty:
                        _note(found, b"", weight, bit, place)
                        length += weight
                for word in words(text, stop_words):
                    place = last + word.position
                    _note(found, word.text, weight, bit, place)
                    length += weight
                    stemmed = None if field.no_stem else stem(word.text, language, self.shortest_stem)
                    if stemmed is not None:
                        _note(found, b"+" + stemmed, stem_weight, bit, place)
                    for group in self.schema.synonyms.get(word.text, ()):
                        _note(found, b"~" + group, weight, bit, place)
                    if field.phonetic:
                        if len(word.text) >= SHORTEST_SOUND:
                            sound = metaphone(word.text)
                        if sound:  # shorter words have that of the one before
                            _note(found, b"<" + sound, weight, bit, place)
                last = place
        has_places = b"NOOFFSETS" not in self.flags
        has_fields = b"NOFIELDS" not in self.flags
        has_frequencies = b"NOFREQS" not in self.flags
        for term, (frequency, fields, positions) in found.items():
            if frequency > document.max_frequency and frequency != before.get(term):
                document.max_frequency = frequency
            self.terms.add(
                document.id,
                term,
                frequency if has_frequencies else 1,
                fields if has_fields else -1,
                tuple(positions) if has_places else (),
            )
        document.length = length
        self.documents.total_length += length

    def places(self, loaded: Loaded, name: bytes) -> dict[int, int]:
        """Where the words of a TEXT field begin, by their places in the document.

        They are taken for the next words one by one, so that they are wrong behind an empty text or several.
        """
        last = 0
        starts: list[int] = []
        stop_words = stop_words_of(self.schema.stop_words)
        for field in self.schema.fields:
            if field.type != b"TEXT" or field.no_index:
                continue
            first = last
            for i, text in enumerate(loaded.texts(field)):
                if i:
                    last += BETWEEN_TEXTS
                place = last
                if not text:
                    place = last + 1
                    if field.index_empty:
                        starts.append(0)
                for word in words(text, stop_words):
                    place = last + word.position
                    starts.append(word.start)
                last = place
            if field.name == name:
                return dict(enumerate(starts[first:last], first + 1))
        return {}

    # Loading.

    def load(self, db: Database, document: Document, dialect: int = 1) -> Loaded | None:
        """What the key of a document holds, for those who ask for fields; None: it is gone."""
        if document.is_lost:
            return None
        value = db.peek(document.key)
        kind = Hash if self.definition.key_type == b"HASH" else JsonDocument
        if type(value) is kind:
            return Loaded(value, dialect, self.definition.special_fields)
        document.is_lost = True
        return None

    # Housekeeping.

    def collect(self) -> None:
        """Forget what documents left that are gone.  O(everything)."""
        alive = self.documents.ids
        self.terms.collect(alive)
        kept: list[Numbers | Tags | Points | Shapes] = [*self.numbers.values(), *self.tags.values()]
        for one in (*kept, *self.points.values(), *self.shapes.values()):
            one.collect(alive)
        for name, ids in self.missing.items():
            self.missing[name] = {id: None for id in ids if id in alive}
        self.documents.removed = 0

    def check(self) -> None:
        self.documents.check()
        self.terms.check()
        for kept in (self.numbers, self.tags, self.points, self.shapes, self.vectors):
            for one in kept.values():
                one.check()


STEM_WEIGHT: Final = 0.2
"""What a stem counts of its word."""
BETWEEN_TEXTS: Final = 100
"""How far apart the texts of a JSON array are."""
SHORTEST_SOUND: Final = 3
"""Shorter words are not known by their sound."""
ABSENT: Any = object()
"""The content of a field that is not there."""


def _note(found: dict[bytes, list[Any]], term: bytes, weight: int, bit: int, place: int) -> None:
    entry = found.get(term)
    if entry is None:
        found[term] = [weight, bit, [place]]
    else:
        entry[0] += weight
        entry[1] |= bit
        entry[2].append(place)

"""Indexes and dictionaries in RDB files.

Of an index only its declaration is written; whoever reads the keys behind it indexes them anew.  Every name has a zero byte behind
it.
"""

from __future__ import annotations

from typing import Final

from redouble.core.errors import CommandError
from redouble.core.server import Server
from redouble.modules.search.aggregate.expression import parse
from redouble.modules.search.index.index import Index
from redouble.modules.search.index.vectors import SIZES
from redouble.modules.search.registry import registry
from redouble.modules.search.schema import Definition, Field, Schema, VectorOptions
from redouble.persistence.errors import BadPayload
from redouble.persistence.modules import ModuleFacts, ModuleReader, ModuleWriter, register_facts

__all__: list[str] = []

VERSION: Final = 23
DICTIONARIES_VERSION: Final = 1
LANGUAGES: Final = (
    b"english arabic basque catalan chinese danish dutch finnish french german greek hindi hungarian italian indonesian irish"
    b" lithuanian nepali norwegian portuguese romanian russian spanish swedish tamil turkish armenian serbian yiddish"
).split()
TYPES: Final = {b"TEXT": 1, b"NUMERIC": 2, b"GEO": 4, b"TAG": 8, b"VECTOR": 16, b"GEOSHAPE": 32}
DATA_TYPES: Final = (b"FLOAT32", b"FLOAT64", b"BFLOAT16", b"FLOAT16")
METRICS: Final = (b"L2", b"IP", b"COSINE")
FLAT, TIERED, HNSW = 0, 2, 1

# What is known of an index.
ABSENT_FLAGS: Final = {b"NOOFFSETS": 0x1, b"NOFIELDS": 0x2, b"NOFREQS": 0x10, b"NOHL": 0x40}
"""By the bits that say the opposite."""
HAS_STOP_WORDS, MANY_TEXTS, HAS_SYNONYMS, TEMPORARY, HAS_PHONETIC = 0x8, 0x80, 0x100, 0x200, 0x400
HAS_ALIASES, HAS_VECTORS, HAS_SUFFIXES, HAS_SHAPES, ALWAYS = 0x4000, 0x8000, 0x10000, 0x40000, 0x80000
FOR_EVER: Final = -1000

# What is known of a field.
SORTABLE, NO_STEM, NO_INDEX, PHONETIC, UNNORMALISED, SUFFIXES = 0x1, 0x2, 0x4, 0x8, 0x20, 0x40
INDEX_EMPTY, INDEX_MISSING = 0x100, 0x200
CASE_SENSITIVE, TAG_FLAGS = 0x1, 0x6
NO_NUMBER: Final = 65535


# Writing.


def _write_indexes(server: Server, parts: ModuleWriter) -> bool:
    if server.search is None or not server.search.indexes:
        return False
    known = registry(server)
    parts.unsigned(len(known.indexes))
    for index in known.indexes.values():
        _write_index(index, [alias for alias, other in known.aliases.items() if other is index], parts)
    return True


def _write_index(index: Index, aliases: list[bytes], parts: ModuleWriter) -> None:
    schema = index.schema
    _write_name(index.name, parts)
    parts.unsigned(_flags(index))
    parts.unsigned(len(schema.fields))
    sortable = [field for field in schema.fields if field.sortable]
    for field in schema.fields:
        _write_field(field, index, sortable.index(field) if field.sortable else -1, parts)
    _write_definition(index.definition, parts)
    if schema.stop_words is not None:
        parts.unsigned(len(schema.stop_words))
        for word in sorted(schema.stop_words):
            parts.string(word)
    if schema.synonyms:
        parts.unsigned(len(schema.synonyms))
        for term, groups in schema.synonyms.items():
            _write_name(term, parts)
            parts.unsigned(len(groups))
            for group in groups:
                _write_name(group, parts)
    parts.signed(index.lifetime_ms or FOR_EVER)
    parts.unsigned(len(aliases))
    for alias in aliases:
        _write_name(alias, parts)


def _flags(index: Index) -> int:
    schema = index.schema
    flags = ALWAYS
    for name, bit in ABSENT_FLAGS.items():
        if name not in index.flags:
            flags |= bit
    for is_so, bit in (
        (b"MAXTEXTFIELDS" in index.flags, MANY_TEXTS),
        (schema.stop_words is not None, HAS_STOP_WORDS),
        (bool(schema.synonyms), HAS_SYNONYMS),
        (bool(index.lifetime_ms), TEMPORARY),
        (any(field.phonetic for field in schema.fields), HAS_PHONETIC),
        (any(field.name != field.path for field in schema.fields), HAS_ALIASES),
        (any(field.type == b"VECTOR" for field in schema.fields), HAS_VECTORS),
        (any(field.suffix_trie and field.type == b"TEXT" for field in schema.fields), HAS_SUFFIXES),
        (any(field.type == b"GEOSHAPE" for field in schema.fields), HAS_SHAPES),
    ):
        if is_so:
            flags |= bit
    return flags


def _write_field(field: Field, index: Index, sort_number: int, parts: ModuleWriter) -> None:
    _write_name(field.name, parts)
    _write_optional(b"" if field.path == field.name else field.path, parts)
    parts.unsigned(TYPES[field.type])
    parts.unsigned(
        sum(bit for is_so, bit in _options(field) if is_so),
    )
    parts.signed(sort_number)
    if field.type == b"TEXT":
        parts.unsigned(NO_NUMBER if field.no_index else index.bits[field.name].bit_length() - 1)
        parts.double(field.weight)
    elif field.type == b"TAG":
        parts.unsigned(TAG_FLAGS | CASE_SENSITIVE * field.case_sensitive)
        parts.string(field.separator or b"\0")
    elif field.type == b"GEOSHAPE":
        parts.unsigned(int(field.coordinates != b"FLAT"))
    elif field.vector is not None:
        _write_vector_options(field.vector, parts)


def _options(field: Field) -> tuple[tuple[bool, int], ...]:
    return (
        (field.sortable, SORTABLE),
        (field.no_stem, NO_STEM),
        (field.no_index, NO_INDEX),
        (bool(field.phonetic), PHONETIC),
        (field.unnormalised and field.sortable, UNNORMALISED),
        (field.suffix_trie, SUFFIXES),
        (field.index_empty, INDEX_EMPTY),
        (field.index_missing, INDEX_MISSING),
    )


def _write_vector_options(options: VectorOptions, parts: ModuleWriter) -> None:
    parts.unsigned(SIZES[options.data_type] * options.dimension)
    is_flat = options.algorithm == b"FLAT"
    for number in (FLAT,) if is_flat else (TIERED, HNSW, 0):
        parts.unsigned(number)
    parts.unsigned(DATA_TYPES.index(options.data_type))
    parts.unsigned(options.dimension)
    parts.unsigned(METRICS.index(options.metric))
    parts.unsigned(0)  # several vectors of a document
    parts.unsigned(options.initial_capacity)
    for number in (options.block_size,) if is_flat else (options.m, options.ef_construction, options.ef_runtime):
        parts.unsigned(number)


def _write_definition(definition: Definition, parts: ModuleWriter) -> None:
    _write_name(definition.key_type, parts)
    parts.unsigned(len(definition.prefixes))
    for prefix in definition.prefixes:
        _write_name(prefix, parts)
    for name in (definition.filter, definition.language_field, definition.score_field, definition.payload_field):
        _write_optional(name, parts)
    parts.double(definition.score)
    parts.unsigned(LANGUAGES.index(definition.language))


def _write_name(name: bytes, parts: ModuleWriter) -> None:
    parts.string(name + b"\0")


def _write_optional(name: bytes, parts: ModuleWriter) -> None:
    parts.unsigned(int(bool(name)))
    if name:
        _write_name(name, parts)


# Reading.


def _read_indexes(server: Server, parts: ModuleReader, version: int) -> None:
    if version != VERSION:
        raise BadPayload("indexes of another version")
    known = registry(server)
    for _ in range(parts.unsigned()):
        index, aliases = _read_index(parts)
        if index.name not in known.indexes:
            known.add(index, scans=False)
            for alias in aliases:
                known.aliases.setdefault(alias, index)


def _read_index(parts: ModuleReader) -> tuple[Index, list[bytes]]:
    name = _read_name(parts)
    flags = parts.unsigned()
    schema = Schema([_read_field(parts) for _ in range(parts.unsigned())])
    definition = _read_definition(parts)
    for field in schema.fields:
        if definition.key_type == b"JSON" and field.separator == b"\0":
            field.separator = b""
    if flags & HAS_STOP_WORDS:
        schema.stop_words = frozenset(parts.string() for _ in range(parts.unsigned()))
    if flags & HAS_SYNONYMS:
        for _ in range(parts.unsigned()):
            term = _read_name(parts)
            schema.synonyms[term] = [_read_name(parts) for _ in range(parts.unsigned())]
    index = Index(name, definition, schema)
    index.flags = frozenset(name for name, bit in ABSENT_FLAGS.items() if not flags & bit)
    if flags & MANY_TEXTS:
        index.flags |= {b"MAXTEXTFIELDS"}
    lifetime = parts.signed()
    if flags & TEMPORARY:
        index.lifetime_ms = max(lifetime, 1)
    if definition.filter:
        try:
            index.filter = parse(definition.filter)
        except CommandError:
            raise BadPayload("the filter of an index") from None
    return index, [_read_name(parts) for _ in range(parts.unsigned())]


def _read_field(parts: ModuleReader) -> Field:
    name = _read_name(parts)
    path = _read_optional(parts) or name
    types, options = parts.unsigned(), parts.unsigned()
    parts.signed()
    field = Field(name, path, next((type for type, bit in TYPES.items() if types == bit), b""))
    field.sortable, field.no_stem = bool(options & SORTABLE), bool(options & NO_STEM)
    field.no_index, field.suffix_trie = bool(options & NO_INDEX), bool(options & SUFFIXES)
    field.unnormalised = bool(options & UNNORMALISED)
    field.index_empty, field.index_missing = bool(options & INDEX_EMPTY), bool(options & INDEX_MISSING)
    if options & PHONETIC:
        field.phonetic = b"dm:en"
    if field.type == b"TEXT":
        parts.unsigned()
        field.weight = parts.double()
    elif field.type == b"TAG":
        field.case_sensitive = bool(parts.unsigned() & CASE_SENSITIVE)
        field.separator = parts.string()
    elif field.type == b"GEOSHAPE":
        field.coordinates = b"SPHERICAL" if parts.unsigned() else b"FLAT"
    elif field.type == b"VECTOR":
        parts.unsigned()
        field.vector = _read_vector_options(parts)
    elif not field.type:
        raise BadPayload("a field of an unknown type")
    return field


def _read_vector_options(parts: ModuleReader) -> VectorOptions:
    is_flat = parts.unsigned() == FLAT
    if not is_flat:
        if parts.unsigned() != HNSW:
            raise BadPayload("an unknown algorithm")
        parts.unsigned()
    type, dimension, metric, _, capacity = (parts.unsigned() for _ in range(5))
    if type >= len(DATA_TYPES) or metric >= len(METRICS):
        raise BadPayload("unknown vectors")
    options = VectorOptions(b"FLAT" if is_flat else b"HNSW", DATA_TYPES[type], dimension, METRICS[metric], capacity)
    if is_flat:
        options.block_size = parts.unsigned()
    else:
        options.m, options.ef_construction, options.ef_runtime = (parts.unsigned() for _ in range(3))
    return options


def _read_definition(parts: ModuleReader) -> Definition:
    key_type = _read_name(parts)
    prefixes = tuple(_read_name(parts) for _ in range(parts.unsigned()))
    filter, language_field, score_field, payload_field = (_read_optional(parts) for _ in range(4))
    score, language = parts.double(), parts.unsigned()
    if language >= len(LANGUAGES):
        raise BadPayload("an unknown language")
    return Definition(
        key_type, prefixes, filter, LANGUAGES[language], language_field, score, score_field, payload_field
    )


def _read_name(parts: ModuleReader) -> bytes:
    return parts.string()[:-1]


def _read_optional(parts: ModuleReader) -> bytes:
    return _read_name(parts) if parts.unsigned() else b""


# Dictionaries.


def _write_dictionaries(server: Server, parts: ModuleWriter) -> bool:
    if server.search is None or not server.search.dictionaries:
        return False
    dictionaries = registry(server).dictionaries
    parts.unsigned(len(dictionaries))
    for name, words in dictionaries.items():
        _write_name(name, parts)
        parts.unsigned(len(words))
        for word in sorted(words):
            _write_name(word, parts)
            parts.double(1.0)
    return True


def _read_dictionaries(server: Server, parts: ModuleReader, version: int) -> None:
    known = registry(server)
    known.attach()
    for _ in range(parts.unsigned()):
        words = known.dictionaries.setdefault(_read_name(parts), {})
        for _ in range(parts.unsigned()):
            words[_read_name(parts)] = None
            parts.double()


register_facts(ModuleFacts(b"ft_index0", VERSION, True, _write_indexes, _read_indexes))
register_facts(ModuleFacts(b"scdtype00", DICTIONARIES_VERSION, False, _write_dictionaries, _read_dictionaries))

"""What FT.CREATE declares: which keys an index follows, and its fields."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Definition", "Field", "Schema", "VectorOptions"]


@dataclass
class VectorOptions:
    """What `VECTOR FLAT|HNSW n ...` says."""

    algorithm: bytes
    data_type: bytes
    dimension: int
    metric: bytes
    initial_capacity: int = 1024
    block_size: int = 1024
    m: int = 16
    ef_construction: int = 200
    ef_runtime: int = 10
    epsilon: float = 0.01


@dataclass
class Field:
    """A field of the schema; `types` may be several when one path is declared twice."""

    name: bytes
    """By which queries call it (AS)."""
    path: bytes
    """The field of a hash, or the JSONPath."""
    type: bytes
    """TEXT, TAG, NUMERIC, GEO, GEOSHAPE or VECTOR."""
    sortable: bool = False
    unnormalised: bool = False
    """UNF."""
    no_index: bool = False
    no_stem: bool = False
    weight: float = 1.0
    phonetic: bytes = b""
    """`dm:en`, ... or empty."""
    separator: bytes = b","
    """Empty: a text is one tag."""
    case_sensitive: bool = False
    suffix_trie: bool = False
    """WITHSUFFIXTRIE."""
    index_empty: bool = False
    index_missing: bool = False
    coordinates: bytes = b"SPHERICAL"
    """Of a GEOSHAPE: SPHERICAL or FLAT."""
    vector: VectorOptions | None = None


@dataclass
class Definition:
    """Which keys, and how their texts are read."""

    key_type: bytes = b"HASH"
    prefixes: tuple[bytes, ...] = (b"",)
    filter: bytes = b""
    language: bytes = b"english"
    language_field: bytes = b""
    score: float = 1.0
    score_field: bytes = b""
    payload_field: bytes = b""

    @property
    def special_fields(self) -> tuple[bytes, ...]:
        """The fields of hashes that say something of the document, and are not shown."""
        return tuple(name for name in (self.score_field, self.language_field, self.payload_field) if name)


@dataclass
class Schema:
    """The fields of an index, in the order of their declaration."""

    fields: list[Field] = field(default_factory=list)
    stop_words: frozenset[bytes] | None = None
    """None: the default ones."""
    synonyms: dict[bytes, list[bytes]] = field(default_factory=dict)
    """The groups of each term (FT.SYNUPDATE)."""

    def find(self, name: bytes, type: bytes = b"") -> Field | None:
        """The field that queries call `name` (of `type`, if said)."""
        for one in self.fields:
            if one.name == name and (not type or one.type == type):
                return one
        return None

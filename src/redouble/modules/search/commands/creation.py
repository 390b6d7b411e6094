"""The words of FT.CREATE and FT.ALTER: what an index follows, and its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from redouble.core.errors import CommandError, text
from redouble.modules.search.aggregate.expression import Evaluation, parse
from redouble.modules.search.arguments import (
    UNKNOWN_ARGUMENT,
    Arguments,
    bad_arguments,
)
from redouble.modules.search.index.vectors import SIZES
from redouble.modules.search.schema import Definition, Field, Schema, VectorOptions
from redouble.modules.search.text.stems import LANGUAGES

__all__ = ["Creation", "parse_creation", "parse_fields"]

PHONETICS: Final = (b"dm:en", b"dm:fr", b"dm:pt", b"dm:es")
NO_MATCHER: Final = (
    "Matcher Format: <2 chars algorithm>:<2 chars language>. Support algorithms: double metaphone (dm)."
    " Supported languages: English (en), French (fr), Portuguese (pt) and Spanish (es)"
)
METRICS: Final = (b"L2", b"IP", b"COSINE")
FLAGS: Final = (b"NOFREQS", b"NOFIELDS", b"NOOFFSETS", b"NOHL", b"MAXTEXTFIELDS")
"""Options without a value that FT.INFO shows, in its order."""
IGNORED: Final = (b"ASYNC", b"SKIPINITIALSCAN", b"NOSCOREIDX")


@dataclass
class Creation:
    """What FT.CREATE says."""

    definition: Definition = field(default_factory=Definition)
    schema: Schema = field(default_factory=Schema)
    flags: set[bytes] = field(default_factory=set)
    """Of `FLAGS`."""
    scans: bool = True
    is_old: bool = True
    """Neither keys nor their type are named."""
    filter: Evaluation | None = None
    lifetime: int | None = None
    """TEMPORARY: the seconds after which it goes unless it is used."""


def parse_creation(words: Arguments) -> Creation:
    """Everything behind the name.  Raises CommandError."""
    made = Creation()
    definition = made.definition
    while words and not words.has(b"SCHEMA"):
        word = words.next()
        name = word.upper()
        if name in (b"ON", b"PREFIX", b"FILTER"):
            made.is_old = False
        if name == b"ON":
            kind = words.text("ON")
            if kind.upper() not in (b"HASH", b"JSON"):
                raise CommandError(f"Invalid rule type: {text(kind)}")
            definition.key_type = kind.upper()
        elif name == b"PREFIX":
            definition.prefixes = tuple(words.slice("PREFIX")) or (b"",)
        elif name == b"FILTER":
            definition.filter = words.text("FILTER")
            made.filter = parse(definition.filter)
        elif name == b"SCORE":
            definition.score = _score(words.text("SCORE"))
        elif name == b"LANGUAGE":
            definition.language = words.text("LANGUAGE").lower()
            if definition.language not in LANGUAGES:
                raise CommandError("Invalid language")
        elif name == b"LANGUAGE_FIELD":
            definition.language_field = words.text("LANGUAGE_FIELD")
        elif name == b"SCORE_FIELD":
            definition.score_field = words.text("SCORE_FIELD")
        elif name == b"PAYLOAD_FIELD":
            definition.payload_field = words.text("PAYLOAD_FIELD")
        elif name == b"TEMPORARY":
            made.lifetime = words.integer("TEMPORARY")
        elif name == b"STOPWORDS":
            made.schema.stop_words = frozenset(word.lower() for word in words.slice("STOPWORDS"))
        elif name in FLAGS:
            made.flags.add(name)
        elif name == b"SKIPINITIALSCAN":
            made.scans = False
        elif name not in IGNORED:
            raise CommandError(f"Unknown argument `{text(word)}`")
    if not words:
        raise CommandError("No schema found")
    if b"NOOFFSETS" in made.flags:
        made.flags.add(b"NOHL")
    made.schema.fields = parse_fields(words, [], definition)
    return made


def _score(word: bytes) -> float:
    score = Arguments.number_of(word)
    if score is None or not 0 <= score <= 1:
        raise CommandError("Invalid score")
    return score


def parse_fields(words: Arguments, known: list[Field], definition: Definition) -> list[Field]:
    """The fields, to the end; none may be called as one that is `known`.  Raises CommandError."""
    fields: list[Field] = []
    names = {one.name for one in known}
    while words:
        path = words.next()
        name = path
        if words.has(b"AS"):
            if not words:
                raise CommandError("AS requires an argument")
            name = words.next()
        if not words:
            raise CommandError(f"Field `{text(name)}` does not have a type")
        if name in names:
            raise CommandError(f"Duplicate field in schema - {text(name)}")
        names.add(name)
        separator = b"" if definition.key_type == b"JSON" else b","
        made = _field(words, Field(name, path, words.next().upper(), separator=separator))
        made.unnormalised |= made.sortable and definition.key_type == b"JSON"
        fields.append(made)
    return fields


def _field(words: Arguments, made: Field) -> Field:
    if made.type == b"TEXT":
        _text(words, made)
    elif made.type == b"TAG":
        _tag(words, made)
    elif made.type == b"VECTOR":
        made.vector = _vector(words)
        made.index_missing = words.has(b"INDEXMISSING")
        return made
    elif made.type in (b"NUMERIC", b"GEO"):
        made.index_missing = words.has(b"INDEXMISSING")
    elif made.type == b"GEOSHAPE":
        if words.has(b"FLAT"):
            made.coordinates = b"FLAT"
        else:
            words.has(b"SPHERICAL")
        made.index_missing = words.has(b"INDEXMISSING")
    else:
        raise CommandError(f"Invalid field type for field `{text(made.name)}`")
    while True:
        if words.has(b"SORTABLE"):
            made.sortable = True
            made.unnormalised = words.has(b"UNF") or made.type == b"NUMERIC"
        elif words.has(b"NOINDEX"):
            made.no_index = True
        else:
            break
    if made.no_index and made.index_missing:
        raise CommandError(f"'Field `{text(made.name)}` cannot be defined with both `NOINDEX` and `INDEXMISSING`'")
    return made


def _text(words: Arguments, made: Field) -> None:
    while True:
        if words.has(b"NOSTEM"):
            made.no_stem = True
        elif words.has(b"WEIGHT"):
            made.weight = words.double("weight")
        elif words.has(b"PHONETIC"):
            if not words:
                raise CommandError("PHONETIC requires an argument")
            made.phonetic = words.next()
            if made.phonetic not in PHONETICS:
                raise CommandError(NO_MATCHER)
        elif not _common(words, made):
            return


def _tag(words: Arguments, made: Field) -> None:
    while True:
        if words.has(b"SEPARATOR"):
            if not words:
                raise CommandError("SEPARATOR requires an argument")
            made.separator = words.next()
            if len(made.separator) != 1:
                raise CommandError(f"Tag separator must be a single character. Got `{text(made.separator)}`")
        elif words.has(b"CASESENSITIVE"):
            made.case_sensitive = True
        elif not _common(words, made):
            return


def _common(words: Arguments, made: Field) -> bool:
    """One word that fields of texts and tags share; False if it is another."""
    if words.has(b"WITHSUFFIXTRIE"):
        made.suffix_trie = True
    elif words.has(b"INDEXEMPTY"):
        made.index_empty = True
    elif words.has(b"INDEXMISSING"):
        made.index_missing = True
    else:
        return False
    return True


def _vector(words: Arguments) -> VectorOptions:
    algorithm = words.text("vector similarity algorithm").upper()
    if algorithm not in (b"FLAT", b"HNSW"):
        raise bad_arguments("vector similarity algorithm", UNKNOWN_ARGUMENT)
    kind = algorithm.decode()
    count = words.integer("vector similarity number of parameters", 0)
    if count % 2:
        end = (
            "(should be submitted as named arguments)"
            if kind == "FLAT"
            else "(as algorithm parameters should be submitted as named arguments)"
        )
        between = "even number as algorithm parameters " if kind == "FLAT" else "even number "
        raise CommandError(
            f"Bad number of arguments for vector similarity index: got {count} but expected {between}{end}"
        )
    made = VectorOptions(algorithm, b"", 0, b"")
    read = 0
    while read < count and words:
        word = words.next()
        _parameter(words, made, word, f"vector similarity {kind} index")
        read += 2
    if read < count:
        raise CommandError(f"Expected {count} parameters but got {read}")
    for name, given in (("TYPE", made.data_type), ("DIM", made.dimension), ("DISTANCE_METRIC", made.metric)):
        if not given:
            raise CommandError(
                f"Missing mandatory parameter: cannot create {kind} index without specifying {name} argument"
            )
    return made


WHOLE: Final = {
    b"FLAT": {b"INITIAL_CAP": ("initial_capacity", "initial cap", 0), b"BLOCK_SIZE": ("block_size", "blocksize", 1)},
    b"HNSW": {
        b"INITIAL_CAP": ("initial_capacity", "initial cap", 0),
        b"M": ("m", "m", 1),
        b"EF_CONSTRUCTION": ("ef_construction", "efConstruction", 1),
        b"EF_RUNTIME": ("ef_runtime", "efRuntime", 1),
    },
}
"""The parameters that are integers: the attribute, how errors call it, and the least."""


def _parameter(words: Arguments, made: VectorOptions, word: bytes, index: str) -> None:
    name = word.upper()
    if name == b"TYPE":
        made.data_type = words.text(f"{index} type").upper()
        if made.data_type not in SIZES:
            raise bad_arguments(f"{index} type", UNKNOWN_ARGUMENT)
    elif name == b"DIM":
        made.dimension = words.integer(f"{index} dim", 1)
    elif name == b"DISTANCE_METRIC":
        made.metric = words.text(f"{index} metric").upper()
        if made.metric not in METRICS:
            raise bad_arguments(f"{index} metric", UNKNOWN_ARGUMENT)
    elif name in WHOLE[made.algorithm]:
        attribute, shown, least = WHOLE[made.algorithm][name]
        setattr(made, attribute, words.integer(f"{index} {shown}", least))
    elif name == b"EPSILON" and made.algorithm == b"HNSW":
        made.epsilon = words.double(f"{index} epsilon")
    else:
        raise bad_arguments(f"algorithm {made.algorithm.decode()}", text(word))

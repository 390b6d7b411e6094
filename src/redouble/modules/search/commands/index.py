"""FT.CREATE and its kin: indexes, their names, and what is known of them."""

from __future__ import annotations

import math
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError
from redouble.modules.search.arguments import Arguments, ft_command
from redouble.modules.search.commands.creation import parse_creation, parse_fields
from redouble.modules.search.index.index import Failures, Index
from redouble.modules.search.registry import Registry, existing_index, registry
from redouble.modules.search.schema import Field
from redouble.modules.search.settings import SETTINGS
from redouble.resp.reply import OK, Members, Reply, Status

__all__: list[str] = []

UNKNOWN_INDEX: Final = "Unknown Index name"
NO_INDEX: Final = "Unknown index name"
NO_REAL_INDEX: Final = "Unknown index name (or name is an alias itself)"
OTHER_DATABASE: Final = "Cannot create index on db != 0"

# Making and removing.

CREATE: Final = (
    "key [ON <HASH | JSON>] [PREFIX count prefix [prefix ...]] [FILTER filter] [LANGUAGE default_lang]"
    " [LANGUAGE_FIELD lang_attribute] [SCORE default_score] [SCORE_FIELD score_attribute] [PAYLOAD_FIELD payload_attribute]"
    " [MAXTEXTFIELDS] [TEMPORARY seconds] [NOOFFSETS] [NOHL] [NOFIELDS] [NOFREQS] [STOPWORDS count [stopword [stopword ...]]]"
    " [SKIPINITIALSCAN] SCHEMA field_name [AS alias] <TEXT | TAG | NUMERIC | GEO | VECTOR | GEOSHAPE>"
)


@ft_command(f"FT.CREATE {CREATE}", flags="write denyoom", keys="RW", arity=-5)
def ft_create(client: Client, argv: Argv) -> Reply:
    """Make an index, and index the keys that belong to it."""
    return _create(client, argv, if_missing=False)


@ft_command(f"FT._CREATEIFNX {CREATE}", flags="write denyoom", keys="RW", arity=-3)
def ft_createifnx(client: Client, argv: Argv) -> Reply:
    """FT.CREATE, unless there is an index of this name."""
    return _create(client, argv, if_missing=True)


def _create(client: Client, argv: Argv, if_missing: bool) -> Reply:
    if client.db.index:
        raise CommandError(OTHER_DATABASE)
    name = argv[1]
    known = registry(client.server)
    if known.find(name, by_alias=False) is not None:
        if if_missing:
            return OK
        raise CommandError("Index already exists")
    made = parse_creation(Arguments(argv, 2))
    index = Index(name, made.definition, made.schema)
    index.flags = frozenset(made.flags)
    index.is_old = made.is_old
    index.filter = made.filter
    if made.lifetime is not None:
        index.lifetime_ms = max(made.lifetime, 0) * 1000 or 1
    known.add(index, scans=made.scans)
    _changed(client)
    return OK


def _changed(client: Client) -> None:
    client.server.dirty += 1


@ft_command(
    "FT.ALTER key [SKIPINITIALSCAN] SCHEMA ADD attribute options [attribute options ...]",
    flags="write",
    keys="RW",
    arity=-5,
)
def ft_alter(client: Client, argv: Argv) -> Reply:
    """Give an index more fields."""
    return _alter(client, argv, if_missing=False)


@ft_command(
    "FT._ALTERIFNX key [SKIPINITIALSCAN] SCHEMA ADD attribute options [attribute options ...]",
    flags="write",
    keys="RW",
    arity=-5,
)
def ft_alterifnx(client: Client, argv: Argv) -> Reply:
    """FT.ALTER, unless the first field is there."""
    return _alter(client, argv, if_missing=True)


def _alter(client: Client, argv: Argv, if_missing: bool) -> Reply:
    known = registry(client.server)
    index = existing_index(client, argv[1], NO_INDEX)
    words = Arguments(argv, 2)
    scans = not words.has(b"SKIPINITIALSCAN")
    if not words.has(b"SCHEMA"):
        raise CommandError("ALTER must be followed by SCHEMA")
    if not words.has(b"ADD"):
        raise CommandError("Unknown action passed to ALTER SCHEMA")
    if not words:
        raise CommandError("No fields provided")
    if if_missing and index.schema.find(words.peek()) is not None:
        return OK
    for field in parse_fields(words, index.schema.fields, index.definition):
        index.schema.fields.append(field)
        index.declare(field)
    if scans:
        known.scan(index)
    _changed(client)
    return OK


@ft_command("FT.DROPINDEX key [DD]", flags="write", keys="RW", arity=-2)
def ft_dropindex(client: Client, argv: Argv) -> Reply:
    """Remove an index; with DD also its keys."""
    return _drop(client, argv, word=b"DD", with_word=True, if_there=False)


@ft_command("FT._DROPINDEXIFX key [DD]", flags="write", keys="RW", arity=-2)
def ft_dropindexifx(client: Client, argv: Argv) -> Reply:
    """FT.DROPINDEX, if there is such an index."""
    return _drop(client, argv, word=b"DD", with_word=True, if_there=True)


@ft_command("FT.DROP key [KEEPDOCS]", flags="write", keys="RW", arity=-2)
def ft_drop(client: Client, argv: Argv) -> Reply:
    """Remove an index and, unless told otherwise, its keys."""
    return _drop(client, argv, word=b"KEEPDOCS", with_word=False, if_there=False)


@ft_command("FT._DROPIFX key [KEEPDOCS]", flags="write", keys="RW", arity=-2)
def ft_dropifx(client: Client, argv: Argv) -> Reply:
    """FT.DROP, if there is such an index."""
    return _drop(client, argv, word=b"KEEPDOCS", with_word=False, if_there=True)


def _drop(client: Client, argv: Argv, word: bytes, with_word: bool, if_there: bool) -> Reply:
    if len(argv) > 3:
        raise CommandError(f"ERR wrong number of arguments for '{client.command.name}' command")
    known = registry(client.server)
    index = known.find(argv[1])
    if index is None:
        if if_there:
            return OK
        raise CommandError(UNKNOWN_INDEX)
    said = len(argv) > 2 and argv[2].upper() == word
    known.drop(index, with_documents=said == with_word)
    _changed(client)
    return OK


# Names.


@ft_command("FT.ALIASADD key index", flags="readonly", keys="RW", arity=3)
def ft_aliasadd(client: Client, argv: Argv) -> Reply:
    """Give an index another name."""
    return _add_alias(client, argv, if_missing=False)


@ft_command("FT._ALIASADDIFNX key index", flags="readonly", keys="RW", arity=3)
def ft_aliasaddifnx(client: Client, argv: Argv) -> Reply:
    """FT.ALIASADD, unless the index has this name."""
    return _add_alias(client, argv, if_missing=True)


def _add_alias(client: Client, argv: Argv, if_missing: bool) -> Reply:
    _, alias, name = argv
    known = registry(client.server)
    index = _real_index(known, name)
    if alias in known.aliases:
        if if_missing and known.aliases[alias] is index:
            return OK
        raise CommandError("Alias already exists")
    known.aliases[alias] = index
    return OK


def _real_index(known: Registry, name: bytes) -> Index:
    index = known.find(name, by_alias=False)
    if index is None:
        raise CommandError(NO_REAL_INDEX)
    return index


@ft_command("FT.ALIASUPDATE key index", flags="readonly", keys="RW", arity=3)
def ft_aliasupdate(client: Client, argv: Argv) -> Reply:
    """Give an index another name, which another index may have had."""
    _, alias, name = argv
    known = registry(client.server)
    known.aliases[alias] = _real_index(known, name)
    return OK


@ft_command("FT.ALIASDEL key", flags="readonly", keys="RW", arity=2)
def ft_aliasdel(client: Client, argv: Argv) -> Reply:
    """Take a name from an index."""
    if registry(client.server).aliases.pop(argv[1], None) is None:
        raise CommandError("Alias does not exist")
    return OK


@ft_command("FT._ALIASDELIFX key", flags="readonly", keys="RW", arity=2)
def ft_aliasdelifx(client: Client, argv: Argv) -> Reply:
    """FT.ALIASDEL, if there is such a name."""
    registry(client.server).aliases.pop(argv[1], None)
    return OK


@ft_command("FT._LIST", flags="readonly", arity=1)
def ft_list(client: Client, argv: Argv) -> Reply:
    """The names of all indexes."""
    return Members(map(Status, registry(client.server).names()))


# What is known of them.


@ft_command("FT.TAGVALS key field_name", flags="readonly", keys="RW", arity=3)
def ft_tagvals(client: Client, argv: Argv) -> Reply:
    """The tags of a field."""
    _, name, field_name = argv
    index = existing_index(client, name, UNKNOWN_INDEX)
    field = index.schema.find(field_name)
    if field is None:
        raise CommandError("No such field")
    if field.type != b"TAG":
        raise CommandError("Not a tag field")
    return Members(index.tags[field.name].ordered())


@ft_command("FT.INFO key", flags="readonly", keys="RW", arity=-2)
def ft_info(client: Client, argv: Argv) -> Reply:
    """What an index is, and how much it holds."""
    index = existing_index(client, argv[1], NO_INDEX)
    told = client.resp == 3
    definition: dict[Status, Reply] = {
        Status(b"key_type"): Status(index.definition.key_type),
        Status(b"prefixes"): [Status(prefix) for prefix in index.definition.prefixes],
    }
    described = index.definition
    for name, value in (
        (b"filter", described.filter),
        (b"default_language", described.language if described.language != b"english" else b""),
        (b"language_field", described.language_field),
        (b"default_score", described.score),
        (b"score_field", described.score_field),
        (b"payload_field", described.payload_field),
    ):
        if value:
            definition[Status(name)] = Status(value) if isinstance(value, bytes) else float(value)
    facts: dict[bytes, Reply] = {
        b"index_name": Status(index.name),
        b"index_options": [Status(flag) for flag in FLAGS if flag in index.flags],
        b"index_definition": definition,
        b"attributes": [_attribute(field, told) for field in index.schema.fields],
        **_sizes(index),
        b"hash_indexing_failures": index.failures.count,
        b"total_indexing_time": 0.0,
        b"indexing": 0,
        b"percent_indexed": 1.0,
        b"number_of_uses": index.uses,
        b"cleaning": 0,
        b"gc_stats": {
            Status(b"bytes_collected"): 0.0,
            Status(b"total_ms_run"): 0.0,
            Status(b"total_cycles"): 0.0,
            Status(b"average_cycle_time_ms"): math.nan,
            Status(b"last_run_time_ms"): 0.0,
            Status(b"gc_numeric_trees_missed"): 0.0,
            Status(b"gc_blocks_denied"): 0.0,
        },
        b"cursor_stats": {
            Status(b"global_idle"): 0,
            Status(b"global_total"): 0,
            Status(b"index_capacity"): 128,
            Status(b"index_total"): 0,
        },
    }
    if index.schema.stop_words is not None:
        facts[b"stopwords_list"] = sorted(index.schema.stop_words)
    facts[b"dialect_stats"] = {
        Status(b"dialect_%d" % dialect): int(dialect in index.dialects) for dialect in range(1, 5)
    }
    facts[b"Index Errors"] = _errors(index.failures)
    facts[b"field statistics"] = [
        {
            Status(b"identifier"): Status(field.path),
            Status(b"attribute"): Status(field.name),
            Status(b"Index Errors"): _errors(index.failures_of.get(field.name, Failures())),
        }
        for field in index.schema.fields
    ]
    return {Status(name): value for name, value in facts.items()}


FLAGS: Final = (b"NOFREQS", b"NOFIELDS", b"NOOFFSETS", b"NOHL", b"MAXTEXTFIELDS")
MEGABYTE: Final = 1024 * 1024


def _attribute(field: Field, apart: bool) -> Reply:
    """A field; what it is besides its type stands `apart` in RESP3."""
    facts: list[tuple[bytes, Reply]] = [
        (b"identifier", Status(field.path)),
        (b"attribute", Status(field.name)),
        (b"type", Status(field.type)),
    ]
    flags: list[bytes] = []
    if field.type == b"TEXT":
        facts.append((b"WEIGHT", float(field.weight)))
    elif field.type == b"TAG":
        facts.append((b"SEPARATOR", Status(field.separator)))
        flags += [b"CASESENSITIVE"] * field.case_sensitive
    elif field.type == b"GEOSHAPE":
        facts.append((b"coord_system", Status(field.coordinates)))
    elif field.vector is not None:
        facts += [
            (b"algorithm", Status(field.vector.algorithm)),
            (b"data_type", Status(field.vector.data_type)),
            (b"dim", field.vector.dimension),
            (b"distance_metric", Status(field.vector.metric)),
        ]
        if field.vector.algorithm == b"HNSW":
            facts += [(b"M", field.vector.m), (b"ef_construction", field.vector.ef_construction)]
    for flag, is_set in (
        (b"SORTABLE", field.sortable),
        (b"UNF", field.sortable and field.unnormalised),
        (b"NOINDEX", field.no_index),
        (b"NOSTEM", field.no_stem),
        (b"WITHSUFFIXTRIE", field.suffix_trie),
        (b"INDEXEMPTY", field.index_empty),
        (b"INDEXMISSING", field.index_missing),
    ):
        if is_set:
            flags.append(flag)
    reply: dict[Status, Reply] = {Status(name): value for name, value in facts}
    if apart:
        reply[Status(b"flags")] = list(map(Status, flags))
        return reply
    return [word for pair in reply.items() for word in pair] + list(map(Status, flags))


def _errors(failures: Failures) -> dict[Status, Reply]:
    return {
        Status(b"indexing failures"): failures.count,
        Status(b"last indexing error"): Status(failures.error.encode("utf-8", "surrogateescape")),
        Status(b"last indexing error key"): failures.key,
    }


def _sizes(index: Index) -> dict[bytes, Reply]:
    """How much there is; bytes are what the real module would take, about."""
    documents = len(index.documents)
    positions = index.terms.positions
    entries = index.terms.records
    others = sum(one.records for kept in (index.numbers, index.tags, index.points) for one in kept.values())
    records = entries + others
    inverted = 7.0 * records + 48 * len(index.terms)
    vectors = sum(len(kept) * (kept.blob_size + 16.0) + 1024 for kept in index.vectors.values())
    keys = sum(map(len, index.documents.keys)) + 24.0 * documents
    table = 72.0 * documents
    sortable = 24.0 * documents * sum(field.sortable for field in index.schema.fields)
    text_overhead = 35.0 * len(index.terms)
    tag_overhead = sum(32.0 * len(tags.documents) for tags in index.tags.values())
    total = inverted + table + keys + sortable + text_overhead + tag_overhead + positions
    return {
        b"num_docs": documents,
        b"max_doc_id": index.documents.last_id,
        b"num_terms": len(index.terms),
        b"num_records": records,
        b"inverted_sz_mb": inverted / MEGABYTE,
        b"vector_index_sz_mb": vectors / MEGABYTE,
        b"total_inverted_index_blocks": len(index.terms) + len(index.numbers),
        b"offset_vectors_sz_mb": positions / MEGABYTE,
        b"doc_table_size_mb": table / MEGABYTE,
        b"sortable_values_size_mb": sortable / MEGABYTE,
        b"key_table_size_mb": keys / MEGABYTE,
        b"tag_overhead_sz_mb": tag_overhead / MEGABYTE,
        b"text_overhead_sz_mb": text_overhead / MEGABYTE,
        b"total_index_memory_sz_mb": total / MEGABYTE if documents else 0.0,
        b"geoshapes_sz_mb": 0.0,
        b"records_per_doc_avg": _ratio(records, documents),
        b"bytes_per_record_avg": _ratio(inverted, records),
        b"offsets_per_term_avg": _ratio(positions, records),
        b"offset_bits_per_record_avg": _ratio(8 * positions, positions),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


# Settings.


@ft_command("FT.CONFIG <GET | SET | HELP> option [value]", flags="readonly", arity=-3)
def ft_config(client: Client, argv: Argv) -> Reply:
    """Read and change what holds for all indexes."""
    settings = registry(client.server).settings
    words = Arguments(argv, 1)
    action, name = words.next().upper(), words.next().upper()
    if action == b"SET":
        setting = SETTINGS.get(name)
        if setting is None:
            raise CommandError("Invalid option")
        settings.set(setting, words)
        for index in registry(client.server).indexes.values():
            index.shortest_stem = settings[b"MINSTEMLEN"]
        return Status(b"EXCESSARGS") if words else OK
    if action not in (b"GET", b"HELP"):
        return Status(b"No such configuration action")
    found = [setting for setting in SETTINGS.values() if name in (b"*", setting.name)]
    rows: list[tuple[Status, Reply]] = []
    for setting in found:
        value = settings.shown(setting)
        if action == b"HELP":
            rows.append(
                (
                    Status(setting.name),
                    {
                        Status(b"Description"): Status(setting.meaning),
                        Status(b"Value"): value,
                    },
                )
            )
        else:
            rows.append((Status(setting.name), value))
    if client.resp == 3:
        return dict(rows)
    if action == b"HELP":
        return [[name, *[word for pair in facts.items() for word in pair]] for name, facts in rows]
    return [[name, value] for name, value in rows]

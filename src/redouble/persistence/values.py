"""Values as DUMP and RDB files hold them: a byte for the type and the encoding, then the value.

What a server writes follows from its dialect; what it reads is all that servers before it wrote.  DUMP appends the
version of the format (u16) and the checksum of all that comes before (u64).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from redouble.core.arguments import INT64_MAX
from redouble.persistence.crc64 import crc64
from redouble.persistence.encoding import Parts, Reader, write_length, write_milliseconds, write_string
from redouble.persistence.errors import BadPayload
from redouble.persistence.intset import decode_intset, encode_intset
from redouble.persistence.listpack import decode_listpack, encode_listpack
from redouble.persistence.modules import read_module_value, write_module_value
from redouble.persistence.streams import STREAMS, read_stream, stream_parts
from redouble.persistence.ziplist import decode_ziplist, decode_zipmap, encode_ziplist
from redouble.types.hash import Hash
from redouble.types.limits import Limits
from redouble.types.list import List
from redouble.types.module_value import ModuleValue
from redouble.types.number import parse_double, parse_integer
from redouble.types.set import Set
from redouble.types.sorted_set import SortedSet
from redouble.types.stream import Stream

if TYPE_CHECKING:
    from redouble.dialects import Dialect, Module

__all__ = ["FOOTER", "checksum_fits", "dump_value", "load_value", "read_value", "with_footer", "write_value"]

FOOTER = 10
"""Bytes behind the value in a DUMP: version and checksum."""

STRING, LIST, SET, ZSET, HASH, ZSET_2, MODULE_2 = 0, 1, 2, 3, 4, 5, 7
ZIPMAP, ZIPLIST, INTSET, ZSET_ZIPLIST, HASH_ZIPLIST, QUICKLIST = 9, 10, 11, 12, 13, 14
HASH_LISTPACK, ZSET_LISTPACK, QUICKLIST_2, SET_LISTPACK = 16, 17, 18, 20
HASH_2, HASH_LISTPACK_BEFORE_EX, HASH_METADATA, HASH_LISTPACK_EX = 22, 23, 24, 25
MOST_REDIS_MOMENT = (1 << 48) - 1
"""A field of Redis goes before that."""
PLAIN, PACKED = 1, 2
"""What a node of a QUICKLIST_2 holds."""


# DUMP.


def dump_value(value: Any, dialect: type[Dialect], do_compress: bool = True) -> bytes:
    """The payload of DUMP, as the emulated server would write it."""
    return with_footer(write_value(value, dialect, do_compress), dialect)


def with_footer(payload: bytes, dialect: type[Dialect]) -> bytes:
    """The version and the checksum at the end."""
    payload += dialect.rdb_version.to_bytes(2, "little")
    return payload + crc64(payload).to_bytes(8, "little")


def checksum_fits(payload: bytes, dialect: type[Dialect]) -> bool:
    """Whether a payload has a version that the emulated server reads, and its checksum is right."""
    if len(payload) < FOOTER:
        return False
    version = int.from_bytes(payload[-FOOTER:-8], "little")
    if not dialect.reads_rdb_version(version):
        return False
    checksum = int.from_bytes(payload[-8:], "little")
    return (checksum == 0 and dialect.rdb_checksum_may_be_missing) or checksum == crc64(payload[:-8])


def load_value(payload: bytes, dialect: type[Dialect], limits: Limits, modules: tuple[Module, ...] = ()) -> Any:
    """The value of a payload whose checksum fits.  As real servers do, it ignores what follows the value, and reads on
    into the footer if the value asks for that."""
    reader = Reader(payload)
    return read_value(reader, reader.byte(), dialect, limits, modules)


# Writing.


def write_value(value: Any, dialect: type[Dialect], do_compress: bool = True, is_file: bool = False) -> bytes:
    """The byte of the type, and the value; `is_file`: the other keys are written, too."""
    if isinstance(value, (bytes, bytearray)):
        return bytes((STRING,)) + write_string(bytes(value), do_compress)
    if isinstance(value, ModuleValue):
        return bytes((MODULE_2,)) + write_module_value(value, dialect, do_compress, is_file)
    kind, parts = _WRITERS[type(value)](value, dialect)
    return bytes((kind,)) + b"".join(
        bytes(part) if isinstance(part, bytearray) else write_string(part, do_compress) for part in parts
    )


def _list_parts(value: List, dialect: type[Dialect]) -> Parts:
    def nodes() -> Iterator[bytes | bytearray]:
        sizes = value.node_sizes(dialect.large_elements_are_plain)
        yield write_length(len(sizes))
        start = 0
        for count, plain in sizes:
            values = value.slice(start, start + count - 1)
            start += count
            if dialect.rdb_writes_listpacks:
                yield write_length(PLAIN if plain else PACKED)
                yield values[0] if plain else encode_listpack(values)
            else:
                yield encode_ziplist(values)

    return QUICKLIST_2 if dialect.rdb_writes_listpacks else QUICKLIST, nodes()


def _set_parts(value: Set, dialect: type[Dialect]) -> Parts:
    encoding = value.encoding()
    if encoding == b"intset":
        return INTSET, (encode_intset(map(int, value)),)
    if encoding == b"listpack":
        return SET_LISTPACK, (encode_listpack(value),)
    return SET, (write_length(len(value)), *value)


def _hash_parts(value: Hash, dialect: type[Dialect]) -> Parts:
    expiries = value.expiries
    if value.small and value.noted is not None:
        triples = [word for field, text in value.items() for word in (field, text, b"%d" % expiries.get(field, 0))]
        return HASH_LISTPACK_EX, (write_milliseconds(value.noted), encode_listpack(triples))
    if expiries and dialect.rdb_type_22_is_valkeys:
        return HASH_2, _fields_and_moments(value)
    if expiries:
        return HASH_METADATA, _moments_and_fields(value)
    words = [word for pair in value.items() for word in pair]
    if value.small:
        if dialect.rdb_writes_listpacks:
            return HASH_LISTPACK, (encode_listpack(words),)
        return HASH_ZIPLIST, (encode_ziplist(words),)
    return HASH, (write_length(len(value)), *words)


def _fields_and_moments(value: Hash) -> Iterator[bytes | bytearray]:
    yield write_length(len(value))
    for field, text in value.items():
        yield field
        yield text
        yield write_milliseconds(value.expiries.get(field, -1))


def _moments_and_fields(value: Hash) -> Iterator[bytes | bytearray]:
    first = min(value.expiries.values())
    yield write_milliseconds(first)
    yield write_length(len(value))
    for field, text in value.items():
        at = value.expiries.get(field)
        yield write_length(0 if at is None else at - first + 1)
        yield field
        yield text


def _sorted_set_parts(value: SortedSet, dialect: type[Dialect]) -> Parts:
    pairs = value.pairs(0, len(value))
    if value.small:
        words = [word for member, score in pairs for word in (member, dialect.format_double(score))]
        if dialect.rdb_writes_listpacks:
            return ZSET_LISTPACK, (encode_listpack(words),)
        return ZSET_ZIPLIST, (encode_ziplist(words),)
    # from the greatest down: each insertion into the skiplist that is loaded is then at its head
    return ZSET_2, (
        write_length(len(pairs)),
        *(part for member, score in reversed(pairs) for part in (member, bytearray(struct.pack("<d", score)))),
    )


_WRITERS: dict[type, Callable[[Any, type[Dialect]], Parts]] = {
    List: _list_parts,
    Set: _set_parts,
    Hash: _hash_parts,
    SortedSet: _sorted_set_parts,
    Stream: stream_parts,
}


# Reading.


def read_value(
    reader: Reader, kind: int, dialect: type[Dialect], limits: Limits, modules: tuple[Module, ...] = ()
) -> Any:
    """A value of the type `kind`, as the emulated server with these modules would keep it."""
    if kind == MODULE_2:
        value = read_module_value(reader, modules)
        if value is None:
            raise BadPayload("a type that no module has")
        return value
    if kind not in dialect.rdb_types:
        raise BadPayload("unknown type")
    if kind in STREAMS:
        return read_stream(reader, kind, limits)
    if kind == HASH_2 and not dialect.rdb_type_22_is_valkeys:
        return _read_hash_before_metadata(reader, limits)
    return _READERS[kind](reader, limits)


def _read_list(reader: Reader, limits: Limits) -> List:
    return List.loaded(reader.strings(reader.count()), limits)


def _read_list_of_ziplists(reader: Reader, limits: Limits) -> List:
    nodes = [decode_ziplist(reader.string()) for _ in range(reader.count())]
    return _list_of_nodes([(values, False) for values in nodes], limits)


def _read_ziplist(reader: Reader, limits: Limits) -> List:
    values = decode_ziplist(reader.string())
    if not values:
        raise BadPayload("list: empty")
    return List.of_nodes([(values, False)], limits)  # stays a quicklist, however small


def _read_quicklist(reader: Reader, limits: Limits) -> List:
    nodes: list[tuple[list[bytes], bool]] = []
    for _ in range(reader.count(2)):
        container = reader.length()
        if container not in (PLAIN, PACKED):
            raise BadPayload("quicklist: unknown container")
        text = reader.string()
        plain = container == PLAIN
        if plain and not text:
            continue  # the real servers leave out a node without bytes
        nodes.append(([text] if plain else decode_listpack(text), plain))
    return _list_of_nodes(nodes, limits)


def _list_of_nodes(nodes: list[tuple[list[bytes], bool]], limits: Limits) -> List:
    nodes = [node for node in nodes if node[0]]
    if not nodes:
        raise BadPayload("list: empty")
    made = List.of_nodes(nodes, limits)
    made.settle()
    return made


def _read_set(reader: Reader, limits: Limits) -> Set:
    members = reader.strings(reader.count())
    return Set.loaded(_different(members), limits)


def _read_intset(reader: Reader, limits: Limits) -> Set:
    return Set.small_loaded(_different([b"%d" % number for number in decode_intset(reader.string())]), True, limits)


def _read_set_listpack(reader: Reader, limits: Limits) -> Set:
    return Set.small_loaded(_different(decode_listpack(reader.string())), False, limits)


def _read_hash(reader: Reader, limits: Limits) -> Hash:
    count = reader.count(2)
    return Hash.loaded(_pairs(reader.strings(2 * count)), limits, long_values_matter=True)


def _read_zipmap(reader: Reader, limits: Limits) -> Hash:
    return Hash.loaded(_pairs(decode_zipmap(reader.string())), limits, long_values_matter=True)


def _read_hash_ziplist(reader: Reader, limits: Limits) -> Hash:
    return Hash.loaded(_pairs(decode_ziplist(reader.string())), limits)


def _read_hash_listpack(reader: Reader, limits: Limits) -> Hash:
    return Hash.loaded(_pairs(decode_listpack(reader.string())), limits)


def _read_hash_2(reader: Reader, limits: Limits) -> Hash:
    """Valkey 9: each field is followed by the moment when it goes, -1 for never."""
    words: list[bytes] = []
    expiries = []
    for _ in range(reader.count(10)):
        words += reader.strings(2)
        expiries.append(reader.milliseconds())
    return _expiring(words, [None if at == -1 else at for at in expiries], limits, most=INT64_MAX)


def _read_hash_metadata(reader: Reader, limits: Limits) -> Hash:
    """Redis 7.4: each field comes after the moment when it goes, counted from one before the first; 0 for never."""
    first = reader.milliseconds()
    words: list[bytes] = []
    expiries: list[int | None] = []
    for _ in range(reader.count(3)):
        after = reader.length()
        expiries.append((first + after - 1 or None) if after else None)
        words += reader.strings(2)
    return _expiring(words, expiries, limits)


def _read_hash_before_metadata(reader: Reader, limits: Limits) -> Hash:
    """A candidate of Redis 7.4 wrote the moments as they are, as lengths."""
    words: list[bytes] = []
    expiries: list[int | None] = []
    for _ in range(reader.count(3)):
        expiries.append(reader.length() or None)
        words += reader.strings(2)
    return _expiring(words, expiries, limits)


def _read_hash_listpack_ex(reader: Reader, limits: Limits) -> Hash:
    """Redis 7.4: a listpack of fields, values and the moments when they go, behind the first of these."""
    reader.milliseconds()
    return _read_hash_listpack_before_ex(reader, limits)


def _read_hash_listpack_before_ex(reader: Reader, limits: Limits) -> Hash:
    """Field, value and the moment when it goes, 0 for never."""
    entries = decode_listpack(reader.string())
    moments = [parse_integer(text) for text in entries[2::3]]
    if len(entries) % 3 or None in moments:
        raise BadPayload("hash: fields, values and moments do not match")
    words = [word for start in range(0, len(entries), 3) for word in entries[start : start + 2]]
    return _expiring(words, [moment or None for moment in moments], limits, as_listpack=True)


def _expiring(
    words: list[bytes],
    moments: list[int | None],
    limits: Limits,
    as_listpack: bool = False,
    most: int = MOST_REDIS_MOMENT,
) -> Hash:
    if any(at is not None and not 0 <= at <= most for at in moments):
        raise BadPayload("hash: a moment out of range")
    pairs = _pairs(words)
    expiries = {field: at or 1 for field, at in zip(pairs, moments) if at is not None}
    return Hash.loaded_expiring(pairs, expiries, limits, as_listpack)


def _read_sorted_set(reader: Reader, limits: Limits) -> SortedSet:
    return SortedSet.loaded(_scores([(reader.string(), _text_double(reader)) for _ in range(reader.count(2))]), limits)


def _read_sorted_set_2(reader: Reader, limits: Limits) -> SortedSet:
    return SortedSet.loaded(_scores([(reader.string(), reader.double()) for _ in range(reader.count(9))]), limits)


def _read_sorted_set_ziplist(reader: Reader, limits: Limits) -> SortedSet:
    return _small_sorted_set(decode_ziplist(reader.string()), limits)


def _read_sorted_set_listpack(reader: Reader, limits: Limits) -> SortedSet:
    return _small_sorted_set(decode_listpack(reader.string()), limits)


def _small_sorted_set(words: list[bytes], limits: Limits) -> SortedSet:
    if len(words) % 2:
        raise BadPayload("sorted set: a member without a score")
    scores = _scores([(member, _score(score)) for member, score in zip(words[::2], words[1::2])])
    return SortedSet.small_loaded(scores, limits)


def _score(text: bytes) -> float:
    try:
        return parse_double(text.strip())
    except ValueError:
        raise BadPayload("sorted set: not a score") from None


def _text_double(reader: Reader) -> float:
    """The ASCII form of ZSET: a byte of length; 253 to 255 mean what has no digits."""
    length = reader.byte()
    if length >= 253:
        return (math.nan, math.inf, -math.inf)[length - 253]
    return _score(reader.take(length))


def _scores(pairs: Sequence[tuple[bytes, float]]) -> dict[bytes, float]:
    scores = dict(pairs)
    if not scores or len(scores) != len(pairs) or any(map(math.isnan, scores.values())):
        raise BadPayload("sorted set: empty, a member twice, or a score that is no number")
    return scores


def _pairs(words: list[bytes]) -> dict[bytes, bytes]:
    pairs = dict(zip(words[::2], words[1::2]))
    if not pairs or 2 * len(pairs) != len(words):
        raise BadPayload("hash: empty, a field twice, or one without a value")
    return pairs


def _different(members: list[bytes]) -> list[bytes]:
    if not members or len(set(members)) != len(members):
        raise BadPayload("set: empty, or a member twice")
    return members


_READERS: dict[int, Callable[[Reader, Limits], Any]] = {
    STRING: lambda reader, limits: reader.string(),
    LIST: _read_list,
    SET: _read_set,
    ZSET: _read_sorted_set,
    HASH: _read_hash,
    ZSET_2: _read_sorted_set_2,
    ZIPMAP: _read_zipmap,
    ZIPLIST: _read_ziplist,
    INTSET: _read_intset,
    ZSET_ZIPLIST: _read_sorted_set_ziplist,
    HASH_ZIPLIST: _read_hash_ziplist,
    QUICKLIST: _read_list_of_ziplists,
    HASH_LISTPACK: _read_hash_listpack,
    ZSET_LISTPACK: _read_sorted_set_listpack,
    QUICKLIST_2: _read_quicklist,
    SET_LISTPACK: _read_set_listpack,
    HASH_2: _read_hash_2,
    HASH_LISTPACK_BEFORE_EX: _read_hash_listpack_before_ex,
    HASH_METADATA: _read_hash_metadata,
    HASH_LISTPACK_EX: _read_hash_listpack_ex,
}

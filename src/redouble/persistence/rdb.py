"""Values as DUMP and RDB files hold them: a byte for the type and the encoding, then the value.

Everything is made of lengths (1, 2, 5 or 9 bytes, by the first two bits) and strings (a length and the bytes, or one of
four special forms: integers of 1, 2 or 4 bytes, and LZF).  What a server writes follows from its dialect; what it reads
is all that servers before it wrote.  `Reader` believes nothing: a length or a count is compared with the bytes that are
left before anything is made of it.

DUMP appends the version of the format (u16) and the checksum of all that comes before (u64).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from redouble.persistence.crc64 import crc64
from redouble.persistence.errors import BadPayload, Unsupported
from redouble.persistence.intset import decode_intset, encode_intset
from redouble.persistence.listpack import decode_listpack, encode_listpack
from redouble.persistence.lzf import compress, decompress
from redouble.persistence.ziplist import decode_ziplist, decode_zipmap, encode_ziplist
from redouble.types.hash import Hash
from redouble.types.limits import Limits
from redouble.types.list import List
from redouble.types.number import parse_double, parse_integer
from redouble.types.set import Set
from redouble.types.sorted_set import SortedSet
from redouble.types.stream import Stream

if TYPE_CHECKING:
    from redouble.dialects import Dialect

__all__ = ["Reader", "checksum_fits", "dump_value", "load_value", "read_value", "write_string", "write_value"]

_FOOTER = 10
"""Bytes behind the value in a DUMP: version and checksum."""

STRING, LIST, SET, ZSET, HASH, ZSET_2, MODULE_2 = 0, 1, 2, 3, 4, 5, 7
ZIPMAP, ZIPLIST, INTSET, ZSET_ZIPLIST, HASH_ZIPLIST, QUICKLIST = 9, 10, 11, 12, 13, 14
HASH_LISTPACK, ZSET_LISTPACK, QUICKLIST_2, SET_LISTPACK = 16, 17, 18, 20
HASH_2, HASH_LISTPACK_BEFORE_EX, HASH_METADATA, HASH_LISTPACK_EX = 22, 23, 24, 25
STREAMS = (15, 19, 21, 26)
PLAIN, PACKED = 1, 2
"""What a node of a QUICKLIST_2 holds."""


# DUMP.


def dump_value(value: Any, dialect: type[Dialect], do_compress: bool = True) -> bytes:
    """The payload of DUMP, as the emulated server would write it."""
    payload = write_value(value, dialect, do_compress) + dialect.rdb_version.to_bytes(2, "little")
    return payload + crc64(payload).to_bytes(8, "little")


def checksum_fits(payload: bytes, dialect: type[Dialect]) -> bool:
    """Whether a payload has a version that the emulated server reads, and its checksum is right."""
    if len(payload) < _FOOTER:
        return False
    version = int.from_bytes(payload[-_FOOTER:-8], "little")
    if version > dialect.rdb_version or version in dialect.rdb_versions_refused:
        return False
    checksum = int.from_bytes(payload[-8:], "little")
    return (checksum == 0 and dialect.rdb_checksum_may_be_missing) or checksum == crc64(payload[:-8])


def load_value(payload: bytes, dialect: type[Dialect], limits: Limits) -> Any:
    """The value of a payload whose checksum fits.  As real servers do, it ignores what follows the value, and reads on
    into the footer if the value asks for that."""
    reader = Reader(payload)
    return read_value(reader, reader.byte(), dialect, limits)


# Writing.


def write_value(value: Any, dialect: type[Dialect], do_compress: bool = True) -> bytes:
    """The byte of the type, and the value."""
    if isinstance(value, (bytes, bytearray)):
        return bytes((STRING,)) + write_string(bytes(value), do_compress)
    if type(value) is Stream:
        raise Unsupported("streams")
    kind, parts = _WRITERS[type(value)](value, dialect)
    return bytes((kind,)) + b"".join(
        bytes(part) if isinstance(part, bytearray) else write_string(part, do_compress) for part in parts
    )


Parts = tuple[int, Iterable["bytes | bytearray"]]
"""A type and what makes up the value: strings are `bytes`; what is written as it is, is a `bytearray`."""


def _list_parts(value: List, dialect: type[Dialect]) -> Parts:
    def nodes() -> Iterator[bytes | bytearray]:
        sizes = value.node_sizes(dialect.large_elements_are_plain)
        yield _length(len(sizes))
        start = 0
        for count, plain in sizes:
            values = value.slice(start, start + count - 1)
            start += count
            if dialect.rdb_writes_listpacks:
                yield _length(PLAIN if plain else PACKED)
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
    return SET, (_length(len(value)), *value)


def _hash_parts(value: Hash, dialect: type[Dialect]) -> Parts:
    if value.soonest:
        raise Unsupported("fields of hashes that expire")
    words = [word for pair in value.items() for word in pair]
    if value.small:
        if dialect.rdb_writes_listpacks:
            return HASH_LISTPACK, (encode_listpack(words),)
        return HASH_ZIPLIST, (encode_ziplist(words),)
    return HASH, (_length(len(value)), *words)


def _sorted_set_parts(value: SortedSet, dialect: type[Dialect]) -> Parts:
    pairs = value.pairs(0, len(value))
    if value.small:
        words = [word for member, score in pairs for word in (member, dialect.format_double(score))]
        if dialect.rdb_writes_listpacks:
            return ZSET_LISTPACK, (encode_listpack(words),)
        return ZSET_ZIPLIST, (encode_ziplist(words),)
    # from the greatest down: each insertion into the skiplist that is loaded is then at its head
    return ZSET_2, (
        _length(len(pairs)),
        *(part for member, score in reversed(pairs) for part in (member, bytearray(struct.pack("<d", score)))),
    )


_WRITERS: dict[type, Callable[[Any, type[Dialect]], Parts]] = {
    List: _list_parts,
    Set: _set_parts,
    Hash: _hash_parts,
    SortedSet: _sorted_set_parts,
}


def _length(number: int) -> bytearray:
    if number < 1 << 6:
        return bytearray((number,))
    if number < 1 << 14:
        return bytearray((0x4000 | number).to_bytes(2, "big"))
    if number < 1 << 32:
        return bytearray(b"\x80" + number.to_bytes(4, "big"))
    return bytearray(b"\x81" + number.to_bytes(8, "big"))


def write_string(text: bytes, do_compress: bool = True) -> bytes:
    """A string in the shortest form that the real servers look for."""
    length = len(text)
    if length <= 11:
        number = parse_integer(text) if text else None
        if number is not None:
            for kind, size in enumerate((1, 2, 4)):
                if -1 << 8 * size - 1 <= number < 1 << 8 * size - 1:
                    return bytes((0xC0 | kind,)) + number.to_bytes(size, "little", signed=True)
    elif length > 20 and do_compress:
        compressed = compress(text, length - 4)
        if compressed is not None:
            return b"\xc3" + _length(len(compressed)) + _length(length) + compressed
    return bytes(_length(length) + text)


# Reading.


class Reader:
    """Bytes, taken from the front; asked for more than there are, it raises BadPayload."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.end = len(data)

    def take(self, count: int) -> bytes:
        start = self.position
        if count > self.end - start:
            raise BadPayload("cut off")
        self.position = start + count
        return self.data[start : start + count]

    def byte(self) -> int:
        return self.take(1)[0]

    def length(self) -> int:
        number, special = self._length()
        if special:
            raise BadPayload("a length was expected")
        return number

    def count(self, least: int = 1) -> int:
        """How many elements follow, of which each takes at least that many bytes.  None at all is wrong."""
        number = self.length()
        if not 0 < number <= (self.end - self.position) // least:
            raise BadPayload("no element, or more than there is room for")
        return number

    def string(self) -> bytes:
        number, special = self._length()
        if not special:
            return self.take(number)
        if number < 3:
            return b"%d" % int.from_bytes(self.take(1 << number), "little", signed=True)
        if number > 3:
            raise BadPayload("unknown form of a string")
        compressed, length = self.length(), self.length()
        return decompress(self.take(compressed), length)

    def strings(self, count: int) -> list[bytes]:
        string = self.string
        return [string() for _ in range(count)]

    def double(self) -> float:
        number: float = struct.unpack("<d", self.take(8))[0]
        return number

    def text_double(self) -> float:
        """The ASCII form of ZSET: a byte of length; 253 to 255 mean what has no digits."""
        length = self.byte()
        if length >= 253:
            return (math.nan, math.inf, -math.inf)[length - 253]
        return _score(self.take(length))

    def milliseconds(self) -> int:
        return int.from_bytes(self.take(8), "little", signed=True)

    def _length(self) -> tuple[int, bool]:
        """A number, and whether it tells a special form of a string instead of a length."""
        first = self.byte()
        if first < 0x40:
            return first, False
        if first < 0x80:
            return (first & 0x3F) << 8 | self.byte(), False
        if first >= 0xC0:
            return first & 0x3F, True
        if first > 0x81:
            raise BadPayload("unknown form of a length")
        return int.from_bytes(self.take(4 if first == 0x80 else 8), "big"), False


def read_value(reader: Reader, kind: int, dialect: type[Dialect], limits: Limits) -> Any:
    """A value of the type `kind`, as the emulated server would keep it."""
    if kind in STREAMS:
        raise Unsupported("streams")
    if kind not in dialect.rdb_types:
        raise BadPayload("unknown type")
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
    return _expiring(words, [at if at >= 0 else 0 for at in expiries], limits, small=False)


def _read_hash_metadata(reader: Reader, limits: Limits) -> Hash:
    """Redis 7.4: each field comes after the moment when it goes, counted from one before the first; 0 for never."""
    first = reader.milliseconds()
    words: list[bytes] = []
    expiries = []
    for _ in range(reader.count(3)):
        after = reader.length()
        expiries.append(after and first + after - 1)
        words += reader.strings(2)
    return _expiring(words, expiries, limits, small=False)


def _read_hash_before_metadata(reader: Reader, limits: Limits) -> Hash:
    """A candidate of Redis 7.4 wrote the moments as they are, as lengths."""
    words: list[bytes] = []
    expiries = []
    for _ in range(reader.count(3)):
        expiries.append(reader.length())
        words += reader.strings(2)
    return _expiring(words, expiries, limits, small=False)


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
    return _expiring(words, [moment or 0 for moment in moments], limits, small=True)


def _expiring(words: list[bytes], expiries: list[int], limits: Limits, small: bool) -> Hash:
    if any(not 0 <= at < 1 << 48 for at in expiries):
        raise BadPayload("hash: a moment out of range")
    pairs = _pairs(words)
    if any(expiries):
        raise Unsupported("fields of hashes that expire")
    return Hash.loaded(pairs, limits, long_values_matter=not small)


def _read_sorted_set(reader: Reader, limits: Limits) -> SortedSet:
    return SortedSet.loaded(_scores([(reader.string(), reader.text_double()) for _ in range(reader.count(2))]), limits)


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

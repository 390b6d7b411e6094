"""Streams as DUMP and RDB files hold them: blocks of entries, each a listpack, then what is known of the whole, then the
groups; each newer type appends something to one of these.

A listpack begins with its master: how many entries there are and how many more are deleted, the names of the fields of
the first entry, 0.  An entry is its flags, its id relative to the master's, its fields (only the values, if the names are
the master's), and how many elements of the listpack it takes, to be read from behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from redouble.core.arguments import INT64_MAX
from redouble.persistence.encoding import Parts, Reader, write_length, write_milliseconds
from redouble.persistence.errors import BadPayload
from redouble.persistence.listpack import decode_listpack, encode_listpack
from redouble.types.limits import Limits
from redouble.types.number import parse_integer
from redouble.types.stream import SEQUENCE_BITS, SEQUENCE_MASK, Block, Consumer, Group, Producers, Stream

if TYPE_CHECKING:
    from redouble.dialects import Dialect

__all__ = ["STREAMS", "read_stream", "stream_parts"]

STREAM, STREAM_2, STREAM_3, STREAM_4 = STREAMS = (15, 19, 21, 26)
"""The first one; with the first id, the last deleted one and counters (Redis 7.0); with the active times of consumers
(7.2); with idempotent producers (8.6)."""

_DELETED, _SAME_FIELDS = 1, 2
_UNKNOWN: Final = (1 << 64) - 1
"""-1 as an unsigned number: nobody knows how many entries a group has read."""


# Writing.


def stream_parts(stream: Stream, dialect: type[Dialect]) -> Parts:
    return dialect.rdb_stream_type, _parts(stream, dialect.rdb_stream_type)


def _parts(stream: Stream, kind: int) -> Iterator[bytes | bytearray]:
    yield write_length(stream.blocks)
    for block in stream.written():
        yield block.master.to_bytes(16, "big")
        yield encode_listpack(_words(block))
    yield write_length(len(stream))
    yield _id(stream.last_id)
    if kind >= STREAM_2:
        yield _id(stream.first_id)
        yield _id(stream.max_deleted_id)
        yield write_length(stream.entries_added)
    yield write_length(len(stream.groups))
    for name, group in sorted(stream.groups.items()):
        yield name
        yield from _group_parts(group, kind)
    if kind >= STREAM_4:
        yield from _producers_parts(stream.producers)


def _words(block: Block) -> Iterator[bytes]:
    """The elements of the listpack of a block."""
    names = block.master_fields
    yield from _numbers(len(block.ids), len(block.deleted), len(names))
    yield from names
    yield b"0"
    for (id, fields), there in block.written():
        same = fields[::2] == names
        flags = (0 if there else _DELETED) | (_SAME_FIELDS if same else 0)
        yield from _numbers(flags, *block.distance(id))
        if same:
            yield from fields[1::2]
            yield b"%d" % (len(names) + 3)
        else:
            yield b"%d" % (len(fields) // 2)
            yield from fields
            yield b"%d" % (len(fields) + 4)


def _numbers(*numbers: int) -> Iterable[bytes]:
    return (b"%d" % number for number in numbers)


def _group_parts(group: Group, kind: int) -> Iterator[bytes | bytearray]:
    yield _id(group.last_id)
    if kind >= STREAM_2:
        yield write_length(_UNKNOWN if group.entries_read is None else group.entries_read)
    yield write_length(len(group.pending))
    for id, pending in group.pending.items():
        yield _raw_id(id)
        yield write_milliseconds(pending.time)
        yield write_length(pending.count & _UNKNOWN)  # it may run over
    yield write_length(len(group.consumers))
    for name, consumer in sorted(group.consumers.items()):
        yield name
        yield write_milliseconds(consumer.seen_time)
        if kind >= STREAM_3:
            yield write_milliseconds(-1 if consumer.active_time is None else consumer.active_time)
        yield write_length(len(consumer.pending))
        yield from map(_raw_id, consumer.pending)


def _producers_parts(producers: Producers) -> Iterator[bytes | bytearray]:
    yield write_length(producers.duration)
    yield write_length(producers.maxsize)
    known = sorted(found for found in producers.ids.items() if found[1])
    yield write_length(len(known))
    for producer, ids in known:
        yield producer
        yield write_length(len(ids))
        for own_id, (id, _) in ids.items():
            yield own_id
            yield _id(id)
    yield write_length(producers.added)
    yield write_length(producers.duplicates)


def _id(id: int) -> bytearray:
    return write_length(id >> SEQUENCE_BITS) + write_length(id & SEQUENCE_MASK)


def _raw_id(id: int) -> bytearray:
    return bytearray(id.to_bytes(16, "big"))


# Reading.


def read_stream(reader: Reader, kind: int, limits: Limits) -> Stream:
    blocks = [_read_block(reader) for _ in range(_count(reader, 2))]
    blocks.sort(key=lambda block: block.master)
    last = -1
    for block in blocks:
        if not last < block.master <= block.ids[0] or any(low >= high for low, high in pairwise(block.ids)):
            raise BadPayload("stream: the order of the ids")
        last = block.ids[-1]
    stream = Stream.of_blocks(blocks, limits)
    if reader.length() != len(stream):
        raise BadPayload("stream: length")
    stream.last_id = _read_id(reader)
    if stream.last_id < last:
        raise BadPayload("stream: an entry behind the last id")
    stream.entries_added = len(stream)
    if kind >= STREAM_2:
        _read_id(reader)  # of the first entry, which is known
        stream.max_deleted_id = _read_id(reader)
        stream.entries_added = reader.length()
    for _ in range(_count(reader, 5)):
        name = reader.string()
        if name in stream.groups:
            raise BadPayload("stream: a group twice")
        stream.groups[name] = _read_group(reader, kind, stream)
    if kind >= STREAM_4:
        stream.producers = _read_producers(reader)
    return stream


def _read_block(reader: Reader) -> Block:
    key = reader.string()
    if len(key) != 16:
        raise BadPayload("stream: the key of a block")
    words = iter(decode_listpack(reader.string()))
    try:
        block = _block(int.from_bytes(key, "big"), words)
    except StopIteration:
        raise BadPayload("stream: a block is cut off") from None
    if next(words, None) is not None:
        raise BadPayload("stream: more in a block than it says")
    return block


def _block(master: int, words: Iterator[bytes]) -> Block:
    """What the elements of a listpack are; they may come to an end."""
    count, deleted = _integer(words), _integer(words)
    names = _strings(words, _integer(words))
    if _integer(words) != 0 or count <= 0 or deleted < 0:
        raise BadPayload("stream: the master of a block")
    block = Block(master, [word for name in names for word in (name, b"")])
    for _ in range(count + deleted):
        flags, ms, sequence = _integer(words), _integer(words), _integer(words)
        id = ((master >> SEQUENCE_BITS) + ms & SEQUENCE_MASK) << SEQUENCE_BITS | (master + sequence & SEQUENCE_MASK)
        if flags & _SAME_FIELDS:
            values = _strings(words, len(names))
            fields = [word for pair in zip(names, values) for word in pair]
            elements = len(names) + 3
        else:
            fields = _strings(words, 2 * _integer(words))
            elements = len(fields) + 4
        if not 0 <= flags <= 3 or _integer(words) != elements or not fields:
            raise BadPayload("stream: an entry")
        block.append(id, fields)
        if flags & _DELETED:
            block.delete(len(block.ids) - 1)
    if len(block.ids) != count:
        raise BadPayload("stream: number of entries in a block")
    return block


def _integer(words: Iterator[bytes]) -> int:
    number = parse_integer(next(words))
    if number is None:
        raise BadPayload("stream: a number was expected")
    return number


def _strings(words: Iterator[bytes], count: int) -> list[bytes]:
    """The next elements; `count` may be anything."""
    found = [word for _, word in zip(range(count), words)]
    if len(found) != count:
        raise BadPayload("stream: the fields of an entry")
    return found


def _read_group(reader: Reader, kind: int, stream: Stream) -> Group:
    last_id = _read_id(reader)
    if kind >= STREAM_2:
        read = reader.length()
        entries_read = None if read == _UNKNOWN else read
    else:
        entries_read = stream.entries_up_to(last_id)
    group = Group(last_id, entries_read)
    waiting: dict[int, tuple[int, int]] = {}
    for _ in range(_count(reader, 25)):
        id = _read_raw_id(reader)
        if id in waiting:
            raise BadPayload("stream: pending twice")
        time, count = _checked(reader.milliseconds()), reader.length()
        waiting[id] = time, count - (1 << 64) if count > INT64_MAX else count
    for _ in range(_count(reader, 10)):
        name = reader.string()
        if name in group.consumers:
            raise BadPayload("stream: a consumer twice")
        consumer = group.consumers[name] = Consumer(name, _checked(reader.milliseconds()))
        consumer.active_time = reader.milliseconds() if kind >= STREAM_3 else consumer.seen_time
        if consumer.active_time == -1:
            consumer.active_time = None
        for _ in range(_count(reader, 16)):
            id = _read_raw_id(reader)
            if id not in waiting:
                raise BadPayload("stream: pending at a consumer, but not in its group, or at two")
            time, count = waiting.pop(id)
            group.deliver(id, consumer, time, count)
    if waiting:
        raise BadPayload("stream: pending at no consumer")
    return group


def _read_producers(reader: Reader) -> Producers:
    producers = Producers(_number(reader), _number(reader))
    if not producers.duration or not producers.maxsize:
        raise BadPayload("stream: producers are remembered for ever, or not at all")
    for _ in range(_count(reader, 2)):
        ids = producers.ids.setdefault(reader.string(), {})
        if ids:
            raise BadPayload("stream: a producer twice")
        for _ in range(reader.count(3)):
            own_id = reader.string()
            id = _read_id(reader)
            if own_id in ids:
                raise BadPayload("stream: an idempotent id twice")
            ids[own_id] = id, id >> SEQUENCE_BITS
    producers.added, producers.duplicates = _number(reader), _number(reader)
    return producers


def _count(reader: Reader, least: int) -> int:
    """As `Reader.count`, but there may be none."""
    number = reader.length()
    if number > (reader.end - reader.position) // least:
        raise BadPayload("more than there is room for")
    return number


def _number(reader: Reader) -> int:
    return _checked(reader.length())


def _checked(number: int) -> int:
    if not 0 <= number <= INT64_MAX:
        raise BadPayload("stream: a number out of range")
    return number


def _read_id(reader: Reader) -> int:
    return reader.length() << SEQUENCE_BITS | reader.length()


def _read_raw_id(reader: Reader) -> int:
    return int.from_bytes(reader.take(16), "big")

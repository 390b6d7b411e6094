"""Streams: entries, the groups that read them, and the commands that wait for more.

A reply holds entries as `[id, [field, value, ...]]`.  XREAD and XREADGROUP that wait are run again when one of their
keys is ready, as every blocking command is; only `$` and `+` are first replaced by what they mean now.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeAlias

from redouble.core import errors, notify
from redouble.core.arguments import INT64_MAX, integer, integer_in
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.dialects import Dialect
from redouble.resp.reply import NULL_ARRAY, OK, Reply
from redouble.types.id_order import IdOrder
from redouble.types.stream import MAX_ID, Consumer, Entry, Group, Pending, Stream, id_text

INVALID_ID = "ERR Invalid stream ID specified as stream command argument"
TWO_STRATEGIES = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
EXHAUSTED = "ERR The stream has exhausted the last possible ID, unable to add more items"
NOT_GREATER = "ERR The ID specified in XADD is equal or smaller than the target stream top item"

Entries: TypeAlias = "Callable[[Stream, int, int, int | None], list[Entry]]"

# Ids.

_UNSIGNED = re.compile(rb"\s*([+-]?)([0-9]+)")
_LONGEST_ID = 127


def _unsigned(text: bytes) -> int:
    """An unsigned 64-bit integer; blanks, signs and zeros before it are those that strtoull takes (string2ull)."""
    found = _UNSIGNED.fullmatch(text)
    if found is None:
        raise CommandError(INVALID_ID)
    number = int(found[2])
    if number >= 1 << 64 or (found[1] == b"-" and 0 < number <= 1 << 63 and b"-%d" % number == text):
        raise CommandError(INVALID_ID)
    return -number % (1 << 64) if found[1] == b"-" else number


def stream_id(text: bytes, sequence: int = 0) -> int:
    """An id as it was written; `sequence` is the second half of one that has none."""
    if len(text) > _LONGEST_ID:
        raise CommandError(INVALID_ID)
    milliseconds, dash, rest = text.partition(b"\0")[0].partition(b"-")
    return _unsigned(milliseconds) << 64 | (_unsigned(rest) if dash else sequence)


LAST_SEQUENCE = (1 << 64) - 1


def _bound(text: bytes, sequence: int = 0) -> int:
    """An id, or `-` and `+` for the least and the greatest."""
    return 0 if text == b"-" else MAX_ID if text == b"+" else stream_id(text, sequence)


def _start(text: bytes) -> int:
    """Where a range begins; `(` leaves out the id itself."""
    if text[:1] != b"(" or len(text) == 1:
        return _bound(text)
    id = stream_id(text[1:])
    if id == MAX_ID:
        raise CommandError("ERR invalid start ID for the interval")
    return id + 1


def _end(text: bytes) -> int:
    """Where a range ends; `(` leaves out the id itself."""
    if text[:1] != b"(" or len(text) == 1:
        return _bound(text, LAST_SEQUENCE)
    id = stream_id(text[1:], LAST_SEQUENCE)
    if id == 0:
        raise CommandError("ERR invalid end ID for the interval")
    return id - 1


def _shown(entries: Iterable[Entry]) -> list[Reply]:
    return [[id_text(id), fields] for id, fields in entries]


# Adding and trimming.

REFERENCES = (b"KEEPREF", b"DELREF", b"ACKED")
"""What happens to the pending entries of groups when an entry goes: nothing, they go too, or the entry stays."""


@dataclass
class _Trim:
    """What MAXLEN, MINID and their companions ask for."""

    maxlen: int | None = None
    minid: int | None = None
    approximate: bool = False
    limit: int | None = None
    references: bytes = b""
    """KEEPREF, DELREF or ACKED."""

    @property
    def given(self) -> bool:
        return self.maxlen is not None or self.minid is not None

    def take(self, argv: Argv, at: int, words: Mapping[bytes, object]) -> int:
        """Read the option at `argv[at]`; where it ends, or `at` if it is none."""
        word, more = argv[at].upper(), len(argv) - 1 - at
        if word in (b"MAXLEN", b"MINID") and more:
            if self.given:
                raise CommandError(TWO_STRATEGIES)
            at += 1
            self.approximate = argv[at] == b"~" and more >= 2
            if argv[at] in (b"~", b"=") and more >= 2:
                at += 1
            if word == b"MAXLEN":
                self.maxlen = integer(argv[at])
                if self.maxlen < 0:
                    raise CommandError("ERR The MAXLEN argument must be >= 0.")
            else:
                self.minid = stream_id(argv[at])
            return at + 1
        if word == b"LIMIT" and more:
            self.limit = integer(argv[at + 1])
            if self.limit < 0:
                raise CommandError("ERR The LIMIT argument must be >= 0.")
            return at + 2
        if word in REFERENCES and word in words and not self.references:
            self.references = word
            return at + 1
        return at

    def check(self) -> None:
        if self.limit and not self.given:
            raise CommandError("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")

    def check_limit(self) -> None:
        if self.limit is not None and not self.approximate:
            raise CommandError("ERR syntax error, LIMIT cannot be used without the special ~ option")

    def apply(self, stream: Stream) -> int:
        limit = self.limit or 0
        if self.approximate and self.limit is None:  # so that trimming never takes long
            limit = min(100 * stream.limits.stream_node_max_entries or 10_000, 1_000_000)

        def forget(id: int) -> bool:
            stream.forget(id)
            return False

        return stream.trim(
            maxlen=self.maxlen,
            minid=self.minid or 0,
            whole_blocks=self.approximate,
            limit=limit,
            stays={b"ACKED": stream.refers_to, b"DELREF": forget}.get(self.references),
        )


@command(
    "XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [IDMPAUTO pid | IDMP pid iid] "
    "[<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]",
    flags="write denyoom fast",
    since="5.0.0",
    since_option={
        "NOMKSTREAM": "6.2.0",
        "MINID": "6.2.0",
        "LIMIT": "6.2.0",
        **dict.fromkeys(("KEEPREF", "DELREF", "ACKED"), "8.2.0"),
        **dict.fromkeys(("IDMP", "IDMPAUTO"), "8.6.0"),
    },
)
def xadd(client: Client, argv: Argv) -> Reply:
    """Add an entry behind the last one of a stream."""
    trim, create, at = _Trim(), True, 2
    producer, own_id = b"", b""
    words = client.command.options.words
    while at < len(argv) and argv[at] != b"*":
        after = trim.take(argv, at, words)
        word, more = argv[at].upper(), len(argv) - 1 - at
        if word == b"NOMKSTREAM":
            create = False
            after += 1
        elif word in (b"IDMP", b"IDMPAUTO") and word in words and more >= (2 if word == b"IDMP" else 1):
            if producer:
                raise CommandError("ERR syntax error, IDMP/IDMPAUTO specified multiple times")
            producer = argv[at + 1]
            if not producer:
                raise CommandError(f"ERR syntax error, {word.decode()} requires a non-empty producer ID")
            if word == b"IDMP":
                own_id = argv[at + 2]
                if not own_id:
                    raise CommandError("ERR syntax error, IDMP requires a non-empty idempotent ID")
            after += 3 if word == b"IDMP" else 2
        if after == at:
            break
        at = after
    wanted = argv[at] if at < len(argv) else b"*"
    id, whole = 0, True
    if wanted != b"*":
        whole = not (wanted.endswith(b"-*") and client.server.dialect.xadd_completes_ids)
        id = stream_id(wanted if whole else wanted[:-1] + b"0")
    trim.check()
    trim.check_limit()
    fields = argv[at + 1 :]
    if producer and wanted != b"*":
        raise CommandError("ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs")
    if not fields or len(fields) % 2:
        raise CommandError(client.server.dialect.unpaired(client.command.name))
    if wanted != b"*" and whole and id == 0:
        raise CommandError("ERR The ID specified in XADD must be greater than 0-0")
    db, key, now = client.db, argv[1], client.server.now_ms()
    stream = db.for_write(key, Stream)
    if stream is None:
        if not create:
            return None
        stream = db.add(key, Stream(client.server.limits))
    same: object = own_id or tuple(sorted(zip(fields[::2], fields[1::2])))
    if producer:
        known = stream.producers.find(producer, same, now)
        if known is not None:
            return id_text(known)
    id = _next_id(client, stream, id if wanted != b"*" else None, whole)
    stream.append(id, fields)
    if producer:
        stream.producers.remember(producer, same, id, now)
    db.modified(key, b"xadd", notify.STREAM)
    if trim.given and trim.apply(stream):
        db.notify(key, b"xtrim", notify.STREAM)
    db.signal_ready(key)
    return id_text(id)


def _next_id(client: Client, stream: Stream, id: int | None, whole: bool) -> int:
    """The id of a new entry: `id`, the first free one of its millisecond, or (None) one of now."""
    last = stream.last_id
    if last == MAX_ID:
        raise CommandError(EXHAUSTED)
    if id is None:
        return max(last + 1, client.server.now_ms() << 64)
    if not whole and id >> 64 == last >> 64:
        if last & LAST_SEQUENCE == LAST_SEQUENCE:
            raise CommandError(client.server.dialect.xadd_past_the_last_sequence)
        id = last + 1
    if id <= last:
        raise CommandError(NOT_GREATER)
    return id


@command(
    "XTRIM key <<MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]>",
    flags="write",
    since="5.0.0",
    since_option={"MINID": "6.2.0", "LIMIT": "6.2.0", **dict.fromkeys(("KEEPREF", "DELREF", "ACKED"), "8.2.0")},
    arity=-4,
)
def xtrim(client: Client, argv: Argv) -> Reply:
    """Remove the first entries of a stream, to a length or up to an id."""
    trim, at = _Trim(), 2
    words = client.server.prototypes[b"XADD"].options.words
    while at < len(argv):
        after = trim.take(argv, at, words)
        if after == at:
            raise CommandError(errors.SYNTAX_ERROR)
        at = after
    trim.check()
    if not trim.given:
        raise CommandError("ERR syntax error, XTRIM must be called with a trimming strategy")
    trim.check_limit()
    stream = client.db.for_write(argv[1], Stream)
    removed = trim.apply(stream) if stream is not None else 0
    if removed:
        client.db.modified(argv[1], b"xtrim", notify.STREAM)
    return removed


@command("XLEN key", flags="readonly fast", since="5.0.0")
def xlen(client: Client, argv: Argv) -> Reply:
    """The number of entries of a stream."""
    return len(client.db.stream(argv[1]) or ())


@command("XRANGE key start end [COUNT count]", flags="readonly", since="5.0.0")
def xrange(client: Client, argv: Argv) -> Reply:
    """The entries between two ids; both belong to them, unless a `(` stands before."""
    return _range(client, argv, argv[2], argv[3], Stream.range)


@command("XREVRANGE key end start [COUNT count]", flags="readonly", since="5.0.0")
def xrevrange(client: Client, argv: Argv) -> Reply:
    """The entries between two ids, the last one first."""
    return _range(client, argv, argv[3], argv[2], Stream.reverse_range)


def _range(client: Client, argv: Argv, start_text: bytes, end_text: bytes, entries: Entries) -> Reply:
    start, end = _start(start_text), _end(end_text)
    count = None
    for _, text in client.command.options.each(argv, 4):
        count = max(integer(text), 0)
    stream = client.db.stream(argv[1])
    if stream is None:
        return []
    return NULL_ARRAY if count == 0 else _shown(entries(stream, start, end, count))


@command("XDEL key id [id ...]", flags="write fast", since="5.0.0")
def xdel(client: Client, argv: Argv) -> Reply:
    """Remove entries by their ids."""
    stream = client.db.for_write(argv[1], Stream)
    if stream is None:
        return 0
    removed = sum(map(stream.delete, [stream_id(text) for text in argv[2:]]))
    if removed:
        client.db.modified(argv[1], b"xdel", notify.STREAM)
    return removed


@command(
    "XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
    flags="write denyoom fast",
    since="5.0.0",
    since_option={"ENTRIESADDED": "7.0.0", "MAXDELETEDID": "7.0.0"},
)
def xsetid(client: Client, argv: Argv) -> Reply:
    """Set the last id of a stream, and what else it knows of entries that are gone."""
    if not client.server.dialect.streams_count_entries and client.db.for_write(argv[1], Stream) is None:
        raise CommandError(errors.NO_SUCH_KEY)  # 6.2 looks at the key first
    id, added, deleted = stream_id(argv[2]), None, None
    for name, text in client.command.options.each(argv, 3):
        if name == "ENTRIESADDED":
            added = integer(text)
            if added < 0:
                raise CommandError("ERR entries_added must be positive")
        else:
            deleted = stream_id(text)
            if id < deleted:
                raise CommandError("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
    stream = client.db.for_write(argv[1], Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if id < stream.max_deleted_id and client.server.dialect.xsetid_checks_max_deleted_id:
        raise CommandError("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
    if len(stream):
        if id < stream.top_id:
            raise CommandError("ERR The ID specified in XSETID is smaller than the target stream top item")
        if added is not None and added < len(stream):
            raise CommandError("ERR The entries_added specified in XSETID is smaller than the target stream length")
    stream.last_id = id
    if added is not None:
        stream.entries_added = added
    if deleted:
        stream.max_deleted_id = deleted
    client.db.modified(argv[1], b"xsetid", notify.STREAM)
    return OK


def _ids_and_references(argv: Argv, at: int) -> tuple[bytes, list[bytes]]:
    """`[KEEPREF | DELREF | ACKED] IDS numids id [id ...]` from `argv[at]` on."""
    references = b""
    texts: list[bytes] = []
    while at < len(argv):
        word = argv[at].upper()
        if word in REFERENCES and not references:
            references = word
            at += 1
        elif word == b"IDS" and at + 1 < len(argv) and not texts:
            count = integer_in(argv[at + 1], 1, INT64_MAX, "ERR Number of IDs must be a positive integer")
            at += 2 + count
            if at > len(argv):
                raise CommandError("ERR The `numids` parameter must match the number of arguments")
            texts = argv[at - count : at]
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    if not texts:
        raise CommandError(errors.SYNTAX_ERROR)
    return references, texts


def _delete(stream: Stream, id: int, references: bytes) -> int:
    """What XDELEX says of one entry: 1 it went, -1 it was not there, 2 it is still needed."""
    if references == b"DELREF":
        stream.forget(id)
    elif references == b"ACKED" and id in stream and stream.refers_to(id):
        return 2
    return 1 if stream.delete(id) else -1


@command("XDELEX key [KEEPREF | DELREF | ACKED] <IDS numids id [id ...]>", flags="write fast", since="8.2.0", arity=-5)
def xdelex(client: Client, argv: Argv) -> Reply:
    """Remove entries, and say of each what became of it."""
    stream = client.db.for_write(argv[1], Stream)
    references, texts = _ids_and_references(argv, 2)
    if stream is None:
        return [-1] * len(texts)
    results = [_delete(stream, id, references) for id in [stream_id(text) for text in texts]]
    if 1 in results:
        client.db.modified(argv[1], b"xdel", notify.STREAM)
    return results


@command(
    "XACKDEL key group [KEEPREF | DELREF | ACKED] <IDS numids id [id ...]>", flags="write fast", since="8.2.0", arity=-6
)
def xackdel(client: Client, argv: Argv) -> Reply:
    """Acknowledge entries and remove them, and say of each what became of it."""
    stream = client.db.for_write(argv[1], Stream)
    references, texts = _ids_and_references(argv, 3)
    group = stream.groups.get(argv[2]) if stream is not None else None
    if stream is None or group is None:
        return [-1] * len(texts)
    length = len(stream)
    ids = [stream_id(text) for text in texts]
    results = [abs(_delete(stream, id, references)) if group.acknowledge(id) else -1 for id in ids]
    if len(stream) < length:
        client.db.modified(argv[1], b"xdel", notify.STREAM)
    return results


@command("XCFGSET key [<IDMP-DURATION duration>] [<IDMP-MAXSIZE maxsize>]", flags="write fast", since="8.6.0", arity=-2)
def xcfgset(client: Client, argv: Argv) -> Reply:
    """Set for how long, and how many, ids of idempotent producers a stream remembers."""
    stream = client.db.for_write(argv[1], Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    given: dict[bytes, int] = {}
    at = 2
    while at < len(argv):
        word = argv[at].upper()
        if word not in (b"IDMP-DURATION", b"IDMP-MAXSIZE") or at + 1 == len(argv):
            raise CommandError(errors.SYNTAX_ERROR)
        name = word.decode()
        if word in given:
            raise CommandError(f"ERR {name} specified multiple times")
        number = integer(argv[at + 1])
        most, unit = (86_400, "seconds") if word == b"IDMP-DURATION" else (10_000, "entries")
        if not 1 <= number <= most:
            raise CommandError(f"ERR {name} must be between 1 and {most} {unit}")
        given[word] = number
        at += 2
    if not given:
        raise CommandError("ERR At least one parameter must be specified")
    producers = stream.producers
    producers.configure(given.get(b"IDMP-DURATION", producers.duration), given.get(b"IDMP-MAXSIZE", producers.maxsize))
    client.server.dirty += 1
    return OK


# Reading what is new.


@dataclass
class _Read:
    """The arguments of XREAD and XREADGROUP."""

    keys: list[bytes]
    ids: list[bytes]
    ids_at: int
    count: int | None = None
    block: int | None = None
    group: bytes | None = None
    consumer: bytes = b""
    no_ack: bool = False
    claim: int | None = None


def _parse_read(client: Client, argv: Argv, of_group: bool) -> _Read:
    read = _Read([], [], 0)
    words = client.command.options.words
    at, count = 1, len(argv)
    while at < count:
        word, more = argv[at].upper(), count - 1 - at
        if word == b"BLOCK" and more:
            read.block = integer(argv[at + 1], "ERR timeout is not an integer or out of range")
            if read.block < 0:
                raise CommandError(errors.TIMEOUT_NEGATIVE)
            if read.block > INT64_MAX - client.server.now_ms() and not client.server.dialect.timeouts_wrap:
                raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
            at += 2
        elif word == b"COUNT" and more:
            read.count = integer(argv[at + 1])
            at += 2
        elif word == b"STREAMS" and more:
            if more % 2:
                raise CommandError(client.server.dialect.unbalanced_streams(client.command.name, of_group))
            read.ids_at = at + 1 + more // 2
            read.keys, read.ids = argv[at + 1 : read.ids_at], argv[read.ids_at :]
            break
        elif word == b"GROUP" and more >= 2:
            if not of_group:
                raise CommandError("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
            read.group, read.consumer = argv[at + 1], argv[at + 2]
            at += 3
        elif word == b"NOACK":
            if not of_group:
                raise CommandError("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
            read.no_ack = True
            at += 1
        elif word == b"CLAIM" and more and not of_group and client.server.dialect.has("8.4.0"):
            raise CommandError("ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.")
        elif word == b"CLAIM" and more and word in words:
            read.claim = integer(argv[at + 1], "ERR min-idle-time is not an integer or out of range")
            if read.claim < 0:
                raise CommandError("ERR min-idle-time must be a positive integer")
            at += 2
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    if not read.keys:
        raise CommandError(errors.SYNTAX_ERROR)
    if of_group and read.group is None:
        raise CommandError("ERR Missing GROUP option for XREADGROUP")
    if read.count is not None and read.count <= 0:
        read.count = None
    return read


@command(
    "XREAD [COUNT count] [BLOCK milliseconds] <STREAMS key [key ...] id [id ...]>",
    flags="readonly blocking",
    since="5.0.0",
    arity=-4,
)
def xread(client: Client, argv: Argv) -> Reply:
    """The entries of streams behind given ids; waits for some if there are none and BLOCK is given."""
    read = _parse_read(client, argv, of_group=False)
    has_plus = client.server.dialect.xread_has_plus
    after: dict[bytes, int] = {}
    asked: list[tuple[bytes, Stream | None, int]] = []
    argv = argv.copy()
    for at, (key, text) in enumerate(zip(read.keys, read.ids), read.ids_at):
        stream = client.db.stream(key)
        if text == b"$" or (text == b"+" and has_plus):
            id = stream.last_id if stream is not None else 0
            argv[at] = id_text(id)
            if text == b"+" and stream is not None and len(stream):
                id = (stream.last_id if client.server.dialect.plus_is_the_last_id_given else stream.top_id) - 1
        elif text == b">":
            raise CommandError(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
            )
        else:
            id = stream_id(text)
        after[key] = id
        asked.append((key, stream, id))
    looked_at = client.where_to_look(read.keys)
    found = [
        (key, _shown(stream.range(id + 1, MAX_ID, 1 if read.ids[at] == b"+" else read.count)))
        for at, (key, stream, id) in enumerate(asked)
        if key in looked_at and stream is not None and len(stream) and stream.top_id > id
    ]
    if found:
        return _by_key(client, found)
    if read.block is None:
        return NULL_ARRAY
    least = min(after.values())
    return client.server.blocking.block(client, argv, read.keys, read.block, partial(_has_after, least))


def _has_after(id: int, value: object) -> bool:
    """What a client that waits in XREAD wants; which of its keys it is, the command finds out itself."""
    return type(value) is Stream and len(value) > 0 and value.top_id > id


def _by_key(client: Client, found: list[tuple[bytes, list[Reply]]]) -> Reply:
    """A map in RESP3; pairs, not flattened, in RESP2."""
    return dict(found) if client.resp == 3 else [list(pair) for pair in found]


# Consumer groups.


def _no_group(key: bytes, group: bytes) -> CommandError:
    return CommandError(f"NOGROUP No such key '{errors.text(key)}' or consumer group '{errors.text(group)}'")


def _group(client: Client, argv: Argv) -> tuple[Stream, Group]:
    """The stream at `argv[1]` and its group `argv[2]`, which have to be there."""
    stream = client.db.for_write(argv[1], Stream)
    group = stream.groups.get(argv[2]) if stream is not None else None
    if stream is None or group is None:
        raise _no_group(argv[1], argv[2])
    return stream, group


def _consumer(client: Client, key: bytes, group: Group, name: bytes) -> Consumer:
    """A consumer of a group, made if it was not there."""
    consumer = group.consumers.get(name)
    if consumer is None:
        consumer = group.consumers[name] = Consumer(name, client.server.now_ms())
        client.db.modified(key, b"xgroup-createconsumer", notify.STREAM)
    return consumer


def _claimant(client: Client, key: bytes, group: Group, name: bytes) -> Consumer | None:
    """The consumer of XCLAIM; None if it is only made once there is something to claim."""
    if name not in group.consumers and not client.server.dialect.reading_nothing_makes_a_consumer:
        return None
    consumer = _consumer(client, key, group, name)
    consumer.seen_time = client.server.now_ms()
    return consumer


@command(
    "XREADGROUP <GROUP group consumer> [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] [NOACK] "
    "<STREAMS key [key ...] id [id ...]>",
    flags="write blocking",
    since="5.0.0",
    since_option={"CLAIM": "8.4.0"},
    arity=-7,
)
def xreadgroup(client: Client, argv: Argv) -> Reply:
    """Entries that no consumer of a group has got yet (`>`), or again those that are pending at this one."""
    read = _parse_read(client, argv, of_group=True)
    db, server = client.db, client.server
    assert read.group is not None
    asked: list[tuple[bytes, Stream, Group, int | None]] = []
    hears_why = client.reprocessing and server.dialect.unblocked_readers_hear_why
    for key, text in zip(read.keys, read.ids):
        if hears_why and type(db.peek(key)) is not Stream:
            raise CommandError("UNBLOCKED the stream key no longer exists")
        stream = db.stream(key)
        group = stream.groups.get(read.group) if stream is not None else None
        if stream is None or group is None:
            if hears_why:
                raise CommandError("NOGROUP the consumer group this client was blocked on no longer exists")
            name, key_name = errors.text(read.group), errors.text(key)
            raise CommandError(
                f"NOGROUP No such key '{key_name}' or consumer group '{name}' in XREADGROUP with GROUP option"
            )
        if text in (b"$", b"+") and (text == b"$" or server.dialect.xread_has_plus):
            word = errors.text(text)
            raise CommandError(
                f"ERR The {word} ID is meaningless in the context of XREADGROUP: you want to read the history of this"
                f" consumer by specifying a proper ID, or use the > ID to get new messages. The {word} ID would just"
                " return an empty result set."
            )
        id = None if text == b">" else stream_id(text)
        asked.append((key, stream, group, None if id == MAX_ID else id))
    now = server.now_ms()
    looked_at = client.where_to_look(read.keys)
    found: list[tuple[bytes, list[Reply]]] = []
    for key, stream, group, id in asked:
        if key not in looked_at:
            continue
        has_new = len(stream) > 0 and stream.top_id > group.last_id
        if id is None and not has_new and not server.dialect.reading_nothing_makes_a_consumer and read.claim is None:
            continue
        consumer = _consumer(client, key, group, read.consumer)
        consumer.seen_time = now
        if id is not None:
            found.append((key, _history(stream, consumer, id, read.count, now)))
            server.dirty += 1
            continue
        entries = _claimed_by_reading(stream, group, consumer, read, now) if read.claim is not None else []
        left = None if read.count is None else read.count - len(entries)
        if has_new and left != 0:
            entries += _new_entries(client, stream, group, consumer, left, read, now)
        if entries:
            found.append((key, entries))
            server.dirty += 1
    if found:
        return _by_key(client, found)
    if read.block is None:
        return NULL_ARRAY
    return server.blocking.block(
        client, argv, read.keys, read.block, partial(_wants_group, read.group, server.dialect.readers_hear_of_deletion)
    )


def _wants_group(name: bytes, hears_of_deletion: bool, value: object) -> bool:
    """What a client that waits in XREADGROUP wants: an entry, or to be told that its group is gone."""
    if type(value) is not Stream:
        return hears_of_deletion
    group = value.groups.get(name)
    return group is None or (len(value) > 0 and value.top_id > group.last_id)


def _new_entries(
    client: Client, stream: Stream, group: Group, consumer: Consumer, count: int | None, read: _Read, now: int
) -> list[Reply]:
    """The entries behind the group's last one; they are pending at `consumer` from now on."""
    entries = stream.range(group.last_id + 1, MAX_ID, count)
    dialect = client.server.dialect
    for id, _ in entries:
        if (
            group.entries_read is not None
            and (group.last_id >= stream.first_id or not dialect.counts_reads_from_first_entry)
            and not stream.has_tombstone_from(id)
        ):
            group.entries_read += 1
        elif stream.entries_added:
            group.entries_read = _entries_up_to(dialect, stream, id)
        group.last_id = id
        if not read.no_ack:
            group.deliver(id, consumer, now)
    consumer.active_time = now
    return [[id_text(id), fields, 0, 0] for id, fields in entries] if read.claim is not None else _shown(entries)


def _entries_up_to(dialect: type[Dialect], stream: Stream, id: int) -> int | None:
    if dialect.nothing_is_counted_before_a_deleted_entry and len(stream) and 0 < id < stream.max_deleted_id:
        return None
    return stream.entries_up_to(id)


def _history(stream: Stream, consumer: Consumer, after: int, count: int | None, now: int) -> list[Reply]:
    """What is pending at `consumer` behind an id, delivered once more."""
    found: list[Reply] = []
    for id, pending in consumer.pending.items(after + 1):
        if len(found) == count:
            break
        fields = stream.find(id)
        found.append([id_text(id), NULL_ARRAY if fields is None else fields])
        if fields is not None:
            pending.time = now
            pending.count += 1
    return found


def _claimed_by_reading(stream: Stream, group: Group, consumer: Consumer, read: _Read, now: int) -> list[Reply]:
    """XREADGROUP CLAIM: what was pending long enough, the longest first, is given to this consumer."""
    assert read.claim is not None
    idle = [(pending.time, id) for id, pending in group.pending.items() if now - pending.time >= read.claim]
    found: list[Reply] = []
    for time, id in sorted(idle):
        if len(found) == read.count:
            break
        fields = stream.find(id)
        if fields is None:
            continue
        pending = group.pending.get(id)
        assert pending is not None
        found.append([id_text(id), fields, now - time, pending.count])
        group.hand_over(id, pending, consumer)
        pending.time = now
        pending.count += 1
        consumer.active_time = now
    return found


@command("XACK key group id [id ...]", flags="write fast", since="5.0.0")
def xack(client: Client, argv: Argv) -> Reply:
    """Acknowledge entries: they are pending no longer."""
    stream = client.db.stream(argv[1])
    group = stream.groups.get(argv[2]) if stream is not None else None
    if group is None:
        return 0
    acknowledged = sum(map(group.acknowledge, [stream_id(text) for text in argv[3:]]))
    client.server.dirty += acknowledged
    return acknowledged


@command("XPENDING key group [[IDLE min-idle-time] start end count [consumer]]", flags="readonly", since="5.0.0")
def xpending(client: Client, argv: Argv) -> Reply:
    """What is pending in a group: a summary, or the entries one by one."""
    at = 3
    least_idle = 0
    start = end = count = 0
    if len(argv) > 3:
        if not 6 <= len(argv) <= 9:
            raise CommandError(errors.SYNTAX_ERROR)
        if argv[3].upper() == b"IDLE":
            least_idle = integer(argv[4])
            if len(argv) < 8:
                raise CommandError(errors.SYNTAX_ERROR)
            at = 5
        count = max(integer(argv[at + 2]), 0)
        start, end = _start(argv[at]), _end(argv[at + 1])
    stream = client.db.stream(argv[1])
    group = stream.groups.get(argv[2]) if stream is not None else None
    if group is None:
        raise _no_group(argv[1], argv[2])
    pending = group.pending
    if len(argv) == 3:
        if not len(pending):
            return [0, None, None, NULL_ARRAY]
        busy = [
            [name, b"%d" % len(each.pending)] for name, each in sorted(group.consumers.items()) if len(each.pending)
        ]
        return [len(pending), id_text(pending.first()), id_text(pending.last()), busy]
    if len(argv) > at + 3:
        consumer = group.consumers.get(argv[at + 3])
        if consumer is None:
            return []
        pending = consumer.pending
    now = client.server.now_ms()
    found: list[Reply] = []
    for id, each in pending.items(start, end):
        if len(found) >= count:
            break
        idle = max(now - each.time, 0)
        if not least_idle or idle >= least_idle:
            found.append([id_text(id), each.consumer.name, idle, each.count])
    return found


@command(
    "XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] "
    "[FORCE] [JUSTID] [LASTID lastid]",
    flags="write fast",
    since="5.0.0",
)
def xclaim(client: Client, argv: Argv) -> Reply:
    """Give pending entries to a consumer, with another idle time and count if asked."""
    db, key = client.db, argv[1]
    stream = db.stream(key)
    group = stream.groups.get(argv[2]) if stream is not None else None
    if stream is None or group is None:
        raise _no_group(key, argv[2])
    min_idle = max(integer(argv[4], "ERR Invalid min-idle-time argument for XCLAIM"), 0)
    ids: list[int] = []
    at = 5
    while at < len(argv):
        try:
            ids.append(stream_id(argv[at]))
        except CommandError:
            break
        at += 1
    now = client.server.now_ms()
    time, retry_count, force, just_id = now, None, False, False
    while at < len(argv):
        word, more = argv[at].upper(), len(argv) - 1 - at
        if word == b"FORCE":
            force = True
        elif word == b"JUSTID":
            just_id = True
        elif word in (b"IDLE", b"TIME", b"RETRYCOUNT", b"LASTID") and more:
            at += 1
            if word == b"LASTID":
                group.last_id = max(group.last_id, stream_id(argv[at]))
            else:
                number = integer(argv[at], f"ERR Invalid {word.decode()} option argument for XCLAIM")
                if word == b"IDLE":
                    time = now - number
                elif word == b"TIME":
                    time = number
                else:
                    retry_count = number if number >= 0 else None
        else:
            raise CommandError(f"ERR Unrecognized XCLAIM option '{errors.text(argv[at])}'")
        at += 1
    if time < 0 or time > now:
        time = now
    consumer = _claimant(client, key, group, argv[3])
    claimed: list[Reply] = []
    for id in ids:
        fields = stream.find(id)
        pending = group.pending.get(id)
        if fields is None and (pending is None or not client.server.dialect.deleted_entries_stay_pending):
            group.acknowledge(id)
            continue
        if (pending is None and not force) or (pending and min_idle and now - pending.time < min_idle):
            continue
        consumer = consumer or _consumer(client, key, group, argv[3])
        if pending is None:
            pending = group.deliver(id, consumer, time)
        else:
            group.hand_over(id, pending, consumer)
        pending.time = time
        if retry_count is not None:
            pending.count = retry_count
        elif not just_id:
            pending.count += 1
        claimed.append(_claimed(id, fields, just_id))
        consumer.active_time = now
        client.server.dirty += 1
    return claimed


def _claimed(id: int, fields: list[bytes] | None, just_id: bool) -> Reply:
    return id_text(id) if just_id else None if fields is None else [id_text(id), fields]


@command(
    "XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]",
    flags="write fast",
    since="6.2.0",
)
def xautoclaim(client: Client, argv: Argv) -> Reply:
    """Give entries that were pending long enough to a consumer, step by step through all of them."""
    min_idle = max(integer(argv[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM"), 0)
    dialect = client.server.dialect
    start, count, just_id = _start(argv[5]), 100, False
    most = INT64_MAX if dialect.deleted_entries_stay_pending else MOST_CLAIMED
    for name, text in client.command.options.each(argv, 6):
        if name == "COUNT":
            count = integer_in(text, 1, most, "ERR COUNT must be > 0")
        else:
            just_id = True
    stream, group = _group(client, argv)
    now = client.server.now_ms()
    consumer = _claimant(client, argv[1], group, argv[3])
    claimed: list[Reply] = []
    deleted: list[Reply] = []
    attempts = count * 10
    cursor = 0
    looked_at: list[tuple[int, Pending]] = []
    for id, pending in group.pending.items(start):
        if not attempts or not count:
            cursor = id
            break
        attempts -= 1
        looked_at.append((id, pending))
        if stream.find(id) is None or not min_idle or now - pending.time >= min_idle:
            count -= 1
    for id, pending in looked_at:
        fields = stream.find(id)
        if fields is None and not dialect.deleted_entries_stay_pending:
            group.acknowledge(id)
            deleted.append(id_text(id))
        elif not min_idle or now - pending.time >= min_idle:
            consumer = consumer or _consumer(client, argv[1], group, argv[3])
            group.hand_over(id, pending, consumer)
            pending.time = now
            if not just_id:
                pending.count += 1
            claimed.append(_claimed(id, fields, just_id))
            consumer.active_time = now
            client.server.dirty += 1
    return [id_text(cursor), claimed] if dialect.deleted_entries_stay_pending else [id_text(cursor), claimed, deleted]


MOST_CLAIMED = INT64_MAX // 16


# XGROUP.

container("XGROUP", since="5.0.0")


def _group_options(client: Client, argv: Argv, make_stream: bool) -> tuple[bool, int | None]:
    """`[MKSTREAM] [ENTRIESREAD entries-read]` from `argv[5]` on."""
    at, create, entries_read = 5, False, None
    while at < len(argv):
        word = argv[at].upper()
        if word == b"MKSTREAM" and make_stream:
            create = True
        elif word == b"ENTRIESREAD" and at + 1 < len(argv) and client.server.dialect.streams_count_entries:
            at += 1
            number = integer(argv[at])
            if number < -1:
                raise CommandError("ERR value for ENTRIESREAD must be positive or -1")
            entries_read = None if number == -1 else number
        else:
            raise CommandError(client.server.dialect.wrong_subcommand(argv))
        at += 1
    return create, entries_read


NO_STREAM = (
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option"
    " to create an empty stream automatically."
)


def _stream_of_group(client: Client, argv: Argv) -> Stream:
    stream = client.db.for_write(argv[2], Stream)
    if stream is None:
        raise CommandError(NO_STREAM)
    return stream


def _existing_group(client: Client, argv: Argv) -> tuple[Stream, Group]:
    stream = _stream_of_group(client, argv)
    group = stream.groups.get(argv[3])
    if group is None:
        key, name = errors.text(argv[2]), errors.text(argv[3])
        raise CommandError(f"NOGROUP No such consumer group '{name}' for key name '{key}'")
    return stream, group


@command("XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entriesread]", flags="write denyoom", since="5.0.0")
def xgroup_create(client: Client, argv: Argv) -> Reply:
    """Create a new consumer group. Options are:
    * MKSTREAM
      Create the empty stream if it does not exist.
    * ENTRIESREAD entries_read
      Set the group's entries_read counter (internal use)."""
    db, key, name = client.db, argv[2], argv[3]
    create, entries_read = _group_options(client, argv, make_stream=True)
    stream = db.for_write(key, Stream)
    if stream is None and not create:
        raise CommandError(NO_STREAM)
    if argv[4] == b"$":
        id = stream.last_id if stream is not None else 0
    else:
        id = stream_id(argv[4])
    if stream is None:
        stream = db.add(key, Stream(client.server.limits))
    if name in stream.groups:
        raise CommandError("BUSYGROUP Consumer Group name already exists")
    stream.groups[name] = Group(id, entries_read)
    db.modified(key, b"xgroup-create", notify.STREAM)
    return OK


@command("XGROUP SETID key group <id | $> [ENTRIESREAD entriesread]", flags="write", since="5.0.0")
def xgroup_setid(client: Client, argv: Argv) -> Reply:
    """Set the current group ID and entries_read counter."""
    _, entries_read = _group_options(client, argv, make_stream=False)
    stream, group = _existing_group(client, argv)
    group.last_id = stream.last_id if argv[4] == b"$" else stream_id(argv[4])
    group.entries_read = entries_read
    client.db.modified(argv[2], b"xgroup-setid", notify.STREAM)
    return OK


@command("XGROUP DESTROY key group", flags="write", since="5.0.0")
def xgroup_destroy(client: Client, argv: Argv) -> Reply:
    """Remove the specified group."""
    stream = _stream_of_group(client, argv)
    if stream.groups.pop(argv[3], None) is None:
        return 0
    client.db.modified(argv[2], b"xgroup-destroy", notify.STREAM)
    client.db.signal_ready(argv[2])  # whoever waits for this group has to hear of it
    return 1


@command("XGROUP CREATECONSUMER key group consumer", flags="write denyoom", since="6.2.0")
def xgroup_createconsumer(client: Client, argv: Argv) -> Reply:
    """Create a new consumer in the specified group."""
    _, group = _existing_group(client, argv)
    if argv[4] in group.consumers:
        return 0
    _consumer(client, argv[2], group, argv[4])
    return 1


@command("XGROUP DELCONSUMER key group consumer", flags="write", since="5.0.0")
def xgroup_delconsumer(client: Client, argv: Argv) -> Reply:
    """Remove the specified consumer."""
    _, group = _existing_group(client, argv)
    if argv[4] not in group.consumers:
        return 0
    pending = group.remove_consumer(argv[4])
    client.db.modified(argv[2], b"xgroup-delconsumer", notify.STREAM)
    return pending


# XINFO.

container("XINFO", since="5.0.0")


def _stream_for_info(client: Client, argv: Argv) -> Stream:
    stream = client.db.stream(argv[2])
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    return stream


@command("XINFO STREAM key [FULL [COUNT count]]", flags="readonly", since="5.0.0")
def xinfo_stream(client: Client, argv: Argv) -> Reply:
    """Show information about the stream."""
    stream = _stream_for_info(client, argv)
    full, count = len(argv) > 3, 10
    if full:
        if argv[3].upper() != b"FULL" or len(argv) not in (4, 6) or (len(argv) == 6 and argv[4].upper() != b"COUNT"):
            raise CommandError(client.server.dialect.wrong_subcommand(argv))
        if len(argv) == 6:
            count = integer(argv[5])
            if count < 0:
                count = 10
    facts: dict[bytes, Reply] = {
        b"length": len(stream),
        b"radix-tree-keys": stream.blocks,
        b"radix-tree-nodes": stream.radix_nodes(),
        b"last-generated-id": id_text(stream.last_id),
    }
    if client.server.dialect.streams_count_entries:
        facts[b"max-deleted-entry-id"] = id_text(stream.max_deleted_id)
        facts[b"entries-added"] = stream.entries_added
        facts[b"recorded-first-entry-id"] = id_text(stream.first_id)
    if client.server.dialect.has("8.6.0"):
        stream.producers.expire(client.server.now_ms())
        facts |= _producers(stream)
    most = count or None
    if full:
        facts[b"entries"] = _shown(stream.range(0, MAX_ID, most))
        facts[b"groups"] = [
            _full_group(client, stream, name, group, most) for name, group in sorted(stream.groups.items())
        ]
    else:
        first, last = stream.range(0, MAX_ID, 1), stream.reverse_range(0, MAX_ID, 1)
        facts[b"groups"] = len(stream.groups)
        facts[b"first-entry"] = _shown(first)[0] if first else None
        facts[b"last-entry"] = _shown(last)[0] if last else None
    return facts


def _producers(stream: Stream) -> dict[bytes, Reply]:
    producers = stream.producers
    return {
        b"idmp-duration": producers.duration,
        b"idmp-maxsize": producers.maxsize,
        b"pids-tracked": len(producers.ids),
        b"iids-tracked": producers.count(),
        b"iids-added": producers.added,
        b"iids-duplicates": producers.duplicates,
    }


def _progress(client: Client, stream: Stream, group: Group) -> dict[bytes, Reply]:
    dialect = client.server.dialect
    if not dialect.streams_count_entries:
        return {}
    return {b"entries-read": group.entries_read, b"lag": _lag(dialect, stream, group)}


def _lag(dialect: type[Dialect], stream: Stream, group: Group) -> int | None:
    """How many entries the group has still to read; None if that cannot be told (streamReplyWithCGLag)."""
    if not stream.entries_added or (not len(stream) and dialect.lag_looks_at_what_is_left):
        return 0
    if dialect.lag_looks_at_what_is_left and stream.first_id > max(group.last_id, stream.max_deleted_id):
        return len(stream)
    read = group.entries_read
    if read is None or stream.has_tombstone_from(group.last_id):
        read = _entries_up_to(dialect, stream, group.last_id)
    return None if read is None else stream.entries_added - read


def _full_group(client: Client, stream: Stream, name: bytes, group: Group, most: int | None) -> Reply:
    dialect = client.server.dialect
    pending = [[id_text(id), each.consumer.name, each.time, each.count] for id, each in _some(group.pending, most)]
    consumers = []
    for consumer_name, consumer in sorted(group.consumers.items()):
        facts: dict[bytes, Reply] = {b"name": consumer_name, b"seen-time": consumer.seen_time}
        if dialect.consumers_have_active_time:
            facts[b"active-time"] = -1 if consumer.active_time is None else consumer.active_time
        facts[b"pel-count"] = len(consumer.pending)
        facts[b"pending"] = [[id_text(id), each.time, each.count] for id, each in _some(consumer.pending, most)]
        consumers.append(facts)
    return {
        b"name": name,
        b"last-delivered-id": id_text(group.last_id),
        **_progress(client, stream, group),
        b"pel-count": len(group.pending),
        b"pending": pending,
        b"consumers": consumers,
    }


def _some(pending: IdOrder[Pending], most: int | None) -> Iterable[tuple[int, Pending]]:
    return islice(pending.items(), most)


@command("XINFO GROUPS key", flags="readonly", since="5.0.0")
def xinfo_groups(client: Client, argv: Argv) -> Reply:
    """Show the stream consumer groups."""
    stream = _stream_for_info(client, argv)
    return [
        {
            b"name": name,
            b"consumers": len(group.consumers),
            b"pending": len(group.pending),
            b"last-delivered-id": id_text(group.last_id),
            **_progress(client, stream, group),
        }
        for name, group in sorted(stream.groups.items())
    ]


@command("XINFO CONSUMERS key group", flags="readonly", since="5.0.0")
def xinfo_consumers(client: Client, argv: Argv) -> Reply:
    """Show consumers of a group."""
    stream = _stream_for_info(client, argv)
    group = stream.groups.get(argv[3])
    if group is None:
        key, name = errors.text(argv[2]), errors.text(argv[3])
        raise CommandError(f"NOGROUP No such consumer group '{name}' for key name '{key}'")
    now = client.server.now_ms()
    found = []
    for name_, consumer in sorted(group.consumers.items()):
        facts: dict[bytes, Reply] = {
            b"name": name_,
            b"pending": len(consumer.pending),
            b"idle": max(now - consumer.seen_time, 0),
        }
        if client.server.dialect.consumers_have_active_time:
            facts[b"inactive"] = -1 if consumer.active_time is None else max(now - consumer.active_time, 0)
        found.append(facts)
    return found

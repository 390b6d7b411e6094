"""Streams: entries, how they come and go, and reading a range of them.

A reply holds entries as `[id, [field, value, ...]]`.  Waiting for new ones is in `stream_reading.py`, consumer groups
are in `stream_groups.py`, XINFO is in `stream_info.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

from redouble.core import errors, notify
from redouble.core.arguments import INT64_MAX, integer, integer_in
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import NULL_ARRAY, OK, Reply
from redouble.types.stream import MAX_ID, Entry, Stream, id_text

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


def range_start(client: Client, text: bytes) -> int:
    """Where a range begins; `(` leaves out the id itself."""
    if text[:1] != b"(" or len(text) == 1 or not client.server.dialect.stream_ranges_exclude:
        return _bound(text)
    id = stream_id(text[1:])
    if id == MAX_ID:
        raise CommandError("ERR invalid start ID for the interval")
    return id + 1


def range_end(client: Client, text: bytes) -> int:
    """Where a range ends; `(` leaves out the id itself."""
    if text[:1] != b"(" or len(text) == 1 or not client.server.dialect.stream_ranges_exclude:
        return _bound(text, LAST_SEQUENCE)
    id = stream_id(text[1:], LAST_SEQUENCE)
    if id == 0:
        raise CommandError("ERR invalid end ID for the interval")
    return id - 1


def shown(entries: Iterable[Entry]) -> list[Reply]:
    return [[id_text(id), fields] for id, fields in entries]


# Adding and trimming.

REFERENCES = (b"KEEPREF", b"DELREF", b"ACKED")
"""What happens to the pending entries of groups when an entry goes: nothing, they go too, or the entry stays."""


SINCE_OF_TRIMMING = {"MINID": "6.2.0", "LIMIT": "6.2.0", **dict.fromkeys(("KEEPREF", "DELREF", "ACKED"), "8.2.0")}
TRIMMING = (b"MAXLEN", b"MINID", b"LIMIT", *REFERENCES)


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

    def take(self, argv: Argv, at: int, available: Callable[[str], bool]) -> int:
        """Read the option at `argv[at]`; where it ends, or `at` if it is none."""
        word, more = argv[at].upper(), len(argv) - 1 - at
        if word not in TRIMMING or not available(word.decode()):
            return at
        if word in (b"MAXLEN", b"MINID") and more:
            if self.given and available("MINID"):
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
        if word in REFERENCES and not self.references:
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
            whole_blocks=self.approximate and self.references not in (b"DELREF", b"ACKED"),
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
        **SINCE_OF_TRIMMING,
        **dict.fromkeys(("IDMP", "IDMPAUTO"), "8.6.0"),
    },
)
def xadd(client: Client, argv: Argv) -> Reply:
    """Add an entry behind the last one of a stream."""
    trim, create, at = _Trim(), True, 2
    producer, own_id = b"", b""
    options = client.command.options
    words = options.words
    while at < len(argv) and argv[at] != b"*":
        after = trim.take(argv, at, options.available)
        word, more = argv[at].upper(), len(argv) - 1 - at
        if word == b"NOMKSTREAM" and word in words:
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
    if producer:
        own_id = own_id or _digest(fields)
        known = stream.producers.find(producer, own_id, now)
        if known is not None:
            stream.producers.duplicates += 1
            return id_text(known)
    id = _next_id(client, stream, id if wanted != b"*" else None, whole)
    stream.append(id, fields)
    if producer:
        stream.producers.remember(producer, own_id, id, now)
    db.modified(key, b"xadd", notify.STREAM)
    if trim.given and trim.apply(stream):
        db.notify(key, b"xtrim", notify.STREAM)
    db.signal_ready(key)
    return id_text(id)


def _digest(fields: list[bytes]) -> bytes:
    """What IDMPAUTO calls these fields and values, in whatever order they come."""
    pairs = sorted(zip(fields[::2], fields[1::2]))
    return blake2b(b"".join(b"%d:%b" % (len(word), word) for pair in pairs for word in pair), digest_size=16).digest()


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
    since_option=SINCE_OF_TRIMMING,
    arity=-4,
)
def xtrim(client: Client, argv: Argv) -> Reply:
    """Remove the first entries of a stream, to a length or up to an id."""
    trim, at = _Trim(), 2
    if client.server.dialect.xtrim_looks_at_the_key_first and client.db.for_write(argv[1], Stream) is None:
        return 0
    while at < len(argv):
        after = trim.take(argv, at, client.command.options.available)
        if after == at:
            raise CommandError(errors.SYNTAX_ERROR)
        at = after
    trim.check()
    if not trim.given:
        raise CommandError(client.server.dialect.xtrim_without_strategy)
    trim.check_limit()
    stream = client.db.for_write(argv[1], Stream)
    removed = trim.apply(stream) if stream is not None else 0
    if removed:
        client.db.modified(argv[1], b"xtrim", notify.STREAM)
    return removed


# Later declarations win: until 6.2 nothing behind the key was needed.
command(
    "XTRIM key [MAXLEN [= | ~] threshold]",
    flags="write",
    since="5.0.0",
    until="6.2.0",
    since_option=SINCE_OF_TRIMMING,
    arity=-2,
)(xtrim)


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
    start, end = range_start(client, start_text), range_end(client, end_text)
    count = None
    for _, text in client.command.options.each(argv, 4):
        count = max(integer(text), 0)
    stream = client.db.stream(argv[1])
    if stream is None:
        return []
    return NULL_ARRAY if count == 0 else shown(entries(stream, start, end, count))


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
    client.db.modified_unwatched(argv[1], b"xsetid", notify.STREAM)
    return OK


def ids_and_references(argv: Argv, at: int) -> tuple[bytes, list[bytes]]:
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
    return references, texts


def delete_entry(stream: Stream, id: int, references: bytes) -> int:
    """What XDELEX says of one entry: 1 it went, -1 it was not there, 2 it is still needed."""
    if references == b"DELREF":
        stream.forget(id)
    elif references == b"ACKED" and stream.refers_to(id):  # an id to come is one that groups have still to read
        return 2
    return 1 if stream.delete(id) else -1


@command("XDELEX key [KEEPREF | DELREF | ACKED] <IDS numids id [id ...]>", flags="write fast", since="8.2.0", arity=-5)
def xdelex(client: Client, argv: Argv) -> Reply:
    """Remove entries, and say of each what became of it."""
    stream = client.db.for_write(argv[1], Stream)
    references, texts = ids_and_references(argv, 2)
    if stream is None:
        return [-1] * len(texts)
    results = [delete_entry(stream, id, references) for id in [stream_id(text) for text in texts]]
    if 1 in results:
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


@command("XIDMPRECORD key pid iid stream-id", flags="write denyoom fast", since="8.6.2")
def xidmprecord(client: Client, argv: Argv) -> Reply:
    """Remember that an idempotent producer's id led to an entry, as a server does that reloads its append-only file."""
    _, key, producer, own_id, id_argument = argv
    id = stream_id(id_argument)
    if not producer:
        raise CommandError("ERR producer ID must be non-empty")
    if not own_id:
        raise CommandError("ERR idempotent ID must be non-empty")
    stream = client.db.for_write(key, Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if id not in stream:
        raise CommandError("ERR No such message in stream")
    now = client.server.now_ms()
    known = stream.producers.find(producer, own_id, now)
    if known is None:
        stream.producers.remember(producer, own_id, id, now)
        client.server.dirty += 1
    elif known != id:
        raise CommandError("ERR IID already exists for this producer with a different stream ID")
    return OK

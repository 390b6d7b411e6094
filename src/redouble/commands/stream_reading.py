"""Reading what is new in streams: XREAD, and XREADGROUP for the consumers of a group.

Who waits is run again when one of its keys is ready, as every blocking command is; only `$` and `+` are first replaced
by what they mean now.
"""

from __future__ import annotations

from dataclasses import dataclass

from redouble.commands.stream import shown, stream_id
from redouble.commands.stream_groups import consumer_named, entries_up_to
from redouble.core import errors
from redouble.core.arguments import INT64_MAX, integer
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import NULL_ARRAY, ByKey, Reply
from redouble.types.stream import MAX_ID, Consumer, Group, Pending, Stream, id_text


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
    words = client.server.prototypes[b"XREADGROUP"].options.words
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
        elif word == b"CLAIM" and more and word in words:
            if not of_group:
                raise CommandError("ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.")
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
    group="stream",
)
def xread(client: Client, argv: Argv) -> Reply:
    """The entries of streams behind given ids; waits for some if there are none and BLOCK is given."""
    read = _parse_read(client, argv, of_group=False)
    has_plus = client.server.dialect.xread_has_plus
    after: dict[bytes, int] = {}
    asked: list[tuple[bytes, bytes, int]] = []
    looked_at = client.where_to_look(read.keys).copy()
    argv = argv.copy()
    for at, (key, text) in enumerate(zip(read.keys, read.ids), read.ids_at):
        if key not in looked_at:
            after[key] = stream_id(text)
            continue
        stream = client.db.stream(key)
        if text == b"$" or (text == b"+" and has_plus):
            id = stream.last_id if stream is not None else 0
            argv[at] = id_text(id)
            if text == b"+" and stream is not None and not id and client.server.dialect.plus_needs_an_id:
                raise CommandError("ERR the stream last element ID is 0-0")
            if text == b"+" and stream is not None and len(stream):
                id = (stream.last_id if client.server.dialect.plus_is_the_last_id_given else stream.top_id) - 1
        elif text == b">":
            raise CommandError(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
            )
        else:
            id = stream_id(text)
        after[key] = id
        asked.append((key, text, id))
    found: list[tuple[bytes, list[Reply]]] = []
    for key, text, id in asked:
        if key not in looked_at:
            continue
        looked_at.remove(key)
        stream = client.db.stream(key)  # once more, which counts as another hit or miss
        if stream is not None and len(stream) and stream.top_id > id:
            found.append((key, shown(stream.range(id + 1, MAX_ID, 1 if text == b"+" else read.count))))
    if found:
        return ByKey(found)
    if read.block is None:
        return NULL_ARRAY
    least = min(after.values())
    return client.server.blocking.block(client, argv, read.keys, read.block, _EntryAfter(least))


@dataclass(frozen=True)
class _EntryAfter:
    """What a client that waits in XREAD wants; which of its keys it is, the command finds out itself."""

    id: int

    def __call__(self, value: object) -> bool:
        return type(value) is Stream and len(value) > 0 and value.top_id > self.id


@command(
    "XREADGROUP <GROUP group consumer> [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] [NOACK] "
    "<STREAMS key [key ...] id [id ...]>",
    flags="write blocking",
    since="5.0.0",
    since_option={"CLAIM": "8.4.0"},
    arity=-7,
    group="stream",
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
    looked_at = client.where_to_look(read.keys).copy()
    found: list[tuple[bytes, list[Reply]]] = []
    for key, stream, group, id in asked:
        if key not in looked_at:
            continue
        looked_at.remove(key)
        has_new = len(stream) > 0 and stream.top_id > group.last_id
        if id is None and not has_new and not server.dialect.reading_nothing_makes_a_consumer and read.claim is None:
            continue
        consumer = consumer_named(client, key, group, read.consumer)
        consumer.seen_time = now
        if id is not None:
            read.claim = None  # nor is anything claimed from the streams that are named behind this one
            found.append((key, _history(stream, group, consumer, id, read.count, now)))
            server.dirty += 1
            continue
        entries = _claimed_by_reading(stream, group, consumer, read, now) if read.claim is not None else []
        left = None if read.count is None else read.count - len(entries)
        if has_new and left != 0:
            entries += _new_entries(client, stream, group, consumer, left, read, now)
            db.signal_ready(key)  # who waits for it to be pending long enough has to look when
        if entries:
            found.append((key, entries))
            server.dirty += 1
    if found:
        return ByKey(found)
    if read.block is None:
        return NULL_ARRAY
    due = None if read.claim is None else _ClaimableAt(read.group, read.claim)
    wants = _EntryFor(read.group, server.dialect.readers_hear_of_deletion)
    return server.blocking.block(client, argv, read.keys, read.block, wants, due=due)


@dataclass(frozen=True)
class _EntryFor:
    """What a client that waits in XREADGROUP wants: an entry, or to be told that its group is gone."""

    group: bytes
    hears_of_deletion: bool

    def __call__(self, value: object) -> bool:
        if type(value) is not Stream:
            return self.hears_of_deletion
        group = value.groups.get(self.group)
        return group is None or (len(value) > 0 and value.top_id > group.last_id)


@dataclass(frozen=True)
class _ClaimableAt:
    """When a client that waits in XREADGROUP CLAIM may take over an entry."""

    group: bytes
    claim: int

    def __call__(self, value: object) -> int | None:
        if type(value) is Stream and (group := value.groups.get(self.group)) is not None:
            for id, pending in group.longest_pending():
                if id in value:
                    return pending.time + self.claim
        return None


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
            group.entries_read = entries_up_to(dialect, stream, id)
        group.last_id = id
        if not read.no_ack:
            group.deliver(id, consumer, now)
    if not read.no_ack:
        consumer.active_time = now
    return [[id_text(id), fields, 0, 0] for id, fields in entries] if read.claim is not None else shown(entries)


def _history(stream: Stream, group: Group, consumer: Consumer, after: int, count: int | None, now: int) -> list[Reply]:
    """What is pending at `consumer` behind an id, delivered once more."""
    found: list[Reply] = []
    for id, pending in consumer.pending.items(after + 1):
        if len(found) == count:
            break
        fields = stream.find(id)
        found.append([id_text(id), NULL_ARRAY if fields is None else fields])
        if fields is not None:
            group.set_time(id, pending, now)
            pending.count += 1
    return found


def _claimed_by_reading(stream: Stream, group: Group, consumer: Consumer, read: _Read, now: int) -> list[Reply]:
    """XREADGROUP CLAIM: what was pending long enough, the longest first, is given to this consumer."""
    assert read.claim is not None
    idle: list[tuple[int, Pending, list[bytes]]] = []
    for id, pending in group.longest_pending():
        if now - pending.time < read.claim or len(idle) == read.count:
            break
        fields = stream.find(id)
        if fields is not None:
            idle.append((id, pending, fields))
    found: list[Reply] = []
    for id, pending, fields in idle:
        found.append([id_text(id), fields, now - pending.time, pending.count])
        group.hand_over(id, pending, consumer)
        group.set_time(id, pending, now)
        pending.count += 1
        consumer.active_time = now
    return found

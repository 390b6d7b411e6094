"""Consumer groups of streams: making them, and what is pending at their consumers (XACK, XPENDING, XCLAIM)."""

from __future__ import annotations

from redouble.commands.stream import delete_entry, ids_and_references, range_end, range_start, stream_id
from redouble.core import errors, notify
from redouble.core.arguments import INT64_MAX, integer, integer_in
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.dialects import Dialect
from redouble.resp.reply import NULL_ARRAY, OK, Reply
from redouble.types.stream import Consumer, Group, Pending, Stream, id_text


def no_group(key: bytes, group: bytes) -> CommandError:
    return CommandError(f"NOGROUP No such key '{errors.text(key)}' or consumer group '{errors.text(group)}'")


def consumer_named(client: Client, key: bytes, group: Group, name: bytes) -> Consumer:
    """A consumer of a group, made if it was not there."""
    consumer = group.consumers.get(name)
    if consumer is None:
        consumer = group.consumers[name] = Consumer(name, client.server.now_ms())
        if client.server.dialect.readers_announce_themselves or client.command.name.startswith("xgroup"):
            client.db.modified_unwatched(key, b"xgroup-createconsumer", notify.STREAM)
        else:
            client.server.dirty += 1
    return consumer


def _claimant(client: Client, key: bytes, group: Group, name: bytes) -> Consumer | None:
    """The consumer of XCLAIM; None if it is only made once there is something to claim."""
    if name not in group.consumers and not client.server.dialect.reading_nothing_makes_a_consumer:
        return None
    consumer = consumer_named(client, key, group, name)
    consumer.seen_time = client.server.now_ms()
    return consumer


def entries_up_to(dialect: type[Dialect], stream: Stream, id: int) -> int | None:
    if dialect.nothing_is_counted_before_a_deleted_entry and len(stream) and 0 < id < stream.max_deleted_id:
        return None
    return stream.entries_up_to(id)


@command("XACK key group id [id ...]", flags="write fast", since="5.0.0", group="stream")
def xack(client: Client, argv: Argv) -> Reply:
    """Acknowledge entries: they are pending no longer."""
    stream = client.db.stream(argv[1])
    group = stream.groups.get(argv[2]) if stream is not None else None
    if group is None:
        return 0
    acknowledged = sum(map(group.acknowledge, [stream_id(text) for text in argv[3:]]))
    client.server.dirty += acknowledged
    return acknowledged


@command(
    "XACKDEL key group [KEEPREF | DELREF | ACKED] <IDS numids id [id ...]>",
    flags="write fast",
    since="8.2.0",
    arity=-6,
    group="stream",
)
def xackdel(client: Client, argv: Argv) -> Reply:
    """Acknowledge entries and remove them, and say of each what became of it."""
    stream = client.db.stream(argv[1])
    references, texts = ids_and_references(argv, 3)
    group = stream.groups.get(argv[2]) if stream is not None else None
    if stream is None or group is None:
        return [-1] * len(texts)
    length = len(stream)
    ids = [stream_id(text) for text in texts]
    results = [abs(delete_entry(stream, id, references)) if group.acknowledge(id) else -1 for id in ids]
    if len(stream) < length:
        client.db.modified(argv[1], b"xdel", notify.STREAM)
    return results


@command(
    "XPENDING key group [[IDLE min-idle-time] start end count [consumer]]",
    flags="readonly",
    since="5.0.0",
    since_option={"IDLE": "6.2.0"},
    arity=-3,
    group="stream",
)
def xpending(client: Client, argv: Argv) -> Reply:
    """What is pending in a group: a summary, or the entries one by one."""
    at = 3
    least_idle = 0
    start = end = count = 0
    if len(argv) > 3:
        has_idle = client.command.options.available("IDLE")
        if not 6 <= len(argv) <= (9 if has_idle else 7):
            raise CommandError(errors.SYNTAX_ERROR)
        if argv[3].upper() == b"IDLE" and has_idle:
            least_idle = integer(argv[4])
            if len(argv) < 8:
                raise CommandError(errors.SYNTAX_ERROR)
            at = 5
        count = max(integer(argv[at + 2]), 0)
        start, end = range_start(client, argv[at]), range_end(client, argv[at + 1])
    stream = client.db.stream(argv[1])
    group = stream.groups.get(argv[2]) if stream is not None else None
    if group is None:
        raise no_group(argv[1], argv[2])
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
    group="stream",
)
def xclaim(client: Client, argv: Argv) -> Reply:
    """Give pending entries to a consumer, with another idle time and count if asked."""
    db, key = client.db, argv[1]
    stream = db.stream(key)
    group = stream.groups.get(argv[2]) if stream is not None else None
    if stream is None or group is None:
        raise no_group(key, argv[2])
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
    time, retry_count, force, just_id, last_id = now, None, False, False, 0
    while at < len(argv):
        word, more = argv[at].upper(), len(argv) - 1 - at
        if word == b"FORCE":
            force = True
        elif word == b"JUSTID":
            just_id = True
        elif word in (b"IDLE", b"TIME", b"RETRYCOUNT", b"LASTID") and more:
            at += 1
            if word == b"LASTID":
                last_id = stream_id(argv[at])
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
    if last_id > group.last_id:
        group.last_id = last_id
        client.server.dirty += 1
    consumer = _claimant(client, key, group, argv[3])
    claimed: list[Reply] = []
    for id in ids:
        fields = stream.find(id)
        pending = group.pending.get(id)
        if fields is None and (pending is None or not client.server.dialect.deleted_entries_stay_pending):
            group.acknowledge(id)
            client.server.dirty += pending is not None
            continue
        if (pending is None and not force) or (pending and min_idle and now - pending.time < min_idle):
            continue
        consumer = consumer or consumer_named(client, key, group, argv[3])
        if pending is None:
            pending = group.deliver(id, consumer, time)
        else:
            group.hand_over(id, pending, consumer)
            group.set_time(id, pending, time)
        if retry_count is not None:
            pending.count = retry_count
        elif not just_id:
            pending.count += 1
        claimed.append(_claimed(id, fields, just_id))
        consumer.active_time = now
        client.server.dirty += 1
    db.signal_ready(key)
    return claimed


def _claimed(id: int, fields: list[bytes] | None, just_id: bool) -> Reply:
    return id_text(id) if just_id else None if fields is None else [id_text(id), fields]


@command(
    "XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]",
    flags="write fast",
    since="6.2.0",
    group="stream",
)
def xautoclaim(client: Client, argv: Argv) -> Reply:
    """Give entries that were pending long enough to a consumer, step by step through all of them."""
    client.db.lookup(argv[1])  # a miss, if it is one, comes before any fault
    min_idle = max(integer(argv[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM"), 0)
    dialect = client.server.dialect
    most = INT64_MAX if dialect.deleted_entries_stay_pending else MOST_CLAIMED
    start, count, just_id = range_start(client, argv[5]), 100, False
    for name, text in client.command.options.each(argv, 6):
        if name == "COUNT":
            count = integer_in(text, 1, most, "ERR COUNT must be > 0")
        else:
            just_id = True
    stream = client.db.for_write(argv[1], Stream)
    group = stream.groups.get(argv[2]) if stream is not None else None
    if stream is None or group is None:
        raise no_group(argv[1], argv[2])
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
            client.server.dirty += 1
            deleted.append(id_text(id))
        elif not min_idle or now - pending.time >= min_idle:
            consumer = consumer or consumer_named(client, argv[1], group, argv[3])
            group.hand_over(id, pending, consumer)
            group.set_time(id, pending, now)
            if not just_id:
                pending.count += 1
            claimed.append(_claimed(id, fields, just_id))
            consumer.active_time = now
            client.server.dirty += 1
    return [id_text(cursor), claimed] if dialect.deleted_entries_stay_pending else [id_text(cursor), claimed, deleted]


MOST_CLAIMED = INT64_MAX // 16


# XGROUP.


def _look_for_stream(client: Client, argv: Argv) -> None:
    """`XGROUP NOSUCH missing g`."""
    if len(argv) > 3 and client.db.for_write(argv[2], Stream) is None:
        raise CommandError(NO_STREAM)


container("XGROUP", since="5.0.0", flags="denyoom@before:7.0.0", group="stream", first=_look_for_stream)


def _group_options(client: Client, argv: Argv, make_stream: bool) -> tuple[bool, int | None]:
    """`[MKSTREAM] [ENTRIESREAD entries-read]` from `argv[5]` on."""
    dialect = client.server.dialect
    if not dialect.xgroup_reads_options_first:
        if not make_stream:
            _existing_group(client, argv)
        elif len(argv) != 6:
            _stream_of_group(client, argv)
        elif argv[5].upper() == b"MKSTREAM":
            return True, None
    at, create, entries_read = 5, False, None
    while at < len(argv):
        word = argv[at].upper()
        if word == b"MKSTREAM" and make_stream and dialect.xgroup_reads_options_first:
            create = True
        elif word == b"ENTRIESREAD" and at + 1 < len(argv) and dialect.xgroup_reads_options_first:
            at += 1
            number = integer(argv[at])
            if number < -1:
                raise CommandError("ERR value for ENTRIESREAD must be positive or -1")
            entries_read = None if number == -1 else number
        else:
            raise CommandError(dialect.wrong_subcommand(argv))
        at += 1
    return create, entries_read


def _read_so_far(client: Client, stream: Stream, entries_read: int | None) -> int | None:
    """ENTRIESREAD, which cannot be more than was ever added."""
    if entries_read is None or not client.server.dialect.entries_read_are_limited:
        return entries_read
    return min(entries_read, stream.entries_added)


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


@command(
    "XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entriesread]",
    flags="write denyoom",
    since="5.0.0",
    group="stream",
)
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
    if len(argv) > 8:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    if argv[4] == b"$":
        id = stream.last_id if stream is not None else 0
    else:
        id = stream_id(argv[4])
    made = stream is None
    if stream is None:
        stream = db.add(key, Stream(client.server.limits))
    if name in stream.groups:
        raise CommandError("BUSYGROUP Consumer Group name already exists")
    stream.groups[name] = Group(id, _read_so_far(client, stream, entries_read))
    (db.modified if made else db.modified_unwatched)(key, b"xgroup-create", notify.STREAM)
    return OK


@command(
    "XGROUP SETID key group <id | $> [ENTRIESREAD entriesread]",
    flags="write denyoom@before:7.0.0",
    since="5.0.0",
    group="stream",
)
def xgroup_setid(client: Client, argv: Argv) -> Reply:
    """Set the current group ID and entries_read counter."""
    _, entries_read = _group_options(client, argv, make_stream=False)
    stream, group = _existing_group(client, argv)
    if len(argv) > 7:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    group.last_id = stream.last_id if argv[4] == b"$" else stream_id(argv[4])
    group.entries_read = _read_so_far(client, stream, entries_read)
    client.db.modified_unwatched(argv[2], b"xgroup-setid", notify.STREAM)
    return OK


@command("XGROUP DESTROY key group", flags="write denyoom@before:7.0.0", since="5.0.0", group="stream")
def xgroup_destroy(client: Client, argv: Argv) -> Reply:
    """Remove the specified group."""
    stream = _stream_of_group(client, argv)
    if stream.groups.pop(argv[3], None) is None:
        return 0
    client.db.modified_unwatched(argv[2], b"xgroup-destroy", notify.STREAM)
    client.db.signal_ready(argv[2])  # whoever waits for this group has to hear of it
    return 1


@command("XGROUP CREATECONSUMER key group consumer", flags="write denyoom", since="6.2.0", group="stream")
def xgroup_createconsumer(client: Client, argv: Argv) -> Reply:
    """Create a new consumer in the specified group."""
    _, group = _existing_group(client, argv)
    if argv[4] in group.consumers:
        return 0
    consumer_named(client, argv[2], group, argv[4])
    return 1


@command("XGROUP DELCONSUMER key group consumer", flags="write denyoom@before:7.0.0", since="5.0.0", group="stream")
def xgroup_delconsumer(client: Client, argv: Argv) -> Reply:
    """Remove the specified consumer."""
    _, group = _existing_group(client, argv)
    if argv[4] not in group.consumers:
        return 0
    pending = group.remove_consumer(argv[4])
    client.db.modified_unwatched(argv[2], b"xgroup-delconsumer", notify.STREAM)
    return pending

"""XINFO: what is known of a stream, its groups and their consumers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from redouble.commands.stream import shown
from redouble.commands.stream_groups import entries_up_to
from redouble.core import errors
from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.dialects import Dialect
from redouble.resp.reply import Reply
from redouble.types.id_order import IdOrder
from redouble.types.stream import MAX_ID, Group, Pending, Stream, id_text


def _stream_for_info(client: Client, argv: Argv) -> Stream:
    stream = client.db.stream(argv[2])
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    return stream


container(
    "XINFO",
    since="5.0.0",
    group="stream",
    first=lambda client, argv: len(argv) > 2 and _stream_for_info(client, argv),
)


@command("XINFO STREAM key [FULL [COUNT count]]", flags="readonly", since="5.0.0", group="stream")
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
    if client.server.dialect.streams_know_their_producers:
        stream.producers.expire(client.server.now_ms())
        facts |= _producers(stream)
    most = count or None
    if full:
        facts[b"entries"] = shown(stream.range(0, MAX_ID, most))
        facts[b"groups"] = [
            _full_group(client, stream, name, group, most) for name, group in sorted(stream.groups.items())
        ]
    else:
        first, last = stream.range(0, MAX_ID, 1), stream.reverse_range(0, MAX_ID, 1)
        facts[b"groups"] = len(stream.groups)
        facts[b"first-entry"] = shown(first)[0] if first else None
        facts[b"last-entry"] = shown(last)[0] if last else None
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
    behind_a_tombstone = dialect.nothing_is_counted_before_a_deleted_entry and (
        len(stream) and 0 < stream.max_deleted_id >= group.last_id
    )
    if read is None or behind_a_tombstone or stream.has_tombstone_from(group.last_id):
        read = entries_up_to(dialect, stream, group.last_id)
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


@command("XINFO GROUPS key", flags="readonly", since="5.0.0", group="stream")
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


@command("XINFO CONSUMERS key group", flags="readonly", since="5.0.0", group="stream")
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

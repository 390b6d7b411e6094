"""`server.dump()`: all that a server holds as text, for people and for diff.

    user:1  hash  expires in 59.5 s
      name = ada
    queue  list
      a
      b

Keys stand in order, one fact on a line; so do the members of a set and the fields of a hash, which have no order of their
own.  Databases but the first have a heading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from redouble.core.database import Database, type_name
from redouble.testing.lines import quote
from redouble.types.hash import Hash
from redouble.types.list import List
from redouble.types.module_value import ModuleValue
from redouble.types.set import Set
from redouble.types.sorted_set import SortedSet
from redouble.types.stream import MAX_ID, Group, Stream, id_text

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["dump"]


def dump(server: Server) -> str:
    """The text; empty if there is no key."""
    lines: list[str] = []
    for index, db in sorted(server.databases.items()):
        items = sorted(db.items())
        if index and items:
            lines.append(f"[database {index}]")
        for key, value in items:
            lines.append(f"{quote(key)}  {type_name(value).decode()}{_life(server, db, key)}")
            lines += (f"  {line}" for line in _facts(server, value))
    return "".join(f"{line}\n" for line in lines)


def _life(server: Server, db: Database, key: bytes) -> str:
    at = db.expires_at(key)
    return "" if at is None else f"  expires in {_seconds(server, at)}"


def _seconds(server: Server, at_ms: int) -> str:
    return f"{(at_ms - server.now_ms()) / 1000:g} s"


def _facts(server: Server, value: Any) -> Iterator[str]:
    if isinstance(value, (bytes, bytearray)):
        yield quote(bytes(value))
    elif type(value) is List:
        yield from map(quote, value)
    elif type(value) is Set:
        yield from sorted(map(quote, value))
    elif type(value) is Hash:
        for field, text in sorted(value.items()):
            at = value.expires_at(field)
            yield f"{quote(field)} = {quote(text)}" + ("" if at is None else f"  expires in {_seconds(server, at)}")
    elif type(value) is SortedSet:
        for member, score in value.pairs(0, len(value)):
            yield f"{server.dialect.format_double(score).decode()} {quote(member)}"
    elif isinstance(value, ModuleValue):
        yield from value.describe()
    elif type(value) is Stream:
        yield from _facts_of_stream(server, value)


def _facts_of_stream(server: Server, stream: Stream) -> Iterator[str]:
    for id, fields in stream.range(0, MAX_ID):
        pairs = " ".join(f"{quote(name)}={quote(text)}" for name, text in zip(fields[::2], fields[1::2]))
        yield f"{id_text(id).decode()} {pairs}"
    for name, group in sorted(stream.groups.items()):
        yield f"group {quote(name)}, last delivered {id_text(group.last_id).decode()}"
        yield from (f"  {line}" for line in _facts_of_group(server, group))


def _facts_of_group(server: Server, group: Group) -> Iterator[str]:
    for name in sorted(group.consumers):
        yield f"consumer {quote(name)}"
    for id, pending in group.pending.items():
        times = "once" if pending.count == 1 else f"{pending.count} times"
        yield f"pending {id_text(id).decode()} at {quote(pending.consumer.name)}, delivered {times}"

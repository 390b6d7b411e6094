"""JSON.ARR*: arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError, wrong_arity
from redouble.modules.arguments import long_long
from redouble.modules.json.commands.arguments import (
    Where,
    changed,
    document_of,
    existing,
    is_text,
    json_command,
    json_value,
    missing_key,
    opened_for_write,
    optional_path,
    parsed,
    place_is_gone,
    text,
)
from redouble.modules.json.commands.replies import ReplyFormat, reply_of
from redouble.modules.json.order import inside_out
from redouble.modules.json.reader import Value
from redouble.modules.json.values import copy, kind, same
from redouble.modules.json.versions import version
from redouble.resp.reply import Reply

NOT_AN_ARRAY: Final = "not an array"
OUT_OF_BOUNDS: Final = "ERR index out of bounds"


def integer(argument: bytes) -> int:
    number = long_long(argument)
    if number is None:
        raise CommandError("Couldn't parse as integer")
    return number


def change_arrays(
    client: Client,
    key: bytes,
    where: Where,
    change: Callable[[list[Value]], Reply],
    *,
    path: str = "",
    gone: Callable[[], None] = place_is_gone,
) -> Reply:
    """Change the arrays that a path selects; answers what `change` does for each, or for the last if it is an old path.

    `path` is what errors call it.  `gone` is called for an array that is not there any more, because of what was done to
    another.
    """
    document = existing(client, key)
    found = where.found(document)
    if where.legacy:
        found = [one for one in found if type(one[0]) is list]
        if not found:
            raise where.missing_or(NOT_AN_ARRAY, path)
    results: list[Reply] = [None] * len(found)

    def apply(value: Value) -> Value:
        if type(value) is not list:
            raise CommandError(version(client).expected.format(expected="array", found=kind(value)))
        results[i] = change(value)
        return value

    done = False
    for i in inside_out(found) if version(client).changes_inside_out else range(len(found)):
        value, place = found[i]
        if type(value) is list:
            done = True
            if not document.update(place, apply):
                gone()
    if done:
        changed(client, key, client.command.name)
    return results[i] if where.legacy else results


@json_command("JSON.ARRAPPEND key path value [value ...]", flags="write denyoom", keys="RW", acl="write json", arity=-3)
def json_arrappend(client: Client, argv: Argv) -> Reply:
    """Append to arrays; answers how long they are then."""
    _, key, path, *texts = argv
    where = Where(client, text(path))
    if not texts:
        raise wrong_arity("json.arrappend")
    values = [json_value(client, json) for json in texts]

    def append(array: list[Value]) -> int:
        array += map(copy, values)
        return len(array)

    return change_arrays(client, key, where, append, path=where.given)


@json_command(
    "JSON.ARRINSERT key path index value [value ...]", flags="write denyoom", keys="RW", arity=-4, until="8.0.0"
)
@json_command("JSON.ARRINSERT key path index value [value ...]", flags="write denyoom", keys="RW", acl="write json")
def json_arrinsert(client: Client, argv: Argv) -> Reply:
    """Insert into arrays before an index; answers how long they are then."""
    _, key, path, index_text, *texts = argv
    where, index = Where(client, text(path)), integer(index_text)
    if not texts:
        raise wrong_arity("json.arrinsert")
    values = [json_value(client, json) for json in texts]

    def insert(array: list[Value]) -> int:
        at = index + len(array) if index < 0 else index
        if not 0 <= at <= len(array):
            raise CommandError(OUT_OF_BOUNDS)
        array[at:at] = map(copy, values)
        return len(array)

    return change_arrays(client, key, where, insert)


@json_command("JSON.ARRTRIM key path start stop", flags="write", keys="RW", arity=-4, until="8.0.0")
@json_command("JSON.ARRTRIM key path start stop", flags="write", keys="RW", acl="write json")
def json_arrtrim(client: Client, argv: Argv) -> Reply:
    """Keep only a part of arrays, both ends of which belong to it; answers how long they are then."""
    _, key, path, start_text, *rest = argv
    where, start = Where(client, text(path)), integer(start_text)
    if not rest:
        raise wrong_arity("json.arrtrim")
    stop = integer(rest[0])

    def trim(array: list[Value]) -> int:
        length = len(array)
        first = max(start + length, 0) if start < 0 else start
        last = max(stop + length, 0) if stop < 0 else stop
        array[:] = array[first : last + 1]
        return len(array)

    return change_arrays(client, key, where, trim)


@json_command(
    "JSON.ARRPOP key [FORMAT <STRINGS | EXPAND1 | EXPAND>] [path [index]]", flags="write", keys="RW", acl="write json"
)
def json_arrpop(client: Client, argv: Argv) -> Reply:
    """Remove an element of arrays, the last if no other; answers them."""
    _, key, *rest = argv
    format = ReplyFormat.STRINGS
    if len(rest) > 1 and rest[0].upper() == b"FORMAT" and is_text(rest[1]):
        format = ReplyFormat.named(text(rest[1]))
        if format is ReplyFormat.STRING:
            raise CommandError("ERR wrong reply format")
        if client.resp == 2:
            raise CommandError("ERR FORMAT argument is not supported on RESP2")
        del rest[:2]
    where = Where(client, text(rest[0]) if rest else ".")
    index = long_long(rest[1]) if len(rest) > 1 else None
    if index is None:
        index = -1
    opened_for_write(client, key)
    if where.legacy and format is not ReplyFormat.STRINGS:
        raise CommandError("Legacy paths are supported only with FORMAT STRINGS")

    def pop(array: list[Value]) -> Reply:
        if not array:
            return None
        at = max(index + len(array), 0) if index < 0 else min(index, len(array) - 1)
        return reply_of(array.pop(at), format)

    return change_arrays(client, key, where, pop, gone=lambda: None)


@json_command("JSON.ARRLEN key [path]", flags="readonly", keys="RO", acl="read json")
def json_arrlen(client: Client, argv: Argv) -> Reply:
    """How long arrays are."""
    where = optional_path(client, argv)
    document = document_of(client, argv[1])
    if document is None:
        if where.legacy:
            return None
        raise missing_key()
    values = where.sought(document)
    if not where.legacy:
        return [len(value) if type(value) is list else None for value in values]
    if not values:
        raise where.missing(where.given)
    if type(values[0]) is not list:
        raise where.missing_or(NOT_AN_ARRAY, where.given)
    return len(values[0])


@json_command("JSON.ARRINDEX key path json [start [stop]]", flags="readonly", keys="RO", acl="read json")
def json_arrindex(client: Client, argv: Argv) -> Reply:
    """Where arrays first have a value; -1 if they have not."""
    _, key, path, json, *bounds = argv
    where = Where(client, text(path))
    json_text = text(json)
    start, stop = map(integer, (*bounds, b"0", b"0")[:2])
    if len(bounds) > 2:
        raise wrong_arity("json.arrindex")
    wanted = parsed(json_text)
    document = document_of(client, key)
    if document is None:
        raise where.missing(where.given)
    if where.legacy:
        value = where.first(document)
        if type(value) is not list:
            raise CommandError(version(client).expected.format(expected="array", found=kind(value)))
        return _index(value, wanted, start, stop)
    return [_index(value, wanted, start, stop) if type(value) is list else None for value in where.values(document)]


def _index(array: list[Value], wanted: Value, start: int, stop: int) -> int:
    length = len(array)
    if not length:
        return -1
    first = max(start + length, 0) if start < 0 else min(start, length - 1)
    end = length if stop == 0 else max(stop + length, 0) if stop < 0 else min(stop, length)
    return next((i for i in range(first, end) if same(array[i], wanted)), -1)

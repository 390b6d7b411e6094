"""JSON.SET, JSON.GET and their kin: commands for values of any kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import SYNTAX_ERROR, CommandError, wrong_arity
from redouble.modules.json.commands.arguments import (
    Where,
    changed,
    document_for_write,
    document_of,
    existing,
    is_text,
    json_command,
    json_value,
    optional_path,
    place_is_gone,
    text,
)
from redouble.modules.json.commands.replies import ReplyFormat, reply_of, resp_of
from redouble.modules.json.document import Document
from redouble.modules.json.order import to_remove
from redouble.modules.json.path import Key, Place
from redouble.modules.json.reader import Value
from redouble.modules.json.values import copy, kind, memory, merged
from redouble.modules.json.versions import version
from redouble.modules.json.writer import formatted, text_of
from redouble.resp.reply import OK, Reply

# Reading.


@json_command(
    "JSON.GET key [INDENT indent] [NEWLINE newline] [SPACE space] [FORMAT <STRING | EXPAND1 | EXPAND>] [path [path ...]]",
    flags="readonly",
    keys="RO",
    acl="read json",
)
def json_get(client: Client, argv: Argv) -> Reply:
    """Values at one or more paths."""
    words = iter(argv[2:])
    paths: list[Where] = []
    layout: dict[str, str] = {}
    format = ReplyFormat.STRING
    for word in words:
        name = word.upper()
        if name == b"FORMAT":
            if client.resp == 2 and not paths:
                raise CommandError("ERR FORMAT argument is not supported on RESP2")
            format = ReplyFormat.named(text(_next(words, "json.get")))
            if format is ReplyFormat.STRINGS:
                raise CommandError("ERR wrong reply format")
        elif name in (b"INDENT", b"NEWLINE", b"SPACE"):
            layout[name.decode().lower()] = text(_next(words, "json.get"))
        elif name != b"NOESCAPE":
            if not is_text(word):
                break
            paths.append(Where(client, word.decode()))
    paths = paths or [Where(client, ".")]
    document = document_of(client, argv[1])
    if document is None:
        return None
    if client.resp == 3 and format is not ReplyFormat.STRING:
        return [[reply_of(value, format) for value in where.tried(document)] for where in paths]
    legacy = all(where.legacy for where in paths)
    if len(paths) == 1:
        value = paths[0].first(document) if legacy else paths[0].values(document)
    else:
        value = {}
        for where in paths:
            try:
                values = where.values(document)
            except CommandError:
                continue  # a wrong path among several
            if legacy and not values:
                raise where.missing(where.given)
            value[where.given] = values[0] if legacy else values
    if layout:
        return formatted(value, layout.get("indent", ""), layout.get("newline", ""), layout.get("space", "")).encode()
    return text_of(value).encode()


def _next(words: Iterator[bytes], command: str) -> bytes:
    for word in words:
        return word
    raise wrong_arity(command)


@json_command("JSON.MGET key [further-key ...] path", flags="readonly", keys="RO", acl="read json")
def json_mget(client: Client, argv: Argv) -> Reply:
    """Values at one path of several documents."""
    _, *keys, path = argv
    where = Where(client, text(path))
    results: list[Reply] = []
    for key in keys:
        try:
            document = document_of(client, key)
            value = None if document is None else where.first(document) if where.legacy else where.values(document)
            results.append(None if document is None else text_of(value).encode())
        except CommandError:
            results.append(None)
    return results


@json_command("JSON.TYPE key [path]", flags="readonly", keys="RO", acl="read json")
def json_type(client: Client, argv: Argv) -> Reply:
    """The kinds of values."""
    where = optional_path(client, argv)
    document = document_of(client, argv[1])
    reply: Reply = None
    if document is not None:
        if where.legacy:
            values = where.tried(document)
            reply = kind(values[0]).encode() if values else None
        else:
            reply = [kind(value).encode() for value in where.values(document)]
    return [reply] if client.resp == 3 else reply


@json_command("JSON.RESP key [path]", flags="readonly", keys="RO", acl="read json")
def json_resp(client: Client, argv: Argv) -> Reply:
    """Values as replies."""
    where = Where(client, text(argv[2]) if len(argv) > 2 else ".")
    document = document_of(client, argv[1])
    if document is None:
        return None
    if where.legacy:
        return resp_of(where.first(document))
    return [resp_of(value) for value in where.values(document)]


@json_command("JSON.DEBUG subcommand key [path]", flags="readonly", keys="RO", arity=-2, until="8.0.0")
@json_command("JSON.DEBUG subcommand [key [path]]", flags="readonly", acl="read json", arity=-2)
def json_debug(client: Client, argv: Argv) -> Reply:
    """JSON.DEBUG MEMORY key [path]: the bytes that values take."""
    _, subcommand, *rest = argv
    name = text(subcommand).upper()
    if name == "HELP":
        return [b"MEMORY <key> [path] - reports memory usage", b"HELP                - this message"]
    if name != "MEMORY":
        raise CommandError("ERR unknown subcommand - try `JSON.DEBUG HELP`")
    if not rest:
        raise wrong_arity("json.debug")
    where = optional_path(client, argv[1:])
    document = document_of(client, rest[0])
    if where.legacy:
        return 0 if document is None else memory(where.first(document))
    return [] if document is None else [memory(value) for value in where.values(document)]


# Writing.


@json_command(
    "JSON.SET key path value [NX | XX] [FORMAT <STRING | JSON | BSON>]",
    flags="write denyoom",
    keys="RW",
    acl="write json",
)
def json_set(client: Client, argv: Argv) -> Reply:
    """Set the values at a path, or add one there."""
    _, key, path, json, *words = argv
    where = Where(client, text(path))
    text(json)
    condition = ""
    rest = iter(words)
    for word in rest:
        option = text(word).upper()
        if option in ("NX", "XX") and not condition:
            condition = option
        elif option == "FORMAT":
            _check_format(text(_next(rest, "json.set")))
        else:
            raise CommandError(SYNTAX_ERROR)
    document = document_for_write(client, key)
    value = json_value(client, json)
    if (condition == "NX" and where.text == "$" and document is not None) or (condition == "XX" and document is None):
        return None
    targets = _targets(document, where, condition)
    if document is None:
        client.db.add(key, Document(value))
    elif not _set(document, targets, value):
        return None
    changed(client, key, "json.set")
    return OK


def _check_format(format: str) -> None:
    if format == "BSON":
        raise CommandError("ERR not supported by redouble: FORMAT BSON")
    if format not in ("STRING", "JSON"):
        raise CommandError("ERR wrong format")


class Target(NamedTuple):
    """What is to be set."""

    place: Place
    name: str | None = None
    """Of the new member that the object at the place gets; None: the value at the place itself."""


def _targets(document: Document | None, where: Where, condition: str = "") -> list[Target]:
    """What a path stands for when something is set; raises CommandError if that cannot be."""
    if where.text == "$":
        return [Target(None)]
    if document is None:
        raise CommandError("ERR new objects must be created at the root")
    if condition != "NX" and (found := where.found(document)):
        return [Target(place) for _, place in found]
    if condition == "XX":
        return []
    path = where.path
    if not path.is_static:
        raise CommandError("Err wrong static path")
    if not path.steps:
        raise CommandError("Err path must end with object key to set")
    last = path.steps[-1]
    if isinstance(last, Key):
        return [Target(place, last.names[0].written) for _, place in path.without_last().places(document.root)]
    if not where.found(document):
        raise CommandError("ERR array index out of range")
    return []


def _set(document: Document, targets: list[Target], value: Value) -> bool:
    """Whether something was set or added; the value itself goes to the last place, copies to the others."""
    done = False
    for i, (place, name) in enumerate(targets, 1):
        one = value if i == len(targets) else copy(value)
        done |= document.put(place, one) if name is None else document.add(place, name, one)
    return done


@json_command(
    "JSON.MSET key path value [key path value ...]",
    flags="write denyoom",
    keys="RW",
    acl="write json",
    arity=-4,
    since="2.6.0",
)
def json_mset(client: Client, argv: Argv) -> Reply:
    """Set values at paths of several documents: all of them, or none if one cannot be."""
    words = iter(argv[1:])
    changes: list[tuple[bytes, Value, list[Target]]] = []
    for key in words:
        document = document_for_write(client, key)
        where = Where(client, text(_next(words, "json.mset")))
        targets = _targets(document, where)
        value = json_value(client, _next(words, "json.mset"))
        changes.append((key, value, targets))
    for key, value, targets in changes:
        document = document_for_write(client, key)
        if document is None:
            client.db.add(key, Document(value))
        elif not _set(document, targets, value):
            continue
        changed(client, key, "json.mset")
    return OK


@json_command(
    "JSON.MERGE key path value [FORMAT <STRING | JSON | BSON>]",
    flags="write denyoom",
    keys="RW",
    acl="write json",
    since="2.6.0",
)
def json_merge(client: Client, argv: Argv) -> Reply:
    """Merge a patch into the values at a path (RFC 7386)."""
    _, key, path, json, *words = argv
    where = Where(client, text(path))
    text(json)
    rest = iter(words)
    for word in rest:
        if text(word).upper() != "FORMAT":
            raise CommandError(SYNTAX_ERROR)
        _check_format(text(_next(rest, "json.merge")))
    document = document_for_write(client, key)
    patch = json_value(client, json)
    targets = _targets(document, where)
    if document is None:
        client.db.add(key, Document(patch))
    elif not any([_merge(client, document, target, patch) for target in targets]):  # noqa: C419  # each of them
        return None
    changed(client, key, "json.merge")
    return OK


def _merge(client: Client, document: Document, target: Target, patch: Value) -> bool:
    if target.name is not None:
        return document.add(target.place, target.name, copy(patch))
    if version(client).packs_numbers and document.is_packed(target.place):
        return False
    return document.update(target.place, lambda value: merged(value, patch))


# Removing.


@json_command("JSON.DEL key [path]", flags="write", keys="RW", acl="write json")
def json_del(client: Client, argv: Argv) -> Reply:
    """Remove the values at a path; answers how many there were."""
    return _delete(client, argv)


@json_command("JSON.FORGET key [path]", flags="write", keys="RW", acl="write json")
def json_forget(client: Client, argv: Argv) -> Reply:
    """JSON.DEL, by another name."""
    return _delete(client, argv)


def _delete(client: Client, argv: Argv) -> int:
    key = argv[1]
    where = Where(client, text(argv[2]) if len(argv) > 2 else ".")
    document = document_for_write(client, key)
    if document is None:
        return 0
    if where.text == "$":
        client.db.delete(key, b"")
        return 1
    rules = version(client)
    places = to_remove([place for _, place in where.found(document)], rules.deletes_by_name)
    count = sum([document.remove(place) for place in places])
    if count:
        changed(client, key, "json.del")
        if not (rules.keeps_emptied or document.root):
            client.db.delete(key)
    return count


@json_command("JSON.CLEAR key [path]", flags="write", keys="RW", acl="write json", since="2.0.0")
def json_clear(client: Client, argv: Argv) -> Reply:
    """Empty arrays and objects, and make numbers zero; answers how many were not so before."""
    key = argv[1]
    where = Where(client, text(argv[2]) if len(argv) > 2 else ".")
    rules = version(client)
    if rules.clears_one_path and len(argv) > 3:
        raise wrong_arity("json.clear")
    document = existing(client, key)
    count = 0
    for value, place in where.found(document):
        if _is_clear(value):
            continue
        if rules.packs_numbers and document.is_packed(place):
            raise CommandError("bad object")
        if document.update(place, _cleared):
            count += 1
        elif rules.packs_numbers:
            place_is_gone()
    if count:
        changed(client, key, "json.clear")
    return count


def _is_clear(value: Value) -> bool:
    return type(value) is bool or type(value) is str or not value


def _cleared(value: Value) -> Value:
    return [] if type(value) is list else {} if isinstance(value, dict) else 0

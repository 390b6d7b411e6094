"""JSON.NUM*, JSON.STR*, JSON.TOGGLE, JSON.OBJ*: commands for one kind of value, but arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError
from redouble.modules.json.commands.arguments import (
    Where,
    changed,
    document_of,
    existing,
    json_command,
    missing_key,
    optional_path,
    parsed,
    place_is_gone,
    refusal,
    text,
)
from redouble.modules.json.document import Document
from redouble.modules.json.reader import Value
from redouble.modules.json.values import kind
from redouble.modules.json.versions import version
from redouble.modules.json.writer import number_text, text_of
from redouble.resp.reply import Reply

# Numbers.


@json_command("JSON.NUMINCRBY key path number", flags="write", keys="RW", acl="write json")
def json_numincrby(client: Client, argv: Argv) -> Reply:
    """Add to numbers; answers what they are then."""
    return _calculate(client, argv, int.__add__, float.__add__)


@json_command("JSON.NUMMULTBY key path number", flags="write", keys="RW", acl="write json")
def json_nummultby(client: Client, argv: Argv) -> Reply:
    """Multiply numbers; answers what they are then."""
    return _calculate(client, argv, int.__mul__, float.__mul__)


@json_command("JSON.NUMPOWBY key path number", flags="write", keys="RW", acl="write json")
def json_numpowby(client: Client, argv: Argv) -> Reply:
    """Raise numbers to a power; answers what they are then."""
    return _calculate(client, argv, _power, _float_power)


def _power(base: int, exponent: int) -> int:
    """An exponent has 32 bits, of negative ones those of their complement."""
    return pow(base, exponent & 0xFFFFFFFF, 1 << 64)


def _float_power(base: float, exponent: float) -> float:
    try:
        result = base**exponent
    except (OverflowError, ZeroDivisionError):
        return float("inf")
    return result if type(result) is float else float("nan")


def _calculate(
    client: Client, argv: Argv, integers: Callable[[int, int], int], floats: Callable[[float, float], float]
) -> Reply:
    _, key, path, operand_text, *_ = argv
    where, operand_json = Where(client, text(path)), text(operand_text)
    document = existing(client, key)
    found = where.found(document)
    if where.legacy and client.resp == 2 and not any(_is_number(value) for value, _ in found):
        raise where.missing_or("does not contains a number")
    results: list[Value] = []
    operand = _operand(operand_json) if any(_is_number(value) for value, _ in found) else 0

    def calculate(number: Value) -> Value:
        if type(number) is int and type(operand) is int and operand <= _INT64_MAX and number <= _INT64_MAX:
            result: int | float = (integers(number, operand) + (1 << 63)) % (1 << 64) - (1 << 63)
        else:
            result = floats(float(number), float(operand))
            if result - result != 0:
                raise CommandError(version(client).not_a_number)
        results.append(result)
        return result

    for value, place in found:
        if _is_number(value):
            document.update(place, calculate) or place_is_gone()
        elif not where.legacy or client.resp == 3:
            results.append(None)
    if any(result is not None for result in results):
        changed(client, key, client.command.name)
    if client.resp == 3:
        return results
    return (number_text(results[-1]) if where.legacy else text_of(results)).encode()


_INT64_MAX: Final = (1 << 63) - 1


def _operand(json: str) -> int | float:
    operand = parsed(json)
    if not _is_number(operand):
        raise CommandError("bad input number")
    number: int | float = operand
    return number


def _is_number(value: Value) -> bool:
    return type(value) is int or type(value) is float


# Booleans.


@json_command("JSON.TOGGLE key path", flags="write denyoom@before:8.0.0", keys="RW", acl="write json", since="2.0.0")
def json_toggle(client: Client, argv: Argv) -> Reply:
    """Make true of false, and false of true."""
    _, key, path, *_ = argv
    where = Where(client, text(path))
    document = existing(client, key)
    results: list[bool | None] = []

    def toggle(value: Value) -> Value:
        results.append(not value)
        return not value

    for value, place in where.found(document):
        if type(value) is bool:
            document.update(place, toggle) or place_is_gone()
        elif not where.legacy:
            results.append(None)
    if where.legacy and not results:
        raise where.missing_or("not a bool")
    if any(result is not None for result in results):
        changed(client, key, "json.toggle")
    if where.legacy:
        return b"true" if results[-1] else b"false"
    return [result if result is None else int(result) for result in results]


# Strings.


@json_command("JSON.STRAPPEND key [path] json-string", flags="write denyoom", keys="RW", acl="write json")
def json_strappend(client: Client, argv: Argv) -> Reply:
    """Append to strings; answers how many bytes they have then."""
    key, path, json = argv[1], b".", argv[2]
    if len(argv) > 3:
        path, json = json, argv[3]
    where, suffix_json = Where(client, text(path)), text(json)
    document = existing(client, key)
    found = where.found(document)
    if where.legacy and not any(type(value) is str for value, _ in found):
        raise where.missing_or("not a string")
    lengths: list[int | None] = []
    suffix = _suffix(client, suffix_json) if any(type(value) is str for value, _ in found) else ""

    def append(value: Value) -> Value:
        lengths.append(len(value.encode()) + len(suffix.encode()))
        return value + suffix

    for value, place in found:
        if type(value) is str:
            document.update(place, append) or place_is_gone()
        elif not where.legacy:
            lengths.append(None)
    if any(length is not None for length in lengths):
        changed(client, key, "json.strappend")
    return lengths[-1] if where.legacy else lengths


def _suffix(client: Client, json: str) -> str:
    suffix = parsed(json)
    if type(suffix) is not str:
        raise refusal(version(client).expected.format(expected="string", found=json))
    return suffix


@json_command("JSON.STRLEN key [path]", flags="readonly", keys="RO", acl="read json")
def json_strlen(client: Client, argv: Argv) -> Reply:
    """How many bytes strings have."""
    document, where = _read(client, argv)
    if where.legacy:
        return None if document is None else len(_only(where, where.first(document), "string").encode())
    if document is None:
        raise missing_key()
    return [len(value.encode()) if type(value) is str else None for value in where.sought(document)]


# Objects.


@json_command("JSON.OBJKEYS key [path]", flags="readonly", keys="RO", acl="read json")
def json_objkeys(client: Client, argv: Argv) -> Reply:
    """The keys of objects."""
    document, where = _read(client, argv)
    if document is None:
        if where.legacy:
            return None
        raise missing_key()
    if not where.legacy:
        return [_keys(value) if isinstance(value, dict) else None for value in where.sought(document)]
    try:
        values = where.sought(document)
    except CommandError:
        return None  # a wrong path
    if values and not isinstance(values[0], dict):
        raise where.missing_or("not an object")
    return _keys(values[0]) if values else None


def _keys(value: dict[str, Value]) -> list[bytes]:
    return [key.encode() for key in value]


@json_command("JSON.OBJLEN key [path]", flags="readonly", keys="RO", acl="read json")
def json_objlen(client: Client, argv: Argv) -> Reply:
    """How many keys objects have."""
    document, where = _read(client, argv)
    if document is None:
        if where.legacy:
            return None
        raise where.missing_or("not an object")
    if where.legacy:
        values = where.tried(document)
        return len(_only(where, values[0], "object")) if values else None
    return [len(value) if isinstance(value, dict) else None for value in where.sought(document)]


def _read(client: Client, argv: Argv) -> tuple[Document | None, Where]:
    where = optional_path(client, argv)
    return document_of(client, argv[1]), where


def _only(where: Where, value: Value, expected: str) -> Value:
    """A value that must be of a kind."""
    if kind(value) != expected:
        raise CommandError(version(where.client).expected.format(expected=expected, found=kind(value)))
    return value

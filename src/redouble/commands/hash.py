"""Hashes; the times to live of single fields are in `hash_expiry`."""

from __future__ import annotations

from collections.abc import Callable

from redouble.commands.scanning import scan_cursor, scan_step
from redouble.core import errors, notify
from redouble.core.arguments import (
    INT64_MAX,
    INT64_MIN,
    integer,
    integer_in,
    long_double,
    random_count,
)
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import OK, Pairs, Reply
from redouble.types.hash import Hash
from redouble.types.number import format_long_double


@command("HSET key field value [field value ...]", flags="write denyoom fast", since="2.0.0")
def hset(client: Client, argv: Argv) -> Reply:
    """Give fields of a hash their values; answers how many are new."""
    db, key = client.db, argv[1]
    if len(argv) % 2:
        raise errors.wrong_arity(client.command.name)
    fields = db.for_adding(key, Hash)
    added = fields.update(argv[2:])
    db.modified(key, b"hset", notify.HASH)
    return added


@command("HMSET key field value [field value ...]", flags="write denyoom fast", since="2.0.0")
def hmset(client: Client, argv: Argv) -> Reply:
    """HSET that answers OK."""
    hset(client, argv)
    return OK


@command("HSETNX key field value", flags="write denyoom fast", since="2.0.0")
def hsetnx(client: Client, argv: Argv) -> Reply:
    """Give a field of a hash its value if it has none."""
    _, key, field, value = argv
    fields = client.db.for_write(key, Hash)
    if fields and field in fields:
        return 0
    _set_field(client, key, fields, field, value, b"hset")
    return 1


def _set_field(
    client: Client, key: bytes, fields: Hash | None, field: bytes, value: bytes, event: bytes, keep_ttl: bool = False
) -> None:
    if fields is None:
        fields = client.db.add(key, Hash(client.server.limits))
    measured = not (keep_ttl and client.server.dialect.incremented_values_stay_small)
    fields.set(field, value, keep_ttl=keep_ttl, measured=measured)
    client.db.modified(key, event, notify.HASH)


@command("HGET key field", flags="readonly fast", since="2.0.0")
def hget(client: Client, argv: Argv) -> Reply:
    """The value of a field."""
    _, key, field = argv
    fields = client.db.hash(key)
    return fields.get(field) if fields else None


@command("HMGET key field [field ...]", flags="readonly fast", since="2.0.0")
def hmget(client: Client, argv: Argv) -> Reply:
    """The values of several fields; nil for those that are not there."""
    _, key, *wanted = argv
    fields = client.db.hash(key)
    return [None] * len(wanted) if fields is None else fields.get_each(wanted)


@command("HGETALL key", flags="readonly", since="2.0.0")
def hgetall(client: Client, argv: Argv) -> Reply:
    """Every field with its value."""
    fields = client.db.hash(argv[1])
    return fields.mapping() if fields else {}


@command("HKEYS key", flags="readonly", since="2.0.0")
def hkeys(client: Client, argv: Argv) -> Reply:
    """Every field."""
    return list(client.db.hash(argv[1]) or ())


@command("HVALS key", flags="readonly", since="2.0.0")
def hvals(client: Client, argv: Argv) -> Reply:
    """Every value."""
    fields = client.db.hash(argv[1])
    return list(fields.values()) if fields else []


@command("HLEN key", flags="readonly fast", since="2.0.0")
def hlen(client: Client, argv: Argv) -> Reply:
    """The number of fields."""
    return len(client.db.hash(argv[1]) or ())


@command("HEXISTS key field", flags="readonly fast", since="2.0.0")
def hexists(client: Client, argv: Argv) -> Reply:
    """1 if a hash has the field."""
    _, key, field = argv
    return int(field in (client.db.hash(key) or ()))


@command("HSTRLEN key field", flags="readonly fast", since="3.2.0")
def hstrlen(client: Client, argv: Argv) -> Reply:
    """The length of a field's value in bytes."""
    _, key, field = argv
    fields = client.db.hash(key)
    return len(fields.get(field) or b"") if fields else 0


@command("HDEL key field [field ...]", flags="write fast", since="2.0.0")
def hdel(client: Client, argv: Argv) -> Reply:
    """Remove fields; answers how many were there."""
    _, key, *doomed = argv
    fields = client.db.for_write(key, Hash)
    removed = sum(map(fields.delete, doomed)) if fields else 0
    if removed:
        client.db.shrunk(key, fields, b"hdel", notify.HASH)
    return removed


@command("HINCRBY key field increment", flags="write denyoom fast", since="2.0.0")
def hincrby(client: Client, argv: Argv) -> Reply:
    """Add to the integer that a field spells."""
    _, key, field, increment_text = argv
    increment = integer(increment_text)
    fields = client.db.for_write(key, Hash)
    old = fields.get(field) if fields else None
    number = increment if old is None else increment + integer(old, "ERR hash value is not an integer")
    if not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(errors.OVERFLOW)
    _set_field(client, key, fields, field, b"%d" % number, b"hincrby", keep_ttl=True)
    return number


@command("HINCRBYFLOAT key field increment", flags="write denyoom fast", since="2.6.0")
def hincrbyfloat(client: Client, argv: Argv) -> Reply:
    """Add to the number that a field spells, in the 80-bit arithmetic of the real server."""
    _, key, field, increment_text = argv
    increment = long_double(increment_text)
    if not increment.is_finite() and client.server.dialect.hincrbyfloat_reads_no_infinity:
        raise CommandError("ERR value is NaN or Infinity")
    fields = client.db.for_write(key, Hash)
    old = fields.get(field) if fields else None
    number = increment if old is None else long_double(old, "ERR hash value is not a float") + increment
    if not number.is_finite():
        raise CommandError(errors.NAN_OR_INFINITY)
    text = format_long_double(number)
    _set_field(client, key, fields, field, text, b"hincrbyfloat", keep_ttl=True)
    return text


NO_FIELDS = "ERR Mandatory argument FIELDS is missing or not at the right position"
NO_NUMBER_OF_FIELDS = "ERR Number of fields must be a positive integer"
COUNT_DIFFERS = "ERR The `numfields` parameter must match the number of arguments"
VALKEY_COUNT_DIFFERS = "ERR numfields should be greater than 0 and match the provided number of fields"


def hash_and_fields(
    client: Client,
    argv: Argv,
    lookup: Callable[[bytes], Hash | None],
    valkey_count_differs: str = VALKEY_COUNT_DIFFERS,
) -> tuple[Hash | None, Argv]:
    """The hash in `key` and the fields of `key FIELDS numfields field ...`."""
    _, key, word, numfields, *wanted = argv
    if client.server.dialect.field_options == "valkey":
        if word.upper() != b"FIELDS":
            raise CommandError(errors.SYNTAX_ERROR)
        if integer(numfields) != len(wanted):
            raise CommandError(valkey_count_differs)
        return lookup(key), wanted
    return lookup(key), fields_at_the_end(argv[2:], NO_NUMBER_OF_FIELDS)


def fields_at_the_end(words: Argv, not_positive: str) -> Argv:
    """The fields of `FIELDS numfields field ...`, of which nothing may be missing and behind which nothing may come."""
    if not words or words[0].upper() != b"FIELDS":
        raise CommandError(NO_FIELDS)
    if integer_in(words[1] if len(words) > 1 else b"", 1, INT64_MAX, not_positive) != len(words) - 2:
        raise CommandError(COUNT_DIFFERS)
    return words[2:]


@command("HGETDEL key <FIELDS numfields field [field ...]>", flags="write fast", since="8.0.0 valkey=9.1.0")
def hgetdel(client: Client, argv: Argv) -> Reply:
    """Take fields out of a hash and answer their values."""
    fields, wanted = hash_and_fields(client, argv, client.db.hash_for_write)
    if fields is None:
        return [None] * len(wanted)
    taken = []
    for field in wanted:
        taken.append(fields.get(field))
        fields.delete(field)
    if any(value is not None for value in taken):
        client.db.shrunk(argv[1], fields, b"hdel", notify.HASH)
    return taken


@command("HRANDFIELD key [count [WITHVALUES]]", flags="readonly", since="6.2.0")
def hrandfield(client: Client, argv: Argv) -> Reply:
    """Random fields; a negative count may give the same one several times."""
    key, chance = argv[1], client.server.random
    if len(argv) == 2:
        fields = client.db.hash(key)
        return fields.choice(chance) if fields else None
    count, with_values = random_count(argv, b"WITHVALUES")
    fields = client.db.hash(key)
    if not fields:
        return []
    chosen = fields.random(count, chance)
    return Pairs([field, fields.get(field)] for field in chosen) if with_values else chosen


@command(
    "HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    flags="readonly",
    since="2.8.0",
    since_option={"NOVALUES": "7.4.0 valkey=8.0.0"},
)
def hscan(client: Client, argv: Argv) -> Reply:
    """One step through the fields of a hash."""
    cursor = scan_cursor(client, argv[2])
    fields = client.db.hash(argv[1])
    if fields is None:
        return [b"0", []]
    next_cursor, found = scan_step(client, argv, cursor, fields)
    if "NOVALUES" in client.command.options.parse(argv, 3):
        return [next_cursor, list(found)]
    return [next_cursor, [word for field in found for word in (field, fields.get(field))]]

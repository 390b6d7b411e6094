"""Times to live of single fields of a hash: HEXPIRE and its kin, HGETEX, HSETEX.

The commands do the same in Redis and in Valkey, but they read their arguments in ways of their own: Redis 7.4 and 8.0 in one
fixed order, Redis 8.6 in any, Valkey with FIELDS and all that follows at the end (`Dialect.field_options`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from redouble.commands.generic import expire_options
from redouble.commands.hash import NO_NUMBER_OF_FIELDS, VALKEY_COUNT_DIFFERS, fields_at_the_end, hash_and_fields
from redouble.core import errors, notify
from redouble.core.arguments import INT32_MAX, INT64_MAX, integer, integer_in
from redouble.core.client import Client
from redouble.core.command import Argv, Given, command
from redouble.core.errors import CommandError
from redouble.resp.reply import Reply
from redouble.types.hash import Hash

LAST_MOMENT_OF_REDIS = 2**46 - 1
"""Redis keeps the time of a field in 46 bits."""

TOO_FEW = "ERR wrong number of arguments"
NEGATIVE = "ERR invalid expire time, must be >= 0"


def _moment(client: Client, text: bytes, unit_ms: int, relative: bool) -> int:
    """The Unix time in milliseconds at which a field shall go; it may have passed."""
    number = integer(text)
    valkey = client.server.dialect.field_options == "valkey"
    invalid = f"ERR invalid expire time in '{client.command.name}' command"
    if number < 0:
        raise CommandError(invalid if valkey else NEGATIVE)
    at = number * unit_ms + (client.server.now_ms() if relative else 0)
    if at > (INT64_MAX if valkey else LAST_MOMENT_OF_REDIS):
        raise CommandError(invalid)
    return at


# HEXPIRE and its kin.

expire_command = partial(
    command, flags="write denyoom@7.4.0..8.0.0 fast", since="7.4.0 valkey=9.0.0", arity=-6, group="hash"
)
CONDITION_AND_FIELDS = "[NX | XX | GT | LT] <FIELDS numfields field [field ...]>"


@expire_command(f"HEXPIRE key seconds {CONDITION_AND_FIELDS}")
def hexpire(client: Client, argv: Argv) -> Reply:
    """Let fields go after some seconds."""
    return _expire(client, argv, 1000, True)


@expire_command(f"HPEXPIRE key milliseconds {CONDITION_AND_FIELDS}")
def hpexpire(client: Client, argv: Argv) -> Reply:
    """Let fields go after some milliseconds."""
    return _expire(client, argv, 1, True)


@expire_command(f"HEXPIREAT key unix-time-seconds {CONDITION_AND_FIELDS}")
def hexpireat(client: Client, argv: Argv) -> Reply:
    """Let fields go at a moment given in seconds."""
    return _expire(client, argv, 1000, False)


@expire_command(f"HPEXPIREAT key unix-time-milliseconds {CONDITION_AND_FIELDS}")
def hpexpireat(client: Client, argv: Argv) -> Reply:
    """Let fields go at a moment given in milliseconds."""
    return _expire(client, argv, 1, False)


def _expire(client: Client, argv: Argv, unit_ms: int, relative: bool) -> Reply:
    key, db, dialect = argv[1], client.db, client.server.dialect
    if dialect.field_options == "valkey":
        fields_at = _fields_at(argv, 3)
        conditions, wanted = expire_options(argv[3:fields_at]), _fields_of_valkey(argv, fields_at, 1)
        at = _moment(client, argv[2], unit_ms, relative)
        fields = db.for_write(key, Hash)
    else:
        fields = db.for_write(key, Hash)
        at = _moment(client, argv[2], unit_ms, relative)
        read = _expire_arguments_anywhere if dialect.field_options == "anywhere" else _expire_arguments_in_order
        conditions, wanted = read(argv)
    if fields is None:
        return [-2] * len(wanted)
    fields.extend()
    past = client.server.has_passed(at)
    answers = []
    for field in wanted:
        current = fields.expires_at(field)
        if field not in fields:
            answers.append(-2)
        elif (
            (b"NX" in conditions and current is not None)
            or (b"XX" in conditions and current is None)
            or (b"GT" in conditions and (current is None or at <= current))
            or (b"LT" in conditions and current is not None and at >= current)
        ):
            answers.append(0)
        elif past:
            fields.delete(field)
            answers.append(2)
        else:
            fields.set_expiry(field, at)
            answers.append(1)
    if 2 in answers:
        db.shrunk(key, fields, _past_event(client), notify.HASH)
    elif 1 in answers:
        _expiry_changed(client, key, fields)
        db.modified(key, b"hexpire", notify.HASH)
    return answers


def _past_event(client: Client) -> bytes:
    return b"hexpired" if client.server.dialect.past_is_expired else b"hdel"


def _expiry_changed(client: Client, key: bytes, fields: Hash) -> None:
    client.db.follow_fields(key, fields)
    client.server.wake_drivers()


def _expire_arguments_in_order(argv: Argv) -> tuple[frozenset[bytes], Argv]:
    """Redis 7.4: at most one condition, then FIELDS."""
    at = 4 if argv[3].upper() in _CONDITIONS else 3
    conditions = frozenset(word.upper() for word in argv[3:at])
    return conditions, fields_at_the_end(argv[at:], "ERR Parameter `numFields` should be greater than 0")


_CONDITIONS = frozenset((b"NX", b"XX", b"GT", b"LT"))


def _expire_arguments_anywhere(argv: Argv) -> tuple[frozenset[bytes], Argv]:
    """Redis 8.6: conditions before and after the fields."""
    conditions, wanted, at = set[bytes](), None, 3
    while at < len(argv):
        word = argv[at].upper()
        if word in _CONDITIONS:
            conditions.add(word)
            at += 1
        elif word == b"FIELDS":
            if wanted is not None:
                raise CommandError("ERR FIELDS keyword specified multiple times")
            if at + 2 >= len(argv):
                raise CommandError("ERR FIELDS requires at least numfields and one field argument")
            wanted, at = _counted(argv, at + 1, 1, "ERR Parameter `numFields` should be greater than 0", TOO_FEW)
        else:
            raise _unknown(argv[at])
    if wanted is None:
        raise CommandError("ERR missing FIELDS argument")
    if len(conditions) > 1:
        raise CommandError("ERR Multiple condition flags specified")
    return frozenset(conditions), wanted


def _counted(argv: Argv, at: int, size: int, not_positive: str, too_few: str) -> tuple[Argv, int]:
    """The words behind the number at `at`, `size` for each field, and where they end."""
    count = integer_in(argv[at], 1, INT32_MAX, not_positive)
    end = at + 1 + size * count
    if end > len(argv):
        raise CommandError(too_few)
    return argv[at + 1 : end], end


def _unknown(word: bytes) -> CommandError:
    return CommandError(f"ERR unknown argument: {errors.text(word)}")


def _fields_at(argv: Argv, start: int) -> int:
    """Where FIELDS stands in Valkey; something has to follow it."""
    for at in range(start, len(argv) - 1):
        if argv[at].upper() == b"FIELDS":
            return at
    raise CommandError(VALKEY_COUNT_DIFFERS)


def _fields_of_valkey(argv: Argv, at: int, size: int) -> Argv:
    """All that follows FIELDS at `at` and the number behind it, `size` words for each field."""
    words = argv[at + 2 :]
    if integer(argv[at + 1]) * size != len(words) or not words:
        raise CommandError(VALKEY_COUNT_DIFFERS)
    return words


# What is left of a field's time.

time_command = partial(command, flags="readonly fast", since="7.4.0 valkey=9.0.0", group="hash")


@time_command("HTTL key <FIELDS numfields field [field ...]>")
def httl(client: Client, argv: Argv) -> Reply:
    """The seconds that fields have left; -1: one stays, -2: there is none."""
    return _times(client, argv, 1000, client.server.now_ms())


@time_command("HPTTL key <FIELDS numfields field [field ...]>")
def hpttl(client: Client, argv: Argv) -> Reply:
    """The milliseconds that fields have left; -1: one stays, -2: there is none."""
    return _times(client, argv, 1, client.server.now_ms())


@time_command("HEXPIRETIME key <FIELDS numfields field [field ...]>")
def hexpiretime(client: Client, argv: Argv) -> Reply:
    """The Unix time in seconds at which fields go; -1: one stays, -2: there is none."""
    return _times(client, argv, 1000, 0)


@time_command("HPEXPIRETIME key <FIELDS numfields field [field ...]>")
def hpexpiretime(client: Client, argv: Argv) -> Reply:
    """The Unix time in milliseconds at which fields go; -1: one stays, -2: there is none."""
    return _times(client, argv, 1, 0)


def _times(client: Client, argv: Argv, unit_ms: int, since_ms: int) -> Reply:
    fields, wanted = hash_and_fields(client, argv, client.db.hash, errors.SYNTAX_ERROR)
    if fields is None:
        return [-2] * len(wanted)
    rounding = client.server.dialect.field_ttl_rounding if unit_ms > 1 else 0
    answers = []
    for field in wanted:
        at = fields.expires_at(field)
        if at is None:
            answers.append(-1 if field in fields else -2)
        else:
            answers.append((at - since_ms + rounding) // unit_ms)
    return answers


@command(
    "HPERSIST key <FIELDS numfields field [field ...]>", flags="write fast", since="7.4.0 valkey=9.0.0", group="hash"
)
def hpersist(client: Client, argv: Argv) -> Reply:
    """Let fields stay that would have gone."""
    fields, wanted = hash_and_fields(client, argv, client.db.hash_for_write)
    if fields is None:
        return [-2] * len(wanted)
    answers = [(1 if fields.persist(field) else -1) if field in fields else -2 for field in wanted]
    if 1 in answers:
        client.db.follow_fields(argv[1], fields)
        client.db.modified(argv[1], b"hpersist", notify.HASH)
    return answers


# HGETEX and HSETEX.


@command(
    "HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]"
    " <FIELDS numfields field [field ...]>",
    flags="write fast",
    since="8.0.0 valkey=9.0.0",
    arity=-5,
    group="hash",
)
def hgetex(client: Client, argv: Argv) -> Reply:
    """Answer the values of fields and change when those go."""
    key, db = argv[1], client.db
    if client.server.dialect.field_options == "valkey":
        given, wanted = _options_of_valkey(client, argv, 1)
        fields = db.hash(key)  # a miss is counted, unlike in Redis
        at = _asked_moment(client, given)
    else:
        fields = db.for_write(key, Hash)
        read = _options_anywhere if client.server.dialect.field_options == "anywhere" else _options_in_order
        given, wanted, at = read(client, argv, 1, "PERSIST")
    if fields is None:
        return [None] * len(wanted)
    fields = db.own(key, fields)
    if given:
        fields.extend()
    values, changed = [], False
    past = at is not None and client.server.has_passed(at)
    for field in wanted:
        value = fields.get(field)
        values.append(value)
        if value is None:
            continue
        if "PERSIST" in given:
            changed = fields.persist(field) or changed
        elif at is not None:
            changed = True
            if past:
                fields.delete(field)
            else:
                fields.set_expiry(field, at)
    if changed and past:
        db.shrunk(key, fields, _past_event(client), notify.HASH)
    elif changed:
        _expiry_changed(client, key, fields)
        db.modified(key, b"hexpire" if at is not None else b"hpersist", notify.HASH)
    return values


_HSETEX = (
    " [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]"
    " <FIELDS numfields field value [field value ...]>"
)


@command(f"HSETEX key [FNX | FXX]{_HSETEX}", flags="write denyoom fast", since="8.0.0", arity=-6, group="hash")
def hsetex(client: Client, argv: Argv) -> Reply:
    """Give fields their values and one time to live, all or none."""
    given, pairs, at = _options_anywhere(client, argv, 2, "KEEPTTL")
    return _set_fields(client, argv[1], given, pairs, at)


@command(
    f"HSETEX key [NX | XX] [FNX | FXX]{_HSETEX}",
    flags="write denyoom fast",
    since="valkey=9.0.0",
    arity=-6,
    group="hash",
)
def hsetex_of_valkey(client: Client, argv: Argv) -> Reply:
    """Give fields their values and one time to live, all or none."""
    given, pairs = _options_of_valkey(client, argv, 2)
    fields = client.db.for_write(argv[1], Hash)
    at = _asked_moment(client, given)
    if ("NX" in given and fields is not None) or ("XX" in given and fields is None):
        return 0
    return _set_fields(client, argv[1], given, pairs, at)


def _set_fields(client: Client, key: bytes, given: Given, pairs: Argv, at: int | None) -> int:
    db = client.db
    fields = db.for_write(key, Hash)
    if "FNX" in given and fields is not None and any(field in fields for field in pairs[::2]):
        return 0
    if "FXX" in given and (fields is None or any(field not in fields for field in pairs[::2])):
        return 0
    if fields is None:
        fields = db.add(key, Hash(client.server.limits))
    past = at is not None and client.server.has_passed(at)
    if past:
        fields.extend()
    past_is_expired = client.server.dialect.past_is_expired
    for field, value in zip(pairs[::2], pairs[1::2]):
        if not (past and past_is_expired):
            fields.set(field, value, keep_ttl="KEEPTTL" in given)
        if past:
            fields.delete(field)
        elif at is not None:
            fields.set_expiry(field, at)
    _expiry_changed(client, key, fields)
    db.modified(key, b"hset", notify.HASH)
    if at is not None and (not past or past_is_expired):
        db.notify(key, b"hexpire", notify.HASH)
    if past:
        db.shrunk(key, fields, _past_event(client), notify.HASH)
    return 1


_UNITS = {"EX": (1000, True), "PX": (1, True), "EXAT": (1000, False), "PXAT": (1, False)}


def _asked_moment(client: Client, given: Given) -> int | None:
    for name, (unit_ms, relative) in _UNITS.items():
        if name in given:
            return _moment(client, given[name], unit_ms, relative)
    return None


def _options_of_valkey(client: Client, argv: Argv, size: int) -> tuple[Given, Argv]:
    """The options before FIELDS, and the words after its number, `size` for each field."""
    end = _fields_at(argv, 1)  # a key of this name is taken for it
    given = client.command.options.parse(argv[:end], 2)
    return given, _fields_of_valkey(argv, end, size)


def _options_in_order(client: Client, argv: Argv, size: int, keep: str) -> tuple[Given, Argv, int | None]:
    """HGETEX of Redis 8.0: at most one option, then FIELDS."""
    word, at, moment = argv[2].upper().decode("latin-1"), 2, None
    if word in _UNITS:
        moment = _moment(client, argv[3], *_UNITS[word])
        at = 4
        if len(argv) < at + 2:
            raise errors.wrong_arity(client.command.name)
    elif word == keep:
        at = 3
    return {word: True} if at > 2 else {}, fields_at_the_end(argv[at:], NO_NUMBER_OF_FIELDS), moment


def _options_anywhere(client: Client, argv: Argv, size: int, keep: str) -> tuple[Given, Argv, int | None]:
    """Options in any order, in Redis 8.6 after FIELDS too; `keep` is the word that changes no time.

    Redis 8.6 reads the options of HGETEX and HSETEX alike, and only then refuses those of the other one.
    """
    strict = client.server.dialect.field_options == "strict"
    known = _WORDS - {"PERSIST"} if strict else _WORDS
    wrong_arity = errors.wrong_arity(client.command.name)
    given: dict[str, Any] = {}
    words: Sequence[bytes] | None = None
    moment: int | None = None
    at = 2
    while at < len(argv):
        word = argv[at].upper().decode("latin-1")
        at += 1
        if word == "FIELDS":
            if words is not None:
                raise CommandError("ERR FIELDS keyword specified multiple times")
            if at + strict >= len(argv):
                raise wrong_arity
            too_few = wrong_arity.message if strict else TOO_FEW
            words, at = _counted(argv, at, size, "ERR invalid number of fields", too_few)
            if strict and at < len(argv):
                raise wrong_arity
        elif word not in known:
            raise _unknown(argv[at - 1])
        elif word in _CONDITIONS_OF_ALL:
            if not _CONDITIONS_OF_ALL.isdisjoint(given):
                raise CommandError("ERR Only one of FXX or FNX arguments can be specified")
            given[word] = True
        else:
            if (
                word in given
                or not _UNITS.keys().isdisjoint(given)
                or (word in _UNITS and not _KEEPS.isdisjoint(given))
            ):
                raise CommandError(f"ERR Only one of EX, PX, EXAT, PXAT or {keep} arguments can be specified")
            given[word] = True
            if word in _UNITS:
                if at == len(argv):
                    raise CommandError("ERR missing expire time")
                moment = _moment(client, argv[at], *_UNITS[word])
                at += 1
    if words is None:
        raise CommandError("ERR missing FIELDS argument")
    allowed = {*_UNITS, keep} if keep == "PERSIST" else {*_UNITS, keep, *_CONDITIONS_OF_ALL}
    if not given.keys() <= allowed:
        raise CommandError("ERR unknown argument")
    return given, list(words), moment


_KEEPS = frozenset(("KEEPTTL", "PERSIST"))
_CONDITIONS_OF_ALL = frozenset(("FNX", "FXX"))
_WORDS = _KEEPS | _CONDITIONS_OF_ALL | _UNITS.keys()

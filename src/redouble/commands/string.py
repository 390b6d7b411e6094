"""Strings.  A value is `bytes`; once it was changed in place (APPEND, SETRANGE, SETBIT) it is a `bytearray`, which is
also what OBJECT ENCODING calls raw."""

from __future__ import annotations

from typing import Final

from redouble.core import errors, notify
from redouble.core.arguments import INT32_MAX, INT64_MAX, INT64_MIN, integer, integer_in, long_double
from redouble.core.client import Client
from redouble.core.command import Argv, Given, command
from redouble.core.errors import CommandError
from redouble.resp.reply import OK, Reply
from redouble.types.lcs import longest_common_length, longest_common_subsequence
from redouble.types.number import format_long_double
from redouble.types.string import FloatText
from redouble.types.xxh3 import xxh3_64


def as_reply(value: bytes | bytearray | None) -> bytes | None:
    """A string as a reply, which is never the stored object if that can still change."""
    return value if type(value) is bytes or value is None else bytes(value)


@command("GET key", flags="readonly fast", since="1.0.0")
def get(client: Client, argv: Argv) -> Reply:
    """The value of a string."""
    value = client.db.string(argv[1])
    return value if type(value) is bytes or value is None else bytes(value)


@command(
    "SET key value [NX | XX | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest] [GET]"
    " [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    flags="write denyoom",
    since="1.0.0",
    since_option={
        "IFEQ": "8.4.0 valkey=8.1.0",
        "IFNE": "8.4.0",
        "IFDEQ": "8.4.0",
        "IFDNE": "8.4.0",
        **dict.fromkeys(("GET", "EXAT", "PXAT"), "6.2.0"),
    },
)
def set_(client: Client, argv: Argv) -> Reply:
    """Give a key a string value, whatever it held."""
    db = client.db
    if len(argv) == 3:
        db.put(argv[1], argv[2])
        db.modified(argv[1], b"set", notify.STRING)
        return OK
    _, key, value, *_ = argv
    given = set_options(client, argv)
    if "GET" in given and "NX" in given and not client.server.dialect.set_nx_gets:
        raise CommandError(errors.SYNTAX_ERROR)
    expire_at = expiry(client, given)
    old = None
    if "GET" in given:
        old = as_reply(db.string(key))
    if not condition_holds(client, key, given):
        return old
    _put(client, key, value, expire_at, keep_ttl="KEEPTTL" in given)
    return old if "GET" in given else OK


def set_options(client: Client, argv: Argv) -> Given:
    """The options of SET, with the exceptions that each server makes for those that exclude each other."""
    words, allows = client.command.options.words, client.server.dialect.set_allows
    given: Given = {}
    i = 3
    while i < len(argv):
        word = words.get(argv[i].upper())
        if word is None or i + word[1] >= len(argv):
            raise CommandError(errors.SYNTAX_ERROR)
        name, values, group, _ = word
        if any(words[before.encode()][2] == group and not allows(before, name) for before in given):
            raise CommandError(errors.SYNTAX_ERROR)
        given[name] = argv[i + 1] if values else True
        i += 1 + values
    return given


def condition_holds(client: Client, key: bytes, given: Given) -> bool:
    """NX, XX, IFEQ, IFNE, IFDEQ and IFDNE, of SET."""
    if "NX" in given and client.db.peek(key) is not None:
        return False
    if "XX" in given and client.db.peek(key) is None:
        return False
    for name in given.keys() & COMPARISONS:
        value = client.db.string_for_write(key)
        return name in ("IFNE", "IFDNE") if value is None else comparison_holds(value, name, given[name])
    return True


COMPARISONS: Final = frozenset(("IFEQ", "IFNE", "IFDEQ", "IFDNE"))


def comparison_holds(value: bytes | bytearray, name: str, operand: bytes) -> bool:
    """Whether a string is (IFEQ, IFDEQ) or is not (IFNE, IFDNE) this one, or one of this digest."""
    if name in ("IFEQ", "IFNE"):
        return (value == operand) == (name == "IFEQ")
    if len(operand) != 16:
        raise CommandError("ERR must be exactly 16 hexadecimal characters")
    return (digest_of(value) == operand.lower()) == (name == "IFDEQ")


def digest_of(value: bytes | bytearray) -> bytes:
    return b"%016x" % xxh3_64(bytes(value))


@command("DIGEST key", flags="readonly fast", since="8.4.0")
def digest(client: Client, argv: Argv) -> Reply:
    """The hash of a string, XXH3 in hexadecimal digits."""
    value = client.db.string(argv[1])
    return None if value is None else digest_of(value)


@command(
    "DELEX key [IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest]",
    flags="write fast",
    since="8.4.0",
)
def delex(client: Client, argv: Argv) -> Reply:
    """Delete a key, if its string compares as wanted."""
    key = argv[1]
    if len(argv) not in (2, 4):
        raise errors.wrong_arity(client.command.name)
    if len(argv) == 4:
        value = client.db.lookup(key)
        if value is None:
            return 0
        if not isinstance(value, (bytes, bytearray)):
            raise CommandError("ERR Key should be of string type if conditions are specified")
        name = argv[2].upper().decode("latin-1")
        if name not in COMPARISONS:
            raise CommandError("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
        if not comparison_holds(value, name, argv[3]):
            return 0
    return int(client.db.delete(key))


@command("DELIFEQ key value", flags="write fast", since="valkey=9.0.0")
def delifeq(client: Client, argv: Argv) -> Reply:
    """Delete a key, if its string is this one."""
    _, key, value = argv
    if client.db.string_for_write(key) != value:
        return 0
    return int(client.db.delete(key))


def expiry(client: Client, given: Given) -> int | None:
    """The Unix time in milliseconds that EX, PX, EXAT or PXAT ask for (getExpireMillisecondsOrReply)."""
    for name, unit_ms, relative in (("EX", 1000, True), ("PX", 1, True), ("EXAT", 1000, False), ("PXAT", 1, False)):
        if name in given:
            return expire_time(client, given[name], unit_ms, relative)
    return None


def expire_time(client: Client, text: bytes, unit_ms: int, relative: bool) -> int:
    at = integer(text)
    if at <= 0 or at > INT64_MAX // unit_ms or (relative and at * unit_ms > INT64_MAX - client.server.now_ms()):
        raise CommandError(client.server.dialect.invalid_expire_time(client.command.name))
    return at * unit_ms + (client.server.now_ms() if relative else 0)


@command("SETNX key value", flags="write denyoom fast", since="1.0.0")
def setnx(client: Client, argv: Argv) -> Reply:
    """Give a key a string value if it does not exist."""
    _, key, value = argv
    if client.db.peek(key) is not None:
        return 0
    client.db.add(key, value)
    client.db.modified(key, b"set", notify.STRING)
    return 1


@command("SETEX key seconds value", flags="write denyoom", since="2.0.0")
def setex(client: Client, argv: Argv) -> Reply:
    """Give a key a string value that goes after some seconds."""
    _, key, seconds, value = argv
    _put(client, key, value, expire_time(client, seconds, 1000, True))
    return OK


@command("PSETEX key milliseconds value", flags="write denyoom", since="2.6.0")
def psetex(client: Client, argv: Argv) -> Reply:
    """Give a key a string value that goes after some milliseconds."""
    _, key, milliseconds, value = argv
    _put(client, key, value, expire_time(client, milliseconds, 1, True))
    return OK


def _put(client: Client, key: bytes, value: bytes, expire_at: int | None, keep_ttl: bool = False) -> None:
    """Set a key and say so; `expire_at` may have passed."""
    db = client.db
    if expire_at is not None and client.server.has_passed(expire_at) and client.server.dialect.past_is_expired:
        db.delete_as_past(key)
        return
    db.put(key, value, keep_ttl=keep_ttl)
    db.modified(key, b"set", notify.STRING)
    if expire_at is not None:
        db.notify(key, b"expire", notify.GENERIC)
        db.set_expiry(key, expire_at)


@command("GETSET key value", flags="write denyoom fast", since="1.0.0")
def getset(client: Client, argv: Argv) -> Reply:
    """Give a key a string value and answer the one it had."""
    _, key, value = argv
    old = client.db.string(key)
    client.db.put(key, value)
    client.db.modified(key, b"set", notify.STRING)
    return as_reply(old)


@command("GETDEL key", flags="write fast", since="6.2.0")
def getdel(client: Client, argv: Argv) -> Reply:
    """Answer a string and delete its key."""
    _, key = argv
    value = client.db.string(key)
    if value is not None:
        client.db.delete(key)
    return as_reply(value)


@command(
    "GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
    flags="write fast",
    since="6.2.0",
)
def getex(client: Client, argv: Argv) -> Reply:
    """Answer a string and change when its key goes."""
    _, key, *_ = argv
    db = client.db
    given = client.command.options.parse(argv, 2)
    if client.server.dialect.getex_checks_value_of_missing_key:
        expiry(client, given)
    value = db.string(key)
    if value is None:
        return None
    at = expiry(client, given)
    if at is not None and client.server.has_passed(at):
        db.delete_as_past(key)
    elif at is not None:
        db.set_expiry(key, at)
        db.modified(key, b"expire", notify.GENERIC)
    elif "PERSIST" in given and db.persist(key):
        db.modified(key, b"persist", notify.GENERIC)
    return as_reply(value)


@command("STRLEN key", flags="readonly fast", since="2.2.0")
def strlen(client: Client, argv: Argv) -> Reply:
    """The length of a string in bytes."""
    return len(client.db.string(argv[1]) or b"")


@command("GETRANGE key start end", flags="readonly", since="2.4.0")
def getrange(client: Client, argv: Argv) -> Reply:
    """A part of a string; both ends belong to it, negative ones count from its end."""
    _, key, start_text, end_text = argv
    start, end = integer(start_text), integer(end_text)
    value = client.db.string(key) or b""
    size = len(value)
    if start < 0 and end < 0 and start > end:
        return b""
    start = max(start + size, 0) if start < 0 else start
    end = max(end + size, 0) if end < 0 else min(end, size - 1)
    return bytes(value[start : end + 1])


command("SUBSTR key start end", flags="readonly", since="1.0.0")(getrange)


@command("SETRANGE key offset value", flags="write denyoom", since="2.2.0")
def setrange(client: Client, argv: Argv) -> Reply:
    """Overwrite a part of a string, which grows with zero bytes where it is too short."""
    _, key, offset_text, part = argv
    offset = integer(offset_text)
    if offset < 0:
        raise CommandError(errors.OFFSET_OUT_OF_RANGE)
    value = client.db.string_for_write(key)
    if not part:
        return len(value or b"")
    check_length(client, offset + len(part))
    value = writable(client, key, value)
    if len(value) < offset:
        value.extend(bytes(offset - len(value)))
    value[offset : offset + len(part)] = part
    client.db.modified(key, b"setrange", notify.STRING)
    return len(value)


@command("APPEND key value", flags="write denyoom fast", since="2.0.0")
def append(client: Client, argv: Argv) -> Reply:
    """Lengthen a string; a key that does not exist gets it as its value."""
    _, key, part = argv
    value = client.db.string_for_write(key)
    if value is None:
        client.db.add(key, part)
        size = len(part)
    else:
        check_length(client, len(value) + len(part))
        value = writable(client, key, value)
        value += part
        size = len(value)
    client.db.modified(key, b"append", notify.STRING)
    return size


def check_length(client: Client, length: int) -> None:
    """Strings end at proto-max-bulk-len, checked before anything is allocated."""
    if length > client.server.config.proto_max_bulk_len:
        raise CommandError(errors.STRING_TOO_LONG)


def writable(client: Client, key: bytes, value: bytes | bytearray | None) -> bytearray:
    """The string at `key` as one that can be changed in place; made if there is none."""
    if type(value) is bytearray:
        return client.db.own(key, value)  # type: ignore[no-any-return]
    changeable = bytearray(value or b"")
    if value is None:
        client.db.add(key, changeable)
    else:
        client.db.replace(key, changeable)
    return changeable


@command("INCR key", flags="write denyoom fast", since="1.0.0")
def incr(client: Client, argv: Argv) -> Reply:
    """Add one to the integer that a string spells."""
    return _increment(client, argv[1], 1)


@command("DECR key", flags="write denyoom fast", since="1.0.0")
def decr(client: Client, argv: Argv) -> Reply:
    """Subtract one from the integer that a string spells."""
    return _increment(client, argv[1], -1)


@command("INCRBY key increment", flags="write denyoom fast", since="1.0.0")
def incrby(client: Client, argv: Argv) -> Reply:
    """Add to the integer that a string spells."""
    _, key, increment = argv
    return _increment(client, key, integer(increment))


@command("DECRBY key decrement", flags="write denyoom fast", since="1.0.0")
def decrby(client: Client, argv: Argv) -> Reply:
    """Subtract from the integer that a string spells."""
    _, key, decrement_text = argv
    decrement = integer(decrement_text)
    if decrement == INT64_MIN:
        if not client.server.dialect.decrby_takes_int64_min:
            raise CommandError("ERR decrement would overflow")
        decrement = -decrement  # in C its opposite is itself
    return _increment(client, key, -decrement)


def _increment(client: Client, key: bytes, by: int) -> int:
    db = client.db
    old = db.string_for_write(key)
    number = (0 if old is None else integer(old if type(old) is bytes else bytes(old))) + by
    if not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(errors.OVERFLOW)
    if old is None:
        db.add(key, b"%d" % number)
    else:
        db.replace(key, b"%d" % number)
    db.modified(key, b"incrby", notify.STRING)
    return number


@command("INCRBYFLOAT key increment", flags="write denyoom fast", since="2.6.0")
def incrbyfloat(client: Client, argv: Argv) -> Reply:
    """Add to the number that a string spells, in the 80-bit arithmetic of the real server."""
    _, key, increment = argv
    db = client.db
    old = db.string_for_write(key)
    number = long_double(b"0" if old is None else bytes(old)) + long_double(increment)
    if not number.is_finite():
        raise CommandError(errors.NAN_OR_INFINITY)
    text = FloatText(format_long_double(number))
    if old is None:
        db.add(key, text)
    else:
        db.replace(key, text)
    db.modified(key, b"incrbyfloat", notify.STRING)
    return bytes(text)


@command("MGET key [key ...]", flags="readonly fast", since="1.0.0")
def mget(client: Client, argv: Argv) -> Reply:
    """The values of several strings; nil for a key that holds none."""
    lookup = client.db.lookup
    found = [lookup(key) for key in argv[1:]]
    return [
        value if type(value) is bytes else bytes(value) if isinstance(value, (bytes, bytearray)) else None
        for value in found
    ]


@command("MSET key value [key value ...]", flags="write denyoom", since="1.0.1")
def mset(client: Client, argv: Argv) -> Reply:
    """Give several keys their string values at once."""
    _set_pairs(client, argv)
    return OK


@command("MSETNX key value [key value ...]", flags="write denyoom", since="1.0.1")
def msetnx(client: Client, argv: Argv) -> Reply:
    """Give several keys their string values at once, if none of them exists."""
    if len(argv) % 2 == 0:
        raise CommandError(client.server.dialect.unpaired(client.command.name))
    if any(client.db.peek(key) is not None for key in argv[1::2]):
        return 0
    _set_pairs(client, argv)
    return 1


def _set_pairs(client: Client, argv: Argv) -> None:
    if len(argv) % 2 == 0:
        raise CommandError(client.server.dialect.unpaired(client.command.name))
    for key, value in zip(argv[1::2], argv[2::2]):
        client.db.put(key, value)
        client.db.modified(key, b"set", notify.STRING)


@command(
    "MSETEX numkeys key value [key value ...] [NX | XX]"
    " [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    flags="write denyoom",
    since="8.4.0 valkey=9.1.0",
)
def msetex(client: Client, argv: Argv) -> Reply:
    """Give several keys their string values and one time to live, all or none."""
    dialect = client.server.dialect
    pairs = integer_in(argv[1], 1, INT32_MAX, dialect.msetex_wrong_count)
    end = 2 + 2 * pairs
    if end > len(argv):
        raise CommandError(dialect.msetex_too_few_pairs)
    given = client.command.options.parse(argv, end)
    at = expiry(client, given)
    db, keys = client.db, argv[2:end:2]
    if "NX" in given and any(db.peek(key) is not None for key in keys):
        return 0
    if "XX" in given and any(db.peek(key) is None for key in keys):
        return 0
    for key, value in zip(keys, argv[3:end:2]):
        db.put(key, value, keep_ttl="KEEPTTL" in given)
        if at is not None and dialect.msetex_tells_expiry_first:
            db.notify(key, b"expire", notify.GENERIC)
        db.modified(key, b"set", notify.STRING)
        if at is not None:
            if not dialect.msetex_tells_expiry_first:
                db.notify(key, b"expire", notify.GENERIC)
            db.set_expiry(key, at)
    return 1


@command(
    "LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
    flags="readonly",
    since="7.0.0",
)
def lcs(client: Client, argv: Argv) -> Reply:
    """The longest common subsequence of two strings."""
    first, second = _strings_of(client, argv[1:3])
    return _common(client, first, second, _lcs_options(client, argv))


def _strings_of(client: Client, keys: list[bytes]) -> list[bytes]:
    values = [b"" if value is None else value for value in map(client.db.lookup, keys)]
    if not all(isinstance(value, (bytes, bytearray)) for value in values):
        raise CommandError("ERR The specified keys must contain string values")
    return [bytes(value) for value in values]


def _common(client: Client, first: bytes, second: bytes, given: Given) -> Reply:
    if "IDX" in given and "LEN" in given:
        raise CommandError("ERR If you want both the length and indexes, please just use IDX.")
    if (len(first) + 1) * (len(second) + 1) * LCS_ENTRY_SIZE > client.server.config.proto_max_bulk_len:
        raise CommandError("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    if "LEN" in given:
        return longest_common_length(first, second)
    common, matches = longest_common_subsequence(first, second)
    if "IDX" not in given:
        return common
    found = []
    for (start1, end1), (start2, end2) in matches:
        size = end1 - start1 + 1
        if size >= given.get("MINMATCHLEN", 0):
            found.append([[start1, end1], [start2, end2], *([size] if "WITHMATCHLEN" in given else [])])
    return {b"matches": found, b"len": len(common)}


@command("STRALGO algorithm [argument [argument ...]]", flags="readonly", since="6.0.0", until="7.0.0", arity=-2)
def stralgo(client: Client, argv: Argv) -> Reply:
    """LCS: the longest common subsequence of two strings, or of what two keys hold."""
    if argv[1].upper() != b"LCS":
        raise CommandError(errors.SYNTAX_ERROR)
    strings: list[bytes] | None = None
    given: Given = {}
    i = 2
    while i < len(argv):
        word, left = argv[i].upper(), len(argv) - i - 1
        if word in (b"IDX", b"LEN", b"WITHMATCHLEN"):
            given[word.decode()] = True
            i += 1
        elif word == b"MINMATCHLEN" and left:
            given["MINMATCHLEN"] = integer(argv[i + 1])
            i += 2
        elif word in (b"STRINGS", b"KEYS") and left > 1:
            if strings is not None:
                raise CommandError("ERR Either use STRINGS or KEYS")
            strings = argv[i + 1 : i + 3]
            if word == b"KEYS":
                strings = _strings_of(client, strings)
            i += 3
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    if strings is None:
        raise CommandError("ERR Please specify two strings: STRINGS or KEYS options are mandatory")
    return _common(client, strings[0], strings[1], given)


LCS_ENTRY_SIZE: Final = 4
"""Bytes of an entry of the table that the real server fills; what it refuses is refused here, too."""


def _lcs_options(client: Client, argv: Argv) -> Given:
    """LCS converts MINMATCHLEN as it comes by: `MINMATCHLEN x NOSUCH` is no integer."""
    given: Given = {}
    i = 3
    while i < len(argv):
        word = client.command.options.words.get(argv[i].upper())
        if word is None or i + word[1] >= len(argv):
            raise CommandError(errors.SYNTAX_ERROR)
        name, values, *_ = word
        given[name] = integer(argv[i + 1]) if values else True
        i += 1 + values
    return given

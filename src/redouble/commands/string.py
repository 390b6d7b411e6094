"""Strings.  A value is `bytes`; once it was changed in place (APPEND, SETRANGE, SETBIT) it is a `bytearray`, which is
also what OBJECT ENCODING calls raw."""

from __future__ import annotations

from redouble.core import errors, notify
from redouble.core.arguments import INT64_MAX, INT64_MIN, integer, long_double
from redouble.core.client import Client
from redouble.core.command import Argv, Given, command
from redouble.core.errors import CommandError
from redouble.resp.reply import OK, Reply
from redouble.types.lcs import longest_common_subsequence
from redouble.types.number import format_long_double
from redouble.types.xxh3 import xxh3_64


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
    given = client.command.options.parse(argv, 3)
    expire_at = expiry(client, given)
    old = None
    if "GET" in given:
        old = db.string(key)
        old = bytes(old) if type(old) is bytearray else old
    if not condition_holds(client, key, given):
        return old
    db.put(key, value, keep_ttl="KEEPTTL" in given)
    db.modified(key, b"set", notify.STRING)
    if expire_at is not None:
        db.set_expiry(key, expire_at)
        db.notify(key, b"expire", notify.GENERIC)
    return old if "GET" in given else OK


def condition_holds(client: Client, key: bytes, given: Given) -> bool:
    """NX, XX, IFEQ, IFNE, IFDEQ and IFDNE, of SET and its kin."""
    if "NX" in given:
        return client.db.peek(key) is None
    if "XX" in given:
        return client.db.peek(key) is not None
    for name in ("IFEQ", "IFNE", "IFDEQ", "IFDNE"):
        if name in given:
            wanted = given[name]
            if name.startswith("IFD"):
                wanted = digest_argument(wanted)
            value = client.db.string_for_write(key)
            if value is None:
                return name in ("IFNE", "IFDNE")
            same: bool = (value if name in ("IFEQ", "IFNE") else b"%016x" % xxh3_64(bytes(value))) == wanted
            return same == (name in ("IFEQ", "IFDEQ"))
    return True


def digest_argument(digest: bytes) -> bytes:
    """A digest to compare with: 16 hexadecimal digits in either case."""
    if len(digest) != 16:
        raise CommandError("ERR must be exactly 16 hexadecimal characters")
    return digest.lower()


def expiry(client: Client, given: Given) -> int | None:
    """The Unix time in milliseconds that EX, PX, EXAT or PXAT ask for (getExpireMillisecondsOrReply)."""
    for name, unit_ms, relative in (("EX", 1000, True), ("PX", 1, True), ("EXAT", 1000, False), ("PXAT", 1, False)):
        if name in given:
            return expire_time(client, given[name], unit_ms, relative)
    return None


def expire_time(client: Client, text: bytes, unit_ms: int, relative: bool) -> int:
    at = integer(text)
    if at <= 0 or at > INT64_MAX // unit_ms or (relative and at * unit_ms > INT64_MAX - client.server.now_ms()):
        raise CommandError(f"ERR invalid expire time in '{client.command.name}' command")
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
    return _set_with_expiry(client, key, value, expire_time(client, seconds, 1000, True))


@command("PSETEX key milliseconds value", flags="write denyoom", since="2.6.0")
def psetex(client: Client, argv: Argv) -> Reply:
    """Give a key a string value that goes after some milliseconds."""
    _, key, milliseconds, value = argv
    return _set_with_expiry(client, key, value, expire_time(client, milliseconds, 1, True))


def _set_with_expiry(client: Client, key: bytes, value: bytes, at: int) -> Reply:
    client.db.put(key, value)
    client.db.modified(key, b"set", notify.STRING)
    client.db.set_expiry(key, at)
    client.db.notify(key, b"expire", notify.GENERIC)
    return OK


@command("GETSET key value", flags="write denyoom fast", since="1.0.0")
def getset(client: Client, argv: Argv) -> Reply:
    """Give a key a string value and answer the one it had."""
    _, key, value = argv
    old = client.db.string(key)
    client.db.put(key, value)
    client.db.modified(key, b"set", notify.STRING)
    return bytes(old) if type(old) is bytearray else old


@command("GETDEL key", flags="write fast", since="6.2.0")
def getdel(client: Client, argv: Argv) -> Reply:
    """Answer a string and delete its key."""
    _, key = argv
    value = client.db.string(key)
    if value is not None:
        client.db.delete(key)
    return bytes(value) if type(value) is bytearray else value


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
    if at is not None and at <= client.server.now_ms():
        db.delete(key)
    elif at is not None:
        db.set_expiry(key, at)
        db.modified(key, b"expire", notify.GENERIC)
    elif "PERSIST" in given and db.persist(key):
        db.modified(key, b"persist", notify.GENERIC)
    return bytes(value) if type(value) is bytearray else value


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
        return value
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
        raise CommandError("ERR decrement would overflow")
    return _increment(client, key, -decrement)


def _increment(client: Client, key: bytes, by: int) -> int:
    db = client.db
    old = db.string_for_write(key)
    number = (0 if old is None else integer(bytes(old))) + by
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
    number = long_double(bytes(old or b"0"))
    number = number + long_double(increment)
    if not number.is_finite():
        raise CommandError(errors.NAN_OR_INFINITY)
    text = format_long_double(number)
    if old is None:
        db.add(key, text)
    else:
        db.replace(key, text)
    db.modified(key, b"incrbyfloat", notify.STRING)
    return text


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
        raise errors.wrong_arity(client.command.name)
    if any(client.db.peek(key) is not None for key in argv[1::2]):
        return 0
    _set_pairs(client, argv)
    return 1


def _set_pairs(client: Client, argv: Argv) -> None:
    if len(argv) % 2 == 0:
        raise errors.wrong_arity(client.command.name)
    for key, value in zip(argv[1::2], argv[2::2]):
        client.db.put(key, value)
        client.db.modified(key, b"set", notify.STRING)


@command(
    "LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
    flags="readonly",
    since="7.0.0",
)
def lcs(client: Client, argv: Argv) -> Reply:
    """The longest common subsequence of two strings."""
    _, key1, key2, *_ = argv
    try:
        first, second = bytes(client.db.string(key1) or b""), bytes(client.db.string(key2) or b"")
    except CommandError:
        raise CommandError("ERR The specified keys must contain string values") from None
    given = client.command.options.parse(argv, 3)
    least = max(integer(given["MINMATCHLEN"]), 0) if "MINMATCHLEN" in given else 0
    if "IDX" in given and "LEN" in given:
        raise CommandError("ERR If you want both the length and indexes, please just use IDX.")
    common, matches = longest_common_subsequence(first, second)
    if "IDX" in given:
        found = []
        for (start1, end1), (start2, end2) in matches:
            size = end1 - start1 + 1
            if size >= least:
                found.append([[start1, end1], [start2, end2], *([size] if "WITHMATCHLEN" in given else [])])
        return {b"matches": found, b"len": len(common)}
    return len(common) if "LEN" in given else common

"""Commands on keys whatever they hold: deleting, renaming, copying, expiring, scanning, sorting, OBJECT, WAIT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redouble.commands.scanning import name_filter, scan_cursor
from redouble.core import errors, notify
from redouble.core.arguments import INT64_MAX, INT64_MIN, int32, integer, integer_in, positive
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.database import Database, Value, type_name
from redouble.core.errors import CommandError
from redouble.core.stopwatch import timed
from redouble.persistence.errors import BadPayload
from redouble.persistence.values import checksum_fits, dump_value, load_value
from redouble.resp.reply import OK, Reply, Status
from redouble.types.hash import Hash
from redouble.types.list import List
from redouble.types.module_value import ModuleValue
from redouble.types.number import parse_integer
from redouble.types.partial_sort import partial_order
from redouble.types.set import Set
from redouble.types.sorted_set import SortedSet
from redouble.types.string import FloatText


@command("DEL key [key ...]", flags="write", since="1.0.0")
def del_(client: Client, argv: Argv) -> Reply:
    """Delete keys; answers how many there were."""
    return sum(map(client.db.delete, argv[1:]))


command("UNLINK key [key ...]", flags="write fast", since="4.0.0")(del_)


@command("EXISTS key [key ...]", flags="readonly fast", since="1.0.0")
def exists(client: Client, argv: Argv) -> Reply:
    """How many of these keys exist; one that is named twice counts twice."""
    return sum(client.db.inspect(key) is not None for key in argv[1:])


@command("TOUCH key [key ...]", flags="readonly fast", since="3.2.1")
def touch(client: Client, argv: Argv) -> Reply:
    """Use keys, so that they are no longer idle; answers how many exist."""
    return sum(client.db.lookup(key) is not None for key in argv[1:])


@command("TYPE key", flags="readonly fast", since="1.0.0")
def type_(client: Client, argv: Argv) -> Reply:
    """The type of the value of a key."""
    value = client.db.inspect(argv[1])
    return Status(b"none" if value is None else type_name(value))


@command("KEYS pattern", flags="readonly", since="1.0.0", acl="dangerous")
@timed
def keys(client: Client, argv: Argv) -> Reply:
    """Every key that matches a pattern."""
    return list(filter(name_filter(argv[1]), client.db.keys()))


@command("SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]", flags="readonly", since="2.8.0")
def scan(client: Client, argv: Argv) -> Reply:
    """One step through the keys: the cursor for the next step, 0 at the end, and some keys."""
    db = client.db
    cursor = scan_cursor(client, argv[1])
    count, fits = 10, None
    wanted: bytes | None = None
    for name, value in client.command.options.each(argv, 2, client.server.dialect.refused_by_scan):
        if name == "COUNT":
            count = integer(value)
            if count < 1:
                raise CommandError(errors.SYNTAX_ERROR)
        elif name == "MATCH":
            fits = name_filter(value)
        else:
            wanted = value.partition(b"\0")[0].lower()
            if client.server.dialect.scan_knows_types and wanted not in _TYPE_NAMES:
                raise CommandError(f"ERR unknown type name '{errors.text(value)}'")
    cursor, found = db.scan(cursor, count)
    if fits:
        found = list(filter(fits, found))
    if wanted is not None:
        found = [key for key in found if type_name(db.inspect(key)).lower() == wanted]
    return [b"%d" % cursor, found]


_TYPE_NAMES = frozenset((b"string", b"list", b"set", b"zset", b"hash", b"stream"))


@command("RANDOMKEY", flags="readonly", since="1.0.0")
def randomkey(client: Client, argv: Argv) -> Reply:
    """Any key."""
    return client.db.random_key()


# From one key to another.


@command("RENAME key newkey", flags="write", since="1.0.0")
def rename(client: Client, argv: Argv) -> Reply:
    """Give a key another name, over whatever had it."""
    _rename(client, argv, replace=True)
    return OK


@command("RENAMENX key newkey", flags="write fast", since="1.0.0")
def renamenx(client: Client, argv: Argv) -> Reply:
    """Give a key another name, if no other key has it."""
    return _rename(client, argv, replace=False)


def _rename(client: Client, argv: Argv, replace: bool) -> int:
    _, key, newkey = argv
    db = client.db
    if db.peek(key) is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if key == newkey or (not replace and db.peek(newkey) is not None):
        return 0
    old = _move(db, key, db, newkey)
    db.modified(key, b"rename_from", notify.GENERIC)
    db.touch(newkey)
    db.notify(newkey, b"rename_to", notify.GENERIC)
    if old is not None:
        db.overwritten(newkey, old, db.peek(newkey))
    return 1


def _move(source: Database, key: bytes, target: Database, newkey: bytes) -> Value | None:
    """Put a value under another name, with its time to live, over what is there; returns what was there."""
    at = source.expires_at(key)
    value = source.take(key)
    old = _add_over(target, newkey, value)
    if at is not None:
        target.set_expiry(newkey, at)
    if isinstance(value, ModuleValue):
        value.arrived(target, newkey)
    return old


def _add_over(db: Database, key: bytes, value: Value) -> Value | None:
    """Give `key` this value as a new one, after what is there has gone; returns what was there."""
    old = None if db.peek(key) is None else db.take(key)
    db.add(key, value)
    if isinstance(value, (Hash, Set)):
        db.follow_fields(key, value)
    return old


@command("MOVE key db", flags="write fast", since="1.0.0")
def move(client: Client, argv: Argv) -> Reply:
    """Take a key to another database, unless it has one of that name."""
    _, key, index = argv
    source, target = client.db, _database(client, index)
    if source is target:
        raise CommandError(errors.SAME_OBJECT)
    if source.peek(key) is None or target.peek(key) is not None:
        return 0
    _move(source, key, target, key)
    source.modified(key, b"move_from", notify.GENERIC)
    target.touch(key)
    target.notify(key, b"move_to", notify.GENERIC)
    return 1


def _database(client: Client, text: bytes) -> Database:
    if outside := client.server.dialect.move_outside:
        index = integer_in(text, 0, client.server.config.databases - 1, outside)
    else:
        index = int32(text)
    if not 0 <= index < client.server.config.databases:
        raise CommandError(errors.DB_OUT_OF_RANGE)
    return client.server.database(index)


@command("COPY source destination [DB destination-db] [REPLACE]", flags="write denyoom", since="6.2.0")
def copy(client: Client, argv: Argv) -> Reply:
    """Copy a value and its time to live to another key."""
    _, key, newkey, *_ = argv
    source = target = client.db
    replace = False
    for name, value in client.command.options.each(argv, 3):
        if name == "DB":
            target = _database(client, value)
        else:
            replace = True
    if source is target and key == newkey:
        raise CommandError(errors.SAME_OBJECT)
    value = source.lookup(key)
    if value is None or (target.peek(newkey) is not None and not replace):
        return 0
    at = source.expires_at(key)
    if isinstance(value, ModuleValue) and not value.can_be_copied:
        raise CommandError("ERR not supported for this module key")
    if isinstance(value, ModuleValue):
        value = value.copy_for(newkey)
    elif not isinstance(value, bytes):
        value = value.copy()
    old = _add_over(target, newkey, value)
    if at is not None:
        target.set_expiry(newkey, at)
    target.modified(newkey, b"copy_to", notify.GENERIC)
    if old is not None:
        target.overwritten(newkey, old, value)
    return 1


# To bytes and back.


@command("DUMP key", flags="readonly", since="2.6.0", acl="keyspace")
def dump(client: Client, argv: Argv) -> Reply:
    """A value as bytes, for RESTORE."""
    value = client.db.lookup(argv[1])
    if value is None:
        return None
    return dump_value(value, client.server.dialect, client.server.config.flag("rdbcompression"))


@command(
    "RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    flags="write denyoom",
    since="2.6.0",
    acl="keyspace dangerous",
)
def restore(client: Client, argv: Argv) -> Reply:
    """Give a key the value that DUMP made bytes of, and a time to live in milliseconds (0: it stays)."""
    _, key, ttl_text, payload, *_ = argv
    db, server = client.db, client.server
    replace = absolute = False
    idle = frequency = -1
    for name, value in client.command.options.each(argv, 4):
        if name == "REPLACE":
            replace = True
        elif name == "ABSTTL":
            absolute = True
        elif name == "IDLETIME" and frequency == -1:
            idle = integer(value)
            if idle < 0:
                raise CommandError("ERR Invalid IDLETIME value, must be >= 0")
        elif name == "FREQ" and idle == -1:
            frequency = integer(value)
            if not 0 <= frequency <= 255:
                raise CommandError("ERR Invalid FREQ value, must be >= 0 and <= 255")
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    old = db.peek(key)
    if old is not None and not replace:
        raise CommandError("BUSYKEY Target key name already exists.")
    at = integer(ttl_text)
    if at < 0:
        raise CommandError("ERR Invalid TTL value, must be >= 0")
    if not checksum_fits(payload, server.dialect):
        raise CommandError("ERR DUMP payload version or checksum are wrong")
    try:
        value = load_value(payload, server.dialect, server.limits, server.modules)
    except BadPayload:
        raise CommandError("ERR Bad data format") from None
    if at and not absolute:
        at += server.now_ms()
        if at > INT64_MAX:
            at = 1  # it wraps around, into the past
    if at and server.has_passed(at):
        db.delete(key)
        return OK
    if old is not None:
        db.take(key)
    db.add(key, value)
    if at:
        db.set_expiry(key, at)
    if type(value) is Hash and db.peek(key) is not None:
        db.follow_fields(key, value)
    if isinstance(value, ModuleValue):
        value.arrived(db, key)
    if server.counts_accesses:
        if frequency >= 0:
            db.track_accesses(server.now_ms()).set_count(key, frequency)
    elif idle >= 0:
        db.track_accesses(server.now_ms()).set_idle(key, 1000 * (idle & 0xFFFFFF), server)  # a clock of 24 bits
    db.modified(key, b"restore", notify.GENERIC)
    if old is not None:
        db.overwritten(key, old, value)
    return OK


command(
    "RESTORE-ASKING key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    flags="write denyoom asking",
    since="3.0.0",
    acl="keyspace dangerous",
    group="server",
)(restore)


# Time to live.

EXPIRE_OPTIONS = dict.fromkeys(("NX", "XX", "GT", "LT"), "7.0.0")


@command("EXPIRE key seconds [NX | XX | GT | LT]", flags="write fast", since="1.0.0", since_option=EXPIRE_OPTIONS)
def expire(client: Client, argv: Argv) -> Reply:
    """Let a key go after some seconds."""
    return _expire(client, argv, 1000, relative=True)


@command("PEXPIRE key milliseconds [NX | XX | GT | LT]", flags="write fast", since="2.6.0", since_option=EXPIRE_OPTIONS)
def pexpire(client: Client, argv: Argv) -> Reply:
    """Let a key go after some milliseconds."""
    return _expire(client, argv, 1, relative=True)


@command(
    "EXPIREAT key unix-time-seconds [NX | XX | GT | LT]", flags="write fast", since="1.2.0", since_option=EXPIRE_OPTIONS
)
def expireat(client: Client, argv: Argv) -> Reply:
    """Let a key go at a moment given in seconds."""
    return _expire(client, argv, 1000)


@command(
    "PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]",
    flags="write fast",
    since="2.6.0",
    since_option=EXPIRE_OPTIONS,
)
def pexpireat(client: Client, argv: Argv) -> Reply:
    """Let a key go at a moment given in milliseconds."""
    return _expire(client, argv, 1)


def _expire(client: Client, argv: Argv, unit_ms: int, *, relative: bool = False) -> int:
    key, text = argv[1], argv[2]
    db, now = client.db, client.server.now_ms()
    base_ms = now if relative else 0
    options = expire_options(argv[3:]) if len(argv) > 3 else None
    at = integer(text)
    if unit_ms > 1 and not INT64_MIN // unit_ms < at <= INT64_MAX // unit_ms:
        raise CommandError(client.server.dialect.invalid_expire_time(client.command.name))
    at *= unit_ms
    if at > INT64_MAX - base_ms:
        raise CommandError(client.server.dialect.invalid_expire_time(client.command.name))
    at += base_ms
    if db.peek(key) is None:
        return 0
    if options:
        current = db.expires_at(key)
        if (
            (b"NX" in options and current is not None)
            or (b"XX" in options and current is None)
            or (b"GT" in options and (current is None or at <= current))
            or (b"LT" in options and current is not None and at >= current)
        ):
            return 0
    if at <= now and not client.server.loading:
        db.delete_as_past(key)
    else:
        db.set_expiry(key, at)
        db.modified(key, b"expire", notify.GENERIC)
    return 1


def expire_options(words: Iterable[bytes]) -> frozenset[bytes]:
    """Unlike options elsewhere these have errors of their own, and may be repeated (parseExtendedExpireArgumentsOrReply)."""
    options = set()
    for word in words:
        option = word.upper()
        if option not in (b"NX", b"XX", b"GT", b"LT"):
            raise CommandError(f"ERR Unsupported option {errors.text(word)}")
        options.add(option)
    if b"NX" in options and len(options) > 1:
        raise CommandError("ERR NX and XX, GT or LT options at the same time are not compatible")
    if b"GT" in options and b"LT" in options:
        raise CommandError("ERR GT and LT options at the same time are not compatible")
    return frozenset(options)


@command("TTL key", flags="readonly fast", since="1.0.0")
def ttl(client: Client, argv: Argv) -> Reply:
    """The seconds that a key has left; -1: it stays, -2: there is none."""
    left = _expiry(client, argv[1], client.server.now_ms())
    return left if left < 0 else (left + 500) // 1000


@command("PTTL key", flags="readonly fast", since="2.6.0")
def pttl(client: Client, argv: Argv) -> Reply:
    """The milliseconds that a key has left; -1: it stays, -2: there is none."""
    return _expiry(client, argv[1], client.server.now_ms())


@command("EXPIRETIME key", flags="readonly fast", since="7.0.0")
def expiretime(client: Client, argv: Argv) -> Reply:
    """The Unix time in seconds at which a key goes; -1: it stays, -2: there is none."""
    at = _expiry(client, argv[1], 0)
    return at if at < 0 else (at + 500) // 1000


@command("PEXPIRETIME key", flags="readonly fast", since="7.0.0")
def pexpiretime(client: Client, argv: Argv) -> Reply:
    """The Unix time in milliseconds at which a key goes; -1: it stays, -2: there is none."""
    return _expiry(client, argv[1], 0)


def _expiry(client: Client, key: bytes, since_ms: int) -> int:
    if client.db.inspect(key) is None:
        return -2
    at = client.db.expires_at(key)
    return -1 if at is None else max(at - since_ms, 0)


@command("PERSIST key", flags="write fast", since="2.2.0")
def persist(client: Client, argv: Argv) -> Reply:
    """Let a key stay that would have gone."""
    _, key = argv
    if client.db.peek(key) is None or not client.db.persist(key):
        return 0
    client.db.modified(key, b"persist", notify.GENERIC)
    return 1


# OBJECT.


container("OBJECT", since="2.2.3", help_since="6.2.0")


@command("OBJECT ENCODING key", flags="readonly", since="2.2.3", acl="keyspace")
def object_encoding(client: Client, argv: Argv) -> Reply:
    """How the real server would keep the value in memory."""
    key = argv[2]
    value = client.db.examine(key)
    if value is None:
        return None
    if type(value) is bytearray:
        return b"raw"
    if not isinstance(value, bytes):
        return value.encoding()
    if type(value) is not FloatText and parse_integer(value) is not None:
        return b"int"
    expires = client.db.expires_at(key) is not None
    return b"embstr" if client.server.dialect.fits_embedded(len(key), len(value), expires) else b"raw"


@command("OBJECT REFCOUNT key", flags="readonly", since="2.2.3", acl="keyspace")
def object_refcount(client: Client, argv: Argv) -> Reply:
    """How many references to the value there are."""
    value = client.db.examine(argv[2])
    if value is None:
        return None
    shared = client.server.dialect.small_integers_are_shared and type(value) is bytes and len(value) < 5
    return 2**31 - 1 if shared and (number := parse_integer(value)) is not None and number >= 0 else 1


@command("OBJECT IDLETIME key", flags="readonly", since="2.2.3", acl="keyspace")
def object_idletime(client: Client, argv: Argv) -> Reply:
    """For how many seconds nobody has used a key."""
    key, server = argv[2], client.server
    if client.db.examine(key) is None:
        return None
    if server.counts_accesses:
        raise CommandError(f"ERR An LFU maxmemory policy is selected, idle time not tracked. {_SWITCHING}")
    server.track_accesses(server.now_ms())
    return client.db.track_accesses(server.now_ms()).idle_ms(key, server) // 1000


@command("OBJECT FREQ key", flags="readonly", since="4.0.0", acl="keyspace")
def object_freq(client: Client, argv: Argv) -> Reply:
    """How often a key is used, as the counter of the LFU policies."""
    key, server = argv[2], client.server
    if client.db.examine(key) is None:
        return None
    if not server.counts_accesses:
        raise CommandError(f"ERR An LFU maxmemory policy is not selected, access frequency not tracked. {_SWITCHING}")
    server.track_accesses(server.now_ms())
    return client.db.track_accesses(server.now_ms()).count(key, server)


_SWITCHING = (
    "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
)


# SORT.


@command(
    "SORT key [BY by-pattern] [LIMIT offset count] [GET get-pattern [GET get-pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]",
    flags="write denyoom movablekeys",
    since="1.0.0",
    acl="set sortedset list dangerous",
)
@timed
def sort(client: Client, argv: Argv) -> Reply:
    """The elements of a list, set or sorted set in order, or what other keys say about them."""
    key = argv[1]
    db = client.db
    by: bytes | None = None
    store: bytes | None = None
    start, count = 0, -1
    gets: list[bytes] = []
    alpha = descending = unsorted = False
    for name, value in client.command.options.each(argv, 2):
        if name == "LIMIT":
            start, count = integer(value[0]), integer(value[1])
        elif name == "BY":
            by = value
            unsorted = unsorted or b"*" not in value
            if b"*" in value:
                check_reads_everything(client, argv, name)
        elif name == "GET":
            check_reads_everything(client, argv, name)
            gets.append(value)
        elif name == "STORE":
            store = value
        elif name == "ALPHA":
            alpha = True
        else:
            descending = name == "DESC"
    source = db.lookup(key)
    if source is not None and type(source) not in (List, Set, SortedSet):
        raise CommandError(errors.WRONGTYPE)
    if unsorted and store is not None and type(source) is Set:
        # Without an order of its own the result would be another one on each replica.
        unsorted, alpha, by = False, True, None
    if type(source) is SortedSet:
        source.become_skiplist()  # sortCommand finds a range of ranks in that only
    elements = list(source or ())
    start = max(start, 0)
    end = len(elements) if count < 0 else min(start + count, len(elements))
    if not unsorted:
        elements = _sorted(client, elements, by, alpha, descending, store is not None, start, end)
    elif descending and type(source) is not Set:
        elements.reverse()
    elements = elements[start:end]
    found: list[bytes | None] = [*elements]
    if gets:
        found = [_look_up(db, pattern, element) for element in elements for pattern in gets]
    if store is None:
        return found
    if found:
        db.put(store, List(client.server.limits, [item or b"" for item in found]))
        db.modified(store, b"sortstore", notify.LIST)
    else:
        db.delete(store)
    return len(found)


command(
    "SORT_RO key [BY by-pattern] [LIMIT offset count] [GET get-pattern [GET get-pattern ...]] [ASC | DESC] [ALPHA]",
    flags="readonly movablekeys",
    since="7.0.0",
    acl="set sortedset list dangerous",
)(sort)


def check_reads_everything(client: Client, argv: Argv, option: str) -> None:
    """The keys of BY and GET are not known before, so whoever uses them must be allowed to read any."""
    server = client.server
    if not client.user.restricted or not server.dialect.acl.knows_selectors:
        return
    if not server.acl.reads_everything(client, client.command, argv):
        raise CommandError(f"ERR {option} option of SORT denied due to insufficient ACL permissions.")


def _sorted(
    client: Client,
    elements: list[bytes],
    by: bytes | None,
    alpha: bool,
    descending: bool,
    store: bool,
    start: int,
    end: int,
) -> list[bytes]:
    """All elements in order; from `start` to `end` they are needed."""
    keys: list[Any]
    weights = elements if by is None else [_look_up(client.db, by, element) for element in elements]
    if not alpha:
        try:
            parse = client.server.dialect.parse_weight
            numbers = [0.0 if weight is None else parse(weight) for weight in weights]
        except ValueError:
            raise CommandError("ERR One or more scores can't be converted into double") from None
        keys = list(zip(numbers, elements))
    else:
        # strcoll sees nothing behind a zero byte; what is stored is compared whole.
        texts = [weight if weight is None or store else weight.partition(b"\0")[0] for weight in weights]
        keys = [(text is not None, text) for text in texts]
    if by is not None and (start > 0 or end < len(elements)):
        order = partial_order(keys, start, end - 1, descending)
    else:
        order = sorted(range(len(elements)), key=keys.__getitem__, reverse=descending)
    return [elements[index] for index in order]


def _look_up(db: Database, pattern: bytes, element: bytes) -> bytes | None:
    """What BY and GET mean: the string at the key that the pattern makes of the element, or a hash's field behind
    `->`, or for `#` the element itself (lookupKeyByPattern)."""
    if pattern == b"#":
        return element
    star = pattern.find(b"*")
    if star < 0:
        return None
    arrow = pattern.find(b"->", star + 1)
    field = pattern[arrow + 2 :] if arrow >= 0 else b""
    value: Value = db.lookup(pattern[:star] + element + pattern[star + 1 : arrow if field else None])
    if field:
        return value.get(field) if value is not None and type_name(value) == b"hash" else None
    return bytes(value) if isinstance(value, (bytes, bytearray)) else None


# Replicas, of which there are none.


@command(
    "WAIT numreplicas timeout",
    flags="noscript@before:7.2.0,valkey=7.2.0 blocking@7.4.0,valkey=8.0.0",
    since="3.0.0",
    acl="connection",
)
def wait(client: Client, argv: Argv) -> Reply:
    """Wait until so many replicas know what this client wrote; answers how many do."""
    if client.server.replication.master is not None:
        raise CommandError(
            "ERR WAIT cannot be used with replica instances. Please also note that"
            f"{client.server.dialect.wait_tells_since} if a replica is configured to be writable (which is not the default)"
            " writes to replicas are just local and are not propagated."
        )
    replicas, timeout_ms = integer(argv[1]), _wait_timeout(client, argv[2])
    if replicas <= 0:
        return 0
    return client.server.blocking.block(client, argv, (), timeout_ms, bool, denied=0, timed_out=0)


@command(
    "WAITAOF numlocal numreplicas timeout",
    flags="noscript@before:7.4.0,valkey=8.0.0 blocking@7.4.0,valkey=8.0.0",
    since="7.2.0",
    acl="connection",
)
def waitaof(client: Client, argv: Argv) -> Reply:
    """Wait until what this client wrote is in the append-only file here, and in those of so many replicas."""
    local, replicas, timeout_ms = int32(argv[1], 0, 1), positive(argv[2]), _wait_timeout(client, argv[3])
    if client.server.replication.master is not None:
        raise CommandError(
            "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local"
            " and are not propagated."
        )
    appendonly = client.server.config.flag("appendonly")
    if local and not appendonly:
        raise CommandError("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
    done = [int(appendonly), 0]
    if not replicas:
        return done
    return client.server.blocking.block(client, argv, (), timeout_ms, bool, denied=done, timed_out=done)


def _wait_timeout(client: Client, text: bytes) -> int:
    timeout_ms = integer(text, "ERR timeout is not an integer or out of range")
    if timeout_ms < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    if timeout_ms > INT64_MAX - client.server.now_ms() and not client.server.dialect.timeouts_wrap:
        raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
    return timeout_ms

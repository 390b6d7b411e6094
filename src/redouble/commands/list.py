"""Lists, and the commands that wait for one.

A blocking command is the same handler as its sibling: it looks for something to take and, if there is nothing, asks to
`block`; once a key is ready the whole command runs again.  What it then took is written into `client.undo`, because
the one who waited may be cancelled before the reply reaches it.
"""

from __future__ import annotations

from functools import partial

from redouble.core import errors, notify
from redouble.core.arguments import (
    INT64_MIN,
    integer,
    keys_end_and_count,
    positive,
    positive_or_told,
    signed_count,
    timeout_ms,
)
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.database import Database
from redouble.core.errors import CommandError
from redouble.resp.reply import NULL_ARRAY, OK, Reply
from redouble.types.list import List


@command("LPUSH key element [element ...]", flags="write denyoom fast", since="1.0.0")
def lpush(client: Client, argv: Argv) -> Reply:
    """Put elements before the head of a list, one after the other."""
    db, key = client.db, argv[1]
    length = db.for_adding(key, List).lpush(argv[2:])
    db.modified(key, b"lpush", notify.LIST)
    return length


@command("RPUSH key element [element ...]", flags="write denyoom fast", since="1.0.0")
def rpush(client: Client, argv: Argv) -> Reply:
    """Put elements behind the tail of a list."""
    db, key = client.db, argv[1]
    length = db.for_adding(key, List).rpush(argv[2:])
    db.modified(key, b"rpush", notify.LIST)
    return length


@command("LPUSHX key element [element ...]", flags="write denyoom fast", since="2.2.0")
def lpushx(client: Client, argv: Argv) -> Reply:
    """Put elements before the head of a list that exists."""
    return lpush(client, argv) if client.db.for_write(argv[1], List) else 0


@command("RPUSHX key element [element ...]", flags="write denyoom fast", since="2.2.0")
def rpushx(client: Client, argv: Argv) -> Reply:
    """Put elements behind the tail of a list that exists."""
    return rpush(client, argv) if client.db.for_write(argv[1], List) else 0


@command("LPOP key [count]", flags="write fast", since="1.0.0")
def lpop(client: Client, argv: Argv) -> Reply:
    """Take elements from the head of a list."""
    return _pop(client, argv, left=True)


@command("RPOP key [count]", flags="write fast", since="1.0.0")
def rpop(client: Client, argv: Argv) -> Reply:
    """Take elements from the tail of a list."""
    return _pop(client, argv, left=False)


# Later declarations win: until the count came, the arity was fixed.
command("LPOP key", flags="write fast", since="1.0.0", until="6.2.0")(lpop)
command("RPOP key", flags="write fast", since="1.0.0", until="6.2.0")(rpop)


def _pop(client: Client, argv: Argv, left: bool) -> Reply:
    db, key = client.db, argv[1]
    if len(argv) > 3:
        raise errors.wrong_arity(client.command.name)
    if len(argv) == 3:
        count = positive(argv[2])  # popGenericCommand reads the count before the key
        many = db.for_write(key, List)
        if many is None:
            return NULL_ARRAY
        return _take_many(db, key, many, count, left) if count else []
    values = db.for_write(key, List)
    return None if values is None else _take(db, key, values, left)


def _take(db: Database, key: bytes, values: List, left: bool) -> bytes:
    value = values.lpop() if left else values.rpop()
    db.shrunk(key, values, b"lpop" if left else b"rpop", notify.LIST)
    return value


def _take_many(db: Database, key: bytes, values: List, count: int, left: bool) -> list[bytes]:
    taken = values.lpop_many(count) if left else values.rpop_many(count)
    db.shrunk(key, values, b"lpop" if left else b"rpop", notify.LIST)
    return taken


@command("LLEN key", flags="readonly fast", since="1.0.0")
def llen(client: Client, argv: Argv) -> Reply:
    """The number of elements of a list."""
    return len(client.db.list(argv[1]) or ())


@command("LINDEX key index", flags="readonly", since="1.0.0")
def lindex(client: Client, argv: Argv) -> Reply:
    """The element at an index; negative ones count from the tail."""
    _, key, index = argv
    values = client.db.list(key)
    return values.index(integer(index)) if values else None


@command("LSET key index element", flags="write denyoom", since="1.0.0")
def lset(client: Client, argv: Argv) -> Reply:
    """Replace the element at an index."""
    _, key, index_text, value = argv
    values = client.db.for_write(key, List)
    if values is None:
        raise CommandError(errors.NO_SUCH_KEY)
    index = integer(index_text)
    if client.server.dialect.lset_index_wraps_at_32_bits:
        index = (index + 2**31) % 2**32 - 2**31
    if not values.set(index, value):
        raise CommandError(errors.INDEX_OUT_OF_RANGE)
    client.db.modified(key, b"lset", notify.LIST)
    return OK


@command("LINSERT key <BEFORE | AFTER> pivot element", flags="write denyoom", since="2.2.0")
def linsert(client: Client, argv: Argv) -> Reply:
    """Put an element beside another one; -1 if that is not there."""
    _, key, where, pivot, value = argv
    if where.upper() not in (b"BEFORE", b"AFTER"):
        raise CommandError(errors.SYNTAX_ERROR)
    values = client.db.for_write(key, List)
    if values is None:
        return 0
    if not values.insert(pivot, value, after=where.upper() == b"AFTER"):
        return -1
    client.db.modified(key, b"linsert", notify.LIST)
    return len(values)


@command("LRANGE key start stop", flags="readonly", since="1.0.0")
def lrange(client: Client, argv: Argv) -> Reply:
    """The elements between two indexes; both ends belong to them."""
    _, key, start_text, stop_text = argv
    start, stop = integer(start_text), integer(stop_text)
    values = client.db.list(key)
    return values.slice(start, stop) if values else []


@command("LTRIM key start stop", flags="write", since="1.0.0")
def ltrim(client: Client, argv: Argv) -> Reply:
    """Keep only the elements between two indexes."""
    _, key, start_text, stop_text = argv
    start, stop = integer(start_text), integer(stop_text)
    values = client.db.for_write(key, List)
    if values is not None:
        if values.trim(start, stop) or client.server.dialect.ltrim_always_changes:
            client.db.shrunk(key, values, b"ltrim", notify.LIST)
        else:
            client.db.notify(key, b"ltrim", notify.LIST)
    return OK


@command("LREM key count element", flags="write", since="1.0.0")
def lrem(client: Client, argv: Argv) -> Reply:
    """Remove elements equal to one: the first `count`, the last if it is negative, all if it is 0."""
    _, key, count_text, value = argv
    count = integer(count_text) if client.server.dialect.lrem_takes_int64_min else signed_count(count_text)
    values = client.db.for_write(key, List)
    removed = values.remove(count, value) if values else 0
    if removed:
        client.db.shrunk(key, values, b"lrem", notify.LIST)
    return removed


@command("LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]", flags="readonly", since="6.0.6")
def lpos(client: Client, argv: Argv) -> Reply:
    """The positions of the elements equal to one."""
    _, key, value, *_ = argv
    rank, count, maxlen = 1, None, 0
    for name, text in client.command.options.each(argv, 3):
        if name == "RANK":
            rank = integer(text) if client.server.dialect.lpos_takes_int64_min else signed_count(text)
            if rank == INT64_MIN:
                rank = -1  # in C its opposite is itself, a rank that the first match already reaches
            if rank == 0:
                raise CommandError(client.server.dialect.rank_is_zero)
        elif name == "COUNT":
            count = positive_or_told(client, text, "ERR COUNT can't be negative")
        else:
            maxlen = positive_or_told(client, text, "ERR MAXLEN can't be negative")
    values = client.db.list(key)
    if count is None:
        found = values.positions(value, rank, 1, maxlen) if values else []
        return found[0] if found else None
    return values.positions(value, rank, count, maxlen) if values else []


@command("LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>", flags="write denyoom", since="6.2.0")
def lmove(client: Client, argv: Argv) -> Reply:
    """Move an element from an end of one list to an end of another, or of the same."""
    _, source, destination, wherefrom, whereto = argv
    from_left, to_left = is_left(wherefrom), is_left(whereto)
    values = client.db.for_write(source, List)
    return _move(client, source, values, destination, from_left, to_left) if values else None


@command("RPOPLPUSH source destination", flags="write denyoom", since="1.2.0")
def rpoplpush(client: Client, argv: Argv) -> Reply:
    """Move the tail of one list before the head of another, or of the same."""
    _, source, destination = argv
    values = client.db.for_write(source, List)
    return _move(client, source, values, destination, False, True) if values else None


def is_left(text: bytes) -> bool:
    """LEFT or RIGHT."""
    if text.upper() not in (b"LEFT", b"RIGHT"):
        raise CommandError(errors.SYNTAX_ERROR)
    return text.upper() == b"LEFT"


def _move(client: Client, source: bytes, values: List, destination: bytes, from_left: bool, to_left: bool) -> bytes:
    """Move one element of `values`, the list at `source`."""
    db = client.db
    target = db.for_write(destination, List)
    if source == destination:
        value = values.move(from_left, to_left)
        db.modified(destination, b"lpush" if to_left else b"rpush", notify.LIST)
        db.modified(source, b"lpop" if from_left else b"rpop", notify.LIST)
        return value
    value = values.lpop() if from_left else values.rpop()
    target = target or db.add(destination, List(client.server.limits))
    (target.lpush if to_left else target.rpush)((value,))
    db.modified(destination, b"lpush" if to_left else b"rpush", notify.LIST)
    db.shrunk(source, values, b"lpop" if from_left else b"rpop", notify.LIST)
    return value


@command("LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]", flags="write", since="7.0.0")
def lmpop(client: Client, argv: Argv) -> Reply:
    """Take elements from the first list that has some."""
    keys, left, count = keys_end_and_count(client, argv, 1, (b"LEFT", b"RIGHT"))
    return _pop_first(client, keys, left, count) or NULL_ARRAY


def _pop_first(client: Client, keys: list[bytes], left: bool, count: int) -> Reply:
    """The first of `keys` that is there and up to `count` of its elements; None if none is."""
    db = client.db
    for key in client.where_to_look(keys):
        values = db.for_write(key, List)
        if values is not None:
            taken = _take_many(db, key, values, count, left)
            if client.reprocessing:
                client.undo = partial(_put_back, client, db, key, taken, left)
            return [key, taken]
    return None


def _put_back(client: Client, db: Database, key: bytes, taken: list[bytes], left: bool) -> None:
    """Nobody received what was taken: it returns to the end that it came from."""
    values = db.peek(key)
    if values is None:
        values = db.add(key, List(client.server.limits))
    elif type(values) is not List:
        return
    values = db.own(key, values)
    (values.lpush if left else values.rpush)(taken[::-1])
    db.modified(key, b"lpush" if left else b"rpush", notify.LIST)


def is_list(value: object) -> bool:
    """What a client that waits for a list wants."""
    return type(value) is List


@command("BLPOP key [key ...] timeout", flags="write blocking noscript@before:7.2.0", since="2.0.0")
def blpop(client: Client, argv: Argv) -> Reply:
    """Take the head of the first list that has one, and wait if none has."""
    return _blocking_pop(client, argv, left=True)


@command("BRPOP key [key ...] timeout", flags="write blocking noscript@before:7.2.0", since="2.0.0")
def brpop(client: Client, argv: Argv) -> Reply:
    """Take the tail of the first list that has one, and wait if none has."""
    return _blocking_pop(client, argv, left=False)


def _blocking_pop(client: Client, argv: Argv, left: bool) -> Reply:
    _, *keys, timeout_text = argv
    timeout = timeout_ms(client, timeout_text)
    popped = _pop_first(client, keys, left, 1)
    if popped is None:
        return client.server.blocking.block(client, argv, keys, timeout, is_list)
    key, (value,) = popped
    return [key, value]


@command("BLMPOP timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]", flags="write blocking", since="7.0.0")
def blmpop(client: Client, argv: Argv) -> Reply:
    """Take elements from the first list that has some, and wait if none has."""
    keys, left, count = keys_end_and_count(client, argv, 2, (b"LEFT", b"RIGHT"))
    timeout = timeout_ms(client, argv[1])
    popped = _pop_first(client, keys, left, count)
    return popped or client.server.blocking.block(client, argv, keys, timeout, is_list)


@command(
    "BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
    flags="write denyoom blocking noscript@before:7.2.0",
    since="6.2.0",
)
def blmove(client: Client, argv: Argv) -> Reply:
    """LMOVE that waits for the source to have an element."""
    _, source, destination, wherefrom, whereto, timeout_text = argv
    from_left, to_left = is_left(wherefrom), is_left(whereto)
    return _blocking_move(client, argv, source, destination, from_left, to_left, timeout_ms(client, timeout_text))


@command("BRPOPLPUSH source destination timeout", flags="write denyoom blocking noscript@before:7.2.0", since="2.2.0")
def brpoplpush(client: Client, argv: Argv) -> Reply:
    """RPOPLPUSH that waits for the source to have an element."""
    _, source, destination, timeout_text = argv
    return _blocking_move(client, argv, source, destination, False, True, timeout_ms(client, timeout_text))


def _blocking_move(
    client: Client, argv: Argv, source: bytes, destination: bytes, from_left: bool, to_left: bool, timeout: int
) -> Reply:
    values = client.db.for_write(source, List)
    if values is None:
        # Inside MULTI a null string, although the time-out is a null array.
        return client.server.blocking.block(client, argv, [source], timeout, is_list, denied=None)
    value = _move(client, source, values, destination, from_left, to_left)
    if client.reprocessing:
        client.undo = partial(_move_back, client, client.db, source, destination, from_left, to_left, value)
    return value


def _move_back(
    client: Client, db: Database, source: bytes, destination: bytes, from_left: bool, to_left: bool, value: bytes
) -> None:
    """Nobody heard of the move: it is undone, unless somebody has taken the element from the destination since."""
    values = db.peek(destination)
    if type(values) is List and values.index(0 if to_left else -1) == value:
        _take(db, destination, db.own(destination, values), to_left)
        _put_back(client, db, source, [value], from_left)

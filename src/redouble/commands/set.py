"""Sets.  What has the shape of a set in RESP3 is a `Members`, because a small set is listed in a visible order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, filterfalse, islice

from redouble.commands.scanning import scan_cursor, scan_step
from redouble.core import errors, notify
from redouble.core.arguments import INT64_MAX, integer, integer_in, positive, positive_or_told, random_count
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import Members, Reply
from redouble.types.set import Set

EMPTY = Set()


@command("SADD key member [member ...]", flags="write denyoom fast", since="1.0.0")
def sadd(client: Client, argv: Argv) -> Reply:
    """Add members to a set; answers how many are new."""
    db, key = client.db, argv[1]
    members = db.for_adding(key, Set)
    added = members.update(argv[2:])
    if added:
        db.modified(key, b"sadd", notify.SET)
    return added


@command("SREM key member [member ...]", flags="write fast", since="1.0.0")
def srem(client: Client, argv: Argv) -> Reply:
    """Remove members from a set; answers how many were there."""
    _, key, *doomed = argv
    members = client.db.for_write(key, Set)
    removed = sum(map(members.discard, doomed)) if members else 0
    if removed:
        client.db.shrunk(key, members, b"srem", notify.SET)
    return removed


@command("SMOVE source destination member", flags="write fast", since="1.0.0")
def smove(client: Client, argv: Argv) -> Reply:
    """Move a member from one set to another."""
    _, source, destination, member = argv
    db = client.db
    members = db.for_write(source, Set)
    if members is None:
        return 0
    target = db.for_write(destination, Set)
    if source == destination:
        return int(member in members)
    if not members.discard(member):
        return 0
    db.shrunk(source, members, b"srem", notify.SET)
    target = target or db.add(destination, Set(client.server.limits))
    if target.add(member):
        db.modified(destination, b"sadd", notify.SET)
    return 1


@command("SMEMBERS key", flags="readonly", since="1.0.0")
def smembers(client: Client, argv: Argv) -> Reply:
    """Every member."""
    return Members(client.db.set(argv[1]) or ())


@command("SCARD key", flags="readonly fast", since="1.0.0")
def scard(client: Client, argv: Argv) -> Reply:
    """The number of members."""
    return len(client.db.set(argv[1]) or ())


@command("SISMEMBER key member", flags="readonly fast", since="1.0.0")
def sismember(client: Client, argv: Argv) -> Reply:
    """1 if the set has the member."""
    _, key, member = argv
    return int(member in (client.db.set(key) or ()))


@command("SMISMEMBER key member [member ...]", flags="readonly fast", since="6.2.0")
def smismember(client: Client, argv: Argv) -> Reply:
    """1 for each of these members that the set has."""
    _, key, *wanted = argv
    members = client.db.set(key) or ()
    return [int(member in members) for member in wanted]


@command("SPOP key [count]", flags="write fast", since="1.0.0")
def spop(client: Client, argv: Argv) -> Reply:
    """Take random members away."""
    db, key, chance = client.db, argv[1], client.server.random
    if len(argv) > 3:
        raise CommandError(errors.SYNTAX_ERROR)
    if len(argv) == 3:
        # spopWithCountCommand reads the count before the key.
        count = positive_or_told(client, argv[2], client.server.dialect.negative_spop)
        members = db.for_write(key, Set)
        if not members or not count:
            return Members()
        if count >= len(members):  # case 1 of spopWithCountCommand: the whole set, as it is listed
            popped = Members(members)
            db.notify(key, b"spop", notify.SET)
            db.delete(key)
            return popped
        popped = Members(members.pop_many(count, chance))
        db.modified(key, b"spop", notify.SET)
        return popped
    members = db.for_write(key, Set)
    if members is None:
        return None
    member = members.pop(chance)
    db.shrunk(key, members, b"spop", notify.SET)
    return member


@command("SRANDMEMBER key [count]", flags="readonly", since="1.0.0")
def srandmember(client: Client, argv: Argv) -> Reply:
    """Random members; a negative count may give the same one several times."""
    key, chance = argv[1], client.server.random
    if len(argv) == 2:
        members = client.db.set(key)
        return members.choice(chance) if members else None
    if len(argv) > 3:
        raise CommandError(errors.SYNTAX_ERROR)
    as_set = client.server.dialect.random_members_are_a_set
    if as_set and integer(argv[2]) and not client.db.set(key):
        return Members()
    count, _ = random_count(argv, b"")
    members = client.db.set(key)
    found = members.random(count, chance) if members else []
    return Members(found) if as_set else found


@command("SINTER key [key ...]", flags="readonly", since="1.0.0")
def sinter(client: Client, argv: Argv) -> Reply:
    """The members that all of these sets have."""
    return Members(_intersection(_sets(client, argv[1:])))


@command("SUNION key [key ...]", flags="readonly", since="1.0.0")
def sunion(client: Client, argv: Argv) -> Reply:
    """The members that any of these sets has."""
    return Members(_union(_sets(client, argv[1:])))


@command("SDIFF key [key ...]", flags="readonly", since="1.0.0")
def sdiff(client: Client, argv: Argv) -> Reply:
    """The members of the first set that none of the others has."""
    return Members(_difference(_sets(client, argv[1:])))


@command("SINTERSTORE destination key [key ...]", flags="write denyoom", since="1.0.0")
def sinterstore(client: Client, argv: Argv) -> Reply:
    """Store what SINTER would answer."""
    _, destination, *keys = argv
    made = Set.intersection(_intersection(_sets(client, keys)), client.server.limits)
    return _store(client, destination, made, b"sinterstore")


@command("SUNIONSTORE destination key [key ...]", flags="write denyoom", since="1.0.0")
def sunionstore(client: Client, argv: Argv) -> Reply:
    """Store what SUNION would answer."""
    _, destination, *keys = argv
    made = Set.union(_union(_sets(client, keys)), client.server.limits)
    return _store(client, destination, made, b"sunionstore")


@command("SDIFFSTORE destination key [key ...]", flags="write denyoom", since="1.0.0")
def sdiffstore(client: Client, argv: Argv) -> Reply:
    """Store what SDIFF would answer."""
    _, destination, *keys = argv
    made = Set.union(_difference(_sets(client, keys)), client.server.limits)
    return _store(client, destination, made, b"sdiffstore")


@command("SINTERCARD numkeys key [key ...] [LIMIT limit]", flags="readonly", since="7.0.0")
def sintercard(client: Client, argv: Argv) -> Reply:
    """The number of members that SINTER would answer, counted up to a limit."""
    keys, limit = keys_and_limit(client, argv)
    found = _intersection(_sets(client, keys))
    return sum(1 for _ in islice(found, limit or None))


def keys_and_limit(client: Client, argv: Argv) -> tuple[list[bytes], int]:
    """`numkeys key [key ...] [LIMIT limit]` of SINTERCARD and ZINTERCARD."""
    numkeys = integer_in(argv[1], 1, INT64_MAX, errors.NUMKEYS_POSITIVE)
    if numkeys > len(argv) - 2:
        raise CommandError("ERR Number of keys can't be greater than number of args")
    limit = 0
    for _, text in client.command.options.each(argv, 2 + numkeys):
        limit = positive(text, "ERR LIMIT can't be negative")
    return argv[2 : 2 + numkeys], limit


def _sets(client: Client, keys: list[bytes]) -> list[Set | None]:
    return [client.db.set(key) for key in keys]


def _intersection(sets: list[Set | None]) -> Iterable[bytes]:
    """One after the other, in the order of the smallest set."""
    smallest, *others = sorted((members or EMPTY for members in sets), key=len)
    found: Iterable[bytes] = smallest
    for other in others:
        found = filter(other.keys().__contains__, found)
    return found


def _union(sets: list[Set | None]) -> Iterable[bytes]:
    return dict.fromkeys(chain.from_iterable(members for members in sets if members))


def _difference(sets: list[Set | None]) -> Iterable[bytes]:
    first, *others = sets
    found: Iterable[bytes] = first or ()
    for other in others:
        if other:
            found = filterfalse(other.keys().__contains__, found)
    return found


def _store(client: Client, destination: bytes, made: Set, event: bytes) -> int:
    """The result takes the place of whatever `destination` held; an empty one leaves nothing there."""
    if made:
        client.db.put(destination, made)
        client.db.modified(destination, event, notify.SET)
    else:
        client.db.delete(destination)
    return len(made)


@command("SSCAN key cursor [MATCH pattern] [COUNT count]", flags="readonly", since="2.8.0")
def sscan(client: Client, argv: Argv) -> Reply:
    """One step through the members of a set."""
    cursor = scan_cursor(client, argv[2])
    members = client.db.set(argv[1])
    if members is None:
        return [b"0", []]
    next_cursor, found = scan_step(client, argv, cursor, members)
    return [next_cursor, list(found)]

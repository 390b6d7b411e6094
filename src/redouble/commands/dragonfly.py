"""The commands that only Dragonfly has: members of sets that go by themselves, and a rate limiter."""

from __future__ import annotations

from redouble.core import notify
from redouble.core.arguments import INT64_MAX, integer, integer_in
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import NOT_AN_INTEGER, WRONGTYPE, CommandError
from redouble.resp.reply import Reply
from redouble.types.hash import Hash
from redouble.types.set import Set

LONGEST_SECONDS = (1 << 26) - 1
"""Dragonfly keeps the time of a member in so many seconds."""

NO_KEY, NO_FIELD = -2, -3


@command(
    "SADDEX key [KEEPTTL] seconds member [member ...]",
    flags="write denyoom fast",
    since="dragonfly=1.0.0",
    arity=-4,
    group="set",
)
def saddex(client: Client, argv: Argv) -> Reply:
    """Add members that go after some seconds; those that are there get that time too, unless KEEPTTL keeps theirs."""
    _, key, *words = argv
    keeps = words[0].upper() == b"KEEPTTL" and len(words) > 2
    seconds, *wanted = words[keeps:]
    at = client.server.now_ms() + integer_in(seconds, 1, LONGEST_SECONDS) * 1000
    members = client.db.for_adding(key, Set)
    added = 0
    for member in wanted:
        new = members.add(member)
        added += new
        if new or not keeps:
            members.set_expiry(member, at)
    client.db.follow_fields(key, members)
    client.db.modified(key, b"sadd", notify.SET)
    return added


@command("FIELDTTL key field", flags="readonly fast", since="dragonfly=1.0.0", group="generic")
def fieldttl(client: Client, argv: Argv) -> Reply:
    """How many seconds a member of a set or a field of a hash has left; -1: it stays, -2: no key, -3: no such field."""
    _, key, field = argv
    value = client.db.inspect(key)
    if value is None:
        return NO_KEY
    if not isinstance(value, (Hash, Set)):
        raise CommandError(WRONGTYPE)
    if field not in value:
        return NO_FIELD
    at = value.expires_at(field)
    return -1 if at is None else (at - client.server.now_ms() + 999) // 1000


@command(
    "CL.THROTTLE key max-burst count period [quantity]",
    flags="write denyoom fast",
    since="dragonfly=1.0.0",
    group="generic",
)
def cl_throttle(client: Client, argv: Argv) -> Reply:
    """Whether `quantity` more may pass, of `count` in `period` seconds with bursts of `max-burst` above it.

    The generic cell rate algorithm: the key holds the moment, in nanoseconds, until which all that passed is spread out.
    Answers whether it is refused, the limit, what is left, and the seconds until a retry may pass (-1: it did) and
    until nothing is left of it.
    """
    _, key, burst, count, period, *quantity = argv
    limit = integer_in(burst, 0, INT64_MAX - 1, NOT_AN_INTEGER) + 1
    rate, seconds = integer_in(count, 1, INT64_MAX, NOT_AN_INTEGER), integer_in(period, 0, INT64_MAX, NOT_AN_INTEGER)
    cost = integer_in(quantity[0], 0, INT64_MAX, NOT_AN_INTEGER) if quantity else 1
    interval = seconds * 10**9 // rate
    if interval == 0:
        raise CommandError("ERR zero rates are not supported")
    if interval * max(limit, cost) > INT64_MAX:
        raise CommandError(NOT_AN_INTEGER)
    db, now = client.db, client.server.now_ms() * 10**6
    stored = db.string_for_write(key)
    spread = now if stored is None else integer(bytes(stored))
    after, room = max(spread, now) + interval * cost, interval * limit
    refused = after - room > now
    if refused:
        retry = _seconds(after - room - now) if interval * cost <= room else -1
        left = spread - now
    else:
        retry, left = -1, after - now
        db.put(key, b"%d" % after)
        db.set_expiry(key, -(-after // 10**6))
        db.modified(key, b"set", notify.STRING)
    remaining = (room - left) // interval if room - left > -interval else 0
    return [int(refused), limit, remaining, retry, _seconds(left)]


def _seconds(nanoseconds: int) -> int:
    """The whole seconds after which that time is over."""
    milliseconds = -(-nanoseconds // 10**6)
    return milliseconds // 1000 + (milliseconds > 0)

"""Sorted sets.  A range is asked for in three ways (by rank, by score, by bytes) and is always turned into positions of
the members in order; what is then read, stored or removed is the same for all.  The blocking commands work as those of
lists do (list.py)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from operator import ne
from typing import NamedTuple, TypeAlias

from redouble.commands.scanning import scan_cursor, scan_step
from redouble.core import errors, notify
from redouble.core.arguments import (
    double,
    integer,
    keys_end_and_count,
    positive,
    random_count,
    timeout_ms,
)
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.database import Database
from redouble.core.errors import CommandError
from redouble.resp.reply import NULL_ARRAY, Pairs, Reply
from redouble.types.number import format_double_17g
from redouble.types.set import Set
from redouble.types.sorted_set import LexRange, ScoreRange, SortedSet, limited

Scores: TypeAlias = dict[bytes, float]
Positions: TypeAlias = Callable[[SortedSet], tuple[int, int]]
"""Where in the order of the members a range begins, and where it ends."""


@command(
    "ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    flags="write denyoom fast",
    since="1.2.0",
    since_option={"GT": "6.2.0", "LT": "6.2.0"},
)
def zadd(client: Client, argv: Argv) -> Reply:
    """Add members with their scores, or change the scores; answers how many are new."""
    return add_members(client, argv, set())


@command("ZINCRBY key increment member", flags="write denyoom fast", since="1.2.0")
def zincrby(client: Client, argv: Argv) -> Reply:
    """Add to the score of a member."""
    return add_members(client, argv, {b"INCR"})


def add_members(client: Client, argv: Argv, given: set[bytes]) -> Reply:
    """zaddGenericCommand, for GEOADD too: in ZINCRBY too a score that reads like an option is one."""
    db, key = client.db, argv[1]
    at, words = 2, client.server.prototypes[b"ZADD"].options.words
    if len(argv) == 4 and not given and argv[2].upper() not in words:
        return _add_member(client, key, argv[2], argv[3])
    while at < len(argv) and (word := argv[at].upper()) in words:
        given.add(word)
        at += 1
    count = (len(argv) - at) // 2
    if not count or (len(argv) - at) % 2:
        raise CommandError(errors.SYNTAX_ERROR)
    if len(given) > 1:
        if given >= {b"NX", b"XX"}:
            raise CommandError("ERR XX and NX options at the same time are not compatible")
        if len(given & {b"GT", b"LT", b"NX"}) > 1:
            raise CommandError("ERR GT, LT, and/or NX options at the same time are not compatible")
    if b"INCR" in given and count > 1:
        raise CommandError("ERR INCR option supports a single increment-element pair")
    scores = [double(client, text) for text in argv[at::2]]
    members = db.for_write(key, SortedSet)
    if members is None:
        if b"XX" in given:
            return None if b"INCR" in given else 0
        members = db.add(key, SortedSet(client.server.limits))
    names = argv[at + 1 :: 2]
    measures = client.server.dialect.zadd_measures_members_first
    members.expect(count, max(map(len, names)) if measures else 0)
    if not given:
        changes = any(map(ne, map(members.score, names), scores))
        added = sum(map(members.add, names, scores))
        if changes:
            db.modified(key, b"zadd", notify.ZSET)
        return added
    added = updated = 0
    score: float | None = None
    for member, score in zip(names, scores):
        old = members.score(member)
        if b"INCR" in given:
            score = score if old is None else score + old
            if math.isnan(score):
                raise CommandError("ERR resulting score is not a number (NaN)")
        if old is None:
            if b"XX" in given:
                score = None
                continue
            added += 1
        elif b"NX" in given or (b"GT" in given and score <= old) or (b"LT" in given and score >= old):
            score = None
            continue
        else:
            updated += score != old
        members.add(member, score)
    if added or updated:
        db.modified(key, b"zincr" if b"INCR" in given else b"zadd", notify.ZSET)
    if b"INCR" in given:
        return score
    return added + updated if b"CH" in given else added


def _add_member(client: Client, key: bytes, text: bytes, member: bytes) -> Reply:
    """One pair, as most are: x0.8."""
    db, score = client.db, double(client, text)
    members = db.for_adding(key, SortedSet)
    members.expect(1, len(member) if client.server.dialect.zadd_measures_members_first else 0)
    old, new = members.score(member), members.add(member, score)
    if old != score:
        db.modified(key, b"zadd", notify.ZSET)
    return int(new)


@command("ZREM key member [member ...]", flags="write fast", since="1.2.0")
def zrem(client: Client, argv: Argv) -> Reply:
    """Remove members; answers how many were there."""
    _, key, *doomed = argv
    members = client.db.for_write(key, SortedSet)
    removed = sum(map(members.remove, doomed)) if members else 0
    if removed:
        client.db.shrunk(key, members, b"zrem", notify.ZSET)
    return removed


@command("ZCARD key", flags="readonly fast", since="1.2.0")
def zcard(client: Client, argv: Argv) -> Reply:
    """The number of members."""
    return len(client.db.sorted_set(argv[1]) or ())


@command("ZSCORE key member", flags="readonly fast", since="1.2.0")
def zscore(client: Client, argv: Argv) -> Reply:
    """The score of a member."""
    _, key, member = argv
    members = client.db.sorted_set(key)
    return members.score(member) if members else None


@command("ZMSCORE key member [member ...]", flags="readonly fast", since="6.2.0")
def zmscore(client: Client, argv: Argv) -> Reply:
    """The scores of several members; nil for those that are not there."""
    _, key, *wanted = argv
    members = client.db.sorted_set(key)
    return [members.score(member) for member in wanted] if members else [None] * len(wanted)


@command("ZRANK key member [WITHSCORE]", flags="readonly fast", since="2.0.0")
def zrank(client: Client, argv: Argv) -> Reply:
    """How many members are before one, counted from the lowest score."""
    return _rank(client, argv, reverse=False)


@command("ZREVRANK key member [WITHSCORE]", flags="readonly fast", since="2.0.0")
def zrevrank(client: Client, argv: Argv) -> Reply:
    """How many members are before one, counted from the highest score."""
    return _rank(client, argv, reverse=True)


# Later declarations win: until WITHSCORE came, the arity was fixed.
command("ZRANK key member", flags="readonly fast", since="2.0.0", until="7.2.0")(zrank)
command("ZREVRANK key member", flags="readonly fast", since="2.0.0", until="7.2.0")(zrevrank)


def _rank(client: Client, argv: Argv, reverse: bool) -> Reply:
    _, key, member, *options = argv
    if len(options) > 1:
        raise errors.wrong_arity(client.command.name)
    with_score = "WITHSCORE" in client.command.options.parse(argv, 3)
    members = client.db.sorted_set(key)
    rank = members.rank(member, reverse) if members else None
    if members is None or rank is None:
        return NULL_ARRAY if with_score else None
    return [rank, members.score(member)] if with_score else rank


# Ranges.


class Range(NamedTuple):
    """What ZRANGE and its kin ask for."""

    positions: Positions
    reverse: bool
    with_scores: bool
    by_rank: bool = False

    def of(self, members: SortedSet | None) -> Reply:
        """The answer, from a sorted set or from none."""
        if members is None:
            return []
        start, stop = self.positions(members)
        if self.with_scores:
            return Pairs(members.pairs(start, stop, self.reverse))
        return members.members(start, stop, self.reverse)


def score_range(client: Client, low: bytes, high: bytes) -> ScoreRange:
    """`min` and `max` of ZRANGEBYSCORE; a round bracket excludes the bound (zslParseRange)."""
    parse = client.server.dialect.parse_score_bound
    try:
        low_bound, high_bound = parse(low.removeprefix(b"(")), parse(high.removeprefix(b"("))
    except ValueError:
        raise CommandError("ERR min or max is not a float") from None
    return ScoreRange(low_bound, high_bound, low[:1] == b"(", high[:1] == b"(")


def lex_range(low: bytes, high: bytes) -> LexRange:
    """`min` and `max` of ZRANGEBYLEX (zslParseLexRange)."""
    bounds = LexRange(low, high)
    if not bounds.is_valid():
        raise CommandError("ERR min or max not valid string range item")
    return bounds


def _parse_range(
    client: Client, argv: Argv, at: int, by: bytes = b"", reverse: bool | None = None, *, store: bool = False
) -> Range:
    """The two bounds at `argv[at]` and the options behind them (zrangeGenericCommand).

    `by` and `reverse` are what the command's name has decided: those options are then none.
    """
    low, high = argv[at], argv[at + 1]
    by_options = (b"BYSCORE", b"BYLEX") if not by else ()
    strict = client.server.dialect.range_bounds_come_first
    if strict:
        _find(client, low, high, by or b"BYRANK", reverse or False)
    words = client.command.options.words
    with_scores, offset, limit = False, 0, -1
    at += 2
    while at < len(argv):
        word = argv[at].upper()
        if strict and (word not in words or (with_scores and by not in (b"BYSCORE", b"BYLEX"))):
            raise CommandError(errors.SYNTAX_ERROR)
        if word == b"WITHSCORES" and not store:
            with_scores = True
        elif word == b"LIMIT" and at + 2 < len(argv):
            offset, limit = integer(argv[at + 1]), integer(argv[at + 2])
            at += 2
        elif word == b"REV" and reverse is None:
            reverse = True
        elif word in by_options:
            by, by_options = word, ()
        else:
            raise CommandError(errors.SYNTAX_ERROR)
        at += 1
    reverse = reverse or False
    by = by or b"BYRANK"
    if limit != -1 and by == b"BYRANK":
        raise CommandError("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
    if with_scores and by == b"BYLEX":
        raise CommandError("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
    find = _find(client, low, high, by, reverse)
    if by == b"BYRANK":
        return Range(find, reverse, with_scores, by_rank=True)

    def positions(members: SortedSet) -> tuple[int, int]:
        start, stop = find(members)
        from_end = offset < 0 and not members.small and client.server.dialect.negative_offsets_count_from_the_end
        return limited(start, stop, offset + stop - start if from_end else offset, limit, reverse)

    return Range(positions, reverse, with_scores)


def _find(client: Client, low: bytes, high: bytes, by: bytes, reverse: bool) -> Positions:
    """Where the members between two bounds are."""
    if by == b"BYRANK":
        start, stop = integer(low), integer(high)
        return lambda members: members.by_index(start, stop, reverse)
    if reverse:
        low, high = high, low
    if by == b"BYSCORE":
        return partial(SortedSet.by_score, range=score_range(client, low, high))
    return partial(SortedSet.by_lex, range=lex_range(low, high), reverse=reverse)


def _range(client: Client, argv: Argv, by: bytes = b"", reverse: bool | None = None) -> Reply:
    wanted = _parse_range(client, argv, 2, by, reverse)
    return wanted.of(client.db.sorted_set(argv[1]))


@command(
    "ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    flags="readonly",
    since="1.2.0",
    since_option=dict.fromkeys(("BYSCORE", "BYLEX", "REV", "LIMIT"), "6.2.0"),
)
def zrange(client: Client, argv: Argv) -> Reply:
    """The members of a range of ranks, scores or bytes."""
    return _range(client, argv)


@command("ZREVRANGE key start stop [WITHSCORES]", flags="readonly", since="1.2.0")
def zrevrange(client: Client, argv: Argv) -> Reply:
    """The members of a range of ranks, from the highest score down."""
    return _range(client, argv, b"BYRANK", True)


@command("ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]", flags="readonly", since="1.0.5")
def zrangebyscore(client: Client, argv: Argv) -> Reply:
    """The members of a range of scores."""
    return _range(client, argv, b"BYSCORE", False)


@command("ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]", flags="readonly", since="2.2.0")
def zrevrangebyscore(client: Client, argv: Argv) -> Reply:
    """The members of a range of scores, from the highest down."""
    return _range(client, argv, b"BYSCORE", True)


@command("ZRANGEBYLEX key min max [LIMIT offset count]", flags="readonly", since="2.8.9")
def zrangebylex(client: Client, argv: Argv) -> Reply:
    """The members of a range of bytes, all scores being the same."""
    return _range(client, argv, b"BYLEX", False)


@command("ZREVRANGEBYLEX key max min [LIMIT offset count]", flags="readonly", since="2.8.9")
def zrevrangebylex(client: Client, argv: Argv) -> Reply:
    """The members of a range of bytes, from the last to the first."""
    return _range(client, argv, b"BYLEX", True)


@command(
    "ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]", flags="write denyoom", since="6.2.0"
)
def zrangestore(client: Client, argv: Argv) -> Reply:
    """Store what ZRANGE would answer."""
    _, destination, source, *_ = argv
    wanted = _parse_range(client, argv, 3, store=True)
    members = client.db.sorted_set(source)
    pairs = members.pairs(*wanted.positions(members), wanted.reverse) if members else []
    stored = SortedSet(client.server.limits)
    # One after the other, so that a -0 which comes while the result is a listpack loses its sign.
    if (
        len(pairs) > client.server.limits.zset_max_listpack_entries
        if wanted.by_rank
        else client.server.dialect.stores_score_ranges_as_skiplists
    ):
        stored.become_skiplist()
    for member, score in pairs:
        stored.add(member, score)
    return _store(client, destination, stored, b"zrangestore")


@command("ZCOUNT key min max", flags="readonly fast", since="2.0.0")
def zcount(client: Client, argv: Argv) -> Reply:
    """The number of members in a range of scores."""
    _, key, low, high = argv
    scores = score_range(client, low, high)
    members = client.db.sorted_set(key)
    start, stop = members.by_score(scores) if members else (0, 0)
    return stop - start


@command("ZLEXCOUNT key min max", flags="readonly fast", since="2.8.9")
def zlexcount(client: Client, argv: Argv) -> Reply:
    """The number of members in a range of bytes."""
    _, key, low, high = argv
    lex = lex_range(low, high)
    members = client.db.sorted_set(key)
    start, stop = members.by_lex(lex) if members else (0, 0)
    return stop - start


@command("ZREMRANGEBYRANK key start stop", flags="write", since="2.0.0")
def zremrangebyrank(client: Client, argv: Argv) -> Reply:
    """Remove the members of a range of ranks."""
    _, _, start_text, stop_text = argv
    start, stop = integer(start_text), integer(stop_text)
    return _remove_range(client, argv, b"zremrangebyrank", lambda members: members.by_index(start, stop))


@command("ZREMRANGEBYSCORE key min max", flags="write", since="1.2.0")
def zremrangebyscore(client: Client, argv: Argv) -> Reply:
    """Remove the members of a range of scores."""
    _, _, low, high = argv
    scores = score_range(client, low, high)
    return _remove_range(client, argv, b"zremrangebyscore", lambda members: members.by_score(scores))


@command("ZREMRANGEBYLEX key min max", flags="write", since="2.8.9")
def zremrangebylex(client: Client, argv: Argv) -> Reply:
    """Remove the members of a range of bytes."""
    _, _, low, high = argv
    lex = lex_range(low, high)
    return _remove_range(client, argv, b"zremrangebylex", lambda members: members.by_lex(lex))


def _remove_range(client: Client, argv: Argv, event: bytes, positions: Positions) -> int:
    key = argv[1]
    members = client.db.for_write(key, SortedSet)
    removed = members.delete(*positions(members)) if members else 0
    if removed:
        client.db.shrunk(key, members, event, notify.ZSET)
    return removed


# The ends.


@command("ZPOPMIN key [count]", flags="write fast", since="5.0.0")
def zpopmin(client: Client, argv: Argv) -> Reply:
    """Take the members with the lowest scores."""
    return _pop(client, argv, highest=False)


@command("ZPOPMAX key [count]", flags="write fast", since="5.0.0")
def zpopmax(client: Client, argv: Argv) -> Reply:
    """Take the members with the highest scores."""
    return _pop(client, argv, highest=True)


def _pop(client: Client, argv: Argv, highest: bool) -> Reply:
    db, key = client.db, argv[1]
    if len(argv) > 3:
        raise CommandError(errors.SYNTAX_ERROR)
    if client.server.dialect.zpop_takes_negative_counts:
        count = max(integer(argv[2]), 0) if len(argv) == 3 else 1
        if not count:
            return []
    else:
        count = positive(argv[2]) if len(argv) == 3 else 1
    members = db.for_write(key, SortedSet)
    popped = _take(db, key, members, count, highest) if members and count else []
    if len(argv) == 3:
        return Pairs(popped)
    return list(popped[0]) if popped else []


def _take(db: Database, key: bytes, members: SortedSet, count: int, highest: bool) -> list[tuple[bytes, float]]:
    popped = members.pop(count, highest)
    db.shrunk(key, members, b"zpopmax" if highest else b"zpopmin", notify.ZSET)
    return popped


@command("ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]", flags="write", since="7.0.0")
def zmpop(client: Client, argv: Argv) -> Reply:
    """Take members from the first sorted set that has some."""
    keys, highest, count = keys_end_and_count(client, argv, 1, (b"MAX", b"MIN"))
    return _pop_first(client, keys, highest, count) or NULL_ARRAY


def _pop_first(client: Client, keys: list[bytes], highest: bool, count: int) -> Reply:
    """The first of `keys` that is there and up to `count` of its pairs; None if none is."""
    db = client.db
    for key in client.where_to_look(keys):
        members = db.for_write(key, SortedSet)
        if members is not None:
            popped = _take(db, key, members, count, highest)
            if client.reprocessing:
                client.undo = partial(_put_back, client, db, key, popped)
            return [key, list(map(list, popped))]
    return None


def _put_back(client: Client, db: Database, key: bytes, popped: list[tuple[bytes, float]]) -> None:
    """Nobody received what was taken: it returns, unless somebody has given the member a score since."""
    members = db.peek(key)
    if members is None:
        members = db.add(key, SortedSet(client.server.limits))
    elif type(members) is not SortedSet:
        return
    members = db.own(key, members)
    for member, score in popped:
        if member not in members:
            members.add(member, score)
    db.modified(key, b"zadd", notify.ZSET)


def is_sorted_set(value: object) -> bool:
    """What a client that waits for a sorted set wants."""
    return type(value) is SortedSet


@command("BZPOPMIN key [key ...] timeout", flags="write fast blocking noscript@before:7.2.0", since="5.0.0")
def bzpopmin(client: Client, argv: Argv) -> Reply:
    """Take the member with the lowest score of the first sorted set that has one, and wait if none has."""
    return _blocking_pop(client, argv, highest=False)


@command("BZPOPMAX key [key ...] timeout", flags="write fast blocking noscript@before:7.2.0", since="5.0.0")
def bzpopmax(client: Client, argv: Argv) -> Reply:
    """Take the member with the highest score of the first sorted set that has one, and wait if none has."""
    return _blocking_pop(client, argv, highest=True)


def _blocking_pop(client: Client, argv: Argv, highest: bool) -> Reply:
    _, *keys, timeout_text = argv
    timeout = timeout_ms(client, timeout_text)
    popped = _pop_first(client, keys, highest, 1)
    if popped is None:
        return client.server.blocking.block(client, argv, keys, timeout, is_sorted_set)
    key, ((member, score),) = popped
    return [key, member, score]


@command("BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]", flags="write blocking", since="7.0.0")
def bzmpop(client: Client, argv: Argv) -> Reply:
    """Take members from the first sorted set that has some, and wait if none has."""
    keys, highest, count = keys_end_and_count(client, argv, 2, (b"MAX", b"MIN"))
    timeout = timeout_ms(client, argv[1])
    popped = _pop_first(client, keys, highest, count)
    return popped or client.server.blocking.block(client, argv, keys, timeout, is_sorted_set)


# Several at once.


class Sources(NamedTuple):
    """`numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...] [WITHSCORES]`."""

    inputs: list[Scores]
    weights: list[float]
    aggregate: bytes
    with_scores: bool


def _parse_sources(client: Client, argv: Argv, at: int, *, weighted: bool = True, store: bool = False) -> Sources:
    """From numkeys at `argv[at]` on (zunionInterDiffGenericCommand, which looks at the keys before the options)."""
    inputs, at = _parse_inputs(client, argv, at)
    weights, aggregate, with_scores = [1.0] * len(inputs), b"SUM", False
    while at < len(argv):
        word = argv[at].upper()
        if word == b"WEIGHTS" and weighted and at + len(inputs) < len(argv):
            weights = [double(client, text, NOT_A_WEIGHT) for text in argv[at + 1 : at + 1 + len(inputs)]]
            at += len(inputs)
        elif word == b"AGGREGATE" and weighted and at + 1 < len(argv):
            aggregate = argv[at + 1].upper()
            if aggregate not in AGGREGATES:
                raise CommandError(errors.SYNTAX_ERROR)
            at += 1
        elif word == b"WITHSCORES" and not store:
            with_scores = True
        else:
            raise CommandError(errors.SYNTAX_ERROR)
        at += 1
    return Sources(inputs, weights, aggregate, with_scores)


def _parse_inputs(client: Client, argv: Argv, at: int) -> tuple[list[Scores], int]:
    """The scores of each key (1 for the members of a set), and where the options begin."""
    numkeys = integer(argv[at])
    if numkeys < 1:
        raise CommandError(client.server.dialect.no_input_keys(client.command.name))
    at += 1
    if numkeys > len(argv) - at:
        raise CommandError(errors.SYNTAX_ERROR)
    return [_scores_of(client.db.lookup(key)) for key in argv[at : at + numkeys]], at + numkeys


def _scores_of(value: object) -> Scores:
    if value is None:
        return {}
    if type(value) is SortedSet:
        return value.scores()
    if type(value) is Set:
        return dict.fromkeys(value, 1.0)
    raise CommandError(errors.WRONGTYPE)


NOT_A_WEIGHT = "ERR weight value is not a float"


def _sum(first: float, second: float) -> float:
    """The infinities cancel each other out."""
    total = first + second
    return 0.0 if math.isnan(total) else total


AGGREGATES: dict[bytes, Callable[[float, float], float]] = {b"SUM": _sum, b"MIN": min, b"MAX": max}


def _weighted(scores: Scores, weight: float) -> Scores:
    if weight == 1.0:
        return scores
    return {member: 0.0 if math.isnan(score * weight) else score * weight for member, score in scores.items()}


def _union(sources: Sources) -> Scores:
    aggregate = AGGREGATES[sources.aggregate]
    union: Scores = {}
    # From the smallest to the largest: sums of doubles depend on the order.
    for scores, weight in sorted(zip(sources.inputs, sources.weights), key=lambda source: len(source[0])):
        for member, score in _weighted(scores, weight).items():
            union[member] = aggregate(union[member], score) if member in union else score
    return union


def _intersection(sources: Sources) -> Scores:
    aggregate = AGGREGATES[sources.aggregate]
    (smallest, weight), *others = sorted(zip(sources.inputs, sources.weights), key=lambda source: len(source[0]))
    found = dict(_weighted(smallest, weight))
    for scores, weight in others:
        # Unlike ZUNION, ZINTER hands `inf * 0` to the aggregate as it is.
        found = {
            member: aggregate(score, scores[member] * weight) for member, score in found.items() if member in scores
        }
    return found


def _difference(sources: Sources) -> Scores:
    first, *others = sources.inputs
    return {member: score for member, score in first.items() if not any(member in scores for scores in others)}


def _in_order(scores: Scores, sources: Sources) -> Reply:
    pairs = sorted(scores.items(), key=lambda pair: (pair[1], pair[0]))
    return Pairs(pairs) if sources.with_scores else [member for member, _ in pairs]


def store_scores(client: Client, destination: bytes, scores: Scores, event: bytes) -> int:
    """`_store` of a sorted set with these scores."""
    return _store(client, destination, SortedSet.loaded(scores, client.server.limits), event)


def _store_combined(client: Client, destination: bytes, scores: Scores, event: bytes) -> int:
    """`store_scores`, for ZUNIONSTORE and ZINTERSTORE."""
    stored = store_scores(client, destination, scores, event)
    if stored and client.server.dialect.unions_delete_what_was_there:
        client.db.signal_ready(destination)
    return stored


def _store(client: Client, destination: bytes, made: SortedSet, event: bytes) -> int:
    """The result takes the place of whatever `destination` held; an empty one leaves nothing there."""
    if made:
        client.db.put(destination, made)
        client.db.modified(destination, event, notify.ZSET)
    else:
        client.db.delete(destination)
    return len(made)


@command(
    "ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
    flags="readonly",
    since="6.2.0",
)
def zunion(client: Client, argv: Argv) -> Reply:
    """The members that any of these sorted sets has, with combined scores."""
    sources = _parse_sources(client, argv, 1)
    return _in_order(_union(sources), sources)


@command(
    "ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
    flags="readonly",
    since="6.2.0",
)
def zinter(client: Client, argv: Argv) -> Reply:
    """The members that all of these sorted sets have, with combined scores."""
    sources = _parse_sources(client, argv, 1)
    return _in_order(_intersection(sources), sources)


@command("ZDIFF numkeys key [key ...] [WITHSCORES]", flags="readonly", since="6.2.0")
def zdiff(client: Client, argv: Argv) -> Reply:
    """The members of the first sorted set that none of the others has."""
    sources = _parse_sources(client, argv, 1, weighted=False)
    return _in_order(_difference(sources), sources)


@command(
    "ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
    flags="write denyoom",
    since="2.0.0",
)
def zunionstore(client: Client, argv: Argv) -> Reply:
    """Store what ZUNION would answer."""
    sources = _parse_sources(client, argv, 2, store=True)
    return _store_combined(client, argv[1], _union(sources), b"zunionstore")


@command(
    "ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
    flags="write denyoom",
    since="2.0.0",
)
def zinterstore(client: Client, argv: Argv) -> Reply:
    """Store what ZINTER would answer."""
    sources = _parse_sources(client, argv, 2, store=True)
    return _store_combined(client, argv[1], _intersection(sources), b"zinterstore")


@command("ZDIFFSTORE destination numkeys key [key ...]", flags="write denyoom", since="6.2.0")
def zdiffstore(client: Client, argv: Argv) -> Reply:
    """Store what ZDIFF would answer."""
    sources = _parse_sources(client, argv, 2, weighted=False, store=True)
    return store_scores(client, argv[1], _difference(sources), b"zdiffstore")


@command("ZINTERCARD numkeys key [key ...] [LIMIT limit]", flags="readonly", since="7.0.0")
def zintercard(client: Client, argv: Argv) -> Reply:
    """The number of members that ZINTER would answer, counted up to a limit."""
    inputs, at = _parse_inputs(client, argv, 1)
    limit = 0
    for _, text in client.command.options.each(argv, at):
        limit = positive(text, "ERR LIMIT can't be negative")
    smallest, *others = sorted(inputs, key=len)
    found: Iterable[bytes] = smallest
    for other in others:
        found = filter(other.__contains__, found)
    return sum(1 for _ in islice(found, limit or None))


@command("ZRANDMEMBER key [count [WITHSCORES]]", flags="readonly", since="6.2.0")
def zrandmember(client: Client, argv: Argv) -> Reply:
    """Random members; a negative count may give the same one several times."""
    key, chance = argv[1], client.server.random
    if len(argv) == 2:
        members = client.db.sorted_set(key)
        return members.choice(chance) if members else None
    count, with_scores = random_count(argv, b"WITHSCORES")
    members = client.db.sorted_set(key)
    if not members:
        return []
    if count >= len(members):  # the whole set comes from its end (zuiInitIterator)
        pairs = members.pairs(0, len(members), reverse=True)
        return Pairs(pairs) if with_scores else [member for member, _ in pairs]
    chosen = members.random(count, chance)
    return Pairs([member, members.score(member)] for member in chosen) if with_scores else chosen


@command(
    "ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]",
    flags="readonly",
    since="2.8.0",
    since_option={"NOSCORES": "valkey=8.0.0"},
)
def zscan(client: Client, argv: Argv) -> Reply:
    """One step through the members of a sorted set."""
    cursor = scan_cursor(client, argv[2])
    members = client.db.sorted_set(argv[1])
    if members is None:
        return [b"0", []]
    next_cursor, found = scan_step(client, argv, cursor, members)
    if "NOSCORES" in client.command.options.parse(argv, 3):
        return [next_cursor, list(found)]
    scores = members.scores()
    integers = members.small and client.server.dialect.small_scores_are_integers
    text = partial(_listpack_score, client) if integers else format_double_17g
    return [next_cursor, [word for member in found for word in (member, text(scores[member]))]]


def _listpack_score(client: Client, score: float) -> bytes:
    """ZSCAN shows what stands in the listpack, where whole numbers are integers; elsewhere it prints 17 digits."""
    if abs(score) <= 2.0**62 and score.is_integer():
        return b"%d" % score
    return client.server.dialect.format_double(score)

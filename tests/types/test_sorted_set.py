"""SortedSet against a sorted list of tuples, and its encodings against real servers."""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, inf
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types import score_order
from redouble.types.limits import Limits
from redouble.types.sorted_set import LexRange, ScoreRange, SortedSet, limited

SERVERS = {"redis-6.2": (6, 2), "redis-7.0": (7, 0), "redis-7.4": (7, 4), "redis-8.6": (8, 6), "valkey-9": (9, 0)}

members = st.sampled_from([b"%c%c" % (a, b) for a in b"abc\x00\xff" for b in b"abcdefg\xfe"])
scores = st.sampled_from([0.0, -0.0, 1.0, 1.5, 2.0, -3.0, 1e300, inf, -inf])
bounds = st.sampled_from([b"-", b"+", b"[ac", b"(ac", b"[c", b"(c", b"[", b"(", b"[\xff\xff", b"(b"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), members, scores),
        st.tuples(st.just("add"), members, scores),
        st.tuples(st.just("remove"), members),
        st.tuples(st.just("delete"), st.integers(0, 60), st.integers(0, 60)),
        st.tuples(st.just("pop"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("copy")),
        st.tuples(st.just("load")),
        st.tuples(st.just("scan")),
    ),
    min_size=30,
    max_size=150,
)


@pytest.fixture(autouse=True)
def tiny_blocks(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "large" not in request.node.name:
        monkeypatch.setattr(score_order, "_MOST", 6)
        monkeypatch.setattr(score_order, "_LEAST", 3)


def in_range(score: float, wanted: ScoreRange) -> bool:
    low = score > wanted.min if wanted.min_open else score >= wanted.min
    return low and (score < wanted.max if wanted.max_open else score <= wanted.max)


def compare(ours: SortedSet, model: list[tuple[float, bytes]]) -> None:
    ours.check()
    assert len(ours) == len(model)
    assert [(score, member) for member, score in ours.pairs(0, len(ours))] == model
    assert list(ours) == [member for _, member in model]
    for rank, (score, member) in enumerate(model):
        assert ours.rank(member) == rank
        assert ours.rank(member, reverse=True) == len(model) - 1 - rank
        assert ours.score(member) == score


@given(steps, st.sampled_from([0, 4, 1000]), st.data())
def test_a_sorted_set_is_a_sorted_list(some: list[tuple[Any, ...]], most: int, data: st.DataObject) -> None:
    limits = Limits(zset_max_listpack_entries=most)
    ours, model = SortedSet(limits), dict[bytes, float]()
    for name, *arguments in some:
        order = sorted((score, member) for member, score in model.items())
        if name == "add":
            member, score = arguments
            assert ours.add(member, score) == (member not in model)
            model[member] = score
        elif name == "remove":
            assert ours.remove(*arguments) == (model.pop(*arguments, None) is not None)
        elif name == "delete":
            start, stop = arguments
            doomed = order[start:stop]
            assert ours.delete(start, min(stop, len(order))) == len(doomed)
            for _, member in doomed:
                del model[member]
        elif name == "pop":
            count, reverse = arguments
            expected = (order[::-1] if reverse else order)[:count]
            assert ours.pop(count, reverse) == [(member, score) for score, member in expected]
            for _, member in expected:
                del model[member]
        elif name == "copy":
            ours = ours.copy()
        elif name == "load":
            ours = SortedSet.loaded(model, limits)
        elif model:
            assert ours.choice(Random(1)) in model
    order = sorted((score, member) for member, score in model.items())
    compare(ours, order)
    assert ours.rank(b"nobody") is None

    reverse = data.draw(st.booleans())
    start, stop = data.draw(st.integers(-50, 50)), data.draw(st.integers(-50, 50))
    walked = order[::-1] if reverse else order
    first = max(start + len(order), 0) if start < 0 else start
    last = stop + len(order) if stop < 0 else stop
    expected_members = [member for i, (_, member) in enumerate(walked) if first <= i <= last]
    assert ours.members(*ours.by_index(start, stop, reverse), reverse) == expected_members

    wanted = ScoreRange(data.draw(scores), data.draw(scores), data.draw(st.booleans()), data.draw(st.booleans()))
    offset, count = data.draw(st.integers(-1, 9)), data.draw(st.integers(-1, 9))
    found = [(member, score) for score, member in walked if in_range(score, wanted)]
    positions = ours.by_score(wanted)
    assert positions[1] - positions[0] == len(found)
    assert ours.pairs(*positions, reverse) == found
    taken = [] if offset < 0 else found[offset:][: count if count >= 0 else None]
    assert ours.pairs(*limited(*positions, offset, count, reverse), reverse) == taken


@given(st.lists(members, min_size=9), bounds, bounds, st.sampled_from([0, 1000]))
def test_lexical_ranges_of_one_score(some: list[bytes], low: bytes, high: bytes, most: int) -> None:
    ours = SortedSet.loaded(dict.fromkeys(some, 2.0), Limits(zset_max_listpack_entries=most))
    wanted = LexRange(low, high)
    assert wanted.is_valid()
    expected = [member for member in sorted(set(some)) if wanted.above_min(member) and wanted.below_max(member)]
    assert ours.members(*ours.by_lex(wanted)) == expected
    assert ours.members(*ours.by_lex(wanted, reverse=True), reverse=True) == expected[::-1]


def test_bounds_of_lexical_ranges() -> None:
    for bad in (b"", b"a", b"--", b"++", b"-a", b" ["):
        assert not LexRange(bad, b"+").is_valid()
        assert not LexRange(b"-", bad).is_valid()


def test_a_large_one() -> None:
    chance = Random(3)
    ours, model = SortedSet(), dict[bytes, float]()
    for i in range(30_000):
        member = b"%d" % chance.randrange(12_000)
        if chance.random() < 0.75:
            score = float(chance.randrange(500))
            ours.add(member, score)
            model[member] = score
        else:
            assert ours.remove(member) == (model.pop(member, None) is not None)
        if i % 5000 == 4999:
            ours.check()
            start = chance.randrange(len(ours))
            stop = min(len(ours), start + chance.choice([10, 1500, 4000]))
            for doomed in ours.members(start, stop):
                del model[doomed]
            ours.delete(start, stop)
            compare(ours, sorted((score, member) for member, score in model.items()))
    cursor, seen = ours.scan(0, 100)
    while cursor:
        cursor, found = ours.scan(cursor, 100)
        seen += found
    assert set(seen) == set(model)
    ours.delete(10, len(ours))
    assert len(ours) == 10
    ours.check()
    ours.delete(0, 10)
    assert list(ours) == []
    ours.check()


def test_a_listpack_has_no_minus_zero() -> None:
    for limits, sign in ((Limits.of_redis((7, 0)), 1.0), (Limits.of_redis((6, 2)), -1.0)):
        ours = SortedSet(limits)
        ours.add(b"a", -0.0)
        score = ours.score(b"a")
        assert score is not None
        assert copysign(1.0, score) == sign
        loaded = SortedSet.loaded({b"a": -0.0}, limits).score(b"a")
        assert loaded is not None
        assert copysign(1.0, loaded) == sign


def test_a_small_set_of_several_scores_walks_to_a_lexical_range() -> None:
    ours = SortedSet.loaded({b"c": 1.0, b"a": 2.0, b"d": 3.0, b"b": 4.0})
    # `ZADD z 1 c 2 a 3 d 4 b`, then ZRANGEBYLEX z [b [c and ZREVRANGEBYLEX z [c [b
    assert ours.members(*ours.by_lex(LexRange(b"[b", b"[c"))) == [b"c", b"a"]
    assert ours.members(*ours.by_lex(LexRange(b"[b", b"[c"), reverse=True), reverse=True) == [b"b", b"d"]
    assert ours.by_lex(LexRange(b"[x", b"+")) == (0, 0)
    assert ours.by_lex(LexRange(b"(c", b"(c")) == ours.by_lex(LexRange(b"+", b"-")) == (0, 0)


def test_encodings() -> None:
    now, old = Limits.of_redis((8, 6)), Limits.of_redis((7, 0))
    for limits in (now, old):
        ours = SortedSet(limits)
        ours.expect(129)
        ours.add(b"a", 1.0)
        assert ours.encoding() == (b"skiplist" if limits is now else b"listpack")
        ours = SortedSet.loaded({b"%d" % i: 1.0 for i in range(128)}, limits)
        assert ours.encoding() == b"listpack"
        ours.add(b"one more", 1.0)
        ours.remove(b"one more")
        assert ours.encoding() == b"skiplist"
        assert SortedSet.loaded(ours.scores(), limits).encoding() == b"listpack"
        assert SortedSet.loaded({b"a" * 65: 1.0}, limits).encoding() == b"skiplist"
    assert SortedSet(Limits.of_redis((6, 2))).encoding() == b"ziplist"


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
def test_encodings_and_lexical_ranges_are_the_real_ones(real: Callable[..., Any], name: str) -> None:
    ask = real(name)
    chance = Random(name)
    limits = Limits.of_redis(SERVERS[name])
    pool = [b"a", b"ab", b"b", b"bcd", b"c", b"d", b"efghij", b"f", b"g", b""]
    ends = [b"-", b"+", b"[b", b"(b", b"[c", b"(d", b"[a", b"[zz", b"(", b"["]
    for _ in range(60):
        for option in ("entries", "value"):
            setattr(limits, f"zset_max_listpack_{option}", chance.choice([0, 1, 2, 3, 5, 8, 64]))
            ask("CONFIG", "SET", f"zset-max-ziplist-{option}", getattr(limits, f"zset_max_listpack_{option}"))
        ask("DEL", "z")
        ours = SortedSet(limits)
        for _ in range(15):
            kind = chance.randrange(6)
            if kind == 0:
                limits.zset_max_listpack_entries = chance.choice([1, 3, 6, 9])
                ask("CONFIG", "SET", "zset-max-ziplist-entries", limits.zset_max_listpack_entries)
            if kind < 4:
                pairs = [(chance.choice(pool), float(chance.randrange(3))) for _ in range(chance.choice([1, 1, 2, 4]))]
                ours.expect(len(pairs))
                added = sum([ours.add(*pair) for pair in pairs])
                assert ask("ZADD", "z", *[word for member, score in pairs for word in (score, member)]) == added
            else:
                member = chance.choice(pool)
                assert ask("ZREM", "z", member) == ours.remove(member)
            if not len(ours):
                ours = SortedSet(limits)
                continue
            ours.check()
            assert ours.encoding() == ask("OBJECT", "ENCODING", "z")
            assert list(ours) == ask("ZRANGE", "z", 0, -1)
            if ours.small:  # of several scores, that is: a skiplist's answer is then a matter of chance
                low, high = chance.choice(ends), chance.choice(ends)
                wanted = LexRange(low, high)
                assert ours.members(*ours.by_lex(wanted)) == ask("ZRANGEBYLEX", "z", low, high)
                start, stop = ours.by_lex(wanted)
                assert stop - start == ask("ZLEXCOUNT", "z", low, high)
                reversed_range = ours.by_lex(wanted, reverse=True)
                assert ours.members(*reversed_range, True) == ask("ZREVRANGEBYLEX", "z", high, low)
            ask("ZUNIONSTORE", "d", 1, "z")
            assert SortedSet.loaded(ours.scores(), limits).encoding() == ask("OBJECT", "ENCODING", "d")

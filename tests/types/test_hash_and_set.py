"""Hash and Set against dict and set, and their encodings against real servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types import hash as hashes
from redouble.types.hash import Hash
from redouble.types.limits import Limits
from redouble.types.set import Set

SERVERS = {"redis-7.0": (7, 0), "redis-7.4": (7, 4), "redis-8.6": (8, 6), "valkey-9": (9, 0)}

words = st.sampled_from([b"a", b"b", b"c", b"d", b"1", b"2", b"-3", b"007", b"x" * 20])
limits = st.builds(
    Limits,
    hash_max_listpack_entries=st.integers(0, 4),
    hash_max_listpack_value=st.sampled_from([0, 3, 64]),
    set_max_intset_entries=st.integers(0, 4),
    set_max_listpack_entries=st.integers(0, 6),
    set_max_listpack_value=st.sampled_from([0, 2, 64]),
    small_sets_are_listpacks=st.booleans(),
    arguments_count=st.booleans(),
)


@given(
    st.lists(st.tuples(st.sampled_from(["set", "update", "delete", "scan", "copy"]), words, words), min_size=8), limits
)
def test_a_hash_is_a_dict(steps: list[tuple[str, bytes, bytes]], some: Limits) -> None:
    ours, model = Hash(some), dict[bytes, bytes]()
    chance = Random(1)
    for name, field, value in steps:
        before = len(model)
        if name == "set":
            model[field] = value
            assert ours.set(field, value) == (len(model) > before)
        elif name == "update":
            model.update({field: value, value: b"v"})
            assert ours.update([field, value, value, b"v"]) == len(model) - before
        elif name == "delete":
            assert ours.delete(field) == (model.pop(field, None) is not None)
        elif name == "scan" and model:
            assert ours.choice(chance) in model
            assert len(set(ours.sample(3, chance))) == min(3, len(model))
        elif name == "copy":
            ours = ours.copy()
        ours.check()
        assert ours.get(field) == model.get(field)
        assert (field in ours) == (field in model)
        assert dict(ours.items()) == model
    if ours.small:
        assert ours.scan(0, 1) == (0, list(model))
        assert list(ours) == list(model)
        assert list(ours.values()) == list(model.values())


set_steps = st.tuples(st.sampled_from(["add", "update", "discard", "pop", "pop_many", "copy"]), words, words)


@given(st.lists(set_steps, min_size=8), limits)
def test_a_set_is_a_set(steps: list[tuple[str, bytes, bytes]], some: Limits) -> None:
    ours, model = Set(some), set[bytes]()
    chance = Random(1)
    for name, member, other in steps:
        before = len(model)
        if name == "add":
            model.add(member)
            assert ours.add(member) == (len(model) > before)
        elif name == "update":
            model |= {member, other}
            assert ours.update([member, other, member]) == len(model) - before
        elif name == "discard":
            assert ours.discard(member) == (member in model)
            model.discard(member)
        elif name == "pop" and model:
            model.remove(ours.pop(chance))
        elif name == "pop_many":
            popped = ours.pop_many(len(member), chance)
            assert len(popped) == min(len(member), before)
            assert model.issuperset(popped)
            model.difference_update(popped)
        elif name == "copy":
            ours = ours.copy()
        if not model:
            ours = Set(some)  # an empty set is no key
        if chance.random() < 0.5:
            ours.check()  # which looks, and looking sorts an intset
        assert (member in ours) == (member in model)
        assert ours.keys() == model
        assert ours.keys() & {member, other} == model & {member, other}
        if chance.random() < 0.5:
            continue
        assert sorted(Set.union(ours, some)) == sorted(Set.intersection(ours, some)) == sorted(model)
    if ours.small:
        assert ours.scan(0, 1) == (0, list(ours))


def test_a_large_set_is_scanned_in_steps() -> None:
    ours = Set()
    ours.update([b"m%d" % i for i in range(1000)])
    cursor, seen = ours.scan(0, 10)
    assert cursor
    assert len(seen) == 10
    while cursor:
        ours.discard(b"m%d" % (cursor // 2))
        cursor, found = ours.scan(cursor, 10)
        seen += found
    assert ours.keys() <= set(seen)
    ours.check()


def test_encodings() -> None:
    """As `OBJECT ENCODING` says on Redis 8.6 and on 7.0."""

    def encoding(limits: Limits, *commands: list[bytes]) -> bytes:
        ours = Set(limits)
        for command in commands:
            ours.update(command)
        return ours.encoding()

    now, old = Limits.of_redis((8, 6)), Limits.of_redis((7, 0))
    numbers = [b"%d" % i for i in range(600)]
    assert encoding(now, numbers[:512]) == encoding(old, numbers[:512]) == b"intset"
    assert encoding(now, numbers[:512], numbers[512:513]) == encoding(old, numbers[:513]) == b"hashtable"
    assert encoding(now, numbers[:127], [b"a"]) == b"listpack"
    assert encoding(now, numbers[:128], [b"a"]) == encoding(old, [b"1", b"a"]) == b"hashtable"
    assert encoding(now, [b"a"] * 128) == b"listpack"
    assert encoding(now, [b"a"] * 129) == b"hashtable"
    assert encoding(old, [b"1"] * 513) == b"intset"
    assert encoding(now, [b"1"] * 513) == encoding(now, [b"1"], [b"1"] * 513) == b"hashtable"
    assert encoding(now, [b"a" * 65]) == b"hashtable"
    for limits, small in ((now, b"listpack"), (old, b"listpack"), (Limits.of_redis((6, 2)), b"ziplist")):
        fields = Hash(limits)
        assert fields.update([b"f", b"v"] * 513) == 1
        assert fields.encoding() == (b"hashtable" if limits is now else small)
        fields = Hash(limits)
        fields.update([word for number in numbers[:512] for word in (number, b"v")])
        assert fields.encoding() == small
        fields.set(b"one more", b"v")
        fields.delete(b"one more")
        assert fields.encoding() == b"hashtable"
        fields = Hash(limits)
        fields.update([b"f", b"v" * 65, b"g", b"v"])
        assert fields.encoding() == b"hashtable"
    ours = Set(now)
    ours.update(numbers)
    ours.pop_many(550, Random(1))
    assert ours.encoding() == b"listpack"


def test_spop_is_fair() -> None:
    chance = Random(5)
    counts: Counter[bytes] = Counter()
    for _ in range(5000):
        ours = Set()
        ours.update([b"%d" % i for i in range(5)])
        counts[ours.pop(chance)] += 1
    assert sum((n - 1000) ** 2 / 1000 for n in counts.values()) < 18.5  # 4 degrees of freedom, 0.1 %


def configure(ask: Callable[..., Any], chance: Random, limits: Limits, prefix: str) -> None:
    names = [name for name in Limits.__slots__ if name.startswith(prefix) and name != "list_max_listpack_size"]
    for name in names:
        if name.startswith("set_max_listpack") and not limits.small_sets_are_listpacks:
            continue
        setattr(limits, name, chance.choice([1, 2, 3, 4, 6, 10]))
        ask("CONFIG", "SET", name.replace("_", "-"), getattr(limits, name))


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
def test_encodings_of_sets_are_the_real_ones(real: Callable[..., Any], name: str) -> None:
    ask = real(name)
    chance = Random(name)
    some = Limits.of_redis(SERVERS[name])
    members = [b"a", b"bb", b"ccc", b"dddd", b"7", b"-5", b"12", b"1000", b"3", b"99999", b"01", b"e", b"f", b"8", b"9"]
    for _ in range(60):
        configure(ask, chance, some, "set")
        ask("DEL", "s")
        ours = Set(some)
        history = [repr(some)]
        mixed = chance.random() < 0.6
        pool = chance.sample(members, 9) if mixed else [b"%d" % i for i in range(-5, 8)]
        for _ in range(25):
            kind = chance.randrange(8)
            if kind == 0:
                configure(ask, chance, some, "set")
                history.append(repr(some))
            if kind < 5:
                new = chance.choices(pool, k=chance.choice([1, 1, 2, 3, 7]))
                history.append(f"SADD {new}")
                assert ask("SADD", "s", *new) == ours.update(new), history
            elif kind < 7:
                doomed = chance.choice(pool)
                history.append(f"SREM {doomed!r}")
                assert ask("SREM", "s", doomed) == ours.discard(doomed)
            elif len(ours):
                member = ask("SPOP", "s")
                history.append(f"SPOP -> {member}")
                assert ours.discard(member)
            if not len(ours):
                ours = Set(some)
                continue
            ours.check()
            assert ours.encoding() == ask("OBJECT", "ENCODING", "s"), history
            if ours.small:
                assert list(ours) == ask("SSCAN", "s", 0)[1], history
            ask("DEL", "d")
            ask("SUNIONSTORE", "d", "s")
            if not ours.small and mixed:
                continue  # the order of a hashtable decides
            assert Set.union(ours, some).encoding() == ask("OBJECT", "ENCODING", "d"), history
            ask("SINTERSTORE", "d", "s", "s")
            if ours.encoding() != b"intset":  # an intset's own intersection begins as one
                assert Set.intersection(ours, some).encoding() == ask("OBJECT", "ENCODING", "d"), history


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(("left", "integers"), [(100, False), (120, True), (140, False), (140, True), (190, False)])
def test_spop_may_make_a_hashtable_small(real: Callable[..., Any], name: str, left: int, integers: bool) -> None:
    ask = real(name)
    for option, value in (("intset-entries", 512), ("listpack-entries", 128), ("listpack-value", 64)):
        if name != "redis-7.0" or option == "intset-entries":
            ask("CONFIG", "SET", f"set-max-{option}", value)
    members = [b"%s%d" % (b"" if integers else b"m", i) for i in range(1000)]
    ours = Set(Limits.of_redis(SERVERS[name]))
    ask("DEL", "s")
    ask("SADD", "s", *members)
    ours.update(members)
    ask("SPOP", "s", 1000 - left)
    ours.pop_many(1000 - left, Random(1))
    ours.check()
    assert ours.encoding() == ask("OBJECT", "ENCODING", "s")


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
def test_encodings_of_hashes_are_the_real_ones(real: Callable[..., Any], name: str) -> None:
    ask = real(name)
    chance = Random(name)
    some = Limits.of_redis(SERVERS[name])
    pool = [b"a", b"bb", b"ccc", b"dddd", b"7", b"e", b"f", b"gg"]
    for _ in range(60):
        configure(ask, chance, some, "hash")
        ask("DEL", "h")
        ours = Hash(some)
        for _ in range(20):
            kind = chance.randrange(7)
            if kind == 0:
                configure(ask, chance, some, "hash")
            if kind < 4:
                new = chance.choices(pool, k=2 * chance.choice([1, 1, 2, 5]))
                assert ask("HSET", "h", *new) == ours.update(new)
            elif kind == 4:
                field = chance.choice(pool)
                if field not in ours:
                    ours.set(field, b"%d" % ask("HINCRBY", "h", field, 5))
            else:
                field = chance.choice(pool)
                assert ask("HDEL", "h", field) == ours.delete(field)
            if not len(ours):
                ours = Hash(some)
                continue
            ours.check()
            assert ours.encoding() == ask("OBJECT", "ENCODING", "h")
            if ours.small:
                pairs = [word for pair in ours.items() for word in pair]
                assert ask("HSCAN", "h", 0) == [b"0", pairs]


def test_hashes_share_the_names_of_their_fields_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "MOST_NAMES", 10)
    fields = [Hash() for _ in range(50)]
    for number, each in enumerate(fields):
        each.update([bytes(bytearray(b"name")), b"x", b"other %d" % number, b"x"])
        each.set(bytes(bytearray(b"mail")), b"x")
    for name in (b"name", b"mail"):
        assert len({id(next(field for field in each if field == name)) for each in fields}) <= 15
    assert len(hashes._names) < 15
    Hash().update([b"long" * 1000, b"x"])
    assert b"long" * 1000 not in hashes._names

"""List against a plain Python list, and against real servers' OBJECT ENCODING."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types.limits import Limits
from redouble.types.list import List
from redouble.types.listpack_size import entry_size, listpack_size

SINCE_7_2 = ["redis-7.4", "redis-8.6", "valkey-9"]

values = st.sampled_from([b"a", b"b", b"c", b"", b"12", b"-70000", b"x" * 100, b"y" * 5000, b"z" * 9000])
indexes = st.integers(-12, 12)
operations = st.one_of(
    st.tuples(st.just("lpush"), st.lists(values, min_size=1, max_size=12)),
    st.tuples(st.just("rpush"), st.lists(values, min_size=1, max_size=12)),
    st.tuples(st.sampled_from(["lpop", "rpop"])),
    st.tuples(st.sampled_from(["lpop_many", "rpop_many"]), st.integers(0, 9)),
    st.tuples(st.just("move"), st.booleans(), st.booleans()),
    st.tuples(st.just("set"), indexes, values),
    st.tuples(st.just("insert"), values, values, st.booleans()),
    st.tuples(st.just("remove"), st.integers(-3, 3), values),
    st.tuples(st.just("trim"), indexes, indexes),
    st.tuples(st.just("copy")),
)


class Model:
    """The dumbest list there is."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def lpush(self, new: list[bytes]) -> int:
        for value in new:
            self.values.insert(0, value)
        return len(self.values)

    def rpush(self, new: list[bytes]) -> int:
        self.values.extend(new)
        return len(self.values)

    def lpop(self) -> bytes:
        return self.values.pop(0)

    def rpop(self) -> bytes:
        return self.values.pop()

    def lpop_many(self, count: int) -> list[bytes]:
        return [self.lpop() for _ in range(min(count, len(self.values)))]

    def rpop_many(self, count: int) -> list[bytes]:
        return [self.rpop() for _ in range(min(count, len(self.values)))]

    def move(self, from_left: bool, to_left: bool) -> bytes:
        value = self.lpop() if from_left else self.rpop()
        self.values.insert(0 if to_left else len(self.values), value)
        return value

    def set(self, index: int, value: bytes) -> bool:
        try:
            self.values[index] = value
        except IndexError:
            return False
        return True

    def insert(self, pivot: bytes, value: bytes, after: bool) -> bool:
        if pivot not in self.values:
            return False
        self.values.insert(self.values.index(pivot) + after, value)
        return True

    def remove(self, count: int, value: bytes) -> int:
        removed = 0
        if count < 0:
            self.values.reverse()
        while value in self.values and (not count or removed < abs(count)):
            self.values.remove(value)
            removed += 1
        if count < 0:
            self.values.reverse()
        return removed

    def slice(self, start: int, stop: int) -> list[bytes]:
        length = len(self.values)
        start = max(start + length if start < 0 else start, 0)
        stop = stop + length if stop < 0 else stop
        return [value for i, value in enumerate(self.values) if start <= i <= stop]

    def trim(self, start: int, stop: int) -> int:
        before = len(self.values)
        self.values = self.slice(start, stop)
        return before - len(self.values)

    def positions(self, value: bytes, rank: int, count: int, maxlen: int) -> list[int]:
        order = list(enumerate(self.values))
        if rank < 0:
            order.reverse()
        found = [i for i, other in order[: maxlen or None] if other == value][abs(rank) - 1 :]
        return found[: count or None]


@given(st.lists(operations, min_size=20, max_size=60), st.sampled_from([-2, -1, 3, 8]), st.booleans(), st.data())
def test_a_list_is_a_list(steps: list[tuple[Any, ...]], fill: int, tracked: bool, data: st.DataObject) -> None:
    limits = Limits(list_max_listpack_size=fill, small_lists_are_listpacks=tracked)
    ours, model = List(limits), Model()
    for name, *arguments in steps:
        if name == "copy":
            ours = ours.copy()
        elif name in ("lpop", "rpop", "move") and not model.values:
            continue
        else:
            assert getattr(ours, name)(*arguments) == getattr(model, name)(*arguments), name
        ours.check()
        assert len(ours) == len(model.values)
        assert list(ours) == model.values
    start, stop, maxlen = data.draw(indexes), data.draw(indexes), data.draw(st.integers(0, 9))
    assert ours.slice(start, stop) == model.slice(start, stop)
    assert ours.index(start) == (model.values[start] if -len(ours) <= start < len(ours) else None)
    for rank in (1, 2, -1, -3):
        for count in (0, 1, 2):
            assert ours.positions(b"a", rank, count, maxlen) == model.positions(b"a", rank, count, maxlen)


def test_many_pushes_and_pops_at_either_end() -> None:
    chance = Random(7)
    ours, model = List(), Model()
    for _ in range(300):
        left = chance.random() < 0.5
        count = chance.randrange(1, 200)
        if chance.random() < 0.5:
            new = [b"%d" % chance.randrange(1000) for _ in range(count)]
            (ours.lpush if left else ours.rpush)(new)
            (model.lpush if left else model.rpush)(new)
        else:
            for _ in range(min(count, len(ours))):
                assert (ours.lpop if left else ours.rpop)() == (model.lpop if left else model.rpop)()
        assert list(ours) == model.values
        ours.check()


def test_before_7_2_every_list_is_a_quicklist() -> None:
    assert List(Limits.of_redis((7, 0)), [b"a"]).encoding() == b"quicklist"
    assert List(Limits.of_redis((7, 4)), [b"a"]).encoding() == b"listpack"


ALPHABET = [b"a", b"12", b"-70000", b"", b"x" * 60, b"y" * 300, b"z" * 2000, b"w" * 4090, b"v" * 4097, b"u" * 8190]
ALPHABET += [b"t" * 9000]
FILLS = [-2, -1, 1, 4, 20, 0]


def random_step(chance: Random, ours: List, some: list[bytes]) -> list[Any]:
    """Change the list at random; the command that does the same."""
    if chance.random() < 0.5 or not len(ours):
        new = chance.choices(some, k=chance.choice([1, 1, 1, 2, 5, 30]))
        left = chance.random() < 0.5
        (ours.lpush if left else ours.rpush)(new)
        return ["LPUSH" if left else "RPUSH", "l", *new]
    length = len(ours)
    kind = chance.randrange(9)
    value, pivot = chance.choice(some), chance.choice(some)
    if kind < 2:
        count = chance.randrange(1, length + 1)
        (ours.lpop_many if kind else ours.rpop_many)(count)
        return ["LPOP" if kind else "RPOP", "l", count]
    if kind == 2:
        at = chance.randrange(length)
        assert ours.set(at, value)
        return ["LSET", "l", at, value]
    if kind == 3:
        after = chance.random() < 0.5
        ours.insert(pivot, value, after)
        return ["LINSERT", "l", "AFTER" if after else "BEFORE", pivot, value]
    if kind == 4:
        count = chance.randrange(-3, 4)
        ours.remove(count, value)
        return ["LREM", "l", count, value]
    if kind == 5:
        start, stop = chance.randrange(-5, 3), chance.randrange(-3, length + 1)
        ours.trim(start, stop)
        return ["LTRIM", "l", start, stop]
    if kind == 6:
        source, target = chance.random() < 0.5, chance.random() < 0.5
        ours.move(source, target)
        return ["LMOVE", "l", "l", "LEFT" if source else "RIGHT", "LEFT" if target else "RIGHT"]
    if kind == 7:
        ours.lpop()
        return ["LPOP", "l"]
    ours.rpop()
    return ["RPOP", "l"]


@pytest.mark.parametrize("fill", FILLS)
def test_the_nodes_always_cover_the_list(fill: int) -> None:
    chance = Random(fill)
    for _ in range(15):
        ours = List(Limits(list_max_listpack_size=fill))
        some = chance.sample(ALPHABET, chance.randrange(2, 7))
        for _ in range(60):
            random_step(chance, ours, some)
            if not len(ours):
                ours = List(ours.limits)
            ours.check()
        twin = ours.copy()
        twin.rpush([b"a"])
        ours.check()
        twin.check()
        loaded = List.loaded(list(ours), ours.limits)
        loaded.check()
        assert list(loaded) == list(ours)
        assert (loaded.nodes == 0) == (loaded.encoding() == b"listpack")


def test_a_list_becomes_a_listpack_again_at_half_the_limit() -> None:
    ours = List(Limits(list_max_listpack_size=4), [b"a"] * 4)
    seen = [ours.encoding()]
    ours.rpush([b"b"])
    seen.append(ours.encoding())
    while len(ours) > 1:
        ours.lpop()
        seen.append(ours.encoding())
    # `CONFIG SET list-max-listpack-size 4`: the nodes are aaaa and b, so one is left when it is b's
    assert seen == [b"listpack", b"quicklist", b"quicklist", b"quicklist", b"quicklist", b"listpack"]


@pytest.mark.real
@pytest.mark.parametrize("name", SINCE_7_2)
@pytest.mark.parametrize("fill", FILLS)
def test_encoding_and_nodes_are_the_real_ones(real: Callable[..., Any], name: str, fill: int) -> None:
    ask = real(name)
    ask("CONFIG", "SET", "list-max-listpack-size", fill)
    chance = Random(f"{name} {fill}")
    for _ in range(8):
        ask("DEL", "l")
        ours = List(Limits(list_max_listpack_size=fill))
        some = chance.sample(ALPHABET, chance.randrange(2, 7))
        history = []
        for _ in range(80):
            command = random_step(chance, ours, some)
            history.append(" ".join(str(word)[:12] for word in command))
            ask(*command)
            if not len(ours):
                ours = List(ours.limits)
                assert not ask("EXISTS", "l"), history
                continue
            ours.check()
            assert ours.encoding() == ask("OBJECT", "ENCODING", "l"), history
            if ours.nodes:
                assert b" ql_nodes:%d " % ours.nodes in ask("DEBUG", "OBJECT", "l"), history
        assert ask("LRANGE", "l", 0, -1) == list(ours)
        ask("SORT", "l", "BY", "nosort", "STORE", "m")
        assert List.loaded(list(ours), ours.limits).encoding() == (ask("OBJECT", "ENCODING", "m") or b"listpack")


def test_entry_sizes() -> None:
    sizes = {b"": 2, b"0": 2, b"127": 2, b"128": 3, b"-1": 3, b"-4096": 3, b"4096": 4, b"-32768": 4, b"32768": 5}
    sizes |= {b"-8388609": 6, b"2147483648": 10, b"9223372036854775807": 10, b"9223372036854775808": 21, b"01": 4}
    sizes |= {b"a" * 63: 65, b"a" * 64: 67, b"a" * 125: 128, b"a" * 126: 130, b"a" * 4096: 4103, b"a" * 16378: 16386}
    sizes |= {b"a" * 2097150: 2097159}
    for value, size in sizes.items():
        assert entry_size(value) == size, value[:20]
    assert listpack_size([b"a", b"1"]) == 12


@pytest.mark.real
def test_entry_sizes_are_the_real_ones(real: Callable[..., Any]) -> None:
    ask = real("redis-8.6")
    ask("CONFIG", "SET", "list-max-listpack-size", -5)
    edges = [0, 127, 128, 4095, 4096, 32767, 32768, 8388607, 8388608, 2**31 - 1, 2**31, 2**63 - 1, 2**63]
    values = [b"%d" % (sign * edge + step) for edge in edges for sign in (1, -1) for step in (-1, 0, 1)]
    values += [
        b"a" * n for n in (0, 1, 63, 64, 124, 125, 126, 127, 128, 4094, 4095, 4096, 16000, 16376, 16377, 16378, 16379)
    ]
    values += [b"a" * n for n in range(16379, 16386)]
    values += [
        b"-0",
        b"+1",
        b"01",
        b" 1",
        b"1 ",
        b"1_0",
        b"99999999999999999999",
        b"-99999999999999999999",
        "١".encode(),
    ]
    for value in values:
        ask("DEL", "l")
        ask("RPUSH", "l", value)
        assert ask("OBJECT", "ENCODING", "l") == b"listpack"
        # MEMORY USAGE counts allocations; the listpack's own header says what it takes, and DUMP has it
        assert _listpack_length(ask("DUMP", "l")) == 7 + entry_size(value), value


def _listpack_length(dump: bytes) -> int:
    """The total length of the only listpack of a dumped list (type 18: nodes, each a container and a blob)."""
    assert dump[:3] == b"\x12\x01\x02"
    at = 3
    first = dump[at]
    if first >> 6 == 3:  # LZF: compressed length, length, then data that begins with a literal run of the header
        at += 1
        _, at = _length(dump, at)
        length, _ = _length(dump, at)
        return length
    length, _ = _length(dump, at)
    return length


def _length(dump: bytes, at: int) -> tuple[int, int]:
    first = dump[at]
    if first >> 6 == 0:
        return first & 63, at + 1
    if first >> 6 == 1:
        return (first & 63) << 8 | dump[at + 1], at + 2
    return int.from_bytes(dump[at + 1 : at + 5], "big"), at + 5

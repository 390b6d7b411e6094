"""Streams against a list of pairs, and the order of pending ids against `sorted`."""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from redouble.types.id_order import IdOrder
from redouble.types.limits import Limits
from redouble.types.stream import MAX_ID, Consumer, Group, Stream, id_text

ids = st.integers(0, 60)


@given(st.lists(st.tuples(st.sampled_from("AADTMR"), ids)), st.integers(0, 5))
def test_a_stream_is_a_sorted_list_of_entries(steps: list[tuple[str, int]], most: int) -> None:
    stream = Stream(Limits(stream_node_max_entries=most))
    model: list[tuple[int, list[bytes]]] = []
    for kind, number in steps:
        if kind == "A":
            id = stream.last_id + 1 + number % 3
            fields = [b"f%d" % (number % 2), b"%d" % number]
            stream.append(id, fields)
            model.append((id, fields))
        elif kind == "D":
            assert stream.delete(number) == any(id == number for id, _ in model)
            model = [entry for entry in model if entry[0] != number]
        elif kind == "T":
            left = number % 7
            assert stream.trim(maxlen=left) == max(len(model) - left, 0)
            model = model[max(len(model) - left, 0) :]
        elif kind == "M":
            before = len(model)
            model = [entry for entry in model if entry[0] >= number or entry[0] % 3 == 0]
            assert stream.trim(minid=number, stays=lambda id: id % 3 == 0) == before - len(model)
        else:
            between = [entry for entry in model if number <= entry[0] <= number + 9]
            assert stream.range(number, number + 9) == between
            assert stream.reverse_range(number, number + 9, 2) == between[::-1][:2]
        stream.check()
        assert len(stream) == len(model)
    assert stream.range(0, MAX_ID) == model
    assert stream.copy().reverse_range(0, MAX_ID) == model[::-1]
    assert [stream.find(id) for id, _ in model] == [fields for _, fields in model]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=50), st.integers(0, 3000))
def test_pending_ids_are_in_order(steps: list[tuple[bool, int]], bulk: int) -> None:
    order: IdOrder[int] = IdOrder()
    model: dict[int, int] = {}
    for id in range(0, bulk, 2):
        order.set(id, id)
        model[id] = id
    for add, id in steps:
        if add:
            order.set(id, id + 1)
            model[id] = id + 1
        else:
            assert order.remove(id) == model.pop(id, None)
        order.check()
    assert list(order.items(100, 2000)) == sorted(item for item in model.items() if 100 <= item[0] <= 2000)


steps_of_groups = st.lists(
    st.tuples(st.sampled_from("DTHARC"), st.integers(1, 12), st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 3))
)


@given(steps_of_groups, st.integers(0, 20))
def test_a_group_knows_what_is_pending_at_whom_and_for_how_long(
    steps: list[tuple[str, int, bytes, int]], asked_at: int
) -> None:
    group = Group(0, 0)
    model: dict[int, tuple[bytes, int]] = {}
    """In order of delivery: who has the id, and since when."""
    for number, (kind, id, name, moment) in enumerate(steps):
        consumer = group.consumers.setdefault(name, Consumer(name, 0))
        pending = group.pending.get(id)
        if kind == "D":
            group.deliver(id, consumer, moment)
            model.pop(id, None)
            model[id] = name, moment
        elif kind == "A":
            assert group.acknowledge(id) == (model.pop(id, None) is not None)
        elif kind == "R":
            assert group.remove_consumer(name) == sum(owner == name for owner, _ in model.values())
            model = {other: entry for other, entry in model.items() if entry[0] != name}
        elif kind == "C":
            group = group.copy()
            model = dict(sorted(model.items()))  # a copy does not know which of one moment came first
        elif pending is not None and kind == "T":
            group.set_time(id, pending, moment)
            model[id] = model.pop(id)[0], moment
        elif pending is not None:
            group.hand_over(id, pending, consumer)
            model[id] = name, model[id][1]
        if number >= asked_at:
            assert [id for id, _ in group.longest_pending()] == sorted(model, key=lambda id: model[id][1])
        group.check()
    assert {id: (each.consumer.name, each.time) for id, each in group.pending.items()} == model


@given(st.lists(st.tuples(st.sampled_from("DDHAC"), st.integers(0, 9), st.sampled_from([b"x", b"y", b"z"]))))
def test_a_group_is_a_dict_of_who_has_which_id(steps: list[tuple[str, int, bytes]]) -> None:
    group = Group(0, 0)
    owners: dict[int, bytes] = {}
    for kind, id, name in steps:
        if kind == "D":
            group.deliver(id, group.consumers.setdefault(name, Consumer(name, 0)), 5)
            owners[id] = name
        elif kind == "H":
            pending = group.pending.get(id)
            assert (pending is not None) == (id in owners)
            if pending is not None and name in group.consumers:
                group.hand_over(id, pending, group.consumers[name])
                owners[id] = name
        elif kind == "A":
            assert group.acknowledge(id) == (owners.pop(id, None) is not None)
        elif name in group.consumers:
            lost = [id for id, owner in owners.items() if owner == name]
            assert group.remove_consumer(name) == len(lost)
            for id in lost:
                del owners[id]
        for each in (group, group.copy()):
            each.check()
            assert {id: pending.consumer.name for id, pending in each.pending.items()} == owners


def test_whole_blocks_are_trimmed() -> None:
    stream = Stream(Limits(stream_node_max_entries=10))
    for id in range(1, 36):
        stream.append(id, [b"f", b"v"])
    assert stream.blocks == 4
    assert stream.trim(maxlen=12, whole_blocks=True) == 20
    assert stream.trim(maxlen=0, whole_blocks=True, limit=9) == 0
    assert stream.first_id == 21


def test_an_id_is_written_as_two_halves() -> None:
    assert id_text(7 << 64 | 9) == b"7-9"
    assert id_text(MAX_ID) == b"18446744073709551615-18446744073709551615"


def test_a_million_entries_cost_about_what_a_thousand_do() -> None:
    def built(length: int) -> tuple[Stream, Group]:
        stream, group = Stream(), Group(0, 0)
        stream.groups[b"g"] = group
        for id in range(1, length + 1):
            stream.append(id, [b"f", b"v"])
        return stream, group

    def cost(work: Callable[[], object]) -> float:
        best = 1.0
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(200):
                work()
            best = min(best, time.perf_counter() - began)
        return best

    small, large = built(1000)[0], built(300_000)[0]
    for work in (
        lambda stream: stream.append(stream.last_id + 1, [b"f", b"v"]),
        lambda stream: stream.range(500, MAX_ID, 10),
        lambda stream: stream.find(700),
    ):
        assert cost(lambda: work(large)) <= 8 * cost(lambda: work(small))  # noqa: B023

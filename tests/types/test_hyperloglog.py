"""HyperLogLog: the encodings against a dictionary of registers, the string and the count against real servers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.core.client import Client
from redouble.core.server import Server
from redouble.types import hyperloglog as hll

indexes = st.integers(0, 40) | st.integers(0, hll.REGISTERS - 1) | st.just(hll.REGISTERS - 1)
changes = st.lists(st.tuples(indexes, st.integers(1, 4) | st.integers(1, 51)), max_size=60)


@given(changes, st.sampled_from([0, 20, 40, 3000]), st.booleans())
def test_registers_keep_their_largest_value(
    changes: list[tuple[int, int]], sparse_max: int, dense_from_the_start: bool
) -> None:
    value = hll.empty()
    if dense_from_the_start:
        assert hll.to_dense(value)
    model = bytearray(hll.REGISTERS)
    for index, count in changes:
        assert hll.raise_register(value, index, count, sparse_max) == (count > model[index])
        model[index] = max(model[index], count)
        assert hll.is_valid(value)
    assert hll.registers(value) == model
    hll.to_dense(value)
    assert hll.registers(value) == model
    assert not hll.to_dense(value)


@given(st.integers())
def test_packing_six_bits(seed: int) -> None:
    unpacked = bytes(byte & 63 for byte in Random(seed).randbytes(hll.REGISTERS))
    value = hll.empty()
    hll.to_dense(value)
    value[16:] = hll.pack(unpacked)
    assert hll.registers(value) == unpacked


@given(st.binary(max_size=40))
def test_any_runs_are_read_or_refused(runs: bytes) -> None:
    value = hll.empty()
    value[16:] = runs
    for read in (hll.registers, hll.to_dense, lambda value: hll.add(value, b"a", 3000)):
        with contextlib.suppress(hll.Corrupt):
            read(bytearray(value))


def test_the_union_of_nothing_is_empty() -> None:
    assert hll.estimate(hll.maximum([])) == 0


def test_registers_that_no_element_makes() -> None:
    """What the real servers answer too."""
    assert hll.estimate(bytes([63]) * hll.REGISTERS) == -(2**63)
    assert hll.estimate(bytes([51]) * hll.REGISTERS) == -(2**63)


def test_the_self_test_passes() -> None:
    server = Server()
    assert server.call(Client(server), [b"PFSELFTEST"]) == b"OK"


@pytest.mark.parametrize("members", [100, 2_000, 10_000])
def test_the_estimate_is_near(members: int) -> None:
    value = hll.empty()
    for number in range(members):
        hll.add(value, b"%d" % number, 3000)
    assert hll.estimate(hll.registers(value)) == pytest.approx(members, rel=0.03)


@pytest.mark.real
def test_the_string_is_that_of_the_real_server(both: Callable[..., None]) -> None:
    random = Random(7)
    for key, total in ((b"h1", 30), (b"h2", 600), (b"h3", 2500)):
        for _ in range(0, total, 10):
            both(b"PFADD", key, *(random.randbytes(random.randrange(20)) for _ in range(10)))
        both(b"GET", key)
        both(b"PFCOUNT", key)
        both(b"GET", key)
    both(b"PFMERGE", b"h4", b"h1", b"h2")
    both(b"GET", b"h4")
    both(b"PFCOUNT", b"h1", b"h2", b"h3")

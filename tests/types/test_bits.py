"""Bits: the operations on large integers against a list of zeros and ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types.bits import (
    OPERATIONS,
    FieldType,
    combine,
    count_bits,
    find_bit,
    get_bit,
    get_field,
    set_bit,
    set_field,
)

field_types = st.builds(FieldType, st.just(True), st.integers(1, 64)) | st.builds(
    FieldType, st.just(False), st.integers(1, 63)
)
int64 = st.integers(-(2**63), 2**63 - 1)


def listed(value: bytes | bytearray) -> list[int]:
    return [byte >> shift & 1 for byte in value for shift in range(7, -1, -1)]


def number(bits: list[int]) -> int:
    return int("".join(map(str, bits)) or "0", 2)


@given(st.binary(min_size=1), st.data())
def test_ranges_of_bits(value: bytes, data: st.DataObject) -> None:
    bits = listed(value)
    first = data.draw(st.integers(0, len(bits) - 1))
    last = data.draw(st.integers(first, len(bits) - 1))
    assert get_bit(value, first) == bits[first]
    assert count_bits(value, first, last) == sum(bits[first : last + 1])
    for bit in (0, 1):
        found = bits[first : last + 1]
        assert find_bit(value, bit, first, last) == (first + found.index(bit) if bit in found else None)


def test_behind_the_end_there_are_zeros() -> None:
    assert get_bit(b"\xff", 8) == 0
    assert get_bit(b"", 2**32) == 0
    assert get_field(b"\xff", 4, 8) == 0xF0
    assert get_field(b"\xff", 2**32, 64) == 0


@given(st.binary(min_size=1).map(bytearray), st.integers(0), st.integers(0, 1))
def test_one_bit_changes_and_no_other(value: bytearray, offset: int, bit: int) -> None:
    bits = listed(value)
    offset %= len(bits)
    bits[offset] = bit
    set_bit(value, offset, bit)
    assert listed(value) == bits


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5), st.sampled_from(sorted(OPERATIONS)))
def test_bitop_continues_shorter_strings_with_zeros(values: list[bytes], operation: str) -> None:
    if operation == "NOT":
        values = values[:1]
    size = max(map(len, values))
    columns = list(zip(*(listed(value.ljust(size, b"\0")) for value in values)))
    by_column = {
        "AND": lambda bits: all(bits),
        "OR": lambda bits: any(bits),
        "XOR": lambda bits: sum(bits) % 2,
        "NOT": lambda bits: not bits[0],
        "DIFF": lambda bits: bits[0] and not any(bits[1:]),
        "DIFF1": lambda bits: not bits[0] and any(bits[1:]),
        "ANDOR": lambda bits: bits[0] and any(bits[1:]),
        "ONE": lambda bits: sum(bits) == 1,
    }
    result = combine(operation, values)
    assert type(result) is bytearray  # raw, whatever it spells
    assert listed(result) == [int(by_column[operation](column)) for column in columns]


@given(st.binary(min_size=9).map(bytearray), st.integers(0), st.integers(1, 64), st.integers(-(2**64), 2**64))
def test_fields_of_any_width_at_any_offset(value: bytearray, offset: int, width: int, new: int) -> None:
    bits = listed(value)
    offset %= len(bits) - width + 1
    assert get_field(value, offset, width) == number(bits[offset : offset + width])
    set_field(value, offset, width, new)
    assert get_field(value, offset, width) == new % 2**width
    after = listed(value)
    assert after[:offset] == bits[:offset]
    assert after[offset + width :] == bits[offset + width :]


@given(field_types, st.data(), int64)
def test_increments_wrap_saturate_or_fail(kind: FieldType, data: st.DataObject, increment: int) -> None:
    old = data.draw(st.integers(kind.least, kind.greatest))
    exact = old + increment
    assert kind.decode(old % 2**kind.bits) == old
    wrapped, clamped = kind.add(old, increment, "WRAP"), kind.add(old, increment, "SAT")
    assert wrapped is not None
    assert kind.least <= wrapped <= kind.greatest
    assert (wrapped - exact) % 2**kind.bits == 0
    assert clamped == min(max(exact, kind.least), kind.greatest)
    assert kind.add(old, increment, "FAIL") == (exact if clamped == exact else None)


@pytest.mark.parametrize(
    ("kind", "number", "saturated"),
    [
        (FieldType(False, 8), -1, 255),
        (FieldType(True, 8), 2**63 - 1, 127),
        (FieldType(True, 8), -(2**63) + 128, -128),
        (FieldType(True, 8), -(2**63) + 127, 127),
        (FieldType(True, 64), -(2**63), -(2**63)),
    ],
)
def test_set_with_sat_as_redis_does_it(kind: FieldType, number: int, saturated: int) -> None:
    assert kind.add(number, 0, "SAT") == saturated

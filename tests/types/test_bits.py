"""Bits against strings of 0 and 1, and against real servers."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types import bits

strings = st.binary(max_size=6) | st.lists(st.sampled_from([b"\0", b"\xff", b"\x01", b"\x80"]), max_size=5).map(
    b"".join
)
OPERATIONS = [b"AND", b"OR", b"XOR", b"DIFF", b"DIFF1", b"ANDOR", b"ONE"]


def spelled(value: bytes | bytearray) -> str:
    return "".join(f"{byte:08b}" for byte in value)


def bounds(length: int, start: int, stop: int) -> tuple[int, int]:
    start, stop = [max(i + length, 0) if i < 0 else i for i in (start, stop)]
    return start, min(stop, length - 1)


@given(strings, st.integers(-60, 60), st.integers(-60, 60), st.booleans(), st.integers(0, 1))
def test_counting_and_finding(value: bytes, start: int, stop: int, in_bits: bool, bit: int) -> None:
    text = spelled(value)
    units = list(text) if in_bits else [text[i : i + 8] for i in range(0, len(text), 8)]
    first, last = bounds(len(units), start, stop)
    part = "".join(units[first : last + 1]) if first <= last else ""
    backwards = start < 0 and stop < 0 and start > stop
    assert bits.bitcount(value, start, stop, in_bits) == (0 if backwards else part.count("1"))
    where = part.find(str(bit))
    expected = -1 if where < 0 else where + first * (1 if in_bits else 8)
    assert bits.bitpos(value, bit, start, stop, in_bits) == expected
    first, last = bounds(len(value), start, -1)
    if first <= last:
        where = (text + "0" * (not bit)).find(str(bit), first * 8)
        assert bits.bitpos(value, bit, start) == where


@given(st.binary(max_size=4), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 1))))
def test_single_bits(value: bytes, writes: list[tuple[int, int]]) -> None:
    ours, model = bytearray(value), dict(enumerate(spelled(value)))
    for offset, bit in writes:
        assert bits.setbit(ours, offset, bit) == int(model.get(offset, "0"))
        model[offset] = str(bit)
        assert bits.getbit(ours, offset) == bit
    assert spelled(ours) == "".join(model.get(i, "0") for i in range(len(ours) * 8))
    assert bits.getbit(ours, 10**9) == 0


@given(st.lists(strings, min_size=1, max_size=4), st.sampled_from(OPERATIONS))
def test_operations(values: list[bytes], operation: bytes) -> None:
    length = max(map(len, values))
    columns = zip(*[spelled(value.ljust(length, b"\0")) for value in values], strict=True)
    rules: dict[bytes, Callable[[bool, list[bool]], bool]] = {
        b"AND": lambda x, others: x and all(others),
        b"OR": lambda x, others: x or any(others),
        b"XOR": lambda x, others: sum([x, *others]) % 2 == 1,
        b"DIFF": lambda x, others: x and not any(others),
        b"DIFF1": lambda x, others: not x and any(others),
        b"ANDOR": lambda x, others: x and any(others),
        b"ONE": lambda x, others: sum([x, *others]) == 1,
    }
    expected = "".join(
        "01"[rules[operation](column[0] == "1", [bit == "1" for bit in column[1:]])] for column in columns
    )
    assert spelled(bits.bitop(operation, values)) == expected
    assert spelled(bits.bitop(b"NOT", values[:1])) == spelled(values[0]).translate({48: "1", 49: "0"})


def test_there_is_no_other_operation() -> None:
    with pytest.raises(ValueError, match="NAND"):
        bits.bitop(b"NAND", [b"a"])


@given(st.binary(max_size=12), st.integers(0, 50), st.integers(1, 63), st.booleans(), st.integers(-(2**63), 2**63 - 1))
def test_a_field_is_what_was_put_there(value: bytes, offset: int, width: int, signed: bool, new: int) -> None:
    ours = bytearray(value)
    text = spelled(value).ljust(200, "0")
    old = int(text[offset : offset + width], 2)
    if signed and old >> (width - 1):
        old -= 1 << width
    assert bits.bitfield_get(value, offset, width, signed) == old
    assert bits.bitfield_set(ours, offset, width, signed, new, b"WRAP") == old
    changed = spelled(ours).ljust(200, "0")
    assert changed[:offset] == text[:offset]
    assert changed[offset + width :] == text[offset + width :]
    assert (int(changed[offset : offset + width], 2) - new) % (1 << width) == 0


@pytest.mark.parametrize(
    ("kind", "start", "by", "overflow", "expected"),
    [
        ("u8", 250, 10, b"WRAP", 4),
        ("u8", 250, 10, b"SAT", 255),
        ("u8", 250, 10, b"FAIL", None),
        ("u8", 3, -10, b"SAT", 0),
        ("i8", -120, -10, b"WRAP", 126),
        ("i8", -120, -10, b"SAT", -128),
        ("i8", 100, 100, b"SAT", 127),
        ("i64", 2**63 - 1, 1, b"WRAP", -(2**63)),
    ],
)
def test_overflow(kind: str, start: int, by: int, overflow: bytes, expected: int | None) -> None:
    ours = bytearray()
    signed, width = kind[0] == "i", int(kind[1:])
    assert bits.bitfield_set(ours, 3, width, signed, start, overflow) == 0
    assert bits.bitfield_incrby(ours, 3, width, signed, by, overflow) == expected
    assert bits.bitfield_get(ours, 3, width, signed) == (start if expected is None else expected)


def test_bitfield_set_saturates_at_the_wrong_end() -> None:
    ours = bytearray()
    bits.bitfield_set(ours, 0, 63, True, -(2**63), b"SAT")
    assert bits.bitfield_get(ours, 0, 63, True) == 2**62 - 1
    assert bits.bitfield_set(ours, 0, 8, False, -1, b"FAIL") is None
    bits.bitfield_set(ours, 0, 8, False, -1, b"SAT")
    assert bits.bitfield_get(ours, 0, 8, False) == 255


@pytest.mark.real
@pytest.mark.parametrize("name", ["redis-7.0", "redis-7.4", "redis-8.6", "valkey-9"])
def test_the_real_servers_agree(real: Callable[..., Any], name: str) -> None:
    ask = real(name)
    chance = Random(name)
    for _ in range(800):
        value = chance.choice([chance.randbytes(chance.randrange(1, 6)), b"\xff" * 3, b"\0\0", b"\xff\xf0\0"])
        ask("SET", "b", value)
        start, stop, bit = chance.randrange(-30, 30), chance.randrange(-30, 30), chance.randrange(2)
        unit = chance.choice([[], ["BYTE"], ["BIT"]])
        assert bits.bitcount(value, start, stop, unit == ["BIT"]) == ask("BITCOUNT", "b", start, stop, *unit)
        assert bits.bitpos(value, bit, start, stop, unit == ["BIT"]) == ask("BITPOS", "b", bit, start, stop, *unit)
        assert bits.bitpos(value, bit, start) == ask("BITPOS", "b", bit, start)
        assert bits.bitpos(value, bit) == ask("BITPOS", "b", bit)

        ours = bytearray(value)
        signed = chance.random() < 0.5
        width = chance.choice([1, 2, 3, 8, 31, 32, 33, 62, 63, 64 if signed else 5])
        offset = chance.randrange(20)
        overflow = chance.choice([b"WRAP", b"SAT", b"FAIL"])
        edge = chance.choice([0, 1, 2 ** (width - 1), 2**width, 2**63 - 1, 2**63])
        number = min(max(chance.choice([1, -1]) * edge + chance.randrange(-2, 3), -(2**63)), 2**63 - 1)
        kind = f"{'i' if signed else 'u'}{width}"
        set_to, added = ask(
            "BITFIELD", "b", "OVERFLOW", overflow, "SET", kind, offset, number, "INCRBY", kind, offset, number
        )
        bits.grow(ours, offset + width)
        assert bits.bitfield_set(ours, offset, width, signed, number, overflow) == set_to
        assert bits.bitfield_incrby(ours, offset, width, signed, number, overflow) == added
        assert ask("GET", "b") == ours
        assert ask("BITFIELD", "b", "GET", kind, offset + 7) == [bits.bitfield_get(ours, offset + 7, width, signed)]

        values = [chance.randbytes(chance.randrange(0, 5)) for _ in range(chance.randrange(2, 5))]
        keys = [f"k{i}" for i in range(len(values))]
        for key, each in zip(keys, values, strict=True):
            ask("SET", key, each)
        operation = chance.choice(OPERATIONS if name == "redis-8.6" else OPERATIONS[:3])
        ask("BITOP", operation, "d", *keys)
        assert (ask("GET", "d") or b"") == bits.bitop(operation, values)
        ask("BITOP", "NOT", "d", "k0")
        assert (ask("GET", "d") or b"") == bits.bitop(b"NOT", values[:1])

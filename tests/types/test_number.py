"""Numbers against Python's own and against real servers."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from redouble.types.long_double import LongDouble, parse_long_double
from redouble.types.number import (
    format_double_17g,
    format_double_short,
    parse_bound,
    parse_double,
    parse_integer,
)

SERVERS = ["redis-7.0", "redis-7.4", "redis-8.6", "valkey-9"]


def any_double(chance: Random) -> float:
    kind = chance.randrange(8)
    if kind == 0:
        return struct.unpack("<d", chance.randbytes(8))[0]
    if kind == 1:
        return chance.uniform(-1000, 1000)
    if kind == 2:
        return float(f"{chance.randrange(-(10**6), 10**6)}e{chance.randrange(-30, 30)}")
    if kind == 3:
        return float(chance.randrange(-(2**64), 2**64))
    if kind == 4:
        return math.ldexp(chance.choice([1, -1]), chance.randrange(-1074, 1024))
    if kind == 5:
        return math.nextafter(10.0 ** chance.randrange(-30, 30), chance.choice([0, math.inf]))
    if kind == 6:
        return chance.choice(
            [0.0, -0.0, math.inf, -math.inf, 5e-324, 4.611686018427388e18, -4.611686018427388e18, 1e18, 5e18]
        )
    return round(chance.uniform(-100, 100), chance.randrange(0, 8))


@given(st.integers(-(2**65), 2**65) | st.integers(-300, 300))
@example(2**63 - 1)
@example(2**63)
@example(-(2**63))
@example(-(2**63) - 1)
def test_canonical_integers_are_read(number: int) -> None:
    text = b"%d" % number
    assert parse_integer(text) == (number if -(2**63) <= number < 2**63 else None)
    for other in (b"+" + text, b" " + text, text + b" ", b"0" + text, text + b".0", b"-0" + text, text + b"\0"):
        assert parse_integer(other) is None


def test_what_is_not_an_integer() -> None:
    for text in (b"", b"-", b"-0", b"00", b"1_0", b"0x1", "١".encode(), b"--1", b"1e3", b"9" * 30, b"-" + b"9" * 30):
        assert parse_integer(text) is None
    assert parse_integer(b"0") == 0


@given(st.floats(allow_nan=False))
def test_printed_doubles_are_the_same_doubles_when_read(value: float) -> None:
    for text in (format_double_17g(value), format_double_short(value)):
        found = parse_double(text)
        assert found == value
        assert found is not None
        assert math.copysign(1, found) == math.copysign(1, value)
        assert parse_bound(text, True) == parse_bound(text, False) == value


def test_nan() -> None:
    assert format_double_short(math.nan) == format_double_17g(math.nan) == b"nan"
    for text in (b"nan", b"-NaN", b"nan(1)"):
        assert parse_double(text) is parse_bound(text, True) is parse_long_double(text) is None


def test_doubles_are_printed_as_on_7_4() -> None:
    expected = """
        1e+20 1e+20|1e17 100000000000000000|4.6e18 4600000000000000000|5e18 5e+18|-1e23 -99999999999999990000000
        1e-5 0.00001|1e-6 0.000001|1e-7 1e-7|1.234e-7 1.234e-7|1e300 1e+300|-0.0 -0|inf inf|-inf -inf|3.0 3|0.1 0.1
        0.30000000000000004 0.30000000000000004|5e-324 5e-324|1.7976931348623157e308 1.7976931348623157e+308
        12345678901234567890 12345678901234567000|0.00001234 1.234e-5|1.1e25 1.1e+25|1.1e-20 1.1e-20
        2.2250738585072014e-308 2.2250738585072014e-308"""
    for line in expected.strip().replace("\n", "|").split("|"):
        value, text = line.split()
        assert format_double_short(float(value)) == text.encode()
    assert format_double_17g(0.1) == b"0.10000000000000001"


def test_numbers_that_are_read_on_some_servers_only() -> None:
    assert parse_double(b"0x10") == 16
    assert parse_double(b"0x10", hexadecimal=False) is None
    assert (
        parse_double(b"-0x1p1024")
        is parse_double(b"0x1p-1075")
        is parse_double(b"1e400")
        is parse_double(b"1e-400")
        is None
    )
    assert parse_double(b"0x0p-5000") == parse_double(b"0e5000") == 0
    assert parse_bound(b" 0x2", strtod=True) == 2
    assert parse_bound(b" 0x2", strtod=False) is parse_bound(b" 2", strtod=False) is None
    assert parse_bound(b"", strtod=False) == parse_bound(b"\0x", strtod=True) == 0
    assert parse_bound(b"-0x1p5000", strtod=True) == parse_bound(b"-1e400", strtod=False) == -math.inf


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (b"3.0", b"1e-17", b"3.00000000000000001"),
        (b"0.1", b"0.2", b"0.3"),
        (b"5.0e3", b"-5.0e3", b"0"),
        (b"-0x1.8p1", b"0X10", b"13"),
        (b"0", b"-1e-18", b"0"),
        (b"12345678901234567890.123", b"0", b"12345678901234567890"),
        (b"-1.5", b".25", b"-1.25"),
        (b"0", b"0x1p-16445", b"0"),
    ],
)
def test_incrbyfloat(first: bytes, second: bytes, expected: bytes) -> None:
    a, b = parse_long_double(first), parse_long_double(second)
    assert a is not None
    assert b is not None
    total = a.plus(b)
    assert total is not None
    assert bytes(total) == expected


def test_the_largest_and_the_smallest_long_doubles() -> None:
    large = parse_long_double(b"1e4932")
    assert large is not None
    assert len(bytes(large)) == 4933
    assert bytes(large).startswith(b"1000000000000000000006018949387963891323")
    assert parse_long_double(b"1" * 4900) == parse_long_double(b"1" * 4900 + b".0")
    for text in (
        b"1.2e4932",
        b"0x1p16384",
        b"0x1p-16446",
        b"1e-4951",
        b"1e" + b"9" * 50,
        b"0" * 5120,
        b"1e",
        b"",
        b" 1",
    ):
        assert parse_long_double(text) is None
    assert parse_long_double(b"0e" + b"9" * 50) == (0, 0, 0)
    total = large.plus(LongDouble(-1, 0, -1))
    assert total is not None
    assert bytes(total) == b"-inf"


def texts(chance: Random) -> list[bytes]:
    fixed = [
        b"",
        b" 1",
        b"1 ",
        b"+1",
        b"1.",
        b".",
        b".5",
        b"1e",
        b"1_0",
        b"0x",
        b"0x10",
        b"0x.8",
        b"-0x1.8p-1",
        b"0x1p",
        b"1\0",
    ]
    fixed += [
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"1e-310",
        b"0e999",
        b"0.0e-999",
        b"inf",
        b"-INF",
        b"+Infinity",
        b"nan",
        b"infi",
    ]
    fixed += [
        b"0x1p1024",
        b"0x1p-1074",
        b"0x1p-1075",
        b"0x1.8p-1075",
        b"0x0p-9999",
        b"0x0.0",
        b"--1",
        b"+-1",
        b"1d",
        b"0b1",
    ]
    fixed += [
        b"1e" + b"0" * 50 + b"1",
        b"1e" + b"9" * 50,
        b"0e" + b"9" * 50,
        b"0x1p" + b"9" * 50,
        b"\t1",
        b"\v1",
        b"1,5",
    ]
    fixed += [
        b"0X1P+3",
        b"1E+3",
        b"1e+",
        b"1e-",
        b"e5",
        b"0x.p1",
        b"." + b"0" * 400 + b"1",
        b"1" * 309,
        b"1" * 310,
        b"(1",
    ]
    return fixed + [
        bytes(chance.choice(b"0012.-+eExXpPafin") for _ in range(chance.randrange(1, 6))) for _ in range(400)
    ]


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
def test_doubles_are_printed_as_by_the_real_server(real: Callable[..., Any], name: str) -> None:
    ask = real(name)
    chance = Random(name)
    printed = format_double_17g if name == "redis-7.0" else format_double_short
    values = [value for value in (any_double(chance) for _ in range(8000)) if not math.isnan(value)]
    for start in range(0, len(values), 500):
        ask("DEL", "z")
        chunk = values[start : start + 500]
        words = [
            word for i, value in enumerate(chunk) for word in (value.hex() if name != "valkey-9" else repr(value), i)
        ]
        ask("ZADD", "z", 1, b"a skiplist" * 7, *words)
        # a script sees the text that a RESP2 client would
        replies = ask(
            "EVAL",
            "local r = {} for i, m in ipairs(ARGV) do r[i] = redis.call('ZSCORE', 'z', m) end return r",
            1,
            "z",
            *range(len(chunk)),
        )
        assert [(value, printed(value)) for value in chunk] == list(zip(chunk, replies, strict=True))


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
def test_doubles_are_read_as_by_the_real_server(real: Callable[..., Any], name: str) -> None:
    ask = real(name)
    chance = Random(name)
    for text in texts(chance):
        ask("DEL", "z")
        reply = ask(
            "EVAL",
            "local r = redis.pcall('ZADD', KEYS[1], ARGV[1], 'm') if type(r) == 'table' then return 'no' end "
            "return redis.call('ZSCORE', KEYS[1], 'm')",
            1,
            "z",
            text,
        )
        found = parse_double(text, hexadecimal=name != "valkey-9")
        if reply == b"no":
            assert found is None, text
        else:
            assert found is not None, text
            assert float(reply) == found, text
        ask("DEL", "z")
        values = [-math.inf, -1.0, 0.0, 1e-320, 0.5, 1.0, 2.0, 5.0, 16.0, 300.0, 1e300, math.inf]
        ask("ZADD", "z", *[word for value in values for word in (value, repr(value))])
        counted = ask(
            "EVAL",
            "local r = redis.pcall('ZCOUNT', KEYS[1], ARGV[1], '+inf') "
            "if type(r) == 'table' then return 'no' end return r",
            1,
            "z",
            text,
        )
        if text[:1] == b"(":
            continue
        bound = parse_bound(text, strtod=name in ("redis-7.0", "redis-7.4"))
        assert counted == (b"no" if bound is None else sum(value >= bound for value in values)), text


@given(
    st.fractions(max_denominator=10**30)
    | st.builds(lambda m, e: Fraction(m) * Fraction(2) ** e, st.integers(), st.integers(-80, 80))
)
def test_a_long_double_is_the_nearest(value: Fraction) -> None:
    found = LongDouble.of(value.numerator, value.denominator)
    assert abs(found.mantissa).bit_length() <= 64
    error = abs(found.value - value)
    if found.mantissa:
        assert error <= Fraction(2) ** (abs(found.mantissa).bit_length() - 64 + found.exponent) / 2
    assert LongDouble.of(found.value.numerator, found.value.denominator).value == found.value


def test_sums_of_infinities() -> None:
    infinite, one = parse_long_double(b"inf"), parse_long_double(b"1")
    minus = parse_long_double(b"-Infinity")
    assert infinite is not None
    assert one is not None
    assert minus is not None
    assert infinite.plus(minus) is None
    assert infinite.plus(one) == one.plus(infinite) == infinite
    assert bytes(infinite) == b"inf"
    assert bytes(minus) == b"-inf"


def any_long_double(chance: Random) -> bytes:
    kind = chance.randrange(6)
    if kind == 0:
        return repr(any_double(chance)).encode()
    if kind == 1:
        return b"%d.%d" % (chance.randrange(-1000, 1000), chance.randrange(10 ** chance.randrange(1, 25)))
    if kind == 2:
        return b"%de%d" % (chance.randrange(-(10**25), 10**25), chance.randrange(-45, 30))
    if kind == 3:
        return b"%s0x%x.%xp%d" % (
            chance.choice([b"", b"-"]),
            *[chance.randrange(2**40) for _ in "ab"],
            chance.randrange(-70, 70),
        )
    if kind == 4:
        return b"%de%d" % (chance.randrange(1, 100), chance.choice([-4960, -4951, -4950, -4940, 4930, 4931, 4932]))
    return chance.choice(texts(chance))


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
def test_incrbyfloat_is_the_real_one(real: Callable[..., Any], name: str) -> None:
    ask = real(name)
    chance = Random(name)
    edges = [
        b"0" * 5118 + b"1",
        b"0" * 5119 + b"1",
        b"1" * 4932,
        b"1" * 5119,
        b"." + b"0" * 4949 + b"9" * 60,
        b"0x" + b"f" * 5000,
    ]
    script = """
        redis.call('SET', KEYS[1], ARGV[1])
        local r = redis.pcall('INCRBYFLOAT', KEYS[1], ARGV[2])
        return type(r) == 'table' and 'no: ' .. r.err or r"""
    for i in range(3000):
        first, second = any_long_double(chance), any_long_double(chance)
        if i < len(edges):
            first, second = b"0", edges[i]
        reply = ask("EVAL", script, 1, "k", first, second)
        a, b = parse_long_double(first), parse_long_double(second)
        if a is None or b is None:
            assert b"not a valid float" in reply, (first, second)
            continue
        total = a.plus(b)
        if total is None or total.infinite:
            assert b"NaN or Infinity" in reply, (first, second)
        else:
            assert bytes(total) == reply, (first, second)

"""Numbers: what every real server that we know prints, reads and computes, as properties and as observed examples."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types import number as number_module
from redouble.types.number import (
    LongDouble,
    format_double_17g,
    format_double_shortest,
    format_long_double,
    parse_double,
    parse_hexless_double,
)

finite = st.floats(allow_nan=False, allow_infinity=False)


def value(number: LongDouble) -> Fraction:
    return number.mantissa * Fraction(2) ** number.exponent


long_doubles = st.builds(LongDouble, st.integers(-(2**64), 2**64), st.integers(-200, 200))


def test_a_script_of_redis_7_0_gives_commands_a_negative_zero_as_one() -> None:
    format_number = number_module.format_argument_17g
    assert [format_number(0.0), format_number(-0.0), format_number(0.0)] == [b"0", b"-0", b"0"]


@given(st.one_of(st.floats(1e-5, 1e17), st.floats(0.001, 100), st.decimals(0, 10**9, places=3).map(float)))
def test_what_repr_prints_is_taken_only_if_grisu2_finds_it(number: float) -> None:
    if not number.is_integer():
        long_way = number_module._in_fpconv_notation("", *number_module._grisu2(number))
        assert number_module.format_double_shortest(number) == long_way
        assert number_module.format_double_shortest(-number) == b"-" + long_way


@given(finite)
def test_both_ways_to_print_a_double_read_back_as_the_same_double(number: float) -> None:
    for text in (format_double_17g(number), format_double_shortest(number)):
        assert parse_double(text) == number
        assert math.copysign(1, parse_double(text)) == math.copysign(1, number)


@pytest.mark.parametrize(
    ("number", "redis_7_0", "redis_7_2"),
    [
        (0.1, b"0.10000000000000001", b"0.1"),
        (-0.0, b"-0", b"-0"),
        (1e16, b"10000000000000000", b"10000000000000000"),
        (1e17, b"1e+17", b"100000000000000000"),
        (1e20, b"1e+20", b"1e+20"),
        (12345678901234567890.0, b"1.2345678901234567e+19", b"12345678901234567000"),
        (2.0**62, b"4.6116860184273879e+18", b"4611686018427387904"),
        (2.0**63, b"9.2233720368547758e+18", b"9223372036854776000"),
        (0.00001, b"1.0000000000000001e-05", b"0.00001"),
        (0.00001234, b"1.234e-05", b"1.234e-5"),
        (1e-7, b"9.9999999999999995e-08", b"1e-7"),
        (5e-324, b"4.9406564584124654e-324", b"5e-324"),
        (1.7976931348623157e308, b"1.7976931348623157e+308", b"1.7976931348623157e+308"),
        (-1234567.125, b"-1234567.125", b"-1234567.125"),
        (2.0**-44, b"5.6843418860808015e-14", b"5.684341886080802e-14"),
        (1e23, b"9.9999999999999992e+22", b"99999999999999990000000"),
        (45.44936278342308, b"45.449362783423076", b"45.449362783423076"),
        (math.inf, b"inf", b"inf"),
        (-math.inf, b"-inf", b"-inf"),
    ],
)
def test_doubles_are_printed_as_zscore_prints_them(number: float, redis_7_0: bytes, redis_7_2: bytes) -> None:
    assert format_double_17g(number) == redis_7_0
    assert format_double_shortest(number) == redis_7_2


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"+5", 5.0),
        (b"5.", 5.0),
        (b".5", 0.5),
        (b"1E5", 1e5),
        (b"-iNf", -math.inf),
        (b"Infinity", math.inf),
        (b"1e-320", 1e-320),
        (b"0e-99999999999999999999", 0.0),
        (b"0" * 6000 + b"1", 1.0),
    ],
)
def test_strtod_reads(text: bytes, number: float) -> None:
    assert parse_double(text) == parse_hexless_double(text) == number


@pytest.mark.parametrize(
    ("text", "number"), [(b"0x10", 16.0), (b"-0X1p-3", -0.125), (b"0x.8", 0.5), (b"0x1.p1", 2.0), (b"0x0p-9999", 0.0)]
)
def test_strtod_reads_hexadecimal_numbers_which_valkey_9_refuses(text: bytes, number: float) -> None:
    assert parse_double(text) == number
    with pytest.raises(ValueError, match="not a double"):
        parse_hexless_double(text)


@pytest.mark.parametrize(
    "text",
    rb"nan|-nan|nan(1)|1_0|1e|0x|0x.p1|0x1p|infinit|++1|.|1e400|-1e400|1e-400|0x1p1024|0x1p-1075|1,5|1e5.| 1|1 ||".split(
        b"|"
    ),
)
def test_doubles_that_redis_refuses(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_double(text)


@given(long_doubles, long_doubles)
def test_a_sum_of_long_doubles_is_the_nearest_one_and_the_even_one_of_two(a: LongDouble, b: LongDouble) -> None:
    exact, found = value(a) + value(b), a + b
    unit = Fraction(2) ** (found.exponent if abs(found.mantissa) >= 2**63 else -16445)
    distance = abs(value(found) - exact)
    assert distance == 0 or 2 * distance < unit or (2 * distance == unit and found.mantissa % 2 == 0)


@given(st.integers(-(10**30), 10**30), st.integers(-40, 40))
def test_a_decimal_text_becomes_the_nearest_long_double(digits: int, power: int) -> None:
    exact, found = digits * Fraction(10) ** power, LongDouble.parse(b"%de%d" % (digits, power))
    if found.mantissa:
        assert abs(value(found) - exact) * 2 <= Fraction(2) ** (found.exponent + found.mantissa.bit_length() - 64)
    else:
        assert exact == 0


@given(finite)
def test_a_long_double_holds_every_double(number: float) -> None:
    assert value(LongDouble.from_double(number)) == Fraction(number)
    assert value(LongDouble.parse(number.hex().encode())) == Fraction(number)


@given(st.integers(-(2**64), 2**64))
def test_a_long_double_holds_every_64_bit_integer(number: int) -> None:
    assert format_long_double(LongDouble.parse(b"%d" % number)) == b"%d" % number
    assert math.ceil(LongDouble(number)) == number


@given(st.integers(-(2**70), 2**70), st.integers(-90, 20))
def test_ceil_rounds_up(mantissa: int, exponent: int) -> None:
    number = LongDouble(mantissa, exponent)
    assert math.ceil(number) == math.ceil(value(number))


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [
        (b"0.1", b"0.2", b"0.3"),
        (b"10.50", b"0.1", b"10.6"),
        (b"5.0e3", b"2.0e2", b"5200"),
        (b"3", b"-3", b"0"),
        (b"0", b"-5e-18", b"0"),
        (b"0", b"6e-18", b"0.00000000000000001"),
        (b"18446744073709551615", b"0", b"18446744073709551615"),
        (b"18446744073709551617", b"0", b"18446744073709551616"),
        (b"1234567890123456789012", b"0", b"1234567890123456788992"),
        (b"1.23456789", b"1000000000", b"1000000001.23456789000192657"),
        (b"0x1p-3", b"0x.8", b"0.625"),
        (b"0" * 5118 + b"1", b"-1" + b"0" * 4500 + b"e-4500", b"0"),
        (b"0x1p-16445", b"0", b"0"),
    ],
)
def test_incrbyfloat_answers(first: bytes, second: bytes, total: bytes) -> None:
    assert format_long_double(LongDouble.parse(first) + LongDouble.parse(second)) == total


def test_the_largest_long_doubles_have_4933_digits() -> None:
    largest = LongDouble(2**64 - 1, 16384 - 64)
    text = format_long_double(largest)
    assert len(text) == 4933
    assert text.startswith(b"118973149535723176502126385303097020516906332229462420044")
    assert value(LongDouble.parse(text)) == value(largest)
    assert value(LongDouble.parse(b"-" + text)) == -value(largest)
    assert not (largest + largest).is_finite()


def test_an_infinity_stays_one() -> None:
    infinity, one = LongDouble.parse(b"inf"), LongDouble(1)
    assert not (infinity + one).is_finite()
    assert (one + LongDouble.parse(b"-Infinity")).mantissa == -1
    assert not (infinity * 1000).is_finite()
    with pytest.raises(OverflowError):
        math.ceil(infinity)
    assert repr(one * 3) == "LongDouble(3, 0)"


@pytest.mark.parametrize(
    "text",
    b"nan|0x|0xinf|1_0|1.2e4932|1e-4951|1e99999999999999999999|-1e-99999999999999999999|0x1p16384| 1||".split(b"|"),
)
def test_long_doubles_that_redis_refuses(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        LongDouble.parse(text)


def test_a_text_of_5119_bytes_is_the_longest_that_may_be_a_long_double() -> None:
    assert LongDouble.parse(b"0" * 5118 + b"7").mantissa == 7
    with pytest.raises(ValueError, match="too long"):
        LongDouble.parse(b"0" * 5119 + b"7")


@pytest.mark.parametrize("text", [b"0x1p-16446", b"0x1p-99999999999999999"])
def test_a_hexadecimal_long_double_may_be_too_small(text: bytes) -> None:
    with pytest.raises(ValueError, match="too small"):
        LongDouble.parse(text)


@pytest.mark.parametrize("text", [b"1\x00", b"\t1", b"1\n"])
def test_bytes_that_are_no_digits_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_double(text)
    with pytest.raises(ValueError, match="not a"):
        LongDouble.parse(text)

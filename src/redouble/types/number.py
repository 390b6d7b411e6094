"""Integers and doubles as Redis reads and prints them.

Doubles were printed with `%.17g` up to 7.0.  Since 7.2 they are printed short: integers in full, others with the
digits that Grisu2 finds (Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers",
2010).  That is not quite `repr`: once in a thousand times Grisu2 misses the shortest or the closest digits, and real
servers show it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from math import inf, isinf, isnan
from struct import pack, unpack

__all__ = [
    "INTEGER_MAX",
    "INTEGER_MIN",
    "format_double_17g",
    "format_double_short",
    "parse_bound",
    "parse_double",
    "parse_integer",
]

INTEGER_MIN = -0x8000000000000000
INTEGER_MAX = 0x7FFFFFFFFFFFFFFF

DECIMAL = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
HEXADECIMAL = re.compile(rb"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?")
_INFINITIES = {
    sign + word: -inf if sign == b"-" else inf for sign in (b"", b"+", b"-") for word in (b"inf", b"infinity")
}


def parse_integer(text: bytes) -> int | None:
    """The canonical decimal of a 64-bit signed integer (string2ll), else None: no plus, no blanks, no leading zeros."""
    if text.isdigit():
        if len(text) > 19 or (text[0] == 0x30 and len(text) > 1):
            return None
        number = int(text)
        return number if number <= INTEGER_MAX else None
    if text[:1] == b"-" and len(text) <= 20 and text[1:].isdigit() and text[1] != 0x30:
        number = int(text)
        return number if number >= INTEGER_MIN else None
    return None


def infinity(text: bytes) -> float | None:
    """`inf` or `infinity` in any case, with or without a sign, else None."""
    return _INFINITIES.get(text.lower()) if len(text) <= 9 else None


def parse_double(text: bytes, hexadecimal: bool = True) -> float | None:
    """A score (getDoubleFromObject), else None.

    Decimal, hexadecimal where the server reads that (`ZADD z 0x10 a`: Redis does, Valkey 9 does not), or infinite by
    name; never NaN.  What overflows, and what is not 0 but rounds to it, is no number.
    """
    found = _strtod(text, hexadecimal)
    if found is None:
        return infinity(text)
    if isinf(found) or (found == 0.0 and not _is_zero(text)):
        return None
    return found


def parse_bound(text: bytes, strtod: bool) -> float | None:
    """A bound of ZRANGEBYSCORE without its `(`, else None.

    `strtod` (`ZRANGEBYSCORE z 0x1 ' 3'`: Redis up to 7.4, Valkey up to 8.1): hexadecimal and leading blanks are
    fine.  Anywhere the text is a C string, which a zero byte ends; an empty one is 0, what is too large is infinite.
    """
    text = text.partition(b"\0")[0]
    if not text:
        return 0.0
    if strtod:
        text = text.lstrip(b" \t\n\v\f\r")
    found = _strtod(text, strtod)
    return infinity(text) if found is None else found


def _strtod(text: bytes, hexadecimal: bool) -> float | None:
    if DECIMAL.fullmatch(text):
        return float(text)
    if hexadecimal and HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(text.decode())
        except OverflowError:
            return -inf if text[:1] == b"-" else inf
    return None


def _is_zero(text: bytes) -> bool:
    """Whether the digits of a decimal or hexadecimal number are all 0."""
    text = text.lower()
    if b"0x" in text:
        return not text.partition(b"x")[2].partition(b"p")[0].strip(b"0.")
    return not text.partition(b"e")[0].strip(b"+-0.")


# ---- printing


def format_double_17g(value: float) -> bytes:
    """Up to 7.0: 0.1 is 0.10000000000000001."""
    return b"%.17g" % value


def format_double_short(value: float) -> bytes:
    """Since 7.2: 0.1 is 0.1."""
    if -4.611686018427388e18 <= value <= 4.611686018427388e18 and value == (whole := int(value)):
        # half of the 64-bit range: only such integers are printed as integers (double2ll)
        if whole == 0 and str(value) == "-0.0":
            return b"-0"
        return b"%d" % whole
    if isinf(value):
        return b"inf" if value > 0 else b"-inf"
    if isnan(value):
        return b"nan"
    return _short(value)


@lru_cache(maxsize=4096)
def _short(value: float) -> bytes:
    sign = "-" if value < 0 else ""
    digits, exponent = _few_digits(abs(value)) or _grisu2(abs(value))
    count = len(digits)
    magnitude = abs(exponent + count - 1)
    if exponent >= 0 and magnitude < count + 7:
        text = digits + "0" * exponent
    elif exponent < 0 and (exponent > -7 or magnitude < 4):
        point = count + exponent
        text = digits[:point] + "." + digits[point:] if point > 0 else "0." + "0" * -point + digits
    else:
        digits = digits[: 18 - len(sign)]
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        text += f"e{'-' if exponent + count - 1 < 0 else '+'}{magnitude}"
    return (sign + text).encode()


def _few_digits(value: float) -> tuple[str, int] | None:
    """The digits of `repr` where Grisu2 certainly finds the same ones, five times faster.

    At most 15 digits are the only ones so short in the double's rounding interval.  Grisu2 sees them unless they are
    in the outermost sliver of that interval, which its rounding errors hide.
    """
    if not 1e-15 < value < 1e15:
        return None
    text, _, power = repr(value).partition("e")
    whole, _, part = text.partition(".")
    digits = (whole + part).lstrip("0")
    places = len(part) - int(power or 0)
    if len(digits) > 15 or places > 30:
        return None
    numerator, denominator = value.as_integer_ratio()
    half = numerator.bit_length() - denominator.bit_length() - 54  # a half ulp is 2**half, or twice that
    tens: int = 10**places
    # | digits / tens  -  numerator / denominator |  <  2**half * 255 / 256
    error = abs(int(digits) * denominator - numerator * tens)
    return (digits, -places) if error << 8 - half < 255 * denominator * tens else None


def _grisu2(value: float) -> tuple[str, int]:
    """Decimal digits and exponent of a positive double: digits * 10**exponent, within its rounding interval.

    The value and the ends of its interval are scaled by a power of ten of 64 bits, so that their integer part has at
    most ten digits; then digits are taken until the rest fits into the interval.
    """
    (bits,) = unpack("<Q", pack("<d", value))
    fraction, exponent = bits & ((1 << 52) - 1), bits >> 52
    if exponent:
        fraction |= 1 << 52
        exponent -= 1075
    else:
        exponent = -1074

    upper = (fraction << 1) + 1
    shift = 64 - upper.bit_length()
    upper <<= shift
    upper_exponent = exponent - 1 - shift
    step = 2 if fraction == 1 << 52 else 1  # below a power of two the doubles are twice as dense
    lower = ((fraction << step) - 1) << (exponent - step - upper_exponent)
    shift = 64 - fraction.bit_length()
    middle = fraction << shift

    power, power_exponent, tens = _power_of_ten(upper_exponent)
    scale = -(upper_exponent + power_exponent + 64)
    middle = _multiply(middle, power)
    upper = _multiply(upper, power) - 1
    lower = _multiply(lower, power) + 1

    gap = upper - middle
    room = upper - lower
    one = 1 << scale
    whole, rest = divmod(upper, one)
    digits = str(whole)
    for kept in range(1, len(digits) + 1):
        divisor = 10 ** (len(digits) - kept)
        left = (whole % divisor << scale) + rest
        if left <= room:
            last = _nearest(int(digits[kept - 1]), room, left, divisor << scale, gap)
            return digits[: kept - 1] + str(last), len(digits) - kept - tens
    digits = digits if whole else ""
    factor = 1
    while True:
        rest *= 10
        room *= 10
        factor *= 10
        tens += 1
        digit, rest = divmod(rest, one)
        if digit or digits:
            digits += str(digit)
        if rest < room:
            last = _nearest(digit, room, rest, one, gap * factor & 0xFFFFFFFFFFFFFFFF)
            return digits[:-1] + str(last), -tens


def _nearest(digit: int, room: int, left: int, step: int, gap: int) -> int:
    """Count the last digit down while that comes closer to the value itself and stays inside the interval."""
    while left < gap and room - left >= step and (left + step < gap or gap - left > left + step - gap):
        digit -= 1
        left += step
    return digit


def _multiply(a: int, b: int) -> int:
    """The upper half of a product of two 64-bit numbers, rounded."""
    return (a * b + (1 << 63)) >> 64


@cache
def _power_of_ten(exponent: int) -> tuple[int, int, int]:
    """For a 64-bit significand with that binary exponent the power of ten to scale it with: its 64 bits, its binary
    exponent, and its decimal one.  One power in eight is considered, from -348 on."""
    index = (int(-(exponent + 87) * 0.30102999566398114) + 348) // 8
    while True:
        tens = index * 8 - 348
        significand, binary = _scaled(tens)
        if exponent + binary + 64 < -60:
            index += 1
        elif exponent + binary + 64 > -32:
            index -= 1
        else:
            return significand, binary, tens


@cache
def _scaled(tens: int) -> tuple[int, int]:
    """10**tens as 64 bits, rounded, and a binary exponent."""
    if tens >= 0:
        numerator, denominator = 10**tens, 1
    else:
        numerator, denominator = 1, 10**-tens
    binary = numerator.bit_length() - denominator.bit_length() - 64
    while True:
        up, down = max(-binary, 0), max(binary, 0)
        significand = ((numerator << up + 1) // (denominator << down) + 1) >> 1
        if significand.bit_length() > 64:
            binary += 1
        elif significand.bit_length() < 64:
            binary -= 1
        else:
            return significand, binary

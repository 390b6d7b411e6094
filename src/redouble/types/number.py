"""Numbers as Redis reads, adds and prints them.

Doubles (scores) are Python floats: `parse_double` reads what strtod reads, and there are two ways to print one, that of
Redis 7.0 (`%.17g`) and that of 7.2 and later (the shortest digits that Grisu2 finds).  INCRBYFLOAT and HINCRBYFLOAT
compute in the 80-bit format of x86 processors, which `LongDouble` reproduces with integers.
"""

from __future__ import annotations

import functools
import math
import re
import sys

__all__ = [
    "INTEGER_MAX",
    "INTEGER_MIN",
    "LongDouble",
    "format_argument",
    "format_argument_17g",
    "format_double_17g",
    "format_double_shortest",
    "format_long_double",
    "parse_boundless_weight",
    "parse_canonical_cursor",
    "parse_cursor",
    "parse_double",
    "parse_hexless_double",
    "parse_integer",
    "parse_score_bound",
    "parse_strict_weight",
    "parse_weight",
]

_DECIMAL = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL = re.compile(
    rb"(?P<sign>[+-]?)0[xX](?=\.?[0-9a-fA-F])(?P<whole>[0-9a-fA-F]*)\.?(?P<part>[0-9a-fA-F]*)"
    rb"(?:[pP](?P<exponent>[+-]?[0-9]+))?"
)
_UNSIGNED = re.compile(rb"[ \t\n\v\f\r]*([+-]?)0*([0-9]{1,20})")
_INFINITY = re.compile(rb"[+-]?inf(?:inity)?", re.IGNORECASE)

# Reading doubles.


INTEGER_MIN = -0x8000000000000000
INTEGER_MAX = 0x7FFFFFFFFFFFFFFF


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


def parse_cursor(text: bytes) -> int:
    """The cursor of a SCAN up to Redis 7.2: what strtoul reads, which takes a minus sign and counts down from 2**64, but
    without blanks; nothing at all is 0.  Raises ValueError for anything else."""
    if text[:1].isspace():
        raise ValueError("blanks before a cursor")
    return _parse_unsigned(text) if text else 0


def parse_canonical_cursor(text: bytes) -> int:
    """The cursor of a SCAN since Redis 7.4 (string2ull): what strtoul reads, unless it is the one spelling of a negative
    64-bit integer."""
    number = parse_integer(text)
    if number is not None and number < 0:
        raise ValueError("a negative cursor")
    return _parse_unsigned(text)


def _parse_unsigned(text: bytes) -> int:
    """What C's strtoul reads from the whole of `text`."""
    match = _UNSIGNED.fullmatch(text)
    number = int(match[2]) if match else 2**64
    if number >= 2**64:
        raise ValueError("no unsigned integer of 64 bits")
    return -number % 2**64 if match and match[1] == b"-" else number


def parse_double(text: bytes) -> float:
    """The double that strtod reads from the whole of `text`: decimal, hexadecimal or infinite.

    Raises ValueError for anything else: NaN, blanks, and what is too large for a double or too small to differ from
    zero (string2d).
    """
    if text.isdigit() and len(text) < 300:  # as most scores are: x0.2
        return float(text)
    if _HEXADECIMAL.fullmatch(text):
        try:
            number = float.fromhex(text.decode())
        except OverflowError:
            raise ValueError("too large for a double") from None
        if number == 0 and any(digit in b"123456789abcdefABCDEF" for digit in _digits(text[2:], b"pP")):
            raise ValueError("too small for a double")
        return number
    return parse_hexless_double(text)


def parse_hexless_double(text: bytes) -> float:
    """`parse_double` for a server that does not know hexadecimal doubles."""
    if _DECIMAL.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise ValueError("too large for a double")
        if number == 0 and any(digit in b"123456789" for digit in _digits(text, b"eE")):
            raise ValueError("too small for a double")
        return number
    if _INFINITY.fullmatch(text):
        return float(text)
    raise ValueError("not a double")


def parse_weight(text: bytes) -> float:
    """What SORT takes for a number up to Redis 7.4: C's strtod with all its blanks, but nothing beyond its range."""
    text = text.partition(b"\0")[0].lstrip(b" \t\n\v\f\r")
    number = parse_double(text) if text else 0.0
    if 0 < abs(number) < sys.float_info.min:
        raise ValueError("out of range")
    return number


def parse_boundless_weight(text: bytes) -> float:
    """What SORT takes for a number since Redis 8.0: no blanks, no hexadecimal, and the numbers beyond the range are
    infinite or zero."""
    text = text.partition(b"\0")[0]
    if not text:
        return 0.0
    return float(text) if _DECIMAL.fullmatch(text) else parse_hexless_double(text)


def parse_strict_weight(text: bytes) -> float:
    """What SORT takes for a number in Valkey 9: what a score may be, up to the first zero byte."""
    return parse_hexless_double(text.partition(b"\0")[0])


def parse_score_bound(text: bytes) -> float:
    """A bound of ZRANGEBYSCORE up to Redis 7.4: C's strtod with all its blanks, and nothing at all is zero; numbers
    beyond the range are infinite or zero."""
    text = text.partition(b"\0")[0]
    number = text.lstrip(b" \t\n\v\f\r")
    if not text or _DECIMAL.fullmatch(number):
        return float(number or b"0")
    return parse_double(number)


def _digits(text: bytes, exponent_marks: bytes) -> bytes:
    """What stands before the exponent."""
    for mark in exponent_marks:
        text = text.partition(bytes((mark,)))[0]
    return text


# Printing doubles.


def format_double_17g(number: float) -> bytes:
    """A double as Redis up to 7.0 prints it."""
    return b"%.17g" % number


def format_double_shortest(number: float) -> bytes:
    """A double as Redis 7.2 and later print it (d2string): whole numbers up to 2**62 in full, others by Grisu2."""
    if -4611686018427387904.0 <= number <= 4611686018427387904.0:
        whole = int(number)
        if whole == number:
            return b"%d" % whole if whole or math.copysign(1.0, number) > 0 else b"-0"
    elif not math.isfinite(number):  # infinite or NaN
        return repr(number).encode()
    return _format_known_grisu(number)


def format_argument_17g(number: float) -> bytes:
    """A number that a script gives to a command, in Redis 7.0."""
    text = b"%.17g" % number
    return b"-nan" if text == b"nan" and math.copysign(1.0, number) < 0 else text


def format_argument(number: float) -> bytes:
    """The same since 7.2: an integer as one, anything else with the shortest digits."""
    if number.is_integer() and -_WHOLE < number < _WHOLE:
        return b"%d" % number
    return _format_grisu(number) if number - number == 0.0 else format_argument_17g(number)


_WHOLE = 2.0**63 - 1024


def _format_grisu(number: float) -> bytes:
    """The digits that Grisu2 finds for a finite number, in the notation of the fpconv library (fpconv_dtoa)."""
    text = repr(number)
    whole, _, fraction = text.partition(".")
    places = len(fraction)
    if (
        (places < 7 or 0.001 <= abs(number) < 10_000)  # else the notation is another one
        and "e" not in text
        and _finds_shortest(number, whole + fraction, places)
    ):
        return text.encode()
    sign, number = ("-", -number) if number < 0 else ("", number)
    return _in_fpconv_notation(sign, *_grisu2(number))


_format_known_grisu = functools.lru_cache(maxsize=1024)(_format_grisu)
"""The same, for numbers that are printed again and again."""


def _in_fpconv_notation(sign: str, text: str, power: int) -> bytes:
    count = len(text)
    exponent = power + count - 1
    if power >= 0 and exponent < count + 7:
        return f"{sign}{text}{'0' * power}".encode()
    if power < 0 and (power > -7 or -4 < exponent < 4):
        point = count + power
        if point <= 0:
            return f"{sign}0.{'0' * -point}{text}".encode()
        return f"{sign}{text[:point]}.{text[point:]}".encode()
    fraction = f".{text[1:]}" if count > 1 else ""
    return f"{sign}{text[0]}{fraction}e{exponent:+d}".encode()


def _finds_shortest(number: float, digits: str, places: int) -> bool:
    """Whether Grisu2 certainly finds what `repr` prints: `digits`, of which `places` stand behind the point.

    These are the shortest digits that read back, and of those the nearest.  So are Grisu2's, but it cannot tell whether
    they read back if they are nearly half way to the next double, nor which are nearer if two are nearly so.
    """
    scale: float
    if len(digits) < 17 and -_EXACT < (whole := float(digits)) < _EXACT:
        # Dekker's product of two doubles, with the error of each rounding.  x0.75 for all of it.
        scale, scale_upper, scale_lower = _SCALES[places]
        product = number * scale
        split = number * _SPLIT
        upper = split - (split - number)
        lower = number - upper
        rest = ((upper * scale_upper - product) + upper * scale_lower + lower * scale_upper) + lower * scale_lower
        error = abs((product - whole) + rest)
    else:
        numerator, denominator = number.as_integer_ratio()
        scale = 10**places
        error = abs(int(digits) * denominator - numerator * scale) / denominator
    return error <= 0.45 and error <= 0.49 * math.ulp(number) * scale


_EXACT = 2.0**53
_SPLIT = 2.0**27 + 1
_SCALES = [
    (scale, upper := scale * _SPLIT - (scale * _SPLIT - scale), scale - upper)
    for scale in map(float, (10**places for places in range(17)))
]
"""Powers of ten, with their halves of 26 bits."""


_FIRST_POWER, _POWER_STEP, _POWER_COUNT = -348, 8, 87


@functools.cache
def _power_of_ten(index: int) -> tuple[int, int]:
    """10 ** (-348 + 8 * index) as a mantissa of 64 bits, rounded, and a binary exponent."""
    power = _FIRST_POWER + _POWER_STEP * index
    numerator, denominator = (10**power, 1) if power >= 0 else (1, 10**-power)
    shift = 64 - (numerator.bit_length() - denominator.bit_length())
    mantissa = _divide_to_even(numerator << max(shift, 0), denominator << max(-shift, 0))
    if mantissa.bit_length() > 64:
        shift -= 1
        mantissa = _divide_to_even(numerator << max(shift, 0), denominator << max(-shift, 0))
    return mantissa, -shift


def _grisu2(number: float) -> tuple[str, int]:
    """Decimal digits of a positive double and the power of ten of the last one (Florian Loitsch's Grisu2, 2010).

    The digits always read back as the same double; in one of a thousand cases they are not the shortest ones, which is
    why `repr` would not do.
    """
    fraction, exponent = math.frexp(number)
    if exponent > -1021:
        mantissa, exponent = int(fraction * 2**53), exponent - 53
    else:  # subnormal
        mantissa, exponent = int(math.ldexp(number, 1074)), -1074
    # The value and the middles to its neighbours, with one exponent, that of the normalized upper one.
    upper = 2 * mantissa + 1
    shift = 64 - upper.bit_length()
    upper <<= shift
    exponent -= 1 + shift
    value = mantissa << (shift + 1)
    lower = ((mantissa << 2) - 1) << (shift - 1) if mantissa == 1 << 52 else (2 * mantissa - 1) << shift
    # A power of ten that brings the exponent into [-60, -32].
    index = (int(-(exponent + _POWER_COUNT) * 0.30102999566398114) - _FIRST_POWER) // _POWER_STEP
    while True:
        power, power_exponent = _power_of_ten(index)
        scaled_exponent = exponent + power_exponent + 64
        if scaled_exponent < -60:
            index += 1
        elif scaled_exponent > -32:
            index -= 1
        else:
            break
    upper = _scale(upper, power) - 1
    lower = _scale(lower, power) + 1
    distance = upper - _scale(value, power)
    return _generate(upper, upper - lower, distance, -scaled_exponent, -(_FIRST_POWER + _POWER_STEP * index))


def _scale(mantissa: int, power: int) -> int:
    """The upper 64 bits of a product of two such numbers."""
    return (mantissa * power + (1 << 63)) >> 64


def _generate(upper: int, delta: int, distance: int, bits: int, power: int) -> tuple[str, int]:
    """Digits of `upper / 2 ** bits`, as few as leave less than `delta`, the last one moved towards the value."""
    one = 1 << bits
    whole, rest = upper >> bits, upper & (one - 1)
    digits = str(whole)
    for dropped in range(len(digits) - 1, -1, -1):
        unit = 10**dropped
        remainder = (whole % unit << bits) + rest
        if remainder <= delta:
            found = whole // unit
            return _nearer(found, delta, remainder, unit << bits, distance), power + dropped
    found = whole
    while True:
        rest *= 10
        delta *= 10
        distance *= 10
        power -= 1
        found = found * 10 + (rest >> bits)
        rest &= one - 1
        if rest < delta:
            return _nearer(found, delta, rest, one, distance), power


def _nearer(digits: int, delta: int, remainder: int, unit: int, distance: int) -> str:
    """Lower the last digit as long as that brings the number nearer to the value."""
    while (
        remainder < distance
        and delta - remainder >= unit
        and (remainder + unit < distance or distance - remainder > remainder + unit - distance)
    ):
        digits -= 1
        remainder += unit
    return str(digits)


# Long doubles.

_MANTISSA_BITS = 64
_LEAST_EXPONENT = -16445
_GREATEST_EXPONENT = 16384
_INFINITE = 1 << 20
_MAX_TEXT = 5 * 1024


class LongDouble:
    """A number of the x87 80-bit format: `mantissa * 2 ** exponent`, the mantissa of 64 bits at most, with its sign.

    Results are rounded to the nearest such number, to the even one of two.  An infinity has an exponent that no number
    has.  There is no NaN (nothing that Redis computes may be one) and no negative zero (Redis prints it as 0).
    """

    __slots__ = ("exponent", "mantissa")

    def __init__(self, mantissa: int, exponent: int = 0) -> None:
        excess = max(mantissa.bit_length() - _MANTISSA_BITS, _LEAST_EXPONENT - exponent)
        if excess > 0:
            mantissa, exponent = _divide_to_even(mantissa, 1 << excess), exponent + excess
        if not mantissa:
            exponent = 0
        elif exponent + mantissa.bit_length() > _GREATEST_EXPONENT:
            mantissa, exponent = (1 if mantissa > 0 else -1), _INFINITE
        self.mantissa = mantissa
        self.exponent = exponent

    @classmethod
    def parse(cls, text: bytes) -> LongDouble:
        """The number that strtold reads from the whole of `text`: decimal, hexadecimal or infinite (string2ld).

        Raises ValueError for anything else, as `parse_double` does, and for a text that Redis has no room for.
        """
        if len(text) >= _MAX_TEXT:
            raise ValueError("too long for a long double")
        if _DECIMAL.fullmatch(text):
            return cls._parse_decimal(text)
        match = _HEXADECIMAL.fullmatch(text)
        if match:
            sign, whole, part, exponent = match.group("sign", "whole", "part", "exponent")
            mantissa = int(sign + whole + part, 16)
            return cls._in_range(mantissa, 1, _clamped(exponent or b"0") - 4 * len(part))
        if _INFINITY.fullmatch(text):
            return cls(-1 if text[:1] == b"-" else 1, _INFINITE)
        raise ValueError("not a long double")

    @classmethod
    def _parse_decimal(cls, text: bytes) -> LongDouble:
        digits, _, power_text = text.lower().partition(b"e")
        whole, _, part = digits.partition(b".")
        mantissa = _integer(whole + part)
        power = _clamped(power_text or b"0") - len(part)
        if not mantissa or abs(power) > 2 * _MAX_TEXT:
            return cls._in_range(mantissa, 1, 8 * power)
        if power >= 0:
            return cls._in_range(mantissa * 10**power, 1, 0)
        return cls._in_range(mantissa, 10**-power, 0)

    @classmethod
    def _in_range(cls, numerator: int, denominator: int, exponent: int) -> LongDouble:
        """`numerator / denominator * 2 ** exponent`, if it is neither too large nor too small for a long double."""
        if denominator > 1:
            # A quotient of more bits than any result keeps; its last bit stands for all that follow.
            shift = max(_MANTISSA_BITS + 2 + denominator.bit_length() - numerator.bit_length(), 0)
            quotient, rest = divmod(numerator << shift, denominator)
            numerator, exponent = (quotient << 1) | (rest != 0), exponent - shift - 1
        number = cls(numerator, exponent)
        if numerator and (not number.mantissa or not number.is_finite()):
            raise ValueError("too large or too small for a long double")
        return number

    @classmethod
    def from_double(cls, number: float) -> LongDouble:
        """The same number; every finite double is one of these."""
        numerator, denominator = number.as_integer_ratio()
        return cls(numerator, 1 - denominator.bit_length())

    def is_finite(self) -> bool:
        return self.exponent != _INFINITE

    def __add__(self, other: LongDouble) -> LongDouble:
        """The sum; the infinity of one term decides."""
        if not self.is_finite():
            return self
        if not other.is_finite():
            return other
        exponent = min(self.exponent, other.exponent)
        return LongDouble(
            (self.mantissa << (self.exponent - exponent)) + (other.mantissa << (other.exponent - exponent)), exponent
        )

    def __mul__(self, factor: int) -> LongDouble:
        return LongDouble(self.mantissa * factor, self.exponent) if self.is_finite() else self

    def __ceil__(self) -> int:
        """Raises OverflowError for an infinity."""
        if not self.is_finite():
            raise OverflowError("an infinity is no integer")
        if self.exponent >= 0:
            return self.mantissa << self.exponent
        return -(-self.mantissa >> -self.exponent)

    def __repr__(self) -> str:
        return f"LongDouble({self.mantissa}, {self.exponent})"


def format_long_double(number: LongDouble) -> bytes:
    """A finite long double with 17 places and without the zeros at its end (ld2string for humans)."""
    if number.exponent >= 0:
        return _decimal_digits(number.mantissa << number.exponent)
    scaled = _divide_to_even(abs(number.mantissa) * 10**17, 1 << -number.exponent)
    whole, part = divmod(scaled, 10**17)
    sign = b"-" if number.mantissa < 0 and scaled else b""
    return (b"%b%d.%017d" % (sign, whole, part)).rstrip(b"0").rstrip(b".")


def _divide_to_even(numerator: int, denominator: int) -> int:
    """The integer nearest to a quotient, the even one of two; `denominator` is positive."""
    quotient, rest = divmod(numerator, denominator)
    rest *= 2
    return quotient + (rest > denominator or (rest == denominator and quotient & 1))


def _clamped(exponent: bytes) -> int:
    """An exponent; one beyond all sense comes back as one that is merely far too large."""
    limit = 10 * _MAX_TEXT
    return max(min(_integer(exponent), limit), -limit)


# Python refuses to convert more than 4300 digits at once (sys.set_int_max_str_digits); a long double may have 4933.

_PORTION = 4000
_PORTION_UNIT: int = 10**_PORTION


def _integer(digits: bytes) -> int:
    """The integer that `digits`, with a sign or without, spell."""
    if len(digits) <= _PORTION:
        return int(digits)
    magnitude = digits.lstrip(b"+-")
    number = int(magnitude[:-_PORTION] or b"0") * _PORTION_UNIT + int(magnitude[-_PORTION:])
    return -number if digits[:1] == b"-" else number


def _decimal_digits(number: int) -> bytes:
    if abs(number) < _PORTION_UNIT:
        return b"%d" % number
    head, tail = divmod(abs(number), _PORTION_UNIT)
    return (b"-" if number < 0 else b"") + b"%d%0*d" % (head, _PORTION, tail)

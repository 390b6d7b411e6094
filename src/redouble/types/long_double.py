"""The x87's 80-bit long double: what INCRBYFLOAT and HINCRBYFLOAT add, and what timeouts are read as.

A number is `mantissa * 2**exponent` with a mantissa of at most 64 bits; everything is computed exactly and then
rounded once, to the nearest with ties to even, as the hardware and the C library do.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from .number import DECIMAL, HEXADECIMAL, infinity

__all__ = ["LongDouble", "parse_long_double"]

_BITS = 64
_LEAST = -16445  # exponent of the smallest subnormal
_MOST = 16384  # numbers are below 2**_MOST
_LONGEST_TEXT = 5119


class LongDouble(NamedTuple):
    mantissa: int
    exponent: int
    infinite: int = 0
    """1 and -1 are the infinities."""

    @classmethod
    def of(cls, numerator: int, denominator: int = 1) -> LongDouble:
        """The one nearest to a fraction."""
        sign = -1 if numerator < 0 else 1
        numerator = abs(numerator)
        exponent = max(numerator.bit_length() - denominator.bit_length() - _BITS, _LEAST)
        mantissa = _divide(numerator, denominator, exponent)
        if mantissa.bit_length() > _BITS:
            exponent += 1
            mantissa = _divide(numerator, denominator, exponent)
        if mantissa.bit_length() + exponent > _MOST:
            return cls(0, 0, sign)
        return cls(sign * mantissa, exponent)

    @property
    def value(self) -> Fraction:
        """Exactly.  Not for infinities."""
        if self.exponent >= 0:
            return Fraction(self.mantissa << self.exponent)
        return Fraction(self.mantissa, 1 << -self.exponent)

    def plus(self, other: LongDouble) -> LongDouble | None:
        """The sum; None if there is none (inf - inf)."""
        if self.infinite or other.infinite:
            return None if self.infinite + other.infinite == 0 else (self if self.infinite else other)
        low = min(self.exponent, other.exponent)
        total = (self.mantissa << self.exponent - low) + (other.mantissa << other.exponent - low)
        return LongDouble.of(total << low) if low >= 0 else LongDouble.of(total, 1 << -low)

    def __bytes__(self) -> bytes:
        """`%.17Lf` without the zeros at its end."""
        if self.infinite:
            return b"inf" if self.infinite > 0 else b"-inf"
        scaled = abs(self.mantissa) * 10**17
        if self.exponent >= 0:
            scaled <<= self.exponent
        else:
            scaled = _divide(scaled, 1, -self.exponent)
        whole, part = divmod(scaled, 10**17)
        text = (_digits(whole) + b".%017d" % part).rstrip(b"0").rstrip(b".")
        return b"-" + text if self.mantissa < 0 and text != b"0" else text


def parse_long_double(text: bytes) -> LongDouble | None:
    """What INCRBYFLOAT takes (string2ld), else None: decimal, hexadecimal or infinite by name, without blanks.  What
    overflows, and what is not 0 but rounds to it, is no number."""
    if len(text) > _LONGEST_TEXT:
        return None
    if DECIMAL.fullmatch(text):
        digits, _, power = text.lstrip(b"+-").lower().partition(b"e")
        base = 10
    elif HEXADECIMAL.fullmatch(text):
        digits, _, power = text.lstrip(b"+-")[2:].lower().partition(b"p")
        base = 2
    else:
        sign = infinity(text)
        return None if sign is None else LongDouble(0, 0, 1 if sign > 0 else -1)
    whole, _, part = digits.partition(b".")
    number = int(whole + part, 16) if base == 2 else _integer(whole + part)
    if not number:
        return LongDouble(0, 0)
    if len(power.lstrip(b"+-0")) > 5:  # far outside, whatever the at most 5119 digits are
        return None
    tens = int(power or 0) - len(part) * (4 if base == 2 else 1)
    if text[:1] == b"-":
        number = -number
    found = LongDouble.of(number * base**tens) if tens >= 0 else LongDouble.of(number, base**-tens)
    return None if found.infinite or not found.mantissa else found


def _digits(number: int) -> bytes:
    """Python converts at most 4300 digits at once."""
    if number.bit_length() < 13_000:
        return b"%d" % number
    return b"%d%04000d" % divmod(number, 10**4000)


def _integer(digits: bytes) -> int:
    if len(digits) <= 4000:
        return int(digits)
    return int(digits[:-4000]) * 10**4000 + int(digits[-4000:])


def _divide(numerator: int, denominator: int, exponent: int) -> int:
    """numerator / (denominator * 2**exponent), rounded to the nearest, ties to even."""
    if exponent >= 0:
        denominator <<= exponent
    else:
        numerator <<= -exponent
    quotient, rest = divmod(numerator, denominator)
    return quotient + (rest * 2 > denominator or (rest * 2 == denominator and quotient & 1))

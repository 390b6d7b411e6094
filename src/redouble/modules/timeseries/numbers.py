"""Values as clients write and read them."""

from __future__ import annotations

import math
import re

__all__ = ["format_value", "parse_value", "parse_value_strictly"]

_NUMBER = re.compile(rb"-?(?:0(?![0-9])|[1-9][0-9]*)(?:\.[0-9]+|(?!\.))(?:[eE][+-]?[0-9]+|(?![eE]))")
_LARGEST_WHOLE = 4503599627370496.0
"""Up to here, and beyond its negative, whole numbers are written as such."""


def parse_value(text: bytes) -> float | None:
    """The number that a text begins with, in the notation of JSON; None: it begins with none, or with one too large."""
    match = _NUMBER.match(text)
    value = float(match[0]) if match else math.inf
    return value if math.isfinite(value) else None


def parse_value_strictly(text: bytes) -> float | None:
    """`parse_value` of a text that is nothing else, or a nan."""
    if text.lower() == b"nan":
        return math.nan
    return parse_value(text) if _NUMBER.fullmatch(text) else None


def format_value(value: float) -> bytes:
    """The shortest digits that read back as this value, as RESP2 has them."""
    if -_LARGEST_WHOLE < value <= _LARGEST_WHOLE and value.is_integer() and (value or str(value) == "0.0"):
        return b"%d" % value
    if value != value:
        return b"NaN"
    text = repr(value)
    sign, text = ("-", text[1:]) if text[0] == "-" else ("", text)
    if text == "inf":
        return f"{sign}Infinity".encode()
    if value == 0:
        return b"-0"
    mantissa, _, exponent = text.partition("e")
    whole, _, part = mantissa.partition(".")
    digits = (whole + part).lstrip("0").rstrip("0")
    if exponent:
        power = int(exponent)
    elif whole != "0":
        power = len(whole) - 1
    else:
        power = -1 - (len(part) - len(part.lstrip("0")))
    if 0 <= power < len(digits):
        text = f"{digits[: power + 1]}.{digits[power + 1 :]}".rstrip(".")
    else:
        text = f"{digits[0]}.{digits[1:]}".rstrip(".") + f"E{power}"
    return (sign + text).encode()

"""Placeholder until the structures land."""

from decimal import Decimal


def format_double_17g(number: float) -> bytes:
    return b"%.17g" % number


def format_double_shortest(number: float) -> bytes:
    return repr(number).encode()


def format_long_double(number: Decimal) -> bytes:
    return (b"%.17f" % number).rstrip(b"0").rstrip(b".")

"""What the value of a string tells about itself.

A value is `bytes`; once it was changed in place it is a `bytearray`.
"""

from __future__ import annotations

from redouble.types.number import parse_integer

__all__ = ["FloatText", "string_encoding"]


class FloatText(bytes):
    """What INCRBYFLOAT stored: never encoded as an integer, even if it spells one."""

    __slots__ = ()


def string_encoding(value: bytes | bytearray, embedded_limit: int) -> bytes:
    """What OBJECT ENCODING answers; strings of up to `embedded_limit` bytes are stored inside their object."""
    if type(value) is bytearray:
        return b"raw"
    if type(value) is bytes and parse_integer(value) is not None:
        return b"int"
    return b"embstr" if len(value) <= embedded_limit else b"raw"

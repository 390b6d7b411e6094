"""What OBJECT ENCODING answers for strings."""

from __future__ import annotations

import pytest

from redouble.types.string import FloatText, string_encoding


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        (b"12345", b"int"),
        (b"-5", b"int"),
        (b"9223372036854775807", b"int"),
        (b"9223372036854775808", b"embstr"),
        (b"-0", b"embstr"),
        (b"0010", b"embstr"),
        (b" 1", b"embstr"),
        (b"", b"embstr"),
        (b"v" * 44, b"embstr"),
        (b"v" * 45, b"raw"),
        (bytearray(b"12345"), b"raw"),
        (FloatText(b"3000"), b"embstr"),
        (FloatText(b"3" * 45), b"raw"),
    ],
)
def test_a_string_is_an_integer_or_embedded_or_raw(value: bytes | bytearray, encoding: bytes) -> None:
    assert string_encoding(value, 44) == encoding

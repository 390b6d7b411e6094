"""Blocking timeouts: what BLPOP answered (or whether it waited) on Redis 7.0 and 7.4."""

from __future__ import annotations

import pytest

from redouble.core.arguments import timeout_ms
from redouble.core.client import Client
from redouble.core.errors import CommandError
from redouble.core.server import Server

NEGATIVE = "ERR timeout is negative"
NO_FLOAT = "ERR timeout is not a float or out of range"
OUT_OF_RANGE = "ERR timeout is out of range"


def timeout(version: str, text: bytes) -> int | str:
    try:
        return timeout_ms(Client(Server(version=version)), text)
    except CommandError as error:
        return error.message


@pytest.mark.parametrize(
    ("text", "redis_7_0", "redis_7_4"),
    [
        (b"0.0001", 1, 1),
        (b"+0.001", 1, 1),
        (b"0x10", 16000, 16000),
        (b"1e-4000", 1, 1),
        (b"-0", 0, 0),
        (b"-0.0001", 0, 0),
        (b"-0.001", 0, 0),  # -0.001 * 1000 is a little more than -1 in 64 bits of precision
        (b"-0.0011", NEGATIVE, NEGATIVE),
        (b"-1", NEGATIVE, NEGATIVE),
        (b"-inf", NEGATIVE, NEGATIVE),
        (b"inf", NEGATIVE, OUT_OF_RANGE),
        (b"1e400", NEGATIVE, OUT_OF_RANGE),
        (b"9223372036854775.807", 2**63 - 1, OUT_OF_RANGE),
        (b"9223372036854775.808", NEGATIVE, OUT_OF_RANGE),
        (b"9223370000000000", 9223370000000000000, 9223370000000000000),
        (b"nan", NO_FLOAT, NO_FLOAT),
        (b"", NO_FLOAT, NO_FLOAT),
        (b" 1", NO_FLOAT, NO_FLOAT),
        (b"1e5000", NO_FLOAT, NO_FLOAT),
    ],
)
def test_a_timeout_is_a_long_double_of_seconds(text: bytes, redis_7_0: int | str, redis_7_4: int | str) -> None:
    assert timeout("7.0", text) == redis_7_0
    assert timeout("7.4", text) == redis_7_4

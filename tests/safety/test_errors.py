"""Errors: one line each, whatever the client sent, and never a traceback."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

import redouble
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.encoder import encode
from redouble.resp.reply import CommandError

WORDS = st.sampled_from(
    [b"x\r\ny", b"\r\n+OK\r\n", b"\n", b"\r", b"GET\r\n", b"k", b"0", b"-1", b"(", b"\xff\r\n", b"CONFIG", b"CLIENT"]
)
COMMANDS = st.sampled_from(
    [b"GET", b"nosuch\r\n", b"CONFIG", b"ACL", b"CLIENT", b"EVAL", b"XADD", b"XREADGROUP", b"FUNCTION", b"SET", b"OBJECT",
     b"HELLO", b"AUTH", b"ZADD", b"LPOP", b"SCRIPT", b"EVALSHA", b"FCALL", b"COMMAND", b"XGROUP", b"SORT", b"RESTORE"]
)  # fmt: skip
LINES = st.tuples(COMMANDS, st.lists(WORDS, max_size=5)).map(lambda line: [line[0], *line[1]])


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=5))
def test_an_error_is_one_line(lines: list[list[bytes]]) -> None:
    server = Server(version=(8, 6))
    client = Client(server)
    for argv, resp in itertools.product(lines, (2, 3)):
        reply = server.call(client, argv)
        if isinstance(reply, CommandError):
            pieces: list[bytes] = []
            encode(reply, resp, server.dialect.format_double, pieces)
            data = b"".join(pieces)
            assert data.startswith(b"-")
            assert data.endswith(b"\r\n")
            assert b"\r" not in data[:-2]
            assert b"\n" not in data[:-2]
            assert b"Traceback" not in data


@pytest.mark.parametrize("source", ["error('a\\r\\n+OK\\r\\nb')", "return redis.error_reply('a\\r\\nb')", "x\r\n y"])
def test_nor_can_a_script_break_the_line(source: str) -> None:
    for options in ({}, {"protocol": 3}):
        client: Any = redouble.FakeRedis(version=(8, 6), **options)
        with pytest.raises(redis.ResponseError) as caught:
            client.eval(source, 0)
        assert "\r" not in str(caught.value)
        assert "\n" not in str(caught.value)

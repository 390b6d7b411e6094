"""No input hangs it, and none takes memory that it has not brought."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from redouble.resp.encoder import encode
from redouble.resp.reply import CommandError
from redouble.types.glob import compile_glob

from .conftest import Call


def cost(action: Callable[[], object]) -> float:
    """Seconds of CPU, the least of three."""
    best = 1e9
    for _ in range(3):
        began = time.process_time()
        action()
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (b"*a" * 20 + b"?b", b"a"),
        (b"*" * 100 + b"b", b"a"),
        (b"*[a-b]" * 15 + b"c", b"ab"),
        (b"*a*a*a*a*a*a*a*a*b", b"a"),
        (b"*" + b"?" * 50 + b"*b", b"a"),
        (b"*\\a[^b]" * 12 + b"x", b"aa"),
    ],
)
def test_twice_the_text_costs_a_glob_twice_the_time(pattern: bytes, text: bytes) -> None:
    matches = compile_glob(pattern)
    size = 40_000
    short, long = text * size, text * size * 4
    assert not matches(short)
    assert not matches(long)
    # Quadratic would be sixteen times; a machine that does other things, too, may make four look like eight.
    assert cost(lambda: matches(long)) < 11 * max(cost(lambda: matches(short)), 0.0005)


def test_clients_cannot_hang_it_with_patterns(call: Call) -> None:
    call("SET", b"a" * 50_000, 1)
    began = time.process_time()
    assert call("KEYS", "*a" * 100 + "?b") == []
    assert call("SCAN", 0, "MATCH", "*a" * 500 + "b") == [b"0", []]
    assert call("PUBSUB", "CHANNELS", "*a" * 500) == []
    assert call("CONFIG", "GET", "*a" * 500) == {}
    assert time.process_time() - began < 3


HUGE = 2**63 - 1


@pytest.mark.parametrize(
    "words",
    [
        ("SRANDMEMBER", "set", -1_000_000_000),
        ("SRANDMEMBER", "set", -HUGE),
        ("HRANDFIELD", "hash", -1_000_000_000, "WITHVALUES"),
        ("HRANDFIELD", "hash", -HUGE),
        ("ZRANDMEMBER", "zset", -1_000_000_000, "WITHSCORES"),
        ("ZRANDMEMBER", "zset", -HUGE),
        ("LCS", "long", "longer"),
        ("LCS", "long", "longer", "LEN"),
        ("LCS", "long", "longer", "IDX"),
        ("SETBIT", "new", 2**32, 1),
        ("SETRANGE", "new", 512 * 1024 * 1024, "x"),
        ("BITFIELD", "new", "SET", "u8", 2**32, 1),
        ("APPEND", "long", b"x" * 1024 * 1024),
    ],
)
def test_a_claim_beyond_the_limit_is_an_error_at_once(words: tuple[Any, ...], call: Call) -> None:
    tracemalloc = pytest.importorskip("tracemalloc", reason="this interpreter does not trace its memory")
    call("SADD", "set", *range(10))
    call("HSET", "hash", *range(20))
    call("ZADD", "zset", *range(20))
    call("SET", "long", b"x" * 100_000)
    call("SET", "longer", b"y" * 100_000)
    call("CONFIG", "SET", "proto-max-bulk-len", 1024 * 1024 if words[0] == "APPEND" else 512 * 1024 * 1024)
    tracemalloc.start()
    try:
        began = time.process_time()
        assert isinstance(call(*words), CommandError)
        assert time.process_time() - began < 1
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "words",
    [
        ("SRANDMEMBER", "set", HUGE),
        ("HRANDFIELD", "hash", HUGE),
        ("ZRANDMEMBER", "zset", HUGE),
        ("LRANGE", "list", 0, HUGE),
        ("LPOS", "list", "x", "COUNT", HUGE, "MAXLEN", HUGE),
        ("SINTERCARD", 1, "set", "LIMIT", HUGE),
        ("SCAN", 0, "COUNT", HUGE),
        ("SSCAN", "set", 0, "COUNT", HUGE),
        ("ZRANGE", "zset", 0, HUGE),
        ("XRANGE", "stream", "-", "+", "COUNT", HUGE),
        ("LMPOP", 1, "list", "LEFT", "COUNT", HUGE),
        ("ZMPOP", 1, "zset", "MIN", "COUNT", HUGE),
        ("LPOP", "list", HUGE),
        ("SPOP", "set", HUGE),
        ("GETRANGE", "string", -HUGE, HUGE),
        ("BITPOS", "string", 1, 0, HUGE),
        ("SORT", "list", "ALPHA", "LIMIT", 0, HUGE),
        ("GEOSEARCH", "zset", "FROMLONLAT", 0, 0, "BYRADIUS", 1e300, "km", "COUNT", 2**31),
    ],
)
def test_more_than_there_is_costs_what_there_is(words: tuple[Any, ...], call: Call) -> None:
    call("SADD", "set", *range(10))
    call("HSET", "hash", *range(20))
    call("ZADD", "zset", *range(20))
    call("RPUSH", "list", *range(10))
    call("SET", "string", "x")
    call("XADD", "stream", "*", "a", "b")
    began = time.process_time()
    assert not isinstance(call(*words), CommandError)
    assert time.process_time() - began < 1


def test_the_largest_strings_that_are_allowed_lcs_in_a_moment(call: Call) -> None:
    """10,000 bytes each: 10^8 cells of the table that the servers fill."""
    call("SET", "a", b"ab" * 5000)
    call("SET", "b", b"ba" * 5000)
    began = time.process_time()
    assert call("LCS", "a", "b", "LEN") == 9999
    assert time.process_time() - began < 10


def test_sort_compares_no_more_than_n_log_n_times(call: Call) -> None:
    call("RPUSH", "few", *range(1000, 0, -1))
    call("RPUSH", "many", *range(16_000, 0, -1))
    few, many = (cost(lambda key=key: call("SORT", key, "BY", "nosuch:*", "ALPHA")) for key in ("few", "many"))  # type: ignore[misc]
    assert many < 80 * max(few, 0.0005)


def test_replies_may_be_nested_deeper_than_pythons_stack() -> None:
    reply: list[Any] = []
    for _ in range(100_000):
        reply = [reply]
    pieces: list[bytes] = []
    encode(reply, 3, lambda value: b"%a" % value, pieces)
    assert b"".join(pieces).count(b"*1\r\n") == 100_000
    while reply:  # or freeing it takes the stack
        (reply,) = reply


@pytest.mark.parametrize(
    "script",
    [
        "return cjson.decode(string.rep('[', 100000))",
        "return cjson.decode(string.rep('{\"a\":', 100000))",
        "local t = {} for i = 1, 100000 do t = {t} end return cjson.encode(t)",
        "local t = {} t[1] = t return cjson.encode(t)",
        "return cmsgpack.unpack(string.rep('\\145', 100000))",
        "return loadstring('return ' .. string.rep('(', 100000) .. '1')()",
        "return loadstring('return ' .. string.rep('{', 100000) .. string.rep('}', 100000))()",
        "return loadstring(string.rep('do ', 100000) .. string.rep('end ', 100000))()",
        "local t = {} for i = 1, 100000 do t = {t} end return t",
        "return string.rep('x', 2^31 - 1)",
        "return string.find(string.rep('a', 2^14), '.-.-.-.-.-b')",
    ],
)
def test_depths_and_sizes_in_scripts_have_limits(script: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redouble.scripting.watch.LONGEST_RUN", 0.2)
    began = time.monotonic()
    assert isinstance(call("EVAL", script, 0), CommandError)
    assert time.monotonic() - began < 10
    assert call("EVAL", "return 'alive'", 0) == b"alive"


@pytest.mark.parametrize(
    ("head", "part", "tail"),
    [
        (b"local t = {} ", b"t.a=1 ", b""),
        (b"return {", b"1,", b"}"),
        (b"local a return {", b"{a,{a}},", b"}"),
        (b"local a = 1 return a", b"+1", b""),
        (b"local a return a", b"''", b""),
        (b"local a ", b"while a do end ", b""),
        (b"local a if a then ", b"elseif a then ", b"end"),
        (b"", b"do local function f() end end ", b""),
        (b"", b"--\n", b""),
        (b"return '", b"\\n", b"'"),
    ],
)
def test_a_script_is_compiled_in_a_moment_or_not_at_all(head: bytes, part: bytes, tail: bytes, call: Call) -> None:
    """Nothing can stop Python's compiler, which would need minutes for 1 MB of some of them."""
    for size in (100_000, 10_000_000):
        source = head + part * (size // len(part)) + tail
        began = time.process_time()
        loaded = call("SCRIPT", "LOAD", source)
        assert time.process_time() - began < 10
    assert isinstance(loaded, CommandError)
    assert loaded.message.endswith("not enough memory")


def test_scripts_may_hold_long_texts(call: Call) -> None:
    text = b"x" * 5_000_000
    assert call("EVAL", b"return #'%s' -- %s" % (text, text), 0) == len(text)

"""Globs against a literal, exponential reading of the rules, and against real servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types.glob import compile_glob

patterns = st.text(st.sampled_from("aab*?[]^-\\AB"), max_size=12).map(str.encode)
texts = st.text(st.sampled_from("abAB-]\\"), max_size=8).map(str.encode)


def dumbest(pattern: bytes, text: bytes) -> bool:
    """Star by star, trying everything.  A class is asked from the code under test, as a pattern of its own."""
    if not pattern:
        return not text
    if not text:
        return not pattern.strip(b"*")
    if pattern[:1] == b"*":
        return dumbest(pattern[1:], text) or dumbest(pattern, text[1:])
    if pattern[:1] == b"?":
        return dumbest(pattern[1:], text[1:])
    if pattern[:1] == b"[":
        at = 1
        while at < len(pattern) and pattern[at : at + 1] != b"]":
            left = len(pattern) - at
            at += (
                2 if left >= 2 and pattern[at : at + 1] == b"\\" else 3 if left >= 3 and pattern[at + 1] == 0x2D else 1
            )
        return compile_glob(pattern[: at + 1])(text[:1]) and dumbest(pattern[at + 1 :], text[1:])
    if pattern[:1] == b"\\" and len(pattern) > 1:
        pattern = pattern[1:]
    return pattern[:1] == text[:1] and dumbest(pattern[1:], text[1:])


@given(patterns, texts)
def test_patterns_mean_what_a_naive_reading_says(pattern: bytes, text: bytes) -> None:
    assert compile_glob(pattern)(text) == (dumbest(pattern, text) if text or not pattern else pattern == b"*")


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (b"h?llo", b"hello hallo hxllo", b"hllo heello"),
        (b"h*llo", b"hllo heeeello", b"hell"),
        (b"h[ae]llo", b"hello hallo", b"hillo"),
        (b"h[^e]llo", b"hallo hbllo", b"hello"),
        (b"h[a-b]llo", b"hallo hbllo", b"hcllo"),
        (b"h[b-a]llo", b"hallo hbllo", b"hcllo"),
        (rb"\*a", b"*a", rb"\*a aa"),
        (b"a\\", b"a\\", b"a"),
        (b"[", b"", b"[ a"),
        (b"[^", b"a [", b"ab"),
        (b"[abc", b"a b c", b"["),
        (b"[]a]", b"", b"] a a] ]a]"),
        (b"[a-]", b"] ^ a", b"- b"),
        (b"[\\]]", b"]", b"\\"),
        (b"*middle*", b"middle amiddle middleb", b"midle"),
        (b"*a?c*", b"abc xaaac abcz", b"ac abdc"),
    ],
)
def test_examples(pattern: bytes, matching: bytes, other: bytes) -> None:
    matches = compile_glob(pattern)
    assert all(map(matches, matching.split()))
    assert not any(map(matches, other.split()))


def test_case_is_ignored_except_behind_a_backslash_in_a_class() -> None:
    assert compile_glob(b"MAX*[D-F]?", True)(b"maxmemorye_")
    assert compile_glob(rb"\m", True)(b"M")
    assert not compile_glob(rb"[\m]", True)(b"M")


def test_the_empty_text() -> None:
    assert [pattern for pattern in (b"", b"*", b"**", b"?", b"[^a]", b"*a") if compile_glob(pattern)(b"")] == [
        b"",
        b"*",
    ]


def test_no_pattern_takes_long() -> None:
    started = time.process_time()
    assert not compile_glob(b"a*" * 900 + b"b")(b"a" * 100_000)
    assert not compile_glob(b"*" + b"?" * 20_000 + b"b")(b"a" * 40_000)
    assert not compile_glob(b"*[ab]" * 900 + b"c")(b"a" * 100_000)
    assert not compile_glob(b"*" + b"".join(b"[^%c%c]" % (i, j) for i in range(99, 127) for j in range(99, 127)))(
        b"c" * 999
    )
    assert not compile_glob(b"a*" * 1001 + b"a")(b"a" * 5000)
    assert compile_glob(b"a*" * 1001)(b"a" * 5000)
    assert time.process_time() - started < 5


@pytest.mark.real
@pytest.mark.parametrize("name", ["redis-7.0", "redis-7.4", "redis-8.6", "valkey-9"])
def test_patterns_mean_what_the_real_server_says(real: Callable[..., Any], name: str) -> None:
    ask = real(name)
    chance = Random(name)
    ask("FLUSHALL")
    keys = [bytes(chance.choice(b"aabcAB[]^-\\*?\x00\x80\xff") for _ in range(chance.randrange(6))) for _ in range(500)]
    keys.append(b"")
    for key in keys:
        ask("SET", key, "1")
    for _ in range(600):
        pattern = bytes(chance.choice(b"aabcAB[[]]^--\\***??\x00\x80\xff") for _ in range(chance.randrange(9)))
        expected = {key for key in keys if compile_glob(pattern)(key)}
        assert set(ask("KEYS", pattern)) == expected, pattern
        assert set(ask("SCAN", 0, "MATCH", pattern, "COUNT", 10000)[1]) == expected, pattern
    ask("FLUSHALL")
    everything = list(ask("CONFIG", "GET", "*"))
    for _ in range(200):
        word = chance.choice(everything)
        at = chance.randrange(len(word))
        byte = word[at : at + 1]
        upper = byte.upper()
        other = chance.choice(
            [b"?", b"*", upper, b"\\" + upper, b"[a-Z]", b"[Z-a]", b"[_-A]", b"[%b]" % upper, b"[^%b]" % upper]
        )
        if chance.random() < 0.3:
            other = chance.choice([b"[\\%b]" % upper, b"[A-%b]" % byte, b"[%b-A]" % upper])
        pattern = word[:at] + other + word[at + 1 :] + b"*"
        expected = {name for name in everything if compile_glob(pattern, True)(name)}
        assert set(ask("CONFIG", "GET", pattern)) == expected, pattern

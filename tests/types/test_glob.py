"""The glob, against the dumbest matcher that could be right: one that tries everything."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.types.glob import compile_glob

PIECES = st.sampled_from(
    [b"a", b"b", b"B", b"*", b"?", b"-", b"[", b"]", b"^", b"[a-b]", b"[^a]", b"\\", b"\x80", b"\xff"]
)
PATTERNS = st.lists(PIECES, max_size=8).map(b"".join)
TEXTS = st.lists(st.sampled_from([b"a", b"b", b"A", b"-", b"]", b"\x80"]), max_size=7).map(b"".join)


def takes_one(pattern: bytes, byte: int, nocase: bool) -> tuple[bool, bytes]:
    """Whether the first element of `pattern` takes `byte`, and the pattern after it."""

    def fold(value: int) -> int:
        return ord(chr(value).lower()) if nocase and value < 128 else value

    if pattern[:1] == b"?":
        return True, pattern[1:]
    if pattern[:1] != b"[":
        if pattern[:1] == b"\\" and len(pattern) > 1:
            pattern = pattern[1:]
        return fold(pattern[0]) == fold(byte), pattern[1:]
    rest = pattern[1:]
    negated = rest.startswith(b"^")
    rest = rest[negated:]
    found = False
    while rest and rest[0] != ord("]"):
        if rest[0] == ord("\\") and len(rest) > 1:
            found |= rest[1] == byte
            rest = rest[2:]
        elif len(rest) > 2 and rest[1] == ord("-"):

            def signed(value: int) -> int:
                return value - 256 if value > 127 else value

            low, high = sorted((rest[0], rest[2]), key=signed)
            found |= signed(fold(low)) <= signed(fold(byte)) <= signed(fold(high))
            rest = rest[3:]
        else:
            found |= fold(rest[0]) == fold(byte)
            rest = rest[1:]
    return found != negated, rest[1:]


def matches(pattern: bytes, text: bytes, nocase: bool) -> bool:
    if not text:
        return not pattern.strip(b"*")
    if not pattern:
        return False
    if pattern[:1] == b"*":
        rest = pattern.lstrip(b"*")
        return not rest or any(matches(rest, text[start:], nocase) for start in range(len(text)))
    fits, rest = takes_one(pattern, text[0], nocase)
    return fits and matches(rest, text[1:], nocase)


@given(PATTERNS, TEXTS, st.booleans())
def test_a_glob_matches_what_a_matcher_that_tries_everything_matches(pattern: bytes, text: bytes, nocase: bool) -> None:
    assert compile_glob(pattern, nocase)(text) == (matches(pattern, text, nocase) and not (pattern and not text))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),  # as PUBSUB CHANNELS of Redis 7.0, 8.6 and Valkey 9.1 answers
    [
        (b"*", b"", False),
        (b"", b"", True),
        (b"[abc", b"c", True),
        (b"[", b"[", False),
        (b"[^", b"x", True),
        (b"[]", b"]", False),
        (b"[a-]", b"_", True),
        (b"[a-", b"-", True),
        (b"[c-a]", b"b", True),
        (b"[\\]]", b"]", True),
        (b"\\", b"\\", True),
        (b"\\*", b"*", True),
        (b"\\*", b"x", False),
        (b"[\x80-\x01]", b"\x00", True),
        (b"[\x01-\x80]", b"\x02", False),
    ],
)
def test_odd_patterns_mean_what_they_mean_to_the_real_servers(pattern: bytes, text: bytes, expected: bool) -> None:
    assert compile_glob(pattern)(text) is expected


@pytest.mark.parametrize(
    ("pattern", "text"), [(b"a*" * 500 + b"?b", b"a" * 20_000), (b"?" * 20_000 + b"b", b"a" * 20_001)]
)
def test_an_abusive_pattern_costs_no_more_than_its_length_times_the_text(pattern: bytes, text: bytes) -> None:
    started = time.process_time()
    assert compile_glob(pattern)(text) is False
    assert time.process_time() - started < 5


def test_beyond_its_thousandth_star_a_pattern_matches_nothing() -> None:
    text = b"a" * 2000
    assert compile_glob(b"*a" * 1000)(text)
    assert compile_glob(b"a*" * 1001)(text)
    assert not compile_glob(b"*a" * 1001)(text)


def test_compiled_patterns_take_letters_of_either_case_only_if_asked() -> None:
    assert compile_glob(b"MAXmemory*", nocase=True)(b"maxmemory-policy")
    assert not compile_glob(b"MAXmemory*")(b"maxmemory-policy")
    assert not compile_glob(b"[\\M]axmemory", nocase=True)(b"maxmemory")

"""The regular expressions of filters: what Rust's crate `regex` understands, as Python's `re` does."""

from __future__ import annotations

import functools
import re
import warnings

__all__ = ["compiled"]


@functools.lru_cache(256)
def compiled(pattern: str) -> re.Pattern[str] | None:
    """A pattern to search with; None if it is none, which then matches nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(_TOKENS.sub(_translated, pattern))
    except (re.error, ValueError, OverflowError, RecursionError, Warning):
        return None


_TOKENS = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]|\(\?(?:[=!]|<[=!]|P=|\(|#|>)|\(\?<(?=[A-Za-z_])|\$", re.DOTALL
)
"""Escapes, sets, groups that Rust has not or writes otherwise, the end of the text."""


def _translated(match: re.Match[str]) -> str:
    text = match[0]
    if text == "$":
        return r"\Z"  # a line feed at the end is no end
    if text == "(?<":
        return "(?P<"
    if text[0] == "(":
        raise ValueError(f"{text}: looks around or back")
    if text[0] == "[":
        return _POSIX.sub(lambda name: _SETS[name[1]], text)
    if text[1].isdigit():
        raise ValueError(f"{text}: refers to a group")
    return r"\Z" if text == r"\z" else text


_SETS = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t-\r ",
    "upper": "A-Z",
    "word": r"0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_POSIX = re.compile(rf"\[:({'|'.join(_SETS)}):\]")

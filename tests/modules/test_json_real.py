"""Random JSON texts, paths and regular expressions, mostly wrong ones, as a real server takes them."""

from __future__ import annotations

import json
import os
from random import Random
from typing import Any

import pytest
import redis

from redouble.modules.json.path import PathSyntaxError, compile_path
from redouble.modules.json.reader import JsonError, parse
from redouble.modules.json.regex import compiled
from redouble.modules.json.versions import Json
from redouble.modules.json.writer import text_of
from tests.fuzz.modules.json import json_of, path_text

SEED = 1
COUNT = int(os.environ.get("JSON_TEXTS", "3000"))

pytestmark = pytest.mark.real


@pytest.fixture
def server(real: Any) -> Any:
    return real("redis-stack-7.4")


def error_of(server: Any, *words: str) -> str:
    """The error that the server answers, as it was before its characters were cut; empty if it answers another thing."""
    try:
        server(*words)
    except redis.ResponseError as error:
        return str(error).removeprefix("ERR ")
    return ""


def spoilt(random: Random, text: str, pieces: str) -> str:
    """The text after one or two mistakes."""
    for _ in range(random.choice((0, 1, 1, 2))):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(["", random.choice(pieces)]) + text[at + random.randrange(2) :]
    return text


def numeral(random: Random) -> str:
    whole = random.choice(["0", "-0", "-", "", "7", str(random.getrandbits(random.randrange(1, 90)))])
    decimals = random.choice(["", "", ".", ".5", f".{random.getrandbits(random.randrange(1, 80))}"])
    return whole + decimals + random.choice(["", "", "e", "E+3", f"e{random.randint(-400, 400)}", "e-99999999999"])


def test_texts(server: Any) -> None:
    random = Random(SEED)
    server("JSON.SET", "array", "$", "[]")
    for _ in range(COUNT):
        text = numeral(random) if random.random() < 0.3 else json_of(random)
        text = spoilt(random, text, '[]{},:"\\1-e.n\n\t a\x01é')
        try:
            printed, mine = text_of(parse(text)), ""
        except JsonError as error:
            printed, mine = "", str(error)
        assert mine == error_of(server, "JSON.ARRINDEX", "array", "$", text), text
        if printed:
            server("JSON.SET", "k", "$", text)
            assert printed == server("JSON.GET", "k").decode(), text


def test_paths(server: Any) -> None:
    random = Random(SEED)
    server("JSON.SET", "k", "$", "{}")
    for _ in range(COUNT):
        text = spoilt(random, path_text(random), "$@.[]?()ab01-:,*'\"\\=<>~!&| ")
        if text[:2] not in ("$", "$.", "$["):
            continue
        try:
            compile_path(text)
            mine = ""
        except PathSyntaxError as error:
            mine = Json.syntax(error)
        real = error_of(server, "JSON.TYPE", "k", text)
        assert real.isascii() == mine.isascii()
        assert not mine.isascii() or mine == real


PIECES = [
    *"ab1 .é_^$|()[]",
    r"\d", r"\W", r"\s", r"\b", r"\B", r"\A", r"\z", r"\pL", r"\p{Lu}", r"\x61", r"\u0062", r"\n", r"\.", r"\1", r"\q",
    "[a-b]", "[^a]", r"[\d_]", "[[:alpha:]]", "[^[:space:]1]", "[a&&[^b]]", "[-a]", "[]a]", "[a--b]",
    "(a|b)", "(?:a)", "(?i:A)", "(?P<n>b)", "(?=a)", "(?i)", "(?x) ", "(?s).", "(?m)^", "(?-i)", "(?:",
]  # fmt: skip
REPEATED = ["", "", "", "", "*", "+", "?", "*?", "{2}", "{1,2}", "{0,}", "{,1}", "{2,1}", "{"]
TEXTS = ["", "a", "ab", "A", "b1", "é", " ", "a b", "a\nb", "\n", "1", "_", "β", "-", "a.b", "[]"]


def test_regular_expressions(server: Any) -> None:
    random = Random(SEED)
    for _ in range(COUNT):
        pieces = random.choices(PIECES, k=random.randrange(6))
        pattern = "".join(piece + random.choice(REPEATED) for piece in pieces)
        server("JSON.SET", "k", "$", json.dumps([{"text": text, "pattern": pattern} for text in TEXTS]))
        regex = compiled(pattern)
        mine = [text for text in TEXTS if regex is not None and regex.search(text)]
        assert mine == json.loads(server("JSON.GET", "k", "$[?(@.text=~@.pattern)].text")), pattern

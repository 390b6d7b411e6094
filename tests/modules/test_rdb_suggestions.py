"""Suggestions in DUMP and RESTORE: to a real server and back, and payloads that are damaged; the tree against a dictionary."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.core.client import Client
from redouble.core.server import Server
from redouble.modules.search.suggestions import Suggestions, single
from tests.modules.damage import restored_of_damaged

SCRIPTS = [
    "FT.SUGADD k a 1",
    "FT.SUGADD k hello 2; FT.SUGADD k help 5 PAYLOAD P; FT.SUGADD k held 1; FT.SUGADD k helping 0.5",
    "FT.SUGADD k caf\u00e9 1; FT.SUGADD k CAF\u00c9 2; FT.SUGADD k \u00e9t\u00e9 2; FT.SUGDEL k CAF\u00c9",
    "; ".join(f"FT.SUGADD k w{i * 37 % 101} {i + 1}" for i in range(60)),
    "FT.SUGADD k a 1; FT.SUGDEL k a",
]
QUESTIONS = "FT.SUGLEN k; FT.SUGGET k h MAX 50 WITHSCORES; FT.SUGGET k ca FUZZY MAX 50 WITHSCORES; FT.SUGGET k w MAX 9; FT.SUGADD k hey 3"


def lines(script: str) -> list[list[bytes]]:
    return [line.encode().split() for line in script.split(";")]


@pytest.mark.real
@pytest.mark.parametrize("script", SCRIPTS)
def test_values_travel_both_ways(real: Callable[[str], Callable[..., Any]], script: str) -> None:
    theirs = real("redis-stack-7.4")
    server = Server(version="7.4")
    client = Client(server)

    def mine(*argv: Any) -> Any:
        return server.call(client, [word if isinstance(word, bytes) else str(word).encode() for word in argv])

    mine("HELLO", 3)
    theirs("FLUSHALL")
    for argv in lines(script):
        assert mine(*argv) == theirs(*argv)
    here, there = mine("DUMP", "k"), theirs("DUMP", "k")
    assert here == there
    assert mine("RESTORE", "k", 0, there, "REPLACE") == theirs("RESTORE", "k", 0, here, "REPLACE") == b"OK"
    for argv in lines(QUESTIONS):
        assert mine(*argv) == theirs(*argv), argv


def test_damaged_payloads_are_bad_data() -> None:
    assert restored_of_damaged(SCRIPTS, lines, lambda script: lines(QUESTIONS), measured=500) < 1000


words = st.text("abA\u00e9", min_size=1, max_size=6).map(str.encode)
scores = st.sampled_from([1.0, 2.0, 0.5, 7.25])


@given(st.lists(st.tuples(words, scores, st.sampled_from(["add", "raise", "delete"])), max_size=30), words)
def test_the_tree_finds_what_a_dictionary_has(steps: list[tuple[bytes, float, str]], prefix: bytes) -> None:
    tree, model = Suggestions(), dict[bytes, float]()
    for word, score, step in steps:
        if step == "delete":
            assert tree.delete(word) == (model.pop(word, None) is not None)
        else:
            tree.add(word, score, adds_up=step == "raise")
            model[word] = model.get(word, 0.0) + score if step == "raise" else score
        tree.check()
    assert {found.word: found.score for found in tree.words()} == model
    assert {found.word: found.score for found in tree.copy().words()} == model
    begin = prefix.decode().lower()
    expected = {word for word in model if word.decode().lower().startswith(begin)}
    found = tree.search(prefix, 100)
    assert {one.word for one in found} == expected
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        length = len(one.word.decode())
        if length != len(begin):
            assert one.score == single(model[one.word] / math.sqrt(1 + abs(length - len(prefix))))
    near = {one.word for one in tree.search(prefix, 100, is_fuzzy=True)}
    assert expected <= near
    tree.add(b"x" * 255, 1.0)
    assert tree.size == len(model)
    assert next(iter(tree.describe())) == f"{len(model)} words"

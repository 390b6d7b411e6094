"""The parts of search that can be tried without a server: queries, words with their stems and sounds, shapes."""

from __future__ import annotations

import sys
from contextlib import suppress

import pytest

from redouble.core.errors import CommandError
from redouble.modules.search.index.shapes import InvalidShape, Shapes
from redouble.modules.search.query.explain import explain
from redouble.modules.search.query.parser import parse
from redouble.modules.search.schema import Field, Schema
from redouble.modules.search.text.phonetic import metaphone
from redouble.modules.search.text.stems import stem, stemmer
from redouble.modules.search.text.stop_words import STOP_WORDS
from redouble.modules.search.text.tokens import words

SCHEMA = Schema([Field(b"t", b"t", b"TEXT"), Field(b"n", b"n", b"NUMERIC"), Field(b"g", b"g", b"TAG")])


@pytest.mark.parametrize(
    ("query", "one", "two"),
    [
        (b"@t:x y", "@t:INTERSECT {@t:x @t:y}", "INTERSECT {@t:x y}"),
        (b"@n:[1 (5]", "NUMERIC {1.000000 <= @n < 5.000000}", "NUMERIC {1.000000 <= @n < 5.000000}"),
        (b"@g:{x | y z}", "TAG:@g {x INTERSECT {y z}}", "TAG:@g {x INTERSECT {y z}}"),
    ],
)
def test_dialects_join_words_in_their_own_ways(query: bytes, one: str, two: str) -> None:
    for dialect, expected in ((1, one), (2, two)):
        meant = explain(parse(query, SCHEMA, dialect, {})).decode()
        assert " ".join(meant.split()).replace("{ ", "{").replace(" }", "}") == expected


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (b"(x", "Syntax error at offset 1 near x"),
        (b"x)", "Syntax error at offset 1 near x"),
        (b"@n:[1 $x]", "No such parameter `x`"),
        (b"x=>{$nosuch: 1}", "Invalid attribute nosuch"),
    ],
)
def test_what_is_no_query_says_where(query: bytes, message: str) -> None:
    with pytest.raises(CommandError, match=message.replace("(", r"\(").replace("$", r"\$")):
        parse(query, SCHEMA, 2, {})


def test_deep_queries_are_read_without_recursion_errors() -> None:
    depth = sys.getrecursionlimit()
    with suppress(CommandError):
        parse(b"(" * depth + b"x" + b")" * depth, SCHEMA, 2, {})


def test_words_are_what_stands_between_separators() -> None:
    """Only ASCII is folded, as in the real module."""
    found = list(words("The Quick-brown fo\\-x, ÜBER it's".encode(), STOP_WORDS))
    assert [word.text.decode() for word in found] == ["quick", "brown", "fo-x", "Über", "s"]
    assert [word.position for word in found] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("word", "sound"), [(b"knight", b"NT"), (b"night", b"NT"), (b"phone", b"FN"), (b"quick", b"KK")]
)
def test_sounds(word: bytes, sound: bytes) -> None:
    assert metaphone(word) == sound


def test_without_the_package_words_have_no_stems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snowballstemmer", None)
    stemmer.cache_clear()
    try:
        assert stem(b"running", b"english", 4) in (None, b"running")
    finally:
        stemmer.cache_clear()


def test_stems() -> None:
    pytest.importorskip("snowballstemmer")
    assert stem(b"running", b"english", 4) == b"run"
    assert stem(b"laufende", b"german", 4) == b"laufend"


@pytest.mark.parametrize("on_globe", [False, True])
def test_shapes(on_globe: bool) -> None:
    shapes = Shapes(on_globe)
    shapes.add(1, b"POLYGON((1 1,1 2,2 2,2 1,1 1))")
    shapes.add(2, b"POINT(5 5)")
    around = b"POLYGON((0 0,0 3,3 3,3 0,0 0))"
    assert list(shapes.find(b"WITHIN", around)) == [1]
    assert list(shapes.find(b"DISJOINT", around)) == [2]
    assert list(shapes.find(b"CONTAINS", b"POINT(1.5 1.5)")) == [1]
    assert list(shapes.find(b"INTERSECTS", b"POLYGON((1.5 1.5,1.5 9,9 9,9 1.5,1.5 1.5))")) == [1, 2]
    with pytest.raises(InvalidShape):
        shapes.add(3, b"POLYGON((1 1,1 2")
    shapes.collect({2})
    shapes.check()
    assert list(shapes.find(b"WITHIN", around)) == []

"""From the usage line to arity and option table."""

from __future__ import annotations

import pytest

from redouble.core.command import Options
from redouble.core.errors import CommandError
from redouble.core.usage import parse_usage


def arity(usage: str) -> int:
    name, nodes = parse_usage(usage)
    least = len(name.split()) + sum(node.least() for node in nodes)
    return least if all(node.fixed() for node in nodes) else -least


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ("GET key", 2),
        ("EXEC", 1),
        ("PING [message]", -1),
        ("MGET key [key ...]", -2),
        ("MSET key value [key value ...]", -3),
        ("CLIENT ID", 2),
        ("CLIENT REPLY <ON | OFF | SKIP>", 3),
        ("LINSERT key <BEFORE | AFTER> pivot element", 5),
        ("ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]", -4),
        ("LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]", -4),
        ("SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]", -2),
        ("MEMORY USAGE key [SAMPLES count]", -3),
    ],
)
def test_arity_follows_from_the_usage_line(usage: str, expected: int) -> None:
    assert arity(usage) == expected


def options(usage: str, without: str = "") -> Options:
    return Options(parse_usage(usage)[1], lambda word: word != without)


def test_options_take_their_values() -> None:
    table = options("X key [A | B value] [LIMIT offset count] [GET pattern [GET pattern ...]]")
    assert table.parse([b"LIMIT", b"1", b"2", b"b", b"x"], 0) == {"LIMIT": (b"1", b"2"), "B": b"x"}
    assert table.parse([b"GET", b"p", b"get", b"q"], 0) == {"GET": [b"p", b"q"]}


@pytest.mark.parametrize("argv", [[b"A", b"B", b"x"], [b"B"], [b"LIMIT", b"1"], [b"NOSUCH"], [b"A", b"junk"]])
def test_what_the_grammar_does_not_allow_is_a_syntax_error(argv: list[bytes]) -> None:
    table = options("X key [A | B value] [LIMIT offset count]")
    with pytest.raises(CommandError, match="ERR syntax error"):
        table.parse(argv, 0)


def test_an_option_that_the_dialect_lacks_is_a_syntax_error() -> None:
    assert options("X [A] [B]").parse([b"B"], 0) == {"B": True}
    with pytest.raises(CommandError):
        options("X [A] [B]", without="B").parse([b"B"], 0)


def test_leading_options_end_at_the_first_other_word() -> None:
    table = options("ZADD key [NX | XX] [CH] score member [score member ...]")
    assert table.parse_leading([b"ch", b"NX", b"1", b"CH"], 0) == ({"CH": True, "NX": True}, 2)

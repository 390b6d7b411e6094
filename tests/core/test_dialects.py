"""Which version is emulated, and what exists in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import redouble.commands  # noqa: F401  # fills the command table
from redouble.core.client import Client
from redouble.core.clock import ManualClock
from redouble.core.command import Declaration, declarations
from redouble.core.errors import CommandError
from redouble.core.server import Server
from redouble.core.usage import Node
from redouble.dialects import SERVER_TYPES, Dialect, dialect_for
from tests.core.conftest import Recorder


@pytest.mark.parametrize(
    ("server_type", "version", "expected"),
    [
        ("redis", 7, (7, 4, 1)),
        ("redis", (7,), (7, 4, 1)),
        ("redis", "7.0", (7, 0, 15)),
        ("redis", (7, 3), (7, 2, 4)),
        ("redis", (7, 2, 9), (7, 2, 4)),
        ("redis", 8, (8, 6, 3)),
        ("redis", "8.2", (8, 2, 3)),
        ("redis", (8, 5), (8, 4, 0)),
        ("redis", 99, (8, 6, 3)),
        ("valkey", "7.2", (7, 2, 11)),
        ("valkey", "8.0", (8, 0, 2)),
        ("valkey", 8, (8, 1, 1)),
        ("valkey", "9.0", (9, 0, 1)),
        ("valkey", "9.1", (9, 1, 2)),
        ("dragonfly", 7, (7, 4, 0)),
        ("kividb", 8, (8, 6, 3)),
    ],
)
def test_a_version_means_the_nearest_one_below(server_type: str, version: object, expected: tuple[int, ...]) -> None:
    assert dialect_for(server_type, version).version == expected  # type: ignore[arg-type]


def test_what_is_no_server_type_or_version_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="server_type must be one of"):
        dialect_for("memcached", 7)
    with pytest.raises(ValueError, match="not a version"):
        dialect_for("redis", "seven")


@pytest.mark.parametrize(
    ("server_type", "version", "since", "expected"),
    [
        ("redis", "7.0", "6.2.0", True),
        ("redis", "7.0", "7.2.0", False),
        ("redis", "8.6", "valkey=8.1.0", False),
        ("valkey", "9", "7.2.0", True),
        ("valkey", "9", "7.4.0", False),
        ("valkey", "9", "8.4.0 valkey=9.0.0", True),
        ("valkey", "8.1", "8.4.0 valkey=9.0.0", False),
        ("valkey", "9", "valkey=9.0.0", True),
    ],
)
def test_a_fork_has_what_redis_had_when_it_left_and_what_is_its_own(
    server_type: str, version: str, since: str, expected: bool
) -> None:
    assert dialect_for(server_type, version).has(since) is expected


def test_unknown_commands_and_wrong_numbers_of_arguments(c: Recorder) -> None:
    assert c("NOSUCH a b").message == "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "
    assert c("get").message == "ERR wrong number of arguments for 'get' command"
    assert c.server.error_counts == {"ERR": 2}


DIALECTS = {
    f"{server_type}-{dialect.version[0]}.{dialect.version[1]}": (server_type, dialect)
    for server_type, dialects in SERVER_TYPES.items()
    for dialect in dialects
}


THERE = {
    "sorted-set": ["ZADD 1 1 1"],
    "geo": ["GEOADD 1 1 1 1"],
    "hash": ["HSET 1 1 1"],
    "stream": ["XADD 1 1 1 1", "XGROUP CREATE 1 1 0"],
    "vset": ["VADD 1 VALUES 1 1 1"],
}
"""What the key is before: some commands look at it before they read their options."""


def words_of_line(declaration: Declaration, option: str, dialect: type[Dialect]) -> list[str]:
    """The shortest command line with that option; every value is a 1, which is a key, a number, an id and a name."""

    def words(node: Node) -> list[str]:
        if node.kind == "word":
            return [node.name]
        if node.kind == "value":
            return ["1"]
        if node.kind == "block":
            return [word for child in node.children for word in needed(child)]
        with_option = [child for child in node.children if option in all_words(child)]
        known = [child for child in node.children if all(map(has, child.words()))]
        return words((with_option or known)[0])

    def needed(node: Node) -> list[str]:
        return [] if node.optional and option not in all_words(node) else words(node)

    def has(word: str) -> bool:
        return word not in declaration.since_option or dialect.has(declaration.since_option[word])

    return [*declaration.name.split(), *(word for node in declaration.nodes for word in needed(node))]


def all_words(node: Node) -> set[str]:
    return {node.name} if node.kind == "word" else {word for child in node.children for word in all_words(child)}


def absent_options(dialect: type[Dialect]) -> list[tuple[Declaration, str]]:
    return [
        (declaration, option)
        for declaration in declarations()
        if dialect.has(declaration.since, declaration.until) and declaration.wire_name not in dialect.lacks
        for option, since in declaration.since_option.items()
        if not dialect.has(since) and any(option in all_words(node) for node in declaration.nodes)
    ]


@pytest.mark.parametrize("name", DIALECTS)
def test_an_option_of_a_later_version_is_a_word_like_any_other(name: str) -> None:
    server_type, dialect = DIALECTS[name]
    for declaration, option in absent_options(dialect):
        line = words_of_line(declaration, option, dialect)
        assert option in line
        answers = []
        for word in (option, "NOSUCH"):
            client = Client(Server(server_type=server_type, version=name.partition("-")[2], clock=ManualClock()))
            for before in THERE.get(declaration.group, ()):
                client.server.call(client, before.encode().split())
            argv = [(word if each == option else each).encode() for each in line]
            answer = client.server.call(client, argv)
            assert isinstance(answer, CommandError), line
            answers.append(answer.message.replace(word, "").replace(word.lower(), ""))
        assert answers[0] == answers[1], line


def test_there_are_options_of_later_versions() -> None:
    count = {name: len(absent_options(dialect)) for name, (_, dialect) in DIALECTS.items()}
    assert count["redis-6.0"] > count["redis-7.0"] > count["redis-8.2"] > count["redis-8.4"] > 0
    assert count["valkey-8.0"] > count["valkey-8.1"] > count["valkey-9.0"]


@pytest.mark.parametrize("name", DIALECTS)
def test_a_server_says_which_it_is(name: str) -> None:
    server_type, dialect = DIALECTS[name]
    client = Client(Server(server_type=server_type, version=name.partition("-")[2]))
    hello = client.server.call(client, [b"HELLO", b"3"])
    assert hello[b"version"] == ".".join(map(str, dialect.version)).encode()
    assert hello[b"server"] == (b"valkey" if server_type == "valkey" else b"redis")
    info = client.server.call(client, [b"INFO", b"server"]).decode()
    assert f"redis_version:{'.'.join(map(str, dialect.redis_version))}\r\n" in info
    names = {entry[0].decode() for entry in client.server.call(client, [b"COMMAND"])}
    assert ("xackdel" in names) == (server_type in ("redis", "kividb") and dialect.version >= (8, 2))
    assert ("saddex" in names) == (server_type == "dragonfly")


def test_an_unproven_server_says_so_of_itself() -> None:
    unproven = {name for name, (_, dialect) in DIALECTS.items() if not dialect.proven}
    assert {name for name in unproven if not name.startswith("kividb")} == {
        *("redis-8.2", "redis-8.4", "valkey-7.2", "valkey-8.0", "valkey-9.0", "dragonfly-7.4")
    }


@pytest.mark.parametrize(
    ("server_type", "error"), [("dragonfly", "ERR unknown command `LOLWUT`"), ("kividb", "ERR unknown command")]
)
def test_forks_say_in_their_own_words_what_they_lack(server_type: str, error: str) -> None:
    client = Client(Server(server_type=server_type, version=7))
    line = [b"lolwut"] if server_type == "dragonfly" else [b"nosuch", b"a"]
    assert client.server.call(client, line).message == error


def test_the_page_of_versions_lists_them_all() -> None:
    page = (Path(__file__).parents[2] / "docs" / "versions.md").read_text()
    for name, (server_type, dialect) in DIALECTS.items():
        if server_type in ("redis", "valkey"):
            release = ".".join(map(str, dialect.version))
            verdict = "proven" if dialect.proven else "unverified"
            assert f"| `{server_type}` | {name.partition('-')[2]} | {release} | {verdict} |" in page
    assert f"| `dragonfly` | any | {'.'.join(map(str, DIALECTS['dragonfly-7.4'][1].version))} | unverified |" in page

"""Users, rules and the ACL file.  What the server answers is in tests/parity/acl.txt."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import redouble.commands  # noqa: F401  # fills the command table
from redouble.core.acl_commands import acl_commands
from redouble.core.acl_rules import RuleError, User
from redouble.core.client import RESTRICTED, Client
from redouble.core.clock import ManualClock
from redouble.core.errors import CommandError
from redouble.core.server import Server
from redouble.dialects import dialect_for
from redouble.resp.reply import Reply
from tests.parity.__main__ import SERVERS
from tests.parity.machine.real import RealServer, installed
from tests.parity.machine.wire import parse

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"

DIALECTS = [dialect_for(name.split("-")[0], name.split("-")[1]) for name in SERVERS]


def call(client: Client, line: str) -> Reply:
    return client.server.call(client, [word.encode() for word in line.split(" ")])


# Rules.

RULES = """
on off nopass resetpass >p >q <p reset resetkeys ~* ~a ~a* ~[b] %R~r* %W~a %RW~c allkeys resetchannels &* &a &a* allchannels
+@all -@all allcommands nocommands +get -get +set +@read -@read +@write +@string -@dangerous +@slow -@fast +@admin
+config|get -config|get +config -config +client|id +select|0 +select|1 +set|x -select +monitor sanitize-payload
skip-sanitize-payload (+get) (~a,+@read) (%R~x,-@all) clearselectors db=0,3 db=1 alldbs resetdbs nosuch
"""


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DIALECTS), st.lists(st.sampled_from(RULES.split()), max_size=25))
def test_what_acl_list_prints_makes_the_same_user(dialect: Any, rules: list[str]) -> None:
    user, again = User(b"u", dialect, ()), User(b"u", dialect, ())
    for rule in rules:
        before = user.copy()
        try:
            user.apply(rule.replace(",", " ").encode() if rule.startswith("(") else rule.encode(), False)
        except RuleError:
            assert user.describe() == before.describe()
    for rule in words(user.describe().removeprefix(b"user u ")):
        again.apply(rule, False)
    assert again.describe() == user.describe()
    assert [seen(selector) for selector in again.selectors] == [seen(selector) for selector in user.selectors]
    # Before 7.2 every command there is, one by one, is printed as +@all, which lets the future ones in as well.
    assert again.restricted == user.restricted or not (again.restricted or dialect.acl.keeps_rules)


def words(line: bytes) -> Iterator[bytes]:
    """The rules of a line; a selector is one."""
    inside: list[bytes] = []
    for word in line.split(b" "):
        if inside or word.startswith(b"("):
            inside.append(word)
            if not word.endswith(b")"):
                continue
            word, inside = b" ".join(inside), []
        yield word


def seen(selector: Any) -> Any:
    allowed = {name for name in selector.known.categories if selector.allows(name)}
    # The order of first arguments shows only in what ACL LIST prints, which is compared by itself.
    arguments = {name: set(words) for name, words in selector.first_arguments.items() if words and name not in allowed}
    return allowed, arguments, selector.all_keys, selector.patterns, selector.all_channels, selector.channels


@pytest.mark.parametrize("name", SERVERS)
def test_rules_know_the_commands_and_categories_of_the_real_server(name: str) -> None:
    def flat(rows: list[Any]) -> Iterator[tuple[str, frozenset[str]]]:
        for row in rows:
            yield row[0].lower(), frozenset(category.removeprefix("@") for category in row[6])
            if len(row) > 9:
                yield from flat(row[9])

    real = dict(flat(json.loads((RECORDINGS / f"commands-{name}.json").read_text())["table"]))
    dialect = dialect_for(*name.split("-"))
    ours = acl_commands(dialect, dialect.modules)  # type: ignore[arg-type]
    assert ours.categories == real


# Clients.


def test_an_unrestricted_client_has_an_open_gate() -> None:
    server = Server()
    client = Client(server)
    assert client.gate == 0
    call(client, "ACL SETUSER default -flushall")
    assert client.gate == RESTRICTED == Client(server).gate
    call(client, "ACL SETUSER default +@all")
    assert client.gate == 0
    call(client, "ACL SETUSER a on nopass (+@all ~* &*)")
    call(client, "AUTH a x")
    assert client.gate == 0


def test_passwords_are_kept_as_hashes_only() -> None:
    server = Server()
    call(Client(server), "ACL SETUSER a on >very-secret")
    assert b"very-secret" not in repr(vars(server.acl.users[b"a"])).encode()
    assert [len(hashed) for hashed in server.acl.users[b"a"].passwords] == [64]


def test_ages_in_the_log_follow_the_clock() -> None:
    clock = ManualClock()
    client = Client(Server(clock=clock))
    call(client, "AUTH a x")
    clock.advance(59.5)
    call(client, "AUTH a x")
    clock.advance(2)
    (entry,) = call(client, "ACL LOG")
    assert (entry[b"count"], entry[b"age-seconds"]) == (2, 2.0)
    assert entry[b"timestamp-last-updated"] - entry[b"timestamp-created"] == 59_500
    clock.advance(58.5)
    call(client, "AUTH a x")
    assert [entry[b"count"] for entry in call(client, "ACL LOG")] == [1, 2]


# Configuration.


def test_users_may_stand_in_the_configuration() -> None:
    server = Server(config={"user": "alice on >secret ~cache:* +@read\nbob off", "acllog-max-len": "5"})
    assert list(server.acl.users) == [b"default", b"alice", b"bob"]
    client = Client(server)
    call(client, "AUTH alice secret")
    assert call(client, "GET cache:1") is None
    assert isinstance(call(client, "GET other"), CommandError)


def test_the_default_user_may_stand_in_the_configuration() -> None:
    client = Client(Server(config={"user": "default on >secret ~* +@all"}))
    assert str(call(client, "PING")) == "NOAUTH Authentication required."
    assert call(client, "AUTH secret") == b"OK"
    assert call(client, "PING") == b"PONG"


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"user": "alice +nosuch"}, r"modifier '\+nosuch': Unknown command or category name in ACL"),
        ({"user": "alice on\nalice off"}, "user alice: is defined twice"),
        ({"user": "alice on", "aclfile": "users.acl"}, "not in both"),
        ({"aclfile": "/nonexistent/users.acl"}, "No such file or directory"),
    ],
)
def test_a_wrong_user_in_the_configuration_stops_the_server(config: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Server(config=config)


# The ACL file.


def answers(ask: Callable[[str], Any], path: Path) -> list[Any]:
    """What a server says that was started with this file: right ones, wrong ones, and none at all."""
    found = [ask("ACL LIST")]
    for text in FILES:
        path.write_bytes(text)
        found += [ask("ACL LOAD"), ask("ACL LIST")]
    found += [ask("ACL SETUSER new on >p ~x +get"), ask("ACL SETUSER default -@all +acl"), ask("ACL SAVE")]
    found += [path.read_bytes().split(b"\n"), ask("ACL DELUSER new"), ask("ACL LOAD"), ask("ACL LIST")]
    path.unlink()
    found += [ask("ACL LOAD"), ask("ACL SAVE"), path.exists()]
    path.unlink()
    path.mkdir()
    found += [ask("ACL SAVE"), ask("ACL LIST")]
    return [answer.replace(str(path), "FILE") if isinstance(answer, str) else answer for answer in found]


FIRST = b"user alice on nopass ~a* +get\n"
FILES = [
    b"user bob on nopass +get  ~b*\r\n  user carol\n\n\nuser dave off -@all\n",
    b"user a on\nuser default on nopass ~* +get +acl -@all +acl\n",
    b"",
    b"user a on +nosuch ~x +nope\n",
    b"user a +get\nnouser b\nuser\n# a comment\nuser a off +x\nuser z what\n",
    b"user a (+get ~x) (+set\t~y)\nuser b (+get ~x\nuser c (+nosuch) on (+x ~y) off\n",
]


def answers_of_ours(name: str, path: Path) -> list[Any]:
    server_type, version = name.split("-")
    client = Client(Server(server_type=server_type, version=version, config={"aclfile": str(path)}))

    def ask(line: str) -> Any:
        reply = call(client, line)
        return f"-{reply}" if isinstance(reply, CommandError) else reply

    return answers(ask, path)


def answers_of_the_real_one(name: str, path: Path) -> list[Any]:
    with RealServer(name, aclfile=str(path)) as server:
        connection = server.connect()

        def ask(line: str) -> Any:
            node = parse(connection.ask(*line.encode().split(b" ")))
            if node.mark == b"*":
                return [child.text for child in node.children]
            return int(node.text) if node.mark == b":" else f"-{node.text.decode()}" if node.mark == b"-" else node.text

        found = answers(ask, path)
        connection.close()
        return found


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
def test_acl_files_are_read_and_written_as_by_the_real_server(name: str, tmp_path: Path) -> None:
    if name not in installed():
        pytest.skip(f"{name} is not installed")
    (ours := tmp_path / "ours").write_bytes(FIRST)
    (theirs := tmp_path / "theirs").write_bytes(FIRST)
    assert answers_of_ours(name, ours) == answers_of_the_real_one(name, theirs)


def test_acl_save_replaces_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_bytes(FIRST)
    client = Client(Server(config={"aclfile": str(path)}))
    call(client, "ACL SETUSER bob on >p")
    assert call(client, "ACL SAVE") == b"OK"
    assert [file.name for file in tmp_path.iterdir()] == ["users.acl"]
    assert b"user bob on" in path.read_bytes()
    assert not stat.S_IMODE(path.stat().st_mode) & 0o022


def test_loading_closes_the_connections_of_users_that_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_bytes(FIRST + b"user bob on nopass +@all\n")
    server = Server(version="7.4", config={"aclfile": str(path)})
    alice, bob, other = Client(server), Client(server), Client(server)
    call(alice, "AUTH alice x")
    call(bob, "AUTH bob x")
    path.write_bytes(FIRST.replace(b"~a*", b"~b*"))
    assert call(other, "ACL LOAD") == b"OK"
    assert (alice.closing, bob.closing, other.closing) == (False, True, False)
    assert isinstance(call(alice, "GET a"), CommandError)
    assert call(alice, "GET b") is None

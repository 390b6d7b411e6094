"""Clients that are made without the library's constructor are what it would have made; and it makes those that differ."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType
from typing import Any
from unittest import mock

import pytest
import redis

import redouble
from redouble.clients.template import Template, remember, templates

CLASSES = [redouble.FakeRedis, redouble.FakeAsyncRedis, redouble.FakeValkey, redouble.FakeAsyncValkey]
ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"db": 3, "decode_responses": True, "encoding": "latin-1"},
    {"protocol": 3, "client_name": "me", "socket_timeout": 1.5},
    {"host": "localhost", "port": 6380, "username": "alice", "password": "secret"},
    {"unix_socket_path": "/tmp/redis.sock"},
    {"max_connections": 3, "health_check_interval": 5},
]
CONSTANTS = (type(None), bool, int, float, str, bytes, tuple, type, FunctionType, BuiltinFunctionType)
OURS = frozenset(("server", "_seams", "_plans", "_metrics", "_server", "_sock", "client"))
"""What is given to a client or a connection after it was made."""


@pytest.fixture(autouse=True)
def no_templates() -> Iterator[None]:
    templates.clear()
    yield
    templates.clear()


def parts(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All that a value consists of, each with its way from there."""
    yield path, value
    if isinstance(value, CONSTANTS):
        return
    if isinstance(value, dict):
        for name, item in dict.items(value):
            yield from parts(item, f"{path}[{name!r}]")
    elif isinstance(value, (list, set)):
        for number, item in enumerate(value):
            yield from parts(item, f"{path}[{number}]")
    for name, item in getattr(value, "__dict__", {}).items():
        if name not in OURS:
            yield from parts(item, f"{path}.{name}")


def described(client: Any) -> dict[str, Any]:
    """By its way: a value, or the type of what is more than that."""
    return {
        path: len(value) if path.endswith("_pool_id") else value if isinstance(value, CONSTANTS) else type(value)
        for path, value in parts(client)
        if "['server']" not in path
    }


def shared(one: Any, other: Any) -> set[str]:
    """What changes in both when it is changed in one."""
    those = dict(parts(other))
    return {path for path, value in parts(one) if not isinstance(value, CONSTANTS) and those.get(path) is value}


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda arguments: " ".join(arguments) or "none")
@pytest.mark.parametrize("client", CLASSES)
def test_a_client_from_a_template_is_what_the_library_makes(client: Any, arguments: dict[str, Any]) -> None:
    made = []
    for _ in range(2):
        templates.clear()
        made.append(client(**arguments))
    (template,) = templates.values()
    assert template is not None
    with mock.patch.object(client, "_make", side_effect=AssertionError):
        copies = [client(**arguments), client(**arguments)]
    assert described(copies[0]) == described(made[0])
    assert shared(*copies) <= shared(*made)
    assert list(vars(copies[0])) == list(vars(made[0]))


@pytest.mark.parametrize("client", CLASSES)
def test_parts_that_are_the_same_object_stay_so(client: Any) -> None:
    def groups(r: Any) -> set[frozenset[str]]:
        by_id: dict[int, set[str]] = {}
        for path, value in parts(r):
            if not isinstance(value, CONSTANTS):
                by_id.setdefault(id(value), set()).add(path)
        return {frozenset(paths) for paths in by_id.values() if len(paths) > 1}

    made, copied = client(), client()
    assert groups(copied) == groups(made)


def test_what_the_first_client_does_is_not_in_the_template() -> None:
    first = redouble.FakeRedis()
    first.set_response_callback("GET", str)
    first.get("key")
    second = redouble.FakeRedis()
    assert not second.connection_pool._available_connections
    assert second.get("key") is None


def test_templates_hold_no_server() -> None:
    server = redouble.FakeServer()
    redouble.FakeRedis(server=server)
    assert redouble.FakeRedis().connection_pool.connection_kwargs["server"] is not server


@pytest.mark.parametrize(
    "arguments",
    [{"retry_on_error": [redis.TimeoutError]}, {"db": mock.sentinel.db}, {"ssl": False}],
    ids=str,
)
def test_the_library_makes_clients_with_other_arguments(arguments: dict[str, Any]) -> None:
    redouble.FakeRedis()
    with mock.patch.object(redouble.FakeRedis, "_make", autospec=True, side_effect=redouble.FakeRedis._make) as make:
        redouble.FakeRedis(**arguments)
        redouble.FakeRedis(**arguments)
    assert make.call_count == 2


@pytest.mark.parametrize(
    "replaced",
    [
        (redis.Redis, "__init__"),
        (redis.ConnectionPool, "__init__"),
        (redis.ConnectionPool, "reset"),
        (redis.client, "ConnectionPool"),
        (redis.client, "CaseInsensitiveDict"),
        (threading, "Lock"),
    ],
    ids=lambda replaced: f"{replaced[0].__name__}.{replaced[1]}",
)
def test_the_library_makes_clients_while_a_part_of_it_is_replaced(replaced: tuple[Any, str]) -> None:
    redouble.FakeRedis()
    original = getattr(*replaced)
    make = mock.patch.object(redouble.FakeRedis, "_make", autospec=True, side_effect=redouble.FakeRedis._make)
    with mock.patch.object(*replaced, lambda *args, **kwargs: original(*args, **kwargs)), make as made:
        redouble.FakeRedis()
    assert made.call_count == 1


def test_a_class_of_somebody_else_is_made_by_the_library() -> None:
    class Mine(redouble.FakeRedis):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            names.append(name)

    names: list[str] = []
    Mine()
    count = len(names)
    Mine()
    assert "response_callbacks" in names
    assert len(names) == 2 * count


def test_one_is_not_true() -> None:
    assert redouble.FakeRedis(db=1).get_connection_kwargs()["db"] is not True
    assert redouble.FakeRedis(db=True).get_connection_kwargs()["db"] is True


def test_only_some_templates_are_kept() -> None:
    for number in range(100):
        redouble.FakeRedis(client_name=f"client {number}")
    assert len(templates) <= 64


@pytest.mark.parametrize(
    "unknown", [deque(), [deque()], redis.Redis, "itself"], ids=["deque", "list", "bound", "itself"]
)
def test_what_is_not_known_is_no_template(unknown: Any) -> None:
    r = redouble.FakeRedis()
    r.unknown = r.close if unknown is redis.Redis else r.__dict__ if unknown == "itself" else unknown
    remember(templates, "key", lambda: Template(r))
    assert templates["key"] is None

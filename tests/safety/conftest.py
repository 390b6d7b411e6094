"""A client without any I/O, and the servers on sockets of tests/net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import redouble.commands
from redouble.core.client import Client
from redouble.core.server import Server
from tests.net.conftest import serve

__all__ = ["Call", "serve"]

assert redouble.commands  # fills the command table

Call = Callable[..., Any]
"""`call("SET", "k", "v")`"""


@pytest.fixture
def call() -> Call:
    client = Client(Server(version=(8, 6)))

    def run(*words: str | bytes | int) -> Any:
        return client.server.call(client, [word if isinstance(word, bytes) else str(word).encode() for word in words])

    return run

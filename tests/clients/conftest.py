"""Clients for these tests: sync ones for both protocols, and a server that each test has for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from redouble import FakeRedis, FakeServer, reset


@pytest.fixture(autouse=True)
def _forget_shared_servers() -> Iterator[None]:
    reset()
    yield
    reset()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def client(server: FakeServer, protocol: int) -> Iterator[Any]:
    with FakeRedis(server=server, protocol=protocol) as client:
        yield client

"""Fixtures under names of your own, for a conftest.py:

    from redouble import fixtures

    cache_server = fixtures.server(version="8.6", config={"maxmemory-policy": "allkeys-lru"})
    cache = fixtures.client(server="cache_server", decode_responses=True)

`redouble_server`, `redouble`, `redouble_async`, `redouble_tcp` and `redouble_url` are made in the same way.  Nothing of
redis-py or asyncio is imported before a test asks for one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from redouble.suite.requirements import Requirements

__all__ = ["async_client", "client", "server", "tcp", "url"]

Scope = Literal["session", "package", "module", "class", "function"]
Library = Literal["redis", "valkey"]

BACKEND = "_redouble_backend"
MARKER = "redouble"


def server(
    *,
    version: tuple[int, ...] | str | int | None = None,
    server_type: str | None = None,
    config: Mapping[str, Any] | None = None,
    scope: Scope = "function",
    **options: Any,
) -> Any:
    """A fixture that is a `FakeServer`, fresh each time; `options` are further arguments of `FakeServer`.

    What the marker `redouble` says takes precedence.  On a real server, `version`, `server_type` and `config` are what
    the tests need, and they are skipped where they do not get it.
    """
    given = {"version": version, "server_type": server_type, "config": config, **options}
    asked = {name: value for name, value in given.items() if value is not None}

    @pytest.fixture(scope=scope)
    def redouble_server(request: pytest.FixtureRequest, _redouble_backend: Any) -> Iterator[Any]:
        """A Redis server of this test's own, in this process (or with --redouble-url the real one, empty)."""
        with _redouble_backend.server(_requirements(request, asked)) as server:
            yield server

    return redouble_server


def client(
    server: str = "redouble_server", *, library: Library = "redis", scope: Scope = "function", **options: Any
) -> Any:
    """A fixture that is a client of the fixture `server`; `options` are arguments of the library's client class.

    `library`: `"redis"` for redis-py's `redis.Redis`, `"valkey"` for valkey-py's `valkey.Valkey`.
    """

    @pytest.fixture(scope=scope)
    def redouble(request: pytest.FixtureRequest, _redouble_backend: Any) -> Iterator[Any]:
        """A client of `redouble_server`: a `redis.Redis`."""
        with _redouble_backend.client(request.getfixturevalue(server), library, options) as client:
            yield client

    return redouble


def async_client(
    server: str = "redouble_server", *, library: Library = "redis", scope: Scope = "function", **options: Any
) -> Any:
    """The same with an asyncio client.  It belongs to no event loop before it is used, and is closed before that loop is."""

    @pytest.fixture(scope=scope)
    def redouble_async(request: pytest.FixtureRequest, _redouble_backend: Any) -> Iterator[Any]:
        """An asyncio client of `redouble_server`: a `redis.asyncio.Redis`."""
        with _redouble_backend.async_client(request.getfixturevalue(server), library, options) as client:
            yield client

    return redouble_async


def tcp(server: str = "redouble_server", *, scope: Scope = "function") -> Any:
    """A fixture that serves the fixture `server` on a loopback port: a `TcpFakeServer`."""

    @pytest.fixture(scope=scope)
    def redouble_tcp(request: pytest.FixtureRequest, _redouble_backend: Any) -> Iterator[Any]:
        """The `TcpFakeServer` by which other programs reach `redouble_server`."""
        with _redouble_backend.tcp(request.getfixturevalue(server)) as listening:
            yield listening

    return redouble_tcp


def url(server: str = "redouble_server", *, scope: Scope = "function") -> Any:
    """A fixture that is the URL of the fixture `server`, for programs and libraries that connect by themselves."""

    @pytest.fixture(scope=scope)
    def redouble_url(request: pytest.FixtureRequest, _redouble_backend: Any) -> Iterator[str]:
        """The URL by which anything reaches `redouble_server`: redis://127.0.0.1:port/0."""
        with _redouble_backend.url(request.getfixturevalue(server)) as url:
            yield url

    return redouble_url


def _requirements(request: pytest.FixtureRequest, asked: Mapping[str, Any]) -> Requirements:
    """What the markers of a test say, then its server's fixture, then the configuration of pytest."""
    from redouble.suite.requirements import Requirements

    usual = request.config.stash[USUAL]
    requirements = Requirements({}, usual)
    for marker in request.node.iter_markers(MARKER):
        if marker.args:
            raise pytest.UsageError(f"the marker redouble takes names: redouble(version={marker.args[0]!r})")
        requirements.add(marker.kwargs)
    requirements.add(asked)
    return requirements


USUAL = pytest.StashKey[dict[str, Any]]()
"""What pytest's configuration says about servers: arguments of `FakeServer`."""

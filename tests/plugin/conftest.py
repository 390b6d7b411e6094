"""Runs of pytest inside of pytest, with the plugin."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import redouble.aioredis  # pytester forgets what was first imported inside: then there would be two of each class
import redouble.clients.valkey
import redouble.net.tcp
import redouble.suite.pytest_real  # noqa: F401
from redouble.suite.local import LocalServer

from ..parity.machine import real
from .cluster import cluster

SERVERS = real.installed()  # now: pytester moves the home folder
INSTALLED = any(entry.name == "redouble" for entry in importlib.metadata.entry_points(group="pytest11"))
PLUGIN = [] if INSTALLED else ["-p", "redouble.pytest_plugin"]
INI = """
[pytest]
filterwarnings = error
addopts = --strict-markers --strict-config
"""
ASYNCIO = """
asyncio_mode = strict
asyncio_default_fixture_loop_scope = function
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run the tests of a source with these options: `run("def test_x(redouble): ...", "-q", ini="...")`.

    `ini=None` is a run without pytest-asyncio.
    """

    def run(source: str | None = None, *options: str, ini: str | None = "", conftest: str = "", **kwargs: Any) -> Any:
        pytester.makeini(INI if ini is None else INI + ASYNCIO + ini)
        pytester.makeconftest(conftest)
        if source is not None:
            pytester.makepyfile(source)
        method = pytester.runpytest_subprocess if kwargs.pop("alone", False) else pytester.runpytest_inprocess
        return method(*PLUGIN, "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options)

    return run


def binary(name: str) -> str:
    if name not in SERVERS:
        pytest.skip(f"{name} is not installed")
    return SERVERS[name][1]


@pytest.fixture(scope="session", params=["redis-8.6", "valkey-9"])
def real_url(request: pytest.FixtureRequest) -> Iterator[str]:
    server = LocalServer(binary(request.param))
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    server = LocalServer(binary("redis-8.6"))
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    with cluster(binary("valkey-9")) as url:
        yield url


@pytest.fixture
def path_with(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a server on PATH under a name: `path_with("redis-server", "redis-8.6")`."""

    def put(name: str, server: str) -> None:
        folder = pytester.mkdir("bin")
        (folder / name).symlink_to(binary(server))
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    return put

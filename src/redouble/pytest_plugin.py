"""The pytest plugin: fixtures, the marker `redouble`, the options `--redouble-*` and the ini options `redouble_*`.

Every run of pytest imports this module where redouble is installed, so it imports pytest and nothing else; what is
needed by tests that use it is imported when the first of them does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from redouble import fixtures

redouble_server = fixtures.server()
redouble = fixtures.client()
redouble_async = fixtures.async_client()
redouble_tcp = fixtures.tcp()
redouble_url = fixtures.url()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("redouble", "redouble, a test double for Redis")
    group.addoption(
        "--redouble-url",
        metavar="URL",
        help="run redouble's fixtures on this real server or cluster: redis://, rediss://, valkey://, unix:// or "
        "redis+cluster://host:port; its database must be empty",
    )
    group.addoption(
        "--redouble-flush",
        action="store_true",
        help="let --redouble-url and --redouble-parity remove all keys of a database that is not empty",
    )
    group.addoption(
        "--redouble-parity",
        metavar="URL",
        nargs="?",
        const="auto",
        help="run each test with redouble's fixtures on the fake and on a real server, and report where they disagree; "
        "without a URL (or with `auto`), on a redis-server or valkey-server from PATH",
    )
    parser.addini("redouble_version", "the version of the fake server, as 7, 7.4 or 8.6")
    parser.addini("redouble_server_type", "the type of the fake server: redis or valkey")
    parser.addini("redouble_config", "the configuration of the fake server, one `parameter value` a line", "linelist")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "redouble(version=..., server_type=..., config={...}, **options): what server this test needs; `options` are "
        "further arguments of redouble.FakeServer",
    )
    config.stash[fixtures.USUAL] = _usual(config)
    if config.option.redouble_parity or config.option.redouble_url:
        from redouble.suite.pytest_real import RealRuns

        config.pluginmanager.register(RealRuns(config), "redouble_real")


def _usual(config: pytest.Config) -> dict[str, Any]:
    usual: dict[str, Any] = {"record": True}
    for name in ("version", "server_type"):
        value = config.getini(f"redouble_{name}")
        if value:
            usual[name] = value
    lines = config.getini("redouble_config")
    if lines:
        import shlex

        usual["config"] = {name: " ".join(words) for name, *words in map(shlex.split, lines)}
    return usual


@pytest.fixture(scope="session")
def _redouble_backend(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Where the servers come from: this process or, with --redouble-url, a real server."""
    from redouble.suite.pytest_report import FailureReport

    real = request.config.pluginmanager.get_plugin("redouble_real")
    if real is None:
        from redouble.suite.fake import FakeBackend

        backend: Any = FakeBackend()
    else:
        backend = real.backend(getattr(request, "param", None))
    report = FailureReport(backend)
    request.config.pluginmanager.register(report)
    try:
        yield backend
    finally:
        request.config.pluginmanager.unregister(report)
        backend.close()

"""Django's own Redis cache, with the settings of its documentation, by connection class and by URL over TCP."""

from __future__ import annotations

from typing import Any

import pytest

from redouble import reset

django = pytest.importorskip("django")


@pytest.fixture(autouse=True)
def _forget_shared_servers() -> Any:
    reset()
    yield
    reset()


def cache_with(location: Any, **options: Any) -> Any:
    from django.core.cache.backends.redis import RedisCache

    return RedisCache(location, {"OPTIONS": options})


@pytest.fixture(params=["connection class", "url"])
def cache(request: pytest.FixtureRequest) -> Any:
    from redouble import FakeConnection
    from redouble.net.tcp import TcpFakeServer

    if request.param == "connection class":
        yield cache_with("redis://127.0.0.1:6379", db="2", connection_class=FakeConnection)
        return
    with TcpFakeServer(("127.0.0.1", 0)) as server:
        server.start()
        cache = cache_with(f"redis://127.0.0.1:{server.server_address[1]}", db="2")
        yield cache
        cache._cache.get_client(write=True).connection_pool.disconnect()


def test_the_settings_of_a_project() -> None:
    from django.core.cache import cache

    cache.set("key", "value")
    assert cache.get("key") == "value"


def test_values_and_timeouts(cache: Any) -> None:
    assert cache.get("missing", "default") == "default"
    cache.set("key", {"a": [1, 2]}, 30)
    assert cache.get("key") == {"a": [1, 2]}
    assert cache.has_key("key")
    assert cache.touch("key", 60)
    assert cache.add("key", 1) is False
    assert cache.add("other", 1) is True
    assert cache.incr("other") == 2
    assert cache.decr("other", 2) == 0
    cache.set("gone", 1, timeout=0)
    assert cache.get("gone") is None
    assert cache.delete("key") is True
    assert cache.get_or_set("computed", lambda: 42) == 42


def test_many_at_once(cache: Any) -> None:
    assert cache.set_many({"a": 1, "b": "two", "c": None}) == []
    assert cache.get_many(["a", "b", "c", "d"]) == {"a": 1, "b": "two", "c": None}
    cache.delete_many(["a", "b"])
    assert cache.get_many(["a", "b"]) == {}
    cache.clear()
    assert cache.get("c", "cleared") == "cleared"


def test_versions_of_a_key(cache: Any) -> None:
    cache.set("key", "one", version=1)
    assert cache.get("key", version=2) is None
    cache.incr_version("key")
    assert cache.get("key", version=2) == "one"


async def test_asynchronous_methods(cache: Any) -> None:
    await cache.aset("key", "value")
    assert await cache.aget("key") == "value"
    assert await cache.aadd("counter", 0)
    assert await cache.aincr("counter") == 1


def test_replicas_and_pool_class() -> None:
    from redouble import FakeConnection

    same = ["redis://127.0.0.1:6379", "redis://127.0.0.1:6379"]
    replicated = cache_with(
        same, connection_class=FakeConnection, pool_class="redis.BlockingConnectionPool", max_connections=2
    )
    replicated.set("key", "value")
    assert all(replicated.get("key") == "value" for _ in range(20))


def test_parser_class_and_driver_info_are_passed_on() -> None:
    from redouble import FakeConnection

    cache = cache_with(
        "redis://127.0.0.1:6379", connection_class=FakeConnection, parser_class="redis.connection.DefaultParser"
    )
    cache.set("key", "value")
    client = cache._cache.get_client("key")
    if django.VERSION >= (6, 1):
        assert "django" in client.client_info()["lib-name"].lower()
    assert cache.get("key") == "value"

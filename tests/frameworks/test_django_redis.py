"""django-redis: counters, locks, times to live and patterns of its cache, by connection class and by URL over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("django_redis")

from django_redis.cache import RedisCache
from redis.exceptions import LockNotOwnedError

from redouble import FakeConnection, reset


@pytest.fixture(params=["connection class", "url"])
def cache(request: pytest.FixtureRequest) -> Iterator[Any]:
    reset()
    if request.param == "connection class":
        options = {"CONNECTION_POOL_KWARGS": {"connection_class": FakeConnection}}
        made = RedisCache("redis://cache:6379/1", {"OPTIONS": options})
    else:
        made = RedisCache(request.getfixturevalue("url"), {})
    yield made
    made.client.get_client().connection_pool.disconnect()
    reset()


def test_counters(cache: Any) -> None:
    with pytest.raises(ValueError, match="not found"):
        cache.incr("visits")
    cache.set("visits", 1, timeout=60)
    assert cache.incr("visits") == 2
    assert cache.incr("visits", 40) == 42
    assert cache.decr("visits", 2) == 40
    assert 0 < cache.ttl("visits") <= 60
    assert cache.incr("other", ignore_key_check=True) == 1
    cache.set("large", 2**63 - 1, timeout=60)
    assert cache.incr("large") == 2**63  # INCRBY would overflow: now it is pickled
    assert cache.incr("large") == 2**63 + 1
    assert cache.get("large") == 2**63 + 1
    assert 0 < cache.ttl("large") <= 60


def test_locks(cache: Any) -> None:
    with cache.lock("report", timeout=60) as lock:
        assert lock.owned()
        assert not cache.lock("report", timeout=60).acquire(blocking=False)
        assert 0 < cache.ttl("report") <= 60
    with pytest.raises(LockNotOwnedError), cache.lock("report", timeout=60):
        cache.delete("report")


def test_times_to_live(cache: Any) -> None:
    cache.set("key", "value", timeout=60)
    assert 0 < cache.pttl("key") <= 60_000
    assert cache.persist("key")
    assert cache.ttl("key") is None
    assert cache.expire("key", 30)
    assert cache.touch("key", 90)
    assert 30 < cache.ttl("key") <= 90
    assert cache.ttl("missing") == 0
    cache.set("key", "other", nx=True)
    assert cache.get("key") == "value"


def test_keys_by_pattern(cache: Any) -> None:
    cache.set_many({f"user:{i}": {"number": i} for i in range(20)} | {"else": 1})
    assert sorted(cache.keys("user:1*")) == sorted(["user:1", *(f"user:1{i}" for i in range(10))])
    assert set(cache.iter_keys("user:*")) == {f"user:{i}" for i in range(20)}
    assert cache.get_many(["user:3", "user:30"]) == {"user:3": {"number": 3}}
    assert cache.delete_pattern("user:*", itersize=5) == 20
    assert cache.keys("*") == ["else"]


def test_sets_and_hashes(cache: Any) -> None:
    assert cache.sadd("colours", "red", "blue") == 2
    assert cache.smembers("colours") == {"red", "blue"}
    assert cache.sismember("colours", "red")
    assert cache.hset("row", "name", "ada") == 1
    assert cache.hexists("row", "name")
    assert cache.hkeys("row") == ["name"]

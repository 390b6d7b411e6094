"""Django's cache, django-redis and django-rq."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest

pytest.importorskip("django_redis")
pytest.importorskip("django_rq")

import django

django.setup()

import django_rq  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.test import override_settings  # noqa: E402
from rq import SimpleWorker  # noqa: E402

from tests.compat.drop_in import jobs  # noqa: E402


@pytest.mark.parametrize("alias", ["default", "django-redis"])
def test_a_cache(alias: str) -> None:
    cache = caches[alias]
    cache.set("a", {"b": [1, 2]}, 30)
    assert cache.get("a") == {"b": [1, 2]}
    assert cache.add("a", 1) is False
    assert cache.incr("n") if cache.add("n", 1) else False
    cache.clear()
    assert cache.get("a") is None


def test_overridden_settings() -> None:
    other = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://elsewhere",
        "OPTIONS": {"connection_class": fakeredis.FakeConnection},
    }
    caches["default"].set("a", 1)
    with override_settings(CACHES={"default": other}):
        assert caches["default"].get("a") is None
        caches["default"].set("a", 2)
    assert fakeredis.FakeRedis(host="elsewhere").keys()
    assert caches["default"].get("a") == 1


def connection(config: dict[str, Any], strict: bool = False) -> Any:
    """In place of django-rq's own: the same address is the same server."""
    kind = fakeredis.FakeStrictRedis if strict else fakeredis.FakeRedis
    if "URL" in config:
        return kind.from_url(config["URL"], db=config.get("DB"))
    return kind(
        host=config["HOST"],
        port=config["PORT"],
        db=config.get("DB", 0),
        username=config.get("USERNAME"),
        password=config.get("PASSWORD"),
    )


@pytest.mark.parametrize("queue", ["default", "by-url"])
def test_a_queue(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_rq.queues.get_redis_connection", connection)
    monkeypatch.setattr("django_rq.connection_utils.get_redis_connection", connection)
    job = django_rq.get_queue(queue).enqueue(jobs.add, 2, 3)
    django_rq.get_worker(queue, worker_class=SimpleWorker).work(burst=True, logging_level="ERROR")
    assert job.return_value() == 5

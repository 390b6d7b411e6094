"""The settings of a Django project whose cache and queues need no server in its tests."""

import redis

import redouble

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379",
        "OPTIONS": {"connection_class": redouble.FakeConnection},
    }
}

# django-rq hands REDIS_CLIENT_KWARGS to redis.Redis(), which takes no connection class, but a pool.
QUEUE_POOL = redis.ConnectionPool(connection_class=redouble.FakeConnection, host="queues")
RQ_QUEUES = {
    "default": {"HOST": "queues", "PORT": 6379, "REDIS_CLIENT_KWARGS": {"connection_pool": QUEUE_POOL}},
    "immediate": {
        "HOST": "queues",
        "PORT": 6379,
        "ASYNC": False,
        "REDIS_CLIENT_KWARGS": {"connection_pool": QUEUE_POOL},
    },
}

INSTALLED_APPS = ["django_rq"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True

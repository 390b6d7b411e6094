"""A Django project whose caches use fakeredis's connections."""

from fakeredis import FakeConnection

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://cache:6379",
        "OPTIONS": {"connection_class": FakeConnection},
    },
    "django-redis": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://cache:6379/1",
        "OPTIONS": {"CONNECTION_POOL_KWARGS": {"connection_class": FakeConnection}},
    },
}
RQ_QUEUES = {
    "default": {"HOST": "queues", "PORT": 6379, "DB": 2},
    "by-url": {"URL": "redis://queues:6379/3"},
}
INSTALLED_APPS = ["django_rq"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True

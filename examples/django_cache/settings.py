"""The project: Django's own Redis cache, and a view that uses it."""

import os

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"),
    }
}
ROOT_URLCONF = "views"
USE_TZ = True

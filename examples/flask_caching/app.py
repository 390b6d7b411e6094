"""The application: Flask with Flask-Caching."""

from __future__ import annotations

import os
import time

from flask import Flask
from flask_caching import Cache

cache = Cache()


def create_app(redis_url: str | None = None) -> Flask:
    app = Flask(__name__)
    app.config["CACHE_TYPE"] = "RedisCache"
    app.config["CACHE_REDIS_URL"] = redis_url or os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
    cache.init_app(app)
    app.add_url_rule("/square/<int:number>", view_func=square)
    return app


@cache.cached(timeout=60)
def square(number: int) -> dict[str, int]:
    return {"square": number**2, "computed_at": time.time_ns()}

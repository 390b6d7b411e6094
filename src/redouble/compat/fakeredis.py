"""The module that `import fakeredis` gives after `install_as_fakeredis`."""

from __future__ import annotations

import importlib.util

from redouble import (
    FakeAsyncConnection,
    FakeAsyncRedis,
    FakeAsyncRedisConnection,
    FakeConnection,
    FakeRedis,
    FakeRedisConnection,
    FakeServer,
    FakeStrictRedis,
    TcpFakeServer,
    aioredis,
)

__version__ = "2.40.0"
"""The fakeredis whose names these are."""

__all__ = [
    "FakeAsyncConnection",
    "FakeAsyncRedis",
    "FakeAsyncRedisConnection",
    "FakeConnection",
    "FakeRedis",
    "FakeRedisConnection",
    "FakeServer",
    "FakeStrictRedis",
    "TcpFakeServer",
    "aioredis",
]

if importlib.util.find_spec("valkey") is not None:
    from redouble import FakeAsyncValkey, FakeStrictValkey, FakeValkey

    __all__ += ["FakeAsyncValkey", "FakeStrictValkey", "FakeValkey"]

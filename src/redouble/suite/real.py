"""The backend of a real server, or a cluster, at a URL.

It uses one database, whose keys it removes between tests; so it refuses one that is not empty, unless it is told that
they may go.  A test that asks for what only the fake has is skipped.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import redis
from redis.cluster import RedisCluster

from redouble.suite.fake import client_class
from redouble.suite.loops import LoopEnd
from redouble.suite.requirements import Requirements
from redouble.suite.trace import Trace, recorded

__all__ = ["Address", "RealBackend", "RealServer", "Unusable"]

SCHEMES = {"valkey": "redis", "valkeys": "rediss", "redis+cluster": "redis", "rediss+cluster": "rediss"}


class Unusable(Exception):
    """A server that tests cannot run on; the text says why."""


class Address:
    """A URL with one of the schemes `redis`, `rediss`, `unix`, `valkey`, `valkeys`, `redis+cluster`, `rediss+cluster`."""

    def __init__(self, url: str) -> None:
        parts = self._parts = urlsplit(url)
        self.scheme = SCHEMES.get(parts.scheme, parts.scheme)
        if self.scheme not in ("redis", "rediss", "unix"):
            raise Unusable(f"{self.shown} is none of redis://, rediss://, valkey://, unix:// and redis+cluster://")
        self.wants_cluster = parts.scheme.endswith("+cluster")
        self._query = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = parts.path.strip("/")
        try:
            self.db = int(self._query.pop("db", "") or (path if self.scheme != "unix" and path else 0))
        except ValueError:
            raise Unusable(f"{self.shown}: {path!r} is no number of a database") from None

    def of(self, db: int, password: str | None = None) -> str:
        """The URL of a database; with another password, if one is given."""
        netloc, path, query = self._parts.netloc, self._parts.path, dict(self._query)
        if password is not None:
            netloc = f":{quote(password, safe='')}@{netloc.rpartition('@')[2]}"
        if self.scheme == "unix":
            query["db"] = str(db)
        else:
            path = f"/{db}"
        return _written(self.scheme, netloc, path, urlencode(query))

    @property
    def shown(self) -> str:
        """The URL without its password."""
        parts = self._parts
        host = parts.netloc.rpartition("@")[2]
        netloc = parts.netloc if parts.password is None else f"{parts.username or ''}:***@{host}"
        return _written(parts.scheme, netloc, parts.path, parts.query)


def _written(scheme: str, netloc: str, path: str, query: str) -> str:
    # Not `urlunsplit`, which leaves out the slashes of unix:///path.
    return f"{scheme}://{netloc}{path}" + (f"?{query}" if query else "")


class RealServer:
    """What stands for `FakeServer` in a test on a real server: `url`, `server_type` and `version`.

    Everything else is the fake's only, so asking for it skips the test.
    """

    __slots__ = ("_skip", "server_type", "url", "version")

    def __init__(self, url: str, server_type: str, version: tuple[int, ...], skip: Callable[[str], NoReturn]) -> None:
        for name, value in (("url", url), ("server_type", server_type), ("version", version), ("_skip", skip)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._skip(f"asks for redouble_server.{name}, which only the fake has")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        self._skip(f"sets redouble_server.{name}, which only the fake has")

    def __repr__(self) -> str:
        number = ".".join(map(str, self.version))
        return f"<RealServer {Address(self.url).shown}, {self.server_type} {number}>"


class RealBackend:
    """A real server.

    Args:
        url: see `Address`.
        worker: the number of this process among those that share the server; each takes a database of its own.
        workers: how many share it.
        may_flush: whether keys that are there already may be removed.
        owned: whether nobody else uses this server at all.
        skip: ends the test that runs, for this reason.
    """

    def __init__(
        self,
        url: str,
        *,
        worker: int = 0,
        workers: int = 1,
        may_flush: bool = False,
        owned: bool = False,
        skip: Callable[[str], NoReturn],
    ) -> None:
        self.address = Address(url)
        self.db = self.address.db + worker
        self.alone = owned or workers == 1
        self._owned = owned
        self._skip = skip
        self.trace = Trace()
        self.servers: tuple[()] = ()
        """Those of this process."""
        self.admin: Any = redis.Redis.from_url(self.address.of(0))
        try:
            self._look(workers)
            self._check_database(may_hold_keys=may_flush or owned)
        except BaseException:
            self.close()
            raise

    def _look(self, workers: int) -> None:
        """Find out what it is."""
        shown = self.address.shown
        try:
            info = self.admin.info()
        except redis.RedisError as error:
            raise Unusable(f"{shown} cannot be used: {error}") from None
        valkey = info.get("valkey_version")
        self.server_type = "valkey" if valkey else "redis"
        self.version = tuple(int(part) for part in str(valkey or info["redis_version"]).split("."))
        self.is_cluster = bool(info.get("cluster_enabled"))
        if self.address.wants_cluster and not self.is_cluster:
            raise Unusable(f"{shown} is no cluster, as its INFO says cluster_enabled:0")
        self.admin.close()
        if not self.is_cluster:
            self.admin = redis.Redis.from_url(self.address.of(self.db))
            return
        if workers > 1:
            raise Unusable(
                f"{shown} is a cluster, which has one database, and {workers} processes would remove each other's keys: "
                "run without -n, or give each its own cluster"
            )
        self.admin = RedisCluster.from_url(self.address.of(0))

    def _check_database(self, *, may_hold_keys: bool) -> None:
        try:
            keys = self.admin.dbsize(**({"target_nodes": RedisCluster.PRIMARIES} if self.is_cluster else {}))
        except redis.ResponseError as error:  # DB index is out of range
            raise Unusable(
                f"{self.address.shown} has no database {self.db}: each process of a parallel run takes a database of its "
                f"own, from {self.address.db} on ({error})"
            ) from None
        if keys and not may_hold_keys:
            raise Unusable(
                f"database {self.db} of {self.address.shown} holds {keys} key{'s' * (keys != 1)}, and the fixtures remove all "
                "keys between tests: give an empty database, or --redouble-flush if these keys may go"
            )

    def _flush(self) -> None:
        if self.is_cluster:
            self.admin.flushall(target_nodes=RedisCluster.PRIMARIES)
            return
        if not self._owned:
            self.admin.flushdb()
        else:
            self.admin.flushall()
            if self.version >= (7,):
                self.admin.execute_command("FUNCTION FLUSH")
        if self.alone:
            self.admin.script_flush()

    @contextlib.contextmanager
    def server(self, requirements: Requirements) -> Iterator[RealServer]:
        """The server, empty; and emptied at the end."""
        misfit = requirements.misfit(self.server_type, self.version)
        if misfit is not None:
            self._skip(f"{misfit}; {self.address.shown} is {self.server_type} {'.'.join(map(str, self.version))}")
        self._flush()
        try:
            with self._configured(requirements.config):
                url = self.address.of(self.db, requirements.config.get("requirepass"))
                yield RealServer(url, self.server_type, self.version, self._skip)
        finally:
            self._flush()

    @contextlib.contextmanager
    def _configured(self, config: dict[str, str]) -> Iterator[None]:
        if config and (self.is_cluster or not self.alone):
            self._skip("sets the configuration of a server that other tests use at the same time")
        before: dict[str, str] = {}
        try:
            for name, value in config.items():
                found = self.admin.config_get(name)
                try:
                    self.admin.config_set(name, value)
                except redis.ResponseError as error:
                    self._skip(f"needs {name} {value}: {error}")
                before.update({_text(key): _text(old) for key, old in found.items()})
            yield
        finally:
            for name, value in before.items():
                self.admin.config_set(name, value)

    @contextlib.contextmanager
    def client(self, server: RealServer, library: str, options: dict[str, Any]) -> Iterator[Any]:
        real = client_class(library, asynchronous=False).library_class
        client = self._client(server, real, options)
        try:
            yield client
        finally:
            client.close()

    @contextlib.contextmanager
    def async_client(self, server: RealServer, library: str, options: dict[str, Any]) -> Iterator[Any]:
        real = client_class(library, asynchronous=True).library_class
        client = self._client(server, real, options)
        end = LoopEnd(client.aclose)
        if self.is_cluster:
            initialize = client.initialize

            async def initialize_and_wait(*args: Any, **kwargs: Any) -> Any:
                await end.enter()
                return await initialize(*args, **kwargs)

            client.initialize = initialize_and_wait
        else:
            pool = client.connection_pool
            usual = pool.connection_class
            body = {"end": end, "__module__": usual.__module__}
            pool.connection_class = type(usual.__name__, (_ClosedWithItsLoop, usual), body)
        try:
            yield client
        finally:
            end.close_now()

    def _client(self, server: RealServer, real: Any, options: dict[str, Any]) -> Any:
        if self.is_cluster:
            return _cluster_class(real).from_url(server.url, **options)
        client = real.from_url(server.url, **options)
        pool = client.connection_pool
        pool.connection_class = recorded(pool.connection_class, self.trace)
        return client

    @contextlib.contextmanager
    def tcp(self, server: RealServer) -> Iterator[NoReturn]:
        self._skip("asks for redouble_tcp, which only the fake has")
        yield

    @contextlib.contextmanager
    def url(self, server: RealServer) -> Iterator[str]:
        yield server.url

    def close(self) -> None:
        self.admin.close()


class _ClosedWithItsLoop:
    end: LoopEnd

    async def _connect(self) -> None:
        await self.end.enter()
        await super()._connect()  # type: ignore[misc]


def _cluster_class(client: Any) -> Any:
    """The cluster client of the same library, sync or asyncio."""
    import importlib

    module = client.__module__.rpartition(".")[0]  # redis.client, redis.asyncio.client, valkey.client ...
    cluster = importlib.import_module(f"{module}.cluster")
    return getattr(cluster, f"{client.__name__}Cluster")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

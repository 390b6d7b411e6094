"""`patch`: clients of redis-py and valkey-py, whoever constructs them, connect to servers of this process.

The seam is `_connect`, which opens the socket of a connection.  While a patch is in effect it opens none: the
connection *becomes* one of ours, by changing its class for a subclass of its class (kombu has its own) with our
connection in front.  When the patch ends, every such connection is the library's again, and not connected.  Pools,
clients and their arguments are not touched, and neither are our own clients.

A connection that was open when the patch began reaches a real server.  It is refused its next use, as if that server
had closed it; pools and retries connect again then, and so it becomes ours.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, overload

from redouble.clients.connection import ConnectionMixin
from redouble.clients.construction import without_scheme
from redouble.clients.server import FakeServer
from redouble.clients.shared import SharedConnectionMixin, shared_connection_class
from redouble.clients.shared import without_scheme as socket_url
from redouble.core.server import Server

__all__ = ["Patch", "patch", "unpatch"]

Function = TypeVar("Function", bound=Callable[..., Any])
Version = tuple[int, ...] | str | int

_OPENED_BEFORE = "This connection was opened before redouble.patch()."


class Patch:
    """A patch that is in effect until `unpatch`, or the end of its `with` block.  Made by `patch`."""

    def __init__(self, server: FakeServer | None, version: Version, server_type: str | None) -> None:
        self.server = server
        self.version = version
        self.server_type = server_type

    def options(self, server_type: str) -> dict[str, Any]:
        """The arguments for a connection class of ours; `server_type` is what its library is for."""
        return {"server": self.server, "version": self.version, "server_type": self.server_type or server_type}

    def begin(self) -> None:
        with _lock:
            if not _active:
                _install_hooks()
            _active.append(self)
            _return_connections()

    def unpatch(self) -> None:
        """End this patch, if it has not ended already; one that was in effect before it is again."""
        with _lock:
            if self in _active:
                _active.remove(self)
                _return_connections()
                if not _active:
                    _remove_hooks()

    def __enter__(self) -> Patch:
        if self not in _active:  # it has ended, and is used again
            self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.unpatch()

    def __call__(self, function: Function) -> Function:
        """As a decorator, in effect only while the function runs."""
        self.unpatch()
        if inspect.isclass(function) or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("redouble.patch decorates functions; in a class or a fixture use `with redouble.patch():`")
        again = functools.partial(patch, server=self.server, version=self.version, server_type=self.server_type)
        wrapper: Any
        if inspect.iscoroutinefunction(function):

            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with again():
                    return await function(*args, **kwargs)

        else:

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with again():
                    return function(*args, **kwargs)

        return functools.wraps(function)(wrapper)  # type: ignore[return-value]


@overload
def patch(function: Function) -> Function: ...
@overload
def patch(
    function: None = None, *, server: FakeServer | None = None, version: Version = (7,), server_type: str | None = None
) -> Patch: ...
def patch(
    function: Any = None, *, server: FakeServer | None = None, version: Version = (7,), server_type: str | None = None
) -> Any:
    """Keep redis-py and valkey-py in this process, also where a library constructs the clients, from now on.

    Takes effect at once, and until `redouble.unpatch()`; or as `with redouble.patch():` and `@redouble.patch` (with or
    without arguments) for a block or a function.  Connections with the same host and port, or the same path, share a
    server until `redouble.reset()`, with each other and with `FakeRedis(host=...)`; URLs may be `redouble://name`.
    Nothing is connected to over a network, a `TcpFakeServer` neither.  The innermost of several patches counts.

    Clients of `redouble+unix://app.db` share the server of that file with other programs, as `SharedRedis` does.

    Args:
        server: one server for all addresses.
        version: the version of the servers that are made.
        server_type: their type; without it Redis for redis-py and Valkey for valkey-py.
    """
    if function is not None:
        return Patch(server, version, server_type)(function)
    new = Patch(server, version, server_type)
    new.begin()
    return new


def unpatch() -> None:
    """End every patch that is in effect.  The data stays until `redouble.reset()`."""
    while _active:
        _active[-1].unpatch()


class Library:
    """The connections of one library, sync or asyncio, and our counterpart of them."""

    def __init__(self, module: str, ours: str, server_type: str) -> None:
        self.module: Any = importlib.import_module(module)
        package, _, name = ours.rpartition(".")
        self.ours: Any = getattr(importlib.import_module(package), name)
        self.shared = shared_connection_class(self.module.UnixDomainSocketConnection)
        self.server_type = server_type
        self.is_async = ".asyncio" in module

    def hook(self) -> None:
        module = self.module
        for name in ("Connection", "SSLConnection", "UnixDomainSocketConnection"):
            _hook(getattr(module, name), "_connect", self.connecting_async if self.is_async else self.connecting)
        for name in ("can_read", "can_read_destructive", "send_packed_command"):
            _hook(module.AbstractConnection, name, self.refusing)
        _hook(module, "parse_url", self.parsing)

    def connecting(self, original: Any) -> Any:
        def _connect(connection: Any) -> Any:
            if not _active:
                return original(connection)
            self.adopt(connection)
            return connection._connect()

        return _connect

    def connecting_async(self, original: Any) -> Any:
        async def _connect(connection: Any) -> None:
            if not _active:
                return await original(connection)  # type: ignore[no-any-return]
            self.adopt(connection)
            await connection._connect()

        return _connect

    def refusing(self, original: Any) -> Any:
        def refuse(connection: Any, *args: Any, **kwargs: Any) -> Any:
            if (
                _active
                and not isinstance(connection, (ConnectionMixin, SharedConnectionMixin))
                and _is_open(connection)
            ):
                raise self.ours.connection_error(_OPENED_BEFORE)
            return original(connection, *args, **kwargs)

        return refuse

    def parsing(self, original: Any) -> Any:
        def parse_url(url: str) -> Any:
            if not _active:
                return original(url)
            options = _active[-1].options(self.server_type)
            plain = without_scheme(url)
            if plain is not None:
                # Ours for good: after the patch, too, this name must not become a host on the network.
                return {"connection_class": self.ours, **options, **original(plain)}
            shared = socket_url(url)
            if shared is not None:
                del options["server"]  # a shared server is a process of its own
                return {**options, **original(shared), "connection_class": self.shared}
            return original(url)

        return parse_url

    def adopt(self, connection: Any) -> None:
        """Make a connection of the library, which is not connected, one of ours."""
        connection.library_class = type(connection)
        connection.library_parser = parser = connection._parser
        connection.__class__ = _adopted_class(connection.library_class, self.ours)
        connection.set_parser(None)
        # Push handlers that were set on the parser: PubSub's, the client-side cache's.
        for name, handler in getattr(parser, "__dict__", {}).items():
            if name.endswith("_func") and getattr(handler, "__self__", None) is not parser:
                setattr(connection._parser, name, handler)
        connection.server_type = self.server_type
        for name, value in (("host", "localhost"), ("port", 0)):
            if not hasattr(connection, name):  # a Unix socket
                setattr(connection, name, value)
        with _lock:
            _adopted.add(connection)


class AdoptedMixin(ConnectionMixin):
    """In front of the class of a library's connection while it is ours."""

    server_type: str
    library_class: type
    library_parser: Any
    _address = None

    def _reach(self) -> Server:
        options = _active[-1].options(self.server_type)
        server = options.pop("server")
        self._server = server or FakeServer.at(getattr(self, "path", None) or f"{self.host}:{self.port}", **options)
        return super()._reach()

    def give_back(self) -> None:
        """Be the library's connection again, not connected."""
        this: Any = self
        client = this.in_process_client
        if hasattr(this, "_sock"):
            this.disconnect()
        else:  # asyncio: there may be no loop to wait in
            this._parser.on_disconnect()
            this._reader = this._writer = None
        if client is not None:
            client.close()
        this._parser = self.library_parser
        this.__class__ = self.library_class


@functools.cache
def _adopted_class(library_class: type, ours: type) -> type:
    mixin = ours.__bases__[0]
    body = {
        "__module__": library_class.__module__,
        "__qualname__": library_class.__qualname__,
        "parser_class": ours.parser_class,  # type: ignore[attr-defined]
        "connection_error": ours.connection_error,  # type: ignore[attr-defined]
    }
    return type(library_class.__name__, (AdoptedMixin, mixin, library_class), body)


def _is_open(connection: Any) -> bool:
    return getattr(connection, "_sock", None) is not None or getattr(connection, "_writer", None) is not None


_lock = threading.RLock()
_active: list[Patch] = []
_adopted: weakref.WeakSet[Any] = weakref.WeakSet()
_hooks: list[tuple[Any, str, Any, Any]] = []


def _return_connections() -> None:
    for connection in list(_adopted):
        connection.give_back()
    _adopted.clear()


@functools.cache
def _libraries() -> list[Library]:
    found = [
        Library("redis.connection", "redouble.clients.sync.FakeRedisConnection", "redis"),
        Library("redis.asyncio.connection", "redouble.clients.asyncio.FakeAsyncRedisConnection", "redis"),
    ]
    if importlib.util.find_spec("valkey") is not None:
        found += [
            Library("valkey.connection", "redouble.clients.valkey.FakeValkeyConnection", "valkey"),
            Library("valkey.asyncio.connection", "redouble.clients.valkey.FakeAsyncValkeyConnection", "valkey"),
        ]
    return found


def _install_hooks() -> None:
    for library in _libraries():
        library.hook()


def _hook(owner: Any, name: str, replacement: Callable[[Any], Any]) -> None:
    """Replace what `owner` itself defines; what it only inherits is replaced there."""
    original = vars(owner).get(name)
    if original is not None:
        hook = functools.wraps(original)(replacement(original))
        setattr(owner, name, hook)
        _hooks.append((owner, name, original, hook))


def _remove_hooks() -> None:
    for owner, name, original, hook in _hooks:
        if vars(owner)[name] is hook:  # else somebody replaced it in turn, and it does nothing from now on
            setattr(owner, name, original)
    _hooks.clear()

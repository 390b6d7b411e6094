"""How a client is put on a server of this process: the constructors and `from_url`, for every library, sync or asyncio.

The library's own constructor understands its own arguments and makes a pool; that pool is then told to make our
connections.  No parameter of a library is listed here.
"""

from __future__ import annotations

import copy
import functools
import inspect
import re
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from redouble.clients.server import FakeServer
from redouble.clients.template import Template, remember, template_key, templates

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ClientMixin", "check_lua_modules", "without_scheme"]

LUA_MODULES = frozenset(("bit", "cjson", "cmsgpack", "struct"))
SCHEME = "redouble://"


def without_scheme(url: str) -> str | None:
    """The `redis://` URL of the server that `redouble://name` names; None for other URLs."""
    return f"redis://{url[len(SCHEME) :]}" if url.startswith(SCHEME) else None


class ClientMixin:
    """In front of a library's client class.

    Args:
        server: the server to use; clients that are given the same one share its data.
        version: the version of the server that is made if none is given: `7`, `"7.4"` or `(7, 4)`.
        server_type: `"redis"`, `"valkey"`, `"dragonfly"` or `"kividb"`.
        connection_class: a subclass of our connection class.
        connection_pool_class: any pool of the library, e.g. `BlockingConnectionPool`.
        connected: False to begin with a server that refuses connections.
        client_class: accepted for compatibility.
        lua_modules: accepted for compatibility: scripts always have the modules of a real server (cjson, cmsgpack, struct,
            bit) and can have no others, which a warning says.
    """

    library_class: ClassVar[type]
    """The library's class that this is a subclass of."""
    default_connection_class: ClassVar[type]
    default_pool_class: ClassVar[type]
    default_server_type: ClassVar[str] = "redis"
    connects_at_once: ClassVar[bool] = True
    """Whether the library's constructor connects if `single_connection_client` is given."""
    _template_key: Any = None
    """What it has in common with the clients that were made like it, if that is known."""
    connection_pool: Any
    auto_close_connection_pool: bool

    def __init__(
        self,
        *args: Any,
        server: FakeServer | None = None,
        version: tuple[int, ...] | str | int = (7,),
        server_type: str | None = None,
        lua_modules: Iterable[str] | None = None,
        client_class: type | None = None,
        connection_class: type | None = None,
        connection_pool_class: type | None = None,
        connected: bool = True,
        **kwargs: Any,
    ) -> None:
        check_lua_modules(lua_modules)
        given = {**dict(zip(parameters_of(self.library_class), args)), **kwargs} if args else kwargs
        if given.get("connection_pool") is not None:
            super().__init__(*args, **kwargs)
            return
        server_type = self._server_type(server_type)
        if server is None and not _has_address(given):
            server = FakeServer(version, server_type)
            if not connected:
                server.connected = False
        single = self.connects_at_once and given.pop("single_connection_client", False)
        key = template_key(self, given)
        template = templates.get(key)
        if template is not None:
            template.fill(self)
        else:
            self._make(given)
            if key is not None and key not in templates:
                remember(templates, key, lambda: Template(self))
        pool = self.connection_pool
        if connection_pool_class is not None and type(pool) is not connection_pool_class:
            pool = self.connection_pool = _rebuilt(pool, connection_pool_class, given)
        _put_in_process(
            pool, connection_class or self.default_connection_class, server, version, server_type, connected
        )
        if single:
            super().__init__(connection_pool=pool, single_connection_client=True)  # type: ignore[call-arg]
            self.auto_close_connection_pool = True
        else:
            self._template_key = key
            self._shift_up()

    def _make(self, given: dict[str, Any]) -> None:
        """Let the library's constructor make this client."""
        parameters = parameters_of(self.library_class)
        usual_driver = _driver_info.get(self.library_class) if _DRIVER.isdisjoint(given) else None
        if usual_driver is not None:
            given["driver_info"] = copy.deepcopy(usual_driver)
        if "retry" not in given and parameters.get("retry") is not None:
            given["retry"] = _impatient(parameters["retry"])
        if "maint_notifications_config" in parameters and given.get("maint_notifications_config") is None:
            given["maint_notifications_config"] = no_maintenance()
        super().__init__(**given)
        kept = self.connection_pool.connection_kwargs
        if _DRIVER.isdisjoint(given) and "driver_info" in kept:
            _driver_info[self.library_class] = copy.deepcopy(kept["driver_info"])

    def _shift_up(self) -> None:
        """Called when the client is complete."""

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        server: FakeServer | None = None,
        version: tuple[int, ...] | str | int = (7,),
        server_type: str | None = None,
        lua_modules: Iterable[str] | None = None,
        client_class: type | None = None,
        connection_class: type | None = None,
        connection_pool_class: type | None = None,
        connected: bool = True,
        **kwargs: Any,
    ) -> Self:
        """The client of a URL; the same URL is the same server.

        The schemes are those of the library, and `redouble://name[:port][/db][?version=8][&dir=folder]`, which is the server of
        that host; with `dir` it keeps its data in that folder, as `FakeServer(path=folder)` does.
        """
        check_lua_modules(lua_modules)
        single = kwargs.pop("single_connection_client", False)
        pool_class: Any = connection_pool_class or cls.default_pool_class
        if "maint_notifications_config" in parameters_of(cls.default_pool_class):
            kwargs.setdefault("maint_notifications_config", no_maintenance())
        pool = pool_class.from_url(without_scheme(url) or url, **kwargs)
        stated = pool.connection_kwargs  # what the URL says is stronger, as everywhere
        _put_in_process(
            pool,
            connection_class or cls.default_connection_class,
            server,
            stated.get("version", version),
            cls._server_type(stated.get("server_type", server_type)),
            connected,
        )
        client = cls(connection_pool=pool, single_connection_client=single)
        client.auto_close_connection_pool = True
        if not single:
            client._shift_up()
        return client

    @classmethod
    def _server_type(cls, wanted: str | None) -> str:
        return wanted or cls.default_server_type


def _has_address(given: dict[str, Any]) -> bool:
    return bool(given) and any(given.get(name) is not None for name in ("host", "port", "unix_socket_path"))


def check_lua_modules(names: Iterable[str] | None) -> None:
    """Warn whoever constructs something of modules that scripts will not find; `cjson.so` is cjson."""
    if names is None:
        return
    missing = sorted(name for name in names if re.sub(r"\.(so|dll)$", "", name) not in LUA_MODULES)
    if missing:
        known = ", ".join(sorted(LUA_MODULES))
        warnings.warn(
            f"lua_modules: scripts have {known}, as on a real server, but not {', '.join(missing)}", stacklevel=3
        )


_DRIVER = frozenset(("driver_info", "lib_name", "lib_version"))
_driver_info: dict[type, Any] = {}
"""What a library tells servers about itself, which it would read from the package's metadata for each client anew."""


@functools.cache
def no_maintenance() -> Any:
    """Maintenance notifications come from Redis Enterprise only.

    Asking for them would tie pool and connections into cycles, which keep a dropped client until the collector runs.
    """
    from redis.maint_notifications import MaintNotificationsConfig

    return MaintNotificationsConfig(enabled=False)


@functools.cache
def parameters_of(library_class: type) -> dict[str, Any]:
    """The parameters of a class of the library, in their order, with their defaults."""
    signature = inspect.signature(library_class.__init__)  # type: ignore[misc]
    return {name: parameter.default for name, parameter in list(signature.parameters.items())[1:]}


def _impatient(default: Any) -> Any:
    """The library's default retry without its pauses: a failure that is emulated need not be waited for."""
    retry = copy.copy(default)
    retry.__class__ = _quickly_copied(type(default))  # type: ignore[arg-type]  # a class is hashable
    retry._backoff = _NO_PAUSE
    return retry


@functools.cache
def _quickly_copied(retry_class: type) -> type:
    """The class of such a retry, which holds nothing that could change: libraries copy it for each client and connection."""

    def copied(retry: Any, memo: dict[int, Any]) -> Any:
        other = object.__new__(type(retry))
        other.__dict__.update(retry.__dict__)
        return other

    return type(retry_class.__name__, (retry_class,), {"__module__": retry_class.__module__, "__deepcopy__": copied})


class _NoPause:
    """A backoff that does not wait."""

    def reset(self) -> None:
        pass

    def compute(self, failures: int) -> float:
        return 0.0


_NO_PAUSE = _NoPause()


def _put_in_process(
    pool: Any,
    connection_class: type,
    server: FakeServer | None,
    version: tuple[int, ...] | str | int,
    server_type: str,
    connected: bool,
) -> None:
    """Let `pool` make connections to a server of this process."""
    pool.connection_class = connection_class
    pool.connection_kwargs.update(server=server, version=version, server_type=server_type)
    if not connected:
        pool.connection_kwargs["connected"] = False


def _rebuilt(pool: Any, pool_class: Any, given: dict[str, Any]) -> Any:
    """The pool that the library made, as one of another class."""
    kwargs = {name: value for name, value in pool.connection_kwargs.items() if not name.startswith("maint_")}
    kwargs.update({name: given[name] for name in ("max_connections", "cache", "cache_config") if given.get(name)})
    return pool_class(connection_class=pool.connection_class, **kwargs)

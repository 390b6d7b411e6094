"""`FakeServer`: the handle by which a test holds an in-process server, and which clients share one.

A private server lives as long as its handle, which its connections hold; a named one (host and port, or path) is kept
until `reset`.  Nothing here imports redis-py.
"""

from __future__ import annotations

import os
import random as random_module
import threading
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import redouble.commands  # noqa: F401  # fills the command table
from redouble.core.clock import Clock
from redouble.core.server import Server
from redouble.dialects import parse_version

if TYPE_CHECKING:
    from redouble.core.database import Database

__all__ = ["CONNECTION_ERROR", "FakeServer", "reset"]

CONNECTION_ERROR = "FakeRedis is emulating a connection error."

_live: weakref.WeakSet[Server] = weakref.WeakSet()
"""Every server of this process; `os.fork` waits until no thread is inside one."""


class FakeServer:
    """A server in this process, shared by every client that is given it.

    Args:
        version: `7`, `"7.4"` or `(7, 4)`; a bare major version means its newest minor.
        server_type: `"redis"` or `"valkey"`.
        config: parameters as in a configuration file, e.g. `{"requirepass": "secret"}`; users, one a line, as
            `{"user": "alice on >secret ~cache:* +@read"}`.
        clock: time for this server; give it a `ManualClock` to move time without sleeping.
        random: chance for this server; seed it to repeat a run.
    """

    _shared: ClassVar[dict[str, FakeServer]] = {}

    def __init__(
        self,
        version: tuple[int, ...] | str | int = (7,),
        server_type: str = "redis",
        config: Mapping[Any, Any] | None = None,
        *,
        clock: Clock | None = None,
        random: random_module.Random | None = None,
    ) -> None:
        self.core = Server(
            server_type=server_type,
            version=version,
            clock=clock,
            random=random,
            config={_text(name): _text(value) for name, value in (config or {}).items()},
        )
        self.lastsave = int(time.time())
        _live.add(self.core)

    @staticmethod
    def get_server(key: str, version: tuple[int, ...] | str | int = (7,), server_type: str = "redis") -> FakeServer:
        """The server of that name, which is made when it is first asked for."""
        with _registry_lock:
            server = FakeServer._shared.get(key)
            if server is None:
                server = FakeServer._shared[key] = FakeServer(version=version, server_type=server_type)
            return server

    @staticmethod
    def at(
        address: str, version: tuple[int, ...] | str | int = (7,), server_type: str = "redis", *, connected: bool = True
    ) -> FakeServer:
        """The server that clients of one address, type and major version share."""
        server = FakeServer.get_server(f"{address}:{server_type}:v{parse_version(version)[0]}", version, server_type)
        if not connected:
            server.connected = False
        return server

    @property
    def connected(self) -> bool:
        """Set it to False to cut every in-process connection, also those that wait, and to refuse new ones."""
        return self.core.connected

    @connected.setter
    def connected(self, connected: bool) -> None:
        with self.core.lock:
            self.core.connected = connected
            if not connected:
                self._cut()

    def _cut(self) -> None:
        with self.core.lock:
            for client in list(self.core.clients.values()):
                client.kill()

    @property
    def version(self) -> tuple[int, ...]:
        return self.core.version

    @property
    def server_type(self) -> str:
        return self.core.server_type

    @property
    def dbs(self) -> dict[int, Database]:
        return self.core.databases

    @property
    def config(self) -> Any:
        return self.core.config

    @property
    def acl(self) -> Any:
        return self.core.acl

    @property
    def lock(self) -> threading.RLock:
        """Held while a command runs; whoever holds it sees no change that is not their own."""
        return self.core.lock

    def __del__(self) -> None:
        core = self.__dict__.get("core")
        if core is not None:
            core.close()


def reset() -> None:
    """Forget every server that is shared by address, and cut the connections to it: they connect to an empty one."""
    with _registry_lock:
        forgotten = list(FakeServer._shared.values())
        FakeServer._shared.clear()
    for server in forgotten:
        server._cut()


_registry_lock = threading.Lock()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


# fork: the child gets a copy of each server as it is between two commands, without the clients of threads that it lacks.

_held: list[Server] = []


def _before_fork() -> None:
    _registry_lock.acquire()
    for server in sorted(_live, key=id):
        server.lock.acquire()
        _held.append(server)


def _release() -> None:
    while _held:
        _held.pop().lock.release()
    _registry_lock.release()


def _after_fork_in_child() -> None:
    for server in _held:
        for client in list(server.blocking.clients):
            client.disconnect()
    _release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_release, after_in_child=_after_fork_in_child)

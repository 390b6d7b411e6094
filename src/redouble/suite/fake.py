"""The backend of this process: a fresh `FakeServer` each time, which costs microseconds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from redouble.clients.server import FakeServer
from redouble.suite.requirements import Requirements
from redouble.suite.trace import Trace, recorded

if TYPE_CHECKING:
    from redouble.net.tcp import TcpFakeServer

__all__ = ["FakeBackend", "client_class"]


def client_class(library: str, *, asynchronous: bool) -> Any:
    """Our client class for `"redis"` (redis-py) or `"valkey"` (valkey-py)."""
    import redouble

    try:
        names = {"redis": ("FakeRedis", "FakeAsyncRedis"), "valkey": ("FakeValkey", "FakeAsyncValkey")}[library]
    except KeyError:
        raise ValueError(f"library must be redis or valkey, not {library!r}") from None
    return getattr(redouble, names[asynchronous])


class FakeBackend:
    """Servers of this process; `trace` records their clients, which then take the library's own, slower path."""

    def __init__(self, trace: Trace | None = None) -> None:
        self.trace = trace
        self.servers: list[FakeServer] = []
        """Those that are open."""
        self._idle: list[TcpFakeServer] = []
        self._listening: list[TcpFakeServer] = []

    @contextlib.contextmanager
    def server(self, requirements: Requirements) -> Iterator[FakeServer]:
        """A server that dies at the end: connections are cut, and it refuses new ones.

        A strict one complains then, if it was asked for a command that it lacks.
        """
        server = FakeServer(**requirements.arguments())
        self.servers.append(server)
        try:
            yield server
        finally:
            self.servers.remove(server)
            server.connected = False
        if server.strict is not None:
            server.strict.verify()

    @contextlib.contextmanager
    def client(self, server: FakeServer, library: str, options: dict[str, Any]) -> Iterator[Any]:
        client = self._client(server, library, options, asynchronous=False)
        try:
            yield client
        finally:
            client.close()

    @contextlib.contextmanager
    def async_client(self, server: FakeServer, library: str, options: dict[str, Any]) -> Iterator[Any]:
        """It needs no loop to be closed: its connections end with the server, or when nobody holds them any more."""
        yield self._client(server, library, options, asynchronous=True)

    def _client(self, server: FakeServer, library: str, options: dict[str, Any], *, asynchronous: bool) -> Any:
        made = client_class(library, asynchronous=asynchronous)
        password = server.core.config.values["requirepass"]
        if password:
            options = {"password": password.decode(), **options}
        if self.trace is not None:
            options = {"connection_class": recorded(made.default_connection_class, self.trace), **options}
        return made(server=server, **options)

    @contextlib.contextmanager
    def tcp(self, server: FakeServer) -> Iterator[TcpFakeServer]:
        """`server` on a loopback port: the same one for each that comes after the other."""
        if self._idle:
            listening = self._idle.pop()
            listening.switch_to(server)
        else:
            from redouble.net.tcp import TcpFakeServer

            listening = TcpFakeServer(("127.0.0.1", 0), server=server).start()
            self._listening.append(listening)
        try:
            yield listening
        finally:
            self._idle.append(listening)

    @contextlib.contextmanager
    def url(self, server: FakeServer) -> Iterator[str]:
        with self.tcp(server) as listening:
            host, port = listening.server_address
            password = server.core.config.text("requirepass")
            credentials = f":{quote(password, safe='')}@" if password else ""
            yield f"redis://{credentials}{host}:{port}/0"

    def close(self) -> None:
        """Stop listening."""
        while self._listening:
            self._listening.pop().stop()
        self._idle.clear()

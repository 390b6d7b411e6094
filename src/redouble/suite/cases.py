"""`redouble.testing.RedoubleMixin`: the fixtures as attributes, for `unittest`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from redouble.suite.fake import FakeBackend
from redouble.suite.requirements import Requirements

if TYPE_CHECKING:
    from redouble.clients.server import FakeServer
    from redouble.net.tcp import TcpFakeServer

__all__ = ["RedoubleMixin"]


class RedoubleMixin:
    """In front of `unittest.TestCase` or `unittest.IsolatedAsyncioTestCase`; each test has a server of its own.

        class TestCounter(RedoubleMixin, unittest.TestCase):
            redouble_options = {"version": "8.6"}

            def test_it_counts(self):
                count(self.redouble)
                self.assertEqual(self.redouble.get("visits"), b"1")

    What a test does not ask for is not made, and what it asked for is closed by `addCleanup`.
    """

    redouble_options: ClassVar[Mapping[str, Any]] = {}
    """Arguments of `FakeServer`."""
    redouble_client_options: ClassVar[Mapping[str, Any]] = {}
    """Arguments of the clients, e.g. `decode_responses`; `library` is "redis" or "valkey"."""
    addCleanup: Callable[..., Any]

    @property
    def redouble_server(self) -> FakeServer:
        """The server of this test."""
        requirements = Requirements(dict(self.redouble_options), {"record": True})
        server: FakeServer = self._once("server", lambda: self._backend.server(requirements))
        return server

    @property
    def redouble(self) -> Any:
        """A client of it: a `redis.Redis`."""
        return self._once("client", lambda: self._backend.client(self.redouble_server, *self._client_options()))

    @property
    def redouble_async(self) -> Any:
        """An asyncio client of it: a `redis.asyncio.Redis`.  It need not be closed."""
        return self._once("async", lambda: self._backend.async_client(self.redouble_server, *self._client_options()))

    @property
    def redouble_tcp(self) -> TcpFakeServer:
        """The same server on a loopback port."""
        listening: TcpFakeServer = self._once("tcp", lambda: self._backend.tcp(self.redouble_server))
        return listening

    @property
    def redouble_url(self) -> str:
        """The URL by which anything reaches the server."""
        url: str = self._once("url", lambda: self._backend.url(self.redouble_server))
        return url

    @property
    def _backend(self) -> FakeBackend:
        backend: FakeBackend = self._once("backend", lambda: contextlib.closing(FakeBackend()))
        return backend

    def _client_options(self) -> tuple[str, dict[str, Any]]:
        options = dict(self.redouble_client_options)
        return options.pop("library", "redis"), options

    def _once(self, name: str, make: Callable[[], contextlib.AbstractContextManager[Any]]) -> Any:
        """What was made under this name in this test, or now is."""
        made: dict[str, Any] = self.__dict__.setdefault("_redouble_made", {})
        if name not in made:
            context = make()
            made[name] = context.__enter__()
            self.addCleanup(context.__exit__, None, None, None)
            self.addCleanup(made.pop, name)
        return made[name]

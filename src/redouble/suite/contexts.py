"""`redouble.testing.server()` and its siblings: what the fixtures give, for a `with` block."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from redouble.suite.fake import FakeBackend
from redouble.suite.requirements import Requirements

if TYPE_CHECKING:
    from redouble.clients.server import FakeServer

__all__ = ["async_client", "client", "server", "url"]


@contextlib.contextmanager
def server(**options: Any) -> Iterator[FakeServer]:
    """A `FakeServer(**options)` that records its commands; at the end of the block its connections are cut."""
    with FakeBackend().server(Requirements(options, {"record": True})) as fresh:
        yield fresh


@contextlib.contextmanager
def client(server: FakeServer | None = None, *, library: str = "redis", **options: Any) -> Iterator[Any]:
    """A client of `server`, or of a server of its own; `options` are those of the library's client class."""
    with _given(server) as given, FakeBackend().client(given, library, options) as made:
        yield made


@contextlib.asynccontextmanager
async def async_client(
    server: FakeServer | None = None, *, library: str = "redis", **options: Any
) -> AsyncIterator[Any]:
    """The same with an asyncio client, for `async with`."""
    with _given(server) as given, FakeBackend().async_client(given, library, options) as made:
        try:
            yield made
        finally:
            await made.aclose()


@contextlib.contextmanager
def url(server: FakeServer | None = None) -> Iterator[str]:
    """The URL of `server`, or of a server of its own, on a loopback port as long as the block lasts."""
    backend = FakeBackend()
    try:
        with _given(server) as given, backend.url(given) as address:
            yield address
    finally:
        backend.close()


def _given(given: FakeServer | None) -> contextlib.AbstractContextManager[FakeServer]:
    return server() if given is None else contextlib.nullcontext(given)

"""Programs written for Redis, in any language, run unchanged against a redouble server on TCP."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from redouble import TcpFakeServer


@pytest.fixture
def server() -> Iterator[TcpFakeServer]:
    """A server on a port of its own, served by a thread of this process."""
    with TcpFakeServer(("127.0.0.1", 0)) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def port(server: TcpFakeServer) -> int:
    return server.server_address[1]

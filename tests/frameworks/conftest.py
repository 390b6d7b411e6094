"""A server on TCP for frameworks whose programs run in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from redouble import TcpFakeServer


@pytest.fixture
def url() -> Iterator[str]:
    with TcpFakeServer(("127.0.0.1", 0)) as server:
        server.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"

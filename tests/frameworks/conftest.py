"""A server on TCP for frameworks whose programs run in processes of their own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from redouble import TcpFakeServer

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.frameworks.django_settings"


@pytest.fixture
def url() -> Iterator[str]:
    with TcpFakeServer(("127.0.0.1", 0)) as server:
        server.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"


async def subscribed(connection: Any, channel: str) -> None:
    """Wait until somebody listens: what is published before is lost."""
    for _ in range(1000):
        if (await connection.pubsub_numsub(channel))[0][1]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"nobody subscribed to {channel}")

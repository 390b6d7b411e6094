"""The doors through which a test reaches a server whose clock it moves: threads, asyncio tasks and TCP.

A door can `call` a command, and `begin` one that waits; `end` then gives its reply.  Nobody sleeps here.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from redouble import FakeAsyncConnection, FakeAsyncRedis, FakeConnection, FakeRedis, FakeServer, TcpFakeServer

PATIENCE = 20
"""Real seconds for what must come, on a machine that is busy with other things."""


def until(happened: Callable[[], object]) -> None:
    """Let the other threads work until it has `happened`."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        os.sched_yield()


class Door:
    """Clients in threads of this process."""

    client: Any

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.clock = server.clock
        self.client = self.connect()
        self.waiting: Any = None
        self.reply: Any = None

    def connect(self) -> Any:
        return FakeRedis(server=self.server, socket_timeout=None)

    def run(self, result: Any) -> Any:
        """What a method of the client gives; awaited if it must be."""
        return result

    def call(self, *words: Any) -> Any:
        return self.run(self.client.execute_command(*words))

    def begin(self, *words: Any) -> None:
        """Send a command that will wait, and see it wait."""
        self.start(words)
        until(lambda: self.waits)

    def start(self, words: tuple[Any, ...]) -> None:
        def wait() -> None:
            self.reply = self.client.execute_command(*words)

        self.waiting = threading.Thread(target=wait)
        self.waiting.start()

    @property
    def waits(self) -> bool:
        return bool(self.server.core.blocking.clients)

    def end(self) -> Any:
        """The reply of the command that waited."""
        self.waiting.join(PATIENCE)
        assert not self.waiting.is_alive()
        return self.reply

    def storage(self) -> Any:
        """Where `limits` counts."""
        from limits.storage import storage_from_string

        pool = redis.ConnectionPool(connection_class=FakeConnection, server=self.server)
        return storage_from_string("redis://limits", connection_pool=pool)

    def limiter(self, strategy: str) -> Any:
        from limits import strategies

        return getattr(strategies, strategy)(self.storage())

    def close(self) -> None:
        self.client.close()


class AsyncDoor(Door):
    """Tasks on an event loop."""

    def __init__(self, server: FakeServer) -> None:
        self.loop = asyncio.new_event_loop()
        super().__init__(server)

    def connect(self) -> Any:
        return FakeAsyncRedis(server=self.server, socket_timeout=None)

    def run(self, result: Any) -> Any:
        return self.loop.run_until_complete(result) if inspect.isawaitable(result) else result

    def start(self, words: tuple[Any, ...]) -> None:
        async def begin() -> None:
            self.waiting = asyncio.ensure_future(self.client.execute_command(*words))
            while not self.waits:
                await asyncio.sleep(0)

        self.run(begin())

    def end(self) -> Any:
        return self.run(asyncio.wait_for(self.waiting, PATIENCE))

    def storage(self) -> Any:
        from limits.storage import storage_from_string

        pool = redis.asyncio.ConnectionPool(connection_class=FakeAsyncConnection, server=self.server)
        return storage_from_string("async+redis://limits:6379", implementation="redispy", connection_pool=pool)

    def limiter(self, strategy: str) -> Any:
        from limits.aio import strategies

        return getattr(strategies, strategy)(self.storage())

    def close(self) -> None:
        self.run(self.client.aclose())
        self.loop.close()


class TcpDoor(Door):
    """Sockets."""

    def connect(self) -> Any:
        self.tcp = TcpFakeServer(("127.0.0.1", 0), server=self.server)
        self.tcp.start()
        return redis.Redis(port=self.tcp.server_address[1], socket_timeout=None)

    def storage(self) -> Any:
        from limits.storage import storage_from_string

        return storage_from_string(
            f"redis://127.0.0.1:{self.tcp.server_address[1]}", connection_pool=self.client.connection_pool
        )

    def close(self) -> None:
        self.client.close()
        self.tcp.stop()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(version="8.6")


@pytest.fixture(params=[Door, AsyncDoor, TcpDoor], ids=["threads", "asyncio", "tcp"])
def door(request: pytest.FixtureRequest, server: FakeServer) -> Iterator[Door]:
    door: Door = request.param(server)
    yield door
    door.close()

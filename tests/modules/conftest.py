"""Clients of all kinds, and real servers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, TcpFakeServer
from tests.types.conftest import real

__all__ = ["real"]


class Waiting:
    """An asyncio client, or what one of its methods gave, whose coroutines are run at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, thing: Any) -> None:
        self.loop = loop
        self.thing = thing

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            found = getattr(self.thing, name)(*arguments, **named)
            return self.loop.run_until_complete(found) if inspect.isawaitable(found) else Waiting(self.loop, found)

        return call


@pytest.fixture(params=[f"{kind}-resp{protocol}" for kind in ("sync", "asyncio", "tcp") for protocol in (2, 3)])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of redis-py: in process, sync and asyncio, and over TCP, in both protocols."""
    kind, _, protocol = request.param.partition("-resp")
    server = FakeServer(version=getattr(request.module, "VERSION", "7.4"))
    if kind == "sync":
        with FakeRedis(server=server, protocol=int(protocol), decode_responses=True) as client:
            yield client
    elif kind == "tcp":
        with (
            TcpFakeServer(("127.0.0.1", 0), server=server) as tcp,
            redis.Redis(port=tcp.start().server_address[1], protocol=int(protocol), decode_responses=True) as client,
        ):
            yield client
    else:
        loop = asyncio.new_event_loop()
        waiting = Waiting(loop, FakeAsyncRedis(server=server, protocol=int(protocol), decode_responses=True))
        yield waiting
        waiting.aclose()
        loop.close()

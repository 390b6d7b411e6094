"""The asyncio clients: `redis.asyncio`'s own, on a server of this process.

Each command yields to the loop once, as a socket would, and it yields before it runs: who is cancelled there has
taken nothing.  A connection belongs to no loop; it may be used on one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
from collections.abc import Iterable
from typing import Any, ClassVar

import redis.asyncio
from redis._parsers import _AsyncRESP3Parser

from redouble.clients.connection import Argv, ConnectionMixin, InProcessClient, ReplyReader, handle_push
from redouble.clients.construction import ClientMixin
from redouble.clients.fast import AsyncFastMixin
from redouble.core.server import Server
from redouble.resp.reply import Push, Reply

__all__ = ["FakeAsyncConnection", "FakeAsyncRedis", "FakeAsyncRedisConnection"]


class AsyncClient(InProcessClient):
    """A connection whose user waits for a future, on whatever loop it runs; also the library's reader and writer."""

    def __init__(self, server: Server, host: str, port: int) -> None:
        self.waiters: dict[asyncio.Future[None], None] = {}
        super().__init__(server, host, port)

    @property
    def can_receive(self) -> bool:
        return not self.closed and not any(waiter.get_loop().is_closed() for waiter in list(self.waiters))

    def wake(self) -> None:
        for waiter in list(self.waiters):
            _wake(waiter)

    async def receive(self) -> Reply:
        """The next reply or message."""
        server = self.server
        while True:
            try:
                return self.take()
            except IndexError:
                pass
            except TimeoutError as lost:
                raise asyncio.TimeoutError(str(lost)) from None  # another class before Python 3.11
            if self.closed:
                raise EOFError(self.why_closed)
            loop = asyncio.get_running_loop()
            waiter = loop.create_future()
            timer = None
            with server.lock:
                moment = self.next_moment()
                pause = None if moment is None else server.clock.seconds_until(moment)
                watches_time = self.watches_time
                if watches_time:
                    server.on_new_event(self.wake)
                self.waiters[waiter] = None
                if self.inbox or self.closed:
                    waiter.set_result(None)
            if pause is not None:
                timer = _call_later(loop, pause, waiter)
            try:
                await waiter
            except BaseException:
                self.give_up()
                raise
            finally:
                if timer is not None:
                    timer.cancel()
                with server.lock:
                    del self.waiters[waiter]
                    if watches_time:
                        server.forget_driver(self.wake)
                    if not self.inbox:
                        server.tick()

    # The rest of a stream writer and reader, as far as the libraries look at them.

    @property
    def transport(self) -> AsyncClient:
        return self

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": self.getpeername(), "sockname": self.getsockname()}.get(name, default)

    async def wait_closed(self) -> None:
        """Closing takes no time."""

    @property
    def _buffer(self) -> list[Reply]:
        return list(self.inbox)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _call_later(
    loop: asyncio.AbstractEventLoop, pause: float, waiter: asyncio.Future[None]
) -> asyncio.TimerHandle | threading.Timer:
    """Resolve `waiter` after `pause` real seconds."""
    if inspect.isbuiltin(time.monotonic):
        return loop.call_later(pause, _resolve, waiter)
    # freezegun: for this loop time stands still.
    timer = threading.Timer(pause, _wake, (waiter,))
    timer.daemon = True
    timer.start()
    return timer


def _wake(waiter: asyncio.Future[None]) -> None:
    with contextlib.suppress(RuntimeError):  # its loop was closed
        waiter.get_loop().call_soon_threadsafe(_resolve, waiter)


class AsyncReplyReader(ReplyReader):
    """The parser of an asyncio connection."""

    client: AsyncClient | None

    async def can_read(self) -> bool:
        client = self.client
        return client is not None and (bool(client.inbox) or client.closed)

    async def can_read_destructive(self) -> bool:
        return await self.can_read()

    async def read_response(self, disable_decoding: bool = False, push_request: bool | None = False) -> Any:
        while True:
            client = self.client
            if client is None:
                raise self.connection_error("Connection closed by server.")
            try:
                reply = await client.receive()
            except EOFError as closed:
                raise self.connection_error(str(closed)) from None
            response = self.translate(reply, disable_decoding)
            if type(reply) is not Push or client.resp == 2:
                return response
            response = handle_push(self, response)
            if inspect.isawaitable(response):
                response = await response
            if push_request:
                return response


class AsyncConnectionMixin(ConnectionMixin):
    """In front of a library's asyncio Connection: a connection to a server of this process."""

    _reader: Any
    _writer: Any

    @property
    def in_process_client(self) -> AsyncClient | None:
        return self._writer if self._reader is not None else None

    @in_process_client.setter
    def in_process_client(self, client: AsyncClient) -> None:
        self._reader = self._writer = client

    def open(self) -> AsyncClient:
        """The server's side of a connection."""
        core = self._reach()
        with core.lock:
            return AsyncClient(core, self.host, self.port)

    async def _connect(self) -> None:
        self.in_process_client = self.open()

    async def send_command(self, *args: Any, **kwargs: Any) -> None:
        await self.send_packed_command((self._encode(args),), check_health=kwargs.get("check_health", True))

    async def send_packed_command(self, command: Iterable[Argv], check_health: bool = True) -> None:
        """Run commands that were "packed" by `pack_command` or `pack_commands`."""
        if self._writer is None:
            try:
                connect = self.connect_check_health  # type: ignore[attr-defined]
            except AttributeError:  # redis-py 5, valkey-py
                await self.connect()  # type: ignore[attr-defined]
            else:
                await connect(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[attr-defined]
        try:
            await asyncio.sleep(0)
            client = self.in_process_client
            if client is None:
                raise ConnectionRefusedError("Connection closed by server.")
            client.execute(command)
        except ConnectionRefusedError as refused:
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise self.connection_error(str(refused)) from None
        except BaseException:  # cancelled, perhaps in the middle of the handshake
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise

    def __del__(self, _warnings: Any = None) -> None:
        client = self.__dict__.get("_writer")
        if client is not None:
            client.close()


class RedisAsyncReplyReader(AsyncReplyReader, _AsyncRESP3Parser):
    connection_error = redis.ConnectionError


class FakeAsyncRedisConnection(AsyncConnectionMixin, redis.asyncio.Connection):  # type: ignore[misc]  # packed commands are lists of arguments
    """A `redis.asyncio.Connection` to a server of this process: the `connection_class` of any asyncio pool."""

    parser_class = RedisAsyncReplyReader
    connection_error = redis.ConnectionError


FakeAsyncConnection = FakeAsyncRedisConnection


class FakeAsyncRedis(AsyncFastMixin, ClientMixin, redis.asyncio.Redis):  # type: ignore[misc]
    """A `redis.asyncio.Redis` on a server of this process; see `FakeRedis` for what is shared."""

    library_class: ClassVar[type] = redis.asyncio.Redis
    default_connection_class: ClassVar[type] = FakeAsyncRedisConnection
    default_pool_class: ClassVar[type] = redis.asyncio.ConnectionPool
    connects_at_once: ClassVar[bool] = False

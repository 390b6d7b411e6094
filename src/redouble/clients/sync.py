"""The synchronous clients: redis-py's own, on a server of this process."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, ClassVar

import redis
from redis._parsers import _RESP3Parser

from redouble.clients.connection import LOST, PLAIN, Argv, ConnectionMixin, InProcessClient, ReplyReader, handle_push
from redouble.clients.construction import ClientMixin
from redouble.clients.fast import FastMixin
from redouble.clients.pipeline import FastPipelineMixin
from redouble.core.clock import real_monotonic
from redouble.core.server import Server
from redouble.resp.reply import Push, Reply

__all__ = ["FakeConnection", "FakeRedis", "FakeRedisConnection", "FakeStrictRedis"]

_SOCKET_TIMEOUT: Any = object()
_NO_REPLIES = frozenset((Push, type(LOST)))
"""What else an inbox may hold."""


class Readable:
    """A file descriptor that is readable while it is told to be."""

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        for end in self.near, self.far:
            end.setblocking(False)
        self.readable = False

    def be(self, readable: bool) -> None:
        if readable is not self.readable:
            self.readable = readable
            if readable:
                self.far.send(b"!")
            else:
                with contextlib.suppress(BlockingIOError):  # not sent yet: the end of a connection waits for nobody
                    self.near.recv(1)

    def __del__(self) -> None:
        self.near.close()
        self.far.close()


class SyncClient(InProcessClient):
    """A connection whose user sleeps in its own thread, on its own lock; or polls `fileno`, as kombu does."""

    __slots__ = ("mailbox",)  # beside the attributes that lie in a dict: PUBLISH to many x1.3

    _polled: Readable | None = None

    def __init__(self, server: Server, host: str, port: int, timeout: float | None) -> None:
        self.timeout = timeout
        self.wakeup = threading.Lock()
        self.wakeup.acquire()
        self.waiting = 0
        super().__init__(server, host, port)
        self.mailbox: deque[Reply] | None = self.inbox

    def wake(self) -> None:
        if self.waiting or self.closed:
            with contextlib.suppress(RuntimeError):  # somebody else did already
                self.wakeup.release()
        if self._polled is not None:
            self._polled.be(bool(self.inbox) or self.closed)

    def fileno(self) -> int:
        """A file descriptor that is readable while there is something to read, the end of the connection included."""
        with self.server.lock:
            if self._polled is None:
                self._polled = Readable()
                self.mailbox = None
                self.wake()
            return self._polled.near.fileno()

    def execute(self, commands: Iterable[Argv]) -> None:
        super().execute(commands)
        if self._polled is not None:
            with self.server.lock:
                self.wake()

    def take(self) -> Reply:
        reply = super().take()
        if self._polled is not None:
            with self.server.lock:
                self.wake()
        return reply

    def take_all(self, count: int) -> list[Reply] | None:
        """The replies of `count` commands, if they are all there and nothing else is; else None: take one after the other."""
        inbox = self.inbox
        with self.server.lock:  # nothing else arrives now
            if len(inbox) != count or self.blocked or not _NO_REPLIES.isdisjoint(map(type, inbox)) or self._polled:
                return None
            replies = list(inbox)
            inbox.clear()
            self.undo = None
        return replies

    def settimeout(self, timeout: float | None) -> None:
        self.timeout = timeout

    def gettimeout(self) -> float | None:
        return self.timeout

    def wait(self, timeout: float | None) -> bool:
        """Sleep until there is something to read, the end of the connection included; False if time is up."""
        server = self.server
        until = None if timeout is None else real_monotonic() + timeout
        while not self.inbox and not self.closed:
            with server.lock:
                if self.inbox or self.closed:
                    break
                moment = self.next_moment()
                pause = None if moment is None else server.clock.seconds_until(moment)
                watches_time = self.watches_time
                if watches_time:
                    server.on_new_event(self.wake)
                self.waiting += 1
                self.mailbox = None
            if until is not None:
                remaining = max(0.0, until - real_monotonic())
                pause = remaining if pause is None else min(pause, remaining)
            try:
                self.wakeup.acquire(timeout=-1 if pause is None else min(pause, threading.TIMEOUT_MAX))
            finally:
                with server.lock:
                    self.waiting -= 1
                    if not self.waiting and self._polled is None:
                        self.mailbox = self.inbox
                    if watches_time:
                        server.forget_driver(self.wake)
                    if not self.inbox:
                        server.tick()
                    elif self.waiting:
                        self.wake()
            if until is not None and until <= real_monotonic() and not self.inbox:
                return False
        return True

    def receive(self, timeout: float | None) -> Reply:
        """The next reply or message."""
        while True:
            try:
                return self.take()
            except IndexError:
                pass
            if self.closed:
                raise EOFError(self.why_closed)
            try:
                arrived = self.wait(timeout)
            except BaseException:  # Ctrl-C
                self.give_up()
                raise
            if not arrived:
                self.give_up()
                raise TimeoutError("timed out")


class SyncReplyReader(ReplyReader):
    """The parser of a synchronous connection."""

    client: SyncClient | None

    def can_read(self, timeout: float | None = 0) -> bool:
        """Raises if the connection was closed, as reading a socket would: pools connect again then."""
        client = self.client
        if client is None:
            return False
        if timeout != 0 and not client.inbox and not client.closed:
            client.wait(timeout)
        if client.closed and not client.inbox:
            raise self.connection_error(client.why_closed)
        return bool(client.inbox)

    def read_response(
        self, disable_decoding: bool = False, push_request: bool = False, timeout: Any = _SOCKET_TIMEOUT
    ) -> Any:
        client = self.client
        if client is None:
            raise self.connection_error("Connection closed by server.")
        inbox = client.inbox
        if inbox and (type(inbox[0]) in PLAIN or (type(inbox[0]) is bytes and not self.encoder.decode_responses)):
            return client.take()  # most replies are there, and are what the user gets
        if type(timeout) not in (int, float, type(None)):
            timeout = client.timeout
        while True:
            try:
                reply = client.receive(timeout)
            except EOFError as closed:
                raise self.connection_error(str(closed)) from None
            response = self.translate(reply, disable_decoding)
            if type(reply) is not Push or client.resp == 2:
                return response
            response = handle_push(self, response)
            if push_request:
                return response


class SyncConnectionMixin(ConnectionMixin):
    """In front of a library's Connection: a connection to a server of this process."""

    _sock: SyncClient | None
    socket_timeout: float | None

    @property
    def in_process_client(self) -> SyncClient | None:
        return self._sock

    @in_process_client.setter
    def in_process_client(self, client: SyncClient) -> None:
        self._sock = client

    def open(self) -> SyncClient:
        """The server's side of a connection."""
        core = self._reach()
        with core.lock:
            return SyncClient(core, self.host, self.port, self.socket_timeout)

    def _connect(self) -> SyncClient:
        return self.open()

    def send_command(self, *args: Any, **kwargs: Any) -> None:
        self.send_packed_command((self._encode(args),), check_health=kwargs.get("check_health", True))

    def send_packed_command(self, command: Iterable[Argv], check_health: bool = True) -> None:
        """Run commands that were "packed" by `pack_command` or `pack_commands`."""
        if self._sock is None:
            try:
                connect = self.connect_check_health  # type: ignore[attr-defined]
            except AttributeError:  # redis-py 5, valkey-py
                self.connect()  # type: ignore[attr-defined]
            else:
                connect(check_health=False)
        if check_health:
            self.check_health()  # type: ignore[attr-defined]
        client = self._sock
        try:
            assert client is not None
            client.execute(command)
        except ConnectionRefusedError as refused:
            self.disconnect()  # type: ignore[attr-defined]
            raise self.connection_error(str(refused)) from None
        except BaseException:
            self.disconnect()  # type: ignore[attr-defined]
            raise

    def __del__(self) -> None:
        client = self.__dict__.get("_sock")
        if client is not None:
            client.close()


class RedisReplyReader(SyncReplyReader, _RESP3Parser):
    connection_error = redis.ConnectionError


class FakeRedisConnection(SyncConnectionMixin, redis.Connection):  # type: ignore[misc]  # redis-py is untyped here
    """A `redis.Connection` to a server of this process: the `connection_class` of any pool."""

    parser_class = RedisReplyReader
    connection_error = redis.ConnectionError


FakeConnection = FakeRedisConnection


class FakePipeline(FastPipelineMixin, redis.client.Pipeline):
    """A `redis.client.Pipeline` to a server of this process."""

    library_pipeline: ClassVar[type] = redis.client.Pipeline
    response_error: ClassVar[type] = redis.ResponseError


class FakeRedis(FastMixin, ClientMixin, redis.Redis):
    """A `redis.Redis` on a server of this process.

    Without a host it has a server of its own; clients with the same host and port, URL or `unix_socket_path` share
    one, as do clients that are given the same `server`.  Everything else is `redis.Redis`.
    """

    library_class: ClassVar[type] = redis.Redis
    pipeline_class: ClassVar[type] = FakePipeline
    default_connection_class: ClassVar[type] = FakeRedisConnection
    default_pool_class: ClassVar[type] = redis.ConnectionPool


class FakeStrictRedis(FakeRedis):
    """The same; redis-py kept the name, too."""

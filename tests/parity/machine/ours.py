"""redouble as a stage, once for each driver: the engine itself, the clients' connections (sync and asyncio), and TCP.

A stage has a server of its own with a clock that stands still, so `@clock` costs no time here.  The engine and TCP are
compared byte by byte; what a connection hands to redis-py has lost its marks, so `seen_by_redis_py` takes them from the
recorded bytes, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import redis
from redis._parsers.base import BaseParser

import redouble.commands
from redouble.clients.asyncio import FakeAsyncRedisConnection
from redouble.clients.connection import InProcessClient
from redouble.clients.server import FakeServer
from redouble.clients.sync import FakeRedisConnection
from redouble.core.client import Client
from redouble.core.clock import ManualClock
from redouble.core.server import Server
from redouble.net.link import dial
from redouble.net.tcp import TcpClient, TcpFakeServer
from redouble.resp.encoder import encode
from redouble.resp.reply import BLOCKED as WAITS
from redouble.resp.reply import NO_REPLY, Messages, Push, Reply

from .normalise import BLOCKED, CLOSED, NOTHING, is_message
from .play import Stage, play
from .real import has_debug_parameter
from .scenario import Scenario, Step, Target
from .wire import AGGREGATES, Incomplete, Node, encode_command, end_of_message, parse, serialise

assert redouble.commands  # fills the command table


def config(target: Target) -> dict[str, str]:
    """What `real.py` gives the real servers on their command lines."""
    given = {"save": "", "appendonly": "no"}
    return given | {"enable-debug-command": "yes"} if has_debug_parameter(target) else given


def fake_server(target: Target, clock: ManualClock) -> FakeServer:
    return FakeServer(target.version, target.server_type, config(target), clock=clock, modules=target.modules)


class CoreClient(Client):
    """A connection without a driver: what it is sent waits in `outbox`, encoded."""

    def __init__(self, server: Server) -> None:
        self.outbox: deque[bytes] = deque()
        super().__init__(server)

    def deliver(self, reply: Reply) -> None:
        if type(reply) is Messages:
            for message in reply:
                self.deliver(message)
            return
        pieces: list[bytes] = []
        encode(reply, self.resp, self.server.dialect.format_double, pieces)
        self.outbox.append(b"".join(pieces))

    def push(self, message: Push) -> None:
        self.deliver(message)


class CoreStage:
    """The engine alone: `server.call` in this thread."""

    def __init__(self, target: Target) -> None:
        self.clock = ManualClock()
        self.server = Server(
            server_type=target.server_type,
            version=target.version,
            clock=self.clock,
            config=config(target),
            modules=target.modules,
        )
        self.server.dial = dial
        self.clients: dict[int, CoreClient] = {}

    def client(self, number: int) -> CoreClient:
        if number not in self.clients:
            with self.server.lock:
                self.clients[number] = CoreClient(self.server)
        return self.clients[number]

    def send(self, connection: int, argv: Sequence[bytes]) -> bytes:
        client = self.client(connection)
        with self.server.lock:
            if not client.closing:
                reply = self.server.call(client, list(argv))
                if reply is not NO_REPLY and reply is not WAITS:
                    client.deliver(reply)
                if client.closing:
                    client.disconnect()
        return self._next(client)

    def receive(self, connection: int) -> bytes:
        client = self.client(connection)
        with self.server.lock:
            self.server.tick()
        return self._next(client)

    def _next(self, client: CoreClient) -> bytes:
        if client.outbox:
            return client.outbox.popleft()
        if client.closing:
            return CLOSED
        return BLOCKED if client.blocked else NOTHING

    def advance(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds / 1000)

    def now_ms(self) -> int:
        return self.clock.time_ns() // 1_000_000

    def close(self) -> None:
        with self.server.lock:
            for client in self.clients.values():
                client.disconnect()


class LibraryStage:
    """redis-py's synchronous Connection, as a pool would use it.  Whoever is blocked reads on a thread of its own."""

    def __init__(self, target: Target) -> None:
        self.clock = ManualClock()
        self.server = fake_server(target, self.clock)
        self.connections: dict[int, Any] = {}
        self.readers: dict[int, Any] = {}

    def connection(self, number: int) -> Any:
        if number not in self.connections:
            self.connections[number] = self._connect()
        return self.connections[number]

    def _connect(self) -> Any:
        connection = FakeRedisConnection(
            server=self.server, redis_connect_func=lambda connection: connection._parser.on_connect(connection)
        )
        connection.connect()  # type: ignore[no-untyped-call]
        connection._parser.set_invalidation_push_handler(lambda message: message)  # otherwise redis-py drops it
        return connection

    def send(self, connection: int, argv: Sequence[bytes]) -> bytes:
        link = self.connection(connection)
        client = link.in_process_client
        if client is None or client.closed:
            return CLOSED
        link.send_packed_command([list(argv)], check_health=False)
        return self._next(connection, client)

    def receive(self, connection: int) -> bytes:
        link = self.connection(connection)
        client = link.in_process_client
        if connection not in self.readers and client is not None:
            with client.server.lock:
                client.server.tick()
        return self._next(connection, client)

    def _next(self, connection: int, client: InProcessClient | None) -> bytes:
        reader = self.readers.get(connection)
        if reader is not None:
            if client is not None and client.blocked:
                return BLOCKED
            del self.readers[connection]
            return reader.outcome()  # type: ignore[no-any-return]
        if client is None:
            return CLOSED
        if client.inbox:
            return self._read(self.connections[connection])
        if client.closed:
            return CLOSED
        if not client.blocked:
            return NOTHING
        self.readers[connection] = Reader(lambda: self._read(self.connections[connection]))
        return BLOCKED

    def _read(self, link: Any) -> bytes:
        try:
            return serialise(tree(link.read_response(push_request=True, disconnect_on_error=False)))
        except redis.ResponseError as error:
            return serialise(tree(error))
        except redis.ConnectionError as error:
            return serialise(tree(error)) if not str(error).startswith("Connection closed") else CLOSED

    def advance(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds / 1000)

    def now_ms(self) -> int:
        return self.clock.time_ns() // 1_000_000

    def close(self) -> None:
        for connection in self.connections.values():
            connection.disconnect()
        for reader in self.readers.values():
            reader.outcome()


class Reader:
    """Reads one reply on a thread."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.result = NOTHING
        self.thread = threading.Thread(target=self._run, args=(read,), daemon=True)
        self.thread.start()

    def _run(self, read: Callable[[], bytes]) -> None:
        self.result = read()

    def outcome(self) -> bytes:
        self.thread.join(5)
        return self.result


class AsyncLibraryStage(LibraryStage):
    """redis-py's asyncio Connection.  Whoever is blocked reads in a task of its own."""

    loop: ClassVar[asyncio.AbstractEventLoop | None] = None

    def _run(self, coroutine: Any) -> Any:
        if AsyncLibraryStage.loop is None:
            AsyncLibraryStage.loop = asyncio.new_event_loop()
        return AsyncLibraryStage.loop.run_until_complete(coroutine)

    def _connect(self) -> Any:
        connection = FakeAsyncRedisConnection(
            server=self.server, redis_connect_func=lambda connection: connection._parser.on_connect(connection)
        )
        self._run(connection.connect())  # type: ignore[no-untyped-call]
        connection._parser.set_invalidation_push_handler(_unchanged)
        return connection

    def send(self, connection: int, argv: Sequence[bytes]) -> bytes:
        link = self.connection(connection)
        client = link.in_process_client
        if client is None or client.closed:
            return CLOSED
        self._run(link.send_packed_command([list(argv)], check_health=False))
        return self._next(connection, client)

    def _next(self, connection: int, client: InProcessClient | None) -> bytes:
        outcome = self._run(self._next_in_loop(connection, client))
        return bytes(outcome)

    async def _next_in_loop(self, connection: int, client: InProcessClient | None) -> bytes:
        task = self.readers.get(connection)
        if task is not None:
            if client is not None and client.blocked:
                return BLOCKED
            del self.readers[connection]
            return await asyncio.wait_for(task, 5)
        if client is None:
            return CLOSED
        if client.inbox:
            return await self._read(self.connections[connection])
        if client.closed:
            return CLOSED
        if not client.blocked:
            return NOTHING
        self.readers[connection] = asyncio.ensure_future(self._read(self.connections[connection]))
        await asyncio.sleep(0)
        return BLOCKED

    async def _read(self, link: Any) -> bytes:  # type: ignore[override]  # the same, awaited
        try:
            return serialise(tree(await link.read_response(push_request=True, disconnect_on_error=False)))
        except redis.ResponseError as error:
            return serialise(tree(error))
        except redis.ConnectionError as error:
            return serialise(tree(error)) if not str(error).startswith("Connection closed") else CLOSED

    def close(self) -> None:
        self._run(self._close())

    async def _close(self) -> None:
        for connection in self.connections.values():
            await connection.disconnect(nowait=True)
        for task in self.readers.values():
            await task


async def _unchanged(message: Any) -> Any:
    return message


class TcpStage:
    """A TCP server and plain sockets, all in this thread: the server's loop runs until it has done what it was sent.

    What the two ends have sent and received is counted, so nothing is waited for and nobody asks a server that a
    scenario looks at.
    """

    def __init__(self, target: Target) -> None:
        self.clock = ManualClock()
        server = fake_server(target, self.clock)
        self.listener = TcpFakeServer(("127.0.0.1", 0), server=server)
        self.links: dict[int, TcpLink] = {}
        self.shut_down = False
        server.core.on_shutdown(self._shutdown)
        server.core.on_new_event(self.listener.look_at_events)  # as its thread does

    def _shutdown(self) -> None:
        self.shut_down = True

    def turn(self) -> None:
        """What the server's thread does in one round."""
        if self.shut_down:
            self.listener.server_close()
        else:
            self.listener.poll(0)

    def link(self, number: int) -> TcpLink:
        if number not in self.links:
            self.links[number] = TcpLink(self)
        return self.links[number]

    def send(self, connection: int, argv: Sequence[bytes]) -> bytes:
        self.link(connection).send(encode_command(argv))
        return self.receive(connection)

    def receive(self, connection: int) -> bytes:
        return self.link(connection).next()

    def advance(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds / 1000)

    def now_ms(self) -> int:
        return self.clock.time_ns() // 1_000_000

    def close(self) -> None:
        for link in self.links.values():
            link.socket.close()
        self.listener.server_close()


class TcpLink:
    """Both ends of one connection."""

    def __init__(self, stage: TcpStage) -> None:
        self.stage = stage
        self.socket = socket.create_connection(stage.listener.server_address)
        self.socket.setblocking(False)
        self.sent = 0
        self.received = 0
        self.buffer = bytearray()
        self.ended = False
        self.client = self._client()

    def _client(self) -> TcpClient | None:
        """The server's end; None if it was not let in."""
        address = "{}:{}".format(*self.socket.getsockname())
        for _ in self._rounds():
            for client in self.stage.listener.clients:
                if client.address == address:
                    return client
            if self.ended:
                break
        return None

    def _rounds(self) -> Iterator[None]:
        """Let both ends work, as long as the caller wants, but not for ever."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            self.stage.turn()
            self._read()
            yield
        raise TimeoutError("the server does not come to an end")

    def send(self, data: bytes) -> None:
        client, self.sent = self.client, self.sent + len(data)
        if client is None:
            return
        for _ in self._rounds():
            if client.socket is None or client.bytes_in == self.sent:
                break
            with contextlib.suppress(BlockingIOError):
                data = data[self.socket.send(data) :]

    def _read(self) -> None:
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        self.ended = not data
        self.received += len(data)
        self.buffer += data

    def next(self) -> bytes:
        """The next message, or what there is instead."""
        client = self.client
        for _ in self._rounds():
            if self.ended or (client is not None and client.socket is not None and self.received == client.bytes_out):
                break
        try:
            end = end_of_message(self.buffer)
        except Incomplete:
            return CLOSED if self.ended else BLOCKED if client is not None and client.blocked else NOTHING
        message = bytes(self.buffer[:end])
        del self.buffer[:end]
        return message


STAGES: dict[str, Callable[[Target], Any]] = {
    "engine": CoreStage,
    "sync": LibraryStage,
    "asyncio": AsyncLibraryStage,
    "TCP": TcpStage,
}


EVERY_DRIVER = ("redis-7.4", "redis-8.6", "valkey-9", "redis-stack-7.4")
"""The servers whose scenarios are played through every driver in `make test`; those of the others at the engine alone,
since a driver does not know which server it drives.  `PARITY=thorough` (`make prove`) plays all of them through all."""


def drivers(target: Target) -> list[str]:
    everything = target.name in EVERY_DRIVER or os.environ.get("PARITY") == "thorough"
    return list(STAGES) if everything else ["engine"]


def play_ours(driver: str, scenario: Scenario, target: Target, protocol: int) -> Iterator[tuple[Step, bytes]]:
    stage = STAGES[driver](target)
    try:
        yield from play(Careful(stage), scenario, target, protocol)
    finally:
        stage.close()


class Careful:
    """A stage on which an exception of redouble's own is an outcome: a difference like any other."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.receive = guarded(stage.receive)
        self.send = guarded(stage.send)
        self.advance = stage.advance
        self.now_ms = stage.now_ms


def guarded(function: Callable[..., bytes]) -> Callable[..., bytes]:
    def call(*args: Any) -> bytes:
        try:
            return function(*args)
        except Exception as bug:
            return (
                f"(raises {type(bug).__name__}: {bug} in {traceback.extract_tb(bug.__traceback__)[-1].name})".encode()
            )

    return call


def expected_by(driver: str, recorded: bytes) -> bytes:
    """A recorded outcome, in its normal form, as the driver's user gets it."""
    return seen_by_redis_py(recorded) if driver in ("sync", "asyncio") else recorded


# What redis-py makes of a reply, as a tree again: one mark for each Python type.


def tree(value: Any) -> Node:
    """A value that redis-py's parser gave."""
    if value is None:
        return Node(b"_")
    if isinstance(value, bool):
        return Node(b"#", b"t" if value else b"f")
    if isinstance(value, bytes):
        return Node(b"$", value)
    if isinstance(value, int):
        return Node(b":", b"%d" % value)
    if isinstance(value, float):
        return Node(b",", repr(value).encode())
    if isinstance(value, dict):
        return Node(b"%", children=[tree(item) for pair in value.items() for item in pair])
    if isinstance(value, (list, set)):
        return Node(b"*", children=[tree(item) for item in value])
    if isinstance(value, Exception):
        return Node(b"-", f"{type(value).__name__} {value}".encode("utf-8", "surrogateescape"))
    raise TypeError(f"not a reply: {value!r}")


def seen_by_redis_py(message: bytes) -> bytes:
    if message.endswith(b"?") and message[1:] == b"?":  # @type
        return b"*?" if message[:1] in b"*~>" else b"$?" if message[:1] in b"$+=" else message
    return serialise(_seen(parse(message))) if is_message(message) else message


def _seen(node: Node) -> Node:
    if node.null or node.mark == b"_":
        return Node(b"_")
    if node.mark == b"|":
        return _seen(node.children[-1])
    if node.mark == b"%":
        pairs = {
            serialise(key): (key, value) for key, value in zip(*[iter(map(_seen, node.children))] * 2)
        }  # a key comes once
        return Node(b"%", children=[child for pair in pairs.values() for child in pair])
    if node.mark[0] in AGGREGATES:
        children = [_seen(child) for child in node.children]
        for child in children:
            if child.text.startswith(b"AuthenticationError "):  # a ConnectionError is raised wherever it stands
                return child
        return Node(b"*", children=children)
    if node.mark in (b"-", b"!"):
        return tree(BaseParser.parse_error(node.text.decode("utf-8", "replace")))  # type: ignore[no-untyped-call]
    if node.mark == b"=":
        return Node(b"$", node.text[4:])
    if node.mark == b",":
        return Node(b",", node.text if node.text == b"?" else repr(float(node.text)).encode())
    return Node({b"+": b"$", b"(": b":"}.get(node.mark, node.mark), node.text)

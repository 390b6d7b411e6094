"""redouble as a stage, once for each driver: the engine itself, the clients' connections (sync and asyncio), and TCP.

A stage has a server of its own with a clock that stands still, so `@clock` costs no time here.  The engine and TCP are
compared byte by byte; what a connection hands to redis-py has lost its marks, so `seen_by_redis_py` takes them from the
recorded bytes, too.
"""

from __future__ import annotations

import asyncio
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
from redouble.net.tcp import TcpFakeServer
from redouble.resp.encoder import encode
from redouble.resp.reply import BLOCKED as WAITS
from redouble.resp.reply import NO_REPLY, Messages, Push, Reply

from .normalise import BLOCKED, CLOSED, NOTHING, is_message
from .play import LIMIT_SECONDS, SocketStage, Stage, play
from .real import Connection
from .scenario import Scenario, Step, Target
from .wire import AGGREGATES, Node, encode_command, parse, serialise

assert redouble.commands  # fills the command table


CONFIG = {"save": "", "appendonly": "no", "enable-debug-command": "yes"}
"""What `real.py` gives the real servers on their command lines."""


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
        self.server = Server(server_type=target.type, version=target.version, clock=self.clock, config=CONFIG)
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
        self.server = FakeServer(target.version, target.type, CONFIG, clock=self.clock)
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


class TcpStage(SocketStage):
    """A TCP server on a thread, and plain sockets."""

    patience = 0.03

    def __init__(self, target: Target) -> None:
        self.clock = ManualClock()
        self.server = FakeServer(target.version, target.type, CONFIG, clock=self.clock)
        self.listener = TcpFakeServer(("127.0.0.1", 0), server=self.server).start()
        assert self.listener.server_address is not None
        super().__init__(self.listener.server_address)

    def is_blocked(self, link: Connection) -> bool:
        try:
            control = Connection(self.address)
        except ConnectionRefusedError:  # it was shut down
            return False
        control.send(encode_command([b"PING"]))
        control.message(LIMIT_SECONDS)
        own_address = address_of(control)
        control.close()
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:  # the next command must not see the control connection any more
            with self.server.lock:
                blocked = {client.address: client.blocked for client in self.server.core.clients.values()}
            if own_address not in blocked:
                break
            time.sleep(0.0005)
        return blocked.get(address_of(link), False)

    def advance(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds / 1000)

    def now_ms(self) -> int:
        return self.clock.time_ns() // 1_000_000

    def close(self) -> None:
        super().close()
        self.listener.stop()


def address_of(connection: Connection) -> str:
    """How the server names the client at the other end."""
    return "{}:{}".format(*connection.socket.getsockname()[:2])


STAGES: dict[str, Callable[[Target], Any]] = {
    "engine": CoreStage,
    "sync": LibraryStage,
    "asyncio": AsyncLibraryStage,
    "TCP": TcpStage,
}


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
        return Node(b"*", children=[_seen(child) for child in node.children])
    if node.mark in (b"-", b"!"):
        return tree(BaseParser.parse_error(node.text.decode("utf-8", "replace")))  # type: ignore[no-untyped-call]
    if node.mark == b"=":
        return Node(b"$", node.text[4:])
    if node.mark == b",":
        return Node(b",", node.text if node.text == b"?" else repr(float(node.text)).encode())
    return Node({b"+": b"$", b"(": b":"}.get(node.mark, node.mark), node.text)

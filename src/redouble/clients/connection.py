"""The in-process connection: what redis-py and valkey-py take for a socket, and what they take for a parser.

`InProcessClient` is the server's side and the "socket" in one: commands go in as lists of arguments and run at once,
replies come out as values; no byte of RESP is written or read.  `ReplyReader` turns a reply into what the library's
own parser would have made of it.  Everything else (pools, retries, handshake, health checks, pipelines, pub/sub) is
the library's own code.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from redouble.clients.construction import check_lua_modules
from redouble.clients.server import CONNECTION_ERROR, FakeServer
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.reply import (
    BLOCKED,
    NO_REPLY,
    NULL_ARRAY,
    Attributed,
    BigNumber,
    ByKey,
    CommandError,
    Members,
    Messages,
    PrintedDouble,
    Push,
    Reply,
    resp2,
)

__all__ = ["ConnectionMixin", "InProcessClient", "ReplyReader", "handle_push", "to_client"]

Argv: TypeAlias = list[bytes]
Decode: TypeAlias = Callable[[bytes], Any]

SERVER_CLOSED = "Connection closed by server."
PLAIN = frozenset((int, type(None)))
"""Replies that their user gets as they are, whatever is decoded."""
LOST: Any = object()
"""In the place of a reply that does not come."""


def handle_push(parser: Any, message: Any) -> Any:
    """Give a push message to whom the library's parser would give it."""
    handler = getattr(parser, "push_handler_func", None)  # redis-py 5.0 has one handler for all
    if handler is not None:
        return handler(message)
    return parser.handle_push_response(message, disable_decoding=False, push_request=True)


class InProcessClient(Client):
    """A connection of this process.  `sync.py` and `asyncio.py` say how its user waits for a reply.

    Its user may be dropped by the garbage collector in the middle of a command, so `close` takes no lock.
    """

    raises = True

    def __init__(self, server: Server, host: str, port: int) -> None:
        self.inbox: deque[Reply] = deque()
        self.backlog: deque[Argv] = deque()
        self.closed = False
        self.peer = (host, port)
        super().__init__(server, local_address=f"{host}:{port}")
        self.address = f"127.0.0.1:{49152 + self.id % 16384}"

    # The server's side.

    @property
    def can_receive(self) -> bool:
        return not self.closed

    def deliver(self, reply: Reply) -> None:
        if reply is not NO_REPLY:
            if type(reply) is Messages:
                self.inbox.extend(reply)
            else:
                self.inbox.append(reply)
            self.wake()

    def push(self, message: Push) -> None:
        self.inbox.append(message)
        self.wake()

    def look_again(self) -> None:
        self.wake()

    def kill(self) -> None:
        super().kill()
        self.close()

    def hang_up(self) -> None:
        self.kill()

    def lose_reply(self) -> None:
        """The reader raises at once what it would raise after its timeout."""
        self.inbox.append(LOST)
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look at the inbox again."""
        raise NotImplementedError

    # The user's side.

    def execute(self, commands: Iterable[Argv]) -> None:
        """Run the commands in order; their replies are in the inbox, or will be."""
        server, tracking = self.server, self.server.tracking
        if not server.connected:
            raise ConnectionRefusedError(CONNECTION_ERROR)
        self.last_interaction = server.clock.time()
        with server.lock:
            if self.closed:
                return  # as on a socket: what is sent to the dead is lost, and reading tells
            if self.blocked or self.backlog:
                self.backlog.extend(commands)
                return
            queue = iter(commands)
            tracking.held = True
            try:
                for argv in queue:
                    if not argv:
                        continue
                    reply = server.call(self, argv)
                    if type(reply) in _UNCHANGED:
                        self.inbox.append(reply)
                    elif reply is BLOCKED:
                        self.backlog.extend(queue)
                    elif type(reply) is Messages:
                        self.inbox.extend(reply)
                    elif reply is not NO_REPLY:
                        self.inbox.append(reply)
                    if self.closing:
                        self.close()
                        break
            finally:
                tracking.held = False
                if tracking.prefixes:
                    tracking.broadcast()

    def take(self) -> Reply:
        """The next reply or message.  Raises IndexError if there is none yet, TimeoutError if it was lost."""
        reply = self.inbox.popleft()
        if reply is LOST:
            raise TimeoutError("timed out")
        self.undo = None  # it has reached its user and cannot be taken back
        if self.backlog and not self.blocked:
            backlog, self.backlog = self.backlog, deque()
            self.execute(backlog)
        return reply

    def give_up(self) -> None:
        """Nobody waits for the reply any more; what it took goes back."""
        with self.server.lock:
            delivered = self.undo is not None
            self.cancel()
            self.backlog.clear()
            if delivered:
                self.inbox.clear()

    def next_moment(self) -> float | None:
        """When to look at the clock again, in the clock's monotonic seconds; under the lock."""
        if self.watches_time or self in self.server.blocking.postponed:
            return self.server.next_event()
        return self.deadline if self.blocked else None

    @property
    def watches_time(self) -> bool:
        """Whether something that happens by itself (a key expires) may send this client a message or serve it."""
        return bool(self.channels or self.patterns or self.due or self.server.tracking.clients)

    @property
    def why_closed(self) -> str:
        return SERVER_CLOSED if self.server.connected else CONNECTION_ERROR

    def close(self) -> None:
        """End this connection, from any thread and at any moment."""
        if not self.closed:
            self.closed = True
            self.server.defer(self.disconnect)
        self.wake()

    # The rest of a socket, as far as the libraries look at it.

    def shutdown(self, how: int) -> None:
        """Closing is all there is to do."""

    def getpeername(self) -> tuple[str, int]:
        return self.peer

    def getsockname(self) -> tuple[str, int]:
        host, _, port = self.address.rpartition(":")
        return host, int(port)


_UNCHANGED = frozenset((bytes, int, float, bool, type(None)))
_STRINGS = frozenset((bytes,))


def to_client(reply: Reply, decode: Decode | None, error: Callable[[str], Exception], keeps_sets: bool = False) -> Any:
    """A reply as the libraries' parsers give it: `decode` for strings if responses are decoded, `error` for errors.

    A set comes as a list, whatever it holds; as a set where it can be one if the library `keeps_sets`.

    The reply must have the shape of its protocol: `resp2` comes first where that is RESP2.
    """
    kind = type(reply)
    if kind is bytes:
        return reply if decode is None else decode(reply)
    if kind in _UNCHANGED or reply is NULL_ARRAY:
        return None if reply is NULL_ARRAY else reply
    if kind is list or kind is Push or ((kind is Members or kind is set) and not keeps_sets):
        # Arrays of strings are most of what has more than one element: x0.1.
        if decode is None:
            if _UNCHANGED.issuperset(map(type, reply)):
                return reply if kind is list else list(reply)
            return [item if type(item) in _UNCHANGED else to_client(item, decode, error, keeps_sets) for item in reply]
        elif _STRINGS.issuperset(map(type, reply)):
            return list(map(decode, reply))
    if isinstance(reply, bytes):  # Status, Verbatim
        return bytes(reply) if decode is None else decode(reply)
    if kind is dict:
        if decode is None:
            if _UNCHANGED.issuperset(map(type, reply)):
                if _UNCHANGED.issuperset(map(type, reply.values())):
                    return reply
                return {
                    key: value if type(value) in _UNCHANGED else to_client(value, None, error, keeps_sets)
                    for key, value in reply.items()
                }
        elif _STRINGS.issuperset(map(type, reply.values())) and _STRINGS.issuperset(map(type, reply)):
            return dict(zip(map(decode, reply), map(decode, reply.values())))
    if kind is dict or kind is ByKey:
        pairs = reply.items() if kind is dict else reply
        keys, values = [key for key, _ in pairs], [value for _, value in pairs]
        return dict(zip(to_client(keys, decode, error), to_client(values, decode, error, keeps_sets)))
    if isinstance(reply, (list, set, tuple, frozenset)):
        items = [to_client(item, decode, error, keeps_sets) for item in reply]
        if keeps_sets and (kind is Members or isinstance(reply, (set, frozenset))):
            with contextlib.suppress(TypeError):  # it holds a list
                return set(items)
        return items
    if kind is CommandError:
        return error(error_text(reply))
    if kind is PrintedDouble:
        return float(reply)
    if kind is BigNumber:
        return int(reply)
    if kind is Attributed:
        return to_client(reply.reply, decode, error, keeps_sets)
    raise TypeError(f"not a reply: {reply!r}")


def error_text(reply: CommandError) -> str:
    """The text of an error after its way over the wire: one line of UTF-8."""
    text = reply.message.replace("\r", " ").replace("\n", " ")
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class ReplyReader:
    """What the sync and the asyncio parser share; mixed into the library's RESP3 parser, which keeps the push handlers."""

    encoder: Any
    client: InProcessClient | None = None
    keeps_sets = False
    parse_error: Callable[[str], Exception]
    connection_error: type[Exception] = ConnectionError
    """The library's own."""

    def on_connect(self, connection: Any) -> None:
        self.client = connection.in_process_client
        self.encoder = connection.encoder
        self.keeps_sets = hasattr(self, "push_handler_func")  # redis-py 5.0

    def on_disconnect(self) -> None:
        self.client = None

    def translate(self, reply: Reply, disable_decoding: bool) -> Any:
        client, encoder = self.client, self.encoder
        assert client is not None
        if client.resp == 2:
            reply = resp2(reply, client.server.dialect.format_double)
        decode: Decode | None = None
        if encoder.decode_responses and not disable_decoding:
            if encoder.encoding == "utf-8" and encoder.encoding_errors == "strict":
                decode = bytes.decode
            else:

                def decode(value: bytes) -> str:
                    return value.decode(encoder.encoding, encoder.encoding_errors)

        return to_client(reply, decode, self._error, self.keeps_sets)

    def _error(self, text: str) -> Exception:
        error = self.parse_error(text)
        if isinstance(error, self.connection_error):
            raise error
        return error


class ConnectionMixin:
    """What the sync and the asyncio connection share; mixed in front of the library's own Connection.

    Args:
        server: the server to connect to; without one, that of the host and port, or of the path.
        version: the server's version, if this makes it.
        server_type: `"redis"`, `"valkey"`, `"dragonfly"` or `"kividb"`, if this makes it.
        connected: False to begin with a server that refuses connections.
        dir: the folder in which the server of that address keeps its data; see `FakeServer`.
        client_class: accepted for compatibility.
        lua_modules: accepted for compatibility; see `ClientMixin`.
    """

    host: str
    port: int
    encoder: Any
    parser_class: Any
    """The reader of this library, set by the subclasses."""
    connection_error: type[Exception]

    def __init__(
        self,
        *args: Any,
        server: FakeServer | None = None,
        version: tuple[int, ...] | str | int = (7,),
        server_type: str = "redis",
        connected: bool = True,
        client_class: type | None = None,
        lua_modules: Iterable[str] | None = None,
        path: str | None = None,
        dir: str | None = None,
        **kwargs: Any,
    ) -> None:
        # TLS ends where there is no wire.
        for name in [name for name in kwargs if name[:3] == "ssl"]:
            del kwargs[name]
        self.path = path
        self._version = version
        self._server_type = server_type
        check_lua_modules(lua_modules)
        super().__init__(*args, **kwargs)
        self._address = None
        self._folder = None if dir is None else os.path.realpath(dir)
        if server is None:
            self._address = path or f"{self.host}:{self.port}"
            server = FakeServer.at(self._address, version, server_type, connected=connected, path=self._folder)
        self._server = server

    def set_parser(self, parser_class: Any) -> None:
        """Whatever parser is asked for: replies come as values and are read as such."""
        self._parser = self.parser_class(socket_read_size=65536)

    def pack_command(self, *args: Any) -> list[Argv]:
        """The command as a list of arguments, for `send_packed_command`."""
        return [self._encode(args)]

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> list[Argv]:
        encode = self._encode
        return [encode(tuple(command)) for command in commands]

    def _encode(self, args: tuple[Any, ...]) -> Argv:
        encoder = self.encoder
        encode, encoding, errors = encoder.encode, encoder.encoding, encoder.encoding_errors
        argv: Argv = []
        for value in args:
            kind = type(value)
            if kind is bytes:
                argv.append(value)
            elif kind is str:
                argv.append(value.encode(encoding, errors))
            else:
                argv.append(bytes(encode(value)))
        name = argv[0]
        if b" " in name:  # "CONFIG GET" is two words on the wire
            argv[:1] = name.split()
        return argv

    def repr_pieces(self) -> list[tuple[str, Any]]:
        pieces: list[tuple[str, Any]] = [("server", self._server)]
        return pieces + list(super().repr_pieces())  # type: ignore[misc]

    def _reach(self) -> Server:
        """The server to connect to; that of an address may be another one since `reset`."""
        if self._address is not None:
            self._server = FakeServer.at(self._address, self._version, self._server_type, path=self._folder)
        if not (self._server.connected and self._server.core.admits):
            raise self.connection_error(CONNECTION_ERROR)
        return self._server.core

"""The server on sockets: TCP, TLS and Unix domain, all connections on one thread.

A `TcpClient` reads a block, runs the commands in it under the server's lock and sends their replies with one write.
What other threads have for it (the reply of a blocked command, a message of pub/sub) they put into its `out` and ring
the loop's bell; only the loop's own thread ever touches a socket.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import socket
import stat
import struct
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from redouble.clients.server import FakeServer
from redouble.core.client import NEEDS_AUTH, Client
from redouble.core.clock import real_monotonic
from redouble.net.accelerated import splitter
from redouble.net.loop import READ, WRITE, Loop
from redouble.resp.encoder import HEADERS, INTEGERS, encode, encode_error
from redouble.resp.parser import RequestParser
from redouble.resp.reply import OK, CommandError, Push, Reply

if TYPE_CHECKING:
    import ssl

    from typing_extensions import Self

__all__ = ["TcpClient", "TcpFakeServer"]

READ_SIZE = 16 * 1024
READS_AT_THE_END = 16
ACCEPTS_PER_ROUND = 1000
ACCEPT_PAUSE = 0.1
"""Seconds without accept() after it failed: the listening socket stays ready, and the loop would spin."""
TICK_PAUSE = 0.1
"""Seconds until the next try, after what was due could not be done."""
BACKLOG = 511
REPLY_BUFFER = 16 * 1024
"""Each client has this much, which no limit counts."""
SMALLEST_QUERY_LIMIT = 1024 * 1024
"""What CONFIG SET client-query-buffer-limit accepts at least: below it, the limit need not be looked up."""

SERVED = "this server is being served already"
INTERNAL_ERROR = "ERR internal error in redouble, see its log: "
MAXCLIENTS = "ERR max number of clients reached"
PROTECTED = (
    "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default "
    "user. In this mode connections are only accepted from the loopback interface. To let others in: set a password "
    "(--requirepass, or CONFIG SET requirepass from this machine), or switch the protection off (--protected-mode no)."
)
_HTTP = frozenset((b"post", b"host:"))

log = logging.getLogger("redouble")


class TcpClient(Client):
    """One connection.  `out` belongs to whoever holds the server's lock, everything else here to the loop's thread."""

    def __init__(self, owner: TcpFakeServer, sock: socket.socket, *, address: str, local_address: str) -> None:
        server = owner.server
        super().__init__(server, address=address, local_address=local_address)
        self.owner = owner
        self.socket: socket.socket | None = sock
        self.parser = RequestParser(server.dialect.requests, owner.split)
        self.parser.restricted = bool(self.gate & NEEDS_AUTH)
        self.waiting: list[list[bytes]] = []  # commands that came behind one that blocks
        self.executing = False
        self.queued = False  # this round sends what is in `out`
        self.killed = False
        self.out: list[bytes] = []
        self.pushed = 0  # bytes of the push messages in it
        self.unsent: deque[memoryview] = deque()  # what the socket did not take
        self.unsent_bytes = 0
        self.above_soft_limit_since: float | None = None

    # Called by the server, from any thread, under its lock.

    @property
    def can_receive(self) -> bool:
        return self.socket is not None and not self.killed

    def authentication_changed(self) -> None:
        super().authentication_changed()
        self.parser.restricted = bool(self.gate & NEEDS_AUTH)
        if not self.executing:  # another client did it: the parser may hold commands that may be read on now
            self.owner.attend(self)

    def deliver(self, reply: Reply) -> None:
        encode(reply, self.resp, self.server.dialect.format_double, self.out)
        self.owner.attend(self)

    def push(self, message: Push) -> None:
        start = len(self.out)
        encode(message, self.resp, self.server.dialect.format_double, self.out)
        self.pushed += sum(map(len, self.out[start:]))
        if self._over_limit():
            self.kill()
        if not self.executing and not self.queued:
            owner = self.owner
            if owner.loop.thread == threading.get_ident():
                self.queued = True
                owner.answers.append((self, None))
            else:
                owner.attend(self)

    def kill(self) -> None:
        self.closing = self.killed = True
        self.out.clear()
        self.owner.attend(self)

    def hang_up(self) -> None:
        self.closing = True
        self.owner.attend(self)

    def answer_partly(self, reply: Reply, size: int) -> None:
        pieces: list[bytes] = []
        encode(reply, self.resp, self.server.dialect.format_double, pieces)
        self.out.append(b"".join(pieces)[:size])
        self.hang_up()

    # Called by the loop.

    def ready(self, events: int) -> None:
        try:
            if events != READ:
                if self.unsent:
                    self._send_on()
                if events == WRITE:
                    return
            sock = self.socket
            if sock is None or self.executing:
                return
            try:
                data = sock.recv(READ_SIZE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self.last_interaction = self.owner.polled_at
            self.bytes_in += len(data)
            if self.closing:
                return  # the last reply is still on its way; nothing more is executed
            parser = self.parser
            parser.largest_bulk = self.server.config.proto_max_bulk_len
            if self.waits_for is not None or self.waiting:
                parser.store(data)
            elif (commands := parser.feed(data)) or parser.error is not None:
                self.commands += len(commands)
                self._execute(commands)
                return
            self._check_query_buffer()
        except Exception:  # a bug of ours must not end the thread that serves everybody
            log.exception("client %d (%s) closed", self.id, self.address)
            self.close()

    def _check_query_buffer(self) -> None:
        pending = self.parser.pending
        if pending > SMALLEST_QUERY_LIMIT and pending > self.server.config.number("client-query-buffer-limit"):
            log.warning("client %d (%s) sends a request without end: %d bytes; closed", self.id, self.address, pending)
            self.close()

    def attended(self) -> None:
        """Something happened to this client outside of its own commands: go on, and send what there is."""
        if self.socket is None or self.executing:
            return
        if self.killed:
            self.close()
        elif (
            self.waits_for is None
            and not self.closing
            and (self.waiting or self.parser.in_command or self.parser.error)
        ):
            commands, self.waiting = self.waiting, []
            self._execute(commands, more=True)
        else:
            with self.server.lock:
                if self.out or self.closing:
                    self.owner.answers.append((self, self.take()))

    def _execute(self, commands: list[list[bytes]], more: bool = False) -> None:
        """Run `commands`, and with `more` those that the parser still holds as well; the loop sends what they answer."""
        parser, out, server = self.parser, self.out, self.server
        call, tracking = server.call, server.tracking
        more = more or parser.restricted  # then it gives one at a time
        lock = server.lock
        lock.acquire()  # in the `try` that is needed anyway: x0.95 of `with`
        try:
            self.executing = tracking.held = True
            while True:
                left = iter(commands)
                for argv in left:
                    try:
                        reply = call(self, argv)
                        kind = type(reply)
                        # The commonest replies without another call, as `encode` writes them: x0.94
                        if kind is bytes and (length := len(reply)) < 512:
                            out += (HEADERS[length], reply, b"\r\n")
                        elif reply is OK:
                            out.append(b"+OK\r\n")
                        elif kind is int:
                            out.append(INTEGERS.get(reply) or b":%d\r\n" % reply)
                        else:
                            self._answer(argv, reply)
                    except Exception as error:  # a bug of ours; the connection lives on
                        log.exception("while running %r", argv[0])
                        out.append(encode_error(f"{INTERNAL_ERROR}{error!r}"))
                    if self.closing or self.waits_for is not None:
                        self.waiting = list(left)
                        break
                else:
                    if more and (commands := parser.feed(b"")):
                        self.commands += len(commands)
                        continue
                    if parser.error is not None:
                        if self.replies:
                            out.append(encode_error(parser.error))
                        self.closing = True
                break
            if tracking.prefixes:
                tracking.broadcast()
            if out or self.closing:
                self.owner.answers.append((self, self.take()))
        finally:
            self.executing = tracking.held = False
            lock.release()

    def _answer(self, argv: list[bytes], reply: Reply) -> None:
        encode(reply, self.resp, self.server.dialect.format_double, self.out)
        if type(reply) is CommandError and argv[0].lower() in _HTTP:
            log.warning("possible attack from %s: a browser was made to talk to this port", self.address)
            self.out.clear()
            self.closing = True

    def take(self) -> bytes:
        """What is in `out`, to be sent now; under the lock."""
        out = self.out
        data = b"".join(out)
        out.clear()
        self.bytes_out += len(data)
        self.pushed = 0
        self.queued = False
        return data

    def send(self, data: bytes) -> None:
        """Send `data` behind what is still unsent, or as the last there is."""
        if self.killed:
            self.close()
        elif self.unsent:
            self.keep(data)
        elif self.socket is not None:
            sent = self.socket.send(data) if data else 0
            if sent < len(data):
                self.keep(data, sent)
            else:
                self.close()

    def keep(self, data: bytes, sent: int = 0) -> None:
        """What the socket does not take now, `data` without what was sent of it, waits until it does."""
        if self.socket is None or not data:
            return
        if not self.unsent:
            self.owner.loop.change(self.socket, READ | WRITE)
        self.unsent.append(memoryview(data)[sent:])
        self.unsent_bytes += len(data) - sent
        if self._over_limit():
            self.close()

    def _send_on(self) -> None:
        """The socket takes more."""
        assert self.socket is not None
        unsent = self.unsent
        while unsent:
            try:
                sent = self.socket.send(unsent[0])
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.close()
                return
            self.unsent_bytes -= sent
            if sent == len(unsent[0]):
                unsent.popleft()
            else:
                unsent[0] = unsent[0][sent:]
        self.above_soft_limit_since = None
        self.owner.loop.change(self.socket, READ)
        if self.closing:
            self.close()

    def _over_limit(self) -> bool:
        """Whether client-output-buffer-limit cuts this client off."""
        waiting = self.unsent_bytes + self.pushed
        if waiting <= REPLY_BUFFER and self.above_soft_limit_since is None:
            return False
        kind = "pubsub" if self.listens else "normal"
        hard, soft, seconds = output_limits(self.server.config.values["client-output-buffer-limit"])[kind]
        if hard and waiting > hard:
            over = True
        elif soft and waiting > soft:
            now = self.server.clock.monotonic()
            if self.above_soft_limit_since is None:
                self.above_soft_limit_since = now
            over = now - self.above_soft_limit_since > seconds
        else:
            self.above_soft_limit_since = None
            over = False
        if over:
            log.warning("client %d (%s) reads too slowly: %d bytes wait for it; closed", self.id, self.address, waiting)
        return over

    def close(self) -> None:
        """The connection is over, whoever ended it."""
        if self.socket is None:
            return
        sock, self.socket = self.socket, None
        self.owner.forget(self, sock)
        with self.server.lock:
            self.closing = True
            self.disconnect()
            self.out.clear()
        self.waiting.clear()
        self.unsent.clear()
        _close(sock)


class TcpFakeServer:
    """A server that programs reach over TCP, TLS or a Unix socket; the interface is that of `socketserver`.

        server = TcpFakeServer(("127.0.0.1", 0))
        Thread(target=server.serve_forever, daemon=True).start()
        ... redis.Redis(port=server.server_address[1]) ...
        server.shutdown()
        server.server_close()

    `start` and `stop` do the same with a thread of the server's own; leaving `with` stops it.  Port 0 takes a free port,
    `server_address` is the real one.  With `server_address` None only the Unix socket is served,
    and `server_address` is `("", 0)`.

    Any address but the loopback's needs a password (`config={"requirepass": ...}`) or `protected_mode=False`: without
    them strangers are told so and sent away.  `tls_cert_file` makes the port speak TLS; with `tls_ca_cert_file`,
    clients must show a certificate as well (`tls_auth_clients`: "yes", "optional" or "no").
    """

    def __init__(
        self,
        server_address: tuple[str, int] | None,
        bind_and_activate: bool = True,
        server_type: str = "redis",
        server_version: tuple[int, ...] | str | int = (7,),
        *,
        server: FakeServer | None = None,
        config: Mapping[str, str] | None = None,
        unixsocket: str | os.PathLike[str] | None = None,
        unixsocketperm: int | None = None,
        tls_cert_file: str | os.PathLike[str] | None = None,
        tls_key_file: str | os.PathLike[str] | None = None,
        tls_ca_cert_file: str | os.PathLike[str] | None = None,
        tls_auth_clients: str = "yes",
        protected_mode: bool = True,
    ) -> None:
        if server_address is None and unixsocket is None:
            raise ValueError("a server needs an address or a unixsocket")
        self._hold(server or FakeServer(server_version, server_type, config))
        self._tcp = server_address is not None
        self.server_address: tuple[str, int] = server_address or ("", 0)
        self.unixsocket = None if unixsocket is None else os.fspath(unixsocket)
        self.unixsocketperm = unixsocketperm
        self.protected_mode = protected_mode
        self.context: ssl.SSLContext | None = None
        if tls_cert_file is not None:
            from redouble.net.tls import server_context  # ssl is slow to import, and seldom needed

            self.context = server_context(tls_cert_file, tls_key_file, tls_ca_cert_file, tls_auth_clients)
        self.clients: dict[TcpClient, None] = {}
        self._listeners: list[socket.socket] = []
        self._paused_until: float | None = None
        self.answers: list[tuple[TcpClient, bytes | None]] = []
        """What to send at the end of this round; None: what is in the client's `out` by then."""
        self.polled_at = 0.0  # the clock's time
        self._attend: dict[TcpClient, None] = {}  # under the server's lock
        self._next_event_changed = True  # under the server's lock
        self._due: float | None = None  # the next event, in the clock's monotonic seconds
        self._thread: threading.Thread | None = None
        self._state = threading.Condition()
        self._serving = self._served = False
        self._stop = False
        self._close = self._shut_down = False
        self.loop: Loop
        if bind_and_activate:
            self.server_bind()

    def _hold(self, server: FakeServer) -> None:
        self.fake_server = server
        """What in-process clients share with this one: `FakeRedis(server=tcp.fake_server)`."""
        self.server = server.core
        self.split = splitter(server.core.dialect.requests)
        ourselves, core = weakref.ref(self), weakref.ref(server.core)  # the server keeps `stop`: it may hold neither

        def stop() -> None:
            owner = ourselves()
            if owner is not None and owner.server is core():
                owner._shutdown_command()

        server.core.on_shutdown(stop)

    def switch_to(self, server: FakeServer) -> None:
        """Cut every connection and serve `server` from now on, at the same address; for a server that was started."""
        self.shutdown()
        self._join()
        for client in list(self.clients):
            client.close()
        if server is not self.fake_server:
            self._hold(server)
        self.start()

    # Listening.

    def server_bind(self) -> None:
        """Open the listening sockets; serve_forever() does the rest.

        After SHUTDOWN the server is up again, with the data that it had.
        """
        try:
            if self._tcp:
                listener = _listen(*self.server_address)
                self._listeners.append(listener)
                self.server_address = listener.getsockname()[:2]
            if self.unixsocket is not None:
                self._listeners.append(_listen_unix(self.unixsocket, self.unixsocketperm))
        except BaseException:
            self._close_listeners()
            raise
        if self._shut_down:
            self.server.connected = True
        self._close = self._stop = self._served = self._shut_down = False
        self.loop = Loop()
        _open.add(self)
        for listener in self._listeners:
            listener.setblocking(False)
            self._listen_to(listener)

    def server_activate(self) -> None:
        """Nothing is left to do after server_bind(); socketserver's users call both."""

    def _listen_to(self, listener: socket.socket) -> None:
        self.loop.add(listener, READ, lambda events: self._accept(listener))

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTS_PER_ROUND):
            try:
                sock, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # out of descriptors, most likely
                log.error("cannot accept a connection: %s", error)
                for each in self._listeners:
                    self.loop.remove(each)
                self._paused_until = real_monotonic() + ACCEPT_PAUSE
                return
            self._welcome(sock, peer)

    def _welcome(self, sock: socket.socket, peer: Any) -> None:
        sock.setblocking(False)
        server = self.server
        if not server.connected:
            _close(sock)
            return
        if not server.admits:
            _reset(sock)
            return
        if sock.family == getattr(socket, "AF_UNIX", None):
            address = local_address = f"{self.unixsocket}:0"
            refusal = None
        else:
            refusal = PROTECTED if self.protected and not is_loopback(peer[0]) else None
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                address, local_address = _format_address(peer), _format_address(sock.getsockname())
            except OSError:  # gone already
                sock.close()
                return
        if len(server.clients) >= server.config.number("maxclients"):
            refusal = MAXCLIENTS
        if refusal is not None:
            if self.context is None:
                with contextlib.suppress(OSError):
                    sock.send(encode_error(refusal))
            _close(sock)
            return
        if self.context is not None and sock.family != getattr(socket, "AF_UNIX", None):
            from redouble.net.tls import wrap

            try:
                sock = wrap(self.context, sock)
            except OSError:
                sock.close()
                return
        with server.lock:
            client = TcpClient(self, sock, address=address, local_address=local_address)
        self.clients[client] = None
        self._next_event_changed = True  # with CONFIG timeout its end is one
        self.loop.add(sock, READ, client.ready)

    @property
    def protected(self) -> bool:
        """Whether only the loopback interface is let in."""
        return self.protected_mode and self.server.config.flag("protected-mode") and not self.server.requires_auth

    # Serving.

    def serve_forever(self, poll_interval: float | None = None) -> None:
        """Serve until shutdown(), server_close() or SHUTDOWN; `poll_interval` is for socketserver's users, nothing is polled."""
        with self._state:
            if self._close or not self._listeners:
                self._close_everything()  # SHUTDOWN came before
                self._state.notify_all()
                return
            if self._serving:
                raise RuntimeError(SERVED)
            self._serving = self._served = True
            self.loop.thread = threading.get_ident()
            self._state.notify_all()
        with self.server.lock:
            self._next_event_changed, self._due = True, None
            self.server.on_new_event(self.look_at_events)
            self.server.on_busy(self._let_others_speak)
        try:
            while not self._stop:
                self.poll()
        finally:
            with self.server.lock:
                self.server.forget_driver(self.look_at_events)
                self.server.forget_poller(self._let_others_speak)
            with self._state:
                self._serving = self._stop = False
                self.loop.thread = None
                if self._close:
                    self._close_everything()
                self._state.notify_all()

    def poll(self, timeout: float | None = None) -> None:
        """One round: wait until something happens (for `timeout` seconds at most), and do it.

        A script that runs for too long calls `poll(0)` to let the other connections speak.
        """
        if self._attend:
            self._attend_all()
        pause = self._tick() if self._next_event_changed or self._due is not None else None
        if timeout is not None or self._paused_until is not None or self._attend:
            others = (timeout, self._accept_again(), 0.0 if self._attend else None)
            pause = min((each for each in (pause, *others) if each is not None), default=None)
        if self.answers:
            self._send_all()
        loop = self.loop
        ready = loop.wait(pause)
        self.polled_at = self.server.clock.time()
        for descriptor, events in ready:
            handler = loop.handlers.get(descriptor)
            if handler is not None:
                handler(events)
        self._send_all()
        if self._attend:
            self._attend_all()

    def _let_others_speak(self) -> None:
        """A script of this thread's runs for too long."""
        if self.loop.thread != threading.get_ident():
            return
        self.poll(0)
        script = self.server.busy_script
        if self._stop and script is not None:
            script.kill()

    def _tick(self) -> float | None:
        """Do what is due by now; returns how long it is until something will be."""
        server, clock = self.server, self.server.clock
        with server.lock:
            is_due = self._due is not None and (self._due <= clock.monotonic() or clock.jumps)
            if self._next_event_changed or is_due:
                self._next_event_changed = clock.jumps
                if is_due:
                    self._due = None
                    try:
                        server.tick()
                    except Exception:  # a bug of ours must not end the thread that serves everybody, nor keep it busy
                        log.exception("while doing what was due")
                        self._next_event_changed = True
                        return TICK_PAUSE
                event = server.next_event()
                # Never later than before: keys whose time has come are always said to go in a moment.
                self._due = event if self._due is None or event is None else min(self._due, event)
                if server.busy_script is not None:  # as long as it runs there are no events
                    self._next_event_changed = True
            return None if self._due is None else clock.seconds_until(self._due)

    def look_at_events(self) -> None:
        """The server's next event may have become earlier; from any thread, under the server's lock."""
        self._next_event_changed = True
        self.loop.wake()

    def _accept_again(self) -> float | None:
        if self._paused_until is None:
            return None
        left = self._paused_until - real_monotonic()
        if left > 0:
            return left
        self._paused_until = None
        for listener in self._listeners:
            self._listen_to(listener)
        return None

    def attend(self, client: TcpClient) -> None:
        """Let the loop look at `client` soon; from any thread, under the server's lock."""
        self._attend[client] = None
        self.loop.wake()

    def _send_all(self) -> None:
        """Send what was answered in this round; not at once, so that a program that waits is woken less often: x1.3."""
        answers, self.answers = self.answers, []
        for client, data in answers:
            try:
                if data is None:
                    with self.server.lock:
                        data = client.take()
                try:
                    if client.unsent or client.closing:
                        client.send(data)
                    elif data and (sent := client.socket.send(data)) < len(data):  # type: ignore[union-attr]  # not closed
                        client.keep(data, sent)
                except (BlockingIOError, InterruptedError):
                    client.keep(data)
                except OSError:
                    client.close()
            except Exception:  # as in `TcpClient.ready`
                log.exception("client %d (%s) closed", client.id, client.address)
                client.close()

    def _attend_all(self) -> None:
        while self._attend:
            with self.server.lock:
                clients, self._attend = self._attend, {}
            for client in clients:
                try:
                    client.attended()
                except Exception:
                    log.exception("client %d (%s) closed", client.id, client.address)
                    client.close()
            self._send_all()

    def forget(self, client: TcpClient, sock: socket.socket) -> None:
        """`client` closes."""
        self.loop.remove(sock)
        self.clients.pop(client, None)

    # The end.

    def shutdown(self) -> None:
        """Make serve_forever() return, and wait until it has; connections stay open for the next serve_forever().

        If its thread has not got that far yet, serve_forever() will return at once.
        """
        with self._state:
            self._stop = self._serving or not self._served
            if not self._serving:
                return
            self.loop.ring()
            if self.loop.thread != threading.get_ident():
                self._state.wait_for(lambda: not self._serving)

    def server_close(self) -> None:
        """Close every socket, and stop serving if need be; server_bind() or start() open the same address again."""
        with self._state:
            self._close = True
            if self._serving:
                self._stop = True
                self.loop.ring()
                if self.loop.thread != threading.get_ident():
                    self._state.wait_for(lambda: not self._serving)
            else:
                self._close_everything()

    def _shutdown_command(self) -> None:
        """SHUTDOWN, which a connection or a thread of this process sent: under the server's lock, so nobody waits."""
        self._close = self._stop = self._shut_down = True
        if self._listeners:
            self.loop.ring()

    def _close_everything(self) -> None:
        if not self._listeners:
            return
        for client in list(self.clients):
            client.close()
        self._close_listeners()
        self.loop.close()
        self._attend.clear()
        _open.discard(self)

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            name = listener.getsockname()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # a program that this process has started may hold a copy
            listener.close()
            if isinstance(name, str):
                Path(name).unlink(missing_ok=True)
        self._listeners.clear()

    def abandon(self) -> None:
        """In a forked child, where nobody serves: let go of every socket, without a word to those who use the parent."""
        self._state = threading.Condition()
        self._serving, self._close, self._thread = False, True, None
        for client in list(self.clients):
            sock, client.socket = client.socket, None
            if sock is not None:
                sock.close()
            client.disconnect()
        self.clients.clear()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self.loop.close()

    def start(self) -> Self:
        """Serve on a thread of the server's own."""
        if self._close:  # perhaps only said so by SHUTDOWN
            self.server_close()
        if self._serving:
            raise RuntimeError(SERVED)
        if not self._listeners:
            self.server_bind()
        self._served = False
        self._thread = threading.Thread(target=self.serve_forever, name="redouble", daemon=True)
        self._thread.start()
        with self._state:
            self._state.wait_for(lambda: self._served or self._close)
        return self

    def stop(self) -> None:
        """The opposite of start()."""
        self.server_close()
        self._join()

    def _join(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


_open: weakref.WeakSet[TcpFakeServer] = weakref.WeakSet()


def _abandon_all() -> None:
    for server in list(_open):
        with server.server.lock:
            server.abandon()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)


@functools.lru_cache
def output_limits(text: bytes) -> dict[str, tuple[int, int, int]]:
    """client-output-buffer-limit: by kind of client the hard limit, the soft one and its seconds; 0 is no limit."""
    words = text.decode().split()
    return {words[at]: (int(words[at + 1]), int(words[at + 2]), int(words[at + 3])) for at in range(0, len(words), 4)}


def is_loopback(host: str) -> bool:
    return host.startswith(("127.", "::ffff:127.")) or host == "::1"


def _format_address(name: tuple[Any, ...]) -> str:
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _listen_unix(path: str, mode: int | None) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(errno.EAFNOSUPPORT, "this system (or its Python) has no Unix sockets; use a TCP port instead")
    listener = socket.socket(socket.AF_UNIX)
    try:
        _remove_stale_socket(path)
        listener.bind(path)
        if mode is not None:
            os.chmod(path, mode)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_stale_socket(path: str) -> None:
    """A socket that a dead server left behind is removed; a living server's, and anything else, stays."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        if probe.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)


def _reset(sock: socket.socket) -> None:
    """Close so that the peer sees a reset, which is as near as an open port comes to refusing a connection."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _close(sock: socket.socket) -> None:
    """Close for good, also where a started program holds a copy.

    What the peer has sent already is read, lest it turn the last reply into a reset.  Only the sending half is shut
    down before that: on Linux a socket whose receiving half is shut down announces no window any more, and a peer that
    was waiting for one would wait for a minute.
    """
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        for _ in range(READS_AT_THE_END):
            if not sock.recv(READ_SIZE):
                break
    sock.close()

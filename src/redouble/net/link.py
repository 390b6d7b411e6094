"""A connection to a server elsewhere, whose replies come as they are: reply values, nothing translated or decoded.

redis-py opens it (addresses, TLS, passwords, the database); after that only our own reader touches the socket.
"""

from __future__ import annotations

import re
import socket
import threading
from typing import Any, BinaryIO

from redouble.resp.reader import encode_command, read_reply
from redouble.resp.reply import Push, Reply

__all__ = ["Asker", "Link", "Peer", "dial"]


class Link:
    """One connection to the server at `url` (`redis://`, `rediss://`, `unix://`), in RESP2 or RESP3."""

    def __init__(self, url: str, resp: int = 2) -> None:
        from redis import ConnectionPool

        pool: Any = ConnectionPool.from_url(url, protocol=resp)
        self.connection = pool.make_connection()
        self.connection.connect()
        self.stream: BinaryIO = self.connection._sock.makefile("rb")

    def ask(self, argv: list[bytes]) -> Reply:
        """Send a command; its reply.  Push messages are passed over.  Raises EOFError or OSError if the link is gone."""
        self.connection._sock.sendall(encode_command(argv))
        while type(reply := read_reply(self.stream)) is Push:
            pass
        return reply

    def close(self) -> None:
        self.stream.close()
        self.connection.disconnect()


class Asker:
    """Asks the server at `url`, over one link for each version of RESP; from any thread."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._links: dict[int, Link] = {}
        self._lock = threading.Lock()

    def __call__(self, argv: list[bytes], resp: int) -> Reply:
        with self._lock:
            link = self._links.get(resp)
            if link is None:
                link = self._links[resp] = Link(self.url, resp)
            try:
                return link.ask(argv)
            except BaseException:
                del self._links[resp]
                link.close()
                raise

    def __del__(self) -> None:
        for link in self._links.values():
            link.close()


class Peer:
    """A connection to another server over which nothing was said yet: for MIGRATE, which speaks for itself."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.stream: BinaryIO = sock.makefile("rb")

    def send(self, commands: list[list[bytes]]) -> None:
        self.socket.sendall(b"".join(map(encode_command, commands)))

    def receive(self) -> Reply:
        return read_reply(self.stream)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stream.close()
        self.socket.close()


def dial(host: str, port: str, timeout: float) -> Peer:
    """Connect to a server; `timeout` is in seconds.  Raises LookupError for a host that there is not, else OSError."""
    number = int(port) if re.fullmatch(r"\d{1,5}", port) else 0
    try:
        return Peer(socket.create_connection((host, number), timeout))
    except socket.gaierror as error:
        raise LookupError(host) from error
    except OverflowError:  # no port has this number
        raise ConnectionRefusedError(port) from None

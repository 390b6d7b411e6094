"""Real servers: found through $REAL_SERVERS, started on free loopback ports, each in a folder of its own.

tools/real_servers.py installs them.  Nothing is kept: no RDB file, no AOF, and the folder goes with the server.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Collection
from functools import cache
from pathlib import Path

from .scenario import Target
from .wire import Incomplete, encode_command, end_of_message

STARTUP_SECONDS = 20


def folder() -> Path:
    return Path(os.environ.get("REAL_SERVERS") or "~/.cache/real-servers").expanduser()


@cache
def installed() -> dict[str, tuple[Target, str]]:
    """The servers on this machine: name -> (what it is, path of its launcher)."""
    try:
        entries = json.loads((folder() / "servers.json").read_text())
    except OSError:
        return {}
    return {
        name: (Target.of(name, entry["version"]), entry["path"])
        for name, entry in entries.items()
        if os.access(entry["path"], os.X_OK)
    }


def has_debug_parameter(target: Target) -> bool:
    """Whether DEBUG has to be allowed."""
    return target.server_type != "redis" or target.version >= (7,)


_MONITORED = re.compile(rb"\+\d+\.\d+ \[\d+ [\d.]+:(\d+)\] ")


class Connection:
    """A plain socket that hands over one message at a time; nothing that MONITOR tells of the `unseen` ports."""

    def __init__(self, address: tuple[str, int], unseen: Collection[int] = ()) -> None:
        self.unseen = unseen
        self.socket = socket.create_connection(address, timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.closed = False

    def send(self, data: bytes) -> None:
        try:
            self.socket.settimeout(30)
            self.socket.sendall(data)
        except OSError:
            self.closed = True

    def message(self, timeout: float) -> bytes | None:
        """The next message, or None when none comes in time or ever (`closed` tells which)."""
        while (message := self._message(timeout)) is not None:
            monitored = _MONITORED.match(message)
            if monitored is None or int(monitored[1]) not in self.unseen:
                break
        return message

    def _message(self, timeout: float) -> bytes | None:
        until = time.monotonic() + timeout
        while True:
            try:
                end = end_of_message(self.buffer)
            except Incomplete:
                pass
            else:
                message = bytes(self.buffer[:end])
                del self.buffer[:end]
                return message
            if self.closed:
                return None
            self.socket.settimeout(max(until - time.monotonic(), 0.001))  # what is there is read, late as it may be
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError:
                data = b""
            self.closed = not data
            self.buffer += data
            until = time.monotonic() + 5  # a message that has begun is awaited

    def ask(self, *argv: bytes) -> bytes:
        self.send(encode_command(argv))
        message = self.message(30)
        if message is None:
            raise ConnectionError(f"no answer to {argv!r}")
        return message

    def close(self) -> None:
        self.socket.close()

    def leave(self) -> None:
        """Close it, and wait until the server has: then nobody finds this client any more."""
        self.send(encode_command((b"QUIT",)))
        while self.message(1) is not None:
            pass
        self.close()


class RealServer:
    """A running redis-server or valkey-server."""

    def __init__(self, name: str, **options: str) -> None:
        self.target, self.launcher = installed()[name]
        self.options = options
        """What it is started with, besides what all are."""
        self.start()

    def start(self) -> None:
        for _ in range(5):  # another process may take the port between our look and the server's bind
            self.folder = tempfile.TemporaryDirectory(prefix="real-server-")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.address: tuple[str, int] = probe.getsockname()
            options = {"port": str(self.address[1]), "bind": "127.0.0.1", "save": "", "appendonly": "no"}
            options |= {"dir": self.folder.name, "logfile": f"{self.folder.name}/log", "daemonize": "no"}
            if has_debug_parameter(self.target):
                options["enable-debug-command"] = "yes"
            options |= self.options
            command = [self.launcher, *(word for name, value in options.items() for word in (f"--{name}", value))]
            environment = os.environ | {"TZ": "UTC"}  # search's parsetime() reads seconds in the zone of the server
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment
            )
            if self._answers():
                return
            self.stop()
        raise RuntimeError(f"{self.target.name} does not start")

    def _answers(self) -> bool:
        until = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                connection = self.connect()
            except OSError:
                time.sleep(0.01)
                continue
            ready = connection.ask(b"PING") == b"+PONG\r\n"
            connection.close()
            if ready:
                return True
            time.sleep(0.01)
        return False

    def connect(self) -> Connection:
        return Connection(self.address)

    def has_ended(self, patience: float = 0) -> bool:
        """Whether it has ended by itself; with its connections closed it may write a crash report for some seconds."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()  # nothing to save
        self.process.wait()
        self.folder.cleanup()

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> RealServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

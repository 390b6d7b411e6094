"""A redis-server or valkey-server of this machine, started for a run of tests on a free loopback port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence

__all__ = ["LocalServer", "find_binary"]

STARTUP_SECONDS = 20
ATTEMPTS = 5


def find_binary(server_type: str | None = None) -> str | None:
    """The path of `redis-server` or `valkey-server`; with a `server_type`, of that one only."""
    for name in (server_type,) if server_type else ("redis", "valkey"):
        found = shutil.which(f"{name}-server")
        if found:
            return found
    return None


class LocalServer:
    """A process of `binary`, without persistence; `url` reaches it.  Raises RuntimeError if it does not start."""

    def __init__(self, binary: str, options: Sequence[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="redouble-")
        for _ in range(ATTEMPTS):  # somebody else may take the port between our look and the server's bind
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port: int = probe.getsockname()[1]
            words = f"--port {self.port} --bind 127.0.0.1 --appendonly no --daemonize no".split()
            words += ["--save", "", "--dir", self._folder.name, "--logfile", "log", *options]
            self._process = subprocess.Popen([binary, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            if self._listens():
                return
            self._end()
        self._folder.cleanup()
        raise RuntimeError(f"{binary} does not start")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _listens(self) -> bool:
        until = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
                    sock.sendall(b"PING\r\n")
                    if sock.recv(64).startswith(b"+PONG"):
                        return True
            except OSError:
                pass
            time.sleep(0.01)
        return False

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()  # there is nothing to save
        self._process.wait()

    def stop(self) -> None:
        self._end()
        self._folder.cleanup()

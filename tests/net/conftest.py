"""Servers on free ports of the loopback interface, and a client that speaks plain bytes to them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from redouble.net.tcp import TcpFakeServer

Serve = Callable[..., TcpFakeServer]

PATIENCE = 20
"""Seconds that a test waits for what must come: more than a busy machine needs."""


class Wire:
    """A connection without any knowledge of the protocol."""

    def __init__(self, address: Any, *, wrap: Callable[[socket.socket], socket.socket] | None = None) -> None:
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.settimeout(PATIENCE)
        if wrap is not None:
            self.socket = wrap(self.socket)

    def send(self, data: bytes) -> Wire:
        self.socket.sendall(data)
        return self

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, fewer only if the connection ends."""
        data = b""
        while len(data) < size and (block := self.socket.recv(size - len(data))):
            data += block
        return data

    def expect(self, data: bytes) -> Wire:
        assert self.read(len(data)) == data
        return self

    def rest(self) -> bytes:
        """Everything until the server closes."""
        data = b""
        while block := self.socket.recv(65536):
            data += block
        return data

    def silent(self, seconds: float = 0.1) -> bool:
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(**options)`: a server that is running, on a free port; stopped when the test ends."""
    servers: list[TcpFakeServer] = []

    def start(address: tuple[str, int] | None = ("127.0.0.1", 0), **options: Any) -> TcpFakeServer:
        server = TcpFakeServer(address, **options)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve: Serve) -> TcpFakeServer:
    return serve()


@pytest.fixture
def connect(server: TcpFakeServer) -> Iterator[Callable[[], Wire]]:
    """`connect()`: one more connection to `server`."""
    wires: list[Wire] = []

    def another() -> Wire:
        wires.append(Wire(server.server_address))
        return wires[-1]

    yield another
    for wire in wires:
        wire.close()


@pytest.fixture
def wire(connect: Callable[[], Wire]) -> Wire:
    return connect()


def request(*argv: bytes) -> bytes:
    return b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%b\r\n" % (len(item), item) for item in argv)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def real_server(name: str) -> str | None:
    """The path of a real server, if this machine has it (see tools/real_servers.py)."""
    root = Path(os.environ.get("REAL_SERVERS", "~/.cache/real-servers")).expanduser()
    try:
        path = json.loads((root / "servers.json").read_text())[name]["path"]
    except (OSError, KeyError):
        return None
    return str(path) if os.access(path, os.X_OK) else None


def run_real(path: str, folder: Path, *options: str) -> tuple[subprocess.Popen[bytes], tuple[str, int]]:
    """Start a real server on a free port, in `folder`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = probe.getsockname()
    arguments = ["--port", str(address[1]), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no", *options]
    process = subprocess.Popen([path, *arguments], cwd=folder, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(address).close()
            return process, address
        except ConnectionRefusedError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"{path} does not start")

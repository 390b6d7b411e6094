"""Real servers for the tests that compare a structure with one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, settings

import redouble.commands
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.reply import resp2

assert redouble.commands  # fills the command table

settings.register_profile("small", deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
settings.register_profile("long", deadline=None, max_examples=2000, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "small"))

Ask = Callable[..., Any]


def _launcher(name: str) -> Path:
    root = Path(os.environ.get("REAL_SERVERS") or Path.home() / ".cache" / "real-servers")
    return root / "bin" / name


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Ask]]:
    """`real("redis-8.6")` starts that server once; what it gives runs a command there."""
    started: dict[str, tuple[subprocess.Popen[bytes], redis.Redis]] = {}

    def start(name: str) -> Ask:
        if name not in started:
            if not _launcher(name).exists():
                pytest.skip(f"no {name} on this machine")
            folder = tmp_path_factory.mktemp("real")
            path = folder / "s"
            options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
            if name != "redis-6.2":
                options += ["--enable-debug-command", "yes"]
            process = subprocess.Popen([_launcher(name), *options], stdout=subprocess.DEVNULL)
            client = redis.Redis(unix_socket_path=str(path))
            client.response_callbacks.clear()
            started[name] = process, client
            for _ in range(200):
                if path.exists() or process.poll() is not None:
                    break
                time.sleep(0.05)
            client.execute_command("PING")
        return started[name][1].execute_command

    yield start
    for process, client in started.values():
        client.close()
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["redis-8.6", "redis-7.0", "valkey-9"])
def both(request: pytest.FixtureRequest, real: Callable[[str], Ask]) -> Callable[..., None]:
    """`both("GET", "k")` asks redouble and a real server, which begin empty, and compares their answers."""
    name: str = request.param
    server_type, _, version = name.partition("-")
    ask, server = real(name), Server(server_type=server_type, version=version)
    ask("FLUSHALL")
    client = Client(server)

    def compare(*words: object) -> None:
        argv = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        assert resp2(server.call(client, argv), server.dialect.format_double) == ask(*argv), words[:9]

    return compare

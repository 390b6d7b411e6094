"""The servers that a benchmark runs beside each other, each a process of its own on an ephemeral port."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["TOOLS", "real_server", "redouble_server"]

TOOLS = Path(os.environ.get("REAL_SERVERS", "~/.cache/real-servers")).expanduser() / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process,
    ):
        try:
            for _ in range(500):
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                time.sleep(0.02)
            else:
                raise RuntimeError(f"{command[0]} does not answer")
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def real_server(name: str) -> contextlib.AbstractContextManager[str]:
    """A real server of this name of `make servers`; gives its URL."""
    port = free_port()
    return running([str(TOOLS / name), "--port", str(port), "--save", "", "--appendonly", "no"], port)


def redouble_server() -> contextlib.AbstractContextManager[str]:
    """`redouble` as a process; gives its URL."""
    port = free_port()
    return running([sys.executable, "-m", "redouble", "--port", str(port)], port)

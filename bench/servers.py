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

import redouble

__all__ = ["TOOLS", "Served", "fakeredis_server", "real_server", "redouble_server"]

TOOLS = Path(os.environ.get("REAL_SERVERS", "~/.cache/real-servers")).expanduser() / "bin"


ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(redouble.__file__).parents[1])}
"""The redouble that is measured is the one that is imported here, wherever the process runs."""


class Served(str):
    """The URL of a server that runs in a process of its own."""

    pid: int

    @property
    def port(self) -> int:
        return int(self.rpartition(":")[2])

    def cpu(self) -> float:
        """Seconds of CPU that all threads of its process have taken."""
        return time.clock_gettime(~self.pid << 3 | 2)  # what clock_getcpuclockid() gives on Linux


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[Served]:
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=ENVIRONMENT) as process,
    ):
        try:
            for _ in range(500):
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                time.sleep(0.02)
            else:
                raise RuntimeError(f"{command[0]} does not answer")
            served = Served(f"redis://127.0.0.1:{port}")
            served.pid = process.pid
            yield served
        finally:
            process.terminate()
            process.wait()


def real_server(name: str) -> contextlib.AbstractContextManager[Served]:
    """A real server of this name of `make servers`; gives its URL."""
    port = free_port()
    return running([str(TOOLS / name), "--port", str(port), "--save", "", "--appendonly", "no"], port)


def redouble_server(*, hiredis: bool = True) -> contextlib.AbstractContextManager[Served]:
    """`redouble` as a process, as if hiredis were not installed if it shall not use it; gives its URL."""
    port = free_port()
    program = "from redouble.cli import main; main()"
    if not hiredis:
        program = f"import sys; sys.modules['hiredis'] = None; {program}"
    return running([sys.executable, "-c", program, "--port", str(port)], port)


def fakeredis_server() -> contextlib.AbstractContextManager[Served]:
    """fakeredis's server as a process; gives its URL."""
    port = free_port()
    program = f"import fakeredis; fakeredis.TcpFakeServer(('127.0.0.1', {port})).serve_forever()"
    return running([sys.executable, "-c", program], port)

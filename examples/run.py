"""`make run`: a redouble server in the foreground, and a program written for Redis using it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread

from redouble import TcpFakeServer

PORT = 6379


def free_port() -> int:
    """Redis's own port, or any other if something listens there."""
    with socket.socket() as probe:
        return PORT if probe.connect_ex(("127.0.0.1", PORT)) else 0


def main() -> None:
    with TcpFakeServer(("127.0.0.1", free_port())) as server:
        host, port = server.server_address[:2]
        url = f"redis://{host}:{port}"
        print(f"redouble is ready at {url}, a Redis server in pure Python.\n")
        program = Path(__file__).with_name("leaderboard.py")
        print(f"$ python examples/{program.name} {url}", flush=True)
        Thread(target=lambda: subprocess.run([sys.executable, program, url], check=True), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nbye")


if __name__ == "__main__":
    main()

"""Three nodes of a real server on the loopback interface, made into a cluster by hand."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import redis

from redouble.suite.local import LocalServer

SLOTS = 16384
NODES = 3
PATIENCE = 60
"""Seconds until the nodes must agree."""


@contextlib.contextmanager
def cluster(binary: str) -> Iterator[str]:
    """The URL of one of its nodes."""
    with contextlib.ExitStack() as stack:
        nodes = []
        for _ in range(NODES):
            bus = free_port()  # the default, port + 10000, may be more than a port can be
            options = ["--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-announce-ip", "127.0.0.1"]
            node = LocalServer(binary, options)
            stack.callback(node.stop)
            client = stack.enter_context(redis.Redis(port=node.port, decode_responses=True))
            nodes.append((node.port, bus, client))
        for number, (_, _, client) in enumerate(nodes):
            first, last = SLOTS * number // NODES, SLOTS * (number + 1) // NODES - 1
            client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for port, bus, _ in nodes[1:]:
            nodes[0][2].execute_command("CLUSTER MEET", "127.0.0.1", port, bus)
        until = time.monotonic() + PATIENCE
        while not all(_agrees(client) for _, _, client in nodes):
            assert time.monotonic() < until, "the nodes do not find each other"
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{nodes[0][0]}"


def _agrees(client: redis.Redis) -> bool:
    info = client.execute_command("CLUSTER INFO")
    return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == str(NODES)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""Many clients of one server: who wait for one key, who hear one channel, and who are connected and say nothing."""

from __future__ import annotations

import contextlib
import functools
import resource
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any

import fakeredis

import redouble
import redouble.commands
from bench.result import Result, alone, compared
from bench.timing import interleaved
from redouble.core.client import Client
from redouble.core.server import Server

assert redouble.commands  # fills the command table

WAITERS = (10, 1_000, 10_000)
SUBSCRIBERS = 10_000
CONNECTIONS = 5_000
SERVED = 500


class Waiter(Client):
    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.served: list[Any] = []

    def deliver(self, reply: Any) -> None:
        self.served.append(reply)

    def __call__(self, line: str) -> Any:
        return self.server.call(self, line.encode().split())


BLOCKED = {
    "BLPOP": ("BLPOP key 0", "RPUSH key x"),
    "BLPOP, with timeouts": ("BLPOP key 1000", "RPUSH key x"),
    "BZPOPMIN": ("BZPOPMIN key 0", "ZADD key 1 x"),
    "XREADGROUP": ("XREADGROUP GROUP g c BLOCK 0 STREAMS stream >", "XADD stream * f v"),
}


def wake_up(waiters: int, block: str, push: str) -> float:
    """Microseconds of CPU for one push and the waiter that it serves; the least of five batches."""
    server = Server(version=(8, 6))
    pusher = Waiter(server)
    pusher("XGROUP CREATE stream g $ MKSTREAM")
    queue = [Waiter(server) for _ in range(waiters)]
    for waiter in queue:
        waiter(block)
    count = min(waiters, SERVED) // 5
    costs = []
    for batch in range(5):
        began = time.process_time()
        for _ in range(count):
            pusher(push)
        costs.append((time.process_time() - began) / count)
        served = [bool(waiter.served) for waiter in queue]
        assert served == sorted(served, reverse=True), "not in order"
        assert sum(served) == count * (batch + 1)
    return min(costs) * 1e6


def publish(rounds: int) -> dict[str, list[float]]:
    """Seconds of CPU for a PUBLISH to all subscribers in this process."""
    kinds: dict[str, Any] = {"redouble": redouble.FakeRedis, "fakeredis": fakeredis.FakeRedis}
    clients = {name: kind(max_connections=SUBSCRIBERS + 1) for name, kind in kinds.items()}
    subscribers = []
    for client in clients.values():
        for _ in range(SUBSCRIBERS):
            pubsub = client.pubsub()
            pubsub.subscribe("channel")
            subscribers.append(pubsub)
    calls = {name: functools.partial(client.publish, "channel", "message") for name, client in clients.items()}
    assert {call() for call in calls.values()} == {SUBSCRIBERS}
    return interleaved(calls, calls=1, rounds=rounds)


@contextlib.contextmanager
def connected(address: tuple[str, int], count: int) -> Iterator[list[socket.socket]]:
    sockets = [socket.create_connection(address) for _ in range(count)]
    try:
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


def idle() -> tuple[float, float]:
    """With many idle connections: share of a processor that they take, and of a PING's time how much it is than alone."""
    with redouble.TcpFakeServer(("127.0.0.1", 0)) as server:
        server.start()

        def ping(sock: socket.socket) -> float:
            costs = []
            for _ in range(1000):
                began = time.perf_counter()
                sock.sendall(b"PING\r\n")
                assert sock.recv(7) == b"+PONG\r\n"
                costs.append(time.perf_counter() - began)
            return statistics.median(costs)

        with connected(server.server_address, 1) as (sock,):
            alone = ping(sock)
        with connected(server.server_address, CONNECTIONS) as sockets:
            for sock in sockets:
                sock.sendall(b"PING\r\n")
            assert all(sock.recv(7) == b"+PONG\r\n" for sock in sockets)
            spent = time.process_time()
            time.sleep(3)
            share = (time.process_time() - spent) / 3
            return share, ping(sockets[-1]) / alone


def results(short: bool) -> Iterator[Result]:
    for name, (block, push) in BLOCKED.items():
        alone_there = wake_up(WAITERS[0], block, push)
        for waiters in WAITERS[1:]:
            cost = wake_up(waiters, block, push)
            few = (f"redouble, {WAITERS[0]} wait", [alone_there])
            yield compared("a push and a wake-up", f"{name}, {waiters:,} wait", "us of CPU", ("redouble", [cost]), few)
    costs = {name: [each * 1e3 for each in seconds] for name, seconds in publish(5 if short else 15).items()}
    ours, theirs = ("redouble", costs["redouble"]), ("fakeredis", costs["fakeredis"])
    yield compared("PUBLISH in process", f"to {SUBSCRIBERS:,} subscribers", "ms of CPU", ours, theirs)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 2 * CONNECTIONS + 100:
        share, slower = idle()
        what = f"{CONNECTIONS:,} that say nothing"
        yield alone("TCP connections", what, "redouble", "% of one processor", [share * 100])
        yield alone("TCP connections", f"PING beside {what} / PING alone", "redouble", "times the latency", [slower])

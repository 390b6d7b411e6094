"""redouble over TCP beside a real server and fakeredis, all of them taking turns in short slices.

Throughput is what redis-benchmark says for 50 connections; CPU time is the server process's own, user and system.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import importlib.util
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import redis

import redouble
from bench.result import Result, compared
from bench.servers import TOOLS, Served, fakeredis_server, real_server, redouble_server
from bench.timing import REAL, interleaved, microseconds
from redouble.resp.reader import encode_command

TESTS = ("set", "get", "incr", "lpush", "rpush", "lpop", "sadd", "hset", "zadd", "mset", "lrange_100")
REQUESTS = {1: 6_000, 16: 48_000}
"""In one slice, by the depth of the pipeline: enough that its 50 new connections hardly count, nor the milliseconds that
redis-benchmark rounds to."""
ROUNDS = 15
Figures = tuple[float, float]
"""Requests per second, and microseconds of the server's CPU for each."""


def benchmark(server: Served, test: str, pipeline: int, requests: int) -> Figures:
    """One slice of redis-benchmark."""
    command = [str(TOOLS / "redis-benchmark"), "-p", str(server.port), "-n", str(requests), "-P", str(pipeline)]
    before = server.cpu()
    output = subprocess.run([*command, "-t", test, "--csv"], check=True, capture_output=True, text=True).stdout
    spent = server.cpu() - before
    rows = list(csv.DictReader(output.splitlines()))
    sent = requests * len(rows)  # LRANGE fills its list first
    return float(rows[-1]["rps"]), spent / sent * 1e6


def throughput(
    servers: dict[str, Served], tests: tuple[str, ...], pipeline: int, requests: dict[str, int], rounds: int
) -> Iterator[Result]:
    """Each server's requests per second, and the CPU time that one takes it, beside the first one's; `requests` in a slice."""
    first, *others = servers
    table = f"-P {pipeline}"
    for test in tests:
        found: dict[str, list[Figures]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, server in servers.items():
                found[name].append(benchmark(server, test, pipeline, requests[name]))
        rates, cpu = ({name: [each[column] for each in seen] for name, seen in found.items()} for column in (0, 1))
        for name in others:
            yield compared(table, test.upper(), "requests/s", (name, rates[name]), (first, rates[first]))
            yield compared(table, test.upper(), "us of CPU", (name, cpu[name]), (first, cpu[first]))


class Ear:
    """A subscriber and a publisher of one server; calling it sends a message and waits until it has come."""

    def __init__(self, address: tuple[str, int], stack: contextlib.ExitStack) -> None:
        self.subscriber, self.publisher = (
            stack.enter_context(socket.create_connection(address)) for _ in ("subscriber", "publisher")
        )
        for each in (self.subscriber, self.publisher):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.subscriber.sendall(encode_command([b"SUBSCRIBE", b"channel"]))
        self.subscriber.recv(1000)
        self.message = encode_command([b"PUBLISH", b"channel", b"message"])

    def __call__(self) -> None:
        self.publisher.sendall(self.message)
        assert self.subscriber.recv(1000).endswith(b"message\r\n")
        assert self.publisher.recv(1000) == b":1\r\n"


def hearing(client: redis.Redis) -> Callable[[], object]:
    """The same with redis-py."""
    pubsub = client.pubsub()
    pubsub.subscribe("channel")
    pubsub.get_message(timeout=10)

    def hear() -> None:
        client.publish("channel", "message")
        message = pubsub.get_message(timeout=10)
        assert message is not None
        assert message["data"] == b"message"

    return hear


def pipeline_of_100(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(100):
            pipeline.get("key")
        pipeline.execute()


def latencies(real: Served, ours: Served, rounds: int) -> Iterator[Result]:
    """How long somebody waits for something."""

    def compare(what: str, first: Callable[[], object], second: Callable[[], object], calls: int) -> Result:
        targets = {"redouble": first, REAL: second}
        found = interleaved(targets, calls=calls, rounds=rounds, clock=time.perf_counter)
        return compared("latency", what, "us", *microseconds(found).items())

    with contextlib.ExitStack() as stack:
        ears = [Ear(("127.0.0.1", each.port), stack) for each in (ours, real)]
        yield compare("a message of pub/sub, on bare sockets", *ears, calls=100)
    near, far = (redis.Redis(port=each.port) for each in (ours, real))
    yield compare("a message of pub/sub, with redis-py", hearing(near), hearing(far), calls=100)
    with redouble.TcpFakeServer(("127.0.0.1", 0)) as server:
        server.start()
        near = redis.Redis(port=server.server_address[1])
        for client in (near, far):
            client.set("key", "value")
        gets = [functools.partial(client.get, "key") for client in (near, far)]
        yield compare("GET, the server a thread of the client's process", *gets, calls=100)
        pipelines = [functools.partial(pipeline_of_100, client) for client in (near, far)]
        yield compare("a pipeline of 100 GET, the same", *pipelines, calls=10)
        near.close()
        far.close()


def results(short: bool) -> Iterator[Result]:
    rounds = 3 if short else ROUNDS
    with real_server(REAL) as real, redouble_server(hiredis=False) as ours, fakeredis_server() as fakeredis:
        with redouble_server() if importlib.util.find_spec("hiredis") else contextlib.nullcontext() as faster:
            servers = {REAL: real, "redouble": ours} | ({"redouble, with hiredis": faster} if faster else {})
            for pipeline, requests in REQUESTS.items():
                yield from throughput(servers, TESTS, pipeline, dict.fromkeys(servers, requests), rounds)
        both = {"fakeredis": fakeredis, "redouble": ours}
        yield from throughput(both, ("set", "get"), 16, {"fakeredis": 3_200, "redouble": REQUESTS[16]}, min(rounds, 5))
        yield from latencies(real, ours, rounds=11 if short else 51)

"""redouble over TCP beside a real server and fakeredis, all of them taking turns in short slices.

Throughput is what redis-benchmark says for 50 connections; CPU time is the server process's own, user and system.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import importlib.util
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator

import redis

import redouble
from bench.servers import TOOLS, Served, fakeredis_server, real_server, redouble_server
from bench.timing import interleaved, ratio
from redouble.resp.reader import encode_command

REAL = "redis-8.6"
TESTS = ("set", "get", "incr", "lpush", "rpush", "lpop", "sadd", "hset", "zadd", "mset", "lrange_100")
REQUESTS = {1: 3_000, 16: 16_000}
"""In one slice, by the depth of the pipeline."""
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


def throughput(servers: dict[str, Served], tests: tuple[str, ...], pipeline: int, requests: int, rounds: int) -> None:
    """Print each server's throughput as a share of the first one's, and what a request costs it."""
    first, *others = servers
    print(
        f"\n-P {pipeline}: throughput / that of {first}, median of {rounds} rounds (quartiles); us of CPU per request"
    )
    print(f"  {'':12}" + "".join(f"{name:>28}" for name in others) + f"{first:>12}")
    for test in tests:
        found: dict[str, list[Figures]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, server in servers.items():
                found[name].append(benchmark(server, test, pipeline, requests))
        cells = []
        for name in others:
            ratios = [mine / theirs for (mine, _), (theirs, _) in zip(found[name], found[first], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            cpu = statistics.median(cost for _, cost in found[name])
            cells.append(f"{middle:11.3f} ({low:.2f}, {high:.2f}){cpu:6.2f}")
        cpu = statistics.median(cost for _, cost in found[first])
        print(f"  {test:12}" + "".join(f"{cell:>28}" for cell in cells) + f"{cpu:12.2f}", flush=True)


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


def pipeline_of_100(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(100):
            pipeline.get("key")
        pipeline.execute()


def latencies(real: Served, ours: Served) -> Iterator[tuple[str, float]]:
    """What somebody waits for, and for how long as a multiple of the real server's time."""

    def compare(first: Callable[[], object], second: Callable[[], object], calls: int) -> float:
        found = interleaved({"ours": first, "real": second}, calls=calls, rounds=51, clock=time.perf_counter)
        return ratio(found["ours"], found["real"])

    with contextlib.ExitStack() as stack:
        ears = [Ear(("127.0.0.1", each.port), stack) for each in (ours, real)]
        yield "a message of pub/sub", compare(*ears, calls=100)
    with redouble.TcpFakeServer(("127.0.0.1", 0)) as server:
        server.start()
        near, far = (redis.Redis(port=port) for port in (server.server_address[1], real.port))
        for client in (near, far):
            client.set("key", "value")
        yield (
            "GET, the server a thread of this process",
            compare(*(functools.partial(c.get, "key") for c in (near, far)), calls=100),
        )
        yield (
            "a pipeline of 100 GET, the same",
            compare(*(functools.partial(pipeline_of_100, c) for c in (near, far)), calls=10),
        )
        near.close()
        far.close()


def main() -> None:
    with real_server(REAL) as real, redouble_server(hiredis=False) as ours, fakeredis_server() as fakeredis:
        with redouble_server() if importlib.util.find_spec("hiredis") else contextlib.nullcontext() as faster:
            servers = {REAL: real, "redouble": ours} | ({"with hiredis": faster} if faster else {})
            for pipeline, requests in REQUESTS.items():
                throughput(servers, TESTS, pipeline, requests, ROUNDS)
        throughput({"fakeredis": fakeredis, "redouble": ours}, ("set", "get"), 16, 800, 3)
        print("\nlatency / that of the real server, median of 51 rounds")
        for what, times in latencies(real, ours):
            print(f"  {what:44}{times:6.2f}")

"""How many bytecode instructions a call takes, in two revisions: `python -m bench instructions main`.

Unlike times these figures are the same on every machine and in every run, for one version of Python and of redis-py: a
change that makes a call longer is seen in review.  What C does is not counted, so they are no times.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import redouble
from redouble import dbm
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.encoder import encode
from redouble.resp.parser import RequestParser

WARM_UP, COUNTED = 20, 25
"""Calls of each; the median leaves out what happens now and then, or because one was slow."""
TOKEN_BUCKET = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('hmget', KEYS[1], 'tokens', 'time')
local tokens = math.min(burst, (tonumber(state[1]) or burst) + (ARGV[3] - (state[2] or ARGV[3])) * rate) - 1
redis.call('hset', KEYS[1], 'tokens', tokens, 'time', ARGV[3])
redis.call('pexpire', KEYS[1], math.ceil(burst / rate * 1000))
return { 1, tostring(tokens) }
"""


def in_process() -> Iterator[tuple[str, Callable[[], object]]]:
    r: Any = redouble.FakeRedis()
    r.hset("hash", mapping={f"field:{i}": i for i in range(20)})
    r.rpush("list100", *range(100))
    yield "GET", lambda: r.get("string")
    yield "SET", lambda: r.set("string", "value")
    yield "INCR", lambda: r.incr("counter")
    yield "HGETALL of 20", lambda: r.hgetall("hash")
    yield "LPUSH, LPOP", lambda: (r.lpush("list", "x"), r.lpop("list"))
    yield "LRANGE of 100", lambda: r.lrange("list100", 0, -1)
    yield "ZADD", lambda: r.zadd("zset", {"member": 1.5})
    yield (
        "pipeline of 10",
        lambda: [pipe := r.pipeline(False), *(pipe.get("string") for _ in range(10)), pipe.execute()],
    )
    yield "MULTI of 2", lambda: r.pipeline().incr("counter").get("string").execute()
    yield "EVAL return 1", lambda: r.eval("return 1", 0)
    yield "EVAL token bucket", lambda: r.eval(TOKEN_BUCKET, 1, "bucket", 10, 20, 1_700_000_000.25)
    yield "FakeRedis()", redouble.FakeRedis
    yield "... and a first GET", lambda: redouble.FakeRedis().get("string")


def asynchronous() -> Iterator[tuple[str, Callable[[], object]]]:
    r: Any = redouble.FakeAsyncRedis()
    loop = asyncio.new_event_loop()
    yield "asyncio GET", lambda: loop.run_until_complete(r.get("string"))
    loop.close()


def over_tcp() -> Iterator[tuple[str, Callable[[], object]]]:
    """What a connection does with a request, between reading and writing its socket."""
    server = Server()
    client, parser = Client(server), RequestParser(server.dialect.requests)

    def answer(request: bytes) -> bytes:
        out: list[bytes] = []
        for argv in parser.feed(request):
            encode(server.call(client, argv), client.resp, server.dialect.format_double, out)
        return b"".join(out)

    set_ = b"*3\r\n$3\r\nSET\r\n$6\r\nstring\r\n$5\r\nvalue\r\n"
    get = b"*2\r\n$3\r\nGET\r\n$6\r\nstring\r\n"
    yield "TCP SET", lambda: answer(set_)
    yield "TCP GET", lambda: answer(get)
    yield "TCP, 16 GET", lambda: answer(get * 16)


def persistent() -> Iterator[tuple[str, Callable[[], object]]]:
    with tempfile.TemporaryDirectory() as folder, dbm.open(folder, "c") as db:
        db[b"key"] = b"value"
        yield "dbm put", lambda: db.__setitem__(b"key", b"value")
        yield "dbm get", lambda: db[b"key"]


def instructions(call: Callable[[], object]) -> int:
    """How many a call takes."""
    count = 0
    counts = []

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    for _ in range(WARM_UP):
        call()
    for _ in range(COUNTED):
        count = 0
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(None)
        counts.append(count)
    return statistics.median_low(counts)


def count() -> dict[str, int]:
    return {
        name: instructions(call) for calls in (in_process, asynchronous, over_tcp, persistent) for name, call in calls()
    }


def count_in(source: Path) -> dict[str, int]:
    """The figures of the package in a folder."""
    here = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{here}", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "bench.instructions"]
    answer = subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(answer.stdout))


def count_at(revision: str) -> dict[str, int]:
    archive = subprocess.run(["git", "archive", revision, "src"], check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        return count_in(Path(folder, "src"))


def main(old: str = "HEAD", new: str = "") -> None:
    """Compare two revisions; without `new`, what is in the folder now."""
    before = count_at(old)
    after = count_at(new) if new else count_in(Path(redouble.__file__).parents[1])
    print(f"bytecode instructions of one call\n\n{'':20}{old[:14]:>15}{new[:14] or 'now':>15}")
    for name, figure in after.items():
        print(f"{name:20}{before[name]:15,}{figure:15,}{figure / before[name] - 1:+9.1%}")


if __name__ == "__main__":
    print(json.dumps(count()))

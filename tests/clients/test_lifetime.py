"""What clients leave behind, finalizers, fork and event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from typing import Any

import pytest

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, FakeValkey


def run(code: str, *options: str) -> str:
    """Run a program of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.skipif(sys.implementation.name == "pypy", reason="PyPy counts no references")
@pytest.mark.parametrize("kind", [FakeRedis, FakeValkey])
def test_a_private_server_goes_with_its_client(kind: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        client = kind()
        client.set("a", "x" * 1000)
        client.rpush("list", 1)
        pubsub = client.pubsub()
        pubsub.subscribe("a")
        core = weakref.ref(client.connection_pool.connection_kwargs["server"].core)
        del pubsub, client
        assert core() is None  # by reference counting alone
    finally:
        gc.enable()


async def test_a_private_server_goes_with_its_asyncio_client() -> None:
    client = FakeAsyncRedis()
    await client.set("a", 1)
    core = weakref.ref(client.connection_pool.connection_kwargs["server"].core)
    del client
    gc.collect()
    assert core() is None


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(sys, "getallocatedblocks"), reason="this interpreter does not count its memory")
def test_ten_thousand_clients_leave_nothing_behind() -> None:
    def use() -> None:
        client = FakeRedis()
        client.set("a", "x" * 100)
        assert client.get("a")

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0

    for _ in range(100):
        use()
    gc.collect()
    before = threading.active_count(), descriptors()
    blocks = sys.getallocatedblocks()
    for _ in range(10_000):
        use()
    gc.collect()
    assert (threading.active_count(), descriptors()) == before
    assert sys.getallocatedblocks() - blocks < 1000


def test_dropped_clients_leave_no_warning() -> None:
    run(
        """
        import asyncio, gc, redouble
        client = redouble.FakeRedis()
        client.set("a", 1)
        pubsub = client.pubsub()
        pubsub.subscribe("a")
        pipeline = client.pipeline()
        pipeline.watch("a")
        del client, pubsub, pipeline

        async def main():
            asyncio.get_running_loop().slow_callback_duration = 60  # of which -X dev tells
            client = redouble.FakeAsyncRedis()
            await client.set("a", 1)
            pubsub = client.pubsub()
            await pubsub.subscribe("a")
            single = redouble.FakeAsyncRedis()
            await single.ping()

        asyncio.run(main())
        gc.collect()
        """,
        "-X",
        "dev",
        "-W",
        "error",
    )


def test_closing_from_a_finalizer_inside_a_command(server: FakeServer) -> None:
    client = FakeRedis(server=server)
    client.rpush("list", *range(10))
    doomed = FakeRedis(server=server)
    pubsub = doomed.pubsub()
    pubsub.subscribe("channel")
    pubsub.get_message()
    inside: list[bool] = []
    client.llen("list")
    command = server.core.table[b"LLEN"]
    original = command.run

    def drop(core_client: Any, argv: Any) -> Any:
        nonlocal doomed, pubsub
        del doomed, pubsub  # their connections end here, in the middle of a command
        gc.collect()
        inside.append(True)
        return original(core_client, argv)

    command.run = drop
    try:
        assert client.llen("list") == 10
    finally:
        command.run = original
    assert inside == [True]
    assert client.publish("channel", "x") == 0


def test_a_finalizer_never_waits_for_the_lock(server: FakeServer) -> None:
    client = FakeRedis(server=server)
    client.set("a", 1)
    held, done, given_up = threading.Event(), threading.Event(), list[bool]()

    def hold() -> None:
        with server.lock:
            held.set()
            given_up.append(not done.wait(60))

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    client.close()
    del client
    gc.collect()
    assert not given_up, "the lock was waited for"
    done.set()
    thread.join(10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_while_threads_use_the_server() -> None:
    output = run(
        """
        import os, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork itself
        import redouble

        server = redouble.FakeServer()
        client = redouble.FakeRedis(server=server)
        client.set("shared", "before")
        stop = threading.Event()

        def work():
            mine = redouble.FakeRedis(server=server)
            while not stop.is_set():
                mine.incr("n")

        def wait():
            redouble.FakeRedis(server=server, socket_timeout=None).blpop("list", 0)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
        threads.append(threading.Thread(target=wait, daemon=True))
        for thread in threads:
            thread.start()
        while not server.core.blocking.clients:
            time.sleep(0.001)
        good = 0
        for _ in range(10):
            child = os.fork()
            if child == 0:
                mine = redouble.FakeRedis(server=server)
                fine = mine.get("shared") == b"before" and client.get("shared") == b"before"
                mine.set("shared", "child")
                fine = fine and mine.rpush("list", "x") == 1 and mine.llen("list") == 1  # nobody waits in this process
                os._exit(0 if fine else 1)
            good += os.waitpid(child, 0)[1] == 0
        assert client.get("shared") == b"before"
        stop.set()
        print(good)
        """
    )
    assert output == "10"


def test_one_client_on_two_event_loops(protocol: int) -> None:
    client = FakeAsyncRedis(protocol=protocol)

    async def use(value: str) -> bytes | None:
        before: bytes | None = await client.get("a")
        await client.set("a", value)
        async with client.pipeline() as pipeline:
            await pipeline.get("a").execute()
        task = asyncio.create_task(client.blpop("list", 5))
        await asyncio.sleep(0.01)
        await client.rpush("list", "x")
        assert (await task)[1] == b"x"
        return before

    assert asyncio.run(use("first")) is None
    assert asyncio.run(use("second")) == b"first"


def test_two_event_loops_in_two_threads_share_a_server(server: FakeServer) -> None:
    async def count() -> None:
        client = FakeAsyncRedis(server=server)
        for _ in range(200):
            await client.incr("n")

    threads = [threading.Thread(target=lambda: asyncio.run(count())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert FakeRedis(server=server).get("n") == b"800"

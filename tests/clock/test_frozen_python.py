"""freezegun and time-machine: what they do to the date holds for expiry, while whoever waits does so in real time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from redouble import FakeRedis, FakeServer
from redouble.core.clock import real_monotonic

from .conftest import PATIENCE, Door

freezegun = pytest.importorskip("freezegun")
time_machine = pytest.importorskip("time_machine")

START = 1_600_000_000
Move = Callable[[float], object]


@pytest.fixture(params=["freezegun", "freezegun, real asyncio", "time-machine"])
def move(request: pytest.FixtureRequest) -> Iterator[Move]:
    """Python's time stands at START; moves it."""
    if request.param == "time-machine":
        with time_machine.travel(START, tick=False) as traveller:
            yield traveller.shift
    else:
        from datetime import datetime, timezone

        start = datetime.fromtimestamp(START, timezone.utc)
        with freezegun.freeze_time(start, real_asyncio="real" in request.param) as frozen:
            yield frozen.tick


def test_keys_expire_by_the_date(move: Move, door: Door) -> None:
    assert door.call("TIME")[0] == START
    door.call("SET", "k", "v", "EX", 3600)
    door.call("HSET", "h", "f", "v")
    door.call("HEXPIRE", "h", 3600, "FIELDS", 1, "f")
    move(3599.5)
    assert door.call("GET", "k") == b"v"
    assert door.call("TTL", "k") == 1
    move(1)
    assert door.call("GET", "k") is None
    assert door.call("EXISTS", "h") == 0
    assert int(door.call("XADD", "s", "*", "f", "v").split(b"-")[0]) == (START + 3600.5) * 1000


def test_waits_are_real(move: Move, door: Door) -> None:
    began, used = real_monotonic(), time.process_time()
    assert not door.call("BLPOP", "k", 0.2)
    assert 0.2 <= real_monotonic() - began < PATIENCE
    assert time.process_time() - used < 0.15  # nobody spins
    door.call("CLIENT", "PAUSE", 50)
    assert door.call("SET", "k", "v")
    assert 0.25 <= real_monotonic() - began < PATIENCE


def test_nobody_who_waits_is_served_because_the_date_changed(move: Move, door: Door) -> None:
    door.begin("BLPOP", "k", 3600)
    move(100_000)
    door.call("PING")
    assert door.waits
    door.server.clock.advance(3600)  # both may be moved
    assert not door.end()
    assert door.call("TIME")[0] >= START + 103_600


def test_socket_timeouts_are_real(move: Move, server: FakeServer) -> None:
    client = FakeRedis(server=server, socket_timeout=0.05, retry=None)
    began = real_monotonic()
    with pytest.raises(redis.TimeoutError):
        client.blpop("k", 0)
    assert 0.05 <= real_monotonic() - began < PATIENCE


def test_a_thread_sees_the_same_date(move: Move, server: FakeServer) -> None:
    client = FakeRedis(server=server)
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(client.time()))
    thread.start()
    thread.join(PATIENCE)
    assert seen[0][0] == START


def test_a_task_that_is_cancelled_leaves_no_timer(move: Move, server: FakeServer) -> None:
    from redouble import FakeAsyncRedis

    threads = threading.active_count()

    async def main() -> None:
        client = FakeAsyncRedis(server=server, socket_timeout=None)
        task = asyncio.ensure_future(client.blpop("k", 3600))
        while not server.core.blocking.clients:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aclose()

    asyncio.run(main())
    end = real_monotonic() + PATIENCE
    while threading.active_count() > threads:
        assert real_monotonic() < end


def test_it_may_be_imported_while_time_is_frozen() -> None:
    program = """
        import redouble
        from freezegun import freeze_time

        with freeze_time("2020-01-01") as frozen:
            r = redouble.FakeRedis()
            r.set("k", "v", ex=10)
            frozen.tick(11)
            assert r.get("k") is None
            assert r.blpop("k", 0.05) is None
        import time
        assert abs(r.time()[0] - time.time()) < 2
        assert r.blpop("k", 0.05) is None
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=PATIENCE)

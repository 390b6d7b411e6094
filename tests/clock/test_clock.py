"""`server.clock`: what its methods do, who hears of it, and how it jumps by itself."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import redis

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, ManualClock, TcpFakeServer

from .conftest import PATIENCE, Door, until

LONG = 3600
"""Seconds that no test waits for in earnest."""


@pytest.fixture
def r(server: FakeServer) -> Iterator[Any]:
    with FakeRedis(server=server, socket_timeout=None) as client:
        yield client


def test_time_runs_on_after_it_was_moved(server: FakeServer, r: Any) -> None:
    before = time.time()
    r.set("k", "v", ex=LONG)
    server.clock.advance(LONG - 100)
    assert not server.clock.frozen
    assert 90 < r.ttl("k") <= 100
    assert LONG - 100 <= server.clock.time() - before < LONG
    first = server.clock.time_ns(), server.clock.monotonic()
    until(lambda: server.clock.time_ns() > first[0] and server.clock.monotonic() > first[1])


def test_a_frozen_clock_stands_still_and_runs_on_from_there(server: FakeServer) -> None:
    clock = server.clock
    clock.freeze(at=1000.5)
    assert clock.frozen
    assert (clock.time(), clock.time_ns()) == (1000.5, 1_000_500_000_000)
    stood = clock.monotonic()
    clock.freeze()
    clock.advance(0.25)
    assert clock.time() == 1000.75
    assert clock.monotonic() == stood + 0.25
    clock.unfreeze()
    clock.unfreeze()
    assert not clock.frozen
    until(lambda: clock.time() > 1000.75)
    assert clock.time() < 1000.75 + PATIENCE
    assert clock.monotonic() > stood


@pytest.mark.parametrize("frozen", [False, True])
def test_a_date_moves_expiry_but_no_timeout(server: FakeServer, r: Any, frozen: bool, door: Door) -> None:
    if frozen:
        server.clock.freeze()
    r.set("k", "v", ex=LONG)
    door.begin("BLPOP", "list", 2 * LONG)
    server.clock.set(datetime.now(timezone.utc) + timedelta(days=1))
    assert r.get("k") is None
    assert door.waits
    server.clock.set(1_000_000)
    assert 1_000_000 <= r.time()[0] < 1_000_000 + PATIENCE
    server.clock.advance(2 * LONG)
    assert door.end() is None


def test_nonsense_is_refused(server: FakeServer) -> None:
    with pytest.raises(ValueError, match="backwards"):
        server.clock.advance(-1)
    with pytest.raises(ValueError, match="backwards"):
        server.clock.advance(float("nan"))
    with pytest.raises(ValueError, match="time zone"):
        server.clock.set(datetime(2030, 1, 1))


def test_who_sleeps_hears_that_a_running_clock_was_moved(server: FakeServer, door: Door) -> None:
    door.begin("BLPOP", "list", LONG)
    server.clock.advance(LONG - 0.05)  # the rest is waited for
    assert door.end() is None


def test_who_sleeps_hears_that_a_clock_runs_again(server: FakeServer, door: Door) -> None:
    server.clock.freeze()
    door.begin("BLPOP", "list", LONG)
    server.clock.advance(LONG - 0.05)
    assert door.waits
    server.clock.unfreeze()
    assert door.end() is None


def test_a_pause_ends_in_real_time_too(server: FakeServer, door: Door) -> None:
    door.call("CLIENT", "PAUSE", 50)
    door.begin("SET", "k", "v")
    assert door.end()


def test_several_servers_share_a_clock() -> None:
    clock = ManualClock(1000)
    clients = [FakeRedis(server=FakeServer(clock=clock)) for _ in range(3)]
    for client in clients:
        client.set("k", "v", ex=10)
    clock.advance(11)
    assert [client.get("k") for client in clients] == [None] * 3
    assert {client.time() for client in clients} == {(1011, 0)}


def test_many_threads_move_one_clock(server: FakeServer) -> None:
    server.clock.freeze(at=0)

    def move() -> None:
        for _ in range(100):
            server.clock.advance(0.01)

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.clock.time() == 4.0


def test_idle_times_count_from_the_moment_before_the_clock_was_moved(server: FakeServer, r: Any) -> None:
    r.set("k", "v")
    server.clock.advance(100)
    assert r.object("idletime", "k") == 100
    server.clock.advance(10)
    client = r.client_list()[0]
    assert int(client["age"]) == 110


def test_debug_sleep_moves_a_frozen_clock() -> None:
    server = FakeServer("6.2")
    r = FakeRedis(server=server)
    server.clock.freeze(at=1000)
    r.execute_command("DEBUG", "SLEEP", LONG)
    assert r.time() == (1000 + LONG, 0)


# It jumps.


def test_a_lone_client_has_waited_at_once(server: FakeServer, door: Door) -> None:
    server.clock.freeze(at=1000, autojump=True)
    assert not door.call("BLPOP", "k", LONG)
    assert server.clock.time() == 1000 + LONG
    door.call("CLIENT", "PAUSE", LONG * 1000)
    door.call("SET", "k", "v")
    assert server.clock.time() == 1000 + 2 * LONG


def test_it_does_not_jump_when_nobody_is_blocked(server: FakeServer, door: Door) -> None:
    server.clock.freeze(at=1000, autojump=True)
    door.call("SET", "k", "v", "EX", 1)
    assert not threading.Event().wait(0.05)
    assert door.call("TTL", "k") == 1
    assert server.clock.time() == 1000


def test_it_does_not_jump_while_commands_come(server: FakeServer, door: Door) -> None:
    server.clock.freeze(at=1000, autojump=60.0)  # real seconds of silence, which there are not
    door.begin("BLPOP", "k", LONG)
    for number in range(100):
        FakeRedis(server=server).set("other", number)
    assert server.clock.time() == 1000
    FakeRedis(server=server).rpush("k", "v")
    assert list(door.end()) == [b"k", b"v"]
    assert server.clock.time() == 1000


def test_threads_that_wait_on_the_server_lose_nothing(server: FakeServer) -> None:
    server.clock.freeze(at=1000, autojump=True)
    taken: list[bytes] = []

    def produce() -> None:
        client = FakeRedis(server=server, socket_timeout=None)
        for number in range(20):
            client.blpop("never", 60)
            client.rpush("queue", number)
        client.rpush("queue", "end")

    def consume() -> None:
        client = FakeRedis(server=server, socket_timeout=None)
        while (item := client.blpop("queue", 25)) is None or item[1] != b"end":
            if item is not None:
                taken.append(item[1])

    threads = [threading.Thread(target=work) for work in (produce, consume)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert taken == [b"%d" % number for number in range(20)]
    assert server.clock.time() >= 1000 + 20 * 60


async def test_tasks_that_wait_on_the_server_lose_nothing(server: FakeServer) -> None:
    server.clock.freeze(at=1000, autojump=True)
    client = FakeAsyncRedis(server=server, socket_timeout=None)
    taken: list[bytes] = []

    async def produce() -> None:
        for number in range(20):
            await client.blpop("never", 60)
            await client.rpush("queue", number)
        await client.rpush("queue", "end")

    async def consume() -> None:
        while (item := await client.blpop("queue", 25)) is None or item[1] != b"end":
            if item is not None:
                taken.append(item[1])

    await asyncio.wait_for(asyncio.gather(produce(), consume()), PATIENCE)
    assert taken == [b"%d" % number for number in range(20)]
    assert server.clock.time() >= 1000 + 20 * 60
    await client.aclose()


def test_servers_that_share_a_clock_jump_together() -> None:
    clock = ManualClock(1000)
    clock.freeze(autojump=True)
    servers = [FakeServer(clock=clock) for _ in range(2)]
    waiting = [
        threading.Thread(target=FakeRedis(server=server, socket_timeout=None).blpop, args=("k", timeout))
        for server, timeout in zip(servers, (30, 60), strict=True)
    ]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert clock.time() >= 1060


def test_who_hears_of_expiry_acts_before_the_clock_jumps_on(server: FakeServer) -> None:
    server.clock.freeze(at=1000, autojump=True)
    client = FakeRedis(server=server, socket_timeout=None)
    client.config_set("notify-keyspace-events", "Ex")
    client.set("alarm", "v", ex=10)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("__keyevent@0__:expired")

    def push() -> None:
        while pubsub.get_message(timeout=None) is None:
            pass
        client.rpush("queue", "woken")

    thread = threading.Thread(target=push)
    thread.start()
    assert client.blpop("queue", LONG)[1] == b"woken"
    assert 1010 <= server.clock.time() < 1011
    thread.join(PATIENCE)
    pubsub.close()


# CLOCK.


@pytest.mark.parametrize("version", ["6.0", "7.4", "8.6"])
def test_clock_is_an_unknown_command_of_servers_that_were_not_told(version: str) -> None:
    r = FakeRedis(server=FakeServer(version))
    with pytest.raises(redis.ResponseError, match="unknown command"):
        r.execute_command("CLOCK", "ADVANCE", 1)
    assert "clock" not in r.command()
    assert r.command_count() == FakeRedis(server=FakeServer(version, clock_command=True)).command_count() - 1


@pytest.mark.parametrize(("version", "server_type"), [("6.0", "redis"), ("8.6", "redis"), ("9", "valkey")])
def test_clock_moves_the_time(version: str, server_type: str) -> None:
    server = FakeServer(version, server_type, clock_command=True)
    with TcpFakeServer(("127.0.0.1", 0), server=server) as tcp:
        tcp.start()
        with redis.Redis(port=tcp.server_address[1]) as r:
            assert r.execute_command("CLOCK", "FREEZE", "AT", "1000") == b"OK"
            r.set("k", "v", ex=LONG)
            assert r.execute_command("CLOCK", "ADVANCE", LONG - 0.5) == b"OK"
            assert r.time() == (999 + LONG, 500_000)
            assert r.pttl("k") == 500
            r.execute_command("CLOCK", "ADVANCE", "0.501")
            assert r.get("k") is None
            r.execute_command("CLOCK", "SET", "5000.25")
            assert r.time() == (5000, 250_000)
            r.execute_command("CLOCK", "FREEZE", "AUTOJUMP")
            assert r.blpop("list", LONG) is None
            assert r.time()[0] == 5000 + LONG
            r.execute_command("CLOCK", "UNFREEZE")
            until(lambda: r.time() > (5000 + LONG, 250_000))


def test_clock_refuses_what_it_cannot_do() -> None:
    r = FakeRedis(server=FakeServer("8.6", clock_command=True))
    for words, error in {
        ("ADVANCE", "-1"): "seconds must not be negative",
        ("ADVANCE", "inf"): "seconds must not be negative",
        ("ADVANCE", "soon"): "not a valid float",
        ("ADVANCE",): "wrong number of arguments",
        ("SET", "1e300"): "64 bits",
        ("FREEZE", "AT"): "syntax error",
        ("STOP",): "unknown subcommand",
    }.items():
        with pytest.raises(redis.ResponseError, match=error):
            r.execute_command("CLOCK", *words)
    with pytest.raises(redis.ResponseError, match="not allowed in transactions"):
        r.pipeline().execute_command("CLOCK", "ADVANCE", 1).execute()
    with pytest.raises(redis.ResponseError, match="not allowed from script"):
        r.eval("return redis.call('CLOCK', 'ADVANCE', '1')", 0)
    assert b"ADVANCE seconds" in r.execute_command("CLOCK", "HELP")

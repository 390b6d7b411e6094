"""Blocking commands: who is served, in which order, and that no item is ever lost."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
import redis
import redis.asyncio

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, ManualClock
from redouble.clients.asyncio import AsyncClient
from redouble.net.tcp import TcpFakeServer


def until(condition: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def blocked(server: FakeServer) -> int:
    return len(server.core.blocking.clients)


async def until_blocked(server: FakeServer, count: int = 1) -> None:
    end = time.monotonic() + 10
    while blocked(server) < count:
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.001)


def test_a_pop_is_woken_from_another_thread(server: FakeServer, protocol: int) -> None:
    popped: list[Any] = []
    client = FakeRedis(server=server, protocol=protocol)
    thread = threading.Thread(target=lambda: popped.append(client.blpop("list", 30)))
    thread.start()
    until(lambda: blocked(server) == 1)
    FakeRedis(server=server).rpush("list", "x")
    thread.join(10)
    assert [list(item) for item in popped] == [[b"list", b"x"]]


def test_time_is_up(client: Any, server: FakeServer) -> None:
    began = time.monotonic()
    assert client.blpop("list", 0.1) is None
    assert 0.09 < time.monotonic() - began < 3
    assert blocked(server) == 0


def test_time_is_up_on_a_manual_clock() -> None:
    clock = ManualClock()
    server = FakeServer(clock=clock)
    results: list[Any] = []
    thread = threading.Thread(
        target=lambda: results.append(FakeRedis(server=server, socket_timeout=None).blpop("l", 60))
    )
    thread.start()
    until(lambda: blocked(server) == 1)
    clock.advance(59)
    assert blocked(server) == 1
    clock.advance(2)
    thread.join(10)
    assert results == [None]


def test_a_waiter_gives_up_at_socket_timeout_and_takes_nothing(server: FakeServer, protocol: int) -> None:
    client = FakeRedis(server=server, protocol=protocol, socket_timeout=0.05, retry=None)
    with pytest.raises(redis.TimeoutError, match="Timeout reading from"):
        client.blpop("list", 0)
    assert blocked(server) == 0
    assert client.rpush("list", "x") == 1
    assert client.llen("list") == 1


def test_threads_are_served_in_order_of_arrival(server: FakeServer) -> None:
    order: list[tuple[int, bytes]] = []

    def wait(number: int) -> None:
        order.append((number, FakeRedis(server=server, socket_timeout=None).blpop("list", 30)[1]))

    threads = []
    for number in range(20):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        until(lambda expected=number + 1: blocked(server) == expected)
    FakeRedis(server=server).rpush("list", *range(20))
    for thread in threads:
        thread.join(10)
    assert sorted(order) == [(number, b"%d" % number) for number in range(20)]


async def test_a_thousand_tasks_are_served_in_order_of_arrival(server: FakeServer) -> None:
    client = FakeAsyncRedis(server=server, max_connections=2000, socket_timeout=None)

    async def wait(number: int) -> tuple[int, bytes]:
        return number, (await client.blpop("list", 60))[1]

    tasks = []
    for number in range(1000):
        tasks.append(asyncio.create_task(wait(number)))
        while blocked(server) <= number:
            await asyncio.sleep(0)
    pusher = FakeAsyncRedis(server=server)
    for start in range(0, 1000, 100):
        await pusher.rpush("list", *range(start, start + 100))
    assert await asyncio.gather(*tasks) == [(number, b"%d" % number) for number in range(1000)]
    assert blocked(server) == 0
    await client.aclose()


async def test_a_task_is_woken_by_a_task_and_by_a_thread(server: FakeServer, protocol: int) -> None:
    client = FakeAsyncRedis(server=server, protocol=protocol)
    task = asyncio.create_task(client.blpop("list", 10))
    await until_blocked(server)
    await client.rpush("list", "from a task")
    assert (await task)[1] == b"from a task"
    task = asyncio.create_task(client.blpop("list", 10))
    await until_blocked(server)
    await asyncio.to_thread(FakeRedis(server=server).rpush, "list", "from a thread")
    assert (await task)[1] == b"from a thread"


def test_threads_tasks_and_tcp_clients_wait_in_one_queue() -> None:
    popped: dict[str, bytes] = {}

    async def main(tcp: TcpFakeServer) -> None:
        server, port = tcp.fake_server, tcp.server_address[1]
        loop = asyncio.get_running_loop()
        with redis.Redis(port=port) as over_tcp, redis.Redis(port=port) as pusher:
            async with redis.asyncio.Redis(port=port) as asyncio_over_tcp:
                starts = {
                    "tcp": lambda: loop.run_in_executor(None, over_tcp.blpop, "list", 30),
                    "thread": lambda: loop.run_in_executor(None, FakeRedis(server=server).blpop, "list", 30),
                    "task": lambda: asyncio.ensure_future(FakeAsyncRedis(server=server).blpop("list", 30)),
                    "asyncio over tcp": lambda: asyncio.ensure_future(asyncio_over_tcp.blpop("list", 30)),
                }
                waiting: dict[str, Any] = {}
                for name, start in starts.items():
                    waiting[name] = start()
                    await until_blocked(server, len(waiting))
                await asyncio.to_thread(pusher.rpush, "list", "tcp", "thread")
                await FakeAsyncRedis(server=server).rpush("list", "task", "asyncio over tcp")
                for name, item in waiting.items():
                    popped[name] = (await item)[1]

    with TcpFakeServer(("127.0.0.1", 0)) as tcp:
        tcp.start()
        asyncio.run(main(tcp))
    assert popped == {name: name.encode() for name in ("tcp", "thread", "task", "asyncio over tcp")}


async def test_asyncio_time_is_up(protocol: int) -> None:
    client = FakeAsyncRedis(protocol=protocol)
    began = time.monotonic()
    assert await client.blpop("list", 0.1) is None
    assert 0.09 < time.monotonic() - began < 3


async def test_a_cancelled_waiter_loses_nothing(server: FakeServer, protocol: int) -> None:
    client = FakeAsyncRedis(server=server, protocol=protocol)
    task = asyncio.create_task(client.blpop("list", 10))
    await until_blocked(server)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert blocked(server) == 0
    assert await client.rpush("list", "x") == 1
    assert await client.lrange("list", 0, -1) == [b"x"]


async def test_a_waiter_cancelled_after_it_was_served_gives_the_item_back(server: FakeServer, protocol: int) -> None:
    client = FakeAsyncRedis(server=server, protocol=protocol)
    task = asyncio.create_task(client.blpop("list", 10))
    await until_blocked(server)
    FakeRedis(server=server).rpush("list", "first", "second")  # served, and the task has not run since
    assert FakeRedis(server=server).lrange("list", 0, -1) == [b"second"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await client.lrange("list", 0, -1) == [b"first", b"second"]


async def test_an_item_given_back_goes_to_the_next_who_waits(server: FakeServer) -> None:
    client = FakeAsyncRedis(server=server)
    first = asyncio.create_task(client.blpop("list", 10))
    await until_blocked(server)
    second = asyncio.create_task(client.blpop("list", 10))
    await until_blocked(server, 2)
    FakeRedis(server=server).rpush("list", "x")
    first.cancel()
    assert (await second)[1] == b"x"


async def test_cancelling_at_any_moment_keeps_every_item(server: FakeServer) -> None:
    client = FakeAsyncRedis(server=server, max_connections=1000)
    items = 0
    popped = 0
    for delay in range(60):
        task = asyncio.create_task(client.blpop("list", 10))
        for _ in range(delay % 6):
            await asyncio.sleep(0)
        FakeRedis(server=server).rpush("list", "x")
        items += 1
        for _ in range(delay // 10):
            await asyncio.sleep(0)
        task.cancel()
        try:
            await task
            popped += 1
        except asyncio.CancelledError:
            pass
    assert await client.llen("list") == items - popped


async def test_who_is_cancelled_while_connecting_leaves_no_half_open_connection(protocol: int) -> None:
    for moments in range(12):
        client = FakeAsyncRedis(protocol=protocol, db=3, client_name="whole")
        task = asyncio.create_task(client.get("a"))
        for _ in range(moments):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        info = await client.client_info()
        assert (int(info["db"]), info["name"], int(info["resp"])) == (3, "whole", protocol)


async def test_a_command_yields_to_the_loop() -> None:
    client = FakeAsyncRedis()
    await client.set("a", 1)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(tick())
    for _ in range(50):
        await client.get("a")
    assert ticks >= 50
    task.cancel()


def test_losing_the_server_wakes_whoever_waits(server: FakeServer, protocol: int) -> None:
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            FakeRedis(server=server, protocol=protocol).blpop("list", 30)
        except redis.ConnectionError as error:
            errors.append(error)

    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    until(lambda: blocked(server) == 5)
    server.connected = False
    for thread in threads:
        thread.join(10)
    assert [str(error) for error in errors] == ["FakeRedis is emulating a connection error."] * 5


async def test_losing_the_server_wakes_tasks(server: FakeServer) -> None:
    task = asyncio.create_task(FakeAsyncRedis(server=server).blpop("list", 30))
    await until_blocked(server)
    server.connected = False
    with pytest.raises(redis.ConnectionError, match="FakeRedis is emulating a connection error"):
        await asyncio.wait_for(task, 5)


def test_closing_a_connection_from_another_thread_wakes_its_user(server: FakeServer) -> None:
    client = FakeRedis(server=server, retry=None)
    failed = threading.Event()

    def wait() -> None:
        with pytest.raises((redis.ConnectionError, AttributeError)):
            client.blpop("list", 30)
        failed.set()

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: blocked(server) == 1)
    client.connection_pool.disconnect()
    assert failed.wait(10)
    thread.join(10)
    other = FakeRedis(server=server)
    other.rpush("list", "x")
    assert other.llen("list") == 1


def test_no_item_goes_to_a_client_on_a_closed_loop(server: FakeServer) -> None:
    loop = asyncio.new_event_loop()
    abandoned = AsyncClient(server.core, "localhost", 6379)
    abandoned.execute([[b"BLPOP", b"list", b"0"]])
    abandoned.waiters[loop.create_future()] = None
    loop.close()
    assert blocked(server) == 1
    client = FakeRedis(server=server)
    client.rpush("list", "x")
    assert client.llen("list") == 1


IDLE_READ = ("XREADGROUP", "GROUP", "g", "later", "BLOCK", 20_000, "CLAIM", 300, "STREAMS", "s", ">")
"""Of Redis 8.4: wait until an entry was pending for 300 ms."""


@pytest.mark.parametrize("kind", ["sync", "asyncio", "TCP"])
@pytest.mark.parametrize("delivered", ["before", "meanwhile"])
def test_a_reader_with_claim_wakes_when_an_entry_is_idle_long_enough(kind: str, delivered: str) -> None:
    """Nobody does anything then: the waiting driver itself has to look at the clock."""
    server = FakeServer(version=(8, 6))
    other = FakeRedis(server=server)
    other.xadd("s", {"f": "v"}, id="1-1")
    other.xgroup_create("s", "g", "$" if delivered == "meanwhile" else 0)
    if delivered == "before":
        other.xreadgroup("g", "first", {"s": ">"})
    found: list[Any] = []

    def read() -> None:
        if kind == "asyncio":
            found.append(asyncio.run(FakeAsyncRedis(server=server).execute_command(*IDLE_READ)))
        elif kind == "sync":
            found.append(FakeRedis(server=server).execute_command(*IDLE_READ))
        else:
            with TcpFakeServer(("127.0.0.1", 0), server=server) as listener:
                host, port = listener.start().server_address
                found.append(redis.Redis(host, port).execute_command(*IDLE_READ))

    thread = threading.Thread(target=read)
    thread.start()
    until(lambda: blocked(server) == 1 or found)  # on a busy machine the entry may be idle before anybody waits
    if delivered == "meanwhile":
        assert not found
        other.xgroup_setid("s", "g", 0)
        other.xreadgroup("g", "first", {"s": ">"})
    thread.join(10)
    assert other.xpending_range("s", "g", "-", "+", 10)[0]["consumer"] == b"later"
    assert found


async def test_a_timeout_beyond_what_a_system_can_wait_for() -> None:
    """Redis 7.0 takes any number of milliseconds that fits in 64 bits; no lock, selector or timer does."""
    server = FakeServer(version="7.0")
    with TcpFakeServer(("127.0.0.1", 0), server=server) as tcp:
        tcp.start()
        host, port = tcp.server_address
        popped: list[Any] = []

        def pop(client: redis.Redis) -> None:
            popped.append(client.blpop(["list"], 9.2e15)[1])  # type: ignore[index]
            client.close()

        clients = [
            FakeRedis(server=server, socket_timeout=None),
            redis.Redis(host=host, port=port, socket_timeout=None),
        ]
        threads = [threading.Thread(target=pop, args=(client,), daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        task = asyncio.create_task(FakeAsyncRedis(server=server).blpop(["list"], 9.2e15))  # type: ignore[arg-type]
        await until_blocked(server, 3)
        FakeRedis(server=server).rpush("list", "x", "x", "x")
        assert (await asyncio.wait_for(task, 10))[1] == b"x"  # type: ignore[index]
        for thread in threads:
            thread.join(10)
        assert popped == [b"x", b"x"]

"""A script that runs for too long: BUSY for all others, SCRIPT KILL and FUNCTION KILL; over TCP and in process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, TcpFakeServer
from redouble.scripting import watch

PATIENCE = 20
LOOP = "while true do end"
HALF_A_SECOND = "local began = os.clock() repeat until os.clock() - began > 0.5"
IN_PCALL = "while true do pcall(function() while true do end end) end"
IN_COROUTINE = "coroutine.wrap(function() while true do end end)()"
IN_PATTERN = "return string.find(string.rep('a', 300000), string.rep('a?', 300) .. 'b')"
LIBRARY = f"#!lua name=l\nredis.register_function('loop', function() {LOOP} end)"
BUSY = "Redis is busy running a script. You can only call {} KILL or SHUTDOWN NOSAVE."

Connect = Callable[[], redis.Redis]


@pytest.fixture(params=["in process", "TCP"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients of one server, each with a connection of its own."""
    server = FakeServer("7.4", config={"busy-reply-threshold": "20"})
    if request.param == "in process":
        yield lambda: FakeRedis(server=server, decode_responses=True)
        return
    with TcpFakeServer(("127.0.0.1", 0), server=server).start() as tcp:
        host, port = tcp.server_address
        yield lambda: redis.Redis(host=host, port=port, decode_responses=True, socket_timeout=PATIENCE)


class Running:
    """A command that is sent by another thread, and how it ends."""

    def __init__(self, client: redis.Redis, *argv: object) -> None:
        self.outcome: object = None

        def run() -> None:
            try:
                self.outcome = client.execute_command(*argv)
            except redis.RedisError as error:
                self.outcome = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def result(self) -> str:
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        return str(self.outcome)


def until_busy(client: redis.Redis) -> str:
    """Ping until the script is there and has run for too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            client.ping()
        except redis.ResponseError as error:
            return str(error)
    raise AssertionError("never busy")


def running_function(client: redis.Redis) -> Any:
    stats = client.function_stats()  # a list or a dict, as the version of redis-py and its protocol have it
    script = stats["running_script"] if isinstance(stats, dict) else stats[1]
    return dict(zip(script[::2], script[1::2], strict=True)) if isinstance(script, list) else script


@pytest.mark.parametrize("body", [LOOP, IN_PCALL, IN_COROUTINE, IN_PATTERN])
def test_script_kill_ends_a_script_for_which_all_others_wait(connect: Connect, body: str) -> None:
    client = connect()
    running = Running(connect(), "EVAL", body, 0)
    assert until_busy(client).endswith(BUSY.format("SCRIPT"))
    with pytest.raises(redis.ResponseError, match="You can only call SCRIPT KILL"):
        client.function_kill()
    with pytest.raises(redis.ResponseError, match="You can only call SCRIPT KILL"):
        client.get("k")
    assert client.script_kill()
    assert running.result().startswith("Script killed by user with SCRIPT KILL... script: ")
    assert client.ping()
    with pytest.raises(redis.ResponseError, match="No scripts in execution right now"):
        client.script_kill()


def test_function_kill_ends_a_function(connect: Connect) -> None:
    client = connect()
    client.function_load(LIBRARY)
    running = Running(connect(), "FCALL", "loop", 1, "k", "argument")
    assert until_busy(client).endswith(BUSY.format("FUNCTION"))
    with pytest.raises(redis.ResponseError, match="You can only call FUNCTION KILL"):
        client.script_kill()
    running_script = running_function(client)
    assert running_script["name"] == "loop"
    assert running_script["command"] == ["FCALL", "loop", "1", "k", "argument"]
    assert 20 <= running_script["duration_ms"] < 1000 * PATIENCE
    assert client.function_kill()
    assert running.result() == ("Script killed by user with SCRIPT KILL... script: loop, on @user_function:2.")
    assert running_function(client) is None


def test_a_script_that_has_written_is_unkillable_until_shutdown(connect: Connect) -> None:
    client = connect()
    running = Running(connect(), "EVAL", f"redis.call('SET', 'k', 'v') {LOOP}", 0)
    until_busy(client)
    with pytest.raises(redis.ResponseError, match="Sorry the script already executed write commands"):
        client.script_kill()
    with pytest.raises(redis.ResponseError, match="busy running a script"):
        client.execute_command("SHUTDOWN")
    client.shutdown(nosave=True)
    running.result()


def test_a_transaction_that_meets_a_busy_server_is_discarded(connect: Connect) -> None:
    client, killer = connect(), connect()
    transaction = client.pipeline()
    transaction.set("k", "v")
    running = Running(connect(), "EVAL", LOOP, 0)
    until_busy(killer)
    with pytest.raises(redis.RedisError, match="busy running a script"):
        transaction.execute()
    killer.script_kill()
    running.result()
    assert client.get("k") is None


def test_a_waiting_client_is_served_after_the_script(connect: Connect) -> None:
    client = connect()
    waiting = Running(connect(), "BLPOP", "list", PATIENCE)
    while client.info("clients")["blocked_clients"] == 0:
        time.sleep(0.001)
    running = Running(connect(), "EVAL", f"redis.call('RPUSH', 'list', 'a') {HALF_A_SECOND} return 1", 0)
    until_busy(client)
    assert waiting.thread.is_alive()
    assert running.result() == "1"
    assert waiting.result() in ("['list', 'a']", "('list', 'a')")


def test_another_thread_ends_a_script_on_an_event_loop() -> None:
    server = FakeServer("7.4", config={"busy-reply-threshold": "20"})
    client = FakeRedis(server=server)

    def kill() -> None:
        until_busy(client)
        client.script_kill()

    async def main() -> None:
        async with FakeAsyncRedis(server=server) as own:
            thread = threading.Thread(target=kill, daemon=True)
            thread.start()
            with pytest.raises(redis.ResponseError, match="Script killed by user"):
                await own.eval(LOOP, 0)
            thread.join(PATIENCE)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_a_script_that_nobody_can_kill_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LONGEST_RUN", 0.05)
    client = FakeRedis()
    with pytest.raises(redis.ResponseError, match="Script killed by redouble"):
        client.eval(LOOP, 0)
    assert client.ping()


def test_a_library_that_takes_too_long_to_load_is_not_loaded(connect: Connect) -> None:
    client = connect()
    with pytest.raises(redis.ResponseError, match="Error registering functions: ERR FUNCTION LOAD timeout"):
        client.function_load(f"#!lua name=l\n{LOOP}")
    assert client.function_list() == []


def test_stopping_a_tcp_server_ends_its_script() -> None:
    tcp = TcpFakeServer(("127.0.0.1", 0), config={"busy-reply-threshold": "20"}).start()
    host, port = tcp.server_address
    running = Running(redis.Redis(host=host, port=port, socket_timeout=PATIENCE), "EVAL", LOOP, 0)
    until_busy(redis.Redis(host=host, port=port, socket_timeout=PATIENCE))
    tcp.stop()
    running.result()

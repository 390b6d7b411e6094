"""Faults on purpose, as redis-py's clients meet them: sync and asyncio, in process and over TCP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import ConstantBackoff
from redis.exceptions import AskError, BusyLoadingError, ExecAbortError, MovedError, OutOfMemoryError, ReadOnlyError
from redis.retry import Retry

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, TcpFakeServer
from redouble.resp.reply import CommandError
from redouble.testing import faults

NEVER: dict[str, Any] = {"retry": Retry(ConstantBackoff(0), 0)}


class Sync:
    """Runs single commands on a synchronous client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __call__(self, *words: object) -> Any:
        return self.client.execute_command(*words)

    def close(self) -> None:
        self.client.close()


class Async:
    """Runs single commands on an asyncio client, on a loop of its own."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.loop = asyncio.new_event_loop()

    def __call__(self, *words: object) -> Any:
        return self.loop.run_until_complete(self.client.execute_command(*words))

    def close(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


@pytest.fixture(params=["in process", "tcp"])
def tcp(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "tcp")


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(record=True)


@pytest.fixture(params=[Sync, Async])
def connect(request: pytest.FixtureRequest, server: FakeServer, tcp: bool) -> Iterator[Callable[..., Any]]:
    """Makes clients of `server`, without retries unless told."""
    kind = request.param
    with contextlib.ExitStack() as cleanup:
        port = None
        if tcp:
            port = cleanup.enter_context(TcpFakeServer(("127.0.0.1", 0), server=server)).start().server_address[1]

        def connect(retries: int = 0, **options: Any) -> Any:
            retry = (Retry if kind is Sync else redis.asyncio.retry.Retry)(ConstantBackoff(0), retries)
            options = {"retry": retry, "decode_responses": True, **options}
            if tcp:
                options["port"] = port
                client = (redis.Redis if kind is Sync else redis.asyncio.Redis)(**options)
            else:
                client = (FakeRedis if kind is Sync else FakeAsyncRedis)(server=server, **options)
            made = kind(client)
            cleanup.callback(made.close)
            return made

        yield connect


@pytest.fixture
def call(connect: Callable[..., Any]) -> Any:
    return connect()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (faults.LOADING, BusyLoadingError),
        (faults.READONLY, ReadOnlyError),
        (faults.OOM, OutOfMemoryError),
        (faults.BUSY, redis.ResponseError),
        (faults.MASTERDOWN, redis.exceptions.MasterDownError),
        (faults.CLUSTERDOWN, redis.exceptions.ClusterDownError),
        (faults.TRYAGAIN, redis.exceptions.TryAgainError),
        (faults.NOAUTH, redis.AuthenticationError),
        (faults.moved(12182, "127.0.0.1", 7002), MovedError),
        (faults.ask(12182, "127.0.0.1", 7002), AskError),
        ("CUSTOM the error of my own", redis.ResponseError),
    ],
)
def test_an_error_instead_of_the_reply(server: FakeServer, call: Any, text: str, error: type[Exception]) -> None:
    call("SET", "a", 1)
    with server.faults.error(text, on="INCR") as rule:
        with pytest.raises(error):
            call("INCR", "a")
        assert call("GET", "a") == "1"
    assert rule.count == 1
    assert call("INCR", "a") == 2


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_connection_that_is_dropped(server: FakeServer, call: Any, after_effect: bool) -> None:
    call("SET", "a", 1)
    with server.faults.drop(on="INCR", after_effect=after_effect), pytest.raises(redis.ConnectionError):
        call("INCR", "a")
    assert call("GET", "a") == ("2" if after_effect else "1")


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_reply_that_does_not_come(
    server: FakeServer, connect: Callable[..., Any], tcp: bool, after_effect: bool
) -> None:
    call = connect(socket_timeout=0.05 if tcp else 60)
    call("SET", "a", 1)
    with server.faults.timeout(on="INCR", after_effect=after_effect), pytest.raises(redis.TimeoutError):
        call("INCR", "a")
    assert call("GET", "a") == ("2" if after_effect else "1")


def test_a_delay_passes_by_the_clock(server: FakeServer, call: Any) -> None:
    call("SET", "a", 1)
    began = server.core.clock.monotonic()
    with server.faults.delay(0.05, on="INCR"):
        assert call("INCR", "a") == 2
    assert server.core.clock.monotonic() - began >= 0.05
    assert [entry.reply for entry in server.commands.calls("INCR")] == [2]


def test_a_delay_longer_than_the_clients_patience(server: FakeServer, connect: Callable[..., Any]) -> None:
    call = connect(socket_timeout=0.05)
    with server.faults.delay(600, on="GET"), pytest.raises(redis.TimeoutError):
        call("GET", "a")
    assert call("GET", "a") is None


def test_a_reply_that_breaks_off(server: FakeServer, call: Any) -> None:
    call("SET", "a", "0123456789")
    with server.faults.partial(7, on=("GET", "INCR")), pytest.raises(redis.ConnectionError):
        call("GET", "a")
    assert call("GET", "a") == "0123456789"


def test_connections_that_are_refused(server: FakeServer, connect: Callable[..., Any]) -> None:
    with server.faults.refuse(times=2) as rule:
        for _ in range(2):
            with pytest.raises(redis.ConnectionError):
                connect()("PING")
        assert rule.count == 2
        assert connect()("PING") in ("PONG", True)


def test_redis_py_retries_until_it_works(server: FakeServer, connect: Callable[..., Any]) -> None:
    call = connect(retries=3, retry_on_error=[redis.ConnectionError, redis.TimeoutError, BusyLoadingError])
    call("SET", "a", 1)
    with server.faults.drop(on="GET", times=2) as rule:
        assert call("GET", "a") == "1"
    assert rule.count == 2
    with server.faults.error(faults.LOADING, on="GET", times=3):
        assert call("GET", "a") == "1"
    with server.faults.drop(on="GET"), pytest.raises(redis.ConnectionError):
        call("GET", "a")


def test_an_effect_that_happened_twice(server: FakeServer, connect: Callable[..., Any]) -> None:
    call = connect(retries=3, retry_on_error=[redis.ConnectionError])
    with server.faults.drop(on="INCRBY", after_effect=True, times=1):
        assert call("INCRBY", "a", 1) == 2


@pytest.mark.parametrize("keep_data", [True, False])
def test_a_restart(server: FakeServer, connect: Callable[..., Any], keep_data: bool) -> None:
    call, other = connect(), connect(retries=1, retry_on_error=[redis.ConnectionError])
    call("SET", "a", 1)
    call("CONFIG", "SET", "maxmemory", "100mb")
    call("CONFIG", "SET", "list-max-listpack-size", "1")
    other("PING")
    sha = call("SCRIPT", "LOAD", "return 1")
    server.restart(keep_data=keep_data)
    assert other("GET", "a") == ("1" if keep_data else None)
    with contextlib.suppress(redis.ConnectionError):  # its first command finds the connection closed
        call("PING")
    assert call("SCRIPT", "EXISTS", sha) in ([0], [False])
    assert "maxmemory" in call("CONFIG", "GET", "maxmemory")
    call("RPUSH", "q", "x", "y")
    assert call("OBJECT", "ENCODING", "q") == "listpack"


def test_a_transaction_that_a_fault_spoils(server: FakeServer, call: Any) -> None:
    with server.faults.error(faults.READONLY, on="SET"):
        call("MULTI")
        with pytest.raises(ReadOnlyError):
            call("SET", "a", 1)
        with pytest.raises(ExecAbortError):
            call("EXEC")


def test_a_function_answers(server: FakeServer, call: Any) -> None:
    def weather(argv: list[bytes]) -> Any:
        if len(argv) != 2:
            raise CommandError("ERR which town?")
        return [argv[1], 21, None]

    with server.faults.answer(weather, on="WEATHER"):
        assert call("WEATHER", "Rome") == ["Rome", 21, None]
        with pytest.raises(redis.ResponseError, match="which town"):
            call("WEATHER")


def test_another_server_answers(server: FakeServer, call: Any) -> None:
    there = FakeServer()
    with TcpFakeServer(("127.0.0.1", 0), server=there) as tcp:
        tcp.start()
        there.seed({"z": {"a": 1.5, "b": 2.0}, "h": {"f": "v"}, "s": {"x"}})
        with server.faults.delegate(
            f"redis://127.0.0.1:{tcp.server_address[1]}", on=("ZRANGE", "HGETALL", "INCR", "SET")
        ):
            assert call("SET", "a", 1) in ("OK", True)
            assert call("ZRANGE", "z", 0, -1, "WITHSCORES") in (["a", "1.5", "b", "2"], [["a", 1.5], ["b", 2.0]])
            assert call("HGETALL", "h") == {"f": "v"}
            with pytest.raises(redis.ResponseError, match="wrong kind of value"):
                call("INCR", "h")
            assert call("GET", "a") is None
    assert there.data["a"] == b"1"


# Which commands a rule is about; one driver tells.


@pytest.fixture
def r(server: FakeServer) -> Iterator[FakeRedis]:
    with FakeRedis(server=server, **NEVER) as client:
        yield client


def fails(call: Callable[[], object]) -> bool:
    try:
        call()
    except redis.RedisError:
        return True
    return False


def test_by_command_container_and_all(server: FakeServer, r: FakeRedis) -> None:
    with server.faults.error("ERR no", on="CONFIG GET"):
        assert fails(lambda: r.config_get("maxmemory"))
        assert not fails(lambda: r.config_set("maxmemory", 0))
    with server.faults.error("ERR no", on=["config", "get"]):
        assert fails(lambda: r.config_set("maxmemory", 0))
        assert fails(lambda: r.get("a"))
        assert not fails(lambda: r.set("a", 1))
    with server.faults.error("ERR no"):
        assert fails(lambda: r.get("a"))
        assert fails(lambda: FakeRedis(server=server, **NEVER).get("a"))
        assert not fails(lambda: r.client_id())


def test_by_key(server: FakeServer, r: FakeRedis) -> None:
    with server.faults.error("ERR no", key="user:*") as rule:
        assert fails(lambda: r.get("user:1"))
        assert fails(lambda: r.mget("a", "user:2"))
        assert not fails(lambda: r.get("a"))
        assert not fails(lambda: r.set("a", "user:1"))
        assert fails(lambda: r.execute_command("NOPE", "user:1"))
    assert rule.count == 2


def test_by_client(server: FakeServer, r: FakeRedis) -> None:
    worker = FakeRedis(server=server, client_name="worker", **NEVER)
    with server.faults.error("ERR no", client="worker"):
        assert fails(worker.ping)
        assert not fails(r.ping)
    with server.faults.error("ERR no", client=worker.client_id()):
        assert fails(worker.ping)
        assert not fails(r.ping)
    with server.faults.error("ERR no", client=lambda client: client.db.index == 0):
        assert fails(r.ping)
        assert not fails(FakeRedis(server=server, db=1, **NEVER).ping)


def test_by_count(server: FakeServer, r: FakeRedis) -> None:
    with server.faults.error("ERR no", on="PING", after=2, times=3):
        assert [fails(r.ping) for _ in range(7)] == [False, False, True, True, True, False, False]


def test_by_chance_that_repeats(server: FakeServer, r: FakeRedis) -> None:
    def outcomes() -> list[bool]:
        with server.faults.error("ERR no", on="PING", probability=0.5, seed=7):
            return [fails(r.ping) for _ in range(50)]

    first = outcomes()
    assert outcomes() == first
    assert 10 < sum(first) < 40


def test_the_first_rule_that_applies_decides(server: FakeServer, r: FakeRedis) -> None:
    server.faults.error("ERR one", on="GET", times=1)
    server.faults.error("ERR two", on="GET")
    for text in ("one", "two", "two"):
        with pytest.raises(redis.ResponseError, match=text):
            r.get("a")
    server.faults.clear()
    assert r.get("a") is None
    assert not server.core.may_fail


def test_without_rules_nothing_stands_in_the_way(server: FakeServer) -> None:
    plain = FakeServer()
    rule = plain.faults.error("ERR no")
    assert plain.core.observers
    rule.remove()
    rule.remove()
    assert not plain.core.observers
    assert "call" not in plain.core.__dict__


def test_a_pipeline_that_breaks_in_the_middle(server: FakeServer, r: FakeRedis) -> None:
    with server.faults.drop(on="GET"):
        pipeline = r.pipeline(transaction=False)
        pipeline.set("a", 1).get("a").set("b", 2)
        with pytest.raises(redis.ConnectionError):
            pipeline.execute()
    assert server.data.keys() == [b"a"]


def test_a_blocking_command_that_is_dropped_waits_no_more(server: FakeServer, r: FakeRedis) -> None:
    with server.faults.drop(on="BLPOP", after_effect=True), pytest.raises(redis.ConnectionError):
        r.blpop("q", timeout=0)
    r.rpush("q", "x")
    assert r.lrange("q", 0, -1) == [b"x"]

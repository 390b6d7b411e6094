"""`redouble.patch`: every client of redis-py and valkey-py stays in this process while it is in effect."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.sentinel
from redis.backoff import NoBackoff
from redis.retry import Retry

import redouble
from redouble import FakeConnection, FakeRedis, FakeServer, TcpFakeServer

NEVER = Retry(NoBackoff(), 0)
REDIS_5 = redis.__version__.startswith("5.")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks a host up, or connects, fails the test; asyncio's own socketpair does neither."""

    def forbidden(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"the network was asked for {args}")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)


@pytest.fixture
def outside() -> Iterator[Any]:
    """A server that is reached through a socket, as the "real" one."""
    with TcpFakeServer(("127.0.0.1", 0)) as server:
        server.start()
        yield server


def outer_client(outside: TcpFakeServer, kind: Any = redis.Redis, **kwargs: Any) -> Any:
    host, port = outside.server_address
    return kind(host=host, port=port, **kwargs)


CLIENTS = [
    lambda: redis.Redis(host="cache"),
    lambda: redis.StrictRedis(host="cache", protocol=2),
    lambda: redis.Redis(host="cache", protocol=3, decode_responses=False),
    lambda: redis.Redis(host="cache", ssl=True),
    lambda: redis.Redis(host="cache", single_connection_client=True),
    lambda: redis.Redis(host="cache", health_check_interval=30),
    lambda: redis.from_url("redis://cache"),
    lambda: redis.Redis.from_url("rediss://cache:6379/0?ssl_cert_reqs=none"),
    lambda: redis.Redis.from_url("redouble://cache"),
    lambda: redis.Redis.from_url("redouble://cache:6379/0"),
    lambda: redis.Redis(connection_pool=redis.ConnectionPool(host="cache")),
    lambda: redis.Redis(connection_pool=redis.ConnectionPool.from_url("redouble://cache/0")),
    lambda: redis.Redis(connection_pool=redis.BlockingConnectionPool(host="cache", max_connections=1)),
    lambda: FakeRedis(host="cache"),
    lambda: FakeRedis.from_url("redouble://cache"),
    lambda: redis.Redis(connection_pool=redis.ConnectionPool(FakeConnection, host="cache")),
]


@pytest.mark.parametrize("make", CLIENTS, ids=range(len(CLIENTS)))
@pytest.mark.usefixtures("no_network")
def test_clients_of_one_address_share_a_server(make: Any) -> None:
    with redouble.patch():
        redis.Redis(host="cache", port=6379).set("a", "1")
        client = make()
        assert client.get("a") == b"1"
        pipeline = client.pipeline()
        pipeline.incr("a")
        pipeline.get("a")
        assert pipeline.execute() == [2, b"2"]
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            client.lpush("a", 1)
        client.close()


ASYNC_CLIENTS = [
    lambda: redis.asyncio.Redis(host="cache"),
    lambda: redis.asyncio.Redis(host="cache", ssl=True),
    lambda: redis.asyncio.Redis(host="cache", single_connection_client=True),
    lambda: redis.asyncio.from_url("redis://cache"),
    lambda: redis.asyncio.Redis.from_url("redouble://cache"),
    lambda: redis.asyncio.Redis(connection_pool=redis.asyncio.BlockingConnectionPool(host="cache")),
    lambda: redouble.FakeAsyncRedis.from_url("redouble://cache"),
]


@pytest.mark.parametrize("make", ASYNC_CLIENTS, ids=range(len(ASYNC_CLIENTS)))
@pytest.mark.usefixtures("no_network")
async def test_asyncio_clients_share_it_too(make: Any) -> None:
    with redouble.patch():
        redis.Redis(host="cache", port=6379).set("a", "1")
        client = make()
        assert await client.get("a") == b"1"
        async with client.pipeline() as pipeline:
            pipeline.incr("a")
            pipeline.get("a")
            assert await pipeline.execute() == [2, b"2"]
        waiter = asyncio.ensure_future(client.blpop("queue", 5))
        await asyncio.sleep(0.01)
        redis.Redis(host="cache").rpush("queue", "job")
        assert await waiter in ([b"queue", b"job"], (b"queue", b"job"))
        await client.aclose()


@pytest.mark.usefixtures("no_network")
async def test_unix_sockets_are_shared_by_path() -> None:
    with redouble.patch():
        redis.Redis(unix_socket_path="/run/redis.sock").set("a", "1")
        assert redis.Redis.from_url("unix:///run/redis.sock").get("a") == b"1"
        assert FakeRedis(unix_socket_path="/run/redis.sock").get("a") == b"1"
        client = redis.asyncio.Redis(unix_socket_path="/run/redis.sock")
        assert await client.get("a") == b"1"
        await client.aclose()
        assert redis.Redis(unix_socket_path="/run/other.sock").get("a") is None
        assert redis.Redis().get("a") is None


@pytest.mark.usefixtures("no_network")
async def test_valkey_py_has_valkey_servers() -> None:
    valkey = pytest.importorskip("valkey")
    asynchronous = pytest.importorskip("valkey.asyncio")
    with redouble.patch(version=8):
        valkey.Valkey(host="cache").set("a", "1")
        assert valkey.from_url("redouble://cache").get("a") == b"1"
        assert redouble.FakeValkey(host="cache", version=8).get("a") == b"1"
        assert FakeServer.at("cache:6379", 8, "valkey").core.databases[0].string(b"a") == b"1"
        with pytest.raises(valkey.ResponseError, match="WRONGTYPE"):
            valkey.Valkey(host="cache").lpush("a", 1)
        for client in asynchronous.Valkey(host="cache"), asynchronous.Valkey.from_url("redouble://cache"):
            assert await client.get("a") == b"1"
            await client.aclose()
        assert redis.Redis(host="cache").get("a") is None, "at one address redis-py finds Redis, valkey-py Valkey"


def test_publish_and_subscribe() -> None:
    with redouble.patch():
        client = redis.Redis()
        pubsub = client.pubsub()
        pubsub.subscribe("news")
        assert pubsub.get_message(timeout=1)["type"] == "subscribe"
        client.publish("news", "hello")
        assert pubsub.get_message(timeout=1)["data"] == b"hello"
        pubsub.close()


def test_a_thread_that_blocks_is_served() -> None:
    with redouble.patch():
        got: list[Any] = []
        thread = threading.Thread(target=lambda: got.append(redis.Redis().blpop("queue", 5)))
        thread.start()
        redis.Redis().rpush("queue", "job")
        thread.join()
        assert got in ([(b"queue", b"job")], [[b"queue", b"job"]])


def test_a_library_s_own_connection_class_stays_what_it_is() -> None:
    class Greeting(redis.Connection):
        def on_connect(self) -> None:
            super().on_connect()
            self.send_command("SET", "greeted", "yes")
            self.read_response()

        if hasattr(redis.Connection, "on_connect_check_health"):  # later versions call this one

            def on_connect_check_health(self, check_health: bool = True) -> None:
                super().on_connect_check_health(check_health)
                self.send_command("SET", "greeted", "yes")
                self.read_response()

    pool = redis.ConnectionPool(connection_class=Greeting)
    with redouble.patch():
        assert redis.Redis(connection_pool=pool).get("greeted") == b"yes"
        connection = pool.get_connection("PING") if REDIS_5 else pool.get_connection()
        assert isinstance(connection, Greeting)
        assert type(connection).__name__ == "Greeting"
        pool.release(connection)
    assert type(connection) is Greeting


def test_a_server_for_all_addresses() -> None:
    server = FakeServer(version=8)
    with redouble.patch(server=server):
        redis.Redis(host="one").set("a", "1")
        assert redis.Redis(host="other", port=1).get("a") == b"1"
        assert redis.Redis.from_url("redouble://third").get("a") == b"1"
    assert FakeRedis(server=server).get("a") == b"1"


def test_version_and_type_of_the_servers() -> None:
    with redouble.patch(version="8.0"):
        assert redis.Redis().info("server")["redis_version"].startswith("8.0")
        assert redis.Redis.from_url("redouble://x").info("server")["redis_version"].startswith("8.0")
        assert redis.Redis.from_url("redouble://x?version=7.2").info("server")["redis_version"].startswith("7.2")
    with redouble.patch(server_type="valkey", version=9):
        assert redis.Redis().info("server")["server_name"] == "valkey"


def test_passwords_errors_and_timeouts_are_the_server_s() -> None:
    server = FakeServer(config={"requirepass": "secret"})
    with redouble.patch(server=server):
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(retry=NEVER).ping()
        client = redis.Redis(password="secret", socket_timeout=0.01, retry=NEVER)
        assert client.ping()
        with pytest.raises(redis.TimeoutError):
            client.blpop("queue", 5)
        server.connected = False
        with pytest.raises(redis.ConnectionError):
            redis.Redis(password="secret", retry=NEVER).ping()


def test_nothing_is_left_after_the_patch() -> None:
    modules = [redis.connection, redis.asyncio.connection]
    owners = [owner for module in modules for owner in vars(module).values() if inspect.isclass(owner)]
    before = [dict(vars(owner)) for owner in (*owners, *modules)]
    with redouble.patch():
        redis.Redis().ping()
        assert before != [dict(vars(owner)) for owner in (*owners, *modules)]
    assert before == [dict(vars(owner)) for owner in (*owners, *modules)]


def test_who_replaced_a_hook_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with redouble.patch():
        hook = redis.Connection._connect
        monkeypatch.setattr(redis.Connection, "_connect", lambda self: hook(self))
        replaced = redis.Connection._connect
        assert redis.Redis().ping()
    assert redis.Connection._connect is replaced
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=1, retry=NEVER).ping()


def test_a_client_of_before_is_in_process_while_the_patch_lasts(outside: TcpFakeServer) -> None:
    unused, used = outer_client(outside), outer_client(outside)
    used.set("where", "outside")
    with redouble.patch():
        assert unused.get("where") is None
        assert used.get("where") is None
        used.set("where", "inside")
        assert unused.get("where") == b"inside"
    assert used.get("where") == b"outside"
    assert unused.get("where") == b"outside"
    with redouble.patch():
        assert used.get("where") == b"inside", "the data stays"
    redouble.reset()
    with redouble.patch():
        assert used.get("where") is None
    for client in unused, used:
        client.close()


async def test_an_asyncio_client_of_before_is_in_process_while_the_patch_lasts(outside: TcpFakeServer) -> None:
    client = outer_client(outside, redis.asyncio.Redis)
    await client.set("where", "outside")
    with redouble.patch():
        assert await client.get("where") is None
        await client.set("where", "inside")
    assert await client.get("where") == b"outside"
    await client.aclose()


def test_a_client_of_the_patch_goes_to_its_address_afterwards(outside: TcpFakeServer) -> None:
    outer_client(outside).set("where", "outside")
    with redouble.patch():
        pooled = outer_client(outside)
        single = outer_client(outside, single_connection_client=True)
        assert pooled.get("where") is single.get("where") is None
    assert pooled.get("where") == b"outside"
    assert single.get("where") == b"outside"
    pooled.close()
    single.close()


def test_a_connection_that_is_held_across_the_border_is_refused_once(outside: TcpFakeServer) -> None:
    client = outer_client(outside)
    with client.pipeline() as pipeline:
        pipeline.watch("a")
        with redouble.patch(), pytest.raises(redis.ConnectionError, match=r"opened before redouble\.patch"):
            pipeline.connection.send_command("PING")
    client.close()


def test_a_subscriber_that_is_held_across_the_border_subscribes_again(outside: TcpFakeServer) -> None:
    pubsub = outer_client(outside).pubsub()
    pubsub.subscribe("news")
    assert pubsub.get_message(timeout=1)["type"] == "subscribe"
    with redouble.patch():
        if REDIS_5:  # does not retry by itself
            with pytest.raises(redis.ConnectionError):
                pubsub.get_message(timeout=1)
        while (message := pubsub.get_message(timeout=1)) is None or message["type"] == "subscribe":
            outer_client(outside).publish("news", "inside")
        assert message["data"] == b"inside"
    pubsub.close()


def test_an_open_wait_ends_with_the_patch() -> None:
    failed: list[redis.ConnectionError] = []

    def wait() -> None:
        try:
            redis.Redis(port=1, retry=NEVER).blpop("queue", 0)
        except redis.ConnectionError as error:
            failed.append(error)

    with redouble.patch():
        thread = threading.Thread(target=wait)
        thread.start()
        while not FakeRedis(port=1).info("clients")["blocked_clients"]:
            pass
    thread.join(10)
    assert failed


def test_patches_nest_and_the_innermost_counts() -> None:
    outer, inner = FakeServer(), FakeServer()
    with redouble.patch(server=outer):
        client = redis.Redis()
        client.set("a", "outer")
        with redouble.patch(server=inner):
            assert client.get("a") is None
            client.set("a", "inner")
        assert client.get("a") == b"outer"


def test_patch_and_unpatch_as_calls() -> None:
    first = redouble.patch()
    redouble.patch()
    assert redis.Redis(port=1, retry=NEVER).ping()
    redouble.unpatch()
    first.unpatch()
    redouble.unpatch()
    with first:
        assert redis.Redis(port=1, retry=NEVER).ping()
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=1, retry=NEVER).ping()


def in_process() -> bool:
    try:
        return bool(redis.Redis(port=1, retry=NEVER).ping())
    except redis.ConnectionError:
        return False


@pytest.mark.parametrize("decorator", [redouble.patch, lambda function: redouble.patch(version=8)(function)])
async def test_as_a_decorator(decorator: Any) -> None:
    @decorator
    def one(a: int, *, b: int) -> tuple[int, int, bool]:
        """Says so."""
        return a, b, in_process()

    @decorator
    async def other() -> bool:
        await asyncio.sleep(0)
        return in_process()

    assert not in_process()
    assert one(1, b=2) == (1, 2, True)
    assert await other() is True
    assert not in_process()
    assert (one.__name__, one.__doc__) == ("one", "Says so.")
    assert inspect.iscoroutinefunction(other)


def test_what_cannot_be_decorated_says_so() -> None:
    def fixture() -> Iterator[None]:
        yield

    for wrong in fixture, object:
        with pytest.raises(TypeError, match=r"use `with redouble\.patch"):
            redouble.patch(wrong)
    assert not in_process()


def test_the_scheme_is_ours_alone() -> None:
    with pytest.raises(ValueError, match="scheme"):
        redis.Redis.from_url("redouble://cache")
    assert FakeRedis.from_url("redouble://cache/3").connection_pool.connection_kwargs["db"] == 3
    with redouble.patch():
        client = redis.Redis.from_url("redouble://cache/3")
        client.set("a", "1")
        with pytest.raises(ValueError, match="scheme"):
            redis.Redis.from_url("http://cache")
    assert client.get("a") == b"1", "no host of that name is looked for"
    assert FakeRedis(host="cache", db=3).get("a") == b"1"


def test_our_own_clients_do_not_notice() -> None:
    server = FakeServer()
    client = FakeRedis(server=server)
    client.set("a", "1")
    with redouble.patch():
        assert client.get("a") == b"1"
        inside = FakeRedis(server=server)
        assert inside.get("a") == b"1"
        assert inside._free_connection() is not None, "the fast gear"
    assert inside.get("a") == client.get("a") == b"1"
    assert inside._free_connection() is not None


def test_clusters_and_sentinels_hear_that_there_are_none() -> None:
    with redouble.patch():
        with pytest.raises(redis.exceptions.RedisClusterException, match="Cluster mode is not enabled on this node"):
            redis.RedisCluster(host="cache")
        with pytest.raises(redis.ResponseError, match="unknown command 'SENTINEL'"):
            redis.sentinel.Sentinel([("watcher", 26379)]).discover_master("mymaster")

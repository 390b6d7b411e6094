"""Constructors and `from_url`: what they accept, and which clients share a server."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import pytest
import redis
import redis.asyncio

import redouble
import redouble.aioredis
from redouble import FakeAsyncRedis, FakeConnection, FakeRedis, FakeServer, FakeStrictRedis, reset


def version(client: Any) -> tuple[int, ...]:
    reported = client.execute_command("HELLO")
    fields = reported if isinstance(reported, dict) else dict(zip(reported[::2], reported[1::2]))
    return tuple(int(part) for part in fields[b"version"].split(b"."))


def test_clients_are_the_library_s_own_classes() -> None:
    assert issubclass(FakeRedis, redis.Redis)
    assert issubclass(FakeStrictRedis, redis.StrictRedis)
    assert issubclass(FakeAsyncRedis, redis.asyncio.Redis)
    assert issubclass(FakeConnection, redis.Connection)
    assert issubclass(redouble.FakeAsyncConnection, redis.asyncio.Connection)
    assert redouble.FakeRedisConnection is FakeConnection
    assert redouble.aioredis.FakeRedis is FakeAsyncRedis
    assert redouble.aioredis.FakeConnection is redouble.FakeAsyncRedisConnection


def test_every_public_name_exists() -> None:
    for name in redouble.__all__:
        assert getattr(redouble, name).__name__
    assert set(redouble.__all__) <= set(dir(redouble))
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = redouble.Nonsense


def test_connection_classes_can_be_subclassed() -> None:
    class Mine(FakeConnection):
        def on_connect(self) -> None:
            super().on_connect()
            self.greeted = True

    pool = redis.ConnectionPool(connection_class=Mine)
    assert redis.Redis(connection_pool=pool).set("a", 1)


def test_default_version_is_the_newest_seven() -> None:
    assert version(FakeRedis())[0] == 7
    assert version(FakeRedis(version=(7, 0)))[:2] == (7, 0)
    assert version(FakeRedis(version="8"))[0] == 8
    assert version(FakeRedis(version=8))[0] == 8
    assert version(FakeRedis(server=FakeServer(version=(7, 0))))[:2] == (7, 0)
    assert FakeServer(version="7.4").version == (7, 4)


@pytest.mark.parametrize("wrong", [{"server_type": "memcached"}, {"version": "seven"}])
def test_wrong_arguments_are_value_errors(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"memcached|seven"):
        FakeRedis(**wrong)


def test_positional_arguments_are_redis_s() -> None:
    FakeRedis("there", 6380, 1).set("a", "1")
    assert FakeRedis(host="there", port=6380, db=1).get("a") == b"1"
    assert FakeRedis(host="there", port=6380, db=0).get("a") is None


def test_unknown_arguments_are_refused_as_redis_py_does() -> None:
    with pytest.raises(TypeError, match="no_such_argument"):
        FakeRedis(no_such_argument=1)


def shared(one: Any, other: Any) -> bool:
    one.set("sharing", "yes")
    return bool(other.get("sharing") == b"yes")


SERVER = FakeServer()

SHARING = [
    (lambda: FakeRedis(), lambda: FakeRedis(), False),
    (lambda: FakeRedis(server=SERVER), lambda: FakeRedis(server=SERVER), True),
    (lambda: FakeRedis(server=SERVER, db=1), lambda: FakeRedis(server=SERVER, db=2), False),
    (lambda: FakeRedis(host="x"), lambda: FakeRedis(host="x"), True),
    (lambda: FakeRedis(host="x"), lambda: FakeRedis(host="x", port=6379), True),
    (lambda: FakeRedis(host="x"), lambda: FakeRedis(host="y"), False),
    (lambda: FakeRedis(port=1), lambda: FakeRedis(host="localhost", port=1), True),
    (lambda: FakeRedis(port=1), lambda: FakeRedis(port=2), False),
    (lambda: FakeRedis(host="x", version=7), lambda: FakeRedis(host="x", version=8), False),
    (lambda: FakeRedis(host="x"), lambda: FakeRedis(host="x", server_type="valkey"), False),
    (lambda: FakeRedis(unix_socket_path="/s"), lambda: FakeRedis(unix_socket_path="/s"), True),
    (lambda: FakeRedis(unix_socket_path="/s"), lambda: FakeRedis(unix_socket_path="/t"), False),
    (lambda: FakeRedis(unix_socket_path="/s"), lambda: FakeRedis.from_url("unix:///s"), True),
    (lambda: FakeRedis(host="x"), lambda: FakeRedis.from_url("redis://x"), True),
    (lambda: FakeRedis(host="x", db=3), lambda: FakeRedis.from_url("redis://x/3"), True),
    (lambda: FakeRedis(host="x", ssl=True), lambda: FakeRedis.from_url("rediss://x:6379/0"), True),
    (lambda: FakeRedis.from_url("redis://x"), lambda: FakeRedis.from_url("redis://x"), True),
    (lambda: FakeRedis.from_url("redis://x", server=SERVER), lambda: FakeRedis(server=SERVER), True),
    (
        lambda: FakeRedis(host="x", port=7),
        lambda: redis.Redis(connection_pool=redis.ConnectionPool(FakeConnection, host="x", port=7)),
        True,
    ),
    (
        lambda: FakeRedis(host="localhost"),
        lambda: redis.Redis(connection_pool=redis.ConnectionPool(FakeConnection)),
        True,
    ),
]


@pytest.mark.parametrize(("one", "other", "expected"), SHARING, ids=range(len(SHARING)))
def test_who_shares_a_server(one: Any, other: Any, expected: bool) -> None:
    assert shared(one(), other()) is expected


async def test_sync_and_async_clients_share_by_the_same_rules() -> None:
    FakeRedis(host="x").set("a", "1")
    assert await FakeAsyncRedis(host="x").get("a") == b"1"
    assert await FakeAsyncRedis.from_url("redis://x").get("a") == b"1"
    assert await FakeAsyncRedis().get("a") is None
    pool = redis.asyncio.ConnectionPool(redouble.FakeAsyncConnection, host="x")
    assert await redis.asyncio.Redis(connection_pool=pool).get("a") == b"1"


def test_shared_servers_are_kept_until_reset() -> None:
    FakeRedis(host="x").set("a", "1")
    assert FakeRedis(host="x").get("a") == b"1"
    reset()
    assert FakeRedis(host="x").get("a") is None


@pytest.mark.parametrize("kind", ["client", "pool"])
def test_connections_that_are_open_see_an_empty_server_after_reset(kind: str) -> None:
    pool = redis.ConnectionPool(connection_class=FakeConnection, host="x")
    client = FakeRedis(host="x") if kind == "client" else redis.Redis(connection_pool=pool)
    client.set("a", "1")
    reset()
    assert client.get("a") is None
    client.set("a", "2")
    assert FakeRedis(host="x").get("a") == b"2"


async def test_open_asyncio_connections_see_an_empty_server_after_reset() -> None:
    client = FakeAsyncRedis(host="x")
    await client.set("a", "1")
    reset()
    assert await client.get("a") is None


@pytest.mark.parametrize("pool_class", [redis.ConnectionPool, redis.BlockingConnectionPool])
def test_pool_classes(pool_class: Any) -> None:
    client = FakeRedis(connection_pool_class=pool_class, max_connections=3, decode_responses=True, db=2)
    assert type(client.connection_pool) is pool_class
    assert client.connection_pool.max_connections == 3
    assert client.set("a", "1")
    assert client.get("a") == "1"
    raw = pool_class(connection_class=FakeConnection, server=SERVER)
    assert redis.Redis(connection_pool=raw).set("a", "1")
    from_url = FakeRedis.from_url("redis://x", connection_pool_class=pool_class)
    assert type(from_url.connection_pool) is pool_class
    assert from_url.set("a", "1")


def test_a_blocking_pool_of_one_makes_threads_take_turns() -> None:
    client = FakeRedis(connection_pool_class=redis.BlockingConnectionPool, max_connections=1)
    with client.pipeline() as pipeline:
        pipeline.watch("a")
        client.connection_pool.timeout = 0.01
        with pytest.raises(redis.ConnectionError, match="No connection available"):
            client.get("a")


async def test_asyncio_pool_classes() -> None:
    for pool_class in (redis.asyncio.ConnectionPool, redis.asyncio.BlockingConnectionPool):
        client = FakeAsyncRedis(connection_pool_class=pool_class, max_connections=3)
        assert type(client.connection_pool) is pool_class
        assert await client.set("a", "1")
        assert await client.get("a") == b"1"


def test_max_connections_is_honoured() -> None:
    client = FakeRedis(max_connections=1)
    with client.pipeline() as pipeline:
        pipeline.watch("a")
        with pytest.raises(redis.ConnectionError, match="Too many connections"):
            client.get("a")


def test_single_connection_client() -> None:
    client = FakeRedis(single_connection_client=True)
    assert client.connection is not None
    assert client.set("a", "1")
    assert client.client_id() == client.client_id()
    from_url = FakeRedis.from_url("redis://x", single_connection_client=True)
    assert from_url.connection is not None
    assert from_url.ping()


async def test_asyncio_single_connection_client() -> None:
    async with FakeAsyncRedis(single_connection_client=True) as client:
        assert await client.set("a", "1")
        assert await client.get("a") == b"1"


def test_the_handshake_reaches_the_server() -> None:
    client = FakeRedis(client_name="worker", db=3)
    assert client.client_getname() in ("worker", b"worker")
    info = client.client_info()
    assert int(info["db"]) == 3
    assert info["lib-name"].startswith("redis-py")
    assert info["lib-ver"] == redis.__version__


def test_driver_info_is_sent() -> None:
    if "driver_info" not in inspect.signature(redis.Redis).parameters:
        pytest.skip("this redis-py has no driver_info")
    info = redis.DriverInfo().add_upstream_driver("django-redis", "5.4.0")
    pool = redis.ConnectionPool(connection_class=FakeConnection, driver_info=info)
    assert "django-redis" in redis.Redis(connection_pool=pool).client_info()["lib-name"]


def test_any_parser_class_is_accepted() -> None:
    parser = redis.connection.DefaultParser
    pool = redis.ConnectionPool(connection_class=FakeConnection, parser_class=parser, server=SERVER)
    assert redis.Redis(connection_pool=pool).ping()


def test_representation_names_the_server() -> None:
    pool = FakeRedis(host="x").connection_pool
    assert "server=" in repr(pool.make_connection())


def test_a_server_may_begin_disconnected() -> None:
    client = FakeRedis(connected=False)
    with pytest.raises(redis.ConnectionError, match="FakeRedis is emulating a connection error"):
        client.ping()


def test_from_url_refuses_what_redis_py_refuses() -> None:
    with pytest.raises(ValueError, match="scheme"):
        FakeRedis.from_url("http://x")


def test_config_of_a_server() -> None:
    server = FakeServer(config={b"requirepass": b"secret"})
    with pytest.raises(redis.AuthenticationError):
        FakeRedis(server=server).ping()
    assert FakeRedis(server=server, password="secret").ping()
    assert server.config is server.core.config
    assert server.server_type == "redis"
    assert server.lastsave > 0
    assert 0 in server.dbs


@pytest.mark.parametrize(
    "make",
    [
        lambda **options: FakeRedis(**options),
        lambda **options: FakeRedis.from_url("redis://x", **options),
        lambda **options: FakeAsyncRedis(**options),
        lambda **options: FakeConnection(**options),
        lambda **options: redouble.FakeAsyncConnection(**options),
    ],
)
def test_lua_modules(make: Any) -> None:
    make(lua_modules={"cjson", "cmsgpack", "struct", "bit", "cjson.so"})  # warnings are errors here
    with pytest.warns(
        UserWarning, match="scripts have bit, cjson, cmsgpack, struct, .* but not lfs, socket.so"
    ) as told:
        make(lua_modules={"cjson", "socket.so", "lfs"})
    assert [warning.filename for warning in told] == [__file__]


def test_scripts_have_their_modules_without_being_told() -> None:
    script = "return {cjson.encode({1}), struct.pack('B', 7), cmsgpack.pack(7), bit.bor(3, 4)}"
    assert FakeRedis().eval(script, 0) == [b"[1]", b"\x07", b"\x07", 7]


def test_threads_that_are_the_first_to_use_a_server_find_one() -> None:
    server = FakeServer()
    barrier = threading.Barrier(4)

    def use() -> None:
        barrier.wait()
        FakeRedis(server=server).incr("count")

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert FakeRedis(server=server).get("count") == b"4"


def test_upstream_drivers_belong_to_one_client() -> None:
    info = FakeRedis(ssl=False).get_connection_kwargs().get("driver_info")
    if info is None:
        pytest.skip("this redis-py has none")
    info.add_upstream_driver("mine", "1.0")
    for other in FakeRedis(ssl=False), FakeRedis(), FakeRedis():
        assert other.get_connection_kwargs()["driver_info"].formatted_name == "redis-py"

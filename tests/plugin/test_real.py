"""--redouble-url: the same tests on a real Redis, a real Valkey and a real cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from redis.cluster import RedisCluster

from redouble.suite.local import LocalServer
from redouble.suite.real import Address, Unusable

from .cluster import free_port
from .conftest import Run, binary

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.real

SUITE = """
    import asyncio
    import pytest
    import redis

    @pytest.mark.parametrize("turn", range(2))
    def test_sync(turn, redouble, text):
        assert redouble.get("k") is None
        assert redouble.set("k", turn)
        assert text.get("k") == str(turn)
        with redouble.pipeline(transaction=False) as pipe:
            assert pipe.incr("{k}n").get("{k}n").execute() == [1, b"1"]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("turn", range(2))
    async def test_async(turn, redouble_async):
        assert await redouble_async.get("k") is None
        assert await redouble_async.set("k", turn)
        async with redouble_async.pipeline(transaction=False) as pipe:
            assert await pipe.incr("{k}n").get("{k}n").execute() == [1, b"1"]

    @pytest.mark.asyncio(loop_scope="session")
    async def test_async_on_a_loop_that_stays(redouble_async):
        assert await redouble_async.set("k", 1)

    def test_two_loops_of_the_tests_own(redouble_async):
        for turn in range(2):
            assert asyncio.run(redouble_async.set("k", turn))

    def test_url(redouble_url, redouble):
        if not isinstance(redouble, redis.cluster.RedisCluster):
            with redis.Redis.from_url(redouble_url) as client:
                assert client.set("k", 1)
            assert redouble.get("k") == b"1"

    def test_real_classes(redouble, redouble_async, redouble_server):
        assert type(redouble).__module__.startswith("redis.")
        assert type(redouble_async).__module__.startswith("redis.asyncio.")
        assert redouble_server.server_type in ("redis", "valkey") and redouble_server.version >= (8,)
"""
TEXT_CLIENT = """
    from redouble import fixtures
    text = fixtures.client(decode_responses=True)
"""
TESTS_OF_SUITE = 8


@pytest.fixture
def clean(redis_url: str) -> redis.Redis:
    """A client of database 0 of the real server, which is empty before and after the test."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushall()
        yield client
        client.flushall()


def test_on_a_real_server(run: Run, real_url: str) -> None:
    result = run(SUITE, "--redouble-url", real_url, conftest=TEXT_CLIENT)
    result.assert_outcomes(passed=TESTS_OF_SUITE)
    with redis.Redis.from_url(real_url) as client:
        assert client.dbsize() == 0


def test_on_a_real_cluster(run: Run, cluster_url: str) -> None:
    result = run(SUITE, "--redouble-url", cluster_url, conftest=TEXT_CLIENT)
    result.assert_outcomes(passed=TESTS_OF_SUITE)
    host = cluster_url.replace("redis://", "redis+cluster://")
    source = """
        def test_it(redouble, redouble_async):
            import redis
            assert isinstance(redouble, redis.cluster.RedisCluster)
            assert isinstance(redouble_async, redis.asyncio.cluster.RedisCluster)
            for number in range(100):
                redouble.set(f"key {number}", number)
            assert redouble.dbsize(target_nodes="primaries") == 100
            assert all(redouble.dbsize(target_nodes=node) > 0 for node in redouble.get_primaries())
        """
    run(source, "--redouble-url", host).assert_outcomes(passed=1)
    with RedisCluster.from_url(cluster_url) as client:
        assert client.dbsize(target_nodes="primaries") == 0


def test_a_cluster_is_not_shared_by_processes(run: Run, cluster_url: str) -> None:
    result = run("def test_it(redouble): ...", "-n", "2", "--redouble-url", cluster_url)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*is a cluster, which has one database, and 2 processes*"])


@pytest.mark.parametrize("where", ["redis_url", "cluster_url"])
def test_anyio(run: Run, request: pytest.FixtureRequest, where: str) -> None:
    source = """
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture(scope="module")
        async def loop_that_stays():
            yield

        async def test_it(redouble_async):
            assert await redouble_async.set("k", 1)

        async def test_on_a_loop_that_stays(redouble_async, loop_that_stays):
            assert await redouble_async.get("k") is None
            assert await redouble_async.set("k", 1)

        async def test_after_that(redouble_async, loop_that_stays):
            assert await redouble_async.get("k") is None

        def test_sync(redouble):
            assert redouble.get("k") is None
        """
    url = request.getfixturevalue(where)
    run(source, "--redouble-url", url, "-p", "no:asyncio", ini=None).assert_outcomes(passed=4)


def test_valkey_py(run: Run, real_url: str) -> None:
    source = """
        import asyncio
        import valkey

        def test_it(client, async_client):
            assert type(client) is valkey.Valkey and type(async_client) is valkey.asyncio.Valkey
            assert client.set("k", 1) and asyncio.run(async_client.get("k")) == b"1"
        """
    conftest = """
        from redouble import fixtures
        client = fixtures.client(library="valkey")
        async_client = fixtures.async_client(library="valkey")
        """
    for options in ([], ["--redouble-url", real_url]):
        only_real = (
            source
            if options
            else source.replace("type(client) is valkey", "isinstance(client, valkey").replace(
                "Valkey and type(async_client) is valkey.asyncio.Valkey",
                "Valkey) and isinstance(async_client, valkey.asyncio.Valkey)",
            )
        )
        run(only_real, *options, conftest=conftest).assert_outcomes(passed=1)


def test_what_only_the_fake_has_is_skipped_and_named(run: Run, redis_url: str, clean: redis.Redis) -> None:
    result = run(
        """
        import pytest
        import redouble as package

        def test_asks(redouble_server): redouble_server.faults.error("READONLY", on="SET")
        def test_sets(redouble_server): redouble_server.connected = False
        def test_tcp(redouble_tcp): ...
        def test_own_client(redouble_server): package.FakeRedis(server=redouble_server).ping()

        @pytest.mark.redouble(clock=package.ManualClock())
        def test_clock(redouble): ...

        @pytest.mark.redouble(version="7.2")
        def test_version(redouble): ...

        @pytest.mark.redouble(server_type="valkey")
        def test_type(redouble): ...

        @pytest.mark.redouble(version=8, server_type="redis", record=False)
        def test_fits(redouble): assert redouble.ping()

        @pytest.mark.redouble(config={"no-such-parameter": 1})
        def test_config(redouble): ...
        """,
        "-rs",
        "--redouble-url",
        redis_url,
    )
    result.assert_outcomes(passed=1, skipped=8)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED*test_what_only*.py:*: redouble: this test asks for redouble_server.faults, which only the fake has",
            "SKIPPED*: redouble: this test sets redouble_server.connected, which only the fake has",
            "SKIPPED*: redouble: this test asks for redouble_tcp, which only the fake has",
            "SKIPPED*: redouble: this test asks for clock, which only the fake has; redis://127.0.0.1:* is redis 8.6.*",
            "SKIPPED*: redouble: this test needs redis 7.2; redis://127.0.0.1:* is redis 8.6.*",
            "SKIPPED*: redouble: this test needs valkey; redis://127.0.0.1:* is redis 8.6.*",
            "SKIPPED*: redouble: this test needs no-such-parameter 1: *",
        ]
    )


def test_configuration_is_set_for_one_test(run: Run, redis_url: str, clean: redis.Redis) -> None:
    before = clean.config_get("maxmemory-policy")
    result = run(
        """
        import asyncio
        import pytest
        import redis

        @pytest.mark.redouble(config={"maxmemory-policy": "allkeys-lfu", "requirepass": "secret"})
        def test_it(redouble, redouble_async, redouble_url):
            assert redouble.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lfu"}
            assert asyncio.run(redouble_async.ping())
            with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(redouble_url, password=None) as client:
                client.auth("wrong")
        """,
        "--redouble-url",
        redis_url,
    )
    result.assert_outcomes(passed=1)
    assert clean.config_get("maxmemory-policy") == before
    assert clean.config_get("requirepass") == {"requirepass": ""}


def test_a_database_with_keys_is_refused(run: Run, redis_url: str, clean: redis.Redis) -> None:
    clean.set("precious", 1)
    source = "def test_it(redouble): assert redouble.dbsize() == 0"
    result = run(source, "--redouble-url", redis_url)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*database 0 of redis://127.0.0.1:* holds 1 key, and the fixtures remove all keys*"])
    assert clean.get("precious") == "1"
    run(None, "--redouble-url", redis_url.replace("/0", "/7")).assert_outcomes(passed=1)
    assert clean.get("precious") == "1"
    run(None, "--redouble-url", redis_url, "--collect-only")
    assert clean.get("precious") == "1"
    run(None, "--redouble-url", redis_url, "--redouble-flush").assert_outcomes(passed=1)
    assert clean.get("precious") is None


def test_each_worker_has_a_database(run: Run, redis_url: str, clean: redis.Redis) -> None:
    source = """
        import os, pytest

        @pytest.mark.parametrize("turn", range(40))
        def test_it(turn, redouble):
            assert redouble.incr("n") == 1
            assert redouble.connection_pool.connection_kwargs["db"] == 3 + int(os.environ["PYTEST_XDIST_WORKER"][2:])
        """
    url = redis_url.replace("/0", "/3")
    run(source, "-n", "2", "--redouble-url", url).assert_outcomes(passed=40)
    with redis.Redis.from_url(redis_url.replace("/0", "/4")) as second:
        second.set("precious", 1)
    result = run(None, "-n", "2", "--redouble-url", url)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*database 4 of redis://* holds 1 key*"])
    options = ["--redouble-url", redis_url.replace("/0", "/15"), "--redouble-flush"]
    result = run(None, "--dist", "load", "--tx", "2*popen", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*has no database 16: each process of a parallel run takes a database of its own*"])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://localhost", "*http://localhost is none of redis://, *"),
        ("redis://:secret@127.0.0.1:1", "*redis://:***@127.0.0.1:1 cannot be used: *"),
        ("redis://127.0.0.1:1/x", "*'x' is no number of a database*"),
    ],
)
def test_urls_that_are_no_use(run: Run, url: str, message: str) -> None:
    result = run("def test_it(redouble): ...", "--redouble-url", url)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "secret" not in str(result.stderr) + str(result.stdout)


def test_a_server_that_is_no_cluster(run: Run, redis_url: str, clean: redis.Redis) -> None:
    result = run("def test_it(redouble): ...", "--redouble-url", redis_url.replace("redis://", "redis+cluster://"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*is no cluster*"])


def test_a_unix_socket(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    server = LocalServer(binary("redis-8.6"), ["--unixsocket", str(path)])
    try:
        source = """
            import redis

            def test_it(redouble, redouble_url):
                redouble.set("k", 1)
                with redis.Redis.from_url(redouble_url) as client:
                    assert client.get("k") == b"1"
            """
        run(source, "--redouble-url", f"unix://{path}?db=2").assert_outcomes(passed=1)
    finally:
        server.stop()


def test_tls(run: Run) -> None:
    certificates = Path(__file__).parents[1] / "net" / "certificates"
    server = LocalServer(binary("redis-8.6"))
    port = free_port()
    try:
        with redis.Redis(port=server.port) as client:
            for name, file in (("cert", "server.pem"), ("key", "server.key"), ("ca-cert", "ca.pem")):
                client.config_set(f"tls-{name}-file", str(certificates / file))
            client.config_set("tls-auth-clients", "no")
            client.config_set("tls-port", port)
        url = f"rediss://127.0.0.1:{port}/1?ssl_cert_reqs=none&ssl_check_hostname=false"
        run(
            SUITE.replace("def test_url", "def no_test_url"), "--redouble-url", url, conftest=TEXT_CLIENT
        ).assert_outcomes(passed=TESTS_OF_SUITE - 1)
    finally:
        server.stop()


def test_a_failure_shows_the_last_commands(run: Run, redis_url: str, clean: redis.Redis) -> None:
    result = run(
        """
        def test_it(redouble):
            redouble.set("k", "a b")
            redouble.lpush("k", 1)
        """,
        "--redouble-url",
        redis_url,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["last commands:", '  SET k "a b" -> OK', "  LPUSH k 1 -> (error) *WRONGTYPE*"])


def test_addresses() -> None:
    assert Address("valkey://h:1/2").of(5) == "redis://h:1/5"
    assert Address("valkeys://u:p@h:1?db=3").db == 3
    assert Address("unix:///tmp/s?db=3").of(4, "a b") == "unix://:a%20b@/tmp/s?db=4"
    assert Address("rediss+cluster://u:p@h:1").of(0, "x") == "rediss://:x@h:1/0"
    with pytest.raises(Unusable):
        Address("redis://h/seven")

"""The fixtures on the fake: isolation, factories, marker, ini options, asyncio in every mode, and what a failure shows."""

from __future__ import annotations

import threading

import pytest

from .conftest import Run

pytest_plugins = ["pytester"]


def test_every_test_has_a_server_of_its_own(run: Run) -> None:
    result = run(
        """
        import asyncio
        import pytest
        import redis

        @pytest.mark.parametrize("turn", range(3))
        def test_all_fixtures_are_about_one_server(turn, redouble_server, redouble, redouble_async, redouble_tcp, redouble_url):
            assert redouble.keys() == []
            assert isinstance(redouble, redis.Redis) and isinstance(redouble_async, redis.asyncio.Redis)
            redouble.set("sync", 1)
            asyncio.run(redouble_async.set("async", 2))
            with redis.Redis.from_url(redouble_url) as tcp:
                assert tcp.mget("sync", "async") == [b"1", b"2"]
            assert redouble_tcp.fake_server is redouble_server
            assert redouble_server.commands.count("SET") == 2
        """
    )
    result.assert_outcomes(passed=3)


def test_the_tcp_address_stays_and_old_connections_end(run: Run) -> None:
    result = run(
        """
        import pytest
        import redis

        kept = []

        @pytest.mark.parametrize("turn", range(3))
        def test_one_after_the_other(turn, redouble_url):
            for client, url in kept:
                assert url == redouble_url
                with pytest.raises(redis.ConnectionError):
                    client.execute_command("GET", "k")
            kept.clear()
            client = redis.Redis.from_url(redouble_url, single_connection_client=True, retry=None)
            assert client.set("k", turn, nx=True)
            kept.append((client, redouble_url))

        def test_the_server_is_gone_between_tests():
            client, url = kept.pop()
            with pytest.raises(redis.ConnectionError), redis.Redis.from_url(url, retry=None) as other:
                other.ping()
            client.close()
        """
    )
    result.assert_outcomes(passed=4)


def test_it_serves_again_after_a_test_shut_it_down(run: Run) -> None:
    result = run(
        """
        import pytest
        import redis

        @pytest.mark.parametrize("turn", range(2))
        def test_shutdown(turn, redouble_url):
            with redis.Redis.from_url(redouble_url) as client:
                assert client.ping()
                client.shutdown(nosave=True)
        """
    )
    result.assert_outcomes(passed=2)


def test_a_blocked_thread_ends_with_its_test(run: Run) -> None:
    result = run(
        """
        import threading
        import redis
        import pytest

        threads = []

        def wait(client):
            with pytest.raises(redis.ConnectionError):
                client.blpop("nothing")

        def test_leaves_a_thread(redouble, redouble_server):
            threads.append(threading.Thread(target=wait, args=(redouble,)))
            threads[0].start()
            while not redouble_server.commands.waiting:
                pass

        def test_it_is_over():
            threads[0].join(20)
            assert not threads[0].is_alive()
        """
    )
    result.assert_outcomes(passed=2)


def test_servers_of_a_module_keep_their_data(run: Run) -> None:
    result = run(
        """
        def test_writes(shared, shared_url):
            import redis
            with redis.Redis.from_url(shared_url) as client:
                client.set("k", "v")
            assert shared.get("k") == "v"

        def test_reads(shared, redouble):
            assert shared.get("k") == "v"
            assert redouble.get("k") is None

        def test_own_names(text, keyspace):
            assert text.set("k", "v") and text.get("k") == "v"
            assert keyspace.server_type == "valkey" and text.info("server")["valkey_version"].startswith("8.1")
            assert type(text).__mro__[1].__module__ != "redis.client"
        """,
        conftest="""
        from redouble import fixtures

        shared_server = fixtures.server(scope="module")
        shared = fixtures.client("shared_server", scope="module", decode_responses=True)
        shared_url = fixtures.url("shared_server")
        keyspace = fixtures.server(server_type="valkey", version="8.1")
        text = fixtures.client("keyspace", library="valkey", decode_responses=True)
        """,
    )
    result.assert_outcomes(passed=3)


def test_marker_fixture_and_ini_say_what_server_it_is(run: Run) -> None:
    result = run(
        """
        import pytest

        pytestmark = pytest.mark.redouble(config={"maxmemory-policy": "allkeys-lru"})

        def test_ini(redouble):
            info = redouble.info("server")
            assert info["redis_version"].startswith("6.2")
            assert redouble.config_get("hash-max-listpack-entries") == {}
            assert redouble.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
            assert redouble.config_get("list-max-ziplist-size") == {"list-max-ziplist-size": "-1"}
            assert redouble.config_get("save") == {"save": ""}

        @pytest.mark.redouble(version="8.6", config={"requirepass": "se:cr et"})
        def test_marker(redouble, redouble_async, redouble_url, redouble_server):
            import asyncio, redis
            assert redouble.info("server")["redis_version"].startswith("8.6")
            assert redouble.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
            assert asyncio.run(redouble_async.ping())
            with redis.Redis.from_url(redouble_url) as client:
                assert client.ping()

        @pytest.mark.redouble(server_type="valkey")
        def test_another_type_is_not_given_the_version_of_the_first(redouble):
            assert "valkey_version" in redouble.info("server") or redouble.info("server")["redis_version"] == "7.2.4"

        @pytest.mark.redouble(record=False)
        def test_no_record(redouble_server):
            with pytest.raises(RuntimeError):
                redouble_server.commands

        @pytest.mark.redouble("7.4")
        def test_the_marker_takes_names(redouble): ...
        """,
        ini="""
redouble_version = 6.2
redouble_server_type = redis
redouble_config =
    list-max-ziplist-size -1
    save ""
""",
    )
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["*the marker redouble takes names: redouble(version='7.4')"])


ASYNC_BODY = """
    assert await redouble_async.set("k", "v")
    assert await redouble_async.get("k") == b"v"
    async with redouble_async.pipeline() as pipe:
        assert await pipe.get("k").incr("n").execute() == [b"v", 1]
"""


@pytest.mark.parametrize(
    ("mode", "marker", "plugins"),
    [
        ("auto", "", ["-p", "no:anyio"]),
        ("strict", "@pytest.mark.asyncio", ["-p", "no:anyio"]),
        ("strict", '@pytest.mark.asyncio(loop_scope="session")', []),
        ("strict", '@pytest.mark.anyio\n@pytest.mark.parametrize("anyio_backend", ["asyncio"])', []),
        (None, '@pytest.mark.anyio\n@pytest.mark.parametrize("anyio_backend", ["asyncio"])', ["-p", "no:asyncio"]),
    ],
    ids=["auto", "strict", "session loop", "anyio beside pytest-asyncio", "anyio"],
)
def test_asyncio_under_every_runner(run: Run, mode: str | None, marker: str, plugins: list[str]) -> None:
    source = "import pytest"
    for name in ("test_it", "test_again"):
        source += f"\n\n{marker}\nasync def {name}(redouble_async):{ASYNC_BODY}"
    options = [*plugins, "-o", f"asyncio_mode={mode}"] if mode else plugins
    run(source, *options, ini="" if mode else None).assert_outcomes(passed=2)


def test_asyncio_without_a_plugin_for_it(run: Run) -> None:
    source = f"""
import asyncio
import pytest

@pytest.mark.parametrize("turn", range(2))
def test_it(turn, redouble_async):
    asyncio.run(use(redouble_async))
    asyncio.run(redouble_async.ping())

async def use(redouble_async):{ASYNC_BODY}
"""
    run(source, "-p", "no:asyncio", "-p", "no:anyio", ini=None).assert_outcomes(passed=2)


def test_failure_shows_commands_keys_and_who_waits(run: Run) -> None:
    result = run(
        """
        import contextlib
        import threading
        from redis import ConnectionError

        def test_it(redouble, redouble_server):
            redouble.set("greeting", "hello world", ex=100)
            redouble.rpush("jobs", 1, 2)
            redouble.sadd("gone", 1)
            redouble.delete("gone")
            redouble.eval("return redis.call('HSET', KEYS[1], 'f', 'v')", 1, "h")
            redouble.execute_command("NOSUCH")

        def test_waiting(redouble, redouble_server):
            pubsub = redouble.pubsub()
            pubsub.subscribe("news")
            thread = threading.Thread(target=wait, args=(redouble,))
            thread.start()
            while not redouble_server.commands.waiting:
                pass
            assert False

        def wait(client):
            with contextlib.suppress(ConnectionError):
                client.blpop("queue")

        def test_passes(redouble):
            redouble.set("never shown", 1)
        """
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*- redouble -*",
            "redis 7*, 1 clients connected",
            "last commands:",
            '  1> SET greeting "hello world" EX 100 -> OK',
            "  1> RPUSH jobs 1 2 -> 2",
            "  1> EVAL * 1 h -> 1",
            "  1>     HSET h f v -> 1",
            "  1> NOSUCH -> (error) ERR unknown command*",
            "keys that the test changed:",
            '  greeting: string, "hello world", goes in * s',
            "  jobs: list of 2",
            "  gone: not there",
            "  h: hash of 1",
            "*- redouble -*",
            "  2> BLPOP queue 0 -> (waits)",
            "waiting:",
            "  1> listens to news",
            "  2> BLPOP queue 0",
        ]
    )
    result.stdout.no_fnmatch_line("*never shown*")


def test_of_a_server_that_is_older_only_this_tests_commands_are_shown(run: Run) -> None:
    result = run(
        """
        from redouble import fixtures

        shared_server = fixtures.server(scope="module")
        shared = fixtures.client("shared_server", scope="module")

        def test_first(shared):
            shared.set("early", 1)

        def test_second(shared):
            shared.set("late", 1)
            assert False

        def test_without(): assert False
        """
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["last commands:", "  1> SET late 1 -> OK"])
    result.stdout.no_fnmatch_line("*SET early*")
    assert str(result.stdout).count("last commands") == 1


def test_a_strict_server_tells_what_it_lacks_over_tcp_too(run: Run) -> None:
    result = run(
        """
        import pytest
        import redis

        @pytest.mark.redouble(version="6.2", strict=True)
        def test_it(redouble_url):
            with redis.Redis.from_url(redouble_url) as client, pytest.raises(redis.ResponseError):
                client.lmpop(1, "k", direction="LEFT")
        """
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E*UnknownCommandError: commands that the server lacks: LMPOP"])


def test_nothing_stays_behind(run: Run) -> None:
    before = set(threading.enumerate())
    result = run("def test_it(redouble_url, redouble): redouble.ping()")
    result.assert_outcomes(passed=1)
    assert set(threading.enumerate()) == before


def test_fixtures_are_described(run: Run) -> None:
    result = run("", "--fixtures")
    for name in ("redouble_server", "redouble", "redouble_async", "redouble_tcp", "redouble_url"):
        result.stdout.fnmatch_lines([f"{name} -- *"])
    run("", "--markers").stdout.fnmatch_lines(["@pytest.mark.redouble(version=*"])
    run("", "--help").stdout.fnmatch_lines(["*--redouble-url=URL*", "*--redouble-parity*"])

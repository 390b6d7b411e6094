"""--redouble-parity: every test on both sides, and where they disagree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from redouble.suite.parity import Recorded, first_difference

from .conftest import Run

pytest_plugins = ["pytester"]

PLANTED = """
    from redouble.commands import string
    from redouble.core.server import Server

    # A bug: GETRANGE loses a byte, and STRLEN counts one too many.
    usual = Server.find

    def find(self, argv):
        command = usual(self, argv)
        if argv[0].upper() in (b"GETRANGE", b"STRLEN") and not hasattr(command, "spoilt"):
            run = command.run
            spoil = (lambda reply: reply[:-1]) if argv[0].upper() == b"GETRANGE" else (lambda reply: reply + 1)
            command.run = lambda client, argv: spoil(run(client, argv))
            self.spoilt = [*getattr(self, "spoilt", []), command]
            self.table[argv[0]] = command
        return command
"""
SUITE = """
    import asyncio
    import random
    import time
    import uuid
    import pytest

    def test_finds_it(redouble):
        redouble.set("k", "abcdef")
        redouble.append("k", "g")
        assert redouble.getrange("k", 1, 3) == b"bcd"

    @pytest.mark.parametrize("word", ["a", "b"])
    def test_it_is_there_but_nobody_looks(redouble, word):
        redouble.set("k", word)
        redouble.strlen("k")

    def test_fails_on_both(redouble):
        assert redouble.incr("n") == 7

    def test_what_is_chance_is_no_difference(redouble, redouble_async):
        token = uuid.uuid4().hex
        redouble.set("lock", token, nx=True, px=random.randint(5000, 6000))
        assert redouble.get("lock").decode() == token
        assert redouble.pttl("lock") > 1
        id = redouble.xadd("stream", {"token": token})
        assert redouble.xrange("stream")[0][0] == id
        redouble.sadd("set", *(f"member {number}" for number in range(300)))
        assert len(redouble.smembers("set")) == 300
        assert len(set(redouble.sscan_iter("set"))) == 300
        redouble.hset("hash", mapping={str(number): number for number in range(300)})
        assert len(redouble.hgetall("hash")) == len(dict(redouble.hscan_iter("hash"))) == 300
        redouble.srandmember("set"), redouble.time(), redouble.client_id(), redouble.info()
        with redouble.pipeline() as pipe:
            pipe.get("lock").lpush("lock", 1)
            assert len(pipe.execute(raise_on_error=False)) == 2
        assert len(list(redouble.scan_iter(match="s*"))) == 2
        asyncio.run(redouble_async.zadd("times", {"now": time.time()}))
        assert asyncio.run(redouble_async.zrange("times", 0, -1, withscores=True))

    def test_messages(redouble):
        with redouble.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe("news")
            pubsub.get_message(timeout=1)
            redouble.publish("news", "hello")
            assert pubsub.get_message(timeout=5)["data"] == b"hello"

    def test_only_on_the_fake(redouble, redouble_server):
        redouble.ping()
        assert redouble_server.commands.count("PING") == 1

    @pytest.mark.redouble(version="7.2")
    def test_another_version(redouble): redouble.ping()

    @pytest.mark.xfail
    def test_expected(redouble):
        assert redouble.strlen("none") == 0 and redouble.getrange("none", 0, 1) == b"x"

    def test_without(): ...
"""


def planted(conftest: str = PLANTED) -> str:
    return (
        conftest
        + """
    import pytest

    @pytest.fixture(autouse=True)
    def a_bug_in_redouble(monkeypatch):
        monkeypatch.setattr(Server, "find", find)
"""
    )


@pytest.mark.real
@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_planted_difference_is_found(run: Run, path_with: Callable[[str, str], None], options: list[str]) -> None:
    path_with("redis-server", "redis-8.6")
    result = run(SUITE, "--redouble-parity", *options, "--tb=no", conftest=planted())
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*redouble: the fake and the real server, redis 8.6.*",
            "ran on both: 7; with different outcomes: 1; on one side only: 2",
            "*.py::test_finds_it: failed on the fake, passed on the real server",
            "  the first difference is at command 3",
            "    fake: GETRANGE k 1 3 -> bc",
            "    real: GETRANGE k 1 3 -> bcd",
            "the same outcome, but different replies:",
            "*.py::test_it_is_there_but_nobody_looks[[]a[]]: passed on both",
            "  the first difference is at command 2",
            "    fake: STRLEN k -> 2",
            "    real: STRLEN k -> 1",
            "*.py::test_it_is_there_but_nobody_looks[[]b[]]: passed on both",
        ]
    )


@pytest.mark.real
def test_without_a_difference_all_is_well(run: Run, path_with: Callable[[str, str], None]) -> None:
    path_with("valkey-server", "valkey-9")
    result = run(SUITE.replace("== 7", "== 1"), "--redouble-parity", "-o", "redouble_server_type=valkey")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["*the fake and the real server, valkey 9.*", "ran on both: 7; with different outcomes: 0; on one side only: 2"]
    )
    result.stdout.no_fnmatch_line("*different replies*")


@pytest.mark.real
def test_both_have_the_configuration_of_the_ini_options(run: Run, path_with: Callable[[str, str], None]) -> None:
    path_with("redis-server", "redis-8.6")
    source = """
        def test_it(redouble):
            assert redouble.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
            assert redouble.config_get("save") == {"save": ""}
        """
    ini = 'redouble_config =\n    maxmemory-policy allkeys-lru\n    save ""\n'
    run(source, "--redouble-parity", ini=ini).assert_outcomes(passed=2)


@pytest.mark.real
def test_a_difference_that_no_outcome_shows_to_pytest_fails_the_run(run: Run, redis_url: str) -> None:
    source = """
        import pytest

        @pytest.mark.xfail
        def test_it(redouble):
            redouble.set("k", "abcdef")
            assert redouble.strlen("k") == 7
        """
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    result = run(source, f"--redouble-parity={redis_url}", conftest=planted())
    result.assert_outcomes(xpassed=1, xfailed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*::test_it: xpassed on the fake, xfailed on the real server"])
    assert run(None, f"--redouble-parity={redis_url}").ret == pytest.ExitCode.OK


@pytest.mark.real
def test_a_cluster_is_compared_by_its_outcomes(run: Run, cluster_url: str) -> None:
    source = """
        def test_one_slot(redouble):
            assert redouble.mset({"{a}1": 1, "{a}2": 2})

        def test_two_slots(redouble):
            redouble.execute_command("MSET", "a", 1, "b", 2)
        """
    result = run(source, "--redouble-parity", cluster_url, "--tb=no")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "ran on both: 2; with different outcomes: 1",
            "*::test_two_slots: passed on the fake, failed on the real server",
        ]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--redouble-parity", "tests"], "*--redouble-parity took 'tests' for its URL*"),
        (["--redouble-parity=redis://a", "--redouble-url=redis://b"], "*name different servers*"),
        (["--redouble-parity"], "*no redis-server or valkey-server on PATH*"),
        (["--redouble-parity", "-o", "redouble_server_type=valkey"], "*no valkey-server on PATH*"),
    ],
)
def test_wrong_use(run: Run, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str) -> None:
    monkeypatch.setenv("PATH", "")
    result = run("def test_it(redouble): ...", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


# What is compared.


def commands(*entries: tuple[str, Any]) -> list[Recorded]:
    return [(line.encode().split(), reply) for line, reply in entries]


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (("GET k", b"v"), ("GET k", b"v")),
        (("SMEMBERS s", [b"a", b"b"]), ("SMEMBERS s", [b"b", b"a"])),
        (("SMEMBERS s", ("set", [b"a", b"b"])), ("SMEMBERS s", ("set", [b"b", b"a"]))),
        (("HGETALL h", [b"a", b"1", b"b", b"2"]), ("HGETALL h", [b"b", b"2", b"a", b"1"])),
        (("HGETALL h", ("map", [[b"a", b"1"], [b"b", b"2"]])), ("HGETALL h", ("map", [[b"b", b"2"], [b"a", b"1"]]))),
        (("TTL k", 9), ("TTL k", 10)),
        (("PTTL k", 9_700), ("PTTL k", 10_000)),
        (("TTL k", 500_000), ("TTL k", 499_000)),
        (("TIME", [b"1", b"2"]), ("TIME", [b"3", b"4"])),
        (("SET lock token1", b"OK"), ("SET lock token2", b"OK")),
        (("", [b"message", b"c", b"x"]), ("", [b"message", b"c", b"x"])),
    ],
)
def test_the_same(fake: tuple[str, Any], real: tuple[str, Any]) -> None:
    assert first_difference(commands(fake), commands(real)) is None


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (("GET k", b"v"), ("GET k", b"w")),
        (("GET k", None), ("GET k", b"w")),
        (("GET k", b"1"), ("GET k", 1)),
        (("EXISTS k", 1), ("EXISTS k", True)),
        (("LRANGE l 0 -1", [b"a", b"b"]), ("LRANGE l 0 -1", [b"b", b"a"])),
        (("SMEMBERS s", [b"a", b"a"]), ("SMEMBERS s", [b"a", b"b"])),
        (("SMEMBERS s", [b"a"]), ("SMEMBERS s", [b"a", b"b"])),
        (("HGETALL h", [b"a", b"1", b"b", b"2"]), ("HGETALL h", [b"a", b"2", b"b", b"1"])),
        (("ZSCORE z a", ("double", "1.5")), ("ZSCORE z a", ("double", "1.25"))),
        (("GET k", ("error", "WRONGTYPE")), ("GET k", ("error", "ERR"))),
        (("TTL k", -1), ("TTL k", 10)),
        (("TTL k", 50), ("TTL k", 100)),
        (("SRANDMEMBER s", b"a"), ("SRANDMEMBER s", None)),
        (("SRANDMEMBER s", ("error", "a")), ("SRANDMEMBER s", ("error", "b"))),
        (("GET k", b"v"), ("SET k v", b"OK")),
        (("MGET a", [b"v"]), ("MGET a b", [b"v", None])),
    ],
)
def test_different(fake: tuple[str, Any], real: tuple[str, Any]) -> None:
    difference = first_difference(commands(("PING", b"PONG"), fake), commands(("PING", b"PONG"), real))
    assert difference is not None
    assert difference.number == 2


def test_what_stands_for_something_on_the_other_side_does_so_later() -> None:
    fake = commands(("XADD s * f v", b"1-0"), ("XRANGE s - +", [[b"1-0", [b"f", b"v"]]]), ("XDEL s 1-0", 1))
    real = commands(("XADD s * f v", b"9-0"), ("XRANGE s - +", [[b"9-0", [b"f", b"v"]]]), ("XDEL s 9-0", 1))
    assert first_difference(fake, real) is None
    other = commands(("XADD s * f v", b"9-0"), ("XRANGE s - +", [[b"8-0", [b"f", b"v"]]]))
    assert first_difference(fake, other) is not None


def test_numbers_are_recognised_however_they_are_spelt() -> None:
    fake = commands(("ZADD z 1700000000.25 now", 1), ("ZRANGE z 0 -1 WITHSCORES", [b"now", b"1.70000000025e+9"]))
    real = commands(
        ("ZADD z 1700000001.5 now", 1), ("ZRANGE z 0 -1 WITHSCORES", [[b"now", ("double", "1700000001.5")]])
    )
    assert first_difference(fake, real) is not None  # not of one shape
    real[1][1][:] = [b"now", b"1700000001.5"]
    assert first_difference(fake, real) is None
    real[1][1][:] = [b"now", b"1700000002.5"]
    assert first_difference(fake, real) is not None


def test_scans_are_compared_as_a_whole() -> None:
    fake = commands(("SCAN 0", [3, [b"a"]]), ("SCAN 3", [0, [b"b", b"c"]]), ("GET a", b"1"))
    real = commands(("SCAN 0", [b"0", [b"c", b"b", b"a"]]), ("GET a", b"1"))
    assert first_difference(fake, real) is None
    assert first_difference(fake, commands(("SCAN 0", [b"0", [b"c", b"a"]]), ("GET a", b"1"))) is not None


def test_a_side_that_sends_less() -> None:
    difference = first_difference(commands(("GET a", None)), commands(("GET a", None), ("GET b", b"1")))
    assert difference is not None
    assert difference.fake is None
    assert difference.real == ([b"GET", b"b"], b"1")

"""redis-cli and redis-benchmark, as they come with Redis."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(os.environ.get("REAL_SERVERS", "~/.cache/real-servers")).expanduser() / "bin"
CLI, BENCHMARK = TOOLS / "redis-cli", TOOLS / "redis-benchmark"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not CLI.exists(), reason="needs redis-cli: make servers"),
]


def cli(port: int, *arguments: str, stdin: str = "") -> str:
    command = [str(CLI), "-p", str(port), *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_redis_cli_runs_one_command(port: int) -> None:
    assert cli(port, "SET", "k", "v") == "OK\n"
    assert cli(port, "--no-raw", "GET", "k") == '"v"\n'
    assert cli(port, "-3", "--no-raw", "HELLO").startswith('1# "server"')


def test_redis_cli_interactive(port: int) -> None:
    session = "SET k 10\nINCR k\nLPUSH k x\nMULTI\nGET k\nEXEC\nSELECT 2\nDBSIZE\nHELP GET\n"
    lines = cli(port, stdin=session).splitlines()
    assert lines[:4] == ["OK", "11", "WRONGTYPE Operation against a key holding the wrong kind of value", ""]
    assert lines[4:8] == ["OK", "QUEUED", "11", "OK"]


def test_redis_cli_pipe_takes_a_mass_insertion(port: int) -> None:
    commands = "".join(
        f"*3\r\n$3\r\nSET\r\n${len(f'key:{i}')}\r\nkey:{i}\r\n${len(str(i))}\r\n{i}\r\n" for i in range(20_000)
    )
    assert "errors: 0, replies: 20000" in cli(port, "--pipe", stdin=commands)
    assert cli(port, "DBSIZE") == "20000\n"


def test_redis_cli_scan_and_statistics(port: int) -> None:
    cli(port, "MSET", *(part for i in range(50) for part in (f"user:{i}", "x" * i)))
    assert len(cli(port, "--scan", "--pattern", "user:*").splitlines()) == 50
    assert "Biggest string" in cli(port, "--bigkeys")


DEFAULT_TESTS = (
    "ping_inline,ping_mbulk,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,lrange_300,lrange_500,"
    "lrange_600,mset"
)  # all of them but xadd


@pytest.mark.parametrize("pipeline", ["1", "16"])
def test_redis_benchmark_runs_its_default_tests(port: int, pipeline: str) -> None:
    command = [str(BENCHMARK), "-p", str(port), "-n", "1000", "-c", "20", "-P", pipeline, "-t", DEFAULT_TESTS, "--csv"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count('","') >= len(DEFAULT_TESTS.split(","))
    assert "error" not in result.stderr.lower()

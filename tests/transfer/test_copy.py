"""`redouble copy` between servers, clusters and files."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.cluster import RedisCluster

from redouble import FakeRedis, FakeServer, TcpFakeServer
from redouble.cli import main
from redouble.transfer import Copy, Filter, Progress, open_source, open_target
from tests.parity.machine import real
from tests.parity.machine.real import RealServer
from tests.persistence.values import edges, some
from tests.plugin.cluster import cluster

MOST_COMMANDS = 200
"""For one key: the streams of `edges` have an XADD for each of 3,000 entries."""
Serve = Callable[..., tuple[str, Any]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A redouble over TCP: its URL and a client in this process."""
    servers: list[TcpFakeServer] = []

    def start(version: str = "7.4", server_type: str = "redis") -> tuple[str, Any]:
        fake = FakeServer(version, server_type)
        server = TcpFakeServer(("127.0.0.1", 0), server=fake).start()
        servers.append(server)
        return f"redis://127.0.0.1:{server.server_address[1]}", FakeRedis(server=fake)

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def start_real() -> Iterator[Callable[[str], tuple[str, Any]]]:
    servers: list[RealServer] = []

    def start(name: str) -> tuple[str, Any]:
        if name not in real.installed():
            pytest.skip(f"{name} is not installed")
        servers.append(RealServer(name))
        port = servers[-1].address[1]
        return f"redis://127.0.0.1:{port}", redis.Redis(port=port)

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a copy is noted."""
    monkeypatch.chdir(tmp_path)


def fill(client: Any, name: str, count: int = 20) -> None:
    chance = random.Random(name)
    for script in [*edges(chance, name), *some(chance, name, count)]:
        for argv in script[:MOST_COMMANDS]:
            client.execute_command(*argv)
    client.set("going", "x", px=10_000_000)


def test_everything_arrives(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    (source, mine), (target, theirs) = serve(), serve()
    fill(mine, "redis-7.4")
    mine.execute_command("SELECT", 3)
    mine.set("in three", 3)
    mine.execute_command("SELECT", 0)
    count = mine.dbsize()
    assert main(["copy", source, target, "--verify"]) == 0
    assert theirs.dbsize() == count
    assert theirs.info("keyspace")["db3"]["keys"] == 1
    assert 0 < theirs.pttl("going") <= 10_000_000
    assert capsys.readouterr().out.endswith("verified: 0 keys differ\n")
    assert os.listdir() == []


def test_verification_finds_what_differs(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    (source, mine), (target, theirs) = serve(), serve()
    mine.mset({"a": 1, "b": 1, "c": 1})
    mine.sadd("s", *range(500))
    theirs.sadd("s", *reversed(range(500)))
    theirs.set("b", 2)
    assert main(["copy", source, target, "--verify"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "2 keys copied, 2 were there already",
        "'b' in database 0 has another value",
        "verified: 1 keys differ",
    ]
    assert main(["copy", source, target, "--verify", "--replace"]) == 0
    assert theirs.get("b") == b"1"


def test_filters_choose(serve: Serve) -> None:
    (source, mine), (target, theirs) = serve(), serve()
    mine.mset({"user:1": 1, "user:2": 2, "other": 3})
    mine.lpush("user:list", 1)
    mine.move("other", 5)
    assert main(["copy", source, target, "--match", "user:*", "--type", "string", "--db", "0"]) == 0
    assert sorted(theirs.keys()) == [b"user:1", b"user:2"]
    assert main(["copy", f"{source}/5", target]) == 0
    assert "db5" in theirs.info("keyspace")


def test_a_copy_that_was_stopped_goes_on(serve: Serve, tmp_path: Path) -> None:
    (source, mine), (target, theirs) = serve(), serve()
    mine.mset({f"key:{number}": number for number in range(3000)})
    state = tmp_path / "state"

    def stop(more: int) -> None:
        if theirs.dbsize() >= 1500:
            raise KeyboardInterrupt

    copy = Copy(open_source(source), open_target(target), Filter(), Progress(source, target), replace=False)
    with pytest.raises(KeyboardInterrupt):
        copy.run(stop, state)
    there = theirs.dbsize()
    assert 1500 <= there < 3000
    progress = Progress.load(state, source, target)
    seen: list[int] = []
    Copy(open_source(source), open_target(target), Filter(), progress, replace=True).run(seen.append, state)
    assert theirs.dbsize() == 3000
    assert sum(seen) <= 3000 - there + 500  # all but one portion was not looked at again
    assert Progress.load(state, source, "elsewhere") == Progress(source, "elsewhere")


def test_a_copy_that_goes_on_leaves_what_was_there(serve: Serve, tmp_path: Path) -> None:
    (source, mine), (target, theirs) = serve(), serve()
    mine.set("a", "mine")
    theirs.set("a", "theirs")
    Progress(source, target, copied=1).save(tmp_path / "state")
    assert main(["copy", source, target, "--state", str(tmp_path / "state")]) == 0
    assert theirs.get("a") == b"theirs"


def test_files_are_places(serve: Serve, tmp_path: Path) -> None:
    source, mine = serve()
    fill(mine, "redis-7.2")
    assert main(["copy", source, "dump.rdb"]) == 0
    assert (tmp_path / "dump.rdb").read_bytes().startswith(b"REDIS0009")
    target, theirs = serve("9", "valkey")
    assert main(["copy", "dump.rdb", target, "--verify"]) == 0
    assert theirs.dbsize() == mine.dbsize()
    server = FakeServer(config={"dir": str(tmp_path), "appendonly": "yes"})
    FakeRedis(server=server).mset({"a": 1, "b": 2})
    server.close()
    other, client = serve()
    assert main(["copy", "appendonlydir", other]) == 0
    assert sorted(client.keys()) == [b"a", b"b"]


def test_data_folders_are_places(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, mine = serve()
    mine.mset({"a": 1, "b": 2})
    mine.rpush("l", 1, 2)
    assert main(["copy", source, "data/"]) == 0
    with FakeServer(path=tmp_path / "data") as server:
        client = FakeRedis(server=server)
        assert (client.mget("a", "b"), client.lrange("l", 0, -1)) == ([b"1", b"2"], [b"1", b"2"])
        assert main(["copy", "data", source]) == 1
        assert "somebody has this database open" in capsys.readouterr().err
        client.delete("a")
    target, theirs = serve("9", "valkey")
    assert main(["copy", "data", target, "--verify"]) == 0
    assert sorted(theirs.keys()) == [b"b", b"l"]
    assert main(["copy", source, "data"]) == 0
    with FakeServer(path=tmp_path / "data") as server:
        assert FakeRedis(server=server).get("a") == b"1"


def test_what_the_target_cannot_hold_is_named(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    (source, mine), (target, theirs) = serve("8.6"), serve("7.0")
    mine.hset("h", "f", 1)
    mine.hexpire("h", 1000, "f")
    mine.set("s", 1)
    assert main(["copy", source, target]) == 1
    assert theirs.keys() == [b"s"]
    assert "not copied: 'h' in database 0: the target has no times to live of fields" in capsys.readouterr().out


def test_places_that_are_none(capsys: pytest.CaptureFixture[str], serve: Serve) -> None:
    source, _ = serve()
    with open("text", "w") as file:
        file.write("nothing of the kind")
    for words, reason in [
        (["nowhere.rdb", source], "nowhere.rdb: there is no such file, and no URL begins so"),
        (["text", source], "text: byte 0: not a command"),
        ([source, "no/folder.rdb"], "no/folder.rdb: not the name of a file in a folder that exists"),
        (["redis://127.0.0.1:1", source], "redis://127.0.0.1:1: "),
        ([f"redis+cluster{source.removeprefix('redis')}", source], "is no cluster"),
    ]:
        assert main(["copy", *words]) == 1
        assert reason in capsys.readouterr().err


@pytest.mark.real
@pytest.mark.parametrize(
    "pair", ["redis-7.0 valkey-9", "valkey-9 redis-7.4", "redis-8.6 redis-6.2", "redis-6.2 redis-8.6"]
)
def test_servers_that_do_not_read_each_other(
    start_real: Callable[[str], tuple[str, Any]], pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = pair.split()
    (source, mine), (target, theirs) = map(start_real, names)
    fill(mine, "redis-6.2")  # what both of them have
    assert main(["copy", source, target, "--verify"]) == 0, capsys.readouterr().out[-2000:]
    assert theirs.dbsize() == mine.dbsize()


OF_ALL_TYPES: list[Callable[[Any, str, int], Any]] = [
    lambda client, key, number: client.set(key, "x" * (number % 100), px=10_000_000 + number),
    lambda client, key, number: client.rpush(key, *range(number % 20 + 1)),
    lambda client, key, number: client.hset(key, mapping={"number": number, "text": "x" * (number % 200)}),
    lambda client, key, number: client.sadd(key, *range(number % 30 + 1)),
    lambda client, key, number: client.zadd(key, {f"{n}": n / 3 for n in range(number % 20 + 1)}),
    lambda client, key, number: client.xadd(key, {"number": number}, id=f"{number}-1"),
]


def wait_for_a_portion(process: subprocess.Popen[bytes], folder: Path) -> None:
    while not any(folder.glob(".redouble-copy-*.json")):
        assert process.poll() is None
        time.sleep(0.001)


@pytest.mark.real
def test_a_cluster_gets_everything(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also when the copy was killed and is started again."""
    if "valkey-9" not in real.installed():
        pytest.skip("valkey-9 is not installed")
    source, mine = serve()
    fill(mine, "redis-7.2")
    keys = int(os.environ.get("COPIED_KEYS", "3000"))
    with mine.pipeline(transaction=False) as pipe:
        for number in range(keys):
            OF_ALL_TYPES[number % len(OF_ALL_TYPES)](pipe, f"key:{number}", number)
        pipe.execute()
    with cluster(str(real.installed()["valkey-9"][1])) as url:
        with subprocess.Popen([sys.executable, "-m", "redouble", "copy", source, url]) as process:
            wait_for_a_portion(process, tmp_path)
            process.kill()
        client = RedisCluster.from_url(url.replace("redis+cluster", "redis"))

        def there() -> int:
            return sum(client.dbsize(target_nodes=node) for node in client.get_primaries())

        assert 0 < there() < mine.dbsize()
        assert main(["copy", source, url, "--verify"]) == 0
        assert capsys.readouterr().out.endswith("verified: 0 keys differ\n")
        assert there() == mine.dbsize()
        back, theirs = serve("9", "valkey")
        assert main(["copy", url, back, "--verify"]) == 0
        assert theirs.dbsize() == mine.dbsize()
        client.close()

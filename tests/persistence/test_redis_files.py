"""Servers that keep their data as real ones do: files go both ways, and nothing that was acknowledged is lost."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from redouble import FakeRedis, FakeServer
from redouble.core.client import Client
from redouble.persistence.aof import parts_of
from redouble.resp.reply import CommandError
from tests.parity.machine import real
from tests.parity.machine.real import RealServer
from tests.parity.machine.scenario import split

from .values import edges, some

SERVERS = ["redis-6.2", "redis-7.0", "redis-7.2", "redis-7.4", "redis-8.0", "redis-8.6", "valkey-8.1", "valkey-9"]
LOGS = SERVERS if os.environ.get("EVERY_LOG") else ["redis-6.2", "redis-7.4", "redis-8.6", "valkey-9"]
FILES = [*((name, "no") for name in SERVERS), *((name, "yes") for name in LOGS)]
"""An RDB file of each server, and the log of some; `EVERY_LOG=1`: of all."""


MOST_COMMANDS = 200
"""For one key: the streams of `edges` have an XADD for each of 3,000 entries."""


def serve(folder: Path, name: str = "redis-7.4", **config: str) -> FakeServer:
    server_type, version = name.split("-")
    given = {"dir": str(folder), "save": "", **config}
    if name != "redis-6.2":
        given["enable-debug-command"] = "yes"
    return FakeServer(version, server_type, given, modules=[])


def asker(server: FakeServer) -> Callable[..., Any]:
    client = Client(server.core)

    def ask(*argv: Any) -> Any:
        words = [word if isinstance(word, bytes) else str(word).encode("latin-1") for word in argv]
        with server.core.lock:
            reply = server.core.call(client, words)
        assert not isinstance(reply, CommandError), (argv[:2], reply)
        return reply

    return ask


def real_asker(server: RealServer) -> Callable[..., Any]:
    client = redis.Redis(port=server.address[1], decode_responses=False)
    return lambda *argv: client.execute_command(
        *(word.encode("latin-1") if isinstance(word, str) else word for word in argv)
    )


def fill(ask: Callable[..., Any], name: str) -> None:
    """A value at each side of every threshold, and some whose keys and fields go some day."""
    chance = random.Random(name)
    for script in [*edges(chance, name), *some(chance, name, 20)]:
        for argv in script[:MOST_COMMANDS]:
            ask(*argv)
    ask("SET", "going", "x", "PX", 10_000_000)
    ask("RPUSH", "other", "x")
    ask("PEXPIREAT", "other", 4102444800000)
    ask("SELECT", 3)
    ask("SET", "in three", "3")
    ask("SELECT", 0)


def digest(ask: Callable[..., Any]) -> bytes:
    return bytes(ask("DEBUG", "DIGEST"))


@pytest.fixture
def started() -> Iterator[Callable[..., RealServer]]:
    servers: list[RealServer] = []

    def start(name: str, folder: Path, **options: str) -> RealServer:
        if name not in real.installed():
            pytest.skip(f"{name} is not installed")
        server = RealServer(name, dir=str(folder), **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.mark.real
@pytest.mark.parametrize(("name", "appendonly"), FILES)
def test_what_redouble_keeps_the_real_server_opens(
    started: Callable[..., RealServer], tmp_path: Path, name: str, appendonly: str
) -> None:
    server = serve(tmp_path, name, appendonly=appendonly)
    ours = asker(server)
    fill(ours, name)
    if appendonly == "no":
        ours("SAVE")
    expected = digest(ours)
    theirs = real_asker(started(name, tmp_path, appendonly=appendonly))
    assert digest(theirs) == expected
    assert theirs("PEXPIRETIME" if name != "redis-6.2" else "PTTL", "other") > 0


@pytest.mark.real
@pytest.mark.parametrize(("name", "appendonly"), FILES)
def test_what_the_real_server_keeps_redouble_opens(
    started: Callable[..., RealServer], tmp_path: Path, name: str, appendonly: str
) -> None:
    theirs = real_asker(started(name, tmp_path, appendonly=appendonly, appendfsync="always"))
    fill(theirs, name)
    if appendonly == "no":
        theirs("SAVE")
    expected = digest(theirs)
    copy = tmp_path.with_name(f"{tmp_path.name}-copy")
    shutil.copytree(tmp_path, copy)
    assert digest(asker(serve(copy, name, appendonly=appendonly))) == expected


MODULE_VALUES = """
JSON.SET j $ {"a":[1,2.5,"x",null,true],"b":{"c":{}}}
JSON.NUMINCRBY j $.a[0] 41
BF.RESERVE bf 0.01 10
BF.MADD bf {1..30}
CF.RESERVE cf 64
CF.ADD cf x
CF.ADD cf x
CMS.INITBYDIM cms 100 5
CMS.INCRBY cms x 3 y 4
TOPK.RESERVE top 3 50 4 0.9
TOPK.ADD top a b a c a b d
TDIGEST.CREATE t COMPRESSION 100
TDIGEST.ADD t {1..50}
TS.CREATE ts LABELS kind source
TS.CREATE sums LABELS kind sum
TS.CREATERULE ts sums AGGREGATION sum 10
--
JSON.ARRAPPEND j $.a 7
BF.ADD bf 31
TOPK.INCRBY top d 5
TDIGEST.ADD t 51 52
TS.MADD ts 1 1.5 ts 2 2.5 ts 12 7 ts 31 1
EXPIRE cms 100000
"""
MODULE_QUESTIONS = """
JSON.GET j $
BF.MEXISTS bf {1..40}
BF.INFO bf
CF.COUNT cf x
CF.INFO cf
CMS.QUERY cms x y z
CMS.INFO cms
TOPK.LIST top WITHCOUNT
TDIGEST.QUANTILE t 0 0.25 0.5 1
TDIGEST.MAX t
TS.RANGE ts - +
TS.RANGE sums - + LATEST
TS.QUERYINDEX kind=(source,sum)
TS.GET sums
PEXPIRETIME cms
"""


@pytest.mark.real
@pytest.mark.parametrize("form", ["dump.rdb", "log", "log, rewritten"])
@pytest.mark.parametrize("ours_first", [True, False], ids=["ours first", "theirs first"])
def test_values_of_modules_go_both_ways(
    started: Callable[..., RealServer], tmp_path: Path, form: str, ours_first: bool
) -> None:
    options = {"appendonly": "no" if form == "dump.rdb" else "yes", "appendfsync": "always"}

    def ours(folder: Path) -> redis.Redis:
        return FakeRedis(server=FakeServer("7.4", config={"dir": str(folder), "save": "", **options}))

    def theirs(folder: Path) -> redis.Redis:
        return redis.Redis(port=started("redis-stack-7.4", folder, **options).address[1])

    def ask(client: redis.Redis, lines: str) -> list[Any]:
        return [client.execute_command(*words(line)) for line in lines.strip().splitlines()]

    first = (ours if ours_first else theirs)(tmp_path)
    some, more = MODULE_VALUES.split("--")
    ask(first, some)
    if form == "log, rewritten":
        first.bgrewriteaof()
        wait_for(lambda: not first.info("persistence")["aof_rewrite_in_progress"])
    ask(first, more)
    if form == "dump.rdb":
        first.save()
    expected = ask(first, MODULE_QUESTIONS)
    copy = tmp_path.with_name(f"{tmp_path.name}-copy")
    shutil.copytree(tmp_path, copy)
    assert ask((theirs if ours_first else ours)(copy), MODULE_QUESTIONS) == expected


def words(line: str) -> list[str]:
    """The words of a line; `{1..3}` are three of them."""
    found: list[str] = []
    for word in line.split():
        span = re.fullmatch(r"\{(\d+)\.\.(\d+)\}", word)
        found += [word] if span is None else map(str, range(int(span[1]), int(span[2]) + 1))
    return found


@pytest.mark.real
@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.4", "valkey-9"])
def test_a_log_that_was_rewritten_is_opened_by_the_real_server(
    started: Callable[..., RealServer], tmp_path: Path, name: str
) -> None:
    for preamble in ("yes", "no"):
        folder = tmp_path / preamble
        server = serve(folder, name, appendonly="yes", **{"aof-use-rdb-preamble": preamble})
        ours = asker(server)
        fill(ours, name)
        rewrite(server)
        ours("RPUSH", "after", "1")
        expected = digest(ours)
        assert digest(asker(serve(folder, name, appendonly="yes"))) == expected
        theirs = real_asker(started(name, folder, appendonly="yes"))
        assert digest(theirs) == expected


def rewrite(server: FakeServer) -> None:
    asker(server)("BGREWRITEAOF")
    wait_for(lambda: not server.core.files.rewriting)
    assert server.core.files.rewrites


@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.4"])
def test_after_a_start_the_growth_of_a_log_counts_from_its_base(tmp_path: Path, name: str) -> None:
    """INFO's aof_base_size: before 7.0 there is no base, and it counts from the whole log.  What a kill left beside the log goes."""
    server = serve(tmp_path, name, appendonly="yes")
    for _ in range(100):
        asker(server)("INCR", "n")
    server.close()
    log = tmp_path / "appendonlydir"
    left = [log / "appendonly.aof.7.incr.aof", log / "temp-1-left"]
    for path in left if log.exists() else []:
        path.write_text("left")
    server = serve(tmp_path, name, appendonly="yes", **{"auto-aof-rewrite-min-size": "1kb"})
    asker(server)("INCR", "n")
    wait_for(lambda: server.core.files.idle)
    assert server.core.files.rewrites == (name != "redis-6.2")
    assert not any(path.exists() for path in left)
    server.close()
    assert asker(serve(tmp_path, name, appendonly="yes"))("GET", "n") == b"101"


@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.4"])
def test_a_log_that_has_grown_is_rewritten_by_itself(tmp_path: Path, name: str) -> None:
    limits = {"auto-aof-rewrite-min-size": "1kb", "auto-aof-rewrite-percentage": "100"}
    server = serve(tmp_path, name, appendonly="yes", **limits)
    ask = asker(server)
    count = 0
    while server.core.files.rewrites < 3:
        ask("INCR", "n")
        count += 1
        assert count < 10_000
        wait_for(lambda: server.core.files.idle)
    ask("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
    wait_for(lambda: server.core.files.idle)
    rewrites = server.core.files.rewrites
    for _ in range(200):
        ask("INCR", "n")
    assert (server.core.files.rewrites, server.core.files.idle) == (rewrites, True)
    assert asker(serve(tmp_path, name, appendonly="yes"))("GET", "n") == b"%d" % (count + 200)


@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.4"])
def test_a_log_that_ended_is_not_gone_on_with(tmp_path: Path, name: str) -> None:
    server = serve(tmp_path, name, appendonly="yes")
    ask = asker(server)
    ask("INCR", "n")
    ask("CONFIG", "SET", "appendonly", "no")
    ask("INCR", "n")
    ask("CONFIG", "SET", "appendonly", "yes")
    ask("INCR", "n")
    assert asker(serve(tmp_path, name, appendonly="yes"))("GET", "n") == b"3"
    if name != "redis-6.2":
        [manifest] = tmp_path.glob("*/*.manifest")
        assert len(list(manifest.parent.iterdir())) == 3
        manifest.unlink()
        ask = asker(serve(tmp_path, name, appendonly="yes"))
        ask("INCR", "n")
        assert asker(serve(tmp_path, name, appendonly="yes"))("GET", "n") == b"1"


def test_a_rewrite_that_cannot_begin_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(tmp_path, appendonly="yes", **{"auto-aof-rewrite-min-size": "1kb"})
    ask = asker(server)
    with monkeypatch.context() as broken:
        broken.setattr("redouble.persistence.aof.replace_file", full)
        for _ in range(100):
            ask("INCR", "n")
        assert server.core.files.last_rewrite_failed
    rewrite(server)
    ask("INCR", "n")
    assert asker(serve(tmp_path, appendonly="yes"))("GET", "n") == b"101"


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.real
def test_the_checking_tools_are_content(tmp_path: Path) -> None:
    tools = {name: real.folder() / "bin" / name for name in ("redis-check-rdb", "redis-check-aof")}
    if not all(map(Path.exists, tools.values())):
        pytest.skip("the checking tools are not installed")
    server = serve(tmp_path, appendonly="yes")
    ask = asker(server)
    fill(ask, "redis-7.4")
    ask("SAVE")
    manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    for command in ([tools["redis-check-rdb"], tmp_path / "dump.rdb"], [tools["redis-check-aof"], manifest]):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout


# Saving.


def test_save_and_bgsave_write_what_a_new_server_reads(tmp_path: Path) -> None:
    server = serve(tmp_path)
    ask = asker(server)
    ask("SET", "a", "1")
    ask("SAVE")
    ask("RPUSH", "l", "1")
    ask("BGSAVE")
    ask("RPUSH", "l", "2")  # not in the file: it was written as it was
    wait_for(lambda: not server.core.files.saving)
    again = asker(serve(tmp_path))
    assert (again("GET", "a"), again("LRANGE", "l", 0, -1)) == (b"1", [b"1"])
    assert b"rdb_changes_since_last_save:1" in ask("INFO", "persistence")


def test_a_save_point_saves(tmp_path: Path) -> None:
    server = serve(tmp_path, save="1 2")
    ask = asker(server)
    ask("SET", "a", "1")
    ask("SET", "b", "2")
    wait_for((tmp_path / "dump.rdb").exists)
    assert asker(serve(tmp_path))("DBSIZE") == 2


def test_shutdown_saves_if_there_are_save_points(tmp_path: Path) -> None:
    for number, (save, words) in enumerate([("3600 1", []), ("", ["SAVE"]), ("", []), ("3600 1", ["NOSAVE"])]):
        folder = tmp_path / str(number)
        ask = asker(serve(folder, save=save))
        ask("SET", "a", "1")
        ask("SHUTDOWN", *words)
        assert (folder / "dump.rdb").exists() == (number < 2)


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(tmp_path)
    ask = asker(server)
    ask("SET", "a", "1")
    ask("SAVE")
    before = (tmp_path / "dump.rdb").read_bytes()
    monkeypatch.setattr(os, "fsync", failing)
    ask("SET", "b", "2")
    with pytest.raises(AssertionError, match="ERR"):
        ask("SAVE")
    assert (tmp_path / "dump.rdb").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]
    assert b"rdb_last_bgsave_status:ok" in ask("INFO", "persistence"), "it tells of BGSAVE alone"


def failing(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


AFTER_A_FAILED_BGSAVE = """
SET k 2
GET k
PING
PUBLISH c m
FLUSHALL
SET k
EVAL "return redis.call('SET',KEYS[1],1)" 1 k
EVAL "return redis.pcall('SET',KEYS[1],1)" 1 k
EVAL "return redis.call('GET',KEYS[1])" 1 k
EVAL "redis.call('PUBLISH','c','m') return redis.call('GET',KEYS[1])" 1 k
MULTI
GET k
SET k 1
EXEC
MULTI
PING
EXEC
MULTI
GET k
EXEC
CONFIG SET stop-writes-on-bgsave-error no
MULTI
SET k 3
CONFIG SET stop-writes-on-bgsave-error yes
EXEC
CONFIG SET stop-writes-on-bgsave-error no
PING
SET k 4
CONFIG SET stop-writes-on-bgsave-error yes
SET k 5
CONFIG SET save ""
SET k 6
"""
WITH_SHEBANGS = r"""
EVAL "#!lua\nreturn redis.call('SET',KEYS[1],1)" 1 k
EVAL "#!lua flags=no-writes\nreturn 1" 1 k
"""


@pytest.mark.real
@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.0", "redis-8.6", "valkey-9"])
def test_a_bgsave_that_failed_stops_writes_as_on_the_real_server(
    started: Callable[..., RealServer], tmp_path: Path, name: str
) -> None:
    lines = (WITH_SHEBANGS * (name != "redis-6.2") + AFTER_A_FAILED_BGSAVE).split("\n")
    answers = []
    for folder in (tmp_path / "ours", tmp_path / "theirs"):
        folder.mkdir()
        if folder.name == "ours":
            client: redis.Redis = FakeRedis(server=serve(folder, name), single_connection_client=True)
        else:
            address = started(name, folder).address
            client = redis.Redis(port=address[1], single_connection_client=True)
        client.config_set("save", "3600 1")
        client.set("k", 1)
        shutil.rmtree(folder)
        client.bgsave()
        wait_for(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")  # noqa: B023  # called at once
        answers.append([said(client, split(line)) for line in lines if line])
        client.close()
    for line, ours, theirs in zip(filter(None, lines), *answers):
        assert ours == theirs, line


def said(client: redis.Redis, argv: list[bytes]) -> Any:
    connection = client.connection
    assert connection is not None
    connection.send_command(*argv)
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return str(error)


# The log.


def test_a_unit_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    """Cut off at any byte, the log is read up to the last whole unit."""
    server = serve(tmp_path, appendonly="yes")
    client = FakeRedis(server=server)
    states = [client.mget("a", "b")]
    file = parts_of(tmp_path / "appendonlydir")[-1].path
    ends = [0]
    for number in range(4):
        with client.pipeline() as pipe:
            pipe.set("a", number).set("b", number).execute()
        states.append(client.mget("a", "b"))
        ends.append(file.stat().st_size)
    whole = file.read_bytes()
    for size in range(len(whole) + 1):
        file.write_bytes(whole[:size])
        again = FakeRedis(server=serve(tmp_path, appendonly="yes"))
        assert again.mget("a", "b") == states[max(i for i, end in enumerate(ends) if end <= size)]
        assert file.stat().st_size <= size


def test_a_log_that_is_cut_off_is_not_repaired_if_told_so(tmp_path: Path) -> None:
    FakeRedis(server=serve(tmp_path, appendonly="yes")).set("a", 1)
    file = parts_of(tmp_path / "appendonlydir")[-1].path
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match="the last command is cut off; it is right up to byte 23"):
        serve(tmp_path, appendonly="yes", **{"aof-load-truncated": "no"})


def test_damage_within_a_log_is_told_and_nothing_is_cut(tmp_path: Path) -> None:
    client = FakeRedis(server=serve(tmp_path, appendonly="yes"))
    client.set("a", 1)
    client.set("b", 1)
    file = parts_of(tmp_path / "appendonlydir")[-1].path
    damaged = file.read_bytes().replace(b"$3\r\nSET", b"$x\r\nSET", 1)
    file.write_bytes(damaged)
    with pytest.raises(ValueError, match=re.escape(f"{file}: byte 27: not a command")):
        serve(tmp_path, appendonly="yes")
    assert file.read_bytes() == damaged


def test_what_depends_on_time_and_chance_is_written_as_it_was(tmp_path: Path) -> None:
    server = serve(tmp_path, appendonly="yes")
    client = FakeRedis(server=server)
    client.set("gone", 1, px=1)
    client.sadd("s", *range(100))
    popped = client.spop("s", 50)
    client.set("k", 1, ex=1000)
    wait_for(lambda: client.get("gone") is None)
    client.incr("gone")
    again = FakeRedis(server=serve(tmp_path, appendonly="yes"))
    assert again.smembers("s") == client.smembers("s")
    assert not again.smembers("s") & set(popped)
    assert again.pexpiretime("k") == client.pexpiretime("k")
    assert again.get("gone") == b"1"


def test_a_full_disk_refuses_writes_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeRedis(server=serve(tmp_path, appendonly="yes"))
    client.set("a", 1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", failing)
        for key in ("b", "c"):
            with pytest.raises(redis.ResponseError, match="MISCONF Errors writing to the AOF file: No space left"):
                client.set(key, 1)
        assert client.get("a") == b"1"
        assert client.info("persistence")["aof_last_write_status"] == "err"
    client.set("d", 1)
    assert client.info("persistence")["aof_last_write_status"] == "ok"
    again = FakeRedis(server=serve(tmp_path, appendonly="yes"))
    assert sorted(again.keys()) == sorted(client.keys()) == [b"a", b"b", b"d"]


def test_config_set_appendonly_begins_and_ends_a_log(tmp_path: Path) -> None:
    client = FakeRedis(server=serve(tmp_path))
    client.set("a", 1)
    client.config_set("appendonly", "yes")
    client.set("b", 1)
    client.config_set("appendonly", "no")
    client.set("c", 1)
    assert sorted(FakeRedis(server=serve(tmp_path, appendonly="yes")).keys()) == [b"a", b"b"]


def test_writing_goes_on_while_a_log_is_rewritten(tmp_path: Path) -> None:
    server = serve(tmp_path, appendonly="yes")
    client = FakeRedis(server=server)
    for number in range(300):
        client.rpush("l", number)
        if number in (50, 150):
            wait_for(lambda: not server.core.files.rewriting)
            client.bgrewriteaof()
    wait_for(lambda: not server.core.files.rewriting)
    assert FakeRedis(server=serve(tmp_path, appendonly="yes")).llen("l") == 300
    assert len(list((tmp_path / "appendonlydir").iterdir())) == 3

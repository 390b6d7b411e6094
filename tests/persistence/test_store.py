"""Servers that keep their data in a folder of redouble's own form: opened again they are as they were, and lose nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import ANY

import pytest
import redis

import redouble.dbm
from redouble import FakeRedis, FakeServer, ManualClock
from redouble.cli import main
from redouble.dbm import system
from redouble.persistence.store import Store
from tests.fuzz.families import NAMES
from tests.fuzz.generator import Generator
from tests.fuzz.modules import MODULE_FAMILIES
from tests.parity.machine.ours import CoreStage
from tests.parity.machine.scenario import Target

from .test_effects import SERVERS, UNFIT, contents
from .test_redis_files import wait_for

SEEDS = int(os.environ.get("SEEDS", "3"))
"""How many sequences of commands are played as each server."""
UNITS = int(os.environ.get("UNITS", "400"))

KEYS = int(os.environ.get("KEYS", "20000"))

CHANCE = ("random", "acl", "pubsub", "events", "blocking")
"""Families of which the answers depend on more than the data."""
FAMILIES = [name for name in NAMES if name not in CHANCE]
MODULES = [
    name for name in MODULE_FAMILIES if name not in ("tdigest", "topk")
]  # what a digest does when it is read, and chance


UNLIKE = frozenset((b"OBJECT", b"MEMORY", b"DEBUG", b"DUMP", b"XINFO"))
"""Commands that tell how a value is kept in memory, which is another way once it was read from a file, or when a consumer was
seen, which is no effect."""


def at_the_same_time(one: CoreStage, other: CoreStage) -> None:
    ahead = one.now_ms() - other.now_ms()
    (other if ahead > 0 else one).advance(abs(ahead))


class Stored:
    """A server with a folder, which ends and begins again."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.stage = CoreStage(target)
        self.open()

    def open(self) -> None:
        server = self.stage.server
        server.files = self.store = Store(server, self.folder, lambda seconds, action: self.later.append(action))
        self.later: list[Callable[[], None]] = []
        self.store.load()

    def reopen(self, crash: bool) -> None:
        if crash:
            self.store.let_go()
        else:
            self.store.close()
        before, self.stage = self.stage, CoreStage(self.target)
        self.stage.server.random = before.server.random
        at_the_same_time(before, self.stage)
        self.open()

    def tidy(self) -> None:
        later, self.later = self.later, []
        for action in later:
            action()


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("target", SERVERS, ids=lambda target: target.name)
def test_a_server_that_ends_and_begins_again_answers_as_one_that_stays(
    target: Target, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(f"store {seed}")
    monkeypatch.setattr("redouble.persistence.store.CHECKPOINT", random.choice((0, 200, 1 << 20)))
    stays, stored = CoreStage(target), Stored(target, tmp_path / "data")
    at_the_same_time(stored.stage, stays)
    stored.stage.server.random, stays.server.random = Random(seed), Random(seed)
    families = FAMILIES + MODULES * target.is_stack
    units = Generator(random.sample(families, min(6, len(families))), random).units()
    sent: list[tuple[bytes, ...]] = []
    for unit in islice(units, UNITS):
        for command in unit:
            if not command.argv or command.receive or UNFIT.intersection(command.argv):
                continue
            sent.append(command.argv)
            answers = [each.send(command.connection, command.argv) for each in (stored.stage, stays)]
            if command.argv[0].upper() not in UNLIKE:
                got, expected = (sorted(answer.split(b"\r\n")) for answer in answers)
                assert got == expected, "\n".join(map(str, sent[-20:]))
        if random.random() < 0.05:
            moved = random.choice((1, 50_000, 3_000_000))
            stored.stage.advance(moved)
            stays.advance(moved)
        if random.random() < 0.1:
            stored.tidy()
        if random.random() < 0.05:
            stored.reopen(crash=random.random() < 0.5)
            at_the_same_time(stored.stage, stays)
            sent.append((b"reopened",))
            for connection in list(stays.clients):
                stays.clients.pop(connection).disconnect()
    stored.reopen(crash=seed % 2 == 0)
    got, expected = contents(stored.stage.server), contents(stays.server)
    differing = [key for key in expected.keys() | got.keys() if expected.get(key) != got.get(key)]
    assert not differing, "\n".join(
        [
            *(f"{key}\n  {expected.get(key)}\n  {got.get(key)}" for key in differing),
            *map(str, [each for each in sent if any(key in each for _, key in differing)]),
        ]
    )
    stored.stage.server.check()


# What a folder is like.


def stored(folder: Path, **config: str) -> tuple[FakeServer, FakeRedis]:
    server = FakeServer(path=folder, config=config)
    return server, FakeRedis(server=server)


def read_so_far(client: FakeRedis) -> int:
    """How many values of database 0 are in memory."""
    return dict.__len__(client.connection_pool.connection_kwargs["server"].dbs[0].dict)


def test_opening_and_the_first_get_read_less_than_a_hundredth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, client = stored(tmp_path)
    for number in range(0, KEYS, 1000):
        client.mset({f"key:{each:012}": "x" * 100 for each in range(number, number + 1000)})
    server.close()
    amount = 0
    read = system._read_some

    def counted(fd: int, length: int, offset: int) -> bytes:
        nonlocal amount
        data: bytes = read(fd, length, offset)
        amount += len(data)
        return data

    monkeypatch.setattr(system, "_read_some", counted)
    server, client = stored(tmp_path)
    assert client.get(f"key:{KEYS // 2:012}") == b"x" * 100
    assert client.exists("nothing") == 0
    assert amount < sum(path.stat().st_size for path in tmp_path.iterdir()) / 100
    assert client.dbsize() == KEYS
    assert client.scan(count=10)[1]
    assert read_so_far(client) == 1
    server.close()


def test_keys_are_known_without_their_values(tmp_path: Path) -> None:
    server, client = stored(tmp_path)
    client.mset({f"k{number}": number for number in range(100)})
    client.set("short", 1, px=50)
    client.hset("h", mapping={"stays": 1, "goes": 1})
    client.execute_command("HPEXPIRE", "h", 50, "FIELDS", 1, "goes")
    client.set("long", 1, px=5000)
    clock = server.clock
    server.close()
    server = FakeServer(path=tmp_path, clock=ManualClock())
    server.clock.set(clock.time() + 1)
    client = FakeRedis(server=server)
    assert client.dbsize() == 102
    assert {client.randomkey() for _ in range(50)} < set(client.keys())
    assert read_so_far(client) == 1, "the hash, of which a field was due"
    assert client.hgetall("h") == {b"stays": b"1"}
    assert client.info("keyspace")["db0"] == {"keys": 102, "expires": 1, "avg_ttl": ANY, "subexpiry": 0}
    server.clock.advance(5)
    assert client.exists("long") == 0
    server.check()
    server.close()


def test_who_listens_hears_of_keys_that_nobody_has_read(tmp_path: Path) -> None:
    server, client = stored(tmp_path)
    client.set("k", 1, ex=1000)
    server.close()
    server = FakeServer(path=tmp_path, clock=ManualClock(), config={"notify-keyspace-events": "Ex"})
    with FakeRedis(server=server).pubsub() as pubsub:
        pubsub.subscribe("__keyevent@0__:expired")
        pubsub.get_message()
        server.clock.advance(1001)
        assert pubsub.get_message(timeout=1)["data"] == b"k"
    server.close()


def test_a_collection_does_not_write_itself_at_each_push(tmp_path: Path) -> None:
    server, client = stored(tmp_path)
    client.rpush("l", *range(20_000))
    store = server.core.files
    store.save()
    before = store.db.size
    for number in range(1000):
        client.rpush("l", number)
    assert store.db.size - before < 100_000
    for _ in range(200):
        client.rpush("l", "x" * 10_000)
    assert not store._keys or store._length < 2_000_000, "it was written when that was shorter than the log"
    server.close()
    server, client = stored(tmp_path)
    assert client.llen("l") == 21_200
    server.close()


def test_a_full_disk_refuses_writes_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, client = stored(tmp_path)
    client.rpush("l", 1)
    client.set("a", 1)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        for name in ("pwrite", "reserve"):
            patched.setattr(system, name, full)
        for key in ("b", "c"):
            with pytest.raises(redis.ResponseError, match="MISCONF Errors writing to the AOF file: No space left"):
                client.set(key, "x" * 1_000_000)
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.rpush("l", 2)
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.rpush("m", "x" * 1_000_000)
        assert client.get("a") == b"1"
        assert client.info("persistence")["aof_last_write_status"] == "err"
    client.rpush("l", 3)
    assert client.info("persistence")["aof_last_write_status"] == "ok"
    server.close()
    server, again = stored(tmp_path)
    assert sorted(again.keys()) == [b"a", b"b", b"l"], "as of an append-only file"
    assert again.lrange("l", 0, -1) == [b"1", b"3"]
    server.close()


def test_a_folder_has_one_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server, client = stored(tmp_path)
    with pytest.raises(redouble.dbm.DBMError, match="somebody has this database open for writing"):
        FakeServer(path=tmp_path)
    assert main(["--dir", str(tmp_path), "--port", "0"]) == 1
    assert "somebody has this database open for writing" in capsys.readouterr().err
    client.set("a", 1)
    server.close()
    with pytest.raises(redis.ConnectionError):
        client.get("a")
    with FakeServer(path=tmp_path) as server:
        assert FakeRedis(server=server).get("a") == b"1"
    with pytest.raises(ValueError, match="kept in the folder `path`, or"):
        FakeServer(path=tmp_path, config={"dir": "."})


def test_folders_of_somebody_else_are_refused(tmp_path: Path) -> None:
    with redouble.dbm.open(tmp_path / "other", "c") as db:
        db["a"] = "1"
    with pytest.raises(ValueError, match="not the data of a server"):
        FakeServer(path=tmp_path / "other")
    FakeServer("8.6", path=tmp_path / "new").close()
    with FakeServer("8.6", path=tmp_path / "new") as server:
        FakeRedis(server=server).set("a", 1)
    with pytest.raises(ValueError, match=r"written by redis 8\.6\.\d+, which is too new"):
        FakeServer("7.4", path=tmp_path / "new")
    FakeServer("8.6", path=tmp_path / "new").close()
    with redouble.dbm.open(tmp_path / "new", "w") as db:
        db["m"] = db["m"].replace(b'"format": 1', b'"format": 2')
    with pytest.raises(ValueError, match="written by a newer version of redouble"):
        FakeServer("8.6", path=tmp_path / "new")


def test_a_damaged_value_is_told_and_the_others_are_there(tmp_path: Path) -> None:
    server, client = stored(tmp_path)
    client.set("a", "x" * 100)
    client.set("b", "y" * 100)
    server.close()
    [segment] = tmp_path.glob("*.log")
    segment.write_bytes(segment.read_bytes().replace(b"x" * 100, b"z" * 100))
    server, client = stored(tmp_path)
    with pytest.raises(redis.ResponseError, match=r"the value of this key cannot be read: .*this record is damaged"):
        client.get("a")
    assert client.get("b") == b"y" * 100
    server.close()


def test_functions_and_what_restores_the_data_are_kept(tmp_path: Path) -> None:
    server, client = stored(tmp_path)
    client.function_load("#!lua name=lib\nredis.register_function('f', function() return 7 end)")
    client.rpush("l", 1)
    snapshot = server.snapshot()
    client.flushall()
    client.set("gone", 1)
    server.restore(snapshot)
    server.save(tmp_path.with_suffix(".rdb"))
    server.core.files.let_go()
    for loaded in (False, True):
        server, client = stored(tmp_path)
        assert client.fcall("f", 0) == 7
        assert client.keys() == [b"l"]
        client.set("other", 1)
        if not loaded:
            server.load(tmp_path.with_suffix(".rdb"))
        server.core.files.let_go()
    server, client = stored(tmp_path)
    assert sorted(client.keys()) == [b"l", b"other"]
    client.function_flush()
    server.restart(keep_data=False)
    server.core.files.let_go()
    server, client = stored(tmp_path)
    assert (client.keys(), client.function_list()) == ([], [])
    server.close()


def test_what_was_flushed_or_overwritten_gives_its_space_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redouble.persistence.store.COMPACTION", 200_000)
    monkeypatch.setattr("redouble.dbm.log.SEGMENT_SIZE", 100_000)
    server, client = stored(tmp_path, appendfsync="no")
    for number in range(3000):
        client.set(f"k{number % 10}", "x" * 1000)
    store = server.core.files
    wait_for(lambda: not store._tidies)
    assert store.db.size < 2_000_000
    client.flushall()
    wait_for(lambda: not store._tidies and not store._dead)
    assert list(store.db) == [b"m"]
    client.set("k", 1)
    server.close()
    server, client = stored(tmp_path)
    assert client.keys() == [b"k"]
    server.close()


def test_always_syncs_before_the_reply_and_everysec_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(system, "fsync", synced.append)
    server, client = stored(tmp_path, appendfsync="no")
    client.set("a", 1)
    before = len(synced)
    client.set("a", 2)
    assert len(synced) == before
    client.config_set("appendfsync", "always")
    client.set("a", 3)
    client.rpush("l", 3)
    assert len(synced) == before + 2
    monkeypatch.setattr("redouble.persistence.store.SYNC_SECONDS", 0.01)
    client.config_set("appendfsync", "everysec")
    client.set("a", 4)
    wait_for(lambda: len(synced) == before + 3)
    server.close()


def test_save_and_info_have_a_meaning(tmp_path: Path) -> None:
    server, client = stored(tmp_path)
    client.rpush("l", 1)
    assert client.save()
    assert server.core.files._count == 0
    client.rpush("l", 1)
    assert client.bgsave()
    assert client.info("persistence")["rdb_last_bgsave_status"] == "ok"
    assert client.info("persistence")["rdb_changes_since_last_save"] == 0
    assert client.bgrewriteaof()
    client.shutdown()
    server.close()
    server, client = stored(tmp_path)
    assert client.llen("l") == 2
    server.close()


def test_a_url_names_a_folder(tmp_path: Path) -> None:
    url = f"redouble://kept?dir={tmp_path}/data"
    FakeRedis.from_url(url).set("k", "v")
    assert FakeRedis(host="kept").get("k") == b"v"
    assert (
        FakeRedis.from_url(f"redouble://kept?dir={tmp_path}/other&version=8")
        .info("server")["redis_version"]
        .startswith("8.")
    )
    for other in "redouble://kept?dir=elsewhere", f"redouble://another?dir={tmp_path}/data":
        with pytest.raises(
            (ValueError, redouble.dbm.DBMError), match=r"keeps its data in|somebody has this database open"
        ):
            FakeRedis.from_url(other).ping()
    client = FakeRedis.from_url(url)
    redouble.reset()
    assert client.get("k") == b"v"
    redouble.reset()
    with FakeServer(path=tmp_path / "data") as server, redouble.patch(server=server):
        assert redis.Redis.from_url(url).get("k") == b"v"
    with redouble.patch():
        redis.Redis.from_url(url).set("k", "w")
        FakeRedis(host="memory").ping()
        with pytest.raises(ValueError, match="keeps its data in memory"):
            redis.Redis.from_url(f"redouble://memory?dir={tmp_path}/data").ping()
        redouble.reset()
        assert redis.Redis.from_url(url).get("k") == b"w"
        redouble.reset()

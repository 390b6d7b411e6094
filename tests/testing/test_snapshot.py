"""Snapshots: what was there is there again, whatever happened to the values in the meantime."""

from __future__ import annotations

import gc
import os
import random
import threading
from itertools import islice

import pytest
import redis

from redouble import FakeRedis, FakeServer, ManualClock
from redouble.persistence.rdb import snapshot_of, write_file
from tests.fuzz.families import FAMILIES
from tests.fuzz.generator import Generator
from tests.parity.machine.ours import CoreClient

UNITS = int(os.environ.get("SNAPSHOT_UNITS", "300"))


def contents(server: FakeServer) -> bytes:
    """Everything that is kept: consumer groups and times to live, too."""
    with server.core.lock:
        return write_file(snapshot_of(server.core), server.core.dialect)


def play(server: FakeServer, generator: Generator, units: int) -> None:
    clients = {number: CoreClient(server.core) for number in range(1, 5)}
    for unit in islice(generator.units(), units):
        for command in unit:
            client = clients[command.connection]
            if not command.receive and not client.blocked and not client.closing:
                reply = server.core.call(client, list(command.argv))
                del reply
    for client in clients.values():
        client.disconnect()


@pytest.mark.parametrize("version", ["7.4", "8.6"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_whatever_commands_do_a_snapshot_stays_what_it_was(family: str, version: str) -> None:
    server = FakeServer(version=version, clock=ManualClock(), random=random.Random(1))
    generator = Generator([family], random.Random(family))
    play(server, generator, UNITS)
    snapshot = server.snapshot()
    before = contents(server)
    for _ in range(3):
        play(server, generator, UNITS)
        server.check()
        server.restore(snapshot)
        assert contents(server) == before
        server.check()


def test_a_moved_value_is_no_longer_the_snapshots(server: FakeServer, r: FakeRedis) -> None:
    server.seed({"list": ["a"], "hash": {"f": "v"}})
    snapshot = server.snapshot()
    r.rename("list", "other")
    r.rpush("other", "b")
    r.swapdb(0, 1)
    r.flushdb()
    server.restore(snapshot)
    assert server.data["list"] == [b"a"]
    assert len(server.data) == 2
    assert len(server.data.db(1)) == 0


def test_several_snapshots_at_once(server: FakeServer, r: FakeRedis) -> None:
    states = []
    for number in range(4):
        r.rpush("list", number)
        states.append((server.snapshot(), server.dump()))
    for snapshot, dump in [*states, *reversed(states)]:
        server.restore(snapshot)
        assert server.dump() == dump
        r.rpush("list", "more")
    assert len(states[0][0]) == 1


def test_values_are_shared_until_they_change(server: FakeServer, r: FakeRedis) -> None:
    server.seed({f"list:{number}": ["a", "b"] for number in range(100)})
    values = dict(server.core.database(0).items())
    snapshot = server.snapshot()
    r.rpush("list:7", "c")
    changed = [key for key, value in server.core.database(0).items() if value is not values[key]]
    assert changed == [b"list:7"]
    server.restore(snapshot)
    assert all(value is values[key] for key, value in server.core.database(0).items())


def test_nothing_is_copied_for_a_snapshot_that_is_gone(server: FakeServer, r: FakeRedis) -> None:
    r.rpush("list", "a")
    server.snapshot()
    gc.collect()
    server.snapshot()
    assert len(server.core.shared) == 1


def test_restoring_breaks_the_transactions_of_those_who_watch(server: FakeServer, r: FakeRedis) -> None:
    server.seed({"a": 1, "b": 1})
    snapshot = server.snapshot()
    r.set("a", 2)
    with r.pipeline() as watching_a, r.pipeline() as watching_b:
        watching_a.watch("a")
        watching_b.watch("b")
        server.restore(snapshot)
        watching_b.multi()
        watching_b.get("b")
        assert watching_b.execute() == [b"1"]
        watching_a.multi()
        watching_a.get("a")
        with pytest.raises(redis.WatchError):
            watching_a.execute()


def test_restoring_serves_those_who_wait(server: FakeServer) -> None:
    server.seed({"q": ["x"]})
    snapshot = server.snapshot()
    FakeRedis(server=server).flushall()
    found = []
    thread = threading.Thread(target=lambda: found.append(FakeRedis(server=server).blpop("q", timeout=0)))
    thread.start()
    while not server.core.blocking.clients:
        pass
    server.restore(snapshot)
    thread.join()
    assert list(found[0]) == [b"q", b"x"]


def test_times_to_live_and_functions_come_back(server: FakeServer, r: FakeRedis, clock: ManualClock) -> None:
    r.set("a", 1, ex=10)
    r.function_load("#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    snapshot = server.snapshot()
    r.persist("a")
    r.function_flush()
    server.restore(snapshot)
    assert r.ttl("a") == 10
    assert r.fcall("f", 0) == 1
    clock.advance(11)
    assert r.get("a") is None
    server.restore(snapshot)
    assert r.get("a") is None


def test_a_snapshot_belongs_to_its_server() -> None:
    server = FakeServer()
    snapshot = server.snapshot()
    del server
    gc.collect()
    with pytest.raises(ValueError, match="gone"):
        snapshot.restore()

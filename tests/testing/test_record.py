"""`server.commands`: what was asked, by whom, and what was answered."""

from __future__ import annotations

import threading

import pytest
import redis

from redouble import FakeRedis, FakeServer, ManualClock, TcpFakeServer
from redouble.testing.record import Record


def test_commands_are_lines_with_replies_in_order(server: FakeServer, r: FakeRedis) -> None:
    r.set("a b", "x")
    r.get("a b")
    r.config_set("maxmemory", 0)
    assert list(server.commands) == ['SET "a b" x', 'GET "a b"', "CONFIG SET maxmemory 0"]
    assert [entry.reply for entry in server.commands] == [b"OK", b"x", b"OK"]
    assert server.commands.last == "CONFIG SET maxmemory 0"


def test_calls_are_found_by_name_container_and_key(server: FakeServer, r: FakeRedis) -> None:
    r.mset({"a": 1, "b": 2})
    r.get("b")
    r.config_get("maxmemory")
    assert server.commands.calls("get") == ["GET b"]
    assert server.commands.calls(key="b") == ["MSET a 1 b 2", "GET b"]
    assert server.commands.count("CONFIG") == 1
    assert "CONFIG GET" in server.commands
    assert "GET b" in server.commands
    assert "FLUSHALL" not in server.commands
    assert server.commands.names() == {"MSET": 1, "GET": 1, "CONFIG GET": 1}


def test_what_clients_send_when_they_connect_is_left_out(server: FakeServer) -> None:
    with FakeRedis(server=server, db=3, client_name="worker") as client:
        client.ping()
        client.client_setname("other")
    entry, renaming = server.commands
    assert (entry, entry.client_name, entry.db) == ("PING", b"worker", 3)
    assert renaming == "CLIENT SETNAME other"


def test_a_transaction_shows_its_commands_when_they_run(server: FakeServer, r: FakeRedis) -> None:
    pipeline = r.pipeline().set("a", 1).incr("a")
    pipeline.execute()
    assert list(server.commands) == ["MULTI", "EXEC", "SET a 1", "INCRBY a 1"]
    assert [entry.within for entry in server.commands] == [None, None, "EXEC", "EXEC"]
    assert server.commands.calls("INCRBY")[0].reply == 2


def test_a_queued_command_that_is_discarded_never_ran(server: FakeServer, r: FakeRedis) -> None:
    r.execute_command("MULTI")
    r.execute_command("SET", "a", 1)
    r.execute_command("DISCARD")
    assert list(server.commands) == ["MULTI", "DISCARD"]


def test_scripts_show_what_they_call(server: FakeServer, r: FakeRedis) -> None:
    r.eval("redis.call('set', KEYS[1], 1) return redis.call('get', KEYS[1])", 1, "k")
    assert [(str(entry).partition(" ")[0], entry.within and entry.within.name) for entry in server.commands] == [
        ("EVAL", None),
        ("SET", "EVAL"),
        ("GET", "EVAL"),
    ]
    assert server.commands.calls("GET")[0].client == server.commands[0].client


def test_errors_are_replies(server: FakeServer, r: FakeRedis) -> None:
    r.set("a", "x")
    for call in (lambda: r.incr("a"), lambda: r.execute_command("NOPE"), lambda: r.execute_command("GET")):
        with pytest.raises(redis.ResponseError):
            call()
    assert [entry.name for entry in server.commands.errors] == ["INCRBY", "NOPE", "GET"]
    assert server.commands.errors[0].error == "ERR value is not an integer or out of range"


def test_a_blocked_command_waits_and_then_has_its_reply(server: FakeServer) -> None:
    waiter = FakeRedis(server=server)
    thread = threading.Thread(target=waiter.blpop, args=("q",), kwargs={"timeout": 0})
    thread.start()
    while not server.core.blocking.clients:
        pass
    assert server.commands.waiting == ["BLPOP q 0"]
    FakeRedis(server=server).rpush("q", "x")
    thread.join()
    assert server.commands.calls("BLPOP")[0].reply == [b"q", b"x"]
    assert server.commands.waiting == []
    assert list(server.commands) == ["BLPOP q 0", "RPUSH q x"]


def test_a_command_that_ran_out_of_time_has_a_reply(server: FakeServer, clock: ManualClock) -> None:
    waiter = FakeRedis(server=server)
    thread = threading.Thread(target=waiter.blpop, args=("q",), kwargs={"timeout": 5})
    thread.start()
    while not server.core.blocking.clients:
        pass
    clock.advance(5)
    thread.join()
    assert not server.commands[0].waits
    assert server.commands[0].at == pytest.approx(clock.time() - 5)


def test_clients_over_tcp_are_recorded() -> None:
    server = FakeServer(record=True)
    with TcpFakeServer(("127.0.0.1", 0), server=server) as tcp, redis.Redis(port=tcp.server_address[1]) as client:
        tcp.start()
        client.set("a", 1)
    assert server.commands.calls("SET") == ["SET a 1"]


def test_connections_are_counted(server: FakeServer) -> None:
    first, second = FakeRedis(server=server), FakeRedis(server=server)
    first.ping()
    second.ping()
    assert (server.connections, server.connections_received) == (2, 2)
    second.close()
    assert (server.connections, server.connections_received) == (1, 2)


def test_recording_can_be_limited_in_time_and_number() -> None:
    server = FakeServer()
    client = FakeRedis(server=server)
    with pytest.raises(RuntimeError, match=r"record=True"):
        server.commands  # noqa: B018
    with server.recording(kept=2) as record:
        for key in "abc":
            client.get(key)
        assert list(record) == ["GET b", "GET c"]
    client.get("d")
    assert not server.core.observers
    record.clear()
    assert isinstance(record, Record)
    assert len(record) == 0
    assert record.last is None
    assert repr(record) == "<0 commands, the last: none>"


def test_entries_and_records_are_readable(server: FakeServer, r: FakeRedis) -> None:
    r.set("a", 1)
    r.set(b"\xff", 'say "hi"\n')
    number = server.commands[0].client
    assert repr(server.commands[0]) == f"<client {number}: SET a 1 -> b'OK'>"
    assert str(server.commands) == f'{number}> SET a 1\n{number}> SET "\\xff" "say \\"hi\\"\\n"'
    assert server.commands[:1] == ["SET a 1"]

"""What a stranger may do to a server on a socket."""

from __future__ import annotations

import logging
import os
import sys
import time

import pytest

import redouble
from redouble import cli
from redouble.net import tcp
from tests.net.conftest import Serve, Wire, eventually, request


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_it_binds_the_loopback_unless_told_otherwise() -> None:
    assert cli._serve_parser().parse_args([]).bind == "127.0.0.1"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_header_of_512_mb_costs_no_memory(serve: Serve) -> None:
    server = serve()
    wires = [Wire(server.server_address) for _ in range(50)]
    before = resident()
    for wire in wires:
        wire.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n" + b"x" * 100)
    with Wire(server.server_address) as other:
        other.send(b"PING\r\n").expect(b"+PONG\r\n")
    eventually(lambda: all(client.parser.in_command for client in list(server.clients)[:50]))
    assert resident() - before < 50_000_000
    for wire in wires:
        wire.close()


def test_a_stranger_may_send_ten_arguments_of_16_kib(serve: Serve) -> None:
    server = serve(config={"requirepass": "secret"})
    noauth = b"-NOAUTH Authentication required.\r\n"
    with Wire(server.server_address) as wire:
        wire.send(request(b"MSET", *[b"x" * 16384] * 9)).expect(noauth)
    for too_much, text in (
        (b"*11\r\n", b"unauthenticated multibulk length"),
        (b"*2\r\n$3\r\nGET\r\n$16385\r\n", b"unauthenticated bulk length"),
    ):
        with Wire(server.server_address) as wire:
            assert wire.send(too_much).rest() == b"-ERR Protocol error: " + text + b"\r\n"


@pytest.mark.parametrize(
    "verb", [b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"]
)
def test_a_browser_is_cut_off_before_it_can_say_anything(
    verb: bytes, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    with Wire(server.server_address) as wire:
        said = wire.send(verb + b"FLUSHALL\r\n" + request(b"SET", b"hacked", b"1")).rest()
    assert b"OK" not in said
    with Wire(server.server_address) as wire:
        wire.send(request(b"EXISTS", b"hacked")).expect(b":0\r\n")
    assert "attack" in caplog.text


def test_a_subscriber_that_does_not_read_costs_no_more_than_the_limit(serve: Serve) -> None:
    server = serve(config={"client-output-buffer-limit": "pubsub 1mb 0 0"})
    client = redouble.FakeRedis(server=server.fake_server)
    with Wire(server.server_address) as slow, Wire(server.server_address) as other:
        slow.send(request(b"SUBSCRIBE", b"c"))
        eventually(lambda: client.pubsub_numsub("c") == [(b"c", 1)])
        for _ in range(400):
            client.publish("c", b"x" * 100_000)
            other.send(b"PING\r\n").expect(b"+PONG\r\n")
            if client.pubsub_numsub("c") == [(b"c", 0)]:
                break
        assert client.pubsub_numsub("c") == [(b"c", 0)]
        eventually(lambda: len(server.clients) == 1)


def test_strangers_are_sent_away_unless_there_is_a_password_or_a_word(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "is_loopback", lambda host: False)
    with Wire(serve().server_address) as wire:
        assert wire.send(b"PING\r\n").rest().startswith(b"-DENIED Redis is running in protected mode")
    for options in ({"config": {"requirepass": "x"}}, {"protected_mode": False}, {"config": {"protected-mode": "no"}}):
        with Wire(serve(**options).server_address) as wire:
            assert not wire.send(b"PING\r\n").read(4).startswith(b"-DEN")


def test_a_bug_of_ours_is_answered_and_logged_and_the_connection_lives_on(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    with Wire(server.server_address) as wire:
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        command = server.server.table[b"PING"]
        original, command.run = command.run, lambda client, argv: [][1]
        try:
            answer = wire.send(b"PING\r\n").read(len(b"-ERR internal error in redouble, see its log: "))
            assert answer == b"-ERR internal error in redouble, see its log: "
            while wire.read(1) != b"\n":
                pass
        finally:
            command.run = original
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")
    assert "IndexError" in caplog.text
    assert "Traceback" in caplog.text


def test_an_idle_server_uses_no_cpu(serve: Serve) -> None:
    server = serve()
    wires = [Wire(server.server_address) for _ in range(100)]
    for wire in wires[:50]:
        wire.send(request(b"BLPOP", b"queue", b"0"))
    eventually(lambda: len(server.server.blocking.clients) == 50)
    spent = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - spent < 0.1
    for wire in wires:
        wire.close()


logging.getLogger("redouble").addHandler(logging.NullHandler())

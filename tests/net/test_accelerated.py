"""hiredis as the reader of pipelines: it finds what our own reader finds, or it is not asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.net import accelerated
from redouble.resp.parser import RequestParser, Rules, split_commands
from tests.net.conftest import Serve, Wire, request
from tests.resp.test_parser import VALKEY_9, command_lists

hiredis = pytest.importorskip("hiredis")

FILLED = [b"SET", b"key", b"value" * 100]
FILLING = request(*FILLED)  # below some size nobody asks hiredis


def read(data: bytes, split: accelerated.Split, rules: Rules) -> tuple[list[list[bytes]], str | None, int]:
    parser = RequestParser(rules, split)
    return parser.feed(data), parser.error, parser.pending


@given(
    command_lists,
    st.lists(st.sampled_from([b"*2\r\n", b"$1\r\n", b"$4\r\nPING\r\n", b"+PING\r\n", b"PING\r\n", b"\n"])),
)
def test_it_reads_what_our_reader_reads(commands: list[list[bytes]], pieces: list[bytes]) -> None:
    block = b"".join([*(request(*argv) for argv in commands), *pieces])
    for rules in (Rules(), VALKEY_9):
        for data in (FILLING + block, block + FILLING):
            assert read(data, accelerated.splitter(rules), rules) == read(data, split_commands, rules)


@pytest.mark.parametrize(
    "block",
    [
        b"*1\r\n+PING\r\n",
        b"*1\r\n=8\r\ntxt:PING\r\n",
        b"*1\r\n=8\r\n$xt:PING\r\n",  # as much structure as there should be
        b"*2\r\n+PING\r\n$3\r\n$$$\r\n",
        b"*2\r\n$4\r\nECHO\r\n+x\r\n*1\r\n",
        b"*2\r\n$4\r\nECHO\r\n(1\r\n",
        b"*1\r\n$4\r\nPING$$",  # Valkey 9 looks at line ends, others do not
        b"*1\r\n*1\r\n$4\r\nPING\r\n",
        *(b"*1\r\n" + odd for odd in (b":1\r\n", b"$-1\r\n", b"_\r\n", b"#f\r\n", b",1.5\r\n", b"-ERR x\r\n")),
        *(b"%b1\r\n$4\r\nPING\r\n" % mark for mark in (b"~", b">", b"%", b"|")),
        *(b"*0\r\n", b"*-1\r\n", b"$4\r\nPING\r\n", b":0\r\n", b"#f\r\n", b"PING\r\n", b"\r\n", b"*1\r\n$0\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("rules", [Rules(), VALKEY_9])
def test_what_only_looks_like_a_command_is_read_by_our_reader(block: bytes, rules: Rules) -> None:
    for data in (FILLING + block, block + FILLING, FILLING + block + FILLING):
        split = accelerated.splitter(rules)
        assert read(data, split, rules) == read(data, split_commands, rules)
        assert RequestParser(rules, split).feed(FILLING * 2) == [FILLED] * 2  # nothing is left in it


def test_a_plain_pipeline_is_read_by_hiredis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerated, "split_commands", lambda data, commands: 1 / 0)
    found: list[list[bytes]] = []
    pipeline = request(b"SET", b"key", b"value") * 50
    assert accelerated.splitter(Rules())(pipeline + b"*2\r\n$3\r\nGET\r\n$1", found) == b"*2\r\n$3\r\nGET\r\n$1"
    assert found == [[b"SET", b"key", b"value"]] * 50


def test_without_it_our_own_reader_does_it_all(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    for reader in (hiredis.Reader, None):
        monkeypatch.setattr(accelerated, "Reader", reader)
        assert (accelerated.splitter(Rules()) is split_commands) == (reader is None)
        with Wire(serve().server_address) as wire:
            wire.send(request(b"INCR", b"n") * 1000).expect(b"".join(b":%d\r\n" % n for n in range(1, 1001)))
            wire.send(FILLING * 2 + b"*1\r\n+PING\r\n")
            wire.expect(b"+OK\r\n+OK\r\n-ERR Protocol error: expected '$', got '+'\r\n")
            assert wire.rest() == b""

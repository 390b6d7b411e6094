"""Everything that real servers dumped and saved reads to what they held, and is written again as they wrote it."""

from __future__ import annotations

from typing import Any

import pytest

import redouble.commands  # noqa: F401  fills the command table
from redouble.core.client import Client
from redouble.core.clock import ManualClock
from redouble.core.database import type_name
from redouble.core.server import Server
from redouble.dialects import dialect_for
from redouble.persistence.errors import BadPayload, Unsupported
from redouble.persistence.rdb import Snapshot, fill_server, read_file, snapshot_of, write_file
from redouble.persistence.values import checksum_fits, dump_value, load_value
from redouble.resp.reply import OK, resp2
from redouble.types.number import format_double_17g
from redouble.types.stream import MAX_ID, id_text

from .golden import SERVERS, Golden, recorded, recorded_file, recorded_functions

HISTORICAL = (b"hfe:gone",)
"""A field of it expired some day, which its dump tells, but what is restored does not."""


def server_like(name: str) -> Server:
    return Server(server_type=SERVERS[name][0], version=SERVERS[name][1], config={"enable-debug-command": "yes"})


def contents(value: Any) -> Any:
    """A value in the shape of the recordings."""
    if isinstance(value, bytes):
        return value
    value.check()
    if value.type_name == b"list":
        return list(value)
    if value.type_name == b"set":
        return sorted(value)
    if value.type_name == b"hash":
        return sorted([field, text] for field, text in value.items())
    if value.type_name == b"stream":
        return [[id_text(id), fields] for id, fields in value.range(0, MAX_ID)]
    return [word for member, score in value.pairs(0, len(value)) for word in (member, format_double_17g(score))]


def expected(golden: Golden) -> Any:
    """Scores with 17 digits, as all versions read them."""
    if golden.type != "zset":
        return golden.value
    return [format_double_17g(float(word)) if place & 1 else word for place, word in enumerate(golden.value)]


def check(value: Any, golden: Golden) -> None:
    assert contents(value) == expected(golden), golden.key
    if golden.type == "hash":
        assert dict(value.expiries) == golden.fields_expire_at, golden.key


@pytest.mark.parametrize("name", SERVERS)
def test_every_dump_reads_to_what_was_recorded_and_is_written_the_same(name: str) -> None:
    dialect, limits = dialect_for(*SERVERS[name]), server_like(name).limits
    for golden in recorded(name):
        assert checksum_fits(golden.dump, dialect)
        value = load_value(golden.dump, dialect, limits)
        check(value, golden)
        if name != "redis62" and golden.key not in HISTORICAL:
            assert dump_value(value, dialect) == golden.dump, golden.key
            if golden.type != "string":
                assert value.encoding().decode() == golden.encoding, golden.key
    assert len(recorded(name)) >= 76


@pytest.mark.parametrize("name", SERVERS)
def test_what_is_read_survives_without_compression(name: str) -> None:
    dialect, limits = dialect_for(*SERVERS[name]), server_like(name).limits
    for golden in recorded(name):
        dump = dump_value(load_value(golden.dump, dialect, limits), dialect, do_compress=False)
        assert len(dump) >= len(golden.dump) or name == "redis62" or golden.key in HISTORICAL
        check(load_value(dump, dialect, limits), golden)


@pytest.mark.parametrize("name", SERVERS)
def test_a_restored_stream_knows_its_groups(name: str) -> None:
    server = server_like(name)
    server.clock = ManualClock(1795250285)  # what producers sent is not forgotten yet
    client = Client(server)
    asked = 0
    for golden in recorded(name):
        if golden.type == "stream":
            assert server.call(client, [b"RESTORE", golden.key, b"0", golden.dump]) is OK
            facts = server.call(client, [b"XINFO", b"STREAM", golden.key, b"FULL", b"COUNT", b"0"])
            told = named(resp2(facts, server.dialect.format_double))
            recording = named(golden.info)
            if name == "redis62":  # which told less
                told = {fact: told[fact] for fact in recording if fact != b"groups"}
            assert told == {fact: recording[fact] for fact in told}
            asked += 1
    assert asked >= 4


def named(facts: list[Any]) -> dict[bytes, Any]:
    """The facts of XINFO that are the stream's own."""
    return {name: fact for name, fact in zip(facts[::2], facts[1::2]) if name != b"radix-tree-nodes"}


@pytest.mark.parametrize("name", SERVERS)
def test_a_whole_file_reads_to_what_was_recorded(name: str) -> None:
    server = server_like(name)
    snapshot = read_file(recorded_file(name), server.dialect, server.limits, server.modules)
    assert snapshot.aux[b"redis-bits"] == b"64"
    assert sorted(snapshot.functions) == sorted(recorded_functions(name))
    records = {(record.db, record.key): record for record in snapshot.records}
    for golden in recorded(name):
        record = records.pop((golden.db, golden.key))
        check(record.value, golden)
        assert record.expires_at == golden.expires_at
        assert (record.frequency is not None) == (name == "redis86")
        assert (record.idle is not None) == (name == "valkey91")
    assert {type_name(record.value) for record in records.values()} == (
        {b"vectorset"} if name in ("redis80", "redis86") else set()
    )
    for record in records.values():
        record.value.check()


@pytest.mark.parametrize("name", SERVERS)
def test_a_file_is_written_as_it_was_read(name: str) -> None:
    server = server_like(name)
    file = recorded_file(name)
    snapshot = read_file(file, server.dialect, server.limits, server.modules)
    again = write_file(snapshot, server.dialect)
    if name == "redis70":  # elsewhere something depends on history
        assert again == file
    twice = again
    for _ in range(2):  # each time the elements of a vector set change their order
        twice = write_file(read_file(twice, server.dialect, server.limits, server.modules), server.dialect)
    assert twice == again


def test_a_server_is_filled_from_a_file_and_saved() -> None:
    server = server_like("redis70")
    fill_server(server, read_file(recorded_file("redis70"), server.dialect, server.limits))
    twin = server_like("redis70")
    fill_server(twin, read_file(write_file(snapshot_of(server), server.dialect), twin.dialect, twin.limits))
    digests = [str(each.call(Client(each), [b"DEBUG", b"DIGEST"])) for each in (server, twin)]
    assert digests[0] == digests[1]
    assert len(twin.database(0)) > 70
    with pytest.raises(BadPayload):  # the keys are there already
        fill_server(server, read_file(recorded_file("redis70"), server.dialect, server.limits))
    fill_server(server, read_file(recorded_file("redis70"), server.dialect, server.limits), merge=True)


@pytest.mark.parametrize("name", ["redis80", "redis86"])
def test_a_file_with_vector_sets_fills_a_server(name: str) -> None:
    server = server_like(name)
    client = Client(server)
    fill_server(server, read_file(recorded_file(name), server.dialect, server.limits, server.modules))
    assert server.call(client, [b"VCARD", b"vset:q8"]) == 5
    assert [server.call(client, [b"VSIM", b"vset:q8", b"ELE", b"e1", b"COUNT", b"1"])] == [[b"e1"]]
    assert server.call(client, [b"VINFO", b"vset:red"])[b"projection-input-dim"] > 0


def test_vector_sets_of_a_server_without_them_are_not_read() -> None:
    server = Server(version="7.0")
    snapshot = read_file(recorded_file("redis86"), server_like("redis86").dialect, server.limits)
    with pytest.raises(Unsupported, match="vectorset"):
        fill_server(server, snapshot)


@pytest.mark.parametrize(
    ("reader", "change"),
    [
        ("redis70", lambda file: b"VALKEY" + file[6:]),
        ("redis70", lambda file: b"REDIS0011" + file[9:]),
        ("redis70", lambda file: b"REDIS00x0" + file[9:]),
        ("redis70", lambda file: file[:-1] + bytes((file[-1] ^ 1,))),
        ("redis70", lambda file: file[:-9]),
        ("redis70", lambda file: file[:5]),
        ("redis86", lambda file: b"VALKEY080" + file[9:]),
        ("valkey91", lambda file: b"REDIS0012" + file[9:]),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_or_a_broken_one_is_refused(reader: str, change: Any) -> None:
    server = server_like(reader)
    file = write_file(Snapshot(aux={b"redis-bits": b"64"}), server.dialect)
    read_file(file, server.dialect, server.limits)
    read_file(file[:-8] + bytes(8), server.dialect, server.limits)  # without a checksum
    with pytest.raises(BadPayload):
        read_file(change(file), server.dialect, server.limits)


def test_a_stream_with_odd_numbers_survives_a_reload() -> None:
    server = server_like("redis86")
    client = Client(server)
    for line in (
        "XADD s 1-1 f v",
        "XADD s 1-2 f v",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c STREAMS s >",
        "XCLAIM s g c 0 1-1 RETRYCOUNT 9223372036854775807",
        "XCLAIM s g c 0 1-1",
        "XCLAIM s g c 0 1-2 RETRYCOUNT 9223372036854775807 JUSTID",
        "XSETID s 18446744073709551615-18446744073709551615 ENTRIESADDED 9223372036854775807",
        "XADD t IDMP p i * f v",
        "XCFGSET t IDMP-MAXSIZE 1",
    ):
        server.call(client, [word.encode() for word in line.split()])
    assert server.call(client, [b"DEBUG", b"RELOAD"]) is OK
    again = server.call(client, [b"XPENDING", b"s", b"g", b"-", b"+", b"9"])
    assert [entry[3] for entry in again] == [-(2**63), 2**63 - 1]  # the first one ran over, as it does in Redis
    assert server.call(client, [b"XLEN", b"t"]) == 1

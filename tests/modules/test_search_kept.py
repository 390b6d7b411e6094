"""How indexes live on: files, snapshots, what is collected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from redouble import FakeRedis, FakeServer

CREATE = [
    "FT.CREATE",
    "i",
    "PREFIX",
    "1",
    "d:",
    "STOPWORDS",
    "1",
    "foo",
    "SCHEMA",
    "t",
    "AS",
    "title",
    "TEXT",
    "WEIGHT",
    "2",
    "SORTABLE",
    "n",
    "NUMERIC",
    "SORTABLE",
    "g",
    "TAG",
    "SEPARATOR",
    ";",
]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(version="7.4", config={"enable-debug-command": "yes"})


def fill(r: Any) -> None:
    r.execute_command(*CREATE)
    r.execute_command("FT.ALIASADD", "a", "i")
    r.execute_command("FT.SYNUPDATE", "i", "g1", "boy", "child")
    r.execute_command("FT.DICTADD", "words", "one", "two")
    for number in range(5):
        r.hset(f"d:{number}", mapping={"t": f"boy w{number}", "n": number, "g": f"x;y{number}"})


def found(r: Any, query: str = "child", *options: str) -> Any:
    return r.execute_command("FT.SEARCH", "a", query, "NOCONTENT", *options)


def info(r: Any) -> dict[Any, Any]:
    reply = r.execute_command("FT.INFO", "i")
    return dict(zip(reply[::2], reply[1::2]))


def test_indexes_survive_a_reload(server: FakeServer) -> None:
    r = FakeRedis(server=server, protocol=2)
    fill(r)
    before, declared = found(r), info(r)
    r.execute_command("DEBUG", "RELOAD")
    assert found(r) == before == [5, b"d:0", b"d:1", b"d:2", b"d:3", b"d:4"]
    for name in (b"attributes", b"index_definition", b"index_options", b"num_docs", b"stopwords_list"):
        assert info(r)[name] == declared[name]
    assert r.execute_command("FT.DICTDUMP", "words") == [b"one", b"two"]
    r.hset("d:9", "t", "child")
    assert found(r)[0] == 6


def test_a_file_holds_the_indexes(server: FakeServer, tmp_path: Path) -> None:
    r = FakeRedis(server=server, protocol=2)
    fill(r)
    server.save(tmp_path / "dump.rdb")
    other = FakeServer(version="7.4")
    other.load(tmp_path / "dump.rdb")
    assert found(FakeRedis(server=other, protocol=2)) == found(r)


def test_a_server_without_the_module_reads_the_file(server: FakeServer, tmp_path: Path) -> None:
    r = FakeRedis(server=server, protocol=2)
    fill(r)
    server.save(tmp_path / "dump.rdb")
    other = FakeServer(version="7.4", modules=[])
    other.load(tmp_path / "dump.rdb")
    assert FakeRedis(server=other, protocol=2).dbsize() == 5


def test_a_snapshot_holds_the_indexes(server: FakeServer) -> None:
    r = FakeRedis(server=server, protocol=2)
    fill(r)
    before = found(r)
    snapshot = server.snapshot()
    for _ in range(2):
        r.hset("d:1", "t", "girl")
        r.delete("d:0")
        r.execute_command("FT.ALTER", "i", "SCHEMA", "ADD", "extra", "TEXT")
        r.execute_command("FT.CREATE", "other", "SCHEMA", "t", "TEXT")
        assert found(r)[0] == 3
        server.restore(snapshot)
        assert found(r) == before
        assert r.execute_command("FT._LIST") == [b"i"]
    r.flushall()
    assert r.execute_command("FT._LIST") == []
    server.restore(snapshot)
    assert found(r) == before
    r.hset("d:9", "t", "child")
    assert found(r)[0] == 6


def test_a_snapshot_without_indexes_removes_them(server: FakeServer) -> None:
    r = FakeRedis(server=server, protocol=2)
    r.hset("d:0", "t", "boy")
    snapshot = server.snapshot()
    fill(r)
    server.restore(snapshot)
    assert r.execute_command("FT._LIST") == []
    assert r.keys() == [b"d:0"]
    fill(r)
    assert found(r)[0] == 5


def test_what_documents_left_is_collected(server: FakeServer) -> None:
    r = FakeRedis(server=server, protocol=2)
    fill(r)
    server.clock.freeze()
    for number in range(200):
        r.hset("d:0", "t", f"word{number}")
    assert int(info(r)[b"num_terms"]) > 200
    server.clock.advance(31)
    assert int(info(r)[b"num_terms"]) < 20
    assert found(r, "word199") == [1, b"d:0"]
    assert found(r, "word198") == [0]


def test_a_server_that_never_searches_knows_nothing_of_it(server: FakeServer) -> None:
    r = FakeRedis(server=server, protocol=2)
    r.hset("d:0", "t", "boy")
    r.flushall()
    assert server.core.search is None
    assert server.core.listener is None

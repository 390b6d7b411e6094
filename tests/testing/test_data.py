"""A look inside (`data`, `dump`), and data to begin with (`seed`, `run`, `load`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from redouble import FakeRedis, FakeServer, ManualClock

EVERYTHING = {
    "string": "text",
    "number": 5,
    "list": ["a", "b c"],
    "set": {"x", "y"},
    "hash": {"name": "ada", "age": 36},
    "scores": {"ada": 2.5, "bob": 1.0},
    "events": [{"kind": "start"}, {"kind": "stop", "code": 0}],
}


def test_seeded_values_come_back(server: FakeServer) -> None:
    server.seed(EVERYTHING)
    data = server.data
    assert data["string"] == b"text"
    assert data["number"] == b"5"
    assert data["list"] == [b"a", b"b c"]
    assert data["set"] == {b"x", b"y"}
    assert data["hash"] == {b"name": b"ada", b"age": b"36"}
    assert list(data["scores"].items()) == [(b"bob", 1.0), (b"ada", 2.5)]
    assert data["events"] == {"1-0": {b"kind": b"start"}, "2-0": {b"kind": b"stop", b"code": b"0"}}
    assert data.keys() == sorted(key.encode() for key in EVERYTHING)


def test_typed_getters_insist_on_the_type(server: FakeServer) -> None:
    server.seed(EVERYTHING)
    data = server.data
    assert (data.string("string"), data.list("list"), data.set("set")) == (b"text", [b"a", b"b c"], {b"x", b"y"})
    assert data.hash("hash")[b"name"] == b"ada"
    assert data.sorted_set("scores")[b"ada"] == 2.5
    assert list(data.stream("events")) == ["1-0", "2-0"]
    with pytest.raises(TypeError, match="'scores' holds a zset, not a hash"):
        data.hash("scores")
    with pytest.raises(KeyError):
        data.list("missing")
    assert (data.type("scores"), data.type("missing")) == ("zset", "none")


def test_looking_changes_nothing(server: FakeServer, r: FakeRedis, clock: ManualClock) -> None:
    server.seed({"a": 1})
    r.expire("a", 10)
    clock.advance(5)
    before = r.info("stats")["keyspace_hits"]
    assert server.data["a"] == b"1"
    assert server.data.ttl("a") == pytest.approx(5, abs=0.01)
    assert "a" in server.data
    assert len(server.data) == 1
    assert r.info("stats")["keyspace_hits"] == before
    assert r.object("idletime", "a") == 5
    clock.advance(6)
    assert "a" not in server.data
    assert len(server.data) == 0
    with pytest.raises(KeyError):
        server.data.ttl("a")


def test_other_databases(server: FakeServer) -> None:
    server.seed({"a": 1}, db=3)
    assert dict(server.data) == {}
    assert dict(server.data.db(3)) == {b"a": b"1"}
    assert repr(server.data.db(3)) == "<database 3 with 1 keys>"
    assert server.data.db(3).ttl("a") is None


def test_a_dump_has_one_fact_on_a_line(server: FakeServer, r: FakeRedis) -> None:
    server.seed(EVERYTHING)
    server.seed({"caf\xe9": "na\xefve\n", b"\xff": b"\x00"}, db=1)
    r.expire("hash", 60)
    r.xgroup_create("events", "group", "0")
    r.xreadgroup("group", "worker", {"events": ">"}, count=1)
    assert server.dump() == (
        "events  stream\n"
        "  1-0 kind=start\n"
        "  2-0 kind=stop code=0\n"
        "  group group, last delivered 1-0\n"
        "    consumer worker\n"
        "    pending 1-0 at worker, delivered once\n"
        "hash  hash  expires in 60 s\n"
        "  age = 36\n"
        "  name = ada\n"
        "list  list\n"
        "  a\n"
        '  "b c"\n'
        "number  string\n"
        "  5\n"
        "scores  zset\n"
        "  1 bob\n"
        "  2.5 ada\n"
        "set  set\n"
        "  x\n"
        "  y\n"
        "string  string\n"
        "  text\n"
        "[database 1]\n"
        "caf\xe9  string\n"
        '  "na\xefve\\n"\n'
        '"\\xff"  string\n'
        '  "\\x00"\n'
    )
    assert FakeServer().dump() == ""


def test_a_dump_shows_fields_that_go(clock: ManualClock) -> None:
    server = FakeServer(version="8.6", clock=clock)
    server.run("HSET h f v g w\nHPEXPIRE h 1500 FIELDS 1 f")
    assert server.dump() == "h  hash\n  f = v  expires in 1.5 s\n  g = w\n"


@pytest.mark.parametrize(
    ("value", "message"),
    [(None, "no Redis type for a NoneType"), ([], "no empty collections"), ([None], "is no word"), (True, "a bool")],
)
def test_what_redis_cannot_hold_is_refused(server: FakeServer, value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        server.seed({"k": value})


def test_a_script_of_lines_is_played(server: FakeServer) -> None:
    replies = server.run('# a comment\n\nSET "a b" "x\\n"\nSELECT 1\nRPUSH q 1 2\nLRANGE q 0 -1')
    assert replies == [b"OK", b"OK", 2, [b"1", b"2"]]
    assert server.data["a b"] == b"x\n"
    assert server.data.db(1).list("q") == [b"1", b"2"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("SET a x\nINCR a", "line 2: INCR a: ERR value is not an integer or out of range"),
        ('SET a "x', "line 1: .*: quotes that do not match"),
        ("NOPE", "line 1: NOPE: ERR unknown command"),
    ],
)
def test_a_line_that_fails_says_which(server: FakeServer, script: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        server.run(script)


def test_seeding_needs_no_password_and_meets_no_fault(clock: ManualClock) -> None:
    server = FakeServer(config={"requirepass": "secret"}, record=True)
    server.faults.error("ERR no")
    server.seed({"a": 1})
    server.run("INCR a")
    assert server.data["a"] == b"2"
    assert len(server.commands) == 0


def test_save_and_load(server: FakeServer, r: FakeRedis, tmp_path: Path) -> None:
    server.seed(EVERYTHING)
    server.seed({"x": "y"}, db=2)
    r.expire("list", 100)
    r.function_load("#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    before = server.dump()
    server.save(tmp_path / "dump.rdb")
    r.flushall()
    r.function_flush()
    r.set("other", 1)
    server.load(tmp_path / "dump.rdb")
    assert server.dump() == before
    assert r.fcall("f", 0) == 1
    other = FakeServer(clock=server.core.clock)
    other.load(tmp_path / "dump.rdb")
    assert other.dump() == before


def _aof(*commands: str) -> bytes:
    words = [command.split() for command in commands]
    return b"".join(
        b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in argv)
        for argv in words
    )


def test_load_an_aof(server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "appendonly.aof"
    path.write_bytes(_aof("SELECT 1", "SET a 1", "MULTI", "INCR a", "RPUSH q x", "EXEC"))
    server.seed({"old": 1})
    server.load(path)
    assert server.dump() == "[database 1]\na  string\n  2\nq  list\n  x\n"


def test_load_an_aof_with_a_preamble_and_one_of_several_parts(server: FakeServer, tmp_path: Path) -> None:
    server.seed({"a": 1})
    server.save(tmp_path / "base.rdb")
    path = tmp_path / "appendonly.aof"
    path.write_bytes((tmp_path / "base.rdb").read_bytes() + _aof("SELECT 0", "INCR a"))
    server.load(path)
    assert server.data["a"] == b"2"
    (tmp_path / "appendonly.aof.1.incr.aof").write_bytes(_aof("SELECT 0", "INCR a", "INCR a"))
    (tmp_path / "appendonly.aof.manifest").write_text(
        "file base.rdb seq 1 type b\nfile gone.aof seq 1 type h\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    )
    server.load(tmp_path)
    assert server.data["a"] == b"3"


def test_a_file_that_cannot_be_read_leaves_the_data_alone(server: FakeServer, tmp_path: Path) -> None:
    server.seed({"a": 1})
    damaged = tmp_path / "dump.rdb"
    server.save(damaged)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    cut = tmp_path / "cut.aof"
    cut.write_bytes(_aof("SET a 2")[:-3])
    (tmp_path / "folder").mkdir()
    for path, message in ((damaged, "checksum"), (cut, "cut off"), (tmp_path / "folder", "one manifest")):
        with pytest.raises(ValueError, match=message):
            server.load(path)
    assert server.data["a"] == b"1"
    cut.write_bytes(_aof("SET a x", "INCR a"))
    with pytest.raises(ValueError, match="command 2, INCR: ERR value is not an integer"):
        server.load(cut)

"""maxmemory: the account of what the keys take, and which of them go."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import redouble.commands
from redouble.core.client import Client
from redouble.core.clock import ManualClock
from redouble.core.memory import BASE, size_of, used_memory
from redouble.core.server import Server
from redouble.resp.reply import CommandError

assert redouble.commands  # fills the command table

KEYS = [b"a", b"b", b"c"]
key = st.sampled_from(KEYS)
word = st.sampled_from([b"", b"x", b"17", b"y" * 100, b"z" * 3000])


def words(*parts: object) -> st.SearchStrategy[list[bytes]]:
    """A command line; what is no strategy stands for itself."""
    return st.tuples(*(st.just(part) if isinstance(part, bytes) else part for part in parts)).map(list)  # type: ignore[arg-type]


COMMANDS = st.one_of(
    words(b"SET", key, word),
    words(b"SET", key, word, b"PX", st.sampled_from([b"1", b"50", b"100000"])),
    words(b"APPEND", key, word),
    words(b"SETRANGE", key, st.sampled_from([b"0", b"500"]), word),
    words(b"SETBIT", key, st.sampled_from([b"7", b"9000"]), b"1"),
    words(b"INCR", key),
    words(b"GETDEL", key),
    words(b"RPUSH", key, word, word),
    words(b"LPOP", key),
    words(b"LMOVE", key, key, b"LEFT", b"RIGHT"),
    words(b"LTRIM", key, b"0", b"1"),
    words(b"SADD", key, word, word),
    words(b"SPOP", key),
    words(b"SMOVE", key, key, word),
    words(b"SUNIONSTORE", key, key, key),
    words(b"HSET", key, word, word),
    words(b"HSETEX", key, b"PX", b"30", b"FIELDS", b"1", word, word),
    words(b"HPEXPIRE", key, b"20", b"FIELDS", b"1", word),
    words(b"HGETALL", key),
    words(b"HDEL", key, word),
    words(b"ZADD", key, b"1", word),
    words(b"ZPOPMIN", key),
    words(b"ZUNIONSTORE", key, b"2", key, key),
    words(b"GEOADD", key, b"1", b"2", word),
    words(b"PFADD", key, word),
    words(b"PFMERGE", key, key),
    words(b"XADD", key, b"*", word, word),
    words(b"XTRIM", key, b"MAXLEN", b"1"),
    words(b"XGROUP", b"CREATE", key, b"g", b"$", b"MKSTREAM"),
    words(b"SORT", key, b"ALPHA", b"STORE", key),
    words(b"DEL", key),
    words(b"UNLINK", key, key),
    words(b"RENAME", key, key),
    words(b"RENAMENX", key, key),
    words(b"COPY", key, key, b"REPLACE"),
    words(b"COPY", key, key, b"DB", b"1"),
    words(b"MOVE", key, b"1"),
    words(b"SELECT", st.sampled_from([b"0", b"1"])),
    words(b"SWAPDB", b"0", b"1"),
    words(b"PEXPIRE", key, st.sampled_from([b"-1", b"10"])),
    words(b"GET", key),
    words(b"EVAL", b"redis.call('set', KEYS[1], ARGV[1]) redis.call('rpush', KEYS[2], 1)", b"2", key, key, word),
    words(b"DEBUG", b"RELOAD"),
    words(b"CONFIG", b"SET", b"maxmemory", st.sampled_from([b"0", b"100mb"])),
    st.just([b"FLUSHDB"]),
    st.just([b"FLUSHALL"]),
)


def server_of(**config: str) -> tuple[Server, Client, ManualClock]:
    clock = ManualClock(1000.0)
    settings_ = {name.replace("_", "-"): value for name, value in config.items()}
    server = Server(version=(8, 0), clock=clock, random=Random(1), config={"enable-debug-command": "yes"} | settings_)
    return server, Client(server), clock


def walk(server: Server) -> int:
    """What all keys take, looked at one by one."""
    items = (item for db in server.databases.values() for item in db.items())
    return sum(size_of(key, value, 0) for key, value in items)


def data(server: Server) -> int:
    return sum(db.measure() for db in server.databases.values())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(COMMANDS, st.sampled_from([0, 0, 0, 15])), min_size=1, max_size=40))
def test_the_account_is_what_a_look_at_all_keys_finds(lines: list[tuple[list[bytes], int]]) -> None:
    server, client, clock = server_of(maxmemory="100mb")
    for argv, milliseconds in lines:
        server.call(client, argv)
        clock.advance(milliseconds / 1000)
        if server.eviction.limit:
            assert walk(server) == data(server)


def test_the_account_of_large_collections_is_nearly_right_and_rarely_taken() -> None:
    server, client, _ = server_of(maxmemory="1gb")
    chance = Random(7)
    measured = 0
    for i in range(3000):
        server.call(client, [b"RPUSH", b"l", b"x" * chance.randrange(200)])
        server.call(client, [b"HSET", b"h", b"%d" % chance.randrange(2000), b"y" * chance.randrange(200)])
        if i % 100 == 0:
            server.call(client, [b"LTRIM", b"l", b"%d" % chance.randrange(20), b"-1"])
        before = {key: entry[2] for key, entry in client.db.account._large.items()}  # type: ignore[union-attr]
        assert abs(data(server) - walk(server)) < walk(server) / 12
        measured += sum(entry[2] == 0 < before.get(key, 0) for key, entry in client.db.account._large.items())  # type: ignore[union-attr]
    assert 10 < measured < 300
    server.call(client, [b"LTRIM", b"l", b"0", b"9"])
    server.call(client, [b"DEL", b"h"])
    assert data(server) == walk(server)


def test_without_a_limit_there_is_no_account() -> None:
    server, client, _ = server_of()
    server.call(client, [b"SET", b"k", b"v"])
    assert client.db.account is None
    assert not client.db.hooks
    server.call(client, [b"CONFIG", b"SET", b"maxmemory", b"1mb"])
    assert client.db.account is not None
    server.call(client, [b"SELECT", b"5"])
    assert client.db.account is not None
    server.call(client, [b"CONFIG", b"SET", b"maxmemory", b"0"])
    assert client.db.account is None
    assert not client.db.hooks
    assert server.gate == 0


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru"])
def test_the_least_recently_used_keys_go_in_their_order(policy: str) -> None:
    server, client, _ = server_of(maxmemory_policy=policy)
    names = [b"%x" % i for i in range(12)]
    for name in names:
        server.call(client, [b"SET", name, b"v" * 10_000, b"EX", b"1000"])
    server.call(client, [b"GET", names[0]])  # all within one millisecond
    server.call(client, [b"GETRANGE", names[1], b"0", b"0"])
    order = [*names[2:], *names[:2]]
    for gone in range(1, 12):
        limit = used_memory(server) - 1
        server.call(client, [b"CONFIG", b"SET", b"maxmemory", b"%d" % limit])
        assert server.call(client, [b"DBSIZE"]) == 12 - gone
        assert set(client.db.evictable(False)) == set(order[gone:])
    assert server.eviction.evicted_keys == 11


def test_the_keys_that_go_are_the_same_with_the_same_chance() -> None:
    def left() -> set[bytes]:
        server, client, clock = server_of(maxmemory_policy="allkeys-lru")
        for i in range(500):
            server.call(client, [b"SET", b"%d" % i, b"v" * 1000])
            clock.advance(1)
        server.call(client, [b"CONFIG", b"SET", b"maxmemory", b"%d" % (BASE + 250_000)])
        server.call(client, [b"PING"])
        return set(client.db.evictable(False))

    survivors = left()
    assert survivors == left()
    assert 200 < len(survivors) < 250
    assert sum(int(name) >= 250 for name in survivors) > 0.9 * len(survivors)  # nearly the younger half


@pytest.mark.parametrize("policy", ["allkeys-random", "allkeys-lfu", "volatile-ttl", "volatile-random"])
def test_writing_goes_on_for_ever_below_the_limit(policy: str) -> None:
    server, client, _ = server_of(maxmemory_policy=policy, maxmemory=str(BASE + 100_000))
    for i in range(2000):
        reply = server.call(client, [b"SET", b"%d" % i, b"v" * 1000, b"EX", b"1000"])
        assert not isinstance(reply, CommandError)
    assert used_memory(server) < BASE + 102_000
    assert 80 < len(client.db) < 100
    assert server.eviction.evicted_keys == 2000 - len(client.db)


def test_rarely_used_keys_go_first() -> None:
    server, client, _ = server_of(maxmemory_policy="allkeys-lfu", lfu_log_factor="0")
    for i in range(10):
        server.call(client, [b"SET", b"%d" % i, b"v" * 1000])
        for _ in range(10 - i):
            server.call(client, [b"GET", b"%d" % i])
    server.call(client, [b"CONFIG", b"SET", b"maxmemory", b"%d" % (used_memory(server) - 4000)])
    assert server.call(client, [b"DBSIZE"]) == 6
    assert set(client.db.evictable(False)) == {b"%d" % i for i in range(6)}


def test_what_has_expired_goes_before_anything_else() -> None:
    server, client, clock = server_of(maxmemory_policy="allkeys-random")
    for i in range(10):
        server.call(client, [b"SET", b"%d" % i, b"v" * 1000, *((b"PX", b"1") if i % 2 else ())])
    limit = used_memory(server) - 4000
    server.call(client, [b"CONFIG", b"SET", b"maxmemory", b"%d" % limit])
    server.eviction.due = False
    server.active_expire = False
    clock.advance(1)
    server.active_expire = True
    assert server.call(client, [b"DBSIZE"]) == 5
    assert server.eviction.evicted_keys == 0


def test_info_counts_what_was_evicted_and_what_scripts_there_are() -> None:
    server, client, _ = server_of(maxmemory_policy="allkeys-random")

    def facts(section: bytes) -> dict[str, str]:
        text = server.call(client, [b"INFO", section])
        assert isinstance(text, bytes)
        return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)

    before = used_memory(server)
    library = b"#!lua name=a\nredis.register_function('f', function() end) redis.register_function('g', function() end)"
    server.call(client, [b"FUNCTION", b"LOAD", library])
    server.call(client, [b"SCRIPT", b"LOAD", b"return 12"])
    memory = facts(b"memory")
    assert memory["number_of_functions"] == "2"
    assert memory["number_of_libraries"] == "1"
    assert memory["number_of_cached_scripts"] == "1"
    assert memory["used_memory_scripts_eval"] == "9"
    assert memory["used_memory_functions"] == str(len(library))
    assert memory["used_memory_scripts"] == str(len(library) + 9)
    assert used_memory(server) == before + len(library) + 9
    server.call(client, [b"SCRIPT", b"FLUSH"])
    server.call(client, [b"FUNCTION", b"FLUSH"])
    assert facts(b"memory")["number_of_functions"] == "0"
    assert used_memory(server) == before
    server.call(client, [b"MSET", b"a", b"1", b"b", b"2"])
    server.call(client, [b"CONFIG", b"SET", b"maxmemory", b"1"])
    server.call(client, [b"PING"])
    assert facts(b"stats")["evicted_keys"] == "2"
    server.call(client, [b"CONFIG", b"RESETSTAT"])
    assert facts(b"stats")["evicted_keys"] == "0"

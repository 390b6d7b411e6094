"""Values of every type and encoding, as the commands that make them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

Script = list[list[Any]]
"""The commands that make the value of one key, which is their first argument."""

NUMBERS = [
    -(2**63), -(2**31) - 1, -(2**31), -32769, -32768, -129, -128, -4097, -4096, -1, 0, 12, 13, 63, 64, 127, 128, 4095,
    4096, 32767, 32768, 8388607, 8388608, 2147483647, 2147483648, 2**63 - 1,
]  # fmt: skip
TEXTS = ["", "007", "+5", " 1", "-0", "abc", "1.5", "a" * 20, "a" * 21, "x" * 63, "x" * 64, "abc" * 1500, "\0\r\n" * 9]
EVERYTHING = [*NUMBERS, *TEXTS]
FIELDS_EXPIRE = ("redis-7.4", "redis-8.0", "redis-8.6", "valkey-9")
LATER = 4102444800000


def edges(chance: random.Random, server: str) -> Iterator[Script]:
    """One value at each side of every threshold."""
    for number, value in enumerate(EVERYTHING):
        yield [["SET", f"string:{number}", value]]
    for length in (30, 62, 100, 300, 5000, 70000):
        yield [["SET", f"noise:{length}", chance.randbytes(length)]]
        yield [["SET", f"few:{length}", bytes(chance.choice(b"abcd") for _ in range(length))]]
        runs = [bytes((chance.choice(b"ab"),)) * chance.randrange(1, 40) for _ in range(length // 20)]
        yield [["SET", f"runs:{length}", b"".join(runs)]]
    for count in (1, 2, 128, 129, 513, 3000):
        yield [["RPUSH", f"list:{count}", *(f"element {number}" for number in range(count))]]
        yield [["SADD", f"ints:{count}", *range(-count, 0)]]
        yield [["SADD", f"words:{count}", *(f"w{number}" for number in range(count))]]
        yield [["HSET", f"hash:{count}", *(word for number in range(count) for word in (f"f{number}", number))]]
        yield [["ZADD", f"zset:{count}", *(word for number in range(count) for word in (number / 7, f"m{number}"))]]
        yield [["XADD", f"stream:{count}", f"1-{number + 1}", "f", number] for number in range(count)]
    yield [["RPUSH", "list:mixed", *EVERYTHING]]
    yield [["RPUSH", "list:large", "s", "p" * 9000, "q" * 5000, "r" * 5000, "t", "u" * 70000, "v"]]
    yield [
        ["HSET", "hash:mixed", *(word for number, text in enumerate(NUMBERS) for word in (text, TEXTS[number % 11]))]
    ]
    yield [["HSET", "hash:long", "f", "v" * 65]]
    yield [["SADD", "set:wide", 1, 100000, -70000]]
    yield [["SADD", "set:widest", 1, 2**40]]
    yield [["SADD", "set:mixed", "a", 1, "b", ""]]
    scores = ["-inf", "inf", 0.1, 1e20, 3, -7, 1e-7, 2**53]
    yield [
        [
            "ZADD",
            "zset:mixed",
            *(word for pair in zip(scores, ["a", "b", "c", "d", "e", "f", "g", ""]) for word in pair),
        ]
    ]
    yield [["ZADD", "zset:long", 1.1, "m" * 65, -0.5, "n"]]
    yield [["PFADD", "sparse", *range(100)]]
    yield [["PFADD", "dense", *range(9000)]]
    yield [["GEOADD", "geo", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"]]
    yield [["XGROUP", "CREATE", "stream:empty", "g", "7-7", "MKSTREAM"]]
    yield [["XADD", "stream:gone", "5-5", "f", "v"], ["XDEL", "stream:gone", "5-5"]]
    yield [["XADD", "stream:last", f"{2**64 - 1}-{2**64 - 1}", "", ""]]
    if server in FIELDS_EXPIRE:
        for count in (1, 3, 512, 513):
            fields = [word for number in range(count) for word in (f"f{number}", number)]
            expiries = [
                ["HPEXPIREAT", f"ttl:{count}", LATER + 977 * at, "FIELDS", 1, f"f{at}"] for at in range(0, count, 2)
            ]
            yield [["HSET", f"ttl:{count}", *fields], *expiries]
        yield [["HSET", "ttl:long", "f", "v" * 65], ["HPEXPIREAT", "ttl:long", LATER, "FIELDS", 1, "f"]]


def some(chance: random.Random, server: str, count: int) -> Iterator[Script]:
    """Values that came about by chance."""
    makers = [_list, _set, _hash, _sorted_set, _stream]
    if server in FIELDS_EXPIRE:
        makers.append(_expiring_hash)
    for number in range(count):
        key = f"random:{number}"
        script = chance.choice(makers)(chance, key, server)
        if script:
            yield script


def _text(chance: random.Random) -> Any:
    kind = chance.random()
    if kind < 0.3:
        return chance.choice(EVERYTHING)
    if kind < 0.6:
        return chance.randrange(-(10 ** chance.randrange(1, 18)), 10 ** chance.randrange(1, 18))
    return chance.randbytes(chance.choice((0, 1, 5, 30, 62, 64, 65, 100, 300)))


def _several(chance: random.Random) -> int:
    return chance.choice((1, 2, 5, 20, 100, 140, 600))


def _list(chance: random.Random, key: str, server: str) -> Script:
    script: Script = [["RPUSH", key, "x"]]
    for _ in range(chance.randrange(1, 6)):
        texts = [_text(chance) for _ in range(_several(chance))]
        script.append([chance.choice(("RPUSH", "RPUSH", "LPUSH")), key, *texts])
        if chance.random() < 0.3:
            script.append([chance.choice(("LPOP", "RPOP")), key, chance.randrange(1, 9)])
    return [*script, ["RPUSH", key, "y"]]


def _set(chance: random.Random, key: str, server: str) -> Script:
    if chance.random() < 0.4:
        return [
            ["SADD", key, *(chance.randrange(-(2**40), 2 ** chance.randrange(4, 60)) for _ in range(_several(chance)))]
        ]
    return [["SADD", key, *(_text(chance) for _ in range(_several(chance)))]]


def _hash(chance: random.Random, key: str, server: str) -> Script:
    script = [["HSET", key, *(_text(chance) for _ in range(2 * _several(chance)))]]
    return [*script, ["HSET", key, "f", _text(chance)]] if chance.random() < 0.5 else script


def _expiring_hash(chance: random.Random, key: str, server: str) -> Script:
    names = [f"f{number}" for number in range(_several(chance))]
    script: Script = [["HSET", key, *(word for name in names for word in (name, _text(chance)))]]
    for _ in range(chance.randrange(1, 30)):
        name, moment = chance.choice(names), LATER + chance.randrange(10 ** chance.randrange(1, 9))
        if chance.random() < 0.7:
            script.append(["HPEXPIREAT", key, moment, "FIELDS", 1, name])
        elif chance.random() < 0.7:
            script.append(["HPERSIST", key, "FIELDS", 1, name])
        else:
            script.append(["HSET", key, name, _text(chance)])
    return script


def _sorted_set(chance: random.Random, key: str, server: str) -> Script:
    score: Callable[[], Any] = lambda: chance.choice((chance.random(), chance.randrange(-9, 9), "inf", 1e300, 0.1))  # noqa: E731
    return [["ZADD", key, *(word for _ in range(_several(chance)) for word in (score(), _text(chance)))]]


def _stream(chance: random.Random, key: str, server: str) -> Script:
    script: Script = []
    ids = []
    ms = 0
    for _ in range(_several(chance)):
        ms += chance.choice((1, 1, 1, 500, 70000))
        ids.append(f"{ms}-{chance.choice((1, 9, 2**63, 2**64 - 1))}")
        shapes = [
            ["f", "v"],
            ["f", _text(chance), "g", _text(chance)],
            ["", ""],
            ["f", 1, "f", 2],
            [_text(chance), "v"],
        ]
        script.append(["XADD", key, ids[-1], *chance.choice(shapes)])
        if chance.random() < 0.15:
            script.append(["XDEL", key, chance.choice(ids)])
        if chance.random() < 0.03:
            script.append(["XTRIM", key, "MAXLEN", chance.choice("=~"), chance.randrange(100)])
    if chance.random() < 0.2 and server == "redis-8.6":
        script += [
            ["XADD", key, "IDMP", chance.choice("pq"), f"own {number % 5}", "*", "f", "v"] for number in range(9)
        ]
    if chance.random() < 0.5:
        script.append(["XGROUP", "CREATE", key, "group", chance.choice((0, "$", ids[0]))])
        for consumer in ("bob", "alice", "\0\xff")[: chance.randrange(4)]:
            script.append(
                ["XREADGROUP", "GROUP", "group", consumer, "COUNT", chance.randrange(1, 50), "STREAMS", key, ">"]
            )
        script.append(["XACK", key, "group", *ids[: chance.randrange(9)], "0-1"])
    return script


def depends_on_the_moment(script: Script) -> bool:
    """Whether two servers that are told the same hold values that differ in points in time."""
    return any(argv[0] in ("XREADGROUP", "XPENDING") or "IDMP" in argv for argv in script)

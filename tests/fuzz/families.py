"""What the fuzzer says: templates by family, and how their values are made.

Keys are few, and each family has its own, so that commands meet; one time in twelve a command gets a key of another family.
Times to live are long or over, so that no key expires while the two servers are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from .grammar import Slots, generate, mistake, parse

MISTAKES = 0.12
"""The share of commands that are wrong on purpose."""


@dataclass(frozen=True)
class Command:
    connection: int
    argv: tuple[bytes, ...]
    waits: bool = False
    """It may block; then `receive` takes its reply."""
    receive: bool = False
    """Not a command: takes the reply of the connection's command that blocked, if it did."""


Unit = tuple[Command, ...]
"""Commands that make sense only together."""

KEYS = {
    "string": [b"s1", b"s2", b"s3"],
    "list": [b"l1", b"l2"],
    "hash": [b"h1", b"h2"],
    "set": [b"e1", b"e2", b"e3"],
    "zset": [b"z1", b"z2", b"z3"],
}
ALL_KEYS = [key for keys in KEYS.values() for key in keys] + [b"missing"]
LEXICAL = [b"x1", b"x2"]
"""Sorted sets with one score: what ranges BYLEX give elsewhere is not defined."""

# Words are told apart by what stands before their first zero byte, for SORT ALPHA compares no further; and SORT leaves
# words of equal weight in any order, so that BY and ALPHA do not meet.
WORDS = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"e",
    b"f",
    b"B",
    b"ab",
    b"",
    b"x" * 20,
    b"y" * 70,
    b"\x80\x00\xff",
    b"1",
    b"2",
    b"3",
    b"-7",
]
NUMBERS = [
    b"0",
    b"1",
    b"2",
    b"3",
    b"10",
    b"-1",
    b"-5",
    b"100",
    b"12345",
    b"9223372036854775807",
    b"-9223372036854775808",
]
FLOATS = [b"0", b"1", b"1.5", b"-2.25", b"0.1", b"3.14159", b"1e3", b"1e20", b"-1e-5", b"100", b"17"]
SCORES = [*FLOATS, b"2", b"3", b"4", b"5", b"-1", b"inf", b"-inf", b"0.30000000000000004", b"-0"]


def key_of(family: str) -> Callable[[Random], bytes]:
    return lambda random: random.choice(KEYS[family] if random.random() < 11 / 12 else ALL_KEYS)


def one_of(values: list[bytes]) -> Callable[[Random], bytes]:
    return lambda random: random.choice(values)


def number(low: int, high: int) -> Callable[[Random], bytes]:
    return lambda random: b"%d" % random.randint(low, high)


def counted(family: str) -> Callable[[Random], list[bytes]]:
    """`2 z1 z2`; now and then the number is wrong."""

    def make(random: Random) -> list[bytes]:
        keys = [key_of(family)(random) for _ in range(random.choice((1, 2, 2, 3)))]
        return [b"%d" % (len(keys) + random.choice((0,) * 20 + (-1, 1))), *keys]

    return make


def bound(random: Random) -> bytes:
    return random.choice((b"", b"", b"(")) + random.choice(SCORES)


def lexical(random: Random) -> bytes:
    return random.choice((b"-", b"+", b"[a", b"(a", b"[b", b"(c", b"[e", b"[", b"(ab", b"[x"))


def now(scale: int) -> Callable[[Random], bytes]:
    """A point in time far away, in seconds or milliseconds, or long ago."""
    return lambda random: random.choice((b"1", b"%d" % (33_177_117_420 * scale), b"%d" % (4_102_444_800 * scale)))


def tuple_of(*makers: Callable[[Random], bytes]) -> Callable[[Random], list[bytes]]:
    return lambda random: [make(random) for make in makers]


SLOTS: Slots = {
    **{family: key_of(family) for family in KEYS},
    "same_score": lambda random: random.choice(LEXICAL if random.random() < 11 / 12 else KEYS["string"]),
    "key": one_of(ALL_KEYS),
    "value": one_of(WORDS + NUMBERS),
    "word": one_of(WORDS),
    "long": one_of([b"v" * 3000, b"w" * 5000]),
    "number": one_of(NUMBERS),
    "float": one_of(FLOATS),
    "score": one_of(SCORES),
    "bound": bound,
    "lexical": lexical,
    "index": number(-12, 12),
    "count": number(0, 5),
    "signed": number(-4, 4),
    "offset": number(0, 40),
    "bit": number(0, 1),
    "seconds": one_of([b"100", b"1000", b"100000"]),
    "milliseconds": one_of([b"100000", b"1000000"]),
    "ttl": one_of([b"100", b"1000", b"100000", b"200000", b"0", b"-1"]),
    "at": now(1),
    "at_ms": now(1000),
    "pattern": one_of([b"*", b"?", b"[a-d]*", b"*1", b"s*", b"[^s]*", b"x*", b"a", b"\\a", b"e[1-2]"]),
    "width": one_of([b"u8", b"i8", b"u1", b"i5", b"u16", b"i64", b"u63", b"u7", b"u64", b"i65"]),
    "at_bit": one_of([b"0", b"3", b"8", b"#1", b"#2", b"100"]),
    "database": one_of([b"0", b"1"]),
    "lists": counted("list"),
    "sets": counted("set"),
    "zsets": counted("zset"),
    "weights": tuple_of(one_of(FLOATS), one_of(FLOATS)),
}

FAMILIES: dict[str, str] = {
    "string": """
        SET <string> <value>
        SET <string> <value> [NX|XX|IFEQ <value>|IFNE <value>] [GET] [EX <seconds>|PX <milliseconds>|EXAT <at>|PXAT <at_ms>|KEEPTTL]
        GET <string>
        GETSET <string> <value>
        GETDEL <string>
        GETEX <string> [EX <seconds>|PX <milliseconds>|EXAT <at>|PXAT <at_ms>|PERSIST]
        SETNX <string> <value>
        SETEX <string> <seconds> <value>
        PSETEX <string> <milliseconds> <value>
        MGET <string>...
        MSET {<string> <value>}...
        MSETNX {<string> <value>}...
        APPEND <string> <word>
        STRLEN <string>
        GETRANGE <string> <index> <index>
        SUBSTR <string> <index> <index>
        SETRANGE <string> <offset> <word>
        INCR <string>
        DECR <string>
        INCRBY <string> <number>
        DECRBY <string> <number>
        SET <string> <number>
        INCRBYFLOAT <string> <float>
        LCS <string> <string> [LEN|IDX] [MINMATCHLEN <count>] [WITHMATCHLEN]
        DELEX <string> [IFEQ <value>|IFNE <value>]
        DELIFEQ <string> <value>
        DIGEST <string>
        MSETEX 2 <string> <value> <string> <value> [NX|XX] [EX <seconds>|PX <milliseconds>|KEEPTTL]
    """,
    "bitmap": """
        SETBIT <string> <offset> <bit>
        GETBIT <string> <offset>
        BITCOUNT <string>
        BITCOUNT <string> <index> <index> [BYTE|BIT]
        BITPOS <string> <bit>
        BITPOS <string> <bit> <index> [<index>]
        BITPOS <string> <bit> <index> <index> (BYTE|BIT)
        BITOP (AND|OR|XOR|DIFF|DIFF1|ANDOR|ONE) <string> <string>...
        BITOP NOT <string> <string>
        BITFIELD <string> {(GET <width> <at_bit>|SET <width> <at_bit> <number>|INCRBY <width> <at_bit> <number>|OVERFLOW (WRAP|SAT|FAIL))}...
        BITFIELD_RO <string> {GET <width> <at_bit>}...
        SET <string> <word>
    """,
    "list": """
        LPUSH <list> <word>...
        RPUSH <list> <word>...
        RPUSH <list> <word> <word> <word>
        RPUSH <list> <long> <word> <long>
        LPUSH <list> <word> <long>
        LINSERT <list> (BEFORE|AFTER) <word> <long>
        LSET <list> <index> <long>
        LPUSHX <list> <word>...
        RPUSHX <list> <word>...
        LPOP <list> [<count>]
        RPOP <list> [<count>]
        LLEN <list>
        LINDEX <list> <index>
        LSET <list> <index> <word>
        LRANGE <list> <index> <index>
        LTRIM <list> <index> <index>
        LREM <list> <signed> <word>
        LINSERT <list> (BEFORE|AFTER) <word> <word>
        LPOS <list> <word> [RANK <signed>] [COUNT <count>] [MAXLEN <count>]
        LMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT)
        RPOPLPUSH <list> <list>
        LMPOP <lists> (LEFT|RIGHT) [COUNT <count>]
    """,
    "hash": """
        HSET <hash> {<word> <value>}...
        HMSET <hash> {<word> <value>}...
        HSETNX <hash> <word> <value>
        HGET <hash> <word>
        HMGET <hash> <word>...
        HGETALL <hash>
        HKEYS <hash>
        HVALS <hash>
        HLEN <hash>
        HEXISTS <hash> <word>
        HSTRLEN <hash> <word>
        HDEL <hash> <word>...
        HINCRBY <hash> <word> <number>
        HINCRBYFLOAT <hash> <word> <float>
        HGETDEL <hash> FIELDS 2 <word> <word>
        HGETDEL <hash> FIELDS <count> <word>...
        HSCAN <hash> 0 [MATCH <pattern>] [COUNT 1000] [NOVALUES]
    """,
    "set": """
        SADD <set> <word>...
        SADD <set> <number>...
        SREM <set> <word>...
        SCARD <set>
        SISMEMBER <set> <word>
        SMISMEMBER <set> <word>...
        SMEMBERS <set>
        SMOVE <set> <set> <word>
        SINTER <set>...
        SUNION <set>...
        SDIFF <set>...
        SINTERSTORE <set> <set>...
        SUNIONSTORE <set> <set>...
        SDIFFSTORE <set> <set>...
        SINTERCARD <sets> [LIMIT <count>]
        SSCAN <set> 0 [MATCH <pattern>] [COUNT 1000]
    """,
    "sorted_set": """
        ZADD <zset> {<score> <word>}...
        ZADD <zset> [NX|XX] [GT|LT] [CH] {<score> <word>}...
        ZADD <zset> [NX|XX|GT|LT] INCR <score> <word>
        ZADD <same_score> {0 <word>}...
        ZREM <same_score> <word>...
        ZINCRBY <zset> <score> <word>
        ZREM <zset> <word>...
        ZCARD <zset>
        ZSCORE <zset> <word>
        ZMSCORE <zset> <word>...
        ZRANK <zset> <word> [WITHSCORE]
        ZREVRANK <zset> <word> [WITHSCORE]
        ZCOUNT <zset> <bound> <bound>
        ZLEXCOUNT <same_score> <lexical> <lexical>
        ZRANGE <zset> <index> <index> [REV] [WITHSCORES]
        ZRANGE <zset> <bound> <bound> BYSCORE [REV] [WITHSCORES] [LIMIT <index> <signed>]
        ZRANGE <same_score> <lexical> <lexical> BYLEX [REV] [LIMIT <index> <signed>]
        ZREVRANGE <zset> <index> <index> [WITHSCORES]
        ZRANGEBYSCORE <zset> <bound> <bound> [WITHSCORES] [LIMIT <index> <signed>]
        ZREVRANGEBYSCORE <zset> <bound> <bound> [WITHSCORES] [LIMIT <index> <signed>]
        ZRANGEBYLEX <same_score> <lexical> <lexical> [LIMIT <index> <signed>]
        ZREVRANGEBYLEX <same_score> <lexical> <lexical> [LIMIT <index> <signed>]
        ZRANGESTORE <zset> <zset> <index> <index> [REV]
        ZRANGESTORE <zset> <zset> <bound> <bound> BYSCORE [LIMIT <count> <signed>]
        ZREMRANGEBYRANK <zset> <index> <index>
        ZREMRANGEBYSCORE <zset> <bound> <bound>
        ZREMRANGEBYLEX <same_score> <lexical> <lexical>
        ZPOPMIN <zset> [<count>]
        ZPOPMAX <zset> [<count>]
        ZMPOP <zsets> (MIN|MAX) [COUNT <count>]
        ZUNION <zsets> [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]
        ZINTER <zsets> [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]
        ZUNION 2 <zset> <set> [WEIGHTS <weights>] [WITHSCORES]
        ZINTER 2 <set> <zset> [WEIGHTS <weights>] [WITHSCORES]
        ZDIFF <zsets> [WITHSCORES]
        ZUNIONSTORE <zset> <zsets> [AGGREGATE (SUM|MIN|MAX)]
        ZINTERSTORE <zset> <zsets> [AGGREGATE (SUM|MIN|MAX)]
        ZINTERSTORE <zset> 2 <zset> <zset> [WEIGHTS <weights>]
        ZDIFFSTORE <zset> <zsets>
        ZINTERCARD <zsets> [LIMIT <count>]
        ZSCAN <zset> 0 [MATCH <pattern>] [COUNT 1000]
    """,
    "generic": """
        DEL <key>...
        UNLINK <key>
        EXISTS <key>...
        TOUCH <key>...
        TYPE <key>
        KEYS <pattern>
        RENAME <key> <key>
        RENAMENX <key> <key>
        COPY <key> <key> [DB <database>] [REPLACE]
        DEBUG DIGEST-VALUE <key> <key>
        DEBUG RELOAD
        MOVE <key> 1
        EXPIRE <key> <ttl> [NX|XX|GT|LT]
        PEXPIRE <key> <milliseconds> [NX|XX|GT|LT]
        EXPIREAT <key> <at> [NX|XX|GT|LT]
        PEXPIREAT <key> <at_ms> [NX|XX|GT|LT]
        TTL <key>
        PTTL <key>
        EXPIRETIME <key>
        PEXPIRETIME <key>
        PERSIST <key>
        OBJECT ENCODING <key>
        SCAN 0 COUNT 1000 [MATCH <pattern>] [TYPE (string|list|hash|set|zset|x)]
        SORT <list> [ALPHA|BY (s*|h*->a|x*)] [ASC|DESC] [LIMIT <index> <signed>] [GET (s*|#|h*->b)] [STORE <list>]
        SORT <set> ALPHA [DESC] [STORE <list>]
        SORT <zset> [ALPHA] [DESC] [LIMIT <count> <count>]
        SORT <zset> BY nosort [DESC] [LIMIT <count> <count>] [STORE <list>]
        SORT_RO <list> [ALPHA] [DESC]
        SWAPDB 0 1
    """,
}
"""One template a line."""

RANDOM_TEMPLATES = """
    SMEMBERS <set>; SPOP <set> [<count>]; SCARD <set>; DEL <set>
    SMEMBERS <set>; SRANDMEMBER <set> [<signed>]
    HGETALL <hash>; HRANDFIELD <hash> [<signed> [WITHVALUES]]
    ZRANGE <zset> 0 -1 WITHSCORES; ZRANDMEMBER <zset> [<signed> [WITHSCORES]]
"""
"""First everything, then chance.  The same key stands in all commands of a line; what was popped by chance is deleted."""

BLOCKING_TEMPLATES = """
    BLPOP <list> <list> 0
    BRPOP <list> <list> 0
    BLMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT) 0
    BRPOPLPUSH <list> <list> 0
    BLMPOP 0 <lists> (LEFT|RIGHT) [COUNT <count>]
    BZPOPMIN <zset> <zset> 0
    BZPOPMAX <zset> <zset> 0
    BZMPOP 0 <zsets> (MIN|MAX) [COUNT <count>]
"""

SPECIAL_FAMILIES = ("random", "transactions", "blocking")
NAMES = [*FAMILIES, *SPECIAL_FAMILIES]

TIMED = frozenset(b"TTL PTTL EXPIRETIME PEXPIRETIME".split())
"""Their answers are compared as times."""


def later_or_earlier(argv: Sequence[bytes]) -> bool:
    """EXPIRE with GT or LT: whether now + 100 s is later than what was 100 s away before hangs on the millisecond."""
    return argv[0].upper() in (b"EXPIRE", b"PEXPIRE") and not {word.upper() for word in argv[3:]}.isdisjoint(
        (b"GT", b"LT")
    )


class Generator:
    """An endless, seeded stream of units."""

    def __init__(self, families: list[str], random: Random) -> None:
        self.random = random
        self.families = families
        self.plain = [parse(line) for name in families for line in _lines(FAMILIES.get(name, ""))]
        everything = [parse(line) for text in FAMILIES.values() for line in _lines(text)]
        self.for_transactions = self.plain or everything
        self.chance = [[parse(part) for part in line.split(";")] for line in _lines(RANDOM_TEMPLATES)]
        self.blocking = [parse(line) for line in _lines(BLOCKING_TEMPLATES)]

    def units(self) -> Iterator[Unit]:
        makers: list[tuple[Callable[[], Unit], float]] = []
        if self.plain:
            makers.append((self.one, 1.0))
        for name, maker in (("random", self.by_chance), ("transactions", self.transaction), ("blocking", self.blocked)):
            if name in self.families:
                makers.append((maker, 0.04))
        functions, weights = zip(*makers, strict=True)
        while True:
            yield self.random.choices(functions, weights)[0]()

    def command(self, templates: list[tuple[object, ...]] | None = None) -> tuple[bytes, ...]:
        argv = generate(self.random.choice(templates or self.plain), SLOTS, self.random)  # type: ignore[arg-type]
        if argv[1:2] != [] and argv[1] in LEXICAL and argv[0].upper() == b"ZADD":
            return tuple(argv)  # a mistake might give another score
        return tuple(mistake(argv, self.random) if self.random.random() < MISTAKES else argv)

    def one(self) -> Unit:
        return (Command(1, self.command()),)

    def by_chance(self) -> Unit:
        keys: dict[str, bytes] = {family: key_of(family)(self.random) for family in KEYS}
        slots: Slots = {**SLOTS, **{family: (lambda random, key=key: key) for family, key in keys.items()}}  # type: ignore[misc]
        parts = [generate(part, slots, self.random) for part in self.random.choice(self.chance)]
        return tuple(Command(1, tuple(argv)) for argv in parts)

    def transaction(self) -> Unit:
        random = self.random
        commands: list[Command] = []
        if random.random() < 0.6:
            commands.append(Command(1, (b"WATCH", *(random.choice(ALL_KEYS) for _ in range(random.randint(1, 3))))))
            if random.random() < 0.6:
                commands.append(Command(2, self.ordered()))
            if random.random() < 0.1:
                commands.append(Command(1, (b"UNWATCH",)))
        commands.append(Command(1, (b"MULTI",)))
        for _ in range(random.randint(0, 4)):
            commands.append(Command(1, self.ordered()))
            if random.random() < 0.2:
                commands.append(Command(2, self.ordered()))
        commands.append(Command(1, (random.choice((b"EXEC", b"EXEC", b"EXEC", b"DISCARD")),)))
        return tuple(commands)

    def ordered(self) -> tuple[bytes, ...]:
        """A command whose answer has only one order and no time in it: EXEC's answer is compared as it is."""
        while True:
            argv = self.command(self.for_transactions)  # type: ignore[arg-type]
            name = argv[0].upper()
            by_order = name in UNORDERED or name.endswith(b"SCAN") or name == b"SORT"
            if not by_order and name not in TIMED and not later_or_earlier(argv):
                return argv

    def blocked(self) -> Unit:
        """A client that may have to wait, something that may serve it, and what serves it at last."""
        argv = tuple(generate(self.random.choice(self.blocking), SLOTS, self.random))
        keys = [word for word in argv[1:] if word in ALL_KEYS]
        commands = [Command(3, argv, waits=True)]
        # Which of several keys Redis 7.0 serves from after SWAPDB is chance: docs/differences.md.
        between = (self.command(self.for_transactions) for _ in range(self.random.randint(0, 2)))  # type: ignore[arg-type]
        commands += [Command(1, words) for words in between if words[0].upper() != b"SWAPDB"]
        source = keys[0] if keys else b"l1"
        last = (b"ZADD", source, b"1", b"m") if argv[0].upper().startswith(b"BZ") else (b"RPUSH", source, b"m")
        commands += [Command(1, (b"DEL", *keys)) for _ in keys[:1]]
        commands += [Command(1, last), Command(3, (), receive=True)]
        return tuple(commands)


UNORDERED = frozenset(b"SMEMBERS SINTER SUNION SDIFF KEYS HGETALL HKEYS HVALS".split())
"""Their answers are compared as multisets; `duel.py` compares small hashes in order at the end of each round."""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]

"""How the values in templates are made: keys, fields, numbers, ids, places.

Keys are few, and each family has its own, so that commands meet; one time in twelve a command gets a key of another family.
Times to live are long or over, so that no key expires while the two servers are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from redouble.types.geohash import Point, Polygon

from .grammar import Slots

KEYS = {
    "string": [b"s1", b"s2", b"s3"],
    "list": [b"l1", b"l2"],
    "hash": [b"h1", b"h2"],
    "set": [b"e1", b"e2", b"e3"],
    "zset": [b"z1", b"z2", b"z3"],
    "stream": [b"t1", b"t2"],
    "geo": [b"g1", b"g2"],
    "hyperloglog": [b"p1", b"p2", b"p3"],
}
ALL_KEYS = [key for keys in KEYS.values() for key in keys] + [b"missing"]
LEXICAL = [b"x1", b"x2"]
"""Sorted sets with one score: what ranges BYLEX give elsewhere is not defined."""
FRESH = b"fresh"
"""A key that is deleted before it is used: nothing in the order of its elements is chance."""
AUTOMATIC = b"automatic"
"""A stream whose last id is in the future, so that XADD * does not depend on the time."""
DUMPED = b"{dumped}"
"""In a command: what the other server answered to the last DUMP."""

# Words are told apart by what stands before their first zero byte, for SORT ALPHA compares no further.
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
LONGITUDES = [b"0", b"180", b"-180", b"179.9999", b"13.361389", b"15.087269", b"2.35", b"-74.006", b"1e-5", b"181"]
LATITUDES = [b"0", b"85.05112878", b"-85.05112878", b"84.9", b"38.115556", b"37.502669", b"48.85", b"-33.9", b"-86"]
RULES = (
    b"on off nopass resetpass >p >q <p reset resetkeys ~* ~s* ~[sl]1 ~s1 ~a ~ %R~s* %W~l* %RW~s2 allkeys resetchannels &* &a* &b"
    b" allchannels +@all -@all allcommands nocommands +get -get +set +SET +@read -@read +@write +@string -@dangerous +@slow"
    b" -@fast +@admin +config|get -config|set +config -config +client|list +object -object|encoding +select|0 +select|1 +set|s1"
    b" -select +monitor sanitize-payload skip-sanitize-payload (+get) (~s1) (%R~l*) clearselectors db=0,3 db=1 alldbs resetdbs"
    b" nosuch +nosuch +@nosuch +config|nosuch +get| (+set (on) <nosuch"
).split()
"""Rules of ACL SETUSER; the pairs that follow each other are often an error."""


def key_of(family: str) -> Callable[[Random], bytes]:
    return lambda random: random.choice(KEYS[family] if random.random() < 11 / 12 else ALL_KEYS)


def one_of(values: list[bytes]) -> Callable[[Random], bytes]:
    return lambda random: random.choice(values)


def number(low: int, high: int) -> Callable[[Random], bytes]:
    return lambda random: b"%d" % random.randint(low, high)


def counted(maker: Callable[[Random], bytes]) -> Callable[[Random], list[bytes]]:
    """`2 z1 z2`; now and then the number is wrong."""

    def make(random: Random) -> list[bytes]:
        values = [maker(random) for _ in range(random.choice((1, 2, 2, 3)))]
        return [b"%d" % (len(values) + random.choice((0,) * 20 + (-1, 1))), *values]

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


# Streams.


def new_id(random: Random) -> bytes:
    """Mostly one that is greater than all ids so far; never one that depends on the time."""
    kind = random.random()
    if kind < 0.7:
        return b"9-*"
    return b"%d-%b" % (random.randint(0, 9), b"*" if kind < 0.8 else b"%d" % random.randint(0, 20))


def entry_id(random: Random) -> bytes:
    """Mostly of an entry that may be there: `new_id` begins with 9-0."""
    return random.choice((b"9-%d", b"9-%d", b"9-%d", b"5-%d", b"0-%d")) % random.choice((0, 1, 2, 3, 4, 5, 6, 8, 12))


def range_id(random: Random) -> bytes:
    return random.choice((b"-", b"+", b"9", b"(9", b"5", b"(", b"")) or entry_id(random)


def streams_after(*ids: bytes) -> Callable[[Random], list[bytes]]:
    """`t1 t2 0 $` for XREAD."""

    def make(random: Random) -> list[bytes]:
        keys = [key_of("stream")(random) for _ in range(random.choice((1, 1, 2)))]
        return [*keys, *(random.choice((*ids, *ids, entry_id(random))) for _ in keys)]

    return make


# HyperLogLogs, geo.


def many(random: Random) -> list[bytes]:
    """As many elements as it takes to make a HyperLogLog dense, and some that were there before."""
    start = random.randrange(0, 10_000, 250)
    return [b"element:%d" % i for i in range(start, start + random.choice((10, 100, 1000)))]


def coordinate(known: list[bytes], limit: float) -> Callable[[Random], bytes]:
    return lambda random: (
        random.choice(known)
        if random.random() < 0.4
        else b"%.*f" % (random.choice((0, 3, 9)), random.uniform(-limit, limit))
    )


longitude, latitude = coordinate(LONGITUDES, 180), coordinate(LATITUDES, 85)


def corners(random: Random) -> list[bytes]:
    """The corners of a polygon, counted.  Their mean is not near a pole: docs/differences.md."""
    while True:
        texts = [[longitude(random), latitude(random)] for _ in range(random.choice((3, 3, 4, 5, 2)))]
        mean = Polygon([Point(float(one), float(other)) for one, other in texts]).centre
        if abs(mean.latitude) < 85:
            return [b"%d" % len(texts), *(number for corner in texts for number in corner)]


SLOTS: Slots = {
    **{family: key_of(family) for family in KEYS},
    "fresh": one_of([FRESH]),
    "user": one_of([b"ann", b"bob"]),
    "rule": one_of(RULES),
    "automatic": one_of([AUTOMATIC]),
    "dumped": one_of([DUMPED]),
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
    "seconds": one_of([b"10000", b"20000", b"100000"]),
    "milliseconds": one_of([b"10000000", b"20000000"]),
    "ttl": one_of([b"10000", b"20000", b"100000", b"200000", b"0", b"-1"]),
    # Whether now + 10000 s is later than what was 10000 s away before hangs on the millisecond: GT and LT get times of their own.
    "other_ttl": number(100_000, 1_000_000_000),
    "at": now(1),
    "at_ms": now(1000),
    "pattern": one_of([b"*", b"?", b"[a-d]*", b"*1", b"s*", b"[^s]*", b"x*", b"a", b"\\a", b"e[1-2]"]),
    "width": one_of([b"u8", b"i8", b"u1", b"i5", b"u16", b"i64", b"u63", b"u7", b"u64", b"i65"]),
    "at_bit": one_of([b"0", b"3", b"8", b"#1", b"#2", b"100"]),
    "database": one_of([b"0", b"1"]),
    "lists": counted(key_of("list")),
    "sets": counted(key_of("set")),
    "zsets": counted(key_of("zset")),
    "fields": counted(one_of(WORDS)),
    "weights": tuple_of(one_of(FLOATS), one_of(FLOATS)),
    "new_id": new_id,
    "id": entry_id,
    "ids": counted(entry_id),
    "range_id": range_id,
    "group": one_of([b"group", b"group", b"other"]),
    "consumer": one_of([b"ann", b"bob", b"cid"]),
    "behind": streams_after(b"0", b"$"),
    "behind_or_last": streams_after(b"0", b"$", b"+"),
    "unseen": streams_after(b">", b">", b">", b"0"),
    "idle": one_of([b"0", b"0", b"0", b"500000", b"2000000"]),
    "idle_time": one_of([b"0", b"1000000", b"3000000"]),
    "counter": one_of([b"0", b"1", b"3", b"10", b"100"]),
    "producer": one_of([b"p", b"q"]),
    "many": many,
    "longitude": longitude,
    "latitude": latitude,
    "place": one_of([b"palermo", b"catania", b"paris", b"pole", b"a", b"b", b"c", b"d"]),
    "radius": one_of([b"0", b"1", b"200.5", b"5000", b"20000", b"1e8", b"-1"]),
    "unit": one_of([b"m", b"km", b"ft", b"mi", b"KM", b"KM", b"KM"]),
    "corners": corners,
    "channel": one_of([b"news", b"news.it", b"news.de", b"sport", b"a", b"b"]),
    "channels": one_of([b"news.*", b"s*", b"[ab]"]),
}

"""Bloom filters, cuckoo filters and count-min sketches."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from random import Random

from tests.fuzz.grammar import Slots
from tests.fuzz.values import one_of

from .shared import key_of


def bloom_header(random: Random) -> bytes:
    """What BF.LOADCHUNK takes for a filter, or nearly so."""
    links = []
    for _ in range(random.choice((1, 1, 2, 3))):
        size = random.choice((8, 8, 16, 24))
        error, hashes = random.choice(((0.1, 4), (0.05, 5), (0.01, 7)) * 4 + ((0.01, 6), (1.0, 1)))
        bits_per_item = -math.log(error if random.random() < 0.9 else 0.3) / 0.480453013918201
        items = random.choice((0, 1, 2))
        bits = 8 * size + (random.random() < 0.05)
        exponent = random.choice((0, 0, 0, 0, 5, 6, 7, 8))
        capacity = random.choice((1, 2, 5, 10))
        links.append((size, bits, items, error, bits_per_item, hashes, capacity, exponent))
    count, total = len(links), sum(link[2] for link in links)
    if random.random() < 0.1:
        total += 1
    options = random.choice((5, 5, 13, 4, 4, 1, 0, 16))
    header = struct.pack("<QIII", total, count, options, random.choice((1, 2, 3)))
    return header + b"".join(struct.pack("<QQQddIQB", *link) for link in links)


def cuckoo_header(random: Random) -> bytes:
    """What CF.LOADCHUNK takes for a filter, or nearly so."""
    return struct.pack(
        "<QQQQHHH",
        random.choice((0, 1, 2, 20, (1 << 64) - 1)),
        random.choice((1, 2, 4, 8, 4, 3, 0)),
        random.choice((0, 0, 1, 5, (1 << 64) - 1)),
        random.choice((1, 1, 2, 3, 0)),
        random.choice((1, 2, 2, 3, 0, 256)),
        random.choice((1, 5, 20, 0)),
        random.choice((1, 2, 4)),
    )


def is_avoided(argv: Sequence[bytes]) -> bool:
    """Whether the real module ends, hangs or takes all memory there is."""
    name, rest = argv[0].upper(), argv[2:]
    if name in (
        b"BF.RESERVE",
        b"BF.INSERT",
        b"CF.RESERVE",
        b"CF.INSERT",
        b"CF.INSERTNX",
        b"CMS.INITBYDIM",
        b"CMS.MERGE",
    ):
        return any(len(word) > 9 and word.lstrip(b"-").isdigit() for word in rest[:2])
    return False


FAMILIES = {
    "bf": """
        BF.RESERVE <bloom> <error> <capacity> [EXPANSION <expansion>|NONSCALING]
        BF.RESERVE <bloom> <error> <capacity> [EXPANSION <expansion>] [NONSCALING]
        BF.ADD <bloom> <item>
        BF.MADD <bloom> <item>...
        BF.MADD <bloom> <small>...
        BF.MADD <bloom> <small> <small> <small> <small> <small> <small>
        BF.INSERT <bloom> [CAPACITY <capacity>] [ERROR <error>] [EXPANSION <expansion>] [NOCREATE] [NONSCALING] ITEMS <item>...
        BF.INSERT <bloom> (c|CAPA) <capacity> (er|err) <error> (e|exp) <expansion> (no|non|noc) (i|items) <small>...
        BF.EXISTS <bloom> <item>
        BF.MEXISTS <bloom> <small>...
        BF.CARD <bloom>
        BF.INFO <bloom> [CAPACITY|SIZE|FILTERS|ITEMS|EXPANSION|FOO]
        BF.DEBUG <bloom>
        BF.SCANDUMP <bloom> <position>
        BF.LOADCHUNK <bloom> 1 <bloom_header>
        BF.LOADCHUNK <bloom> 1 <bloom_header>
        BF.LOADCHUNK <bloom> <position> <chunk>
        DEL <bloom>
        SET <bloom> x
    """,
    "cf": """
        CF.RESERVE <cuckoo> <capacity> [EXPANSION <growth>] [BUCKETSIZE <bucket>] [MAXITERATIONS <iterations>] FOO BAR
        CF.ADD <cuckoo> <item>
        CF.ADD <cuckoo> <small>
        CF.ADDNX <cuckoo> <small>
        CF.INSERT <cuckoo> [CAPACITY <capacity>] [NOCREATE] ITEMS <item>...
        CF.INSERT <cuckoo> ITEMS <small>...
        CF.INSERT <cuckoo> ITEMS <small> <small> <small> <small> <small> <small>
        CF.INSERTNX <cuckoo> (c|CAPA) <capacity> [n|none] (i|items) <small>...
        CF.EXISTS <cuckoo> <item>
        CF.MEXISTS <cuckoo> <small>...
        CF.COUNT <cuckoo> <item>
        CF.DEL <cuckoo> <item>
        CF.DEL <cuckoo> <small>
        CF.DEL <cuckoo> <small>
        CF.COMPACT <cuckoo>
        CF.INFO <cuckoo>
        CF.DEBUG <cuckoo>
        CF.SCANDUMP <cuckoo> <position>
        CF.LOADCHUNK <cuckoo> 1 <cuckoo_header>
        CF.LOADCHUNK <cuckoo> 1 <cuckoo_header>
        CF.LOADCHUNK <cuckoo> <position> <chunk>
        DEL <cuckoo>
        SET <cuckoo> x
    """,
    "cms": """
        CMS.INITBYDIM <sketch> <dimension> <dimension>
        CMS.INITBYPROB <sketch> <fraction> <fraction>
        CMS.INCRBY <sketch> {<item> <amount>}...
        CMS.QUERY <sketch> <item>...
        CMS.MERGE <sketch> 1 <sketch>
        CMS.MERGE <sketch> 2 <sketch> <sketch> [WEIGHTS <weight> <weight>]
        CMS.MERGE <sketch> 3 <sketch> <sketch> <sketch> WEIGHTS <weight> <weight> <weight>
        CMS.INFO <sketch>
        DEL <sketch>
        SET <sketch> x
    """,
}
SLOTS: Slots = {
    "bloom": key_of(b"bf1", b"bf2", b"bf3"),
    "cuckoo": key_of(b"cf1", b"cf2", b"cf3"),
    "small": lambda random: b"%d" % random.randrange(60),
    "error": one_of([b"0.1", b"0.01", b"0.3", b"0.5", b"0.9", b"1e-9", b"0", b"1", b"-1", b"nan", b"inf", b"x"]),
    "capacity": one_of([b"1", b"2", b"4", b"5", b"8", b"10", b"20", b"100", b"0", b"-1", b"x", b"1.5"]),
    "expansion": one_of([b"1", b"1", b"2", b"3", b"10", b"0", b"-1", b"x"]),
    "growth": one_of([b"0", b"1", b"1", b"2", b"2", b"3", b"-1", b"32769", b"x"]),
    "bucket": one_of([b"1", b"1", b"2", b"2", b"3", b"4", b"5", b"0", b"256", b"x"]),
    "iterations": one_of([b"1", b"2", b"5", b"20", b"100", b"0", b"65536", b"x"]),
    "position": one_of([b"0", b"1", b"2", b"3", b"5", b"9", b"10", b"17", b"25", b"33", b"100", b"999", b"-1", b"x"]),
    "chunk": one_of([b"", b"a", b"ab", b"\xff" * 8, b"\x01\x02\x03\x04", b"x" * 16, b"y" * 24]),
    "bloom_header": bloom_header,
    "cuckoo_header": cuckoo_header,
    "sketch": key_of(b"cms1", b"cms2", b"cms3"),
    "dimension": one_of([b"3", b"3", b"3", b"5", b"1", b"20", b"0", b"-1", b"x"]),
    "fraction": one_of([b"0.1", b"0.1", b"0.01", b"0.5", b"1", b"0", b"-0.1", b"1e-3", b"inf", b"nan", b"x", b" 0.1"]),
    "amount": one_of([b"1", b"1", b"2", b"3", b"10", b"0", b"4294967290", b"4294967296", b"-1", b"x", b"1.5"]),
    "weight": one_of([b"1", b"1", b"2", b"0", b"-1", b"1000000", b"9223372036854775807", b"x", b"1.0"]),
}

"""Top-k lists and t-digests."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tests.fuzz.grammar import Slots
from tests.fuzz.values import one_of

from .shared import key_of

COUNTED = [b"a", b"b", b"c", b"d", b"item", b"item2", b"x" * 50, b"-1", b"7", *(b"t%d" % i for i in range(8))]
"""Neither empty nor with zero bytes: the real module does not survive to list what RESTORE makes of these."""
SHAPES = [b"3 2 1", b"1 1 1", b"20 3 1", b"5 4 1e-300", b"2 1 1e-300", b"645 3 0.9", b"8 7 2", b"0 7 1", b"8 x 1"]
"""Width, depth and decay with which chance has no say: it is (almost) certain or impossible that a count decays, or there
is a bucket for each item."""

INCREMENTS = [b"0", b"1", b"2", b"3", b"10", b"50", b"100000"]
CERTAIN = b"certain"
"""A list of the default shape, which takes only these:"""
APART = [b"a", b"b", b"t5"]
"""Items that share no bucket."""


def samples(random: Random) -> list[bytes]:
    """Observations: few different ones or many, so many that a digest compresses, very large ones."""
    count = random.choice((1, 1, 2, 3, 8, 30, 200, 1000))
    kind = random.randrange(6)
    if kind == 0:
        return [b"%d" % random.randrange(-3, 10) for _ in range(count)]
    if kind == 1:
        return [b"%r" % random.gauss(0, 100) for _ in range(count)]
    if kind == 2:
        return [random.choice([b"0", b"-0", b"5e-324", b"1e308", b"-1.7e308", b"1", b"1.5"]) for _ in range(count)]
    if kind == 3:
        start = random.randrange(100)
        return [b"%d" % (start + i) for i in range(count)][:: random.choice((1, -1))]
    if kind == 4:
        return [random.choice([b"3", b"3.5"])] * count
    return [b"%.2f" % random.expovariate(0.1) for _ in range(count)]


def fraction(random: Random) -> bytes:
    return random.choice([b"0", b"1", b"0.5", b"0.25", b"0.999", b"0.01", b"%.3f" % random.random()])


def is_avoided(argv: Sequence[bytes]) -> bool:
    """Whether the real module ends, hangs or takes all memory there is, or chance decides."""
    name, rest = argv[0].upper(), argv[2:]
    if name in (b"TOPK.RESERVE", b"TDIGEST.CREATE", b"TDIGEST.MERGE"):
        by_chance = name == b"TOPK.RESERVE" and len(argv) == 3 and argv[1] != CERTAIN
        return by_chance or any(len(word) > 9 and word.isdigit() for word in rest)
    if name in (b"TOPK.ADD", b"TOPK.INCRBY"):
        # After a wrong increment the real one owes answers.
        owes = name == b"TOPK.INCRBY" and any(word not in INCREMENTS for word in rest[1:-1:2])
        return owes or b"" in rest or (argv[1:2] == [CERTAIN] and not {*rest}.issubset(APART))
    return False


FAMILIES = {
    "topk": """
        TOPK.RESERVE <top> <top_size> <shape>
        TOPK.RESERVE <top> <top_size> <shape>
        TOPK.RESERVE <certain> <top_size>
        TOPK.ADD <top> <counted>...
        TOPK.ADD <top> <counted>...
        TOPK.ADD <certain> <apart>...
        TOPK.INCRBY <top> {<counted> <times>}...
        TOPK.INCRBY <top> {<counted> <times>}...
        TOPK.QUERY <top> <counted>...
        TOPK.COUNT <top> <counted>...
        TOPK.LIST <top> [WITHCOUNT]
        TOPK.INFO <top>
        DUMP <top>
        RESTORE <top> 0 <dumped> REPLACE
        COPY <top> <top>
        DEL <top>
        SET s1 x
    """,
    "tdigest": """
        TDIGEST.CREATE <digest> [COMPRESSION <compression>]
        TDIGEST.CREATE <digest> COMPRESSION <compression>
        TDIGEST.ADD <digest> <samples>
        TDIGEST.ADD <digest> <samples>
        TDIGEST.ADD <digest> <samples>
        TDIGEST.CREATE <digest> COMPRESSION <compression>
        TDIGEST.MERGE <digest> 1 <digest> [COMPRESSION <compression>] [OVERRIDE]
        TDIGEST.MERGE <digest> 2 <digest> <digest> [COMPRESSION <compression>] [OVERRIDE]
        TDIGEST.MERGE <digest> 3 <digest> <digest> <digest> [COMPRESSION <compression>] [OVERRIDE]
        TDIGEST.RESET <digest>
        TDIGEST.MIN <digest>
        TDIGEST.MAX <digest>
        TDIGEST.QUANTILE <digest> <quantile>...
        TDIGEST.CDF <digest> <samples>
        TDIGEST.TRIMMED_MEAN <digest> <quantile> <quantile>
        TDIGEST.RANK <digest> <samples>
        TDIGEST.REVRANK <digest> <samples>
        TDIGEST.BYRANK <digest> <rank>...
        TDIGEST.BYREVRANK <digest> <rank>...
        TDIGEST.INFO <digest>
        DUMP <digest>
        RESTORE <digest> 0 <dumped> REPLACE
        COPY <digest> <digest>
        DEL <digest>
        SET s1 x
    """,
}
SLOTS: Slots = {
    "top": key_of(b"top1", b"top2", b"top3"),
    "certain": one_of([CERTAIN]),
    "apart": one_of(APART),
    "top_size": one_of([b"1", b"2", b"3", b"5", b"5", b"10", b"0", b"-1", b"x"]),
    "shape": lambda random: random.choice(SHAPES).split(),
    "counted": one_of(COUNTED),
    "times": one_of([*INCREMENTS, *INCREMENTS, b"100001", b"-1", b"x"]),
    "digest": key_of(b"digest1", b"digest2", b"digest3", b"digest4"),
    "samples": samples,
    "quantile": fraction,
    "rank": lambda random: b"%d" % random.choice((0, 1, random.randrange(10), random.randrange(500))),
    "compression": one_of([b"1", b"2", b"3", b"5", b"10", b"20", b"100", b"1000", b"0", b"-1", b"x"]),
}

"""What the fuzzer says to a server with modules: their families, and the values that only they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from .grammar import Slots
from .values import ALL_KEYS, one_of

__all__ = ["MODULE_FAMILIES", "MODULE_SLOTS", "is_avoided"]


def key_of(*keys: bytes) -> Callable[[Random], bytes]:
    """One of a family's keys; one time in twelve another family's."""
    return lambda random: random.choice(keys if random.random() < 11 / 12 else ALL_KEYS)


ITEMS = [b"a", b"b", b"c", b"d", b"", b"item", b"item2", b"\x00\xff", b"x" * 50, b"-1", b"7"]

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
    if name.startswith(b"TS."):
        return _is_avoided_of_series(argv)
    if name in (b"TOPK.RESERVE", b"TDIGEST.CREATE", b"TDIGEST.MERGE"):
        by_chance = name == b"TOPK.RESERVE" and len(argv) == 3 and argv[1] != CERTAIN
        return by_chance or any(len(word) > 9 and word.isdigit() for word in rest)
    if name in (b"TOPK.ADD", b"TOPK.INCRBY"):
        # After a wrong increment the real one owes answers.
        owes = name == b"TOPK.INCRBY" and any(word not in INCREMENTS for word in rest[1:-1:2])
        return owes or b"" in rest or (argv[1:2] == [CERTAIN] and not {*rest}.issubset(APART))
    return False


MODULE_FAMILIES: dict[str, str] = {
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
    "ts": """
        TS.CREATE <series> [RETENTION <retention>] [CHUNK_SIZE <chunk>] [DUPLICATE_POLICY <policy>] [IGNORE <near> <close>] [LABELS {<label> <tag>}...]
        TS.CREATE <series> CHUNK_SIZE 48 DUPLICATE_POLICY LAST LABELS a <tag> b <tag>
        TS.CREATE <raw> UNCOMPRESSED CHUNK_SIZE <chunk> [DUPLICATE_POLICY <policy>] [LABELS {<label> <tag>}...]
        TS.CREATE <source> CHUNK_SIZE <chunk> [RETENTION <retention>] [DUPLICATE_POLICY <policy>] [LABELS {<label> <tag>}...]
        TS.CREATE <result> [CHUNK_SIZE <chunk>] [DUPLICATE_POLICY <policy>] [LABELS {<label> <tag>}...]
        TS.ALTER <series> [RETENTION <retention>] [CHUNK_SIZE 4096] [DUPLICATE_POLICY <policy>] [IGNORE <near> <close>] [LABELS {<label> <tag>}...]
        TS.ADD <growing> <moment> <sample> [ON_DUPLICATE <policy>] [CHUNK_SIZE <chunk>] [LABELS {<label> <tag>}...]
        TS.ADD <growing> <moment> <sample> ON_DUPLICATE <policy>
        TS.MADD {<growing> <moment> <sample>}...
        TS.MADD <history>
        TS.MADD <history>
        TS.MADD <history>
        TS.INCRBY <growing> <sample> TIMESTAMP <later> [LABELS {<label> <tag>}...]
        TS.DECRBY <growing> <sample> TIMESTAMP <later>
        TS.ADD <shrinking> <moment> <sample> [ON_DUPLICATE <policy>]
        TS.DEL <shrinking> <from> <to>
        TS.CREATERULE <source> <result> AGGREGATION <aggregator> <bucket>
        TS.CREATERULE <source> <result> AGGREGATION <aggregator> <bucket> <moment>
        TS.DELETERULE <source> <result>
        TS.RANGE <measured> <from> <to> [LATEST] [COUNT <few>]
        TS.RANGE <measured> <from> <to> [LATEST] [FILTER_BY_TS <moment>...] [FILTER_BY_VALUE <sample> <sample>] [COUNT <few>] [ALIGN <alignment>] AGGREGATION <aggregator> <bucket> <rest>
        TS.REVRANGE <measured> <from> <to> [LATEST] [FILTER_BY_TS <moment>...] [FILTER_BY_VALUE <sample> <sample>] [COUNT <few>] [ALIGN <alignment>] AGGREGATION <aggregator> <bucket> <rest>
        TS.RANGE <measured> <from> <to> AGGREGATION <aggregator> <bucket> EMPTY
        TS.REVRANGE <measured> <from> <to> AGGREGATION <aggregator> <bucket> EMPTY
        TS.RANGE <measured> <from> <to> AGGREGATION twa <bucket> <rest>
        TS.REVRANGE <measured> <from> <to> AGGREGATION twa <bucket> <rest>
        TS.GET <measured> [LATEST]
        TS.INFO <measured> [DEBUG]
        TS.INFO <measured> DEBUG
        TS.QUERYINDEX <filter>...
        TS.MGET [LATEST] [WITHLABELS] [SELECTED_LABELS <label>...] FILTER <filter>...
        TS.MRANGE <from> <to> [LATEST] [COUNT <few>] [WITHLABELS|SELECTED_LABELS <label>...] FILTER <filter>...
        TS.MRANGE <from> <to> [WITHLABELS] [COUNT <few>] [ALIGN <alignment>] AGGREGATION <aggregator> <bucket> <rest> FILTER <filter>...
        TS.MRANGE <from> <to> [WITHLABELS] [AGGREGATION <aggregator> <bucket> <rest>] FILTER <filter>... GROUPBY <label> REDUCE <aggregator>
        TS.MREVRANGE <from> <to> [WITHLABELS] [COUNT <few>] [AGGREGATION <aggregator> <bucket> <rest>] FILTER <filter>... GROUPBY <label> REDUCE <aggregator>
        TS.MREVRANGE <from> <to> [FILTER_BY_TS <moment>...] [FILTER_BY_VALUE <sample> <sample>] FILTER <filter>...
        RENAMENX <series> <series>
        RENAMENX <source> <source>
        RENAMENX <result> <result>
        COPY <measured> <copied>
        DUMP <measured>
        DEL <measured>
        SET <measured> x
    """,
}
SERIES = [b"m1", b"m2", b"m3"]
SOURCES = [b"c1", b"c2"]
RESULTS = [b"d1", b"d2", b"d3"]
RAW = [b"u1", b"u2"]
COPIES = [b"e1", b"e2"]
"""Nobody adds to them, nor to results: what a rule has put behind the last sample that is known of is not in order then."""
SHRINKING = [b"n1", b"n2"]
"""From large chunks: a chunk that has grown and has one sample left makes the real server lose others."""
MOMENTS = [
    b"0",
    b"1",
    b"5",
    b"10",
    b"12",
    b"19",
    b"20",
    b"33",
    b"50",
    b"51",
    b"77",
    b"100",
    b"150",
    b"199",
    b"250",
    b"1000",
    b"9000",
]
SAMPLES = [
    b"0",
    b"1",
    b"1",
    b"2",
    b"3",
    b"5",
    b"-1",
    b"10",
    b"0.1",
    b"2.5",
    b"-7.25",
    b"100",
    b"1e10",
    b"123.456",
    b"-0.0",
    b"1e-5",
    b"x",
    b"3x",
    b"1e400",
]
AGGREGATORS = b"avg sum min max range count first last std.p std.s var.p var.s twa twa".split()


def history(random: Random) -> list[bytes]:
    """Samples of one series, most of them in order."""
    key = random.choice([*SERIES, *SOURCES, *SHRINKING, *RAW, SOURCES[0]])
    moment, value = random.choice((0, 5, 100, 150, 300, 1000, random.randrange(5000))), random.randrange(20)
    step, spread = random.choice((1, 3, 10, 10, 60, 1000)), random.choice((0, 0, 1, 5, 30))
    words = []
    for _ in range(random.choice((3, 10, 30, 60))):
        moment = max(moment + step + random.randint(-spread, spread), 0)
        value += random.choice((0, 0, 1, -1, 2, 0.5, 0.1))
        words += [key, b"%d" % moment, repr(value).encode()]
    return words


def bucket_options(random: Random) -> list[bytes]:
    """What may follow AGGREGATION and its two values."""
    place = [b"BUCKETTIMESTAMP", random.choice([b"start", b"mid", b"end", b"-", b"~", b"+", b"x"])]
    return random.choice([[], [], [b"EMPTY"], place, [*place, b"EMPTY"], [b"EMPTY", *place]])


def moment_of(word: bytes) -> int:
    """What a bound of a range means, if it means anything."""
    return int(word) if word.isdigit() else 2**63 if word == b"+" else 0


def _is_avoided_of_series(argv: Sequence[bytes]) -> bool:
    """What depends on the time, or is known to be the end of a real server."""
    name, words = argv[0].upper(), [word.upper() for word in argv]
    if name in (b"TS.INCRBY", b"TS.DECRBY"):
        return b"TIMESTAMP" not in words[:-1] or words[-1] == b"TIMESTAMP"
    if name == b"TS.DEL":
        return not {*SOURCES, *RAW, *SERIES}.isdisjoint(argv)
    if b"AGGREGATION" in words and b"9223372036854775807" in words:
        return True  # buckets that end beyond the end of time
    if name.endswith(b"REVRANGE") and {b"LATEST", b"AGGREGATION"} <= {*words}:
        return True  # nothing is found if there is no last bucket in the range
    if name.endswith(b"REVRANGE") and b"EMPTY" in words:
        # Empty buckets go beyond their memory if a chunk is not read whole, as it is not if there is a retention.
        return argv[1] not in {*RAW, *RESULTS, *SHRINKING} or argv[2:4] != [b"-", b"+"]
    if name.endswith(b"RANGE") and b"EMPTY" in words:
        start, end = (moment_of(word) for word in [*argv[1 if name == b"TS.MRANGE" else 2 :], b"", b""][:2])
        return start > end
    return name == b"TS.CREATERULE" and len(argv) == 7 and words[3] != b"AGGREGATION"


MODULE_SLOTS: Slots = {
    "series": key_of(*SERIES),
    "source": key_of(*SOURCES),
    "result": one_of([*RESULTS, *RESULTS, b"nothing"]),
    "copied": one_of(COPIES),
    "raw": key_of(*RAW),
    "shrinking": key_of(*SHRINKING),
    "growing": key_of(*SERIES, *SOURCES, *RAW, *SOURCES),
    "measured": key_of(*SERIES, *COPIES, *SHRINKING, *SOURCES, *RESULTS, *RESULTS, *RAW),
    "history": history,
    "moment": one_of([*MOMENTS, *MOMENTS, b"-1", b"x", b"*5"]),
    "later": one_of([*MOMENTS, b"x"]),
    "sample": one_of(SAMPLES),
    "from": one_of([b"-", b"-", b"0", b"1", b"7", b"10", b"50", b"100", b"300", b"x", b"+"]),
    "to": one_of([b"+", b"+", b"+", b"5", b"10", b"60", b"120", b"200", b"500", b"3000", b"99999", b"x", b"-"]),
    "alignment": one_of([b"start", b"end", b"-", b"+", b"0", b"3", b"5", b"1000", b"x"]),
    "bucket": one_of([b"10", b"10", b"7", b"50", b"100", b"1000", b"25", b"0", b"x"]),
    "aggregator": one_of([*AGGREGATORS, *AGGREGATORS, b"AVG", b"nope"]),
    "rest": bucket_options,
    "retention": one_of([b"0", b"100", b"50", b"1000", b"3000", b"-1", b"x"]),
    "chunk": one_of([b"48", b"48", b"64", b"128", b"256", b"4096", b"47", b"100", b"x"]),
    "policy": one_of([b"BLOCK", b"LAST", b"LAST", b"FIRST", b"MIN", b"MAX", b"SUM", b"x"]),
    "near": one_of([b"0", b"5", b"100", b"-1", b"x"]),
    "close": one_of([b"0", b"0.5", b"3", b"-1", b"x", b"inf"]),
    "label": one_of([b"a", b"a", b"b", b"c", b""]),
    "tag": one_of([b"1", b"1", b"2", b"x", b"", b"(1)"]),
    "filter": one_of(
        [
            b"a=1",
            b"a=1",
            b"a=(1,2)",
            b"b=1",
            b"b!=1",
            b"b=",
            b"b!=",
            b"c=(x)",
            b"a!=(2,x)",
            b"a=()",
            b"a=(1,,2)",
            b"a",
            b"=",
            b"a=2",
        ]
    ),
    "few": one_of([b"1", b"2", b"5", b"100", b"0", b"-1", b"x"]),
    "item": one_of(ITEMS),
    "sketch": key_of(b"cms1", b"cms2", b"cms3"),
    "dimension": one_of([b"3", b"3", b"3", b"5", b"1", b"20", b"0", b"-1", b"x"]),
    "fraction": one_of([b"0.1", b"0.1", b"0.01", b"0.5", b"1", b"0", b"-0.1", b"1e-3", b"inf", b"nan", b"x", b" 0.1"]),
    "amount": one_of([b"1", b"1", b"2", b"3", b"10", b"0", b"4294967290", b"4294967296", b"-1", b"x", b"1.5"]),
    "weight": one_of([b"1", b"1", b"2", b"0", b"-1", b"1000000", b"9223372036854775807", b"x", b"1.0"]),
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

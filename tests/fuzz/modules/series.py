"""Time series: samples in order and out of it, rules, labels."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tests.fuzz.grammar import Slots
from tests.fuzz.values import one_of

from .shared import key_of

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


def is_avoided(argv: Sequence[bytes]) -> bool:
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


FAMILIES = {
    "ts": """
        TS.CREATE <series> [RETENTION <retention>] [CHUNK_SIZE <chunk_size>] [DUPLICATE_POLICY <policy>] [IGNORE <near> <close>] [LABELS {<label> <tag>}...]
        TS.CREATE <series> CHUNK_SIZE 48 DUPLICATE_POLICY LAST LABELS a <tag> b <tag>
        TS.CREATE <raw> UNCOMPRESSED CHUNK_SIZE <chunk_size> [DUPLICATE_POLICY <policy>] [LABELS {<label> <tag>}...]
        TS.CREATE <source> CHUNK_SIZE <chunk_size> [RETENTION <retention>] [DUPLICATE_POLICY <policy>] [LABELS {<label> <tag>}...]
        TS.CREATE <result> [CHUNK_SIZE <chunk_size>] [DUPLICATE_POLICY <policy>] [LABELS {<label> <tag>}...]
        TS.ALTER <series> [RETENTION <retention>] [CHUNK_SIZE 4096] [DUPLICATE_POLICY <policy>] [IGNORE <near> <close>] [LABELS {<label> <tag>}...]
        TS.ADD <growing> <moment> <sample> [ON_DUPLICATE <policy>] [CHUNK_SIZE <chunk_size>] [LABELS {<label> <tag>}...]
        TS.ADD <growing> <moment> <sample> ON_DUPLICATE <policy>
        TS.MADD {<growing> <moment> <sample>}...
        TS.MADD <history>
        TS.MADD <history>
        TS.MADD <history>
        TS.INCRBY <growing> <sample> TIMESTAMP <later> [LABELS {<label> <tag>}...]
        TS.DECRBY <growing> <sample> TIMESTAMP <later>
        TS.ADD <shrinking> <moment> <sample> [ON_DUPLICATE <policy>]
        TS.DEL <shrinking> <from> <to>
        TS.CREATERULE <source> <result> AGGREGATION <aggregator> <bucket_span>
        TS.CREATERULE <source> <result> AGGREGATION <aggregator> <bucket_span> <moment>
        TS.DELETERULE <source> <result>
        TS.RANGE <measured> <from> <to> [LATEST] [COUNT <few>]
        TS.RANGE <measured> <from> <to> [LATEST] [FILTER_BY_TS <moment>...] [FILTER_BY_VALUE <sample> <sample>] [COUNT <few>] [ALIGN <alignment>] AGGREGATION <aggregator> <bucket_span> <rest>
        TS.REVRANGE <measured> <from> <to> [LATEST] [FILTER_BY_TS <moment>...] [FILTER_BY_VALUE <sample> <sample>] [COUNT <few>] [ALIGN <alignment>] AGGREGATION <aggregator> <bucket_span> <rest>
        TS.RANGE <measured> <from> <to> AGGREGATION <aggregator> <bucket_span> EMPTY
        TS.REVRANGE <measured> <from> <to> AGGREGATION <aggregator> <bucket_span> EMPTY
        TS.RANGE <measured> <from> <to> AGGREGATION twa <bucket_span> <rest>
        TS.REVRANGE <measured> <from> <to> AGGREGATION twa <bucket_span> <rest>
        TS.GET <measured> [LATEST]
        TS.INFO <measured> [DEBUG]
        TS.INFO <measured> DEBUG
        TS.QUERYINDEX <filter>...
        TS.MGET [LATEST] [WITHLABELS] [SELECTED_LABELS <label>...] FILTER <filter>...
        TS.MRANGE <from> <to> [LATEST] [COUNT <few>] [WITHLABELS|SELECTED_LABELS <label>...] FILTER <filter>...
        TS.MRANGE <from> <to> [WITHLABELS] [COUNT <few>] [ALIGN <alignment>] AGGREGATION <aggregator> <bucket_span> <rest> FILTER <filter>...
        TS.MRANGE <from> <to> [WITHLABELS] [AGGREGATION <aggregator> <bucket_span> <rest>] FILTER <filter>... GROUPBY <label> REDUCE <aggregator>
        TS.MREVRANGE <from> <to> [WITHLABELS] [COUNT <few>] [AGGREGATION <aggregator> <bucket_span> <rest>] FILTER <filter>... GROUPBY <label> REDUCE <aggregator>
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
SLOTS: Slots = {
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
    "bucket_span": one_of([b"10", b"10", b"7", b"50", b"100", b"1000", b"25", b"0", b"x"]),
    "aggregator": one_of([*AGGREGATORS, *AGGREGATORS, b"AVG", b"nope"]),
    "rest": bucket_options,
    "retention": one_of([b"0", b"100", b"50", b"1000", b"3000", b"-1", b"x"]),
    "chunk_size": one_of([b"48", b"48", b"64", b"128", b"256", b"4096", b"47", b"100", b"x"]),
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
}

"""What the fuzzer says to a server with modules: their families, and the values that only they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from .grammar import Slots
from .values import ALL_KEYS, one_of
from .vectors import ALL_VECTOR_SETS, RESTORED, VECTOR_FAMILY, VECTOR_SLOTS

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
    if name in (b"TOPK.RESERVE", b"TDIGEST.CREATE", b"TDIGEST.MERGE"):
        by_chance = name == b"TOPK.RESERVE" and len(argv) == 3 and argv[1] != CERTAIN
        return by_chance or any(len(word) > 9 and word.isdigit() for word in rest)
    if name in (b"TOPK.ADD", b"TOPK.INCRBY"):
        # After a wrong increment the real one owes answers.
        owes = name == b"TOPK.INCRBY" and any(word not in INCREMENTS for word in rest[1:-1:2])
        return owes or b"" in rest or (argv[1:2] == [CERTAIN] and not {*rest}.issubset(APART))
    return False


KEYS = ["a", "b", "c", "d", "fl", "0", "1", "é", "", 'q"t', "a b"]
NUMBERS = [
    "0",
    "1",
    "2",
    "-3",
    "1.0",
    "2.5",
    "-0",
    "1e3",
    "0.1",
    "9223372036854775807",
    "18446744073709551615",
    "1e308",
]
TEXTS = ['"x"', '"abc"', '""', '"é"', '"\\u00e9\\n"', '"^a"', '"\\ud83d\\ude00"', '"a\\"b"']


def json_of(random: Random, depth: int = 3) -> str:
    """A JSON text; what is not nested in it is small, so that values meet their equals."""
    kind = random.random()
    if depth and kind < 0.3:
        return f"[{','.join(json_of(random, depth - 1) for _ in range(random.randrange(5)))}]"
    if depth and kind < 0.65:
        members = (f"{quoted(random.choice(KEYS))}:{json_of(random, depth - 1)}" for _ in range(random.randrange(6)))
        return f"{{{','.join(members)}}}"
    if kind < 0.85:
        number = random.choice(NUMBERS)
        return number if random.random() < 0.9 else repr(random.uniform(-1, 1) * 10 ** random.randint(-20, 20))
    return random.choice([*TEXTS, "true", "false", "null"])


def quoted(key: str) -> str:
    return '"' + key.replace('"', '\\"') + '"'


def json_text(random: Random) -> bytes:
    text = json_of(random, random.randrange(4))
    if random.random() < 0.04:
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice([",", "}", "]", "x", " 1", '"', "\\", "-"]) + text[at:]
    return text.encode()


SIMPLE, SHALLOW, DEEP = range(3)


def path_text(random: Random, depth: int = DEEP) -> str:
    """A path: a simple one has no filters, a shallow one does not lead to values inside others that it leads to."""
    steps = [step(random, depth) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3)))]
    path = "$" + "".join(steps)
    if random.random() < 0.25:
        path = path[1:] or "."
        path = path.removeprefix(".") or "." if random.random() < 0.3 else path
    if random.random() < 0.03:
        at = random.randrange(len(path) + 1)
        path = path[:at] + random.choice([".", "[", "]", "(", "'", " ", "é", "*", "="]) + path[at:]
    return path


def step(random: Random, depth: int) -> str:
    key = random.choice(KEYS[:7])
    kind = random.random()
    if kind < 0.4:
        return f".{key}"
    if kind < 0.5:
        return random.choice([f'["{key}"]', f"['{key}','a']", '["q\\"t"]', '["a b"]', '["é"]'])
    if kind < 0.65:
        return random.choice(["[0]", "[1]", "[-1]", "[0,1]", "[0,0]", "[-9]", "[7]"])
    if kind < 0.72:
        return random.choice(["[1:]", "[:2]", "[::2]", "[-2:]", "[0:3:2]", "[:]"])
    if kind < 0.85 or depth == SIMPLE:
        return random.choice([".*", "[*]"])
    if kind < 0.93 or depth == SHALLOW:
        return f"[?({condition(random)})]"
    return random.choice([f"..{key}", "..*", "..[0]", "..[?(@>1)]"])


def condition(random: Random) -> str:
    def term() -> str:
        value = random.choice([*NUMBERS[:6], "true", "null", "'x'", '"abc"', '"^a"'])
        return random.choice(["@", "@.a", "@.b", "@[0]", "@.*", "$.a", value, value])

    text = random.choice(["@", "@.a", "@.b", "@.c"])
    if random.random() < 0.8:
        text += random.choice(["==", "!=", "<", "<=", ">", ">=", "=~"]) + term()
    if random.random() < 0.25:
        text += random.choice(["&&", "||"]) + condition(random)
    return text


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
    "vset": VECTOR_FAMILY,
    "json": """
        JSON.SET <document> $ <json>
        JSON.SET <document> $ <json>
        JSON.SET <document> <shallow> <json> [NX|XX] [FORMAT JSON]
        JSON.SET <document> <shallow> <json>
        JSON.GET <document> [<path>]
        JSON.GET <document> <path>
        JSON.GET <document> <path> <path>
        JSON.GET <document> [INDENT <space>] [NEWLINE <space>] [SPACE <space>] [<path>]
        JSON.GET <document> FORMAT (STRING|EXPAND1|EXPAND) <path>
        JSON.MGET <document>... <path>
        JSON.MSET {<document> <shallow> <json>}...
        JSON.MERGE <document> <shallow> <json>
        JSON.MERGE <document> $ <json>
        JSON.DEL <document> <path>
        JSON.FORGET <document> [<shallow>]
        JSON.CLEAR <document> [<path>]
        JSON.TYPE <document> [<path>]
        JSON.RESP <document> [<path>]
        JSON.NUMINCRBY <document> <path> <operand>
        JSON.NUMMULTBY <document> <path> <operand>
        JSON.NUMPOWBY <document> <path> <operand>
        JSON.TOGGLE <document> <path>
        JSON.STRAPPEND <document> [<path>] <string_json>
        JSON.STRLEN <document> [<path>]
        JSON.OBJKEYS <document> [<path>]
        JSON.OBJLEN <document> [<path>]
        JSON.ARRAPPEND <document> <path> <json>...
        JSON.ARRINSERT <document> <simple> <array_place> <json>...
        JSON.ARRTRIM <document> <shallow> <array_place> <array_place>
        JSON.ARRPOP <document> [FORMAT (STRINGS|EXPAND1|EXPAND)] [<shallow> [<array_place>]]
        JSON.ARRLEN <document> [<path>]
        JSON.ARRINDEX <document> <path> <json> [<array_place> [<array_place>]]
        JSON.DEBUG HELP
        COPY <document> <document> REPLACE
        DUMP <document>
        DEL <document>
        SET <document> x
    """,
}
MODULE_SLOTS: Slots = {
    "item": one_of(ITEMS),
    "document": key_of(b"json1", b"json2", b"json3"),
    "json": json_text,
    "string_json": lambda random: random.choice(TEXTS).encode() if random.random() < 0.9 else json_text(random),
    "path": lambda random: path_text(random).encode(),
    "shallow": lambda random: path_text(random, SHALLOW).encode(),
    "simple": lambda random: path_text(random, SIMPLE).encode(),
    "operand": lambda random: random.choice([*NUMBERS, "-1", "0.5", "10"]).encode(),
    "array_place": one_of([b"0", b"0", b"1", b"2", b"-1", b"-2", b"100", b"-100", b"x", b"1.5", b"9223372036854775807"]),
    "space": one_of([b" ", b"", b"\t", b"\n", b"--"]),
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
    **VECTOR_SLOTS,
    "vectors": key_of(*ALL_VECTOR_SETS),
    "restored_vectors": key_of(RESTORED),
}

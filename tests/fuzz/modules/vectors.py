"""What the fuzzer says to vector sets: vectors, attributes, and expressions about them."""

from __future__ import annotations

import json
import struct
from random import Random

from tests.fuzz.grammar import Slots
from tests.fuzz.values import one_of

from .shared import key_of

FAMILIES = {
    "vset": """
        VADD <vadd>
        VADD <vadd>
        VADD <vadd> SETATTR <attributes>
        VADD <vadd> SETATTR <attributes>
        VADD <vadd> [EF <ef>] [SETATTR <attributes>]
        VADD <vadd> CAS
        VADD <vadd> [M <links>] [SETATTR <attributes>]
        VREM <vectors> <element>
        VSIM <vsim> [WITHSCORES] [WITHATTRIBS] [COUNT <few_elements>] [EPSILON <epsilon>] [FILTER <expression>] TRUTH [NOTHREAD]
        VSIM <vsim> [FILTER <expression>] COUNT <few_elements> TRUTH
        VSIM <vsim> WITHSCORES [WITHATTRIBS] [EPSILON <epsilon>] [FILTER <expression>] COUNT 100 [EF <ef>]
        VSIM <vsim> FILTER <expression> COUNT 100
        VSIM <vsim> FILTER <expression> TRUTH
        VEMB <vectors> <element> [RAW]
        VSETATTR <vectors> <element> <attributes>
        VGETATTR <vectors> <element>
        VCARD <vectors>
        VDIM <vectors>
        VINFO <vectors>
        VISMEMBER <vectors> <element>
        VLINKS <vectors> <element> [WITHSCORES]
        VRANDMEMBER <vectors> [<few_elements>]
        VRANGE <vectors> <first_name> <last_name> [<few_elements>]
        DUMP <vectors>
        RESTORE <restored_vectors> 0 <dumped> REPLACE
    """,
}

VECTORS = {b"v1": (3, b""), b"v2": (20, b"NOQUANT"), b"v3": (12, b"BIN"), b"v4": (40, b"Q8")}
"""Vector sets, with how many numbers their vectors have and how they are kept."""
REDUCED = b"v5"
"""One whose vectors of four numbers become vectors of two."""
RESTORED = b"v6"
"""One that comes from a payload, so that its vectors are of any kind."""
NAMES = [b"a", b"b", b"c", b"ab", b"", b"\x00\xff"]


def vector(random: Random, dimension: int) -> list[bytes]:
    """`FP32 blob` or `VALUES num value ...`."""
    numbers = [random.gauss(0, 1) for _ in range(dimension)]
    if random.random() < 0.1:
        numbers[random.randrange(dimension)] = random.choice((0.0, 1e30, -1e-30, 1e-42, 7.0))
    if random.random() < 0.5:
        return [b"FP32", struct.pack(f"<{dimension}f", *numbers)]
    return [b"VALUES", b"%d" % dimension, *(b"%.4g" % number for number in numbers)]


def added(random: Random) -> list[bytes]:
    """`key [REDUCE dim] vector element [quantisation]` of VADD."""
    if random.random() < 0.15:
        reduced = [b"REDUCE", b"2"] if random.random() < 0.9 else []
        return [REDUCED, *reduced, *vector(random, 4), random.choice(NAMES), b"NOQUANT"]
    key = random.choice(list(VECTORS))
    dimension, word = VECTORS[key]
    if random.random() < 0.05:
        dimension, word = random.choice(list(VECTORS.values()))
    return [key, *vector(random, dimension), random.choice(NAMES), *[word] * bool(word)]


def asked(random: Random) -> list[bytes]:
    """`key ELE element` or `key vector` of VSIM."""
    key = random.choice([*VECTORS, REDUCED])
    if random.random() < 0.5:
        return [key, b"ELE", random.choice(NAMES)]
    dimension = random.choice((2, 4)) if key == REDUCED else VECTORS[key][0]
    return [key, *vector(random, dimension)]


FIELDS = ["x", "y", "s", "list", "o", "n", "b-c_1", ""]
TEXTS = ["", "a", "b", "ab", "12", " 7", "0x1f", "1e3", "nan", "-inf", "é", "a\nb", 'q"', "\\"]


def json_value(random: Random, depth: int = 0) -> object:
    kind = random.randrange(8 if depth < 2 else 6)
    if kind < 2:
        return random.choice((0, 1, 2, 5, -3, 1.5, 1e30, 2010, True))
    if kind < 4:
        return random.choice(TEXTS)
    if kind < 6:
        return random.choice((True, False, None))
    items = [json_value(random, depth + 1) for _ in range(random.randrange(4))]
    return items if kind == 6 else {random.choice(FIELDS): item for item in items}


def attributes(random: Random) -> bytes:
    """Mostly an object of a few fields, as text; now and then one with a letter too few, too many or changed."""
    if random.random() < 0.1:
        return random.choice((b"", b"x", b"{", b"[1]", b"{}", b'{"x"', b' {"x" : +5 , "y":.5}', b'{"x":1'))
    fields = {random.choice(FIELDS): json_value(random) for _ in range(random.randrange(1, 5))}
    separators = random.choice(((",", ":"), (" , ", " : ")))
    text = bytearray(json.dumps(fields, separators=separators, ensure_ascii=random.random() < 0.5).encode())
    if random.random() < 0.15:
        at = random.randrange(len(text))
        text[at : at + random.choice((0, 1))] = random.choice(
            (b"", b",", b"}", b"]", b'"', b"x", b" ", b"1", b"\\", b"[")
        )
    return bytes(text)


def operand(random: Random, depth: int) -> str:
    kind = random.randrange(9)
    if kind < 3:
        return f".{random.choice(FIELDS[:-1])}"
    if kind < 5:
        return random.choice(("0", "1", "2", "5", "-3", "1.5", "1e3", "2010", "1e999", "007", "-0"))
    if kind < 6:
        return random.choice(("''", "'a'", '"ab"', "'12'", "' 7'", "'0x1f'", "'nan'", "'a\\nb'", "'\\'x'", "null"))
    if kind < 7:
        items = (random.choice(("1", "-3", "'a'", '"ab"', "1.5", "-.5")) for _ in range(random.randrange(4)))
        return f"[{random.choice((',', ', ', ' ,')).join(items)}]"
    if kind < 8 and depth < 3:
        return f"({expression(random, depth + 1)})"
    return f"{random.choice(('!', '! ', 'not ', 'not'))}{operand(random, depth + 1)}" if depth < 3 else "1"


OPERATORS = ["+", "-", "*", "/", "%", "**", ">", ">=", "<", "<=", "==", "!=", "in", "and", "&&", "or", "||", "notin"]


def expression(random: Random, depth: int = 0) -> str:
    words = [operand(random, depth)]
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        space = random.choice(("", " ", " ", " ", "  ", "\t"))
        words += [space, random.choice(OPERATORS), random.choice((space, " ")), operand(random, depth)]
    return "".join(words)


def filter_of(random: Random) -> bytes:
    """An expression, one time in eight with a letter too few, too many or changed."""
    text = bytearray(expression(random).encode())
    if random.random() < 0.12:
        at = random.randrange(len(text))
        letters = [
            b"",
            b"(",
            b")",
            b"'",
            b".",
            b",",
            b"]",
            b"=",
            b"@",
            b"\x00",
            b"null",
            b" true ",
            b"-",
            b"!",
            b"\xff",
        ]
        text[at : at + random.choice((0, 1))] = random.choice(letters)
    return bytes(text)


SLOTS: Slots = {
    "vectors": key_of(*VECTORS, REDUCED, RESTORED),
    "restored_vectors": key_of(RESTORED),
    "vadd": added,
    "vsim": asked,
    "element": one_of(NAMES),
    "attributes": attributes,
    "expression": filter_of,
    "ef": one_of([*[b"1", b"10", b"200"] * 4, b"1000000", b"1000001", b"0", b"x"]),
    "links": one_of([*[b"16"] * 12, b"4", b"3", b"4097", b"x"]),
    "few_elements": one_of([*[b"1", b"2", b"3", b"100"] * 4, b"0", b"-1", b"-3", b"x", b"9223372036854775807"]),
    "epsilon": one_of([*[b"0.1", b"0.3", b"0.5", b"0.8"] * 4, b"1", b"0", b"-1", b"1e-9", b"inf", b"x"]),
    "first_name": one_of([*[b"-", b"[a", b"(a", b"[b"] * 4, b"(", b"+", b"a", b"(\x00", b"["]),
    "last_name": one_of([*[b"+", b"[c", b"(c", b"[b"] * 4, b"(", b"-", b"c", b"[\xff"]),
}

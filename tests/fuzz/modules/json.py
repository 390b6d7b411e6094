"""JSON: documents, and paths that meet in them."""

from __future__ import annotations

from random import Random

from tests.fuzz.grammar import Slots
from tests.fuzz.values import one_of

from .shared import key_of

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


FAMILIES = {
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
        JSON.ARRINSERT <document> <simple> <json_index> <json>...
        JSON.ARRTRIM <document> <shallow> <json_index> <json_index>
        JSON.ARRPOP <document> [FORMAT (STRINGS|EXPAND1|EXPAND)] [<shallow> [<json_index>]]
        JSON.ARRLEN <document> [<path>]
        JSON.ARRINDEX <document> <path> <json> [<json_index> [<json_index>]]
        JSON.DEBUG HELP
        COPY <document> <document> REPLACE
        DUMP <document>
        DEL <document>
        SET <document> x
    """,
}
SLOTS: Slots = {
    "document": key_of(b"json1", b"json2", b"json3"),
    "json": json_text,
    "string_json": lambda random: random.choice(TEXTS).encode() if random.random() < 0.9 else json_text(random),
    "path": lambda random: path_text(random).encode(),
    "shallow": lambda random: path_text(random, SHALLOW).encode(),
    "simple": lambda random: path_text(random, SIMPLE).encode(),
    "operand": lambda random: random.choice([*NUMBERS, "-1", "0.5", "10"]).encode(),
    "json_index": one_of([b"0", b"0", b"1", b"2", b"-1", b"-2", b"100", b"-100", b"x", b"1.5", b"9223372036854775807"]),
    "space": one_of([b" ", b"", b"\t", b"\n", b"--"]),
}

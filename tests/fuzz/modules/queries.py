"""Queries of FT.SEARCH: well written ones, and such that are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

__all__ = ["PARAMETERS", "Fields", "query_text", "scribble"]

PARAMETERS = {
    "a": "Hello",
    "b": "\0\0\0\0\0\0\x80?",
    "c": "7",
    "d": "-2.5",
    "e": "",
    "k": "3",
    "u": "km",
    "w": "POLYGON((0 0,0 1,1 1,0 0))",
    "x": "run*",
}
WORDS = [
    "run",
    "running",
    "runs",
    "quick",
    "fox",
    "dog",
    "apple",
    "apples",
    "berry",
    "red",
    "blue",
    "the",
    "and",
    "Über",
    "Éa",
    "x2",
    "foo_bar",
    "v1",
]
AFFIXED = ["ru*", "*ing", "*pp*", "a*", "*a", "$a*", "*$a", "w'r?n*'", "w'*'", "qu*", "2*"]
TAGS = [
    "red",
    "green",
    "blue",
    "Red",
    "dark red",
    "the",
    "x\\-y",
    "a b c",
    '"x-y"',
    '"a, b"',
    "$a",
    "5",
    "re*",
    "*d",
    "w'r*'",
    '""',
]
NUMBERS = [
    "0",
    "1",
    "5",
    "10",
    "-3",
    "2.5",
    "1e1",
    "inf",
    "-inf",
    "+inf",
    "$c",
    "-$c",
    "$d",
    "(5",
    "(-inf",
    "(1",
    "($c",
]
COMPARED = ["0", "1", "5", "-3", "2.5", "inf", "$c", "-$c", "+5"]


class Fields:
    """The names of fields by type; any may be asked for something else, now and then."""

    def __init__(self, **names: Sequence[str]) -> None:
        self.names = names
        self.all = [name for group in names.values() for name in group] + ["nix"]

    def pick(self, random: Random, kind: str) -> str:
        names = self.names.get(kind)
        return random.choice(names) if names and random.random() < 0.95 else random.choice(self.all)


def query_text(random: Random, fields: Fields, dialect: int, depth: int = 3) -> str:
    """A query that means something most of the time."""
    if random.random() < 0.03:
        return random.choice(["*", "(*)", "", "the", "()"])
    text = clause(random, fields, dialect, depth)
    if dialect > 1 and fields.names.get("vector") and random.random() < 0.1:
        before = random.choice(["*", f"({text})", text])
        return (
            before + "=>[" + nearest(random, fields) + "]" + maybe(random, 0.2, lambda: attributes(random, vector=True))
        )
    return text


def maybe(random: Random, chance: float, text: Callable[[], str]) -> str:
    return text() if random.random() < chance else ""


def nearest(random: Random, fields: Fields) -> str:
    return (
        f"{random.choice(['KNN', 'knn'])} {random.choice(['3', '10', '$k', '0'])} @{fields.pick(random, 'vector')} $b"
        + maybe(random, 0.2, lambda: " EF_RUNTIME 10")
        + maybe(random, 0.1, lambda: " HYBRID_POLICY ADHOC_BF")
        + maybe(random, 0.3, lambda: " AS dist")
    )


def clause(random: Random, fields: Fields, dialect: int, depth: int) -> str:
    """Parts side by side or as alternatives."""
    parts = [part(random, fields, dialect, depth) for _ in range(random.choice((1, 1, 2, 2, 3)))]
    joints = random.choices([" ", "|", " | ", " -", " ~"], [12, 3, 2, 1, 1], k=len(parts) - 1)
    text = parts[0]
    for joint, other in zip(joints, parts[1:]):
        text += joint + other
    return text


def part(random: Random, fields: Fields, dialect: int, depth: int) -> str:
    text = bare(random, fields, dialect, depth)
    if random.random() < 0.08:
        text = random.choice("-~") + text
    return text + maybe(random, 0.08, lambda: attributes(random))


def attributes(random: Random, vector: bool = False) -> str:
    choices = ["$weight: 2", "$weight:0.5", "$slop: 1", "$slop:0", "$inorder: true", "$inorder:false", "$slop:-1"]
    if vector or random.random() < 0.1:
        choices = ["$yield_distance_as: dd", "$ef_runtime: 5", "$weight: 3", "$epsilon:0.1", "$phonetic:true", "$foo:1"]
    return "=>{" + "; ".join(random.sample(choices, random.choice((1, 1, 2)))) + random.choice(["", ";"]) + "}"


def bare(random: Random, fields: Fields, dialect: int, depth: int) -> str:
    kind = random.random()
    if depth and kind < 0.12:
        return f"({clause(random, fields, dialect, depth - 1)})"
    if depth and kind < 0.3:
        return f"{modifier(random, fields)}{textual(random, fields, dialect, depth - 1)}"
    if kind < 0.42:
        separator = random.choice(["|", " | "])
        tags = (
            random.choice(TAGS if dialect > 1 or random.random() < 0.1 else TAGS[:8])
            for _ in range(random.choice((1, 1, 2, 3)))
        )
        return f"@{fields.pick(random, 'tag')}:{{{separator.join(tags)}}}"
    if kind < 0.52:
        bounds = (
            NUMBERS if dialect > 1 or random.random() < 0.1 else [number for number in NUMBERS if "$" not in number]
        )
        count = 2 if dialect == 1 or random.random() < 0.9 else 1
        return f"@{fields.pick(random, 'numeric')}:[{' '.join(random.choice(bounds) for _ in range(count))}]"
    if dialect > 1 and kind < 0.56:
        operator = random.choice(["==", "!=", ">", ">=", "<", "<=", " > ", " == "])
        return f"@{fields.pick(random, 'numeric')}{operator}{random.choice(COMPARED)}"
    if fields.names.get("geo") and kind < 0.59:
        radius, unit = (
            random.choice(["1", "100", "500.5", "$c"]),
            random.choice(["m", "km", "mi", "ft", "KM", "$u", "xx"]),
        )
        if dialect == 1:
            radius, unit = radius.replace("$c", "7"), unit.replace("$u", "km")
        return f"@{fields.pick(random, 'geo')}:[{random.choice(['1', '-3.5', '10'])} {random.choice(['2', '5.25', '40'])} {radius} {unit}]"
    if dialect > 1 and kind < 0.61:
        return f"ismissing(@{fields.pick(random, 'missing')})"
    if dialect > 1 and fields.names.get("vector") and kind < 0.63:
        return f"@{fields.pick(random, 'vector')}:[VECTOR_RANGE {random.choice(['1', '0.5', '10', '$c'])} $b]"
    if dialect > 1 and fields.names.get("shape") and kind < 0.65:
        operation = random.choice(["WITHIN", "contains", "INTERSECTS", "DISJOINT", "NEAR"])
        return f"@{fields.pick(random, 'shape')}:[{operation} $w]"
    return word(random, dialect)


def modifier(random: Random, fields: Fields) -> str:
    names = "|".join(fields.pick(random, "text") for _ in range(random.choice((1, 1, 1, 2, 3))))
    return f"@{names}:"


def textual(random: Random, fields: Fields, dialect: int, depth: int) -> str:
    """What can be looked for in some fields only."""
    if random.random() < 0.6 or not depth:
        return random.choice(["", "", "", "-", "~"]) + word(random, dialect)
    parts = [textual_part(random, fields, dialect, depth - 1) for _ in range(random.choice((1, 2, 3)))]
    return f"({random.choice([' ', '|', ' | ']).join(parts)})"


def textual_part(random: Random, fields: Fields, dialect: int, depth: int) -> str:
    if depth and random.random() < 0.2:
        return f"({textual(random, fields, dialect, depth - 1)})"
    return (
        random.choice(["", "", "", "", "-", "~"])
        + word(random, dialect)
        + maybe(random, 0.05, lambda: attributes(random))
    )


def word(random: Random, dialect: int) -> str:
    kind = random.random()
    if kind < 0.55:
        return random.choice(WORDS)
    if kind < 0.7:
        words = random.choices(WORDS, k=random.choice((1, 2, 2, 3)))
        return f'"{" ".join(words)}"'
    if kind < 0.8:
        affixes = (
            AFFIXED
            if dialect > 1 or random.random() < 0.1
            else [text for text in AFFIXED if "$" not in text and "'" not in text]
        )
        return random.choice(affixes)
    if kind < 0.88:
        percents = "%" * random.choice((1, 1, 2, 3))
        return f"{percents}{random.choice(WORDS)}{percents}"
    if kind < 0.93:
        return random.choice(["5", "12", "-7", "1.5", "2024", "inf"])
    return random.choice(["$a", "$c", '""', "''"] if dialect > 1 else WORDS)


FRAGMENTS = [
    *"()|-~*%[]{}:;@$\"'\\ <>=!,.+/?^&#`_",
    " ", " ", " ", "=>", "==", "!=", ">=", "w'", "@t:", "@g:{", "@n:[", "$a", "$c", "ismissing(", "as", "inf", "-5", "5", "1.5",
    "the", "foo", "bar", "$weight:", "KNN", "@v", "=>{", "=>[", "\\-", '\\"', "''", '""', "a*", "*a", "@nix", "km", "WITHIN", "é",
]  # fmt: skip


def scribble(random: Random, text: str = "") -> str:
    """A text changed here and there, or fragments only."""
    for _ in range(random.choice((1, 1, 2, 3)) if text else random.randrange(1, 9)):
        at = random.randrange(len(text) + 1)
        cut = random.choice((0, 0, 0, 1, 1, 3))
        text = text[:at] + random.choice(FRAGMENTS) + text[at + cut :]
    return text

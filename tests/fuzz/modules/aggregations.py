"""FT.AGGREGATE over the indexes and documents of `search.py`:

python -m tests.fuzz.modules.aggregations [--queries N] [--seed N] [--show N]
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from tests.parity.machine.wire import Node

from .queries import PARAMETERS, Fields, query_text
from .search import Plan, main, plain

NUMERIC_FUNCTIONS = ["log", "log2", "exp", "ceil", "floor", "abs", "sqrt"]
TEXT_FUNCTIONS = ["lower", "upper", "strlen", "to_number", "to_str"]
TIME_FUNCTIONS = [
    "hour",
    "day",
    "month",
    "year",
    "dayofweek",
    "dayofmonth",
    "dayofyear",
    "monthofyear",
    "minute",
    "timefmt",
]
CONSTANTS = ["0", "1", "2", "-3", "2.5", "1700000000", "'red'", "'a'", '"%s"', "''"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">=", "&&", "||"]


class Names:
    """What rows have at a step, as far as a well written command would say."""

    def __init__(self, made: Plan) -> None:
        self.kinds = {
            kind: list(names) for kind, names in made.kinds.items() if kind not in ("missing", "vector", "shape")
        }
        self.loaded = list(made.sortable)
        self.count = 0

    def any(self, random: Random) -> str:
        every = [name for names in self.kinds.values() for name in names]
        if random.random() < 0.03:
            return "nix"
        return random.choice(self.loaded if self.loaded and random.random() < 0.8 else every or ["nix"])

    def new(self) -> str:
        self.count += 1
        self.loaded.append(f"e{self.count}")
        return f"e{self.count}"


def expression(random: Random, names: Names, depth: int = 2) -> str:
    kind = random.random()
    if not depth or kind < 0.3:
        return f"@{names.any(random)}" if random.random() < 0.7 else random.choice(CONSTANTS)
    one, other = (expression(random, names, depth - 1) for _ in range(2))
    if kind < 0.5:
        return f"{one} {random.choice('+-*/^%')} {other}"
    if kind < 0.6:
        return f"({one} {random.choice(COMPARISONS)} {other})"
    if kind < 0.65:
        return f"!{one}"
    if kind < 0.75:
        return f"{random.choice(NUMERIC_FUNCTIONS)}({one})"
    if kind < 0.85:
        return f"{random.choice(TEXT_FUNCTIONS)}({one})"
    if kind < 0.88:
        return f"{random.choice(TIME_FUNCTIONS)}({one})"
    return random.choice(
        [
            f"substr({one}, {random.choice(['0', '1', '-2'])}, {random.choice(['1', '3', '-1'])})",
            f"format('%s-%s', {one}, {other})",
            f"split({one}, ',', ' ')",
            f"startswith({one}, {other})",
            f"contains({one}, {other})",
            f"exists(@{names.any(random)})",
            f"geodistance(@{names.any(random)}, '1,2')",
            "matched_terms()",
        ]
    )


def reducer(random: Random, names: Names, made: list[str]) -> Iterator[str]:
    """REDUCE, whose name is appended to `made`."""
    one, other = f"@{names.any(random)}", f"@{names.any(random)}"
    arguments = random.choice(
        [
            ["COUNT"],
            *(
                [name, one]
                for name in ("COUNT_DISTINCT", "COUNT_DISTINCTISH", "SUM", "MIN", "MAX", "AVG", "STDDEV", "TOLIST")
            ),
            ["QUANTILE", one, random.choice(["0.5", "0.9", "0", "1"])],
            ["FIRST_VALUE", one],
            ["FIRST_VALUE", one, "BY", other, random.choice(["ASC", "DESC"])],
            ["HLL", one],
        ]
    )
    made.append(f"r{len(made)}")
    yield from ("REDUCE", arguments[0], str(len(arguments) - 1), *arguments[1:], "AS", made[-1])


def steps(random: Random, made: Plan) -> Iterator[str]:
    names = Names(made)
    if random.random() < 0.7:
        if random.random() < 0.2:
            names.loaded = [name for group in names.kinds.values() for name in group]
            yield from ("LOAD", "*")
        else:
            wanted = [f"@{names.any(random)}" for _ in range(random.randint(1, 3))]
            names.loaded += [name[1:] for name in wanted]
            yield from ("LOAD", str(len(wanted)), *wanted)
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        kind = random.random()
        if kind < 0.35:
            text = expression(random, names)
            yield from ("APPLY", text, "AS", names.new())
        elif kind < 0.5:
            yield from ("FILTER", expression(random, names))
        elif kind < 0.8:
            properties = list(dict.fromkeys(names.any(random) for _ in range(random.choice((0, 1, 1, 1, 2)))))
            reduced: list[str] = []
            yield from ("GROUPBY", str(len(properties)), *(f"@{name}" for name in properties))
            for _ in range(random.choice((0, 1, 1, 2))):
                yield from reducer(random, names, reduced)
            names.loaded = [*properties, *reduced]
        elif kind < 0.95:
            keys = [
                word
                for _ in range(random.choice((1, 1, 2)))
                for word in (f"@{names.any(random)}", random.choice(["ASC", "DESC"]))
            ]
            yield from ("SORTBY", str(len(keys)), *keys)
            if random.random() < 0.3:
                yield from ("MAX", random.choice("135"))
        else:
            yield from ("LIMIT", random.choice("012"), random.choice(["1", "5", "100"]))


def query(random: Random, made: Plan) -> list[bytes]:
    """One FT.AGGREGATE."""
    dialect = random.choice((1, 2, 2, 3, 4))
    text = "*" if random.random() < 0.5 else query_text(random, Fields(**made.kinds), dialect, 1)
    words = ["FT.AGGREGATE", "i", text]
    if random.random() < 0.08:
        words.append("VERBATIM")
    if random.random() < 0.1:
        words.append("ADDSCORES")
    words += steps(random, made)
    if "$" in text:
        words += ["PARAMS", str(2 * len(PARAMETERS)), *(word for pair in PARAMETERS.items() for word in pair)]
    return [word.encode("latin-1" if "\x80" in word else "utf-8") for word in [*words, "DIALECT", str(dialect)]]


def is_equal(argv: Sequence[bytes], one: Node, other: Node) -> bool:
    return bool(rounded(plain(one)) == rounded(plain(other)))


def rounded(value: Any) -> Any:
    """Numbers to twelve digits."""
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if not isinstance(value, tuple):
        return value
    mark, text = value
    try:
        number = float(text)
    except ValueError:
        return value
    return (mark, float(f"{number:.12g}")) if math.isfinite(number) else value


if __name__ == "__main__":
    main(__doc__, query, is_equal)

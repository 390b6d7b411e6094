"""Indexes, documents and queries by chance, asked of redouble and of a real server with RediSearch:

    python -m tests.fuzz.modules.search [--queries N] [--seed N] [--show N]

Two replies are equal if they tell the same, whatever the order of documents whose scores or sort keys are equal.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from redouble.core.server import Server
from tests.parity.machine.ours import CoreClient
from tests.parity.machine.real import Connection, RealServer
from tests.parity.machine.wire import Node, encode_command, parse

from .queries import PARAMETERS, Fields, query_text, scribble

SERVER = "redis-stack-7.4"
DOCUMENTS = 30
QUERIES = 40
"""In one round."""
WORDS = [
    *("run", "running", "runs", "quick", "quickly", "fox", "foxes", "dog", "dogs", "apple"),
    *("apples", "berry", "red", "blue", "the", "and", "of", "Über", "Éa", "x2"),
    *("foo_bar", "v1", "run-time", "it's", "naïve", "brown", "jumps", "over", "lazy", "hello"),
    *("world", "5", "12", "1.5", "2024", "night", "knight"),
]
TAGS = ["red", "green", "blue", "Red", "dark red", "the", "x-y", "a b c", "a, b", "5", "Éa", "reddish", "", "und"]
PLACES = ["1,2", "1.001,2.001", "-3.5,5.25", "10,40", "10.5,40.5", "1.5,2"]
SCORERS = ["TFIDF", "TFIDF.DOCNORM", "BM25", "BM25STD", "DISMAX", "DOCSCORE", "HAMMING"]
SHAPES = [
    *("POINT(0.5 0.5)", "POINT(3 3)", "POLYGON((0 0,0 1,1 1,0 0))", "POLYGON((0.2 0.5,0.2 0.6,0.3 0.6,0.2 0.5))"),
    *("POLYGON((-1 -1,-1 5,5 5,5 -1,-1 -1))", "POLYGON((0 0,0 2,2 2,2 0,0 0))", "LINESTRING(0 0,1 1)"),
]


@dataclass
class Plan:
    """What FT.CREATE of a round says."""

    create: list[str] = field(default_factory=list)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    """The names of the fields by their types, as `Fields` has them."""
    separators: dict[str, str] = field(default_factory=dict)
    sortable: list[str] = field(default_factory=list)
    is_json: bool = False


def plan(random: Random) -> Plan:
    made = Plan(is_json=random.random() < 0.25)
    words = ["FT.CREATE", "i", "ON", "JSON" if made.is_json else "HASH", "PREFIX", "1", "d:"]
    if random.random() < 0.15:
        words += ["LANGUAGE", random.choice(["german", "french", "english"])]
    if random.random() < 0.1:
        words += ["SCORE", "0.5"]
    if not made.is_json and random.random() < 0.15:
        words += ["SCORE_FIELD", "score"]
    for flag in ("NOOFFSETS", "NOHL", "NOFIELDS", "NOFREQS"):
        if random.random() < 0.04:
            words.append(flag)
    if random.random() < 0.15:
        words += ["STOPWORDS", *random.choice([["0"], ["2", "fox", "the"]])]
    words.append("SCHEMA")
    for kind, names, chance in (
        ("text", ["t", "u", "x"], 1.0),
        ("tag", ["g", "h"], 0.9),
        ("numeric", ["n", "m"], 0.9),
        ("geo", ["o"], 0.5),
        ("vector", ["v"], 0.4),
        ("shape", ["s"], 0.3),
    ):
        if random.random() < chance:
            for name in names[: random.randint(1, len(names))]:
                words += declaration(random, made, kind, name)
    made.create = words
    return made


def declaration(random: Random, made: Plan, kind: str, name: str) -> list[str]:
    """A field of the schema."""
    words = [f"$.{name}", "AS", name] if made.is_json else [name]
    made.kinds.setdefault(kind, []).append(name)

    def maybe(chance: float, *some: str) -> None:
        if random.random() < chance:
            words.extend(some)

    if kind == "vector":
        algorithm, metric = random.choice(["FLAT", "HNSW"]), random.choice(["L2", "IP", "COSINE"])
        return [*words, "VECTOR", algorithm, "6", "TYPE", "FLOAT32", "DIM", "2", "DISTANCE_METRIC", metric]
    if kind == "shape":
        return [*words, "GEOSHAPE", random.choice(["FLAT", "SPHERICAL"])]
    words.append(kind.upper())
    if kind == "text":
        maybe(0.2, "NOSTEM")
        maybe(0.2, "WEIGHT", random.choice(["2", "0.5", "5"]))
        maybe(0.15, "PHONETIC", "dm:en")
        maybe(0.15, "WITHSUFFIXTRIE")
    if kind == "tag":
        made.separators[name] = ","
        if random.random() < 0.2:
            made.separators[name] = "|"
            words += ["SEPARATOR", "|"]
        maybe(0.2, "CASESENSITIVE")
        maybe(0.1, "WITHSUFFIXTRIE")
    if kind in ("text", "tag"):
        maybe(0.2, "INDEXEMPTY")
    if random.random() < 0.25:
        words.append("INDEXMISSING")
        made.kinds.setdefault("missing", []).append(name)
    if kind != "geo" and random.random() < 0.3:
        words.append("SORTABLE")
        made.sortable.append(name)
        maybe(0.3 if kind != "numeric" else 0, "UNF")
    return words


# Documents.


def vector(random: Random) -> list[float]:
    return [random.choice([0.0, 1.0, -1.0, 0.5, 2.0, 3.25]) for _ in range(2)]


def value(random: Random, made: Plan, kind: str, name: str) -> Any:
    """What a field holds: in a document of JSON, or as text in a hash."""
    if kind == "text":
        count = random.choice((0, 1, 2, 3, 5, 9))
        return random.choice([" ", " ", ", ", "\n"]).join(random.choices(WORDS, k=count))
    if kind == "tag":
        return made.separators[name].join(random.choices(TAGS, k=random.choice((1, 1, 2, 3))))
    if kind == "numeric":
        return random.choice([0, 1, 2, 5, 5, 10, -3, 2.5, 1000000, round(random.uniform(-10, 10), 2)])
    if kind == "geo":
        return random.choice(PLACES)
    if kind == "shape":
        return random.choice(SHAPES)
    return vector(random)


def document(random: Random, made: Plan, number: int) -> list[bytes]:
    """The command that writes a document."""
    values = {
        name: value(random, made, kind, name)
        for kind, names in made.kinds.items()
        if kind != "missing"
        for name in names
        if random.random() < 0.85
    }
    if random.random() < 0.5:
        values["score"] = random.choice(["1", "0.5", "0.1"])
    key = f"d:{number}".encode()
    if made.is_json:
        return [b"JSON.SET", key, b"$", json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()]
    words = [b"HSET", key, b"other", b"x"]
    for name, one in values.items():
        words += [name.encode(), struct.pack("<2f", *one) if isinstance(one, list) else str(one).encode()]
    return words


# Queries.


def query(random: Random, made: Plan) -> list[bytes]:
    """A command that asks."""
    dialect = random.choice((1, 2, 2, 2, 3, 4))
    text = query_text(random, Fields(**made.kinds), dialect, random.choice((1, 2, 2, 3)))
    if random.random() < 0.05:
        text = scribble(random, text)
    kind = random.random()
    if kind < 0.08:
        words = ["FT.EXPLAIN", "i", text]
    elif kind < 0.1 and "$" not in text:
        words = ["FT.SPELLCHECK", "i", text, *random.choice([[], ["DISTANCE", "2"]])]
    else:
        words = ["FT.SEARCH", "i", text, *options(random, made)]
    if "$" in text and words[0] != "FT.SPELLCHECK":
        words += ["PARAMS", str(2 * len(PARAMETERS)), *(word for pair in PARAMETERS.items() for word in pair)]
    return [word.encode("latin-1" if "\x80" in word else "utf-8") for word in [*words, "DIALECT", str(dialect)]]


def options(random: Random, made: Plan) -> Iterator[str]:
    """What follows the query of FT.SEARCH."""
    texts = made.kinds["text"]
    every = [name for kind, names in made.kinds.items() if kind != "missing" for name in names]
    limit = "100"
    if random.random() < 0.25:
        yield from ("SORTBY", random.choice([*made.sortable, *every, "nix"]), random.choice(["ASC", "DESC", "ASC"]))
        if random.random() < 0.5:
            yield "WITHSORTKEYS"
    elif random.random() < 0.8:
        yield "WITHSCORES"
        if random.random() < 0.5:
            yield from ("SCORER", random.choice(SCORERS))
        if random.random() < 0.08:
            yield "EXPLAINSCORE"
    for chance, some in (
        (0.3, ["NOCONTENT"]),
        (0.08, ["VERBATIM"]),
        (0.05, ["NOSTOPWORDS"]),
        (0.06, ["INORDER"]),
        (0.06, ["SLOP", random.choice("0123")]),
        (0.06, ["INFIELDS", "1", random.choice([*texts, "nix"])]),
        (0.05, ["INKEYS", "3", "d:1", "d:2", "d:77"]),
        (0.05, ["LANGUAGE", random.choice(["german", "english", "french"])]),
        (0.15, ["RETURN", "2", random.choice(every), random.choice([*every, "other"])]),
        (0.05, ["HIGHLIGHT"]),
        (0.03, ["HIGHLIGHT", "FIELDS", "1", random.choice(texts), "TAGS", "[", "]"]),
        (0.04, ["SUMMARIZE", "FIELDS", "1", random.choice(texts), "LEN", "3"]),
        (0.04, ["FILTER", random.choice(made.kinds.get("numeric", every)), "(0", "5"]),
        (0.02, ["GEOFILTER", random.choice(made.kinds.get("geo", every)), "1", "2", "200", "km"]),
    ):
        if random.random() < chance:
            yield from some
    yield from ("LIMIT", "0", limit)


# Two servers.


class Ours:
    def __init__(self) -> None:
        self.client = CoreClient(Server(version="7.4"))

    def ask(self, argv: Sequence[bytes]) -> Node:
        self.client.deliver(self.client.server.call(self.client, list(argv)))
        return parse(self.client.outbox.popleft())


class Real:
    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.server = RealServer(SERVER)
        self.link = Connection(self.server.address)

    def stop(self) -> None:
        self.link.socket.close()
        self.server.stop()

    def ask(self, argv: Sequence[bytes]) -> Node | None:
        """None: it did not survive that."""
        self.link.send(encode_command(argv))
        message = self.link.message(10)
        return None if message is None else parse(message)


# What is equal.


def plain(node: Node) -> Any:
    if node.null:
        return None
    if node.mark in (b"*", b"~", b"%"):
        return [plain(child) for child in node.children]
    return node.mark, node.text


def is_equal(argv: Sequence[bytes], one: Node, other: Node) -> bool:
    if one.mark == b"-" or other.mark == b"-":
        return (one.mark, one.text) == (other.mark, other.text)
    if argv[0] != b"FT.SEARCH":
        return bool(plain(one) == plain(other))
    words = [word.upper() for word in argv[3:]]
    width = 1 + sum(word in words for word in (b"WITHSCORES", b"WITHSORTKEYS")) + (b"NOCONTENT" not in words)
    ranked = b"WITHSCORES" in words or b"WITHSORTKEYS" in words
    if b"RETURN" not in words and (len(one.children) - 1) % width:
        width = 1
    return one.children[0].text == other.children[0].text and rows(one, width, ranked) == rows(other, width, ranked)


def rows(reply: Node, width: int, ranked: bool) -> list[Any]:
    """The documents with what is told of each, sorted where their scores or sort keys are equal."""
    children = reply.children[1:]
    groups: list[tuple[Any, list[Any]]] = []
    for start in range(0, len(children), width):
        row = children[start : start + width]
        facts = [comparable(child) for child in row]
        rank = (row[1].mark == b"*" and explained_score(row[1])) or facts[1] if ranked else None
        if not groups or groups[-1][0] != rank:
            groups.append((rank, []))
        groups[-1][1].append(facts)
    return [(repr(rank), sorted(facts, key=repr)) for rank, facts in groups]


def explained_score(node: Node) -> Any:
    return comparable(node.children[0]) if node.children and node.children[0].mark == b"$" else None


def comparable(node: Node) -> Any:
    """A score to twelve digits; fields in any order."""
    if node.null:
        return None
    if node.mark != b"*":
        try:
            number = float(node.text)
        except ValueError:
            return node.text
        return float(f"{number:.12g}") if math.isfinite(number) else node.text
    children = [child.text if child.mark != b"*" else comparable(child) for child in node.children]
    if len(children) % 2 == 0 and all(isinstance(child, bytes) for child in children):
        return sorted(zip(children[::2], children[1::2]))
    return children


@dataclass
class Result:
    asked: int = 0
    survived: int = 0
    different: list[tuple[list[list[bytes]], list[bytes], Node, Node]] = field(default_factory=list)
    """What was written, what was asked, and both answers."""


Ask = Callable[[Random, Plan], "list[bytes]"]
Equal = Callable[[Sequence[bytes], Node, Node], bool]


def play(seed: int, queries: int, ask: Ask = query, equal: Equal = is_equal) -> Result:
    """Rounds until so many queries were asked."""
    result = Result()
    real = Real()
    number = 0
    try:
        while result.asked < queries:
            number += 1
            if not play_round(Random(f"search {seed} {number}"), real, result, ask, equal):
                real.stop()
                real.start()
    finally:
        real.stop()
    return result


def play_round(random: Random, real: Real, result: Result, ask: Ask, equal: Equal) -> bool:
    """One index; whether the real server survived it."""
    made = plan(random)
    ours = Ours()
    written = [[b"FLUSHALL"], [word.encode() for word in made.create]]
    written += [document(random, made, number) for number in range(random.randint(3, DOCUMENTS))]
    for argv in written:
        if real.ask(argv) is None:
            return False
        ours.ask(argv)
    for _ in range(QUERIES):
        if random.random() < 0.05:
            change = document(random, made, random.randrange(DOCUMENTS))
            change = change if random.random() < 0.7 else [b"DEL", change[1]]
            written.append(change)
            if real.ask(change) is None:
                return False
            ours.ask(change)
        argv = ask(random, made)
        theirs = real.ask(argv)
        if theirs is None:
            return False
        result.asked += 1
        mine = ours.ask(argv)
        if not equal(argv, theirs, mine):
            result.different.append((list(written), argv, theirs, mine))
    return True


def main(description: str | None = __doc__, ask: Ask = query, equal: Equal = is_equal) -> None:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=5)
    given = parser.parse_args()
    result = play(given.seed, given.queries, ask, equal)
    for written, argv, theirs, mine in result.different[: given.show]:
        for words in written:
            print("   ", *map(show, words))
        print("  *", *map(show, argv))
        print("    real    ", plain(theirs))
        print("    redouble", plain(mine))
    names = Counter(argv[0].decode() for _, argv, _, _ in result.different)
    print(f"{len(result.different)} of {result.asked} differ: {dict(names)}")


def show(word: bytes) -> str:
    return repr(word)[1:]


if __name__ == "__main__":
    main()

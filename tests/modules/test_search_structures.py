"""The structures of an index, and queries over them, without a server and against the dumbest models there are."""

from __future__ import annotations

import math
import struct
from functools import cmp_to_key
from random import Random

import pytest

from redouble.modules.search.evaluate import evaluate
from redouble.modules.search.index import vectors
from redouble.modules.search.index.documents import Documents
from redouble.modules.search.index.index import Index
from redouble.modules.search.index.numbers import Interval, Numbers
from redouble.modules.search.index.points import Points
from redouble.modules.search.index.tags import Tags, split
from redouble.modules.search.index.terms import Terms
from redouble.modules.search.patterns import fuzzy, wildcard
from redouble.modules.search.plans import within, within_in_order
from redouble.modules.search.query import tree
from redouble.modules.search.ranking import best
from redouble.modules.search.schema import Definition, Field, Schema, VectorOptions
from redouble.types.geohash import Circle, Point, distance
from redouble.types.hash import Hash

WORDS = [b"hello", b"help", b"held", b"world", b"run", b"red", b"blue"]


# One by one.


def test_documents_have_new_numbers_each_time() -> None:
    documents = Documents()
    first = documents.add(b"a", 1.0, None)
    documents.add(b"b", 1.0, None)
    assert documents.remove(b"a") is first
    assert documents.add(b"a", 1.0, None).id == 3
    assert list(documents.ids) == [2, 3]
    documents.rename(b"b", b"c")
    assert documents.of_key(b"c") is documents[2]
    documents.check()


@pytest.mark.parametrize("count", [5, 60, 3000])
def test_numbers_find_what_lies_between(count: int) -> None:
    random = Random(count)
    numbers, model = Numbers(), []
    for id in range(1, count + 1):
        values = tuple(
            float(random.choice([random.randrange(20), random.uniform(-5, 25)]))
            for _ in range(random.choice([1, 1, 2]))
        )
        numbers.add(id, values)
        model += [(value, id) for value in values]
    numbers.check()
    for _ in range(30):
        low, high = sorted((float(random.randrange(-6, 26)), random.choice([math.inf, random.uniform(-6, 26)])))
        interval = Interval(low, high, random.random() < 0.5, random.random() < 0.5)
        assert set(numbers.between(interval)) == {id for value, id in model if interval.has(value)}
        assert {id for id in range(1, 9) if numbers.holds(id, interval)} == {
            id for value, id in model if id < 9 and interval.has(value)
        }
    alive = set(range(1, count, 2))
    numbers.collect(alive)
    numbers.check()
    assert set(numbers.between(Interval(-math.inf, math.inf))) == alive


def test_ranges_split_as_they_are_filled() -> None:
    numbers = Numbers()
    for id in range(1, 20):
        numbers.add(id, (float(id),))
    assert len(numbers.ranges(Interval(1, 20))) == 1
    numbers.add(20, (20.0,))  # the second one that is looked at
    assert [range.least for range in numbers.ranges(Interval(1, 20))] == [1, 15]


def test_points_find_what_is_near() -> None:
    random = Random(1)
    points, model = Points(), {}
    for id in range(1, 200):
        model[id] = Point(random.uniform(-180, 180), random.uniform(-80, 80))
        points.add(id, [model[id]])
    for _ in range(20):
        circle = Circle(Point(random.uniform(-180, 180), random.uniform(-80, 80)), random.choice([10, 2000]), 1000.0)
        found = {id for cell in points.cells(circle) for id in points.within(circle, cell)}
        assert found == {id for id, point in model.items() if distance(circle.centre, point) <= circle.radius * 1000}
    points.collect({1})
    points.check()


def test_terms_and_tags_are_found_by_their_beginnings() -> None:
    random = Random(2)
    terms, tags = Terms(), Tags()
    model: dict[bytes, set[int]] = {}
    for id in range(1, 300):
        for word in {b"%d" % random.randrange(500) for _ in range(3)}:
            terms.add(id, word, 1, 1, (1,))
            tags.add(id, [word])
            model.setdefault(word, set()).add(id)
        if id % 50 == 0:
            terms.check()
            tags.check()
    for prefix in (b"1", b"23", b"499", b"x", b""):
        expected = sorted(word for word in model if word.startswith(prefix))
        assert list(terms.beginning_with(prefix)) == list(tags.beginning_with(prefix)) == expected
    assert list(terms.between(b"2", b"3")) == sorted(word for word in model if b"2" <= word <= b"3")
    alive = set(range(100, 200))
    terms.collect(alive)
    tags.collect(alive)
    terms.check()
    tags.check()
    left = {word: ids & alive for word, ids in model.items() if ids & alive}
    assert {word: tags.documents[word].keys() for word in tags.ordered()} == left
    assert {word: set(postings.entries) for word in terms.ordered() if (postings := terms.get(word))} == left


def test_a_text_is_split_into_tags() -> None:
    assert split(b" A b,c ,,", b",", False, False) == [b"a b", b"c"]
    assert split(b"A;;", b";", True, True) == [b"A", b"", b""]


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (b"h?l*", b"hello", True),
        (b"h?l", b"hello", False),
        (b"*", b"", True),
        (rb"a\*", b"a*", True),
        (rb"a\*", b"ab", False),
    ],
)
def test_wildcards(pattern: bytes, text: bytes, matches: bool) -> None:
    assert bool(wildcard(pattern)(text)) == matches


def test_fuzzy_overlooks_one_more_character_at_the_end() -> None:
    assert fuzzy(b"hello", 1)(b"helo")
    assert fuzzy(b"bar", 2)(b"beta")  # beta is three changes away
    assert not fuzzy(b"bar", 1)(b"beta")
    assert not fuzzy(b"bar", 2)(b"barbaric")


def test_terms_are_near_each_other() -> None:
    assert within_in_order([[1, 9], [3], [4]], 1)
    assert not within_in_order([[3], [1]], 100)
    assert within([[3], [1]], 1)
    assert not within([[3], [1]], 0)
    assert not within([[3]], 100)
    assert within([[3], []], 0)


def test_the_best_come_first() -> None:
    random = Random(3)
    for count in range(40):
        items = [(random.randrange(9), i) for i in range(count)]

        def compare(one: tuple[int, int], other: tuple[int, int]) -> int:
            return (one > other) - (one < other)

        for most in (1, 2, 5, 50):
            assert best(items, most, compare) == sorted(items, key=cmp_to_key(compare), reverse=True)[:most]


@pytest.mark.parametrize("with_numpy", [False, True])
@pytest.mark.parametrize("data_type", sorted(vectors.SIZES))
@pytest.mark.parametrize("metric", [b"L2", b"IP", b"COSINE"])
def test_vectors_find_the_nearest(
    monkeypatch: pytest.MonkeyPatch, metric: bytes, data_type: bytes, with_numpy: bool
) -> None:
    if with_numpy:
        pytest.importorskip("numpy")
    else:
        monkeypatch.setattr(vectors, "numpy", None)
    random = Random(4)
    kept = vectors.Vectors(VectorOptions(b"FLAT", data_type, 3, metric))
    model: dict[int, list[float]] = {}
    for id in range(1, 40):
        model[id] = [random.randrange(-8, 9) / 2 or 0.5 for _ in range(3)]
        kept.add(id, [vectors.blob_of(model[id], data_type)])
    for id in range(1, 40, 3):
        del model[id]
        kept.remove(id)
    model[99] = [1.0, 2.0, 3.0]
    kept.add(99, [vectors.blob_of(model[99], data_type)])
    kept.check()
    query = [1.0, -2.0, 0.5]

    def far(numbers: list[float]) -> float:
        if metric == b"L2":
            return sum((a - b) ** 2 for a, b in zip(numbers, query))
        inner = sum(a * b for a, b in zip(numbers, query))
        return 1 - (inner / math.hypot(*numbers) / math.hypot(*query) if metric == b"COSINE" else inner)

    tolerance = {b"FLOAT64": 1e-12, b"FLOAT32": 1e-5}.get(data_type, 0.02)
    expected = {id: far(numbers) for id, numbers in model.items()}
    blob = vectors.blob_of(query, data_type)
    nearest = kept.nearest(blob, 5)
    assert sorted(nearest.values()) == pytest.approx(sorted(expected.values())[:5], abs=tolerance)
    assert kept.within(blob, 1e9) == pytest.approx(expected, abs=tolerance)
    assert kept.nearest(blob, 3, {99, 5}) == pytest.approx({99: expected[99], 5: expected[5]}, abs=tolerance)
    assert len(kept) == len(model)


# Together.


def an_index() -> Index:
    fields = [
        Field(b"t", b"t", b"TEXT"),
        Field(b"b", b"b", b"TEXT", weight=2.0),
        Field(b"n", b"n", b"NUMERIC"),
        Field(b"g", b"g", b"TAG", index_missing=True),
        Field(b"v", b"v", b"VECTOR", vector=VectorOptions(b"FLAT", b"FLOAT32", 1, b"L2")),
    ]
    return Index(b"i", Definition(), Schema(fields))


def test_queries_find_what_a_look_at_every_document_finds() -> None:
    random = Random(5)
    index = an_index()
    _, _, number, tag, vector = index.schema.fields
    model: dict[bytes, dict[bytes, bytes]] = {}
    for i in range(400):
        key = b"k%d" % random.randrange(150)
        if i % 5 == 0:
            model.pop(key, None)
            index.remove(key)
            continue
        model[key] = {b"t": b" ".join(random.choices(WORDS, k=4)), b"n": b"%d" % random.randrange(10)}
        if random.random() < 0.5:
            model[key][b"g"] = random.choice(WORDS)
        model[key][b"v"] = struct.pack("<f", random.randrange(50))
        index.add(key, Hash.loaded(dict(model[key])))
    index.check()

    def node(depth: int) -> tuple[tree.Node, set[bytes]]:
        kind = random.randrange(11 if depth < 3 else 6)
        word = random.choice(WORDS)
        if kind == 0:
            return tree.Term(word), {key for key, doc in model.items() if word in doc[b"t"].split()}
        if kind == 1:
            return tree.Prefix(word[:2]), {
                key for key, doc in model.items() if any(w.startswith(word[:2]) for w in doc[b"t"].split())
            }
        if kind == 2:
            low = random.randrange(10)
            return tree.Numeric(number, low, low + 3, True, False), {
                key for key, doc in model.items() if low <= int(doc[b"n"]) < low + 3
            }
        if kind == 3:
            return tree.Tag(tag, [tree.Term(word)]), {key for key, doc in model.items() if doc.get(b"g") == word}
        if kind == 4:
            return tree.Missing(tag), {key for key, doc in model.items() if b"g" not in doc}
        if kind == 5:
            other = random.choice([other for other in WORDS if other != word])  # a word follows itself, even once
            phrase = b" %s %s " % (word, other)
            return tree.Exact([tree.Term(word), tree.Term(other)]), {
                key for key, doc in model.items() if phrase in b" %s " % doc[b"t"]
            }
        if kind == 6:
            part, keys = node(depth + 1)
            return tree.Not(part), model.keys() - keys
        if kind == 7:
            part, _ = node(depth + 1)
            return tree.Optional(part), set(model)
        parts = [node(depth + 1) for _ in range(random.choice([2, 3]))]
        if kind == 8:
            return tree.Union([part for part, _ in parts]), set().union(*(keys for _, keys in parts))
        return tree.Intersection([part for part, _ in parts]), set.intersection(*(keys for _, keys in parts))

    for i in range(600):
        if i == 300:
            index.collect()
            index.check()
        query, expected = node(0)
        matches = evaluate(query, index)
        assert {index.documents[id].key for id in matches.ids} == expected
        assert [id for id, _ in matches.records()] == matches.ids
        nearest = evaluate(tree.Vector(vector, struct.pack("<f", 20.0), 3, child=query), index)
        distances = sorted((struct.unpack("<f", model[key][b"v"])[0] - 20) ** 2 for key in expected)[:3]
        plan = nearest.plan
        assert sorted(plan.distances.values()) == distances  # type: ignore[attr-defined]

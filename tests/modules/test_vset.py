"""Vector sets: redis-py's methods, and the structures against models that are all lists."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import struct
from array import array
from collections import Counter
from random import Random
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.commands.vectorset.commands import QuantizationOptions

from redouble import FakeRedis, FakeServer
from redouble.modules.vectorset import vector_set
from redouble.modules.vectorset.expression import Expression, ExpressionError, field
from redouble.modules.vectorset.graph import Graph, Node
from redouble.modules.vectorset.vector_set import VectorSet
from redouble.modules.vectorset.vectors import (
    QUANTISATIONS,
    SCALAR,
    WIDE,
    Arithmetic,
    Floats,
    Projection,
    Quantisation,
    single,
)

VERSION = "8.6"

# redis-py.


def test_colours_that_look_alike(client: Any) -> None:
    colours = client.vset()
    assert colours.vadd("colours", [1.0, 0.0, 0.0], "red", attributes={"warm": True}) == 1
    assert colours.vadd("colours", [1.0, 0.5, 0.0], "orange", attributes='{"warm": true}', ef=50, cas=True) == 1
    assert colours.vadd("colours", struct.pack("<3f", 0, 0, 1), "blue") == 1
    assert colours.vadd("colours", [0.0, 0.1, 0.9], "blue") == 0
    assert colours.vcard("colours") == 3
    assert colours.vdim("colours") == 3
    assert colours.vsim("colours", "red") == ["red", "orange", "blue"]
    assert colours.vsim("colours", [0.9, 0.4, 0.0], count=1, truth=True, no_thread=True, ef=10) == ["orange"]
    assert colours.vsim("colours", struct.pack("<3f", 0, 0, 1), epsilon=0.2) == ["blue"]
    assert colours.vsim("colours", "blue", filter=".warm", filter_ef=100) == ["orange", "red"]
    scores = colours.vsim("colours", "red", with_scores=True)
    assert list(scores) == ["red", "orange", "blue"]
    assert scores["red"] == pytest.approx(1)
    assert colours.vsim("colours", "red", count=2, with_attribs=True) == {
        "red": {"warm": True},
        "orange": {"warm": True},
    }
    both = colours.vsim("colours", "blue", count=1, with_scores=True, with_attribs=True)
    assert both == {"blue": {"score": pytest.approx(1, abs=1e-3), "attributes": None}}
    assert colours.vrem("colours", "orange") == 1
    assert colours.vrem("colours", "orange") == 0


def test_how_a_vector_is_kept(client: Any) -> None:
    vectors = client.vset()
    numbers = [3.0, -4.0]
    for key, kind in (
        ("plain", QuantizationOptions.NOQUANT),
        ("bytes", QuantizationOptions.Q8),
        ("bits", QuantizationOptions.BIN),
    ):
        assert vectors.vadd(key, numbers, "a", quantization=kind, numlinks=8) == 1
    assert vectors.vemb("plain", "a") == [3, -4]
    assert vectors.vemb("bytes", "a") == pytest.approx([3, -4], abs=0.05)
    assert vectors.vemb("bits", "a") == [1, -1]
    assert vectors.vemb("plain", "missing") is None
    raw = vectors.vemb("bytes", "a", raw=True)
    assert raw == {"quantization": "int8", "raw": b"\x5f\x81", "l2": 5, "range": pytest.approx(0.8)}
    assert vectors.vemb("bits", "a", raw=True) == {"quantization": "bin", "raw": b"\1" + bytes(7), "l2": 5}
    assert vectors.vadd("short", [1.0, 2.0, 3.0, 4.0], "a", reduce_dim=2) == 1
    info = vectors.vinfo("short")
    assert (info["vector-dim"], info["projection-input-dim"], info["size"], info["quant-type"]) == (2, 4, 1, "int8")
    assert vectors.vinfo("missing") is None


def test_attributes_names_and_neighbours(client: Any) -> None:
    vectors = client.vset()
    for number, name in enumerate("abcd"):
        vectors.vadd("k", [1.0, float(number)], name)
    assert vectors.vsetattr("k", "a", {"n": 1}) == 1
    assert vectors.vsetattr("k", "b", '{"n": 2}') == 1
    assert vectors.vsetattr("k", "missing", {"n": 3}) == 0
    assert vectors.vgetattr("k", "a") == {"n": 1}
    assert vectors.vgetattr("k", "c") is None
    assert vectors.vsetattr("k", "a", {}) == 1
    assert not vectors.vgetattr("k", "a")
    assert vectors.vrandmember("k") in "abcd"
    assert sorted(vectors.vrandmember("k", 9)) == ["a", "b", "c", "d"]
    assert len(vectors.vrandmember("k", -9)) == 9
    assert vectors.vrange("k", "[b", "+") == ["b", "c", "d"]
    assert vectors.vrange("k", "-", "(c", 1) == ["a"]
    levels = vectors.vlinks("k", "a")
    assert sorted(levels[-1]) == ["b", "c", "d"]
    assert sorted(vectors.vlinks("k", "a", with_scores=True)[-1]) == ["b", "c", "d"]
    assert vectors.vlinks("k", "missing") is None
    with pytest.raises(redis.ResponseError, match="key does not exist"):
        vectors.vdim("missing")


def test_a_server_without_vector_sets_does_not_know_them() -> None:
    with pytest.raises(redis.ResponseError, match="unknown command 'VCARD'"):
        FakeRedis(version="7.4").vset().vcard("k")


def test_what_would_take_all_memory_is_refused() -> None:
    client = FakeRedis(version=VERSION)
    client.vset().vadd("k", [1.0], "a")
    with pytest.raises(redis.ResponseError, match="more than 10000000 elements is not supported"):
        client.vset().vrandmember("k", -(10**12))
    with pytest.raises(redis.ResponseError, match="more than 8388608 numbers is not supported"):
        client.vset().vadd("l", bytes(4 * 65536), "a", reduce_dim=65536)
    assert client.keys() == [b"k"]


def test_vector_sets_are_shown_and_kept_in_snapshots() -> None:
    server = FakeServer(version=VERSION)
    vectors = FakeRedis(server=server).vset()
    vectors.vadd("k", [0.0, 2.0], "a", attributes={"n": 1}, quantization=QuantizationOptions.NOQUANT)
    assert server.dump() == "k  vectorset\n  1 vectors of 2 numbers, f32\n  b'a' (0, 2) b'{\"n\": 1}'\n"
    vectors.vlinks("k", "a")
    snapshot = server.snapshot()
    vectors.vadd("k", [1.0, 1.0], "b", quantization=QuantizationOptions.NOQUANT)
    vectors.vsetattr("k", "a", {})
    server.restore(snapshot)
    assert vectors.vcard("k") == 1
    assert vectors.vgetattr("k", "a") == {"n": 1}
    server.check()


# The structures.

finite = st.floats(-1e6, 1e6, width=32)
kinds = st.sampled_from(QUANTISATIONS)
arithmetics = st.sampled_from([SCALAR, WIDE])


def floats(numbers: list[float]) -> Floats:
    return array("f", numbers)


def gaussian(random: Random, dimension: int) -> Floats:
    return floats([random.gauss(0, 1) for _ in range(dimension)])


def cosine_distance(one: Floats, other: Floats) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return 1 - math.fsum(map(float.__mul__, one, other)) / lengths if lengths else 1.0


@given(st.lists(finite, min_size=1, max_size=70), st.integers(0, 2**32), arithmetics)
def test_distances_are_those_of_the_cosine(numbers: list[float], seed: int, arithmetic: type[Arithmetic]) -> None:
    one, other = floats(numbers), gaussian(Random(seed), len(numbers))
    truth = cosine_distance(one, other)
    for kind, error in zip(QUANTISATIONS[:2], (1e-5, 0.05)):
        kept = kind.keep(one), kind.keep(other)
        if math.hypot(*one) > 1e-15:
            assert kind.distance(*kept, len(one), arithmetic) == pytest.approx(truth, abs=error)
        assert kind.estimate(*kept, len(one)) == pytest.approx(kind.distance(*kept, len(one), arithmetic), abs=1e-5)


@given(kinds, st.lists(finite, min_size=1, max_size=70))
def test_what_is_kept_is_what_came_and_survives_a_file(kind: Quantisation, numbers: list[float]) -> None:
    came, dimension = floats(numbers), len(numbers)
    kept = kind.keep(came)
    data = kind.data(kept, dimension)
    assert len(data) == kind.size(dimension)
    again = kind.read(data, kept.length, kept.range)
    assert (again.components, again.length) == (kept.components, kept.length)
    back = kind.numbers(again, dimension)
    if kind is QUANTISATIONS[2]:
        assert list(back) == [1.0 if single(number / kept.length) > 0 else -1.0 for number in came]
    else:
        largest = max(map(abs, came))
        assert list(back) == pytest.approx(
            list(came), abs=largest * (1e-5 if kind is QUANTISATIONS[0] else 0.005) + 1e-18
        )


def test_a_projection_keeps_distances() -> None:
    random = Random(1)
    projection = Projection(128, 32)
    vectors = [gaussian(random, 128) for _ in range(12)]
    for one, other in itertools.combinations(vectors, 2):
        shorter = cosine_distance(projection.apply(one), projection.apply(other))
        assert shorter == pytest.approx(cosine_distance(one, other), abs=0.5)


@given(st.integers(0, 2**32), kinds, st.integers(1, 40), st.integers(1, 30), st.booleans())
def test_the_nearest_are_the_nearest(seed: int, kind: Quantisation, dimension: int, count: int, oldest: bool) -> None:
    random = Random(seed)
    vectors = VectorSet(dimension, kind, 16)
    for number in range(25):
        vectors.add(b"%d" % random.randrange(20), gaussian(random, dimension), random)
        if number % 6 == 5:
            vectors.remove(random.choice(list(vectors.elements)))
    asked = gaussian(random, dimension)
    kept = kind.keep(asked)
    everything = [(kind.distance(kept, each.vector, dimension, WIDE), each.name) for each in vectors.elements.values()]
    if not oldest:
        everything.reverse()
    everything.sort(key=lambda pair: pair[0])
    found = vectors.nearest(asked, count, WIDE, oldest_first=oldest)
    assert [(distance, element.name) for distance, element in found] == everything[:count]
    vectors.graph.link_all()
    vectors.check()


@pytest.mark.parametrize("kind", QUANTISATIONS)
def test_numpy_finds_the_same(kind: Quantisation, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy")
    random = Random(1)
    vectors = VectorSet(50, kind, 16)
    for number in range(300):
        vectors.add(b"%d" % number, gaussian(random, 50), random)
    asked = [gaussian(random, 50) for _ in range(20)]
    found = [vectors.nearest(each, 10, WIDE) for each in asked]
    assert (vectors._table is None) == (kind is QUANTISATIONS[2])
    monkeypatch.setattr(vector_set, "WORTH_A_TABLE", math.inf)
    assert found == [vectors.nearest(each, 10, WIDE) for each in asked]


def reachable(graph: Graph) -> int:
    assert graph.enter is not None
    seen, waiting = {graph.enter.id}, [graph.enter.id]
    while waiting:
        links = graph.nodes[waiting.pop()].layers[0].links
        waiting += links.keys() - seen
        seen |= links.keys()
    return len(seen)


@given(st.integers(0, 2**32), st.sampled_from([2, 3, 80]), st.sampled_from([4, 16]))
def test_the_graph_stays_whole(seed: int, dimension: int, m: int) -> None:
    random = Random(seed)
    kind = QUANTISATIONS[1]
    graph = Graph(m, kind, dimension)
    for id in range(1, 80):
        if random.random() < 0.3 and graph.nodes:
            graph.remove(random.choice(list(graph.nodes.values())))
        graph.add(Node(id, kind.keep(gaussian(random, dimension)), random.choice((0, 0, 0, 1, 2))))
        if random.random() < 0.3:
            graph.link_all()
            graph.check()
    graph.link_all()
    graph.check()
    assert reachable(graph) == len(graph.nodes)


def test_a_quarter_of_the_nodes_is_on_the_next_level() -> None:
    random = Random(1)
    vectors = VectorSet(1, QUANTISATIONS[1], 16)
    for number in range(4000):
        vectors.add(b"%d" % number, floats([1.0]), random)
    levels = Counter(element.level for element in vectors.elements.values())
    assert levels[0] == pytest.approx(3000, rel=0.1)
    assert levels[1] == pytest.approx(750, rel=0.2)
    assert vectors.highest_level <= 16


# Expressions.

json_values = st.recursive(
    st.one_of(
        st.booleans(), st.none(), st.integers(-(10**6), 10**6), st.floats(-1e9, 1e9), st.text('ab"\\\n ', max_size=4)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(["x", "y", "a-b", "c_1"]), json_values),
    st.sampled_from(["x", "y", "a-b", "c_1", "z"]),
)
def test_a_field_is_what_json_says(fields: dict[str, Any], name: str) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            raise LookupError
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.encode() if isinstance(value, str) else None if value is None else float(value)

    try:
        expected = plain(fields[name])
    except LookupError:
        with pytest.raises(LookupError):
            field(json.dumps(fields).encode(), name.encode())
    else:
        assert field(json.dumps(fields, ensure_ascii=False).encode(), name.encode()) == expected


OPERATORS = ["+", "-", "*", ">", ">=", "<", "<=", "==", "!=", "and", "or"]
numbers = st.integers(0, 9).map(str)
expressions = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=8,
)


@given(expressions)
def test_an_expression_means_what_it_means_in_python(text: str) -> None:
    # Python chains comparisons, and `not` binds less there: it stands only before brackets that nothing compares.
    if any(word in text for word in ("not", "<", ">", "=")):
        text = f"({text})"
        Expression(text.encode()).matches(b"{}")
        return
    assert Expression(text.encode()).matches(b"{}") == bool(eval(text))


@given(st.text("1.a'\"[](){}!=<>+-*/% inotdr,\\\0é", max_size=12), st.binary(max_size=12))
def test_no_expression_and_no_attributes_are_too_much(text: str, attributes: bytes) -> None:
    with contextlib.suppress(ExpressionError):
        expression = Expression(text.encode())
        assert expression.matches(attributes) in (True, False)
        assert expression.matches(b'{"a":' + attributes + b"}") in (True, False)


def test_lists_in_attributes_may_be_deep() -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b',"b":1}'
    assert Expression(b".a").matches(deep)
    assert Expression(b".b == 1").matches(deep)

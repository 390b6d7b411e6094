"""JSON texts, values, paths and the order of changes, without a server."""

from __future__ import annotations

import itertools
import json
import math
from decimal import Decimal
from importlib import metadata
from random import Random
from typing import Any

import jsonpath_ng.ext
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.modules.json import reader
from redouble.modules.json.document import Document
from redouble.modules.json.grammar import PathSyntaxError
from redouble.modules.json.order import inside_out, to_remove
from redouble.modules.json.path import compile_path, keys_of
from redouble.modules.json.reader import JsonError, parse, parse_first, parse_loaded
from redouble.modules.json.regex import compiled
from redouble.modules.json.values import Object, copy, equal, memory, merged, same, without
from redouble.modules.json.writer import formatted, number_text, text_of
from redouble.resp.reply import CommandError

KEYS = ["a", "b", "c", "x y", "é", ""]
numbers = st.integers(-(1 << 63), (1 << 64) - 1) | st.integers(-(10**9), 10**9).map(lambda n: n / 8)
scalars = st.none() | st.booleans() | numbers | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


# Texts.


@given(values)
def test_a_text_is_read_as_the_value_that_it_was_written_for(value: Any) -> None:
    text = text_of(value)
    assert json.loads(text) == value
    assert repr(parse(text)) == repr(reader._Exact(text).document(only=True)) == repr(value)


@given(values, st.text(" \t", max_size=2), st.sampled_from(["", "\n", "\r\n"]), st.text(" ", max_size=1))
def test_white_space_changes_nothing(value: Any, indent: str, newline: str, space: str) -> None:
    assert parse(formatted(value, indent, newline, space)) == parse(text_of(value))


def test_what_json_dumps_indents_is_indented_so() -> None:
    value = {"a": [1, {"b": [], "c": {}}], "d": "x"}
    assert formatted(value, "  ", "\n", " ") == json.dumps(value, indent=2)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_has_the_shortest_digits(number: float) -> None:
    text = number_text(number)
    assert float(text) == number
    assert "+" not in text
    assert len(text) <= 26


@given(st.integers(0, 10**30), st.integers(-340, 300))
def test_a_long_number_is_nearly_the_nearest_double(digits: int, exponent: int) -> None:
    text = f"{digits}.5e{exponent}"
    nearest = float(text)
    if math.isinf(nearest):
        with pytest.raises(JsonError, match="number out of range"):
            parse(text)
    else:
        assert abs(Decimal(parse(text)) - Decimal(nearest)) <= 2 * Decimal(math.ulp(nearest))


@given(values, st.data())
def test_a_damaged_text_is_read_or_refused_with_a_place(value: Any, data: st.DataObject) -> None:
    text = text_of(value)
    at = data.draw(st.integers(0, len(text)))
    text = (
        text[:at] + data.draw(st.sampled_from(["", ",", "]", "}", '"', "\\", "x", "1", "-", "\x01"])) + text[at + 1 :]
    )
    try:
        read = parse(text)
    except JsonError as error:
        message = str(error)
    else:
        assert reader._Exact(text).document(only=True) == read
        return
    assert " at line 1 column " in message


@pytest.mark.parametrize(
    "text", ["[" * 128 + "]" * 128, '{"a":' * 128 + "1" + "}" * 128, "[" * 100_000, '[{"a":' * 100_000]
)
def test_texts_nest_127_times_at_most(text: str) -> None:
    with pytest.raises(JsonError, match="recursion limit exceeded at line 1 column"):
        parse(text)


def test_brackets_in_strings_do_not_nest() -> None:
    text = json.dumps(["[" * 300, "}{" * 300, "[" * 126, "]" * 126])
    assert parse(text) == json.loads(text)
    assert parse("[" * 127 + "]" * 127)
    assert parse_loaded("[" * 256 + "]" * 256)
    with pytest.raises(JsonError):
        parse_loaded("[" * 257 + "]" * 257)


def test_what_follows_a_value() -> None:
    assert parse_first(' {"a":1} 2 x') == {"a": 1}
    assert parse_first("1,") == 1
    with pytest.raises(JsonError, match="trailing characters at line 2 column 2"):
        parse("1\n 2")


# Values.


@given(st.lists(st.tuples(st.sampled_from(["set", "remove"]), st.sampled_from(KEYS)), max_size=40))
def test_a_removed_key_leaves_its_place_to_the_last(steps: list[tuple[str, str]]) -> None:
    object: dict[str, Any] = {}
    model: list[list[Any]] = []
    for i, (step, key) in enumerate(steps):
        place = next((place for place, (name, _) in enumerate(model) if name == key), None)
        if step == "set":
            object[key] = i
            if place is None:
                model.append([key, i])
            else:
                model[place][1] = i
        elif place is not None:
            object = without(object, key)
            last = model.pop()
            if last[0] != key:
                model[place] = last
        if isinstance(object, Object):
            object.check()
        assert [list(item) for item in object.items()] == model
        assert list(object) == list(object.keys()) == [name for name, _ in model]
        assert list(object.values()) == [value for _, value in model]
        assert text_of(object) == text_of(dict(map(tuple, model)))
        assert list(copy(object).items()) == list(object.items())


@given(values)
def test_a_copy_shares_nothing(value: Any) -> None:
    document = Document(value)
    document.check()
    other = document.copy()
    assert equal(other.root, value)
    assert same(other.root, value)
    seen = {id(inner) for inner in compile_path("$..*").values(value) if isinstance(inner, (list, dict))}
    assert not any(
        id(inner) in seen for inner in compile_path("$..*").values(other.root) if isinstance(inner, (list, dict))
    )
    assert memory(value) > 0
    assert all(isinstance(line, str) for line in document.describe())


def test_kinds_of_numbers() -> None:
    assert equal(1, 1.0)
    assert not same(1, 1.0)
    assert not equal(1, True)
    assert not equal({"a": [1]}, {"a": [1, 2]})
    assert not equal({"a": 1}, {"b": 1})
    assert same({"a": 1, "b": [2.0]}, {"b": [2.0], "a": 1})
    assert not same([1], {"a": 1})


@given(values, values)
def test_a_merged_patch_says_what_there_is(target: Any, patch: Any) -> None:
    expected = _merge(json.loads(text_of(target)), patch)
    assert equal(merged(copy(target), patch), expected)


def _merge(target: Any, patch: Any) -> Any:
    """RFC 7386, word by word; but what is new is taken as it is only if it is no object."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, item in patch.items():
        if item is None:
            target.pop(key, None)
        else:
            target[key] = _merge(target.get(key), item)
    return target


# Paths.

DOCUMENTS = [
    {
        "a": {"a": {"a": 3, "b": [0, {"a": 4}]}, "b": "q"},
        "b": [{"a": 1}, {"a": 2, "c": [5, 6, 7]}, {"a": "x"}],
        "c": [],
    },
    [1, "two", 3.25, None, True, [10, 20, [30]], {"k": "v"}],
    {"a": [{"b": i, "c": str(i)} for i in range(6)], "b": {"a": [1, 2, 3]}},
]
PATHS = [
    "$", "$.a", "$.b", "$.a.b", "$.*", "$[*]", "$.a[*].b", "$.b[0]", "$.b[-1]", "$.b[1:]", "$.b[:2]", "$.b[::2]",
    "$.b[0:3:2]", "$..a", "$..b", "$.a..b", "$.a[?(@.b>2)].c", "$.a[?(@.b>=2)].b", "$.a[?(@.b==2)]", "$.a[?(@.b!=2)].b",
    "$.b[?(@.a)]", "$['a']['b']", "$.nope", "$.a.nope[0]", "$.b[?(@.a>1 && @.c)]",
]  # fmt: skip


JSONPATH_NG = tuple(map(int, metadata.version("jsonpath-ng").split(".")[:2]))


@pytest.mark.skipif(JSONPATH_NG < (1, 16), reason="an older jsonpath-ng, which takes strings for arrays")
@pytest.mark.parametrize("text", PATHS)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_select_what_jsonpath_ng_does(text: str, document: Any) -> None:
    expected = [match.value for match in jsonpath_ng.ext.parse(text).find(document)]
    ours = compile_path(text)
    assert sorted(map(text_of, ours.values(document))) == sorted(map(text_of, expected))
    for value, place in ours.places(document):
        inner = document
        for key in keys_of(place):
            inner = inner[key]
        assert inner is value


def test_places_of_members_that_filters_number() -> None:
    (found,) = compile_path("$[?(@==2)]").places({"a": 1, "b": 2}, numbered=True)
    assert found == (2, (None, 1))
    (found,) = compile_path("$[?(@==2)]").places({"a": 1, "b": 2})
    assert found == (2, (None, "b"))


def test_filters_of_scalars() -> None:
    path = compile_path("$.a[?(@>1)]")
    assert path.values({"a": 5}) == [5]
    assert path.values({"a": 5}, scalars=False) == []
    assert path.places({"a": 5}) == [(5, (None, "a"))]


@pytest.mark.parametrize("text", ["$.", "$[", "$.a[", "$..", "$[?(", "$[?(@", "$.a b", "$[01]", "$[?" + "(" * 100_000])
def test_a_wrong_path_is_refused_with_a_place(text: str) -> None:
    with pytest.raises(PathSyntaxError) as error:
        compile_path(text)
    assert error.value.expected
    assert 0 <= error.value.position <= len(text)


def test_numbers_in_paths_may_be_too_large() -> None:
    large = "9" * 10_000
    assert compile_path(f"$[{large}]").values([1]) == []
    assert compile_path(f"$[-{large}]").values([1]) == [1]
    assert compile_path(f"$[0:{large}:{large}]").values([1, 2]) == [1]
    assert compile_path(f"$[?(@<{large})]").values([1]) == [1]


def test_large_integers_are_compared_as_doubles() -> None:
    document = [{"a": (1 << 64) - 1, "b": 18446744073709551615.0, "c": (1 << 64) - 2}]
    assert compile_path("$[?(@.a==18446744073709551615)].a").values(document) == [(1 << 64) - 1]
    assert compile_path("$[?(@.a<=@.c)].a").values(document) == [(1 << 64) - 1]
    assert compile_path("$[?(@.a==@.b)].a").values(document) == []


def test_few_paths_are_remembered() -> None:
    for i in range(3000):
        compile_path(f"$.a[{i}]")
    assert compile_path("$.a[0]") is compile_path("$.a[0]")
    long = "$" + ".a" * 1000
    assert compile_path(long) is not compile_path(long)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("^a.c$", "abc", True),
        ("b", "abc", True),
        ("b$", "b\n", False),
        (r"\d+", "x12", True),
        ("[[:alpha:]]+$", "12x", True),
        ("[[:^alpha:]]", "x", False),
        (r"[\]$]", "$", True),
        ("(?i)ABC", "xabc", True),
        ("(?<name>a)", "a", True),
        (r"a\z", "a", True),
        ("(?=a)", "a", None),
        (r"(a)\1", "aa", None),
        ("(", "(", None),
        ("a{99999999999}", "a", None),
        ("(a+)+$", "a" * 30_000 + "b", False),
        ("a{1000}{1000}", "a", None),
        ("(" * 5000 + ")" * 5000, "", None),
        (r"\bis\b", "what is it", True),
        (r"\<is\>", "this", False),
        ("(?m)^b$", "a\nb", True),
        ("(?s)a.b", "a\nb", True),
        ("(?x) a b # and c", "ab", True),
        ("(?x)[ a ]", " ", False),
        ("(?i)[^A]", "a", False),
        (r"\p{Lu}\p{Greek}\PL", "Aβ1", True),
        (r"\p{Nonsense}", "a", None),
        (r"[\w&&[^\d]]", "1", False),
        ("[a-z--[aeiou]]", "e", False),
        ("[a-c~~b-d]", "b", False),
        (r"[\d-z]", "-", None),
        ("[z-a]", "a", None),
        ("[", "[", None),
        ("a|b)", "a", None),
        ("a{2,1}", "aa", None),
        ("a{,2}", "a", None),
        ("^*a", "a", True),
        ("*a", "a", None),
        (r"\x{41}\u0042\x43", "ABC", True),
        (r"\q", "q", None),
        ("(?P<n>a)(?P<n>b)", "ab", None),
        ("(?q)a", "a", None),
    ],
)
def test_regular_expressions_are_those_of_rust(pattern: str, text: str, matches: bool | None) -> None:
    found = compiled(pattern)
    assert (found and found.search(text)) is matches


# The order of changes.

places = st.lists(st.tuples(st.sampled_from(["a", "ab", "b", 0, 1, 2, 10]), st.integers(0, 2)), max_size=4).map(
    lambda keys: _place([key for key, _ in keys])
)


def _place(keys: list[Any]) -> Any:
    place = None
    for key in keys:
        place = (place, key)
    return place


@given(st.lists(places.filter(lambda place: place is not None), unique=True, max_size=12))
def test_what_is_removed_first_moves_nothing_of_the_rest(found: list[Any]) -> None:
    order = [tuple(keys_of(place)) for place in to_remove(found, by_name=False)]
    ways = {tuple(keys_of(place)) for place in found}
    assert set(order) == {way for way in ways if not any(way[:i] in ways for i in range(1, len(way)))}
    for earlier, later in itertools.pairwise(order):
        if earlier[:-1] == later[:-1] and isinstance(earlier[-1], int) and isinstance(later[-1], int):
            assert earlier[-1] > later[-1]
    changed = [keys_of(found[i]) for i in inside_out([(None, place) for place in found])]
    for i, outer in enumerate(changed):
        assert not any(later[: len(outer)] == outer for later in changed[i + 1 :])


def test_names_that_begin_alike_are_taken_for_parts() -> None:
    assert [keys_of(place) for place in to_remove([_place(["f"]), _place(["fl"])], by_name=True)] == [["f"]]
    twice = [_place(["g", 0]), _place(["g", 0])]
    assert to_remove(twice, by_name=True) == []
    assert to_remove(twice, by_name=False) == twice[:1]
    assert len(to_remove([_place(["a"]), *twice], by_name=True)) == 3


def test_what_is_very_deep_is_not_changed() -> None:
    document = Document(parse_loaded("[" * 200 + "]" * 200))
    (_, place), *_ = [one for one in compile_path("$..*").places(document.root) if len(keys_of(one[1])) == 140]
    with pytest.raises(CommandError, match="recursion limit exceeded"):
        document.put(place, 1)
    assert document.put(compile_path("$[0]").places(document.root)[0][1], 1)


def test_documents_are_walked_anew_for_each_change() -> None:
    random = Random(1)
    for _ in range(300):
        document = Document(parse('{"a":[1,[2,{"b":3}],4],"c":{"d":{"e":[5,6]}},"f":7}'))
        found = compile_path("$..*").places(document.root)
        random.shuffle(found)
        for _, place in found:
            if random.random() < 0.5:
                document.remove(place)
            else:
                document.put(place, [])
            document.check()
        assert document.add(None, "new", 1)
        assert not document.add(None, "new", 2)
        assert not document.remove(None)

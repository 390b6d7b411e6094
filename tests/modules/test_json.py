"""What `r.json()` of redis-py does, with every kind of client; a real server says the same of each example."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

Example = Callable[[Any], None]
EXAMPLES: list[Example] = []

SHOP = {
    "name": "Corner shop",
    "open": True,
    "items": [
        {"name": "tea", "price": 3, "tags": ["hot", "leaf"]},
        {"name": "cake", "price": 4.5, "tags": []},
        {"name": "ice", "price": 2, "tags": ["cold"]},
    ],
    "owner": {"name": "Zoë", "age": 47},
}


def example(function: Example) -> Example:
    EXAMPLES.append(function)
    return function


@example
def documents_are_set_and_got(r: Any) -> None:
    assert r.json().set("shop", "$", SHOP) is True
    assert r.json().get("shop") == SHOP
    assert r.json().get("shop", "$.owner.name") == ["Zoë"]
    assert r.json().get("shop", ".owner.age") == 47
    assert r.json().get("shop", "$.items[*].price", "$.open") == {"$.items[*].price": [3, 4.5, 2], "$.open": [True]}
    assert r.json().get("shop", "$.items[?(@.price>2.5)].name") == ["tea", "cake"]
    assert r.json().get("none") is None
    assert r.json().set("shop", "$.owner.city", "Ulm") is True
    assert r.json().set("shop", "$.owner.city", "Bonn", nx=True) is None
    assert r.json().set("shop", "$.owner.street", "Main", xx=True) is None
    assert r.json().set("shop", "$.owner.city", "Bonn", xx=True) is True
    assert r.json().get("shop", "$.owner") == [{"name": "Zoë", "age": 47, "city": "Bonn"}]


@example
def several_documents_at_once(r: Any) -> None:
    assert r.json().mset([("a", "$", {"n": 1}), ("b", "$", {"n": [2]}), ("a", "$", {"n": 3})]) is True
    assert r.json().mget(["a", "b", "none"], "$.n") == [[3], [[2]], None]
    assert r.json().mget(["a", "b"], ".n") == [3, [2]]


@example
def patches_are_merged(r: Any) -> None:
    r.json().set("k", "$", {"a": 1, "b": {"c": 2, "d": 3}})
    assert r.json().merge("k", "$", {"a": None, "b": {"c": 4}}) is True
    assert r.json().merge("k", "$.e", [5]) is True
    assert r.json().get("k") == {"b": {"c": 4, "d": 3}, "e": [5]}


@example
def parts_are_removed(r: Any) -> None:
    r.json().set("shop", "$", SHOP)
    assert r.json().delete("shop", "$.items[*].tags") == 3
    assert r.json().forget("shop", "$.owner") == 1
    assert r.json().delete("shop", "$.nothing") == 0
    assert r.json().get("shop", "$.items[0]") == [{"name": "tea", "price": 3}]
    assert r.json().clear("shop", "$.items") == 1
    assert r.json().get("shop") == {"name": "Corner shop", "open": True, "items": []}
    assert r.json().delete("shop") == 1
    assert r.exists("shop") == 0


@example
def numbers_are_calculated_with(r: Any) -> None:
    r.json().set("k", "$", {"n": 10, "m": {"n": 1.5}, "s": "text"})
    assert r.json().numincrby("k", "$.n", 5) == [15]
    assert r.json().numincrby("k", "$..n", 1) == [16, 2.5]
    with pytest.warns(DeprecationWarning, match="nummultby"):
        assert r.json().nummultby("k", "$.n", 2) == [32]
    assert r.json().numincrby("k", "$.s", 1) == [None]


@example
def strings_grow(r: Any) -> None:
    r.json().set("k", "$", {"s": "ab", "n": 1})
    assert r.json().strappend("k", "cd", "$.s") == [4]
    assert r.json().strlen("k", "$.*") == [4, None]
    assert r.json().strlen("k", ".s") == 4
    r.json().set("s", "$", "x")
    assert r.json().strappend("s", "y") == 2


@example
def booleans_are_toggled(r: Any) -> None:
    r.json().set("k", "$", {"b": False, "n": 1})
    assert r.json().toggle("k", "$.*") == [1, None]
    assert r.json().toggle("k", "$.b") == [0]
    assert r.json().get("k", "$.b") == [False]


@example
def arrays_change(r: Any) -> None:
    r.json().set("k", "$", {"a": [1, 2, 3], "n": 1})
    assert r.json().arrappend("k", "$.a", 4, "five") == [5]
    assert r.json().arrlen("k", "$.*") == [5, None]
    assert r.json().arrindex("k", "$.a", 3) == [2]
    assert r.json().arrindex("k", "$.a", 3, 0, 2) == [-1]
    assert r.json().arrinsert("k", "$.a", 1, 1.5, None) == [7]
    assert r.json().arrpop("k", "$.a") == ['"five"']
    assert r.json().arrpop("k", "$.a", 0) == ["1"]
    assert r.json().arrtrim("k", "$.a", 1, 2) == [2]
    assert r.json().get("k", "$.a") == [[None, 2]]
    r.json().set("l", "$", [1])
    assert r.json().arrpop("l") == 1
    assert r.json().arrlen("l") == 0


@example
def objects_have_keys(r: Any) -> None:
    r.json().set("k", "$", {"o": {"x": 1, "y": 2}, "n": 1})
    assert r.json().objkeys("k", "$.*") == [["x", "y"], None]
    assert r.json().objlen("k", "$.o") == [2]
    assert r.json().objkeys("k") == ["o", "n"]
    assert r.json().objlen("k") == 2


@example
def values_have_types(r: Any) -> None:
    r.json().set("k", "$", [1, 1.5, "s", True, None, [], {}])
    types = ["integer", "number", "string", "boolean", "null", "array", "object"]
    assert r.json().type("k", "$[*]") in (types, [types])
    assert r.json().type("k") in ("array", ["array"])


@example
def values_are_told_as_replies(r: Any) -> None:
    r.json().set("k", "$", {"a": [1, "x", None], "t": True})
    assert r.json().resp("k") == ["{", "a", ["[", 1, "x", None], "t", "true"]
    assert r.json().resp("k", "$.a[0]") == [1]


@example
def memory_is_told(r: Any) -> None:
    r.json().set("k", "$", ["text"])
    assert r.json().debug("MEMORY", "k", "$[0]") == [12]
    assert r.json().debug("MEMORY", "none") == 0


@example
def pipelines_and_transactions(r: Any) -> None:
    for transaction in (True, False):
        pipeline = r.pipeline(transaction=transaction)
        pipeline.json().set("k", "$", {"n": 1})
        pipeline.json().numincrby("k", "$.n", 1)
        pipeline.json().get("k", "$.n")
        results = pipeline.execute()
        if inspect.isawaitable(results):
            results = r.loop.run_until_complete(results)
        assert results == [True, [2], [2]]


@example
def errors_are_raised(r: Any) -> None:
    r.set("s", "x")
    r.json().set("k", "$", {"a": 1})
    with pytest.raises(redis.ResponseError, match="Existing key has wrong Redis type"):
        r.json().get("s")
    with pytest.raises(redis.ResponseError, match="new objects must be created at the root"):
        r.json().set("none", "$.a", 1)
    with pytest.raises(redis.ResponseError, match="does not exist"):
        r.json().get("k", ".b")
    with pytest.raises(redis.ResponseError, match=r"Error occurred on position 2.*<string>, '\*'"):
        r.json().get("k", "$.")


def name_of(example: Example) -> str:
    return example.__name__


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_redouble(client: Any, example: Example) -> None:
    example(client)


@pytest.mark.real
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_a_real_server(real: Any, example: Example, protocol: int) -> None:
    path = real("redis-stack-7.4").__self__.connection_pool.connection_kwargs["path"]
    with redis.Redis(unix_socket_path=path, protocol=protocol, decode_responses=True) as r:
        r.flushall()
        example(r)


def test_files_are_set(client: Any, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"a": [1]}))
    (tmp_path / "two.json").write_text(json.dumps("text"))
    assert client.json().set_file("k", "$", str(tmp_path / "one.json")) is True
    assert client.json().get("k") == {"a": [1]}
    if not hasattr(client, "thing"):  # the asynchronous helper forgets to wait for each file
        assert client.json().set_path("$", str(tmp_path)) == {
            str(tmp_path / "one.json"): True,
            str(tmp_path / "two.json"): True,
        }
        assert client.json().get(str(tmp_path / "two").rsplit(".")[0]) == "text"

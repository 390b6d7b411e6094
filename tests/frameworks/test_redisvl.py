"""redisvl: indexes with vectors, filters, aggregations, and its caches and histories; in process and over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("redisvl")

import redis
from redisvl.extensions.message_history import MessageHistory
from redisvl.index import SearchIndex
from redisvl.query import (
    AggregateHybridQuery,
    CountQuery,
    FilterQuery,
    TextQuery,
    VectorQuery,
    VectorRangeQuery,
)
from redisvl.query.filter import Geo, GeoRadius, Num, Tag, Text

from redouble import FakeRedis

USERS = [
    {
        "user": "john",
        "age": 18,
        "job": "engineer",
        "credit": "high",
        "near": [0.1, 0.1, 0.5],
        "office": "-122.41,37.77",
    },
    {
        "user": "derrick",
        "age": 14,
        "job": "doctor",
        "credit": "low",
        "near": [0.1, 0.1, 0.5],
        "office": "-122.41,37.77",
    },
    {"user": "nancy", "age": 94, "job": "doctor", "credit": "high", "near": [0.7, 0.1, 0.5], "office": "-122.40,37.79"},
    {
        "user": "tyler",
        "age": 100,
        "job": "engineer",
        "credit": "high",
        "near": [0.1, 0.4, 0.5],
        "office": "-110.0,37.35",
    },
    {
        "user": "tim",
        "age": 12,
        "job": "dermatologist",
        "credit": "high",
        "near": [0.4, 0.4, 0.5],
        "office": "-110.0,37.35",
    },
]


@pytest.fixture(params=["in process", "url"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "url":
        made = redis.Redis.from_url(request.getfixturevalue("url"))
    else:
        made = FakeRedis(version="7.4")
    with made:
        yield made


@pytest.fixture(params=["hash", "json"])
def users(client: Any, request: pytest.FixtureRequest) -> SearchIndex:
    settings = {"dims": 3, "distance_metric": "cosine", "algorithm": "flat", "datatype": "float32"}
    schema = {
        "index": {"name": "users", "prefix": "user", "storage_type": request.param},
        "fields": [
            {"name": "user", "type": "tag"},
            {"name": "age", "type": "numeric"},
            {"name": "job", "type": "text"},
            {"name": "credit", "type": "tag"},
            {"name": "office", "type": "geo"},
            {"name": "near", "type": "vector", "attrs": settings},
        ],
    }
    index = SearchIndex.from_dict(schema, redis_client=client)
    index.create(overwrite=True, drop=True)
    data = [dict(user) for user in USERS]
    if request.param == "hash":
        from redisvl.redis.utils import array_to_buffer

        for user in data:
            user["near"] = array_to_buffer(user["near"], dtype="float32")
    assert len(index.load(data, id_field="user")) == 5
    return index


def names(found: Any) -> list[str]:
    return [one["user"] for one in found]


def test_queries(users: SearchIndex) -> None:
    assert users.exists()
    assert users.info()["num_docs"] == 5
    assert users.fetch("tim")["job"] == "dermatologist"
    query = VectorQuery([0.1, 0.1, 0.5], "near", return_fields=["user", "age"], num_results=3)
    found = users.query(query)
    assert sorted(names(found)[:2]) == ["derrick", "john"]
    assert names(found)[2] == "tyler"
    query.set_filter((Tag("credit") == "high") & (Num("age") > 15))
    assert names(users.query(query)) == ["john", "tyler", "nancy"]
    near = VectorRangeQuery([0.1, 0.1, 0.5], "near", distance_threshold=0.2, return_fields=["user"])
    assert sorted(names(users.query(near))) == ["derrick", "john", "tim", "tyler"]
    where = Geo("office") == GeoRadius(-122.4, 37.78, 5, "km")
    assert sorted(names(users.query(FilterQuery(where, ["user"])))) == ["derrick", "john", "nancy"]
    words = FilterQuery(Text("job") % "engine*|doctor", ["user"], sort_by="age")
    assert names(users.query(words)) == ["derrick", "john", "nancy", "tyler"]
    assert users.query(CountQuery(Tag("credit") != "high")) == 1
    assert [len(page) for page in users.paginate(FilterQuery("*", ["user"]), page_size=2)] == [2, 2, 1]
    assert users.drop_keys("user:tim") == 1
    assert users.query(CountQuery("*")) == 4
    users.delete(drop=True)
    assert not users.exists()


def test_texts_and_both_together(users: SearchIndex) -> None:
    found = users.query(TextQuery("a doctor", "job", text_scorer="TFIDF", return_fields=["user"], stopwords={"a"}))
    assert sorted(names(found)) == ["derrick", "nancy"]
    hybrid = AggregateHybridQuery(
        text="doctor",
        text_field_name="job",
        vector=[0.7, 0.1, 0.5],
        vector_field_name="near",
        return_fields=["user"],
        text_scorer="TFIDF",
        stopwords=None,
    )
    found = users.query(hybrid)
    assert names(found)[0] == "nancy"
    assert float(found[0]["vector_similarity"]) == pytest.approx(1)


@pytest.mark.filterwarnings("ignore:Role 'llm':DeprecationWarning")  # redisvl's own word for the answers
def test_a_history_of_messages(client: Any) -> None:
    history = MessageHistory("talk", redis_client=client)
    history.store("What is a fjord?", "A drowned valley.")
    history.add_message({"role": "user", "content": "Where?"})
    assert [message["content"] for message in history.get_recent(top_k=2)] == ["A drowned valley.", "Where?"]
    assert len(history.messages) == 3
    history.drop()
    assert len(history.messages) == 2
    history.clear()
    assert history.messages == []

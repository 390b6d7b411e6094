"""langgraph-checkpoint-redis: a graph that is interrupted and goes on, and a store that is searched; in process and over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langgraph.checkpoint.redis")

import redis
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.redis import RedisSaver
from langgraph.checkpoint.redis.shallow import ShallowRedisSaver
from langgraph.store.redis import RedisStore

from redouble import FakeRedis


@pytest.fixture(params=["in process", "url"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "url":
        made = redis.Redis.from_url(request.getfixturevalue("url"))
    else:
        made = FakeRedis(version="7.4")
    with made:
        yield made


def config(thread: str, **more: Any) -> Any:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": "", **more}}


def checkpoint(step: int) -> Any:
    made = empty_checkpoint()
    made["channel_values"] = {"count": step, "words": ["one", "two"][:step]}
    made["channel_versions"] = {"count": step, "words": step}
    return made


@pytest.mark.parametrize("saver_class", [RedisSaver, ShallowRedisSaver])
def test_checkpoints(client: Any, saver_class: Any) -> None:
    saver = saver_class(redis_client=client)
    saver.setup()
    place = config("thread")
    for step in (1, 2):
        made = checkpoint(step)
        metadata = {"source": "loop", "step": step, "writes": {}, "score": step}
        place = saver.put(place, made, metadata, made["channel_versions"])
        saver.put_writes(place, [("count", step), ("words", "more")], f"task-{step}")
    latest = saver.get_tuple(config("thread"))
    assert latest.checkpoint["channel_values"] == {"count": 2, "words": ["one", "two"]}
    assert latest.metadata["step"] == 2
    assert sorted(latest.pending_writes)[-2:] == [("task-2", "count", 2), ("task-2", "words", "more")]
    listed = list(saver.list(config("thread")))
    expected = [2] if saver_class is ShallowRedisSaver else [2, 1]
    assert [one.metadata["step"] for one in listed] == expected
    if saver_class is RedisSaver:
        (found,) = saver.list(config("thread"), filter={"step": 1})
        assert found.checkpoint["channel_values"]["count"] == 1
    assert saver.get_tuple(config("another")) is None
    saver.delete_thread("thread")
    assert saver.get_tuple(config("thread")) is None


def test_a_store(client: Any) -> None:
    store = RedisStore(client)
    store.setup()
    store.put(("users", "ada"), "likes", {"food": "figs", "level": 3})
    store.put(("users", "bob"), "likes", {"food": "nuts", "level": 1})
    assert store.get(("users", "ada"), "likes").value == {"food": "figs", "level": 3}
    assert [item.namespace for item in store.search(("users", "bob"))] == [("users", "bob")]
    assert [item.value["food"] for item in store.search(("users",), filter={"food": "figs"})] == ["figs"]
    assert sorted(store.list_namespaces(prefix=("users",))) == [("users", "ada"), ("users", "bob")]
    store.put(("users", "ada"), "likes", {"food": "plums"})
    assert store.get(("users", "ada"), "likes").value == {"food": "plums"}
    store.delete(("users", "bob"), "likes")
    assert store.get(("users", "bob"), "likes") is None


def test_a_store_that_knows_meanings(client: Any) -> None:
    def embed(texts: list[str]) -> list[list[float]]:
        return [[text.count("a") + 0.1, text.count("e") + 0.1, 1.0] for text in texts]

    store = RedisStore(client, index={"dims": 3, "embed": embed, "fields": ["text"], "distance_type": "cosine"})
    store.setup()
    store.put(("notes",), "first", {"text": "banana bread"})
    store.put(("notes",), "second", {"text": "green tea tree"})
    found = store.search(("notes",), query="cabana", limit=1)
    assert [item.key for item in found] == ["first"]
    assert found[0].score == pytest.approx(0.91, abs=0.1)

"""A consumer group's round trip through redis-py's two clients."""

from __future__ import annotations

import pytest

import redouble


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_group_is_read_and_acknowledged(protocol: int) -> None:
    client = redouble.FakeRedis(decode_responses=True, protocol=protocol)
    first = client.xadd("jobs", {"name": "one"})
    client.xadd("jobs", {"name": "two"})
    client.xgroup_create("jobs", "workers", id="0")
    reply = client.xreadgroup("workers", "alice", {"jobs": ">"}, count=1)
    assert str(first) in str(reply)
    assert client.xpending("jobs", "workers")["pending"] == 1
    assert client.xautoclaim("jobs", "workers", "bob", 0)[1][0][1] == {"name": "one"}
    assert client.xack("jobs", "workers", first) == 1
    assert client.xinfo_groups("jobs")[0]["lag"] == 1
    assert client.xinfo_stream("jobs", full=True)["length"] == 2
    assert [fields["name"] for _, fields in client.xrange("jobs")] == ["one", "two"]


def test_an_async_group_is_read_and_acknowledged() -> None:
    import asyncio

    async def round_trip() -> None:
        client = redouble.FakeAsyncRedis(decode_responses=True)
        await client.xgroup_create("jobs", "workers", id="$", mkstream=True)
        waiting = asyncio.ensure_future(client.xreadgroup("workers", "alice", {"jobs": ">"}, block=5000))
        await asyncio.sleep(0.01)
        id = await client.xadd("jobs", {"name": "one"})
        assert id in str(await waiting)
        assert await client.xack("jobs", "workers", id) == 1
        await client.aclose()

    asyncio.run(round_trip())

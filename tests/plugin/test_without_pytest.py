"""The mixin for unittest and the `with` blocks, as users of neither pytest nor its plugins have them."""

from __future__ import annotations

import asyncio
import threading
import unittest
from typing import Any

import pytest
import redis

import redouble.testing
from redouble import testing


class Cases(testing.RedoubleMixin, unittest.TestCase):
    __test__ = False  # pytest would run it as well

    def test_one_server(self) -> None:
        self.redouble.set("k", "v")
        assert asyncio.run(self.redouble_async.get("k")) == b"v"
        with redis.Redis.from_url(self.redouble_url) as client:
            assert client.get("k") == b"v"
        assert self.redouble_tcp.fake_server is self.redouble_server
        assert self.redouble_server.commands.count("GET") == 2

    def test_and_another(self) -> None:
        assert self.redouble.get("k") is None

    def test_nothing_asked_for(self) -> None:
        assert self.__dict__.get("_redouble_made") is None


class Configured(testing.RedoubleMixin, unittest.TestCase):
    __test__ = False  # pytest would run it as well
    redouble_options = {"version": "8.1", "server_type": "valkey", "config": {"requirepass": "secret"}}
    redouble_client_options = {"library": "valkey", "decode_responses": True}

    def test_it(self) -> None:
        assert self.redouble.set("k", "v")
        assert self.redouble.get("k") == "v"
        assert self.redouble.info("server")["valkey_version"].startswith("8.1")
        with redis.Redis.from_url(self.redouble_url) as client:
            assert client.ping()


class AsyncCases(testing.RedoubleMixin, unittest.IsolatedAsyncioTestCase):
    __test__ = False  # pytest would run it as well

    async def asyncSetUp(self) -> None:
        await self.redouble_async.set("k", "v")

    async def test_it(self) -> None:
        assert await self.redouble_async.get("k") == b"v"
        assert self.redouble.get("k") == b"v"


class Fails(testing.RedoubleMixin, unittest.TestCase):
    __test__ = False  # pytest would run it as well

    def test_it(self) -> None:
        kept.append(self.redouble)
        self.fail(self.redouble_url)


kept: list[Any] = []


@pytest.mark.parametrize(("case", "tests"), [(Cases, 3), (Configured, 1), (AsyncCases, 1)])
def test_unittest(case: type[unittest.TestCase], tests: int) -> None:
    result = unittest.TestResult()
    before = set(threading.enumerate())
    for _ in range(2):
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert (result.testsRun, result.failures, result.errors) == (2 * tests, [], [])
    assert set(threading.enumerate()) == before


def test_a_failed_test_is_cleaned_up() -> None:
    result = unittest.TestResult()
    before = set(threading.enumerate())
    unittest.defaultTestLoader.loadTestsFromTestCase(Fails).run(result)
    assert len(result.failures) == 1
    with pytest.raises(redis.ConnectionError):
        kept.pop().ping()
    assert set(threading.enumerate()) == before


def test_with_a_server() -> None:
    with testing.server(version="8.6") as server:
        client = redouble.FakeRedis(server=server)
        client.set("k", "v")
        assert server.commands.lines() == ["SET k v"]
    with pytest.raises(redis.ConnectionError):
        client.get("k")


def test_with_a_client() -> None:
    with testing.client(decode_responses=True) as client:
        client.set("k", "v")
        assert client.get("k") == "v"
    with testing.server() as server, testing.client(server) as one, testing.client(server, library="valkey") as other:
        one.set("k", "v")
        assert other.get("k") == b"v"


async def test_with_an_async_client() -> None:
    async with testing.async_client(decode_responses=True) as client:
        await client.set("k", "v")
        assert await client.get("k") == "v"


def test_with_a_url() -> None:
    before = set(threading.enumerate())
    with testing.server(config={"requirepass": "a b"}) as server, testing.url(server) as url:
        with redis.Redis.from_url(url) as client:
            client.set("k", "v")
        assert server.data["k"] == b"v"
    with testing.url() as url, redis.Redis.from_url(url) as client:
        assert client.ping()
    assert set(threading.enumerate()) == before


def test_a_library_that_is_none() -> None:
    with (
        pytest.raises(ValueError, match="library must be redis or valkey, not 'ioredis'"),
        testing.client(library="ioredis"),
    ):
        pass


def test_names() -> None:
    assert {"RedoubleMixin", "server", "client", "async_client", "url"} <= set(dir(redouble.testing))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        redouble.testing.nothing  # noqa: B018

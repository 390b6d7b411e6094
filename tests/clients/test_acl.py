"""Users and permissions as redis-py's users meet them: `acl_*`, usernames and passwords at connection, exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError
from redis.retry import Retry

import redouble
from redouble import FakeAsyncRedis, FakeRedis, FakeServer
from redouble.net.tcp import TcpFakeServer

ONCE = {"retry": Retry(NoBackoff(), 0)}
NO_RETRY = AsyncRetry(NoBackoff(), 0)
"""A refused connection is not tried again: redis-py would wait in between."""


@pytest.fixture(params=["in process", "tcp"])
def connect(request: pytest.FixtureRequest, server: FakeServer, protocol: int) -> Iterator[Any]:
    """Makes clients of one server."""
    clients: list[Any] = []
    if request.param == "tcp":
        served = TcpFakeServer(("127.0.0.1", 0)).start()
        host, port = served.server_address

        def over_tcp(**kwargs: Any) -> Any:
            clients.append(redis.Redis(host, port, protocol=protocol, socket_timeout=20, **ONCE, **kwargs))
            return clients[-1]

        yield over_tcp
        for client in clients:
            client.close()
        served.stop()
        return

    def in_process(**kwargs: Any) -> Any:
        clients.append(FakeRedis(server=server, protocol=protocol, **ONCE, **kwargs))
        return clients[-1]

    yield in_process
    for client in clients:
        client.close()


def test_the_acl_methods_of_redis_py(connect: Any) -> None:
    r = connect(decode_responses=True)
    assert r.acl_whoami() == "default"
    assert r.acl_setuser("alice", enabled=True, passwords="+secret", commands=["+get", "+@hash"], keys=["cache:*"])
    assert r.acl_users() == ["alice", "default"]
    alice = r.acl_getuser("alice")
    assert set(alice["flags"]) >= {"on"}
    assert alice["enabled"] is True
    assert len(alice["passwords"]) == 1
    assert [line for line in r.acl_list() if line.startswith("user alice on ")]
    assert "get" in r.acl_cat("string")
    assert "string" in r.acl_cat()
    assert len(r.acl_genpass()) == 64
    assert r.acl_dryrun("alice", "get", "cache:1")
    assert "no permissions" in str(r.acl_dryrun("alice", "get", "other"))
    assert r.acl_deluser("alice") == 1
    assert r.acl_getuser("alice") is None
    assert r.acl_help()


def test_what_a_user_may_not_do_is_a_no_permission_error(connect: Any) -> None:
    r = connect()
    r.acl_setuser(
        "alice", enabled=True, passwords="+secret", commands=["+get", "+set", "+acl|whoami"], keys=["cache:*"]
    )
    alice = connect(username="alice", password="secret", decode_responses=True)
    assert alice.acl_whoami() == "alice"
    assert alice.set("cache:1", "x")
    assert alice.get("cache:1") == "x"
    for refused in (lambda: alice.get("other"), lambda: alice.delete("cache:1"), alice.flushall):
        with pytest.raises(NoPermissionError):
            refused()
    with pytest.raises(NoPermissionError), alice.pipeline(transaction=False) as pipeline:
        pipeline.get("cache:1").get("other").execute()
    (first, *_) = r.acl_log()
    assert first["reason"] in ("key", b"key")
    assert r.acl_log_reset()
    assert r.acl_log() == []


@pytest.mark.parametrize("credentials", [{"username": "alice", "password": "wrong"}, {"password": "wrong"}])
def test_a_wrong_password_is_an_authentication_error(connect: Any, credentials: dict[str, str]) -> None:
    r = connect()
    r.acl_setuser("alice", enabled=True, passwords="+secret", commands=["+@all"], keys=["*"])
    r.config_set("requirepass", "other")
    with pytest.raises(AuthenticationError):
        connect(**credentials).ping()
    with pytest.raises(AuthenticationError):
        connect().ping()
    assert connect(username="alice", password="secret").ping()
    assert connect(password="other").ping()


def test_a_credential_provider_is_asked(connect: Any) -> None:
    connect().acl_setuser("alice", enabled=True, passwords="+secret", commands=["+@all"], keys=["*"])
    provider = redis.UsernamePasswordCredentialProvider("alice", "secret")
    assert connect(credential_provider=provider, decode_responses=True).acl_whoami() == "alice"


def test_a_changed_permission_holds_at_once(connect: Any) -> None:
    r = connect()
    r.acl_setuser("alice", enabled=True, nopass=True, commands=["+@all"], keys=["*"])
    alice = connect(username="alice", password="any")
    assert alice.set("k", "v")
    r.acl_setuser("alice", enabled=True, nopass=True, commands=["-set"])
    with pytest.raises(NoPermissionError):
        alice.set("k", "v")
    assert alice.get("k") == b"v"


def test_a_deleted_user_is_disconnected(connect: Any) -> None:
    r = connect()
    r.acl_setuser("alice", enabled=True, passwords="+secret", commands=["+@all"], keys=["*"])
    alice = connect(username="alice", password="secret")
    assert alice.ping()
    assert r.acl_deluser("alice") == 1
    with pytest.raises((AuthenticationError, redis.ConnectionError)):
        alice.ping()
    with pytest.raises(AuthenticationError):
        alice.ping()


def test_who_deletes_itself_gets_the_reply(connect: Any) -> None:
    connect().acl_setuser("alice", enabled=True, passwords="+secret", commands=["+@all"], keys=["*"])
    alice = connect(username="alice", password="secret")
    assert alice.acl_deluser("alice") == 1
    with pytest.raises(ConnectionError):  # the connection is closed, or a new one is not let in
        alice.ping()
    with pytest.raises(AuthenticationError):
        alice.ping()


def test_the_server_may_be_given_a_password_and_users() -> None:
    server = FakeServer(config={"requirepass": "secret", "user": "alice on >pw ~* +@read"})
    with pytest.raises(AuthenticationError):
        FakeRedis(server=server, **ONCE).ping()
    assert FakeRedis(server=server, password="secret").ping()
    with pytest.raises(NoPermissionError):
        FakeRedis(server=server, username="alice", password="pw").set("k", "v")
    assert server.acl.users.keys() == {b"default", b"alice"}


def test_a_url_may_name_user_and_password() -> None:
    url = "redis://{}@acl.example:6379/0"
    FakeRedis.from_url("redis://acl.example:6379/0").acl_setuser(
        "alice", enabled=True, passwords="+pw", commands=["+@all"], keys=["*"]
    )
    assert FakeRedis.from_url(url.format("alice:pw"), decode_responses=True).acl_whoami() == "alice"
    with pytest.raises(AuthenticationError):
        FakeRedis.from_url(url.format("alice:wrong"), **ONCE).ping()


async def test_async_clients_log_in_too(server: FakeServer) -> None:
    r = FakeAsyncRedis(server=server)
    await r.acl_setuser("alice", enabled=True, passwords="+pw", commands=["+get"], keys=["*"])
    alice = FakeAsyncRedis(server=server, username="alice", password="pw")
    assert await alice.get("k") is None
    with pytest.raises(NoPermissionError):
        await alice.set("k", "v")
    with pytest.raises(AuthenticationError):
        await FakeAsyncRedis(server=server, username="alice", password="wrong", retry=NO_RETRY).ping()
    for client in (r, alice):
        await client.aclose()


def test_scripts_and_transactions_are_no_way_around() -> None:
    server = FakeServer(config={"user": "alice on nopass ~mine* +@all -flushall"})
    alice = FakeRedis(server=server, username="alice", password="x")
    with pytest.raises(redis.ResponseError, match="ACL failure in script"):
        alice.eval("return redis.call('set', 'other', 'v')", 0)
    with pytest.raises(redis.ResponseError, match="ACL failure in script"):
        alice.register_script("return redis.call('flushall')")()
    with pytest.raises(NoPermissionError, match="FLUSHALL"), alice.pipeline() as pipeline:
        pipeline.set("mine", "v").flushall().execute()
    assert FakeRedis(server=server).dbsize() == 0
    assert redouble.FakeRedis(server=server).eval("return redis.call('set', 'other', 'v')", 0) == b"OK"

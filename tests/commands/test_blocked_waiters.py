"""A client that waited, was served, and was cancelled before it could take its reply: nothing is lost."""

from __future__ import annotations

import pytest

from redouble import commands
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.reply import BLOCKED, Reply

assert commands


class Caller(Client):
    """Keeps what is delivered to it."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.delivered: list[Reply] = []

    def deliver(self, reply: Reply) -> None:
        self.delivered.append(reply)

    def __call__(self, line: str) -> Reply:
        return self.server.call(self, line.encode().split())


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.mark.parametrize(
    ("blocked", "push", "look", "content"),
    [
        ("BLPOP l 0", "RPUSH l a b c", "LRANGE l 0 -1", [b"a", b"b", b"c"]),
        ("BRPOP l 0", "RPUSH l a b c", "LRANGE l 0 -1", [b"a", b"b", b"c"]),
        ("BLMPOP 0 2 m l LEFT COUNT 2", "RPUSH l a b c", "LRANGE l 0 -1", [b"a", b"b", b"c"]),
        ("BLMPOP 0 1 l RIGHT COUNT 2", "RPUSH l a b c", "LRANGE l 0 -1", [b"a", b"b", b"c"]),
        ("BLPOP l 0", "RPUSH l a", "LRANGE l 0 -1", [b"a"]),
        ("BLMOVE l d LEFT RIGHT 0", "RPUSH l a b", "LRANGE l 0 -1", [b"a", b"b"]),
        ("BLMOVE l l LEFT RIGHT 0", "RPUSH l a b c", "LRANGE l 0 -1", [b"a", b"b", b"c"]),
        ("BRPOPLPUSH l d 0", "RPUSH l a b", "LRANGE l 0 -1", [b"a", b"b"]),
        ("BZPOPMIN z 0", "ZADD z 1 a 2 b", "ZRANGE z 0 -1", [b"a", b"b"]),
        ("BZPOPMAX z 0", "ZADD z 1 a", "ZRANGE z 0 -1", [b"a"]),
        ("BZMPOP 0 2 y z MAX COUNT 2", "ZADD z 1 a 2 b 3 c", "ZRANGE z 0 -1", [b"a", b"b", b"c"]),
    ],
)
def test_what_a_cancelled_waiter_got_goes_back(
    server: Server, blocked: str, push: str, look: str, content: list[bytes]
) -> None:
    waiter, pusher = Caller(server), Caller(server)
    assert waiter(blocked) is BLOCKED
    pusher(push)
    assert waiter.delivered
    waiter.cancel()
    assert pusher(look) == content
    assert pusher("LLEN d") == 0


def test_what_goes_back_serves_the_next_in_the_queue(server: Server) -> None:
    first, second, pusher = Caller(server), Caller(server), Caller(server)
    first("BLPOP l 0")
    second("BLPOP l 0")
    pusher("RPUSH l a")
    assert first.delivered == [[b"l", b"a"]]
    assert second.delivered == []
    first.cancel()
    assert second.delivered == [[b"l", b"a"]]
    assert pusher("LLEN l") == 0


def test_a_move_that_somebody_built_upon_stays(server: Server) -> None:
    waiter, pusher = Caller(server), Caller(server)
    waiter("BLMOVE l d LEFT LEFT 0")
    pusher("RPUSH l a")
    pusher("LPOP d")
    waiter.cancel()
    assert pusher("LLEN l") == 0


def test_a_waiter_that_is_cancelled_in_time_takes_nothing(server: Server) -> None:
    waiter, pusher = Caller(server), Caller(server)
    waiter("BLPOP l 0")
    waiter.cancel()
    pusher("RPUSH l a")
    assert waiter.delivered == []
    assert pusher("LLEN l") == 1


@pytest.mark.parametrize(("blocked", "push"), [("BLPOP k 0", "RPUSH k a"), ("BZPOPMIN k 0", "ZADD k 1 a")])
def test_what_would_go_back_to_a_key_of_another_type_is_gone(server: Server, blocked: str, push: str) -> None:
    waiter, pusher = Caller(server), Caller(server)
    waiter(blocked)
    pusher(push)
    pusher("SET k string")
    waiter.cancel()
    assert pusher("GET k") == b"string"


def test_a_score_that_was_given_in_the_meantime_stays(server: Server) -> None:
    waiter, pusher = Caller(server), Caller(server)
    waiter("BZPOPMIN z 0")
    pusher("ZADD z 1 a")
    pusher("ZADD z 5 a")
    waiter.cancel()
    assert pusher("ZSCORE z a") == 5.0

"""Who waits, and who is served next."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from redouble.core.blocking import Blocking
from redouble.core.clock import ManualClock
from redouble.core.server import Server
from redouble.resp.reply import BLOCKED, NULL_ARRAY
from tests.core.conftest import Recorder

Connect = Callable[[], Recorder]


def test_the_client_that_waited_longest_is_served_first(c: Recorder, connect: Connect) -> None:
    first, second, third = connect(), connect(), connect()
    for client in (first, second, third):
        assert client("BLPOP k 0") is BLOCKED
    assert c("RPUSH k a b") == 2
    assert (first.delivered, second.delivered, third.delivered) == ([[b"k", b"a"]], [[b"k", b"b"]], [])
    assert c("LLEN k") == 0


def test_a_transaction_is_one_unit(c: Recorder, connect: Connect) -> None:
    waiter = connect()
    waiter("BLPOP k 0")
    for line in ("MULTI", "RPUSH k a", "DEL k", "RPUSH k b"):
        c(line)
    c("EXEC")
    assert waiter.delivered == [[b"k", b"b"]]


def test_a_waiter_whose_driver_is_gone_takes_nothing(c: Recorder, connect: Connect) -> None:
    dead, alive = connect(), connect()
    dead("BLPOP k 0")
    alive("BLPOP k 0")
    dead.gone = True
    c("RPUSH k a")
    assert (dead.delivered, alive.delivered) == ([], [[b"k", b"a"]])


def test_cancelled_while_waiting_leaves_the_queue(c: Recorder, connect: Connect) -> None:
    waiter = connect()
    waiter("BLPOP k 0")
    waiter.cancel()
    assert not waiter.blocked
    c("RPUSH k a")
    assert (waiter.delivered, c("LRANGE k 0 -1")) == ([], [b"a"])


def test_cancelled_after_delivery_gives_the_item_back_and_it_goes_to_the_next(c: Recorder, connect: Connect) -> None:
    first, second = connect(), connect()
    first("BLPOP k 0")
    c("RPUSH k a")
    second("BLPOP k 0")
    first.cancel()
    assert second.delivered == [[b"k", b"a"]]
    third = connect()
    third("BZPOPMIN z 0")
    c("ZADD z 1 m")
    third.cancel()
    assert c("ZRANGE z 0 -1 WITHSCORES") == [(b"m", 1.0)]


def test_what_was_taken_from_the_right_goes_back_to_the_right(c: Recorder, connect: Connect) -> None:
    waiter = connect()
    waiter("BRPOP k 0")
    c("RPUSH k a b")
    assert waiter.delivered == [[b"k", b"b"]]
    waiter.cancel()
    assert c("LRANGE k 0 -1") == [b"a", b"b"]


def test_a_timeout_is_due_when_its_time_has_come(
    server: Server, clock: ManualClock, c: Recorder, connect: Connect
) -> None:
    late, early = connect(), connect()
    late("BLPOP k 9")
    early("BLPOP k 2")
    assert server.next_event() == clock.monotonic() + 2
    clock.advance(2)
    assert (early.delivered, late.delivered) == ([NULL_ARRAY], [])
    assert server.next_event() == 9.0
    c("RPUSH k a")
    assert late.delivered == [[b"k", b"a"]]
    assert server.next_event() is None


def test_a_disconnected_waiter_is_forgotten(server: Server, c: Recorder, connect: Connect) -> None:
    waiter = connect()
    waiter("BLPOP k 5")
    waiter.disconnect()
    assert not server.blocking.clients
    assert server.next_event() is None
    assert waiter.id not in server.clients
    assert c("RPUSH k a") == 1


@pytest.mark.parametrize(
    ("block", "push"),
    [
        ("BLPOP k 0", "RPUSH k x"),
        ("BZPOPMIN k 9", "ZADD k 1 x"),
        ("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "XADD s * f v"),
    ],
)
def test_a_thousand_waiters_are_served_in_order_and_only_those_who_are_served_are_looked_at(
    block: str, push: str, c: Recorder, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[object] = []
    serves = Blocking._serves

    def counted(self: Blocking, client: Recorder, value: object) -> bool:
        looked_at.append(client)
        return serves(self, client, value)

    monkeypatch.setattr(Blocking, "_serves", counted)
    c("XGROUP CREATE s g $ MKSTREAM")
    waiters = [connect() for _ in range(1000)]
    for waiter in waiters:
        waiter(block)
    for count in range(1, 1001):
        looked_at.clear()
        c(push)
        assert list(dict.fromkeys(looked_at)) == waiters[count - 1 : count + 1]
        assert len(looked_at) <= 3  # the next in the queue once more, when the emptied key has gone
        assert waiters[count - 1].delivered
    assert all(len(waiter.delivered) == 1 for waiter in waiters)


def test_timeouts_of_those_who_were_served_do_not_pile_up(server: Server, c: Recorder, connect: Connect) -> None:
    waiter = connect()
    for _ in range(1000):
        waiter("BLPOP k 1000")
        c("RPUSH k x")
    assert len(server.blocking._deadlines) < 100

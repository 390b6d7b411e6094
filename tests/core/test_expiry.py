"""Keys that go when their time has come, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from redouble.core.clock import ManualClock
from redouble.core.server import EXPIRY_GRAIN, Server
from tests.core.conftest import Recorder


def test_a_key_goes_after_its_last_millisecond(clock: ManualClock, c: Recorder) -> None:
    c("SET k v PX 100")
    clock.advance(0.1)
    assert c("GET k") == b"v"
    clock.advance(0.001)
    assert c("GET k") is None


def test_expired_keys_are_removed_although_nobody_asks(server: Server, clock: ManualClock, c: Recorder) -> None:
    for i in range(100):
        c(f"SET key:{i} v EX {i + 1}")
    clock.advance(50.5)
    assert len(server.database(0).dict) == 50
    assert server.expired_keys == 50
    assert server.next_event() == clock.monotonic() + 0.5 + EXPIRY_GRAIN


def test_stale_entries_do_not_pile_up(server: Server, c: Recorder) -> None:
    for i in range(5000):
        c(f"SET k v EX {i + 1}")
    assert len(server.database(0)._heap) < 200


def test_a_server_that_nobody_ticks_forgets_expired_keys_as_new_ones_come(
    server: Server, clock: ManualClock, c: Recorder
) -> None:
    clock._servers.clear()
    for i in range(1000):
        c(f"SET key:{i} v PX 10")
        clock.advance(0.001)
    assert len(server.database(0).dict) < 30


def test_one_transaction_sees_one_time(server: Server, c: Recorder) -> None:
    c("MULTI")
    for _ in range(3):
        c("TIME")
    first, second, third = c("EXEC")
    assert first == second == third


def test_a_watched_key_that_expires_breaks_the_transaction(clock: ManualClock, c: Recorder) -> None:
    c("SET k v PX 10")
    c("WATCH k")
    clock._servers.clear()
    clock.advance(1)
    c("MULTI")
    c("PING")
    assert repr(c("EXEC")) == "NULL_ARRAY"


def test_who_sets_the_date_moves_expiry_but_no_timeout(
    clock: ManualClock, c: Recorder, connect: Callable[[], Recorder]
) -> None:
    c("SET k v EX 100")
    waiting = connect()
    waiting("BLPOP list 50")
    clock.set(clock.time() + 3600)
    assert c("GET k") is None
    assert waiting.blocked
    clock.set(clock.time() - 7200)
    clock.advance(51)
    assert not waiting.blocked
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)

"""CONFIG timeout, with a clock that stands still; what is closed and what is not is compared in tests/parity."""

from __future__ import annotations

from collections.abc import Callable

from redouble.core.clock import ManualClock
from redouble.core.server import Server
from tests.core.conftest import Recorder

Connect = Callable[[], Recorder]


def use(clock: ManualClock, client: Recorder, line: str) -> object:
    client.last_interaction = clock.time()  # what a driver does
    return client(line)


def test_a_connection_is_closed_when_its_last_command_is_more_whole_seconds_ago_than_the_timeout(
    server: Server, clock: ManualClock, connect: Connect
) -> None:
    early, late = connect(), connect()
    use(clock, early, "CONFIG SET timeout 10")
    clock.advance(4.5)
    use(clock, late, "PING")
    assert server.next_event() == 11
    clock.advance(6.25)
    assert (early.closing, late.closing) == (False, False)
    clock.advance(0.25)
    assert (early.closing, late.closing) == (True, False)
    early.disconnect()
    assert server.next_event() == 15
    clock.advance(4)
    assert late.closing


def test_a_blocked_client_begins_to_be_idle_when_it_is_served(
    server: Server, clock: ManualClock, connect: Connect
) -> None:
    blocked, pusher = connect(), connect()
    use(clock, pusher, "CONFIG SET timeout 10")
    use(clock, blocked, "BLPOP list 0")
    for _ in range(5):
        clock.advance(9)
        use(clock, pusher, "PING")
    use(clock, pusher, "RPUSH list x")
    assert blocked.delivered == [[b"list", b"x"]]
    clock.advance(10)
    assert not blocked.closing
    clock.advance(1)
    assert blocked.closing


def test_without_a_timeout_or_without_clients_nothing_is_due(
    server: Server, clock: ManualClock, connect: Connect
) -> None:
    only = connect()
    assert server.next_event() is None
    only("CONFIG SET timeout 1")
    assert server.next_event() is not None
    only("CONFIG SET timeout 0")
    clock.advance(1000)
    assert server.next_event() is None
    only("CONFIG SET timeout 1")
    only.disconnect()
    assert server.next_event() is None

"""Idle times and frequencies: nothing is remembered until somebody needs it."""

from __future__ import annotations

from random import Random

import redouble.commands
from redouble.core.client import Client
from redouble.core.clock import Clock, ManualClock
from redouble.core.database import Database, TrackedDatabase
from redouble.core.server import Server

assert redouble.commands  # fills the command table


class OwnClock(Clock):
    """A clock that runs without telling anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000_000_000

    def time_ns(self) -> int:
        return self.now * 1_000_000

    def time(self) -> float:
        return self.now / 1000


def test_a_lookup_costs_nothing_more_until_somebody_asks_for_an_idle_time() -> None:
    clock = OwnClock()
    server = Server(clock=clock)
    client = Client(server)
    server.call(client, [b"SET", b"k", b"v"])
    clock.now += 5_000
    assert type(client.db) is Database
    assert server.call(client, [b"OBJECT", b"IDLETIME", b"k"]) == 0  # as the documentation says
    assert type(client.db) is TrackedDatabase
    clock.now += 5_000
    assert server.call(client, [b"OBJECT", b"IDLETIME", b"k"]) == 5
    server.call(client, [b"GET", b"k"])
    assert server.call(client, [b"OBJECT", b"IDLETIME", b"k"]) == 0


def test_idle_times_are_exact_from_the_first_question_on_a_manual_clock() -> None:
    clock = ManualClock(1000.0)
    server = Server(clock=clock)
    client = Client(server)
    server.call(client, [b"SET", b"k", b"v"])
    clock.advance(7)
    server.call(client, [b"SELECT", b"3"])
    server.call(client, [b"SET", b"other", b"v"])
    clock.advance(2)
    assert server.call(client, [b"OBJECT", b"IDLETIME", b"other"]) == 2
    server.call(client, [b"SELECT", b"0"])
    assert server.call(client, [b"OBJECT", b"IDLETIME", b"k"]) == 9


def test_frequencies_grow_ever_slower_and_decay_by_the_minute() -> None:
    clock = ManualClock(6000.0)
    server = Server(clock=clock, random=Random(1), config={"maxmemory-policy": "allkeys-lfu"})
    client = Client(server)
    server.call(client, [b"SET", b"k", b"v"])
    assert server.call(client, [b"OBJECT", b"FREQ", b"k"]) == 5
    for _ in range(1000):
        server.call(client, [b"GET", b"k"])
    often = server.call(client, [b"OBJECT", b"FREQ", b"k"])
    assert 10 < often < 40  # about the square root of 2 * 1000 / lfu-log-factor, above the 5 of the beginning
    clock.advance(180)
    assert server.call(client, [b"OBJECT", b"FREQ", b"k"]) == often - 3
    server.call(client, [b"DEL", b"k"])
    server.call(client, [b"SET", b"k", b"v"])
    assert server.call(client, [b"OBJECT", b"FREQ", b"k"]) == 5


def test_swapped_databases_take_their_idle_times_along() -> None:
    clock = ManualClock(1000.0)
    server = Server(clock=clock)
    client = Client(server)
    server.call(client, [b"SET", b"k", b"v"])
    clock.advance(4)
    server.database(0).swap(server.database(1))
    server.call(client, [b"SELECT", b"1"])
    assert server.call(client, [b"OBJECT", b"IDLETIME", b"k"]) == 4

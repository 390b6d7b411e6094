"""A few hundred seeds of the simulation; `python tools/prove.py simulation` plays ten thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from redouble.core.blocking import Blocking, Queue
from redouble.core.client import Client
from redouble.core.database import Database
from redouble.core.pubsub import PubSub

from .world import World

SEEDS = 240
GROUPS = 8


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_reply_is_that_of_the_model_whatever_the_order(group: int) -> None:
    _play(range(group, SEEDS, GROUPS))


def _last_first(self: Queue) -> Any:
    return iter(list(self.clients)[::-1])


def _keeps(self: Client) -> None:
    self.server.blocking.unblock(self)


def _forgets_one(self: PubSub, client: Client, channel: bytes) -> None:
    client.channels.pop(channel, None)


def _resumes_last_first(self: Blocking) -> None:
    for client, command in list(self.postponed.items())[::-1]:
        self.unblock(client)
        client.deliver(self.server.dispatch(client, command, client.argv))


def _wakes_nobody(self: Database, key: bytes) -> None:
    """Whoever reads a stream."""


@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    [
        (Queue, "__iter__", _last_first),
        (Client, "cancel", _keeps),
        (PubSub, "unsubscribe", _forgets_one),
        (Blocking, "resume", _resumes_last_first),
        (Database, "signal_ready", _wakes_nobody),
    ],
)
def test_the_simulation_finds_a_server_that_does_it_wrong(
    owner: type, name: str, wrong: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiters that are served in the wrong order, an item that does not go back, a subscription that stays, commands that
    ran in the wrong order after a pause, a reader of a stream that sleeps on."""
    monkeypatch.setattr(owner, name, wrong)
    with pytest.raises(AssertionError):
        _play(range(100))


def _play(seeds: Iterable[int]) -> None:
    for seed in seeds:
        world = World(seed)
        try:
            world.run(200)
        except AssertionError as error:
            raise AssertionError(f"seed {seed} (python -m tests.simulation {seed}): {error}") from error

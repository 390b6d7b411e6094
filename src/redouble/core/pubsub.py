"""Channels, patterns and shard channels: who has subscribed to what, and who hears a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from redouble.resp.reply import Push
from redouble.types.glob import compile_glob

if TYPE_CHECKING:
    from redouble.core.client import Client

__all__ = ["Clients", "PubSub"]

Clients: TypeAlias = "dict[Client, None]"
Subscribers: TypeAlias = dict[bytes, Clients]


class PubSub:
    """The subscriptions of one server, each in order of arrival.

    A client's own names are in `Client.channels`, `patterns` and `shard_channels`; both sides change together here.
    """

    def __init__(self) -> None:
        self.channels: Subscribers = {}
        self.patterns: Subscribers = {}
        self.shard_channels: Subscribers = {}
        self._matchers: dict[bytes, Callable[[bytes], bool]] = {}

    def subscribe(self, client: Client, channel: bytes) -> None:
        client.channels[channel] = None
        self.channels.setdefault(channel, {})[client] = None

    def psubscribe(self, client: Client, pattern: bytes) -> None:
        client.patterns[pattern] = None
        self.patterns.setdefault(pattern, {})[client] = None
        if pattern not in self._matchers:
            self._matchers[pattern] = compile_glob(pattern)

    def ssubscribe(self, client: Client, channel: bytes) -> None:
        client.shard_channels[channel] = None
        self.shard_channels.setdefault(channel, {})[client] = None

    def unsubscribe(self, client: Client, channel: bytes) -> None:
        _remove(client, client.channels, self.channels, channel)

    def punsubscribe(self, client: Client, pattern: bytes) -> None:
        _remove(client, client.patterns, self.patterns, pattern)
        if pattern not in self.patterns:
            self._matchers.pop(pattern, None)

    def sunsubscribe(self, client: Client, channel: bytes) -> None:
        _remove(client, client.shard_channels, self.shard_channels, channel)

    def unsubscribe_all(self, client: Client) -> None:
        for channel in list(client.channels):
            self.unsubscribe(client, channel)
        for pattern in list(client.patterns):
            self.punsubscribe(client, pattern)
        for channel in list(client.shard_channels):
            self.sunsubscribe(client, channel)
        client.subscriptions_changed()

    def hearers(self, channel: bytes, message: bytes) -> Iterator[tuple[Clients, Push]]:
        """Who hears a message, and as what: first those of the channel, then those of each matching pattern.

        All who have subscribed to the same thing are handed the same message, which nobody changes.
        """
        if channel in self.channels:
            yield self.channels[channel], Push([b"message", channel, message])
        for pattern, clients in self.patterns.items():
            if self._matchers[pattern](channel):
                yield clients, Push([b"pmessage", pattern, channel, message])

    def shard_hearers(self, channel: bytes, message: bytes) -> Iterator[tuple[Clients, Push]]:
        if channel in self.shard_channels:
            yield self.shard_channels[channel], Push([b"smessage", channel, message])

    def check(self) -> None:
        """Raise AssertionError if the two sides of a subscription contradict each other."""
        for name, everyone in (
            ("channels", self.channels),
            ("patterns", self.patterns),
            ("shard_channels", self.shard_channels),
        ):
            for subscribed, clients in everyone.items():
                assert clients
                assert all(subscribed in getattr(client, name) for client in clients)
        assert self._matchers.keys() == self.patterns.keys()


def _remove(client: Client, own: dict[bytes, None], everyone: Subscribers, name: bytes) -> None:
    if name in own:
        del own[name]
        del everyone[name][client]
        if not everyone[name]:
            del everyone[name]

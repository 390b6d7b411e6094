"""Channels, patterns and shard channels: who has subscribed to what, and who hears a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redouble.resp.reply import Push
from redouble.types.glob import compile_glob

if TYPE_CHECKING:
    from collections.abc import Callable

    from redouble.core.client import Client
    from redouble.core.server import Server

__all__ = ["PubSub"]


class PubSub:
    """The subscriptions of one server, each in order of arrival."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.channels: dict[bytes, dict[Client, None]] = {}
        self.patterns: dict[bytes, dict[Client, None]] = {}
        self.shard_channels: dict[bytes, dict[Client, None]] = {}
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

    def publish(self, channel: bytes, message: bytes) -> int:
        """Returns how many heard it: first those of the channel, then those of each matching pattern."""
        heard = 0
        for client in self.channels.get(channel, ()):
            client.push(Push([b"message", channel, message]))
            heard += 1
        for pattern, clients in self.patterns.items():
            if self._matchers[pattern](channel):
                for client in clients:
                    client.push(Push([b"pmessage", pattern, channel, message]))
                    heard += 1
        return heard

    def spublish(self, channel: bytes, message: bytes) -> int:
        clients = self.shard_channels.get(channel, {})
        for client in clients:
            client.push(Push([b"smessage", channel, message]))
        return len(clients)


def _remove(client: Client, own: dict[bytes, None], everyone: dict[bytes, dict[Client, None]], name: bytes) -> None:
    if own.pop(name, 0) is None:
        del everyone[name][client]
        if not everyone[name]:
            del everyone[name]

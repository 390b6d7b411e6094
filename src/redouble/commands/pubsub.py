"""Publish and subscribe.

SUBSCRIBE and its kin have no reply: each name is answered by a push message.  A driver writes pushes and replies to
one stream, so their order is the order in which they are made; only a client that publishes to itself needs care.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from typing import TypeAlias

from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.core.pubsub import Clients
from redouble.resp.reply import NO_REPLY, Messages, Push, Reply
from redouble.types.glob import compile_glob

Change: TypeAlias = Callable[[Client, bytes], None]


@command(
    "SUBSCRIBE channel [channel ...]", flags="pubsub noscript loading stale denyoom@8.6.0", since="2.0.0", acl="pubsub"
)
def subscribe(client: Client, argv: Argv) -> Reply:
    """Hear what is published to channels."""
    return _change(client, b"subscribe", client.server.pubsub.subscribe, argv[1:])


@command(
    "PSUBSCRIBE pattern [pattern ...]", flags="pubsub noscript loading stale denyoom@8.6.0", since="2.0.0", acl="pubsub"
)
def psubscribe(client: Client, argv: Argv) -> Reply:
    """Hear what is published to the channels that match patterns."""
    return _change(client, b"psubscribe", client.server.pubsub.psubscribe, argv[1:])


@command(
    "SSUBSCRIBE shardchannel [shardchannel ...]",
    flags="pubsub noscript loading stale denyoom@8.6.0",
    since="7.0.0",
    acl="pubsub",
)
def ssubscribe(client: Client, argv: Argv) -> Reply:
    """Hear what is published to shard channels."""
    return _change(client, b"ssubscribe", client.server.pubsub.ssubscribe, argv[1:])


@command("UNSUBSCRIBE [channel [channel ...]]", flags="pubsub noscript loading stale", since="2.0.0", acl="pubsub")
def unsubscribe(client: Client, argv: Argv) -> Reply:
    """Stop hearing channels, or all of them."""
    names = argv[1:] or list(client.channels)
    return _change(client, b"unsubscribe", client.server.pubsub.unsubscribe, names)


@command("PUNSUBSCRIBE [pattern [pattern ...]]", flags="pubsub noscript loading stale", since="2.0.0", acl="pubsub")
def punsubscribe(client: Client, argv: Argv) -> Reply:
    """Stop hearing patterns, or all of them."""
    names = argv[1:] or list(client.patterns)
    return _change(client, b"punsubscribe", client.server.pubsub.punsubscribe, names)


@command(
    "SUNSUBSCRIBE [shardchannel [shardchannel ...]]",
    flags="pubsub noscript loading stale",
    since="7.0.0",
    acl="pubsub",
)
def sunsubscribe(client: Client, argv: Argv) -> Reply:
    """Stop hearing shard channels, or all of them."""
    names = argv[1:] or list(client.shard_channels)
    return _change(client, b"sunsubscribe", client.server.pubsub.sunsubscribe, names)


def _change(client: Client, kind: bytes, change: Change, names: Iterable[bytes]) -> Reply:
    """Each name is answered with the number of subscriptions that are left; shard channels are counted apart."""
    sharded = kind.startswith(b"s") and kind != b"subscribe"
    for name in names:
        change(client, name)
        client.answer(Push([kind, name, len(client.shard_channels) if sharded else client.subscriptions]))
    if not names:
        client.answer(Push([kind, None, len(client.shard_channels) if sharded else client.subscriptions]))
    client.subscriptions_changed()
    return NO_REPLY


@command("PUBLISH channel message", flags="pubsub loading stale fast may_replicate", since="2.0.0", acl="pubsub")
def publish(client: Client, argv: Argv) -> Reply:
    """Send a message to who hears a channel; answers how many those are."""
    _, channel, message = argv
    return _publish(client, client.server.pubsub.hearers(channel, message))


@command("SPUBLISH shardchannel message", flags="pubsub loading stale fast may_replicate", since="7.0.0", acl="pubsub")
def spublish(client: Client, argv: Argv) -> Reply:
    """Send a message to who hears a shard channel; answers how many those are."""
    _, channel, message = argv
    return _publish(client, client.server.pubsub.shard_hearers(channel, message))


def _publish(client: Client, hearers: Iterable[tuple[Clients, Push]]) -> Reply:
    heard = 0
    own: list[Reply] = []
    for clients, push in hearers:
        heard += len(clients)
        for hearer in clients:
            mailbox = hearer.mailbox
            if hearer is client:
                own.append(push)
            elif mailbox is not None:  # x2
                mailbox.append(push)
            else:
                hearer.push(push)
    if not own:
        return heard
    if not client.server.dialect.pushes_follow_the_reply:
        return Messages([*own, heard])
    if client.transcript is not None:  # behind the reply of the whole EXEC
        client.pushes_after_exec += own
        return heard
    return Messages([heard, *own])


container("PUBSUB", since="2.8.0", help_since="6.2.0")


@command("PUBSUB CHANNELS [pattern]", flags="pubsub loading stale", since="2.8.0")
def pubsub_channels(client: Client, argv: Argv) -> Reply:
    """The channels that somebody hears."""
    return _matching(client, client.server.pubsub.channels, argv)


@command("PUBSUB SHARDCHANNELS [pattern]", flags="pubsub loading stale", since="7.0.0")
def pubsub_shardchannels(client: Client, argv: Argv) -> Reply:
    """The shard channels that somebody hears."""
    return _matching(client, client.server.pubsub.shard_channels, argv)


def _matching(client: Client, channels: Iterable[bytes], argv: Argv) -> list[bytes]:
    if len(argv) > 3:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    return list(filter(compile_glob(argv[2]), channels)) if len(argv) == 3 else list(channels)


@command("PUBSUB NUMSUB [channel [channel ...]]", flags="pubsub loading stale", since="2.8.0")
def pubsub_numsub(client: Client, argv: Argv) -> Reply:
    """How many hear each of these channels; who hears a pattern does not count."""
    return _counted(client.server.pubsub.channels, argv)


@command("PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]", flags="pubsub loading stale", since="7.0.0")
def pubsub_shardnumsub(client: Client, argv: Argv) -> Reply:
    """How many hear each of these shard channels."""
    return _counted(client.server.pubsub.shard_channels, argv)


def _counted(channels: Mapping[bytes, Sized], argv: Argv) -> list[Reply]:
    return [item for channel in argv[2:] for item in (channel, len(channels.get(channel, ())))]


@command("PUBSUB NUMPAT", flags="pubsub loading stale", since="2.8.0")
def pubsub_numpat(client: Client, argv: Argv) -> Reply:
    """How many different patterns somebody hears."""
    patterns = client.server.pubsub.patterns
    return sum(map(len, patterns.values())) if client.server.dialect.numpat_counts_listeners else len(patterns)

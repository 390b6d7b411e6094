"""What COMMAND said before Redis 7.0: seven facts, other flags, and of a command with subcommands only the whole.

All of it follows from what COMMAND says since 7.0, but for the words and the exceptions listed here.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from redouble.core.command import words_of
from redouble.resp.reply import Members, Reply, Status

if TYPE_CHECKING:
    from redouble.dialects import Dialect

__all__ = ["before_7"]

_GONE: Final = frozenset((b"blocking", b"no_async_loading", b"no_multi", b"allow_busy"))
"""Flags that came with 7.0, or were hidden until then."""

_ADDED: Final = """\
random: command info time lastsave scan randomkey dump ttl pttl zrandmember zscan hgetall hrandfield hscan spop
random: srandmember sscan xadd xtrim xack xpending xclaim xautoclaim migrate
sort_for_script: keys hkeys hvals smembers sinter sunion sdiff
may_replicate@6.2.0: pfcount publish eval evalsha script
skip_slowlog@before:6.2.0: acl
"""
"""Flags that went with 7.0, or have been hidden since."""

_UNTOLD: Final = """\
skip_monitor@before:6.2.0: eval evalsha
may_replicate: pfcount publish
"""
"""Flags of which nothing was said."""

_PLACELESS: Final = "migrate@before:6.2.0 pfdebug@before:6.2.0"
"""Commands whose keys COMMAND did not know."""

_CONTAINERS: Final = """\
acl  admin noscript loading stale  admin slow dangerous
script  noscript  scripting slow
client  admin noscript random loading stale  admin slow dangerous connection
object  readonly random  keyspace read slow
pubsub  pubsub random loading stale  pubsub slow
config  admin noscript loading stale  admin slow dangerous
memory  readonly random movablekeys  read slow
module  admin noscript  admin slow dangerous
latency  admin noscript loading stale  admin slow dangerous
slowlog  admin random loading stale  admin slow dangerous
xgroup  write denyoom  write stream slow
xinfo  readonly random  read stream slow
cluster  admin random stale  admin slow dangerous
"""
"""Flags and categories of what has subcommands."""

_CATEGORIES: Final = {
    **dict.fromkeys((b"select", b"asking", b"readonly", b"readwrite"), "keyspace fast"),
    b"wait": "keyspace slow",
    b"role": "fast dangerous",
    b"pfdebug": "write hyperloglog@6.2.0 admin slow dangerous",
}


def before_7(facts: list[Reply], dialect: type[Dialect]) -> list[Reply]:
    """The seven facts of a command, as 6.0 and 6.2 tell them."""
    name, arity, flags, first, last, step, categories = facts
    assert isinstance(name, bytes)
    assert isinstance(flags, Members)
    container = _containers().get(name)
    if container is not None:
        flags, categories = container
        if name in (b"object", b"xgroup", b"xinfo"):
            first, last, step = 2, 2, 1
    untold = _flags_of(_UNTOLD, name, dialect)
    kept = [Status(flag) for flag in flags if flag not in _GONE and flag not in untold]
    flags = Members((*kept, *_flags_of(_ADDED, name, dialect)))
    if name.decode() in words_of(_PLACELESS, dialect):
        first = last = step = 0
    if name in _CATEGORIES:
        reads = "read " if b"readonly" in flags else ""  # ROLE of 6.0
        categories = _statuses(reads + " ".join(words_of(_CATEGORIES[name], dialect)), "@")
    return [name, arity, flags, first, last, step, categories]


def _flags_of(table: str, name: bytes, dialect: type[Dialect]) -> list[Status]:
    flags = words_of(" ".join(_by_command(table).get(name, ())), dialect)
    return [Status(flag.encode()) for flag in flags]


def _statuses(words: str, before: str = "") -> Members:
    return Members(Status(f"{before}{word}".encode()) for word in words.split())


@functools.cache
def _containers() -> dict[bytes, tuple[Members, Members]]:
    rows = (line.split("  ") for line in _CONTAINERS.splitlines())
    return {name.encode(): (_statuses(flags), _statuses(categories, "@")) for name, flags, categories in rows}


@functools.cache
def _by_command(table: str) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for line in table.splitlines():
        flag, _, names = line.partition(": ")
        for name in names.split():
            found.setdefault(name.encode(), []).append(flag)
    return found

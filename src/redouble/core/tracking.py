"""Client-side caching: which client has read which key, and who is told that a key changed (tracking.c).

A client remembers what it reads and is told once, by an `invalidate` push, when that is no longer true.  It tracks
either the keys that its own commands read, which are in a table here, or (BCAST) all that begin with one of its
prefixes.  While nobody tracks, commands do not come by here, and changes do not while the table is empty.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from redouble.core.client import IN_MULTI
from redouble.core.errors import CommandError
from redouble.core.key_specs import key_specs, keys_of
from redouble.core.observer import Observer
from redouble.resp.reply import BLOCKED, Push, Reply

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Command
    from redouble.core.server import Server

__all__ = ["Tracked", "Tracking"]

CHANNEL: Final = b"__redis__:invalidate"
"""What a RESP2 client takes the messages for that another one redirects to it."""
EFFORT: Final = 100
"""How many keys at most leave a table that is too large before the next command; twice as many after that, and so on."""


class Tracked:
    """How one client tracks; its words are those of CLIENT TRACKING."""

    __slots__ = ("bcast", "broken", "caching", "noloop", "optin", "optout", "prefixes", "redirect")

    def __init__(self) -> None:
        self.bcast = self.optin = self.optout = self.noloop = False
        self.redirect = 0
        """The id of the client that is told instead; 0: there is none."""
        self.broken = False
        """Whether that one was found to be gone."""
        self.caching = False
        """Whether CLIENT CACHING was said of the next command."""
        self.prefixes: list[bytes] = []

    @property
    def remembers(self) -> bool:
        """Whether what is read now is tracked."""
        return not self.bcast and (self.caching if self.optin else not (self.optout and self.caching))


class Prefix:
    """Who is told of all keys that begin alike."""

    __slots__ = ("changed", "clients")

    def __init__(self) -> None:
        self.clients: dict[Client, None] = {}
        self.changed: dict[bytes, Client | None] = {}
        """The keys that changed since they were told of, and who changed each last."""


class Tracking(Observer):
    """The tracking table of one server."""

    watches = False
    """Whether anybody has to be told of changes, or the table to be."""
    held = False
    """Whether a driver runs several commands in a row, and calls `broadcast` after them."""
    _current: Client | None = None
    """Whose command runs."""
    _author: Client | None = None
    """The same client, or the one of its script; None: what happens now is nobody's doing."""
    _efforts = 0

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients: dict[Client, None] = {}
        """Who tracks."""
        self.table: OrderedDict[bytes, set[int]] = OrderedDict()
        """The ids of the clients that read a key, in whatever database; they may be gone by now.  The oldest come first."""
        self.prefixes: dict[bytes, Prefix] = {}
        self._argv: list[bytes] = []
        """The words of the command that runs; within EXEC those of the queued one."""
        self._told: list[Push] = []
        """What the current client hears behind its reply."""
        self._pending: list[tuple[Tracked, list[bytes] | None]] = []
        """What it, or whom it redirects to by then, has to be told of behind its reply; and how it tracks."""

    # CLIENT TRACKING.

    def enable(self, client: Client, tracked: Tracked) -> None:
        """Let `client` track as `tracked` says; the prefixes of earlier times stay."""
        prefixes = tracked.prefixes or [b""] * tracked.bcast
        tracked.prefixes = [] if client.tracked is None else client.tracked.prefixes
        for prefix in prefixes:
            if prefix not in tracked.prefixes:
                tracked.prefixes.append(prefix)
            self.prefixes.setdefault(prefix, Prefix()).clients[client] = None
        client.tracked = tracked
        if not self.clients:
            self.server.observe(self)
        self.clients[client] = None
        self._watch()

    def disable(self, client: Client) -> None:
        """`client` no longer tracks; what it has read stays in the table until it changes."""
        tracked = client.tracked
        if tracked is None:
            return
        for name in tracked.prefixes:
            prefix = self.prefixes[name]
            del prefix.clients[client]
            if not prefix.clients:
                del self.prefixes[name]
        client.tracked = None
        del self.clients[client]
        if not self.clients:
            self.server.forget_observer(self)
        self._watch()

    def reset(self) -> None:
        """Forget all."""
        for client in list(self.clients):
            self.disable(client)
        self.table.clear()
        self._watch()

    def _watch(self) -> None:
        watches = bool(self.table or self.prefixes)
        if watches != self.watches:
            self.watches = watches
            for db in self.server.databases.values():
                db.listeners_changed()

    @property
    def items(self) -> int:
        """How many keys the clients of the table have read, all together."""
        return sum(map(len, self.table.values()))

    # Commands.

    def call(self, client: Client, argv: list[bytes], proceed: Callable[[Client, list[bytes]], Reply]) -> Reply:
        self._shorten()
        before = self._current, self._argv, self._author, self._told, self._pending
        self._current, self._argv, self._author, self._told, self._pending = client, argv, None, [], []
        try:
            reply = proceed(client, argv)
            self._ended(client, argv, reply)
            if self.prefixes and not self.held:
                self.broadcast()
            told = self._told
        finally:
            self._current, self._argv, self._author, self._told, self._pending = before
        return self.server.accompanied(client, reply, told, follow=True) if told else reply

    def run(
        self,
        client: Client,
        command: Command,
        argv: list[bytes],
        proceed: Callable[[Client, Command, list[bytes]], Reply],
    ) -> Reply:
        # Whoever had to wait, and runs now in the middle of another client's command.
        late = client is not self._current and not client.is_script
        before = self._current, self._argv, self._author, self._told, self._pending
        if late:
            self._current, self._told, self._pending = client, [], []
        if not client.is_script:
            self._argv = argv
        self._author = client
        try:
            reply = proceed(client, command, argv)
            if (
                "readonly" in command.flags
                and command.script_flags is None
                and (not client.reprocessing or self.server.dialect.tracks_served_readers)
            ):
                self._remember(command, argv)
            if late:
                self._ended(client, argv, reply)
            told = self._told
        finally:
            self._current, self._argv, self._author, self._told, self._pending = before
        return self.server.accompanied(client, reply, told, follow=True) if late and told else reply

    def _remember(self, command: Command, argv: list[bytes]) -> None:
        """The current client has read the keys of a command (trackingRememberKeys)."""
        client = self._current
        assert client is not None
        if client.tracked is None or not client.tracked.remembers:
            return
        if not self.server.dialect.tracks_what_scripts_read:
            found = self.server.find(self._argv)
            assert not isinstance(found, CommandError)
            command, argv = found, self._argv
        specs = key_specs(command.name, command.declaration.nodes, command.declaration.keys)
        if not specs or "not_key" in specs[0].flags:
            return
        for key, _ in keys_of(command.name, specs, argv) or ():
            self.table.setdefault(key, set()).add(client.id)
        if not self.watches:
            self._watch()

    def _ended(self, client: Client, argv: list[bytes], reply: Reply) -> None:
        """Tell `client` of what it changed itself.  CLIENT CACHING was about this command, unless that was a CLIENT ...."""
        for then, keys in self._pending:
            self._tell(client, client.tracked or then, keys, behind=True)
        tracked = client.tracked
        if tracked is not None and tracked.caching and not client.gate & IN_MULTI and reply is not BLOCKED:
            found = self.server.find(argv)
            if isinstance(found, CommandError) or not found.name.startswith("client"):
                tracked.caching = False

    # Messages.

    def changed(self, key: bytes, by_itself: bool) -> None:
        """`key` changed, or (`by_itself`) its time had come: tell who tracks it (trackingInvalidateKey)."""
        author = None if by_itself else self._author
        for name, prefix in self.prefixes.items():
            if key.startswith(name):
                prefix.changed[key] = author
        if key in self.table:
            self._invalidate(key, author)
            if not self.table:
                self._watch()

    def _invalidate(self, key: bytes, author: Client | None) -> None:
        looper = self._current if self.server.dialect.noloop_knows_the_caller else author
        for number in sorted(self.table.pop(key)):
            client = self.server.clients.get(number)
            if client is None or client.tracked is None or client.tracked.bcast:
                continue
            if not (client.tracked.noloop and client is looper):
                self._tell(client, client.tracked, [key])

    def flush(self, *, every_database: bool = True, at_once: bool = False) -> None:
        """Everything is gone: tell all who track (trackingInvalidateKeysOnFlush).

        Where only one database was emptied, 6.0 forgets nothing.  `at_once`: also the current client hears of it before its reply.
        """
        for client in self.clients:
            assert client.tracked is not None
            self._tell(client, client.tracked, None, at_once=at_once)
        if every_database or self.server.dialect.flushdb_forgets_what_is_tracked:
            self.table.clear()
            self._watch()

    def broadcast(self) -> None:
        """Tell of the keys that changed since the last time, in their order (trackingBroadcastInvalidationMessages).

        The real server does so once in each round of its loop: a pipeline is told of as a whole.
        """
        for name in sorted(self.prefixes):
            prefix = self.prefixes[name]
            if not prefix.changed:
                continue
            changed, prefix.changed = prefix.changed, {}
            keys = sorted(changed)
            for client in prefix.clients:
                assert client.tracked is not None
                told = [key for key in keys if changed[key] is not client] if client.tracked.noloop else keys
                if told:
                    self._tell(client, client.tracked, told, behind=True)

    def _shorten(self) -> None:
        """Forget some of the keys that are too many, and say so (trackingLimitUsedSlots)."""
        most = self.server.config.number("tracking-table-max-keys")
        if not most or len(self.table) <= most:
            self._efforts = 0
            return
        self._efforts += 1
        for _ in range(EFFORT * self._efforts):
            self._invalidate(next(iter(self.table)), None)
            if len(self.table) <= most:
                self._efforts = 0
                break

    def _tell(
        self, client: Client, tracked: Tracked, keys: list[bytes] | None, *, at_once: bool = False, behind: bool = False
    ) -> None:
        """Send `client`, or whom it redirects to, what is no longer true; None: everything (sendTrackingMessage).

        The current client hears it behind its reply where the server waits for that, or if it happens `behind` it.
        """
        dialect, running = self.server.dialect, self._author is not None
        if dialect.invalidations_follow_the_reply and client is self._current and running and not (at_once or behind):
            self._pending.append((tracked, keys))
            return
        hearer: Client | None = client
        if tracked.redirect:
            hearer = self.server.clients.get(tracked.redirect)
        if hearer is None:
            tracked.broken = True
            if client.resp == 2:
                return
            hearer, message = client, Push([b"tracking-redir-broken", tracked.redirect])
        elif hearer.resp == 3:
            message = Push([b"invalidate", keys])
        elif tracked.redirect and hearer.listens:
            message = Push([b"message", CHANNEL, keys])
        else:
            return
        silent = not hearer.replies or (hearer.skip_reply and hearer is self._current)
        if silent and not dialect.pushes_when_replies_are_off:
            return
        if hearer is self._current and (behind or (dialect.pushes_follow_the_reply and running and not at_once)):
            self._told.append(message)
        else:
            hearer.answer(message)

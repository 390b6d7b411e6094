"""The server's side of one connection, Redis's `client` struct.

It knows nothing of sockets, threads or loops.  A driver derives from it and says how a reply that comes later
(`deliver`), a push message and the end of the connection reach its user.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from redouble.resp.reply import NO_REPLY, Messages, Push, Reply

if TYPE_CHECKING:
    from redouble.core.acl_rules import User
    from redouble.core.command import Command
    from redouble.core.database import Database
    from redouble.core.server import Server
    from redouble.core.tracking import Tracked

__all__ = ["Client"]

# Why a client's commands may not simply run: the bits of `Client.gate`.
IN_MULTI = 1
SUBSCRIBED = 2  # RESP2 only: in RESP3 a subscribed client may do anything
NEEDS_AUTH = 4
REPLY_OFF = 8
RESTRICTED = 16  # there are things that its user may not do
MONITORS = 32  # from Redis 6.2 on it may not touch keys


class Client:
    """One connection; made, used and disconnected while the server's lock is held."""

    deny_blocking = False
    """True while a transaction or a script runs: what would block answers at once instead."""
    is_script = False
    """Whether its commands are those of a script."""
    raises = False
    """Whether an exception within a command reaches its user."""
    wants_file = False
    """Whether SYNC sends it a file, and then hangs up (REPLCONF RDB-ONLY)."""
    wants_file_of: frozenset[bytes] | None = None
    """What alone is in that file (REPLCONF RDB-FILTER-ONLY); None: everything."""
    fd = -1
    """The number of its socket, if it has one."""
    took: int | None = None
    """How many microseconds its command took so far, while it waits and commands are timed."""
    bytes_in = bytes_out = commands = 0
    """What a driver counted for CLIENT LIST."""
    tracked: Tracked | None = None
    """How it tracks what it reads, if it does."""

    mailbox: deque[Reply] | None = None
    """Where push messages may simply be put, while nobody waits for them; None: `push` them."""

    def __init__(self, server: Server, *, address: str = "127.0.0.1:0", local_address: str = "127.0.0.1:0") -> None:
        self.server = server
        self.address = address
        self.local_address = local_address
        self.id = self.join()
        self.created = self.last_interaction = server.clock.time()
        self.resp = 2
        self.db: Database = server.database(0)
        self.name = b""
        self.user: User = server.acl.default
        self.lib_name = b""
        self.lib_version = b""
        self.capabilities = b""
        self.no_evict = self.no_touch = self.import_source = False
        self.authenticated = not server.requires_auth
        self.gate = (0 if self.authenticated else NEEDS_AUTH) | (RESTRICTED if self.user.restricted else 0)
        self.command: Command = server.no_command
        self.closing = False
        self.disconnected = False
        # CLIENT REPLY
        self.replies = True
        self.skip_reply = 0
        # MULTI and WATCH
        self.queue: list[tuple[Command, list[bytes]]] = []
        self.queue_failed = False
        self.watching: dict[tuple[Database, bytes], None] = {}
        self.watch_broken = False
        self.transcript: list[Reply] | None = None
        """While EXEC runs: what it will answer, replies and pushes in their order."""
        self.pushes_after_exec: list[Reply] = []
        # pub/sub, in order of subscription
        self.channels: dict[bytes, None] = {}
        self.patterns: dict[bytes, None] = {}
        self.shard_channels: dict[bytes, None] = {}
        # blocking
        self.argv: list[bytes] = []
        self.waits_for: dict[bytes, None] | None = None
        self.wants: Callable[[object], bool] = bool
        self.due: Callable[[object], int | None] | None = None
        self.timeout_reply: Reply = None
        self.deadline: float | None = None
        self.reprocessing = False
        self.ready_key: bytes | None = None
        self.undo: Callable[[], None] | None = None

    def join(self) -> int:
        """Become a client of the server; the id."""
        return self.server.register(self)

    # What a driver says.

    @property
    def can_receive(self) -> bool:
        """False when nobody is left to take a reply: a blocked client that cannot is passed over."""
        return True

    def deliver(self, reply: Reply) -> None:
        """Hand over the reply of a command that was blocked; from any thread, under the lock; never raises."""
        raise NotImplementedError

    def push(self, message: Reply) -> None:
        """Hand over an out-of-band message (a `Push`, or a line of MONITOR); from any thread, under the lock; never raises."""
        raise NotImplementedError

    def look_again(self) -> None:
        """The clock was moved while this client is blocked: whoever sleeps until its time is up looks at it again."""

    def kill(self) -> None:
        """The server ends this connection; under the lock."""
        self.closing = True

    # What goes wrong on purpose.

    def hang_up(self) -> None:
        """End this connection after what was answered so far; under the lock."""
        self.closing = True

    def lose_reply(self) -> None:
        """Its user gets no reply to this command, and runs out of patience; under the lock."""

    def answer_partly(self, reply: Reply, size: int) -> None:
        """Send the first `size` bytes of `reply` where there are bytes, and hang up."""
        self.hang_up()

    # What the server knows.

    @property
    def blocked(self) -> bool:
        return self.waits_for is not None

    @property
    def wish(self) -> object:
        """What it waits for; two clients with the same wish can be served by the same values."""
        return self.wants, self.due

    @property
    def listens(self) -> bool:
        """Whether it is subscribed to anything."""
        return bool(self.channels or self.patterns or self.shard_channels)

    def where_to_look(self, keys: list[bytes]) -> list[bytes]:
        """The keys of its command that a client which waited may look at, now that one is ready."""
        return keys if self.ready_key is None else [self.ready_key]

    def open_gate(self, bit: int) -> None:
        self.gate &= ~bit

    def close_gate(self, bit: int) -> None:
        self.gate |= bit

    def authentication_changed(self) -> None:
        """After AUTH, RESET or a change of the password: may this client go on?"""
        if self.authenticated or not self.server.requires_auth:
            self.open_gate(NEEDS_AUTH)
        else:
            self.close_gate(NEEDS_AUTH)

    def log_in(self, user: User, *, authenticated: bool) -> None:
        """Speak for `user` from now on."""
        self.user, self.authenticated = user, authenticated
        self.authentication_changed()
        self.permissions_changed()

    def permissions_changed(self) -> None:
        """After any change of what its user may do."""
        if self.user.restricted:
            self.close_gate(RESTRICTED)
        else:
            self.open_gate(RESTRICTED)

    @property
    def subscriptions(self) -> int:
        """The number that SUBSCRIBE and PSUBSCRIBE answer with."""
        return len(self.channels) + len(self.patterns)

    def subscriptions_changed(self) -> None:
        """After any change of the subscriptions or of the protocol."""
        if self.resp == 2 and self.listens:
            self.gate |= SUBSCRIBED
        else:
            self.gate &= ~SUBSCRIBED

    def answer(self, message: Push) -> None:
        """Answer a command of this client with a push message (SUBSCRIBE); inside EXEC it stands among the replies."""
        if self.transcript is None:
            self.push(message)
        else:
            self.transcript.append(message)

    def filter_reply(self, reply: Reply) -> Reply:
        """What CLIENT REPLY OFF and SKIP leave of a reply."""
        if type(reply) is Messages:
            pushes = [message for message in reply if type(message) is Push]
            left = self.filter_reply(None)
            return reply if left is None else Messages(pushes)
        if self.skip_reply:
            self.skip_reply -= 1
            if self.skip_reply == 0 and self.replies:
                self.gate &= ~REPLY_OFF
            return NO_REPLY
        return reply if self.replies else NO_REPLY

    def discard(self) -> None:
        """Leave MULTI and forget the watched keys."""
        self.queue = []
        self.queue_failed = False
        self.gate &= ~IN_MULTI
        self.unwatch()

    def unwatch(self) -> None:
        for db, key in self.watching:
            db.unwatch(self, key)
        self.watching.clear()
        self.watch_broken = False

    def stop_monitoring(self) -> None:
        """The opposite of MONITOR."""
        if self.gate & MONITORS:
            self.open_gate(MONITORS)
            self.server.monitors.remove(self)

    def cancel(self) -> None:
        """The one who waited gave up.  If a reply is already on its way, what it took goes back to where it was."""
        if self.waits_for is not None:
            self.server.blocking.unblock(self)
        elif self.undo is not None:
            undo, self.undo = self.undo, None
            undo()
            self.server.blocking.serve()

    def disconnect(self) -> None:
        """The connection is gone: leave every queue at once."""
        if self.disconnected:
            return
        self.disconnected = True
        self.server.blocking.unblock(self)
        self.discard()
        self.server.pubsub.unsubscribe_all(self)
        self.stop_monitoring()
        self.server.tracking.disable(self)
        self.server.clients.pop(self.id, None)

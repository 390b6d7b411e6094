"""maxmemory: what happens when the data takes more than that.

Before each command keys go until the rest fits, chosen as `maxmemory-policy` says; where nothing may go, commands that
could take memory (`denyoom`) are refused.  All of it hides behind a bit of the server's gate while maxmemory is 0.

Keys are chosen from samples, as on the real server: a few more are drawn each time, and the best of those seen so far
stay in a pool.  A server with no more keys than the pool holds lets exactly the right one go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from redouble.core.client import IN_MULTI
from redouble.core.memory import used_memory
from redouble.core.notify import EVICTED

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Argv, Command
    from redouble.core.database import Database
    from redouble.core.server import Server

__all__ = ["Eviction"]

Entry: TypeAlias = "tuple[Database, bytes]"

POOL: Final = 16
"""How many candidates are remembered (EVPOOL_SIZE)."""

_LEAVES_MULTI = frozenset(("discard", "quit", "reset"))


class Eviction:
    """The limit of one server's memory, and what it takes to stay below it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.limit = 0
        """Bytes; 0: there is none."""
        self.due = False
        """Whether the limit has become lower, and nobody has looked since."""
        self.out_of_memory = False
        """Whether there was too little at the beginning of the last command that looked: what scripts go by."""
        self.evicted_keys = 0
        self._deck: list[Entry] = []
        """The keys that were not drawn yet, since the last time that each was put in."""
        self._pool: list[Entry] = []

    def policy_changed(self) -> None:
        self._deck, self._pool = [], []

    def refuses(self, client: Client, command: Command, argv: Argv) -> bool:
        """Make room for a command; whether it may not run because there is none."""
        short = not self.make_room()
        dialect = self.server.dialect
        if not dialect.only_scripts_remember_memory or command.name in ("eval", "evalsha"):
            self.out_of_memory = short
        if not short:
            return False
        if command.name == "exec":
            return any(queued.takes_memory(self.server, queued_argv) for queued, queued_argv in client.queue)
        if client.gate & IN_MULTI and not dialect.queues_without_memory and command.name not in _LEAVES_MULTI:
            return True
        return command.takes_memory(self.server, argv)

    def make_room(self) -> bool:
        """Let keys go until what is left fits; False if it does not (performEvictions)."""
        server = self.server
        self.due = False
        if used_memory(server) <= self.limit:
            return True
        if server.active_expire:
            for db in server.databases.values():
                db.expire_due()
        while used_memory(server) > self.limit:
            chosen = self._choose()
            if chosen is None:
                return False
            db, key = chosen
            self.evicted_keys += db.delete(key, b"evicted", EVICTED)
            if server.effects is not None:
                server.effects.changed_by_itself(db, key)
        return True

    # Which key goes.

    def _choose(self) -> Entry | None:
        policy = self.server.config.text("maxmemory-policy")
        if policy == "noeviction":
            return None
        which, _, how = policy.partition("-")
        volatile = which == "volatile"
        if how == "random":
            drawn = self._draw(1, volatile)
            return drawn[0] if drawn else None
        candidates = [entry for entry in self._pool if _is_there(entry, volatile)]
        count = max(self.server.config.number("maxmemory-samples"), POOL - len(candidates))
        candidates += [entry for entry in self._draw(count, volatile) if entry not in candidates]
        candidates.sort(key=_RANKS[how])
        self._pool = candidates[1 : POOL + 1]
        return candidates[0] if candidates else None

    def _draw(self, count: int, volatile: bool) -> list[Entry]:
        """Some keys, each as likely as the others; fewer than `count` only if there are fewer."""
        drawn: list[Entry] = []
        for dealt in (False, True):
            if dealt:
                self._deck = [(db, key) for db in self.server.databases.values() for key in db.evictable(volatile)]
            deck = self._deck
            while deck and len(drawn) < count:
                at = int(self.server.random.random() * len(deck))
                deck[at], deck[-1] = deck[-1], deck[at]
                entry = deck.pop()
                if _is_there(entry, volatile):
                    drawn.append(entry)
        return drawn


def _is_there(entry: Entry, volatile: bool) -> bool:
    db, key = entry
    return key in db.evictable(volatile)


def _last_use(entry: Entry) -> int:
    db, key = entry
    return db.track_accesses(db.server.now_ms()).last_use(key)


def _uses(entry: Entry) -> tuple[int, int]:
    db, key = entry
    return db.track_accesses(db.server.now_ms()).count(key, db.server), _last_use(entry)


def _end(entry: Entry) -> int:
    db, key = entry
    return db.expires[key]


_RANKS: dict[str, Callable[[Entry], Any]] = {"lru": _last_use, "lrm": _last_use, "lfu": _uses, "ttl": _end}
"""The key with the lowest goes first."""

"""Who waits for which key, and who is served next.

A command that finds nothing asks to `block`; its client then stands in the queue of each of its keys, in order of
arrival.  After each execution unit (one command, one whole EXEC, one whole script) `serve` runs the waiting commands
again for the keys that became ready, first come, first served, until one finds nothing more.  No thread is involved:
the reply reaches its waiter through `Client.deliver`.
"""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from redouble.resp.reply import BLOCKED, NULL_ARRAY, Reply

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Command
    from redouble.core.database import Database
    from redouble.core.server import Server

__all__ = ["Blocking", "Queue"]

FEWEST_DEADLINES = 64
"""Below it, the deadlines of those who wait no more may stay until they are over."""


class Queue:
    """Who waits for one key, in order of arrival, and how many different things they want of it."""

    __slots__ = ("clients", "wishes")

    def __init__(self) -> None:
        # In a dict, those that left would be in the way of the first.
        self.clients: OrderedDict[Client, None] = OrderedDict()
        self.wishes: Counter[object] = Counter()

    def join(self, client: Client) -> None:
        self.clients[client] = None
        self.wishes[client.wish] += 1

    def leave(self, client: Client) -> None:
        if client in self.clients:
            del self.clients[client]
            self.wishes[client.wish] -= 1
            if not self.wishes[client.wish]:
                del self.wishes[client.wish]

    def __iter__(self) -> Iterator[Client]:
        """Those who wait now.  While each is served and leaves, no look is taken at those behind it."""
        clients = self.clients
        for _ in range(len(clients)):
            first = next(iter(clients), None)
            if first is None:
                return
            yield first
            if next(iter(clients), None) is first:  # it goes on waiting, before the others
                yield from list(clients)[1:]
                return


class Blocking:
    """The blocked clients of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ready: dict[tuple[Database, bytes], None] = {}
        """Keys that became ready in this execution unit, in that order."""
        self.serving = False
        self.clients: dict[Client, None] = {}
        self.postponed: dict[Client, Command] = {}
        """Who waits for the end of a CLIENT PAUSE, and which command then runs."""
        self.delayed: dict[Client, Callable[[], Reply]] = {}
        """Who was told to wait for a while, and what happens then."""
        self.patient: dict[Client, None] = {}
        """Those of them whom the passing of time may serve."""
        self._deadlines: list[tuple[float, int, Client]] = []
        self._order = 0

    def block(
        self,
        client: Client,
        argv: list[bytes],
        keys: Iterable[bytes],
        timeout_ms: int,
        wants: Callable[[object], bool],
        *,
        due: Callable[[object], int | None] | None = None,
        denied: Reply = NULL_ARRAY,
        timed_out: Reply = NULL_ARRAY,
    ) -> Reply:
        """Let `client` wait until one of `keys` holds a value that it `wants`; `timeout_ms` 0 waits for ever.

        `due` tells when a value will be what the client wants although nobody changes it (XREADGROUP CLAIM), in Unix
        milliseconds.  `denied` is the answer where blocking is not allowed (inside MULTI or a script), `timed_out` the one when the
        time is up.
        """
        if client.deny_blocking:
            return denied
        if not client.reprocessing:
            client.deadline = None
            if timeout_ms:
                self._set_deadline(client, timeout_ms / 1000)
        client.argv = argv
        client.wants = wants
        client.due = due
        if due is not None:
            self.patient[client] = None
            self.server.wake_drivers()
        client.timeout_reply = timed_out
        client.waits_for = dict.fromkeys(keys)
        for key in client.waits_for:
            client.db.wait(client, key)
        self.clients[client] = None
        return BLOCKED

    def unblock(self, client: Client) -> None:
        """Take `client` out of every queue; it no longer waits."""
        if client.waits_for is not None:
            for key in client.waits_for:
                client.db.stop_waiting(client, key)
            client.waits_for = None
            client.due = None
            client.last_interaction = self.server.clock.time()
            del self.clients[client]
            self.patient.pop(client, None)
            self.postponed.pop(client, None)
            self.delayed.pop(client, None)

    def postpone(self, client: Client, command: Command, argv: list[bytes]) -> Reply:
        """Let `client` wait with this command until the pause ends."""
        client.argv = argv
        client.command = command
        client.deadline = None
        client.waits_for = {}
        self.clients[client] = None
        self.postponed[client] = command
        return BLOCKED

    def resume(self) -> None:
        """The pause is over: run what waited for that, in order of arrival."""
        for client, command in list(self.postponed.items()):
            if client in self.postponed:  # not closed by one of the others
                self.unblock(client)
                reply = self.server.dispatch(client, command, client.argv)
                if reply is not BLOCKED:
                    self._deliver(client, reply)

    def later(self, client: Client, argv: list[bytes], seconds: float, proceed: Callable[[], Reply]) -> Reply:
        """Let `client` wait for `seconds`, and then for what `proceed` answers."""
        client.argv = argv
        client.waits_for = {}
        self.clients[client] = None
        self.delayed[client] = proceed
        self._set_deadline(client, seconds)
        return BLOCKED

    def _set_deadline(self, client: Client, seconds: float) -> None:
        client.deadline = self.server.clock.monotonic() + seconds
        self._order += 1
        if len(self._deadlines) > FEWEST_DEADLINES + 2 * len(self.clients):
            self._deadlines = [entry for entry in self._deadlines if self._holds(entry)]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (client.deadline, self._order, client))
        self.server.wake_drivers()

    def _deliver(self, client: Client, reply: Reply) -> None:
        """The late reply of a command that was blocked."""
        client.deliver(reply)
        for observer in self.server.observers:
            observer.answered(client, reply)

    def answer(self, client: Client, reply: Reply) -> None:
        """End the wait of `client` with `reply`, if it still waits."""
        if client.waits_for is not None:
            self.unblock(client)
            client.deadline = None
            client.undo = None
            self._deliver(client, client.filter_reply(reply))

    def serve(self) -> None:
        """Serve the clients that wait for the keys that became ready."""
        if self.serving:  # a served command that makes a key ready is seen by the loop below
            return
        self.serving = True
        try:
            while self.ready:
                ready, self.ready = self.ready, {}
                for db, key in ready:
                    self._serve(db, key)
        finally:
            self.serving = False
        if self.patient:
            self.server.wake_drivers()

    def _serve(self, db: Database, key: bytes) -> None:
        queue = db.blocked.get(key)
        if queue is None:
            return
        vain: set[object] = set()
        """What cannot be given to those who want it, for as long as nobody else is served."""
        for client in queue:
            if client.waits_for is None or key not in client.waits_for or not client.can_receive:
                continue  # served or gone in the meantime
            if client.wish in vain or not self._serves(client, db.peek(key)):
                vain.add(client.wish)
                if len(vain) >= len(queue.wishes):
                    return
                continue
            vain.clear()
            self.unblock(client)
            client.reprocessing = True
            client.undo = None
            client.ready_key = key if self.server.dialect.serves_the_ready_key_only else None
            try:
                reply = self.server.run_again(client)
            finally:
                client.reprocessing = False
                client.ready_key = None
            if reply is not BLOCKED:
                client.deadline = None
                self._deliver(client, client.filter_reply(reply))

    def _serves(self, client: Client, value: object) -> bool:
        """Whether `value` is what `client` waits for."""
        if client.wants(value):
            return True
        due = client.due(value) if client.due is not None else None
        return due is not None and due <= self.server.now_ms()

    def _dues(self) -> Iterator[tuple[int, Database, bytes]]:
        """When which key serves a client although nobody changes it."""
        for client in self.patient:
            if client.waits_for is not None and client.due is not None and client.can_receive:
                for key in client.waits_for:
                    due = client.due(client.db.peek(key))
                    if due is not None:
                        yield due, client.db, key

    def next_due(self) -> int | None:
        """When next a client is served by the passing of time, in Unix milliseconds."""
        return min((due for due, _, _ in self._dues()), default=None) if self.patient else None

    def look_at_the_time(self) -> None:
        """The keys that serve somebody by now are ready."""
        if self.patient:
            now = self.server.now_ms()
            self.ready.update({(db, key): None for due, db, key in self._dues() if due <= now})

    @staticmethod
    def _holds(entry: tuple[float, int, Client]) -> bool:
        moment, _, client = entry
        return client.waits_for is not None and client.deadline == moment

    def next_deadline(self) -> float | None:
        """When the next blocked client runs out of time, in the clock's monotonic seconds."""
        deadlines = self._deadlines
        while deadlines:
            if self._holds(deadlines[0]):
                return deadlines[0][0]
            heapq.heappop(deadlines)
        return None

    def time_out(self) -> None:
        """Answer the clients whose time is up."""
        now = self.server.clock.monotonic()
        while (moment := self.next_deadline()) is not None and moment <= now:
            client = heapq.heappop(self._deadlines)[2]
            proceed = self.delayed.get(client)
            if proceed is None:
                self.answer(client, client.timeout_reply)
                continue
            self.unblock(client)
            client.deadline = None
            reply = proceed()
            if reply is not BLOCKED:
                self._deliver(client, reply)

    def check(self) -> None:
        """Raise AssertionError if clients and queues contradict each other."""
        waits = [(client.db, key, client) for client in self.clients for key in client.waits_for or ()]
        queued = [
            (db, key, client)
            for db in self.server.databases.values()
            for key, queue in db.blocked.items()
            for client in queue.clients
        ]
        assert len(queued) == len(set(queued)) == len(waits)
        assert set(queued) == set(waits)
        for db in self.server.databases.values():
            for queue in db.blocked.values():
                assert queue.wishes == Counter(client.wish for client in queue.clients)
        assert not self.ready

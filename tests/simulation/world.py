"""Clients that send, wait, are cancelled and killed while the clock moves, all as one seed says.

What a client is answered and told, who waits, and what the keys hold is after each step what the model says.
"""

from __future__ import annotations

from collections import Counter, deque
from random import Random
from typing import Any

import redouble.commands
from redouble.core.client import Client
from redouble.core.clock import ManualClock
from redouble.core.server import Server
from redouble.resp.reply import BLOCKED, NO_REPLY, NULL_ARRAY, CommandError, Messages, Push, Reply
from redouble.testing.data import as_python
from redouble.testing.faults import Faults

from .model import NOTHING, Error, Model, Stream, Words, items_of, shown

__all__ = ["World"]

assert redouble.commands  # fills the command table

CLIENTS = 6
LISTS = (b"l1", b"l2", b"l3")
SCORES = (b"z1", b"z2")
STREAMS = (b"x1", b"x2")
GROUPS = (b"g1", b"g2")
CONSUMERS = (b"c1", b"c2", b"c3")
MIXED = b"mixed"
NUMBER = b"number"
CHANNELS = (b"a", b"b")
GRAIN = 250
"""Milliseconds by which the clock moves; what expires does so in between."""
BEGINNING = 1_700_000_000.0
TAKING = frozenset(b"LPOP RPOP BLPOP BRPOP BZPOPMIN BZPOPMAX EVAL".split())
"""What BLMOVE answers is still in a list, and what readers of streams hear is still there."""
SCRIPT = b"""
for i = 1, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
return redis.call('LPOP', KEYS[2])
"""


class Actor(Client):
    """A connection and its user, who sends several commands at once and takes replies when the seed says so."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.resp = 3
        self.backlog: deque[Words] = deque()
        self.late: list[Any] = []
        self.sent = b""
        """The command that was sent last, ..."""
        self.queued: Words = []
        """... and those that its EXEC runs."""
        self.heard: list[Any] = []
        self.gone = False

    @property
    def can_receive(self) -> bool:
        return not self.gone

    def deliver(self, reply: Reply) -> None:
        assert not self.gone, "a reply for the dead"
        if reply is not NO_REPLY:
            self.late.append(plain(self.without_pushes(reply)))

    def without_pushes(self, reply: Reply) -> Reply:
        """The reply alone, if pushes that it caused came with it."""
        if type(reply) is Messages:
            self.heard += [plain(message) for message in reply if type(message) is Push]
            (reply,) = [message for message in reply if type(message) is not Push]
        return reply

    def push(self, message: Reply) -> None:
        self.heard.append(plain(message))

    def kill(self) -> None:
        super().kill()
        self.gone = True

    def hang_up(self) -> None:
        self.gone = True
        self.server.defer(self.disconnect)


def plain(reply: Any) -> Any:
    """A reply for comparison: of an error its first word."""
    if reply is BLOCKED or reply is NO_REPLY:
        return NOTHING
    if reply is NULL_ARRAY:
        return None
    if isinstance(reply, Error):
        return f"error {reply.args[0]}"
    if isinstance(reply, CommandError):
        return f"error {reply.message.partition(' ')[0]}"
    if isinstance(reply, bytes):
        return bytes(reply)
    if isinstance(reply, (list, tuple)):
        return [plain(item) for item in reply]
    return reply


class World:
    """`run` plays `steps` steps of one seed.  Raises AssertionError at the first that goes wrong; `log` tells what led there."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.clock = ManualClock(BEGINNING)
        self.server = Server(version=(8, 6), clock=self.clock, random=Random(seed))
        self.faults = Faults(self.server, lambda url: NotImplemented)
        self.model = Model(int(BEGINNING * 1000))
        self.actors: dict[int, Actor] = {}
        self.items = 0
        self.received: list[bytes] = []
        self.log: list[str] = []

    def run(self, steps: int) -> None:
        for _ in range(steps):
            while len(self.actors) < CLIENTS:
                self._connect()
            self._step()
            for id in [id for id in self.actors if id not in self.model.peers]:
                self._receive_late(self.actors.pop(id))  # a CLIENT KILL that had to wait
            self._compare()
        self._count_items()

    def _connect(self) -> None:
        actor = Actor(self.server)
        self.actors[actor.id] = actor
        self.model.connect(actor.id)

    # What may happen.

    def _step(self) -> None:
        chance = self.chance
        if chance.random() < 0.08:
            ms = GRAIN * chance.randint(1, 8)
            self.log.append(f"@clock +{ms}ms")
            self.model.advance(ms)
            self.clock.advance(ms / 1000)
            return
        id, actor = chance.choice(list(self.actors.items()))
        if chance.random() < 0.01:
            self._hang_up(id)
        elif actor.blocked or actor.late:
            if chance.random() < 0.15:
                self._cancel(id)
            elif actor.late:
                self._take(id)
        else:
            if not actor.backlog:
                actor.backlog.extend(self._program())
            self._send(id, actor.backlog.popleft())

    def _send(self, id: int, words: Words) -> None:
        actor = self.actors[id]
        self.log.append(f"{id}> {b' '.join(words).decode()}")
        if words[0] in (b"GET", b"INCR") and self.chance.random() < 0.2 and not self.model.paused:
            if words[0] == b"GET":
                self.faults.error("LOADING it is not ready", on="GET", times=1)
                self.model.faults[b"GET"] = ["LOADING"]
            else:
                self._drop(id, words)
                return
        actor.sent, actor.queued = words[0], [queued[0] for queued in self.model.peers[id].queue or ()]
        expected = plain(self.model.call(id, words))
        reply = actor.without_pushes(self.server.call(actor, words))
        assert plain(reply) == expected, (reply, expected)
        self._receive(actor, plain(reply))
        self.faults.clear()

    def _drop(self, id: int, words: Words) -> None:
        """The connection breaks, before or after the command took effect."""
        after = self.chance.random() < 0.5
        self.log.append(f"  ... and loses its connection, {'after' if after else 'before'} that")
        self.faults.drop(on="INCR", times=1, after_effect=after)
        if after:
            self.model.call(id, words)
        self.model.leave(id)
        assert self.server.call(self.actors.pop(id), words) is NO_REPLY
        self.server.run_deferred()
        self.faults.clear()

    def _hang_up(self, id: int) -> None:
        self.log.append(f"{id} hangs up")
        actor = self.actors.pop(id)
        self._receive_late(actor)  # it was on its way
        self.model.leave(id)
        actor.hang_up()
        self.server.run_deferred()

    def _cancel(self, id: int) -> None:
        """Whoever waited gave up; a reply that came meanwhile is never seen."""
        if self.model.peers[id].queue is not None:  # its transaction cannot go on without what was held back
            self._hang_up(id)
            return
        self.log.append(f"{id} is cancelled")
        actor = self.actors[id]
        undone = self.model.peers[id].undo is not None
        self.model.cancel(id)
        actor.cancel()
        if not undone:
            self._receive_late(actor)
        self._forget_late(id)

    def _take(self, id: int) -> None:
        self.log.append(f"{id} takes {self.actors[id].late[0]}")
        self._receive_late(self.actors[id])
        self.actors[id].undo = None
        self.model.take(id)
        self._forget_late(id)

    def _forget_late(self, id: int) -> None:
        self.actors[id].late.clear()
        self.model.peers[id].replies.clear()

    # What is sent.

    def _item(self) -> bytes:
        self.items += 1
        return b"i%d" % self.items

    def _program(self) -> list[Words]:
        """What a client sends at once."""
        chance = self.chance
        kind = chance.random()
        if kind < 0.2:
            watch = (
                [[b"WATCH", *chance.sample((*LISTS, *SCORES, *STREAMS, NUMBER), 2)]] if chance.random() < 0.5 else []
            )
            between = [self._command()] if watch and chance.random() < 0.5 else []
            queued = [self._queueable() for _ in range(chance.randint(0, 4))]
            return [*watch, *between, [b"MULTI"], *queued, [chance.choice((b"EXEC", b"EXEC", b"EXEC", b"DISCARD"))]]
        return [self._command() for _ in range(chance.randint(1, 3))]

    def _command(self) -> Words:
        chance = self.chance
        kind = chance.random()
        if kind < 0.7:
            return self._queueable()
        if kind < 0.76:
            return [b"GET", NUMBER]
        if kind < 0.82:
            return [b"INCR", NUMBER]
        if kind < 0.92:
            names = [chance.choice(CHANNELS)]
            word = chance.choice((b"SUBSCRIBE", b"SUBSCRIBE", b"UNSUBSCRIBE", b"PSUBSCRIBE", b"PUNSUBSCRIBE"))
            return [word, *([b"*"] if word.startswith(b"P") else names)]
        if kind < 0.94:
            return [b"UNWATCH"]
        if kind < 0.955:
            pause = [b"PAUSE", b"%d" % (GRAIN * chance.randint(0, 6) + GRAIN // 2), chance.choice((b"ALL", b"WRITE"))]
            return [b"CLIENT", *(pause if chance.random() < 0.7 else [b"UNPAUSE"])]
        other = b"%d" % chance.choice(list(self.actors))
        if kind < 0.98:
            return [b"CLIENT", b"UNBLOCK", other, chance.choice((b"ERROR", b"TIMEOUT"))]
        return [b"CLIENT", b"KILL", b"ID", other]

    def _queueable(self) -> Words:
        chance = self.chance
        lists, scores = (*LISTS, MIXED), (*SCORES, MIXED)
        timeout = chance.choice((b"0", b"0.5", b"1", b"3"))
        match chance.randrange(18):
            case 0 | 1 | 2:
                items = [self._item() for _ in range(chance.randint(1, 3))]
                return [chance.choice((b"RPUSH", b"LPUSH")), chance.choice(lists), *items]
            case 3:
                return [chance.choice((b"LPOP", b"RPOP")), chance.choice(lists)]
            case 4 | 5:
                return [chance.choice((b"BLPOP", b"BRPOP")), *chance.sample(lists, chance.randint(1, 3)), timeout]
            case 6:
                ends = [chance.choice((b"LEFT", b"RIGHT")) for _ in range(2)]
                return [b"BLMOVE", chance.choice(lists), chance.choice(lists), *ends, timeout]
            case 7 | 8:
                return [b"ZADD", chance.choice(scores), b"%d" % chance.randint(1, 9), self._item()]
            case 9 | 10:
                keys = chance.sample(scores, chance.randint(1, 2))
                return [chance.choice((b"BZPOPMIN", b"BZPOPMAX")), *keys, timeout]
            case 11:
                keys = [chance.choice(lists) for _ in range(2)]
                return [b"EVAL", SCRIPT, b"2", *keys, *[self._item() for _ in range(chance.randint(0, 2))]]
            case 12:
                return [b"PUBLISH", chance.choice(CHANNELS), self._item()]
            case 13 | 14:
                return [b"XADD", chance.choice((*STREAMS, MIXED)), b"*", b"f", self._item()]
            case 15 | 16:
                return self._about_streams()
            case _:
                key = chance.choice((*LISTS, *SCORES, *STREAMS, MIXED))
                if chance.random() < 0.5:
                    return [b"DEL", key]
                return [b"PEXPIRE", key, b"%d" % (GRAIN * chance.randint(0, 8) + 100)]

    def _about_streams(self) -> Words:
        chance = self.chance
        key, group = chance.choice((*STREAMS, MIXED)), chance.choice(GROUPS)
        stream = self.model.values.get(key)
        known = [shown(id) for id in stream] if type(stream) is Stream else []
        id = chance.choice([*known, b"1-1"])
        block = [b"BLOCK", chance.choice((b"0", b"500", b"1000", b"3000"))] if chance.random() < 0.7 else []
        match chance.randrange(9):
            case 0:
                return [b"XDEL", key, id]
            case 1 | 2:
                return [b"XREAD", *block, b"STREAMS", key, chance.choice((b"$", b"$", b"0-0", id))]
            case 3:
                return [b"XGROUP", b"CREATE", key, group, chance.choice((b"$", b"0")), b"MKSTREAM"]
            case 4:
                if chance.random() < 0.3:
                    return [b"XGROUP", b"DESTROY", key, group]
                return [b"XPENDING", key, group]
            case 5:
                return [b"XACK", key, group, id]
            case _:
                return [b"XREADGROUP", b"GROUP", group, chance.choice(CONSUMERS), *block, b"STREAMS", key, b">"]

    # What must be.

    def _compare(self) -> None:
        server, model = self.server, self.model
        server.check()
        assert set(server.clients) == set(self.actors) == set(model.peers)
        for id, actor in self.actors.items():
            peer = model.peers[id]
            assert actor.late == [plain(reply) for reply in peer.replies], (id, actor.late, peer.replies)
            assert actor.heard == peer.pushes, (id, actor.heard, peer.pushes)
            actor.heard.clear()
            peer.pushes.clear()
            assert actor.blocked == (peer.wait is not None), (id, peer.wait)
            for key in actor.waits_for or ():
                assert not actor.wants(actor.db.peek(key)), f"{id} waits although {key!r} is ready"
        db = server.database(0)
        keys = list(db.keys())
        expected = {
            key: {shown(id).decode(): {b"f": item} for id, item in value.items()} if type(value) is Stream else value
            for key, value in model.values.items()
        }
        assert {key: as_python(db.peek(key)) for key in keys} == expected

    def _receive(self, actor: Actor, reply: Any) -> None:
        """Remember the items in a reply: `item` of LPOP, `[key, item]` and `[key, item, score]` of those that wait."""
        if actor.sent == b"EXEC":
            answered = list(zip(actor.queued, reply if type(reply) is list else ()))
        else:
            answered = [(actor.sent, reply)]
        for name, answer in answered:
            if name in TAKING:
                item = answer[1] if type(answer) is list else answer
                if isinstance(item, bytes) and item.startswith(b"i"):
                    self.received.append(item)

    def _receive_late(self, actor: Actor) -> None:
        for reply in actor.late:
            self._receive(actor, reply)

    def _count_items(self) -> None:
        """Each is in one place: with one client, in one key, or gone with its key."""
        for actor in self.actors.values():
            self._receive_late(actor)
        held = [item for value in self.model.values.values() for item in items_of(value)]
        places = Counter([*held, *self.model.destroyed, *self.received])
        expected = Counter(self.model.accepted)
        assert not expected - places, f"lost: {expected - places}"
        assert not places - expected, f"in two places: {places - expected}"

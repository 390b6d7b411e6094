"""A server as a few dicts and lists: every queue is searched from its front, nothing is remembered to save time.

Keys hold a list, a dict of scores, a stream or bytes.  Time is in milliseconds and only moves when it is told to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

__all__ = ["NOTHING", "Error", "Model", "Stream", "Words", "items_of"]

Words = list[bytes]
Id = tuple[int, int]

WRITES = frozenset(
    b"RPUSH LPUSH LPOP RPOP BLPOP BRPOP BLMOVE ZADD BZPOPMIN BZPOPMAX XADD XDEL XGROUP XREADGROUP XACK DEL PEXPIRE INCR EVAL"
    b" PUBLISH".split()
)
"""What CLIENT PAUSE WRITE holds back."""

NOTHING = object()
"""In the place of a reply that comes later, or never."""


class Error(Exception):
    """An error reply; compared by its first word."""


@dataclass
class Group:
    """A consumer group."""

    last: Id
    pending: dict[Id, bytes] = field(default_factory=dict)
    """Who has what was not acknowledged."""


class Stream(dict[Id, bytes]):
    """The item of each entry."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Id = (0, 0)
        self.groups: dict[bytes, Group] = {}

    def after(self, id: Id) -> list[Any]:
        return [[shown(each), [b"f", item]] for each, item in self.items() if each > id]


def shown(id: Id) -> bytes:
    return b"%d-%d" % id


def read_id(text: bytes) -> Id:
    ms, _, number = text.partition(b"-")
    return int(ms), int(number or 0)


def items_of(value: Any) -> Words:
    """What clients put into a key."""
    return [] if type(value) is bytes else list(value.values() if type(value) is Stream else value)


@dataclass
class Wait:
    """What one client waits for."""

    words: Words
    keys: Words
    wants: Callable[[Any], bool]
    """Whether the value of a key will do."""
    deadline: int | None
    number: int


def is_list(value: Any) -> bool:
    return type(value) is list


@dataclass
class Peer:
    """A client."""

    queue: list[Words] | None = None
    watching: set[bytes] = field(default_factory=set)
    broken: bool = False
    names: set[bytes] = field(default_factory=set)
    wait: Wait | None = None
    undo: Callable[[], None] | None = None
    replies: list[Any] = field(default_factory=list)
    """Those that came late."""
    pushes: list[list[Any]] = field(default_factory=list)


class Model:
    """`beginning` is the Unix time at which `now` is 0."""

    def __init__(self, beginning: int = 0) -> None:
        self.beginning = beginning
        self.now = 0
        self.paused_until = 0
        self.paused_all = False
        self.postponed: dict[int, Words] = {}
        """What waits for the end of a pause."""
        self.values: dict[bytes, Any] = {}
        self.expires: dict[bytes, int] = {}
        self.peers: dict[int, Peer] = {}
        self.queues: dict[bytes, list[int]] = {}
        self.ready: dict[bytes, None] = {}
        self.accepted: Words = []
        """The items that were pushed or added."""
        self.destroyed: Words = []
        """The items that went with their keys."""
        self.faults: dict[bytes, list[str]] = {}
        self.waits = 0

    # What happens.

    def call(self, id: int, words: Words) -> Any:
        peer = self.peers[id]
        if self.paused and (self.paused_all or self._writes(peer, words)):
            peer.wait = Wait(words, [], lambda value: False, None, 0)
            self.postponed[id] = words
            return NOTHING
        if peer.queue is not None and words[0] not in (b"EXEC", b"DISCARD", b"MULTI", b"WATCH"):
            peer.queue.append(words)
            return b"QUEUED"
        reply = self._answered(id, words)
        self._serve()
        return reply

    def connect(self, id: int) -> None:
        self.peers[id] = Peer()

    def cancel(self, id: int) -> None:
        peer = self.peers[id]
        if peer.wait is not None:
            self._stop_waiting(id)
        elif peer.undo is not None:
            peer.undo()
            peer.undo = None
            self._serve()

    def take(self, id: int) -> None:
        """The late reply has reached its user."""
        self.peers[id].undo = None

    def leave(self, id: int) -> None:
        self._stop_waiting(id)
        del self.peers[id]

    def advance(self, ms: int) -> None:
        """Time goes on, from one moment at which something happens by itself to the next."""
        end = self.now + ms
        while self.now < end:
            moments = [
                peer.wait.deadline for peer in self.peers.values() if peer.wait is not None and peer.wait.deadline
            ]
            if self.postponed:
                moments.append(self.paused_until)
            self.now = min([end, *moments])
            self._look_at_the_time()

    def _look_at_the_time(self) -> None:
        for key in [key for key, at in self.expires.items() if at < self.now]:
            self._destroy(key)
        if not self.paused:
            self._unpause()
        over = [
            (peer.wait.deadline, peer.wait.number, id)
            for id, peer in self.peers.items()
            if peer.wait is not None and peer.wait.deadline is not None and peer.wait.deadline <= self.now
        ]
        for _, _, id in sorted(over):
            self._stop_waiting(id)
            self.peers[id].replies.append(None)
        self._serve()

    # Pauses.

    @property
    def paused(self) -> bool:
        return self.now < self.paused_until

    def _writes(self, peer: Peer, words: Words) -> bool:
        return words[0] in WRITES or (words[0] == b"EXEC" and any(queued[0] in WRITES for queued in peer.queue or ()))

    def _unpause(self) -> None:
        self.paused_until, self.paused_all = 0, False
        for id, words in list(self.postponed.items()):
            if id in self.postponed:  # nobody killed it meanwhile
                self._stop_waiting(id)
                reply = self.call(id, words)
                if reply is not NOTHING:
                    self.peers[id].replies.append(reply)

    # Waiting.

    def _serve(self) -> None:
        while self.ready:
            ready, self.ready = self.ready, {}
            for key in ready:
                for id in list(self.queues.get(key, ())):
                    wait = self.peers[id].wait
                    if wait is not None and key in wait.keys and wait.wants(self.values.get(key)):
                        self._stop_waiting(id)
                        self.peers[id].undo = None
                        reply = self._answered(id, wait.words, wait)
                        if reply is not NOTHING:
                            self.peers[id].replies.append(reply)

    def _stop_waiting(self, id: int) -> None:
        self.peers[id].wait = None
        self.postponed.pop(id, None)
        for queue in self.queues.values():
            if id in queue:
                queue.remove(id)

    def _wait(
        self, id: int, words: Words, keys: Words, wants: Callable[[Any], bool], again: Wait | None, timeout: int = -1
    ) -> Any:
        if self._in_unit:
            return None
        self.waits += 1
        if timeout < 0:
            timeout = int(float(words[-1]) * 1000)
        deadline = again.deadline if again is not None else self.now + timeout if timeout else None
        number = again.number if again is not None else self.waits
        self.peers[id].wait = Wait(words, keys, wants, deadline, number)
        for key in keys:
            self.queues.setdefault(key, []).append(id)
        return NOTHING

    # Keys.

    _in_unit = False

    def _create(self, key: bytes, value: Any) -> Any:
        self.values[key] = value
        self._signal(key)
        return value

    def _signal(self, key: bytes) -> None:
        """Those who wait for the key have to look."""
        if self.queues.get(key):
            self.ready[key] = None

    def _get(self, key: bytes, kind: type) -> Any:
        value = self.values.get(key)
        if value is not None and type(value) is not kind:
            raise Error("WRONGTYPE")
        return value

    def _remove(self, key: bytes) -> None:
        del self.values[key]
        self.expires.pop(key, None)
        self._signal(key)  # who reads with a group hears that it is gone

    def _destroy(self, key: bytes) -> None:
        self.destroyed += items_of(self.values[key])
        self._remove(key)
        self._touch(key)

    def _touch(self, key: bytes) -> None:
        for peer in self.peers.values():
            if key in peer.watching:
                peer.broken = True

    def _push(self, key: bytes, items: Words, left: bool) -> int:
        values = self._get(key, list)
        if values is None:
            values = self._create(key, [])
        for item in items:
            values.insert(0 if left else len(values), item)
        self._touch(key)
        return len(values)

    def _pop(self, key: bytes, left: bool) -> bytes | None:
        values = self._get(key, list)
        if values is None:
            return None
        item: bytes = values.pop(0 if left else -1)
        self._touch(key)
        if not values:
            self._remove(key)
        return item

    def _add(self, key: bytes, score: float, member: bytes) -> int:
        scores = self._get(key, dict)
        if scores is None:
            scores = self._create(key, {})
        new = member not in scores
        scores[member] = score
        self._touch(key)
        return int(new)

    def _pop_score(self, key: bytes, highest: bool) -> list[Any] | None:
        scores = self._get(key, dict)
        if scores is None:
            return None
        score, member = (max if highest else min)((score, member) for member, score in scores.items())
        del scores[member]
        self._touch(key)
        if not scores:
            self._remove(key)
        return [member, score]

    # Commands.

    def _answered(self, id: int, words: Words, again: Wait | None = None) -> Any:
        try:
            return self._run(id, words, again)
        except Error as error:
            return error

    def _run(self, id: int, words: Words, again: Wait | None = None) -> Any:
        name, *arguments = words
        if again is None and self.faults.get(name):
            raise Error(self.faults[name].pop(0))
        return getattr(self, f"_do_{name.decode().lower()}")(id, words, arguments, again)

    def _do_rpush(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        length = self._push(arguments[0], arguments[1:], left=words[0] == b"LPUSH")
        self.accepted += arguments[1:]
        return length

    _do_lpush = _do_rpush

    def _do_lpop(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        return self._pop(arguments[0], left=words[0] == b"LPOP")

    _do_rpop = _do_lpop

    def _do_blpop(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        left = words[0] == b"BLPOP"
        keys = arguments[:-1]
        for key in keys:
            item = self._pop(key, left)
            if item is not None:
                if again is not None:
                    self.peers[id].undo = partial(self._put_back, key, item, left)
                return [key, item]
        return self._wait(id, words, keys, is_list, again)

    _do_brpop = _do_blpop

    def _put_back(self, key: bytes, item: bytes, left: bool) -> None:
        if type(self.values.get(key, [])) is list:
            self._push(key, [item], left)
        else:
            self.destroyed.append(item)

    def _do_blmove(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        source, target, wherefrom, whereto, _ = arguments
        from_left, to_left = wherefrom == b"LEFT", whereto == b"LEFT"
        if self._get(source, list) is None:
            return self._wait(id, words, [source], is_list, again)
        self._get(target, list)
        item = self.values[source][0 if from_left else -1]
        if source == target:  # it never becomes empty
            self.values[source].remove(item)
            self.values[source].insert(0 if to_left else len(self.values[source]), item)
            self._touch(source)
        else:
            self._pop(source, from_left)
            self._push(target, [item], to_left)
        if again is not None:
            self.peers[id].undo = partial(self._move_back, source, target, from_left, to_left, item)
        return item

    def _move_back(self, source: bytes, target: bytes, from_left: bool, to_left: bool, item: bytes) -> None:
        values = self.values.get(target)
        if type(values) is list and values[0 if to_left else -1] == item:
            self._pop(target, to_left)
            self._put_back(source, item, from_left)

    def _do_zadd(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        key, score, member = arguments
        new = self._add(key, float(score), member)
        self.accepted.append(member)
        return new

    def _do_bzpopmin(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        keys = arguments[:-1]
        for key in keys:
            found = self._pop_score(key, highest=words[0] == b"BZPOPMAX")
            if found is not None:
                if again is not None:
                    self.peers[id].undo = partial(self._put_score_back, key, *found)
                return [key, *found]
        return self._wait(id, words, keys, lambda value: type(value) is dict, again)

    def _put_score_back(self, key: bytes, member: bytes, score: float) -> None:
        if type(self.values.get(key, {})) is dict:
            self._add(key, score, member)
        else:
            self.destroyed.append(member)

    _do_bzpopmax = _do_bzpopmin

    def _do_xadd(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        key, _, _, item = arguments
        stream = self._get(key, Stream)
        if stream is None:
            stream = self._create(key, Stream())
        ms, number = stream.last
        now = self.beginning + self.now
        stream.last = (now, 0) if now > ms else (ms, number + 1)
        stream[stream.last] = item
        self.accepted.append(item)
        self._touch(key)
        self._signal(key)
        return shown(stream.last)

    def _do_xdel(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        key, entry = arguments
        stream = self._get(key, Stream)
        if stream is None or read_id(entry) not in stream:
            return 0
        self.destroyed.append(stream.pop(read_id(entry)))
        self._touch(key)
        return 1

    def _do_xread(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        *options, _, key, after = arguments
        stream = self._get(key, Stream)
        last = read_id(after) if after != b"$" else stream.last if stream is not None else (0, 0)
        if stream is not None and stream.after(last):
            return [[key, stream.after(last)]]
        if not options:
            return None
        words = [*words[:-1], shown(last)]
        return self._wait(
            id, words, [key], lambda value: type(value) is Stream and value.after(last) != [], again, int(options[1])
        )

    def _do_xreadgroup(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        _, name, consumer, *options, _, key, _ = arguments
        stream = self._get(key, Stream)
        if stream is None or name not in stream.groups:
            raise Error("NOGROUP")
        group = stream.groups[name]
        entries = stream.after(group.last)
        if entries:
            group.pending |= {each: consumer for each in stream if each > group.last}
            group.last = max(stream)
            self._signal(key)
            return [[key, entries]]
        if not options:
            return None

        def wants(value: Any) -> bool:
            return type(value) is not Stream or name not in value.groups or value.after(value.groups[name].last) != []

        return self._wait(id, words, [key], wants, again, int(options[1]))

    def _do_xgroup(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        subcommand, key, name = arguments[:3]
        stream = self._get(key, Stream)
        if subcommand == b"DESTROY":
            if stream is None:
                raise Error("ERR")
            self._signal(key)
            return int(stream.groups.pop(name, None) is not None)
        if stream is not None and name in stream.groups:
            raise Error("BUSYGROUP")
        if stream is None:
            stream = self._create(key, Stream())
            self._touch(key)
        stream.groups[name] = Group(stream.last if arguments[3] == b"$" else (0, 0))
        return b"OK"

    def _do_xack(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        key, name, entry = arguments
        stream = self._get(key, Stream)
        group = stream.groups.get(name) if stream is not None else None
        return int(group is not None and group.pending.pop(read_id(entry), None) is not None)

    def _do_xpending(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        key, name = arguments
        stream = self._get(key, Stream)
        if stream is None or name not in stream.groups:
            raise Error("NOGROUP")
        pending = stream.groups[name].pending
        if not pending:
            return [0, None, None, None]
        counts = Counter(pending.values())
        each = [[consumer, b"%d" % counts[consumer]] for consumer in sorted(counts)]
        return [len(pending), shown(min(pending)), shown(max(pending)), each]

    def _do_del(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        found = [key for key in arguments if key in self.values]
        for key in found:
            self._destroy(key)
        return len(found)

    def _do_pexpire(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        key, ms = arguments
        if key not in self.values:
            return 0
        self.expires[key] = self.now + int(ms)
        self._touch(key)
        return 1

    def _do_incr(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        number = int(self._get(arguments[0], bytes) or b"0") + 1
        self.values[arguments[0]] = b"%d" % number
        self._touch(arguments[0])
        return number

    def _do_get(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        return self._get(arguments[0], bytes)

    def _do_eval(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        """The scripts of `world.py` push to one key and pop from another."""
        _, _, pushed, popped, *items = arguments
        for item in items:
            self._push(pushed, [item], left=False)
            self.accepted.append(item)
        return self._pop(popped, left=True)

    def _do_multi(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        if self.peers[id].queue is not None:
            raise Error("ERR")
        self.peers[id].queue = []
        return b"OK"

    def _do_exec(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        peer = self.peers[id]
        queue, broken = peer.queue, peer.broken
        if queue is None:
            raise Error("ERR")
        self._do_discard(id, words, arguments, again)
        if broken:
            return None
        self._in_unit = True
        try:
            return [self._answered(id, queued) for queued in queue]
        finally:
            self._in_unit = False

    def _do_discard(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        if self.peers[id].queue is None:
            raise Error("ERR")
        self.peers[id].queue = None
        return self._do_unwatch(id, words, arguments, again)

    def _do_watch(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        if self.peers[id].queue is not None:
            raise Error("ERR")
        self.peers[id].watching.update(arguments)
        return b"OK"

    def _do_unwatch(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        self.peers[id].watching.clear()
        self.peers[id].broken = False
        return b"OK"

    def _do_subscribe(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        peer = self.peers[id]
        for name in arguments:
            peer.names.add(name)
            peer.pushes.append([words[0].lower(), name, len(peer.names)])
        return NOTHING

    _do_psubscribe = _do_subscribe

    def _do_unsubscribe(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        peer = self.peers[id]
        for name in arguments:
            peer.names.discard(name)
            peer.pushes.append([words[0].lower(), name, len(peer.names)])
        return NOTHING

    _do_punsubscribe = _do_unsubscribe

    def _do_publish(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        channel, message = arguments
        hearers = list(self._hearers(channel, message))
        for peer, push in hearers:
            peer.pushes.append(push)
        return len(hearers)

    def _hearers(self, channel: bytes, message: bytes) -> Iterator[tuple[Peer, list[Any]]]:
        """The only pattern is `*`."""
        for peer in self.peers.values():
            if channel in peer.names:
                yield peer, [b"message", channel, message]
            if b"*" in peer.names:
                yield peer, [b"pmessage", b"*", channel, message]

    def _do_client(self, id: int, words: Words, arguments: Words, again: Wait | None) -> Any:
        if arguments[0] == b"PAUSE":
            self.paused_until = max(self.paused_until, self.now + int(arguments[1]))
            self.paused_all = self.paused_all or arguments[2] == b"ALL"
            return b"OK"
        if arguments[0] == b"UNPAUSE":
            self._unpause()
            return b"OK"
        other = int(arguments[-1]) if arguments[0] == b"KILL" else int(arguments[1])
        if other not in self.peers or (arguments[0] == b"KILL" and other == id):
            return 0
        if arguments[0] == b"KILL":
            self.leave(other)
            return 1
        if self.peers[other].wait is None or other in self.postponed:
            return 0
        self._stop_waiting(other)
        self.peers[other].replies.append(Error("UNBLOCKED") if arguments[2] == b"ERROR" else None)
        return 1

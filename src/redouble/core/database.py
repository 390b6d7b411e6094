"""One database: keys, values and expiry, and the only doors to them.

Nobody outside this module touches `dict` or `expires`: every read passes a `lookup`, where lazy expiry lives, and every
change ends in `modified`, where WATCH, blocked clients and keyspace events hang, behind one test when nobody listens.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, KeysView
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from redouble.core import notify
from redouble.core.accesses import Accesses
from redouble.core.blocking import Queue
from redouble.core.errors import WRONGTYPE, CommandError
from redouble.core.memory import Account, size_of
from redouble.types.hash import Hash
from redouble.types.list import List
from redouble.types.module_value import ModuleValue
from redouble.types.scan_order import ScanOrder
from redouble.types.set import Set
from redouble.types.sorted_set import SortedSet
from redouble.types.stream import Stream

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.server import Server

__all__ = ["Database", "Follower", "Listener", "type_name"]

Value: TypeAlias = Any
Heap: TypeAlias = list[tuple[int, bytes]]
Keys: TypeAlias = list[bytes]
Keyed: TypeAlias = list[tuple[bytes, Any]]
Contents: TypeAlias = tuple[dict[bytes, Any], dict[bytes, int], dict[bytes, int]]
"""Values, times to live and volatile hashes, by key."""
V = TypeVar("V")
M = TypeVar("M", bound=ModuleValue)
C = TypeVar("C", Hash, List, Set, SortedSet, Stream)


class Follower(Protocol):
    """What a module keeps about the keys of a database."""

    def added(self, key: bytes, value: Value) -> None:
        """`key` has got this value."""


class Listener(Protocol):
    """What a module keeps about the keys of all databases: it hears of every keyspace event, whoever else does."""

    def happened(self, db: Database, event: bytes, key: bytes) -> None:
        """What else would be published."""

    def loaded(self, db: Database, key: bytes) -> None:
        """`key` was read from a file."""

    def cleared(self, db: Database) -> None:
        """All keys of a database are gone."""


def type_name(value: Value) -> bytes:
    """What TYPE answers."""
    return b"string" if isinstance(value, (bytes, bytearray)) else value.type_name


class Database:
    """`redisDb`: bytes keys; a value is `bytes` (or `bytearray`, once it was changed in place) or a class of `types/`."""

    __slots__ = (
        "_heap",
        "_order",
        "accesses",
        "account",
        "blocked",
        "dict",
        "expires",
        "follower",
        "hits",
        "hooks",
        "index",
        "misses",
        "server",
        "shared",
        "volatile",
        "watched",
    )

    def __init__(self, server: Server, index: int) -> None:
        self.server = server
        self.index = index
        self.dict: dict[bytes, Value] = {}
        self.expires: dict[bytes, int] = {}
        """Unix time in milliseconds at which a key goes."""
        self.volatile: dict[bytes, int] = {}
        """The hashes of which fields go (Dragonfly: and sets of which members do), with the time at which the first may."""
        self._heap: Heap = []
        self._order: ScanOrder | None = None
        self.blocked: dict[bytes, Queue] = {}
        self.watched: dict[bytes, dict[Client, None]] = {}
        self.hooks = False
        self.hits = self.misses = 0
        self.accesses: Accesses | None = None
        """When each key was last used; see `track_accesses`."""
        self.shared = server.shared
        """The `id` of each value that a snapshot holds, too; see `own`."""
        self.account: Account | None = None
        """What the keys take, while there is a limit."""
        self.follower: Follower | None = None

    # Reading.

    def lookup(self, key: bytes) -> Value | None:
        """The value of `key` for a command that reads it; counted as a hit or a miss."""
        value = self.dict.get(key)
        if value is None or (self.expires and self.expire_if_due(key)):
            self.misses += 1
            if self.hooks:
                self.server.notify(self, b"keymiss", key, notify.KEY_MISS)
            return None
        self.hits += 1
        return value

    def inspect(self, key: bytes) -> Value | None:
        """`lookup` by a command that looks at a key without using it (EXISTS, TYPE, TTL)."""
        if key in self.volatile:
            self.remove_due_fields(key)
        return Database.lookup(self, key)

    def examine(self, key: bytes) -> Value | None:
        """`inspect` by OBJECT, which tells nobody of a key that is not there."""
        value = self.dict.get(key)
        if value is None or (self.expires and self.expire_if_due(key)):
            self.misses += 1
            return None
        self.hits += 1
        return value

    def peek(self, key: bytes) -> Value | None:
        """The value of `key` for the server itself or for a command that writes it; not counted."""
        value = self.dict.get(key)
        if value is None or (self.expires and self.expire_if_due(key)):
            return None
        return value

    def string(self, key: bytes) -> bytes | bytearray | None:
        value = self.lookup(key)
        if type(value) is bytes or value is None or isinstance(value, (bytes, bytearray)):
            return value
        raise CommandError(WRONGTYPE)

    def list(self, key: bytes) -> List | None:
        return _typed(self.lookup(key), List)

    def hash(self, key: bytes) -> Hash | None:
        if key in self.volatile:
            self.remove_due_fields(key)
        return _typed(self.lookup(key), Hash)

    def set(self, key: bytes) -> Set | None:
        if key in self.volatile:
            self.remove_due_fields(key)
        return _typed(self.lookup(key), Set)

    def sorted_set(self, key: bytes) -> SortedSet | None:
        return _typed(self.lookup(key), SortedSet)

    def stream(self, key: bytes) -> Stream | None:
        """Commands that read also change a stream: what a group has read, and what is pending."""
        value = _typed(self.lookup(key), Stream)
        return self.own(key, value) if self.shared else value

    def module_value(self, key: bytes, kind: type[M]) -> M | None:
        """A value of a module's type, which may be changed: most modules open their keys for reading only."""
        value = _typed(self.lookup(key), kind)
        return self.own(key, value) if self.shared else value

    def open_for_write(self, key: bytes, kind: type[M]) -> M | None:
        """A value of a module's type for a command that may change it: who watches the key is told, whatever comes of it."""
        self.touch(key)  # moduleCloseKey
        return self.for_write(key, kind)

    def for_write(self, key: bytes, kind: type[V]) -> V | None:
        """The value of `key` for a command that changes it."""
        value = self.dict.get(key)
        if type(value) is kind and key not in self.expires and not (self.volatile or self.shared):
            return value  # as most are: x0.6
        if key in self.volatile:
            self.remove_due_fields(key)
        value = self.peek(key)
        if value is None or type(value) is kind:
            return self.own(key, value) if self.shared else value
        raise CommandError(WRONGTYPE)

    def for_adding(self, key: bytes, kind: type[C]) -> C:
        """`for_write`, for a command that makes a collection where there is none."""
        value = self.for_write(key, kind)
        return self.add(key, kind(self.server.limits)) if value is None else value

    def hash_for_write(self, key: bytes) -> Hash | None:
        return self.for_write(key, Hash)

    def string_for_write(self, key: bytes) -> bytes | bytearray | None:
        value = self.peek(key)
        if type(value) is bytes or value is None or isinstance(value, (bytes, bytearray)):
            return self.own(key, value) if self.shared else value
        raise CommandError(WRONGTYPE)

    def own(self, key: bytes, value: Value) -> Value:
        """The value of `key` as one that may be changed: a copy takes its place if a snapshot holds it."""
        if id(value) in self.shared:
            value = self.dict[key] = value.copy()
        return value

    # Writing.  The caller ends with `modified` (or `shrunk`), which says what happened.

    def add(self, key: bytes, value: V) -> V:
        """Give a key that does not exist its value."""
        self.dict[key] = value
        if self._order is not None:
            self._order.add(key)
        if self.hooks:
            if key in self.blocked and type(value) is not bytes:
                self.server.blocking.ready[self, key] = None
            if self.account is not None:
                self.account.changed.add(key)
            if self.follower is not None:
                self.follower.added(key, value)
            self.server.notify(self, b"new", key, notify.NEW)
        return value

    def load(self, key: bytes, value: Value, expires_at: int | None = None) -> None:
        """Put a key in its place that comes from a file; nobody is told."""
        if self._order is not None and key not in self.dict:
            self._order.add(key)
        self.dict[key] = value
        self.expires.pop(key, None)
        self.volatile.pop(key, None)
        if expires_at is not None:
            self.set_expiry(key, expires_at)
        if self.account is not None:
            self.account.changed.add(key)
        if isinstance(value, (Hash, Set)) and key in self.dict:
            self.follow_fields(key, value)
        if self.follower is not None:
            self.follower.added(key, value)
        if self.server.listener is not None:
            self.server.listener.loaded(self, key)

    def put(self, key: bytes, value: Value, *, keep_ttl: bool = False) -> None:
        """Give `key` this value, whether it existed or not; its time to live goes unless kept.

        Who waits for `key` is served only if there was none, as on the real server (setKey); but a reader of a
        consumer group learns that its stream is gone.
        """
        old = None
        if self.hooks:
            old = self.peek(key)
            if old is not None:
                self.overwritten(key, old, value)
        if self.volatile:
            self.volatile.pop(key, None)
        if key in self.dict:
            self.dict[key] = value
            if not keep_ttl and self.expires:
                self.expires.pop(key, None)
            if type(old) is Stream:
                self.signal_ready(key)
        else:
            self.add(key, value)

    def replace(self, key: bytes, value: Value) -> None:
        """Put another representation of the same value in its place."""
        self.dict[key] = value

    def delete(self, key: bytes, event: bytes = b"del", kind: int = notify.GENERIC) -> bool:
        """Remove `key` and say so; False if it was not there."""
        if self.peek(key) is None:
            return False
        self._remove(key)
        self.modified(key, event, kind)
        return True

    def take(self, key: bytes) -> Value:
        """Remove an existing `key`, whose value goes elsewhere (RENAME, MOVE); the caller says what happened."""
        value = self.dict[key]
        self._remove(key)
        return value

    def delete_as_past(self, key: bytes) -> None:
        """Remove `key`, which was just told to go at a time that has passed."""
        if self.server.dialect.past_is_expired:
            self.delete(key, b"expired", notify.EXPIRED)
        else:
            self.delete(key)

    def _remove(self, key: bytes) -> None:
        del self.dict[key]
        if self.expires:
            self.expires.pop(key, None)
        if self.volatile:
            self.volatile.pop(key, None)
        if self._order is not None:
            self._order.remove(key)
        if self.blocked:
            self.signal_ready(key)  # a reader of a consumer group does not wait for a key that is gone

    def modified(self, key: bytes, event: bytes, kind: int, *, by_itself: bool = False) -> None:
        """Tell who listens that `key` changed: the one door for every change (signalModifiedKey, notifyKeyspaceEvent).

        `by_itself`: because its time had come.
        """
        self.server.dirty += 1
        if self.hooks:
            self.touch(key, by_itself=by_itself)
            if self.account is not None:
                self.account.changed.add(key)
            self.server.notify(self, event, key, kind)
        if by_itself and self.server.effects is not None:
            self.server.effects.changed_by_itself(self, key)

    def modified_unwatched(self, key: bytes, event: bytes, kind: int) -> None:
        """`modified` by a command that breaks no transaction: XGROUP and XSETID do not call signalModifiedKey."""
        self.server.dirty += 1
        self.notify(key, event, kind)

    def shrunk(self, key: bytes, value: Any, event: bytes, kind: int, *, by_itself: bool = False) -> None:
        """`modified`, after which the key goes if nothing is left of its value."""
        self.modified(key, event, kind, by_itself=by_itself)
        if not value:
            self.delete(key)

    def overwritten(self, key: bytes, old: Value, value: Value) -> None:
        """`key` now has another value than `old`, and perhaps one of another type."""
        if self.hooks:
            self.server.notify(self, b"overwritten", key, notify.OVERWRITTEN)
            if type_name(old) != type_name(value):
                self.server.notify(self, b"type_changed", key, notify.TYPE_CHANGED)

    def notify(self, key: bytes, event: bytes, kind: int) -> None:
        """One more event of a change that `modified` tells about."""
        if self.hooks:
            self.server.notify(self, event, key, kind)

    def touch(self, key: bytes, *, by_itself: bool = False) -> None:
        """Tell those who watch `key`, or track it (signalModifiedKey)."""
        self._break_watches(key)
        if self.server.tracking.watches:
            self.server.tracking.changed(key, by_itself)

    def _break_watches(self, key: bytes) -> None:
        """The transactions of those who watch `key` will fail."""
        for client in self.watched.get(key, ()):
            client.watch_broken = True

    def signal_ready(self, key: bytes) -> None:
        """`key`, which existed before, has something for those who wait for it."""
        if key in self.blocked:
            self.server.blocking.ready[self, key] = None

    # Expiry.

    def expire_if_due(self, key: bytes) -> bool:
        """Remove `key` if its time has come."""
        at = self.expires.get(key)
        if at is None or (self.server.unit_ms or self.server.now_ms()) <= at or self.server.loading:
            return False
        self._remove(key)
        self.server.expired_keys += 1
        self.modified(key, b"expired", notify.EXPIRED, by_itself=True)
        return True

    def expires_at(self, key: bytes) -> int | None:
        """Unix time in milliseconds at which an existing `key` goes; None: never."""
        return self.expires.get(key)

    def set_expiry(self, key: bytes, at_ms: int) -> None:
        """Let an existing `key` go at this Unix time in milliseconds."""
        if not self.expires and not self.volatile:
            self._heap.clear()
        self.expires[key] = at_ms
        self._schedule(key, at_ms)

    def follow_fields(self, key: bytes, fields: Hash | Set) -> None:
        """When fields of the hash (members of the set) in `key` go may have changed, or it is new."""
        if not fields.soonest:
            if not self.server.dialect.hashes_stay_volatile or self.volatile.get(key, 0) < self.server.now_ms():
                self.volatile.pop(key, None)
        elif self.volatile.get(key) != fields.soonest:
            self.volatile[key] = fields.soonest
            self._schedule(key, fields.soonest)

    @property
    def volatile_hashes(self) -> int:
        """How many hashes INFO says to have fields that go."""
        if self.server.dialect.hashes_stay_volatile:
            return len(self.volatile)
        return sum(bool(self.dict[key].soonest) for key in self.volatile)

    def remove_due_fields(self, key: bytes) -> None:
        """Remove the fields of a volatile hash (the members of a set) whose time has come."""
        if self.server.loading:
            return
        fields = self.own(key, self.dict[key])
        if fields.remove_due(self.server.now_ms()):
            kind = notify.EXPIRED if self.server.dialect.field_expiry_is_an_expired_event else notify.HASH
            event, kind = (b"hexpired", kind) if type(fields) is Hash else (b"srem", notify.SET)
            self.shrunk(key, fields, event, kind, by_itself=True)
        if fields:
            self.follow_fields(key, fields)

    def _schedule(self, key: bytes, at_ms: int) -> None:
        heap, server = self._heap, self.server
        heapq.heappush(heap, (at_ms, key))
        if len(heap) > 2 * (len(self.expires) + len(self.volatile)) + 64:  # most entries are stale: start again
            heap[:] = [(at, key) for times in (self.expires, self.volatile) for key, at in times.items()]
            heapq.heapify(heap)
        if (
            heap[0][0] < (server.unit_ms or server.now_ms())
            and server.active_expire
            and not server.notify_flags & notify.EXPIRED  # who listens hears of it after the command, from `tick`
        ):
            self.expire_due(limit=20)
        server.wake_drivers()

    def persist(self, key: bytes) -> bool:
        """Let `key` stay for ever; False if it would anyway."""
        return self.expires.pop(key, None) is not None

    def next_expiry(self) -> int | None:
        """When the next key goes, in Unix milliseconds."""
        heap = self._heap
        while heap:
            at, key = heap[0]
            if self.expires.get(key) == at or self.volatile.get(key) == at:
                return at
            heapq.heappop(heap)
        return None

    def expire_due(self, limit: int | None = None) -> None:
        """Remove the keys and fields whose time has come, `limit` keys at most."""
        now = self.server.now_ms()
        while limit != 0 and (at := self.next_expiry()) is not None and at < now:
            key = heapq.heappop(self._heap)[1]
            if not self.expire_if_due(key) and self.volatile.get(key) == at:
                self.remove_due_fields(key)
            if limit is not None:
                limit -= 1

    # The keyspace as a whole.

    def __len__(self) -> int:
        if self.server.active_expire:
            self.expire_due()
        return len(self.dict)

    def keys(self) -> Iterator[bytes]:
        """The keys at this moment, without those whose time has come."""
        self.expire_due()
        return iter(list(self.dict))

    def items(self) -> Keyed:
        """The keys at this moment with their values, without those whose time has come."""
        self.expire_due()
        return list(self.dict.items())

    def scan(self, cursor: int, count: int) -> tuple[int, Keys]:
        """One step through the keys: the next cursor and up to `count` keys; see `ScanOrder.scan` for what is promised."""
        self.expire_due()
        return self._scan_order().scan(cursor, count)

    def measure(self) -> int:
        """What the keys and values take, in bytes; without an account the average of some of them counts for all."""
        if self.account is not None:
            return self.account.settle(self.dict)
        some = [size_of(key, value) for key, value in itertools.islice(self.dict.items(), 100)]
        return sum(some) * len(self) // len(some) if some else 0

    def evictable(self, volatile: bool) -> KeysView[bytes]:
        """The keys that an eviction policy may remove: all of them, or those with a time to live."""
        return (self.expires if volatile else self.dict).keys()

    def sizes(self) -> Iterator[tuple[bytes, int]]:
        """The type of each value and how many elements (of a string: bytes) it has."""
        self.expire_due()
        for value in self.dict.values():
            if not isinstance(value, ModuleValue):
                yield type_name(value), len(value)

    def random_key(self) -> bytes | None:
        self.expire_due()
        return self._scan_order().choice(self.server.random) if self.dict else None

    def _scan_order(self) -> ScanOrder:
        if self._order is None:
            self._order = ScanOrder(self.dict)
        return self._order

    def clear(self) -> int:
        """Remove every key (FLUSHDB); returns how many there were."""
        removed = len(self.dict)
        for key in self.watched:
            if key in self.dict:
                self._break_watches(key)
        for key in self.blocked:
            if key in self.dict:
                self.signal_ready(key)
        self.dict = {}
        self.expires = {}
        self.volatile = {}
        self._heap = []
        self._order = None
        if self.account is not None:
            self.account = Account()
        self.follow_with(None)
        if self.server.listener is not None:
            self.server.listener.cleared(self)
        return removed

    def swap(self, other: Database) -> None:
        """Exchange the contents with `other`; who waits or watches stays (SWAPDB)."""
        for db in (self, other):
            for key in db.watched:
                if key in self.dict or key in other.dict:
                    db._break_watches(key)
        for name in ("dict", "expires", "volatile", "_heap", "_order", "accesses", "account", "follower", "__class__"):
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, theirs)
            setattr(other, name, mine)
        for db in (self, other):
            db.listeners_changed()
            for key in db.blocked:
                db.signal_ready(key)

    # Idle times and frequencies.

    def track_accesses(self, since_ms: int) -> Accesses:
        """From now on remember when each key is used; those that exist count as used at `since_ms`.

        Nothing is remembered, and a lookup costs nothing more, until somebody asks (OBJECT IDLETIME), a maxmemory
        policy needs it or a manual clock moves: then this database becomes a `TrackedDatabase`.
        """
        if self.accesses is None:
            self.accesses = Accesses(since_ms)
            self.__class__ = TrackedDatabase
        return self.accesses

    def check(self) -> None:
        """Raise AssertionError if something contradicts itself."""
        assert self.expires.keys() <= self.dict.keys()
        assert self.volatile.keys() <= self.dict.keys()
        for value in self.dict.values():
            if not isinstance(value, (bytes, bytearray)):
                value.check()

    # Snapshots.

    def share(self) -> None:
        """From now on values are copied before they change: somebody holds them as they are."""
        self.expire_due()
        self.shared.update(id(value) for value in self.dict.values() if type(value) is not bytes)

    def contents(self) -> Contents:
        """Everything at this moment, for a snapshot; what can be changed is shared with it from now on."""
        self.share()
        return self.dict.copy(), self.expires.copy(), self.volatile.copy()

    def reinstate(self, contents: Contents) -> None:
        """Hold again what was there when a snapshot was made; as of FLUSHDB, who watches a key that changes learns it."""
        keys, expires, volatile = contents
        for key in self.watched:
            if self.dict.get(key) is not keys.get(key):
                self._break_watches(key)
        for key in self.blocked:
            self.signal_ready(key)
        self.dict, self.expires, self.volatile = keys.copy(), expires.copy(), volatile.copy()
        self.shared.update(id(value) for value in keys.values() if type(value) is not bytes)
        self._heap = [(at, key) for times in (expires, volatile) for key, at in times.items()]
        heapq.heapify(self._heap)
        self._order = None
        if self.accesses is not None:
            self.accesses = Accesses(self.server.now_ms())
        if self.account is not None:
            self.account = Account()
            self.account.changed.update(self.dict)
        self.follow_with(None)

    # Who listens.

    def wait(self, client: Client, key: bytes) -> None:
        queue = self.blocked.get(key)
        if queue is None:
            queue = self.blocked[key] = Queue()
        queue.join(client)
        self.hooks = True

    def stop_waiting(self, client: Client, key: bytes) -> None:
        queue = self.blocked.get(key)
        if queue is not None:
            queue.leave(client)
            if not queue.clients:
                del self.blocked[key]
        self.listeners_changed()

    def watch(self, client: Client, key: bytes) -> None:
        self.peek(key)  # a key whose time has come is watched as one that is not there
        self.watched.setdefault(key, {})[client] = None
        self.hooks = True

    def unwatch(self, client: Client, key: bytes) -> None:
        watchers = self.watched.get(key)
        if watchers is not None:
            watchers.pop(client, None)
            if not watchers:
                del self.watched[key]
        self.listeners_changed()

    def listeners_changed(self) -> None:
        server = self.server
        self.hooks = bool(
            self.blocked
            or self.watched
            or server.notify_flags
            or self.account is not None
            or self.follower is not None
            or server.listener is not None
            or server.tracking.watches
        )

    def follow_with(self, follower: Follower | None) -> None:
        """From now on `follower`, who knows all keys, hears of each key that gets a value, by whatever door; None: nobody."""
        if follower is not self.follower:
            self.follower = follower
            self.listeners_changed()

    def keep_account(self, wanted: bool) -> None:
        """From now on know what the keys take, or no longer."""
        if wanted != (self.account is not None):
            self.account = Account() if wanted else None
            if self.account is not None:
                self.account.changed.update(self.dict)
            self.listeners_changed()


class TrackedDatabase(Database):
    """A database that remembers when its keys are used."""

    __slots__ = ()
    accesses: Accesses

    def lookup(self, key: bytes) -> Value | None:
        value = Database.lookup(self, key)
        if value is not None:
            self.accesses.use(key, self.server)
        return value

    def peek(self, key: bytes) -> Value | None:
        value = Database.peek(self, key)
        if value is not None:
            self.accesses.use(key, self.server)
        return value

    def add(self, key: bytes, value: V) -> V:
        self.accesses.begin(key, self.server)
        return Database.add(self, key, value)

    def put(self, key: bytes, value: Value, *, keep_ttl: bool = False) -> None:
        if key in self.dict:
            self.accesses.use(key, self.server)
        Database.put(self, key, value, keep_ttl=keep_ttl)

    def _remove(self, key: bytes) -> None:
        self.accesses.forget(key)
        Database._remove(self, key)

    def modified(self, key: bytes, event: bytes, kind: int, *, by_itself: bool = False) -> None:
        if self.server.only_changes_are_uses and key in self.dict:
            self.accesses.change(key, self.server)
        Database.modified(self, key, event, kind, by_itself=by_itself)

    def clear(self) -> int:
        self.accesses = Accesses(self.server.now_ms())
        return Database.clear(self)


def _typed(value: Value | None, kind: type[V]) -> V | None:
    if value is None or type(value) is kind:
        return value
    raise CommandError(WRONGTYPE)

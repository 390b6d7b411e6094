"""Streams: entries in order of their ids, and the consumer groups that read them.

An id, `ms-seq` on the wire, is one integer here: `ms << 64 | seq`, so that ids compare, hash and count by themselves.
Entries stand in blocks that are only appended to, cut where a real server begins another listpack: XTRIM with `~`
takes whole blocks, and XINFO STREAM counts them.  What is before the first block of an id is found by bisection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from copy import copy
from itertools import pairwise, repeat
from typing import ClassVar, NamedTuple

from redouble.types.id_order import IdOrder
from redouble.types.limits import DEFAULT_LIMITS, Limits
from redouble.types.listpack_size import LISTPACK_OVERHEAD, entry_size, integer_entry_size

__all__ = ["MAX_ID", "Consumer", "Entry", "Group", "Pending", "Stream", "id_text"]

SEQUENCE_BITS = 64
SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1
MAX_ID = (1 << 128) - 1
MOST_BLOCK_BYTES = 1 << 30


class Entry(NamedTuple):
    """An id, and its fields and values in turns."""

    id: int
    fields: list[bytes]


def id_text(id: int) -> bytes:
    """`ms-seq`."""
    return b"%d-%d" % (id >> SEQUENCE_BITS, id & SEQUENCE_MASK)


class Block:
    """Some entries in succession: one listpack of the real server, of which the size is kept, and what was deleted."""

    __slots__ = ("deleted", "fields", "ids", "master", "master_fields", "size")

    def __init__(self, id: int, fields: list[bytes]) -> None:
        self.master = id
        """The id that the others are written relative to; it stays when its entry goes."""
        self.master_fields = fields[::2]
        self.ids: list[int] = []
        self.fields: list[list[bytes]] = []
        self.deleted: list[Entry] = []
        """Entries that went and still stand in the listpack, with a mark."""
        self.size = (
            LISTPACK_OVERHEAD
            + integer_entry_size(len(self.master_fields))
            + sum(map(entry_size, self.master_fields))
            + integer_entry_size(0)
        )

    def total(self) -> int:
        return self.size + integer_entry_size(len(self.ids)) + integer_entry_size(len(self.deleted))

    def append(self, id: int, fields: list[bytes]) -> None:
        names = fields[::2]
        same = names == self.master_fields
        ms, sequence = self.distance(id)
        elements = len(names) + 3 if same else 2 * len(names) + 4
        size = (
            integer_entry_size(2 if same else 0)
            + integer_entry_size(ms)
            + integer_entry_size(sequence)
            + sum(map(entry_size, fields[1::2]))
            + integer_entry_size(elements)
        )
        if not same:
            size += integer_entry_size(len(names)) + sum(map(entry_size, names))
        self.size += size
        self.ids.append(id)
        self.fields.append(fields)

    def distance(self, id: int) -> tuple[int, int]:
        """Both halves of an id as they are written, relative to the master's."""
        return (
            _signed((id >> SEQUENCE_BITS) - (self.master >> SEQUENCE_BITS)),
            _signed((id & SEQUENCE_MASK) - (self.master & SEQUENCE_MASK)),
        )

    def written(self) -> list[tuple[Entry, bool]]:
        """The entries in the listpack, each with whether it is still there."""
        entries = list(zip(self.deleted, repeat(False)))
        entries += zip(map(Entry, self.ids, self.fields), repeat(True))
        return sorted(entries, key=lambda found: found[0].id) if self.deleted else entries

    def delete(self, place: int) -> None:
        """Mark one entry as deleted."""
        self.deleted.append(Entry(self.ids.pop(place), self.fields.pop(place)))

    def delete_first(self, count: int, kept: list[int]) -> None:
        """Mark the first entries as deleted, but not those at the places that are kept."""
        going = sorted(set(range(count)).difference(kept))
        self.deleted += [Entry(self.ids[place], self.fields[place]) for place in going]
        self.ids = [self.ids[place] for place in kept] + self.ids[count:]
        self.fields = [self.fields[place] for place in kept] + self.fields[count:]

    def copy(self) -> Block:
        twin = copy(self)
        twin.ids, twin.fields, twin.deleted = self.ids.copy(), self.fields.copy(), self.deleted.copy()
        return twin


def _choose(ids: list[int], most: int, stays: Callable[[int], bool]) -> tuple[list[int], int]:
    """Which places stay of those that are looked at until `most` ids go, and how many are looked at."""
    kept: list[int] = []
    for place, id in enumerate(ids):
        if place - len(kept) == most:
            return kept, place
        if stays(id):
            kept.append(place)
    return kept, len(ids)


def _signed(number: int) -> int:
    """A difference as a 64-bit integer."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


class Pending:
    """What one consumer was given and did not acknowledge."""

    __slots__ = ("consumer", "count", "order", "time")

    def __init__(self, consumer: Consumer, time: int, count: int) -> None:
        self.consumer = consumer
        self.time = time
        """When it was last delivered, in Unix milliseconds."""
        self.count = count
        """How often it was delivered."""
        self.order = 0
        """Which of the deliveries of one moment came first."""

    @property
    def moment(self) -> int:
        """Grows with each delivery."""
        return self.time << 64 | self.order


class Consumer:
    """One reader of a group."""

    __slots__ = ("active_time", "name", "pending", "seen_time")

    def __init__(self, name: bytes, now: int) -> None:
        self.name = name
        self.seen_time = now
        self.active_time: int | None = None
        """When it last got or claimed something."""
        self.pending: IdOrder[Pending] = IdOrder()


class Group:
    """A consumer group: where its reading stands, its consumers, and the list of what is pending (PEL)."""

    __slots__ = ("_by_time", "_deliveries", "consumers", "entries_read", "last_id", "pending")

    def __init__(self, last_id: int, entries_read: int | None) -> None:
        self.last_id = last_id
        self.entries_read = entries_read
        """How many entries were read, logically; None if nobody knows."""
        self.pending: IdOrder[Pending] = IdOrder()
        self.consumers: dict[bytes, Consumer] = {}
        self._deliveries = 0
        self._by_time: IdOrder[int] | None = None
        """The ids of what is pending in the order of delivery, once somebody asks for that."""

    def longest_pending(self) -> Iterator[tuple[int, Pending]]:
        """What is pending, that first which was delivered first.  Nothing may change meanwhile."""
        if self._by_time is None:
            self._by_time = IdOrder()
            for moment, id in sorted((pending.moment, id) for id, pending in self.pending.items()):
                self._by_time.set(moment, id)
        for moment, id in self._by_time.items():
            pending = self.pending.get(id)
            assert pending is not None
            assert pending.moment == moment
            yield id, pending

    def set_time(self, id: int, pending: Pending, time: int) -> None:
        """`pending` counts as delivered at `time`."""
        if self._by_time is not None:
            self._by_time.remove(pending.moment)
        self._deliveries += 1
        pending.time, pending.order = time, self._deliveries
        if self._by_time is not None:
            self._by_time.set(pending.moment, id)

    def deliver(self, id: int, consumer: Consumer, time: int, count: int = 1) -> Pending:
        """`id` is from now on pending at `consumer`, whoever had it before."""
        pending = self.pending.get(id)
        if pending is None:
            pending = Pending(consumer, time, count)
            self.pending.set(id, pending)
            consumer.pending.set(id, pending)
        else:
            self.hand_over(id, pending, consumer)
            pending.count = count
        self.set_time(id, pending, time)
        return pending

    def hand_over(self, id: int, pending: Pending, consumer: Consumer) -> None:
        if pending.consumer is not consumer:
            pending.consumer.pending.remove(id)
            pending.consumer = consumer
            consumer.pending.set(id, pending)

    def acknowledge(self, id: int) -> bool:
        """XACK: whether `id` was pending."""
        pending = self._forget(id)
        if pending is None:
            return False
        pending.consumer.pending.remove(id)
        return True

    def _forget(self, id: int) -> Pending | None:
        pending = self.pending.remove(id)
        if pending is not None and self._by_time is not None:
            self._by_time.remove(pending.moment)
        return pending

    def remove_consumer(self, name: bytes) -> int:
        """XGROUP DELCONSUMER: how much was pending there."""
        consumer = self.consumers.pop(name)
        for id in consumer.pending:
            self._forget(id)
        return len(consumer.pending)

    def copy(self) -> Group:
        twin = Group(self.last_id, self.entries_read)
        for name, consumer in self.consumers.items():
            other = twin.consumers[name] = Consumer(name, consumer.seen_time)
            other.active_time = consumer.active_time
        for id, pending in self.pending.items():
            twin.deliver(id, twin.consumers[pending.consumer.name], pending.time, pending.count)
        return twin

    def check(self) -> None:
        self.pending.check()
        found = {}
        for name, consumer in self.consumers.items():
            assert consumer.name == name
            consumer.pending.check()
            for id, pending in consumer.pending.items():
                assert pending.consumer is consumer
                assert id not in found
                found[id] = pending
        assert found == dict(self.pending.items())
        if self._by_time is not None:
            self._by_time.check()
            assert dict(self._by_time.items()) == {pending.moment: id for id, pending in found.items()}


class Producers:
    """Idempotent production: which entry each producer's recent ids led to, so that a repeated XADD adds nothing."""

    __slots__ = ("added", "duplicates", "duration", "ids", "maxsize")

    def __init__(self, duration: int, maxsize: int) -> None:
        self.duration = duration
        """How many seconds an id is remembered."""
        self.maxsize = maxsize
        """How many ids of one producer are."""
        self.ids: dict[bytes, dict[bytes, tuple[int, int]]] = {}
        """Of each producer, the oldest first: its id to the entry's id and when it was added."""
        self.added = self.duplicates = 0

    def find(self, producer: bytes, own_id: bytes, now: int) -> int | None:
        """The entry that `own_id` led to.  A producer who asks is known from then on."""
        self.expire(now)
        known = self.ids.setdefault(producer, {}).get(own_id)
        return None if known is None else known[0]

    def remember(self, producer: bytes, own_id: bytes, id: int, now: int) -> None:
        ids = self.ids.setdefault(producer, {})
        if len(ids) >= self.maxsize:
            del ids[next(iter(ids))]
        ids[own_id] = id, now
        self.added += 1

    def expire(self, now: int) -> None:
        """Forget what is too old.  O(number of producers) and what goes."""
        oldest = now // 1000 - self.duration  # whole seconds count
        for producer, ids in list(self.ids.items()):
            while ids and next(iter(ids.values()))[1] // 1000 < oldest:
                del ids[next(iter(ids))]
                if not ids:
                    del self.ids[producer]

    def configure(self, duration: int, maxsize: int) -> None:
        """XCFGSET: other values than before forget everything."""
        if (duration, maxsize) != (self.duration, self.maxsize):
            self.duration, self.maxsize = duration, maxsize
            self.ids.clear()

    def count(self) -> int:
        return sum(map(len, self.ids.values()))

    def copy(self) -> Producers:
        twin = Producers(self.duration, self.maxsize)
        twin.ids = {producer: ids.copy() for producer, ids in self.ids.items()}
        twin.added, twin.duplicates = self.added, self.duplicates
        return twin


class Stream:
    """Entries by id.  `append` and finding an id are O(log n), what a range yields is O(its length)."""

    __slots__ = (
        "_blocks",
        "_length",
        "_masters",
        "_radix_nodes",
        "entries_added",
        "groups",
        "last_id",
        "limits",
        "max_deleted_id",
        "producers",
    )

    type_name: ClassVar[bytes] = b"stream"

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._blocks: list[Block] = []
        self._masters: list[int] = []
        self._radix_nodes: int | None = None  # counted when somebody asks, and then known until a block comes or goes
        self._length = 0
        self.last_id = 0
        """The greatest id that was ever given, or what XSETID made of it."""
        self.entries_added = 0
        self.max_deleted_id = 0
        self.groups: dict[bytes, Group] = {}
        self.producers = Producers(limits.stream_idmp_duration, limits.stream_idmp_maxsize)

    def encoding(self) -> bytes:
        return b"stream"

    def __len__(self) -> int:
        return self._length

    def __bool__(self) -> bool:
        """A stream without entries is still there."""
        return True

    def __iter__(self) -> Iterator[tuple[bytes, ...]]:
        """The fields and values of each entry, for an estimate of their size."""
        return (tuple(fields) for block in self._blocks for fields in block.fields)

    @property
    def first_id(self) -> int:
        """The id of the first entry; 0 if there is none."""
        return self._blocks[0].ids[0] if self._blocks else 0

    @property
    def top_id(self) -> int:
        """The id of the last entry; 0 if there is none."""
        return self._blocks[-1].ids[-1] if self._blocks else 0

    @property
    def blocks(self) -> int:
        return len(self._blocks)

    def radix_nodes(self) -> int:
        """How many nodes the real server's radix tree of blocks has: each branch, each run of bytes without one, each end."""
        if self._radix_nodes is None:
            self._radix_nodes = self._count_radix_nodes()
        return self._radix_nodes

    def _count_radix_nodes(self) -> int:
        keys = [master.to_bytes(16, "big") for master in self._masters]

        def nodes(low: int, high: int, depth: int) -> int:
            if depth == 16:
                return 1
            first, last = keys[low], keys[high - 1]
            common = depth
            while common < 16 and first[common] == last[common]:
                common += 1
            if common > depth:
                return 1 + nodes(low, high, common)
            total, start = 1, low
            for at in range(low + 1, high + 1):
                if at == high or keys[at][depth] != keys[start][depth]:
                    total += nodes(start, at, depth + 1)
                    start = at
            return total

        return nodes(0, len(keys), 0) if keys else 1

    # ---- reading

    def _at(self, id: int) -> int:
        """The index of the block that holds `id` if any does; 0 if it is before all."""
        return max(bisect_right(self._masters, id) - 1, 0)

    def find(self, id: int) -> list[bytes] | None:
        """The fields of an entry."""
        if self._blocks:
            block = self._blocks[self._at(id)]
            at = bisect_left(block.ids, id)
            if at < len(block.ids) and block.ids[at] == id:
                return block.fields[at]
        return None

    def __contains__(self, id: int) -> bool:
        return self.find(id) is not None

    def range(self, start: int, end: int, count: int | None = None) -> list[Entry]:
        """The entries of [start, end], `count` of them at most."""
        found: list[Entry] = []
        for at in range(self._at(start), len(self._blocks)):
            block = self._blocks[at]
            if block.master > end:
                break
            ids = block.ids
            low = bisect_left(ids, start) if ids[0] < start else 0
            high = bisect_right(ids, end) if ids[-1] > end else len(ids)
            if count is not None:
                high = min(high, low + count - len(found))
            found += map(Entry, ids[low:high], block.fields[low:high])
            if len(found) == count:
                break
        return found

    def reverse_range(self, start: int, end: int, count: int | None = None) -> list[Entry]:
        """The entries of [start, end] from the last to the first, `count` of them at most."""
        found: list[Entry] = []
        for at in range(self._at(end), -1, -1) if self._blocks else ():
            block = self._blocks[at]
            ids = block.ids
            if ids[-1] < start:
                break
            low, high = bisect_left(ids, start), bisect_right(ids, end)
            if count is not None:
                low = max(low, high - (count - len(found)))
            found += map(Entry, reversed(ids[low:high]), reversed(block.fields[low:high]))
            if len(found) == count:
                break
        return found

    # ---- changing

    def append(self, id: int, fields: list[bytes]) -> None:
        """XADD of an id that is greater than `last_id`."""
        block = self._blocks[-1] if self._blocks else None
        if block is None or self._is_full(block, fields):
            block = Block(id, fields)
            self._blocks.append(block)
            self._masters.append(id)
            self._radix_nodes = None
        block.append(id, fields)
        self._length += 1
        self.entries_added += 1
        self.last_id = id

    def _is_full(self, block: Block, fields: list[bytes]) -> bool:
        limits = self.limits
        most_bytes = min(limits.stream_node_max_bytes or MOST_BLOCK_BYTES, MOST_BLOCK_BYTES)
        if limits.stream_no_limit_is_zero and not limits.stream_node_max_bytes:
            return True
        if block.total() + sum(map(len, fields)) >= most_bytes:
            return True
        most = limits.stream_node_max_entries
        deleted = len(block.deleted) if limits.stream_deleted_entries_count else 0
        return bool(most) and len(block.ids) + deleted >= most

    def delete(self, id: int) -> bool:
        """XDEL: whether the entry was there."""
        if not self._remove(id):
            return False
        self.max_deleted_id = max(self.max_deleted_id, id)
        return True

    def _remove(self, id: int) -> bool:
        if not self._blocks:
            return False
        at = self._at(id)
        block = self._blocks[at]
        place = bisect_left(block.ids, id)
        if place == len(block.ids) or block.ids[place] != id:
            return False
        if len(block.ids) == 1:
            del self._blocks[at], self._masters[at]
            self._radix_nodes = None
        else:
            block.delete(place)
        self._length -= 1
        return True

    def trim(
        self,
        *,
        maxlen: int | None = None,
        minid: int = 0,
        whole_blocks: bool = False,
        limit: int = 0,
        stays: Callable[[int], bool] | None = None,
    ) -> int:
        """Remove the first entries until `maxlen` are left, or those below `minid`: how many went.

        `whole_blocks` (`~`) keeps a block of which something has to stay; `limit` is how many may go, in whole blocks.
        `stays` is asked about each entry that is about to go, and may keep it; then a later one goes instead.
        """
        removed = at = 0
        while at < len(self._blocks):
            block = self._blocks[at]
            count = len(block.ids)
            if maxlen is not None and self._length <= maxlen:
                break
            if limit and removed + count > limit:
                break
            doomed = bisect_left(block.ids, minid) if maxlen is None else min(self._length - maxlen, count)
            whole = doomed == count
            if not whole and whole_blocks:
                break
            kept: list[int] = []
            if stays is not None:
                last = doomed if maxlen is None else count
                kept, doomed = _choose(block.ids[:last], doomed, stays)
                whole = whole and doomed == count
            going = doomed - len(kept)
            if going == count:
                del self._blocks[at], self._masters[at]
                self._radix_nodes = None
            else:
                if going:
                    block.delete_first(doomed, kept)
                at += 1
            self._length -= going
            removed += going
            if not whole:
                break
        return removed

    # ---- groups

    def refers_to(self, id: int) -> bool:
        """Whether some group has still to read `id`, or has it pending."""
        return any(id > group.last_id or id in group.pending for group in self.groups.values())

    def forget(self, id: int) -> None:
        """Take `id` out of every group's pending entries."""
        for group in self.groups.values():
            group.acknowledge(id)

    def has_tombstone_from(self, start: int) -> bool:
        """Whether an entry at or behind `start` may have been deleted (streamRangeHasTombstones)."""
        if not self._length or not self.max_deleted_id or self.first_id > self.max_deleted_id:
            return False
        return start <= self.max_deleted_id

    def entries_up_to(self, id: int) -> int | None:
        """How many entries were ever added up to `id`; None if that is unknown (streamEstimateDistanceFromFirstEverEntry)."""
        if not self.entries_added:
            return 0
        if (not self._length and id <= self.last_id) or id == self.last_id:
            return self.entries_added
        if id > self.last_id:
            return None
        if not self.max_deleted_id or self.max_deleted_id < self.first_id:
            if id < self.first_id:
                return self.entries_added - self._length
            if id == self.first_id:
                return self.entries_added - self._length + 1
        return None

    def written(self) -> Iterator[Block]:
        """The blocks, for DUMP; nobody but this class changes them."""
        return iter(self._blocks)

    @classmethod
    def of_blocks(cls, blocks: list[Block], limits: Limits = DEFAULT_LIMITS) -> Stream:
        """A stream from blocks in order, none of them without an entry (RESTORE)."""
        made = cls(limits)
        made._blocks = blocks
        made._masters = [block.master for block in blocks]
        made._length = sum(len(block.ids) for block in blocks)
        return made

    def copy(self) -> Stream:
        """COPY.  O(n)."""
        twin = Stream(self.limits)
        twin._blocks = [block.copy() for block in self._blocks]
        twin._masters = self._masters.copy()
        twin._length = self._length
        twin.last_id, twin.entries_added, twin.max_deleted_id = self.last_id, self.entries_added, self.max_deleted_id
        twin.producers = self.producers.copy()
        twin.groups = {name: group.copy() for name, group in self.groups.items()}
        return twin

    def check(self) -> None:
        assert [block.master for block in self._blocks] == self._masters
        assert self._radix_nodes in (None, self._count_radix_nodes())
        ids = [id for block in self._blocks for id in block.ids]
        assert len(ids) == self._length
        assert all(low < high for low, high in pairwise(ids))
        for at, block in enumerate(self._blocks):
            assert block.ids
            assert len(block.ids) == len(block.fields)
            assert block.master <= block.ids[0]
            assert at + 1 == len(self._blocks) or block.ids[-1] < self._masters[at + 1]
        for group in self.groups.values():
            group.check()

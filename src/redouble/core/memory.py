"""How much memory keys and values take: an estimate from their sizes, of the order of what a real server needs.

It does not count what Python takes for them.  Tests of programs that read MEMORY USAGE or `used_memory` want numbers
that grow with the data and are the same on every machine.

While there is a limit (maxmemory), each database keeps an `Account`; else what all the data takes is only estimated when
somebody asks.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from redouble.core.command import words_of
from redouble.types.module_value import ModuleValue

if TYPE_CHECKING:
    from redouble.core.server import Server
    from redouble.resp.reply import Reply

__all__ = ["BASE", "SAMPLES", "Account", "code_memory", "human", "size_of", "statistics", "used_memory"]

SAMPLES: Final = 5
"""How many elements of a value MEMORY USAGE looks at if it is not told."""
KEY: Final = 24
"""Of an entry in the dictionary of a database."""
VALUE: Final = 16
"""Of the object that holds a value."""
ELEMENT: Final = 11
"""Of one element of a collection, beside its bytes."""
BASE: Final = 900_000
"""Of a server without data and with one client: 709 KB (Redis 8.0) to 985 KB (7.4)."""
EXACT: Final = 64
"""Up to so many elements a collection is measured again at each change; a larger one when a sixteenth may have changed."""


def size_of(key: bytes, value: Any, samples: int = SAMPLES) -> int:
    """A key and its value in bytes; `samples` elements of a collection are looked at, 0: all."""
    if isinstance(value, ModuleValue):
        return KEY + _allocated(len(key) + (2 if len(key) < 32 else 4 if len(key) < 256 else 6)) + value.memory_usage()
    return _rounded(KEY + len(key) + 1) + _rounded(VALUE + _payload(value, samples))


def _allocated(size: int) -> int:
    """What jemalloc gives for a size: 8, then multiples of 16, from 128 on four sizes to the next power of two."""
    if size <= 8:
        return 8
    unit = max(16, 1 << (size - 1).bit_length() - 3)
    return -(-size // unit) * unit


def _payload(value: Any, samples: int) -> int:
    if isinstance(value, (bytes, bytearray)):
        return len(value) + 3
    count = len(value)
    elements = value.items() if hasattr(value, "items") else value
    looked_at = list(itertools.islice(elements, samples or None))
    if not looked_at:
        return 0
    return count * sum(map(_element, looked_at)) // len(looked_at)


def _element(element: Any) -> int:
    if isinstance(element, (bytes, bytearray)):
        return ELEMENT + len(element)
    if isinstance(element, tuple):
        return sum(map(_element, element))
    return ELEMENT + 8


def _rounded(size: int) -> int:
    return (size + 7) // 8 * 8


class Account:
    """What the keys of one database take.  Those in `changed` are measured again when somebody asks."""

    __slots__ = ("_large", "_sizes", "_total", "changed")

    def __init__(self) -> None:
        self.changed: set[bytes] = set()
        self._sizes: dict[bytes, int] = {}
        self._total = 0
        self._large: dict[bytes, tuple[int, int, int]] = {}
        """Of each large collection: its size and length when it was measured, and how often it has changed since."""

    def settle(self, values: Mapping[bytes, Any]) -> int:
        """The total in bytes, now that the database holds `values`."""
        if not self.changed:
            return self._total
        for key in self.changed:
            value = values.get(key)
            self._total -= self._sizes.pop(key, 0)
            if value is None:
                self._large.pop(key, None)
            else:
                self._sizes[key] = size = self._measure(key, value)
                self._total += size
        self.changed.clear()
        return self._total

    def _measure(self, key: bytes, value: Any) -> int:
        if isinstance(value, (bytes, bytearray, ModuleValue)) or len(value) <= EXACT:
            self._large.pop(key, None)
            return size_of(key, value, 0)
        length = len(value)
        if key in self._large:
            size, measured, changes = self._large[key]
            if 16 * max(changes + 1, abs(length - measured)) <= measured:
                self._large[key] = size, measured, changes + 1
                return size * length // measured
        size = size_of(key, value, 0)
        self._large[key] = size, length, 0
        return size


def used_memory(server: Server) -> int:
    """What the server takes: a base, its scripts and functions, and its data."""
    used = BASE + code_memory(server)
    for db in server.databases.values():
        used += db.measure()
    return used


def code_memory(server: Server) -> int:
    """What scripts and functions take: the bytes of their sources."""
    scripts, libraries = server.scripting, server.functions
    return (0 if scripts is None else scripts.size) + (0 if libraries is None else libraries.size)


_STATISTICS: Final = """\
peak.allocated total.allocated startup.allocated replication.backlog replica.fullsync.buffer@8.0.0
replicas.repl.buffer@valkey=9.0.0 clients.slaves clients.normal cluster.links@7.0.0 cluster.slot_import@valkey=9.0.0
cluster.slot_export@valkey=9.0.0 aof.buffer lua.caches functions.caches@7.0.0 script.VMs@8.0.0 db
overhead.db.hashtable.lut@7.4.0,valkey=8.0.0 overhead.db.hashtable.rehashing@7.4.0,valkey=8.0.0 overhead.total
db.dict.rehashing.count@7.4.0,valkey=8.0.0 keys.count keys.bytes-per-key dataset.bytes dataset.percentage peak.percentage
allocator.allocated allocator.active allocator.resident allocator.muzzy@7.4.0,valkey=8.0.0 allocator-fragmentation.ratio
allocator-fragmentation.bytes allocator-rss.ratio allocator-rss.bytes rss-overhead.ratio rss-overhead.bytes fragmentation
fragmentation.bytes
"""
"""The fields of MEMORY STATS; in the place of `db` stands one for each database that has keys."""
_OF_DATABASE: Final = (
    "overhead.hashtable.main overhead.hashtable.expires overhead.hashtable.slot-to-keys@7.0.0..7.4.0,valkey=8.0.0"
)


def statistics(server: Server) -> dict[bytes, Reply]:
    """MEMORY STATS: what the data takes; an allocator of its own, buffers and replicas there are not."""
    used = used_memory(server)
    server.peak_memory = max(server.peak_memory, used)
    keys = sum(map(len, server.databases.values()))
    known: dict[str, Reply] = {
        "peak.allocated": server.peak_memory,
        **dict.fromkeys(("total.allocated", "allocator.allocated", "allocator.active", "allocator.resident"), used),
        "startup.allocated": BASE,
        "overhead.total": BASE,
        "keys.count": keys,
        "keys.bytes-per-key": (used - BASE) // keys if keys else 0,
        "dataset.bytes": used - BASE,
        "dataset.percentage": 100.0 if used > BASE else 0.0,
        "peak.percentage": 100 * used / server.peak_memory,
        **dict.fromkeys(("allocator-fragmentation.ratio", "allocator-rss.ratio", "rss-overhead.ratio"), 1.0),
        "fragmentation": 1.0,
    }
    found: dict[bytes, Reply] = {}
    for name in words_of(_STATISTICS, server.dialect):
        if name == "db":
            for index, db in sorted(server.databases.items()):
                if len(db) or server.dialect.memory_stats_tell_empty_databases:
                    sizes = {
                        "overhead.hashtable.main": KEY * len(db),
                        "overhead.hashtable.expires": KEY * len(db.expires),
                    }
                    fields = words_of(_OF_DATABASE, server.dialect)
                    found[b"db.%d" % index] = {field.encode(): sizes.get(field, 0) for field in fields}
        else:
            found[name.encode()] = known.get(name, 0)
    return found


def human(size: int) -> str:
    """`1.50M`, as INFO prints sizes (bytesToHuman)."""
    if size < 1024:
        return f"{size}B"
    for power, unit in enumerate("KMGTP", 1):
        if size < 1024 ** (power + 1):
            return f"{size / 1024**power:.2f}{unit}"
    return f"{size}B"

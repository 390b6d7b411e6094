"""redouble.dbm beside the other dbm-like modules that are installed: CPU time of each operation, and the ratio to semidbm.

The stores take turns, some operations each, so that a slow moment hits them all; each time another one is the first, who finds
the keys and values of the turn in no cache of the processor.  `python -m bench.dbm 1000000` is for other numbers of keys, and
writes nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redouble.dbm
from bench.result import Result, alone, compared
from redouble.dbm import system

SIZES = {100_000: 3, 1_000_000: 1}
"""Keys, and rounds with so many."""
VALUE = 100
TURN = 10_000
"""Operations until it is another store's turn."""
HOT = 100
BATCH = 1000

PHASES = {
    "fill": "new keys",
    "sequential": "all keys in the order in which they came",
    "random": "all keys in any order",
    "hot": f"{HOT} keys, again and again",
    "overwrite": "all keys, in any order",
    "batch": f"all keys again, {BATCH} in a batch, if it has batches",
    "compact": "the space of all that was overwritten, for each key",
    "close": "for each key",
    "load": "open, and know all keys; for each key",
    "delete": "in any order",
}


class Store:
    """Opened like a dbm module of the standard library; what is otherwise is in the classes below."""

    most = 1_000_000_000
    """Operations of a phase that do not take too long."""
    slow: dict[str, int] = {}
    """The same for single phases."""
    db: Any

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, flag: str) -> None:
        raise NotImplementedError

    def put(self, items: list[tuple[bytes, bytes]]) -> None:
        db = self.db
        for key, value in items:
            db[key] = value

    fill = batch = put

    def batches(self, items: list[tuple[bytes, bytes]]) -> None:
        for at in range(0, len(items), BATCH):
            self.batch(items[at : at + BATCH])

    def get(self, keys: list[bytes]) -> None:
        db = self.db
        for key in keys:
            db[key]

    def delete(self, keys: list[bytes]) -> None:
        db = self.db
        for key in keys:
            del db[key]

    def load(self) -> None:
        self.open("w")
        self.db.keys()

    def compact(self) -> None:
        self.db.reorganize()

    def close(self) -> None:
        self.db.close()


class Redouble(Store):
    options: dict[str, Any] = {}

    def open(self, flag: str) -> None:
        self.db = redouble.dbm.open(self.path, flag, **self.options)

    def load(self) -> None:
        self.open("w")
        len(self.db)

    def batch(self, items: list[tuple[bytes, bytes]]) -> None:
        with self.db.batch() as batch:
            batch.update(items)


class Unverified(Redouble):
    options = {"verify_checksums": False}


class Cached(Redouble):
    options = {"cache": 1 << 20}


class Written(Redouble):
    options = {"mapped": False}


class Semidbm(Store):
    def open(self, flag: str) -> None:
        self.db = importlib.import_module("semidbm").open(str(self.path), flag)

    load = Store.load

    def compact(self) -> None:
        self.db.compact()


class Dumb(Store):
    most = 100_000
    slow = {"delete": 5}

    def open(self, flag: str) -> None:
        self.db = importlib.import_module("dbm.dumb").open(str(self.path), flag)

    def compact(self) -> None:
        raise NotImplementedError


class Gdbm(Store):
    def open(self, flag: str) -> None:
        self.db = importlib.import_module("dbm.gnu").open(str(self.path), flag)

    def load(self) -> None:
        self.open("w")  # it has no index in memory


class Sqlite(Store):
    """The table and the settings of dbm.sqlite3, which is in the standard library from Python 3.13 on."""

    most = 100_000
    slow = {"fill": 500, "overwrite": 500, "delete": 500}

    def open(self, flag: str) -> None:
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = wal")
        self.db.execute("CREATE TABLE IF NOT EXISTS Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)")

    def put(self, items: list[tuple[bytes, bytes]]) -> None:
        for item in items:
            self.db.execute("REPLACE INTO Dict (key, value) VALUES (?, ?)", item)

    fill = put

    def batch(self, items: list[tuple[bytes, bytes]]) -> None:
        self.db.execute("BEGIN")
        self.db.executemany("REPLACE INTO Dict (key, value) VALUES (?, ?)", items)
        self.db.execute("COMMIT")

    def get(self, keys: list[bytes]) -> None:
        for key in keys:
            self.db.execute("SELECT value FROM Dict WHERE key = ?", (key,)).fetchone()

    def delete(self, keys: list[bytes]) -> None:
        for key in keys:
            self.db.execute("DELETE FROM Dict WHERE key = ?", (key,))

    def load(self) -> None:
        self.open("w")

    def compact(self) -> None:
        self.db.execute("VACUUM")


class Lmdb(Store):
    """A transaction for each operation, as the others have it, and no sync until one is asked for."""

    def open(self, flag: str) -> None:
        lmdb = importlib.import_module("lmdb")
        self.db = lmdb.open(str(self.path), map_size=4 << 30, sync=False, metasync=False)

    def put(self, items: list[tuple[bytes, bytes]]) -> None:
        for key, value in items:
            with self.db.begin(write=True) as transaction:
                transaction.put(key, value)

    fill = put

    def batch(self, items: list[tuple[bytes, bytes]]) -> None:
        with self.db.begin(write=True) as transaction:
            for key, value in items:
                transaction.put(key, value)

    def get(self, keys: list[bytes]) -> None:
        for key in keys:
            with self.db.begin() as transaction:
                transaction.get(key)

    def delete(self, keys: list[bytes]) -> None:
        for key in keys:
            with self.db.begin(write=True) as transaction:
                transaction.delete(key)

    def load(self) -> None:
        self.open("w")

    def compact(self) -> None:
        other = f"{self.path}.compact"
        os.makedirs(other)
        self.db.copy(other, compact=True)

    def close(self) -> None:
        self.db.sync(True)
        self.db.close()


STORES: dict[str, type[Store]] = {
    "redouble": Redouble,
    "unverified": Unverified,
    "cache": Cached,
    "not mapped": Written,
    "semidbm": Semidbm,
    "dbm.dumb": Dumb,
    "gdbm": Gdbm,
    "sqlite3": Sqlite,
    "lmdb": Lmdb,
}
MODULES = {"semidbm": "semidbm", "gdbm": "dbm.gnu", "lmdb": "lmdb"}

Costs = dict[tuple[str, str], list[float]]
"""Store and phase: seconds of CPU for one key, of each round."""


def installed() -> dict[str, type[Store]]:
    stores = dict(STORES)
    for name, module in MODULES.items():
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
            continue
        print(f"{name} is not installed here")
        del stores[name]
    return stores


def one_round(count: int, costs: Costs) -> None:
    chance = random.Random(count)
    keys = [b"key:%012d" % number for number in range(count)]
    values = [chance.randbytes(VALUE) for _ in range(1000)]
    items = list(zip(keys, values * (count // 1000)))
    shuffled = chance.sample(items, count)
    with tempfile.TemporaryDirectory() as folder:
        stores = {name: kind(Path(folder) / name) for name, kind in installed().items()}
        for store in stores.values():
            store.open("c")

        def timed(phase: str, name: str, action: Callable[[], object], operations: int) -> None:
            start = time.process_time()
            action()
            spent.setdefault((name, phase), []).append((time.process_time() - start, operations))

        def in_turns(phase: str, method: str, arguments: list[Any]) -> None:
            for at in range(0, count, TURN):
                part, first = arguments[at : at + TURN], at // TURN % len(stores)
                for name, store in (list(stores.items()) * 2)[first : first + len(stores)]:
                    most = store.slow.get(phase, store.most)
                    if at < most:
                        some = part[: max(most - at, 0)]
                        timed(phase, name, lambda some=some, store=store: getattr(store, method)(some), len(some))
                    if phase == "fill" and at + TURN > most:
                        store.batch(part[max(most - at, 0) :])  # not timed: the others want all keys to be there

        def once(phase: str) -> None:
            for name, store in stores.items():
                with contextlib.suppress(NotImplementedError):
                    timed(phase, name, getattr(store, phase), count)

        spent: dict[tuple[str, str], list[tuple[float, int]]] = {}
        in_turns("fill", "fill", items)
        in_turns("sequential", "get", keys)
        in_turns("random", "get", [key for key, _ in shuffled])
        in_turns("hot", "get", chance.choices(keys[:HOT], k=count))
        in_turns("overwrite", "put", shuffled)
        in_turns("batch", "batches", items)
        once("compact")
        once("close")
        once("load")
        in_turns("delete", "delete", [key for key, _ in shuffled])
        for store in stores.values():
            store.close()
    for place, parts in spent.items():
        seconds, operations = map(sum, zip(*parts))
        costs.setdefault(place, []).append(seconds / operations)


def one_read(count: int) -> Iterator[Result]:
    """What it takes to open a database for one read."""
    read = 0
    real = system._read_some

    def counted(fd: int, length: int, offset: int) -> bytes:
        nonlocal read
        data: bytes = real(fd, length, offset)
        read += len(data)
        return data

    key, value = b"key:%012d", bytes(VALUE)
    milliseconds = {}
    what = "opening it for one read"
    with tempfile.TemporaryDirectory() as folder:
        stores = [kind(Path(folder) / name) for name, kind in installed().items() if name in ("redouble", "semidbm")]
        for store in stores:
            store.open("c")
            store.put([(key % number, value) for number in range(count)])
            store.close()
            start = time.process_time()
            store.open("r")
            assert store.db[key % (count // 2)] == value
            milliseconds[type(store).__name__.lower()] = [(time.process_time() - start) * 1000]
            store.close()
        system._read_some = counted
        try:
            with redouble.dbm.open(stores[0].path) as db:
                assert db[key % (count // 2)] == value
                size = db.size
        finally:
            system._read_some = real
        read += (stores[0].path / "MANIFEST").stat().st_size
    if "semidbm" in milliseconds:
        yield compared(title(count), what, "ms of CPU", *milliseconds.items())
    yield compared(title(count), what, "bytes", ("redouble", [read]), ("all of it", [size]))


def longest_compaction(count: int, records: int) -> Result:
    """The longest call of a compaction in slices, beside all of them."""
    with tempfile.TemporaryDirectory() as folder, redouble.dbm.open(Path(folder) / "db", "c") as db:
        for _ in range(2):
            for number in range(count):
                db[b"key:%012d" % number] = bytes(VALUE)
        calls, left = [], True
        while left:
            start = time.process_time()
            left = db.compact(records)
            calls.append((time.process_time() - start) * 1000)
    what = f"compaction, the longest call of {records:,} records"
    return compared(title(count), what, "ms of CPU", ("redouble", [max(calls)]), ("all calls", [sum(calls)]))


def title(count: int) -> str:
    return f"{count:,} keys"


def measured(count: int, rounds: int) -> Costs:
    costs: Costs = {}
    for number in range(rounds):
        print(f"{count:,} keys, round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        one_round(count, costs)
    return costs


def results(short: bool, sizes: dict[int, int] | None = None) -> Iterator[Result]:
    for count, rounds in (sizes or ({min(SIZES): 1} if short else SIZES)).items():
        found = measured(count, rounds)
        costs = {place: [each * 1e6 for each in seen] for place, seen in found.items()}
        for phase in PHASES:
            for name in STORES:
                if (name, phase) not in costs:
                    continue
                its, reference = (name, costs[name, phase]), costs.get(("semidbm", phase))
                if reference is None or name == "semidbm":
                    yield alone(title(count), phase, name, "us of CPU", its[1])
                else:
                    yield compared(title(count), phase, "us of CPU", its, ("semidbm", reference))
        yield from one_read(count)
        yield longest_compaction(count, 1000)


if __name__ == "__main__":
    for result in results(False, {int(word): 3 for word in sys.argv[1:]}):
        print(result, flush=True)

"""A server that keeps its data in a folder of its own kind: a database of `redouble.dbm`.  Opening it reads an index, and a value
is read when somebody wants it.

    m                     what the rest means, as JSON
    v <space> <key>       a value, as it was when the log began, or newer if the log does not mention the key
    t <space> <times> <key>       empty: when the key goes, and the first of its fields; so that the index alone tells the times
    u <number>            the log: the effects of one unit, for keys that this would be too long to write anew
    f                     the code of the libraries of functions

A unit of commands is one record or one batch, written before its reply.  If all that it changed are strings, they are written as
they now are.  Else it is added to the log, and its keys belong to the log from then on.  When the log has become longer than
the values that it is about, a *checkpoint* writes these in its place, as one batch: so nothing is written twice as often as it
changes, a collection does not write itself at each push, and what a start has to play is bounded.

A database lives in a *space*, a number: SWAPDB exchanges spaces, FLUSHDB takes a new one, and what is in the old is removed when
there is time.
"""

from __future__ import annotations

import contextlib
import json
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import redouble.dbm
from redouble.core.command import Command
from redouble.core.errors import CommandError
from redouble.core.key_specs import key_specs, keys_of
from redouble.core.memory import size_of
from redouble.core.notify import EXPIRED
from redouble.core.player import Player
from redouble.persistence.effects import Effect, Effects, Journal, is_its_own_effect, write_error_text
from redouble.persistence.stored_keys import Found, StoredKeys, StoredTimes
from redouble.persistence.values import load_value, write_value
from redouble.scripting.functions import libraries_of
from redouble.types.hash import Hash
from redouble.types.module_value import ModuleValue
from redouble.types.set import Set

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.server import Server
    from redouble.dbm import Batch, WritableDatabase
    from redouble.persistence.aof import AppendOnlyLog
    from redouble.resp.reply import Reply

__all__ = ["Store", "is_store", "written_by"]

META, FUNCTIONS, VALUE, TIMES, UNIT = b"m", b"f", b"v", b"t", b"u"
FORMAT: Final = 1
CHECKPOINT: Final = 1 << 20
"""Bytes of the log that are always played rather than written anew."""
COMPACTION: Final = 16 << 20
"""Bytes that are written before somebody looks whether half of the files is dead; so much is not worth the work."""
AT_ONCE: Final = 1000
"""Records of one step of a compaction."""
SYNC_SECONDS: Final = 1.0
"""`appendfsync everysec`."""
FAILURES: Final = (OSError, redouble.dbm.DBMError)
PLAIN, FULL = b"\0", b"\1"
"""How a value begins: it is a string that stays, or behind the two times it is as in an RDB file."""
NEVER: Final = (0, 0)

_SPACE = struct.Struct(">I")
_MOMENTS = struct.Struct(">QQ")
_EPOCH = struct.Struct("<Q")
_unit_key = struct.Struct(">cI").pack
_HEADS = [struct.Struct(f"<{count + 2}I").pack for count in range(8)]

Later: TypeAlias = "Callable[[float, Callable[[], None]], None]"
Times: TypeAlias = "tuple[int, int]"
Key: TypeAlias = "tuple[int, bytes, bool]"
"""Its database, its name, and whether it was written or only read."""


def is_store(folder: Path) -> bool:
    return (folder / "MANIFEST").is_file()


def written_by(folder: Path) -> tuple[str, str]:
    """The type and the version of the server that wrote a folder.  Raises DBMError, and ValueError if it holds something else."""
    with redouble.dbm.open(folder) as db:
        kind, version = _read_meta(folder, db.get(META))["server"].split()
    return kind, version


def _read_meta(folder: Path, text: bytes | None) -> dict[str, Any]:
    try:
        meta: dict[str, Any] = json.loads(text or b"")
    except ValueError:
        raise ValueError(f"{folder}: a database of redouble.dbm, but not the data of a server") from None
    if meta["format"] != FORMAT:
        raise ValueError(f"{folder}: written by a newer version of redouble")
    return meta


class _Shelf:
    """One space of a store."""

    def __init__(self, store: Store, space: int) -> None:
        self.store = store
        self.space = space
        self.prefix = VALUE + _SPACE.pack(space)

    def __contains__(self, key: object) -> bool:
        return self.prefix + key in self.store.db  # type: ignore[operator]

    def fetch(self, key: bytes) -> Found | None:
        return self.store.fetch(self.prefix + key)

    def learn(self) -> Iterable[tuple[bytes, int, int]]:
        return self.store.learn(self.space)

    def changed(self, key: bytes) -> None:
        self.store.changed(self.prefix + key)

    def now_ms(self) -> int:
        return 0 if self.store.server.loading else self.store.server.now_ms()


class Store(Effects, Journal):
    """The data of one server, in one folder.

    `later` is how a driver lets something happen by itself; what it calls takes the server's lock.
    """

    log: AppendOnlyLog | None = None
    saving = rewriting = last_save_failed = last_rewrite_failed = False
    idle = True
    rewrites = 0
    save_points = ()

    def __init__(self, server: Server, folder: Path, later: Later) -> None:
        super().__init__(server, self)
        self.folder = folder
        self.later = later
        self.db: WritableDatabase = redouble.dbm.open(folder, "c", 0o600)
        self._policy = ""
        self._tidies = False
        self._looks = True
        """Whether the next write is one to look at: it is synced, or the first that waits for a sync."""
        self._epoch = 0
        """How many checkpoints there were; what the log has of an older one does not count."""
        self._count = 0
        """How many units the log has."""
        self._length = self._limit = 0
        """How many bytes these are, and of how many the values are that they are about."""
        self._keys: dict[bytes, Key] = {}
        """The keys that the log is about, by the record of each."""
        self._times: dict[bytes, Times] = {}
        """The times that are kept for a key, by the record of the key."""
        self._spaces: dict[int, int] = {}
        self._prefixes: dict[int, bytes] = {}
        self._next_space = 0
        self._has_new_spaces = False
        """Whether the folder does not know of one yet."""
        self._dead: list[int] = []
        """Spaces of which nothing is wanted any more."""
        self._words: dict[Command, int] = {}
        """See `_count_words`."""
        self._written = 0
        """Bytes, since somebody looked how much of the files is dead."""

    # Beginning and end.

    def load(self) -> None:
        """Read what was left in the log and go on from there.  Raises ValueError for what this server cannot read, DBMError, OSError."""
        server = self.server
        try:
            text = self.db.get(META)
            if text is not None or self.db:
                self._begin(_read_meta(self.folder, text))
        except BaseException:
            self.db.close()
            raise
        server.dirty_when_saved = server.dirty
        self.configure()
        server.effects = self
        server.observe(self)

    def _begin(self, meta: dict[str, Any]) -> None:
        server = self.server
        if not server.dialect.reads_rdb_version(meta["values"]):
            raise ValueError(f"{self.folder}: written by {meta['server']}, which is too new for this server")
        self._epoch, self._next_space, self._dead = meta["epoch"], meta["next"], meta["dead"]
        for index, space in meta["spaces"].items():
            self._settle_in(int(index), space)
            self._open_space(int(index))
        server.loading = True
        try:
            codes = self.db.get(FUNCTIONS)
            if codes is not None:
                libraries_of(server).restore([argv[0] for _, argv in _decoded(codes)])
            self._play()
        finally:
            server.loading = False

    def _open_space(self, index: int) -> None:
        db = self.server.database(index)
        db.volatile = StoredTimes()
        db.dict = db.volatile.keyspace = StoredKeys(
            _Shelf(self, self._spaces[index]), db.expires, db.volatile, db._heap
        )

    def _play(self) -> None:
        """Do again what the log says."""
        player = Player(self.server)
        while (unit := self._unit_record(self._count)) is not None:
            effects = _decoded(unit)
            for index, argv in effects:
                player.db = self.server.database(index)
                try:
                    player.play(argv)
                except ValueError as error:
                    raise ValueError(f"{self.folder}: unit {self._count} of the log, {argv[0]!r}: {error}") from None
            self._enter(self._keys_of(effects), len(unit))

    def _unit_record(self, number: int) -> bytes | None:
        record = self.db.get(_unit_key(UNIT, number))
        return (
            record[_EPOCH.size :] if record is not None and record[: _EPOCH.size] == _EPOCH.pack(self._epoch) else None
        )

    def close(self, save: bool = True) -> None:
        """The server ends; all is on the disk, and the next start has nothing to play.  Raises OSError and DBMError."""
        if self not in self.server.observers:  # it has ended
            return
        try:
            if self._keys or self._count or self.write_error is not None:
                self._checkpoint()
            number = 0
            while (record := _unit_key(UNIT, number)) in self.db:
                del self.db[record]
                number += 1
        finally:
            self._end()

    def let_go(self) -> None:
        """The end, with the log as it is."""
        with contextlib.suppress(*FAILURES):
            self._end()

    def _end(self) -> None:
        if self in self.server.observers:
            self.server.forget_observer(self)
        self.server.effects = None
        self.server.connected = False  # what was not read cannot be read any more
        self.db.close()

    def configure(self) -> None:
        """The configuration was read, or has changed."""
        self._policy = self.server.config.text("appendfsync")
        self._looks = self._policy != "no"
        if self.server.notify_flags & EXPIRED:  # somebody wants to hear of keys when their time comes
            for db in self.server.databases.values():
                if type(db.dict) is StoredKeys:
                    db.dict.learn()

    # Reading.

    def fetch(self, record: bytes) -> Found | None:
        try:
            body = self.db.get(record)
            if body is None:
                return None
            if body[:1] == PLAIN:
                return Found(body[1:], 0, 0)
            server, (at, soonest) = self.server, _MOMENTS.unpack_from(body, 1)
            value = load_value(body[1 + _MOMENTS.size :], server.dialect, server.limits, server.modules)
        except (ValueError, *FAILURES) as error:
            raise CommandError(f"ERR the value of this key cannot be read: {error}") from None
        if at or soonest:
            self._times[record] = at, soonest
            server.wake_drivers()
        return Found(value, at, soonest)

    def learn(self, space: int) -> Iterator[tuple[bytes, int, int]]:
        values, moments = VALUE + _SPACE.pack(space), TIMES + _SPACE.pack(space)
        start = len(values)
        names: list[bytes] = []
        times: dict[bytes, Times] = {}
        for record in self.db:
            if record.startswith(values):
                names.append(record[start:])
            elif record.startswith(moments):
                key = record[start + _MOMENTS.size :]
                at, soonest = _MOMENTS.unpack_from(record, start)
                times[key] = at, soonest
                self._times.setdefault(values + key, (at, soonest))
        for key in names:
            yield (key, *times.get(key, NEVER))

    def changed(self, record: bytes) -> None:
        """A key is another one than the folder says; it will be written when there is a checkpoint."""
        space = _space_of(record)
        index = next(index for index, each in self._spaces.items() if each == space)
        self._keys[record] = index, record[1 + _SPACE.size :], True

    # Which keys a unit is about.

    def _keys_of(self, unit: list[Effect]) -> dict[bytes, Key]:
        keys: dict[bytes, Key] = {}
        for index, argv in unit:
            for db, key, written in self._keys_of_effect(index, argv):
                record = self._prefix(db) + key if db >= 0 else FUNCTIONS
                if written or record not in keys:
                    keys[record] = db, key, written
        return keys

    def _keys_of_effect(self, index: int, argv: list[bytes]) -> Iterator[Key]:
        command = self.server.find(argv)
        assert isinstance(command, Command)
        if command.name.startswith("function|"):
            yield -1, b"", True
            return
        declaration = command.declaration
        specs = key_specs(declaration.wire_name, declaration.nodes, declaration.keys)
        keys = keys_of(command.name, specs, argv)
        if keys is None:  # PFMERGE key: a line that COMMAND GETKEYS does not take, and the command does
            keys = [(word, ("RW",)) for word in argv[1:]]
        elsewhere = index
        if command.name == "move":
            elsewhere = int(argv[2])
            yield elsewhere, argv[1], True
        elif command.name == "copy" and b"DB" in (words := [word.upper() for word in argv[3:]]):
            elsewhere = int(argv[3 + words.index(b"DB") + 1])
            yield elsewhere, argv[2], True
        for key, flags in keys:
            yield index, key, flags[0] != "RO"
            value = self.server.database(index).dict.get(key)
            if isinstance(value, ModuleValue):
                for relative in value.relatives():
                    yield index, relative, True

    # Spaces.

    def _prefix(self, index: int) -> bytes:
        """How the records of a database begin."""
        prefix = self._prefixes.get(index)
        if prefix is None:
            self._settle_in(index, self._new_space())
            self._has_new_spaces = True
            prefix = self._prefixes[index]
        return prefix

    def _new_space(self) -> int:
        self._next_space += 1
        return self._next_space - 1

    def _settle_in(self, index: int, space: int) -> None:
        self._spaces[index] = space
        self._prefixes[index] = VALUE + _SPACE.pack(space)

    def _leave(self, indices: Iterable[int]) -> None:
        """Databases have become empty."""
        dead = {self._spaces[index] for index in indices if index in self._spaces}
        for index in [index for index, space in self._spaces.items() if space in dead]:
            self._settle_in(index, self._new_space())
        self._dead += dead
        for records in (self._keys, self._times):
            for record in [record for record in records if _space_of(record) in dead]:
                del records[record]

    def _swap(self, one: int, other: int) -> None:
        for index in (one, other):
            self._prefix(index)  # it has a space from now on
        mine, theirs = self._spaces[one], self._spaces[other]
        self._settle_in(one, theirs)
        self._settle_in(other, mine)
        there = {one: other, other: one}
        self._keys = {record: (there.get(db, db), key, written) for record, (db, key, written) in self._keys.items()}

    # Writing.

    def run(
        self,
        client: Client,
        command: Command,
        argv: list[bytes],
        proceed: Callable[[Client, Command, list[bytes]], Reply],
    ) -> Reply:
        if not command.may_have_effects:
            return proceed(client, command, argv)
        words = self._words.get(command)
        if words is None:
            words = self._count_words(command)
        if words < len(argv) or self._depth or self.write_error is not None:
            return super().run(client, command, argv, proceed)
        # The same for what most units are, in one piece: all that it touches costs.
        server, db = self.server, client.db
        before = server.dirty - self._by_themselves
        self._depth = 1
        try:
            reply = proceed(client, command, argv)
        finally:
            self._depth = 0
        if server.dirty - self._by_themselves != before:
            index, key = db.index, argv[1]
            prefix, value = self._prefixes.get(index), db.dict.get(key)
            if self._unit or prefix is None or value is None or isinstance(reply, CommandError):
                self._tell(db, command, argv, reply, True)
            else:
                record = prefix + key
                known = self._keys.get(record)
                try:
                    if known is not None and known[2]:  # `_log`, for what the log is about already
                        unit = _encoded(index, argv)
                        length = len(unit)
                        self.db[_unit_key(UNIT, self._count)] = _EPOCH.pack(self._epoch) + unit
                        self._count += 1
                        self._length += length
                        self._written += length
                        if self._looks or self._written > COMPACTION:
                            self._look()
                        if self._length > self._limit and self._length > CHECKPOINT:
                            self._checkpoint()
                    elif known is not None or type(value) is not bytes:
                        self._log(_encoded(index, argv), {record: (index, key, True)})
                    elif record in self._times or key in db.expires:
                        self._write_values({record: (index, key, True)})
                    else:
                        self.db[record] = PLAIN + value
                        self._written += len(record) + len(value)
                        if self._looks or self._written > COMPACTION:
                            self._look()
                except FAILURES as error:
                    self._keys[record] = index, key, True
                    self._failed(error)
        if self._unit:
            self._flush()
        return reply if self.write_error is None else CommandError(write_error_text(self))

    def _count_words(self, command: Command) -> int:
        """Up to how many words a command has one key, which is the next word, and is its own effect, about nothing else."""
        declaration = command.declaration
        specs = key_specs(declaration.wire_name, declaration.nodes, declaration.keys)
        spec = specs[0] if len(specs) == 1 else None
        has_one_key = (
            spec is not None
            and not (spec.unknown or spec.keyword or spec.counted)
            and (spec.index, spec.last) == (1, 0)
            and command.name not in ("move", "sort")
            and "." not in command.name  # a value of a module may have relatives
        )
        argv = [b""] * 3
        words = 0
        if has_one_key and is_its_own_effect(command, argv):
            words = len(argv) if not is_its_own_effect(command, [*argv, b""]) else sys.maxsize
        self._words[command] = words
        return words

    def append(self, unit: list[Effect]) -> None:
        try:
            self._append(unit)
        except FAILURES as error:
            self._failed(error)

    def _append(self, unit: list[Effect]) -> None:
        """Raises OSError and DBMError, and then a checkpoint is owed."""
        restructures = False
        keys: dict[bytes, Key] = {}
        for index, argv in unit:
            restructure = _RESTRUCTURING.get(argv[0].upper())
            if restructure is None:
                keys |= self._keys_of([(index, argv)])
            else:
                self._keys |= keys
                restructure(self, index, argv)
                restructures, keys = True, {}
        try:
            if restructures or self.write_error is not None:
                self._keys |= keys
                self._checkpoint()
                return
            if self._has_new_spaces:
                self.db[META] = self._meta()
                self._has_new_spaces = False
            if self._keys.keys().isdisjoint(keys) and all(map(self._is_short, keys.values())):
                self._write_values(keys)
                return
            self._log(b"".join([_encoded(index, argv) for index, argv in unit]), keys)
        except BaseException:
            self._keys |= keys
            raise

    def _log(self, unit: bytes, keys: dict[bytes, Key]) -> None:
        """Add a unit to the log, and keys to those that it is about."""
        self.db[_unit_key(UNIT, self._count)] = _EPOCH.pack(self._epoch) + unit
        self._enter(keys, len(unit))
        self._wrote(len(unit))
        if self._length > max(self._limit, CHECKPOINT):
            self._checkpoint()

    def _is_short(self, key: Key) -> bool:
        """Whether the key is as well written as it is."""
        index, name, written = key
        value = self._value(index, name) if written and index >= 0 else None
        return value is None or type(value) is bytes

    def _value(self, index: int, key: bytes) -> Any:
        db = self.server._databases.get(index)
        return None if db is None else db.dict.get(key)

    def _enter(self, keys: dict[bytes, Key], length: int) -> None:
        """The log has one unit more."""
        self._count += 1
        self._length += length
        for record, (index, key, written) in keys.items():
            known = self._keys.get(record)
            if known is None or (written and not known[2]):
                self._keys[record] = index, key, written
                value = self._value(index, key) if written and index >= 0 else None
                if value is not None:
                    self._limit += size_of(key, value)

    def _wrote(self, length: int) -> None:
        """So many bytes more were written."""
        if self.write_error is not None:
            self.write_error = None
            self.server.refuse_writes(False)
        self._written += length
        if self._looks or self._written > COMPACTION:
            self._look()

    def _look(self) -> None:
        """See what follows from what was written."""
        if self._policy == "always":
            self.db.sync()
        elif self._looks:
            self._looks = False
            self.later(SYNC_SECONDS, self._sync_by_itself)
        if self._written > COMPACTION:
            self._written = 0
            self._tidy()

    def _sync_by_itself(self) -> None:
        self._looks = self._policy != "no"
        try:
            self.db.sync()
        except FAILURES as error:
            with self.server.lock:
                if self in self.server.observers:  # it was not closed meanwhile
                    self._failed(error)

    def _write_values(self, keys: dict[bytes, Key]) -> None:
        """Write keys as they now are, all or none."""
        with self.db.batch() as batch:
            times, length = self._add_values(batch, keys)
        self._note(times)
        self._wrote(length)

    def _note(self, times: dict[bytes, Times | None]) -> None:
        for record, moments in times.items():
            if moments is None:
                self._times.pop(record, None)
            else:
                self._times[record] = moments

    def _add_values(self, batch: Batch, keys: dict[bytes, Key]) -> tuple[dict[bytes, Times | None], int]:
        """Let a batch write keys as they now are; the times that are kept then, and how many bytes it writes."""
        times: dict[bytes, Times | None] = {}
        length = 0
        for record, (index, key, written) in keys.items():
            if not written:
                continue
            if index < 0:
                body = self._functions()
            else:
                db = self.server.database(index)
                value = db.dict.get(key)
                at = db.expires.get(key, 0)
                moments = at, _soonest(value)
                kept = self._times.get(record)
                if kept is not None and kept != moments:
                    del batch[_times_record(record, kept)]
                    times[record] = None
                if value is not None and moments != NEVER and kept != moments:
                    batch[_times_record(record, moments)] = b""
                    times[record] = moments
                body = None if value is None else self._body(value, moments)
            if body is not None:
                batch[record] = body
                length += len(record) + len(body)
            elif record in self.db:
                del batch[record]
        return times, length

    def _body(self, value: Any, moments: Times) -> bytes:
        if type(value) is bytes and moments == NEVER:
            return PLAIN + value
        return FULL + _MOMENTS.pack(*moments) + write_value(value, self.server.dialect, do_compress=False, is_file=True)

    def _functions(self) -> bytes | None:
        codes = [] if self.server.functions is None else self.server.functions.codes
        return b"".join([_encoded(0, [code]) for code in codes]) or None

    def _checkpoint(self) -> None:
        """Write the keys that the log is about as they now are, and begin another log."""
        self._epoch += 1
        try:
            with self.db.batch() as batch:
                times, length = self._add_values(batch, self._keys)
                batch[META] = self._meta()
        except BaseException:
            self._epoch -= 1
            raise
        self._note(times)
        self._has_new_spaces = False
        self._keys = {}
        self._count = self._length = self._limit = 0
        for db in self.server.databases.values():
            if type(db.dict) is StoredKeys:
                db.dict.settle()
        self._wrote(length)
        if self._dead:
            self._tidy()

    def _meta(self) -> bytes:
        dialect = self.server.dialect
        return json.dumps(
            {
                "format": FORMAT,
                "server": f"{dialect.name} {'.'.join(map(str, dialect.version))}",
                "values": dialect.rdb_version,
                "epoch": self._epoch,
                "spaces": self._spaces,
                "next": self._next_space,
                "dead": self._dead,
            }
        ).encode()

    def _failed(self, error: Exception) -> None:
        """Nothing more is written, until a checkpoint has written all that is not."""
        self.write_error = error
        self.server.refuse_writes(True)

    def misconfiguration(self) -> str:
        """Why what is written cannot be kept; empty: it can."""
        if self.write_error is not None and not self._depth:  # perhaps there is room again
            self._try_again()
        return "" if self.write_error is None else write_error_text(self)

    def _try_again(self) -> None:
        try:
            self._checkpoint()
        except FAILURES as error:
            self._failed(error)

    # What is done when there is time.

    def _tidy(self) -> None:
        if not self._tidies:
            self._tidies = True
            self.later(0, self._tidy_by_itself)

    def _dead_and_written(self) -> list[int]:
        """The dead spaces of which the folder knows that they are."""
        return list(self._dead) if self.write_error is None else []

    def _tidy_by_itself(self) -> None:
        """Remove what is in dead spaces, and give back the space of what is dead in the files."""
        server, db = self.server, self.db
        try:
            with server.lock:
                dead = self._dead_and_written()
            if dead:
                starts = tuple(kind + _SPACE.pack(space) for kind in (VALUE, TIMES) for space in dead)
                for record in [record for record in list(db) if record.startswith(starts)]:
                    del db[record]
                with server.lock:
                    if dead == self._dead_and_written()[: len(dead)]:
                        self._dead = self._dead[len(dead) :]
                        db[META] = self._meta()
            if db.size > COMPACTION and 2 * db.dead > db.size:
                while db.compact(AT_ONCE):
                    pass
        except FAILURES:
            pass  # it was closed, or the disk is full: the next one who writes will know
        finally:
            self._tidies = False

    # What clients ask for.

    def save(self) -> None:
        """SAVE: what was written is on the disk, and the log is empty.  Raises OSError."""
        try:
            self._checkpoint()
            self.db.sync()
        except FAILURES as error:
            self.last_save_failed = True
            self._failed(error)
            raise OSError(str(error)) from error
        self.last_save_failed = False
        self.server.saved()

    def start_saving(self) -> None:
        """BGSAVE."""
        with contextlib.suppress(OSError):  # INFO tells
            self.save()

    def start_over(self) -> None:
        """The data was replaced by other data that no command has written."""
        self._leave(list(self._spaces))
        for index, db in self.server.databases.items():
            self._keys |= {self._prefix(index) + key: (index, key, True) for key in db.dict}
        self._keys[FUNCTIONS] = -1, b"", True
        self._try_again()


def _soonest(value: Any) -> int:
    return value.soonest if type(value) is Hash or type(value) is Set else 0


def _space_of(record: bytes) -> int:
    return int(_SPACE.unpack_from(record, 1)[0]) if record != FUNCTIONS else -1


def _times_record(record: bytes, times: Times) -> bytes:
    return TIMES + record[1:5] + _MOMENTS.pack(*times) + record[5:]


def _flushall(store: Store, index: int, argv: list[bytes]) -> None:
    store._leave(list(store._spaces))


def _flushdb(store: Store, index: int, argv: list[bytes]) -> None:
    store._leave([index])


def _swapdb(store: Store, index: int, argv: list[bytes]) -> None:
    store._swap(int(argv[1]), int(argv[2]))


_RESTRUCTURING: Final = {b"FLUSHALL": _flushall, b"FLUSHDB": _flushdb, b"SWAPDB": _swapdb}


def _encoded(index: int, argv: list[bytes]) -> bytes:
    """Its database, how many words, the length of each, and the words."""
    count = len(argv)
    pack = _HEADS[count] if count < len(_HEADS) else struct.Struct(f"<{count + 2}I").pack
    return pack(index, count, *map(len, argv)) + b"".join(argv)


def _decoded(data: bytes) -> list[Effect]:
    effects, at = [], 0
    while at < len(data):
        index, count = struct.unpack_from("<II", data, at)
        lengths = struct.unpack_from(f"<{count}I", data, at + 8)
        at += 8 + 4 * count
        argv = []
        for length in lengths:
            argv.append(data[at : at + length])
            at += length
        effects.append((index, argv))
    return effects

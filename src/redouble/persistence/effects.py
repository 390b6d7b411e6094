"""What commands have changed, as commands that change it again whenever they are played: what an append-only file holds.

Most commands are their own effect.  One that depends on time or chance is told otherwise: `SET k v EX 9` as `SET k v PXAT ...`,
`SPOP s` as `SREM s member`, and where no other command says it, the key's new value as a RESTORE.  Commands that belong
together, those of an EXEC or of a script, are one unit: all of it is written, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from redouble.core.key_specs import key_specs, keys_of
from redouble.core.observer import Observer
from redouble.persistence.values import dump_value
from redouble.resp.reply import CommandError, Reply
from redouble.types.hash import Hash
from redouble.types.stream import Stream, id_text

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Argv, Command
    from redouble.core.database import Database
    from redouble.core.server import Server
    from redouble.dialects import Dialect

__all__ = ["Effect", "Effects", "Journal", "effects_of_value", "is_its_own_effect", "state", "write_error_text"]

Effect: TypeAlias = "tuple[int, list[bytes]]"
"""The database that a command is about, and its words."""


class Journal:
    """Where effects are written."""

    write_error: Exception | None = None
    """Why they could not be written, until they can be."""

    def append(self, unit: list[Effect]) -> None:
        """Called under the lock, before the reply is sent: effects of which all are kept, or none."""
        raise NotImplementedError


def write_error_text(journal: Journal) -> str:
    """What clients hear of what could not be written."""
    error = journal.write_error
    return f"MISCONF Errors writing to the AOF file: {getattr(error, 'strerror', None) or error}"


class Effects(Observer):
    """Watches what a server does and tells its journal the effect of each unit; what cannot be written is refused."""

    def __init__(self, server: Server, journal: Journal) -> None:
        self.server = server
        self.journal = journal
        self._depth = 0
        self._unit: list[Effect] = []
        self._by_themselves = 0
        """How many changes there were that no command made."""

    def run(
        self,
        client: Client,
        command: Command,
        argv: list[bytes],
        proceed: Callable[[Client, Command, list[bytes]], Reply],
    ) -> Reply:
        if not command.may_have_effects:
            return proceed(client, command, argv)  # what goes by itself meanwhile is told by `changed_by_itself`
        server, journal = self.server, self.journal
        before = server.dirty - self._by_themselves
        self._depth += 1
        try:
            reply = proceed(client, command, argv)
        finally:
            self._depth -= 1
        changes = server.dirty - self._by_themselves - before
        if changes or command.name in _CHANGE_QUIETLY:
            self._tell(client.db, command, argv, reply, bool(changes))
        if self._unit and not self._depth:
            self._flush()
            if journal.write_error is not None and command.changes_data:
                return CommandError(write_error_text(journal))
        return reply

    def _tell(self, db: Database, command: Command, argv: Argv, reply: Reply, changed: bool) -> None:
        """Add the effects of a command to the unit."""
        failed = isinstance(reply, CommandError)
        if not failed and is_its_own_effect(command, argv):
            self._unit.append((db.index, argv))
        elif (changed or not failed) and command.name not in _MADE_OF_OTHERS:
            self._unit += ((db.index, effect) for effect in effects_of(db, command, argv, reply))

    def changed_by_itself(self, db: Database, key: bytes) -> None:
        """A key has gone because of its time or of a limit, or fields of a hash have."""
        self._by_themselves += 1
        self._unit += ((db.index, effect) for effect in state(db, key))
        if not self._depth:
            self._flush()

    def _flush(self) -> None:
        unit, self._unit = self._unit, []
        self.journal.append(unit)


_MADE_OF_OTHERS: Final = frozenset(("exec", "eval", "evalsha", "fcall"))
"""Their effects are those of the commands that they run."""


_CHANGE_QUIETLY: Final = frozenset(("xreadgroup", "bitfield"))
"""They may change something that does not count as a change: how often an entry was delivered, how long a string is."""


def is_its_own_effect(command: Command, argv: Argv) -> bool:
    """Whether a command, unless it fails, is its own effect."""
    told = _TOLD_OTHERWISE.get(command.name)
    return (told is None and command.name not in _MADE_OF_OTHERS) or (told is _set and len(argv) == 3)


def effects_of(db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    """The effects of a command that has changed something."""
    if isinstance(reply, CommandError):  # it changed something all the same
        yield from _states(db, command, argv, reply)
    elif is_its_own_effect(command, argv):
        yield argv
    else:
        yield from _TOLD_OTHERWISE[command.name](db, command, argv, reply)


def state(db: Database, key: bytes) -> Iterator[list[bytes]]:
    """A key's value and time to live, whatever they were before."""
    value = db.dict.get(key)
    if value is None or (not value and isinstance(value, Hash)):  # its last field has just gone
        yield [b"DEL", key]
        return
    yield from effects_of_value(key, value, db.expires_at(key), db.server.dialect)


def effects_of_value(key: bytes, value: Any, at: int | None, dialect: type[Dialect]) -> Iterator[list[bytes]]:
    """Give a key its value and its time to live: a Unix time in milliseconds, or none."""
    if isinstance(value, (bytes, bytearray)):
        if at is None or dialect.has("6.2.0"):
            yield [b"SET", key, bytes(value), *((b"PXAT", b"%d" % at) if at is not None else ())]
        else:
            yield [b"SET", key, bytes(value)]
            yield [b"PEXPIREAT", key, b"%d" % at]
    else:
        yield [b"RESTORE", key, b"%d" % (at or 0), dump_value(value, dialect), b"REPLACE", b"ABSTTL"]


# Commands that are told otherwise.

Teller: TypeAlias = "Callable[[Database, Command, Argv, Reply], Iterator[list[bytes]]]"
_TOLD_OTHERWISE: Final[dict[str, Teller]] = {}


def _teller(*names: str) -> Callable[[Teller], Teller]:
    def register(tell: Teller) -> Teller:
        _TOLD_OTHERWISE.update(dict.fromkeys(names, tell))
        return tell

    return register


@_teller(
    *("setex", "psetex", "getex", "incrbyfloat", "msetex", "restore", "restore-asking", "sort", "migrate", "saddex"),
    *("xcfgset", "xidmprecord", "xsetid", "xackdel", "xdelex"),
    *("topk.add", "topk.incrby", "cl.throttle"),
)
def _states(db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    """All keys that the command writes, as they now are."""
    declaration = command.declaration
    specs = key_specs(declaration.wire_name, declaration.nodes, declaration.keys)
    for key, flags in keys_of(command.name, specs, argv) or ():
        if flags[0] != "RO":
            yield from state(db, key)


@_teller("bitfield")
def _bitfield(db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    return iter([argv] if {b"SET", b"INCRBY"}.intersection(map(bytes.upper, argv[2:])) else [])


@_teller("set")
def _set(db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    return state(db, argv[1])


@_teller("expire", "pexpire", "expireat", "pexpireat")
def _expiry(db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    key = argv[1]
    at = db.expires_at(key)
    yield [b"DEL", key] if at is None else [b"PEXPIREAT", key, b"%d" % at]


@_teller("spop")
def _spop(db: Database, command: Command, argv: Argv, reply: Any) -> Iterator[list[bytes]]:
    yield [b"SREM", argv[1], *([reply] if isinstance(reply, bytes) else reply)]


@_teller("blpop", "brpop", "blmpop", "lmpop")
def _list_pop(db: Database, command: Command, argv: Argv, reply: Any) -> Iterator[list[bytes]]:
    key, popped = reply
    count = len(popped) if isinstance(popped, list) else 1
    head = command.name == "blpop" or (command.name.endswith("mpop") and b"LEFT" in map(bytes.upper, argv))
    yield from [[b"LPOP" if head else b"RPOP", key]] * count


@_teller("bzpopmin", "bzpopmax", "bzmpop", "zmpop")
def _sorted_set_pop(db: Database, command: Command, argv: Argv, reply: Any) -> Iterator[list[bytes]]:
    members = [reply[1]] if command.name.startswith("bzpop") else [member for member, _ in reply[1]]
    yield [b"ZREM", reply[0], *members]


@_teller("blmove", "brpoplpush")
def _list_move(db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    yield [b"LMOVE", *argv[1:5]] if command.name == "blmove" else [b"RPOPLPUSH", *argv[1:3]]


@_teller(
    *("hexpire", "hpexpire", "hexpireat", "hpexpireat", "hpersist", "hsetex", "hgetex", "hgetdel", "hincrbyfloat"),
    "fieldexpire",
)
def _fields(db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    """The fields that the command names, as they now are: values, and when they go."""
    key = argv[1]
    value = db.dict.get(key)
    if type(value) is not Hash:
        yield from state(db, key)
        return
    named = dict.fromkeys(field for field in argv[2:])
    gone = [field for field in named if field not in value]
    kept = [field for field in named if field in value]
    if gone:
        yield [b"HDEL", key, *gone]
    if kept:
        yield [b"HSET", key, *(word for field in kept for word in (field, value.get(field) or b""))]
        for field in kept:
            at = value.expires_at(field)
            if at is not None:
                yield [b"HPEXPIREAT", key, b"%d" % at, b"FIELDS", b"1", field]


_UNUSUAL: Final = frozenset((b"IDMP", b"IDMPAUTO", b"DELREF", b"ACKED"))
"""Words of XADD and XTRIM with which they change more than the entries at both ends."""


@_teller("xadd")
def _xadd(db: Database, command: Command, argv: Argv, reply: Any) -> Iterator[list[bytes]]:
    """The entry with the id that it got, and the length to which the stream was cut."""
    key, stream = argv[1], db.dict.get(argv[1])
    words = [word.upper() for word in argv[2:]]
    if type(stream) is not Stream or _UNUSUAL.intersection(words) or stream.last_id != _number(reply):
        yield from state(db, key)
        return
    at = 2
    cut = False
    while words[at - 2] in (b"NOMKSTREAM", b"MAXLEN", b"MINID", b"LIMIT", b"KEEPREF"):
        with_value = words[at - 2] in (b"MAXLEN", b"MINID", b"LIMIT")
        cut |= with_value
        at += 1 + with_value + (with_value and argv[at + 1] in (b"~", b"="))
    yield [b"XADD", key, reply, *argv[at + 1 :]]
    if cut:
        yield [b"XTRIM", key, b"MAXLEN", b"=", b"%d" % len(stream)]


@_teller("xtrim")
def _xtrim(db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    stream = db.dict[argv[1]]
    if _UNUSUAL.intersection(map(bytes.upper, argv)):
        yield from state(db, argv[1])
        return
    yield [b"XTRIM", argv[1], b"MAXLEN", b"=", b"%d" % len(stream)]


@_teller("xreadgroup")
def _xreadgroup(db: Database, command: Command, argv: Argv, reply: Any) -> Iterator[list[bytes]]:
    """What was delivered, and how far the group has read."""
    words = [word.upper() for word in argv]
    at = words.index(b"STREAMS") + 1
    half = (len(argv) - at) // 2
    told = reply if isinstance(reply, list) else []
    for key, _ in zip(argv[at : at + half], argv[at + half :]):
        stream = db.dict.get(key)
        if type(stream) is Stream and argv[2] in stream.groups:
            delivered = [entry[0] for found, entries in told if found == key for entry in entries]
            yield from _deliveries(db, key, argv[2], argv[3], delivered)


@_teller("xclaim", "xautoclaim")
def _xclaim(db: Database, command: Command, argv: Argv, reply: Any) -> Iterator[list[bytes]]:
    """What a consumer has got of others, and what was no longer there."""
    key, name, consumer_name = argv[1:4]
    claimed = reply if command.name == "xclaim" else reply[1]
    if any(each is None for each in claimed):  # Redis 6: it was deleted, and nobody says what it was
        yield from state(db, key)
        return
    gone = [] if command.name == "xclaim" or len(reply) < 3 else reply[2]
    if command.name == "xclaim":
        ids = [word for word in argv[5:] if word[:1].isdigit()]
        pending = db.dict[key].groups[name].pending
        gone = [id_text(id) for id in map(_first_id, ids) if id not in pending]
    if gone:
        yield [b"XACK", key, name, *gone]
    yield from _deliveries(
        db, key, name, consumer_name, [each if isinstance(each, bytes) else each[0] for each in claimed]
    )


def _deliveries(db: Database, key: bytes, name: bytes, consumer_name: bytes, ids: list[bytes]) -> Iterator[list[bytes]]:
    """That a consumer has these entries pending, and how far its group has read (real servers write the same)."""
    dialect, group = db.server.dialect, db.dict[key].groups[name]
    if consumer_name in group.consumers and dialect.has("6.2.0"):
        yield [b"XGROUP", b"CREATECONSUMER", key, name, consumer_name]
    for id in ids:
        pending = group.pending.get(_number(id))
        if pending is not None:
            yield [
                *(b"XCLAIM", key, name, consumer_name, b"0", id, b"TIME", b"%d" % pending.time),
                *(b"RETRYCOUNT", b"%d" % pending.count, b"FORCE", b"JUSTID"),
            ]
    known = group.entries_read is not None and dialect.streams_count_entries
    read = [b"ENTRIESREAD", b"%d" % group.entries_read] if known else []
    yield [b"XGROUP", b"SETID", key, name, id_text(group.last_id), *read]


def _first_id(text: bytes) -> int:
    return _number(text if b"-" in text else text + b"-0")


def _number(text: bytes) -> int:
    ms, _, sequence = text.partition(b"-")
    return int(ms) << 64 | int(sequence)


def _with_moment(position: int, db: Database, command: Command, argv: Argv, reply: Reply) -> Iterator[list[bytes]]:
    """A sample's timestamp, which may be `*`, as it was answered."""
    if isinstance(reply, int):
        argv = [*argv[:position], b"%d" % reply, *argv[position + 1 :]]
    yield argv


_TOLD_OTHERWISE["ts.add"] = partial(_with_moment, 2)


@_teller("ts.madd")
def _ts_madd(db: Database, command: Command, argv: Argv, reply: Any) -> Iterator[list[bytes]]:
    words: list[bytes] = [argv[0]]
    for i, moment in enumerate(reply):
        if isinstance(moment, int):
            words += [argv[1 + 3 * i], b"%d" % moment, argv[3 + 3 * i]]
    if len(words) > 1:
        yield words


@_teller("ts.incrby", "ts.decrby")
def _ts_incrby(db: Database, command: Command, argv: Argv, reply: Any) -> Iterator[list[bytes]]:
    yield [*argv[:3], b"TIMESTAMP", b"%d" % reply, *argv[3:]]

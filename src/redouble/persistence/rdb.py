"""RDB files: everything that a server holds at one moment.

Nine bytes of magic and version; then records, each behind a byte that is either the type of a value or one of the
opcodes from 243 on; after EOF the checksum of all that comes before it (zero: none was made).  An opcode before a key is
about that key (when it goes, how it was used), others are about what follows, or about the server (AUX).

A file of a server that is newer than the reading one, or a fork's own, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from redouble.core.errors import CommandError
from redouble.core.memory import used_memory
from redouble.persistence.crc64 import crc64
from redouble.persistence.encoding import Reader, module_name, write_length, write_milliseconds, write_string
from redouble.persistence.errors import BadPayload, Unsupported
from redouble.persistence.functions import FUNCTION, write_functions
from redouble.persistence.modules import BEFORE, Facts, read_facts, read_module_value, written_facts
from redouble.persistence.values import MODULE_2, read_value, write_value
from redouble.scripting.functions import libraries_of
from redouble.types.limits import Limits
from redouble.types.module_value import ModuleValue

if TYPE_CHECKING:
    from redouble.core.server import Server
    from redouble.dialects import Dialect, Module

__all__ = [
    "OpaqueValue",
    "Record",
    "Snapshot",
    "fill_server",
    "read_file",
    "snapshot_of",
    "write_file",
    "written_by",
]

SLOT_INFO, MODULE_AUX, IDLE, FREQUENCY, AUX, RESIZEDB = 244, 247, 248, 249, 250, 251
EXPIRETIME_MS, EXPIRETIME, SELECTDB, EOF = 252, 253, 254, 255
_MAGIC_LENGTH = 9
_FIRST_WITH_CHECKSUM = 5
_FIRST_OF_VALKEY = 80
"""Versions from here on have a magic of their own."""


class Record(NamedTuple):
    """A key, and what is known of it."""

    db: int
    key: bytes
    value: Any
    expires_at: int | None = None
    """Unix time in milliseconds."""
    idle: int | None = None
    """For how many seconds it was not used, if the eviction policy is one of the LRU ones."""
    frequency: int | None = None
    """How often it was used, if the policy is one of the LFU ones."""


class OpaqueValue(NamedTuple):
    """A value of a type that no module of this server has: the bytes behind that of the type."""

    module: bytes
    data: bytes


@dataclass
class Snapshot:
    """What a file holds."""

    records: Iterable[Record] = ()
    """In a file, those of one database stand together."""
    aux: dict[bytes, bytes] = field(default_factory=dict)
    """Facts about the server that wrote it."""
    functions: list[bytes] = field(default_factory=list)
    """The code of each library."""
    facts: list[Facts] = field(default_factory=list)
    """What modules keep beside the keys."""
    size: int = 0
    """How many bytes of the file it took; in an AOF, commands follow."""


# A server and its snapshot.


def snapshot_of(server: Server) -> Snapshot:
    """What a server holds at this moment; to be written before it changes."""
    dialect = server.dialect
    aux = {
        f"{dialect.name if dialect.rdb_version >= _FIRST_OF_VALKEY else 'redis'}-ver".encode(): ".".join(
            map(str, dialect.version)
        ).encode(),
        b"redis-bits": b"64",
        b"ctime": b"%d" % server.clock.time(),
        b"used-mem": b"%d" % used_memory(server),
        b"aof-base": b"0",
    }
    functions = [] if server.functions is None else server.functions.codes
    facts = written_facts(server, server.config.flag("rdbcompression"))
    return Snapshot(_records_of(server), aux, functions, facts)


def _records_of(server: Server) -> Iterator[Record]:
    """All keys of a server, those of one database together."""
    counts, lru = server.counts_accesses, server.config.values["maxmemory-policy"].endswith(b"lru")
    for index, db in sorted(server.databases.items()):
        for key, value in db.items():
            record = Record(index, key, value, db.expires_at(key))
            if counts and db.accesses:
                record = record._replace(frequency=db.accesses.count(key, server))
            elif lru and db.accesses:
                record = record._replace(idle=db.accesses.idle_ms(key, server) // 1000)
            yield record


def fill_server(server: Server, snapshot: Snapshot, merge: bool = False, keep_expired: bool = False) -> None:
    """Add what a snapshot holds; one that exists is replaced if told to `merge`.

    Keys whose time has come are left out, unless more commands follow that were written when they were there.
    """
    now = server.now_ms()
    if snapshot.functions:
        try:
            libraries_of(server).restore(snapshot.functions, replace=merge)
        except CommandError as error:
            raise BadPayload(f"functions: {error.message}") from None
    for facts in snapshot.facts:
        if facts.is_first:
            read_facts(server, facts)
    for record in snapshot.records:
        if type(record.value) is OpaqueValue:
            raise Unsupported(f"values of the module {record.value.module.decode()}")
        if record.db >= server.config.databases:
            raise BadPayload("a database that this server does not have")
        if record.expires_at is not None and record.expires_at < now and not keep_expired:
            continue
        db = server.database(record.db)
        if not merge and db.peek(record.key) is not None:
            raise BadPayload("a key twice")
        db.load(record.key, record.value, record.expires_at)
        if record.frequency is not None and server.counts_accesses:
            db.track_accesses(now).set_count(record.key, record.frequency)
        elif record.idle is not None and server.tracks_accesses:
            db.track_accesses(now).set_idle(record.key, 1000 * record.idle, server)
    for facts in snapshot.facts:
        if not facts.is_first:
            read_facts(server, facts)


# Writing.


def write_file(snapshot: Snapshot, dialect: type[Dialect], compress: bool = True, checksum: bool = True) -> bytes:
    """The file that the emulated server would write."""
    output = bytearray(_magic(dialect.rdb_version))
    for name, text in snapshot.aux.items():
        output += bytes((AUX,)) + write_string(name, compress) + write_string(text, compress)
    output += write_functions(snapshot.functions, compress)
    output += b"".join(bytes((MODULE_AUX,)) + facts.data for facts in snapshot.facts if facts.is_first)
    for db, group in groupby(snapshot.records, lambda record: record.db):
        records = list(group)
        expiring = sum(record.expires_at is not None for record in records)
        output += bytes((SELECTDB,)) + write_length(db)
        output += bytes((RESIZEDB,)) + write_length(len(records)) + write_length(expiring)
        for record in records:
            output += _record(record, dialect, compress)
    output += b"".join(bytes((MODULE_AUX,)) + facts.data for facts in snapshot.facts if not facts.is_first)
    output.append(EOF)
    return bytes(output) + (crc64(bytes(output)) if checksum else 0).to_bytes(8, "little")


def _magic(version: int) -> bytes:
    return b"VALKEY%03d" % version if version >= _FIRST_OF_VALKEY else b"REDIS%04d" % version


def _record(record: Record, dialect: type[Dialect], compress: bool) -> bytes:
    output = bytearray()
    if record.expires_at is not None:
        output += bytes((EXPIRETIME_MS,)) + write_milliseconds(record.expires_at)
    if record.idle is not None:
        output += bytes((IDLE,)) + write_length(record.idle)
    if record.frequency is not None:
        output += bytes((FREQUENCY, record.frequency))
    value = record.value
    if type(value) is OpaqueValue:
        return bytes(output) + bytes((MODULE_2,)) + write_string(record.key, compress) + value.data
    written = write_value(value, dialect, compress, is_file=True)
    return bytes(output) + written[:1] + write_string(record.key, compress) + written[1:]


# Reading.


def read_file(data: bytes, dialect: type[Dialect], limits: Limits, modules: tuple[Module, ...] = ()) -> Snapshot:
    """What a file holds, with values as the emulated server with these modules would keep them.  Raises BadPayload and Unsupported."""
    reader = Reader(data)
    magic = reader.take(_MAGIC_LENGTH)
    digits = magic.lstrip(b"REDISVALKY")
    version = int(digits) if digits.isdigit() else 0
    if version < 1 or magic != _magic(version):
        raise BadPayload("not an RDB file")
    if not dialect.reads_rdb_version(version):
        raise BadPayload(f"version {version} of the format")
    snapshot = Snapshot()
    snapshot.records = list(_records(reader, snapshot, dialect, limits, modules))
    if version >= _FIRST_WITH_CHECKSUM:
        end = reader.position
        checksum = int.from_bytes(reader.take(8), "little")
        if checksum and checksum != crc64(data[:end]):
            raise BadPayload("checksum")
    snapshot.size = reader.position
    return snapshot


def written_by(start: bytes) -> tuple[str, str] | None:
    """The type and the version of the server that wrote the file which begins so; None if it does not say."""
    if not start.startswith((b"REDIS", b"VALKEY")):
        return None
    reader = Reader(start)
    try:
        reader.take(_MAGIC_LENGTH)
        while reader.byte() == AUX:
            name, text = reader.string(), reader.string()
            if name in (b"redis-ver", b"valkey-ver"):
                return name.decode()[:-4], text.decode()
    except (BadPayload, UnicodeDecodeError):
        pass
    return None


def _records(
    reader: Reader, snapshot: Snapshot, dialect: type[Dialect], limits: Limits, modules: tuple[Module, ...]
) -> Iterator[Record]:
    db = 0
    about: dict[str, int] = {}
    while (kind := reader.byte()) != EOF:
        if kind == EXPIRETIME_MS:
            about["expires_at"] = reader.milliseconds()
        elif kind == EXPIRETIME:
            about["expires_at"] = 1000 * int.from_bytes(reader.take(4), "little", signed=True)
        elif kind == IDLE:
            about["idle"] = reader.length()
        elif kind == FREQUENCY:
            about["frequency"] = reader.byte()
        elif kind == SELECTDB:
            db = reader.length()
        elif kind == RESIZEDB:
            reader.length(), reader.length()
        elif kind == SLOT_INFO:
            reader.length(), reader.length(), reader.length()
        elif kind == AUX:
            name = reader.string()
            snapshot.aux[name] = reader.string()
        elif kind == FUNCTION:
            snapshot.functions.append(reader.string())
        elif kind == MODULE_AUX:
            snapshot.facts.append(_facts(reader))
        elif kind > MODULE_2 and kind not in dialect.rdb_types:
            raise Unsupported(f"RDB opcode or type {kind}")
        else:
            key = reader.string()
            if kind == MODULE_2:
                value = _module_value(reader, modules)
            else:
                value = read_value(reader, kind, dialect, limits)
            yield Record(db, key, value, **about)
            about.clear()


def _facts(reader: Reader) -> Facts:
    start = reader.position
    reader.length(), reader.length()
    when = reader.length()
    reader.position = start
    _skip_module_value(reader)
    return Facts(when == BEFORE, reader.data[start : reader.position])


def _module_value(reader: Reader, modules: tuple[Module, ...]) -> ModuleValue | OpaqueValue:
    value = read_module_value(reader, modules)
    if value is not None:
        return value
    start = reader.position
    name = _skip_module_value(reader)
    return OpaqueValue(name, reader.data[start : reader.position])


def _skip_module_value(reader: Reader) -> bytes:
    """Read over what a module wrote, which consists of pairs of an opcode and a value; the module's name."""
    id = reader.length()
    while opcode := reader.length():
        if opcode in (1, 2):  # an integer, signed or not
            reader.length()
        elif opcode in (3, 4):  # a float, a double
            reader.take(4 * opcode - 8)
        elif opcode == 5:
            reader.string()
        else:
            raise BadPayload("module: unknown opcode")
    return module_name(id)

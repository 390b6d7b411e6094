"""HyperLogLog: strings that count (types/hyperloglog.py).  They are changed in place, and PFCOUNT too writes: the count,
which then holds until a register grows."""

from __future__ import annotations

from typing import Final

from redouble.commands.string import writable
from redouble.core import errors, notify
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import OK, Reply, Status
from redouble.types import hyperloglog

NOT_A_HYPERLOGLOG: Final = "WRONGTYPE Key is not a valid HyperLogLog string value."
CORRUPT: Final = "INVALIDOBJ Corrupted HLL object detected"


def checked(value: bytes | bytearray | None) -> bytes | bytearray | None:
    """A string that is a HyperLogLog, or none."""
    if value is not None and not hyperloglog.is_valid(value):
        raise CommandError(NOT_A_HYPERLOGLOG)
    return value


def registers(value: bytes | bytearray) -> bytes:
    """Its registers, one byte each."""
    try:
        return hyperloglog.registers(value)
    except hyperloglog.Corrupt:
        raise CommandError(CORRUPT) from None


def sparse_max(client: Client) -> int:
    """The longest sparse value."""
    return int(client.server.config.values["hll-sparse-max-bytes"])


@command("PFADD key [element [element ...]]", flags="write denyoom fast", since="2.8.9")
def pfadd(client: Client, argv: Argv) -> Reply:
    """Count elements; answers whether the count may have changed."""
    _, key, *elements = argv
    old = checked(client.db.string_for_write(key))
    value = client.db.add(key, hyperloglog.empty()) if old is None else writable(client, key, old)
    limit = sparse_max(client)
    changed = old is None
    try:
        for element in elements:
            changed |= hyperloglog.add(value, element, limit)
    except hyperloglog.Corrupt:
        raise CommandError(CORRUPT) from None
    if changed:
        hyperloglog.forget_count(value)
        client.db.modified(key, b"pfadd", notify.STRING)
    return int(changed)


@command("PFCOUNT key [key ...]", flags="readonly may_replicate", since="2.8.9")
def pfcount(client: Client, argv: Argv) -> Reply:
    """About how many different elements there were, in one key or in all of these together."""
    _, *keys = argv
    if len(keys) > 1:
        values = (checked(client.db.string(key)) for key in keys)
        return hyperloglog.estimate(hyperloglog.maximum([registers(value) for value in values if value is not None]))
    found = checked(client.db.string(keys[0]))
    if found is None:
        return 0
    value = writable(client, keys[0], found)  # raw from now on, though only the count may be written
    count = hyperloglog.cached_count(value)
    if count is None:
        count = hyperloglog.estimate(registers(value))
        hyperloglog.remember_count(value, count)
        client.db.modified(keys[0], b"", 0)  # watched, but no event
    return count


@command("PFMERGE destkey [sourcekey [sourcekey ...]]", flags="write denyoom", since="2.8.9")
def pfmerge(client: Client, argv: Argv) -> Reply:
    """Add what other keys have counted to one of them."""
    _, destination, *_ = argv
    unpacked: list[bytes] = []
    dense = False
    for key in argv[1:]:
        source = checked(client.db.string(key))
        if source is not None:
            dense |= hyperloglog.is_dense(source)
            unpacked.append(registers(source))
    old = client.db.string_for_write(destination)
    value = client.db.add(destination, hyperloglog.empty()) if old is None else writable(client, destination, old)
    if dense:
        hyperloglog.to_dense(value)
    limit = sparse_max(client)
    for index, count in enumerate(hyperloglog.maximum(unpacked)):
        if count:
            hyperloglog.raise_register(value, index, count, limit)
    hyperloglog.forget_count(value)
    client.db.modified(destination, b"pfadd", notify.STRING)
    return OK


# Later declarations win: until 7.2 COMMAND DOCS said that a source is needed, which was never true.
command("PFMERGE destkey sourcekey [sourcekey ...]", flags="write denyoom", since="2.8.9", until="7.2.0", arity=-2)(
    pfmerge
)


@command("PFDEBUG subcommand key", flags="write denyoom@6.2.0 admin", since="2.8.9")
def pfdebug(client: Client, argv: Argv) -> Reply:
    """Look at the registers of a HyperLogLog."""
    _, subcommand, key, *more = argv
    word = subcommand.upper()
    if word == b"SIMD" and client.server.dialect.pfdebug_simd:
        if key.upper() not in (b"ON", b"OFF"):
            raise CommandError("ERR Argument must be ON or OFF")
        return Status(b"enabled" if key.upper() == b"ON" else b"disabled")
    found = client.db.string_for_write(key)
    if found is None:
        raise CommandError("ERR The specified key does not exist")
    checked(found)
    value = writable(client, key, found)
    if more and word in (b"GETREG", b"DECODE", b"ENCODING", b"TODENSE"):
        raise CommandError(f"ERR Wrong number of arguments for the '{errors.text(subcommand)}' subcommand")
    if word == b"GETREG":
        _make_dense(client, value)
        return list(registers(value))
    if word == b"DECODE":
        if hyperloglog.is_dense(value):
            raise CommandError("ERR HLL encoding is not sparse")
        return hyperloglog.describe(value)
    if word == b"ENCODING":
        return Status(b"dense" if hyperloglog.is_dense(value) else b"sparse")
    if word == b"TODENSE":
        return int(_make_dense(client, value))
    raise CommandError(f"ERR Unknown PFDEBUG subcommand '{errors.text(subcommand)}'")


# Later declarations win: until 7.0 each subcommand counted the arguments itself.
command("PFDEBUG subcommand key", flags="write denyoom@6.2.0 admin", since="2.8.9", until="7.0.0", arity=-3)(pfdebug)


def _make_dense(client: Client, value: bytearray) -> bool:
    try:
        made = hyperloglog.to_dense(value)
    except hyperloglog.Corrupt:
        raise CommandError(CORRUPT) from None
    client.server.dirty += made
    return made


@command("PFSELFTEST", flags="admin", since="2.8.9")
def pfselftest(client: Client, argv: Argv) -> Reply:
    """Check the registers and the estimate."""
    value = hyperloglog.empty()
    hyperloglog.to_dense(value)
    wanted = bytes(client.server.random.randrange(64) for _ in range(hyperloglog.REGISTERS))
    for index, count in enumerate(wanted):
        hyperloglog.raise_register(value, index, count, 0)
    if hyperloglog.registers(value) != wanted:
        raise CommandError("TESTFAILED a register holds another value than was set")
    sparse, dense = hyperloglog.empty(), hyperloglog.empty()
    hyperloglog.to_dense(dense)
    for number in range(500):
        element = b"%d" % client.server.random.getrandbits(60)
        hyperloglog.add(sparse, element, 1 << 20)
        hyperloglog.add(dense, element, 0)
        if hyperloglog.registers(sparse) != hyperloglog.registers(dense):
            raise CommandError("TESTFAILED the encodings disagree")
        if abs(hyperloglog.estimate(hyperloglog.registers(sparse)) - number - 1) > 20 + number * 0.05:
            raise CommandError("TESTFAILED the estimate is too far off")
    return OK

"""Bitmaps and bit fields: strings whose bits are counted from the highest one of the first byte."""

from __future__ import annotations

from typing import Final, NamedTuple

from redouble.commands.string import writable
from redouble.core import errors, notify
from redouble.core.arguments import INT64_MAX, integer
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import Reply
from redouble.types import bits

BIT_OFFSET: Final = "ERR bit offset is not an integer or out of range"
BIT_VALUE: Final = "ERR bit is not an integer or out of range"


def bit_offset(client: Client, text: bytes, width: int = 0) -> int:
    """An offset in bits; `#3` counts fields of `width` bits (getBitOffsetFromArgument)."""
    if width and text[:1] == b"#":
        offset = integer(text[1:], BIT_OFFSET) * width
        offset = (offset + INT64_MAX + 1) % (1 << 64) - INT64_MAX - 1  # BITFIELD k GET u8 #2305843009213693952: of #0
    else:
        offset = integer(text, BIT_OFFSET)
    longest = client.server.config.proto_max_bulk_len if client.server.dialect.bits_end_where_strings_end else 1 << 29
    if offset < 0 or offset >> 3 >= longest:
        raise CommandError(BIT_OFFSET)
    return offset


def writable_bits(client: Client, key: bytes, end: int) -> tuple[bytearray, bool]:
    """The string at `key`, made or lengthened so that its bits up to `end` exist, and whether it had to be
    (lookupStringForBitCommand)."""
    value = writable(client, key, client.db.string_for_write(key))
    missing = ((end + 7) >> 3) - len(value)
    if missing > 0:
        value.extend(bytes(missing))
    return value, missing > 0


@command("SETBIT key offset value", flags="write denyoom", since="2.2.0")
def setbit(client: Client, argv: Argv) -> Reply:
    """Change one bit of a string, which grows with zeros where it is too short; answers the old bit."""
    _, key, offset_text, bit_text = argv
    offset = bit_offset(client, offset_text)
    bit = integer(bit_text, BIT_VALUE)
    if bit not in (0, 1):
        raise CommandError(BIT_VALUE)
    value, grown = writable_bits(client, key, offset + 1)
    old = bits.get_bit(value, offset)
    bits.set_bit(value, offset, bit)
    if grown or bit != old or client.server.dialect.setbit_always_changes:
        client.db.modified(key, b"setbit", notify.STRING)
    return old


@command("GETBIT key offset", flags="readonly fast", since="2.2.0")
def getbit(client: Client, argv: Argv) -> Reply:
    """One bit of a string; 0 behind its end."""
    _, key, offset_text = argv
    offset = bit_offset(client, offset_text)
    return bits.get_bit(client.db.string(key) or b"", offset)


class Span(NamedTuple):
    """The part of a string that BITCOUNT and BITPOS look at, as they were told."""

    start: int = 0
    end: int = -1
    in_bits: bool = False

    def within(self, size: int) -> tuple[int, int]:
        """The first and the last bit, in a string of `size` bytes; none if the last is before the first."""
        total = size * 8 if self.in_bits else size
        start = max(self.start + total, 0) if self.start < 0 else self.start
        end = min(max(self.end + total, 0) if self.end < 0 else self.end, total - 1)
        return (start, end) if self.in_bits else (start * 8, end * 8 + 7)


def span(argv: Argv, start: int, ranges_of_bits: bool, unit_before_end: bool) -> Span:
    """`[start [end [BYTE | BIT]]]`, from argument `start` on; the unit only with `ranges_of_bits`."""
    count = len(argv) - start
    if count > (3 if ranges_of_bits else 2):
        raise CommandError(errors.SYNTAX_ERROR)
    first, last, unit = (*argv[start:], *(b"0", b"-1", b"BYTE")[count:])
    unit = unit.upper()
    begin = integer(first)
    if unit_before_end and unit not in UNITS:
        raise CommandError(errors.SYNTAX_ERROR)
    end = integer(last)
    if unit not in UNITS:
        raise CommandError(errors.SYNTAX_ERROR)
    return Span(begin, end, unit == b"BIT")


UNITS: Final = (b"BYTE", b"BIT")


@command("BITCOUNT key [start end [BYTE | BIT]]", flags="readonly", since="2.6.0")
def bitcount(client: Client, argv: Argv) -> Reply:
    """How many bits of a string, or of a part of it, are 1."""
    key = argv[1]
    dialect = client.server.dialect
    if dialect.bits_of_missing_keys_have_any_range:
        if client.db.string(key) is None:
            return 0
        if 4 <= len(argv) <= (5 if dialect.ranges_of_bits else 4) and reversed_from_end(
            integer(argv[2]), integer(argv[3])
        ):
            return 0
    if len(argv) == 3 and not dialect.bitcount_end_is_optional:
        raise CommandError(errors.SYNTAX_ERROR)
    part = span(argv, 2, dialect.ranges_of_bits, dialect.bitcount_reads_unit_before_end)
    value = client.db.string(key) or b""
    first, last = part.within(len(value))
    return bits.count_bits(value, first, last) if first <= last and not reversed_from_end(part.start, part.end) else 0


def reversed_from_end(start: int, end: int) -> bool:
    """`-1 -5`, a range that is empty, although the beginning of a short string would lie in it once both ends are."""
    return start < 0 and end < 0 and start > end


@command("BITPOS key bit [start [end [BYTE | BIT]]]", flags="readonly", since="2.8.7")
def bitpos(client: Client, argv: Argv) -> Reply:
    """Where the first bit of a kind is, in a string or in a part of it."""
    _, key, bit_text, *_ = argv
    bit = integer(bit_text)
    if bit not in (0, 1):
        raise CommandError("ERR The bit argument must be 1 or 0.")
    missing = -1 if bit else 0
    if client.server.dialect.bits_of_missing_keys_have_any_range and client.db.string(key) is None:
        return missing
    part = span(argv, 3, client.server.dialect.ranges_of_bits, True)
    value = client.db.string(key)
    if value is None:
        return missing
    first, last = part.within(len(value))
    if first > last:
        return -1
    found = bits.find_bit(value, bit, first, last)
    if found is None:
        return last + 1 if len(argv) < 5 and not bit else -1  # behind an open end there are zeros
    return found


@command(
    "BITOP <AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]",
    flags="write denyoom",
    since="2.6.0",
    since_option={"DIFF": "8.2.0", "DIFF1": "8.2.0", "ANDOR": "8.2.0", "ONE": "8.2.0"},
)
def bitop(client: Client, argv: Argv) -> Reply:
    """Store what an operation on the bits of several strings gives."""
    _, operation_text, destination, *keys = argv
    word = client.command.options.words.get(operation_text.upper())
    if word is None:
        raise CommandError(errors.SYNTAX_ERROR)
    operation = word[0]
    if operation == "NOT" and len(keys) != 1:
        raise CommandError("ERR BITOP NOT must be called with a single source key.")
    if operation in ("DIFF", "DIFF1", "ANDOR") and len(keys) < 2:
        raise CommandError(f"ERR BITOP {operation} must be called with at least two source keys.")
    db = client.db
    result = bits.combine(operation, [db.string(key) or b"" for key in keys])
    if result:
        db.put(destination, result)
        db.modified(destination, b"set", notify.STRING)
    else:
        db.delete(destination)
    return len(result)


class FieldOperation(NamedTuple):
    """One operation of BITFIELD."""

    name: bytes
    type: bits.FieldType
    offset: int
    operand: int = 0
    overflow: str = "WRAP"


_OPERANDS: Final = {b"GET": 2, b"SET": 3, b"INCRBY": 3, b"OVERFLOW": 1}


def field_operations(client: Client, argv: Argv) -> list[FieldOperation]:
    """What BITFIELD was told to do."""
    operations = []
    overflow, i, count = "WRAP", 2, len(argv)
    while i < count:
        name = argv[i].upper()
        operands = _OPERANDS.get(name)
        if operands is None or i + operands >= count:
            raise CommandError(errors.SYNTAX_ERROR)
        if name == b"OVERFLOW":
            overflow = argv[i + 1].upper().decode("latin-1")
            if overflow not in ("WRAP", "SAT", "FAIL"):
                raise CommandError("ERR Invalid OVERFLOW type specified")
        else:
            kind = _field_type(argv[i + 1])
            offset = bit_offset(client, argv[i + 2], kind.bits)
            operand = integer(argv[i + 3]) if operands == 3 else 0
            operations.append(FieldOperation(name, kind, offset, operand, overflow))
        i += 1 + operands
    return operations


def _field_type(text: bytes) -> bits.FieldType:
    error = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
    signed = text[:1] == b"i"
    width = integer(text[1:], error)
    if text[:1] not in (b"i", b"u") or not 1 <= width <= (64 if signed else 63):
        raise CommandError(error)
    return bits.FieldType(signed, width)


@command(
    "BITFIELD key [<GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>]"
    " <SET encoding offset value | INCRBY encoding offset increment>> ...]",
    flags="write denyoom",
    since="3.2.0",
)
def bitfield(client: Client, argv: Argv) -> Reply:
    """Read, write and increment integers of any width inside a string."""
    key = argv[1]
    operations = field_operations(client, argv)
    ends = [operation.offset + operation.type.bits for operation in operations if operation.name != b"GET"]
    if not ends:
        return _read_fields(client, key, operations)
    value, changed = writable_bits(client, key, max(ends))
    replies: list[int | None] = []
    written = False
    for name, kind, offset, operand, overflow in operations:
        old = kind.decode(bits.get_field(value, offset, kind.bits))
        if name == b"GET":
            replies.append(old)
            continue
        new = kind.add(operand, 0, overflow) if name == b"SET" else kind.add(old, operand, overflow)
        if new is None:
            replies.append(None)
            continue
        bits.set_field(value, offset, kind.bits, new)
        written, changed = True, changed or new != old
        replies.append(old if name == b"SET" else new)
    if written and changed:
        client.db.modified(key, b"setbit", notify.STRING)
    return replies


@command("BITFIELD_RO key [GET encoding offset ...]", flags="readonly fast", since="6.0.0")
def bitfield_ro(client: Client, argv: Argv) -> Reply:
    """Read integers of any width inside a string."""
    operations = field_operations(client, argv)
    if any(operation.name != b"GET" for operation in operations):
        raise CommandError("ERR BITFIELD_RO only supports the GET subcommand")
    return _read_fields(client, argv[1], operations)


def _read_fields(client: Client, key: bytes, operations: list[FieldOperation]) -> Reply:
    value = client.db.string(key) or b""
    return [kind.decode(bits.get_field(value, offset, kind.bits)) for _, kind, offset, _, _ in operations]

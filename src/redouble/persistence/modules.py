"""Values of modules' types in DUMP and RDB files: the type, then pairs of an opcode and a part, then zero.

What a module keeps beside the keys (`ModuleFacts`) looks the same in RDB files; its first part says whether it stands before the
keys or behind them.

The opcodes are those of the modules' API (RedisModule_SaveUnsigned and its siblings).  What the parts mean only the type knows:
each registers a pair of functions here, `write` and `read`.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from redouble.persistence.encoding import Reader, module_id, module_name, write_length, write_string
from redouble.persistence.errors import BadPayload
from redouble.types.module_value import ModuleValue

if TYPE_CHECKING:
    from redouble.core.server import Server
    from redouble.dialects import Dialect, Module

__all__ = [
    "BEFORE",
    "Facts",
    "ModuleFacts",
    "ModuleReader",
    "ModuleType",
    "ModuleWriter",
    "read_facts",
    "read_module_value",
    "register",
    "register_facts",
    "write_module_value",
    "written_facts",
]

END, SIGNED, UNSIGNED, FLOAT, DOUBLE, STRING = range(6)


class ModuleWriter:
    """Takes the parts of a value, in order."""

    def __init__(self, dialect: type[Dialect], do_compress: bool, is_file: bool) -> None:
        self.dialect = dialect
        self.do_compress = do_compress
        self.is_file = is_file
        """Whether the other keys are written, too; if not, it is for DUMP."""
        self.output = bytearray()

    def unsigned(self, number: int) -> None:
        """An integer from 0 to 2**64 - 1."""
        self.output += write_length(UNSIGNED) + write_length(number)

    def signed(self, number: int) -> None:
        """An integer from -2**63 to 2**63 - 1."""
        self.unsigned(number & 0xFFFFFFFFFFFFFFFF)  # RedisModule_SaveSigned marks it as such

    def double(self, number: float) -> None:
        self.output += write_length(DOUBLE) + struct.pack("<d", number)

    def float(self, number: float) -> None:
        self.output += write_length(FLOAT) + struct.pack("<f", number)

    def string(self, text: bytes) -> None:
        self.output += write_length(STRING) + write_string(text, self.do_compress)


class ModuleReader:
    """Hands out the parts of a value; raises BadPayload when the next one is of another kind."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def _expect(self, opcode: int) -> Reader:
        if self.reader.length() != opcode:
            raise BadPayload("module: another kind of part was expected")
        return self.reader

    def unsigned(self) -> int:
        return self._expect(UNSIGNED).length()

    def signed(self) -> int:
        number = self.unsigned()
        return number - (1 << 64) if number >> 63 else number

    def double(self) -> float:
        return self._expect(DOUBLE).double()

    def float(self) -> float:
        number: float = struct.unpack("<f", self._expect(FLOAT).take(4))[0]
        return number

    def string(self) -> bytes:
        return self._expect(STRING).string()

    def end(self) -> None:
        self._expect(END)


@dataclass(frozen=True)
class ModuleType:
    """How the values of a type are written and read."""

    value: type[ModuleValue]
    version: int
    """The version of the format that is written, 0 to 1023."""
    write: Callable[[Any, ModuleWriter], None]
    read: Callable[[ModuleReader, int], ModuleValue]
    """Gets the version of what it reads; raises BadPayload."""


@dataclass(frozen=True)
class ModuleFacts:
    """How something is written and read that a module keeps beside the keys."""

    name: bytes
    version: int
    is_first: bool
    """Whether it is there when the keys are read."""
    write: Callable[[Server, ModuleWriter], bool]
    """Answers whether there is something."""
    read: Callable[[Server, ModuleReader, int], None]
    """Gets the version of what it reads; raises BadPayload."""


class Facts(NamedTuple):
    """What one module keeps, as it stands in a file."""

    is_first: bool
    data: bytes


_TYPES: Final[dict[bytes, ModuleType]] = {}


_FACTS: Final[dict[bytes, ModuleFacts]] = {}
BEFORE, BEHIND = 1, 2


def register_facts(facts: ModuleFacts) -> None:
    """Let these be written and read."""
    _FACTS[facts.name] = facts


def register(type: ModuleType) -> None:
    """Let values of this type be written and read."""
    _TYPES[type.value.type_name] = type


def write_module_value(value: ModuleValue, dialect: type[Dialect], do_compress: bool, is_file: bool) -> bytearray:
    """What follows the byte of the type, or in a file the key."""
    type = _TYPES[value.type_name]
    writer = ModuleWriter(dialect, do_compress, is_file)
    type.write(value, writer)
    return write_length(module_id(value.type_name, type.version)) + writer.output + write_length(END)


def read_module_value(reader: Reader, modules: tuple[Module, ...]) -> ModuleValue | None:
    """A value of one of the modules' types; None if none of them has the type, and then nothing is read."""
    start = reader.position
    id = reader.length()
    name = module_name(id)
    for module in modules:
        if name in module.types:
            importlib.import_module(f"redouble.modules.{module.folder}")
            parts = ModuleReader(reader)
            value = _TYPES[name].read(parts, id & 1023)
            parts.end()
            return value
    reader.position = start
    return None


def written_facts(server: Server, do_compress: bool) -> list[Facts]:
    """What the modules of a server keep beside the keys."""
    written = []
    names = {name for module in server.modules for name in module.facts}
    for facts in _FACTS.values():
        writer = ModuleWriter(server.dialect, do_compress, is_file=True)
        writer.unsigned(BEFORE if facts.is_first else BEHIND)
        if facts.name in names and facts.write(server, writer):
            head, end = write_length(module_id(facts.name, facts.version)), write_length(END)
            written.append(Facts(facts.is_first, bytes(head + writer.output + end)))
    return written


def read_facts(server: Server, facts: Facts) -> None:
    """Give a server what was written of another; nothing happens if it does not have the module."""
    reader = Reader(facts.data)
    id = reader.length()
    name = module_name(id)
    for module in server.modules:
        if name in module.facts:
            importlib.import_module(f"redouble.modules.{module.folder}")
            parts = ModuleReader(reader)
            parts.unsigned()
            if reader.data[reader.position :] != write_length(END):
                _FACTS[name].read(server, parts, id & 1023)
            parts.end()

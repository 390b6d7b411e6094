"""Values of modules' types in DUMP and RDB files: the type, then pairs of an opcode and a part, then zero.

The opcodes are those of the modules' API (RedisModule_SaveUnsigned and its siblings).  What the parts mean only the type knows:
each registers a pair of functions here, `write` and `read`.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redouble.persistence.encoding import Reader, module_id, module_name, write_length, write_string
from redouble.persistence.errors import BadPayload
from redouble.types.module_value import ModuleValue

if TYPE_CHECKING:
    from redouble.dialects import Dialect, Module

__all__ = ["ModuleReader", "ModuleType", "ModuleWriter", "read_module_value", "register", "write_module_value"]

END, SIGNED, UNSIGNED, FLOAT, DOUBLE, STRING = range(6)


class ModuleWriter:
    """Takes the parts of a value, in order."""

    def __init__(self, dialect: type[Dialect], do_compress: bool) -> None:
        self.dialect = dialect
        self.do_compress = do_compress
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


_TYPES: Final[dict[bytes, ModuleType]] = {}


def register(type: ModuleType) -> None:
    """Let values of this type be written and read."""
    _TYPES[type.value.type_name] = type


def write_module_value(value: ModuleValue, dialect: type[Dialect], do_compress: bool) -> bytearray:
    """What follows the byte of the type, or in a file the key."""
    type = _TYPES[value.type_name]
    writer = ModuleWriter(dialect, do_compress)
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

"""FUNCTION DUMP: the code of each library, as an RDB file holds it, with the footer of DUMP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redouble.persistence.encoding import Reader, write_string
from redouble.persistence.errors import BadPayload
from redouble.persistence.values import FOOTER, with_footer

if TYPE_CHECKING:
    from redouble.dialects import Dialect

__all__ = ["FUNCTION", "dump_functions", "load_functions", "write_functions"]

FUNCTION_OF_RELEASE_CANDIDATES, FUNCTION = 246, 245
"""The opcodes before the code of a library."""


def write_functions(codes: list[bytes], do_compress: bool = True) -> bytes:
    return b"".join(bytes((FUNCTION,)) + write_string(code, do_compress) for code in codes)


def dump_functions(codes: list[bytes], dialect: type[Dialect], do_compress: bool = True) -> bytes:
    return with_footer(write_functions(codes, do_compress), dialect)


def load_functions(payload: bytes) -> list[bytes]:
    """The code of each library in a payload whose checksum fits."""
    reader = Reader(payload[:-FOOTER])
    codes = []
    while reader.position < len(reader.data):
        opcode = reader.byte()
        if opcode == FUNCTION_OF_RELEASE_CANDIDATES:
            raise BadPayload("Pre-GA function format not supported")
        if opcode != FUNCTION:
            raise BadPayload("given type is not a function")
        try:
            codes.append(reader.string())
        except BadPayload:
            raise BadPayload("Failed loading library payload") from None
    return codes

"""One record of the log.

    u32  length of the key; the highest bit: a batch, which counts only once its end is there
    u32  length of the value; DELETED: the key is gone; COMMITTED: the end of a batch
         key, value
    u32  CRC-32 of all before it

All little-endian.  The checksum comes last because the CRC-32 of data with its own CRC-32 behind it is always SOUND: one call
checks a record, lengths and key included.  No run of zeros is a record: zeros are free space.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple
from zlib import crc32

__all__ = [
    "COMMIT",
    "DELETED",
    "HEAD",
    "IN_BATCH",
    "LONGEST",
    "OVERHEAD",
    "SOUND",
    "TAIL",
    "Record",
    "encoded",
    "scan",
    "sealed",
]

_LENGTHS = Struct("<II")
_CRC = Struct("<I")
HEAD = _LENGTHS.pack
TAIL = _CRC.pack

SOUND = 0x2144DF1C
IN_BATCH = 1 << 31
DELETED = 0xFFFFFFFF
_COMMITTED = 0xFFFFFFFE
LONGEST = 1 << 30
"""Bytes of a key or a value."""
OVERHEAD = 12


def sealed(body: bytes) -> bytes:
    """Lengths, key and value, and the checksum behind them."""
    return body + TAIL(crc32(body))


COMMIT = sealed(HEAD(0, _COMMITTED))


def encoded(word: object) -> bytes:
    """A key or a value as it is stored: a string as UTF-8."""
    if isinstance(word, str):
        return word.encode()
    if isinstance(word, (bytes, bytearray, memoryview)):
        return bytes(word)
    raise TypeError(f"keys and values are bytes or strings, not {type(word).__name__}")


class Record(NamedTuple):
    offset: int
    end: int
    key: bytes
    value: bytes | None
    """None: the key was deleted, or the batch ends."""
    in_batch: bool
    commits: bool


def scan(data: bytes, start: int = 0, base: int = 0) -> Iterator[Record]:
    """Those from `start` on, until there is none; `base` is the offset in the file of the first byte of `data`."""
    unpack, length = _LENGTHS.unpack_from, len(data)
    while start + OVERHEAD <= length:
        key_length, value_length = unpack(data, start)
        in_batch = key_length >= IN_BATCH
        key_length &= IN_BATCH - 1
        key_end = start + 8 + key_length
        value_end = key_end if value_length >= _COMMITTED else key_end + value_length
        end = value_end + 4
        if end > length or crc32(data[start:end]) != SOUND:
            return
        value = None if value_length >= _COMMITTED else data[key_end:value_end]
        yield Record(base + start, base + end, data[start + 8 : key_end], value, in_batch, value_length == _COMMITTED)
        start = end

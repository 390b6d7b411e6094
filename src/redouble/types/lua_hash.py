"""The hashes of strings in Lua's tables, which decide in what order `pairs` walks; Redis and Valkey have different ones."""

from __future__ import annotations

import struct
from functools import lru_cache

__all__ = ["hash_of_lua", "hash_of_valkey"]

_MASK = 0xFFFFFFFF


@lru_cache(4096)
def hash_of_lua(text: bytes) -> int:
    """The hash of a string in Lua 5.1, and in Redis."""
    result = length = len(text)
    step = (length >> 5) + 1
    for at in range(length, step - 1, -step):
        result ^= ((result << 5) + (result >> 2) + text[at - 1]) & _MASK
    return result


@lru_cache(4096)
def hash_of_valkey(text: bytes) -> int:
    """Valkey's: MurmurHash3, with the length as seed."""
    result = length = len(text)
    blocks = length & ~3
    for (word,) in struct.iter_unpack("<I", text[:blocks]):
        result ^= _scrambled(word)
        result = ((result << 13 | result >> 19) * 5 + 0xE6546B64) & _MASK
    if length & 3:
        result ^= _scrambled(int.from_bytes(text[blocks:], "little"))
    result ^= length
    result ^= result >> 16
    result = result * 0x85EBCA6B & _MASK
    result ^= result >> 13
    result = result * 0xC2B2AE35 & _MASK
    return result ^ result >> 16


def _scrambled(word: int) -> int:
    word = word * 0xCC9E2D51 & _MASK
    return (word << 15 | word >> 17) * 0x1B873593 & _MASK

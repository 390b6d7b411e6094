"""Austin Appleby's MurmurHash2 (public domain), by which RedisBloom finds the place of an item."""

from __future__ import annotations

import struct

__all__ = ["murmur_hash_2"]

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur_hash_2(data: bytes, seed: int) -> int:
    """32 bits.  O(n)."""
    length = len(data)
    whole = length & ~3
    h = (seed ^ length) & _MASK
    for k in struct.unpack_from(f"<{whole >> 2}I", data):
        k = k * _M & _MASK
        h = h * _M & _MASK ^ (k ^ k >> 24) * _M & _MASK
    if whole < length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15

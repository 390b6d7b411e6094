"""Austin Appleby's MurmurHash2 and MurmurHash64A (public domain), by which RedisBloom finds the place of an item."""

from __future__ import annotations

import struct

__all__ = ["murmur_hash_2", "murmur_hash_64a"]

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_M_64 = 0xC6A4A7935BD1E995
_MASK_64 = 0xFFFFFFFFFFFFFFFF


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


def murmur_hash_64a(data: bytes, seed: int) -> int:
    """64 bits.  O(n)."""
    length = len(data)
    whole = length & ~7
    h = seed ^ length * _M_64 & _MASK_64
    for k in struct.unpack_from(f"<{whole >> 3}Q", data):
        k = k * _M_64 & _MASK_64
        h = (h ^ (k ^ k >> 47) * _M_64 & _MASK_64) * _M_64 & _MASK_64
    if whole < length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M_64 & _MASK_64
    h = (h ^ h >> 47) * _M_64 & _MASK_64
    return h ^ h >> 47

"""XXH3, the 64-bit hash (Yann Collet, 2019) that DIGEST, IFDEQ and IFDNE name values by; without a seed."""

from __future__ import annotations

import struct

__all__ = ["xxh3_64"]

_MASK = (1 << 64) - 1
_PRIME32_1, _PRIME32_2, _PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_PRIME64_1, _PRIME64_2, _PRIME64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_PRIME64_4, _PRIME64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_PRIME_MX1, _PRIME_MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25

_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8"
    "fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb17"
    "0ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
_STRIPE, _STRIPES_PER_BLOCK = 64, 16
_BLOCK = _STRIPE * _STRIPES_PER_BLOCK


def _words(data: bytes, offset: int, count: int) -> tuple[int, ...]:
    return struct.unpack_from(f"<{count}Q", data, offset)


def _word(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 8], "little")


_LANE_KEYS = [_words(_SECRET, 8 * stripe, 8) for stripe in range(_STRIPES_PER_BLOCK)]
_SCRAMBLE_KEYS = _words(_SECRET, 128, 8)
_LAST_STRIPE_KEYS = _words(_SECRET, 121, 8)
_MERGE_KEYS = _words(_SECRET, 11, 8)


def xxh3_64(data: bytes) -> int:
    """The hash of `data`; which formula, depends on its length."""
    size = len(data)
    if size > 240:
        return _hash_long(data)
    if size > 128:
        return _hash_to_240(data)
    if size > 16:
        return _hash_to_128(data)
    if size > 8:
        low = _word(data, 0) ^ _word(_SECRET, 24) ^ _word(_SECRET, 32)
        high = _word(data, size - 8) ^ _word(_SECRET, 40) ^ _word(_SECRET, 48)
        swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
        return _avalanche(size + swapped + high + _fold(low, high))
    if size > 3:
        first, last = int.from_bytes(data[:4], "little"), int.from_bytes(data[-4:], "little")
        return _mix_short((last + (first << 32)) ^ _word(_SECRET, 8) ^ _word(_SECRET, 16), size)
    if size > 0:
        combined = data[0] << 16 | data[size >> 1] << 24 | data[-1] | size << 8
        return _avalanche64(combined ^ (_word(_SECRET, 0) & 0xFFFFFFFF) ^ (_word(_SECRET, 0) >> 32))
    return _avalanche64(_word(_SECRET, 56) ^ _word(_SECRET, 64))


def _fold(a: int, b: int) -> int:
    product = a * b
    return (product & _MASK) ^ (product >> 64)


def _avalanche(number: int) -> int:
    number &= _MASK
    number ^= number >> 37
    number = number * _PRIME_MX1 & _MASK
    return number ^ (number >> 32)


def _avalanche64(number: int) -> int:
    """The older finish, of XXH64."""
    number ^= number >> 33
    number = number * _PRIME64_2 & _MASK
    number ^= number >> 29
    number = number * _PRIME64_3 & _MASK
    return number ^ (number >> 32)


def _mix_short(number: int, size: int) -> int:
    number ^= (number << 49 | number >> 15) & _MASK ^ (number << 24 | number >> 40) & _MASK
    number = number * _PRIME_MX2 & _MASK
    number ^= (number >> 35) + size
    number = number * _PRIME_MX2 & _MASK
    return number ^ (number >> 28)


def _mix16(data: bytes, offset: int, secret: int) -> int:
    return _fold(
        _word(data, offset) ^ _word(_SECRET, secret),
        _word(data, offset + 8) ^ _word(_SECRET, secret + 8),
    )


def _hash_to_128(data: bytes) -> int:
    size = len(data)
    total = size * _PRIME64_1
    for pair in range((size - 1) // 32 + 1):  # from both ends towards the middle
        total += _mix16(data, 16 * pair, 32 * pair) + _mix16(data, size - 16 - 16 * pair, 32 * pair + 16)
    return _avalanche(total)


def _hash_to_240(data: bytes) -> int:
    size = len(data)
    total = size * _PRIME64_1 + sum(_mix16(data, 16 * i, 16 * i) for i in range(8))
    total = _avalanche(total)
    total += sum(_mix16(data, 16 * i, 16 * (i - 8) + 3) for i in range(8, size // 16))
    return _avalanche(total + _mix16(data, size - 16, 119))


def _hash_long(data: bytes) -> int:
    lanes = [_PRIME32_3, _PRIME64_1, _PRIME64_2, _PRIME64_3, _PRIME64_4, _PRIME32_2, _PRIME64_5, _PRIME32_1]
    size = len(data)
    stripes = (size - 1) // _STRIPE
    for stripe in range(stripes):
        position = stripe % _STRIPES_PER_BLOCK
        _accumulate(lanes, _words(data, stripe * _STRIPE, 8), _LANE_KEYS[position])
        if position == _STRIPES_PER_BLOCK - 1:
            for i, key in enumerate(_SCRAMBLE_KEYS):
                lane = lanes[i] & _MASK
                lanes[i] = (lane ^ (lane >> 47) ^ key) * _PRIME32_1 & _MASK
    _accumulate(lanes, _words(data, size - _STRIPE, 8), _LAST_STRIPE_KEYS)
    total = size * _PRIME64_1
    for i in range(0, 8, 2):
        total += _fold((lanes[i] & _MASK) ^ _MERGE_KEYS[i], (lanes[i + 1] & _MASK) ^ _MERGE_KEYS[i + 1])
    return _avalanche(total)


def _accumulate(lanes: list[int], words: tuple[int, ...], keys: tuple[int, ...]) -> None:
    for i in range(8):
        word = words[i]
        keyed = word ^ keys[i]
        lanes[i ^ 1] += word
        lanes[i] += (keyed & 0xFFFFFFFF) * (keyed >> 32)

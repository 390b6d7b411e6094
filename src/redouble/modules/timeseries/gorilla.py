"""The compression of samples of "Gorilla: A Fast, Scalable, In-Memory Time Series Database" (Pelkonen and others, 2015), as
RedisTimeSeries has it.

The first sample of a chunk is kept as it is.  Of each other one follow how much the distance of its timestamp differs from
the one before, in as few bits as will do, and the value, of which only the bits that changed are kept: those in a window
between the zeros that an XOR with the value before has at both ends.  A window is used again while it is not much too wide.
Bits fill words of 64 from the lowest on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

__all__ = ["NO_WINDOW", "bits_of", "decode", "encode", "measure", "window_ends"]

_DOUBLE = struct.Struct("<d")
_WORD = struct.Struct("<Q")
_MASK = 0xFFFFFFFFFFFFFFFF

_STEPS = ((5, 0b01, 2), (8, 0b011, 3), (11, 0b0111, 4), (15, 0b01111, 5), (32, 0b011111, 6), (64, 0b111111, 6))
"""Widths of a difference of distances, each with the mark in front of it and the width of the mark."""
NO_WINDOW = 32 << 6 | 32
"""Of a chunk in which no value has changed yet.  A window is told by the zeros in front of it and behind it."""


def bits_of(value: float) -> int:
    """A double as the integer of the same 64 bits."""
    number: int = _WORD.unpack(_DOUBLE.pack(value))[0]
    return number


def _signed(number: int) -> int:
    """What is left of an integer in 64 bits, with a sign."""
    return (number + (1 << 63) & _MASK) - (1 << 63)


def window_ends(window: int) -> tuple[int, int]:
    """The number of zeros in front of a window and behind it."""
    return window >> 6, window & 63


def measure(change: int, changed: int, window: int) -> tuple[int, int]:
    """How many bits a sample takes, and the window afterwards.

    `change` is the difference of the distances, `changed` the XOR of the values.
    """
    if not change:
        bits = 1
    else:
        size = (change if change >= 0 else ~change).bit_length()
        if size > 63:
            change = _signed(change)
            size = (change if change >= 0 else ~change).bit_length()
        bits = 7 if size < 5 else 11 if size < 8 else 15 if size < 11 else 20 if size < 15 else 38 if size < 32 else 70
    if not changed:
        return bits + 1, window
    leading = min(64 - changed.bit_length(), 31)
    trailing = (changed & -changed).bit_length() - 1
    width = 64 - leading - trailing
    before, behind = window >> 6, window & 63
    if leading >= before and trailing >= behind and 11 + width > 64 - before - behind:
        return bits + 66 - before - behind, window
    return bits + 13 + width, leading << 6 | trailing


def encode(timestamps: Sequence[int], values: Sequence[float], size: int) -> bytes:
    """The bits of all samples but the first, in `size` bytes, which suffice."""
    output = bytearray()
    pending = count = distance = 0
    window = NO_WINDOW
    before, word = (timestamps[0], bits_of(values[0])) if timestamps else (0, 0)
    for timestamp, value in zip(timestamps[1:], values[1:]):
        change, distance = _signed(timestamp - before - distance), timestamp - before
        before = timestamp
        if not change:
            count += 1
        else:
            least = (change if change >= 0 else ~change).bit_length() + 1
            width, mark, marked = next(step for step in _STEPS if least <= step[0])
            pending |= (mark | (change & (1 << width) - 1) << marked) << count
            count += marked + width
        changed, word = bits_of(value) ^ word, bits_of(value)
        if not changed:
            count += 1
        else:
            _, now = measure(0, changed, window)
            leading, trailing = window_ends(now)
            width = 64 - leading - trailing
            if now == window:
                pending |= (0b01 | (changed >> trailing) << 2) << count
                count += 2 + width
            else:
                pending |= (0b11 | leading << 2 | (width - 1) << 7 | (changed >> trailing) << 13) << count
                count += 13 + width
                window = now
        whole = count >> 3
        if whole:
            output += (pending & (1 << 8 * whole) - 1).to_bytes(whole, "little")
            pending >>= 8 * whole
            count &= 7
    if count:
        output.append(pending)
    return bytes(output.ljust(size, b"\0"))


def decode(data: bytes, count: int, timestamp: int, value: int) -> Iterator[tuple[int, float]]:
    """The `count` samples of a chunk of which the first is this timestamp and these bits of a value.

    Raises ValueError if the data ends before.
    """
    words = memoryview(data.ljust(len(data) + -len(data) % 8 + 16, b"\0"))
    position, end = 0, 8 * len(data)

    def take(width: int) -> int:
        nonlocal position
        at = position >> 3
        number = int.from_bytes(words[at : at + 10], "little") >> (position & 7) & (1 << width) - 1
        position += width
        return number

    distance = 0
    leading = trailing = 32
    for index in range(count):
        if index:
            if position + 2 > end:
                raise ValueError("fewer samples than were told")
            if take(1):
                width = next((width for width, _, _ in _STEPS[:-1] if not take(1)), 64)
                change = take(width)
                distance += change - (1 << width) if change >> width - 1 else change
            timestamp = timestamp + distance & _MASK
            if take(1):
                if take(1):
                    leading = take(5)
                    width = take(6) + 1
                    trailing = 64 - leading - width
                    if trailing < 0:
                        raise ValueError("a window wider than a value")
                value ^= take(64 - leading - trailing) << trailing
            if position > end:
                raise ValueError("fewer samples than were told")
        yield timestamp, _DOUBLE.unpack(_WORD.pack(value))[0]

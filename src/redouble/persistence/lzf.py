"""LZF, Marc Lehmann's compression, as Redis builds it: 2**16 slots of three-byte prefixes, of which each match leaves
its last two positions behind.

A stream is made of runs.  A first byte below 32 announces one more literal bytes than it says.  Any other byte holds a
length in its upper three bits (7: more follows in the next byte) and begins a distance, to what is copied again.
`compress` chooses the matches that Redis chooses, so that its output is the same to the byte.
"""

from __future__ import annotations

from redouble.persistence.errors import BadPayload

__all__ = ["compress", "decompress"]

_LONGEST_RUN = 32
_FARTHEST = 1 << 13
_LONGEST_MATCH = 264
_UNROLLED = 16
"""The real comparison looks at that many bytes before it asks for the end: a match near the end may get two more bytes."""


def compress(data: bytes, most: int) -> bytes | None:
    """`data` compressed; None if that does not fit into `most` bytes, with the same spare room that the real one wants."""
    length = len(data)
    if not length or most <= 0:
        return None
    slots: dict[int, int] = {}
    output = bytearray()
    run = position = 0  # data[run:position] are literals to be written
    last = length - 2

    while position < last:
        prefix = data[position] << 16 | data[position + 1] << 8 | data[position + 2]
        slot = ((prefix >> 8) - prefix * 5) & 0xFFFF
        match = slots.get(slot, 0)
        slots[slot] = position
        # the real one writes literals as it goes, after the place of their length; full runs make place for another
        literals = position - run
        at = len(output) + literals + 1
        if (
            match  # the very first position counts as none
            and position - match <= _FARTHEST
            and data[match : match + 3] == data[position : position + 3]
        ):
            if at + 4 >= most and at - (not literals) + 4 >= most:
                return None
            if literals:
                output.append(literals - 1)
                output += data[run:position]
            count = _match_length(data, match, position)
            distance = position - match - 1
            extra = count - 2
            if extra < 7:
                output.append(distance >> 8 | extra << 5)
            else:
                output += bytes((distance >> 8 | 7 << 5, extra - 7))
            output.append(distance & 0xFF)
            position += count
            run = position
            if position >= last:
                break
            for behind in (position - 2, position - 1):
                prefix = data[behind] << 16 | data[behind + 1] << 8 | data[behind + 2]
                slots[((prefix >> 8) - prefix * 5) & 0xFFFF] = behind
        else:
            if at >= most:
                return None
            position += 1
            if position - run == _LONGEST_RUN:
                output.append(_LONGEST_RUN - 1)
                output += data[run:position]
                run = position
    if len(output) + position - run + 1 + 3 > most:
        return None
    for start in range(run, length, _LONGEST_RUN):
        part = data[start : start + _LONGEST_RUN]
        output.append(len(part) - 1)
        output += part
    return bytes(output)


def _match_length(data: bytes, match: int, position: int) -> int:
    """How many bytes at `match` come again at `position`: three are known to."""
    most = min(len(data) - position - 2, _LONGEST_MATCH)
    count = 3
    if most > _UNROLLED:
        while count < 3 + _UNROLLED:
            if data[match + count] != data[position + count]:
                return count
            count += 1
    while count < most and data[match + count] == data[position + count]:
        count += 1
    return count


def decompress(data: bytes, length: int) -> bytes:
    """The `length` bytes that were compressed to `data`; anything else is a BadPayload."""
    if length > len(data) * _LONGEST_MATCH:
        raise BadPayload("LZF: cannot become that long")
    output = bytearray()
    position, end = 0, len(data)
    while position < end:
        control = data[position]
        position += 1
        if control < _LONGEST_RUN:
            if position + control >= end:
                raise BadPayload("LZF: the literals are cut off")
            output += data[position : position + control + 1]
            position += control + 1
        else:
            count = (control >> 5) + 2
            if count == 9 and position < end:
                count += data[position]
                position += 1
            if position >= end:
                raise BadPayload("LZF: the distance is cut off")
            start = len(output) - ((control & 0x1F) << 8 | data[position]) - 1
            position += 1
            if start < 0:
                raise BadPayload("LZF: before the beginning")
            piece = bytes(output[start : start + count])
            output += (piece * (count // len(piece) + 1))[:count]
        if len(output) > length:
            raise BadPayload("LZF: longer than announced")
    if len(output) != length:
        raise BadPayload("LZF: shorter than announced")
    return bytes(output)

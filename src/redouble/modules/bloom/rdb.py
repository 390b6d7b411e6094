"""The structures in DUMP and RDB files."""

from __future__ import annotations

import sys
from array import array

from redouble.modules.bloom.count_min_sketch import CountMinSketch
from redouble.persistence.errors import BadPayload
from redouble.persistence.modules import ModuleReader, ModuleType, ModuleWriter, register

__all__: list[str] = []


def _write_sketch(sketch: CountMinSketch, parts: ModuleWriter) -> None:
    parts.unsigned(sketch.width)
    parts.unsigned(sketch.depth)
    parts.unsigned(sketch.count)
    parts.string(_little(sketch.counters).tobytes())


def _read_sketch(parts: ModuleReader, version: int) -> CountMinSketch:
    width, depth, count, counters = parts.unsigned(), parts.unsigned(), parts.unsigned(), parts.string()
    if len(counters) != 4 * width * depth or not counters:
        raise BadPayload("a sketch of another size")
    sketch = CountMinSketch(1, 1)
    sketch.width, sketch.depth, sketch.count = width, depth, count
    sketch.counters = _little(array("I", counters))
    return sketch


def _little(numbers: array[int]) -> array[int]:
    """Numbers in the byte order of files."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


register(ModuleType(CountMinSketch, 0, _write_sketch, _read_sketch))

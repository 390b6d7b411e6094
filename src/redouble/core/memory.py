"""How much memory keys and values take: an estimate from their sizes, of the order of what a real server needs.

It does not count what Python takes for them.  Tests of programs that read MEMORY USAGE or `used_memory` want numbers
that grow with the data and are the same on every machine.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["SAMPLES", "human", "size_of", "used_memory"]

SAMPLES: Final = 5
"""How many elements of a value MEMORY USAGE looks at if it is not told."""
KEY: Final = 24
"""Of an entry in the dictionary of a database."""
VALUE: Final = 16
"""Of the object that holds a value."""
ELEMENT: Final = 11
"""Of one element of a collection, beside its bytes."""
BASE: Final = 800_000
"""Of a server without data."""


def size_of(key: bytes, value: Any, samples: int = SAMPLES) -> int:
    """A key and its value in bytes; `samples` elements of a collection are looked at, 0: all."""
    return _rounded(KEY + len(key) + 1) + _rounded(VALUE + _payload(value, samples))


def _payload(value: Any, samples: int) -> int:
    if isinstance(value, (bytes, bytearray)):
        return len(value) + 3
    count = len(value)
    elements = value.items() if hasattr(value, "items") else value
    looked_at = list(itertools.islice(elements, samples or None))
    if not looked_at:
        return 0
    return count * sum(map(_element, looked_at)) // len(looked_at)


def _element(element: Any) -> int:
    if isinstance(element, (bytes, bytearray)):
        return ELEMENT + len(element)
    if isinstance(element, tuple):
        return sum(map(_element, element))
    return ELEMENT + 8


def _rounded(size: int) -> int:
    return (size + 7) // 8 * 8


def used_memory(server: Server) -> int:
    """What the server takes: the keys of each database count as the average of some of them."""
    total = BASE
    for db in server.databases.values():
        some = [size_of(key, value) for key, value in db.some_items(100)]
        if some:
            total += sum(some) * len(db) // len(some)
    return total


def human(size: int) -> str:
    """`1.50M`, as INFO prints sizes (bytesToHuman)."""
    if size < 1024:
        return f"{size}B"
    for power, unit in enumerate("KMGTP", 1):
        if size < 1024 ** (power + 1):
            return f"{size / 1024**power:.2f}{unit}"
    return f"{size}B"

"""What the families of all modules have in common."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.fuzz.values import ALL_KEYS, one_of

__all__ = ["ITEM", "key_of"]


def key_of(*keys: bytes) -> Callable[[Random], bytes]:
    """One of a family's keys; one time in twelve another family's."""
    return lambda random: random.choice(keys if random.random() < 11 / 12 else ALL_KEYS)


ITEM = one_of([b"a", b"b", b"c", b"d", b"", b"item", b"item2", b"\x00\xff", b"x" * 50, b"-1", b"7"])

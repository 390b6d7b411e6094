"""What the fuzzer says to a server with modules: their families, and the values that only they take."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from .grammar import Slots
from .values import ALL_KEYS, one_of

__all__ = ["MODULE_FAMILIES", "MODULE_SLOTS"]


def key_of(*keys: bytes) -> Callable[[Random], bytes]:
    """One of a family's keys; one time in twelve another family's."""
    return lambda random: random.choice(keys if random.random() < 11 / 12 else ALL_KEYS)


ITEMS = [b"a", b"b", b"c", b"d", b"", b"item", b"item2", b"\x00\xff", b"x" * 50, b"-1", b"7"]

MODULE_FAMILIES: dict[str, str] = {
    "cms": """
        CMS.INITBYDIM <sketch> <dimension> <dimension>
        CMS.INITBYPROB <sketch> <fraction> <fraction>
        CMS.INCRBY <sketch> {<item> <amount>}...
        CMS.QUERY <sketch> <item>...
        CMS.MERGE <sketch> 1 <sketch>
        CMS.MERGE <sketch> 2 <sketch> <sketch> [WEIGHTS <weight> <weight>]
        CMS.MERGE <sketch> 3 <sketch> <sketch> <sketch> WEIGHTS <weight> <weight> <weight>
        CMS.INFO <sketch>
        DEL <sketch>
        SET <sketch> x
    """,
}
MODULE_SLOTS: Slots = {
    "item": one_of(ITEMS),
    "sketch": key_of(b"cms1", b"cms2", b"cms3"),
    "dimension": one_of([b"3", b"3", b"3", b"5", b"1", b"20", b"0", b"-1", b"x"]),
    "fraction": one_of([b"0.1", b"0.1", b"0.01", b"0.5", b"1", b"0", b"-0.1", b"1e-3", b"inf", b"nan", b"x", b" 0.1"]),
    "amount": one_of([b"1", b"1", b"2", b"3", b"10", b"0", b"4294967290", b"4294967296", b"-1", b"x", b"1.5"]),
    "weight": one_of([b"1", b"1", b"2", b"0", b"-1", b"1000000", b"9223372036854775807", b"x", b"1.0"]),
}

"""What the fuzzer says to a server with modules: a file for each module, or for structures that are alike."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fuzz.grammar import Slots
from tests.fuzz.values import SLOTS as COMMON_SLOTS

from . import digests, filters, json, vectors
from .shared import ITEM

__all__ = ["MODULE_FAMILIES", "MODULE_SLOTS", "is_avoided"]

MODULE_FAMILIES: dict[str, str] = {**filters.FAMILIES, **digests.FAMILIES, **json.FAMILIES, **vectors.FAMILIES}
MODULE_SLOTS: Slots = {"item": ITEM, **filters.SLOTS, **digests.SLOTS, **json.SLOTS, **vectors.SLOTS}
assert MODULE_SLOTS.keys().isdisjoint(COMMON_SLOTS)
assert len(MODULE_SLOTS) == 1 + sum(len(each.SLOTS) for each in (filters, digests, json, vectors))


def is_avoided(argv: Sequence[bytes]) -> bool:
    """Whether the real module ends, hangs or takes all memory there is, or chance decides."""
    return filters.is_avoided(argv) or digests.is_avoided(argv)
